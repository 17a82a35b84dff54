/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd, group and a user specification, parted by NUL: whatever they say, an unknown user is
 * never taken for somebody, and the primary group is among the groups.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/runtime/privileges.h"

#define UNTOUCHED 4242

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int root_fd = -1;

static void remove_root(void)
{
	(void)unlinkat(root_fd, "etc/passwd", 0);
	(void)unlinkat(root_fd, "etc/group", 0);
	(void)unlinkat(root_fd, "etc", AT_REMOVEDIR);
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", root_fd);
	g_autofree char *path = g_file_read_link(link, NULL);
	if (path)
		(void)unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static void open_root(void)
{
	g_autofree char *path = g_dir_make_tmp("skiff-fuzz-XXXXXX", NULL);
	g_assert_nonnull(path);
	root_fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(mkdirat(root_fd, "etc", 0755), ==, 0);
	(void)atexit(remove_root);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	autofd fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	g_assert_true(fd >= 0 && fd_write_all(fd, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *first = memchr(data, 0, size);
	const uint8_t *second =
		first ? memchr(first + 1, 0, size - (size_t)(first + 1 - data)) : NULL;
	if (!second)
		return 0;
	if (root_fd < 0)
		open_root();
	put("etc/passwd", data, (size_t)(first - data));
	put("etc/group", first + 1, (size_t)(second - first - 1));
	size_t rest = size - (size_t)(second + 1 - data);
	g_autofree char *spec = g_strndup((const char *)second + 1, rest);

	g_autofree ResolvedUser *user = g_new0(ResolvedUser, 1);
	user->uid = user->gid = UNTOUCHED;
	int result = privileges_resolve_user(root_fd, spec, NULL, user);
	bool sane = !*spec || privileges_check_user_spec(spec, NULL);
	g_assert_true(sane || result == -EINVAL);
	if (result < 0) {
		g_assert_cmpuint(user->uid, ==, UNTOUCHED);
		return 0;
	}
	bool found = false;
	for (size_t i = 0; i < user->n_groups; i++)
		found = found || user->groups[i] == user->gid;
	g_assert_true(found);
	g_assert_cmpuint(user->uid, !=, UINT32_MAX);
	g_assert_nonnull(memchr(user->home, 0, sizeof user->home));
	/* A number is that number, whoever claims the name. */
	if (*spec && strspn(spec, "0123456789") == strlen(spec))
		g_assert_cmpuint(user->uid, ==, strtoull(spec, NULL, 10));
	return 0;
}
