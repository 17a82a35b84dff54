/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push: from the names a user typed to an image, a repository and a result.
 */
#include "storage/push.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"
#include "storage/layer.h"
#include "storage/push_priv.h"

/* Tokens name all repositories that blobs are mounted from: a few will do. */
#define PLACES_MAX 4

void push_result_free(PushResult *result)
{
	if (!result)
		return;
	g_free(result->name);
	g_free(result->digest);
	g_free(result);
}

static void message(const PushOptions *options, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void message(const PushOptions *options, const char *format, ...)
{
	if (!options->ui.message)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	options->ui.message(text, options->ui.data);
}

/* Take "docker://" off; what save does is save's. */
static const char *strip_transport(const char *name, GError **error)
{
	static const struct {
		const char *prefix;
		const char *format; /* of save; NULL: it has none */
	} others[] = {
		{"oci:", "oci-dir"},
		{"oci-archive:", "oci-archive"},
		{"docker-archive:", "docker-archive"},
		{"dir:", "docker-dir"},
		{"docker-daemon:", NULL},
		{"containers-storage:", NULL},
	};
	if (g_str_has_prefix(name, "docker://"))
		return name + strlen("docker://");
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		if (!g_str_has_prefix(name, others[i].prefix))
			continue;
		error_set(error, ENGINE_ERROR_UNSUPPORTED, "cannot push to '%s'", name);
		if (others[i].format)
			error_add_help(error, "skiff save --format %s -o %s IMAGE",
				       others[i].format, name + strlen(others[i].prefix));
		return NULL;
	}
	return name;
}

/* The name an image is pushed to when none is given: the one it was found by. */
static char *own_name(const Image *image, const char *text, GError **error)
{
	const char *name = image_find_name(image, text);
	if (name)
		return g_strdup(name);
	return error_set_null(error, ENGINE_ERROR_INVALID,
			      "'%s' is not a name of the image: say where to push it to", text);
}

Reference *push_parse_destination(const Image *image, const char *name, const char *destination,
				  GError **error)
{
	g_autofree char *own = destination ? NULL : own_name(image, name, error);
	const char *text = destination ? strip_transport(destination, error) : own;
	g_autoptr(Reference) typed = text ? reference_parse(text, error) : NULL;
	if (!typed)
		return NULL;
	if (typed->digest)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "'%s': a digest can't be pushed to, only a tag", text);
	return reference_normalize(typed);
}

/* Pin all layers for the life of our stage. */
static bool claim_layers(Push *push, GError **error)
{
	for (size_t i = 0; push->image->chain_ids[i]; i++) {
		g_autoptr(GError) problem = NULL;
		const char *chain_id = push->image->chain_ids[i];
		Layer *layer = layer_claim(push->store, push->stage, chain_id, &problem);
		if (!layer)
			return error_set(error, ENGINE_ERROR_CORRUPT, "layer '%s' is missing%s%s",
					 chain_id, problem ? ": " : "",
					 problem ? problem->message : "");
		g_ptr_array_add(push->layers, layer);
	}
	return true;
}

/* Add the repository of a repo digest, if it is another one on our registry. */
static void add_place(const Push *push, GPtrArray *places, const char *repo_digest)
{
	g_autoptr(Reference) ref = reference_parse(repo_digest, NULL);
	if (!ref || g_strcmp0(ref->registry, push->destination->registry) != 0 ||
	    strcmp(ref->repository, push->destination->repository) == 0)
		return;
	if (!g_ptr_array_find_with_equal_func(places, ref->repository, g_str_equal, NULL))
		g_ptr_array_add(places, g_strdup(ref->repository));
}

/* Images with the same layer at the same height came from repositories that have its blob. */
static bool find_places(Push *push, GError **error)
{
	g_autoptr(GPtrArray) images = images_list(push->store, error);
	if (!images)
		return false;
	for (size_t i = 0; i < push->layers->len; i++) {
		const Layer *layer = g_ptr_array_index(push->layers, i);
		GPtrArray *places = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(push->places, places);
		for (size_t j = 0; j < images->len; j++) {
			const Image *other = g_ptr_array_index(images, j);
			if (g_strv_length(other->chain_ids) <= i ||
			    strcmp(other->chain_ids[i], layer->chain_id) != 0)
				continue;
			for (size_t k = 0; other->repo_digests[k]; k++)
				add_place(push, places, other->repo_digests[k]);
		}
	}
	return true;
}

