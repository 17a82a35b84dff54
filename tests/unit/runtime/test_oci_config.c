/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json: what is written is read back the same, what is wrong is named with its path.
 */
#include "libpod/runtime/oci_config.h"

#include <string.h>
#include <sys/resource.h>

#include "libpod/base/error.h"

static char **list(const char *text)
{
	return g_strsplit(text, " ", -1);
}

static GHashTable *table(const char *key, const char *value)
{
	GHashTable *map = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(map, g_strdup(key), g_strdup(value));
	return map;
}

static void fill_process(OciConfig *config)
{
	config->terminal = true;
	config->rows = 24;
	config->columns = 80;
	config->user_spec = g_strdup("bob:wheel");
	config->extra_groups = list("audio 7");
	config->args = list("sh -c true");
	config->env = list("PATH=/bin A=b=c");
	config->cwd = g_strdup("/srv");
	config->cap_bounding = UINT64_C(0x1ffffffffff);
	config->cap_effective = 0x800405fb;
	config->cap_ambient = 1 << 13;
	OciRlimit limits[] = {{RLIMIT_NOFILE, 1024, 4096},
			      {RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY}};
	g_array_append_vals(config->rlimits, limits, 2);
	config->no_new_privileges = true;
	config->apparmor_profile = g_strdup("strict");
	config->selinux_label = g_strdup("a:b:c:s0");
	config->oom_score_adj = -5;
	config->oom_score_adj_set = true;
	config->create_cwd = true;
	config->init_process = true;
}

/* Everything that a configuration can say. */
static OciConfig *full_config(void)
{
	static const char *const options[] = {"rbind", "ro", "U", NULL};
	OciConfig *config = oci_config_new();
	fill_process(config);
	config->root_path = g_strdup("rootfs");
	config->root_readonly = true;
	config->hostname = g_strdup("box");
	config->domainname = g_strdup("example.org");
	for (size_t i = 0; i < OCI_NS_COUNT; i++)
		config->namespaces[i].mode = OCI_NS_NEW;
	config->namespaces[OCI_NS_NETWORK] =
		(OciNamespace){OCI_NS_PATH, g_strdup("/proc/7/ns/net")};
	config->namespaces[OCI_NS_CGROUP].mode = OCI_NS_HOST;
	config->user_map = idmap_new();
	idmap_add(config->user_map->uids, 0, 1, 65535);
	idmap_add(config->user_map->gids, 0, 1, 65535);
	oci_config_add_mount(config, "/data", "bind", "/srv/my data", options);
	oci_config_add_mount(config, "/proc", "proc", "proc", NULL);
	OciDevice *device = g_new0(OciDevice, 1);
	*device = (OciDevice){.path = g_strdup("/dev/fuse"),
			      .host_path = g_strdup("/dev/fuse"),
			      .type = 'c',
			      .major = 10,
			      .minor = 229,
			      .mode = 0666};
	g_ptr_array_add(config->devices, device);
	config->sysctl = table("net.ipv4.ip_unprivileged_port_start", "0");
	config->masked_paths = list("/proc/kcore /proc/keys");
	config->readonly_paths = list("/proc/sys");
	config->cgroups_path = g_strdup("/skiff/x");
	config->resources.pids = 2048;
	config->mount_label = g_strdup("m:l");
	config->annotations = table("org.example", "kept");
	return config;
}

static void test_round_trip(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(OciConfig) config = full_config();
	g_autoptr(Json) first = oci_config_write(config);
	g_autoptr(Json) parsed = js_parse(js_text(first), strlen(js_text(first)), "test", &error);
	g_assert_no_error(error);
	g_autoptr(OciConfig) again = oci_config_read(parsed, &error);
	g_assert_no_error(error);
	g_autoptr(Json) second = oci_config_write(again);
	g_assert_cmpstr(js_text(first), ==, js_text(second));

	g_assert_cmpstr(again->user_spec, ==, "bob:wheel");
	g_assert_cmpstr(again->extra_groups[1], ==, "7");
	g_assert_true(again->init_process && again->create_cwd);
	g_assert_cmpuint(g_array_index(again->rlimits, OciRlimit, 1).hard, ==, RLIM_INFINITY);
	g_assert_cmpint(again->namespaces[OCI_NS_CGROUP].mode, ==, OCI_NS_HOST);
	const OciDevice *device = g_ptr_array_index(again->devices, 0);
	g_assert_cmpstr(device->host_path, ==, "/dev/fuse");
	/* Ours are out of the table again, so that nobody takes them for the user's. */
	g_assert_cmpuint(g_hash_table_size(again->annotations), ==, 1);
}

