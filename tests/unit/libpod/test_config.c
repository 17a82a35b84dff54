/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/spec_parse.h"

typedef struct {
	const char *text;          /* of the file */
	const char *options[3][2]; /* typed: name of a setter below, value */
	const char *expect;        /* in create.json */
	const char *refuse;        /* not in create.json, or NULL */
} Row;

static const struct {
	const char *name;
	SpecSetter set;
} setters[] = {
	{"log-driver", spec_set_log_driver},
	{"pids-limit", spec_set_pids_limit},
	{"cgroups", spec_set_cgroups},
	{"cgroup-conf", spec_add_cgroup_conf},
	{"oom-score-adj", spec_set_oom_score_adj},
	{"network", spec_set_network},
	{"ulimit", spec_add_ulimit},
	{"sysctl", spec_add_sysctl},
	{"volume", spec_add_volume},
	{"dns", spec_add_dns},
	{"shm-size", spec_set_shm_size},
	{"userns", spec_set_userns},
	{"ipc", spec_set_ipc},
	{"stop-timeout", spec_set_stop_timeout},
	{"hostname", spec_set_hostname},
};

static void type(ContainerSpec *spec, const char *name, const char *value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(setters); i++) {
		if (strcmp(name, setters[i].name) == 0) {
			g_assert_true(setters[i].set(spec, value, NULL));
			return;
		}
	}
	g_assert_not_reached();
}

