/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "libpod/base/error.h"
#include "storage/image_config.h"

#define DIFF   "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF "\"]}"

static ImageConfig *parse(const char *text, GError **error)
{
	return image_config_parse(text, strlen(text), error);
}

static void test_full(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ImageConfig) config = parse(
		"{\"created\":\"2024-01-02T03:04:05Z\",\"author\":\"me\",\"architecture\":\"arm\","
		"\"os\":\"linux\","
		"\"variant\":\"v7\",\"config\":{\"User\":\"1:2\",\"Env\":[\"A=b\",\"C=\"],"
		"\"Entrypoint\":[\"/e\"],"
		"\"Cmd\":[\"c\"],\"Volumes\":{\"/data\":{},\"rel/../x\":{}},\"ExposedPorts\":{\"80/"
		"tcp\":{}},"
		"\"WorkingDir\":\"/a//b/../c\",\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\","
		"\"Shell\":[\"/bin/bash\"],\"Healthcheck\":{\"Test\":[\"NONE\"]}}," ROOTFS
		",\"history\":[{\"created_by\":\"x\"}]}",
		&error);
	g_assert_no_error(error);
	g_assert_cmpstr(config->variant, ==, "v7");
	g_assert_cmpstr(config->user, ==, "1:2");
	g_assert_cmpstr(config->env[1], ==, "C=");
	g_assert_cmpstr(config->entrypoint[0], ==, "/e");
	g_assert_cmpstr(config->cmd[0], ==, "c");
	g_assert_cmpstr(config->working_dir, ==, "/a/c");
	g_assert_cmpstr(config->stop_signal, ==, "SIGINT");
	g_assert_cmpstr(config->shell[0], ==, "/bin/bash");
	g_assert_cmpstr(config->exposed_ports[0], ==, "80/tcp");
	g_assert_cmpstr(config->volumes[0], ==, "/data");
	g_assert_cmpstr(config->volumes[1], ==, "/x");
	g_assert_cmpstr(g_hash_table_lookup(config->labels, "k"), ==, "v");
	g_assert_nonnull(config->healthcheck);
	g_assert_nonnull(config->history);
	g_assert_cmpstr(config->diff_ids[0], ==, DIFF);
}

static void test_minimal(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ImageConfig) config =
		parse("{\"config\":{\"Cmd\":[],\"User\":\"\"}," ROOTFS "}", &error);
	g_assert_no_error(error);
	g_assert_null(config->cmd);
	g_assert_null(config->user);
	g_assert_null(config->working_dir);
	g_assert_nonnull(config->env);
	g_assert_nonnull(config->volumes);
	g_assert_nonnull(config->labels);
}

/* Each of these once led a tool to do something on the host, or may. */
static void test_hostile(void)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../../x\"]}}",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[7]}}",
		"{\"rootfs\":{\"type\":\"tree\",\"diff_ids\":[]}}",
		"{\"config\":{\"Env\":[\"HOME\"]}," ROOTFS "}",
		"{\"config\":{\"Env\":[\"*\"]}," ROOTFS "}",
		"{\"config\":{\"Env\":[\"=x\"]}," ROOTFS "}",
		"{\"config\":{\"Env\":[\"A\\n=x\"]}," ROOTFS "}",
		"{\"config\":{\"Env\":[\"A=x\\u0000y\"]}," ROOTFS "}",
		"{\"config\":{\"Env\":\"A=b\"}," ROOTFS "}",
		"{\"config\":{\"User\":\"a\\nb\"}," ROOTFS "}",
		"{\"config\":{\"User\":7}," ROOTFS "}",
		"{\"config\":{\"WorkingDir\":\"/a\\u001b[2J\"}," ROOTFS "}",
		"{\"config\":{\"Volumes\":{\"/\":{}}}," ROOTFS "}",
		"{\"config\":{\"Volumes\":{\"/../..\":{}}}," ROOTFS "}",
		"{\"config\":{\"ExposedPorts\":{\"80/tcp;rm\":{}}}," ROOTFS "}",
		"{\"config\":{\"StopSignal\":\"SIG\\tINT\"}," ROOTFS "}",
		"{\"config\":{\"Labels\":{\"a\":1}}," ROOTFS "}",
		"{\"layers\":[]," ROOTFS "}",
		"{\"manifests\":[]," ROOTFS "}",
		"{" ROOTFS "} x",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(ImageConfig) config = parse(bad[i], &error);
		if (config)
			g_error("accepted: %s", bad[i]);
		g_assert_nonnull(error);
	}
}

static void test_bounds(void)
{
	g_autoptr(GString) text = g_string_new("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (int i = 0; i < 501; i++)
		g_string_append_printf(text, "%s\"" DIFF "\"", i ? "," : "");
	g_string_append(text, "]}}");
	g_autoptr(GError) error = NULL;
	g_assert_null(image_config_parse(text->str, text->len, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);

	g_autofree char *long_value = g_strnfill(128 << 10, 'a');
	g_autofree char *env =
		g_strdup_printf("{\"config\":{\"Env\":[\"A=%s\"]}," ROOTFS "}", long_value);
	g_assert_null(parse(env, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);

	g_autofree char *huge = g_strnfill((4 << 20) + 1, ' ');
	g_assert_null(parse(huge, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image-config/parse/full", test_full);
	g_test_add_func("/image-config/parse/minimal", test_minimal);
	g_test_add_func("/image-config/parse/refuses-hostile-values", test_hostile);
	g_test_add_func("/image-config/parse/bounds", test_bounds);
	return g_test_run();
}
