/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit watch: the end of a container's init as the kernel tells it, for when the monitor was
 * killed.
 *
 * Only who opened a pidfd while init was there learns its exit status after somebody else has
 * reaped it (PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15). Who waits for a container anyway
 * keeps one; where nobody did, or the kernel is older, the code stays unknown.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "libpod/base/fd.h"
#include "libpod/container.h"

typedef struct {
	int pidfd; /* -1: there was no init */
	pid_t pid;
	unsigned long long
		start; /* as record_process_start() tells it: with @pid the process's name */
} ExitWatch;

/** exit_watch_open() - keep a pidfd of the init that @ctr has now. */
ExitWatch exit_watch_open(Container *ctr);

/** exit_watch_close() - let go of it. */
void exit_watch_close(ExitWatch *watch);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExitWatch, exit_watch_close)

/**
 * exit_watch_tell() - the exit code of a container whose monitor was killed
 * @out_code:	the true one: 128 + N after signal N
 *
 * A container that is kept has it on its record afterwards. Return: false, with *out_code as it
 * was, if the monitor is there, the kernel does not tell, or the container's last init was another
 * one.
 */
bool exit_watch_tell(const ExitWatch *watch, Container *ctr, int *out_code);

/**
 * exit_watch_code() - the exit code of a container that is gone, record and all
 * @out_code:	of the init that was there: 128 + N after signal N
 *
 * Return: false, with *out_code as it was, if there was no init or the kernel does not tell.
 */
bool exit_watch_code(const ExitWatch *watch, int *out_code);
