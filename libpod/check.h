/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's consistency: what `system check` finds, and what --repair does about it.
 *
 * Every record is looked at. A flipped bit is found again by the record's seal or digest; what is
 * lost is made again from what others say of it (state.json from create.json, layer.json from the
 * image's config, names from the containers); what cannot be had again is moved to damaged/ as it
 * is, so that nothing healthy depends on it. Records of an older skiff have no checksum: they are
 * told of, as long as they can be read, and are no damage. What containers or volumes hold is never
 * touched.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/engine.h"

typedef struct {
	bool repair;
	bool force; /* remove what cannot be mended instead of keeping it in damaged/ */
	/* Is a layer what its diff id says? NULL: not asked, which takes time to read all. */
	bool (*layer_is_exact)(Engine *engine, const char *hex, void *data, GError **error);
	void *data;
} CheckOptions;

typedef struct {
	char *object;  /* "container 0123456789ab" */
	char *problem; /* one line */
	char *result;  /* what was done, or can be done; NULL: nothing */
	bool solved;
} CheckFinding;

void check_finding_free(CheckFinding *finding);

/** check_store() - of an engine that was opened as damaged. GPtrArray of CheckFinding. */
GPtrArray *check_store(Engine *engine, const CheckOptions *options, GError **error);
