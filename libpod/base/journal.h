/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal at the other end of our stdout or stderr, in a unit of systemd's.
 *
 * journald looks up whose line it reads when it reads the first one: of a process that is gone by
 * then it cannot tell the unit, and `systemctl --user status` does not show what was said last.
 */
#pragma once

#include <stdbool.h>

/** JOURNAL_SOCKET - for entries with fields. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/** journal_is_stream() - is @fd what $JOURNAL_STREAM tells of? Keeps errno. */
bool journal_is_stream(int fd);

/**
 * journal_settle() - before an end with an error: wait until what was written to @fd is the unit's
 *
 * Does nothing if @fd is not the journal. Waits for half a second at most. Keeps errno.
 */
void journal_settle(int fd);
