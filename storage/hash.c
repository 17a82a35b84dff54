/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of streams. Runs in skiff-fetch.
 */
#include "storage/hash.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "libpod/base/spawn.h"

#define PIECE_SIZE (256u << 10)
#define PIECES     16

struct Hash {
	EVP_MD_CTX *context;
	bool is_sha512;
};

Hash *hash_new(const char *digest)
{
	Hash *hash = g_new0(Hash, 1);
	hash->is_sha512 = digest && g_str_has_prefix(digest, "sha512:");
	hash->context = EVP_MD_CTX_new();
	const EVP_MD *algorithm = hash->is_sha512 ? EVP_sha512() : EVP_sha256();
	if (!hash->context || EVP_DigestInit_ex(hash->context, algorithm, NULL) != 1)
		g_error("openssl has no SHA-2");
	return hash;
}

void hash_free(Hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->context);
	g_free(hash);
}

void hash_update(Hash *hash, const void *bytes, size_t size)
{
	if (EVP_DigestUpdate(hash->context, bytes, size) != 1)
		g_error("openssl cannot hash");
}

char *hash_finish(Hash *hash)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	if (EVP_DigestFinal_ex(hash->context, bytes, &size) != 1)
		g_error("openssl cannot hash");
	GString *text = g_string_new(hash->is_sha512 ? "sha512:" : "sha256:");
	for (unsigned i = 0; i < size; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	return g_string_free(text, FALSE);
}

typedef struct {
	Hash *hash;
	const void *bytes;
	size_t size;
	char *copy; /* room of its own, once it was needed */
} Piece;

/* A ring: pieces from `first` on, `filled` of them, wait for the thread. */
struct HashLane {
	GThread *thread; /* NULL if none could be had */
	GMutex mutex;
	GCond filled_cond;
	GCond freed_cond;
	Piece pieces[PIECES];
	unsigned first;
	unsigned filled;
	uint64_t n_pushed;
	uint64_t n_done;
	bool is_closing;
};

/* The thread: hash the first piece while others are being filled. It allocates nothing. */
static void *run_lane(void *data)
{
	HashLane *lane = data;
	g_mutex_lock(&lane->mutex);
	for (;;) {
		while (lane->filled == 0 && !lane->is_closing)
			g_cond_wait(&lane->filled_cond, &lane->mutex);
		if (lane->is_closing)
			break;
		const Piece *piece = &lane->pieces[lane->first];
		g_mutex_unlock(&lane->mutex);
		hash_update(piece->hash, piece->bytes, piece->size);
		g_mutex_lock(&lane->mutex);
		lane->first = (lane->first + 1) % PIECES;
		lane->filled--;
		lane->n_done++;
		g_cond_signal(&lane->freed_cond);
	}
	g_mutex_unlock(&lane->mutex);
	return NULL;
}

HashLane *hash_lane_new(void)
{
	HashLane *lane = g_new0(HashLane, 1);
	g_mutex_init(&lane->mutex);
	g_cond_init(&lane->filled_cond);
	g_cond_init(&lane->freed_cond);
	lane->thread = spawn_thread("hash", run_lane, lane, NULL);
	return lane;
}

void hash_lane_free(HashLane *lane)
{
	if (!lane)
		return;
	g_mutex_lock(&lane->mutex);
	lane->is_closing = true;
	g_cond_signal(&lane->filled_cond);
	g_mutex_unlock(&lane->mutex);
	if (lane->thread)
		g_thread_join(lane->thread);
	for (size_t i = 0; i < PIECES; i++)
		g_free(lane->pieces[i].copy);
	g_cond_clear(&lane->filled_cond);
	g_cond_clear(&lane->freed_cond);
	g_mutex_clear(&lane->mutex);
	g_free(lane);
}

/* The next free piece of the ring. Only the owner fills, so it stays free until it is submitted. */
static Piece *take_piece(HashLane *lane)
{
	g_mutex_lock(&lane->mutex);
	while (lane->filled == PIECES)
		g_cond_wait(&lane->freed_cond, &lane->mutex);
	Piece *piece = &lane->pieces[(lane->first + lane->filled) % PIECES];
	g_mutex_unlock(&lane->mutex);
	return piece;
}

/* The piece that take_piece() gave is filled. Without a thread its turn is now. */
static uint64_t submit_piece(HashLane *lane)
{
	if (!lane->thread) {
		const Piece *piece = &lane->pieces[lane->first];
		hash_update(piece->hash, piece->bytes, piece->size);
		return ++lane->n_done;
	}
	g_mutex_lock(&lane->mutex);
	lane->filled++;
	uint64_t ticket = ++lane->n_pushed;
	g_cond_signal(&lane->filled_cond);
	g_mutex_unlock(&lane->mutex);
	return ticket;
}

void hash_lane_push(HashLane *lane, Hash *hash, const void *bytes, size_t size)
{
	for (const char *at = bytes; size > 0;) {
		Piece *piece = take_piece(lane);
		if (!piece->copy)
			piece->copy = g_malloc(PIECE_SIZE);
		piece->hash = hash;
		piece->bytes = piece->copy;
		piece->size = MIN(size, PIECE_SIZE);
		memcpy(piece->copy, at, piece->size);
		at += piece->size;
		size -= piece->size;
		(void)submit_piece(lane);
	}
}

uint64_t hash_lane_push_static(HashLane *lane, Hash *hash, const void *bytes, size_t size)
{
	Piece *piece = take_piece(lane);
	piece->hash = hash;
	piece->bytes = bytes;
	piece->size = size;
	return submit_piece(lane);
}

void hash_lane_wait_for(HashLane *lane, uint64_t ticket)
{
	g_mutex_lock(&lane->mutex);
	while (lane->n_done < ticket)
		g_cond_wait(&lane->freed_cond, &lane->mutex);
	g_mutex_unlock(&lane->mutex);
}

void hash_lane_wait(HashLane *lane)
{
	g_mutex_lock(&lane->mutex);
	while (lane->filled > 0)
		g_cond_wait(&lane->freed_cond, &lane->mutex);
	g_mutex_unlock(&lane->mutex);
}
