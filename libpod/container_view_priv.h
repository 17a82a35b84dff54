/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the container's view share.
 */
#pragma once

#include "libpod/container_priv.h"
#include "libpod/container_view.h"

/* What a child sends home: descriptors, or an error. */
typedef struct {
	int failed;
	char message[1024];
} ViewReport;

/** view_send_error() - in a child: report @error. Return: the child's exit code. */
int view_send_error(int socket, const GError *error);

/** view_receive() - take @n descriptors from a child, and reap it. */
bool view_receive(pid_t pid, int socket, int *fds, size_t n, GError **error);

/**
 * view_mount() - mount the overlay that @words describe
 * @map:	the ids of its files; NULL: real root
 */
bool view_mount(ContainerView *view, Engine *engine, char *const *words, const IdMap *map,
		GError **error);

/** view_make() - mount the file system of a container that does not run; its lock is held. */
bool view_make(ContainerView *view, ViewKind kind, GError **error);

/** view_open_root() - the root of a container that does not run, without its volumes, as a detached
 * mount of this process' mount namespace; its lock is held. Return: descriptor or -1. */
int view_open_root(Container *ctr, const ContainerSpec *spec, GError **error);
