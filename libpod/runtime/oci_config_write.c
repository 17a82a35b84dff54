/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "libpod/runtime/limits.h"
#include "libpod/runtime/oci_config_priv.h"
#include "libpod/runtime/privileges.h"

const char *const oci_namespace_names[OCI_NS_COUNT] = {
	[OCI_NS_PID] = "pid",       [OCI_NS_NETWORK] = "network", [OCI_NS_MOUNT] = "mount",
	[OCI_NS_IPC] = "ipc",       [OCI_NS_UTS] = "uts",         [OCI_NS_USER] = "user",
	[OCI_NS_CGROUP] = "cgroup",
};

bool oci_config_is_own_annotation(const char *key)
{
	static const char *const own[] = {OCI_KEY_USER,       OCI_KEY_GROUPS,  OCI_KEY_KEEP_GROUPS,
					  OCI_KEY_PASSWD,     OCI_KEY_GROUP,   OCI_KEY_INIT,
					  OCI_KEY_CREATE_CWD, OCI_KEY_DEVICES, OCI_KEY_SECRETS};
	for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
		if (strcmp(key, own[i]) == 0)
			return true;
	}
	return false;
}

static Json *write_list(char **list)
{
	return js_from_strv((const char *const *)list);
}

static Json *write_capability_set(uint64_t set)
{
	Json *array = json_object_new_array();
	for (int i = 0; i < 64; i++) {
		const char *name = privileges_capability_name(i);
		if (name && (set & (UINT64_C(1) << i)))
			json_object_array_add(array, json_object_new_string(name));
	}
	return array;
}

static Json *write_capabilities(const OciConfig *config)
{
	Json *json = json_object_new_object();
	js_set_take(json, "bounding", write_capability_set(config->cap_bounding));
	js_set_take(json, "effective", write_capability_set(config->cap_effective));
	js_set_take(json, "permitted", write_capability_set(config->cap_effective));
	js_set_take(json, "inheritable", write_capability_set(config->cap_ambient));
	js_set_take(json, "ambient", write_capability_set(config->cap_ambient));
	return json;
}

/* Limits by name; RLIM_INFINITY needs all 64 bits. */
static Json *write_rlimits(const OciConfig *config)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < config->rlimits->len; i++) {
		const OciRlimit *limit = &g_array_index(config->rlimits, OciRlimit, i);
		Json *json = json_object_new_object();
		js_set_string(json, "type", limits_rlimit_name(limit->resource));
		js_set_take(json, "soft", json_object_new_uint64(limit->soft));
		js_set_take(json, "hard", json_object_new_uint64(limit->hard));
		json_object_array_add(array, json);
	}
	return array;
}

/* process, with the user left to the annotation. */
static Json *write_process(const OciConfig *config)
{
	Json *json = json_object_new_object();
	js_set_bool(json, "terminal", config->terminal);
	if (config->rows || config->columns) {
		Json *size = json_object_new_object();
		js_set_int(size, "height", config->rows);
		js_set_int(size, "width", config->columns);
		js_set_take(json, "consoleSize", size);
	}
	/* The ids are known only inside the container: the annotation has the user as it was asked
	 * for. */
	Json *user = json_object_new_object();
	js_set_int(user, "uid", 0);
	js_set_int(user, "gid", 0);
	if (config->umask_set)
		js_set_int(user, "umask", config->umask);
	js_set_take(json, "user", user);
	js_set_take(json, "args", write_list(config->args));
	js_set_take(json, "env", write_list(config->env));
	js_set_string(json, "cwd", config->cwd ? config->cwd : "/");
	js_set_take(json, "capabilities", write_capabilities(config));
	js_set_take(json, "rlimits", write_rlimits(config));
	js_set_bool(json, "noNewPrivileges", config->no_new_privileges);
	js_set_string(json, "apparmorProfile", config->apparmor_profile);
	js_set_string(json, "selinuxLabel", config->selinux_label);
	if (config->oom_score_adj_set)
		js_set_int(json, "oomScoreAdj", config->oom_score_adj);
	return json;
}

/* mounts, in order. */
static Json *write_mounts(const OciConfig *config)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < config->mounts->len; i++) {
		const OciMount *mount = g_ptr_array_index(config->mounts, i);
		Json *json = json_object_new_object();
		js_set_string(json, "destination", mount->destination);
		js_set_string(json, "type", mount->type);
		js_set_string(json, "source", mount->source);
		js_set_take(json, "options", write_list(mount->options));
		json_object_array_add(array, json);
	}
	return array;
}

/* Those that are not the host's. */
static Json *write_namespaces(const OciConfig *config)
{
	Json *array = json_object_new_array();
	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		if (config->namespaces[i].mode == OCI_NS_HOST)
			continue;
		Json *json = json_object_new_object();
		js_set_string(json, "type", oci_namespace_names[i]);
		if (config->namespaces[i].mode == OCI_NS_PATH)
			js_set_string(json, "path", config->namespaces[i].path);
		json_object_array_add(array, json);
	}
	return array;
}

