/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH agents for RUN --mount=type=ssh.
 *
 * Keys are held by an ssh-agent of the host that runs for one build and ends with it, however the
 * build does. No RUN gets an agent's own socket: a process of ours (see build/agent_relay.c) stands
 * between, which asks the agent for what its keys are and for signatures, and for nothing else.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Where an agent listens. */
typedef struct {
	int dir_fd;
	char *name;  /* of the socket, in that directory */
	int process; /* pidfd of the ssh-agent that we started; -1: it is not ours */
} BuildAgent;

/**
 * build_agent_open() - the agent that a value of --ssh means
 * @paths:	a socket, or files of keys with commas between them
 * @dir:	a directory of the build's, made here, in which a new agent listens
 * @error:	UNSUPPORTED without OpenSSH, INVALID for a key that its ssh-add does not take
 */
BuildAgent *build_agent_open(const char *paths, int parent_fd, const char *dir, GError **error);
void build_agent_close(void *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuildAgent, build_agent_close)

/**
 * build_agent_relay() - a process that passes on to @agent what comes to @listen_fd
 *
 * It ends with the process that starts it, or is killed. Return: its pid, -1 with @error.
 */
pid_t build_agent_relay(const BuildAgent *agent, int listen_fd, GError **error);