static void test_keys(void)
{
	static const Row rows[] = {
		{"[containers]\nlog_driver='none'", {{NULL}}, "\"logDriver\":\"none\"", NULL},
		{"[containers]\nlog_driver='none'", {{"log-driver", "k8s-file"}}, "{", "logDriver"},
		{"[containers]\nlog_driver='journald'", {{NULL}}, "{", "logDriver"},
		{"[containers]\npids_limit=7", {{NULL}}, "\"pidsLimit\":7", NULL},
		{"[containers]\npids_limit=7", {{"pids-limit", "9"}}, "\"pidsLimit\":9", NULL},
		{"[containers]\ncgroups='disabled'", {{NULL}}, "\"cgroups\":\"disabled\"", NULL},
		{"[containers]\ncgroups='enabled'", {{NULL}}, "{", "cgroups"},
		{"[containers]\ncgroups='disabled'",
		 {{"cgroups", "enabled"}},
		 "\"cgroups\":\"enabled\"",
		 NULL},
		{"[containers]\ncgroup_conf=['memory.high=5']",
		 {{NULL}},
		 "\"memory.high\":\"5\"",
		 NULL},
		{"[containers]\ncgroup_conf=['memory.high=5']",
		 {{"cgroup-conf", "memory.high=7"}},
		 "\"memory.high\":\"7\"",
		 NULL},
		{"[containers]\noom_score_adj=7", {{NULL}}, "\"oomScoreAdj\":7", NULL},
		{"[containers]\npids_limit=0", {{NULL}}, "\"pidsLimit\":-1", NULL},
		{"[containers]\nshm_size='1m'", {{NULL}}, "\"shmSize\":1048576", NULL},
		{"[containers]\nshm_size='1m'", {{"shm-size", "2m"}}, "\"shmSize\":2097152", NULL},
		{"[containers]\nshm_size='1m'", {{"ipc", "host"}}, "{", "shmSize"},
		{"[containers]\ninit=true", {{NULL}}, "\"init\":true", NULL},
		{"[containers]\nread_only=true", {{NULL}}, "\"readOnly\":true", NULL},
		{"[containers]\nnetns='host'", {{NULL}}, "\"mode\":\"host\"", NULL},
		{"[containers]\nnetns='host'", {{"network", "none"}}, "\"mode\":\"none\"", NULL},
		{"[containers]\nnetns='pasta'", {{NULL}}, "\"mode\":\"slirp\"", NULL},
		{"[containers]\nuserns='keep-id'",
		 {{NULL}},
		 "\"userns\":\"keep-id\"",
		 "usernsAsked"},
		{"[containers]\nuserns='keep-id'", {{"userns", "host"}}, "usernsAsked", "keep-id"},
		{"[containers]\nutsns='host'", {{"hostname", "x"}}, "\"hostname\":\"x\"", "uts"},
		{"[containers]\nipcns='shareable'",
		 {{NULL}},
		 "\"ipc\":{\"mode\":\"private\"}",
		 NULL},
		{"[containers]\ndefault_ulimits=['nofile=1:2','core=0']",
		 {{"ulimit", "nofile=5"}},
		 "\"resource\":7,\"soft\":5",
		 "\"resource\":7,\"soft\":1"},
		{"[containers]\ndefault_sysctls=['net.ipv4.ip_forward=1']",
		 {{NULL}},
		 "ip_forward",
		 NULL},
		{"[containers]\ndefault_sysctls=['net.ipv4.ip_forward=1']",
		 {{"network", "host"}},
		 "{",
		 "ip_forward"},
		{"[containers]\ndefault_sysctls=['net.ipv4.ip_forward=1']",
		 {{"sysctl", "net.ipv4.ip_forward=0"}},
		 "\"net.ipv4.ip_forward\":\"0\"",
		 NULL},
		{"[containers]\nvolumes=['a:/x','b:/y']",
		 {{"volume", "c:/x"}},
		 "\"source\":\"b\"",
		 "\"source\":\"a\""},
		{"[containers]\nmounts=['type=tmpfs,dst=/t']",
		 {{NULL}},
		 "\"destination\":\"/t\"",
		 NULL},
		{"[containers]\ndns_servers=['1.1.1.1','2.2.2.2']",
		 {{NULL}},
		 "\"dns\":[\"1.1.1.1\",\"2.2.2.2\"]",
		 NULL},
		{"[containers]\ndns_servers=['1.1.1.1']",
		 {{"dns", "9.9.9.9"}},
		 "9.9.9.9",
		 "1.1.1.1"},
		{"[containers]\ndns_servers=['1.1.1.1']", {{"network", "none"}}, "{", "1.1.1.1"},
		{"[containers]\nannotations=['a=b']",
		 {{NULL}},
		 "\"annotations\":{\"a\":\"b\"}",
		 NULL},
		{"[containers]\nlabel=false", {{NULL}}, "\"labelDisable\":true", NULL},
		{"[containers]\nlog_size_max=100", {{NULL}}, "\"logMaxSize\":100", NULL},
		{"[containers]\nlog_size_max=-1", {{NULL}}, "{", "logMaxSize"},
		{"[containers]\nlog_tag=''", {{NULL}}, "{", "logTag"},
		{"[containers]\nseccomp_profile='unconfined'", {{NULL}}, "seccompUnconfined", NULL},
		{"[engine]\nstop_timeout=3", {{NULL}}, "\"stopTimeout\":3", NULL},
		{"[engine]\nstop_timeout=3", {{"stop-timeout", "4"}}, "\"stopTimeout\":4", NULL},
		{"", {{NULL}}, "{", "pidsLimit"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Config) config = config_new();
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		for (size_t o = 0; o < 3 && rows[i].options[o][0]; o++)
			type(spec, rows[i].options[o][0], rows[i].options[o][1]);
		g_assert_true(config_add(config, "f", rows[i].text, &error));
		g_assert_true(config_apply(config, spec, &error));
		g_assert_no_error(error);
		g_autoptr(Json) json = spec_to_json(spec);
		g_test_message("%s: %s", rows[i].text, js_text(json));
		g_assert_nonnull(strstr(js_text(json), rows[i].expect));
		g_assert_true(!rows[i].refuse || !strstr(js_text(json), rows[i].refuse));
	}
}

static void test_layers(void)
{
	g_autoptr(Config) config = config_new();
	g_autoptr(ContainerSpec) spec = spec_new();
	g_assert_true(config_add(config, "1", "[containers]\nenv=['A=1']\npids_limit=1\n", NULL));
	g_assert_true(config_add(config, "2", "[containers]\nenv=['B=2',{append=true}]\n", NULL));
	g_assert_true(config_add(config, "3", "[containers]\npids_limit=3\n", NULL));
	g_assert_true(config_apply(config, spec, NULL));
	g_autofree char *env = g_strjoinv(" ", spec->env_defaults);
	g_assert_cmpstr(env, ==, "A=1 B=2");
	g_assert_cmpint(spec->pids_limit, ==, 3);

	g_autoptr(Config) replaced = config_new();
	g_autoptr(ContainerSpec) other = spec_new();
	g_assert_true(config_add(replaced, "1", "[containers]\nenv=['A=1']\n", NULL));
	g_assert_true(config_add(replaced, "2", "[containers]\nenv=['B=2']\n", NULL));
	g_assert_true(config_apply(replaced, other, NULL));
	g_autofree char *replaced_env = g_strjoinv(" ", other->env_defaults);
	g_assert_cmpstr(replaced_env, ==, "B=2");
}

