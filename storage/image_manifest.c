/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image_manifest.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "storage/digest.h"
#include "storage/image_config.h"
#include "storage/layer.h"
#include "storage/manifest.h"

static const struct {
	const char *manifest, *config, *layer;
} types[] = {
	[IMAGE_FORM_OCI] = {MEDIA_TYPE_OCI_MANIFEST, "application/vnd.oci.image.config.v1+json",
			    "application/vnd.oci.image.layer.v1.tar"},
	[IMAGE_FORM_DOCKER] = {MEDIA_TYPE_DOCKER_MANIFEST,
			       "application/vnd.docker.container.image.v1+json",
			       "application/vnd.docker.image.rootfs.diff.tar"},
};

/* Has the config what only Docker's may have? */
static bool needs_docker(const char *config, size_t size)
{
	Json *inner = NULL, *value = NULL;
	g_autoptr(Json) json = js_parse(config, size, "the image's config", NULL);
	if (!json || !js_get_object(json, "config", &inner, NULL) || !inner)
		return false;
	for (const char *const *key =
		     (const char *const[]){"Healthcheck", "OnBuild", "Shell", NULL};
	     *key; key++) {
		if (!json_object_object_get_ex(inner, *key, &value) || !value)
			continue;
		if (!json_object_is_type(value, json_type_array) ||
		    json_object_array_length(value) > 0)
			return true;
	}
	return false;
}

/* The layers' descriptors, bottom first. */
static Json *describe_layers(Store *store, char *const *diff_ids, const char *type, GError **error)
{
	g_autoptr(Json) list = json_object_new_array();
	g_autofree char *chain = NULL;
	for (; *diff_ids; diff_ids++) {
		char *next = digest_chain_id(chain, *diff_ids);
		g_free(chain);
		chain = next;
		g_autoptr(Layer) layer = layer_resolve(store, chain, error);
		if (!layer)
			return NULL;
		json_object_array_add(list,
				      manifest_describe(type, layer->diff_id, layer->tar_size));
	}
	return g_steal_pointer(&list);
}

static bool add_annotations(Json *manifest, const GPtrArray *annotations, GError **error)
{
	if (!annotations || annotations->len == 0)
		return true;
	Json *object = json_object_new_object();
	js_set_take(manifest, "annotations", object);
	for (guint i = 0; i < annotations->len; i++) {
		const char *text = g_ptr_array_index(annotations, i);
		const char *equals = strchr(text, '=');
		if (!equals)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "no value given for annotation \"%s\"", text);
		g_autofree char *key = g_strndup(text, (gsize)(equals - text));
		js_set_string(object, key, equals + 1);
	}
	return true;
}

char *image_make_manifest(Store *store, const char *config, size_t config_size, ImageForm form,
			  const GPtrArray *annotations, GError **error)
{
	g_autoptr(ImageConfig) parsed = image_config_parse(config, config_size, error);
	if (!parsed)
		return NULL;
	if (annotations)
		form = IMAGE_FORM_OCI;
	else if (form == IMAGE_FORM_FITTING)
		form = needs_docker(config, config_size) ? IMAGE_FORM_DOCKER : IMAGE_FORM_OCI;
	g_autoptr(Json) manifest = json_object_new_object();
	Json *layers = describe_layers(store, parsed->diff_ids, types[form].layer, error);
	if (!layers)
		return NULL;
	g_autofree char *digest = digest_of(config, config_size);
	js_set_int(manifest, "schemaVersion", 2);
	js_set_string(manifest, "mediaType", types[form].manifest);
	js_set_take(manifest, "config", manifest_describe(types[form].config, digest, config_size));
	js_set_take(manifest, "layers", layers);
	return add_annotations(manifest, annotations, error) ? g_strdup(js_text(manifest)) : NULL;
}
