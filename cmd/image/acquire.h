/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image that run and create need: from the store, or pulled as the policy says.
 */
#pragma once

#include "cmd/image/fetch_args.h"
#include "libpod/engine.h"
#include "storage/fetch.h"
#include "storage/image.h"

typedef struct {
	PullPolicy policy;
	const char *platform; /* NULL: this machine's */
	bool quiet;
	const RegistryOptionValues *registry; /* NULL: as configured */
} AcquireOptions;

/**
 * image_acquire() - find or pull an image
 * @out_status:	exit code, if what failed has been printed already
 *
 * Run, step 4. Return: NULL with @error, or with *out_status and no @error.
 */
Image *image_acquire(Engine *engine, const char *name, const AcquireOptions *options,
		     int *out_status, GError **error);
