/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: owned variables, whole reads and writes, passing over sockets, sealed memory files.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* An int that closes its descriptor at the end of its scope. Initialise it, with -1 at least. */
#define autofd __attribute__((cleanup(fd_auto_close))) int

/** fd_auto_close() - what autofd calls; the same as fd_close(). */
void fd_auto_close(int *fd);

/** fd_steal() - take the descriptor out of an autofd, leaving -1. */
static inline int fd_steal(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/** fd_close() - close *@fd if it is not negative and set it to -1. Keeps errno. */
void fd_close(int *fd);

/**
 * fd_write_all() - write @size bytes, over EINTR and short writes.
 *
 * Return: false with errno set.
 */
bool fd_write_all(int fd, const void *data, size_t size);

/**
 * fd_read_all() - read to the end of file
 * @max_size:	most bytes accepted
 * @out_size:	bytes read, may be NULL
 * @error:	INVALID if the file is larger than @max_size
 *
 * Return: the bytes with a NUL after them, to be freed with g_free(); NULL on error.
 */
char *fd_read_all(int fd, size_t max_size, size_t *out_size, GError **error);

/** fd_set_cloexec() - set or clear FD_CLOEXEC. Return: false with errno set. */
bool fd_set_cloexec(int fd, bool on);

/** fd_set_nonblock() - set or clear O_NONBLOCK. Return: false with errno set. */
bool fd_set_nonblock(int fd, bool on);

/**
 * fd_memfd() - a memory file with @data, all seals set, positioned at 0; not executable
 *
 * Return: descriptor or -1 with errno.
 */
int fd_memfd(const char *name, const void *data, size_t size);

/**
 * fd_send() - send @size (>= 1) bytes and @n_fds (<= 16) descriptors in one message.
 *
 * Return: false with errno.
 */
bool fd_send(int socket, const void *data, size_t size, const int *fds, size_t n_fds);

/**
 * fd_receive() - receive one message with its descriptors (O_CLOEXEC)
 * @out_fds:	room for @max_fds (<= 16); descriptors beyond are closed
 *
 * Return: bytes received, 0 at end of stream, -1 with errno (EMSGSIZE if the message was cut).
 */
ssize_t fd_receive(int socket, void *data, size_t size, int *out_fds, size_t max_fds,
		   size_t *out_n_fds);

/** fd_peer_is_us() - SO_PEERCRED of a Unix socket is our euid or 0 (security R15). */
bool fd_peer_is_us(int socket);

/**
 * fd_socket_listen() - bind and listen on a Unix socket NAME in a directory, through /proc/self/fd
 * (long paths)
 * @type:	SOCK_STREAM or SOCK_SEQPACKET
 *
 * The socket file has mode 0600; an old one is replaced. Return: descriptor or -1 with errno.
 */
int fd_socket_listen(int dir_fd, const char *name, int type);

/**
 * fd_socket_connect() - connect to such a socket.
 *
 * Return: descriptor or -1 with errno (ENOENT, ECONNREFUSED; ETIMEDOUT: nobody has accepted for
 * seconds and the queue is full).
 */
int fd_socket_connect(int dir_fd, const char *name, int type);
