/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/runtime/limits.h"
#include "libpod/runtime/oci_config_priv.h"
#include "libpod/runtime/privileges.h"

/* A reader of one member of an array of objects. */
typedef bool (*ItemFn)(Json *item, OciConfig *config, GError **error);

/* Apply @fn to every object of an array; errors say which one. */
static bool read_array(Json *object, const char *key, ItemFn fn, OciConfig *config, GError **error)
{
	Json *array = NULL;
	if (!js_get_array(object, key, &array, error))
		return false;
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		if (fn(json_object_array_get_idx(array, i), config, error))
			continue;
		g_prefix_error(error, "%s[%zu].", key, i);
		return false;
	}
	return true;
}

/* A string that must be there. */
static bool require_string(Json *object, const char *key, char **out, GError **error)
{
	return js_dup_string(object, key, out, error) &&
	       (*out || error_set(error, ENGINE_ERROR_INVALID, "%s: missing", key));
}

static bool read_uint32(Json *object, const char *key, uint32_t *out, GError **error)
{
	int64_t value = *out;
	if (!js_get_int(object, key, 0, G_MAXUINT32, &value, error))
		return false;
	*out = (uint32_t)value;
	return true;
}

/* An array of names to a bit set. */
static bool read_capability_set(Json *object, const char *key, uint64_t *out, GError **error)
{
	g_auto(GStrv) names = NULL;
	if (!js_get_strv(object, key, &names, error))
		return false;
	uint64_t set = 0;
	for (size_t i = 0; names && names[i]; i++) {
		int capability;
		if (!privileges_capability_parse(names[i], &capability, error)) {
			g_prefix_error(error, "%s[%zu]: ", key, i);
			return false;
		}
		set |= UINT64_C(1) << capability;
	}
	*out = set;
	return true;
}

/* An unsigned 64-bit limit: RLIM_INFINITY is beyond what js_get_int() takes. */
static bool read_limit(Json *object, const char *key, uint64_t *out, GError **error)
{
	Json *value = NULL;
	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: expected an integer", key);
	*out = json_object_get_uint64(value);
	return true;
}

/* process.rlimits[] */
static bool read_rlimit(Json *item, OciConfig *config, GError **error)
{
	const char *type = "";
	OciRlimit limit = {0};
	if (!js_get_string(item, "type", &type, error))
		return false;
	limit.resource = limits_rlimit_parse(type);
	if (limit.resource < 0)
		return error_set(error, ENGINE_ERROR_INVALID, "type: unknown limit '%s'", type);
	if (!read_limit(item, "soft", &limit.soft, error) ||
	    !read_limit(item, "hard", &limit.hard, error))
		return false;
	g_array_append_val(config->rlimits, limit);
	return true;
}

static bool read_capabilities(Json *process, OciConfig *config, GError **error)
{
	Json *sets = NULL;
	return js_get_object(process, "capabilities", &sets, error) &&
	       read_capability_set(sets, "bounding", &config->cap_bounding, error) &&
	       read_capability_set(sets, "effective", &config->cap_effective, error) &&
	       read_capability_set(sets, "ambient", &config->cap_ambient, error);
}

static bool read_window(Json *process, OciConfig *config, GError **error)
{
	Json *size = NULL;
	int64_t rows = 0, columns = 0;
	if (!js_get_object(process, "consoleSize", &size, error) ||
	    !js_get_int(size, "height", 0, G_MAXUINT16, &rows, error) ||
	    !js_get_int(size, "width", 0, G_MAXUINT16, &columns, error))
		return false;
	config->rows = (uint16_t)rows;
	config->columns = (uint16_t)columns;
	return true;
}

