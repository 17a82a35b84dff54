/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_resolve() and the reports against an engine in a temporary directory. Nothing is started.
 */
#include "libpod/inspect.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/inspect_priv.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_resolve.h"

typedef struct {
	char *dir, *rootfs;
	Engine *engine;
} Fixture;

static void set_up(Fixture *f, const void *unused)
{
	g_setenv("CONTAINERS_CONF", "/dev/null", TRUE);
	f->dir = g_dir_make_tmp("skiff-inspect-XXXXXX", NULL);
	f->rootfs = g_build_filename(f->dir, "rootfs", NULL);
	g_assert_cmpint(g_mkdir(f->rootfs, 0755), ==, 0);
	g_autofree char *root = g_build_filename(f->dir, "root", NULL);
	g_autofree char *runroot = g_build_filename(f->dir, "run", NULL);
	const EngineOptions options = {.root = root, .runroot = runroot};
	g_autoptr(GError) error = NULL;
	f->engine = engine_open(&options, &error);
	g_assert_no_error(error);
}

static void tear_down(Fixture *f, const void *unused)
{
	engine_close(f->engine);
	g_autofree char *name = g_path_get_basename(f->dir);
	autofd parent = open(g_get_tmp_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(path_remove_tree(parent, name));
	g_free(f->dir);
	g_free(f->rootfs);
}

/* A spec as `create --rootfs` fills it. */
static ContainerSpec *new_spec(Fixture *f, const char *name)
{
	ContainerSpec *spec = spec_new();
	g_assert_true(spec_set_name(spec, name, NULL));
	g_assert_true(spec_set_rootfs(spec, f->rootfs, NULL));
	spec->command = g_strsplit("sleep 100", " ", -1);
	return spec;
}

static Container *create(Fixture *f, ContainerSpec *spec)
{
	g_autoptr(GError) error = NULL;
	spec_resolve(f->engine, spec, NULL, &error);
	g_assert_no_error(error);
	Container *ctr = container_create(f->engine, spec, &error);
	g_assert_no_error(error);
	return ctr;
}

/* The value at a path of keys, "Config.Env". */
static Json *value_at(Json *json, const char *path)
{
	g_auto(GStrv) keys = g_strsplit(path, ".", -1);
	for (char **key = keys; *key; key++) {
		g_test_message("%s", *key);
		g_assert_true(json_object_object_get_ex(json, *key, &json));
	}
	return json;
}

static void check_text(Json *json, const char *path, const char *expected)
{
	g_assert_cmpstr(js_text(value_at(json, path)), ==, expected);
}

static void test_container(Fixture *f, const void *unused)
{
	g_autoptr(ContainerSpec) spec = new_spec(f, "web");
	g_assert_true(spec_add_volume(spec, "data:/data:ro", NULL));
	g_assert_true(spec_add_volume(spec, "/usr:/u:z,nosuid", NULL));
	g_assert_true(spec_add_tmpfs(spec, "/t:size=1m", NULL));
	g_assert_true(spec_add_publish(spec, "127.0.0.1:8080-8081:80-81", NULL));
	g_assert_true(spec_add_expose(spec, "53/udp", NULL));
	g_assert_true(spec_add_cap_add(spec, "net_raw", NULL));
	g_assert_true(spec_add_cap_drop(spec, "chown", NULL));
	g_assert_true(spec_add_env(spec, "A=b", NULL));
	g_assert_true(spec_add_label(spec, "l=v", NULL));
	g_assert_true(spec_set_user(spec, "5:6", NULL));
	g_assert_true(spec_set_entrypoint(spec, "[\"sh\",\"-c\"]", NULL));
	g_assert_true(spec_add_security_opt(spec, "no-new-privileges", NULL));
	g_assert_true(spec_add_security_opt(spec, "seccomp=unconfined", NULL));
	g_assert_true(spec_set_restart(spec, "on-failure:3", NULL));
	g_assert_true(spec_set_stop_signal(spec, "SIGINT", NULL));
	g_assert_true(spec_add_ulimit(spec, "nofile=5:-1", NULL));
	g_autoptr(Container) ctr = create(f, spec);
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = inspect_container(f->engine, ctr, false, &error);
	g_assert_no_error(error);

	check_text(json, "Path", "\"sh\"");
	check_text(json, "Args", "[\"-c\",\"sleep\",\"100\"]");
	check_text(json, "State.Status", "\"created\"");
	check_text(json, "State.StartedAt", "\"0001-01-01T00:00:00Z\"");
	check_text(json, "EffectiveCaps", "[\"CAP_NET_RAW\"]");
	check_text(json, "Config.Entrypoint", "[\"sh\",\"-c\"]");
	check_text(json, "Config.Cmd", "[\"sleep\",\"100\"]");
	check_text(json, "Config.User", "\"5:6\"");
	check_text(json, "Config.Labels", "{\"l\":\"v\"}");
	check_text(json, "Config.StopSignal", "\"SIGINT\"");
	check_text(json, "Config.ExposedPorts", "{\"53/udp\":{}}");
	check_text(json, "HostConfig.CapAdd", "[\"CAP_NET_RAW\"]");
	check_text(json, "HostConfig.CapDrop", "[\"CAP_CHOWN\"]");
	check_text(json, "HostConfig.SecurityOpt",
		   "[\"no-new-privileges\",\"seccomp=unconfined\"]");
	check_text(json, "HostConfig.Tmpfs",
		   "{\"/t\":\"rw,rprivate,size=1048576,nosuid,nodev,tmpcopyup\"}");
	check_text(json, "HostConfig.RestartPolicy",
		   "{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}");
	check_text(json, "HostConfig.Binds",
		   "[\"data:/data:ro,rprivate,nosuid,nodev,rbind\",\"/usr:/"
		   "u:rw,z,rprivate,nosuid,rbind\"]");
	check_text(json, "HostConfig.Ulimits",
		   "[{\"Name\":\"RLIMIT_NOFILE\",\"Soft\":5,\"Hard\":-1}]");
	check_text(json, "NetworkSettings.Ports",
		   "{\"53/udp\":null,\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"}],"
		   "\"81/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8081\"}]}");
	const char *id = container_summary(ctr)->id;
	g_assert_true(strncmp(json_object_get_string(value_at(json, "Config.Hostname")), id, 12) ==
		      0);
}

