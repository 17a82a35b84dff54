/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files and directories, so that its corpus is a plain test without a
 * fuzzing engine. Every input is also tried cut at some places and with some bytes flipped, always
 * the same ones.
 *
 * With an engine: clang -fsanitize=fuzzer,address,undefined in place of this file.
 */
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MUTATIONS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly @size bytes: a read beyond them is one that valgrind and ASan see. */
static void try_copy(const uint8_t *data, size_t size)
{
	g_autofree uint8_t *copy = g_memdup2(data, size);
	static const uint8_t nothing[1];
	LLVMFuzzerTestOneInput(copy ? copy : nothing, size);
}

static void try_variants(const uint8_t *data, size_t size)
{
	g_autoptr(GRand) random = g_rand_new_with_seed((guint32)size);
	g_autofree uint8_t *changed = g_memdup2(data, size);
	try_copy(data, size);
	for (int i = 0; i < MUTATIONS && size > 0; i++) {
		size_t at = (size_t)g_rand_int_range(random, 0, (gint32)size);
		uint8_t old = changed[at];
		try_copy(data, at);
		changed[at] = (uint8_t)g_rand_int_range(random, 0, 256);
		try_copy(changed, size);
		changed[at] = old;
	}
}

static int run_path(const char *path)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	int count = 0;
	if (directory) {
		for (const char *name; (name = g_dir_read_name(directory));) {
			g_autofree char *child = g_build_filename(path, name, NULL);
			count += run_path(child);
		}
		return count;
	}
	g_autofree char *data = NULL;
	gsize size = 0;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(path, &data, &size, &error)) {
		fprintf(stderr, "%s\n", error->message);
		return 0;
	}
	try_variants((const uint8_t *)data, size);
	return 1;
}

int main(int argc, char **argv)
{
	int count = 0;
	for (int i = 1; i < argc; i++)
		count += run_path(argv[i]);
	printf("%d inputs\n", count);
	/* A corpus that is not there is no test. */
	return count > 0 ? 0 : 1;
}
