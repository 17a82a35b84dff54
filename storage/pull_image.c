/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image from one place: manifest, platform, config, layers, record.
 */
#include "storage/pull_priv.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/wall.h"
#include "storage/blob_slot.h"
#include "storage/digest.h"
#include "storage/image.h"
#include "storage/lookaside.h"
#include "storage/signed_by.h"

#define INDEX_DEPTH_MAX  3
#define SLOT_INTERVAL_MS 50

typedef struct {
	Store *store;
	RegistrySession *session;
	Registry *registry;
	const Reference *reference;
	const PullOptions *options;

	RegistryDocument *document; /* the platform's manifest as received */
	char *pulled_digest;        /* of what the name led to: an index or a manifest */
	Manifest *manifest;
	GString *config_text;
	ImageConfig *config;
} Pull;

static void pull_clear(Pull *pull)
{
	registry_document_free(pull->document);
	g_free(pull->pulled_digest);
	manifest_free(pull->manifest);
	if (pull->config_text)
		g_string_free(pull->config_text, TRUE);
	image_config_free(pull->config);
	registry_free(pull->registry);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pull, pull_clear)

static void wanted_platform(const Pull *pull, Platform *out)
{
	const Platform *asked = pull->options->platform;
	platform_host(out);
	if (asked)
		platform_set(out, asked->os, asked->architecture,
			     asked->variant ? asked->variant : "");
}

/* The bytes are what the digest says; are they as many as the index says? @size -1: unknown. */
static bool check_size(const Pull *pull, const char *digest, int64_t size, GError **error)
{
	size_t have = pull->document->body->len;
	return size < 0 || (int64_t)have == size || !wall_stands("index-sizes") ||
	       error_set(error, ENGINE_ERROR_CORRUPT,
			 "manifest %s in %s has %zu bytes, its index announced %" G_GINT64_FORMAT,
			 digest, registry_name(pull->registry), have, size);
}

/* Follow indexes down to the manifest of the platform that is wanted. */
static bool get_manifest(Pull *pull, GError **error)
{
	const Reference *ref = pull->reference;
	g_autofree char *next = g_strdup(ref->digest ? ref->digest : ref->tag);
	int64_t size = -1;
	g_auto(Platform) want = {0};
	wanted_platform(pull, &want);
	for (int depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		registry_document_free(pull->document);
		manifest_free(pull->manifest);
		pull->manifest = NULL;
		pull->document = registry_get_manifest(pull->registry, next, error);
		if (!pull->document || !check_size(pull, next, size, error))
			return false;
		pull->manifest =
			manifest_parse(pull->document->body->str, pull->document->body->len,
				       pull->document->content_type, error);
		if (!pull->manifest) {
			g_prefix_error(error, "%s in %s: ", next, registry_name(pull->registry));
			return false;
		}
		if (!pull->pulled_digest)
			pull->pulled_digest = g_strdup(pull->document->digest);
		if (pull->manifest->kind == MANIFEST_IMAGE)
			return true;
		const Descriptor *chosen = manifest_choose(pull->manifest, &want, error);
		if (!chosen)
			return false;
		g_free(next);
		next = g_strdup(chosen->digest);
		size = chosen->size;
	}
	return error_set(error, ENGINE_ERROR_UNSUPPORTED, "indexes nest deeper than %d",
			 INDEX_DEPTH_MAX);
}

/* The config of an image that is here already. */
static GString *config_from_store(Store *store, const char *digest)
{
	g_autoptr(Image) image = g_str_has_prefix(digest, "sha256:")
					 ? image_lookup(store, digest_hex(digest), NULL)
					 : NULL;
	if (!image || strcmp(image->id, digest_hex(digest)) != 0)
		return NULL;
	return g_string_new_len(image->config_text, (gssize)image->config_size);
}

/* The config that another pull has left in the slot for us, if it is whole. */
static GString *config_from_slot(const BlobSlot *slot, const Descriptor *config)
{
	if (blob_slot_size(slot) != config->size || !g_str_has_prefix(config->digest, "sha256:"))
		return NULL;
	g_autofree char *text = g_malloc((gsize)config->size + 1);
	if (blob_slot_read(slot, text, (size_t)config->size, 0) != config->size)
		return NULL;
	g_autofree char *digest = digest_of(text, (size_t)config->size);
	if (strcmp(digest, config->digest) != 0)
		return NULL;
	return g_string_new_len(text, (gssize)config->size);
}

/* Wait for the config's slot: pulls of one image ask for its config once. */
static BlobSlot *take_config_slot(Pull *pull, GError **error)
{
	BlobSlot *slot = NULL;
	for (;;) {
		switch (blob_slot_try(pull->store, pull->manifest->config.digest, NULL, &slot,
				      error)) {
		case BLOB_SLOT_OURS:
			return slot;
		case BLOB_SLOT_ERROR:
			return NULL;
		case BLOB_SLOT_BUSY:
			break;
		}
		if (!registry_session_wait(pull->session, SLOT_INTERVAL_MS, error))
			return NULL;
	}
}

