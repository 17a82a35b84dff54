/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create.json: a ContainerSpec as a record, version 1.
 *
 * Plain fields are rows of a table; one is left out of the record when it has the value a new
 * object has, so an absent key always means that default. Keys of a later version are ignored by an
 * older reader only within one version number.
 */
#include "libpod/spec.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/spec_priv.h"

#define SPEC_VERSION 1

typedef enum {
	FIELD_STRING, /* char * */
	FIELD_STRV,   /* char **, NULL if absent */
	FIELD_MAP,    /* GHashTable * of strings */
	FIELD_BOOL,
	FIELD_INT, /* int */
	FIELD_UINT32,
	FIELD_INT64,
	FIELD_ENUM, /* an int in C, a word in the record */
} FieldKind;

typedef struct {
	const char *key;
	FieldKind kind;
	size_t offset;
	const char *const *words; /* of FIELD_ENUM, in the order of its values, NULL at the end */
} Field;

static const char *const mount_kinds[] = {"bind",   "volume", "tmpfs", "ramfs",
					  "devpts", "image",  NULL};
static const char *const ns_modes[] = {"default", "private", "host", "container", "path", NULL};
static const char *const userns_modes[] = {"host", "keep-id",   "nomap", "auto",
					   "maps", "container", "path",  NULL};
static const char *const cgroups_words[] = {"default",   "enabled", "disabled",
					    "no-conmon", "split",   NULL};
static const char *const restart_words[] = {"no", "on-failure", "always", "unless-stopped", NULL};
static const char *const pull_words[] = {"missing", "always", "never", "newer", NULL};
static const char *const log_words[] = {"k8s-file", "json-file",   "journald",
					"none",     "passthrough", NULL};

static const char *const init_ctr_words[] = {"no", "once", "always", NULL};
static const char *const systemd_words[] = {"auto", "false", "always", NULL};
static const char *const notify_words[] = {"default", "container", "conmon",
					   "healthy", "ignore",    NULL};

#define ROW(type, row_key, row_kind, member)                                                       \
	{                                                                                          \
		.key = (row_key), .kind = (row_kind), .offset = offsetof(type, member)             \
	}
#define ENUM_ROW(type, row_key, member, row_words)                                                 \
	{                                                                                          \
		.key = (row_key), .kind = FIELD_ENUM, .offset = offsetof(type, member),            \
		.words = (row_words)                                                               \
	}

static const Field mount_fields[] = {
	ENUM_ROW(SpecMount, "kind", kind, mount_kinds),
	ROW(SpecMount, "source", FIELD_STRING, source),
	ROW(SpecMount, "destination", FIELD_STRING, destination),
	ROW(SpecMount, "readOnly", FIELD_BOOL, read_only),
	ROW(SpecMount, "copyUp", FIELD_BOOL, copy_up),
	ROW(SpecMount, "chown", FIELD_BOOL, chown),
	ROW(SpecMount, "overlay", FIELD_BOOL, overlay),
	ROW(SpecMount, "propagation", FIELD_STRING, propagation),
	ROW(SpecMount, "nonRecursive", FIELD_BOOL, non_recursive),
	ROW(SpecMount, "fromImage", FIELD_BOOL, from_image),
	ROW(SpecMount, "subpath", FIELD_STRING, subpath),
	ROW(SpecMount, "imageId", FIELD_STRING, image_id),
	ROW(SpecMount, "layers", FIELD_STRV, layers),
	{NULL},
};

static const Field device_fields[] = {
	ROW(SpecDevice, "hostPath", FIELD_STRING, host_path),
	ROW(SpecDevice, "path", FIELD_STRING, path),
	ROW(SpecDevice, "permissions", FIELD_STRING, permissions),
	{NULL},
};

static const Field secret_fields[] = {
	ROW(SpecSecret, "name", FIELD_STRING, name),
	ROW(SpecSecret, "id", FIELD_STRING, id),
	ROW(SpecSecret, "env", FIELD_BOOL, env),
	ROW(SpecSecret, "given", FIELD_BOOL, given),
	ROW(SpecSecret, "target", FIELD_STRING, target),
	ROW(SpecSecret, "uid", FIELD_UINT32, uid),
	ROW(SpecSecret, "gid", FIELD_UINT32, gid),
	ROW(SpecSecret, "mode", FIELD_UINT32, mode),
	ROW(SpecSecret, "digest", FIELD_STRING, digest),
	{NULL},
};

