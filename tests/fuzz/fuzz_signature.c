/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON inside a signature, up to the first NUL, and gpg's status behind it. A claim that is
 * accepted must survive being written again; a status that is accepted names a key of ours.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "storage/digest.h"
#include "storage/gpg.h"
#include "storage/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_ours(const char *fingerprint, void *data)
{
	*(bool *)data = strcmp(fingerprint, "OURS") == 0;
	return *(bool *)data;
}

static void check_claim(const char *text, size_t size)
{
	static const SignedIdentity any = {.kind = IDENTITY_REPOSITORY};
	g_autoptr(GError) error = NULL;
	g_autoptr(SignatureClaim) claim = signature_claim_parse(text, size, &error);
	g_assert_true((claim == NULL) == (error != NULL));
	if (!claim)
		return;
	g_assert_true(digest_is_valid(claim->digest));
	g_autoptr(Reference) image = reference_parse("example.com/a:1", NULL);
	(void)signed_identity_matches(&any, image, claim->reference);
	g_autoptr(Json) json = js_parse(text, size, "again", NULL);
	const char *written = js_text(json);
	g_autoptr(SignatureClaim) again = signature_claim_parse(written, strlen(written), NULL);
	g_assert_nonnull(again);
	g_assert_cmpstr(again->digest, ==, claim->digest);
	g_assert_cmpstr(again->reference, ==, claim->reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	size_t length = nul ? (size_t)(nul - data) : size;
	check_claim((const char *)data, length);
	if (!nul)
		return 0;
	bool ours = false;
	g_autoptr(GError) error = NULL;
	g_autofree char *status = g_strndup((const char *)nul + 1, size - length - 1);
	bool good = gpg_status_judge(status, is_ours, &ours, &error);
	g_assert_true(good == (error == NULL));
	g_assert_true(!good || ours);
	return 0;
}
