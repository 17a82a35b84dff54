/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters for privileges, devices and limits.
 */
#include "libpod/spec_parse.h"

#include <string.h>
#include <sys/resource.h>

#include "libpod/base/error.h"
#include "libpod/cdi.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/privileges.h"
#include "libpod/spec_priv.h"

/* "ALL" or a capability, kept by its full name. */
static bool add_capability(char ***list, const char *value, GError **error)
{
	if (g_ascii_strcasecmp(value, "ALL") == 0) {
		spec_strv_append(list, "ALL");
		return true;
	}
	int number = 0;
	if (!privileges_capability_parse(value, &number, error))
		return false;
	spec_strv_append(list, privileges_capability_name(number));
	return true;
}

bool spec_add_cap_add(ContainerSpec *spec, const char *value, GError **error)
{
	return add_capability(&spec->cap_add, value, error);
}

bool spec_add_cap_drop(ContainerSpec *spec, const char *value, GError **error)
{
	return add_capability(&spec->cap_drop, value, error);
}

static bool refuse_security_value(const char *key, const char *value, GError **error)
{
	return error_set(error, ENGINE_ERROR_INVALID, "invalid --security-opt 2: \"%s=%s\"", key,
			 value);
}

static bool set_no_new_privileges(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "true") == 0)
		spec->no_new_privileges = true;
	else if (strcmp(value, "false") == 0)
		spec->no_new_privileges = false;
	else
		return refuse_security_value("no-new-privileges", value, error);
	return true;
}

static bool set_seccomp(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value == '\0')
		return refuse_security_value("seccomp", value, error);
	g_clear_pointer(&spec->seccomp_profile, g_free);
	spec->seccomp_unconfined = strcmp(value, "unconfined") == 0;
	if (!spec->seccomp_unconfined)
		spec->seccomp_profile = g_canonicalize_filename(value, NULL);
	return true;
}

static bool set_apparmor(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value == '\0' || spec_has_control(value) || strchr(value, ' '))
		return refuse_security_value("apparmor", value, error);
	g_free(spec->apparmor_profile);
	spec->apparmor_profile = g_strdup(value);
	return true;
}

static bool set_label(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "disable") == 0) {
		spec->label_disable = true;
		return true;
	}
	return error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "security option label=%s is not supported: only label=disable is", value);
}

/* Colon-separated absolute paths; @all: the word ALL stands for every one. */
static bool add_paths(char ***list, const char *key, const char *value, bool all, GError **error)
{
	if (all && strcmp(value, "ALL") == 0) {
		spec_strv_append(list, "ALL");
		return true;
	}
	g_auto(GStrv) paths = g_strsplit(value, ":", -1);
	for (char **path = paths; *path; path++)
		if (**path != '/')
			return refuse_security_value(key, value, error);
	if (!paths[0])
		return refuse_security_value(key, value, error);
	for (char **path = paths; *path; path++)
		spec_strv_take(list, path_clean(*path));
	return true;
}

static bool set_mask(ContainerSpec *spec, const char *value, GError **error)
{
	return add_paths(&spec->mask, "mask", value, false, error);
}

static bool set_unmask(ContainerSpec *spec, const char *value, GError **error)
{
	return add_paths(&spec->unmask, "unmask", value, true, error);
}

/* Docker's name for unmask=ALL. */
static bool set_systempaths(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "unconfined") != 0)
		return refuse_security_value("systempaths", value, error);
	spec_strv_append(&spec->unmask, "ALL");
	return true;
}

static bool set_proc_opts(ContainerSpec *spec, const char *value, GError **error)
{
	return error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "security option proc-opts is not supported");
}

static const struct {
	const char *key;
	SpecSetter set;
} security_options[] = {
	{"apparmor", set_apparmor},
	{"label", set_label},
	{"mask", set_mask},
	{"no-new-privileges", set_no_new_privileges},
	{"proc-opts", set_proc_opts},
	{"seccomp", set_seccomp},
	{"systempaths", set_systempaths},
	{"unmask", set_unmask},
};

