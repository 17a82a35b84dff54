/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One blob into a repository (OCI distribution-spec 1.1). Runs in skiff-fetch.
 *
 * Theory of operation. An Upload asks for the blob (HEAD), opens a session (POST), which may mount
 * the blob from another repository instead, sends the bytes (PATCH) and closes (PUT with the
 * digest); small blobs go with the PUT. After a cut the session is asked how much has arrived and
 * the rest is sent; a session that is lost is opened again. A close whose answer did not come is
 * followed by a look: the blob may be there. A body that is too large for the registry (413) is
 * sent in smaller ones. Nothing here blocks: upload_step() after each http_client_run().
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/registry.h"

typedef struct Upload Upload;

typedef struct {
	const char *digest;
	int64_t size;
	const void *data; /* the bytes of a small one; NULL: in a file */
	int fd;           /* its bytes from the start; -1: there are none, only look and mount */
	const char *from; /* repository of the same registry to mount it from, or NULL */
} UploadBlob;

typedef enum {
	UPLOAD_WORKING,
	UPLOAD_PRESENT, /* it was there */
	UPLOAD_MOUNTED, /* taken over from blob.from */
	UPLOAD_SENT,
	UPLOAD_ABSENT, /* not there, and no bytes were given */
	UPLOAD_FAILED,
} UploadResult;

/** upload_new() - for blobs of one repository, one after the other; @registry is borrowed. */
Upload *upload_new(Registry *registry);
void upload_free(Upload *upload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Upload, upload_free)

/** upload_begin() - start with a blob; all of it is borrowed until upload_step() ends it. */
bool upload_begin(Upload *upload, const UploadBlob *blob, GError **error);

/**
 * upload_step() - go on as far as it goes without waiting
 * @error:	with UPLOAD_FAILED: DENIED, CORRUPT, UNREACHABLE, ...
 */
UploadResult upload_step(Upload *upload, GError **error);

/** upload_sent() - bytes of the present blob that have gone out. */
int64_t upload_sent(const Upload *upload);

/** upload_is_waiting() - is it waiting before another attempt? */
bool upload_is_waiting(const Upload *upload);