/* Every key of podman 5's report that scripts read is there and has its type. */
static void test_container_types(Fixture *f, const void *unused)
{
	static const struct {
		const char *path;
		json_type type;
	} rows[] = {
		{"Id", json_type_string},
		{"Created", json_type_string},
		{"State.Running", json_type_boolean},
		{"State.Pid", json_type_int},
		{"State.ExitCode", json_type_int},
		{"State.OOMKilled", json_type_boolean},
		{"State.Error", json_type_string},
		{"State.FinishedAt", json_type_string},
		{"Image", json_type_string},
		{"ImageName", json_type_string},
		{"Rootfs", json_type_string},
		{"Pod", json_type_string},
		{"HostsPath", json_type_string},
		{"Name", json_type_string},
		{"RestartCount", json_type_int},
		{"Driver", json_type_string},
		{"BoundingCaps", json_type_array},
		{"ExecIDs", json_type_array},
		{"GraphDriver.Data", json_type_object},
		{"Mounts", json_type_array},
		{"Dependencies", json_type_array},
		{"NetworkSettings.IPAddress", json_type_string},
		{"NetworkSettings.SandboxKey", json_type_string},
		{"Config.Env", json_type_array},
		{"Config.Tty", json_type_boolean},
		{"Config.CreateCommand", json_type_array},
		{"Config.StopTimeout", json_type_int},
		{"Config.Annotations", json_type_object},
		{"Config.Volumes", json_type_null},
		{"HostConfig.LogConfig.Type", json_type_string},
		{"HostConfig.NetworkMode", json_type_string},
		{"HostConfig.PortBindings", json_type_object},
		{"HostConfig.AutoRemove", json_type_boolean},
		{"HostConfig.ShmSize", json_type_int},
		{"HostConfig.PidsLimit", json_type_int},
		{"HostConfig.Devices", json_type_array},
		{"HostConfig.UsernsMode", json_type_string},
		{"HostConfig.ReadonlyRootfs", json_type_boolean},
		{"HostConfig.MemorySwappiness", json_type_null},
		{"IsInfra", json_type_boolean},
	};
	g_autoptr(ContainerSpec) spec = new_spec(f, "types");
	g_autoptr(Container) ctr = create(f, spec);
	g_autoptr(Json) json = inspect_container(f->engine, ctr, false, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(json_object_get_type(value_at(json, rows[i].path)), ==,
				rows[i].type);
}

static void test_volume(Fixture *f, const void *unused)
{
	const VolumeCreate options = {.name = "data"};
	g_autoptr(GError) error = NULL;
	g_autoptr(Volume) volume = volume_create(f->engine, &options, &error);
	g_assert_no_error(error);
	g_autoptr(Json) json = inspect_volume(f->engine, volume, NULL);
	check_text(json, "Name", "\"data\"");
	check_text(json, "Driver", "\"local\"");
	check_text(json, "Labels", "{}");
	check_text(json, "MountCount", "0");
	g_assert_true(g_str_has_suffix(json_object_get_string(value_at(json, "Mountpoint")),
				       "/data/_data"));
}

static void test_info(Fixture *f, const void *unused)
{
	g_autoptr(ContainerSpec) spec = new_spec(f, "one");
	g_autoptr(Container) ctr = create(f, spec);
	g_assert_nonnull(ctr);
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = inspect_info(f->engine, &error);
	g_assert_no_error(error);
	check_text(json, "store.containerStore",
		   "{\"number\":1,\"paused\":0,\"running\":0,\"stopped\":1}");
	check_text(json, "store.graphDriverName", "\"overlay\"");
	check_text(json, "host.os", "\"linux\"");
	g_assert_cmpint(json_object_get_int64(value_at(json, "host.memTotal")), >, 0);
	g_assert_cmpstr(json_object_get_string(value_at(json, "version.Version")), ==,
			SKIFF_VERSION);
}

static void test_history(Fixture *f, const void *unused)
{
	static const char config_text[] = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":"
					  "{\"type\":\"layers\",\"diff_ids\":[]},"
					  "\"history\":[{\"created\":\"2026-01-01T00:00:00Z\","
					  "\"created_by\":\"ADD x\",\"comment\":\"c\"},"
					  "{\"created_by\":\"CMD y\",\"empty_layer\":true}]}";
	g_autoptr(GError) error = NULL;
	char *none[] = {NULL};
	Image image = {.id = (char *)"aa", .names = none, .repo_digests = none, .chain_ids = none};
	image.config = image_config_parse(config_text, strlen(config_text), &error);
	g_assert_no_error(error);
	g_autoptr(Json) json = inspect_history(f->engine, &image, NULL);
	g_assert_cmpstr(js_text(json), ==,
			"[{\"id\":\"aa\",\"created\":\"0001-01-01T00:00:00Z\",\"CreatedBy\":\"CMD "
			"y\",\"size\":0},"
			"{\"id\":\"<missing>\",\"created\":\"2026-01-01T00:00:00Z\","
			"\"CreatedBy\":\"ADD x\",\"size\":0,\"comment\":\"c\"}]");
	image_config_free(image.config);
}

static void test_resolve_refusals(Fixture *f, const void *unused)
{
	static const struct {
		SpecSetter set;
		const char *value, *message;
		int code;
	} rows[] = {
		{spec_add_volume, "/nonexistent/x:/x",
		 "statfs /nonexistent/x: no such file or directory", ENGINE_ERROR_NOT_FOUND},
		{spec_add_device, "/dev/nonexistent",
		 "stat /dev/nonexistent: no such file or directory", ENGINE_ERROR_NOT_FOUND},
		{spec_add_device, "/etc/passwd", "/etc/passwd: not a device node",
		 ENGINE_ERROR_INVALID},
		{spec_set_pid, "container:nope",
		 "looking up container to share pid namespace with: no container with name or ID "
		 "\"nope\" "
		 "found: no such container",
		 ENGINE_ERROR_NOT_FOUND},
		{spec_set_network, "container:nope",
		 "looking up container to share net namespace with: ", ENGINE_ERROR_NOT_FOUND},
		{spec_set_userns, "container:nope",
		 "looking up container to share user namespace with: ", ENGINE_ERROR_NOT_FOUND},
		{spec_set_ipc, "ns:/nonexistent",
		 "cannot find specified ipc namespace path: stat /nonexistent",
		 ENGINE_ERROR_NOT_FOUND},
		{spec_add_security_opt, "seccomp=/nonexistent",
		 "opening seccomp profile failed: open /nonexistent: no such file or directory",
		 ENGINE_ERROR_NOT_FOUND},
		{spec_set_rootfs, "/nonexistent",
		 "running container create option: stat /nonexistent: no such file or directory",
		 ENGINE_ERROR_NOT_FOUND},
		{spec_set_rootfs, "/etc/passwd", "rootfs /etc/passwd is not a directory",
		 ENGINE_ERROR_INVALID},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(ContainerSpec) spec = new_spec(f, "x");
		g_autoptr(GError) error = NULL;
		g_assert_true(rows[i].set(spec, rows[i].value, NULL));
		g_assert_false(spec_resolve(f->engine, spec, NULL, &error));
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, rows[i].message));
		g_assert_cmpint(error->code, ==, rows[i].code);
	}
}

