/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch inflate: standard input, gzip, zstd or plain, to standard output. For archives that
 * cp and `volume import` hand to the jail, which inflates nothing.
 */
#include <errno.h>
#include <unistd.h>

#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "storage/inflate.h"

#define PIECE_SIZE (256u << 10)

static char room[PIECE_SIZE];
static char piece[PIECE_SIZE];

static void *give_room(void *data, size_t *out_size, GError **error)
{
	*out_size = sizeof(room);
	return room;
}

static bool write_out(void *data, size_t size, GError **error)
{
	return fd_write_all(STDOUT_FILENO, room, size) ||
	       error_set_errno(error, "cannot write the archive");
}

/* Read until @size bytes are there or the input ends. -1 with @error. */
static ssize_t read_some(size_t size, GError **error)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = read(STDIN_FILENO, piece + done, sizeof(piece) - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			error_set_errno(error, "cannot read the archive");
			return -1;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fetch_inflate(FetchCall *call, GError **error)
{
	const InflateOutput output = {.room = give_room, .produced = write_out};
	ssize_t n = read_some(INFLATE_MAGIC, error);
	if (n < 0)
		return FETCH_FAILED;
	g_autoptr(Inflate) inflate = inflate_new(inflate_detect(piece, (size_t)n), &output);
	while (n > 0) {
		if (!inflate_push(inflate, piece, (size_t)n, error))
			return FETCH_FAILED;
		n = read_some(1, error);
	}
	return n == 0 && inflate_finish(inflate, error) ? 0 : FETCH_FAILED;
}
