/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/volume_image.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/container_view.h"
#include "libpod/tree_transfer.h"

Image *volume_image_find(Engine *engine, const Volume *volume, GError **error)
{
	const char *name = NULL, *key, *value;
	GHashTableIter iter;
	g_hash_table_iter_init(&iter, volume->options);
	while (g_hash_table_iter_next(&iter, (void **)&key, (void **)&value)) {
		if (g_ascii_strcasecmp(key, "image") != 0)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "invalid mount option %s for driver 'image': "
					      "invalid argument",
					      key);
		name = value;
	}
	if (!name || !*name)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "must provide an image name when creating a volume with the "
				      "image driver: invalid argument");
	Image *image = image_resolve(engine_store(engine), name, error);
	if (!image)
		g_prefix_error(error, "looking up image %s to create volume failed: ", name);
	return image;
}

/* Two children: one reads the layers, the other writes what comes through the pipe. */
static bool transfer(const Tree *from, const Tree *to, GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd read_end = ends[0], write_end = ends[1];
	g_autoptr(LayerChild) get = tree_get(from, "/", NULL, 0, write_end, error);
	fd_close(&write_end);
	g_autoptr(LayerChild) put =
		get ? tree_put(to, "/", NULL, TREE_OVERWRITE, read_end, error) : NULL;
	fd_close(&read_end);
	if (!put)
		return false;
	g_autoptr(GError) unread = NULL;
	g_autoptr(Json) report = layer_child_wait_report(put, error);
	bool got = tree_get_finish(get, &unread);
	if (report && !got)
		g_propagate_error(error, g_steal_pointer(&unread));
	return report && got;
}

bool volume_image_fill(Engine *engine, const Image *image, int data_fd, GError **error)
{
	g_autoptr(ContainerView) view =
		container_view_of_build(engine, (const char *const *)image->chain_ids, NULL, error);
	if (!view)
		return false;
	const Tree from = tree_of_view(view), to = {.root_fd = data_fd};
	return transfer(&from, &to, error) &&
	       (syncfs(data_fd) == 0 || error_set_errno(error, "cannot sync the new volume"));
}
