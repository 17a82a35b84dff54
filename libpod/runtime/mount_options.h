/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option words of one mount in config.json, sorted into what mount_setattr takes, what the file
 * system takes, and what we do ourselves. A word that no row knows is an error, never passed on
 * (security 1.4).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/runtime/oci_config.h"

typedef struct {
	uint64_t attr_set; /* MOUNT_ATTR_* */
	uint64_t attr_clear;
	uint64_t propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE */
	bool propagation_recursive;
	bool recursive;     /* rbind */
	bool overlay;       /* O: a bind whose changes go elsewhere */
	bool chown_to_user; /* U */
	bool relabel;       /* z, Z */
	bool keep_owner;    /* its root's owner stays, whatever is copied into it */
	bool copy_up;       /* copyup, tmpcopyup */
	bool create_file;   /* create=file: a missing destination becomes a file whatever the source
			       is */
	GPtrArray *data;    /* of "key=value" or "key", owned: for the file system */
} MountOptions;

/** mount_options_parse() - sort the options of @mount. Clear on success. INVALID names the word. */
bool mount_options_parse(const OciMount *mount, MountOptions *out_options, GError **error);
/** mount_options_value() - what stands behind @key ("upperdir=") in the options, or NULL. Borrowed.
 */
const char *mount_options_value(const OciMount *mount, const char *key);
void mount_options_clear(MountOptions *options);
