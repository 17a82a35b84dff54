/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our end of attach: raw terminal, window size, detach keys, signals, streams until the exit code
 * is ours.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct AttachPump AttachPump;

typedef struct {
	bool tty; /* the container has a terminal */
	bool attach_stdin;
	bool attach_stdout;
	bool attach_stderr;
	bool sig_proxy;
	int patience_ms; /* after a signal that should end it we die of that; 0: we wait for ever */
	bool leave_signals;      /* attach_wait_result(): they wait for the caller */
	const char *detach_keys; /* "ctrl-p,ctrl-q"; NULL or "" = none */
	int run_dir_fd;          /* for signals and window size */
	const char *session;     /* exec session, or NULL for the container */
	AttachPump *pump;        /* attach_wait_result() only: see attach_pump_new(); may be NULL */
} AttachOptions;

typedef enum {
	ATTACH_EXITED,   /* *out_code is the container's exit code */
	ATTACH_DETACHED, /* the user typed the detach keys */
	ATTACH_FAILED,
} AttachResult;

/** attach_check_detach_keys() - grammar of --detach-keys. INVALID. */
bool attach_check_detach_keys(const char *text, GError **error);

/**
 * attach_run() - stream over a monitor's control socket until exit or detach
 * @error:	BAD_STATE from an attach socket whose container has ended; CORRUPT if the monitor
 * went without a word
 *
 * Run, step 13. All output that the container made is written before this returns ATTACH_EXITED.
 */
AttachResult attach_run(int control_fd, const AttachOptions *options, int *out_code,
			GError **error);

/** attach_open() - connect to the attach socket of a running container. Return: SOCK_SEQPACKET or
 * -1 with BAD_STATE. */
int attach_open(int run_dir_fd, GError **error);

/** attach_terminal() - the same for an exec session with a pty master and its result socket. */
AttachResult attach_terminal(int pty_master, int result_socket, const AttachOptions *options,
			     int *out_code, GError **error);

/** attach_wait_result() - without a terminal: proxy signals and wait for "exit" on an exec
 * session's socket. */
AttachResult attach_wait_result(int result_socket, const AttachOptions *options, int *out_code,
				GError **error);

/**
 * attach_pump_new() - the stdio of an exec session without a terminal
 * @use_stdin:	hand our stdin over (-i)
 * @out_stdio:	for ExecRequest.stdio, borrowed from the pump until attach_pump_sent(); -1 =
 * /dev/null
 *
 * Our own descriptors are handed over as they are, but where one is the user's terminal the process
 * gets a pipe instead, which attach_wait_result() carries: no container ever holds the terminal
 * (security 1.5).
 */
AttachPump *attach_pump_new(bool use_stdin, int out_stdio[3], GError **error);

/** attach_pump_sent() - control_exec() has been called: close our copies of the process' ends. */
void attach_pump_sent(AttachPump *pump);
void attach_pump_free(AttachPump *pump);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AttachPump, attach_pump_free)
