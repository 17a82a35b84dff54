/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of a log file: the formats that libpod/monitor/monitor_log writes. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libpod/base/json.h"
#include "libpod/logs.h"

#define LOG_RECORD_MAX (1 << 20) /* bytes; longer ones are not ours and are skipped */

/** log_time_parse() - RFC 3339 with any fraction and any offset, all of @size bytes. */
bool log_time_parse(const char *text, size_t size, int64_t *out_ns);

/** log_record_ends_line() - cheap: is this record, without its newline, the end of a line? */
bool log_record_ends_line(LogDriver driver, const char *record, size_t size);

/**
 * log_record_parse() - decode a record, without its newline
 * @out_line:	borrows from @record and *@out_owner
 * @out_owner:	to be freed with js_unref() after @out_line was used; may become NULL
 *
 * Return: false if it is none: a killed writer may have left half of one.
 */
bool log_record_parse(LogDriver driver, const char *record, size_t size, LogLine *out_line,
		      Json **out_owner);
