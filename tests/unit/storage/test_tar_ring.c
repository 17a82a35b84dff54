/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "storage/tar_ring.h"

#define ROUNDS 50

/* The reader's process: check the pattern. Return: its exit code. */
static int read_pattern(const TarRing *ring, bool stop_early)
{
	g_autoptr(TarRingReader) reader = tar_ring_reader_new(
		tar_ring_memory_fd(ring), tar_ring_go_fd(ring), tar_ring_ack_fd(ring));
	size_t total = 0;
	for (;;) {
		const void *bytes = NULL;
		ssize_t n = tar_ring_borrow(reader, 100000, &bytes);
		if (n <= 0)
			return n == 0 && total == (size_t)ROUNDS * 200000 ? 0 : 1;
		for (ssize_t i = 0; i < n; i++)
			if (((const char *)bytes)[i] !=
			    (char)('a' + (total + (size_t)i) / 200000 % 26))
				return 2;
		total += (size_t)n;
		if (stop_early)
			return 3;
	}
}

/* Fork a reader and keep only our ends here. */
static pid_t fork_reader(TarRing *ring, bool stop_early)
{
	pid_t pid = fork();
	if (pid == 0) {
		tar_ring_end(ring); /* our end of go, which the reader must not hold */
		_exit(read_pattern(ring, stop_early));
	}
	tar_ring_close_theirs(ring);
	return pid;
}

static int wait_code(pid_t pid)
{
	int status = 0;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return WEXITSTATUS(status);
}

/* Return: slots that went out. */
static int write_pattern(TarRing *ring)
{
	for (int i = 0; i < ROUNDS; i++) {
		unsigned number = 0;
		char *slot = tar_ring_slot(ring, &number);
		if (!slot)
			return i;
		g_assert_cmpuint(number, ==, (unsigned)i % TAR_RING_SLOTS);
		memset(slot, 'a' + i % 26, 200000);
		if (!tar_ring_send(ring, 200000))
			return i;
	}
	return ROUNDS;
}

static void test_transfer(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TarRing) ring = tar_ring_new(&error);
	g_assert_no_error(error);
	pid_t pid = fork_reader(ring, false);
	g_assert_cmpint(write_pattern(ring), ==, ROUNDS);
	tar_ring_end(ring);
	g_assert_cmpint(wait_code(pid), ==, 0);
}

static void test_reader_dies(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	g_autoptr(TarRing) ring = tar_ring_new(NULL);
	pid_t pid = fork_reader(ring, true);
	g_assert_cmpint(write_pattern(ring), <, ROUNDS);
	g_assert_cmpint(errno, ==, EPIPE);
	g_assert_cmpint(wait_code(pid), ==, 3);
}

static void test_memory_is_sealed(void)
{
	g_autoptr(TarRing) ring = tar_ring_new(NULL);
	int fd = tar_ring_memory_fd(ring);
	g_assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	g_assert_cmpint(write(fd, "x", 1), ==, -1);
	g_assert_cmpint(ftruncate(fd, 0), ==, -1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tar-ring/transfer", test_transfer);
	g_test_add_func("/tar-ring/reader-dies", test_reader_dies);
	g_test_add_func("/tar-ring/memory-is-sealed", test_memory_is_sealed);
	return g_test_run();
}
