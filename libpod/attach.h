/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our end of attach: raw terminal, window size, detach keys, signals, streams until the exit code
 * is ours.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
	bool tty; /* the container has a terminal */
	bool attach_stdin;
	bool attach_stdout;
	bool attach_stderr;
	bool sig_proxy;
	const char *detach_keys; /* "ctrl-p,ctrl-q"; "" = none */
	int run_dir_fd;          /* for signals and window size */
	const char *session;     /* exec session, or NULL for the container */
} AttachOptions;

typedef enum {
	ATTACH_EXITED,   /* *out_code is the container's exit code */
	ATTACH_DETACHED, /* the user typed the detach keys */
	ATTACH_FAILED,
} AttachResult;

/** attach_check_detach_keys() - grammar of --detach-keys. INVALID. */
bool attach_check_detach_keys(const char *text, GError **error);

/** attach_run() - run, step 13: stream over a monitor's control socket until exit or detach. */
AttachResult attach_run(int control_fd, const AttachOptions *options, int *out_code,
			GError **error);

/** attach_open() - connect to the attach socket of a running container. Return: SOCK_SEQPACKET or
 * -1. */
int attach_open(int run_dir_fd, GError **error);

/** attach_terminal() - the same for an exec session with a pty master and its result socket. */
AttachResult attach_terminal(int pty_master, int result_socket, const AttachOptions *options,
			     int *out_code, GError **error);

/** attach_wait_result() - without a terminal: proxy signals and wait for "exit" on an exec
 * session's socket. */
AttachResult attach_wait_result(int result_socket, const AttachOptions *options, int *out_code,
				GError **error);
