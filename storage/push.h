/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push: an image of the store to a registry. Runs in skiff-fetch.
 *
 * Theory of operation.
 * Goal: nothing is sent that the registry has; what is sent is what the image config says; a killed
 * push leaves nothing that the next one has to care about. Sequence: image, destination -> what the
 * registry wants for authentication -> layers, in parallel: compressed forms that are known (as it
 * was pulled, as it was pushed before) are looked for and mounted from other repositories; only
 * then bytes are made (storage/push_blob) and uploaded (storage/upload) -> config -> manifest. The
 * manifest the image came with is sent as it is if every layer has the same form as there, else a
 * new one is written. The tag is set last, so nobody can pull a part of an image. Layers are pinned
 * by our stage; a crash leaves a dead stage and, at the registry, uploads that it drops.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/compress.h"
#include "storage/pull.h"
#include "storage/registry.h"
#include "storage/store.h"

typedef enum {
	PUSH_FORMAT_ANY, /* as the image's manifest is; OCI without one */
	PUSH_FORMAT_OCI,
	PUSH_FORMAT_DOCKER,
} PushFormat;

/** push_format_parse() - "oci" or "v2s2". INVALID, UNSUPPORTED. */
bool push_format_parse(const char *text, PushFormat *out_format, GError **error);

typedef struct {
	RegistryOptions registry;
	PushFormat format;
	CompressOptions compress;
	bool force_compression; /* other compressed forms of a layer won't do */
	bool by_digest;         /* no tag is set: the manifest is found by its digest alone */
	PullUi ui;              /* message and layers */
} PushOptions;

typedef struct {
	char *name;             /* where it went: "registry/repository:tag" */
	char *digest;           /* of its manifest */
	const char *media_type; /* of it, static */
	int64_t manifest_size;
	size_t n_layers;
	size_t n_present; /* of them, not sent */
	int64_t sent;     /* bytes of layers */
} PushResult;

void push_result_free(PushResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PushResult, push_result_free)

/**
 * image_push() - push one image
 * @name:	an image of the store
 * @destination: any reference, also short (docker.io), also with docker:// in front; NULL: @name
 * @error:	NOT_FOUND (no such image), INVALID, DENIED, UNREACHABLE, CORRUPT (a layer has
 * changed)
 */
PushResult *image_push(Store *store, const char *name, const char *destination,
		       const PushOptions *options, GError **error);
