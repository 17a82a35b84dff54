/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reports of images and volumes.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/inspect.h"
#include "libpod/inspect_priv.h"
#include "storage/layer.h"

#define DEFAULT_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

/* The value of @key as it stands in the config, or NULL. Borrowed. */
static Json *raw_value(Json *config, const char *key)
{
	Json *value = NULL;
	if (config)
		json_object_object_get_ex(config, key, &value);
	return value;
}

static void set_if_text(Json *json, const char *key, const char *value)
{
	if (value && *value)
		js_set_string(json, key, value);
}

static void set_if_list(Json *json, const char *key, char *const *strv)
{
	if (strv && *strv)
		inspect_set_list(json, key, strv);
}

/* The OCI config's "config" object: absent keys stay absent, in podman's order. */
static Json *build_config(const ImageConfig *config)
{
	Json *json = json_object_new_object();
	set_if_text(json, "User", config->user);
	if (config->exposed_ports && *config->exposed_ports)
		inspect_set_keys(json, "ExposedPorts", config->exposed_ports);
	set_if_list(json, "Env", config->env);
	set_if_list(json, "Entrypoint", config->entrypoint);
	set_if_list(json, "Cmd", config->cmd);
	if (*config->volumes)
		inspect_set_keys(json, "Volumes", config->volumes);
	set_if_text(json, "WorkingDir", config->working_dir);
	if (g_hash_table_size(config->labels) > 0)
		js_set_take(json, "Labels", js_from_string_map(config->labels));
	set_if_text(json, "StopSignal", config->stop_signal);
	set_if_list(json, "Shell", config->shell);
	return json;
}

static Json *build_graph_driver(Engine *engine, const Image *image)
{
	g_auto(GStrv) paths = inspect_layer_paths(engine, image);
	Json *data = json_object_new_object();
	if (paths[0] && paths[1]) {
		g_autofree char *lower = g_strjoinv(":", paths + 1);
		js_set_string(data, "LowerDir", lower);
	}
	if (paths[0])
		js_set_string(data, "UpperDir", paths[0]);
	Json *json = json_object_new_object();
	js_set_string(json, "Name", "overlay");
	js_set_take(json, "Data", data);
	return json;
}

static Json *build_root_fs(const ImageConfig *config)
{
	Json *json = json_object_new_object();
	js_set_string(json, "Type", "layers");
	inspect_set_list(json, "Layers", config->diff_ids);
	return json;
}

/* The history of the config, or an empty list if it has none. */
static Json *history_of(const ImageConfig *config)
{
	bool is_array = config->history && json_object_is_type(config->history, json_type_array);
	return is_array ? json_object_get(config->history) : json_object_new_array();
}

/* The comment of the last step. */
static const char *last_comment(Json *history)
{
	size_t n = json_object_array_length(history);
	const char *comment = NULL;
	if (n > 0)
		js_get_string(json_object_array_get_idx(history, n - 1), "comment", &comment, NULL);
	return comment ? comment : "";
}

Json *inspect_image(Engine *engine, const Image *image, GError **error)
{
	const ImageConfig *config = image->config;
	g_autofree char *type = NULL;
	g_autoptr(Json) raw =
		js_parse(image->config_text, image->config_size, "image config", error);
	if (!raw || !image_manifest_type(engine_store(engine), image, &type, error))
		return NULL;
	g_autoptr(Json) history = history_of(config);
	g_auto(GStrv) digests = image_all_digests(image);
	const char *version = json_object_get_string(raw_value(raw, "docker_version"));

	Json *json = json_object_new_object();
	js_set_string(json, "Id", image->id);
	inspect_set_text(json, "Digest", image->digest);
	inspect_set_list(json, "RepoTags", image->names);
	inspect_set_list(json, "RepoDigests", digests);
	js_set_string(json, "Parent", "");
	js_set_string(json, "Comment", last_comment(history));
	if (config->created)
		js_set_string(json, "Created", config->created);
	else
		inspect_set_time(json, "Created", 0);
	js_set_take(json, "Config", build_config(config));
	inspect_set_text(json, "Version", version);
	inspect_set_text(json, "Author", config->author);
	inspect_set_text(json, "Architecture", config->architecture);
	set_if_text(json, "Variant", config->variant);
	inspect_set_text(json, "Os", config->os);
	js_set_int(json, "Size", (int64_t)image->size);
	js_set_int(json, "VirtualSize", (int64_t)image->size);
	js_set_take(json, "GraphDriver", build_graph_driver(engine, image));
	js_set_take(json, "RootFS", build_root_fs(config));
	js_set_take(json, "Labels", js_from_string_map(config->labels));
	js_set_take(json, "Annotations", json_object_new_object());
	js_set_string(json, "ManifestType", type ? type : DEFAULT_MANIFEST_TYPE);
	inspect_set_text(json, "User", config->user);
	js_set_take(json, "History", json_object_get(history));
	inspect_set_list(json, "NamesHistory", image->names);
	if (config->healthcheck)
		js_set_take(json, "Healthcheck", json_object_get(config->healthcheck));
	return json;
}

