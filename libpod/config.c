/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/spec_parse.h"
#include "storage/toml.h"

#define FILE_MAX (1024 * 1024)

/* A key that is honoured. */
typedef struct {
	const char *table, *key;
	TomlKind kind; /* of the value; TOML_ARRAY is of strings */
	bool (*apply)(ContainerSpec *spec, const char *value, GError **error);
} Row;

/* What was read for one row. */
typedef struct {
	char *origin;      /* the last file that said something, NULL if none did */
	GPtrArray *values; /* as text; one unless the row is an array */
} Setting;

static void append(char ***list, const char *text)
{
	size_t n = *list ? g_strv_length(*list) : 0;
	*list = g_renew(char *, *list, n + 2);
	(*list)[n] = g_strdup(text);
	(*list)[n + 1] = NULL;
}

static bool apply_env(ContainerSpec *spec, const char *value, GError **error)
{
	if (!strchr(value, '=') || *value == '=')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid environment variable: \"%s\"", value);
	append(&spec->env_defaults, value);
	return true;
}

static bool has_mount(const ContainerSpec *spec, const char *destination)
{
	for (guint i = 0; i < spec->mounts->len; i++)
		if (strcmp(((const SpecMount *)spec->mounts->pdata[i])->destination, destination) ==
		    0)
			return true;
	return false;
}

/* Parse a mount into a spec of its own and take it over unless something is mounted there. */
static bool apply_any_mount(ContainerSpec *spec, SpecSetter set, const char *value, GError **error)
{
	g_autoptr(ContainerSpec) scratch = spec_new();
	if (!set(scratch, value, error))
		return false;
	SpecMount *mount = scratch->mounts->pdata[0];
	if (!has_mount(spec, mount->destination))
		g_ptr_array_add(spec->mounts, g_ptr_array_steal_index(scratch->mounts, 0));
	return true;
}

static bool apply_volume(ContainerSpec *spec, const char *value, GError **error)
{
	return apply_any_mount(spec, spec_add_volume, value, error);
}

static bool apply_mount(ContainerSpec *spec, const char *value, GError **error)
{
	return apply_any_mount(spec, spec_add_mount, value, error);
}

/* Typed limits stay: they are put back over the ones of the file. */
static bool apply_ulimit(ContainerSpec *spec, const char *value, GError **error)
{
	g_autoptr(ContainerSpec) scratch = spec_new();
	if (!spec_add_ulimit(scratch, value, error))
		return false;
	for (guint i = 0; i < scratch->ulimits->len; i++) {
		const OciRlimit *limit = &g_array_index(scratch->ulimits, OciRlimit, i);
		bool typed = false;
		for (guint j = 0; j < spec->ulimits->len; j++)
			typed |= g_array_index(spec->ulimits, OciRlimit, j).resource ==
				 limit->resource;
		if (!typed)
			g_array_append_vals(spec->ulimits, limit, 1);
	}
	return true;
}

/* A default of a namespace that this container shares does not apply to it. */
static bool apply_sysctl(ContainerSpec *spec, const char *value, GError **error)
{
	g_autofree char *key = g_strstrip(g_strndup(value, strcspn(value, "=")));
	NetworkMode network = spec->network->mode;
	bool own_net =
		network == NETWORK_NONE || network == NETWORK_SLIRP || network == NETWORK_NAMED;
	bool own_ipc = spec->ipc.mode == SPEC_NS_DEFAULT || spec->ipc.mode == SPEC_NS_PRIVATE;
	bool own = g_str_has_prefix(key, "net.") ? own_net : own_ipc;
	return !own || g_hash_table_contains(spec->sysctl, key) ||
	       spec_add_sysctl(spec, value, error);
}

static bool apply_device(ContainerSpec *spec, const char *value, GError **error)
{
	return spec_add_device(spec, value, error);
}

static bool apply_annotation(ContainerSpec *spec, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	if (!equals || equals == value)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "annotations must be formatted KEY=VALUE");
	char *key = g_strndup(value, equals - value);
	if (g_hash_table_contains(spec->annotations, key))
		g_free(key);
	else
		g_hash_table_insert(spec->annotations, key, g_strdup(equals + 1));
	return true;
}

static bool uses_dns(const ContainerSpec *spec)
{
	NetworkMode mode = spec->network->mode;
	return mode == NETWORK_SLIRP || mode == NETWORK_HOST || mode == NETWORK_NAMED;
}

static bool apply_init(ContainerSpec *spec, const char *value, GError **error)
{
	bool own_pids = spec->pid.mode == SPEC_NS_DEFAULT || spec->pid.mode == SPEC_NS_PRIVATE;
	spec->init |= own_pids && strcmp(value, "true") == 0;
	return true;
}

