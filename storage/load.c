/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading images. Runs in skiff-fetch.
 *
 * Per image: config first (it names the layers), then each layer that is not there yet through the
 * ingest, then the image's record. Layers that refer to nothing below are published together with
 * one sync.
 */
#include "storage/load.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/wall.h"
#include "storage/archive.h"
#include "storage/digest.h"
#include "storage/hash.h"
#include "storage/image.h"
#include "storage/layer.h"
#include "storage/podman_store.h"
#include "storage/policy.h"
#include "storage/reference.h"
#include "storage/signature.h"
#include "storage/signed_by.h"
#include "storage/transfer.h"

#define DOCUMENT_MAX   (4u << 20)
#define IMAGES_MAX     1024
#define NAME_KEY       "org.opencontainers.image.ref.name"
#define CONTAINERD_KEY "io.containerd.image.name"

/* One image of an archive, as its index describes it. */
typedef struct {
	char *config;
	size_t config_size;
	char *manifest; /* NULL in a docker-archive */
	size_t manifest_size;
	GPtrArray *layers; /* of LayerSource */
	char **names;
	const char *transport; /* as policy.json calls it */
	char *reference; /* the archive's own name for it; NULL: none, or a docker-archive's */
	GPtrArray *signatures; /* of GBytes: a docker-dir's; else NULL */
} Source;

typedef struct {
	char *file;       /* in the archive */
	char *media_type; /* NULL if unknown */
	char *digest;     /* of the file; NULL if unknown */
	int64_t size;
} LayerSource;

/* Where layers come from: @origin, and what pushes one of its files into a sink. */
typedef struct {
	bool (*stream)(void *origin, const char *file, ArchiveSink sink, void *data,
		       GError **error);
	void *origin;
} LayerFeed;

/* A layer that waits for its publication. */
typedef struct {
	LayerIngest *ingest;
	Layer *layer;
} Staged;

static void free_layer_source(void *data)
{
	LayerSource *source = data;
	g_free(source->file);
	g_free(source->media_type);
	g_free(source->digest);
	g_free(source);
}

static void free_source(void *data)
{
	Source *source = data;
	g_free(source->config);
	g_free(source->manifest);
	g_ptr_array_unref(source->layers);
	g_strfreev(source->names);
	g_free(source->reference);
	g_clear_pointer(&source->signatures, g_ptr_array_unref);
	g_free(source);
}

static void free_staged(void *data)
{
	Staged *staged = data;
	layer_ingest_free(staged->ingest);
	layer_free(staged->layer);
	g_free(staged);
}

void loaded_image_free(LoadedImage *image)
{
	if (!image)
		return;
	g_free(image->id);
	g_strfreev(image->names);
	g_free(image);
}

static Source *source_new(void)
{
	Source *source = g_new0(Source, 1);
	source->layers = g_ptr_array_new_with_free_func(free_layer_source);
	source->names = g_new0(char *, 1);
	return source;
}

/* Make a name of the archive ours: docker's rules for full ones, localhost/ for short ones of OCI.
 */
static char *own_name(const char *name, bool short_is_local)
{
	g_autoptr(Reference) reference = reference_parse(name, NULL);
	if (!reference || reference->digest)
		return NULL;
	g_autoptr(Reference) normal = reference_normalize(reference);
	if (short_is_local && reference_is_short(reference)) {
		g_free(normal->registry);
		normal->registry = g_strdup("localhost");
		g_free(normal->repository);
		normal->repository = g_strdup(reference->repository);
	}
	return reference_format(normal);
}

/* Keep the names that are names. */
static char **own_names(const char *const *names, bool short_is_local)
{
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; names && names[i]; i++) {
		char *name = own_name(names[i], short_is_local);
		if (name)
			g_ptr_array_add(kept, name);
		else
			log_warn("the archive's name '%s' is not valid and left out", names[i]);
	}
	g_ptr_array_add(kept, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}

