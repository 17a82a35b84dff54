/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace output: one write(2) per line, no allocation, so it also works below the exec line.
 */
#include "libpod/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static LogLevel current_level = LOG_LEVEL_WARN;
static const char *current_role = "cli";
static void (*before_line)(bool is_last);

static const char *const level_names[] = {
	[LOG_LEVEL_FATAL] = "fatal", [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_TRACE] = "trace",
};
G_STATIC_ASSERT(G_N_ELEMENTS(level_names) == LOG_LEVEL_TRACE + 1);

bool log_level_parse(const char *text, LogLevel *out_level)
{
	if (g_ascii_strcasecmp(text, "panic") == 0)
		text = "fatal";
	if (g_ascii_strcasecmp(text, "warning") == 0)
		text = "warn";
	for (size_t i = 0; i < G_N_ELEMENTS(level_names); i++) {
		if (g_ascii_strcasecmp(text, level_names[i]) == 0) {
			*out_level = (LogLevel)i;
			return true;
		}
	}
	return false;
}

const char *log_level_name(LogLevel level)
{
	return level_names[level];
}

void log_init(LogLevel level, const char *role)
{
	current_level = level;
	current_role = role;
}

void log_on_line(void (*before)(bool is_last))
{
	before_line = before;
}

void log_line_begins(bool is_last)
{
	if (before_line)
		before_line(is_last);
}

LogLevel log_get_level(void)
{
	return current_level;
}

/* Keep one message one line, and terminals safe from what images put into names (security R14). */
static void replace_control_characters(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			text[i] = ' ';
	}
}

void log_at(LogLevel level, const char *format, ...)
{
	if (level > current_level)
		return;
	int saved_errno = errno;
	char line[2048];
	/* What a command warns of is for its user, all else is a trace. */
	bool warns = level <= LOG_LEVEL_WARN && strcmp(current_role, "cli") == 0;
	size_t used = warns ? (size_t)snprintf(line, 64, "Warning: ")
			    : (size_t)snprintf(line, 64, "[%.48s] ", current_role);

	va_list args;
	va_start(args, format);
	/* One byte stays free for the newline; a longer message is cut. */
	int wanted = vsnprintf(line + used, sizeof line - used - 1, format, args);
	va_end(args);
	if (wanted > 0)
		used += MIN((size_t)wanted, sizeof line - used - 2);
	replace_control_characters(line, used);
	line[used++] = '\n';

	log_line_begins(false);
	/* A trace that cannot be written is lost: there is nobody to tell. */
	ssize_t written = write(STDERR_FILENO, line, used);
	(void)written;
	errno = saved_errno;
}

void log_step(int step, const char *function)
{
	log_at(LOG_LEVEL_TRACE, "step %d %s", step, function);
}