/* Numbers, as other tools write them; our own annotation comes later and wins. */
static bool read_user(Json *process, OciConfig *config, GError **error)
{
	Json *user = NULL, *groups = NULL;
	uint32_t uid = 0, gid = 0, mask = G_MAXUINT32;
	if (!js_get_object(process, "user", &user, error) ||
	    !read_uint32(user, "umask", &mask, error) || !read_uint32(user, "uid", &uid, error) ||
	    !read_uint32(user, "gid", &gid, error) ||
	    !js_get_array(user, "additionalGids", &groups, error))
		return false;
	config->umask_set = mask != G_MAXUINT32;
	config->umask = config->umask_set ? mask & 0777 : 0;
	if (uid || gid)
		config->user_spec = g_strdup_printf("%u:%u", uid, gid);
	size_t n = groups ? json_object_array_length(groups) : 0;
	if (n > 0)
		config->extra_groups = g_new0(char *, n + 1);
	for (size_t i = 0; i < n; i++) {
		Json *group = json_object_array_get_idx(groups, i);
		if (!json_object_is_type(group, json_type_int))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "additionalGids[%zu]: expected an integer", i);
		config->extra_groups[i] =
			g_strdup_printf("%" G_GINT64_FORMAT, json_object_get_int64(group));
	}
	return true;
}

/* All of process; at least one argument must be there. */
static bool read_process(Json *process, OciConfig *config, GError **error)
{
	int64_t score = G_MININT32;
	if (!js_get_bool(process, "terminal", &config->terminal, error) ||
	    !read_window(process, config, error) || !read_user(process, config, error) ||
	    !js_get_strv(process, "args", &config->args, error) ||
	    !js_get_strv(process, "env", &config->env, error) ||
	    !require_string(process, "cwd", &config->cwd, error) ||
	    !read_capabilities(process, config, error) ||
	    !read_array(process, "rlimits", read_rlimit, config, error) ||
	    !js_get_bool(process, "noNewPrivileges", &config->no_new_privileges, error) ||
	    !js_dup_string(process, "apparmorProfile", &config->apparmor_profile, error) ||
	    !js_dup_string(process, "selinuxLabel", &config->selinux_label, error) ||
	    !js_get_int(process, "oomScoreAdj", -1000, 1000, &score, error))
		return false;
	if (!config->args || !*config->args)
		return error_set(error, ENGINE_ERROR_INVALID, "args: expected at least one");
	config->oom_score_adj_set = score != G_MININT32;
	config->oom_score_adj = config->oom_score_adj_set ? (int)score : 0;
	return true;
}

/* mounts[]; a bind needs a source. */
static bool read_mount(Json *item, OciConfig *config, GError **error)
{
	const char *destination = NULL, *type = "bind", *source = NULL;
	g_auto(GStrv) options = NULL;
	if (!js_get_string(item, "destination", &destination, error) ||
	    !js_get_string(item, "type", &type, error) ||
	    !js_get_string(item, "source", &source, error) ||
	    !js_get_strv(item, "options", &options, error))
		return false;
	if (!destination || *destination != '/')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "destination: expected an absolute path");
	if (!source && strcmp(type, "bind") == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "source: missing");
	oci_config_add_mount(config, destination, type, source, (const char *const *)options);
	return true;
}

/* linux.namespaces[]; each kind at most once. */
static bool read_namespace(Json *item, OciConfig *config, GError **error)
{
	const char *type = "";
	g_autofree char *path = NULL;
	if (!js_get_string(item, "type", &type, error) ||
	    !js_dup_string(item, "path", &path, error))
		return false;
	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		OciNamespace *ns = &config->namespaces[i];
		if (strcmp(type, oci_namespace_names[i]) != 0)
			continue;
		if (ns->mode != OCI_NS_HOST)
			return error_set(error, ENGINE_ERROR_INVALID, "type: '%s' is listed twice",
					 type);
		ns->mode = path ? OCI_NS_PATH : OCI_NS_NEW;
		ns->path = g_steal_pointer(&path);
		return true;
	}
	return error_set(error, ENGINE_ERROR_INVALID, "type: unknown namespace '%s'", type);
}

static bool read_range(Json *item, GArray *ranges, GError **error)
{
	uint32_t inside = 0, outside = 0, count = 0;
	if (!read_uint32(item, "containerID", &inside, error) ||
	    !read_uint32(item, "hostID", &outside, error) ||
	    !read_uint32(item, "size", &count, error))
		return false;
	idmap_add(ranges, inside, outside, count);
	return true;
}

static bool read_uid_range(Json *item, OciConfig *config, GError **error)
{
	return read_range(item, config->user_map->uids, error);
}

static bool read_gid_range(Json *item, OciConfig *config, GError **error)
{
	return read_range(item, config->user_map->gids, error);
}

