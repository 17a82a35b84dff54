/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image indexes: entries and annotations of the document. Touches no disk but to read an image.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"
#include "storage/image_index.h"

static Json *entries_of(const ImageIndex *index)
{
	Json *entries = NULL;
	if (!js_get_array(index->document, "manifests", &entries, NULL))
		return NULL;
	return entries;
}

static const char *digest_of_entry(Json *entry)
{
	const char *digest = NULL;
	return js_get_string(entry, "digest", &digest, NULL) && digest ? digest : "";
}

/* Where an entry is in the document. Return: -1 if there is none of this digest. */
static int find_entry(const ImageIndex *index, const char *digest)
{
	Json *entries = entries_of(index);
	for (size_t i = 0; entries && i < json_object_array_length(entries); i++)
		if (strcmp(digest_of_entry(json_object_array_get_idx(entries, i)), digest) == 0)
			return (int)i;
	return -1;
}

/* Can only an OCI index say this? */
static bool needs_oci(Json *entry)
{
	const char *type = NULL;
	(void)js_get_string(entry, "mediaType", &type, NULL);
	return json_object_object_get(entry, "annotations") ||
	       json_object_object_get(entry, "artifactType") ||
	       (g_strcmp0(type, MEDIA_TYPE_DOCKER_MANIFEST) != 0 &&
		g_strcmp0(type, MEDIA_TYPE_DOCKER_LIST) != 0);
}

void image_index_settle(Json *document)
{
	Json *entries = NULL;
	bool oci = json_object_object_get(document, "annotations") != NULL;
	(void)js_get_array(document, "manifests", &entries, NULL);
	for (size_t i = 0; entries && i < json_object_array_length(entries) && !oci; i++)
		oci = needs_oci(json_object_array_get_idx(entries, i));
	js_set_string(document, "mediaType", oci ? MEDIA_TYPE_OCI_INDEX : MEDIA_TYPE_DOCKER_LIST);
}

/* What others will read is checked by the parser that reads others'. */
static bool check_document(const ImageIndex *index, GError **error)
{
	image_index_settle(index->document);
	const char *text = js_text(index->document);
	g_autoptr(Manifest) manifest = manifest_parse(text, strlen(text), NULL, error);
	return manifest != NULL;
}

bool image_index_put(ImageIndex *index, Json *entry, const char *image_id, const char *source,
		     GError **error)
{
	g_autofree char *digest = g_strdup(digest_of_entry(entry));
	Json *entries = entries_of(index);
	int at = find_entry(index, digest);
	if (at >= 0)
		json_object_array_put_idx(entries, (size_t)at, entry);
	else
		json_object_array_add(entries, entry);
	Json *member = json_object_new_object();
	js_set_string(member, "image", image_id);
	js_set_string(member, "source", source);
	js_set_take(index->members, digest, member);
	return check_document(index, error);
}

bool image_index_drop(ImageIndex *index, const char *digest, GError **error)
{
	int at = find_entry(index, digest);
	if (at < 0)
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "no instance matching digest \"%s\" found in manifest list: file "
				 "does not exist",
				 digest);
	json_object_array_del_idx(entries_of(index), (size_t)at, 1);
	json_object_object_del(index->members, digest);
	return check_document(index, error);
}

/* An object of @parent, made if absent. Borrowed. */
static Json *ensure_object(Json *parent, const char *key)
{
	Json *object = json_object_object_get(parent, key);
	if (json_object_is_type(object, json_type_object))
		return object;
	js_set_take(parent, key, json_object_new_object());
	return json_object_object_get(parent, key);
}

static bool write_annotations(Json *holder, const GPtrArray *annotations, GError **error)
{
	for (guint i = 0; annotations && i < annotations->len; i++) {
		const char *text = g_ptr_array_index(annotations, i);
		const char *equals = strchr(text, '=');
		if (!equals)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "no value given for annotation \"%s\"", text);
		g_autofree char *key = g_strndup(text, (gsize)(equals - text));
		js_set_string(ensure_object(holder, "annotations"), key, equals + 1);
	}
	return true;
}

static void write_list(Json *platform, const char *key, const GPtrArray *words)
{
	if (!words || words->len == 0)
		return;
	Json *list = json_object_new_array();
	for (guint i = 0; i < words->len; i++)
		json_object_array_add(list, json_object_new_string(g_ptr_array_index(words, i)));
	js_set_take(platform, key, list);
}

static void write_platform(Json *entry, const ImageIndexNotes *notes)
{
	Json *platform = ensure_object(entry, "platform");
	js_set_string(platform, "architecture", notes->architecture);
	js_set_string(platform, "os", notes->os);
	js_set_string(platform, "os.version", notes->os_version);
	write_list(platform, "os.features", notes->os_features);
	js_set_string(platform, "variant", notes->variant);
	write_list(platform, "features", notes->features);
}

bool image_index_annotate(ImageIndex *index, const char *digest, const ImageIndexNotes *notes,
			  GError **error)
{
	int at = digest ? find_entry(index, digest) : -1;
	if (digest && at < 0)
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "no Docker manifest matching digest \"%s\" was found in list: no "
				 "image instance matching the specified digest was found in the "
				 "list or index",
				 digest);
	Json *holder =
		digest ? json_object_array_get_idx(entries_of(index), (size_t)at) : index->document;
	if (digest)
		write_platform(holder, notes);
	return write_annotations(holder, notes->annotations, error) && check_document(index, error);
}

Json *image_index_local_entry(Store *store, const Image *image, GError **error)
{
	g_autoptr(GError) problem = NULL;
	size_t size = 0;
	g_autofree char *text = image_manifest_read(store, image, &size, &problem);
	if (!text && !problem) {
		text = image_make_manifest(store, image->config_text, image->config_size,
					   IMAGE_FORM_FITTING, NULL, &problem);
		size = text ? strlen(text) : 0;
	}
	g_autoptr(Manifest) manifest = text ? manifest_parse(text, size, NULL, &problem) : NULL;
	if (!manifest) {
		g_propagate_prefixed_error(error, g_steal_pointer(&problem),
					   "the manifest of image '%.12s': ", image->id);
		return NULL;
	}
	g_autofree char *digest = digest_of(text, size);
	const ImageIndexNotes notes = {
		.os = image->config->os,
		.architecture = image->config->architecture,
		.variant = image->config->variant,
	};
	Json *entry = manifest_describe(manifest->media_type, digest, size);
	write_platform(entry, &notes);
	return entry;
}
