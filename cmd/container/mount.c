/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount and unmount: containers' roots as directories, inside `unshare`.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/container_view_mount.h"
#include "libpod/mount_place.h"

typedef struct {
	Selection selection;
	const char *format;
	bool no_trunc;
	bool force; /* for docker's and podman's sake: an unmount has nothing to force */
} MountOptions;

static const Option mount_options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All containers",
	 offsetof(MountOptions, selection.all), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(MountOptions, selection.latest), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json (default: lines)",
	 offsetof(MountOptions, format), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Print ids in full",
	 offsetof(MountOptions, no_trunc), OPTION_COMMON},
	{0, "notruncate", OPTION_FLAG, option_set_flag, NULL, "The same as --no-trunc",
	 offsetof(MountOptions, no_trunc), OPTION_HIDDEN},
	{0},
};

static const OptionGroup mount_group = {NULL, mount_options};

/* Mount one and print where; its name is not printed. */
static bool mount_one(Container *ctr, void *data, GError **error)
{
	g_autofree char *path = container_mount(ctr, error);
	if (path)
		output_text(path);
	return false;
}

static void add_json(Json *list, const ContainerSummary *summary, const char *path)
{
	Json *row = json_object_new_object();
	js_set_string(row, "id", summary->id);
	js_set_take(row, "Names", js_from_strv((const char *const[]){summary->name, NULL}));
	js_set_string(row, "mountpoint", path);
	json_object_array_add(list, row);
}

/* Those that are mounted in this mount namespace. */
static bool list_mounts(Engine *engine, const MountOptions *opts, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	g_autoptr(Json) list = json_object_new_array();
	for (guint i = 0; all && i < all->len; i++) {
		const ContainerSummary *summary = container_summary(all->pdata[i]);
		g_autofree char *path = container_mount_path(all->pdata[i]);
		if (path && opts->format)
			add_json(list, summary, path);
		else if (path)
			output_printf("%.*s  %s\n", opts->no_trunc ? 64 : 12, summary->id, path);
	}
	if (all && opts->format)
		output_json(list);
	return all != NULL;
}

/* podman's rules: a format is looked at only where a list is printed. */
static int cmd_mount(Invocation *inv)
{
	MountOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	bool listing = command_n_args(inv) == 0 && !opts.selection.all && !opts.selection.latest;
	if (!listing) {
		if (!selection_check(&opts.selection, inv, NULL, &error) ||
		    !mount_place_check(inv->path, &error))
			return command_fail(error);
		return selection_run(&opts.selection, inv, &(SelectionTask){.work = mount_one});
	}
	if (opts.format && *opts.format && !output_is_json(opts.format))
		error_set(&error, ENGINE_ERROR_INVALID, "unknown --format argument: \"%s\"",
			  opts.format);
	if (opts.format && !*opts.format)
		opts.format = NULL;
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, true, &error);
	return engine && list_mounts(engine, &opts, &error) ? 0 : command_fail(error);
}

static const Option unmount_options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All containers that are mounted",
	 offsetof(MountOptions, selection.all), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Unmount in any case",
	 offsetof(MountOptions, force), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(MountOptions, selection.latest), OPTION_COMMON},
	{0},
};

static const OptionGroup unmount_group = {NULL, unmount_options};

/* --all names those that were mounted. */
static bool unmount_one(Container *ctr, void *data, GError **error)
{
	const MountOptions *opts = data;
	g_autofree char *path = container_mount_path(ctr);
	return container_unmount(ctr, error) && (path || !opts->selection.all);
}

static int cmd_unmount(Invocation *inv)
{
	MountOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (!selection_check(&opts.selection, inv, NULL, &error))
		return command_fail(error);
	return selection_run(&opts.selection, inv,
			     &(SelectionTask){.work = unmount_one, .data = &opts});
}

const Command mount_command = {
	.paths = (const char *const[]){"mount", "container mount", NULL},
	.usage = "[options] [CONTAINER...]",
	.summary = "Mount the root file systems of containers",
	.description =
		"Mounts containers' roots and prints where, or lists those that are mounted. Users "
		"other than root do so inside \"skiff unshare\"; the mounts go with it. A "
		"container that is mounted cannot be started.",
	.examples = (const char *const[]){"skiff unshare sh -c 'ls $(skiff mount web)'", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&mount_group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_mount,
};

const Command unmount_command = {
	.paths = (const char *const[]){"unmount", "umount", "container unmount", "container umount",
				       NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Unmount the root file systems of containers",
	.description = "Undoes \"skiff mount\" in the same \"skiff unshare\".",
	.examples = (const char *const[]){"skiff unmount web", "skiff unmount --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&unmount_group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_unmount,
};
