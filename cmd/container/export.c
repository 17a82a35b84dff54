/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: a container's root file system as a tar.
 */
#include "cmd/archive_output.h"
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/container_view.h"

typedef struct {
	const char *output;
} ExportOptions;

static const Option options[] = {
	{'o', "output", OPTION_VALUE, option_set_string, "FILE",
	 "Write to this file (default: standard output)", offsetof(ExportOptions, output),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Of its own mount, or of one made for us if it does not run. */
static int cmd_export(Invocation *inv)
{
	ExportOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = archive_output_check(opts.output, &error)
					   ? command_engine(inv, false, &error)
					   : NULL;
	g_autoptr(Container) ctr =
		engine ? container_resolve(engine, command_arg(inv, 0), &error) : NULL;
	g_autoptr(ContainerView) view = ctr ? container_view_open(ctr, VIEW_ROOT, &error) : NULL;
	if (!view)
		return command_fail(error);
	Tree tree = tree_of_view(view);
	g_autofree char *problem =
		g_strdup_printf("creating file \"%s\"", opts.output ? opts.output : "-");
	return archive_output_write(&tree, opts.output, TREE_ONE_MOUNT, problem, &error)
		       ? 0
		       : command_fail(error);
}

const Command export_command = {
	.paths = (const char *const[]){"export", "container export", NULL},
	.usage = "[options] CONTAINER",
	.summary = "Write a container's file system to a tar",
	.description = "Writes the container's root file system as a tar, without its volumes and "
		       "other mounts. It need not run.",
	.examples = (const char *const[]){"skiff export -o web.tar web",
					  "skiff export web | skiff import - web:flat", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.run = cmd_export,
};
