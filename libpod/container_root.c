/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a container: its own layer, on those of its image, on the stubs that we mount on.
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/mapped_layers.h"
#include "storage/build_layer.h"
#include "storage/layer_mapped.h"
#include "storage/overlay.h"

/*
 * The lowest layer of every root: the empty files and directories that we mount on. Without it each
 * start would make them in the container's own layer (a copy-up of /etc, and a change that `diff`
 * and `commit` would show).
 */
static bool ensure_stubs(Engine *engine, GError **error)
{
	static const char *const directories[] = {"etc", "run", "proc", "sys", "dev"};
	static const char *const files[] = {"etc/hosts", "etc/resolv.conf", "etc/hostname",
					    "run/.containerenv"};
	int cache = store_dir(engine_store(engine), "cache");
	int there = path_is_there(cache, "stubs");
	if (there < 0)
		return error_set_errno(error, "cannot look for the layer of mount points");
	if (there)
		return true;
	g_autoptr(StoreStage) stage = store_stage_new(engine_store(engine), error);
	if (!stage)
		return false;
	autofd made = path_mkdirs_state(store_stage_fd(stage), "stubs");
	bool ok = made >= 0 && fchmodat(store_stage_fd(stage), "stubs", 0755, 0) == 0;
	for (size_t i = 0; ok && i < G_N_ELEMENTS(directories); i++)
		ok = mkdirat(made, directories[i], 0755) == 0 &&
		     fchmodat(made, directories[i], 0755, 0) == 0;
	for (size_t i = 0; ok && i < G_N_ELEMENTS(files); i++) {
		autofd fd = path_open_state(made, files[i], O_WRONLY | O_CREAT | O_EXCL, 0644);
		ok = fd >= 0 && fchmod(fd, 0644) == 0;
	}
	if (ok &&
	    (renameat2(store_stage_fd(stage), "stubs", cache, "stubs", RENAME_NOREPLACE) == 0 ||
	     errno == EEXIST))
		return true;
	return error_set_errno(error, "cannot make the layer of mount points");
}

/* Put the stubs, or the copy of them for @map, below the lowest layer. */
static void add_stubs(const IdMap *map, char **options)
{
	g_autofree char *stubs = map ? mapped_base_path("stubs", map) : g_strdup("cache/stubs");
	for (size_t i = 0; options[i]; i++) {
		if (!g_str_has_prefix(options[i], "lowerdir="))
			continue;
		char *lower = g_strconcat(options[i], ":", stubs, NULL);
		g_free(options[i]);
		options[i] = lower;
	}
}

bool container_plan_overlay(Container *ctr, const ContainerSpec *spec, char ***out, GError **error)
{
	if (spec->rootfs && !spec->rootfs_overlay)
		return true;
	if (spec->infra)
		return ensure_stubs(ctr->engine, error);
	if (spec->layers) {
		if (ensure_stubs(ctr->engine, error))
			*out = build_layer_overlay((const char *const *)spec->layers,
						   spec->layer_dir, error);
		return *out != NULL;
	}
	g_autoptr(Image) image = NULL;
	if (!spec->rootfs) {
		image = image_resolve(engine_store(ctr->engine), spec->image_id, error);
		if (!image)
			return false;
	}
	const char *const *chain_ids = image ? (const char *const *)image->chain_ids : NULL;
	const IdMap *map = mapped_layers_map(ctr->engine, spec->id_map);
	if (!ensure_stubs(ctr->engine, error) ||
	    (map && !mapped_layers_ensure(ctr->engine, chain_ids, "stubs", map, error)))
		return false;
	g_autofree char *upper = g_strconcat("containers/", ctr->dir_name, "/upper", NULL);
	g_autofree char *work = g_strconcat("containers/", ctr->dir_name, "/work", NULL);
	OverlayPlan plan = {
		.chain_ids = chain_ids,
		.rootfs = spec->rootfs,
		.upper = upper,
		.work = work,
		.is_volatile = ctr->summary.auto_remove,
		.userxattr = true, /* one form of whiteouts in every store, real root included */
		.map = map,
	};
	g_auto(GStrv) options = overlay_options(&plan, error);
	if (!options)
		return false;
	add_stubs(map, options);
	*out = g_steal_pointer(&options);
	return true;
}

/* upper/ and work/ of the container's layer. */
static bool make_layer(Container *ctr, const ContainerSpec *spec, GError **error)
{
	int dir = container_dir(ctr, error);
	if (dir < 0 || spec->layers || spec->infra)
		return dir >= 0;
	if ((mkdirat(dir, "upper", 0755) < 0 && errno != EEXIST) ||
	    (mkdirat(dir, "work", 0700) < 0 && errno != EEXIST))
		return error_set_errno(error, "cannot make the layer of container %s",
				       ctr->summary.id);
	/* With an own id map it was given to the container's root at the first start. */
	struct stat st;
	if (fstatat(dir, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (st.st_uid == geteuid() && fchmodat(dir, "upper", 0755, 0) < 0))
		return error_set_errno(error, "cannot set the mode of container %s's layer",
				       ctr->summary.id);
	return true;
}

/* A volatile overlay, which only --rm containers have, leaves a mark in work/ that forbids the next
 * mount. The kernel's directory there may be searched by nobody, so that is not looked for. */
static bool reset_work(Container *ctr, GError **error)
{
	int dir = container_dir(ctr, error);
	if (dir < 0)
		return false;
	if (ctr->summary.auto_remove && !path_remove_tree(dir, "work"))
		return error_set_errno(error, "cannot clear the work directory of container %s",
				       ctr->summary.id);
	return true;
}

bool container_prepare_layer(Container *ctr, const ContainerSpec *spec, GError **error)
{
	return reset_work(ctr, error) && make_layer(ctr, spec, error);
}

char **container_prepare_root(Container *ctr, const ContainerSpec *spec, GError **error)
{
	if (spec->infra)
		return error_set_null(
			error, ENGINE_ERROR_UNSUPPORTED,
			"container %s is the infra container of a pod: it has no files",
			ctr->summary.name);
	char **options = NULL;
	return container_prepare_layer(ctr, spec, error) &&
			       container_plan_overlay(ctr, spec, &options, error)
		       ? options
		       : NULL;
}
