/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "cmd/output.h"
#include "cmd/yaml.h"

static void assert_taken(char *text, const char *wanted)
{
	g_assert_cmpstr(text, ==, wanted);
	g_free(text);
}

static void test_header(void)
{
	assert_taken(output_header("ID"), "ID");
	assert_taken(output_header("CreatedAt"), "CREATED AT");
	assert_taken(output_header("Names"), "NAMES");
	assert_taken(output_header("RunningFor"), "RUNNING FOR");
	assert_taken(output_header("ImageID"), "IMAGE ID");
	assert_taken(output_header("OSArch"), "OS ARCH");
}

static void test_normalize(void)
{
	assert_taken(output_normalize("a\\tb\\nc"), "a\tb\nc\n");
	assert_taken(output_normalize("{{\"\\n\"}}x"), "{{\"\\n\"}}x\n");
	assert_taken(output_normalize("x\n"), "x\n");
	assert_taken(output_normalize(""), "\n");
}

static void test_is_json(void)
{
	g_assert_true(output_is_json("json"));
	g_assert_true(output_is_json(" json "));
	g_assert_true(output_is_json("{{json .}}"));
	g_assert_true(output_is_json("{{ json . }}"));
	g_assert_true(output_is_json("{{ json }}"));
	g_assert_false(output_is_json("{{json .ID}}"));
	g_assert_false(output_is_json("jsonl"));
	g_assert_false(output_is_json(NULL));
}

static void test_align(void)
{
	char *lines[] = {(char *)"CONTAINER ID\tIMAGE\tNAMES",
			 (char *)"4f2a\tdocker.io/library/debian:12\tweb",
			 (char *)"1\t\u4e2d\u6587\tx"};
	g_autoptr(GString) out = g_string_new(NULL);
	output_align(lines, G_N_ELEMENTS(lines), out);
	g_assert_cmpstr(out->str, ==,
			"CONTAINER ID  IMAGE                        NAMES\n"
			"4f2a          docker.io/library/debian:12  web\n"
			"1             \u4e2d\u6587                         x\n");
}

static void test_align_without_tabs(void)
{
	char *lines[] = {(char *)"a", (char *)""};
	g_autoptr(GString) out = g_string_new(NULL);
	output_align(lines, G_N_ELEMENTS(lines), out);
	g_assert_cmpstr(out->str, ==, "a\n\n");
}

static void test_yaml(void)
{
	static const char text[] =
		"{\"host\":{\"arch\":\"amd64\",\"cpus\":2,\"empty\":{},\"list\":[\"a\",\"true\"],"
		"\"version\":\"12\",\"none\":null,\"on\":true},\"rows\":[{\"a\":1,\"b\":[]},{}],"
		"\"quote\":\"it's: here\",\"lines\":\"a\\nb\"}";
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = js_parse(text, strlen(text), "test", &error);
	g_assert_no_error(error);
	g_autoptr(GString) out = g_string_new(NULL);
	yaml_print(json, out);
	g_assert_cmpstr(out->str, ==,
			"host:\n"
			"  arch: amd64\n"
			"  cpus: 2\n"
			"  empty: {}\n"
			"  list:\n"
			"  - a\n"
			"  - 'true'\n"
			"  version: '12'\n"
			"  none: null\n"
			"  'on': true\n"
			"rows:\n"
			"- a: 1\n"
			"  b: []\n"
			"- {}\n"
			"quote: 'it''s: here'\n"
			"lines: \"a\\nb\"\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/output/header", test_header);
	g_test_add_func("/output/normalize", test_normalize);
	g_test_add_func("/output/is-json", test_is_json);
	g_test_add_func("/output/align", test_align);
	g_test_add_func("/output/align-without-tabs", test_align_without_tabs);
	g_test_add_func("/yaml/print", test_yaml);
	return g_test_run();
}