bool spec_add_security_opt(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "no-new-privileges") == 0) {
		spec->no_new_privileges = true;
		return true;
	}
	if (strcmp(value, "nested") == 0) {
		spec->nested = true;
		return true;
	}
	/* Docker once wrote "name:value"; both tools still take it. */
	size_t length = strcspn(value, "=");
	if (value[length] == '\0')
		length = strcspn(value, ":");
	if (value[length] == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "invalid --security-opt 1: \"%s\"",
				 value);

	g_autofree char *key = g_strndup(value, length);
	for (size_t i = 0; i < G_N_ELEMENTS(security_options); i++)
		if (strcmp(key, security_options[i].key) == 0)
			return security_options[i].set(spec, value + length + 1, error);
	return error_set(error, ENGINE_ERROR_INVALID, "invalid --security-opt 2: \"%s\"", value);
}

/* Each of r, w and m at most once, at least one of them. */
static bool is_device_mode(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || length > 3 || strspn(text, "rwm") != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (strchr(text + i + 1, text[i]))
			return false;
	return true;
}

static void add_device(ContainerSpec *spec, const char *host, const char *path, const char *mode)
{
	SpecDevice *device = g_new0(SpecDevice, 1);
	device->host_path = g_strdup(host);
	device->path = path_clean(path);
	device->permissions = g_strdup(mode);
	g_ptr_array_add(spec->devices, device);
}

/* A device that a file of the host describes; whether one does is seen at the start. */
static bool add_cdi_device(ContainerSpec *spec, const char *value, GError **error)
{
	if (!cdi_is_name(value))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid device specification: %s",
				 value);
	spec_strv_append(&spec->cdi_devices, value);
	return true;
}

bool spec_add_gpu(ContainerSpec *spec, const char *value, GError **error)
{
	g_autofree char *name = g_strconcat("nvidia.com/gpu=", value, NULL);
	if (!cdi_is_name(name))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid GPU \"%s\"", value);
	spec_strv_take(&spec->cdi_devices, g_strconcat("gpu=", value, NULL));
	return true;
}

bool spec_add_device(ContainerSpec *spec, const char *value, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(value, ":", 4);
	guint n = g_strv_length(parts);
	if (n == 0 || n > 3 || parts[0][0] == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "invalid device specification: %s",
				 value);
	if (value[0] != '/' && strchr(value, '/') && strchr(value, '='))
		return add_cdi_device(spec, value, error);
	if (parts[0][0] != '/')
		return error_set(error, ENGINE_ERROR_INVALID, "stat %s: no such file or directory",
				 parts[0]);

	const char *path = parts[0], *mode = "rwm";
	if (n >= 2 && parts[1][0] == '/')
		path = parts[1];
	else if (n == 2)
		mode = parts[1];
	else if (n == 3 && parts[1][0] != '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "invalid device specification: %s",
				 value);
	if (n == 3)
		mode = parts[2];
	if (!is_device_mode(mode))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid device mode: %s", mode);
	add_device(spec, parts[0], path, mode);
	return true;
}

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{"as", RLIMIT_AS},
	{"core", RLIMIT_CORE},
	{"cpu", RLIMIT_CPU},
	{"data", RLIMIT_DATA},
	{"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS},
	{"memlock", RLIMIT_MEMLOCK},
	{"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE},
	{"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC},
	{"rss", RLIMIT_RSS},
	{"rtprio", RLIMIT_RTPRIO},
	{"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING},
	{"stack", RLIMIT_STACK},
};

static int limit_lookup(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
		if (g_ascii_strcasecmp(name, limits[i].name) == 0)
			return limits[i].resource;
	return -1;
}

/* A number, or -1 (also "unlimited") for no limit. */
static bool parse_limit(const char *text, uint64_t *out, GError **error)
{
	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*out = RLIM_INFINITY;
		return true;
	}
	if (units_parse_uint(text, INT64_MAX, out, NULL))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "strconv.ParseInt: parsing \"%s\": invalid syntax", text);
}

/* "NAME=SOFT[:HARD]" to a limit. */
static bool parse_ulimit(const char *value, OciRlimit *out, GError **error)
{
	const char *equals = strchr(value, '=');
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid ulimit argument: %s", value);
	g_autofree char *name = g_strndup(value, equals - value);
	out->resource = limit_lookup(name);
	if (out->resource < 0)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid ulimit type: %s", name);

	g_auto(GStrv) parts = g_strsplit(equals + 1, ":", 3);
	guint n = g_strv_length(parts);
	if (n > 2)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "too many limit value arguments - %s, can only have up to two, "
				 "`soft[:hard]`",
				 equals + 1);
	if (!parse_limit(n > 0 ? parts[0] : "", &out->soft, error))
		return false;
	out->hard = out->soft;
	if (n == 2 && !parse_limit(parts[1], &out->hard, error))
		return false;
	if (out->soft > out->hard)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"ulimit soft limit must be less than or equal to hard limit: %s > %s",
			parts[0], parts[1]);
	return true;
}

