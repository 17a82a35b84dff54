/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of streams. Runs in skiff-fetch.
 */
#include "storage/hash.h"

#include <openssl/evp.h>
#include <stdbool.h>

struct Hash {
	EVP_MD_CTX *context;
	bool is_sha512;
};

Hash *hash_new(const char *digest)
{
	Hash *hash = g_new0(Hash, 1);
	hash->is_sha512 = digest && g_str_has_prefix(digest, "sha512:");
	hash->context = EVP_MD_CTX_new();
	const EVP_MD *algorithm = hash->is_sha512 ? EVP_sha512() : EVP_sha256();
	if (!hash->context || EVP_DigestInit_ex(hash->context, algorithm, NULL) != 1)
		g_error("openssl has no SHA-2");
	return hash;
}

void hash_free(Hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->context);
	g_free(hash);
}

void hash_update(Hash *hash, const void *bytes, size_t size)
{
	if (EVP_DigestUpdate(hash->context, bytes, size) != 1)
		g_error("openssl cannot hash");
}

char *hash_finish(Hash *hash)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	if (EVP_DigestFinal_ex(hash->context, bytes, &size) != 1)
		g_error("openssl cannot hash");
	GString *text = g_string_new(hash->is_sha512 ? "sha512:" : "sha256:");
	for (unsigned i = 0; i < size; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	return g_string_free(text, FALSE);
}
