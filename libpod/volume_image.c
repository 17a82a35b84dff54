/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/volume_image.h"

#include <unistd.h>

#include "libpod/base/error.h"
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

bool volume_image_fill(Engine *engine, const Image *image, int data_fd, GError **error)
{
	g_autoptr(ContainerView) view =
		container_view_of_build(engine, (const char *const *)image->chain_ids, NULL, error);
	if (!view)
		return false;
	const Tree tree = tree_of_view(view), to = {.root_fd = data_fd};
	const TreeSource from = {.tree = &tree, .path = "/"};
	return tree_transfer(&from, &to, "/", NULL, TREE_OVERWRITE, error) &&
	       (syncfs(data_fd) == 0 || error_set_errno(error, "cannot sync the new volume"));
}
