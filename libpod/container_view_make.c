/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of a container that does not run. A child makes a user and a mount namespace, mounts the
 * overlay there and the volumes on it, and sends the root home together with the namespaces: the
 * mounts live as long as somebody holds those descriptors, and need no process.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/userns.h"
#include "libpod/container_view_priv.h"
#include "libpod/rootless.h"
#include "libpod/runtime/rootfs.h"
#include "libpod/volume.h"

/* Something of the host that is mounted in the container. */
typedef struct {
	char *source;      /* absolute */
	char *part;        /* of it, or NULL: all */
	char *destination; /* in the container */
	bool read_only;
} ViewMount;

typedef struct {
	const char *store_path;
	const char *rootfs; /* plain --rootfs, else NULL */
	GPtrArray *words;   /* of the overlay */
	GPtrArray *mounts;  /* of ViewMount */
	int socket;
} MakeJob;

static void free_mount(void *data)
{
	ViewMount *mount = data;
	g_free(mount->source);
	g_free(mount->part);
	g_free(mount->destination);
	g_free(mount);
}

/* Volumes and bind mounts, in their order; a volume that is gone is left out. */
static GPtrArray *find_mounts(Engine *engine, const ContainerSpec *spec, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_mount);
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *from = g_ptr_array_index(spec->mounts, i);
		g_autoptr(GError) failed = NULL;
		g_autoptr(Volume) volume = from->kind == SPEC_MOUNT_VOLUME
						   ? volume_lookup(engine, from->source, &failed)
						   : NULL;
		if (failed) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return NULL;
		}
		const char *source = from->kind == SPEC_MOUNT_BIND ? from->source
				     : volume                      ? volume->mountpoint
								   : NULL;
		if (!source || from->overlay)
			continue;
		ViewMount *mount = g_new0(ViewMount, 1);
		mount->source = g_strdup(source);
		mount->part = g_strdup(from->subpath);
		mount->destination = g_strdup(from->destination);
		mount->read_only = from->read_only;
		g_ptr_array_add(list, mount);
	}
	return g_steal_pointer(&list);
}