/* One element of a docker-archive's manifest.json. */
static Source *read_docker_image(Archive *archive, Json *item, GError **error)
{
	const char *config = NULL;
	g_auto(GStrv) tags = NULL;
	g_auto(GStrv) layers = NULL;
	if (!js_get_string(item, "Config", &config, error) ||
	    !js_get_strv(item, "RepoTags", &tags, error) ||
	    !js_get_strv(item, "Layers", &layers, error))
		return NULL;
	if (!config)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "manifest.json: an image without Config");
	Source *source = source_new();
	source->transport = "docker-archive";
	source->config = archive_read(archive, config, DOCUMENT_MAX, &source->config_size, error);
	if (!source->config) {
		free_source(source);
		return NULL;
	}
	g_strfreev(source->names);
	source->names = own_names((const char *const *)tags, false);
	for (size_t i = 0; layers && layers[i]; i++) {
		LayerSource *layer = g_new0(LayerSource, 1);
		layer->file = g_strdup(layers[i]);
		layer->size = -1;
		g_ptr_array_add(source->layers, layer);
	}
	return source;
}

static bool has_tag(Json *item, const char *reference)
{
	g_auto(GStrv) tags = NULL;
	return js_get_strv(item, "RepoTags", &tags, NULL) && tags &&
	       g_strv_contains((const char *const *)tags, reference);
}

/* manifest.json of a docker-archive. Return: false with @error. */
static bool read_docker_archive(Archive *archive, Json *list, const char *reference,
				GPtrArray *sources, GError **error)
{
	size_t n = json_object_array_length(list);
	if (n > IMAGES_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "manifest.json: too many images");
	for (size_t i = 0; i < n; i++) {
		Json *item = json_object_array_get_idx(list, i);
		if (reference && !has_tag(item, reference))
			continue;
		Source *source = read_docker_image(archive, item, error);
		if (!source)
			return false;
		g_ptr_array_add(sources, source);
	}
	return true;
}

/* The file of a blob: in a layout below blobs/, in a docker-dir by its bare hex digits. */
static char *blob_file(const char *digest, bool is_layout)
{
	if (!is_layout)
		return g_strdup(digest_hex(digest));
	g_autofree char *algorithm = g_strndup(digest, strcspn(digest, ":"));
	return g_strdup_printf("blobs/%s/%s", algorithm, digest_hex(digest));
}

/* Read a small blob and check its digest and its size. */
static char *read_blob(Archive *archive, const Descriptor *descriptor, bool is_layout,
		       size_t *out_size, GError **error)
{
	g_autofree char *file = blob_file(descriptor->digest, is_layout);
	g_autofree char *text = archive_read(archive, file, DOCUMENT_MAX, out_size, error);
	if (!text)
		return NULL;
	g_autoptr(Hash) hash = hash_new(descriptor->digest);
	hash_update(hash, text, *out_size);
	g_autofree char *digest = hash_finish(hash);
	if (strcmp(digest, descriptor->digest) != 0)
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "'%s' has the digest %s", file,
				      digest);
	if ((int64_t)*out_size != descriptor->size && wall_stands("archive-sizes"))
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "'%s' has %zu bytes, %" G_GINT64_FORMAT " are announced",
				      file, *out_size, descriptor->size);
	return g_steal_pointer(&text);
}

/* An image manifest's config and layers. Takes @text. */
static Source *read_manifest(Archive *archive, const Manifest *manifest, char *text, size_t size,
			     bool is_layout, GError **error)
{
	Source *source = source_new();
	source->manifest = text;
	source->manifest_size = size;
	source->config =
		read_blob(archive, &manifest->config, is_layout, &source->config_size, error);
	if (!source->config) {
		free_source(source);
		return NULL;
	}
	for (guint i = 0; i < manifest->layers->len; i++) {
		const Descriptor *from = manifest->layers->pdata[i];
		LayerSource *layer = g_new0(LayerSource, 1);
		layer->file = blob_file(from->digest, is_layout);
		layer->media_type = g_strdup(from->media_type);
		layer->digest = g_strdup(from->digest);
		layer->size = from->size;
		g_ptr_array_add(source->layers, layer);
	}
	return source;
}

