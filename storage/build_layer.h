/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer that a step of a build writes to: staging/STAGE/NAME holds diff/, the overlay's upper
 * directory, which becomes the layer by rename; staging/STAGE/NAME.run holds what the overlay needs
 * beside it: work/, and stubs/, the places of the step's mounts, which are the lowest layer so that
 * they are no change of the step's own.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/store.h"

/** build_layer_new() - make an empty one. Return: "staging/STAGE/NAME", g_free() it. */
char *build_layer_new(Store *store, StoreStage *stage, const char *name, GError **error);

/** build_layer_add_stub() - an empty file or directory where the step mounts something; @path is
 * absolute and clean. */
bool build_layer_add_stub(Store *store, const char *layer_dir, const char *path, bool is_dir,
			  GError **error);

/** build_layer_prepare() - what build_layer_view() needs in the store. */
bool build_layer_prepare(Store *store, GError **error);

/**
 * build_layer_overlay() - the options of a step's root: @layers, the layer to write to, our stubs
 * @layers:	chain ids, bottom first; may be empty
 *
 * The mount must not outlive the step: it is volatile. g_strfreev() it.
 */
char **build_layer_overlay(const char *const *layers, const char *layer_dir, GError **error);

/**
 * build_layer_view() - the same without stubs, for who looks at files or copies some
 * @layer_dir:	NULL: read-only, and @layers may not be empty then (INVALID)
 */
char **build_layer_view(const char *const *layers, const char *layer_dir, GError **error);
