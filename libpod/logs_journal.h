/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container's log back from the journal.
 *
 * journalctl does it, as a program: the journal's format is its own, libsystemd cannot be linked
 * into a static program, and a second dynamic one for this would be started just as often. Its
 * export format carries any bytes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/logs.h"

typedef struct JournalParser JournalParser;

/** journal_parser_new() - for a stream in journalctl's export format. */
JournalParser *journal_parser_new(void);
void journal_parser_free(JournalParser *parser);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JournalParser, journal_parser_free)

/**
 * journal_parser_add() - the next piece of the stream
 * @emit:	called for each whole entry; returns false to stop
 *
 * Return: false if it was stopped, or the stream makes no sense.
 */
bool journal_parser_add(JournalParser *parser, const char *data, size_t size,
			bool (*emit)(const LogLine *line, void *data), void *emit_data);

/** logs_read_journal() - logs_read() for the driver journald. NOT_FOUND without journalctl. */
bool logs_read_journal(const LogsOptions *options, bool (*emit)(const LogLine *line, void *data),
		       void *emit_data, GError **error);