static bool apply_read_only(ContainerSpec *spec, const char *value, GError **error)
{
	spec->read_only |= strcmp(value, "true") == 0;
	return true;
}

static bool apply_privileged(ContainerSpec *spec, const char *value, GError **error)
{
	spec->privileged |= strcmp(value, "true") == 0;
	return true;
}

static bool apply_http_proxy(ContainerSpec *spec, const char *value, GError **error)
{
	if (!spec->http_proxy_set)
		spec->http_proxy = strcmp(value, "true") == 0;
	return true;
}

static bool apply_label(ContainerSpec *spec, const char *value, GError **error)
{
	spec->label_disable |= strcmp(value, "false") == 0;
	return true;
}

static bool apply_pids_limit(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->pids_limit_set || spec_set_pids_limit(spec, value, error);
}

/* What these setters leave for later has to be said here. */
static bool check_late(const ContainerSpec *spec, GError **error)
{
	return !spec->limit_error ||
	       error_set(error, ENGINE_ERROR_INVALID, "%s", spec->limit_error);
}

/* "enabled" is podman's default, which is no wish to have one at any cost. */
static bool apply_cgroups(ContainerSpec *spec, const char *value, GError **error)
{
	return strcmp(value, "enabled") == 0 || spec->cgroups != SPEC_CGROUPS_DEFAULT ||
	       (spec_set_cgroups(spec, value, error) && check_late(spec, error));
}

/* A file that was typed keeps what was typed. */
static bool apply_cgroup_conf(ContainerSpec *spec, const char *value, GError **error)
{
	g_autofree char *file = g_strndup(value, strcspn(value, "="));
	if (spec->resources.unified && g_hash_table_contains(spec->resources.unified, file))
		return true;
	return spec_add_cgroup_conf(spec, value, error) && check_late(spec, error);
}

static bool apply_oom_score(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->oom_score_adj_set ||
	       (spec_set_oom_score_adj(spec, value, error) && check_late(spec, error));
}

static bool apply_shm_size(ContainerSpec *spec, const char *value, GError **error)
{
	bool own = spec->ipc.mode == SPEC_NS_DEFAULT || spec->ipc.mode == SPEC_NS_PRIVATE;
	return spec->shm_size != 0 || !own || spec_set_shm_size(spec, value, error);
}

static bool apply_log_driver(ContainerSpec *spec, const char *value, GError **error)
{
	/* A journal is what distributions' files name; where there is none of ours, our default
	 * serves. */
	if (spec->log_driver_set || strcmp(value, "journald") == 0)
		return true;
	spec->log_driver_set = true;
	return log_driver_parse(value, &spec->log_driver, error);
}

static bool apply_log_size(ContainerSpec *spec, const char *value, GError **error)
{
	if (spec->log_max_size == 0)
		spec->log_max_size = MAX(g_ascii_strtoll(value, NULL, 10), 0);
	return true;
}

static bool apply_log_tag(ContainerSpec *spec, const char *value, GError **error)
{
	if (!spec->log_tag && *value != '\0')
		spec->log_tag = g_strdup(value);
	return true;
}

static bool apply_seccomp(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value != '\0' && !spec->seccomp_profile && !spec->seccomp_unconfined) {
		spec->seccomp_unconfined = strcmp(value, "unconfined") == 0;
		spec->seccomp_profile = spec->seccomp_unconfined ? NULL : g_strdup(value);
	}
	return true;
}

static bool apply_userns(ContainerSpec *spec, const char *value, GError **error)
{
	if (spec->userns_asked || spec->id_map || spec->sub_uid_name || spec->sub_gid_name ||
	    strcmp(value, "private") == 0)
		return true;
	bool ok = spec_set_userns(spec, value, error);
	spec->userns_asked = false;
	return ok;
}

static bool apply_pidns(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->pid.mode != SPEC_NS_DEFAULT || spec->init || spec_set_pid(spec, value, error);
}

static bool apply_ipcns(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->ipc.mode != SPEC_NS_DEFAULT || spec->shm_size != 0 ||
	       spec_set_ipc(spec, value, error);
}

static bool apply_utsns(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->uts.mode != SPEC_NS_DEFAULT || spec->hostname ||
	       spec_set_uts(spec, value, error);
}

static bool apply_cgroupns(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->cgroup.mode != SPEC_NS_DEFAULT || spec_set_cgroupns(spec, value, error);
}

