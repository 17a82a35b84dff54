/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-unxz: standard input, xz or bzip2, to standard output. For archives that ADD and build
 * contexts meet; all other formats are skiff-fetch's.
 *
 * libarchive decompresses, with these two filters and no others (security R10), and only where it
 * has the library itself: it would run a program else. Before the first byte is read the process
 * gives up all system calls but reading, writing and memory.
 */
#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define PIECE_SIZE (256u << 10)
#define MEMORY_MAX (UINT64_C(1) << 30)

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

/* All that follows the filter's set-up. */
static const int calls[] = {
	SCMP_SYS(read),           SCMP_SYS(write),
	SCMP_SYS(lseek),          SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),     SCMP_SYS(mmap),
	SCMP_SYS(munmap),         SCMP_SYS(mremap),
	SCMP_SYS(madvise),        SCMP_SYS(brk),
	SCMP_SYS(mprotect),       SCMP_SYS(futex),
	SCMP_SYS(getpid),         SCMP_SYS(gettid),
	SCMP_SYS(tgkill),         SCMP_SYS(rt_sigreturn),
	SCMP_SYS(close),          SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack),
};

static bool confine(void)
{
	const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, none = {0, 0};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool done = filter && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    setrlimit(RLIMIT_CORE, &none) == 0 &&
		    (IS_SANITIZED || setrlimit(RLIMIT_AS, &memory) == 0);
	for (size_t i = 0; done && i < sizeof(calls) / sizeof(*calls); i++)
		done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
	done = done && seccomp_load(filter) == 0;
	if (filter)
		seccomp_release(filter);
	return done;
}

/* Return: false with errno. */
static bool write_all(const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* Pass on what comes out. Return: the process' exit code. */
static int pump(struct archive *archive)
{
	static char piece[PIECE_SIZE];
	for (;;) {
		ssize_t n = archive_read_data(archive, piece, sizeof(piece));
		if (n < 0) {
			(void)fprintf(stderr, "Error: %s\n", archive_error_string(archive));
			return 1;
		}
		if (n == 0)
			return 0;
		if (!write_all(piece, (size_t)n))
			return 1;
	}
}

int main(void)
{
	struct archive_entry *entry = NULL;
	struct archive *archive = archive_read_new();
	/* ARCHIVE_WARN is "by a program". */
	if (!archive || archive_read_support_filter_xz(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(archive) != ARCHIVE_OK ||
	    archive_read_support_format_raw(archive) != ARCHIVE_OK || !confine()) {
		(void)fprintf(stderr, "Error: cannot set up decompressing\n");
		return 1;
	}
	int code = 1;
	if (archive_read_open_fd(archive, STDIN_FILENO, PIECE_SIZE) == ARCHIVE_OK &&
	    archive_read_next_header(archive, &entry) == ARCHIVE_OK)
		code = pump(archive);
	else
		(void)fprintf(stderr, "Error: %s\n", archive_error_string(archive));
	(void)archive_read_free(archive);
	/* A sanitizer would look for leaks by calls that are forbidden here. */
	_exit(code);
}
