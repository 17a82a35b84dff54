/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests and indexes at a registry, looked at without pulling. Runs in skiff-fetch.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "storage/manifest.h"
#include "storage/registry.h"

typedef struct RemoteManifest RemoteManifest;

/**
 * remote_manifest_open() - fetch what a name leads to
 * @name:	any reference, also short, also with docker:// in front
 * @options:	borrowed for the object's life
 * @error:	NOT_FOUND, DENIED, UNREACHABLE, INVALID
 */
RemoteManifest *remote_manifest_open(const char *name, const RegistryOptions *options,
				     GError **error);
void remote_manifest_free(RemoteManifest *remote);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RemoteManifest, remote_manifest_free)

/**
 * remote_manifest_digest() - the digest that a name has now, without its manifest where the
 * registry says it; as remote_manifest_open()
 *
 * Return: g_free() it.
 */
char *remote_manifest_digest(const char *name, const RegistryOptions *options, GError **error);

/** remote_manifest_document() - its bytes, type and digest, borrowed. */
const RegistryDocument *remote_manifest_document(const RemoteManifest *remote);

/**
 * remote_manifest_entries() - descriptors for an index of ours
 * @platform:	which image of an index; NULL: this machine's
 * @all:	all images of an index, attestations too
 *
 * Return: a JSON array of {"source":"registry/repository@digest","entry":DESCRIPTOR}; the platform
 * of a single image is its config's.
 */
Json *remote_manifest_entries(RemoteManifest *remote, const Platform *platform, bool all,
			      GError **error);

/** remote_manifest_verbose() - as "docker manifest inspect --verbose": the manifest, or an array of
 * those that an index names, with descriptors and raw bytes. */
Json *remote_manifest_verbose(RemoteManifest *remote, GError **error);
