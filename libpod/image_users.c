/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/image_users.h"

#include "libpod/base/error.h"
#include "libpod/container.h"

/* Containers that are created while --force removes others come one by one. */
#define FORCE_ROUNDS 100

/* A container made from the image, or that has it mounted; NULL without @error if there is none. */
static Container *find_user(Engine *engine, const Image *image, GError **error)
{
	g_autoptr(GPtrArray) containers = containers_list_users(engine, error);
	for (size_t i = 0; containers && i < containers->len; i++) {
		Container *ctr = containers->pdata[i];
		if (container_uses_image(ctr, image->id))
			return g_ptr_array_steal_index(containers, (guint)i);
	}
	return NULL;
}

/* Under the lock of all images. */
static bool check_unused(const Image *image, void *data, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Container) user = find_user(data, image, &failed);
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (!user)
		return true;
	error_set(error, ENGINE_ERROR_IN_USE,
		  "image used by %s: image is in use by a container: consider listing external "
		  "containers and force-removing image",
		  container_summary(user)->id);
	error_add_help(error, "skiff rm %s first; skiff rmi -f removes both",
		       container_summary(user)->name);
	return false;
}

/* Not under that lock: a container may take its time to stop. */
static bool remove_users(Engine *engine, const Image *image, GError **error)
{
	const ContainerRemove options = {.force = true, .timeout_s = -1};
	for (;;) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Container) user = find_user(engine, image, &failed);
		if (!user && failed)
			g_propagate_error(error, g_steal_pointer(&failed));
		if (!user)
			return failed == NULL;
		if (!container_remove(user, &options, error))
			return false;
	}
}

bool image_users_remove(Engine *engine, const Image *image, bool force, GError **error)
{
	for (int round = 1;; round++) {
		g_autoptr(GError) failed = NULL;
		if (force && !remove_users(engine, image, error))
			return false;
		if (image_remove(engine_store(engine), image, check_unused, engine, &failed))
			return true;
		if (!force || round == FORCE_ROUNDS ||
		    !error_matches(failed, ENGINE_ERROR_IN_USE)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
}
