/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attach: what attach*.c share. The caller's terminal, its signals and the detach keys.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "libpod/attach.h"

#define DETACH_KEYS_MAX 16

/* A sequence of keys and how much of it has been typed. */
typedef struct {
	char keys[DETACH_KEYS_MAX];
	size_t count;   /* 0: there is no way to detach */
	size_t matched; /* of them, typed and held back */
} DetachKeys;

/** detach_keys_parse() - "ctrl-p,ctrl-q". INVALID. */
bool detach_keys_parse(const char *text, DetachKeys *out_keys, GError **error);

/**
 * detach_keys_scan() - look for the sequence in typed input
 * @out:	what is to be passed on; room for @size + DETACH_KEYS_MAX bytes
 *
 * The beginning of a sequence is held back until it is clear that it is none; no key is lost.
 * Return: true if the sequence is complete; input behind it is dropped.
 */
bool detach_keys_scan(DetachKeys *keys, const char *in, size_t size, char *out, size_t *out_size);

/* Our terminal and our signals while we are attached. */
typedef struct {
	bool raw; /* the terminal is in raw mode */
	struct termios cooked;
	int signal_fd;
	sigset_t old_mask;
	struct sigaction old_pipe; /* SIGPIPE's */
} AttachTerminal;

/** attach_terminal_begin() - raw mode if @raw, signals to a descriptor. Undo with
 * attach_terminal_end(). */
bool attach_terminal_begin(AttachTerminal *terminal, bool raw, GError **error);
void attach_terminal_end(AttachTerminal *terminal);

/** attach_terminal_resume() - after a SIGCONT: the shell has set the terminal back. */
void attach_terminal_resume(AttachTerminal *terminal);

/** attach_terminal_die() - undo, and end as if @signum had not been caught. Returns if it is
 * ignored. */
void attach_terminal_die(AttachTerminal *terminal, int signum);
