/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/mapped_layers.h"
#include "storage/image.h"
#include "storage/layer.h"
#include "storage/layer_child.h"
#include "storage/layer_mapped.h"

#define MAX_OUTPUT (256u << 20)

static gint compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a + 1, *(const char *const *)b + 1);
}

/* Split what the child wrote; it is foreign text. */
static GPtrArray *split(const char *text, size_t size)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	for (const char *at = text; at < text + size; at += strlen(at) + 1)
		if (at[0] && strchr("ACD", at[0]) && at[1] == '/')
			g_ptr_array_add(list, g_strdup(at));
	g_ptr_array_sort(list, compare_paths);
	return list;
}

/* Compare the layer's directory @upper (below the store) with @lowers, absolute, top first. */
static GPtrArray *run(Engine *engine, const char *upper, const GPtrArray *lowers, GError **error)
{
	Store *store = engine_store(engine);
	int ends[2];
	autofd dir = path_open_state(store_fd(store), upper, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT) /* never started: nothing has changed */
		return g_ptr_array_new_with_free_func(g_free);
	if (dir < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno_null(error, "cannot open '%s'", upper);
	autofd read_end = ends[0], write_end = ends[1];
	g_autofree char *path = g_build_filename(store_path(store), upper, NULL);
	g_autoptr(GPtrArray) args = g_ptr_array_new();
	g_ptr_array_add(args, (char *)"diff");
	for (guint i = 0; i < lowers->len; i++)
		g_ptr_array_add(args, lowers->pdata[i]);
	g_ptr_array_add(args, NULL);
	const LayerChildOptions options = {
		.args = (const char *const *)args->pdata,
		.dir_path = path,
		.dir_fd = dir,
		.stdout_fd = write_end,
	};
	g_autoptr(LayerChild) child = layer_child_start(&options, error);
	fd_close(&write_end);
	size_t size = 0;
	g_autofree char *text = child ? fd_read_all(read_end, MAX_OUTPUT, &size, error) : NULL;
	g_autoptr(Json) report = text ? layer_child_wait_report(child, error) : NULL;
	return report ? split(text, size) : NULL;
}

/* Absolute diff directories of the first @n layers, top first. */
static GPtrArray *lower_paths(Engine *engine, char *const *chain_ids, guint n, const IdMap *map)
{
	const char *root = store_path(engine_store(engine));
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	for (guint i = n; i > 0; i--) {
		g_autofree char *relative = map ? layer_mapped_path(chain_ids[i - 1], map)
						: layer_diff_path(chain_ids[i - 1]);
		g_ptr_array_add(paths, g_build_filename(root, relative, NULL));
	}
	return paths;
}

GPtrArray *changes_of_container(Engine *engine, Container *ctr, GError **error)
{
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return NULL;
	if (spec->rootfs && !spec->rootfs_overlay)
		return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
				      "a container with --rootfs has no image to compare with");
	g_autoptr(Image) image =
		spec->image_id ? image_resolve(engine_store(engine), spec->image_id, error) : NULL;
	if (spec->image_id && !image)
		return NULL;
	guint n = image ? g_strv_length(image->chain_ids) : 0;
	/* With an id map of its own it has copies of the layers. */
	const IdMap *map = mapped_layers_map(engine, spec->id_map);
	g_autoptr(GPtrArray) lowers = lower_paths(engine, image ? image->chain_ids : NULL, n, map);
	if (spec->rootfs)
		g_ptr_array_add(lowers, g_strdup(spec->rootfs));
	/* What is mounted on lies below the image: see container_start.c. */
	g_autofree char *base = map ? mapped_base_path("stubs", map) : g_strdup("cache/stubs");
	g_autofree char *stubs = g_build_filename(store_path(engine_store(engine)), base, NULL);
	struct stat st;
	if (lstat(stubs, &st) == 0)
		g_ptr_array_add(lowers, g_steal_pointer(&stubs));
	g_autofree char *dir = container_dir_path(ctr);
	g_autofree char *name = g_path_get_basename(dir);
	g_autofree char *upper = g_build_filename("containers", name, "upper", NULL);
	return run(engine, upper, lowers, error);
}