static bool apply_netns(ContainerSpec *spec, const char *value, GError **error)
{
	/* Other programs for the same thing: a network of its own, through the user. */
	bool uplink = g_str_has_prefix(value, "pasta") || g_str_has_prefix(value, "slirp4netns");
	return spec->network_set || uplink || network_request_parse(value, spec->network, error);
}

static bool apply_stop_timeout(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->stop_timeout >= 0 || spec_set_stop_timeout(spec, value, error);
}

static bool apply_detach_keys(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->detach_keys || spec_set_detach_keys(spec, value, error);
}

static bool apply_dns(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->dns_set || !uses_dns(spec) || spec_add_dns(spec, value, error);
}

static bool apply_dns_search(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->dns_search_set || !uses_dns(spec) || spec_add_dns_search(spec, value, error);
}

static bool apply_dns_option(ContainerSpec *spec, const char *value, GError **error)
{
	return spec->dns_option_set || !uses_dns(spec) || spec_add_dns_option(spec, value, error);
}

static bool apply_cdi_dir(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value != '/')
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is no absolute path", value);
	append(&spec->cdi_dirs, value);
	return true;
}

/* In the order they are applied: namespaces first, then what depends on them. */
static const Row rows[] = {
	{"containers", "netns", TOML_STRING, apply_netns},
	{"containers", "pidns", TOML_STRING, apply_pidns},
	{"containers", "ipcns", TOML_STRING, apply_ipcns},
	{"containers", "utsns", TOML_STRING, apply_utsns},
	{"containers", "cgroupns", TOML_STRING, apply_cgroupns},
	{"containers", "userns", TOML_STRING, apply_userns},
	{"containers", "annotations", TOML_ARRAY, apply_annotation},
	{"containers", "cgroup_conf", TOML_ARRAY, apply_cgroup_conf},
	{"containers", "cgroups", TOML_STRING, apply_cgroups},
	{"containers", "default_sysctls", TOML_ARRAY, apply_sysctl},
	{"containers", "default_ulimits", TOML_ARRAY, apply_ulimit},
	{"containers", "devices", TOML_ARRAY, apply_device},
	{"containers", "dns_options", TOML_ARRAY, apply_dns_option},
	{"containers", "dns_searches", TOML_ARRAY, apply_dns_search},
	{"containers", "dns_servers", TOML_ARRAY, apply_dns},
	{"containers", "env", TOML_ARRAY, apply_env},
	{"containers", "http_proxy", TOML_BOOLEAN, apply_http_proxy},
	{"containers", "init", TOML_BOOLEAN, apply_init},
	{"containers", "label", TOML_BOOLEAN, apply_label},
	{"containers", "log_driver", TOML_STRING, apply_log_driver},
	{"containers", "log_size_max", TOML_INTEGER, apply_log_size},
	{"containers", "log_tag", TOML_STRING, apply_log_tag},
	{"containers", "mounts", TOML_ARRAY, apply_mount},
	{"containers", "oom_score_adj", TOML_INTEGER, apply_oom_score},
	{"containers", "pids_limit", TOML_INTEGER, apply_pids_limit},
	{"containers", "privileged", TOML_BOOLEAN, apply_privileged},
	{"containers", "read_only", TOML_BOOLEAN, apply_read_only},
	{"containers", "seccomp_profile", TOML_STRING, apply_seccomp},
	{"containers", "shm_size", TOML_STRING, apply_shm_size},
	{"containers", "volumes", TOML_ARRAY, apply_volume},
	{"engine", "cdi_spec_dirs", TOML_ARRAY, apply_cdi_dir},
	{"engine", "detach_keys", TOML_STRING, apply_detach_keys},
	{"engine", "stop_timeout", TOML_INTEGER, apply_stop_timeout},
};

struct Config {
	Setting settings[G_N_ELEMENTS(rows)];
	GPtrArray *files;   /* paths that were read */
	GPtrArray *ignored; /* "FILE: TABLE.KEY" */
};

Config *config_new(void)
{
	Config *config = g_new0(Config, 1);
	config->files = g_ptr_array_new_with_free_func(g_free);
	config->ignored = g_ptr_array_new_with_free_func(g_free);
	return config;
}

void config_free(Config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_free(config->settings[i].origin);
		if (config->settings[i].values)
			g_ptr_array_unref(config->settings[i].values);
	}
	g_ptr_array_unref(config->files);
	g_ptr_array_unref(config->ignored);
	g_free(config);
}

