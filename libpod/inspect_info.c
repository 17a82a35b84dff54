/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skiff info`: the host, the store and what we are, in podman's tree.
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/spawn.h"
#include "libpod/config.h"
#include "libpod/inspect.h"
#include "libpod/inspect_priv.h"
#include "libpod/runtime/privileges.h"
#include "storage/manifest.h"
#include "storage/registries_conf.h"

#define CGROUP2_MAGIC 0x63677270
#define SMALL_FILE    65536

/* A small file of the host; "" if it cannot be read. g_free() it. */
static char *read_host_file(const char *path)
{
	char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_strdup("");
	if (strlen(text) > SMALL_FILE)
		text[SMALL_FILE] = '\0';
	return text;
}

/* The path of our group in the unified hierarchy, from "0::/...". g_free() it. */
static char *own_cgroup(void)
{
	g_autofree char *text = read_host_file("/proc/self/cgroup");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, "0::"))
			return g_strdup(*line + 3);
	return g_strdup("/");
}

static void set_cgroups(Json *host)
{
	struct statfs fs;
	bool unified = statfs("/sys/fs/cgroup", &fs) == 0 && (unsigned)fs.f_type == CGROUP2_MAGIC;
	g_autofree char *group = own_cgroup();
	g_autofree char *path =
		g_build_filename("/sys/fs/cgroup", group, "cgroup.controllers", NULL);
	g_autofree char *text = unified ? read_host_file(path) : g_strdup("");
	g_strstrip(text);
	g_auto(GStrv) controllers = g_strsplit(text, " ", -1);
	js_set_string(host, "cgroupManager", "cgroupfs");
	js_set_string(host, "cgroupVersion", unified ? "v2" : "v1");
	inspect_set_list(host, "cgroupControllers", controllers);
}

/* A value of "KEY=value" or "KEY: value" lines, without quotes; "" if absent. g_free() it. */
static char *line_value(const char *text, const char *key, char separator)
{
	size_t length = strlen(key);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		if (strncmp(*line, key, length) != 0 || (*line)[length] != separator)
			continue;
		g_autofree char *value = g_strstrip(g_strdup(*line + length + 1));
		size_t n = strlen(value);
		if (n >= 2 && value[0] == '"' && value[n - 1] == '"')
			return g_strndup(value + 1, n - 2);
		return g_steal_pointer(&value);
	}
	return g_strdup("");
}

static void set_distribution(Json *host)
{
	g_autofree char *text = read_host_file("/etc/os-release");
	g_autofree char *id = line_value(text, "ID", '=');
	g_autofree char *version = line_value(text, "VERSION_ID", '=');
	g_autofree char *variant = line_value(text, "VARIANT_ID", '=');
	g_autofree char *codename = line_value(text, "VERSION_CODENAME", '=');
	Json *json = json_object_new_object();
	js_set_string(json, "distribution", *id ? id : "unknown");
	if (*variant)
		js_set_string(json, "variant", variant);
	js_set_string(json, "version", *version ? version : "unknown");
	if (*codename)
		js_set_string(json, "codename", codename);
	js_set_take(host, "distribution", json);
}

static Json *percent(double part, double total)
{
	double value = total > 0 ? 100 * part / total : 0;
	char text[16];
	snprintf(text, sizeof(text), "%.2f", value);
	return json_object_new_double_s(value, text);
}

static void set_cpu(Json *host)
{
	g_autofree char *text = read_host_file("/proc/stat");
	double user = 0, nice = 0, system = 0, idle = 0;
	sscanf(text, "cpu %lf %lf %lf %lf", &user, &nice, &system, &idle);
	double total = user + nice + system + idle;
	js_set_int(host, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	Json *json = json_object_new_object();
	js_set_take(json, "userPercent", percent(user + nice, total));
	js_set_take(json, "systemPercent", percent(system, total));
	js_set_take(json, "idlePercent", percent(idle, total));
	js_set_take(host, "cpuUtilization", json);
}

static int64_t meminfo_bytes(const char *text, const char *key)
{
	g_autofree char *value = line_value(text, key, ':');
	return (int64_t)g_ascii_strtoull(value, NULL, 10) * 1024;
}

static void set_memory(Json *host)
{
	g_autofree char *text = read_host_file("/proc/meminfo");
	js_set_int(host, "memFree", meminfo_bytes(text, "MemFree"));
	js_set_int(host, "memTotal", meminfo_bytes(text, "MemTotal"));
	js_set_int(host, "swapFree", meminfo_bytes(text, "SwapFree"));
	js_set_int(host, "swapTotal", meminfo_bytes(text, "SwapTotal"));
}

static void set_uptime(Json *host)
{
	g_autofree char *text = read_host_file("/proc/uptime");
	double seconds = g_ascii_strtod(text, NULL);
	long whole = (long)seconds;
	g_autofree char *shown = g_strdup_printf(
		"%ldh %ldm %.2fs (Approximately %.2f days)", whole / 3600, whole / 60 % 60,
		seconds - (double)(whole / 60 * 60), seconds / 86400);
	js_set_string(host, "uptime", shown);
}

/* One side of idMappings; null for real root. */
static Json *id_ranges(const GArray *ranges)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		Json *row = json_object_new_object();
		js_set_int(row, "container_id", range->inside);
		js_set_int(row, "host_id", range->outside);
		js_set_int(row, "size", range->count);
		json_object_array_add(array, row);
	}
	return array;
}

static void set_id_mappings(Json *host, Engine *engine)
{
	const IdMap *map = engine_id_map(engine);
	const char *problem = map ? engine_id_map_problem(engine) : NULL;
	Json *json = json_object_new_object();
	js_set_take(json, "gidmap", map ? id_ranges(map->gids) : NULL);
	js_set_take(json, "uidmap", map ? id_ranges(map->uids) : NULL);
	if (problem)
		js_set_string(json, "problem", problem);
	js_set_take(host, "idMappings", json);
}

/* One of our programs: where it is and its version. */
static Json *program(const char *name, const char *path_key)
{
	g_autofree char *path = spawn_find_own(name, NULL);
	g_autofree char *version = g_strdup_printf("%s version %s", name, SKIFF_VERSION);
	Json *json = json_object_new_object();
	js_set_string(json, "package", "");
	inspect_set_text(json, path_key, path);
	js_set_string(json, "version", path ? version : "");
	return json;
}

static void set_security(Json *host, Engine *engine)
{
	g_autofree char *apparmor = read_host_file("/sys/module/apparmor/parameters/enabled");
	g_autoptr(Json) names = inspect_capabilities(privileges_default_capabilities());
	g_autoptr(GString) capabilities = g_string_new(NULL);
	for (size_t i = 0; i < json_object_array_length(names); i++)
		g_string_append_printf(capabilities, "%s%s", i > 0 ? "," : "",
				       json_object_get_string(json_object_array_get_idx(names, i)));
	Json *json = json_object_new_object();
	js_set_bool(json, "apparmorEnabled", apparmor[0] == 'Y');
	js_set_string(json, "capabilities", capabilities->str);
	js_set_bool(json, "rootless", engine_is_rootless(engine));
	js_set_bool(json, "seccompEnabled", true);
	js_set_string(json, "seccompProfilePath", "");
	js_set_bool(json, "selinuxEnabled", access("/sys/fs/selinux/enforce", F_OK) == 0);
	js_set_take(host, "security", json);
}

static void set_runtime(Json *host)
{
	Json *runtime = program("skiff-monitor", "path");
	js_set_string(runtime, "name", "skiff");
	js_set_take(host, "ociRuntime", runtime);
	js_set_take(host, "conmon", program("skiff-monitor", "path"));
	js_set_take(host, "slirp4netns", program("skiff-uplink", "executable"));
	Json *socket = json_object_new_object();
	js_set_string(socket, "path", "");
	js_set_bool(socket, "exists", false);
	js_set_take(host, "remoteSocket", socket);
}

static Json *build_host(Engine *engine)
{
	struct utsname uts = {0};
	uname(&uts);
	g_auto(Platform) platform = {0};
	platform_host(&platform);
	Json *host = json_object_new_object();
	js_set_string(host, "arch", platform.architecture);
	js_set_string(host, "buildahVersion", "");
	set_cgroups(host);
	set_cpu(host);
	set_distribution(host);
	js_set_string(host, "eventLogger", "none");
	js_set_string(host, "hostname", uts.nodename);
	set_id_mappings(host, engine);
	js_set_string(host, "kernel", uts.release);
	js_set_string(host, "linkmode", "dynamic");
	js_set_string(host, "logDriver", "k8s-file");
	set_memory(host);
	js_set_string(host, "networkBackend", "skiff");
	set_runtime(host);
	js_set_string(host, "os", "linux");
	js_set_string(host, "rootlessNetworkCmd", "slirp");
	set_security(host, engine);
	js_set_bool(host, "serviceIsRemote", false);
	set_uptime(host);
	return host;
}

static bool set_containers(Json *store, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) containers = containers_list(engine, error);
	if (!containers)
		return false;
	int64_t running = 0, paused = 0;
	for (guint i = 0; i < containers->len; i++) {
		const ContainerSummary *s = container_summary(containers->pdata[i]);
		running += s->state == CONTAINER_RUNNING || s->state == CONTAINER_STOPPING;
		paused += s->state == CONTAINER_PAUSED;
	}
	Json *json = json_object_new_object();
	js_set_int(json, "number", containers->len);
	js_set_int(json, "paused", paused);
	js_set_int(json, "running", running);
	js_set_int(json, "stopped", containers->len - running - paused);
	js_set_take(store, "containerStore", json);
	return true;
}

/* The name statfs(2) has for the file system below the store. */
static const char *file_system_name(long type)
{
	static const struct {
		unsigned type;
		const char *name;
	} names[] = {
		{0xef53, "extfs"},        {0x58465342, "xfs"},       {0x9123683e, "btrfs"},
		{0x01021994, "tmpfs"},    {0x6969, "nfs"},           {0x2fc12fc1, "zfs"},
		{0xf2f52010, "f2fs"},     {0x794c7630, "overlayfs"}, {0x65735546, "fuse"},
		{0xca451a4e, "bcachefs"}, {0xff534d42, "cifs"},      {0x01021997, "9p"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (names[i].type == (unsigned)type)
			return names[i].name;
	return "<unknown>";
}

static void set_graph(Json *store, Engine *engine)
{
	Store *handle = engine_store(engine);
	struct statvfs vfs = {0};
	struct statfs fs = {0};
	fstatvfs(store_fd(handle), &vfs);
	fstatfs(store_fd(handle), &fs);
	js_set_string(store, "graphDriverName", "overlay");
	js_set_take(store, "graphOptions", json_object_new_object());
	js_set_string(store, "graphRoot", store_path(handle));
	js_set_int(store, "graphRootAllocated", (int64_t)(vfs.f_blocks * vfs.f_frsize));
	js_set_int(store, "graphRootUsed", (int64_t)((vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize));
	Json *status = json_object_new_object();
	js_set_string(status, "Backing Filesystem", file_system_name(fs.f_type));
	js_set_string(status, "Native Overlay Diff", "true");
	js_set_string(status, "Supports d_type", "true");
	js_set_string(status, "Supports volatile", "true");
	js_set_string(status, "Using metacopy", "false");
	js_set_take(store, "graphStatus", status);
}

static Json *build_store(Engine *engine, GError **error)
{
	g_autoptr(Json) store = json_object_new_object();
	js_set_string(store, "configFile", "");
	if (!set_containers(store, engine, error))
		return NULL;
	set_graph(store, engine);
	g_autoptr(GPtrArray) images = images_list(engine_store(engine), error);
	if (!images)
		return NULL;
	Json *number = json_object_new_object();
	js_set_int(number, "number", images->len);
	js_set_string(store, "imageCopyTmpDir", "");
	js_set_take(store, "imageStore", number);
	js_set_string(store, "runRoot", engine_run_path(engine));
	js_set_bool(store, "transientStore", false);
	g_autofree char *volumes =
		g_build_filename(store_path(engine_store(engine)), "volumes", NULL);
	js_set_string(store, "volumePath", volumes);
	return g_steal_pointer(&store);
}

/* Where short names are looked for; a broken registries.conf is shown, not fatal. */
static Json *build_registries(void)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(RegistriesConf) conf = registries_conf_load(&problem);
	g_autoptr(Reference) probe = reference_parse("name", NULL);
	Json *json = json_object_new_object();
	if (!conf) {
		js_set_string(json, "problem", problem->message);
		return json;
	}
	g_autoptr(ShortName) found = registries_conf_short_name(conf, probe, NULL);
	Json *search = json_object_new_array();
	for (guint i = 0; found && i < found->candidates->len; i++) {
		const Reference *candidate = found->candidates->pdata[i];
		json_object_array_add(search, json_object_new_string(candidate->registry));
	}
	js_set_take(json, "search", search);
	return json;
}

static Json *build_plugins(void)
{
	static const char *const volumes[] = {"local", NULL};
	static const char *const networks[] = {"slirp", "none", "host", NULL};
	static const char *const logs[] = {"k8s-file", "json-file",   "journald",
					   "none",     "passthrough", NULL};
	Json *json = json_object_new_object();
	js_set_take(json, "volume", js_from_strv(volumes));
	js_set_take(json, "network", js_from_strv(networks));
	js_set_take(json, "log", js_from_strv(logs));
	inspect_set_null(json, "authorization");
	return json;
}

static Json *build_version(void)
{
	g_auto(Platform) platform = {0};
	platform_host(&platform);
	g_autofree char *os_arch = g_strdup_printf("linux/%s", platform.architecture);
	Json *json = json_object_new_object();
	js_set_string(json, "APIVersion", SKIFF_VERSION);
	js_set_string(json, "Version", SKIFF_VERSION);
	js_set_string(json, "GoVersion", "");
	js_set_string(json, "GitCommit", "");
	js_set_string(json, "BuiltTime", "");
	js_set_int(json, "Built", 0);
	js_set_string(json, "OsArch", os_arch);
	js_set_string(json, "Os", "linux");
	return json;
}

Json *inspect_info(Engine *engine, GError **error)
{
	g_autoptr(Json) store = build_store(engine, error);
	if (!store)
		return NULL;
	Json *json = json_object_new_object();
	js_set_take(json, "host", build_host(engine));
	js_set_take(json, "store", g_steal_pointer(&store));
	js_set_take(json, "registries", build_registries());
	js_set_take(json, "plugins", build_plugins());
	js_set_take(json, "config", config_report());
	js_set_take(json, "version", build_version());
	return json;
}
