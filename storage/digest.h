/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests: "sha256:HEX" and "sha512:HEX", checked at the edge (OCI image-spec, descriptor.md).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** digest_check() - a valid lower-case digest? INVALID names it. */
bool digest_check(const char *digest, GError **error);

/** digest_is_valid() - the same as a question. */
bool digest_is_valid(const char *text);

/** digest_hex() - the part behind the colon, borrowed; @digest must be valid. */
const char *digest_hex(const char *digest);

/** digest_of() - "sha256:..." of a buffer. g_free() it. */
char *digest_of(const void *data, size_t size);

/** digest_chain_id() - the chain id of @parent (NULL for the first layer) and @diff_id. g_free()
 * it. */
char *digest_chain_id(const char *parent, const char *diff_id);
