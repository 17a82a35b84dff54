/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's changes as an image.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/idmap.h"
#include "storage/image_manifest.h"
#include "storage/store.h"

typedef struct {
	const char *container;      /* its directory below containers/; NULL: a tar on stdin is the
				       whole root (--squash) */
	const char *parent;         /* id of the image it was made from; NULL: none */
	const char *const *volumes; /* "NAME:DESTINATION": to be included; may be NULL */
	const IdMap *map;           /* ids of the container's files to those of images */
	const char *config;         /* the inner "config" object, JSON */
	const char *name;           /* as typed, or NULL */
	const char *author;         /* may be NULL */
	const char *message;        /* may be NULL */
	const char *created_by;     /* for the history */
	const char *const *changes; /* Dockerfile instructions; may be NULL */
	ImageForm form;
} CommitOptions;

/**
 * image_commit() - record the image
 *
 * The container's layer is copied (shared, where the file system can do that), so nothing of the
 * container may change meanwhile if the image is to be consistent. Return: its id, g_free() it.
 */
char *image_commit(Store *store, const CommitOptions *options, GError **error);