static void test_resolve_targets(Fixture *f, const void *unused)
{
	g_autoptr(ContainerSpec) first = new_spec(f, "one");
	g_autoptr(Container) one = create(f, first);
	const char *id = container_summary(one)->id;
	g_autoptr(ContainerSpec) spec = new_spec(f, "two");
	g_assert_true(spec_set_pid(spec, "container:one", NULL));
	g_assert_true(spec_set_network(spec, "container:one", NULL));
	g_assert_true(spec_set_userns(spec, "container:one", NULL));
	g_autoptr(Container) two = create(f, spec);
	g_assert_cmpstr(spec->pid.target, ==, id);
	g_assert_cmpstr(spec->network->target, ==, id);
	g_assert_cmpint(spec->userns, ==, SPEC_USERNS_HOST);
	g_autoptr(Json) json = inspect_container(f->engine, two, false, NULL);
	g_autofree char *dependencies = g_strdup_printf("[\"%s\"]", id);
	g_autofree char *mode = g_strdup_printf("\"container:%s\"", id);
	check_text(json, "Dependencies", dependencies);
	check_text(json, "HostConfig.PidMode", mode);
	check_text(json, "HostConfig.NetworkMode", mode);
}

static void test_resolve_ports(Fixture *f, const void *unused)
{
	g_autoptr(ContainerSpec) spec = new_spec(f, "p");
	g_assert_true(spec_add_publish(spec, "8080:80", NULL));
	g_assert_true(spec_add_expose(spec, "80-82", NULL));
	g_assert_true(spec_add_expose(spec, "80/udp", NULL));
	spec->publish_all = true;
	g_assert_true(spec_resolve(f->engine, spec, NULL, NULL));
	g_autoptr(GString) ports = g_string_new(NULL);
	for (guint i = 0; i < spec->network->ports->len; i++) {
		const PortMapping *mapping = spec->network->ports->pdata[i];
		g_string_append_printf(ports, "%u:%u/%d ", mapping->host_port,
				       mapping->container_port, mapping->protocol);
	}
	g_assert_cmpstr(ports->str, ==, "8080:80/0 0:81/0 0:82/0 0:80/1 ");

	g_autoptr(ContainerSpec) many = new_spec(f, "m");
	g_autoptr(GError) error = NULL;
	g_assert_true(spec_add_expose(many, "1-65535", NULL));
	many->publish_all = true;
	g_assert_false(spec_resolve(f->engine, many, NULL, &error));
	g_assert_nonnull(strstr(error->message, "more than 1024 ports"));

	g_autoptr(ContainerSpec) none = new_spec(f, "n");
	g_assert_true(spec_add_publish(none, "8080:80", NULL));
	g_assert_true(spec_set_network(none, "none", NULL));
	g_assert_true(spec_resolve(f->engine, none, NULL, NULL));
	g_assert_cmpuint(none->network->ports->len, ==, 0);
}

