/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"

bool notify_address(const char *path, struct sockaddr_un *out_address, socklen_t *out_size)
{
	size_t length = strlen(path);
	if ((*path != '/' && *path != '@') || length < 2 || length >= sizeof out_address->sun_path)
		return false;
	*out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out_address->sun_path, path, length);
	if (*path == '@')
		out_address->sun_path[0] = '\0';
	/* An abstract name ends where the address does. */
	*out_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*path == '/'));
	return true;
}

int notify_connect(const char *path)
{
	struct sockaddr_un address;
	socklen_t size;
	if (!notify_address(path, &address, &size)) {
		errno = EINVAL;
		return -1;
	}
	autofd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, size) < 0)
		return -1;
	return fd_steal(&fd);
}

bool notify_send(const char *path, const char *text)
{
	if (!path)
		return true;
	autofd fd = notify_connect(path);
	return fd >= 0 && send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0;
}
