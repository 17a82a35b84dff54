/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume export, volume import: what a volume holds, as a tar.
 */
#include <unistd.h>

#include "cmd/archive_output.h"
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "libpod/volume.h"

typedef struct {
	const char *output;
} ExportOptions;

static const Option export_options[] = {
	{'o', "output", OPTION_VALUE, option_set_string, "FILE",
	 "Write to this file (default: standard output)", offsetof(ExportOptions, output),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup export_group = {NULL, export_options};

/* podman's words, which are others than those of `volume rm`. */
static Volume *find_volume(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	Volume *volume = volume_resolve(engine, name, &failed);
	if (error_matches(failed, ENGINE_ERROR_NOT_FOUND)) {
		g_clear_error(&failed);
		error_set(error, ENGINE_ERROR_NOT_FOUND, "no such volume %s", name);
	}
	if (failed)
		g_propagate_error(error, failed);
	return volume;
}

/* The archive has the owners as containers of the user see them. */
static int cmd_volume_export(Invocation *inv)
{
	ExportOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(Volume) volume = engine ? find_volume(engine, command_arg(inv, 0), &error) : NULL;
	autofd data = volume ? volume_open_data(engine, volume, &error) : -1;
	const Tree tree = {.root_fd = data};
	g_autofree char *problem = g_strdup_printf("could not create tarball file '%s'",
						   opts.output ? opts.output : "-");
	if (data < 0 || !archive_output_write(&tree, opts.output, 0, problem, &error))
		return command_fail(error);
	return 0;
}

/* Unpack the archive @file into the volume; the owners are those of the archive. */
static bool import(int data_fd, const char *file, GError **error)
{
	pid_t pid = -1;
	const Tree tree = {.root_fd = data_fd};
	autofd in = tree_input(file, &pid, error);
	if (in < 0)
		return false;
	g_autoptr(LayerChild) child = tree_put(&tree, "/", NULL, TREE_OVERWRITE, in, error);
	fd_close(&in);
	g_autoptr(Json) report = child ? layer_child_wait_report(child, error) : NULL;
	int code = spawn_wait(pid, report ? error : NULL);
	if (report && code > 0)
		return error_set(error, ENGINE_ERROR_CORRUPT, "the archive could not be read");
	return report && code == 0;
}

/* Synced before we say that it is done, as all of a volume. */
static int cmd_volume_import(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(Volume) volume = engine ? find_volume(engine, command_arg(inv, 0), &error) : NULL;
	autofd data = volume ? volume_open_data(engine, volume, &error) : -1;
	/* What an image has at the volume's place must not be mixed into it later. */
	if (data < 0 || !volume_copied_up(engine, volume->name, &error) ||
	    !import(data, command_arg(inv, 1), &error))
		return command_fail(error);
	if (syncfs(store_fd(engine_store(engine))) == 0)
		return 0;
	error_set_errno(&error, "cannot sync volume '%s'", volume->name);
	return command_fail(error);
}

const Command volume_export_command = {
	.paths = (const char *const[]){"volume export", NULL},
	.usage = "[options] VOLUME",
	.summary = "Write what a volume holds to a tar",
	.description = "Writes all files of a volume, with their owners, as a tar.",
	.examples = (const char *const[]){"skiff volume export -o data.tar data", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&export_group, NULL},
	.arg = COMMAND_ARG_VOLUME,
	.run = cmd_volume_export,
};

const Command volume_import_command = {
	.paths = (const char *const[]){"volume import", NULL},
	.usage = "VOLUME FILE",
	.summary = "Unpack a tar into a volume",
	.description = "Unpacks a tar (plain, gzip or zstd; \"-\": standard input) into a volume "
		       "that exists. What it holds already stays, unless the archive has it too.",
	.examples =
		(const char *const[]){"skiff volume import data data.tar",
				      "gunzip < data.tar.gz | skiff volume import data -", NULL},
	.min_args = 2,
	.max_args = 2,
	.arg = COMMAND_ARG_VOLUME,
	.more_args = COMMAND_ARG_FILE,
	.run = cmd_volume_import,
};
