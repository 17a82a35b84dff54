/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: parsing and checks. What comes in was written by whoever controls the registry, so
 * every digest, size and type is checked here, before anything is asked for by it. Platforms are
 * platform.c.
 */
#include "storage/manifest.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/wall.h"
#include "storage/digest.h"
#include "storage/http_header.h"

#define SCHEMA1_PREFIX   "application/vnd.docker.distribution.manifest.v1+"
#define INDEX_MAX_COUNT  4096
#define BLOB_MAX_SIZE    (INT64_C(1) << 46)
#define MEDIA_TYPE_MAX   255
#define ATTESTATION_TYPE "vnd.docker.reference.type"

static const struct {
	const char *media_type;
	ManifestKind kind;
} document_types[] = {
	{MEDIA_TYPE_OCI_MANIFEST, MANIFEST_IMAGE},
	{MEDIA_TYPE_OCI_INDEX, MANIFEST_INDEX},
	{MEDIA_TYPE_DOCKER_MANIFEST, MANIFEST_IMAGE},
	{MEDIA_TYPE_DOCKER_LIST, MANIFEST_INDEX},
};

static const char *const config_types[] = {
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
};

static const char *const layer_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd",
};

/* Layers whose bytes live at a URL in the manifest: never fetched (security R13). */
static const char *const foreign_types[] = {
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
};

static bool is_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

const char *manifest_media_types(void)
{
	return MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_OCI_INDEX ", " MEDIA_TYPE_DOCKER_MANIFEST
				       ", " MEDIA_TYPE_DOCKER_LIST;
}

static void descriptor_clear(Descriptor *descriptor)
{
	g_free(descriptor->media_type);
	g_free(descriptor->digest);
	platform_clear(&descriptor->platform);
}

static void descriptor_free(void *data)
{
	descriptor_clear(data);
	g_free(data);
}

void manifest_free(Manifest *manifest)
{
	if (!manifest)
		return;
	g_free(manifest->media_type);
	descriptor_clear(&manifest->config);
	g_ptr_array_unref(manifest->layers);
	g_ptr_array_unref(manifest->manifests);
	g_free(manifest);
}

/* A media type that may be shown and compared: printable, not long. */
static bool check_media_type(const char *type, GError **error)
{
	for (const char *c = type; *c; c++)
		if (!g_ascii_isgraph(*c) || c - type > MEDIA_TYPE_MAX)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "manifest: malformed media type");
	return true;
}

static bool is_attestation(Json *object)
{
	Json *annotations = NULL;
	const char *type = NULL;
	if (!js_get_object(object, "annotations", &annotations, NULL) || !annotations)
		return false;
	return js_get_string(annotations, ATTESTATION_TYPE, &type, NULL) && type;
}

/* Missing words are "", which no wanted platform equals. */
static bool parse_platform(Json *object, Platform *out, GError **error)
{
	Json *platform = NULL;
	if (!js_get_object(object, "platform", &platform, error))
		return false;
	if (!platform)
		return true;
	const char *os = NULL, *architecture = NULL, *variant = NULL;
	if (!js_get_string(platform, "os", &os, error) ||
	    !js_get_string(platform, "architecture", &architecture, error) ||
	    !js_get_string(platform, "variant", &variant, error))
		return false;
	platform_set(out, os ? os : "", architecture ? architecture : "", variant);
	return true;
}