/* A scalar as the text a setter takes; NULL with @error for a wrong type. */
static char *scalar_text(const TomlValue *value, TomlKind kind, const char *key, GError **error)
{
	if (toml_kind(value) == kind && kind == TOML_STRING)
		return g_strdup(toml_text(value));
	if (toml_kind(value) == kind && kind == TOML_INTEGER)
		return g_strdup_printf("%" G_GINT64_FORMAT, toml_integer(value));
	if (toml_kind(value) == kind && kind == TOML_BOOLEAN)
		return g_strdup(toml_boolean(value) ? "true" : "false");
	toml_error(value, error, "'%s' must be %s", key,
		   kind == TOML_INTEGER   ? "an integer"
		   : kind == TOML_BOOLEAN ? "true or false"
					  : "a string");
	return NULL;
}

/* An element {append = true} of an array: the ones of earlier files stay. */
static bool is_append_mark(const TomlValue *item, bool *out_append)
{
	if (toml_kind(item) != TOML_TABLE)
		return false;
	const TomlValue *append = toml_lookup(item, "append");
	*out_append = append && toml_boolean(append);
	return append != NULL;
}

/* An array replaces the one before it, unless it holds {append=true}. */
static bool read_array(const TomlValue *value, const char *key, GPtrArray *values, GError **error)
{
	if (toml_kind(value) != TOML_ARRAY)
		return toml_error(value, error, "'%s' must be an array of strings", key);
	bool append = false;
	for (size_t i = 0; i < toml_length(value); i++)
		(void)is_append_mark(toml_at(value, i), &append);
	if (!append)
		g_ptr_array_set_size(values, 0);
	for (size_t i = 0; i < toml_length(value); i++) {
		const TomlValue *item = toml_at(value, i);
		if (is_append_mark(item, &append))
			continue;
		if (toml_kind(item) != TOML_STRING)
			return toml_error(item, error, "'%s' must be an array of strings", key);
		g_ptr_array_add(values, g_strdup(toml_text(item)));
	}
	return true;
}

static bool read_setting(Setting *setting, const Row *row, const TomlValue *value, const char *name,
			 GError **error)
{
	if (!setting->values)
		setting->values = g_ptr_array_new_with_free_func(g_free);
	g_free(setting->origin);
	setting->origin = g_strdup(name);
	if (row->kind == TOML_ARRAY)
		return read_array(value, row->key, setting->values, error);
	char *text = scalar_text(value, row->kind, row->key, error);
	if (!text)
		return false;
	g_ptr_array_set_size(setting->values, 0);
	g_ptr_array_add(setting->values, text);
	return true;
}

static size_t row_lookup(const char *table, const char *key)
{
	size_t i = 0;
	while (i < G_N_ELEMENTS(rows) &&
	       (strcmp(rows[i].table, table) != 0 || strcmp(rows[i].key, key) != 0))
		i++;
	return i;
}

static bool read_table(Config *config, const char *table, const TomlValue *values, const char *name,
		       GError **error)
{
	if (toml_kind(values) != TOML_TABLE)
		return toml_error(values, error, "'%s' must be a table", table);
	for (const char *const *key = toml_keys(values); *key; key++) {
		size_t row = row_lookup(table, *key);
		if (row == G_N_ELEMENTS(rows))
			g_ptr_array_add(config->ignored,
					g_strdup_printf("%s: %s.%s", name, table, *key));
		else if (!read_setting(&config->settings[row], &rows[row],
				       toml_lookup(values, *key), name, error))
			return false;
	}
	return true;
}

/*
 * Empty the lines that are comments, in place. The files of distributions are hundreds of them, and
 * running a container should not cost reading them letter by letter. Line numbers stay. A string
 * over several lines may hold such a line: then the text is left alone.
 */
static size_t drop_comments(char *text, size_t size)
{
	char *out = text;
	if (strstr(text, "\"\"\"") || strstr(text, "'''"))
		return size;
	for (char *line = text, *end = text + size; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *next = newline ? newline + 1 : end;
		char *start = line;
		while (start < next && (*start == ' ' || *start == '\t'))
			start++;
		if (start < next && *start == '#')
			line = newline ? newline : next;
		memmove(out, line, (size_t)(next - line));
		out += next - line;
		line = next;
	}
	*out = '\0';
	return (size_t)(out - text);
}

/* The text of a file; NULL without @error if it is absent. */
static char *read_file(const char *name, size_t *out_size, GError **error)
{
	autofd fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		return fd_read_all(fd, FILE_MAX, out_size, error);
	if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		error_set_errno(error, "cannot read '%s'", name);
	return NULL;
}