/* The repositories that a token should let us mount from. g_strfreev() it. */
static char **mount_sources(const Push *push)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (size_t i = 0; i < push->places->len; i++) {
		const GPtrArray *places = g_ptr_array_index(push->places, i);
		if (places->len > 0 && all->len < PLACES_MAX &&
		    !g_ptr_array_find_with_equal_func(all, places->pdata[0], g_str_equal, NULL))
			g_ptr_array_add(all, places->pdata[0]);
	}
	g_ptr_array_add(all, NULL);
	return g_strdupv((char **)all->pdata);
}

/* The place itself: mirrors and other locations are for pulls. */
static bool open_registry(Push *push, const RegistriesConf *conf, GError **error)
{
	const Reference *ref = push->destination;
	g_autoptr(GPtrArray) sources = registries_conf_sources(conf, ref, error);
	if (!sources)
		return false;
	const RegistrySource source = {
		.host = ref->registry,
		.repository = ref->repository,
		.is_insecure = registries_conf_is_insecure(conf, ref->registry),
	};
	g_auto(GStrv) from = mount_sources(push);
	push->registry = registry_open(push->session, &source, error);
	return push->registry &&
	       registry_open_push(push->registry, (const char *const *)from, error);
}

static bool decide_format(Push *push, GError **error)
{
	push->format = push->options->format;
	if (push->format == PUSH_FORMAT_ANY)
		return push_manifest_format(push, &push->format, error);
	if (push->format == PUSH_FORMAT_DOCKER && push->options->compress.format == COMPRESS_ZSTD)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the format v2s2 has no layers compressed with zstd: use oci");
	return true;
}

/* Layers, config, manifest: in this order nothing refers to what is not there. */
static bool push_all(Push *push, GError **error)
{
	const Reference *ref = push->destination;
	size_t size = 0;
	const char *media_type = NULL;
	message(push->options, "Getting image source signatures");
	if (!push_layers(push, error))
		return false;
	if (!push_config(push, error))
		return false;
	message(push->options, "Copying config %.12s done", push->image->id);
	g_autofree char *manifest = push_manifest(push, &size, &media_type, error);
	if (!manifest)
		return false;
	message(push->options, "Writing manifest to image destination");
	g_autofree char *digest = digest_of(manifest, size);
	const char *tag = push->options->by_digest ? digest : ref->tag;
	if (!registry_put_manifest(push->registry, tag, media_type, manifest, size, error))
		return false;
	push->result->name = reference_format(ref);
	push->result->digest = g_steal_pointer(&digest);
	push->result->media_type = media_type;
	push->result->manifest_size = (int64_t)size;
	return true;
}

static void free_blob(void *data)
{
	PushedBlob *blob = data;
	g_free(blob->media_type);
	g_free(blob->digest);
	g_free(blob);
}

static void free_layer(void *data)
{
	layer_free(data);
}

static void free_places(void *data)
{
	g_ptr_array_unref(data);
}

PushResult *image_push(Store *store, const char *name, const char *destination,
		       const PushOptions *options, GError **error)
{
	/* A registry that hangs up must not end us. */
	(void)signal(SIGPIPE, SIG_IGN);
	g_autoptr(Image) image = image_resolve(store, name, error);
	g_autoptr(Reference) ref =
		image ? push_parse_destination(image, name, destination, error) : NULL;
	g_autoptr(RegistriesConf) conf = ref ? registries_conf_load(error) : NULL;
	g_autoptr(StoreStage) stage = conf ? store_stage_new(store, error) : NULL;
	if (!stage)
		return NULL;
	g_autoptr(RegistrySession) session = registry_session_new(conf, &options->registry);
	g_autoptr(PushResult) result = g_new0(PushResult, 1);
	g_autoptr(GPtrArray) layers = g_ptr_array_new_with_free_func(free_layer);
	g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func(free_places);
	g_autoptr(GPtrArray) blobs = g_ptr_array_new_with_free_func(free_blob);
	Push push = {
		.store = store,
		.stage = stage,
		.session = session,
		.destination = ref,
		.options = options,
		.image = image,
		.layers = layers,
		.places = places,
		.blobs = blobs,
		.result = result,
	};
	bool done = claim_layers(&push, error) && decide_format(&push, error) &&
		    find_places(&push, error) && open_registry(&push, conf, error) &&
		    push_all(&push, error);
	registry_free(push.registry);
	return done ? g_steal_pointer(&result) : NULL;
}
