/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes, durations and times: text to number and back, in the forms docker and podman use.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** units_parse_uint() - strict decimal, no sign, no space, at most @max. INVALID. */
bool units_parse_uint(const char *text, uint64_t max, uint64_t *out, GError **error);

/**
 * units_parse_size() - "64m", "1g", "512" (bytes), "1.5GiB": binary multiples as docker's
 * RAMInBytes. INVALID.
 */
bool units_parse_size(const char *text, int64_t *out_bytes, GError **error);

/** units_parse_duration() - Go duration "1h30m", "500ms", "1.5s" to nanoseconds. INVALID. */
bool units_parse_duration(const char *text, int64_t *out_ns, GError **error);

/**
 * units_parse_time() - what --since/--until accept: RFC 3339 (any precision, zone optional =
 * local), a Unix time with fraction, or a Go duration that is subtracted from now. Nanoseconds
 * since 1970. INVALID.
 */
bool units_parse_time(const char *text, int64_t now_ns, int64_t *out_ns, GError **error);

/**
 * units_format_size() - "12.3 MB" as podman images prints it: decimal, three significant digits.
 * g_free() it.
 */
char *units_format_size(uint64_t bytes);

/** units_format_human_size() - "12.34MB": docker's HumanSize, four significant digits. g_free() it.
 */
char *units_format_human_size(uint64_t bytes);

/**
 * units_format_ago() - "5 seconds", "About a minute", "3 hours", "2 weeks" (docker's
 * HumanDuration). g_free() it.
 */
char *units_format_ago(int64_t seconds);

/** units_format_duration() - as Go prints it: "1m30s", "1.5s", "20ms", "0s". g_free() it. */
char *units_format_duration(int64_t ns);

/**
 * units_format_rfc3339() - "2026-01-31T12:00:00.123456789Z" (UTC); @local: local time and offset,
 * which is "Z", too, where it is none.
 * g_free() it.
 */
char *units_format_rfc3339(int64_t ns, bool local);

/** units_now() - CLOCK_REALTIME in nanoseconds. */
int64_t units_now(void);
