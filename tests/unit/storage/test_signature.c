/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/gpg.h"
#include "storage/lookaside.h"
#include "storage/registries_d.h"
#include "storage/signature.h"
#include "storage/signed_by.h"

#define HEX   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define IMAGE "\"image\":{\"docker-manifest-digest\":\"sha256:" HEX "\"}"
#define IDENT "\"identity\":{\"docker-reference\":\"example.com/a:1\"}"
#define TYPE  "\"type\":\"atomic container signature\""
#define CRIT  "\"critical\":{" TYPE "," IMAGE "," IDENT "}"
#define CLAIM "{" CRIT ",\"optional\":{}}"

static void test_claims(void)
{
	static const char *const good[] = {
		CLAIM,
		" " CLAIM "\n",
		"{\"optional\":{\"creator\":\"x\",\"timestamp\":17,\"other\":[1,{}]}," CRIT "}",
	};
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		CLAIM "x",
		CLAIM CLAIM,
		"{" CRIT "}",
		"{" CRIT ",\"optional\":[]}",
		"{" CRIT ",\"optional\":{},\"more\":1}",
		"{" CRIT "," CRIT ",\"optional\":{}}",
		"{" CRIT ",\"optional\":{\"creator\":1}}",
		"{" CRIT ",\"optional\":{\"timestamp\":\"1\"}}",
		"{" CRIT ",\"optional\":{\"timestamp\":1.5}}",
		"{" CRIT ",\"optional\":{\"a\":1,\"a\":2}}",
		"{\"Critical\":{" TYPE "," IMAGE "," IDENT "},\"optional\":{}}",
		"{\"critical\":{" TYPE "," IMAGE "},\"optional\":{}}",
		"{\"critical\":{" TYPE "," IMAGE "," IDENT ",\"x\":1},\"optional\":{}}",
		"{\"critical\":{" TYPE "," TYPE "," IMAGE "," IDENT "},\"optional\":{}}",
		"{\"critical\":{\"type\":\"other\"," IMAGE "," IDENT "},\"optional\":{}}",
		"{\"critical\":{" TYPE ",\"image\":{}," IDENT "},\"optional\":{}}",
		"{\"critical\":{" TYPE ",\"image\":{\"docker-manifest-digest\":5}," IDENT
		"},\"optional\":{}}",
		"{\"critical\":{" TYPE
		",\"image\":{\"docker-manifest-digest\":\"sha256:12\"}," IDENT "},\"optional\":{}}",
		"{\"critical\":{" TYPE "," IMAGE
		",\"identity\":{\"docker-reference\":null}},\"optional\":{}}",
		"{\"critical\":{" TYPE "," IMAGE
		",\"identity\":{\"docker-reference\":\"a\",\"b\":1}},\"optional\":{}}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SignatureClaim) claim =
			signature_claim_parse(good[i], strlen(good[i]), &error);
		g_assert_no_error(error);
		g_assert_cmpstr(claim->digest, ==, "sha256:" HEX);
		g_assert_cmpstr(claim->reference, ==, "example.com/a:1");
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		if (signature_claim_parse(bad[i], strlen(bad[i]), &error))
			g_error("accepted: %s", bad[i]);
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	}
}

#define SIGNED(reference)                                                                          \
	"\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"" reference

static void test_requirements(void)
{
	static const char *const bad[] = {
		"{\"type\":\"signedBy\"}",
		"{\"type\":\"signedBy\",\"keyType\":\"X509\",\"keyPath\":\"/k\"}",
		"{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"}",
		"{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyData\":\"!\"}",
		"{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyData\":\"\"}",
		"{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPaths\":[]}",
		"{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPaths\":\"/k\"}",
		"{" SIGNED(",\"keyData\":\"YQ==\"") "}",
		"{" SIGNED(",\"keypath\":\"/k\"") "}",
		"{" SIGNED(",\"signedIdentity\":null") "}",
		"{" SIGNED(",\"signedIdentity\":{}") "}",
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"matchAll\"}") "}",
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"matchExact\",\"x\":1}") "}",
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"exactReference\"}") "}",
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"exactReference\","
			   "\"dockerReference\":\"a.example/b\"}") "}",
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"exactRepository\","
			   "\"dockerRepository\":\"a.example/b:1\"}") "}",
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"remapIdentity\","
			   "\"prefix\":\"a.example\"}") "}",
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"remapIdentity\","
			   "\"prefix\":\"a.example/b:1\",\"signedPrefix\":\"c.example\"}") "}",
	};
	static const char good[] =
		"{" SIGNED(",\"signedIdentity\":{\"type\":\"remapIdentity\","
			   "\"prefix\":\"localhost:5000/b\",\"signedPrefix\":\"c.example\"}") "}";
	g_autoptr(Json) fine = js_parse(good, strlen(good), "x", NULL);
	g_autoptr(SignedBy) need = signed_by_parse(fine, NULL);
	g_assert_nonnull(need);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = js_parse(bad[i], strlen(bad[i]), "x", NULL);
		g_assert_nonnull(json);
		if (signed_by_parse(json, &error))
			g_error("accepted: %s", bad[i]);
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	}
}