/* The config from the store, another pull's slot or the registry, asked for once. */
static bool get_config(Pull *pull, GError **error)
{
	const Descriptor *config = &pull->manifest->config;
	g_autoptr(BlobSlot) slot = take_config_slot(pull, error);
	if (!slot)
		return false;
	pull->config_text = config_from_store(pull->store, config->digest);
	if (pull->config_text) {
		g_clear_pointer(&slot, blob_slot_discard);
	} else {
		pull->config_text = config_from_slot(slot, config);
	}
	if (!pull->config_text) {
		blob_slot_reset(slot);
		pull->config_text =
			registry_get_blob(pull->registry, config->digest, config->size, error);
		if (!pull->config_text)
			return false;
		blob_slot_append(slot, pull->config_text->str, pull->config_text->len);
	}
	pull->config = image_config_parse(pull->config_text->str, pull->config_text->len, error);
	if (!pull->config) {
		g_clear_pointer(&slot, blob_slot_discard);
		return false;
	}
	return true;
}

/* The config must describe exactly the layers that the manifest has. */
static bool check_config(const Pull *pull, GError **error)
{
	size_t layers = pull->manifest->layers->len;
	size_t diff_ids = g_strv_length(pull->config->diff_ids);
	if (layers != diff_ids && wall_stands("as-many-diff-ids"))
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "the manifest has %zu layers, the image config %zu", layers,
				 diff_ids);
	g_auto(Platform) want = {0}, have = {0};
	wanted_platform(pull, &want);
	platform_set(&have, pull->config->os ? pull->config->os : "",
		     pull->config->architecture ? pull->config->architecture : "",
		     pull->config->variant);
	if (platform_runs(&want, &have))
		return true;
	g_autofree char *wanted = platform_format(&want);
	g_autofree char *got = platform_format(&have);
	g_autofree char *shown = registry_text(got, strlen(got));
	pull_message(pull->options,
		     "WARNING: image platform (%s) does not match the expected platform (%s)",
		     shown, wanted);
	return true;
}

/* The record, which makes all of it visible. */
static char *publish_image(Pull *pull, char **out_name, GError **error)
{
	const Reference *ref = pull->reference;
	g_autofree char *name =
		ref->tag ? g_strconcat(ref->registry, "/", ref->repository, ":", ref->tag, NULL)
			 : NULL;
	g_autofree char *repo_digest =
		g_strconcat(ref->registry, "/", ref->repository, "@", pull->pulled_digest, NULL);
	/* A name with a digest is pinned by it: the tag beside it may be anybody's. */
	const char *names[] = {ref->digest ? NULL : name, NULL};
	ImagePublish record = {
		.config = pull->config_text->str,
		.config_size = pull->config_text->len,
		.manifest = pull->document->body->str,
		.manifest_size = pull->document->body->len,
		.names = names,
		.repo_digest = repo_digest,
	};
	char *id = image_publish(pull->store, &record, error);
	if (id)
		*out_name = g_strdup(ref->digest ? repo_digest : name);
	return id;
}

/* Others that need the config find it in the store now. */
static void drop_config_slot(const Pull *pull)
{
	BlobSlot *slot = NULL;
	if (blob_slot_try(pull->store, pull->manifest->config.digest, NULL, &slot, NULL) ==
	    BLOB_SLOT_OURS)
		blob_slot_discard(slot);
}

/*
 * Before anything but the manifest's bytes is used: are they signed as the policy wants? Of a list
 * it is the chosen image's manifest that must be, as others check it, too.
 */
static bool check_signatures(const Pull *pull, const RegistrySource *source, StoreStage *stage,
			     const GPtrArray *signed_by, GError **error)
{
	if (signed_by->len == 0)
		return true;
	const Reference place = {source->host, source->repository, pull->reference->tag,
				 pull->reference->digest};
	g_autoptr(GPtrArray) signatures = lookaside_fetch(registry_session_http(pull->session),
							  &place, pull->document->digest, error);
	const SignedImage image = {
		.reference = pull->reference,
		.digest = pull->document->digest,
		.signatures = signatures,
	};
	return signatures && signed_by_check(signed_by, &image, pull->store, stage, error);
}

PullResult *pull_image(Store *store, RegistrySession *session, const RegistrySource *source,
		       const Reference *reference, const GPtrArray *signed_by,
		       const PullOptions *options, GError **error)
{
	g_auto(Pull) pull = {
		.store = store,
		.session = session,
		.reference = reference,
		.options = options,
	};
	pull.registry = registry_open(session, source, error);
	if (!pull.registry || !get_manifest(&pull, error))
		return NULL;
	pull_message(options, "Getting image source signatures");
	g_autoptr(StoreStage) stage = store_stage_new(store, error);
	if (!stage || !check_signatures(&pull, source, stage, signed_by, error) ||
	    !get_config(&pull, error) || !check_config(&pull, error))
		return NULL;

	g_autoptr(PullResult) result = g_new0(PullResult, 1);
	PullLayers layers = {
		.store = store,
		.stage = stage,
		.session = session,
		.registry = pull.registry,
		.options = options,
		.manifest = pull.manifest,
		.config = pull.config,
		.result = result,
		/* Who pins a digest, or has it signed, may want to push it as it is. */
		.keep_blobs = reference->digest != NULL || signed_by->len > 0,
	};
	if (!pull_layers(&layers, error))
		return NULL;
	pull_message(options, "Copying config %.12s done",
		     digest_hex(pull.manifest->config.digest));
	pull_message(options, "Writing manifest to image destination");
	result->id = publish_image(&pull, &result->name, error);
	if (!result->id)
		return NULL;
	drop_config_slot(&pull);
	return g_steal_pointer(&result);
}
