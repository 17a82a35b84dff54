/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pids 1 of our own: of --init, which starts the payload, passes signals on and reaps; of a pod,
 * which does nothing but reap. Below the exec line.
 */
#pragma once

/**
 * reaper_main() - fork; returns in the child, which becomes the payload
 * @sync_fd:	closed in the parent, so that the payload's execve is seen
 *
 * The parent exits with the payload's code, or 128 plus the signal that ended it.
 */
void reaper_main(int *sync_fd);

/**
 * pause_main() - hold the namespaces of a pod: reap, and end with SIGTERM or SIGINT
 * @sync_fd:	closed, so that the start is seen
 *
 * Nothing is executed: the process is as it was made, without privileges and undumpable.
 */
void pause_main(int *sync_fd) __attribute__((noreturn));