static void test_errors(void)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"[containers", "f:1:"},
		{"[containers]\npids_limit='x'", "f:2:"},
		{"[containers]\nenv='A=1'", "'env' must be an array of strings"},
		{"[containers]\nenv=[1]", "'env' must be an array of strings"},
		{"[containers]\ninit='yes'", "'init' must be true or false"},
		{"containers=1", "'containers' must be a table"},
		{"[containers]\ndns_servers=['x']", "f: dns_servers: x is not an ip address"},
		{"[containers]\ndefault_sysctls=['kernel.core_pattern=x']",
		 "f: default_sysctls: sysctl 'kernel.core_pattern' is not allowed"},
		{"[containers]\nenv=['A']", "f: env: invalid environment variable"},
		{"[containers]\nvolumes=['a:b']", "f: volumes: invalid container path"},
		{"[containers]\ncgroups='x'",
		 "f: cgroups: running container create option: invalid cgroup mode"},
		{"[containers]\ncgroup_conf=['x']", "f: cgroup_conf: --cgroup-conf must be"},
		{"[containers]\noom_score_adj=1001", "f: oom_score_adj: invalid value 1001"},
		{"[containers]\nuserns='foo'", "f: userns: unrecognized namespace mode foo passed"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Config) config = config_new();
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		bool ok = config_add(config, "f", rows[i].text, &error) &&
			  config_apply(config, spec, &error);
		g_assert_false(ok);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, rows[i].message));
	}
}

static void test_files(void)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("skiff-conf-XXXXXX", &path, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_assert_true(g_file_set_contents(
		path,
		"# c\n  # d = [\n[containers]\numask='0077' # e\n#\npids_limit=5\n[x]\ny=1\n# end",
		-1, NULL));
	g_setenv("CONTAINERS_CONF", path, TRUE);
	g_setenv("CONTAINERS_CONF_OVERRIDE", "/nonexistent/conf", TRUE);
	g_autoptr(Json) report = config_report();
	g_autofree char *expected = g_strdup_printf(
		"{\"files\":[\"%s\"],\"ignored\":[\"%s: containers.umask\",\"%s: x.y\"]}", path,
		path, path);
	g_assert_cmpstr(json_object_to_json_string_ext(
				report, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			==, expected);
	g_unlink(path);
}

/* --module: over all files, by path or from the directory of modules; one that is not there is
 * said. */
static void test_modules(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("skiff-module-XXXXXX", &path, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_assert_true(g_file_set_contents(path, "[containers]\npids_limit=7", -1, NULL));
	g_setenv("CONTAINERS_CONF", "/nonexistent/conf", TRUE);
	const char *const modules[] = {path, NULL};
	g_autoptr(Config) config = config_load(modules, &error);
	g_assert_no_error(error);
	g_autoptr(ContainerSpec) spec = spec_new();
	g_assert_true(config_apply(config, spec, &error));
	g_assert_cmpint(spec->pids_limit, ==, 7);
	const char *const absent[] = {"none.conf", NULL};
	g_assert_null(config_load(absent, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	g_unlink(path);
}

/* Lines are counted as in the file, and a string over several lines keeps its own. */
static void test_comments(void)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("skiff-conf-XXXXXX", &path, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(Config) broken = config_new();
	g_assert_true(g_file_set_contents(path, "# a\n\n\t# b\n[containers]\n# c\npids_limit=x\n",
					  -1, NULL));
	g_assert_false(config_add(broken, path, NULL, &error));
	g_autofree char *expected = g_strdup_printf("%s:6:", path);
	g_assert_true(g_str_has_prefix(error->message, expected));

	g_autoptr(Config) config = config_new();
	g_autoptr(ContainerSpec) spec = spec_new();
	g_assert_true(
		g_file_set_contents(path, "[containers]\nlog_tag=\"\"\"a\n# b\"\"\"\n", -1, NULL));
	g_assert_true(config_add(config, path, NULL, NULL));
	g_assert_true(config_apply(config, spec, NULL));
	g_assert_cmpstr(spec->log_tag, ==, "a\n# b");
	g_unlink(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/keys/typed-options-win", test_keys);
	g_test_add_func("/config/layers/replace-and-append", test_layers);
	g_test_add_func("/config/errors/name-file-and-key", test_errors);
	g_test_add_func("/config/files/comments", test_comments);
	g_test_add_func("/config/files/environment-and-ignored-keys", test_files);
	g_test_add_func("/config/modules", test_modules);
	return g_test_run();
}