static const Field namespace_fields[] = {
	ENUM_ROW(SpecNamespace, "mode", mode, ns_modes),
	ROW(SpecNamespace, "target", FIELD_STRING, target),
	{NULL},
};

static const Field spec_fields[] = {
	ROW(ContainerSpec, "name", FIELD_STRING, name),
	ROW(ContainerSpec, "image", FIELD_STRING, image),
	ROW(ContainerSpec, "imageId", FIELD_STRING, image_id),
	ROW(ContainerSpec, "imageName", FIELD_STRING, image_name),
	ROW(ContainerSpec, "rootfs", FIELD_STRING, rootfs),
	ROW(ContainerSpec, "rootfsOverlay", FIELD_BOOL, rootfs_overlay),
	ROW(ContainerSpec, "layers", FIELD_STRV, layers),
	ROW(ContainerSpec, "layerDir", FIELD_STRING, layer_dir),
	ROW(ContainerSpec, "labels", FIELD_MAP, labels),
	ROW(ContainerSpec, "annotations", FIELD_MAP, annotations),

	ROW(ContainerSpec, "command", FIELD_STRV, command),
	ROW(ContainerSpec, "entrypoint", FIELD_STRV, entrypoint),
	ROW(ContainerSpec, "entrypointSet", FIELD_BOOL, entrypoint_set),
	ROW(ContainerSpec, "args", FIELD_STRV, args),
	ROW(ContainerSpec, "env", FIELD_STRV, env),
	ROW(ContainerSpec, "workdir", FIELD_STRING, workdir),
	ROW(ContainerSpec, "workdirCreated", FIELD_BOOL, workdir_created),
	ROW(ContainerSpec, "user", FIELD_STRING, user),
	ROW(ContainerSpec, "groupAdd", FIELD_STRV, group_add),
	ROW(ContainerSpec, "keepGroups", FIELD_BOOL, keep_groups),
	ROW(ContainerSpec, "umask", FIELD_STRING, umask),
	ROW(ContainerSpec, "passwdEntry", FIELD_STRING, passwd_entry),
	ROW(ContainerSpec, "groupEntry", FIELD_STRING, group_entry),
	ROW(ContainerSpec, "passwd", FIELD_BOOL, passwd),
	ROW(ContainerSpec, "timezone", FIELD_STRING, timezone),
	ROW(ContainerSpec, "tty", FIELD_BOOL, tty),
	ROW(ContainerSpec, "openStdin", FIELD_BOOL, open_stdin),
	ROW(ContainerSpec, "init", FIELD_BOOL, init),
	ROW(ContainerSpec, "stopSignal", FIELD_INT, stop_signal),
	ROW(ContainerSpec, "stopTimeout", FIELD_INT, stop_timeout),
	ROW(ContainerSpec, "timeout", FIELD_INT, timeout),

	ROW(ContainerSpec, "capAdd", FIELD_STRV, cap_add),
	ROW(ContainerSpec, "capDrop", FIELD_STRV, cap_drop),
	ROW(ContainerSpec, "privileged", FIELD_BOOL, privileged),
	ROW(ContainerSpec, "noNewPrivileges", FIELD_BOOL, no_new_privileges),
	ROW(ContainerSpec, "seccompUnconfined", FIELD_BOOL, seccomp_unconfined),
	ROW(ContainerSpec, "seccompProfile", FIELD_STRING, seccomp_profile),
	ROW(ContainerSpec, "nested", FIELD_BOOL, nested),
	ROW(ContainerSpec, "mask", FIELD_STRV, mask),
	ROW(ContainerSpec, "unmask", FIELD_STRV, unmask),
	ROW(ContainerSpec, "apparmorProfile", FIELD_STRING, apparmor_profile),
	ROW(ContainerSpec, "labelDisable", FIELD_BOOL, label_disable),
	ROW(ContainerSpec, "ulimitHost", FIELD_BOOL, ulimit_host),
	ROW(ContainerSpec, "cdiDevices", FIELD_STRV, cdi_devices),
	ROW(ContainerSpec, "cdiDirs", FIELD_STRV, cdi_dirs),
	ROW(ContainerSpec, "sysctl", FIELD_MAP, sysctl),
	ROW(ContainerSpec, "readOnly", FIELD_BOOL, read_only),
	ROW(ContainerSpec, "readOnlyTmpfs", FIELD_BOOL, read_only_tmpfs),
	ROW(ContainerSpec, "pidsLimit", FIELD_INT64, pids_limit),
	ROW(ContainerSpec, "pidsLimitSet", FIELD_BOOL, pids_limit_set),
	ROW(ContainerSpec, "oomScoreAdj", FIELD_INT, oom_score_adj),
	ROW(ContainerSpec, "oomScoreAdjSet", FIELD_BOOL, oom_score_adj_set),
	ENUM_ROW(ContainerSpec, "cgroups", cgroups, cgroups_words),
	ENUM_ROW(ContainerSpec, "sdnotify", sdnotify, notify_words),
	ENUM_ROW(ContainerSpec, "systemdAsked", systemd_asked, systemd_words),
	ROW(ContainerSpec, "systemd", FIELD_BOOL, systemd),
	ROW(ContainerSpec, "cgroupParent", FIELD_STRING, cgroup_parent),
	ROW(ContainerSpec, "shmSize", FIELD_INT64, shm_size),

	ENUM_ROW(ContainerSpec, "userns", userns, userns_modes),
	ROW(ContainerSpec, "usernsAsked", FIELD_BOOL, userns_asked),
	ROW(ContainerSpec, "usernsTarget", FIELD_STRING, userns_target),
	ROW(ContainerSpec, "usernsSize", FIELD_UINT32, userns_size),
	ROW(ContainerSpec, "keepIdUid", FIELD_UINT32, keep_id_uid),
	ROW(ContainerSpec, "keepIdGid", FIELD_UINT32, keep_id_gid),
	ROW(ContainerSpec, "keepIdUidSet", FIELD_BOOL, keep_id_uid_set),
	ROW(ContainerSpec, "keepIdGidSet", FIELD_BOOL, keep_id_gid_set),
	ROW(ContainerSpec, "hostname", FIELD_STRING, hostname),
	ROW(ContainerSpec, "domainname", FIELD_STRING, domainname),

	ROW(ContainerSpec, "publishAll", FIELD_BOOL, publish_all),
	ROW(ContainerSpec, "exposed", FIELD_STRV, exposed),
	ROW(ContainerSpec, "addHost", FIELD_STRV, add_host),
	ROW(ContainerSpec, "dns", FIELD_STRV, dns),
	ROW(ContainerSpec, "dnsSearch", FIELD_STRV, dns_search),
	ROW(ContainerSpec, "dnsOption", FIELD_STRV, dns_option),

	ROW(ContainerSpec, "noHosts", FIELD_BOOL, no_hosts),
	ROW(ContainerSpec, "noHostname", FIELD_BOOL, no_hostname),
	ROW(ContainerSpec, "hostsFile", FIELD_STRING, hosts_file),
	ROW(ContainerSpec, "volumesFrom", FIELD_STRV, volumes_from),
	ROW(ContainerSpec, "remove", FIELD_BOOL, remove),
	ROW(ContainerSpec, "removeImage", FIELD_BOOL, remove_image),
	ROW(ContainerSpec, "pod", FIELD_STRING, pod),
	ROW(ContainerSpec, "podName", FIELD_STRING, pod_name),
	ROW(ContainerSpec, "podCgroup", FIELD_STRING, pod_cgroup),
	ROW(ContainerSpec, "infra", FIELD_BOOL, infra),
	ENUM_ROW(ContainerSpec, "initCtr", init_ctr, init_ctr_words),
	ENUM_ROW(ContainerSpec, "restart", restart, restart_words),
	ROW(ContainerSpec, "restartRetries", FIELD_INT, restart_retries),
	ROW(ContainerSpec, "restartDelay", FIELD_INT, restart_delay_ms),
	ROW(ContainerSpec, "restartWindow", FIELD_INT, restart_window_ms),
	ENUM_ROW(ContainerSpec, "pull", pull, pull_words),
	ROW(ContainerSpec, "platform", FIELD_STRING, platform),
	ROW(ContainerSpec, "cidfile", FIELD_STRING, cidfile),
	ROW(ContainerSpec, "pidFile", FIELD_STRING, pid_file),
	ROW(ContainerSpec, "monitorPidFile", FIELD_STRING, monitor_pid_file),
	ROW(ContainerSpec, "requires", FIELD_STRV, requires),
	ENUM_ROW(ContainerSpec, "logDriver", log_driver, log_words),
	ROW(ContainerSpec, "logPath", FIELD_STRING, log_path),
	ROW(ContainerSpec, "logMaxSize", FIELD_INT64, log_max_size),
	ROW(ContainerSpec, "logMaxFile", FIELD_INT, log_max_file),
	ROW(ContainerSpec, "logTag", FIELD_STRING, log_tag),
	ROW(ContainerSpec, "logLabels", FIELD_STRV, log_labels),
	ROW(ContainerSpec, "createCommand", FIELD_STRV, create_command),
	ROW(ContainerSpec, "created", FIELD_INT64, created),
	{NULL},
};

