/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace output on stderr, chosen by --log-level. Not for errors a user must see: those are GErrors.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
	LOG_LEVEL_FATAL,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN, /* the default */
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_TRACE,
} LogLevel;

/**
 * log_level_parse() - "trace" ... "fatal", also "panic" and "warning", to a level.
 *
 * Return: false if unknown.
 */
bool log_level_parse(const char *text, LogLevel *out_level);

/** log_level_name() - the canonical name of @level. */
const char *log_level_name(LogLevel level);

/**
 * log_init() - set this process' level and its role ("cli", "monitor", "init", "fetch", ...) once
 * at start.
 */
void log_init(LogLevel level, const char *role);

/** log_get_level() - the level set by log_init(). */
LogLevel log_get_level(void);

/**
 * log_at() - print "[role] text" on stderr if @level is enabled; for warnings of a command
 * "Warning: text". Keeps errno.
 */
void log_at(LogLevel level, const char *format, ...) G_GNUC_PRINTF(2, 3);

#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_LEVEL_TRACE, __VA_ARGS__)

/** log_on_line() - call @before ahead of each line on stderr from here and from log_line_begins():
 * what draws on the terminal gets out of the way. @is_last: it is an error's. NULL: nobody. */
void log_on_line(void (*before)(bool is_last));

/** log_line_begins() - somebody is about to write to stderr. */
void log_line_begins(bool is_last);

/** log_step() - trace "step N" of the thirteen steps of a run (ARCHITECTURE.md). */
void log_step(int step, const char *function);