bool config_add(Config *config, const char *name, const char *text, GError **error)
{
	size_t size = text ? strlen(text) : 0;
	GError *failure = NULL;
	g_autofree char *read = text ? NULL : read_file(name, &size, &failure);
	if (failure) {
		g_propagate_error(error, failure);
		return false;
	}
	if (!text && !read)
		return true;
	if (read)
		size = drop_comments(read, size);
	g_autoptr(TomlValue) root = toml_parse(text ? text : read, size, name, error);
	if (!root)
		return false;
	g_ptr_array_add(config->files, g_strdup(name));
	for (const char *const *table = toml_keys(root); *table; table++)
		if (!read_table(config, *table, toml_lookup(root, *table), name, error))
			return false;
	return true;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The *.conf of a directory, by name; an absent directory is fine. */
static bool add_directory(Config *config, const char *path, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	if (!dir)
		return true;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;
	while ((name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".conf"))
			g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, compare_texts);
	for (guint i = 0; i < names->len; i++)
		if (!config_add(config, names->pdata[i], NULL, error))
			return false;
	return true;
}

/* FILE and FILE.d. */
static bool add_with_directory(Config *config, const char *path, GError **error)
{
	g_autofree char *directory = g_strconcat(path, ".d", NULL);
	return config_add(config, path, NULL, error) && add_directory(config, directory, error);
}

static bool add_rootless(Config *config, GError **error)
{
	g_autofree char *own = g_strdup_printf("/etc/containers/containers.rootless.conf.d/%u",
					       (unsigned)geteuid());
	return add_with_directory(config, "/etc/containers/containers.rootless.conf", error) &&
	       add_directory(config, own, error);
}

static bool add_all(Config *config, GError **error)
{
	const char *only = getenv("CONTAINERS_CONF");
	if (only && *only)
		return config_add(config, only, NULL, error);
	if (!config_add(config, "/usr/share/containers/containers.conf", NULL, error) ||
	    !add_with_directory(config, "/etc/containers/containers.conf", error) ||
	    (geteuid() != 0 && !add_rootless(config, error)))
		return false;
	if (geteuid() == 0)
		return true;
	g_autofree char *user =
		g_build_filename(g_get_user_config_dir(), "containers", "containers.conf", NULL);
	return add_with_directory(config, user, error);
}

/* A module by its path, or the first of its name in a user's, the host's, the vendor's directory.
 */
static bool add_module(Config *config, const char *name, GError **error)
{
	g_autofree char *own = g_build_filename(g_get_user_config_dir(), "containers", NULL);
	const char *const all[] = {own, "/etc/containers", "/usr/share/containers"};
	if (*name == '/' && access(name, F_OK) == 0)
		return config_add(config, name, NULL, error);
	for (size_t i = geteuid() == 0; *name != '/' && i < G_N_ELEMENTS(all); i++) {
		g_autofree char *path =
			g_build_filename(all[i], "containers.conf.modules", name, NULL);
		if (access(path, F_OK) == 0)
			return config_add(config, path, NULL, error);
	}
	return error_set(error, ENGINE_ERROR_NOT_FOUND,
			 "could not resolve module \"%s\": no such file or directory", name);
}

Config *config_load(const char *const *modules, GError **error)
{
	g_autoptr(Config) config = config_new();
	const char *override = getenv("CONTAINERS_CONF_OVERRIDE");
	if (!add_all(config, error))
		return NULL;
	for (; modules && *modules; modules++)
		if (!add_module(config, *modules, error))
			return NULL;
	if (override && *override && !config_add(config, override, NULL, error))
		return NULL;
	return g_steal_pointer(&config);
}

bool config_apply(const Config *config, ContainerSpec *spec, GError **error)
{
	spec->dns_set = spec->dns != NULL;
	spec->dns_search_set = spec->dns_search != NULL;
	spec->dns_option_set = spec->dns_option != NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const Setting *setting = &config->settings[i];
		for (guint v = 0; setting->values && v < setting->values->len; v++) {
			if (rows[i].apply(spec, setting->values->pdata[v], error))
				continue;
			g_prefix_error(error, "%s: %s: ", setting->origin, rows[i].key);
			return false;
		}
	}
	return true;
}

static Json *texts(const GPtrArray *list)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < list->len; i++)
		json_object_array_add(array, json_object_new_string(list->pdata[i]));
	return array;
}

Json *config_report(void)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Config) config = config_load(NULL, &problem);
	Json *json = json_object_new_object();
	if (!config) {
		js_set_string(json, "problem", problem->message);
		return json;
	}
	js_set_take(json, "files", texts(config->files));
	js_set_take(json, "ignored", texts(config->ignored));
	return json;
}
