/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words to systemd through $NOTIFY_SOCKET: what sd_notify(3) does, without libsystemd.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/**
 * notify_address() - the address of a notify socket
 * @path:	as $NOTIFY_SOCKET has it: an absolute path, or "@" and an abstract name
 *
 * Return: false if it is neither, or too long.
 */
bool notify_address(const char *path, struct sockaddr_un *out_address, socklen_t *out_size);

/** notify_connect() - a socket that words can be sent through later. Return: -1 with errno. */
int notify_connect(const char *path);

/**
 * notify_send() - send lines ("READY=1\nMAINPID=7")
 * @path:	NULL: nobody listens, which is fine
 *
 * Return: false with errno.
 */
bool notify_send(const char *path, const char *text);
