/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z9: compose files. The first byte chooses: 'E' an env file, 'I' a template, 'W' a command line,
 * else a compose file. What is accepted must print as a file that is accepted and says the same.
 */
#include <stdint.h>
#include <string.h>

#include "cmd/compose/compose_file.h"
#include "cmd/compose/dotenv.h"
#include "cmd/compose/project_output.h"
#include "cmd/compose/shell_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Environment *make_env(void)
{
	Environment *env = environment_new(NULL, NULL);
	environment_set(env, "A", "va $x lue", true);
	environment_set(env, "E", "", true);
	return env;
}

/* Every node of a file has a place in it, every kind what belongs to it. */
static void check_node(const Node *node)
{
	g_assert_true((node->kind == NODE_STRING) == (node->text != NULL));
	g_assert_true((node->kind == NODE_LIST) == (node->items != NULL));
	g_assert_true((node->kind == NODE_MAP) == (node->entries != NULL));
	g_assert_cmpint(node->tag, ==, NODE_TAG_NONE);
	for (size_t i = 0; i < node_count(node); i++) {
		bool map = node->kind == NODE_MAP;
		if (map)
			g_assert_true(node_get(node, node_entry(node, i)->key) ==
				      node_entry(node, i)->value);
		check_node(map ? node_entry(node, i)->value : node_item(node, i));
	}
}

static void escape(Node *node)
{
	if (node->kind == NODE_STRING) {
		g_auto(GStrv) parts = g_strsplit(node->text, "$", -1);
		g_free(node->text);
		node->text = g_strjoinv("$$", parts);
	}
	for (size_t i = 0; i < node_count(node); i++)
		escape(node->kind == NODE_MAP ? node_entry(node, i)->value : node_item(node, i));
}

static void read_file(const char *text, size_t size)
{
	g_autoptr(Environment) env = make_env();
	g_autoptr(GError) error = NULL;
	g_autoptr(Node) model = compose_file_parse(text, size, "f.yaml", env, &error);
	g_assert_true((model == NULL) == (error != NULL));
	if (!model) {
		g_assert_true(g_str_has_prefix(error->message, "f.yaml:"));
		return;
	}
	check_node(model);
	const Node *services = node_get(model, "services");
	for (size_t i = 0; i < node_count(services); i++) {
		g_autofree char *hash = project_service_hash(node_entry(services, i)->value);
		g_assert_cmpuint(strlen(hash), ==, 64);
	}
	g_autoptr(Json) before = node_to_json(model);
	g_autoptr(GString) out = g_string_new(NULL);
	escape(model);
	project_output_yaml(model, out);
	g_autoptr(Node) again = compose_file_parse(out->str, out->len, "f.yaml", env, &error);
	g_assert_no_error(error);
	g_autoptr(Json) after = node_to_json(again);
	g_assert_cmpstr(js_text(before), ==, js_text(after));
}

static void read_env(const char *text)
{
	g_autoptr(Environment) env = make_env();
	const Interpolation outer = environment_interpolation(env);
	for (int raw = 0; raw < 2; raw++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) pairs = dotenv_parse(text, "f.env", &outer, raw, &error);
		g_assert_true((pairs == NULL) == (error != NULL));
		for (guint i = 0; pairs && i < pairs->len; i++)
			g_assert_true(*((DotenvPair *)pairs->pdata[i])->name);
	}
}

static void read_template(const char *text)
{
	g_autoptr(Environment) env = make_env();
	const Interpolation outer = environment_interpolation(env);
	g_autoptr(GError) error = NULL;
	g_autofree char *out = NULL;
	InterpolateResult result = interpolate_text(&outer, text, &out, &error);
	g_assert_true((result == INTERPOLATE_OK) == (out != NULL));
	g_assert_true((result == INTERPOLATE_OK) == (error == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_malloc(size + 1);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (text[0] == 'E') {
		read_env(text + 1);
	} else if (text[0] == 'I') {
		read_template(text + 1);
	} else if (text[0] == 'W') {
		g_strfreev(shell_words_split(text + 1));
	} else {
		read_file(text, size);
	}
	return 0;
}
