/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z3: messages of a container's init to the monitor, as a hostile one might send them: whole
 * messages, short and long ones. The first byte: bit 0 says whether a container starts; each
 * message is as long as the two bytes in front of it say.
 */
#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/sync.h"

#define MESSAGES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does the first line, which the subject is in but does not end, give no reason? */
static bool is_unfounded(const char *message)
{
	g_autofree char *line = g_strndup(message, strcspn(message, "\n"));
	return !*line || g_str_has_suffix(line, ": Success");
}

/* Receive what was sent until an end or an error. */
static void receive_all(int fd, const char *container)
{
	for (int i = 0; i <= MESSAGES_MAX; i++) {
		SyncMessage message;
		int attached = -1;
		g_autoptr(GError) error = NULL;
		int received = sync_receive(fd, container, &message, &attached, &error);
		g_assert_cmpint(attached, ==, -1);
		g_assert_cmpint(received < 0, ==, error != NULL);
		g_assert_false(received < 0 && is_unfounded(error->message));
		if (received <= 0)
			return;
		g_assert_cmpint(message.kind, !=, SYNC_FAILED);
		g_assert_nonnull(memchr(message.step, 0, sizeof message.step));
		g_assert_nonnull(memchr(message.subject, 0, sizeof message.subject));
	}
	g_assert_not_reached();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int parent, child;
	if (size == 0)
		return 0;
	g_assert_true(sync_pair(&parent, &child));
	const char *container = data[0] & 1 ? "0123456789ab" : NULL;
	size_t at = 1;
	for (int i = 0; i < MESSAGES_MAX && at + 2 <= size; i++) {
		size_t length = MIN((size_t)data[at] << 8 | data[at + 1], size - at - 2);
		(void)!send(child, data + at + 2, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		at += 2 + length;
	}
	close(child);
	errno = 0;
	receive_all(parent, container);
	close(parent);
	return 0;
}
