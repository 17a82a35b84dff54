/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image import-from: images of podman and docker, for who comes from there.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/events.h"

typedef struct {
	const char *root;
} ImportFromOptions;

static const Option options[] = {
	{0, "from-root", OPTION_VALUE, option_set_string, "DIR",
	 "Where podman has its store (default: as podman)", offsetof(ImportFromOptions, root),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman's store is read as it lies there; podman need not be installed. */
static int from_podman(Invocation *inv, const ImportFromOptions *opts, Engine *engine)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("import-podman");
	fetch_args_add(args, "--podman-root", opts->root);
	for (size_t i = 1; i < command_n_args(inv); i++)
		if (!fetch_args_add_operand(args, command_arg(inv, i), &error))
			return command_fail(error);
	return fetch_args_run(args, engine, NULL);
}

/* docker's own store belongs to its daemon; what "docker save" wrote is an archive. */
static int from_docker(Invocation *inv, Engine *engine)
{
	int code = 0;
	for (size_t i = 1; i < command_n_args(inv) && code == 0; i++) {
		g_autoptr(FetchArgs) args = fetch_args_new("load");
		fetch_args_add(args, "--input", command_arg(inv, i));
		code = fetch_args_run(args, engine, NULL);
		if (code == 0)
			event_image(engine, "loadfromarchive", NULL, command_arg(inv, i));
	}
	return code;
}

static bool check(Invocation *inv, const ImportFromOptions *opts, bool docker, GError **error)
{
	const char *source = command_arg(inv, 0);
	if (!docker && strcmp(source, "podman") != 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unknown source '%s': podman or docker", source);
	if (docker && opts->root)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--from-root is for podman: docker's store is its daemon's");
	if (docker && command_n_args(inv) < 2) {
		error_set(error, ENGINE_ERROR_UNSUPPORTED,
			  "docker's own store belongs to its daemon: name archives of docker save");
		error_add_help(error, "docker save IMAGE | skiff load");
		return false;
	}
	return true;
}

static int cmd_import_from(Invocation *inv)
{
	ImportFromOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	bool docker = strcmp(command_arg(inv, 0), "docker") == 0;
	g_autoptr(Engine) engine =
		check(inv, &opts, docker, &error) ? command_engine(inv, false, &error) : NULL;
	if (!engine)
		return command_fail(error);
	return docker ? from_docker(inv, engine) : from_podman(inv, &opts, engine);
}

const Command image_import_from_command = {
	.paths = (const char *const[]){"image import-from", NULL},
	.usage = "[options] podman [IMAGE...] | docker FILE...",
	.summary = "Take over images of podman or docker",
	.description =
		"Copies images out of podman's local store, all or those named, which is only "
		"read; or out of "
		"archives that \"docker save\" wrote.",
	.examples = (const char *const[]){"skiff image import-from podman",
					  "skiff image import-from podman debian:12",
					  "skiff image import-from docker saved.tar", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_import_from,
};
