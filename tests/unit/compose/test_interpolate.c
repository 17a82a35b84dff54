/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/interpolate.h"

#include <string.h>

typedef struct {
	GString *missing;
	const char *asked;
} World;

static const char *lookup(const char *name, void *data)
{
	((World *)data)->asked = name;
	return strcmp(name, "A") == 0 ? "1" : strcmp(name, "E") == 0 ? "" : NULL;
}

static void missing(const char *name, void *data)
{
	g_string_append(((World *)data)->missing, name);
}

static void test_texts(void)
{
	static const struct {
		const char *text, *result, *missing, *error;
	} rows[] = {
		{"", "", "", NULL},
		{"$A${A}", "11", "", NULL},
		{"$$A $ $1 $", "$A $ $1 $", "", NULL},
		{"$NO ${NO}", " ", "NONO", NULL},
		{"${NO:-d}${NO-d}${E:-d}${E-d}${A:-d}", "ddd1", "", NULL},
		{"${NO:+a}${NO+a}${E:+a}${E+a}${A:+a}", "aa", "", NULL},
		{"${A:?x}${E?x}", "1", "", NULL},
		{"${NO:-${NO:-${A}}}", "1", "", NULL},
		{"${A:-${NO}}", "1", "", NULL},
		{"${NO:-a}b}", "ab}", "", NULL},
		{"${NO:-a:?b}", "a:?b", "", NULL},
		{"${E:?}", NULL, "", "required variable E is missing a value"},
		{"${NO?why $A}", NULL, "", "required variable NO is missing a value: why 1"},
		{"${", NULL, "", "Invalid template: \"${\""},
		{"${}", NULL, "", "Invalid template: \"${}\""},
		{"${ x}", NULL, "", "Invalid template: \"${ x}\""},
		{"${x!}", NULL, "", "Invalid template: \"${x!}\""},
		{"${x:=y}", NULL, "", "Invalid template: \"${x:=y}\""},
		{"${x", NULL, "", "Invalid template: \"${x\""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) names = g_string_new(NULL);
		World world = {.missing = names};
		const Interpolation env = {lookup, &world, missing};
		g_autoptr(GError) error = NULL;
		g_autofree char *out = NULL;
		InterpolateResult result = interpolate_text(&env, rows[i].text, &out, &error);
		g_assert_cmpint(result == INTERPOLATE_OK, ==, rows[i].result != NULL);
		g_assert_cmpstr(out, ==, rows[i].result);
		g_assert_cmpstr(names->str, ==, rows[i].missing);
		g_assert_cmpstr(error ? error->message : NULL, ==, rows[i].error);
	}
}

/* Words nest only so deep, and a value grows only so far. */
static void test_bounds(void)
{
	g_autoptr(GString) names = g_string_new(NULL);
	g_autoptr(GString) deep = g_string_new(NULL);
	World world = {.missing = names};
	const Interpolation env = {lookup, &world, missing};
	g_autofree char *out = NULL;
	for (int i = 0; i < 1000; i++)
		g_string_append(deep, "${NO:-");
	for (int i = 0; i < 1000; i++)
		g_string_append_c(deep, '}');
	g_assert_cmpint(interpolate_text(&env, deep->str, &out, NULL), ==, INTERPOLATE_INVALID);
	g_autofree char *wide = g_strnfill(INTERPOLATE_SIZE_MAX + 10, 'x');
	g_assert_cmpint(interpolate_text(&env, wide, &out, NULL), !=, INTERPOLATE_OK);
	g_assert_null(out);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/interpolate/texts", test_texts);
	g_test_add_func("/compose/interpolate/bounds", test_bounds);
	return g_test_run();
}
