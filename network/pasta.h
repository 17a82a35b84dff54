/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `--network pasta`: the program of that name (package passt) as a container's network.
 */
#pragma once

#include <sys/types.h>

#include "network/network.h"

/* A pasta that runs. */
typedef struct {
	pid_t pid; /* 0: none */
} Pasta;

/** pasta_find() - absolute path of the program. g_free() it; NULL with NOT_FOUND in podman's words.
 */
char *pasta_find(GError **error);

/**
 * pasta_start() - run it on a container's netns and wait until it has set that up
 * @dir_fd:	a directory for files that are there meanwhile
 * @request:	its ports that are to be chosen are chosen here
 *
 * It dies with the thread that calls this.
 * @error:	SYSTEM with what it says, NOT_FOUND, TIMEOUT
 */
bool pasta_start(NetworkRequest *request, int netns, int dir_fd, Pasta *out, GError **error);
/** pasta_stop() - end it and reap it. */
void pasta_stop(Pasta *pasta);