static const struct {
	const char *key;
	size_t offset;
} namespace_rows[] = {
	{"pid", offsetof(ContainerSpec, pid)},
	{"ipc", offsetof(ContainerSpec, ipc)},
	{"uts", offsetof(ContainerSpec, uts)},
	{"cgroup", offsetof(ContainerSpec, cgroup)},
};

#define AT(base, field, type)       (*(type *)((char *)(base) + (field)->offset))
#define CONST_AT(base, field, type) (*(type const *)((const char *)(base) + (field)->offset))

static const char *words_get(const char *const *words, int value)
{
	g_assert(value >= 0 && (size_t)value < g_strv_length((char **)words));
	return words[value];
}

/* Add one field to a record unless it has its default. */
static void write_field(Json *json, const Field *field, const void *base, const void *defaults)
{
	switch (field->kind) {
	case FIELD_STRING:
		js_set_string(json, field->key, CONST_AT(base, field, char *));
		break;
	case FIELD_STRV:
		if (CONST_AT(base, field, char **))
			js_set_take(
				json, field->key,
				js_from_strv((const char *const *)CONST_AT(base, field, char **)));
		break;
	case FIELD_MAP:
		if (g_hash_table_size(CONST_AT(base, field, GHashTable *)) > 0)
			js_set_take(json, field->key,
				    js_from_string_map(CONST_AT(base, field, GHashTable *)));
		break;
	case FIELD_BOOL:
		if (CONST_AT(base, field, bool) != CONST_AT(defaults, field, bool))
			js_set_bool(json, field->key, CONST_AT(base, field, bool));
		break;
	case FIELD_INT:
		if (CONST_AT(base, field, int) != CONST_AT(defaults, field, int))
			js_set_int(json, field->key, CONST_AT(base, field, int));
		break;
	case FIELD_UINT32:
		if (CONST_AT(base, field, uint32_t) != CONST_AT(defaults, field, uint32_t))
			js_set_int(json, field->key, CONST_AT(base, field, uint32_t));
		break;
	case FIELD_INT64:
		if (CONST_AT(base, field, int64_t) != CONST_AT(defaults, field, int64_t))
			js_set_int(json, field->key, CONST_AT(base, field, int64_t));
		break;
	case FIELD_ENUM:
		if (CONST_AT(base, field, int) != CONST_AT(defaults, field, int))
			js_set_string(json, field->key,
				      words_get(field->words, CONST_AT(base, field, int)));
		break;
	}
}

