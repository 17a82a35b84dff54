/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is put into an image index: images of the store and of registries, by the names users type.
 */
#pragma once

#include <glib.h>

#include "cmd/command.h"
#include "cmd/image/fetch_args.h"
#include "libpod/engine.h"
#include "storage/image_index.h"

/* How members are looked for and what is said about them. */
typedef struct {
	RegistryOptionValues registry;
	bool all; /* every image of an index */
	ImageIndexNotes notes;
} MemberOptions;

/* Entries to be put into an index. */
typedef struct {
	GPtrArray *entries; /* private */
	const ImageIndexNotes *notes;
} Members;

/**
 * members_collect() - find the images that the arguments from @first on name
 * @out:	members_clear() it, also after a failure
 *
 * A name without a transport means the image in the store, else the registry's; with options->all
 * the index in the store, else the registry's. Return: exit code; errors are printed.
 */
int members_collect(const Invocation *inv, size_t first, Engine *engine,
		    const MemberOptions *options, Members *out);
void members_clear(Members *members);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Members, members_clear)

/** members_put() - an ImageIndexChange: put all of @data (Members) into the index. */
bool members_put(ImageIndex *index, void *data, GError **error);

/** digest_argument() - is this a digest? podman's words if not. INVALID. */
bool digest_argument(const char *text, GError **error);
