/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.json: which images may be accepted (containers-policy.json(5)).
 *
 * ~/.config/containers/policy.json, else /etc/containers/policy.json. Without a file everything is
 * accepted, as on a fresh Debian where no package brings one; a file that can't be understood
 * accepts nothing. Pulls, loads and imports ask it. What it asks of signatures (signedBy) is handed
 * to who has them (signed_by.h); requirements we can't check (sigstoreSigned) refuse.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/reference.h"

typedef struct Policy Policy;

/** policy_load() - read the file. INVALID or CORRUPT names what is wrong in it. */
Policy *policy_load(GError **error);

/** policy_parse() - the same from text. @name is for messages. */
Policy *policy_parse(const char *text, const char *name, GError **error);

void policy_free(Policy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Policy, policy_free)

/**
 * policy_check_archive() - may an image of a file or directory be loaded?
 * @transport:	"docker-archive", "oci-archive", "oci", "dir", "tarball" or
 *		"containers-storage"
 * @path:	what was named on the command line; "-": stdin, which has only the transport's
 * default
 * @name:	what an OCI layout calls the image; NULL: nothing
 * @signed_by:	as policy_check()
 * @error:	as policy_check()
 */
bool policy_check_archive(const Policy *policy, const char *transport, const char *path,
			  const char *name, GPtrArray *signed_by, GError **error);

/**
 * policy_check() - may this normalised reference be pulled from a registry?
 * @signed_by:	the SignedBy are added that must be met, too; NULL: none can be
 * @error:	DENIED says by which scope not, UNSUPPORTED
 */
bool policy_check(const Policy *policy, const Reference *reference, GPtrArray *signed_by,
		  GError **error);