static void write_fields(Json *json, const Field *fields, const void *base, const void *defaults)
{
	for (const Field *field = fields; field->key; field++)
		write_field(json, field, base, defaults);
}

static bool read_enum(Json *json, const Field *field, int *out, GError **error)
{
	const char *word = NULL;
	if (!js_get_string(json, field->key, &word, error))
		return false;
	for (int i = 0; word && field->words[i]; i++) {
		if (strcmp(word, field->words[i]) == 0) {
			*out = i;
			return true;
		}
	}
	return !word ||
	       error_set(error, ENGINE_ERROR_CORRUPT, "%s: unknown word '%s'", field->key, word);
}

static bool read_map(Json *json, const Field *field, GHashTable **map, GError **error)
{
	GHashTable *read = NULL;
	if (!js_get_string_map(json, field->key, &read, error))
		return false;
	if (read) {
		g_hash_table_unref(*map);
		*map = read;
	}
	return true;
}

/* Read one field; an absent one keeps its default. */
static bool read_field(Json *json, const Field *field, void *base, GError **error)
{
	int64_t number = 0;
	switch (field->kind) {
	case FIELD_STRING:
		return js_dup_string(json, field->key, &AT(base, field, char *), error);
	case FIELD_STRV:
		return js_get_strv(json, field->key, &AT(base, field, char **), error);
	case FIELD_MAP:
		return read_map(json, field, &AT(base, field, GHashTable *), error);
	case FIELD_BOOL:
		return js_get_bool(json, field->key, &AT(base, field, bool), error);
	case FIELD_INT:
		number = AT(base, field, int);
		if (!js_get_int(json, field->key, INT32_MIN, INT32_MAX, &number, error))
			return false;
		AT(base, field, int) = (int)number;
		return true;
	case FIELD_UINT32:
		number = AT(base, field, uint32_t);
		if (!js_get_int(json, field->key, 0, UINT32_MAX, &number, error))
			return false;
		AT(base, field, uint32_t) = (uint32_t)number;
		return true;
	case FIELD_INT64:
		return js_get_int(json, field->key, INT64_MIN, INT64_MAX, &AT(base, field, int64_t),
				  error);
	case FIELD_ENUM:
		return read_enum(json, field, &AT(base, field, int), error);
	}
	g_assert_not_reached();
}

