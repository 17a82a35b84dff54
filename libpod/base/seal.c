/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/seal.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

#define JSON_HEAD ",\"crc\":\""
#define JSON_TAIL "\"}"
#define JSON_SIZE (strlen(JSON_HEAD) + 8 + strlen(JSON_TAIL))
#define LINE_HEAD "#crc "
#define LINE_SIZE (strlen(LINE_HEAD) + 8 + 1)

/* One byte through the register of the reflected CRC-32 of IEEE 802.3. */
static uint32_t step(uint32_t crc, unsigned char byte)
{
	crc ^= byte;
	for (int i = 0; i < 8; i++)
		crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
	return crc;
}

static uint32_t checksum(const char *text, size_t size)
{
	uint32_t crc = 0xffffffffu;
	for (size_t i = 0; i < size; i++)
		crc = step(crc, (unsigned char)text[i]);
	return ~crc;
}

/* Where the seal begins and what it says. Return: false if there is none. */
static bool find_seal(const char *text, size_t size, size_t *out_at, uint32_t *out_crc)
{
	bool json = size > JSON_SIZE &&
		    memcmp(text + size - JSON_SIZE, JSON_HEAD, strlen(JSON_HEAD)) == 0 &&
		    memcmp(text + size - strlen(JSON_TAIL), JSON_TAIL, strlen(JSON_TAIL)) == 0;
	bool line = size >= LINE_SIZE && text[size - 1] == '\n' &&
		    memcmp(text + size - LINE_SIZE, LINE_HEAD, strlen(LINE_HEAD)) == 0;
	if (!json && !line)
		return false;
	*out_at = size - (json ? JSON_SIZE : LINE_SIZE);
	const char *digits = text + *out_at + strlen(json ? JSON_HEAD : LINE_HEAD);
	uint32_t crc = 0;
	for (int i = 0; i < 8; i++) {
		/* Capitals would be one flipped bit away. */
		if (!g_ascii_isxdigit(digits[i]) || g_ascii_isupper(digits[i]))
			return false;
		crc = crc << 4 | (uint32_t)g_ascii_xdigit_value(digits[i]);
	}
	*out_crc = crc;
	return true;
}

char *seal_text(const char *text)
{
	size_t size = strlen(text);
	bool json = size > 2 && text[0] == '{' && text[size - 1] == '}';
	size_t kept = json ? size - 1 : size;
	return g_strdup_printf("%.*s%s%08x%s", (int)kept, text, json ? JSON_HEAD : LINE_HEAD,
			       checksum(text, kept), json ? JSON_TAIL : "\n");
}

Seal seal_check(const char *text, size_t size, size_t *out_size)
{
	size_t at = size;
	uint32_t crc = 0;
	bool sealed = find_seal(text, size, &at, &crc);
	if (out_size)
		*out_size = sealed && text[at] == LINE_HEAD[0] ? at : size;
	if (!sealed)
		return SEAL_NONE;
	return checksum(text, at) == crc ? SEAL_GOOD : SEAL_BROKEN;
}

/* Was it a bit of the seal itself? */
static bool mend_seal(char *text, size_t size)
{
	for (size_t i = size > JSON_SIZE ? size - JSON_SIZE : 0; i < size; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text[i] ^= (char)(1 << bit);
			if (seal_check(text, size, NULL) == SEAL_GOOD)
				return true;
			text[i] ^= (char)(1 << bit);
		}
	}
	return false;
}

/*
 * A checksum is linear: one flipped bit changes it by a number that depends only on the bit and on
 * how far from the end it is. So all places are tried in one walk from the end.
 */
bool seal_mend(char *text, size_t size)
{
	size_t at;
	uint32_t crc;
	uint32_t change[8] = {0};
	if (seal_check(text, size, NULL) == SEAL_GOOD)
		return false;
	if (find_seal(text, size, &at, &crc)) {
		uint32_t wanted = crc ^ checksum(text, at);
		for (size_t i = at; i-- > 0;) {
			for (int bit = 0; bit < 8; bit++) {
				bool last = i == at - 1;
				change[bit] = step(last ? 0 : change[bit],
						   last ? (unsigned char)(1 << bit) : 0);
				if (change[bit] != wanted)
					continue;
				text[i] ^= (char)(1 << bit);
				return true;
			}
		}
	}
	return mend_seal(text, size);
}
