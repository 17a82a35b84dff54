/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests and indexes: OCI image-spec 1.1 and Docker schema 2, read from raw bytes.
 *
 * A document that could be read as both kinds, or whose mediaType, Content-Type and contents
 * disagree, is refused (CVE-2021-41190). Raw bytes are kept by the callers; nothing is ever
 * serialised again.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpod/base/json.h"

#define MANIFEST_MAX_SIZE   (4u << 20)
#define MANIFEST_MAX_LAYERS 500 /* what the kernel's overlay takes as lower directories */

#define MEDIA_TYPE_OCI_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_OCI_INDEX       "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_TYPE_DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"

typedef enum {
	MANIFEST_IMAGE, /* config and layers */
	MANIFEST_INDEX, /* manifests of several platforms */
} ManifestKind;

typedef struct {
	char *os;           /* "linux", "" if unknown; in a wish never NULL */
	char *architecture; /* "amd64" */
	char *variant;      /* "v7", NULL if none */
} Platform;

typedef struct {
	char *media_type;
	char *digest; /* checked */
	int64_t size;
	Platform platform;   /* entries of an index; all NULL if none is given */
	bool is_attestation; /* an index entry that describes another one, not an image */
} Descriptor;

typedef struct {
	ManifestKind kind;
	char *media_type;     /* one of the four above */
	Descriptor config;    /* MANIFEST_IMAGE */
	GPtrArray *layers;    /* of Descriptor, bottom first; never NULL */
	GPtrArray *manifests; /* of Descriptor, MANIFEST_INDEX; never NULL */
} Manifest;

/**
 * manifest_parse() - parse and check a document
 * @content_type:	what the registry called it (parameters are ignored), or NULL
 * @error:	INVALID or CORRUPT; UNSUPPORTED for schema 1, artifacts and foreign layers
 */
Manifest *manifest_parse(const char *text, size_t size, const char *content_type, GError **error);
void manifest_free(Manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manifest, manifest_free)

/** manifest_media_types() - the four types as an Accept header's value. */
const char *manifest_media_types(void);

/**
 * platform_parse() - "OS/ARCH[/VARIANT]", "ARCH" or "OS" of --platform; normalised (x86_64 is
 * amd64)
 * @out_platform:	platform_clear() it
 */
bool platform_parse(const char *text, Platform *out_platform, GError **error);

/** platform_host() - this machine; platform_clear() it. */
void platform_host(Platform *out_platform);

/** platform_set() - put what is not NULL in place of what @platform has, normalised. */
void platform_set(Platform *platform, const char *os, const char *architecture,
		  const char *variant);
void platform_clear(Platform *platform);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Platform, platform_clear)

/** platform_format() - "linux/arm/v7". g_free() it. */
char *platform_format(const Platform *platform);

/** platform_runs() - can an image of @have run where @want is asked for? */
bool platform_runs(const Platform *want, const Platform *have);

/** manifest_describe() - a descriptor without annotations (OCI image-spec, descriptor.md), as
 * manifests and indexes hold them. */
Json *manifest_describe(const char *media_type, const char *digest, uint64_t size);

/**
 * manifest_choose() - the best entry of an index for a platform, borrowed
 * @error:	NOT_FOUND, and the help line lists what there is
 */
const Descriptor *manifest_choose(const Manifest *manifest, const Platform *want, GError **error);
