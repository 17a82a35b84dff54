/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rm: remove containers.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/output.h"
#include "libpod/base/error.h"

typedef struct {
	bool force;
	bool volumes;
	bool depend;
	bool all;        /* of them: in any order */
	int64_t timeout; /* seconds */
} RmOptions;

static const Option options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL,
	 "Stop running containers first, and don't mind missing ones", offsetof(RmOptions, force),
	 OPTION_COMMON},
	{'v', "volumes", OPTION_FLAG, option_set_flag, NULL,
	 "Remove the containers' anonymous volumes too", offsetof(RmOptions, volumes),
	 OPTION_COMMON},
	{'t', "time", OPTION_VALUE, option_set_int, "SECONDS",
	 "With --force: how long to wait before killing", offsetof(RmOptions, timeout),
	 OPTION_COMMON},
	{0, "storage", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0, OPTION_HIDDEN},
	{0, "depend", OPTION_FLAG, option_set_flag, NULL,
	 "Remove the containers that depend on these first", offsetof(RmOptions, depend),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* An infra container is not: if its pod is there it stays. */
static void begin_one(Container *ctr, void *data)
{
	const RmOptions *opts = data;
	if (opts->force && !container_summary(ctr)->infra)
		container_stop_begin(ctr,
				     &(ContainerStop){.timeout_s = selection_time(opts->timeout),
						      .removing = true});
}

static bool remove_one(Container *ctr, void *data, GError **error);

/* --depend: those that depend on the container, and on these; one that went meanwhile is fine. */
static bool remove_dependents(Container *ctr, RmOptions *opts, GError **error)
{
	g_auto(GStrv) ids = container_dependents(ctr, error);
	for (char **id = ids; id && *id; id++) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Container) other = container_resolve(container_engine(ctr), *id, &failed);
		if (other)
			(void)remove_one(other, opts, &failed);
		if (failed && !error_matches(failed, ENGINE_ERROR_NOT_FOUND)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
	return ids != NULL;
}

static bool remove_one(Container *ctr, void *data, GError **error)
{
	RmOptions *opts = data;
	if (opts->depend && !remove_dependents(ctr, opts, error))
		return false;
	const ContainerRemove remove = {
		.force = opts->force,
		.volumes = opts->volumes,
		.timeout_s = selection_time(opts->timeout),
		.keep_dependents = opts->all,
	};
	/* podman names them by id where more than what was typed goes. */
	g_autofree char *id = g_strdup(container_summary(ctr)->id);
	if (!container_remove(ctr, &remove, error))
		return false;
	if (opts->depend)
		output_printf("%s\n", id);
	return !opts->depend;
}

/* podman's codes: 1 a container is missing, 2 one is running. */
static int exit_code(const GError *error)
{
	if (error_matches(error, ENGINE_ERROR_NOT_FOUND))
		return 1;
	if (error_matches(error, ENGINE_ERROR_BAD_STATE))
		return 2;
	return error_exit_code(error);
}

/* --force implies --ignore. Who gives that itself, as units do, does not know whether the container
 * is there: another one whose id begins like the name, "db" say, is not meant. */
static int cmd_rm(Invocation *inv)
{
	RmOptions opts = {.timeout = SELECTION_TIME_UNSET};
	g_auto(Selection) selection = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &selection}))
		return inv->status;
	if (opts.timeout != SELECTION_TIME_UNSET && !opts.force)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--force option must be specified to use the --time option");
	if (error || !selection_check(&selection, inv, NULL, &error))
		return command_fail(error);

	selection.exact = selection.ignore;
	selection.ignore |= opts.force;
	opts.all = selection.all;
	const SelectionTask task = {.begin = begin_one,
				    .work = remove_one,
				    .data = &opts,
				    .wanted = selection_is_no_infra,
				    .exit_code = exit_code};
	return selection_run(&selection, inv, &task);
}

const Command rm_command = {
	.paths = (const char *const[]){"rm", "remove", "container rm", "container remove", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Remove containers",
	.description = "Removes containers, which must not be running unless --force is given. "
		       "Their images and named volumes stay. With --ignore the beginning of an id "
		       "counts only from 12 digits on, so that a name whose container is gone "
		       "stands for no other one.",
	.examples =
		(const char *const[]){"skiff rm web", "skiff rm -f web db", "skiff rm --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &selection_group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_rm,
};