/* Follow a descriptor of a layout to one image, through an index of platforms if need be. */
static Source *follow(Archive *archive, const Descriptor *descriptor, const Platform *platform,
		      GError **error)
{
	size_t size = 0;
	g_autofree char *text = read_blob(archive, descriptor, true, &size, error);
	g_autoptr(Manifest) manifest =
		text ? manifest_parse(text, size, descriptor->media_type, error) : NULL;
	if (!manifest)
		return NULL;
	if (manifest->kind == MANIFEST_IMAGE)
		return read_manifest(archive, manifest, g_steal_pointer(&text), size, true, error);
	const Descriptor *chosen = manifest_choose(manifest, platform, error);
	g_autofree char *inner = chosen ? read_blob(archive, chosen, true, &size, error) : NULL;
	g_autoptr(Manifest) image =
		inner ? manifest_parse(inner, size, chosen->media_type, error) : NULL;
	if (!image)
		return NULL;
	if (image->kind != MANIFEST_IMAGE)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "an index leads to another index");
	return read_manifest(archive, image, g_steal_pointer(&inner), size, true, error);
}

/* The name an index gives an entry, borrowed; NULL if none. */
static const char *entry_name(Json *list, guint i)
{
	Json *annotations = NULL;
	const char *name = NULL;
	Json *item = json_object_array_get_idx(list, i);
	if (!js_get_object(item, "annotations", &annotations, NULL) || !annotations)
		return NULL;
	if (!js_get_string(annotations, CONTAINERD_KEY, &name, NULL) || !name)
		(void)js_get_string(annotations, NAME_KEY, &name, NULL);
	return name;
}

/* index.json of a layout. */
static bool read_layout(Archive *archive, const LoadOptions *options, const Platform *platform,
			GPtrArray *sources, GError **error)
{
	size_t size = 0;
	g_autofree char *text = archive_read(archive, "index.json", DOCUMENT_MAX, &size, error);
	g_autoptr(Manifest) index = text ? manifest_parse(text, size, NULL, error) : NULL;
	g_autoptr(Json) json = index ? js_parse(text, size, "index.json", error) : NULL;
	Json *list = NULL;
	if (!json || !js_get_array(json, "manifests", &list, error)) {
		g_prefix_error(error, "index.json: ");
		return false;
	}
	if (index->kind != MANIFEST_INDEX || !list || index->manifests->len > IMAGES_MAX)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "index.json is not an index of images");
	for (guint i = 0; i < index->manifests->len; i++) {
		const Descriptor *descriptor = index->manifests->pdata[i];
		const char *name = entry_name(list, i);
		if (descriptor->is_attestation ||
		    (options->reference && g_strcmp0(name, options->reference) != 0))
			continue;
		Source *source = follow(archive, descriptor, platform, error);
		if (!source)
			return false;
		const char *names[] = {name, NULL};
		source->transport = archive_is_dir(archive) ? "oci" : "oci-archive";
		source->reference = g_strdup(name);
		g_strfreev(source->names);
		source->names = own_names(names, true);
		g_ptr_array_add(sources, source);
	}
	return true;
}

/* signature-1, signature-2, ... beside a docker-dir's manifest. */
static GPtrArray *read_signatures(Archive *archive, GError **error)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	size_t total = 0;
	for (unsigned n = 1;; n++) {
		size_t size = 0;
		g_autofree char *name = g_strdup_printf("signature-%u", n);
		if (!archive_has(archive, name))
			return g_steal_pointer(&found);
		char *data = archive_read(archive, name, SIGNATURE_MAX_SIZE, &size, error);
		if (!data)
			return NULL;
		g_ptr_array_add(found, g_bytes_new_take(data, size));
		total += size;
		if (found->len > SIGNATURE_MAX_COUNT || total > SIGNATURES_MAX_SIZE)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "it has too many or too large signatures");
	}
}