static bool read_fields(Json *json, const Field *fields, void *base, GError **error)
{
	for (const Field *field = fields; field->key; field++)
		if (!read_field(json, field, base, error))
			return false;
	return true;
}

/* Each mount with what differs from the defaults of its kind. */
static Json *write_mounts(const GPtrArray *mounts)
{
	Json *array = json_object_new_array();
	for (size_t i = 0; i < mounts->len; i++) {
		const SpecMount *mount = mounts->pdata[i];
		g_autoptr(SpecMount) defaults = spec_mount_new(mount->kind, NULL, NULL);
		Json *json = json_object_new_object();
		/* Its kind is read before the rest, whose defaults depend on it. */
		defaults->kind = SPEC_MOUNT_BIND;
		write_fields(json, mount_fields, mount, defaults);
		if (mount->relabel)
			js_set_string(json, "relabel",
				      mount->relabel == 'z' ? "shared" : "private");
		if (mount->options[0])
			js_set_take(json, "options",
				    js_from_strv((const char *const *)mount->options));
		json_object_array_add(array, json);
	}
	return array;
}

/* One mount, appended to @mounts. */
static bool read_mount(Json *json, void *mounts, GError **error)
{
	int kind = SPEC_MOUNT_BIND;
	if (!read_enum(json, &mount_fields[0], &kind, error))
		return false;
	SpecMount *mount = spec_mount_new((SpecMountKind)kind, NULL, NULL);
	g_ptr_array_add(mounts, mount);

	const char *relabel = NULL;
	char **options = NULL;
	if (!read_fields(json, mount_fields, mount, error) ||
	    !js_get_string(json, "relabel", &relabel, error) ||
	    !js_get_strv(json, "options", &options, error))
		return false;
	if (relabel)
		mount->relabel = strcmp(relabel, "shared") == 0 ? 'z' : 'Z';
	if (options) {
		g_strfreev(mount->options);
		mount->options = options;
	}
	if (!mount->destination || mount->destination[0] != '/')
		return error_set(error, ENGINE_ERROR_CORRUPT, "mounts: a destination is missing");
	return true;
}

static Json *write_devices(const GPtrArray *devices)
{
	static const SpecDevice defaults = {0};
	Json *array = json_object_new_array();
	for (size_t i = 0; i < devices->len; i++) {
		Json *json = json_object_new_object();
		write_fields(json, device_fields, devices->pdata[i], &defaults);
		json_object_array_add(array, json);
	}
	return array;
}

static bool read_device(Json *json, void *devices, GError **error)
{
	SpecDevice *device = g_new0(SpecDevice, 1);
	g_ptr_array_add(devices, device);
	if (!read_fields(json, device_fields, device, error))
		return false;
	if (!device->host_path || !device->path || !device->permissions)
		return error_set(error, ENGINE_ERROR_CORRUPT, "devices: a path is missing");
	return true;
}

