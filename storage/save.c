/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving images. Runs in skiff-fetch.
 *
 * Layers are made again from their trees, byte for byte, and verified while they go out. A plain
 * tar's name and size are known beforehand and stream through; a compressed one's digest is not, so
 * it is written into the stage first.
 */
#include "storage/save.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "storage/compress.h"
#include "storage/digest.h"
#include "storage/hash.h"
#include "storage/image.h"
#include "storage/manifest.h"
#include "storage/reference.h"
#include "storage/save_priv.h"

#define OCI_CONFIG    "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER     "application/vnd.oci.image.layer.v1.tar"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define DOCKER_LAYER  "application/vnd.docker.image.rootfs.diff.tar"
#define NAME_KEY      "org.opencontainers.image.ref.name"

typedef struct {
	Store *store;
	StoreStage *stage;
	const SaveOptions *options;
	SaveTarget *target;
	GHashTable *blobs; /* diff id -> Blob: layers that went out already */
} Save;

typedef struct {
	char *digest;
	uint64_t size;
} Blob;

/* One image or list to save and what it shall be called. */
typedef struct {
	Image *image;     /* NULL for a list */
	GPtrArray *names; /* full names, borrowed by nobody */
} Item;

static void free_blob(void *data)
{
	Blob *blob = data;
	g_free(blob->digest);
	g_free(blob);
}

static Item *new_item(Image *image)
{
	Item *item = g_new(Item, 1);
	*item = (Item){image, g_ptr_array_new_with_free_func(g_free)};
	return item;
}

static void free_item(void *data)
{
	Item *item = data;
	image_free(item->image);
	g_ptr_array_unref(item->names);
	g_free(item);
}

bool save_format_parse(const char *text, SaveFormat *out_format, GError **error)
{
	static const char *const names[] = {
		[SAVE_DOCKER_ARCHIVE] = "docker-archive",
		[SAVE_OCI_ARCHIVE] = "oci-archive",
		[SAVE_OCI_DIR] = "oci-dir",
		[SAVE_DOCKER_DIR] = "docker-dir",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out_format = (SaveFormat)i;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID,
			 "unknown format '%s': docker-archive, docker-dir, oci-archive or oci-dir",
			 text);
}

/* Add @name to the item of the same image, or make one. */
static bool add_item(Save *save, GPtrArray *items, const char *text, GError **error)
{
	g_autoptr(Image) image = image_resolve(save->store, text, error);
	if (!image)
		return false;
	Item *item = NULL;
	for (guint i = 0; i < items->len && !item; i++) {
		Item *other = items->pdata[i];
		if (strcmp(other->image->id, image->id) == 0)
			item = other;
	}
	char *name = g_strdup(image_find_name(image, text));
	if (!item) {
		item = new_item(g_steal_pointer(&image));
		g_ptr_array_add(items, item);
	}
	if (name)
		g_ptr_array_add(item->names, name);
	return true;
}

/* With -m every name is an image; without, all further names are tags for the first. */
static GPtrArray *collect_items(Save *save, GError **error)
{
	const char *const *images = save->options->images;
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(free_item);
	if (save->options->index)
		g_ptr_array_add(items, new_item(NULL));
	for (size_t i = 0; images && images[i]; i++) {
		if (i > 0 && !save->options->multi) {
			g_autoptr(Reference) reference = reference_parse(images[i], error);
			if (!reference)
				return NULL;
			g_autoptr(Reference) normal = reference_normalize(reference);
			Item *first = items->pdata[0];
			g_ptr_array_add(first->names, reference_format(normal));
		} else if (!add_item(save, items, images[i], error)) {
			return NULL;
		}
	}
	if (items->len > 1 && save->options->format == SAVE_DOCKER_DIR)
		return error_set_null(
			error, ENGINE_ERROR_UNSUPPORTED,
			"unsupported format \"docker-dir\" for saving multiple images: "
			"use docker-archive, oci-archive or oci-dir");
	return g_steal_pointer(&items);
}

/* The only name of an image in there, or none. */
static void rename_item(Item *item, const char *name)
{
	g_ptr_array_set_size(item->names, 0);
	if (*name)
		g_ptr_array_add(item->names, g_strdup(name));
}