/* Maps count only for a user namespace of its own. */
static bool read_map(Json *linux_part, OciConfig *config, GError **error)
{
	OciNamespaceMode mode = config->namespaces[OCI_NS_USER].mode;
	/* One that is joined has its map; here it may be told for the owners of our own files. */
	if (mode == OCI_NS_HOST ||
	    (mode == OCI_NS_PATH && !json_object_object_get(linux_part, "uidMappings")))
		return true;
	config->user_map = idmap_new();
	return read_array(linux_part, "uidMappings", read_uid_range, config, error) &&
	       read_array(linux_part, "gidMappings", read_gid_range, config, error) &&
	       idmap_check(config->user_map->uids, error) &&
	       idmap_check(config->user_map->gids, error);
}

/* linux.devices[]; 'u' is another word for 'c'. */
static bool read_device(Json *item, OciConfig *config, GError **error)
{
	OciDevice *device = g_new0(OciDevice, 1);
	g_ptr_array_add(config->devices, device);
	const char *type = "";
	if (!require_string(item, "path", &device->path, error) ||
	    !js_get_string(item, "type", &type, error) ||
	    !js_get_int(item, "major", 0, G_MAXINT32, &device->major, error) ||
	    !js_get_int(item, "minor", 0, G_MAXINT32, &device->minor, error) ||
	    !read_uint32(item, "fileMode", &device->mode, error) ||
	    !read_uint32(item, "uid", &device->uid, error) ||
	    !read_uint32(item, "gid", &device->gid, error))
		return false;
	if (strlen(type) != 1 || !strchr("cbpu", *type))
		return error_set(error, ENGINE_ERROR_INVALID, "type: unknown device type '%s'",
				 type);
	device->type = *type == 'u' ? 'c' : *type;
	return *device->path == '/' ||
	       error_set(error, ENGINE_ERROR_INVALID, "path: expected an absolute path");
}

static bool read_resources(Json *linux_part, OciConfig *config, GError **error)
{
	Json *resources = NULL;
	return js_get_object(linux_part, "resources", &resources, error) &&
	       resources_from_json(resources, &config->resources, error);
}

static bool read_linux(Json *linux_part, OciConfig *config, GError **error)
{
	return read_array(linux_part, "namespaces", read_namespace, config, error) &&
	       read_map(linux_part, config, error) &&
	       read_array(linux_part, "devices", read_device, config, error) &&
	       js_get_string_map(linux_part, "sysctl", &config->sysctl, error) &&
	       js_get_strv(linux_part, "maskedPaths", &config->masked_paths, error) &&
	       js_get_strv(linux_part, "readonlyPaths", &config->readonly_paths, error) &&
	       js_dup_string(linux_part, "cgroupsPath", &config->cgroups_path, error) &&
	       js_dup_string(linux_part, "mountLabel", &config->mount_label, error) &&
	       read_resources(linux_part, config, error);
}

/* Host paths of the devices, from the annotation's text. */
static bool read_device_sources(const char *text, OciConfig *config, GError **error)
{
	g_autoptr(Json) json = js_parse(text, strlen(text), OCI_KEY_DEVICES, error);
	if (!json)
		return false;
	for (guint i = 0; i < config->devices->len; i++) {
		OciDevice *device = g_ptr_array_index(config->devices, i);
		if (!js_dup_string(json, device->path, &device->host_path, error))
			return false;
	}
	return true;
}

static bool read_secret(Json *item, OciConfig *config, GError **error)
{
	OciSecret *secret = oci_config_add_secret(config);
	if (!js_dup_string(item, "path", &secret->path, error) ||
	    !js_dup_string(item, "env", &secret->env, error) ||
	    !read_uint32(item, "uid", &secret->uid, error) ||
	    !read_uint32(item, "gid", &secret->gid, error) ||
	    !read_uint32(item, "mode", &secret->mode, error) ||
	    !js_get_int(item, "offset", 0, G_MAXINT32, &secret->offset, error) ||
	    !js_get_int(item, "size", 0, G_MAXINT32, &secret->size, error))
		return false;
	if (secret->path ? *secret->path != '/' : !secret->env || !*secret->env)
		return error_set(error, ENGINE_ERROR_INVALID, "path: expected an absolute path");
	return true;
}

