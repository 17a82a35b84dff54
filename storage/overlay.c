/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay: computes the options of a container's root mount. Pure; runs in the CLI.
 *
 * Paths are relative to the store root, whose descriptor the runtime gets: the home directory may
 * move, and 500 layers fit into one page's worth of options.
 */
#include "storage/overlay.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/layer.h"

#define MAX_LOWER 500

/* "lowerdir=TOP:...:BOTTOM" */
static char *format_lower(const OverlayPlan *plan, GError **error)
{
	if (plan->rootfs) {
		/* The option's own separators cannot be escaped everywhere. */
		if (strpbrk(plan->rootfs, ":,\\"))
			return error_set_null(
				error, ENGINE_ERROR_UNSUPPORTED,
				"'%s': an overlay cannot have ':', ',' or '\\' in its path",
				plan->rootfs);
		return g_strconcat("lowerdir=", plan->rootfs, NULL);
	}

	size_t n = plan->chain_ids ? g_strv_length((char **)plan->chain_ids) : 0;
	if (n == 0)
		return error_set_null(error, ENGINE_ERROR_INVALID, "the image has no layers");
	if (n > MAX_LOWER)
		return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
				      "the image has %zu layers, the kernel takes %d", n,
				      MAX_LOWER);
	GString *text = g_string_new("lowerdir=");
	for (size_t i = n; i-- > 0;) {
		g_autofree char *path = plan->map ? layer_mapped_path(plan->chain_ids[i], plan->map)
						  : layer_diff_path(plan->chain_ids[i]);
		g_string_append(text, path);
		if (i > 0)
			g_string_append_c(text, ':');
	}
	return g_string_free(text, FALSE);
}

char **overlay_options(const OverlayPlan *plan, GError **error)
{
	g_autofree char *lower = format_lower(plan, error);
	if (!lower)
		return NULL;
	g_autoptr(GPtrArray) options = g_ptr_array_new();
	g_ptr_array_add(options, g_steal_pointer(&lower));
	if (plan->upper) {
		g_ptr_array_add(options, g_strconcat("upperdir=", plan->upper, NULL));
		g_ptr_array_add(options, g_strconcat("workdir=", plan->work, NULL));
	}
	if (plan->userxattr)
		g_ptr_array_add(options, g_strdup("userxattr"));
	if (plan->is_volatile && plan->upper)
		g_ptr_array_add(options, g_strdup("volatile"));
	g_ptr_array_add(options, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&options), FALSE);
}