/* CVE-2021-43784: so many mounts that a length of 16 bits would begin anew change nothing else. */
static void test_many_mounts(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(OciConfig) config = full_config();
	guint had = config->mounts->len;
	for (int i = 0; i < 70000; i++) {
		g_autofree char *place = g_strdup_printf("/mnt/%05d", i);
		oci_config_add_mount(config, place, "tmpfs", "tmpfs", NULL);
	}
	g_autoptr(Json) written = oci_config_write(config);
	g_autoptr(OciConfig) again = oci_config_read(written, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(again->mounts->len, ==, had + 70000);
	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		g_assert_cmpint(again->namespaces[i].mode, ==, config->namespaces[i].mode);
		g_assert_cmpstr(again->namespaces[i].path, ==, config->namespaces[i].path);
	}
	const OciMount *last = g_ptr_array_index(again->mounts, had + 69999);
	g_assert_cmpstr(last->destination, ==, "/mnt/69999");
}

static void test_minimal(void)
{
	static const char text[] =
		"{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],"
		"\"user\":{\"uid\":5,\"gid\":6,\"additionalGids\":[7,8]}},"
		"\"root\":{\"path\":\"r\"},\"linux\":{}}";
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = js_parse(text, strlen(text), "test", &error);
	g_autoptr(OciConfig) config = oci_config_read(json, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(config->user_spec, ==, "5:6");
	g_assert_cmpstr(config->extra_groups[0], ==, "7");
	g_assert_cmpstr(config->extra_groups[1], ==, "8");
	g_assert_false(config->oom_score_adj_set);
	g_assert_cmpuint(config->cap_bounding, ==, 0);
}

/* A member put into a good configuration, and the words by which it is refused. */
static void test_refused(void)
{
	static const struct {
		const char *part, *member, *message;
	} rows[] = {
		{"", "{\"ociVersion\":\"2.0\"}", "ociVersion"},
		{"", "{\"process\":null}", "process: missing"},
		{"", "{\"mounts\":[{\"destination\":\"data\"}]}", "mounts[0].destination"},
		{"", "{\"mounts\":[{\"destination\":\"/a\",\"type\":\"bind\"}]}",
		 "mounts[0].source"},
		{"", "{\"mounts\":{}}", "mounts"},
		{"process", "{\"args\":[]}", "process.args"},
		{"process", "{\"args\":[1]}", "process.args[0]"},
		{"process", "{\"cwd\":null}", "process.cwd"},
		{"process", "{\"oomScoreAdj\":1001}", "process.oomScoreAdj"},
		{"process", "{\"rlimits\":[{\"type\":\"RLIMIT_MOON\",\"soft\":1,\"hard\":1}]}",
		 "process.rlimits[0].type"},
		{"process", "{\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1}]}",
		 "process.rlimits[0].hard"},
		{"process", "{\"capabilities\":{\"bounding\":[\"CAP_MOON\"]}}", "CAP_MOON"},
		{"linux", "{\"namespaces\":[{\"type\":\"time\"}]}", "linux.namespaces[0].type"},
		{"linux", "{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]}", "twice"},
		{"linux", "{\"devices\":[{\"path\":\"x\",\"type\":\"c\"}]}",
		 "linux.devices[0].path"},
		{"linux", "{\"devices\":[{\"path\":\"/x\",\"type\":\"q\"}]}",
		 "linux.devices[0].type"},
		{"linux", "{\"sysctl\":{\"a\":1}}", "sysctl"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(OciConfig) config = full_config();
		g_autoptr(Json) json = oci_config_write(config);
		Json *object = json;
		if (*rows[i].part)
			json_object_object_get_ex(json, rows[i].part, &object);
		g_autoptr(Json) members = json_tokener_parse(rows[i].member);
		json_object_object_foreach(members, key, value)
			json_object_object_add(object, key, json_object_get(value));
		g_autoptr(GError) error = NULL;
		g_autoptr(OciConfig) read = oci_config_read(json, &error);
		g_assert_null(read);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		if (!strstr(error->message, rows[i].message))
			g_error("'%s' does not say '%s'", error->message, rows[i].message);
	}
}

/* Only the mount of cgroups is changed. */
static void test_seal_cgroup(void)
{
	const char *const options[] = {"nosuid", "rw", NULL};
	g_autoptr(OciConfig) config = oci_config_new();
	oci_config_add_mount(config, "/run", "tmpfs", "tmpfs", options);
	oci_config_add_mount(config, "/sys/fs/cgroup", "cgroup", "cgroup", options);
	g_assert_true(oci_config_divides_cgroup(config));
	oci_config_seal_cgroup(config);
	g_assert_false(oci_config_divides_cgroup(config));
	g_assert_cmpstr(((OciMount *)config->mounts->pdata[0])->options[1], ==, "rw");
	g_assert_cmpstr(((OciMount *)config->mounts->pdata[1])->options[1], ==, "ro");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oci-config/round-trip", test_round_trip);
	g_test_add_func("/oci-config/2021-43784-many-mounts", test_many_mounts);
	g_test_add_func("/oci-config/read/minimal-of-other-tools", test_minimal);
	g_test_add_func("/oci-config/read/names-what-is-wrong", test_refused);
	g_test_add_func("/oci-config/seal-cgroup", test_seal_cgroup);
	return g_test_run();
}
