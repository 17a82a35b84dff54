/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "libpod/base/error.h"
#include "libpod/systemd_mode.h"

static void test_commands(void)
{
	static const char *const yes[] = {"/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init",
					  "/lib/systemd/systemd", "systemd"};
	static const char *const no[] = {"init",     "/bin/init",           "/sbin/init2",
					 "systemd2", "/x/systemd/journald", ""};
	for (size_t i = 0; i < G_N_ELEMENTS(yes); i++)
		g_assert_true(systemd_mode_is_command(yes[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(no); i++)
		g_assert_false(systemd_mode_is_command(no[i]));
}

/* What becomes of a spec with that command. */
static ContainerSpec *resolve(SpecSystemd asked, const char *program, int stop_signal)
{
	ContainerSpec *spec = spec_new();
	spec->systemd_asked = asked;
	spec->stop_signal = stop_signal;
	spec->args = g_strdupv((char *[]){(char *)program, NULL});
	systemd_mode_resolve(spec);
	return spec;
}

static void test_resolve(void)
{
	g_autoptr(ContainerSpec) by_name = resolve(SPEC_SYSTEMD_AUTO, "/sbin/init", 0);
	g_autoptr(ContainerSpec) other = resolve(SPEC_SYSTEMD_AUTO, "/bin/sh", 0);
	g_autoptr(ContainerSpec) off = resolve(SPEC_SYSTEMD_OFF, "/sbin/init", 0);
	g_autoptr(ContainerSpec) always = resolve(SPEC_SYSTEMD_ALWAYS, "/bin/sh", SIGQUIT);
	g_assert_true(by_name->systemd && by_name->stop_signal == SIGRTMIN + 3);
	g_assert_true(!other->systemd && other->stop_signal == 0);
	g_assert_true(!off->systemd && off->stop_signal == 0);
	g_assert_true(always->systemd && always->stop_signal == SIGQUIT);
}

/* How many tmpfs are there? */
static guint count_memory(const OciConfig *config)
{
	guint n = 0;
	for (guint i = 0; i < config->mounts->len; i++)
		n += g_str_equal(((OciMount *)config->mounts->pdata[i])->type, "tmpfs");
	return n;
}

static void test_build(void)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	g_autoptr(ContainerSpec) spec = resolve(SPEC_SYSTEMD_AUTO, "/sbin/init", 0);
	g_autoptr(ContainerSpec) plain = resolve(SPEC_SYSTEMD_OFF, "/sbin/init", 0);
	g_autoptr(OciConfig) config = oci_config_new();
	g_autoptr(OciConfig) without = oci_config_new();
	g_ptr_array_add(spec->mounts,
			spec_mount_new(SPEC_MOUNT_VOLUME, "logs", "/var/log/journal"));
	systemd_mode_add_mounts(config, spec);
	systemd_mode_add_env(config, spec, id);
	g_assert_cmpuint(count_memory(config), ==, 3);
	g_assert_cmpstr(g_environ_getenv(config->env, "container_uuid"), ==,
			"0123456789abcdef0123456789abcdef");
	systemd_mode_add_mounts(without, plain);
	systemd_mode_add_env(without, plain, id);
	g_assert_cmpuint(without->mounts->len, ==, 0);
	g_assert_null(g_environ_getenv(without->env, "container_uuid"));
}

/* With the namespace of others it gets no cgroup to write to. */
static void test_namespace(void)
{
	g_autoptr(ContainerSpec) spec = resolve(SPEC_SYSTEMD_AUTO, "/sbin/init", 0);
	g_assert_true(systemd_mode_has_namespace(spec));
	spec->cgroup.mode = SPEC_NS_PRIVATE;
	g_assert_true(systemd_mode_has_namespace(spec));
	spec->cgroup.mode = SPEC_NS_HOST;
	g_assert_false(systemd_mode_has_namespace(spec));
	spec->cgroup.mode = SPEC_NS_CONTAINER;
	g_assert_false(systemd_mode_has_namespace(spec));
}

static void test_parse(void)
{
	SpecSystemd mode = SPEC_SYSTEMD_AUTO;
	g_autoptr(GError) error = NULL;
	g_assert_true(systemd_mode_parse("ALWAYS", &mode, NULL) && mode == SPEC_SYSTEMD_ALWAYS);
	g_assert_true(systemd_mode_parse("false", &mode, NULL) && mode == SPEC_SYSTEMD_OFF);
	g_assert_true(systemd_mode_parse("true", &mode, NULL) && mode == SPEC_SYSTEMD_AUTO);
	g_assert_false(systemd_mode_parse("yes", &mode, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/systemd-mode/commands", test_commands);
	g_test_add_func("/systemd-mode/resolve", test_resolve);
	g_test_add_func("/systemd-mode/build", test_build);
	g_test_add_func("/systemd-mode/namespace", test_namespace);
	g_test_add_func("/systemd-mode/parse", test_parse);
	return g_test_run();
}
