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

/* What the child is told, and where it leaves the sum: memory that both share. */
typedef struct {
	int dir_fd;
	const char *name;
	int64_t *total;
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
	int fd = path_open_state(job->dir_fd, job->name, O_RDONLY | O_DIRECTORY, 0);
	*job->total = fd >= 0 ? count_below(fd, 0) : 0;
	return 0;
}

int64_t inspect_tree_size(Engine *engine, int dir_fd, const char *name, GError **error)
{
	int64_t *total = mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (total == MAP_FAILED) {
		error_set_errno(error, "cannot allocate memory");
		return -1;
	}
	SizeJob job = {dir_fd, name, total};
	int status = rootless_run(engine, run_count, &job, error);
	int64_t size = *total;
	munmap(total, sizeof(*total));
	if (status < 0)
		return -1;
	if (status > 0) {
		error_set(error, ENGINE_ERROR_SYSTEM, "counting the size of '%s' failed", name);
		return -1;
	}
	return size;
}
