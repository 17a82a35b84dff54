/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the extractor: any bytes as a tar into a private root.
 *
 * Beyond not crashing: nothing appears beside the root, no object is of a kind that must not be
 * made, and what was accepted can be made again byte for byte from its journal.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/tar_pack.h"
#include "storage/tar_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
	const uint8_t *data;
	size_t size;
	size_t at;
	TarJournal *journal;
} Input;

static ssize_t borrow(void *data, size_t max, const void **out_bytes)
{
	Input *input = data;
	size_t n = MIN(max, input->size - input->at);
	*out_bytes = input->data + input->at;
	input->at += n;
	return (ssize_t)n;
}

static bool raw(void *data, const void *bytes, size_t size, GError **error)
{
	const Input *input = data;
	return tar_journal_raw(input->journal, bytes, size, error);
}

/* A fresh directory below the temporary one, its own parent so that climbing out of it is seen. */
static int make_outer(int temporary, char *name, size_t size)
{
	g_snprintf(name, size, "skiff-fuzz-%d", (int)getpid());
	(void)path_remove_tree(temporary, name);
	g_assert(mkdirat(temporary, name, 0700) == 0);
	int fd = openat(temporary, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert(fd >= 0 && mkdirat(fd, "diff", 0755) == 0 && mkdirat(fd, "extra", 0755) == 0);
	return fd;
}

/* Every object of the tree is of a kind that may be made. Return: false if we cannot look at all of
 * it, for want of mode bits: skiff is root of a namespace then, a plain run of this is not. */
static bool check_tree(int dir_fd, int depth)
{
	bool whole = true;
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir || depth > 200) {
		if (dir)
			closedir(dir);
		return false;
	}
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			g_assert(errno == EACCES);
			whole = false;
			continue;
		}
		g_assert(!S_ISBLK(st.st_mode) && !S_ISSOCK(st.st_mode));
		g_assert(!S_ISCHR(st.st_mode) || st.st_rdev == makedev(0, 0));
		whole = whole && (S_ISLNK(st.st_mode) ||
				  faccessat(dir_fd, entry->d_name, R_OK, AT_EACCESS) == 0);
		autofd sub = S_ISDIR(st.st_mode)
				     ? openat(dir_fd, entry->d_name,
					      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				     : -1;
		if (sub >= 0)
			whole = check_tree(sub, depth + 1) && whole;
	}
	closedir(dir);
	return whole;
}

/* Only what was there before lies beside the root. */
static void check_outer(int outer)
{
	int copy = openat(outer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(copy);
	g_assert(dir);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		g_assert(entry->d_name[0] == '.' || strcmp(entry->d_name, "diff") == 0 ||
			 strcmp(entry->d_name, "extra") == 0 ||
			 strcmp(entry->d_name, "journal") == 0);
	closedir(dir);
}

/* Could any header be of a symbolic link? */
static bool may_have_links(const uint8_t *data, size_t size)
{
	for (size_t at = 156; at < size; at += 512)
		if (data[at] == '2')
			return true;
	return false;
}

/*
 * The journal gives the same bytes again. Not so where an archive writes through a link and then
 * swaps the link: the digest check of layer_export() is there for such.
 */
static void check_rebuild(int outer, const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	autofd out = memfd_create("tar", MFD_CLOEXEC);
	bool packed = tar_pack_journal(outer, out, &error);
	if (may_have_links(data, size))
		return;
	g_assert_no_error(error);
	g_assert(packed && lseek(out, 0, SEEK_SET) == 0);
	size_t got = 0;
	g_autofree char *text = fd_read_all(out, size, &got, NULL);
	g_assert_cmpmem(text, got, data, size);
}

/* Put the right checksum into all that looks like a header, or nothing behind it is ever reached.
 */
static void fix_checksums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size; at += 512) {
		uint8_t *block = data + at;
		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		memset(block + 148, ' ', 8);
		unsigned sum = 0;
		for (int i = 0; i < 512; i++)
			sum += block[i];
		char text[8];
		g_snprintf(text, sizeof text, "%06o", sum & 0777777);
		memcpy(block + 148, text, 7);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *original, size_t size)
{
	g_autofree uint8_t *data = g_malloc(size + 1);
	memcpy(data, original, size);
	fix_checksums(data, size);
	char name[64];
	(void)umask(0);
	autofd temporary = openat(AT_FDCWD, g_get_tmp_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd outer = make_outer(temporary, name, sizeof name);
	autofd diff = openat(outer, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd extra = openat(outer, "extra", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd journal_fd = openat(outer, "journal", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	g_autoptr(TarJournal) journal = tar_journal_new(journal_fd);
	Input input = {.data = data, .size = size, .journal = journal};
	const TarSource source = {.borrow = borrow, .raw = raw, .data = &input};
	g_autoptr(TarReader) reader = tar_reader_new(&source);
	g_autoptr(GByteArray) deferred = g_byte_array_new();
	const TarUnpackOptions options = {
		.root_fd = diff,
		.extra_fd = extra,
		.journal = journal,
		.has_parent = size % 2,
		.single_id = true,
		.max_bytes = 1 << 20,
		.max_entries = 256,
	};
	TarUnpackStats stats;
	bool done = tar_unpack(reader, &options, deferred, &stats, NULL) &&
		    tar_journal_finish(journal, NULL);
	check_outer(outer);
	bool whole = check_tree(diff, 0);
	if (done && whole)
		check_rebuild(outer, data, size);
	g_assert(path_remove_tree(temporary, name));
	return 0;
}