/* Put one of them onto its place, which is made as a start would make it. */
static bool attach(int root_fd, const ViewMount *mount, GError **error)
{
	const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
	autofd part =
		mount->part ? path_open_part(AT_FDCWD, mount->source, mount->part, O_PATH) : -1;
	autofd tree = mount->part ? open_tree(part, "", flags | AT_EMPTY_PATH)
				  : open_tree(AT_FDCWD, mount->source, flags);
	struct stat st;
	if (tree < 0 || fstat(tree, &st) < 0)
		return error_set_errno(error, "cannot open '%s'", mount->source);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	if (mount->read_only && mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		return error_set_errno(error, "cannot make '%s' read-only", mount->destination);
	autofd place = S_ISDIR(st.st_mode) ? path_mkdirs_in_root(root_fd, mount->destination, 0755)
					   : path_touch_in_root(root_fd, mount->destination, 0644);
	if (place < 0 ||
	    move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set_errno(error, "cannot mount '%s'", mount->destination);
	return true;
}

/* The root as a detached mount of this mount namespace. @rootfs: a plain --rootfs, else NULL. */
static int open_root(const char *store_path, const char *rootfs, const GPtrArray *words,
		     GError **error)
{
	if (rootfs) {
		int tree = open_tree(AT_FDCWD, rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (tree < 0)
			error_set_errno(error, "cannot open '%s'", rootfs);
		return tree;
	}
	autofd store = openat(AT_FDCWD, store_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store >= 0)
		return rootfs_overlay(store, words, "/", error);
	error_set_errno(error, "cannot open '%s'", store_path);
	return -1;
}

/* The root, attached over some directory of this namespace, so that others can be put onto it. */
static int make_root(const MakeJob *job, GError **error)
{
	autofd root = open_root(job->store_path, job->rootfs, job->words, error);
	if (root >= 0 && move_mount(root, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		error_set_errno(error, "cannot mount the container's root");
		return -1;
	}
	return fd_steal(&root);
}

/* In the new namespaces. */
static int make(void *data)
{
	const MakeJob *job = data;
	g_autoptr(GError) error = NULL;
	ViewReport report = {0};
	autofd userns = openat(AT_FDCWD, "/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	autofd mounts = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	/* lint: allow mount: only the propagation of our own mounts changes */
	if (userns < 0 || mounts < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		error_set_errno(&error, "cannot make the mounts private");
	(void)umask(0);
	autofd root = error ? -1 : make_root(job, &error);
	for (guint i = 0; root >= 0 && !error && i < job->mounts->len; i++)
		(void)attach(root, job->mounts->pdata[i], &error);
	if (error)
		return view_send_error(job->socket, error);
	const int fds[] = {root, userns, mounts};
	return !fd_send(job->socket, &report, sizeof report, fds, G_N_ELEMENTS(fds));
}

/* @ranges are in terms of the shared namespace: what are they outside of that? */
static void compose(const GArray *ranges, const GArray *shared, GArray *out)
{
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *own = &g_array_index(ranges, IdRange, i);
		for (guint j = 0; j < shared->len; j++) {
			const IdRange *range = &g_array_index(shared, IdRange, j);
			uint64_t first = MAX(own->outside, range->inside);
			uint64_t end = MIN((uint64_t)own->outside + own->count,
					   (uint64_t)range->inside + range->count);
			if (first < end)
				idmap_add(out, (uint32_t)(own->inside + first - own->outside),
					  (uint32_t)(range->outside + first - range->inside),
					  (uint32_t)(end - first));
		}
	}
}

/* The map in which the container's files have the owners that it knows; NULL for real root. */
static IdMap *view_map(Engine *engine, const ContainerSpec *spec)
{
	const IdMap *shared = engine_id_map(engine);
	if (!spec->id_map || (shared && idmap_is_single(shared)))
		return shared ? idmap_copy(shared) : NULL;
	if (!shared)
		return idmap_copy(spec->id_map);
	IdMap *map = idmap_new();
	compose(spec->id_map->uids, shared->uids, map->uids);
	compose(spec->id_map->gids, shared->gids, map->gids);
	return map;
}

typedef struct {
	int dir_fd;
	const IdMap *map;
} GiveJob;

/* In the shared namespace: what the container's root needs to own. */
static int give(void *data)
{
	const GiveJob *job = data;
	uid_t uid = idmap_root(job->map->uids);
	gid_t gid = idmap_root(job->map->gids);
	return fchownat(job->dir_fd, "upper", uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	       fchownat(job->dir_fd, "work", uid, gid, AT_SYMLINK_NOFOLLOW) < 0;
}

/* A layer that was never started with its own map still belongs to us. */
static bool give_layer(Container *ctr, const ContainerSpec *spec, GError **error)
{
	struct stat st;
	GiveJob job = {.dir_fd = container_dir_fd(ctr), .map = spec->id_map};
	const IdMap *shared = engine_id_map(ctr->engine);
	if (!spec->id_map || (shared && idmap_is_single(shared)) ||
	    path_is_there(job.dir_fd, "upper") == 0)
		return true;
	if (fstatat(job.dir_fd, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot look at the layer of container %s",
				       ctr->summary.id);
	if (st.st_uid != geteuid())
		return true;
	int code = rootless_run(ctr->engine, give, &job, error);
	if (code > 0)
		return error_set(error, ENGINE_ERROR_SYSTEM,
				 "cannot give the layer of container %s to its root",
				 ctr->summary.id);
	return code == 0;
}

/* Fork the child and take what it sends. */
static bool run_make(ContainerView *view, MakeJob *job, const IdMap *map, GError **error)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set_errno(error, "cannot make a socket");
	autofd ours = ends[0], theirs = ends[1];
	job->socket = theirs;
	int fds[] = {-1, -1, -1};
	pid_t pid = userns_fork_new(map, CLONE_NEWNS, make, job, NULL, error);
	fd_close(&theirs);
	if (pid < 0 || !view_receive(pid, ours, fds, G_N_ELEMENTS(fds), error))
		return false;
	view->root_fd = fds[0];
	view->userns_fd = fds[1];
	view->mounts_fd = fds[2];
	if (!map)
		fd_close(&view->userns_fd);
	return true;
}

/* The words of its overlay, in directories that are ready; empty with a plain --rootfs. */
static GPtrArray *prepare_root(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char **options = container_prepare_root(ctr, spec, &failed);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; options && options[i]; i++)
		g_ptr_array_add(words, options[i]);
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	return !options || give_layer(ctr, spec, error) ? g_steal_pointer(&words) : NULL;
}

int view_open_root(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(GPtrArray) words = prepare_root(ctr, spec, error);
	return words ? open_root(store_path(engine_store(ctr->engine)),
				 words->len == 0 ? spec->rootfs : NULL, words, error)
		     : -1;
}

bool view_mount(ContainerView *view, Engine *engine, char *const *words, const IdMap *map,
		GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	g_autoptr(GPtrArray) mounts = g_ptr_array_new_with_free_func(free_mount);
	for (; *words; words++)
		g_ptr_array_add(list, *words);
	MakeJob job = {
		.store_path = store_path(engine_store(engine)),
		.words = list,
		.mounts = mounts,
	};
	return run_make(view, &job, map, error);
}

bool view_make(ContainerView *view, ViewKind kind, GError **error)
{
	Container *ctr = view->ctr;
	const ContainerSpec *spec = container_spec(ctr, error);
	g_autoptr(GPtrArray) words = spec ? prepare_root(ctr, spec, error) : NULL;
	if (!words)
		return false;
	g_autoptr(GPtrArray) mounts = kind == VIEW_MOUNTS
					      ? find_mounts(ctr->engine, spec, error)
					      : g_ptr_array_new_with_free_func(free_mount);
	g_autoptr(IdMap) map = view_map(ctr->engine, spec);
	MakeJob job = {
		.store_path = store_path(engine_store(ctr->engine)),
		.rootfs = words->len == 0 ? spec->rootfs : NULL,
		.words = words,
		.mounts = mounts,
	};
	return mounts && run_make(view, &job, map, error);
}
