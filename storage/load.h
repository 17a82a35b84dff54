/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images out of archives and directories: docker-archive, oci-archive, OCI layout, docker-dir; and
 * a plain root file system as an image (import).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/manifest.h"
#include "storage/store.h"

typedef struct {
	char *id;
	char **names; /* that the image got now; may be empty */
} LoadedImage;

void loaded_image_free(LoadedImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadedImage, loaded_image_free)

typedef struct {
	const char *input;        /* path, "-" for stdin */
	const char *reference;    /* only the image the archive calls so; NULL: all */
	const char *const *names; /* normalised names instead of the archive's own; NULL: its own */
	const Platform *platform; /* NULL: this machine's */
} LoadOptions;

/**
 * images_load() - load all (or one) of an archive's images
 * Return: GPtrArray of LoadedImage in the archive's order; NULL with INVALID (not an archive of
 * images), NOT_FOUND (@reference), DENIED (policy.json, before anything is loaded), CORRUPT. Images
 * before a failing one stay loaded.
 */
GPtrArray *images_load(Store *store, const LoadOptions *options, GError **error);

/**
 * images_load_podman() - load images out of podman's local store, which is only read
 * @root:	NULL: where podman has it for this user
 * @wanted:	names or ids; empty: all
 * @error:	NOT_FOUND, DENIED (policy.json), CORRUPT
 */
GPtrArray *images_load_podman(Store *store, const char *root, const char *const *wanted,
			      GError **error);

typedef struct {
	const char *input;          /* path of a tar, "-" for stdin */
	const char *name;           /* normalised, or NULL */
	const char *message;        /* NULL: "imported from tarball" */
	const char *const *changes; /* Dockerfile instructions; may be NULL */
	const char *os;
	const char *architecture;
	const char *variant;
} ImportOptions;

/** image_import() - make an image of one layer from a tar. DENIED by policy.json. Return: its id,
 * g_free() it. */
char *image_import(Store *store, const ImportOptions *options, GError **error);
