/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending a container's output to journald, by its native protocol: datagrams of fields over a
 * socket, and a sealed memfd instead where one is too large. No library: the monitor is static.
 *
 * Fields are podman's: MESSAGE, PRIORITY (6 stdout, 3 stderr), CONTAINER_ID, CONTAINER_ID_FULL,
 * CONTAINER_NAME, CONTAINER_TAG if a tag was given, CONTAINER_PARTIAL_MESSAGE=true where no newline
 * follows, SYSLOG_IDENTIFIER (the tag, else the name).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct MonitorJournal MonitorJournal;

/**
 * monitor_journal_open() - connect
 * @path:	of journald's socket
 * @name:	may be NULL, as may @tag
 * @labels:	further fields, NAME=VALUE; NULL: none
 */
MonitorJournal *monitor_journal_open(const char *path, const char *id, const char *name,
				     const char *tag, const char *const *labels, GError **error);

/**
 * monitor_journal_send() - one entry; waits at most 200 ms for a journald that is busy
 *
 * Return: false with errno; a journald that was started anew is connected to again.
 */
bool monitor_journal_send(MonitorJournal *journal, bool is_stderr, const char *text, size_t size,
			  bool ends_line);

void monitor_journal_free(MonitorJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MonitorJournal, monitor_journal_free)
