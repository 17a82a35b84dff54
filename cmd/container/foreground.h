/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container in the foreground: attached until it ends or the user detaches. Shared by run, start
 * -a and attach.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/container.h"

typedef struct {
	bool attach_stdin, attach_stdout, attach_stderr;
	bool sig_proxy;
	const char *detach_keys; /* NULL: ctrl-p,ctrl-q */
} Foreground;

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

/**
 * foreground_run() - stream until the container ends
 * @control:	socket from container_start() or attach_open(), borrowed
 * @tty:	the container has a terminal
 * @out_code:	its exit code, 0 after a detach
 *
 * Run, step 13.
 */
bool foreground_run(Container *ctr, int control, bool tty, const Foreground *options, int *out_code,
		    GError **error);
