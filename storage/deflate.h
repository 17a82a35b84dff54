/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gzip by isa-l, piece by piece. No time and no name in the header: the same bytes give the same
 * stream.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef bool (*DeflateSink)(void *data, const void *bytes, size_t size, GError **error);

typedef struct Deflate Deflate;

/** deflate_new() - a gzip stream whose bytes go to @sink. */
Deflate *deflate_new(DeflateSink sink, void *data);
void deflate_free(Deflate *deflate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Deflate, deflate_free)

/** deflate_push() - the next bytes; fails as the sink does. */
bool deflate_push(Deflate *deflate, const void *bytes, size_t size, GError **error);

/** deflate_finish() - write the trailer. */
bool deflate_finish(Deflate *deflate, GError **error);
