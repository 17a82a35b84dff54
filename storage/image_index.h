/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image indexes (manifest lists) that a user puts together: indexes/ID/index.json.
 *
 * The record holds the document as it will be pushed, the names, and where each entry's image is:
 * in the store, at a registry, or both. Names are shared with images (storage/image): one name
 * leads to one of them. Readers take no lock; changes are made under images/.lock and replace the
 * record as a whole.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "storage/image.h"
#include "storage/manifest.h"
#include "storage/store.h"

typedef struct {
	char *id;        /* 64 hex digits, random */
	char **names;    /* as images' */
	int64_t created; /* ns since 1970 */
	Json *document;  /* the OCI index or Docker manifest list */
	Json *members;   /* digest -> {"image": id, "source": "registry/repository@digest"} */
} ImageIndex;

void image_index_free(ImageIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageIndex, image_index_free)

/* Changes one index while nobody else does. False with @error: nothing is written. */
typedef bool (*ImageIndexChange)(ImageIndex *index, void *data, GError **error);

/**
 * image_index_create() - a new index
 * @name:	normalised
 * @change:	fills it before anybody sees it; NULL: it is empty
 * @error:	EXISTS in podman's words if an image or an index has the name
 */
ImageIndex *image_index_create(Store *store, const char *name, ImageIndexChange change, void *data,
			       GError **error);

/**
 * image_index_replace() - change the index of a name, or make a new one that takes the name from
 * whoever has it
 * @keep:	one that is there is changed; false: it loses its name to the new one
 *
 * What fails or is killed leaves the name where it was, or in both places: then it still leads to
 * an image that had it, until the next one takes it.
 */
bool image_index_replace(Store *store, const char *name, bool keep, ImageIndexChange change,
			 void *data, GError **error);

/** image_index_lookup() - by name, id or unique prefix of an id, as image_lookup(). NULL without
 * @error if absent. */
ImageIndex *image_index_lookup(Store *store, const char *text, GError **error);

/** image_index_resolve() - as lookup; NOT_FOUND "NAME: image not known", INVALID for an image. */
ImageIndex *image_index_resolve(Store *store, const char *text, GError **error);

/** image_indexes_list() - all of them, newest first. GPtrArray of ImageIndex. A broken one is
 * skipped with log_warn. */
GPtrArray *image_indexes_list(Store *store, GError **error);

/** image_index_check() - can the record of this id be used? Absent is no error. CORRUPT. */
bool image_index_check(Store *store, const char *id, GError **error);

/** image_index_find_name() - the name of @index that @text means; NULL: it is an id. Borrowed. */
const char *image_index_find_name(const ImageIndex *index, const char *text);

/** image_is_index_view() - is this an image_index_view()? */
bool image_is_index_view(const Image *image);

/**
 * image_index_view() - the index in an image's clothes, for lists: no layers, no config
 * Return: image_free() it.
 */
Image *image_index_view(const ImageIndex *index);

/**
 * image_index_choose() - the image in the store that the index has for a platform
 * @want:	NULL: this machine's
 * @error:	NOT_FOUND: no entry for it, or its image is not here
 */
Image *image_index_choose(Store *store, const ImageIndex *index, const Platform *want,
			  GError **error);

/** image_index_change() - read the record again, change it, write it. NOT_FOUND if it is gone. */
bool image_index_change(Store *store, const char *id, ImageIndexChange change, void *data,
			GError **error);

/** image_index_tag() - one more normalised name, taken from who has it. */
bool image_index_tag(Store *store, const ImageIndex *index, const char *name, GError **error);

/** image_index_untag() - take one name (NULL: all names) away. NOT_FOUND. */
bool image_index_untag(Store *store, const ImageIndex *index, const char *name, GError **error);

/** image_index_remove() - move it to the trash, which the caller empties; its images stay. */
bool image_index_remove(Store *store, const ImageIndex *index, GError **error);

/*
 * What a change may do (image_index_edit.c).
 */

/**
 * image_index_put() - add an entry, in place of one with the same digest
 * @entry:	descriptor with mediaType, digest, size, platform; taken
 * @image_id, @source:	where its image is; NULL: not there
 * @error:	INVALID for a malformed descriptor
 */
bool image_index_put(ImageIndex *index, Json *entry, const char *image_id, const char *source,
		     GError **error);

/** image_index_drop() - take an entry out. NOT_FOUND. */
bool image_index_drop(ImageIndex *index, const char *digest, GError **error);

/* What "annotate" says about an entry; NULL: as it is. */
typedef struct {
	const char *os, *os_version, *architecture, *variant;
	const GPtrArray *features, *os_features;
	const GPtrArray *annotations; /* of "key=value" */
} ImageIndexNotes;

/**
 * image_index_annotate() - write @notes into an entry
 * @digest:	NULL: into the index itself, which takes only annotations
 * @error:	NOT_FOUND, INVALID for an annotation without a value
 */
bool image_index_annotate(ImageIndex *index, const char *digest, const ImageIndexNotes *notes,
			  GError **error);

/** image_index_settle() - write the media type that the entries and annotations need: Docker's
 * unless one of them is OCI's. */
void image_index_settle(Json *document);

/**
 * image_index_local_entry() - the descriptor of an image of the store
 * An image without a manifest gets the one its layers would have as plain tars.
 * Return: for image_index_put().
 */
Json *image_index_local_entry(Store *store, const Image *image, GError **error);