static void test_identities(void)
{
	static const struct {
		SignedIdentity identity;
		const char *image, *signed_for;
		bool matches;
	} rows[] = {
		{{IDENTITY_EXACT}, "busybox", "docker.io/library/busybox:latest", true},
		{{IDENTITY_EXACT}, "busybox", "busybox:latest", true},
		{{IDENTITY_EXACT}, "busybox", "busybox", false},
		{{IDENTITY_EXACT}, "a.x/b:1", "a.x/b:2", false},
		{{IDENTITY_EXACT}, "a.x/b@sha256:" HEX, "a.x/b:1", false},
		{{IDENTITY_EXACT}, "a.x/b@sha256:" HEX, "a.x/b@sha256:" HEX, true},
		{{IDENTITY_EXACT}, "a.x/b:1", "", false},
		{{IDENTITY_EXACT}, "a.x/b:1", "a.x/B:1", false},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b:1", "a.x/b:1", true},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b:1", "a.x/b:2", false},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b:1", "a.x/b", false},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b:1", "y.x/b:1", false},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b@sha256:" HEX, "a.x/b:7", true},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b:1@sha256:" HEX, "a.x/b:7", true},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b@sha256:" HEX, "a.x/b", false},
		{{IDENTITY_REPO_DIGEST_OR_EXACT}, "a.x/b@sha256:" HEX, "a.x/c:7", false},
		{{IDENTITY_REPOSITORY}, "a.x/b:1", "a.x/b:2", true},
		{{IDENTITY_REPOSITORY}, "a.x/b:1", "a.x/b", true},
		{{IDENTITY_REPOSITORY}, "a.x/b:1", "a.x/b/c:1", false},
		{{IDENTITY_EXACT_REFERENCE, (char *)"c.x/d:9"}, "a.x/b:1", "c.x/d:9", true},
		{{IDENTITY_EXACT_REFERENCE, (char *)"c.x/d:9"}, "a.x/b:1", "c.x/d:8", false},
		{{IDENTITY_EXACT_REFERENCE, (char *)"c.x/d:9"}, NULL, "c.x/d:9", true},
		{{IDENTITY_EXACT_REPOSITORY, (char *)"c.x/d"}, "a.x/b:1", "c.x/d:8", true},
		{{IDENTITY_EXACT_REPOSITORY, (char *)"c.x/d"}, "a.x/b:1", "a.x/b:1", false},
		{{IDENTITY_REMAP, (char *)"a.x", (char *)"c.x/m"}, "a.x/b:1", "c.x/m/b:1", true},
		{{IDENTITY_REMAP, (char *)"a.x", (char *)"c.x/m"}, "a.x/b:1", "a.x/b:1", false},
		{{IDENTITY_REMAP, (char *)"a.x", (char *)"c.x/m"}, "a.xy/b:1", "a.xy/b:1", true},
		{{IDENTITY_REMAP, (char *)"a.x/b", (char *)"c.x/m"}, "a.x/b:1", "c.x/m:1", true},
		{{IDENTITY_REMAP, (char *)"a.x/b", (char *)"c.x/m"}, "a.x/bc:1", "c.x/mc:1", false},
		{{IDENTITY_REMAP, (char *)"a.x", (char *)"c.x/m"},
		 "a.x/b@sha256:" HEX,
		 "c.x/m/b:3",
		 true},
		{{IDENTITY_EXACT}, NULL, "a.x/b:1", false},
		{{IDENTITY_REPOSITORY}, NULL, "a.x/b:1", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Reference) written =
			rows[i].image ? reference_parse(rows[i].image, NULL) : NULL;
		g_autoptr(Reference) image = written ? reference_normalize(written) : NULL;
		if (signed_identity_matches(&rows[i].identity, image, rows[i].signed_for) !=
		    rows[i].matches)
			g_error("row %zu: %s for %s", i, rows[i].signed_for, rows[i].image);
	}
}

static bool is_trusted(const char *fingerprint, void *data)
{
	(void)data;
	return strcmp(fingerprint, "GOOD") == 0;
}

#define L     "[GNUPG:] "
#define TEXT  L "PLAINTEXT 62 1 m\n"
#define NEW   L "NEWSIG\n"
#define GOOD  L "GOODSIG 1 a\n"
#define VALID L "VALIDSIG SUB 2026-11-29 1 0 4 0 22 8 00 GOOD\n"
#define ALL   TEXT NEW GOOD VALID

