/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: what is accepted, what is refused, and how errors name their place.
 */
#include "libpod/base/json.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/record.h"
#include "tests/unit/base/temp_dir.h"

static Json *parse(const char *text)
{
	return js_parse(text, strlen(text), "test", NULL);
}

static void test_accepts(void)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" {\"a\":[1,2.5e3,-1,true,false,null,\"x\\u00e4\\n\"]}\n\t",
		"1",
		"-12",
		"\"x\"",
		"true",
		"\"NaN Infinity\"",
		"{\"a\\\"N\":1}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(Json) json = parse(good[i]);
		if (!json)
			g_error("refused: %s", good[i]);
	}
}

static void test_refuses(void)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"[1",
		"{} {}",
		"{}x",
		"[1,]",
		"{\"a\":1,}",
		"{'a':1}",
		"{a:1}",
		"NaN",
		"[NaN]",
		"[Infinity]",
		"[-Infinity]",
		"/* c */ {}",
		"[1] // c",
		"\"\xff\"",
		"\"\xc3\"",
		"nul",
		"null",
		"tru",
		"\"open",
		"[\"a\nb\"",
		"\"a\nb\"",
		"\"\x1f\"",
		"\"\\\xc3\xa9\"",
		"\"\\x\"",
		"\xc3\xa9",
		"{\"a\" 1}",
		"{\"a\"}",
		"[1 2]",
		"01x",
		"+1",
		/* Overlong forms, a surrogate, beyond the last character. */
		"\"\xc0\xaf\"",
		"\"\xe0\x80\xaf\"",
		"\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = js_parse(bad[i], strlen(bad[i]), "test", &error);
		if (json)
			g_error("accepted: %s", bad[i]);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_assert_true(g_str_has_prefix(error->message, "test: "));
	}
	g_assert_null(js_parse("[1]\0[2]", 7, "test", NULL));
}

/* Debian 13's json-c is strict about bytes that are none of its business. */
static void test_beyond_ascii(void)
{
	static const char *const texts[] = {"\xc3\xa9", "a\xe4\xb8\xad\xe6\x96\x87z",
					    "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", "\xef\xbf\xbd\x7f"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *text = g_strdup_printf("{\"%s\":\"%s\"}", texts[i], texts[i]);
		g_autoptr(Json) json = parse(text);
		const char *value = NULL;
		g_assert_true(js_get_string(json, texts[i], &value, NULL));
		g_assert_cmpstr(value, ==, texts[i]);
		g_assert_cmpstr(js_text(json), ==, text);
	}
}

static void test_errors_name_the_byte(void)
{
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
		{"{\"a\":1,}", "test: unexpected character at byte 7"},
		{"[\"a\"] x", "test: unexpected character at byte 6"},
		{"[\"\xc3\xa9\xf0\x9f\x98\x80\"] x", "test: unexpected character at byte 11"},
		{"[\"\xc3\xa9\"", "test: unexpected end of data at byte 5"},
		{"[\"a\tb\"]", "test: a control character in a string"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(js_parse(rows[i].text, strlen(rows[i].text), "test", &error));
		g_assert_cmpstr(error->message, ==, rows[i].message);
	}
}

static void test_depth(void)
{
	GString *text = g_string_new(NULL);
	for (int i = 0; i < 100; i++)
		g_string_append_c(text, '[');
	for (int i = 0; i < 100; i++)
		g_string_append_c(text, ']');
	g_assert_null(js_parse(text->str, text->len, "test", NULL));
	g_autoptr(Json) json = js_parse(text->str + 50, 100, "test", NULL);
	g_assert_nonnull(json);
	g_string_free(text, TRUE);
}

static void test_not_terminated(void)
{
	g_autoptr(Json) number = js_parse("1234", 2, "test", NULL);
	g_assert_cmpint(json_object_get_int(number), ==, 12);
	g_autoptr(Json) object = js_parse("{}garbage", 2, "test", NULL);
	g_assert_nonnull(object);
}

static void test_getters(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json =
		parse("{\"s\":\"x\",\"i\":-5,\"b\":true,\"o\":{\"k\":\"v\"},\"a\":[\"p\",\"q\"],"
		      "\"n\":null}");
	const char *s = "default";
	g_autofree char *dup = NULL;
	int64_t i = 0;
	bool b = false;
	Json *o = NULL, *a = NULL;
	g_auto(GStrv) list = NULL;
	g_autoptr(GHashTable) map = NULL;
	g_assert_true(js_get_string(json, "absent", &s, &error));
	g_assert_true(js_get_string(json, "n", &s, &error));
	g_assert_true(js_get_string(NULL, "s", &s, &error));
	g_assert_cmpstr(s, ==, "default");
	g_assert_true(js_get_string(json, "s", &s, &error));
	g_assert_cmpstr(s, ==, "x");
	g_assert_true(js_dup_string(json, "s", &dup, &error));
	g_assert_cmpstr(dup, ==, "x");
	g_assert_true(js_get_int(json, "i", -5, 5, &i, &error));
	g_assert_cmpint(i, ==, -5);
	g_assert_true(js_get_bool(json, "b", &b, &error));
	g_assert_true(b);
	g_assert_true(js_get_object(json, "o", &o, &error));
	g_assert_true(js_get_array(json, "a", &a, &error));
	g_assert_cmpuint(json_object_array_length(a), ==, 2);
	g_assert_true(js_get_strv(json, "a", &list, &error));
	g_assert_cmpstr(list[1], ==, "q");
	g_assert_true(js_get_string_map(json, "o", &map, &error));
	g_assert_cmpstr(g_hash_table_lookup(map, "k"), ==, "v");
	g_assert_no_error(error);
}

