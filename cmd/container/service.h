/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager gave the command: a socket for words to it, and sockets for the container.
 */
#pragma once

#include "libpod/container.h"

/**
 * service_describe() - take $NOTIFY_SOCKET, $LISTEN_FDS and so on into @start
 *
 * Sockets are ours if $LISTEN_PID is our pid; from here on they are closed in what we execute.
 * Return: how many there are, from descriptor 3 on.
 */
int service_describe(ContainerStart *start);

/**
 * service_take_credentials() - secrets of @spec that systemd gives us: files of that name in
 * $CREDENTIALS_DIRECTORY (LoadCredential= of the unit), before one of the store's
 * @out:	gets a GBytes of each, in their order, wiped when it is freed
 * @error:	INVALID for one that is too large or empty
 */
bool service_take_credentials(ContainerSpec *spec, GPtrArray *out, GError **error);
