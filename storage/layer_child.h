/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-layer: the child that works on one layer's directory inside the jail, and how its parent
 * runs it.
 *
 * skiff-layer unpack|complete|pack|seal|diff OPTIONS. Descriptors: 3 the layer's directory; 4 the
 * report, one line of JSON {"ok":true,...} or {"error":CODE,"message":TEXT}; unpack has the ring's
 * pipes at 0 and 1 and its memory at 5; pack and seal write the tar to 1, diff the
 * changes. The parent treats the
 * report as it treats any byte that hostile input had a hand in.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/base/idmap.h"
#include "libpod/base/json.h"
#include "storage/store.h"

#define LAYER_MAX_BYTES   (UINT64_C(64) << 30)
#define LAYER_MAX_ENTRIES UINT64_C(4000000)

/** layer_child_main() - main() of skiff-layer. */
int layer_child_main(int argc, char **argv);

typedef struct LayerChild LayerChild;

typedef struct {
	const char *const *args; /* verb and options */
	const char *dir_path; /* absolute path of the layer's directory; NULL: @dir_fd is enough */
	int dir_fd;
	int userns_fd;    /* the user namespace to work in; 0: a new one of its own */
	const IdMap *map; /* of the new one; NULL: all ids of this user */
	int stdin_fd;     /* 0: none */
	int stdout_fd;    /* 0: none */
	int extra_fd;     /* 0: none; becomes 5 */
} LayerChildOptions;

/** layer_child_start() - start it in namespaces of its own. */
LayerChild *layer_child_start(const LayerChildOptions *options, GError **error);

typedef struct {
	uint64_t size;
	uint64_t entries;
	uint64_t devices;
	uint64_t xattrs;
	uint64_t deferred;
} LayerReport;

/** layer_child_wait() - read the report and reap. false with the child's error, or CORRUPT if it
 * died. */
bool layer_child_wait(LayerChild *child, LayerReport *out_report, GError **error);

/** layer_child_wait_report() - as layer_child_wait(), for verbs with another report. js_unref() it.
 */
Json *layer_child_wait_report(LayerChild *child, GError **error);

/** layer_child_free() - kill it if it still runs. */
void layer_child_free(LayerChild *child);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LayerChild, layer_child_free)