static Json *write_secrets(const GPtrArray *secrets)
{
	static const SpecSecret defaults = {0};
	Json *array = json_object_new_array();
	for (size_t i = 0; i < secrets->len; i++) {
		Json *json = json_object_new_object();
		write_fields(json, secret_fields, secrets->pdata[i], &defaults);
		json_object_array_add(array, json);
	}
	return array;
}

static bool read_secret(Json *json, void *secrets, GError **error)
{
	SpecSecret *secret = g_new0(SpecSecret, 1);
	g_ptr_array_add(secrets, secret);
	if (!read_fields(json, secret_fields, secret, error))
		return false;
	return (secret->name && secret->target) ||
	       error_set(error, ENGINE_ERROR_CORRUPT, "secrets: a name or target is missing");
}

/* RLIM_INFINITY is -1 in the record. */
Json *spec_ulimits_to_json(const GArray *ulimits)
{
	Json *array = json_object_new_array();
	for (size_t i = 0; i < ulimits->len; i++) {
		const OciRlimit *limit = &g_array_index(ulimits, OciRlimit, i);
		Json *json = json_object_new_object();
		js_set_int(json, "resource", limit->resource);
		js_set_int(json, "soft", (int64_t)limit->soft);
		js_set_int(json, "hard", (int64_t)limit->hard);
		json_object_array_add(array, json);
	}
	return array;
}

static bool read_ulimit(Json *json, void *ulimits, GError **error)
{
	int64_t resource = 0, soft = 0, hard = 0;
	if (!js_get_int(json, "resource", 0, 63, &resource, error) ||
	    !js_get_int(json, "soft", INT64_MIN, INT64_MAX, &soft, error) ||
	    !js_get_int(json, "hard", INT64_MIN, INT64_MAX, &hard, error))
		return false;
	OciRlimit limit = {(int)resource, (uint64_t)soft, (uint64_t)hard};
	g_array_append_vals(ulimits, &limit, 1);
	return true;
}

static Json *write_ranges(const GArray *ranges)
{
	Json *array = json_object_new_array();
	for (size_t i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		Json *json = json_object_new_object();
		js_set_int(json, "inside", range->inside);
		js_set_int(json, "outside", range->outside);
		js_set_int(json, "count", range->count);
		json_object_array_add(array, json);
	}
	return array;
}

static bool read_range(Json *json, void *ranges, GError **error)
{
	int64_t inside = -1, outside = -1, count = -1;
	if (!js_get_int(json, "inside", 0, UINT32_MAX, &inside, error) ||
	    !js_get_int(json, "outside", 0, UINT32_MAX, &outside, error) ||
	    !js_get_int(json, "count", 1, UINT32_MAX, &count, error))
		return false;
	if (inside < 0 || outside < 0 || count < 0)
		return error_set(error, ENGINE_ERROR_CORRUPT, "idMap: an incomplete range");
	idmap_add(ranges, (uint32_t)inside, (uint32_t)outside, (uint32_t)count);
	return true;
}

/* Read an array of objects with one of the readers above. */
static bool read_array(Json *json, const char *key, bool (*reader)(Json *, void *, GError **),
		       void *list, GError **error)
{
	Json *array = NULL;
	if (!js_get_array(json, key, &array, error))
		return false;
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		Json *item = json_object_array_get_idx(array, i);
		if (!json_object_is_type(item, json_type_object))
			return error_set(error, ENGINE_ERROR_CORRUPT, "%s[%zu]: expected an object",
					 key, i);
		if (!reader(item, list, error)) {
			g_prefix_error(error, "%s[%zu].", key, i);
			return false;
		}
	}
	return true;
}

bool spec_ulimits_from_json(Json *json, const char *key, GArray *ulimits, GError **error)
{
	return read_array(json, key, read_ulimit, ulimits, error);
}

