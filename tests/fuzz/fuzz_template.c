/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z11: a template of --format, NUL, the JSON that it prints. Refused in words, or run within its
 * bounds: twice the same, and with its values harmless on a terminal where that is asked for.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "cmd/template_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const maps[] = {"Labels", NULL};
static const char *const lists[] = {"Names", NULL};
static const char *const times[] = {"Created", NULL};
static const TemplateSchema schema = {
	.type_name = "fuzz.Row", .maps = maps, .lists = lists, .times = times};

static bool run(const Template *tmpl, Json *json, GString *out)
{
	g_autoptr(TemplateHeap) heap = template_heap_new();
	TemplateValue dot = template_from_json(json, &schema, heap);
	g_autoptr(GError) error = NULL;
	bool ok = template_run(tmpl, &dot, out, &error);
	g_assert_cmpint(ok, ==, error == NULL);
	g_assert_cmpuint(out->len, <=, TEMPLATE_MAX_MEMORY + TEMPLATE_MAX_TEXT);
	return ok;
}

/* A control character in the output stands in the template itself. */
static void check_escaped(const char *source, const GString *out)
{
	for (const char *at = source; *at; at++)
		if (g_ascii_iscntrl(*at) || *at == '\\')
			return;
	for (size_t i = 0; i < out->len; i++)
		g_assert_true(!g_ascii_iscntrl(out->str[i]) || out->str[i] == '\n' ||
			      out->str[i] == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);
	if (!end)
		return 0;
	g_autofree char *source = g_strndup((const char *)data, (size_t)(end - data));
	g_autoptr(GError) error = NULL;
	g_autoptr(Template) tmpl = template_parse("fuzz", source, &error);
	g_assert_true((tmpl == NULL) == (error != NULL));
	if (!tmpl)
		return 0;
	g_autoptr(Json) json =
		js_parse((const char *)end + 1, size - (size_t)(end + 1 - data), "data", NULL);
	GString *first = g_string_new(NULL), *second = g_string_new(NULL);
	bool ok = run(tmpl, json, first);
	template_escape_values(tmpl, true);
	g_assert_cmpint(run(tmpl, json, second), ==, ok);
	check_escaped(source, second);
	g_string_truncate(second, 0);
	template_escape_values(tmpl, false);
	g_assert_cmpint(run(tmpl, json, second), ==, ok);
	g_assert_cmpstr(first->str, ==, second->str);
	g_string_free(first, TRUE);
	g_string_free(second, TRUE);
	return 0;
}
