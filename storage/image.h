/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: images/ID/ with config.json, manifests/DIGEST (raw bytes), names (one per line), and the
 * lookup of names, short ids and digests. Names are the file system's: readers take no lock.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/record.h"
#include "storage/image_config.h"
#include "storage/image_manifest.h"
#include "storage/store.h"

typedef struct {
	char *id;            /* 64 hex digits: the config's sha256 */
	char **names;        /* "registry/repository:tag", never NULL */
	char **repo_digests; /* "registry/repository@sha256:..." of registries, never NULL */
	char *digest;        /* manifest digest, NULL if none is kept */
	char **chain_ids;    /* bottom first, never NULL */
	uint64_t size;       /* sum of its layers */
	int64_t created;     /* ns since 1970, 0 if unknown */
	ImageConfig *config;
	char *config_text; /* raw bytes as received */
	size_t config_size;
} Image;

void image_free(Image *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)

/**
 * image_lookup() - by name (normalised; short names try localhost/ and docker.io/library/ as
 * podman's local lookup does), full id, unique id prefix, or digest
 *
 * The name of an index (storage/image_index) stands for its image for this machine.
 * Return: NULL without @error if absent; with INVALID for an ambiguous prefix, NOT_FOUND for an
 * index without an image that is here.
 */
Image *image_lookup(Store *store, const char *name, GError **error);

/** image_resolve() - as lookup; absent is NOT_FOUND "NAME: image not known". */
Image *image_resolve(Store *store, const char *name, GError **error);

/**
 * image_manifest_type() - mediaType of the manifest that is kept
 * @out_type:	NULL: none is kept, or it does not say (docker's always do); g_free() it
 */
bool image_manifest_type(Store *store, const Image *image, char **out_type, GError **error);

/** image_find_name() - the name of @image that @text means; NULL: none, it is an id or a digest.
 * Borrowed. */
const char *image_find_name(const Image *image, const char *text);

/** image_manifest_read() - its manifest, as received or as made here; NULL without @error if none
 * is kept. g_free() it. */
char *image_manifest_read(Store *store, const Image *image, size_t *out_size, GError **error);

/** image_all_digests() - the repo digests, and the manifest's under the repository of each name, as
 * podman lists them. g_strfreev() it. */
char **image_all_digests(const Image *image);

/** image_set_unknown() - say that nothing is called @name, and what has a name like it: NOT_FOUND.
 * Return: NULL. */
void *image_set_unknown(Store *store, const char *name, GError **error);

/** images_list() - all images, newest first. GPtrArray of Image. A broken image is skipped with
 * log_warn. */
GPtrArray *images_list(Store *store, GError **error);

typedef struct {
	const char *config; /* raw bytes */
	size_t config_size;
	const char *manifest; /* raw bytes; NULL: a new image gets one made in this form */
	size_t manifest_size;
	ImageForm form;
	const GPtrArray *annotations; /* of the one that is made, also for an image that is there */
	const char *const *names;     /* may be NULL */
	const char *repo_digest;      /* "registry/repository@digest", may be NULL */
} ImagePublish;

/** image_publish() - record an image whose layers are all there; moves names from other images.
 * Return: id, g_free() it. */
char *image_publish(Store *store, const ImagePublish *publish, GError **error);

/** image_checked() - when it was last published, tagged or marked, in ns since 1970; 0: unknown. */
int64_t image_checked(Store *store, const Image *image);
/** image_mark_checked() - say that its registry was asked for it just now. */
bool image_mark_checked(Store *store, const Image *image, GError **error);

/** image_tag() - give @image one more normalised name, taking it from another image. */
bool image_tag(Store *store, const Image *image, const char *name, GError **error);

/** image_untag() - take one name (or, with NULL, all names) away. NOT_FOUND. */
bool image_untag(Store *store, const Image *image, const char *name, GError **error);

/**
 * image_pin() - keep an image from being removed, as long as the lock is held
 *
 * For who records a user of the image; names may not be changed meanwhile either. A leaf: under it
 * only names/.lock may be taken.
 * @error: NOT_FOUND if it was removed
 */
RecordLock *image_pin(Store *store, const char *id, GError **error);

/** ImageCheck - may @image go? False with @error if not. */
typedef bool (*ImageCheck)(const Image *image, void *data, GError **error);

/**
 * image_remove() - move the image to trash and sweep its layers
 * @check:	asked while no user of the image can appear (image_pin()); NULL: it has none
 *
 * The trash is emptied by the caller.
 */
bool image_remove(Store *store, const Image *image, ImageCheck check, void *data, GError **error);