/* Tell the digest of a manifest to who asked for it. Return: borrowed. */
static const char *tell_digest(const Save *save, const char *digest)
{
	if (save->options->out_digest) {
		g_free(*save->options->out_digest);
		*save->options->out_digest = g_strdup(digest);
	}
	return digest;
}

typedef struct {
	int fd;
	Hash *hash;
	uint64_t size;
	Compress *compress; /* NULL for a plain tar */
} Spool;

static bool write_spool(void *data, const void *bytes, size_t size, GError **error)
{
	Spool *spool = data;
	spool->size += size;
	hash_update(spool->hash, bytes, size);
	return fd_write_all(spool->fd, bytes, size) ||
	       error_set_errno(error, "cannot write a temporary file");
}

static bool push_spool(void *data, const void *bytes, size_t size, GError **error)
{
	Spool *spool = data;
	return spool->compress ? compress_push(spool->compress, bytes, size, error)
			       : write_spool(spool, bytes, size, error);
}

/* Where a blob lies in the target. */
static char *blob_name(const Save *save, const char *digest)
{
	switch (save->options->format) {
	case SAVE_DOCKER_ARCHIVE:
		return g_strconcat(digest_hex(digest), ".tar", NULL);
	case SAVE_DOCKER_DIR:
		return g_strdup(digest_hex(digest));
	case SAVE_OCI_ARCHIVE:
	case SAVE_OCI_DIR:
		break;
	}
	return g_strconcat("blobs/sha256/", digest_hex(digest), NULL);
}

static bool is_compressed(const Save *save)
{
	return save->options->format != SAVE_DOCKER_ARCHIVE && !save->options->uncompressed;
}

