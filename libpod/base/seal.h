/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals: a checksum (CRC-32) at the end of our own small records, JSON objects or files of lines.
 *
 *   {"v":1,...,"crc":"89abcdef"}          a.example/b:1\n#crc 89abcdef\n
 *
 * A disk or memory that flips a bit is noticed when the record is read, and `system check` finds
 * the bit again. A record without a seal is read, too. No protection against people.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum {
	SEAL_NONE,
	SEAL_GOOD,
	SEAL_BROKEN,
} Seal;

/** seal_text() - @text, a JSON object or whole lines, with a seal. g_free() it. */
char *seal_text(const char *text);

/** seal_check() - what is at the end of a record. @out_size, if not NULL: bytes before a seal that
 * is a line of its own, else @size. */
Seal seal_check(const char *text, size_t size, size_t *out_size);

/** seal_mend() - find the one bit that was flipped in a sealed record, and flip it back. Return:
 * false, with @text as it was, if there is no such bit. */
bool seal_mend(char *text, size_t size);
