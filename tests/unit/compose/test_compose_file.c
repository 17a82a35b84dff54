/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_file.h"

#include <string.h>

#include "cmd/compose/project_output.h"

static Node *parse(const char *text, GError **error)
{
	g_autoptr(Environment) env = environment_new(NULL, NULL);
	environment_set(env, "A", "1", true);
	return compose_file_parse(text, strlen(text), "f.yaml", env, error);
}

static void test_parse(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Node) model = parse("services: {a: {image: \"x$A\", ports: [80]}}\n---\n"
				      "services: {a: {ports: !reset [], labels: [b]}}",
				      &error);
	g_assert_no_error(error);
	const Node *service = node_get(node_get(model, "services"), "a");
	g_assert_cmpstr(node_string(service, "image"), ==, "x1");
	g_assert_null(node_get(service, "ports"));
	g_assert_cmpstr(node_string(node_get(service, "labels"), "b"), ==, "");
}

/* Nothing that is told apart by a hash may collide, and order says nothing. */
static void test_hash(void)
{
	static const char *const same[] = {"services: {a: {image: x, labels: {a: 1, b: 2}}}",
					   "services: {a: {labels: [b=2, a=1], image: x}}",
					   "services: {a: {labels: [b=2, a=1], image: x, scale: 3,"
					   " pull_policy: always, depends_on: [b], build: .}}"};
	static const char *const other[] = {
		"services: {a: {image: x}}", "services: {a: {image: x, labels: {a: 1, b: 3}}}",
		"services: {a: {image: x, command: []}}", "services: {a: {image: x, tty: true}}"};
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(same) + G_N_ELEMENTS(other); i++) {
		bool alike = i < G_N_ELEMENTS(same);
		g_autoptr(Node) model =
			parse(alike ? same[i] : other[i - G_N_ELEMENTS(same)], NULL);
		char *hash = project_service_hash(node_get(node_get(model, "services"), "a"));
		g_assert_cmpuint(strlen(hash), ==, 64);
		g_assert_cmpint(g_hash_table_add(seen, hash), ==, i == 0 || !alike);
	}
}

/* What is printed as YAML reads as the same. */
static void test_round_trip(void)
{
	static const char text[] =
		"services:\n  a:\n    image: x\n    command: [\"\", \"a b\", \"1\", \"true\", "
		"\"~\", "
		"\"x: y\", \"- z\", \"l1\\nl2\", \" s \", \"#c\", \"yes\", \"1:30\"]\n"
		"    cpus: 0.5\n    tty: true\n    labels: {a: \"\", \"1\": \"2\"}\n";
	g_autoptr(Node) model = parse(text, NULL);
	g_autoptr(GString) out = g_string_new(NULL);
	project_output_yaml(model, out);
	g_autoptr(GError) error = NULL;
	g_autoptr(Node) again = parse(out->str, &error);
	g_assert_no_error(error);
	g_assert_true(node_equal(model, again));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/file/parse", test_parse);
	g_test_add_func("/compose/file/hash", test_hash);
	g_test_add_func("/compose/file/round-trip", test_round_trip);
	return g_test_run();
}
