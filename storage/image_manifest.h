/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of an image that came without one: built here, committed, imported, or from a docker
 * archive. Its layers are the plain tars; a push that compresses them writes another one in the
 * same form, with the same annotations.
 */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "storage/store.h"

typedef enum {
	IMAGE_FORM_FITTING, /* OCI, but Docker's for HEALTHCHECK, ONBUILD and SHELL: OCI has none */
	IMAGE_FORM_OCI,
	IMAGE_FORM_DOCKER,
} ImageForm;

/**
 * image_make_manifest() - the manifest of a config whose layers are all in the store
 * @annotations:	"KEY=VALUE"; may be NULL; for OCI, which they need
 * @error:	INVALID for an annotation without a value
 *
 * Return: g_free() it.
 */
char *image_make_manifest(Store *store, const char *config, size_t config_size, ImageForm form,
			  const GPtrArray *annotations, GError **error);
