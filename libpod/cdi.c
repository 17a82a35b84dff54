/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/cdi.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"

#define SPEC_SIZE_MAX (1024 * 1024)
#define YAML_JSON_MAX (8 * 1024 * 1024) /* of JSON: aliases repeat what they stand for */
#define GPU_PREFIX    "gpu="

/* All that the files say: kind "VENDOR/CLASS" to the JSON of a file. */
typedef struct {
	char *kind;
	Json *json;
} CdiSpec;

static void spec_free(void *data)
{
	CdiSpec *spec = data;
	g_free(spec->kind);
	json_object_put(spec->json);
	g_free(spec);
}

/* Letters, digits and, inside, the punctuation that @more lists. */
static bool is_word(const char *text, size_t length, const char *more)
{
	if (length == 0 || !g_ascii_isalnum(text[0]) || !g_ascii_isalnum(text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isalnum(text[i]) && !strchr(more, text[i]))
			return false;
	return true;
}

bool cdi_is_name(const char *text)
{
	const char *equals = strchr(text, '=');
	const char *slash = equals ? memchr(text, '/', (size_t)(equals - text)) : NULL;
	return slash && is_word(text, (size_t)(slash - text), "_-.") &&
	       is_word(slash + 1, (size_t)(equals - slash - 1), "_-") &&
	       is_word(equals + 1, strlen(equals + 1), "_-.:");
}

/* The JSON of a YAML file: a helper reads it, so that we load no libyaml. */
static Json *read_yaml(int fd, const char *path, GError **error)
{
	g_autofree char *program = spawn_find_own("skiff-cdi", error);
	g_autofree char *input = program ? fd_read_all(fd, SPEC_SIZE_MAX, NULL, error) : NULL;
	if (!input)
		return NULL;
	const char *const argv[] = {"skiff-cdi", path, NULL};
	const Spawn spawn = {.argv = argv, .program = program};
	g_autofree char *text = spawn_capture(&spawn, input, YAML_JSON_MAX, error);
	return text ? js_parse(text, strlen(text), path, error) : NULL;
}

static Json *read_json(int fd, const char *path, GError **error)
{
	size_t size = 0;
	g_autofree char *text = fd_read_all(fd, SPEC_SIZE_MAX, &size, error);
	return text ? js_parse(text, size, path, error) : NULL;
}

/* Read one file; a broken one is said and left out, as podman does. */
static void load_file(GPtrArray *specs, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autoptr(GError) error = NULL;
	const char *kind = NULL;
	bool yaml = g_str_has_suffix(name, ".yaml");
	if (!yaml && !g_str_has_suffix(name, ".json"))
		return;
	autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	g_autoptr(Json) json = yaml ? read_yaml(fd, path, &error) : read_json(fd, path, &error);
	if (!json || !js_get_string(json, "kind", &kind, &error) || !kind) {
		log_warn("CDI specification %s: %s", path, error ? error->message : "no kind");
		return;
	}
	CdiSpec *spec = g_new0(CdiSpec, 1);
	spec->kind = g_strdup(kind);
	spec->json = g_steal_pointer(&json);
	g_ptr_array_insert(specs, 0, spec);
}

/* Files of the later directories come first. */
static GPtrArray *load_all(char *const *dirs)
{
	GPtrArray *specs = g_ptr_array_new_with_free_func(spec_free);
	for (; *dirs; dirs++) {
		g_autoptr(GDir) dir = g_dir_open(*dirs, 0, NULL);
		const char *name;
		while (dir && (name = g_dir_read_name(dir)))
			load_file(specs, *dirs, name);
	}
	return specs;
}

static GPtrArray *load_usual(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	g_autofree char *own = config && *config ? g_build_filename(config, "cdi", NULL)
			       : home            ? g_build_filename(home, ".config/cdi", NULL)
						 : NULL;
	char *const dirs[] = {(char *)"/etc/cdi", (char *)"/var/run/cdi", own, NULL};
	return load_all(dirs);
}

static bool add_env(Json *edits, OciConfig *config, GError **error)
{
	g_auto(GStrv) list = NULL;
	if (!js_get_strv(edits, "env", &list, error))
		return false;
	for (char **item = list; item && *item; item++) {
		const char *equals = strchr(*item, '=');
		g_autofree char *name = equals ? g_strndup(*item, equals - *item) : NULL;
		if (name)
			config->env = g_environ_setenv(config->env, name, equals + 1, TRUE);
	}
	return true;
}

static bool add_device(Json *node, OciConfig *config, GError **error)
{
	g_autofree char *path = NULL;
	g_autofree char *host = NULL;
	if (!js_dup_string(node, "path", &path, error) ||
	    !js_dup_string(node, "hostPath", &host, error))
		return false;
	if (!path || *path != '/' || (host && *host != '/'))
		return error_set(error, ENGINE_ERROR_INVALID, "a device node has no path");
	for (guint i = 0; i < config->devices->len; i++) {
		const OciDevice *known = config->devices->pdata[i];
		if (strcmp(known->path, path) == 0)
			return true;
	}
	struct stat st;
	const char *source = host ? host : path;
	if (stat(source, &st) < 0)
		return error_set_errno(error, "stat %s", source);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID, "%s is not a device node", source);
	OciDevice *device = g_new0(OciDevice, 1);
	device->host_path = g_strdup(source);
	device->path = g_steal_pointer(&path);
	device->type = S_ISCHR(st.st_mode) ? 'c' : 'b';
	device->major = major(st.st_rdev);
	device->minor = minor(st.st_rdev);
	device->mode = st.st_mode & 0777;
	g_ptr_array_add(config->devices, device);
	return true;
}