static void test_resolve_device_directory(Fixture *f, const void *unused)
{
	g_autoptr(ContainerSpec) spec = new_spec(f, "d");
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_build_filename(f->dir, "devs", NULL);
	g_autofree char *link = g_build_filename(dir, "null", NULL);
	g_autofree char *plain = g_build_filename(dir, "README", NULL);
	g_assert_cmpint(g_mkdir(dir, 0755), ==, 0);
	g_assert_cmpint(symlink("/dev/null", link), ==, 0);
	g_assert_true(g_file_set_contents(plain, "x", 1, NULL));
	g_autofree char *value = g_strconcat(dir, ":/dev/all:r", NULL);
	g_assert_true(spec_add_device(spec, value, NULL));
	g_assert_true(spec_resolve(f->engine, spec, NULL, &error));
	g_assert_cmpuint(spec->devices->len, ==, 1);
	const SpecDevice *device = spec->devices->pdata[0];
	g_assert_cmpstr(device->path, ==, "/dev/all/null");
	g_assert_cmpstr(device->permissions, ==, "r");
}

#define TEST(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("/inspect/container/values", test_container);
	TEST("/inspect/container/types", test_container_types);
	TEST("/inspect/volume", test_volume);
	TEST("/inspect/info", test_info);
	TEST("/inspect/history", test_history);
	TEST("/spec-resolve/host/refusals", test_resolve_refusals);
	TEST("/spec-resolve/targets/full-ids", test_resolve_targets);
	TEST("/spec-resolve/ports/publish-all", test_resolve_ports);
	TEST("/spec-resolve/devices/directory", test_resolve_device_directory);
	return g_test_run();
}