/* Where secrets go, from the annotation's text. */
static bool read_secrets(const char *text, OciConfig *config, GError **error)
{
	g_autoptr(Json) array = text ? js_parse(text, strlen(text), OCI_KEY_SECRETS, error) : NULL;
	if (!array)
		return !text;
	g_autoptr(Json) holder = json_object_new_object();
	js_set_take(holder, "secrets", json_object_get(array));
	return read_array(holder, "secrets", read_secret, config, error);
}

/* Take our own annotations out of the table and into the fields they stand for. */
static bool read_annotations(Json *json, OciConfig *config, GError **error)
{
	const char *user = NULL, *groups = NULL, *init = "", *create_cwd = "", *sources = NULL;
	const char *keep = "", *secrets = NULL;
	Json *annotations = NULL;
	if (!js_get_object(json, "annotations", &annotations, error) ||
	    !js_get_string_map(json, "annotations", &config->annotations, error) ||
	    !js_get_string(annotations, OCI_KEY_USER, &user, error) ||
	    !js_get_string(annotations, OCI_KEY_GROUPS, &groups, error) ||
	    !js_get_string(annotations, OCI_KEY_KEEP_GROUPS, &keep, error) ||
	    !js_dup_string(annotations, OCI_KEY_PASSWD, &config->passwd_entry, error) ||
	    !js_dup_string(annotations, OCI_KEY_GROUP, &config->group_entry, error) ||
	    !js_get_string(annotations, OCI_KEY_SECRETS, &secrets, error) ||
	    !read_secrets(secrets, config, error) ||
	    !js_get_string(annotations, OCI_KEY_INIT, &init, error) ||
	    !js_get_string(annotations, OCI_KEY_CREATE_CWD, &create_cwd, error) ||
	    !js_get_string(annotations, OCI_KEY_DEVICES, &sources, error))
		return false;
	if (user) {
		g_free(config->user_spec);
		config->user_spec = g_strdup(user);
	}
	if (groups) {
		g_strfreev(config->extra_groups);
		config->extra_groups = g_strsplit(groups, ",", -1);
	}
	config->keep_groups = strcmp(keep, "1") == 0;
	config->init_process = strcmp(init, "true") == 0;
	config->pause = strcmp(init, "pause") == 0;
	config->create_cwd = strcmp(create_cwd, "true") == 0;
	GHashTableIter iter;
	gpointer key;
	if (config->annotations) {
		g_hash_table_iter_init(&iter, config->annotations);
		while (g_hash_table_iter_next(&iter, &key, NULL)) {
			if (oci_config_is_own_annotation(key))
				g_hash_table_iter_remove(&iter);
		}
	}
	return !sources || read_device_sources(sources, config, error);
}

/* As @ok, with the name of the part before the path of what is wrong. */
static bool in_part(bool ok, const char *part, GError **error)
{
	if (!ok)
		g_prefix_error(error, "%s.", part);
	return ok;
}

OciConfig *oci_config_read(Json *json, GError **error)
{
	g_autoptr(OciConfig) config = oci_config_new();
	Json *process = NULL, *root = NULL, *linux_part = NULL;
	const char *version = "";
	if (!js_get_string(json, "ociVersion", &version, error) ||
	    !js_get_object(json, "process", &process, error) ||
	    !js_get_object(json, "root", &root, error) ||
	    !js_get_object(json, "linux", &linux_part, error) ||
	    !js_dup_string(json, "hostname", &config->hostname, error) ||
	    !js_dup_string(json, "domainname", &config->domainname, error))
		return NULL;
	if (!g_str_has_prefix(version, "1."))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "ociVersion: expected 1.x, found '%s'", version);
	if (!process || !root || !linux_part)
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: missing",
				      !process ? "process"
				      : !root  ? "root"
					       : "linux");
	if (!in_part(read_process(process, config, error), "process", error) ||
	    !in_part(require_string(root, "path", &config->root_path, error) &&
			     js_get_bool(root, "readonly", &config->root_readonly, error),
		     "root", error) ||
	    !read_array(json, "mounts", read_mount, config, error) ||
	    !in_part(read_linux(linux_part, config, error), "linux", error) ||
	    !read_annotations(json, config, error))
		return NULL;
	return g_steal_pointer(&config);
}
