/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What push.c (names, order), push_layers.c (blobs) and push_manifest.c share.
 */
#pragma once

#include "storage/image.h"
#include "storage/push.h"

/* A layer as it lies in the registry. */
typedef struct {
	char *media_type;
	char *digest;
	int64_t size;
} PushedBlob;

typedef struct {
	Store *store;
	StoreStage *stage;
	RegistrySession *session;
	Registry *registry;
	const Reference *destination;
	const PushOptions *options;
	PushFormat format; /* decided: not PUSH_FORMAT_ANY */
	const Image *image;
	GPtrArray *layers;  /* of Layer, bottom first */
	GPtrArray *places;  /* for each layer, a GPtrArray of repositories on this registry that may
			       have the blob it came from */
	GPtrArray *blobs;   /* of PushedBlob: filled in by push_layers() */
	PushResult *result; /* its figures are filled in */
} Push;

/**
 * push_parse_destination() - where a push goes: @destination, or (NULL) the name of @image that
 * @name means
 * @error:	INVALID, UNSUPPORTED for another transport
 */
Reference *push_parse_destination(const Image *image, const char *name, const char *destination,
				  GError **error);

/** push_layers() - bring all layers there. */
bool push_layers(Push *push, GError **error);

/** push_config() - bring the image config there. */
bool push_config(Push *push, GError **error);

/** push_media_type_fits() - may a layer of this media type stand in our manifest, as the options
 * for compression want it? */
bool push_media_type_fits(const Push *push, const char *media_type);

/** push_media_type() - a layer's media type in our manifest's words, for the compression that
 * @like has (NULL: the one we make). Static. */
const char *push_media_type(const Push *push, const char *like);

/**
 * push_manifest() - the manifest's bytes: the image's own if nothing in it has changed
 * @out_media_type:	static
 * Return: g_free() it.
 */
char *push_manifest(const Push *push, size_t *out_size, const char **out_media_type,
		    GError **error);

/** push_manifest_format() - what the image's own manifest is; OCI without one. */
bool push_manifest_format(const Push *push, PushFormat *out_format, GError **error);
