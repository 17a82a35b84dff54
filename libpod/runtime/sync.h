/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket between launch (or enter) and the process it clones: the gate, the error report, and
 * the descriptors that come back.
 *
 * One SOCK_SEQPACKET pair, close-on-exec on both sides. The child sends fixed-size messages; the
 * end of the stream after SYNC_READY means that execve worked. The child's side is below the exec
 * line.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef enum {
	SYNC_PID = 1, /* a helper process cloned the real one: pid, pidfd attached */
	SYNC_READY,   /* everything but execve is done; the pty's master attached with a terminal */
	SYNC_FAILED,  /* step, error, subject */
} SyncKind;

typedef struct {
	int kind;
	int error; /* positive errno */
	pid_t pid;
	char step[64];     /* verb phrase: "mount" gives "cannot mount 'subject': ..." */
	char subject[256]; /* may be "" */
} SyncMessage;

/* What the steps of a child use to say what they were about when they failed. */
typedef struct {
	const char *step;
	char subject[256];
} SyncReport;

/** sync_pair() - the two ends, close-on-exec. Return: false with errno. */
bool sync_pair(int *out_parent, int *out_child);

/** sync_subject() - remember what the current step is about. Return: always @result, so a step can
 * end in it. */
int sync_subject(SyncReport *report, const char *subject, int result);

/** sync_send() - child: send a message with at most one descriptor (-1: none). Return: 0 or
 * negative errno. */
int sync_send(int fd, SyncKind kind, pid_t pid, int attached_fd);

/** sync_fail() - child: report the failed step and exit. */
void sync_fail(int fd, const SyncReport *report, int result) G_GNUC_NORETURN;

/** sync_go() - parent: let the child pass its gate. Return: false with errno. */
bool sync_go(int fd);

/** sync_wait_go() - child: wait for sync_go(). Return: 0, or -ECANCELED when the parent went away.
 */
int sync_wait_go(int fd);

/**
 * sync_receive() - parent: the next message
 * @container:	the id of a container that starts; NULL: a process joins one
 * @out_fd:	the attached descriptor or -1
 * @error:	the child's report as an error: COMMAND_NOT_FOUND for SYNC_STEP_EXECUTE,
 *		COMMAND_NOT_EXECUTABLE for it and for a user, a group or a working directory that
 *		is not there, BAD_STATE for SYNC_STEP_ENTER without a process, else SYSTEM
 *
 * Return: 1 message, 0 end of the stream, -1 with @error.
 */
int sync_receive(int fd, const char *container, SyncMessage *out, int *out_fd, GError **error);

/* The steps whose failure is more than a system error. */
#define SYNC_STEP_EXECUTE   "execute"
#define SYNC_STEP_INTERPRET "interpret" /* it is there, its interpreter is not */
#define SYNC_STEP_USER      "find user"
#define SYNC_STEP_GROUP     "find group"
#define SYNC_STEP_IDS       "change to user"
#define SYNC_STEP_ENTER     "enter the container"
#define SYNC_STEP_CWD       "change to the working directory"