/* One side of an id map. */
static Json *write_ranges(const GArray *ranges)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		Json *json = json_object_new_object();
		js_set_int(json, "containerID", range->inside);
		js_set_int(json, "hostID", range->outside);
		js_set_int(json, "size", range->count);
		json_object_array_add(array, json);
	}
	return array;
}

/* Devices; a pipe has no numbers. */
static Json *write_devices(const OciConfig *config)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < config->devices->len; i++) {
		const OciDevice *device = g_ptr_array_index(config->devices, i);
		char type[2] = {device->type, '\0'};
		Json *json = json_object_new_object();
		js_set_string(json, "path", device->path);
		js_set_string(json, "type", type);
		if (device->type != 'p') {
			js_set_int(json, "major", device->major);
			js_set_int(json, "minor", device->minor);
		}
		js_set_int(json, "fileMode", device->mode);
		js_set_int(json, "uid", device->uid);
		js_set_int(json, "gid", device->gid);
		json_object_array_add(array, json);
	}
	return array;
}

/* The part of Linux. */
static Json *write_linux(const OciConfig *config)
{
	Json *json = json_object_new_object();
	if (config->user_map) {
		js_set_take(json, "uidMappings", write_ranges(config->user_map->uids));
		js_set_take(json, "gidMappings", write_ranges(config->user_map->gids));
	}
	js_set_take(json, "namespaces", write_namespaces(config));
	js_set_take(json, "devices", write_devices(config));
	js_set_take(json, "sysctl", js_from_string_map(config->sysctl));
	js_set_take(json, "maskedPaths", write_list(config->masked_paths));
	js_set_take(json, "readonlyPaths", write_list(config->readonly_paths));
	js_set_string(json, "cgroupsPath", config->cgroups_path);
	js_set_string(json, "mountLabel", config->mount_label);
	Json *resources = resources_to_json(&config->resources, false);
	if (resources)
		js_set_take(json, "resources", resources);
	return json;
}

/* Host paths of devices, as text: an annotation is a string. */
static char *format_device_sources(const OciConfig *config)
{
	g_autoptr(Json) json = json_object_new_object();
	for (guint i = 0; i < config->devices->len; i++) {
		const OciDevice *device = g_ptr_array_index(config->devices, i);
		js_set_string(json, device->path, device->host_path);
	}
	return json_object_object_length(json) > 0 ? g_strdup(js_text(json)) : NULL;
}

/* Where secrets go, as text; never what they are. */
static char *format_secrets(const OciConfig *config)
{
	g_autoptr(Json) array = json_object_new_array();
	for (guint i = 0; i < config->secrets->len; i++) {
		const OciSecret *secret = g_ptr_array_index(config->secrets, i);
		Json *json = json_object_new_object();
		js_set_string(json, "path", secret->path);
		js_set_string(json, "env", secret->env);
		js_set_int(json, "uid", secret->uid);
		js_set_int(json, "gid", secret->gid);
		js_set_int(json, "mode", secret->mode);
		js_set_int(json, "offset", secret->offset);
		js_set_int(json, "size", secret->size);
		json_object_array_add(array, json);
	}
	return config->secrets->len > 0 ? g_strdup(js_text(array)) : NULL;
}

/* The user's annotations, and ours for what the specification has no place for. */
static Json *write_annotations(const OciConfig *config)
{
	Json *json = js_from_string_map(config->annotations);
	js_set_string(json, OCI_KEY_USER, config->user_spec);
	if (config->extra_groups && *config->extra_groups) {
		g_autofree char *groups = g_strjoinv(",", config->extra_groups);
		js_set_string(json, OCI_KEY_GROUPS, groups);
	}
	js_set_string(json, OCI_KEY_KEEP_GROUPS, config->keep_groups ? "1" : NULL);
	js_set_string(json, OCI_KEY_PASSWD, config->passwd_entry);
	js_set_string(json, OCI_KEY_GROUP, config->group_entry);
	js_set_string(json, OCI_KEY_INIT,
		      config->pause          ? "pause"
		      : config->init_process ? "true"
					     : NULL);
	js_set_string(json, OCI_KEY_CREATE_CWD, config->create_cwd ? "true" : NULL);
	g_autofree char *sources = format_device_sources(config);
	js_set_string(json, OCI_KEY_DEVICES, sources);
	g_autofree char *secrets = format_secrets(config);
	js_set_string(json, OCI_KEY_SECRETS, secrets);
	return json;
}

Json *oci_config_write(const OciConfig *config)
{
	Json *json = json_object_new_object();
	js_set_string(json, "ociVersion", OCI_VERSION);
	js_set_take(json, "process", write_process(config));
	Json *root = json_object_new_object();
	js_set_string(root, "path", config->root_path ? config->root_path : "rootfs");
	js_set_bool(root, "readonly", config->root_readonly);
	js_set_take(json, "root", root);
	js_set_string(json, "hostname", config->hostname);
	js_set_string(json, "domainname", config->domainname);
	js_set_take(json, "mounts", write_mounts(config));
	js_set_take(json, "annotations", write_annotations(config));
	js_set_take(json, "linux", write_linux(config));
	return json;
}
