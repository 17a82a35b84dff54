/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounds of expansion: hostile words end in an error, soon.
 */
#include <glib.h>
#include <string.h>

#include "build/expand.h"

static const char *look_up(const char *name, void *data)
{
	return strcmp(name, "x") == 0 ? data : NULL;
}

/* The error that @text gives with @value for x; NULL if none. */
static char *error_of(const char *text, const char *value)
{
	Expander expander = {.lookup = look_up, .data = (char *)value, .escape = '\\'};
	g_autoptr(GError) error = NULL;
	g_autofree char *word = expand_word(&expander, text, &error);
	g_assert_true((word == NULL) == (error != NULL));
	return error ? g_strdup(error->message) : NULL;
}

static char *nested(unsigned depth)
{
	GString *text = g_string_new(NULL);
	for (unsigned i = 0; i < depth; i++)
		g_string_append(text, "${a:-");
	for (unsigned i = 0; i < depth; i++)
		g_string_append_c(text, '}');
	return g_string_free(text, FALSE);
}

static void test_depth(void)
{
	g_autofree char *most = nested(EXPAND_DEPTH_MAX);
	g_autofree char *more = nested(EXPAND_DEPTH_MAX + 1);
	g_assert_null(error_of(most, ""));
	g_autofree char *message = error_of(more, "");
	g_assert_cmpstr(message, ==, "too many nested braces");
}

static void test_size(void)
{
	g_autofree char *value = g_strnfill(EXPAND_SIZE_MAX, 'a');
	g_assert_null(error_of("$x", value));
	g_autofree char *message = error_of("$x.", value);
	g_assert_cmpstr(message, ==, "the result is too large");
}

static void test_work(void)
{
	g_autofree char *value = g_strnfill(1 << 19, 'a');
	g_autofree char *message = error_of("${x//*b/c}", value);
	g_assert_cmpstr(message, ==, "a pattern takes too long to match");
	/* The budget is the whole word's, also where every part is cheap. */
	GString *text = g_string_new(NULL);
	for (unsigned i = 0; i < 200; i++)
		g_string_append(text, "${x##*}");
	g_autofree char *many = g_string_free(text, FALSE);
	g_autofree char *again = error_of(many, value);
	g_assert_cmpstr(again, ==, "a pattern takes too long to match");
}

static void test_long_pattern(void)
{
	g_autofree char *stars = g_strnfill(5000, '*');
	g_autofree char *text = g_strdup_printf("${x#%s}", stars);
	g_autofree char *message = error_of(text, "abc");
	g_assert_cmpstr(message, ==, "a pattern is longer than 4096 bytes");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/expand/bounds/depth", test_depth);
	g_test_add_func("/expand/bounds/size", test_size);
	g_test_add_func("/expand/bounds/work", test_work);
	g_test_add_func("/expand/bounds/pattern", test_long_pattern);
	return g_test_run();
}