bool spec_add_ulimit(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "host") == 0) {
		spec->ulimit_host = true;
		return true;
	}
	OciRlimit limit = {0};
	if (!parse_ulimit(value, &limit, error)) {
		g_prefix_error(
			error,
			"ulimit option \"%s\" requires name=SOFT:HARD, failed to be parsed: ",
			value);
		return false;
	}
	for (guint i = 0; i < spec->ulimits->len; i++) {
		OciRlimit *old = &g_array_index(spec->ulimits, OciRlimit, i);
		if (old->resource == limit.resource) {
			*old = limit;
			return true;
		}
	}
	g_array_append_val(spec->ulimits, limit);
	return true;
}

/*
 * Only what a namespace of the container owns, and no way to leave it: the key becomes a path below
 * /proc/sys, where '/' or ".." would reach other families (security 1.2).
 */
static bool is_allowed_sysctl(const char *key)
{
	static const char *const ipc[] = {
		"kernel.msgmax", "kernel.msgmnb",          "kernel.msgmni",
		"kernel.sem",    "kernel.shmall",          "kernel.shmmax",
		"kernel.shmmni", "kernel.shm_rmid_forced", NULL,
	};
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t length = strlen(key);
	if (length > 255 || strspn(key, letters) != length || strstr(key, "..") ||
	    g_str_has_suffix(key, "."))
		return false;
	return g_strv_contains(ipc, key) || g_str_has_prefix(key, "net.") ||
	       g_str_has_prefix(key, "fs.mqueue.");
}

bool spec_add_sysctl(ContainerSpec *spec, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	if (!equals || equals == value)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s is invalid, sysctl values must be in the form of KEY=VALUE",
				 value);
	g_autofree char *key = g_strndup(value, equals - value);
	g_strstrip(key);
	const char *text = equals + 1;
	while (*text == ' ')
		text++;
	if (!is_allowed_sysctl(key) && wall_stands("sysctl-list"))
		return error_set(error, ENGINE_ERROR_INVALID, "sysctl '%s' is not allowed", key);
	/* Tabs separate the fields of kernel.sem and of tcp_rmem. */
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 && *at != '\t')
			return error_set(error, ENGINE_ERROR_INVALID,
					 "sysctl '%s': the value contains a control character",
					 key);
	g_hash_table_replace(spec->sysctl, g_steal_pointer(&key), g_strdup(text));
	return true;
}

bool spec_set_pids_limit(ContainerSpec *spec, const char *value, GError **error)
{
	bool negative = *value == '-';
	uint64_t number = 0;
	if (!units_parse_uint(negative ? value + 1 : value, INT64_MAX, &number, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseInt: parsing \"%s\": invalid syntax", value);
	spec->pids_limit = negative || number == 0 ? -1 : (int64_t)number;
	spec->pids_limit_set = true;
	return true;
}

bool spec_set_shm_size(ContainerSpec *spec, const char *value, GError **error)
{
	int64_t size = 0;
	if (!units_parse_size(value, &size, NULL) || size <= 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unable to translate --shm-size: invalid size: '%s'", value);
	spec->shm_size = size;
	return true;
}