/* What skopeo calls "dir:": a manifest beside its blobs. */
static bool read_docker_dir(Archive *archive, char *text, size_t size, GPtrArray *sources,
			    GError **error)
{
	g_autofree char *owned = text;
	g_autoptr(Manifest) manifest = manifest_parse(text, size, NULL, error);
	if (!manifest)
		return false;
	if (manifest->kind != MANIFEST_IMAGE)
		return error_set(error, ENGINE_ERROR_INVALID, "manifest.json is not of one image");
	Source *source =
		read_manifest(archive, manifest, g_steal_pointer(&owned), size, false, error);
	if (!source)
		return false;
	source->transport = "dir";
	source->signatures = read_signatures(archive, error);
	g_ptr_array_add(sources, source);
	return source->signatures != NULL;
}

/* Find out what kind of archive it is and list its images. */
static GPtrArray *read_sources(Archive *archive, const LoadOptions *options,
			       const Platform *platform, GError **error)
{
	g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(free_source);
	if (!archive_has(archive, "manifest.json")) {
		if (!archive_has(archive, "index.json")) {
			error_set(error, ENGINE_ERROR_INVALID,
				  ARCHIVE_UNKNOWN "%s: neither a docker-archive nor an OCI layout",
				  options->input);
			error_add_help(error,
				       "if it holds a root file system: skiff import %s NAME",
				       options->input);
			return NULL;
		}
		return read_layout(archive, options, platform, sources, error)
			       ? g_steal_pointer(&sources)
			       : NULL;
	}
	size_t size = 0;
	g_autofree char *text = archive_read(archive, "manifest.json", DOCUMENT_MAX, &size, error);
	g_autoptr(Json) json = text ? js_parse(text, size, "manifest.json", error) : NULL;
	if (!json)
		return NULL;
	bool done =
		json_object_is_type(json, json_type_array)
			? read_docker_archive(archive, json, options->reference, sources, error)
			: read_docker_dir(archive, g_steal_pointer(&text), size, sources, error);
	return done ? g_steal_pointer(&sources) : NULL;
}

static bool push_layer(void *data, const void *bytes, size_t size, GError **error)
{
	return layer_ingest_push(data, bytes, size, error);
}

/* Publish what waits, bottom first. */
static bool publish_staged(Store *store, StoreStage *stage, GPtrArray *waiting, GError **error)
{
	g_autofree LayerPublish *items = g_new0(LayerPublish, waiting->len + 1);
	for (guint i = 0; i < waiting->len; i++) {
		const Staged *staged = waiting->pdata[i];
		items[i].name = layer_ingest_name(staged->ingest);
		items[i].layer = staged->layer;
	}
	if (!layers_publish(store, stage, items, waiting->len, error))
		return false;
	g_ptr_array_set_size(waiting, 0);
	return true;
}

/* Unpack one layer and let it wait. */
static bool ingest_layer(Store *store, StoreStage *stage, const LayerFeed *feed,
			 const LayerSource *source, const char *parent, const char *diff_id,
			 GPtrArray *waiting, GError **error)
{
	const LayerIngestOptions options = {
		.media_type = source->media_type,
		.expected_digest = source->digest,
		.expected_size = source->size,
		.expected_diff_id = diff_id,
		.parent_chain_id = parent,
	};
	g_autoptr(LayerIngest) ingest = layer_ingest_new(store, stage, &options, error);
	if (!ingest || !feed->stream(feed->origin, source->file, push_layer, ingest, error))
		return false;
	g_autoptr(Layer) layer = layer_ingest_finish(ingest, error);
	if (!layer)
		return false;
	if (layer_ingest_needs_parent(ingest) && (!publish_staged(store, stage, waiting, error) ||
						  !layer_ingest_complete(ingest, layer, error)))
		return false;
	Staged *staged = g_new0(Staged, 1);
	staged->ingest = g_steal_pointer(&ingest);
	staged->layer = g_steal_pointer(&layer);
	g_ptr_array_add(waiting, staged);
	return true;
}

