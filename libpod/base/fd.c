/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: reading and writing whole, Unix sockets that carry descriptors, sealed memory files.
 */
#include "libpod/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/wall.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* The kernel's own limit (SCM_MAX_FD): with room for it, no sender can make the kernel cut the
 * list. */
#define MAX_FDS_IN_MESSAGE 253
#define MAX_FDS            96

void fd_close(int *fd)
{
	int saved_errno = errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved_errno;
}

void fd_auto_close(int *fd)
{
	fd_close(fd);
}

bool fd_write_all(int fd, const void *data, size_t size)
{
	const char *rest = data;
	while (size > 0) {
		ssize_t n = write(fd, rest, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		rest += n;
		size -= (size_t)n;
	}
	return true;
}

static ssize_t read_retry(int fd, void *buffer, size_t size)
{
	ssize_t n;
	do {
		n = read(fd, buffer, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

char *fd_read_all(int fd, size_t max_size, size_t *out_size, GError **error)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_set_errno_null(error, "cannot stat a file");
	bool regular = S_ISREG(st.st_mode);
	size_t room = 4096;
	if (regular && st.st_size > 0)
		room = MIN((size_t)st.st_size, max_size) + 2;

	g_autofree char *buffer = g_malloc(room);
	size_t used = 0;
	for (;;) {
		if (room - used < 2) {
			room *= 2;
			buffer = g_realloc(buffer, room);
		}
		size_t asked = room - used - 1;
		ssize_t n = read_retry(fd, buffer + used, asked);
		if (n < 0)
			return error_set_errno_null(error, "cannot read");
		used += (size_t)n;
		if (used > max_size)
			return error_set_null(error, ENGINE_ERROR_INVALID, "larger than %zu bytes",
					      max_size);
		/* A short read of a file with a known size is its end; of a pipe or /proc it is
		 * not. */
		if (n == 0 || (regular && st.st_size > 0 && (size_t)n < asked))
			break;
	}
	buffer[used] = '\0';
	if (out_size)
		*out_size = used;
	return g_steal_pointer(&buffer);
}

/* Change one flag bit read with @get and written with @set. */
static bool change_flag(int fd, int get, int set, int bit, bool on)
{
	int flags = fcntl(fd, get);
	if (flags < 0)
		return false;
	int wanted = on ? flags | bit : flags & ~bit;
	return wanted == flags || fcntl(fd, set, wanted) == 0;
}

bool fd_set_cloexec(int fd, bool on)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

bool fd_set_nonblock(int fd, bool on)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_memfd(const char *name, const void *data, size_t size)
{
	/* Since Linux 6.3 data can be marked as never executable; vm.memfd_noexec=2 demands it. */
	autofd fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || !fd_write_all(fd, data, size) || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -1;
	return fd_steal(&fd);
}

bool fd_send(int socket, const void *data, size_t size, const int *fds, size_t n_fds)
{
	if (size == 0 || n_fds > MAX_FDS) {
		errno = EINVAL;
		return false;
	}
	char control[CMSG_SPACE(MAX_FDS * sizeof(int))]
		__attribute__((aligned(__alignof__(struct cmsghdr)))) = {0};
	struct iovec iov = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
	}

	ssize_t n;
	do {
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* A stream may take less; the descriptors went with the first byte. */
	for (size_t sent = (size_t)n; n > 0 && sent < size; sent += (size_t)n) {
		do {
			n = send(socket, (const char *)data + sent, size - sent, MSG_NOSIGNAL);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			return false;
	}
	return n > 0;
}

/* Give the first descriptors of a message to the caller and close the others. */
static size_t take_fds(struct msghdr *message, int *out_fds, size_t max_fds)
{
	size_t taken = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
			if (taken < max_fds)
				out_fds[taken++] = fd;
			else
				close(fd);
		}
	}
	return taken;
}

ssize_t fd_receive(int socket, void *data, size_t size, int *out_fds, size_t max_fds,
		   size_t *out_n_fds)
{
	char control[CMSG_SPACE(MAX_FDS_IN_MESSAGE * sizeof(int))]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	ssize_t n;
	do {
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;

	size_t taken = take_fds(&message, out_fds, max_fds);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < taken; i++)
			close(out_fds[i]);
		errno = EMSGSIZE;
		return -1;
	}
	if (out_n_fds)
		*out_n_fds = taken;
	return n;
}

bool fd_peer_is_us(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

/* The address of NAME in a directory we hold: short, however long the directory's own path is. */
static bool socket_address(int dir_fd, const char *name, struct sockaddr_un *out_address)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd,
			 name);
	if (n < 0 || (size_t)n >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	*out_address = address;
	return true;
}

int fd_socket_listen(int dir_fd, const char *name, int type)
{
	struct sockaddr_un address;
	if (!socket_address(dir_fd, name, &address))
		return -1;
	autofd fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* bind() gives the file the mode of the socket's inode, so it is never open to others. */
	if (fchmod(fd, wall_stands("socket-mode") ? 0600 : 0666) < 0)
		return -1;
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return -1;
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0)
		return -1;
	return fd_steal(&fd);
}

/* Whose queue is full that long is not listened to. */
#define CONNECT_TIMEOUT_S 5

int fd_socket_connect(int dir_fd, const char *name, int type)
{
	struct sockaddr_un address;
	if (!socket_address(dir_fd, name, &address))
		return -1;
	autofd fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	const struct timeval limit = {.tv_sec = CONNECT_TIMEOUT_S}, none = {0};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
		return -1;
	int result;
	do {
		result = connect(fd, (const struct sockaddr *)&address, sizeof address);
	} while (result < 0 && errno == EINTR);
	if (result < 0 && errno == EAGAIN)
		errno = ETIMEDOUT;
	if (result < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none) < 0)
		return -1;
	return fd_steal(&fd);
}
