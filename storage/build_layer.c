/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/build_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/layer.h"

#define EMPTY     "cache/empty"
#define STUBS     "cache/stubs"
#define MAX_LOWER 500

/* A directory that anybody may enter, whatever the umask. */
static bool make_dir(int dir_fd, const char *path)
{
	autofd made = path_mkdirs_state(dir_fd, path);
	return made >= 0 && fchmodat(dir_fd, path, 0755, 0) == 0;
}

char *build_layer_new(Store *store, StoreStage *stage, const char *name, GError **error)
{
	g_autofree char *diff = g_strconcat(name, "/diff", NULL);
	g_autofree char *work = g_strconcat(name, ".run/work", NULL);
	g_autofree char *stubs = g_strconcat(name, ".run/stubs", NULL);
	int fd = store_stage_fd(stage);
	if (!make_dir(fd, diff) || !make_dir(fd, work) || !make_dir(fd, stubs))
		return error_set_errno_null(error, "cannot stage a layer");
	return g_build_filename("staging", store_stage_name(stage), name, NULL);
}

bool build_layer_add_stub(Store *store, const char *layer_dir, const char *path, bool is_dir,
			  GError **error)
{
	g_autofree char *name = g_strconcat(layer_dir, ".run/stubs", NULL);
	autofd root = path_open_state(store_fd(store), name, O_RDONLY | O_DIRECTORY, 0);
	mode_t mask = umask(022);
	autofd made = root < 0 ? -1
		      : is_dir ? path_mkdirs_in_root(root, path, 0755)
			       : path_touch_in_root(root, path, 0644);
	(void)umask(mask);
	return made >= 0 ||
	       error_set_errno(error, "cannot make a place for the mount at '%s'", path);
}

bool build_layer_prepare(Store *store, GError **error)
{
	autofd made = path_mkdirs_state(store_fd(store), EMPTY);
	return made >= 0 || error_set_errno(error, "cannot make '" EMPTY "'");
}

/* "lowerdir=TOP:...:BOTTOM:@last" */
static char *format_lower(const char *const *layers, const char *last, GError **error)
{
	size_t n = g_strv_length((char **)layers);
	if (n > MAX_LOWER)
		return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
				      "max depth exceeded: %zu layers, the kernel takes %d", n,
				      MAX_LOWER);
	GString *text = g_string_new("lowerdir=");
	for (size_t i = n; i-- > 0;) {
		g_autofree char *path = layer_diff_path(layers[i]);
		g_string_append_printf(text, "%s:", path);
	}
	g_string_append(text, last);
	return g_string_free(text, FALSE);
}

/* All options; @lower is taken. */
static char **format_options(char *lower, const char *layer_dir)
{
	g_autoptr(GPtrArray) options = g_ptr_array_new();
	g_ptr_array_add(options, lower);
	if (layer_dir) {
		g_ptr_array_add(options, g_strconcat("upperdir=", layer_dir, "/diff", NULL));
		g_ptr_array_add(options, g_strconcat("workdir=", layer_dir, ".run/work", NULL));
		g_ptr_array_add(options, g_strdup("volatile"));
	}
	g_ptr_array_add(options, g_strdup("userxattr"));
	g_ptr_array_add(options, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&options), FALSE);
}

char **build_layer_overlay(const char *const *layers, const char *layer_dir, GError **error)
{
	g_autofree char *last = g_strconcat(layer_dir, ".run/stubs:" STUBS, NULL);
	char *lower = format_lower(layers, last, error);
	return lower ? format_options(lower, layer_dir) : NULL;
}

char **build_layer_view(const char *const *layers, const char *layer_dir, GError **error)
{
	if (!layer_dir && !layers[0])
		return error_set_null(error, ENGINE_ERROR_INVALID, "there are no files in it");
	char *lower = format_lower(layers, EMPTY, error);
	return lower ? format_options(lower, layer_dir) : NULL;
}
