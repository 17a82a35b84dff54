/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar's way from skiff-fetch to skiff-layer: a ring of slots in shared memory, so that inflated
 * bytes are written once and hashed and unpacked where they lie. (A pipe costs two more copies: a
 * tenth of a pull.)
 *
 * The writer fills a slot and sends {slot, size} through the "go" pipe; the reader sends one byte
 * through the "ack" pipe when it is done with the oldest. The memory is sealed against writing
 * before the reader gets it; a reader that lies can only spoil what it reads itself.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TAR_RING_SLOT  (256u << 10)
#define TAR_RING_SLOTS 8

typedef struct TarRing TarRing;

/** tar_ring_new() - the writer's side. */
TarRing *tar_ring_new(GError **error);
void tar_ring_free(TarRing *ring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TarRing, tar_ring_free)

/* What the reader needs; borrowed. tar_ring_close_theirs() once it has them. */
int tar_ring_memory_fd(const TarRing *ring);
int tar_ring_go_fd(const TarRing *ring);  /* its end of the go pipe */
int tar_ring_ack_fd(const TarRing *ring); /* its end of the ack pipe */
void tar_ring_close_theirs(TarRing *ring);

/** tar_ring_slot() - the memory of the next slot, once the reader is done with it. NULL with errno;
 * EPIPE: it is gone. */
void *tar_ring_slot(TarRing *ring, unsigned *out_number);

/** tar_ring_send() - hand over that slot with @size bytes in it. Return: false with errno. */
bool tar_ring_send(TarRing *ring, size_t size);

/** tar_ring_end() - no more slots. */
void tar_ring_end(TarRing *ring);

typedef struct TarRingReader TarRingReader;

/** tar_ring_reader_new() - the reader's side. NULL with errno. */
TarRingReader *tar_ring_reader_new(int memory_fd, int go_fd, int ack_fd);
void tar_ring_reader_free(TarRingReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TarRingReader, tar_ring_reader_free)

/** tar_ring_borrow() - the next at most @max bytes, readable until the next call. Return: their
 * number, 0 at the end, -1 with errno. */
ssize_t tar_ring_borrow(TarRingReader *reader, size_t max, const void **out_bytes);
