/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume rm
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/rootless.h"
#include "libpod/volume.h"

typedef struct {
	bool all, force;
} VolumeRmOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All volumes",
	 offsetof(VolumeRmOptions, all), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL,
	 "Remove the containers that use it too, and don't mind missing ones",
	 offsetof(VolumeRmOptions, force), OPTION_COMMON},
	OPTION_UNSUPPORTED('t', "time", OPTION_VALUE),
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman's codes: 1 a volume is missing, 2 one is in use. */
static int fail(const GError *error)
{
	command_fail(error);
	if (error_matches(error, ENGINE_ERROR_NOT_FOUND))
		return 1;
	return error_matches(error, ENGINE_ERROR_IN_USE) ? 2 : error_exit_code(error);
}

static int remove_volume(Engine *engine, const Volume *volume, const char *shown, bool force)
{
	g_autoptr(GError) error = NULL;
	if (!volume_remove(engine, volume, force, &error))
		return fail(error);
	output_text(shown);
	return 0;
}

static int remove_named(Engine *engine, const char *name, bool force)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Volume) volume = volume_resolve(engine, name, &error);
	if (volume)
		return remove_volume(engine, volume, name, force);
	return force && error_matches(error, ENGINE_ERROR_NOT_FOUND) ? 0 : fail(error);
}

/* A volume in use is said and passed over. Return: the last exit code other than 0. */
static int remove_all(Engine *engine, bool force)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) volumes = volumes_list(engine, &error);
	if (!volumes)
		return command_fail(error);
	int status = 0;
	for (size_t i = 0; i < volumes->len; i++) {
		const Volume *volume = volumes->pdata[i];
		int code = remove_volume(engine, volume, volume->name, force);
		status = code != 0 ? code : status;
	}
	return status;
}

/* The trash is emptied once, also after failures. */
static int cmd_volume_rm(Invocation *inv)
{
	VolumeRmOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	size_t n = command_n_args(inv);
	if ((n > 0) == opts.all) {
		output_error_text("choose either one or more volumes or all");
		return 125;
	}
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	int status = opts.all ? remove_all(engine, opts.force) : 0;
	for (size_t i = 0; i < n; i++) {
		int code = remove_named(engine, command_arg(inv, i), opts.force);
		/* podman: one in use (2) says more than a missing one (1). */
		status = status == 0 || code == 2 ? code : status;
	}
	return rootless_empty_trash(engine, &error) ? status : command_fail(error);
}

const Command volume_rm_command = {
	.paths = (const char *const[]){"volume rm", "volume remove", NULL},
	.usage = "[options] VOLUME [VOLUME...]",
	.summary = "Remove volumes",
	.description =
		"Removes volumes and all that is in them. A volume that a container uses stays, "
		"unless --force is given.",
	.examples = (const char *const[]){"skiff volume rm data", "skiff volume rm --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_VOLUME,
	.more_args = COMMAND_ARG_VOLUME,
	.run = cmd_volume_rm,
};