/* Fill a zeroed descriptor; the caller clears it, also after a failure. */
static bool parse_descriptor(Json *object, Descriptor *out, GError **error)
{
	if (!json_object_is_type(object, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "manifest: expected a descriptor");
	out->size = -1;
	if (!js_dup_string(object, "mediaType", &out->media_type, error) ||
	    !js_dup_string(object, "digest", &out->digest, error) ||
	    !js_get_int(object, "size", 0, BLOB_MAX_SIZE, &out->size, error))
		return false;
	if (!out->digest || out->size < 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "manifest: a descriptor lacks its digest or size");
	if (!out->media_type)
		out->media_type = g_strdup("");
	if (!check_media_type(out->media_type, error) || !digest_check(out->digest, error) ||
	    !parse_platform(object, &out->platform, error))
		return false;
	out->is_attestation = is_attestation(object);
	return true;
}

/* Into @into, which owns them also after a failure. */
static bool parse_descriptors(Json *document, const char *key, size_t max, GPtrArray *into,
			      GError **error)
{
	Json *array = NULL;
	if (!js_get_array(document, key, &array, error))
		return false;
	if (!array)
		return error_set(error, ENGINE_ERROR_INVALID, "manifest: '%s' is missing", key);
	size_t count = json_object_array_length(array);
	if (count > max)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "manifest: %zu %s, more than the %zu allowed", count, key, max);
	for (size_t i = 0; i < count; i++) {
		Descriptor *descriptor = g_new0(Descriptor, 1);
		g_ptr_array_add(into, descriptor);
		if (!parse_descriptor(json_object_array_get_idx(array, i), descriptor, error)) {
			g_prefix_error(error, "%s[%zu]: ", key, i);
			return false;
		}
	}
	return true;
}

static bool has(Json *document, const char *key)
{
	return json_object_object_get(document, key) != NULL;
}

/* What the contents are, whatever the types say; refuses what could be two things. */
static bool kind_of_contents(Json *document, ManifestKind *out, GError **error)
{
	bool image = has(document, "config") || has(document, "layers");
	bool oci_index = has(document, "manifests");
	if (has(document, "fsLayers") || has(document, "history") || has(document, "signatures"))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "manifest: Docker schema 1 images are not supported");
	if (image && oci_index && wall_stands("one-kind"))
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "manifest: it claims to be an image and an index at once");
	if (!image && !oci_index)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "manifest: neither an image nor an index");
	*out = image ? MANIFEST_IMAGE : MANIFEST_INDEX;
	return true;
}

/* One declared type against the contents. @out_type becomes the canonical constant. */
static bool check_declared(const char *declared, const char *where, ManifestKind kind,
			   const char **out_type, GError **error)
{
	if (g_str_has_prefix(declared, SCHEMA1_PREFIX))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "manifest: Docker schema 1 images are not supported");
	for (size_t i = 0; i < G_N_ELEMENTS(document_types); i++) {
		if (strcmp(declared, document_types[i].media_type) != 0)
			continue;
		if (document_types[i].kind != kind && wall_stands("declared-kind"))
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "manifest: the %s says '%s', its contents say %s", where,
					 declared, kind == MANIFEST_INDEX ? "index" : "image");
		*out_type = document_types[i].media_type;
		return true;
	}
	g_autofree char *shown = g_strndup(declared, 100);
	return error_set(error, ENGINE_ERROR_UNSUPPORTED, "manifest: unknown type '%s' in its %s",
			 shown, where);
}

/* Types that registries and proxies send for anything; they say nothing. */
static bool says_nothing(const char *content_type)
{
	static const char *const vague[] = {"", "application/json", "text/plain",
					    "application/octet-stream"};
	return is_one_of(content_type, vague, G_N_ELEMENTS(vague));
}

/* The document's type, from mediaType, Content-Type and contents, which must agree. */
static bool settle_type(Json *document, const char *content_type, Manifest *manifest,
			GError **error)
{
	const char *inside = NULL, *type = NULL, *outside_type = NULL;
	g_autofree char *outside = content_type ? http_media_type(content_type) : g_strdup("");
	if (!kind_of_contents(document, &manifest->kind, error) ||
	    !js_get_string(document, "mediaType", &inside, error))
		return false;
	if (inside && !check_media_type(inside, error))
		return false;
	if (inside && !check_declared(inside, "mediaType", manifest->kind, &type, error))
		return false;
	if (!says_nothing(outside) &&
	    !check_declared(outside, "Content-Type", manifest->kind, &outside_type, error))
		return false;
	if (type && outside_type && strcmp(type, outside_type) != 0)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "manifest: its mediaType is '%s', the registry calls it '%s'",
				 type, outside_type);
	if (!type)
		type = outside_type;
	if (!type)
		type = manifest->kind == MANIFEST_INDEX ? MEDIA_TYPE_OCI_INDEX
							: MEDIA_TYPE_OCI_MANIFEST;
	manifest->media_type = g_strdup(type);
	return true;
}