static void test_status(void)
{
	static const struct {
		const char *status;
		bool good;
	} rows[] = {
		{ALL, true},
		{ALL L "TRUST_UNDEFINED 0 always\n", true},
		{"", false},
		{TEXT NEW GOOD, false},
		{TEXT NEW VALID, false},
		{NEW GOOD VALID, false},
		{TEXT GOOD VALID, false},
		{ALL ALL, false},
		{ALL NEW GOOD VALID, false},
		{ALL TEXT, false},
		{ALL L "EXPSIG 1 a\n", false},
		{TEXT NEW L "EXPKEYSIG 1 a\n" VALID, false},
		{TEXT NEW L "REVKEYSIG 1 a\n" VALID, false},
		{TEXT NEW L "BADSIG 1 a\n", false},
		{TEXT NEW L "ERRSIG 1 22 8 00 1 9 X\n" L "NO_PUBKEY 1\n", false},
		{ALL L "TRUST_NEVER 0\n", false},
		{ALL L "FROM_THE_FUTURE\n", false},
		{ALL "gpg: words\n", false},
		{ALL "\n" L "BADSIG 1 a\n", false},
		{TEXT NEW GOOD L "VALIDSIG GOOD 2026-11-29 1 0 4 0 22 8 00 OTHER\n", false},
		{TEXT NEW GOOD L "VALIDSIG SUB 2026-11-29 1 0 4 0 22 8 01 GOOD\n", false},
		{TEXT NEW GOOD L "VALIDSIG SUB 2026-11-29 1 0 4 0 22 8 00\n", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		bool good = gpg_status_judge(rows[i].status, is_trusted, NULL, &error);
		if (good != rows[i].good)
			g_error("row %zu: %s", i, error ? error->message : "accepted");
		if (!good)
			g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_DENIED);
	}
}

static void test_registries_d(void)
{
	static const struct {
		const char *name, *url;
	} rows[] = {
		{"r.x/team/app:1", "https://tag.x"},
		{"r.x/team/app:2", "https://app.x/s"},
		{"r.x/team/b:2", "https://team.x"},
		{"r.x/other:2", "file:///r"},
		{"q.wild.x/b:1", "https://wild.x"},
		{"none.x/a:1", "http://default.x"},
		{"empty.x/a:1", "http://default.x"},
		{"r.xy/team/app:1", "http://default.x"},
		{"r.x/team/app:1@sha256:" HEX, "https://app.x/s"},
	};
	g_autoptr(RegistriesD) conf = registries_d_new();
	g_autoptr(GError) error = NULL;
	registries_d_add(conf, "a.yaml",
			 "# comment\ndefault-docker:\n  lookaside: http://default.x\n"
			 "  lookaside-staging: file:///staging\n"
			 "docker:\n  r.x/team/app:1:\n    sigstore: https://tag.x\n"
			 "  r.x/team/app: {lookaside: 'https://app.x/s', sigstore: https://old.x}\n"
			 "  empty.x:\n    use-sigstore-attachments: true\n",
			 &error);
	g_assert_no_error(error);
	registries_d_add(conf, "b.yaml",
			 "docker:\n  r.x/team:\n    lookaside: https://team.x\n"
			 "  r.x:\n    lookaside: file:///r\n"
			 "  '*.wild.x':\n    lookaside: https://wild.x\n",
			 &error);
	g_assert_no_error(error);
	g_assert_true(registries_d_add(conf, "c.yaml", "", NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Reference) reference = reference_parse(rows[i].name, NULL);
		g_autofree char *url = registries_d_lookaside(conf, reference);
		g_assert_cmpstr(url, ==, rows[i].url);
	}
	static const char *const bad[] = {
		"default-docker:\n  lookaside: http://again.x\n",
		"docker:\n  r.x:\n    lookaside: file:///again\n",
		"docker:\n  z.x:\n    lookaside: ftp://x\n",
		"docker:\n  z.x:\n    lookaside: file://relative\n",
		"docker:\n  z.x:\n    lookaside: [a]\n",
		"docker:\n  z.x: 5\n",
		"docker: [a]\n",
		"- a\n",
		"docker: {\n",
		"a: &x [*x, \"\n",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		if (registries_d_add(conf, "bad.yaml", bad[i], &error))
			g_error("accepted: %s", bad[i]);
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
		g_clear_error(&error);
	}
}

static void test_urls(void)
{
	g_autoptr(Reference) place = reference_parse("r.x:5000/team/app:1", NULL);
	g_autofree char *url = lookaside_url("file:///s//", place, "sha256:" HEX, 2);
	g_assert_cmpstr(url, ==, "file:///s/team/app@sha256=" HEX "/signature-2");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/signature/claims", test_claims);
	g_test_add_func("/signature/requirements", test_requirements);
	g_test_add_func("/signature/identities", test_identities);
	g_test_add_func("/signature/gpg-status", test_status);
	g_test_add_func("/signature/registries-d", test_registries_d);
	g_test_add_func("/signature/urls", test_urls);
	return g_test_run();
}
