/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs in flight: files in cache/blobs/ that are lock and partial download in one. See the header.
 */
#include "storage/blob_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "storage/digest.h"

#define STALE_SECONDS (7 * 24 * 3600)
#define TRIES         100

struct BlobSlot {
	int dir_fd;
	int fd;
	char *name;
	int64_t size;
	bool takes_no_more;
};

/* cache/blobs/, made when absent. Return: descriptor or -1 with errno. */
static int open_directory(Store *store)
{
	int cache = store_dir(store, "cache");
	if (cache < 0 || (mkdirat(cache, "blobs", 0700) < 0 && errno != EEXIST))
		return -1;
	return path_open_state(cache, "blobs", O_RDONLY | O_DIRECTORY, 0);
}

static char *slot_name(const char *digest, const char *purpose)
{
	g_autofree char *name = purpose ? g_strdup_printf("%s.%.16s", digest, digest_hex(purpose))
					: g_strconcat(digest, ".config", NULL);
	for (char *c = name; *c; c++)
		if (*c == ':')
			*c = '-';
	return g_steal_pointer(&name);
}

/* Try the lock. Return: 1 ours, 0 another's, -1 with errno. */
static int try_lock(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

/*
 * Open and lock, making sure that what is locked is what has the name now. Return: 1 with *out_fd,
 * 0 busy, -1 with errno.
 */
static int open_locked(int dir_fd, const char *name, int *out_fd, int64_t *out_size)
{
	for (int i = 0; i < TRIES; i++) {
		autofd fd = path_open_state(dir_fd, name, O_RDWR | O_CREAT, 0600);
		if (fd < 0)
			return -1;
		int locked = try_lock(fd);
		if (locked <= 0)
			return locked;
		struct stat status;
		if (fstat(fd, &status) < 0)
			return -1;
		if (status.st_nlink > 0) {
			*out_size = status.st_size;
			*out_fd = fd_steal(&fd);
			return 1;
		}
	}
	return 0;
}

BlobSlotResult blob_slot_try(Store *store, const char *digest, const char *purpose,
			     BlobSlot **out_slot, GError **error)
{
	g_autofree char *name = slot_name(digest, purpose);
	autofd dir = open_directory(store);
	int fd = -1;
	int64_t size = 0;
	int result = dir < 0 ? -1 : open_locked(dir, name, &fd, &size);
	if (result < 0) {
		error_set_errno(error, "cannot open 'cache/blobs/%s'", name);
		return BLOB_SLOT_ERROR;
	}
	if (result == 0)
		return BLOB_SLOT_BUSY;
	BlobSlot *slot = g_new0(BlobSlot, 1);
	slot->dir_fd = fd_steal(&dir);
	slot->fd = fd;
	slot->name = g_steal_pointer(&name);
	slot->size = size;
	*out_slot = slot;
	return BLOB_SLOT_OURS;
}

int64_t blob_slot_size(const BlobSlot *slot)
{
	return slot->size;
}

ssize_t blob_slot_read(const BlobSlot *slot, void *buffer, size_t size, int64_t offset)
{
	ssize_t n;
	do
		n = pread(slot->fd, buffer, size, offset);
	while (n < 0 && errno == EINTR);
	return n;
}

void blob_slot_append(BlobSlot *slot, const void *data, size_t size)
{
	const char *bytes = data;
	while (size > 0 && !slot->takes_no_more) {
		ssize_t n = pwrite(slot->fd, bytes, size, slot->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			blob_slot_reset(slot);
			slot->takes_no_more = true;
			return;
		}
		slot->size += n;
		bytes += n;
		size -= (size_t)n;
	}
}

void blob_slot_reset(BlobSlot *slot)
{
	/* A file that can't be cut is found out by its digest at the next resume. */
	if (ftruncate(slot->fd, 0) < 0)
		log_debug("cannot cut a partial blob: %s", g_strerror(errno));
	slot->size = 0;
}

void blob_slot_discard(BlobSlot *slot)
{
	if (!slot)
		return;
	slot->size = 0;
	blob_slot_free(slot);
}

void blob_slot_free(BlobSlot *slot)
{
	if (!slot)
		return;
	if (slot->size == 0)
		unlinkat(slot->dir_fd, slot->name, 0);
	fd_close(&slot->fd);
	fd_close(&slot->dir_fd);
	g_free(slot->name);
	g_free(slot);
}

void blob_slots_sweep(Store *store)
{
	autofd dir = open_directory(store);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	time_t now = time(NULL);
	for (size_t i = 0; names && names[i]; i++) {
		struct stat status;
		autofd fd = path_open_state(dir, names[i], O_RDWR, 0);
		if (fd < 0 || fstat(fd, &status) < 0 || now - status.st_mtime < STALE_SECONDS)
			continue;
		if (try_lock(fd) > 0)
			unlinkat(dir, names[i], 0);
	}
}
