/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.json: which images may be accepted (containers-policy.json(5)).
 *
 * ~/.config/containers/policy.json, else /etc/containers/policy.json. Without a file everything is
 * accepted, as on a fresh Debian where no package brings one; a file that can't be understood
 * accepts nothing. Requirements we can't check yet (signedBy, sigstoreSigned) refuse.
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

/** policy_check() - may this normalised reference be pulled from a registry? DENIED says by which
 * scope not. */
bool policy_check(const Policy *policy, const Reference *reference, GError **error);