/* The parser refuses them from json-c 0.17 on, before that the getter has to. */
static void test_numbers_out_of_range(void)
{
	static const char *const texts[] = {"{\"n\":18446744073709551615}",
					    "{\"n\":-99999999999999999999}",
					    "{\"n\":99999999999999999999}"};
	for (size_t k = 0; k < G_N_ELEMENTS(texts); k++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = js_parse(texts[k], strlen(texts[k]), "test", &error);
		int64_t n = 7;
		g_assert_false(json && js_get_int(json, "n", G_MININT64, G_MAXINT64, &n, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_assert_cmpint(n, ==, 7);
	}
}

static void test_getters_name_the_place(void)
{
	g_autoptr(Json) json =
		parse("{\"s\":1,\"i\":\"x\",\"f\":1.5,\"a\":[\"p\",2],\"m\":{\"k\":[]},"
		      "\"z\":\"a\\u0000b\"}");
	g_autoptr(Json) array = parse("[]");
	const char *s = "kept";
	int64_t i = 7;
	char **list = NULL;
	GHashTable *map = NULL;
	struct {
		bool result;
		const char *message;
	} rows[8];
	GError *errors[8] = {NULL};
	rows[0].result = js_get_string(json, "s", &s, &errors[0]);
	rows[0].message = "s: expected a string";
	rows[1].result = js_get_int(json, "i", 0, 9, &i, &errors[1]);
	rows[1].message = "i: expected an integer";
	rows[2].result = js_get_int(json, "f", 0, 9, &i, &errors[2]);
	rows[2].message = "f: expected an integer";
	rows[3].result = js_get_strv(json, "a", &list, &errors[3]);
	rows[3].message = "a[1]: expected a string";
	rows[4].result = js_get_string_map(json, "m", &map, &errors[4]);
	rows[4].message = "m.k: expected a string";
	rows[5].result = js_get_string(json, "z", &s, &errors[5]);
	rows[5].message = "z: contains a NUL character";
	rows[6].result = js_get_int(json, "s", 2, 9, &i, &errors[6]);
	rows[6].message = "s: expected an integer from 2 to 9";
	rows[7].result = js_get_string(array, "s", &s, &errors[7]);
	rows[7].message = "s: expected an object around it";
	for (size_t n = 0; n < G_N_ELEMENTS(rows); n++) {
		g_assert_false(rows[n].result);
		g_assert_true(error_matches(errors[n], ENGINE_ERROR_INVALID));
		g_assert_cmpstr(errors[n]->message, ==, rows[n].message);
		g_error_free(errors[n]);
	}
	g_assert_cmpstr(s, ==, "kept");
	g_assert_cmpint(i, ==, 7);
	g_assert_null(list);
	g_assert_null(map);
}

static void test_build(void)
{
	g_autoptr(Json) json = json_object_new_object();
	const char *const list[] = {"x", "y/z", NULL};
	g_autoptr(GHashTable) map = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(map, (void *)"b", (void *)"2");
	g_hash_table_insert(map, (void *)"a", (void *)"1");
	js_set_string(json, "none", NULL);
	js_set_string(json, "s", "v");
	js_set_int(json, "i", 3);
	js_set_bool(json, "b", false);
	js_set_take(json, "l", js_from_strv(list));
	js_set_take(json, "e", js_from_strv(NULL));
	js_set_take(json, "m", js_from_string_map(map));
	js_set_take(json, "n", js_from_string_map(NULL));
	g_assert_cmpstr(js_text(json), ==,
			"{\"s\":\"v\",\"i\":3,\"b\":false,\"l\":[\"x\",\"y/z\"],\"e\":[],"
			"\"m\":{\"a\":\"1\",\"b\":\"2\"},\"n\":{}}");
}

static void test_pretty(void)
{
	g_autoptr(Json) json = parse("{\"a\":[1,{\"b\":\"  x\"}],\"e\":[],\"o\":{}}");
	g_assert_cmpstr(js_text_pretty(json), ==,
			"{\n"
			"    \"a\": [\n"
			"        1,\n"
			"        {\n"
			"            \"b\": \"  x\"\n"
			"        }\n"
			"    ],\n"
			"    \"e\": [],\n"
			"    \"o\": {}\n"
			"}");
}

static void test_load(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_assert_null(js_load(temp.fd, "absent", 100, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	g_clear_error(&error);
	g_assert_true(record_replace(temp.fd, "r", "{\"a\":", 5, RECORD_SYNC_NONE, NULL));
	g_assert_null(js_load(temp.fd, "r", 100, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
	g_assert_true(g_str_has_prefix(error->message, "r: "));
	g_clear_error(&error);
	g_assert_true(record_replace(temp.fd, "r", "{}", 2, RECORD_SYNC_NONE, NULL));
	g_autoptr(Json) json = js_load(temp.fd, "r", 100, &error);
	g_assert_nonnull(json);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json/parse/accepts", test_accepts);
	g_test_add_func("/json/parse/refuses", test_refuses);
	g_test_add_func("/json/parse/beyond-ascii", test_beyond_ascii);
	g_test_add_func("/json/parse/errors-name-the-byte", test_errors_name_the_byte);
	g_test_add_func("/json/parse/depth-is-bounded", test_depth);
	g_test_add_func("/json/parse/reads-no-further-than-told", test_not_terminated);
	g_test_add_func("/json/get/values-and-defaults", test_getters);
	g_test_add_func("/json/get/numbers-out-of-range", test_numbers_out_of_range);
	g_test_add_func("/json/get/errors-name-the-place", test_getters_name_the_place);
	g_test_add_func("/json/build", test_build);
	g_test_add_func("/json/pretty/four-spaces", test_pretty);
	g_test_add_func("/json/load/broken-record-is-corrupt", test_load);
	return g_test_run();
}
