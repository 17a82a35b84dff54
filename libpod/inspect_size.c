/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of a container's own layer, counted inside the user namespace: its files may belong to
 * sub-ids and its directories may be closed to us.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/inspect.h"
#include "libpod/rootless.h"

#define DEPTH_MAX 512 /* descriptors: one per level */

/* What the child is told, and where it leaves the sums: memory that both share. */
typedef struct {
	int dir_fd;
	const char *const *names;
	size_t n;
	int64_t *totals;
} SizeJob;

/* Sum of the sizes below an open directory, which is closed. A directory that cannot be read counts
 * as empty. */
static int64_t count_below(int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return 0;
	}
	int64_t total = 0;
	struct dirent *entry;
	while ((entry = readdir(dir))) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			total += S_ISREG(st.st_mode) ? st.st_size : 0;
			continue;
		}
		int below = depth < DEPTH_MAX
				    ? openat(fd, entry->d_name,
					     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				    : -1;
		if (below >= 0)
			total += count_below(below, depth + 1);
	}
	closedir(dir);
	return total;
}

static int run_count(void *data)
{
	SizeJob *job = data;
	for (size_t i = 0; i < job->n; i++) {
		int fd = path_open_state(job->dir_fd, job->names[i], O_RDONLY | O_DIRECTORY, 0);
		job->totals[i] = fd >= 0 ? count_below(fd, 0) : 0;
	}
	return 0;
}

bool inspect_tree_sizes(Engine *engine, int dir_fd, const char *const *names, size_t n,
			int64_t *out_sizes, GError **error)
{
	if (n == 0)
		return true;
	int64_t *totals = mmap(NULL, n * sizeof(*totals), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		return error_set_errno(error, "cannot allocate memory");
	SizeJob job = {dir_fd, names, n, totals};
	int status = rootless_run(engine, run_count, &job, error);
	if (status == 0)
		memcpy(out_sizes, totals, n * sizeof(*totals));
	munmap(totals, n * sizeof(*totals));
	if (status > 0)
		error_set(error, ENGINE_ERROR_SYSTEM, "counting the size of '%s' failed", names[0]);
	return status == 0;
}

int64_t inspect_tree_size(Engine *engine, int dir_fd, const char *name, GError **error)
{
	int64_t size = 0;
	return inspect_tree_sizes(engine, dir_fd, &name, 1, &size, error) ? size : -1;
}