/* A layer whose digest or size is not known before it is made. */
static Blob *put_spooled(Save *save, const Layer *layer, GError **error)
{
	autofd fd = openat(store_stage_fd(save->stage), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno_null(error, "cannot make a temporary file");
	g_autoptr(Hash) hash = hash_new(NULL);
	Spool spool = {.fd = fd, .hash = hash};
	g_autoptr(Compress) compress =
		is_compressed(save) ? compress_new(&save->options->compress, write_spool, &spool)
				    : NULL;
	spool.compress = compress;
	if (!layer_export(save->store, layer, push_spool, &spool, error) ||
	    (compress && !compress_finish(compress, error)))
		return NULL;
	g_autofree char *digest = hash_finish(hash);
	g_autofree char *name = blob_name(save, digest);
	if (!save_target_has(save->target, name) &&
	    !save_target_copy(save->target, name, fd, spool.size, error))
		return NULL;
	Blob *blob = g_new0(Blob, 1);
	blob->digest = g_steal_pointer(&digest);
	blob->size = spool.size;
	return blob;
}

/* A plain tar, straight through. */
static Blob *put_streamed(Save *save, const Layer *layer, GError **error)
{
	g_autofree char *name = blob_name(save, layer->diff_id);
	if (!save_target_begin(save->target, name, layer->tar_size, error) ||
	    !layer_export(save->store, layer, save_target_append, save->target, error) ||
	    !save_target_end(save->target, error))
		return NULL;
	Blob *blob = g_new0(Blob, 1);
	blob->digest = g_strdup(layer->diff_id);
	blob->size = layer->tar_size;
	return blob;
}

/* Write a layer unless it is there. Return: its blob, borrowed. */
static const Blob *put_layer(Save *save, const char *chain_id, GError **error)
{
	g_autoptr(Layer) layer = layer_resolve(save->store, chain_id, error);
	if (!layer)
		return NULL;
	Blob *blob = g_hash_table_lookup(save->blobs, layer->diff_id);
	if (blob)
		return blob;
	bool can_stream = !is_compressed(save) && layer->tar_size > 0 &&
			  g_str_has_prefix(layer->diff_id, "sha256:");
	blob = can_stream ? put_streamed(save, layer, error) : put_spooled(save, layer, error);
	if (blob)
		g_hash_table_insert(save->blobs, g_strdup(layer->diff_id), blob);
	return blob;
}

static Json *strings_json(const GPtrArray *names)
{
	Json *list = json_object_new_array();
	for (guint i = 0; i < names->len; i++)
		json_object_array_add(list, json_object_new_string(names->pdata[i]));
	return list;
}

/* One image of a docker-archive: config and layers. Return: its element of manifest.json. */
static Json *put_docker_image(Save *save, const Item *item, GError **error)
{
	const Image *image = item->image;
	g_autofree char *config = g_strconcat(image->id, ".json", NULL);
	g_autoptr(Json) layers = json_object_new_array();
	for (size_t i = 0; image->chain_ids[i]; i++) {
		const Blob *blob = put_layer(save, image->chain_ids[i], error);
		if (!blob)
			return NULL;
		g_autofree char *name = blob_name(save, blob->digest);
		json_object_array_add(layers, json_object_new_string(name));
	}
	if (!save_target_has(save->target, config) &&
	    !save_target_put(save->target, config, image->config_text, image->config_size, error))
		return NULL;
	Json *element = json_object_new_object();
	js_set_string(element, "Config", config);
	js_set_take(element, "RepoTags", strings_json(item->names));
	js_set_take(element, "Layers", g_steal_pointer(&layers));
	return element;
}

static bool save_docker_archive(Save *save, const GPtrArray *items, GError **error)
{
	g_autoptr(Json) manifest = json_object_new_array();
	for (guint i = 0; i < items->len; i++) {
		Json *element = put_docker_image(save, items->pdata[i], error);
		if (!element)
			return false;
		json_object_array_add(manifest, element);
	}
	const char *text = js_text(manifest);
	return save_target_put(save->target, "manifest.json", text, strlen(text), error);
}

/* Annotations of the image's own manifest stay true; Docker's has none. */
static bool keep_annotations(const Save *save, const Image *image, Json *manifest, GError **error)
{
	g_autoptr(GError) problem = NULL;
	size_t size = 0;
	Json *annotations = NULL;
	g_autofree char *text = image_manifest_read(save->store, image, &size, &problem);
	g_autoptr(Json) own = text ? js_parse(text, size, "manifest", &problem) : NULL;
	if (own && js_get_object(own, "annotations", &annotations, &problem) && annotations)
		js_set_take(manifest, "annotations", json_object_get(annotations));
	if (!problem)
		return true;
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

/* Config and layers as blobs. Return: the manifest. */
static Json *put_blobs(Save *save, const Image *image, GError **error)
{
	bool docker = save->options->format == SAVE_DOCKER_DIR && !save->options->oci_manifest;
	const char *suffix = save->options->compress.format == COMPRESS_ZSTD ? "+zstd"
			     : docker                                        ? ".gzip"
									     : "+gzip";
	g_autofree char *media_type = g_strconcat(docker ? DOCKER_LAYER : OCI_LAYER,
						  is_compressed(save) ? suffix : "", NULL);
	g_autofree char *config = g_strconcat("sha256:", image->id, NULL);
	g_autofree char *config_name = blob_name(save, config);
	g_autoptr(Json) layers = json_object_new_array();
	for (size_t i = 0; image->chain_ids[i]; i++) {
		const Blob *blob = put_layer(save, image->chain_ids[i], error);
		if (!blob)
			return NULL;
		json_object_array_add(layers,
				      manifest_describe(media_type, blob->digest, blob->size));
	}
	if (!save_target_has(save->target, config_name) &&
	    !save_target_put(save->target, config_name, image->config_text, image->config_size,
			     error))
		return NULL;
	Json *manifest = json_object_new_object();
	js_set_int(manifest, "schemaVersion", 2);
	js_set_string(manifest, "mediaType",
		      docker ? MEDIA_TYPE_DOCKER_MANIFEST : MEDIA_TYPE_OCI_MANIFEST);
	js_set_take(
		manifest, "config",
		manifest_describe(docker ? DOCKER_CONFIG : OCI_CONFIG, config, image->config_size));
	js_set_take(manifest, "layers", g_steal_pointer(&layers));
	if (docker || keep_annotations(save, image, manifest, error))
		return manifest;
	js_unref(manifest);
	return NULL;
}

/* A descriptor of the index for each name, or one without a name. */
static void add_entries(Json *list, const Item *item, const char *media_type, const char *digest,
			size_t size)
{
	for (guint i = 0; i < MAX(item->names->len, 1u); i++) {
		Json *entry = manifest_describe(media_type, digest, size);
		if (item->names->len > 0) {
			Json *annotations = json_object_new_object();
			js_set_string(annotations, NAME_KEY, item->names->pdata[i]);
			js_set_take(entry, "annotations", annotations);
		}
		json_object_array_add(list, entry);
	}
}

/* Is an entry of an existing index called as one of ours? */
static bool is_replaced(Json *entry, const GPtrArray *items)
{
	Json *annotations = NULL;
	const char *name = NULL;
	if (!js_get_object(entry, "annotations", &annotations, NULL) || !annotations ||
	    !js_get_string(annotations, NAME_KEY, &name, NULL) || !name)
		return false;
	for (guint i = 0; i < items->len; i++) {
		const Item *item = items->pdata[i];
		if (g_ptr_array_find_with_equal_func(item->names, name, g_str_equal, NULL))
			return true;
	}
	return false;
}

/* Entries that a layout directory had before and keeps. */
static bool keep_entries(const Save *save, Json *list, const GPtrArray *items, GError **error)
{
	int dir = save_target_dir(save->target);
	if (dir < 0)
		return true;
	autofd fd = openat(dir, "index.json",
			   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	/* One that cannot be read would be replaced by one without its entries. */
	if (fd < 0)
		return errno == ENOENT ||
		       error_set_errno(error, "cannot open the layout's index.json");
	size_t size = 0;
	Json *old = NULL;
	g_autofree char *text = fd_read_all(fd, MANIFEST_MAX_SIZE, &size, error);
	g_autoptr(Json) json = text ? js_parse(text, size, "index.json", error) : NULL;
	if (!json || !js_get_array(json, "manifests", &old, error))
		return false;
	for (size_t i = 0; old && i < json_object_array_length(old); i++) {
		Json *entry = json_object_array_get_idx(old, i);
		if (!is_replaced(entry, items))
			json_object_array_add(list, json_object_get(entry));
	}
	return true;
}

/* A manifest that is found by its digest. Return: that, g_free() it. */
static char *put_manifest(Save *save, const char *text, GError **error)
{
	g_autofree char *digest = digest_of(text, strlen(text));
	g_autofree char *blob = blob_name(save, digest);
	g_autofree char *name = g_strconcat(
		blob, save->options->format == SAVE_DOCKER_DIR ? ".manifest.json" : "", NULL);
	if (!save_target_has(save->target, name) &&
	    !save_target_put(save->target, name, text, strlen(text), error))
		return NULL;
	return g_steal_pointer(&digest);
}

/* The images of a list; its entries say from then on what they are in here. */
static bool put_members(Save *save, const SaveIndex *index, GError **error)
{
	Json *entries = NULL;
	if (!js_get_array(index->document, "manifests", &entries, error))
		return false;
	for (size_t i = 0; index->ids && entries && i < json_object_array_length(entries); i++) {
		Json *entry = json_object_array_get_idx(entries, i);
		const char *type = NULL;
		g_autoptr(Image) image = image_resolve(save->store, index->ids[i], error);
		g_autoptr(Json) manifest = image ? put_blobs(save, image, error) : NULL;
		const char *text = manifest ? js_text(manifest) : NULL;
		g_autofree char *digest = text ? put_manifest(save, text, error) : NULL;
		if (!digest || !js_get_string(manifest, "mediaType", &type, error))
			return false;
		js_set_string(entry, "mediaType", type);
		js_set_string(entry, "digest", digest);
		js_set_int(entry, "size", (int64_t)strlen(text));
	}
	index->settle(index->document, index->data);
	return true;
}

/* One image or one list of a layout: its blobs, its manifest, its entries. */
static bool put_oci_item(Save *save, const Item *item, Json *list, GError **error)
{
	const SaveIndex *index = save->options->index;
	g_autoptr(Json) manifest = NULL;
	if (index ? !put_members(save, index, error)
		  : !(manifest = put_blobs(save, item->image, error)))
		return false;
	const char *text = js_text(index ? index->document : manifest);
	g_autofree char *digest = put_manifest(save, text, error);
	if (!digest)
		return false;
	add_entries(list, item, index ? MEDIA_TYPE_OCI_INDEX : MEDIA_TYPE_OCI_MANIFEST,
		    tell_digest(save, digest), strlen(text));
	return true;
}

/* The index comes last: a reader that finds it finds all it names. */
static bool save_oci(Save *save, const GPtrArray *items, GError **error)
{
	g_autoptr(Json) list = json_object_new_array();
	if (!save_target_mkdir(save->target, "blobs/", error) ||
	    !save_target_mkdir(save->target, "blobs/sha256/", error) ||
	    !keep_entries(save, list, items, error))
		return false;
	for (guint i = 0; i < items->len; i++)
		if (!put_oci_item(save, items->pdata[i], list, error))
			return false;
	g_autoptr(Json) oci_index = json_object_new_object();
	js_set_int(oci_index, "schemaVersion", 2);
	js_set_string(oci_index, "mediaType", MEDIA_TYPE_OCI_INDEX);
	js_set_take(oci_index, "manifests", g_steal_pointer(&list));
	const char *index_text = js_text(oci_index);
	const char *layout = "{\"imageLayoutVersion\":\"1.0.0\"}";
	return save_target_put(save->target, "oci-layout", layout, strlen(layout), error) &&
	       save_target_put(save->target, "index.json", index_text, strlen(index_text), error);
}

static bool save_docker_dir(Save *save, const Item *item, GError **error)
{
	const char *version = "Directory Transport Version: 1.1\n";
	const SaveIndex *index = save->options->index;
	g_autoptr(Json) manifest = NULL;
	if (index ? !put_members(save, index, error)
		  : !(manifest = put_blobs(save, item->image, error)))
		return false;
	const char *text = js_text(index ? index->document : manifest);
	g_autofree char *digest = digest_of(text, strlen(text));
	(void)tell_digest(save, digest);
	return save_target_put(save->target, "version", version, strlen(version), error) &&
	       save_target_put(save->target, "manifest.json", text, strlen(text), error);
}

/* The forms of one image have been checked to get one. */
static bool save_items(Save *save, const GPtrArray *items, GError **error)
{
	switch (save->options->format) {
	case SAVE_DOCKER_ARCHIVE:
		return save_docker_archive(save, items, error);
	case SAVE_OCI_ARCHIVE:
	case SAVE_OCI_DIR:
		return save_oci(save, items, error);
	case SAVE_DOCKER_DIR:
		return save_docker_dir(save, items->pdata[0], error);
	}
	g_assert_not_reached();
}

static bool check_compression(const SaveOptions *options, GError **error)
{
	if (options->format == SAVE_DOCKER_DIR && !options->oci_manifest &&
	    options->compress.format == COMPRESS_ZSTD)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the format docker-dir has no layers compressed with zstd: use "
				 "oci-dir");
	return compress_check_level(&options->compress, error);
}

bool images_save(Store *store, const SaveOptions *options, GError **error)
{
	if (!check_compression(options, error))
		return false;
	bool is_dir = options->format == SAVE_OCI_DIR || options->format == SAVE_DOCKER_DIR;
	if (is_dir && strcmp(options->output, "-") == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "a directory is needed for this format: use -o DIR");
	g_autoptr(StoreStage) stage = store_stage_new(store, error);
	if (!stage)
		return false;
	Save save = {.store = store, .stage = stage, .options = options};
	g_autoptr(GPtrArray) items = collect_items(&save, error);
	if (!items)
		return false;
	if (options->as)
		rename_item(items->pdata[0], options->as);
	g_autoptr(SaveTarget) target = save_target_open(options->output, is_dir, error);
	if (!target)
		return false;
	save.target = target;
	g_autoptr(GHashTable) blobs =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_blob);
	save.blobs = blobs;
	return save_items(&save, items, error) && save_target_finish(target, error);
}