static bool check_layer(const Descriptor *layer, size_t index, GError **error)
{
	if (!wall_stands("no-foreign-layers"))
		return true;
	if (is_one_of(layer->media_type, foreign_types, G_N_ELEMENTS(foreign_types)))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "layers[%zu]: foreign layers are not fetched", index);
	if (!is_one_of(layer->media_type, layer_types, G_N_ELEMENTS(layer_types)))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "layers[%zu]: '%s' is not a type of image layer", index,
				 layer->media_type);
	return true;
}

/* An artifact has the same shape and another config type: it is told apart here. */
static bool parse_image(Json *document, Manifest *manifest, GError **error)
{
	Json *config = NULL;
	if (!js_get_object(document, "config", &config, error))
		return false;
	if (!config)
		return error_set(error, ENGINE_ERROR_INVALID, "manifest: 'config' is missing");
	if (!parse_descriptor(config, &manifest->config, error)) {
		g_prefix_error(error, "config: ");
		return false;
	}
	if (!is_one_of(manifest->config.media_type, config_types, G_N_ELEMENTS(config_types)))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "this is an artifact of type '%s', not a container image",
				 manifest->config.media_type);
	if (manifest->config.size > (int64_t)MANIFEST_MAX_SIZE && wall_stands("config-size"))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "manifest: a config of %" G_GINT64_FORMAT
				 " bytes is larger than the 4 MiB allowed",
				 manifest->config.size);
	if (!parse_descriptors(document, "layers", MANIFEST_MAX_LAYERS, manifest->layers, error))
		return false;
	for (size_t i = 0; i < manifest->layers->len; i++)
		if (!check_layer(g_ptr_array_index(manifest->layers, i), i, error))
			return false;
	return true;
}

/* An OCI document may leave the version out of reach of old readers; it is 2 wherever it is
 * written. */
static bool check_version(Json *document, GError **error)
{
	int64_t version = 0;
	if (!js_get_int(document, "schemaVersion", G_MININT64, G_MAXINT64, &version, error))
		return false;
	if (version == 1)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "manifest: Docker schema 1 images are not supported");
	if (version != 2)
		return error_set(error, ENGINE_ERROR_INVALID, "manifest: schemaVersion is not 2");
	return true;
}

Manifest *manifest_parse(const char *text, size_t size, const char *content_type, GError **error)
{
	if (size > MANIFEST_MAX_SIZE)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "manifest: larger than the 4 MiB allowed");
	g_autoptr(Json) document = js_parse(text, size, "manifest", error);
	if (!document)
		return NULL;
	if (!json_object_is_type(document, json_type_object))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "manifest: expected a JSON object");

	g_autoptr(Manifest) manifest = g_new0(Manifest, 1);
	manifest->layers = g_ptr_array_new_with_free_func(descriptor_free);
	manifest->manifests = g_ptr_array_new_with_free_func(descriptor_free);
	if (!check_version(document, error) ||
	    !settle_type(document, content_type, manifest, error))
		return NULL;
	bool ok = manifest->kind == MANIFEST_INDEX
			  ? parse_descriptors(document, "manifests", INDEX_MAX_COUNT,
					      manifest->manifests, error)
			  : parse_image(document, manifest, error);
	return ok ? g_steal_pointer(&manifest) : NULL;
}

Json *manifest_describe(const char *media_type, const char *digest, uint64_t size)
{
	Json *json = json_object_new_object();
	js_set_string(json, "mediaType", media_type);
	js_set_int(json, "size", (int64_t)size);
	js_set_string(json, "digest", digest);
	return json;
}
