/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of streams, by openssl's EVP (SHA-NI where the processor has it).
 */
#pragma once

#include <glib.h>
#include <stddef.h>

typedef struct Hash Hash;

/** hash_new() - of the algorithm that @digest names; sha256 for NULL. */
Hash *hash_new(const char *digest);
void hash_free(Hash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hash, hash_free)

void hash_update(Hash *hash, const void *bytes, size_t size);

/** hash_finish() - "ALGORITHM:HEX"; once. g_free() it. */
char *hash_finish(Hash *hash);