/* Layers the store has are claimed for the stage, so that nobody removes them meanwhile. */
static bool load_layers(Store *store, StoreStage *stage, const LayerFeed *feed,
			const Source *source, const ImageConfig *config, GError **error)
{
	g_autoptr(GPtrArray) waiting = g_ptr_array_new_with_free_func(free_staged);
	g_autofree char *parent = NULL;
	for (guint i = 0; i < source->layers->len; i++) {
		g_autofree char *chain_id = digest_chain_id(parent, config->diff_ids[i]);
		g_autoptr(GError) problem = NULL;
		g_autoptr(Layer) there = layer_claim(store, stage, chain_id, &problem);
		if (problem) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return false;
		}
		if (!there && !ingest_layer(store, stage, feed, source->layers->pdata[i], parent,
					    config->diff_ids[i], waiting, error)) {
			g_prefix_error(error, "layer %u: ", i + 1);
			return false;
		}
		g_free(parent);
		parent = g_steal_pointer(&chain_id);
	}
	return publish_staged(store, stage, waiting, error);
}

/*
 * Say which names an archive takes from other images: it may claim any, also one that is trusted
 * (tag squatting), and the user has not typed it.
 */
static void tell_taken(Store *store, const Source *source)
{
	g_autofree char *digest = digest_of(source->config, source->config_size);
	for (char **name = source->names; name && *name; name++) {
		g_autoptr(Image) holder = image_lookup(store, *name, NULL);
		if (holder && strcmp(holder->id, digest_hex(digest)) != 0)
			log_warn("the archive takes the name '%s' from image %.12s", *name,
				 holder->id);
	}
}

/* The config names the layers: their count and diff ids are what the archive must match. */
static LoadedImage *load_one(Store *store, StoreStage *stage, const LayerFeed *feed,
			     const Source *source, const char *const *wanted, GError **error)
{
	g_autoptr(ImageConfig) config =
		image_config_parse(source->config, source->config_size, error);
	if (!config)
		return NULL;
	if (g_strv_length(config->diff_ids) != source->layers->len)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "the image has %u layers, its config names %u",
				      source->layers->len, g_strv_length(config->diff_ids));
	if (!load_layers(store, stage, feed, source, config, error))
		return NULL;
	const char *const *names = wanted ? wanted : (const char *const *)source->names;
	if (!wanted && wall_stands("told-names"))
		tell_taken(store, source);
	const ImagePublish publish = {
		.config = source->config,
		.config_size = source->config_size,
		.manifest = source->manifest,
		.manifest_size = source->manifest_size,
		.names = names,
	};
	g_autofree char *id = image_publish(store, &publish, error);
	if (!id)
		return NULL;
	LoadedImage *loaded = g_new0(LoadedImage, 1);
	loaded->id = g_steal_pointer(&id);
	loaded->names = g_strdupv((char **)names);
	return loaded;
}

/* May one image be loaded, also by its signatures? It has no reference that one could be for. */
static bool check_source(const Policy *policy, const Source *source, const char *input,
			 Store *store, StoreStage *stage, GError **error)
{
	g_autoptr(GPtrArray) signed_by =
		g_ptr_array_new_with_free_func((GDestroyNotify)signed_by_free);
	if (!policy_check_archive(policy, source->transport, input, source->reference, signed_by,
				  error))
		return false;
	g_autofree char *digest =
		source->manifest ? digest_of(source->manifest, source->manifest_size) : NULL;
	const SignedImage image = {
		.digest = digest,
		.signatures = digest ? source->signatures : NULL,
	};
	return signed_by_check(signed_by, &image, store, stage, error);
}

/* All of them before the first is loaded: a policy that refuses one lets none in. */
static bool check_policy(const GPtrArray *sources, const char *input, Store *store,
			 StoreStage *stage, GError **error)
{
	g_autoptr(Policy) policy = policy_load(error);
	if (!policy) {
		g_prefix_error(error, "the policy can't be read, so nothing is accepted: ");
		return false;
	}
	for (guint i = 0; i < sources->len; i++) {
		if (!check_source(policy, sources->pdata[i], input, store, stage, error))
			return false;
	}
	return true;
}

/* In their order; those before a failing one stay. */
static GPtrArray *load_all(Store *store, StoreStage *stage, const LayerFeed *feed,
			   const GPtrArray *sources, const LoadOptions *options, GError **error)
{
	if (!check_policy(sources, options->input, store, stage, error))
		return NULL;
	g_autoptr(GPtrArray) loaded =
		g_ptr_array_new_with_free_func((GDestroyNotify)loaded_image_free);
	for (guint i = 0; i < sources->len; i++) {
		LoadedImage *image =
			load_one(store, stage, feed, sources->pdata[i], options->names, error);
		if (!image)
			return NULL;
		g_ptr_array_add(loaded, image);
	}
	return g_steal_pointer(&loaded);
}

