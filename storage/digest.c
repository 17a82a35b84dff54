/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests: the grammar, and SHA-256 of small buffers. Runs in every process.
 */
#include "storage/digest.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/wall.h"

/* The algorithms we accept and their number of hex digits. */
static const struct {
	const char *prefix;
	size_t digits;
} algorithms[] = {
	{"sha256:", 64},
	{"sha512:", 128},
};

bool digest_is_valid(const char *text)
{
	if (!text)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++) {
		if (!g_str_has_prefix(text, algorithms[i].prefix))
			continue;
		const char *hex = text + strlen(algorithms[i].prefix);
		return strspn(hex, "0123456789abcdef") == algorithms[i].digits &&
		       hex[algorithms[i].digits] == '\0';
	}
	return false;
}

bool digest_check(const char *digest, GError **error)
{
	if (digest_is_valid(digest) || !wall_stands("digest-grammar"))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid digest '%.100s': expected sha256: and 64 lower-case hex digits",
			 digest ? digest : "");
}

const char *digest_hex(const char *digest)
{
	const char *colon = strchr(digest, ':');
	g_assert(colon);
	return colon + 1;
}

char *digest_of(const void *data, size_t size)
{
	g_autofree char *hex = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
	return g_strconcat("sha256:", hex, NULL);
}

char *digest_chain_id(const char *parent, const char *diff_id)
{
	if (!parent)
		return g_strdup(diff_id);
	g_autofree char *pair = g_strconcat(parent, " ", diff_id, NULL);
	return digest_of(pair, strlen(pair));
}
