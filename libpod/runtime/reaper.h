/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --init: pid 1 that does nothing but start the payload, pass signals on and reap. Below the exec
 * line.
 */
#pragma once

/**
 * reaper_main() - fork; returns in the child, which becomes the payload
 * @sync_fd:	closed in the parent, so that the payload's execve is seen
 *
 * The parent exits with the payload's code, or 128 plus the signal that ended it.
 */
void reaper_main(int *sync_fd);
