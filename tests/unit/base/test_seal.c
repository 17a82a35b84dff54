/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "libpod/base/seal.h"

static const char *const texts[] = {"{\"v\":1,\"name\":\"web\"}", "a.example/b:1\nlocalhost/c:2\n"};

static void test_round_trip(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *sealed = seal_text(texts[i]);
		size_t size = 0;
		g_assert_cmpint(seal_check(sealed, strlen(sealed), &size), ==, SEAL_GOOD);
		g_assert_cmpuint(size, ==, i == 0 ? strlen(sealed) : strlen(texts[i]));
		g_assert_cmpint(seal_check(texts[i], strlen(texts[i]), &size), ==, SEAL_NONE);
		g_assert_cmpuint(size, ==, strlen(texts[i]));
	}
	/* The check value of CRC-32. */
	g_autofree char *known = seal_text("123456789");
	g_assert_cmpstr(known, ==, "123456789#crc cbf43926\n");
}

/* Every single flipped bit is seen, or leaves a record without a seal, and is found again. */
static void test_every_bit(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *sealed = seal_text(texts[i]);
		size_t size = strlen(sealed);
		for (size_t bit = 0; bit < size * 8; bit++) {
			g_autofree char *broken = g_memdup2(sealed, size + 1);
			broken[bit / 8] ^= (char)(1 << bit % 8);
			g_assert_cmpint(seal_check(broken, size, NULL), !=, SEAL_GOOD);
			g_assert_true(seal_mend(broken, size));
			g_assert_cmpmem(broken, size, sealed, size);
		}
	}
}

static void test_no_bit(void)
{
	g_autofree char *sealed = seal_text(texts[0]);
	size_t size = strlen(sealed);
	sealed[3] ^= 1;
	sealed[9] ^= 1;
	g_autofree char *before = g_memdup2(sealed, size + 1);
	g_assert_false(seal_mend(sealed, size));
	g_assert_cmpmem(sealed, size, before, size);
	char empty[] = "";
	g_assert_cmpint(seal_check(empty, 0, NULL), ==, SEAL_NONE);
	g_assert_false(seal_mend(empty, 0));
	for (size_t cut = 0; cut < size; cut++) {
		g_autofree char *part = seal_text(texts[0]);
		g_assert_cmpint(seal_check(part, cut, NULL), ==, SEAL_NONE);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/seal/round-trip", test_round_trip);
	g_test_add_func("/seal/every-bit", test_every_bit);
	g_test_add_func("/seal/no-bit", test_no_bit);
	return g_test_run();
}
