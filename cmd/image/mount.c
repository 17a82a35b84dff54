/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image mount and unmount: images as directories, inside `unshare`.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/image_view.h"
#include "libpod/mount_place.h"

typedef struct {
	bool all, force;
	const char *format;
} MountOptions;

static const Option mount_options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All images", offsetof(MountOptions, all),
	 OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json (default: lines)",
	 offsetof(MountOptions, format), OPTION_COMMON},
	{0},
};

static const OptionGroup mount_group = {NULL, mount_options};

/* The images that are meant: those named, all, or those that are mounted. */
static GPtrArray *choose(const Invocation *inv, Engine *engine, bool all, GError **error)
{
	Store *store = engine_store(engine);
	size_t n = command_n_args(inv);
	if (n > 0 && all)
		return error_set_null(
			error, ENGINE_ERROR_INVALID,
			"when using the --all switch, you may not pass any image names or IDs");
	if (n == 0)
		return images_list(store, error);
	g_autoptr(GPtrArray) images = g_ptr_array_new_with_free_func((GDestroyNotify)image_free);
	for (size_t i = 0; i < n; i++) {
		Image *image = image_resolve(store, command_arg(inv, i), error);
		if (!image)
			return NULL;
		g_ptr_array_add(images, image);
	}
	return g_steal_pointer(&images);
}

static void add_json(Json *list, const Image *image, const char *path)
{
	Json *row = json_object_new_object();
	js_set_string(row, "id", image->id);
	js_set_take(row, "Repositories", js_from_strv((const char *const *)image->names));
	js_set_string(row, "mountpoint", path);
	json_object_array_add(list, row);
}

/* Mount the images, or with @list_only look where they are, and print that. */
static bool mount_images(Engine *engine, const GPtrArray *images, bool list_only, bool single,
			 bool as_json, GError **error)
{
	g_autoptr(Json) list = json_object_new_array();
	for (size_t i = 0; i < images->len; i++) {
		const Image *image = images->pdata[i];
		g_autofree char *path = list_only ? image_mount_path(engine, image)
						  : image_mount(engine, image, error);
		if (!path && !list_only)
			return false;
		if (path && as_json)
			add_json(list, image, path);
		else if (path && single)
			output_text(path);
		else if (path)
			output_printf("%s  %s\n", image->names[0] ? image->names[0] : image->id,
				      path);
	}
	if (as_json)
		output_json(list);
	return true;
}

/* With names, mount them; without, list what is mounted. */
static int cmd_image_mount(Invocation *inv)
{
	MountOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (opts.format && !output_is_json(opts.format))
		error_set(&error, ENGINE_ERROR_INVALID, "unknown --format argument: \"%s\"",
			  opts.format);
	bool named = command_n_args(inv) > 0, list_only = !named && !opts.all;
	if (!error && named != opts.all)
		(void)mount_place_check("image mount", &error);
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, false, &error);
	g_autoptr(GPtrArray) images = engine ? choose(inv, engine, opts.all, &error) : NULL;
	bool single = command_n_args(inv) == 1;
	if (!images ||
	    !mount_images(engine, images, list_only, single, opts.format != NULL, &error))
		return command_fail(error);
	return 0;
}

static const Option unmount_options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All images that are mounted",
	 offsetof(MountOptions, all), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Don't mind images that are not mounted",
	 offsetof(MountOptions, force), OPTION_COMMON},
	{0},
};

static const OptionGroup unmount_group = {NULL, unmount_options};

static int unmount_images(Engine *engine, const GPtrArray *images, bool ignore_absent)
{
	int status = 0;
	for (size_t i = 0; i < images->len; i++) {
		g_autoptr(GError) error = NULL;
		const Image *image = images->pdata[i];
		if (image_unmount(engine, image, &error))
			output_printf("%s\n", image->id);
		else if (!ignore_absent || !error_matches(error, ENGINE_ERROR_NOT_FOUND))
			status = command_fail(error);
	}
	return status;
}

static int cmd_image_unmount(Invocation *inv)
{
	MountOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (command_n_args(inv) == 0 && !opts.all)
		error_set(&error, ENGINE_ERROR_INVALID, "image name or ID must be specified");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, false, &error);
	g_autoptr(GPtrArray) images = engine ? choose(inv, engine, opts.all, &error) : NULL;
	return images ? unmount_images(engine, images, opts.all || opts.force)
		      : command_fail(error);
}

const Command image_mount_command = {
	.paths = (const char *const[]){"image mount", NULL},
	.usage = "[options] [IMAGE...]",
	.summary = "Mount images read-only",
	.description =
		"Mounts images, or lists those that are mounted. Users other than root do so "
		"inside \"skiff unshare\"; the mounts go with it.",
	.examples =
		(const char *const[]){"skiff unshare sh -c 'ls $(skiff image mount debian)'", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&mount_group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_image_mount,
};

const Command image_unmount_command = {
	.paths = (const char *const[]){"image unmount", "image umount", NULL},
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Unmount images",
	.description = "Undoes \"skiff image mount\" in the same \"skiff unshare\".",
	.examples = (const char *const[]){"skiff image unmount debian", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&unmount_group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_image_unmount,
};
