/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "storage/digest.h"
#include "storage/hash.h"

static void test_both_algorithms(void)
{
	g_autoptr(Hash) sha256 = hash_new(NULL);
	hash_update(sha256, "ab", 2);
	hash_update(sha256, "c", 1);
	g_autofree char *digest = hash_finish(sha256);
	g_autofree char *expected = digest_of("abc", 3);
	g_assert_cmpstr(digest, ==, expected);

	g_autoptr(Hash) sha512 = hash_new("sha512:anything");
	hash_update(sha512, "abc", 3);
	g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA512, "abc", 3);
	g_autofree char *long_expected = g_strconcat("sha512:", hex, NULL);
	g_autofree char *long_digest = hash_finish(sha512);
	g_assert_cmpstr(long_digest, ==, long_expected);
}

static void test_lane(void)
{
	g_autofree char *bytes = g_malloc(10 << 20);
	memset(bytes, 'x', 10 << 20);
	g_autoptr(Hash) copied = hash_new(NULL);
	g_autoptr(Hash) lent = hash_new(NULL);
	g_autoptr(HashLane) lane = hash_lane_new();
	/* More than the lane's ring holds, in turns. */
	hash_lane_push(lane, copied, bytes, 5 << 20);
	for (int i = 0; i < 40; i++) {
		uint64_t ticket = hash_lane_push_static(lane, lent, bytes + (i << 18), 1 << 18);
		if (i % 7 == 0)
			hash_lane_wait_for(lane, ticket);
	}
	hash_lane_push(lane, copied, bytes, 5 << 20);
	hash_lane_wait(lane);
	g_autofree char *one = hash_finish(copied);
	g_autofree char *two = hash_finish(lent);
	g_autofree char *expected = digest_of(bytes, 10 << 20);
	g_assert_cmpstr(one, ==, expected);
	g_assert_cmpstr(two, ==, expected);
}

static void test_lane_dropped(void)
{
	g_autofree char *bytes = g_malloc0(4 << 20);
	g_autoptr(Hash) hash = hash_new(NULL);
	HashLane *lane = hash_lane_new();
	hash_lane_push(lane, hash, bytes, 4 << 20);
	hash_lane_free(lane); /* must not wait for ever, nor hash freed memory */
	hash_lane_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hash/algorithms", test_both_algorithms);
	g_test_add_func("/hash/lane", test_lane);
	g_test_add_func("/hash/lane-dropped", test_lane_dropped);
	return g_test_run();
}
