/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of streams, by openssl's EVP (SHA-NI where the processor has it).
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Hash Hash;

/** hash_new() - of the algorithm that @digest names; sha256 for NULL. */
Hash *hash_new(const char *digest);
void hash_free(Hash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hash, hash_free)

/** hash_update() - the next bytes. */
void hash_update(Hash *hash, const void *bytes, size_t size);

/** hash_finish() - "ALGORITHM:HEX"; once. g_free() it. */
char *hash_finish(Hash *hash);

/*
 * A lane hashes in a thread of its own, so that a processor without SHA instructions (8 cycles per
 * byte) does not hold up inflating.
 */
typedef struct HashLane HashLane;

/** hash_lane_new() - start the thread. */
HashLane *hash_lane_new(void);

/** hash_lane_free() - drops what waits. The hashes it was given must outlive it. */
void hash_lane_free(HashLane *lane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HashLane, hash_lane_free)

/** hash_lane_push() - as hash_update(), later and in order; @bytes are copied, at most 4 MiB wait.
 */
void hash_lane_push(HashLane *lane, Hash *hash, const void *bytes, size_t size);

/** hash_lane_push_static() - the same without a copy. Return: a ticket; until it is done, @bytes
 * must stay. */
uint64_t hash_lane_push_static(HashLane *lane, Hash *hash, const void *bytes, size_t size);

/** hash_lane_wait_for() - until a ticket (0: none) is done. */
void hash_lane_wait_for(HashLane *lane, uint64_t ticket);

/** hash_lane_wait() - until all that was pushed is hashed. */
void hash_lane_wait(HashLane *lane);
