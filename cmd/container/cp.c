/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp: files between the host and containers.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/copy.h"

typedef struct {
	bool archive;
	bool overwrite;
} CpOptions;

static const Option options[] = {
	{'a', "archive", OPTION_FLAG, option_set_flag, NULL,
	 "Give files in a container to its user (default true); false: keep the owners of the "
	 "source",
	 offsetof(CpOptions, archive), OPTION_COMMON},
	{0, "overwrite", OPTION_FLAG, option_set_flag, NULL,
	 "Let files replace directories, and directories files", offsetof(CpOptions, overwrite),
	 OPTION_COMMON},
	{0, "extract", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0, OPTION_HIDDEN},
	{0, "pause", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0, OPTION_HIDDEN},
	{0},
};

static const OptionGroup group = {NULL, options};

/* "CONTAINER:PATH"; what begins with "." or "/" is a path of the host, whatever it holds. */
static bool split(const char *text, char **out_name, const char **out_path)
{
	const char *colon = strchr(text, ':');
	bool is_host = text[0] == '.' || text[0] == '/' || !colon;
	*out_name = is_host ? NULL : g_strndup(text, (size_t)(colon - text));
	*out_path = is_host ? text : colon + 1;
	return **out_path != '\0' && colon != text;
}

static Container *find(Engine *engine, const char *name, GError **error)
{
	g_autoptr(GError) failed = NULL;
	Container *ctr = container_lookup(engine, name, &failed);
	if (failed)
		g_propagate_error(error, g_steal_pointer(&failed));
	else if (!ctr)
		error_set(error, ENGINE_ERROR_NOT_FOUND, "container \"%s\" does not exist", name);
	return ctr;
}

/* Find the containers that the two arguments name, and copy. */
static bool cp(const Invocation *inv, const CpOptions *opts, GError **error)
{
	const char *source = command_arg(inv, 0), *target = command_arg(inv, 1);
	g_autofree char *from_name = NULL, *to_name = NULL;
	CopyEnd from = {0}, to = {0};
	if (!split(source, &from_name, &from.path) || !split(target, &to_name, &to.path))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid arguments \"%s\", \"%s\": you must specify paths", source,
				 target);
	if (!from_name && !to_name)
		return error_set(error, ENGINE_ERROR_INVALID, "name or ID cannot be empty");
	g_autoptr(Engine) engine = command_engine(inv, false, error);
	g_autoptr(Container) from_ctr = engine && from_name ? find(engine, from_name, error) : NULL;
	if (!engine || (from_name && !from_ctr))
		return false;
	g_autoptr(Container) to_ctr = to_name ? find(engine, to_name, error) : NULL;
	if (to_name && !to_ctr)
		return false;
	from.ctr = from_ctr;
	from.name = from_name;
	to.ctr = to_ctr;
	to.name = to_name;
	const CopyOptions copy = {.keep_owner = !opts->archive, .overwrite = opts->overwrite};
	return copy_run(&from, &to, &copy, error);
}

static int cmd_cp(Invocation *inv)
{
	CpOptions opts = {.archive = true};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	return cp(inv, &opts, &error) ? 0 : command_fail(error);
}

const Command cp_command = {
	.paths = (const char *const[]){"cp", "container cp", NULL},
	.usage = "[options] [CONTAINER:]SOURCE [CONTAINER:]DESTINATION",
	.summary = "Copy files between the host and containers",
	.description = "Copies a file, or a directory with all it holds, into a container, out of "
		       "one, or from one to another. They need not run.",
	.examples =
		(const char *const[]){"skiff cp app.conf web:/etc/", "skiff cp web:/var/log/. logs",
				      "skiff cp web:/etc - | tar t", NULL},
	.man = "# PATHS\n\nA directory that exists receives the source under its own name; with "
	       "*/.* behind the source it receives what the source holds. A destination that does "
	       "not exist becomes a copy of the source; the directory above it must exist. A file "
	       "replaces a file. Links at the end of a path are followed, inside the container "
	       "where it is one of a container. *-* as the source is a tar on standard input "
	       "(plain, gzip, zstd), as the destination one on standard output.\n\nOn the host "
	       "files belong to the user who runs the command. A mount of a running container is "
	       "written to where it is mounted.\n",
	.min_args = 2,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_FILE,
	.more_args = COMMAND_ARG_FILE,
	.run = cmd_cp,
};