static bool stream_archive(void *origin, const char *file, ArchiveSink sink, void *data,
			   GError **error)
{
	return archive_stream(origin, file, sink, data, error);
}

GPtrArray *images_load(Store *store, const LoadOptions *options, GError **error)
{
	g_autoptr(StoreStage) stage = store_stage_new(store, error);
	g_autoptr(Archive) archive = stage ? archive_open(stage, options->input, error) : NULL;
	if (!archive)
		return NULL;
	g_auto(Platform) host = {0};
	if (!options->platform)
		platform_host(&host);
	const Platform *platform = options->platform ? options->platform : &host;
	g_autoptr(GPtrArray) sources = read_sources(archive, options, platform, error);
	if (!sources)
		return NULL;
	if (sources->len == 0)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "%s: no image%s%s in it",
				      options->input, options->reference ? " called " : "",
				      options->reference ? options->reference : "");
	const LayerFeed feed = {stream_archive, archive};
	return load_all(store, stage, &feed, sources, options, error);
}

/* Is this image one of those that were named? All are if none was. */
static bool is_wanted(const PodmanImage *image, const char *const *wanted, bool *found)
{
	const Image view = {.id = image->id, .names = image->names};
	bool any = false;
	for (size_t i = 0; wanted[i]; i++) {
		bool is_id = strlen(wanted[i]) >= 3 && g_str_has_prefix(image->id, wanted[i]);
		if (!is_id && !image_find_name(&view, wanted[i]))
			continue;
		found[i] = any = true;
	}
	return any || !wanted[0];
}

/* What podman knows of an image, as load_one() takes it. */
static Source *podman_source(PodmanImage *image)
{
	Source *source = source_new();
	source->transport = "containers-storage";
	source->config = g_steal_pointer(&image->config);
	source->config_size = image->config_size;
	source->manifest = g_steal_pointer(&image->manifest);
	source->manifest_size = image->manifest_size;
	g_strfreev(source->names);
	source->names = own_names((const char *const *)image->names, false);
	source->reference = g_strdup(source->names[0] ? source->names[0] : image->id);
	for (size_t i = 0; image->layers[i]; i++) {
		LayerSource *layer = g_new0(LayerSource, 1);
		layer->file = g_strdup(image->layers[i]);
		layer->size = -1;
		g_ptr_array_add(source->layers, layer);
	}
	return source;
}

/* Those that are wanted. NOT_FOUND if podman lacks one. */
static GPtrArray *podman_sources(const PodmanStore *podman, const char *const *wanted,
				 GError **error)
{
	g_autoptr(GPtrArray) images = podman_store_images(podman, error);
	if (!images)
		return NULL;
	g_autofree bool *found = g_new0(bool, g_strv_length((char **)wanted) + 1);
	g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(free_source);
	for (guint i = 0; i < images->len; i++)
		if (is_wanted(images->pdata[i], wanted, found))
			g_ptr_array_add(sources, podman_source(images->pdata[i]));
	for (size_t i = 0; wanted[i]; i++)
		if (!found[i])
			return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
					      "%s: image not known to podman (%s)", wanted[i],
					      podman_store_root(podman));
	return g_steal_pointer(&sources);
}

GPtrArray *images_load_podman(Store *store, const char *root, const char *const *wanted,
			      GError **error)
{
	g_autoptr(PodmanStore) podman = podman_store_open(root, error);
	g_autoptr(GPtrArray) sources = podman ? podman_sources(podman, wanted, error) : NULL;
	g_autoptr(StoreStage) stage = sources ? store_stage_new(store, error) : NULL;
	if (!stage)
		return NULL;
	const LoadOptions options = {.input = podman_store_root(podman)};
	const LayerFeed feed = {podman_store_stream, podman};
	return load_all(store, stage, &feed, sources, &options, error);
}
