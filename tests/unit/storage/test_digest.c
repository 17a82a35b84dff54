/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "storage/digest.h"

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_grammar(void)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha256:abc",
		"sha256:../../x",
		"SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		EMPTY "0",
		EMPTY "/",
		"sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"md5:d41d8cd98f00b204e9800998ecf8427e",
		"sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(digest_is_valid(bad[i]));
		g_assert_false(digest_check(bad[i], &error));
		g_assert_nonnull(error);
	}
	g_assert_false(digest_is_valid(NULL));
	g_assert_true(digest_is_valid(EMPTY));
	g_autofree char *long_hex = g_strnfill(128, 'a');
	g_autofree char *sha512 = g_strconcat("sha512:", long_hex, NULL);
	g_assert_true(digest_is_valid(sha512));
	g_assert_cmpstr(digest_hex(sha512), ==, long_hex);
}

static void test_chain(void)
{
	g_autofree char *empty = digest_of("", 0);
	g_assert_cmpstr(empty, ==, EMPTY);

	/* The chain id of one layer is its diff id; of two the digest of both, with a blank
	 * between. */
	g_autofree char *first = digest_chain_id(NULL, EMPTY);
	g_assert_cmpstr(first, ==, EMPTY);
	g_autofree char *second = digest_chain_id(first, EMPTY);
	g_autofree char *expected = digest_of(EMPTY " " EMPTY, sizeof EMPTY * 2 - 1);
	g_assert_cmpstr(second, ==, expected);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/digest/grammar", test_grammar);
	g_test_add_func("/digest/chain-id", test_chain);
	return g_test_run();
}
