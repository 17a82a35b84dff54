/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the mounts of a container that starts come from: volumes with their options, images.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/container_priv.h"
#include "libpod/mapped_layers.h"
#include "libpod/volume.h"
#include "libpod/volume_options.h"
#include "storage/overlay.h"

void container_mounts_clear(ContainerMounts *mounts)
{
	for (guint i = 0; i < mounts->n; i++) {
		g_free(mounts->paths[i]);
		g_strfreev(mounts->options[i]);
	}
	g_free(mounts->paths);
	g_free(mounts->copy_up);
	g_free(mounts->options);
}

/* A volume in memory is one for all who use it: where another container that runs has it. */
static char *find_shared(Engine *engine, const char *name)
{
	g_autoptr(GPtrArray) all = containers_list(engine, NULL);
	for (guint i = 0; all && i < all->len; i++) {
		Container *other = all->pdata[i];
		const ContainerSummary *s = container_summary(other);
		bool runs = s->state == CONTAINER_RUNNING && s->pid > 0 && !s->infra;
		if (!runs || !g_strv_contains((const char *const *)s->volume_names, name))
			continue;
		const ContainerSpec *spec = container_spec(other, NULL);
		for (guint m = 0; spec && m < spec->mounts->len; m++) {
			const SpecMount *mount = spec->mounts->pdata[m];
			if (mount->kind == SPEC_MOUNT_VOLUME && strcmp(mount->source, name) == 0)
				return g_strdup_printf("/proc/%d/root%s", (int)s->pid,
						       mount->destination);
		}
	}
	return NULL;
}

/* A volume's directory on the host; its copy-up flag is cleared before anything is copied. */
static bool find_volume(Container *ctr, const SpecMount *mount, guint i, ContainerMounts *sources,
			GError **error)
{
	g_autoptr(Volume) volume = volume_lookup(ctr->engine, mount->source, error);
	VolumeMount plan = {0};
	if (!volume) {
		if (error && !*error)
			error_set(error, ENGINE_ERROR_NOT_FOUND,
				  "no volume with name \"%s\" found: no such volume",
				  mount->source);
		return false;
	}
	if (!volume_mount_plan(volume, &plan, error)) {
		g_prefix_error(error, "mounting volume %s for container %s: ", volume->name,
			       ctr->summary.id);
		return false;
	}
	sources->options[i] = plan.options;
	if (plan.kind == VOLUME_IS_TMPFS && mount->subpath)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "volume %s is in memory: it has no subpath \"%s\"", volume->name,
				 mount->subpath);
	if (plan.kind == VOLUME_IS_TMPFS) {
		sources->paths[i] = find_shared(ctr->engine, volume->name);
		if (sources->paths[i])
			g_clear_pointer(&sources->options[i], g_strfreev);
		return true;
	}
	bool owned = volume->uid >= 0 || volume->gid >= 0;
	if (plan.kind == VOLUME_IS_DIRECTORY && owned) {
		const char *const keep[] = {"keepowner", NULL};
		g_strfreev(sources->options[i]);
		sources->options[i] = g_strdupv((char **)keep);
	}
	sources->paths[i] =
		g_strdup(plan.kind == VOLUME_IS_BIND ? plan.device : volume->mountpoint);
	/* Somebody else's directory is left as it is. */
	sources->copy_up[i] =
		plan.kind == VOLUME_IS_DIRECTORY && mount->copy_up && volume->needs_copy_up;
	return !sources->copy_up[i] || volume_copied_up(ctr->engine, volume->name, error);
}

/* An image as a mount: its layers with a layer of this container's on top, read-only or not. */
static bool find_image(Container *ctr, const ContainerSpec *spec, guint i, ContainerMounts *sources,
		       GError **error)
{
	const SpecMount *mount = spec->mounts->pdata[i];
	g_autoptr(Image) image =
		mount->layers ? NULL
			      : image_resolve(engine_store(ctr->engine), mount->image_id, error);
	g_autofree char *name = g_strdup_printf("mount.%u", i);
	g_autofree char *upper = g_strdup_printf("containers/%s/%s/upper", ctr->dir_name, name);
	g_autofree char *work = g_strdup_printf("containers/%s/%s/work", ctr->dir_name, name);
	const IdMap *map = mapped_layers_map(ctr->engine, spec->id_map);
	const char *const *chain_ids =
		(const char *const *)(image ? image->chain_ids : mount->layers);
	if (!chain_ids ||
	    (map && !mapped_layers_ensure(ctr->engine, chain_ids, "stubs", map, error)))
		return false;
	int store = store_fd(engine_store(ctr->engine));
	autofd made = path_mkdirs_state(store, upper);
	autofd also = path_mkdirs_state(store, work);
	struct stat st;
	/* All in the container see its root; with an own id map it is not ours any more. */
	if (made < 0 || also < 0 || fstat(made, &st) < 0 ||
	    (st.st_uid == geteuid() && fchmodat(store, upper, 0755, 0) < 0))
		return error_set_errno(error, "cannot make the layer of the mount at %s",
				       mount->destination);
	OverlayPlan plan = {
		.chain_ids = chain_ids,
		.upper = upper,
		.work = work,
		.userxattr = true,
		.map = map,
	};
	sources->options[i] = overlay_options(&plan, error);
	return sources->options[i] != NULL;
}

bool container_find_mounts(Container *ctr, const ContainerSpec *spec, ContainerMounts *sources,
			   GError **error)
{
	sources->n = spec->mounts->len;
	sources->paths = g_new0(char *, sources->n + 1);
	sources->copy_up = g_new0(bool, sources->n + 1);
	sources->options = g_new0(char **, sources->n + 1);
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (mount->kind == SPEC_MOUNT_VOLUME && !find_volume(ctr, mount, i, sources, error))
			return false;
		if (mount->kind == SPEC_MOUNT_IMAGE && !find_image(ctr, spec, i, sources, error))
			return false;
	}
	return true;
}

bool container_uses_image(Container *ctr, const char *image_id)
{
	if (g_strcmp0(ctr->summary.image_id, image_id) == 0)
		return true;
	const ContainerSpec *spec = container_spec(ctr, NULL);
	for (guint i = 0; spec && i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (mount->kind == SPEC_MOUNT_IMAGE && g_strcmp0(mount->image_id, image_id) == 0)
			return true;
	}
	return false;
}