static bool add_mount(Json *mount, OciConfig *config, GError **error)
{
	const char *host = NULL, *path = NULL, *type = NULL;
	g_auto(GStrv) options = NULL;
	if (!js_get_string(mount, "hostPath", &host, error) ||
	    !js_get_string(mount, "containerPath", &path, error) ||
	    !js_get_string(mount, "type", &type, error) ||
	    !js_get_strv(mount, "options", &options, error))
		return false;
	if (!host || !path || *path != '/')
		return error_set(error, ENGINE_ERROR_INVALID, "a mount has no path");
	bool bind = !type || *type == '\0' || strcmp(type, "none") == 0 || *host == '/';
	oci_config_add_mount(config, path, bind ? "bind" : type, host,
			     (const char *const *)options);
	return true;
}

/* Group ids that the device's nodes belong to; 0 adds nothing, as the specification has it. */
static bool add_gids(Json *edits, OciConfig *config, GError **error)
{
	Json *list = NULL;
	if (!js_get_array(edits, "additionalGids", &list, error))
		return false;
	size_t n = list ? json_object_array_length(list) : 0;
	g_autoptr(GStrvBuilder) groups = g_strv_builder_new();
	if (config->extra_groups)
		g_strv_builder_addv(groups, (const char **)config->extra_groups);
	for (size_t i = 0; i < n; i++) {
		Json *item = json_object_array_get_idx(list, i);
		int64_t gid =
			json_object_is_type(item, json_type_int) ? json_object_get_int64(item) : -1;
		if (gid < 0 || gid >= G_MAXUINT32)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "additionalGids[%zu] is no group id", i);
		g_autofree char *text = g_strdup_printf("%" PRId64, gid);
		if (gid > 0)
			g_strv_builder_add(groups, text);
	}
	if (n > 0) {
		g_strfreev(config->extra_groups);
		config->extra_groups = g_strv_builder_end(groups);
	}
	return true;
}

/* Each object of a list. */
static bool for_each(Json *edits, const char *key,
		     bool (*add)(Json *item, OciConfig *config, GError **error), OciConfig *config,
		     GError **error)
{
	Json *list = NULL;
	if (!js_get_array(edits, key, &list, error))
		return false;
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		if (!add(json_object_array_get_idx(list, i), config, error))
			return false;
	return true;
}

/* Hooks are programs of the host's that look for an OCI bundle, with its config.json: there is none
 * here, and a container whose device is half set up is worse than none. */
static bool refuse_hook(Json *hook, OciConfig *config, GError **error)
{
	const char *name = NULL, *path = NULL;
	if (!js_get_string(hook, "hookName", &name, error) ||
	    !js_get_string(hook, "path", &path, error))
		return false;
	error_set(error, ENGINE_ERROR_UNSUPPORTED,
		  "its %s hook %s cannot be run: hooks work on an OCI bundle, and skiff makes none",
		  name ? name : "nameless", path ? path : "without a path");
	error_add_help(error, "take the hooks out of the CDI file; what a hook would set up, such "
			      "as LD_LIBRARY_PATH, can be given with -e and -v");
	return false;
}

