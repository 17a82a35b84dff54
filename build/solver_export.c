/* SPDX-License-Identifier: Apache-2.0 */
#include "build/solver_export.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/copy.h"
#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "storage/tree_pack.h"

typedef struct Export Export;
struct Export {
	/* Runs as root of the namespace that the files belong to. */
	bool (*write)(const Export *export, int root_fd, GError **error);
	const ContainerView *view;
	int out_fd;
	int64_t mtime;
	int message_fd;
};

static bool write_dir(const Export *export, int root_fd, GError **error)
{
	const char *const sources[] = {"/", NULL};
	const CopySpec spec = {
		.sources = sources,
		.dest = "/",
		.root_fd = root_fd,
		.unpack = -1,
	};
	const CopyTarget target = {
		.dest_fd = export->out_fd,
		.users_fd = -1,
		.mtime = export->mtime,
		.harmless = true,
	};
	CopyStats stats = {0};
	g_autoptr(CopyPlan) plan = copy_plan_new(&spec, error);
	return plan && copy_plan_apply(plan, &target, &stats, error);
}

static bool write_tar(const Export *export, int root_fd, GError **error)
{
	g_autofree char *buffer = g_malloc(TREE_PACK_BUFFER);
	TreePackOutput out = {.fd = export->out_fd, .buffer = buffer};
	const TreePackOptions options = {
		.dir_fd = root_fd,
		.file_fd = -1,
		.has_mtime = export->mtime >= 0,
		.mtime = export->mtime,
		.raw = tree_pack_put,
		.content = tree_pack_put,
		.data = &out,
	};
	TreePackStats stats = {0};
	return tree_pack(&options, &stats, error) && tree_pack_flush(&out, error);
}

static int export_child(void *data)
{
	const Export *export = data;
	g_autoptr(GError) error = NULL;
	(void)umask(0);
	autofd root = openat(export->view->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		(void)error_set_errno(&error, "cannot open the files of the image");
	return root >= 0 && export->write(export, root, &error)
		       ? 0
		       : solver_fail_child(export->message_fd, error);
}

/* An image without layers has no files: nothing can be mounted, and nothing is to be written. */
static bool run_export(Engine *engine, const Image *image, Export *export, GError **error)
{
	autofd message = memfd_create("message", MFD_CLOEXEC);
	if (message < 0)
		return error_set_errno(error, "cannot make a memory file");
	g_autoptr(ContainerView) view =
		container_view_of_build(engine, (const char *const *)image->chain_ids, NULL, error);
	export->view = view;
	export->message_fd = message;
	return view && solver_in_view(view, export_child, export, message, error);
}

bool build_export_dir(Engine *engine, const Image *image, int dest_fd, int64_t mtime,
		      GError **error)
{
	Export export = {.write = write_dir, .out_fd = dest_fd, .mtime = mtime};
	return !image->chain_ids[0] || run_export(engine, image, &export, error);
}

bool build_export_tar(Engine *engine, const Image *image, int fd, int64_t mtime, GError **error)
{
	static const char end[1024];
	Export export = {.write = write_tar, .out_fd = fd, .mtime = mtime};
	if (image->chain_ids[0])
		return run_export(engine, image, &export, error);
	return fd_write_all(fd, end, sizeof end) || error_set_errno(error, "cannot write the tar");
}
