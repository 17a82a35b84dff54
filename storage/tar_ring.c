/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring between skiff-fetch (writer) and skiff-layer (reader).
 */
#include "storage/tar_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define RING_SIZE ((size_t)TAR_RING_SLOT * TAR_RING_SLOTS)

/* Linux 5.1; in Debian 12's kernel headers, not in its libc's. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

typedef struct {
	uint32_t slot;
	uint32_t size;
} Message;

struct TarRing {
	char *memory;
	int memory_fd;
	int go[2];     /* theirs, ours */
	int ack[2];    /* ours, theirs */
	unsigned next; /* slot to fill */
	unsigned sent; /* slots that are with the reader */
};

struct TarRingReader {
	const char *memory;
	int go_fd;
	int ack_fd;
	bool has_slot;
	const char *at; /* in the slot in hand */
	size_t left;
};

/* Shared memory that only this process can write. */
static bool make_memory(TarRing *ring)
{
	ring->memory_fd = memfd_create("skiff-tar", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ring->memory_fd < 0 || ftruncate(ring->memory_fd, (off_t)RING_SIZE) < 0)
		return false;
	void *memory =
		mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->memory_fd, 0);
	if (memory == MAP_FAILED)
		return false;
	ring->memory = memory;
	return fcntl(ring->memory_fd, F_ADD_SEALS,
		     F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

TarRing *tar_ring_new(GError **error)
{
	g_autoptr(TarRing) ring = g_new0(TarRing, 1);
	ring->memory_fd = ring->go[0] = ring->go[1] = ring->ack[0] = ring->ack[1] = -1;
	if (!make_memory(ring) || pipe2(ring->go, O_CLOEXEC) < 0 || pipe2(ring->ack, O_CLOEXEC) < 0)
		return error_set_errno_null(error, "cannot make the buffer between our processes");
	return g_steal_pointer(&ring);
}

void tar_ring_free(TarRing *ring)
{
	if (!ring)
		return;
	if (ring->memory)
		(void)munmap(ring->memory, RING_SIZE);
	fd_close(&ring->memory_fd);
	for (int i = 0; i < 2; i++) {
		fd_close(&ring->go[i]);
		fd_close(&ring->ack[i]);
	}
	g_free(ring);
}

int tar_ring_memory_fd(const TarRing *ring)
{
	return ring->memory_fd;
}

int tar_ring_go_fd(const TarRing *ring)
{
	return ring->go[0];
}

int tar_ring_ack_fd(const TarRing *ring)
{
	return ring->ack[1];
}

void tar_ring_close_theirs(TarRing *ring)
{
	fd_close(&ring->go[0]);
	fd_close(&ring->ack[1]);
}

/* Take acknowledgements; wait for one if there is no free slot. */
static bool take_acks(TarRing *ring)
{
	while (ring->sent == TAR_RING_SLOTS) {
		char acks[TAR_RING_SLOTS];
		ssize_t n = read(ring->ack[0], acks, sizeof(acks));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0 || (unsigned)n > ring->sent) {
			errno = EPIPE;
			return false;
		}
		ring->sent -= (unsigned)n;
	}
	return true;
}

void *tar_ring_slot(TarRing *ring, unsigned *out_number)
{
	if (!take_acks(ring))
		return NULL;
	*out_number = ring->next;
	return ring->memory + (size_t)ring->next * TAR_RING_SLOT;
}

bool tar_ring_send(TarRing *ring, size_t size)
{
	const Message message = {.slot = ring->next, .size = (uint32_t)size};
	if (!fd_write_all(ring->go[1], &message, sizeof(message)))
		return false;
	ring->next = (ring->next + 1) % TAR_RING_SLOTS;
	ring->sent++;
	return true;
}

void tar_ring_end(TarRing *ring)
{
	fd_close(&ring->go[1]);
}

TarRingReader *tar_ring_reader_new(int memory_fd, int go_fd, int ack_fd)
{
	const void *memory = mmap(NULL, RING_SIZE, PROT_READ, MAP_SHARED, memory_fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	TarRingReader *reader = g_new0(TarRingReader, 1);
	reader->memory = memory;
	reader->go_fd = go_fd;
	reader->ack_fd = ack_fd;
	return reader;
}

void tar_ring_reader_free(TarRingReader *reader)
{
	if (!reader)
		return;
	(void)munmap((void *)reader->memory, RING_SIZE);
	g_free(reader);
}

/* Give the slot in hand back and wait for the next. Return: 1, 0 at the end, -1 with errno. */
static int next_slot(TarRingReader *reader)
{
	if (reader->has_slot && !fd_write_all(reader->ack_fd, "a", 1))
		return -1;
	reader->has_slot = false;
	Message message;
	size_t got = 0;
	while (got < sizeof(message)) {
		ssize_t n = read(reader->go_fd, (char *)&message + got, sizeof(message) - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return 0;
		got += (size_t)n;
	}
	if (message.slot >= TAR_RING_SLOTS || message.size > TAR_RING_SLOT) {
		errno = EPROTO;
		return -1;
	}
	reader->has_slot = true;
	reader->at = reader->memory + (size_t)message.slot * TAR_RING_SLOT;
	reader->left = message.size;
	return 1;
}

ssize_t tar_ring_borrow(TarRingReader *reader, size_t max, const void **out_bytes)
{
	while (reader->left == 0) {
		int got = next_slot(reader);
		if (got <= 0)
			return got;
	}
	size_t size = MIN(max, reader->left);
	*out_bytes = reader->at;
	reader->at += size;
	reader->left -= size;
	return (ssize_t)size;
}