/* Edits that we do not know would be lost silently. */
static bool check_keys(Json *edits, GError **error)
{
	static const char *const known[] = {"env",   "deviceNodes",    "mounts",
					    "hooks", "additionalGids", NULL};
	json_object_object_foreach(edits, key, value)
	{
		if (value && !g_strv_contains(known, key))
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "what '%s' asks for is not supported", key);
	}
	return true;
}

/* What a file or one of its devices changes in a container. */
static bool apply_edits(Json *holder, OciConfig *config, GError **error)
{
	Json *edits = NULL;
	if (!js_get_object(holder, "containerEdits", &edits, error))
		return false;
	return !edits ||
	       (check_keys(edits, error) && for_each(edits, "hooks", refuse_hook, config, error) &&
		add_env(edits, config, error) && add_gids(edits, config, error) &&
		for_each(edits, "deviceNodes", add_device, config, error) &&
		for_each(edits, "mounts", add_mount, config, error));
}

static Json *find_device(const CdiSpec *spec, const char *name)
{
	Json *devices = NULL;
	(void)js_get_array(spec->json, "devices", &devices, NULL);
	for (size_t i = 0; devices && i < json_object_array_length(devices); i++) {
		Json *device = json_object_array_get_idx(devices, i);
		const char *found = NULL;
		if (js_get_string(device, "name", &found, NULL) && g_strcmp0(found, name) == 0)
			return device;
	}
	return NULL;
}

/* Apply the device, and once per file what the file has for all its devices. */
static bool apply_device(const GPtrArray *specs, const char *full, GPtrArray *applied,
			 OciConfig *config, bool *out_found, GError **error)
{
	const char *equals = strchr(full, '=');
	for (guint i = 0; i < specs->len; i++) {
		CdiSpec *spec = specs->pdata[i];
		bool kind = strlen(spec->kind) == (size_t)(equals - full) &&
			    strncmp(spec->kind, full, (size_t)(equals - full)) == 0;
		Json *device = kind ? find_device(spec, equals + 1) : NULL;
		if (!device)
			continue;
		*out_found = true;
		bool first = !g_ptr_array_find(applied, spec, NULL);
		if (first)
			g_ptr_array_add(applied, spec);
		if ((!first || apply_edits(spec->json, config, error)) &&
		    apply_edits(device, config, error))
			return true;
		g_prefix_error(error, "CDI device %s: ", full);
		return false;
	}
	return true;
}

/* One name as typed; --gpus leaves the vendor open. */
static bool apply_name(const GPtrArray *specs, const char *name, GPtrArray *applied,
		       OciConfig *config, bool *out_found, GError **error)
{
	static const char *const vendors[] = {"nvidia.com/", "amd.com/"};
	if (!g_str_has_prefix(name, GPU_PREFIX))
		return apply_device(specs, name, applied, config, out_found, error);
	for (size_t i = 0; i < G_N_ELEMENTS(vendors) && !*out_found; i++) {
		g_autofree char *full = g_strconcat(vendors[i], name, NULL);
		if (!apply_device(specs, full, applied, config, out_found, error))
			return false;
	}
	return true;
}

bool cdi_apply(char *const *names, char *const *dirs, OciConfig *config, GError **error)
{
	if (!names || !names[0])
		return true;
	g_autoptr(GPtrArray) specs = dirs ? load_all(dirs) : load_usual();
	g_autoptr(GPtrArray) applied = g_ptr_array_new();
	g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
	for (char *const *name = names; *name; name++) {
		bool found = false, gpu = g_str_has_prefix(*name, GPU_PREFIX);
		if (!apply_name(specs, *name, applied, config, &found, error))
			return false;
		if (!found)
			g_ptr_array_add(missing,
					g_strconcat(gpu ? "nvidia.com/" : "", *name, NULL));
	}
	if (missing->len == 0)
		return true;
	g_ptr_array_add(missing, NULL);
	g_autofree char *list = g_strjoinv(", ", (char **)missing->pdata);
	error_set(error, ENGINE_ERROR_NOT_FOUND,
		  "setting up CDI devices: unresolvable CDI devices %s", list);
	error_add_help(error, "a file in /etc/cdi, /var/run/cdi or ~/.config/cdi must describe "
			      "it; for NVIDIA: nvidia-ctk cdi generate");
	return false;
}
