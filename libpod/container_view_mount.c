/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/container_view_mount.h"

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/container_priv.h"
#include "libpod/container_view_priv.h"
#include "libpod/mount_place.h"

char *container_mount_path(Container *ctr)
{
	return mount_place_path(ctr->engine, ctr->summary.id);
}

/* Of a container that does not run, under its lock: the overlay, or the tree of a plain --rootfs,
 * as a detached mount of this namespace. */
static char *mount_stopped(Container *ctr, GError **error)
{
	g_autoptr(RecordLock) life = container_lock_life(ctr, true, "mount", error);
	const ContainerSpec *spec = life ? container_spec(ctr, error) : NULL;
	autofd mount = spec ? view_open_root(ctr, spec, error) : -1;
	return mount < 0 ? NULL : mount_place_attach(ctr->engine, ctr->summary.id, mount, error);
}

/* Its own mount, cloned by a child that entered its mount namespace. */
static char *mount_running(Container *ctr, GError **error)
{
	g_autoptr(ContainerView) view = container_view_open(ctr, VIEW_ROOT, error);
	return view ? mount_place_attach(ctr->engine, ctr->summary.id, view->root_fd, error) : NULL;
}

char *container_mount(Container *ctr, GError **error)
{
	if (!mount_place_check("mount", error))
		return NULL;
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "mount", error);
	if (!op || !container_reload(ctr, error) || container_run_fd(ctr) < 0)
		return NULL;
	char *path = container_mount_path(ctr);
	if (!path && container_is_live(ctr))
		return mount_running(ctr, error);
	if (!path && container_check_unmounted(ctr, error))
		path = mount_stopped(ctr, error);
	if (!container_is_live(ctr))
		(void)container_drop_runtime(ctr); /* the lock made it */
	return path;
}

bool container_unmount(Container *ctr, GError **error)
{
	return mount_place_detach(ctr->engine, ctr->summary.id, error);
}

bool container_check_unmounted(Container *ctr, GError **error)
{
	if (!mount_place_is_used(ctr->engine, ctr->summary.id))
		return true;
	error_set(error, ENGINE_ERROR_BAD_STATE,
		  "container %s is mounted: container state improper", ctr->summary.id);
	error_add_help(error, "unmount it in the `skiff unshare` where it is, or end that");
	return false;
}
