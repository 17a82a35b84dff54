/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives through children: filter | skiff-layer put.
 */
#include "build/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "storage/layer_child.h"

#define BLOCK          512
#define CHECKSUM_AT    148
#define CHECKSUM_WIDTH 8

typedef enum {
	FORMAT_PLAIN,
	FORMAT_INFLATE, /* gzip, zstd */
	FORMAT_UNXZ,    /* xz, bzip2 */
} Format;

/* A child that decompresses @fd into a pipe. */
typedef struct {
	pid_t pid;
	int fd;
} Filter;

static Format format_of(const unsigned char *bytes, size_t size)
{
	static const struct {
		const char *magic;
		size_t size;
		Format format;
	} rows[] = {
		{"\x1f\x8b", 2, FORMAT_INFLATE},
		{"\x28\xb5\x2f\xfd", 4, FORMAT_INFLATE},
		{"\xfd"
		 "7zXZ\0",
		 6, FORMAT_UNXZ},
		{"BZh", 3, FORMAT_UNXZ},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (size >= rows[i].size && memcmp(bytes, rows[i].magic, rows[i].size) == 0)
			return rows[i].format;
	return FORMAT_PLAIN;
}

/* Does a tar begin so? Its first header's checksum tells. */
static bool is_header(const unsigned char *block)
{
	unsigned sum = 0, said = 0;
	size_t i = CHECKSUM_AT, end = CHECKSUM_AT + CHECKSUM_WIDTH;
	for (size_t at = 0; at < BLOCK; at++)
		sum += at >= CHECKSUM_AT && at < end ? ' ' : block[at];
	while (i < end && block[i] == ' ')
		i++;
	for (; i < end && block[i] >= '0' && block[i] <= '7'; i++)
		said = said * 8 + (block[i] - '0');
	return block[0] && said > 0 && said == sum;
}

/* Up to @size bytes: fewer only at the end. -1 with errno. */
static ssize_t read_start(int fd, unsigned char *out, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = read(fd, out + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Start the program that undoes the compression. */
static bool filter_start(Filter *filter, Format format, int fd, GError **error)
{
	const char *name = format == FORMAT_UNXZ ? "skiff-unxz" : "skiff-fetch";
	g_autofree char *program = spawn_find_own(name, error);
	int ends[2];
	if (!program)
		return false;
	if (lseek(fd, 0, SEEK_SET) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot read the archive");
	autofd read_end = ends[0], write_end = ends[1];
	const char *const argv[] = {name, format == FORMAT_UNXZ ? NULL : "inflate", NULL};
	/* It says nothing: what it would say is that the archive is damaged. */
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.stdin_fd = fd,
		.stdout_fd = write_end,
	};
	filter->pid = spawn_start(&spawn, NULL, error);
	filter->fd = fd_steal(&read_end);
	return filter->pid > 0;
}

int tarball_detect(int fd, GError **error)
{
	unsigned char block[BLOCK];
	if (lseek(fd, 0, SEEK_SET) < 0) {
		(void)error_set_errno(error, "cannot read the file");
		return -1;
	}
	ssize_t n = read_start(fd, block, BLOCK);
	Format format = n > 0 ? format_of(block, (size_t)n) : FORMAT_PLAIN;
	if (n >= 0 && format != FORMAT_PLAIN) {
		Filter filter = {.pid = -1, .fd = -1};
		if (!filter_start(&filter, format, fd, error)) {
			fd_close(&filter.fd);
			return -1;
		}
		n = read_start(filter.fd, block, BLOCK);
		fd_close(&filter.fd);
		/* It ends by itself, or at its next write. */
		if (spawn_wait(filter.pid, error) < 0)
			return -1;
	}
	if (n < 0) {
		(void)error_set_errno(error, "cannot read the file");
		return -1;
	}
	return n == BLOCK && is_header(block);
}

/* Let the jailed child unpack what comes from @fd. */
static bool put(int fd, int root_fd, const char *path, const char *owner, GError **error)
{
	const char *args[8] = {"put", "--path", path, "--overwrite"};
	if (owner) {
		args[4] = "--owner";
		args[5] = owner;
	}
	const LayerChildOptions options = {.args = args, .dir_fd = root_fd, .stdin_fd = fd};
	g_autoptr(LayerChild) child = layer_child_start(&options, error);
	g_autoptr(Json) report = child ? layer_child_wait_report(child, error) : NULL;
	return report != NULL;
}

bool tarball_unpack(int fd, int root_fd, const char *path, const char *owner, GError **error)
{
	unsigned char magic[8];
	ssize_t n = pread(fd, magic, sizeof(magic), 0);
	if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(error, "cannot read the archive");
	Format format = format_of(magic, (size_t)n);
	if (format == FORMAT_PLAIN)
		return put(fd, root_fd, path, owner, error);
	Filter filter = {.pid = -1, .fd = -1};
	if (!filter_start(&filter, format, fd, error)) {
		fd_close(&filter.fd);
		return false;
	}
	bool done = put(filter.fd, root_fd, path, owner, error);
	fd_close(&filter.fd);
	g_autoptr(GError) failed = NULL;
	int code = spawn_wait(filter.pid, &failed);
	if (!done || code == 0)
		return done;
	/* A tar that is whole, and behind it something that cannot be decompressed. */
	return error_set(error, ENGINE_ERROR_CORRUPT, "the archive's compressed data are damaged");
}
