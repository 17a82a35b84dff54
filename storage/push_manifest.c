/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a push: OCI or Docker schema 2.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "storage/manifest.h"
#include "storage/push_priv.h"

#define OCI_CONFIG    "application/vnd.oci.image.config.v1+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

typedef enum {
	FORM_PLAIN,
	FORM_GZIP,
	FORM_ZSTD,
} Form;

static const char *const layer_types[][3] = {
	[PUSH_FORMAT_OCI] =
		{
			[FORM_PLAIN] = "application/vnd.oci.image.layer.v1.tar",
			[FORM_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
			[FORM_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
		},
	[PUSH_FORMAT_DOCKER] =
		{
			[FORM_PLAIN] = "application/vnd.docker.image.rootfs.diff.tar",
			[FORM_GZIP] = "application/vnd.docker.image.rootfs.diff.tar.gzip",
			/* Nobody takes zstd there. */
			[FORM_ZSTD] = NULL,
		},
};

bool push_format_parse(const char *text, PushFormat *out_format, GError **error)
{
	if (strcmp(text, "oci") == 0)
		*out_format = PUSH_FORMAT_OCI;
	else if (strcmp(text, "v2s2") == 0 || strcmp(text, "docker") == 0)
		*out_format = PUSH_FORMAT_DOCKER;
	else if (strcmp(text, "v2s1") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "format 'v2s1' is not supported: use oci or v2s2");
	else
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unknown format \"%s\". Choose one of the supported formats: "
				 "'oci' or 'v2s2'",
				 text);
	return true;
}

static Form form_of(const char *media_type)
{
	if (g_str_has_suffix(media_type, "gzip"))
		return FORM_GZIP;
	return g_str_has_suffix(media_type, "zstd") ? FORM_ZSTD : FORM_PLAIN;
}

static Form made_form(const Push *push)
{
	return push->options->compress.format == COMPRESS_ZSTD ? FORM_ZSTD : FORM_GZIP;
}

bool push_media_type_fits(const Push *push, const char *media_type)
{
	Form form = form_of(media_type);
	return layer_types[push->format][form] &&
	       (!push->options->force_compression || form == made_form(push));
}

const char *push_media_type(const Push *push, const char *like)
{
	return layer_types[push->format][like ? form_of(like) : made_form(push)];
}

/* The image's own manifest, parsed. @out NULL if none is kept. */
static bool read_own(const Push *push, char **out_text, size_t *out_size, Manifest **out,
		     GError **error)
{
	g_autoptr(GError) problem = NULL;
	*out = NULL;
	*out_text = image_manifest_read(push->store, push->image, out_size, &problem);
	if (*out_text)
		*out = manifest_parse(*out_text, *out_size, NULL, &problem);
	if (!problem)
		return true;
	g_propagate_prefixed_error(error, g_steal_pointer(&problem),
				   "the manifest of image '%.12s': ", push->image->id);
	return false;
}

bool push_manifest_format(const Push *push, PushFormat *out_format, GError **error)
{
	size_t size = 0;
	g_autofree char *text = NULL;
	g_autoptr(Manifest) own = NULL;
	if (!read_own(push, &text, &size, &own, error))
		return false;
	bool docker = own && strcmp(own->media_type, MEDIA_TYPE_DOCKER_MANIFEST) == 0 &&
		      push->options->compress.format != COMPRESS_ZSTD;
	*out_format = docker ? PUSH_FORMAT_DOCKER : PUSH_FORMAT_OCI;
	return true;
}

static const char *manifest_type(const Push *push)
{
	return push->format == PUSH_FORMAT_DOCKER ? MEDIA_TYPE_DOCKER_MANIFEST
						  : MEDIA_TYPE_OCI_MANIFEST;
}

/* Does the image's own manifest say exactly what lies in the registry now? */
static bool is_unchanged(const Push *push, const Manifest *own)
{
	if (strcmp(own->media_type, manifest_type(push)) != 0 ||
	    own->layers->len != push->blobs->len)
		return false;
	for (size_t i = 0; i < own->layers->len; i++) {
		const Descriptor *was = g_ptr_array_index(own->layers, i);
		const PushedBlob *is = g_ptr_array_index(push->blobs, i);
		if (strcmp(was->digest, is->digest) != 0 || was->size != is->size ||
		    strcmp(was->media_type, is->media_type) != 0)
			return false;
	}
	return true;
}

static Json *descriptor_json(const char *media_type, const char *digest, int64_t size)
{
	Json *descriptor = json_object_new_object();
	js_set_string(descriptor, "mediaType", media_type);
	js_set_string(descriptor, "digest", digest);
	js_set_int(descriptor, "size", size);
	return descriptor;
}

/* Annotations of the image's own manifest, which are about the image and stay true. NULL: none. */
static Json *own_annotations(const char *text, size_t size)
{
	Json *annotations = NULL;
	g_autoptr(Json) json = text ? js_parse(text, size, "manifest", NULL) : NULL;
	if (!json || !js_get_object(json, "annotations", &annotations, NULL) || !annotations)
		return NULL;
	return json_object_get(annotations);
}

/* The manifest in the format that was asked for. g_free() it. */
static char *write_manifest(const Push *push, Json *annotations)
{
	bool docker = push->format == PUSH_FORMAT_DOCKER;
	g_autofree char *config = g_strconcat("sha256:", push->image->id, NULL);
	g_autoptr(Json) manifest = json_object_new_object();
	Json *layers = json_object_new_array();
	for (size_t i = 0; i < push->blobs->len; i++) {
		const PushedBlob *blob = g_ptr_array_index(push->blobs, i);
		json_object_array_add(layers,
				      descriptor_json(blob->media_type, blob->digest, blob->size));
	}
	js_set_int(manifest, "schemaVersion", 2);
	js_set_string(manifest, "mediaType", manifest_type(push));
	js_set_take(manifest, "config",
		    descriptor_json(docker ? DOCKER_CONFIG : OCI_CONFIG, config,
				    (int64_t)push->image->config_size));
	js_set_take(manifest, "layers", layers);
	if (annotations)
		js_set_take(manifest, "annotations", annotations);
	return g_strdup(js_text(manifest));
}

char *push_manifest(const Push *push, size_t *out_size, const char **out_media_type, GError **error)
{
	size_t size = 0;
	g_autofree char *text = NULL;
	g_autoptr(Manifest) own = NULL;
	if (!read_own(push, &text, &size, &own, error))
		return NULL;
	*out_media_type = manifest_type(push);
	if (own && is_unchanged(push, own)) {
		*out_size = size;
		return g_steal_pointer(&text);
	}
	/* Docker's manifests have no annotations. */
	bool keeps = push->format == PUSH_FORMAT_OCI;
	char *made = write_manifest(push, keeps ? own_annotations(text, size) : NULL);
	*out_size = strlen(made);
	return made;
}