/* What is more than a field: namespaces, network, lists, the id map. */
static void write_parts(const ContainerSpec *spec, Json *json)
{
	static const SpecNamespace no_namespace = {0};
	for (size_t i = 0; i < G_N_ELEMENTS(namespace_rows); i++) {
		const SpecNamespace *ns =
			(const void *)((const char *)spec + namespace_rows[i].offset);
		if (ns->mode == SPEC_NS_DEFAULT)
			continue;
		Json *part = json_object_new_object();
		write_fields(part, namespace_fields, ns, &no_namespace);
		js_set_take(json, namespace_rows[i].key, part);
	}
	js_set_take(json, "network", network_request_to_json(spec->network));
	if (spec->health)
		js_set_take(json, "health", health_config_to_json(spec->health));
	if (spec->mounts->len > 0)
		js_set_take(json, "mounts", write_mounts(spec->mounts));
	if (spec->devices->len > 0)
		js_set_take(json, "devices", write_devices(spec->devices));
	if (spec->secrets->len > 0)
		js_set_take(json, "secrets", write_secrets(spec->secrets));
	if (spec->ulimits->len > 0)
		js_set_take(json, "ulimits", spec_ulimits_to_json(spec->ulimits));
	if (!spec->id_map)
		return;
	Json *map = json_object_new_object();
	js_set_take(map, "uids", write_ranges(spec->id_map->uids));
	js_set_take(map, "gids", write_ranges(spec->id_map->gids));
	js_set_take(json, "idMap", map);
}

Json *spec_to_json(const ContainerSpec *spec)
{
	g_autoptr(ContainerSpec) defaults = spec_new();
	Json *json = json_object_new_object();
	js_set_int(json, "version", SPEC_VERSION);
	write_fields(json, spec_fields, spec, defaults);
	write_parts(spec, json);
	Json *resources = resources_to_json(&spec->resources, true);
	if (resources)
		js_set_take(json, "resources", resources);
	return json;
}

static bool read_network(Json *json, ContainerSpec *spec, GError **error)
{
	Json *part = NULL;
	if (!js_get_object(json, "network", &part, error))
		return false;
	if (!part)
		return true;
	NetworkRequest *network = network_request_from_json(part, error);
	if (!network)
		return false;
	network_request_free(spec->network);
	spec->network = network;
	return true;
}

static bool read_health(Json *json, ContainerSpec *spec, GError **error)
{
	Json *part = NULL;
	if (!js_get_object(json, "health", &part, error))
		return false;
	if (part)
		spec->health = health_config_from_json(part, error);
	return !part || spec->health;
}

static bool read_ranges(Json *json, const char *key, GArray *ranges, GError **error)
{
	return read_array(json, key, read_range, ranges, error) &&
	       (ranges->len == 0 || idmap_check(ranges, error));
}

static bool read_id_map(Json *json, ContainerSpec *spec, GError **error)
{
	Json *part = NULL;
	if (!js_get_object(json, "idMap", &part, error))
		return false;
	if (!part)
		return true;
	spec->id_map = idmap_new();
	return read_ranges(part, "uids", spec->id_map->uids, error) &&
	       read_ranges(part, "gids", spec->id_map->gids, error);
}

static bool read_resources(Json *json, ContainerSpec *spec, GError **error)
{
	Json *part = NULL;
	return js_get_object(json, "resources", &part, error) &&
	       resources_from_json(part, &spec->resources, error);
}

/* What write_parts() has written. */
static bool read_parts(Json *json, ContainerSpec *spec, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(namespace_rows); i++) {
		Json *part = NULL;
		if (!js_get_object(json, namespace_rows[i].key, &part, error))
			return false;
		void *ns = (char *)spec + namespace_rows[i].offset;
		if (part && !read_fields(part, namespace_fields, ns, error))
			return false;
	}
	return read_network(json, spec, error) && read_health(json, spec, error) &&
	       read_array(json, "mounts", read_mount, spec->mounts, error) &&
	       read_array(json, "devices", read_device, spec->devices, error) &&
	       read_array(json, "secrets", read_secret, spec->secrets, error) &&
	       spec_ulimits_from_json(json, "ulimits", spec->ulimits, error) &&
	       read_resources(json, spec, error) && read_id_map(json, spec, error);
}

ContainerSpec *spec_from_json(Json *json, GError **error)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	g_autoptr(GError) cause = NULL;
	int64_t version = 0;
	if (!js_get_int(json, "version", 0, INT32_MAX, &version, &cause) ||
	    !read_fields(json, spec_fields, spec, &cause) || !read_parts(json, spec, &cause))
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "create.json: %s",
				      cause->message);
	if (version != SPEC_VERSION)
		return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
				      "create.json has version %" PRId64 ", this skiff knows %d",
				      version, SPEC_VERSION);
	return g_steal_pointer(&spec);
}