/* Size of the layer that step @step made, counted from the bottom; -1 with @error. */
static int64_t step_size(Engine *engine, const Image *image, size_t step, GError **error)
{
	if (step >= g_strv_length(image->chain_ids))
		return 0;
	g_autoptr(Layer) layer = layer_resolve(engine_store(engine), image->chain_ids[step], error);
	return layer ? (int64_t)layer->size : -1;
}

/* Take a row for @step, NULL if the history does not know it; false if @size could not be told. */
static bool add_row(GPtrArray *rows, const char *id, Json *step, int64_t size)
{
	if (size < 0)
		return false;
	const char *created = NULL, *by = NULL, *comment = NULL;
	if (step) {
		js_get_string(step, "created", &created, NULL);
		js_get_string(step, "created_by", &by, NULL);
		js_get_string(step, "comment", &comment, NULL);
	}
	Json *row = json_object_new_object();
	js_set_string(row, "id", id);
	js_set_string(row, "created", created ? created : "0001-01-01T00:00:00Z");
	set_if_text(row, "CreatedBy", by);
	js_set_int(row, "size", size);
	set_if_text(row, "comment", comment);
	g_ptr_array_add(rows, row);
	return true;
}

Json *inspect_history(Engine *engine, const Image *image, GError **error)
{
	g_autoptr(Json) history = history_of(image->config);
	size_t n_steps = json_object_array_length(history);
	size_t n_layers = g_strv_length(image->chain_ids), layer = 0;
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)js_unref);
	for (size_t i = 0; i < n_steps; i++) {
		Json *step = json_object_array_get_idx(history, i);
		bool empty = false;
		if (!json_object_is_type(step, json_type_object))
			continue;
		js_get_bool(step, "empty_layer", &empty, NULL);
		int64_t size = empty ? 0 : step_size(engine, image, layer++, error);
		if (!add_row(rows, i == n_steps - 1 ? image->id : "<missing>", step, size))
			return NULL;
	}
	/* Layers that the history does not know. */
	for (; layer < n_layers; layer++) {
		bool top = layer == n_layers - 1 && n_steps == 0;
		int64_t size = step_size(engine, image, layer, error);
		if (!add_row(rows, top ? image->id : "<missing>", NULL, size))
			return NULL;
	}

	Json *array = json_object_new_array();
	for (guint i = rows->len; i > 0; i--)
		json_object_array_add(array, json_object_get(rows->pdata[i - 1]));
	return array;
}

/* How many running containers mount it. */
static int64_t count_mounts(Engine *engine, const char *name)
{
	g_auto(GStrv) users = volume_users(engine, name, NULL);
	int64_t n = 0;
	for (char **id = users; id && *id; id++) {
		g_autoptr(Container) ctr = container_lookup(engine, *id, NULL);
		n += ctr && container_summary(ctr)->pid > 0;
	}
	return n;
}

Json *inspect_volume(Engine *engine, const Volume *volume, GError **error)
{
	Json *json = json_object_new_object();
	js_set_string(json, "Name", volume->name);
	js_set_string(json, "Driver", volume->driver ? volume->driver : "local");
	inspect_set_text(json, "Mountpoint", volume->mountpoint);
	inspect_set_time(json, "CreatedAt", volume->created);
	js_set_take(json, "Labels", js_from_string_map(volume->labels));
	js_set_string(json, "Scope", volume->scope ? volume->scope : "local");
	js_set_take(json, "Options", js_from_string_map(volume->options));
	if (volume->uid > 0)
		js_set_int(json, "UID", volume->uid);
	if (volume->gid > 0)
		js_set_int(json, "GID", volume->gid);
	if (volume->anonymous)
		js_set_bool(json, "Anonymous", true);
	js_set_int(json, "MountCount", count_mounts(engine, volume->name));
	if (volume->needs_copy_up)
		js_set_bool(json, "NeedsCopyUp", true);
	js_set_int(json, "LockNumber", 0);
	return json;
}
