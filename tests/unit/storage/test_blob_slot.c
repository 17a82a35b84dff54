/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "storage/blob_slot.h"
#include "tests/unit/storage/store_fixture.h"

#define BLOB  "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CHAIN "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define OTHER "sha256:aedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static BlobSlot *take(Store *store, const char *chain)
{
	BlobSlot *slot = NULL;
	g_autoptr(GError) error = NULL;
	BlobSlotResult result = blob_slot_try(store, BLOB, chain, &slot, &error);
	g_assert_no_error(error);
	g_assert_cmpint(result == BLOB_SLOT_OURS, ==, slot != NULL);
	return slot;
}

static void test_exclusive(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(BlobSlot) first = take(store, CHAIN);
	g_assert_nonnull(first);
	g_assert_null(take(store, CHAIN));
	/* The same blob above other layers, and as a config, are other slots. */
	g_autoptr(BlobSlot) elsewhere = take(store, OTHER);
	g_autoptr(BlobSlot) config = take(store, NULL);
	g_assert_nonnull(elsewhere);
	g_assert_nonnull(config);
	g_clear_pointer(&first, blob_slot_free);
	g_autoptr(BlobSlot) again = take(store, CHAIN);
	g_assert_nonnull(again);
}

static void test_bytes_stay(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(BlobSlot) slot = take(store, CHAIN);
	blob_slot_append(slot, "hello ", 6);
	blob_slot_append(slot, "world", 5);
	g_clear_pointer(&slot, blob_slot_free);
	slot = take(store, CHAIN);
	g_assert_cmpint(blob_slot_size(slot), ==, 11);
	char bytes[16] = "";
	g_assert_cmpint(blob_slot_read(slot, bytes, sizeof(bytes), 6), ==, 5);
	g_assert_cmpstr(bytes, ==, "world");
	blob_slot_reset(slot);
	g_assert_cmpint(blob_slot_size(slot), ==, 0);
	blob_slot_append(slot, "x", 1);
	g_clear_pointer(&slot, blob_slot_discard);
	slot = take(store, CHAIN);
	g_assert_cmpint(blob_slot_size(slot), ==, 0);
}

/* A holder that is killed leaves its bytes, and its lock is free at once. */
static void test_killed_holder(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	int ready[2];
	g_assert_cmpint(pipe(ready), ==, 0);
	pid_t pid = fork();
	if (pid == 0) {
		BlobSlot *slot = take(store, CHAIN);
		blob_slot_append(slot, "half", 4);
		(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	char byte;
	g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
	g_assert_null(take(store, CHAIN));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	g_autoptr(BlobSlot) slot = take(store, CHAIN);
	g_assert_nonnull(slot);
	g_assert_cmpint(blob_slot_size(slot), ==, 4);
}

static void test_sweep(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(BlobSlot) held = take(store, CHAIN);
	blob_slot_append(held, "held", 4);
	g_autoptr(BlobSlot) left = take(store, OTHER);
	blob_slot_append(left, "left", 4);
	g_clear_pointer(&left, blob_slot_free);
	blob_slots_sweep(store);
	left = take(store, OTHER);
	g_assert_cmpint(blob_slot_size(left), ==, 4);
	g_clear_pointer(&left, blob_slot_free);

	g_autofree char *blobs = g_build_filename(store_path(store), "cache", "blobs", NULL);
	g_autoptr(GDir) dir = g_dir_open(blobs, 0, NULL);
	struct utimbuf old = {.actime = 1, .modtime = 1};
	for (const char *name; (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(blobs, name, NULL);
		g_assert_cmpint(utime(path, &old), ==, 0);
	}
	blob_slots_sweep(store);
	g_assert_null(take(store, CHAIN));
	left = take(store, OTHER);
	g_assert_cmpint(blob_slot_size(left), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/blob-slot/exclusive", test_exclusive);
	g_test_add_func("/blob-slot/bytes-stay", test_bytes_stay);
	g_test_add_func("/blob-slot/killed-holder", test_killed_holder);
	g_test_add_func("/blob-slot/sweep", test_sweep);
	return g_test_run();
}
