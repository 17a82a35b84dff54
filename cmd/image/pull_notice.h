/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While an image is pulled in a unit of systemd's: a child that asks for more time and says what
 * goes on, so that a slow pull does not run into the unit's start timeout.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
	pid_t pid;   /* 0: nobody is told */
	int stop_fd; /* its end ends the child */
} PullNotice;

/** pull_notice_begin() - start telling $NOTIFY_SOCKET, if there is one. */
PullNotice pull_notice_begin(const char *image);

/** pull_notice_end() - the pull is over. */
void pull_notice_end(PullNotice *notice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PullNotice, pull_notice_end)
