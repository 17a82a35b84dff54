/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images into archives and directories.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "storage/compress.h"
#include "storage/layer.h"
#include "storage/store.h"

typedef enum {
	SAVE_DOCKER_ARCHIVE,
	SAVE_OCI_ARCHIVE,
	SAVE_OCI_DIR,
	SAVE_DOCKER_DIR,
} SaveFormat;

/** save_format_parse() - "docker-archive", "oci-archive", "oci-dir", "docker-dir". INVALID. */
bool save_format_parse(const char *text, SaveFormat *out_format, GError **error);

/* A list of images, to be written with them. */
typedef struct {
	Json *document;         /* its entries are changed to what the images become in there */
	const char *const *ids; /* the image of each entry; NULL: only the list is written */
	void (*settle)(Json *document, void *data); /* gives it its form, once they are known */
	void *data;
} SaveIndex;

typedef struct {
	SaveFormat format;
	const char *output;        /* file or directory; "-" is stdout */
	const char *const *images; /* names or ids */
	const SaveIndex *index;    /* instead of @images (not docker-archive) */
	bool multi; /* every name is an image of its own (not docker-dir); else further names are
		       tags of the first */
	const char *as;    /* the one image's only name in there, "" for none; NULL: those it has */
	bool oci_manifest; /* of docker-dir; else the manifest is docker's */
	char **out_digest; /* if not NULL: the last manifest's digest; g_free() it */
	bool uncompressed; /* layers of OCI formats and docker-dir as plain tars */
	CompressOptions compress; /* of the others; docker-dir takes no zstd */
} SaveOptions;

/** images_save() - write them. A file that could not be completed is removed. */
bool images_save(Store *store, const SaveOptions *options, GError **error);

/* Takes a layer's tar. */
typedef bool (*LayerSink)(void *data, const void *bytes, size_t size, GError **error);

/**
 * layer_export() - the exact tar of a layer, made again and verified against its diff id
 * @error:	CORRUPT if the digest differs (the bytes have then been handed out), UNSUPPORTED
 * without a journal
 */
bool layer_export(Store *store, const Layer *layer, LayerSink sink, void *data, GError **error);
