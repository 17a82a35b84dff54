/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of other trees for RUN's mounts: copied beside the step's layer, and gone with it.
 *
 * A path of a stage cannot be mounted by its name: its links must lead nowhere outside the stage
 * (CVE-2024-1753), and nothing may change it between the look and the mount (CVE-2024-11218). A
 * copy, made from descriptor to descriptor by the rules of COPY, has neither trouble, and what the
 * step writes to it is thrown away as it must be.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/copy.h"
#include "build/solver_step.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/rootless.h"

#define FILE_NAME "file"

typedef struct {
	const ContainerView *view; /* of layers; NULL: @root_fd */
	int root_fd;
	const char *source;
	int dest_fd;
	int message_fd;
	int kind_fd; /* gets one byte if it is a file */
	bool dress;  /* the directory gets the source's owner and mode */
} PartJob;

/* What the source holds, or its one file, into the directory. */
static bool copy_part(const PartJob *job, int root_fd, GError **error)
{
	struct stat st;
	autofd from = path_open_in_root(root_fd, job->source, O_PATH, 0);
	if (from < 0 || fstat(from, &st) < 0)
		return error_set_errno(error, "--mount source '%s'", job->source);
	bool is_dir = S_ISDIR(st.st_mode);
	const char *const sources[] = {job->source, NULL};
	const CopySpec spec = {
		.sources = sources,
		.dest = is_dir ? "/" : "/" FILE_NAME,
		.root_fd = root_fd,
		.keep_owner = job->view != NULL,
		.exact = true,
		.unpack = -1,
	};
	const CopyTarget target = {.dest_fd = job->dest_fd, .users_fd = -1, .mtime = -1};
	CopyStats stats = {0};
	g_autoptr(CopyPlan) plan = copy_plan_new(&spec, error);
	if (!plan || !copy_plan_apply(plan, &target, &stats, error))
		return false;
	if (!is_dir)
		return write(job->kind_fd, "f", 1) == 1 || error_set_errno(error, "cannot write");
	if (!job->dress)
		return true;
	uid_t uid = spec.keep_owner ? st.st_uid : 0;
	gid_t gid = spec.keep_owner ? st.st_gid : 0;
	return (fchown(job->dest_fd, uid, gid) == 0 &&
		fchmod(job->dest_fd, st.st_mode & 07777) == 0) ||
	       error_set_errno(error, "cannot copy '%s'", job->source);
}

/* As root of the namespace that owns the files. */
static int part_child(void *data)
{
	const PartJob *job = data;
	g_autoptr(GError) error = NULL;
	int base = job->view ? job->view->root_fd : job->root_fd;
	autofd root = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)umask(0);
	if (root < 0)
		(void)error_set_errno(&error, "cannot open the files of the build");
	return root >= 0 && copy_part(job, root, &error)
		       ? 0
		       : solver_fail_child(job->message_fd, error);
}

static bool run_job(Build *build, PartJob *job, GError **error)
{
	if (job->view)
		return solver_in_view(job->view, part_child, job, job->message_fd, error);
	int code = rootless_run(build->engine, part_child, job, error);
	return code == 0 || (code > 0 && solver_take_message(job->message_fd, error));
}

bool run_part_copy(Build *build, const RunPart *part, const char *dir, bool *out_is_dir,
		   GError **error)
{
	int store = store_fd(build->store);
	autofd made = path_mkdirs_state(store, dir);
	autofd dest = made < 0 ? -1 : path_open_state(store, dir, O_RDONLY | O_DIRECTORY, 0);
	autofd message = memfd_create("message", MFD_CLOEXEC);
	autofd kind = memfd_create("kind", MFD_CLOEXEC);
	struct stat st;
	if (dest < 0 || message < 0 || kind < 0)
		return error_set_errno(error, "cannot make a place for '%s'", part->source);
	g_autoptr(ContainerView) view = NULL;
	if (part->layers &&
	    !(view = container_view_of_build(build->engine, (const char *const *)part->layers, NULL,
					     error)))
		return false;
	PartJob job = {
		.view = view,
		.root_fd = part->root_fd,
		.source = part->source,
		.dest_fd = dest,
		.message_fd = message,
		.kind_fd = kind,
		.dress = part->dress,
	};
	if (!run_job(build, &job, error))
		return false;
	*out_is_dir = fstat(kind, &st) == 0 && st.st_size == 0;
	return true;
}

/* Its place on disk, absolute. */
static char *part_path(const Build *build, const char *dir, bool is_dir)
{
	return g_build_filename(store_path(build->store), dir, is_dir ? NULL : FILE_NAME, NULL);
}

bool run_step_place_parts(StageRun *run, RunStep *step, const char *layer_dir, GError **error)
{
	for (guint i = 0; i < step->parts->len; i++) {
		RunPart *part = step->parts->pdata[i];
		g_autofree char *dir = g_strdup_printf("%s.run/part%u", layer_dir, i);
		bool is_dir = true;
		if (!run_part_copy(run->build, part, dir, &is_dir, error))
			return false;
		g_free(part->mount->source);
		g_clear_pointer(&part->mount->subpath, g_free);
		part->mount->source = part_path(run->build, dir, is_dir);
		run_step_add_place(step, part->mount->destination, is_dir);
	}
	return true;
}

void run_part_free(void *data)
{
	RunPart *part = data;
	if (!part)
		return;
	g_strfreev(part->layers);
	g_free(part->source);
	g_free(part);
}
