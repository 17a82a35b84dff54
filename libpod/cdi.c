/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/cdi.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"

#define SPEC_SIZE_MAX (1024 * 1024)
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

/* Read one file; a broken one is said and left out, as podman does. */
static void load_file(GPtrArray *specs, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autoptr(GError) error = NULL;
	const char *kind = NULL;
	if (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml")) {
		log_warn("CDI specification %s is YAML, which is not read: convert it to JSON",
			 path);
		return;
	}
	if (!g_str_has_suffix(name, ".json"))
		return;
	autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	size_t size = 0;
	g_autofree char *text = fd_read_all(fd, SPEC_SIZE_MAX, &size, &error);
	g_autoptr(Json) json = text ? js_parse(text, size, path, &error) : NULL;
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
static GPtrArray *load_all(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	g_autofree char *own = config && *config ? g_build_filename(config, "cdi", NULL)
			       : home            ? g_build_filename(home, ".config/cdi", NULL)
						 : NULL;
	const char *const dirs[] = {"/etc/cdi", "/var/run/cdi", own};
	GPtrArray *specs = g_ptr_array_new_with_free_func(spec_free);
	for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autoptr(GDir) dir = dirs[i] ? g_dir_open(dirs[i], 0, NULL) : NULL;
		const char *name;
		while (dir && (name = g_dir_read_name(dir)))
			load_file(specs, dirs[i], name);
	}
	return specs;
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

/* What a file or one of its devices changes in a container. Its hooks are programs of the host's:
 * skiff runs none, and says so. */
static bool apply_edits(Json *holder, const char *name, OciConfig *config, GError **error)
{
	Json *edits = NULL, *hooks = NULL;
	if (!js_get_object(holder, "containerEdits", &edits, error))
		return false;
	if (!edits)
		return true;
	if (!js_get_array(edits, "hooks", &hooks, error) || !add_env(edits, config, error) ||
	    !for_each(edits, "deviceNodes", add_device, config, error) ||
	    !for_each(edits, "mounts", add_mount, config, error))
		return false;
	if (hooks && json_object_array_length(hooks) > 0)
		log_warn("CDI device %s has hooks, which are not run", name);
	return true;
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
		if ((!first || apply_edits(spec->json, full, config, error)) &&
		    apply_edits(device, full, config, error))
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

bool cdi_apply(char *const *names, OciConfig *config, GError **error)
{
	if (!names || !names[0])
		return true;
	g_autoptr(GPtrArray) specs = load_all();
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
	error_add_help(error,
		       "a JSON file in /etc/cdi, /var/run/cdi or ~/.config/cdi must describe "
		       "it; for NVIDIA: nvidia-ctk cdi generate --format json");
	return false;
}
