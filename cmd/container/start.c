/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start: run containers that were made before.
 */
#include "cmd/commands.h"
#include "cmd/container/foreground.h"
#include "cmd/container/selection.h"
#include "cmd/container/service.h"
#include "cmd/output.h"
#include "libpod/attach.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

typedef struct {
	Selection selection;
	bool attach;
	bool interactive;
	Tristate sig_proxy;
	const char *detach_keys;
	int exit_code; /* of the container we were attached to */
	bool alone;    /* one container was named: what a service manager gave us is its */
} StartOptions;

static const Option options[] = {
	{'a', "attach", OPTION_FLAG, option_set_flag, NULL,
	 "Show the container's output and its exit code", offsetof(StartOptions, attach),
	 OPTION_COMMON},
	{'i', "interactive", OPTION_FLAG, option_set_flag, NULL,
	 "With --attach: pass our standard input on", offsetof(StartOptions, interactive),
	 OPTION_COMMON},
	{0, "detach-keys", OPTION_VALUE, option_set_string, "KEYS",
	 "Keys that leave the container running alone (default ctrl-p,ctrl-q)",
	 offsetof(StartOptions, detach_keys), OPTION_COMMON},
	{0, "sig-proxy", OPTION_TRISTATE, option_set_tristate, NULL,
	 "With --attach: pass signals on (default true)", offsetof(StartOptions, sig_proxy),
	 OPTION_COMMON},
	{0, "all", OPTION_FLAG, option_set_flag, NULL, "All containers",
	 offsetof(StartOptions, selection.all), OPTION_COMMON},
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE", "Containers that match",
	 offsetof(StartOptions, selection.filters), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(StartOptions, selection.latest), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool is_running(const Container *ctr)
{
	return container_summary(ctr)->state == CONTAINER_RUNNING;
}

/* podman's words; to start is not to go on. */
static bool refuse_paused(const Container *ctr, GError **error)
{
	const ContainerSummary *s = container_summary(ctr);
	return s->state != CONTAINER_PAUSED ||
	       error_set(error, ENGINE_ERROR_BAD_STATE,
			 "unable to start container \"%s\": container %s must be in Created or "
			 "Stopped state to be started: container state improper",
			 s->id, s->id);
}

/* Start it as a service, if we are one and it alone is meant. */
static bool start_container(Container *ctr, const StartOptions *opts, ContainerStart *start,
			    int *out_control, GError **error)
{
	int n = opts->alone ? service_describe(start) : 0;
	g_autofree char *preserve = g_strnfill((gsize)n, '1');
	start->preserve = n > 0 ? preserve : NULL;
	return container_start(ctr, start, out_control, error);
}

/* One that runs already is attached to. Its exit code goes to cmd_start(). */
static bool start_attached(Container *ctr, StartOptions *opts, GError **error)
{
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	bool tty = spec->tty;
	const Foreground foreground = {
		.attach_stdin = opts->interactive && spec->open_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = opts->sig_proxy != TRISTATE_FALSE,
		.detach_keys = opts->detach_keys,
	};
	ContainerStart start = {
		.attach_stdin = foreground.attach_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
	};
	autofd control = -1;
	if (is_running(ctr))
		control = attach_open(container_run_fd(ctr), error);
	else if (!start_container(ctr, opts, &start, &control, error))
		return false;
	return control >= 0 &&
	       foreground_run(ctr, control, tty, &foreground, &opts->exit_code, error);
}

static bool start_one(Container *ctr, void *data, GError **error)
{
	StartOptions *opts = data;
	if (!refuse_paused(ctr, error))
		return false;
	if (opts->attach)
		return start_attached(ctr, opts, error) &&
		       false; /* no name, its output is the output */
	g_autoptr(GError) failed = NULL;
	if (!is_running(ctr) &&
	    start_container(ctr, opts, &(ContainerStart){.detached = true}, NULL, &failed))
		return true;
	/* Ours, given twice, or another command may have been faster. */
	if (is_running(ctr) && (!failed || error_matches(failed, ENGINE_ERROR_BAD_STATE)))
		return !opts->selection.all; /* --all names what it started */
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

/* podman's rules and words, in its order. */
static bool check(const StartOptions *opts, const Invocation *inv, GError **error)
{
	const Selection *selection = &opts->selection;
	bool attach = opts->attach;
	if (selection->all && command_n_args(inv) > 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "either start all containers or the container(s) provided in the "
				 "arguments");
	if (attach && selection->all)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "you cannot start and attach all containers at once");
	if (attach && command_n_args(inv) > 1)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "you cannot start and attach multiple containers at once");
	if (opts->sig_proxy == TRISTATE_TRUE && !attach)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "you cannot use sig-proxy without --attach: invalid argument");
	if (opts->detach_keys && !attach_check_detach_keys(opts->detach_keys, error))
		return false;
	return selection_check(selection, inv, "start requires at least one argument", error);
}

/* The container's own code counts only where starting went well. */
static int cmd_start(Invocation *inv)
{
	StartOptions opts = {0};
	g_autoptr(GError) error = NULL;
	int status;
	if (!command_parse(inv, (void *[]){&opts}))
		status = inv->status;
	else if (!check(&opts, inv, &error))
		status = command_fail(error);
	else {
		opts.alone = command_n_args(inv) == 1 && !opts.selection.all;
		status = selection_run(&opts.selection, inv,
				       &(SelectionTask){.work = start_one, .data = &opts});
	}
	selection_clear(&opts.selection);
	return status != 0 ? status : opts.exit_code;
}

const Command start_command = {
	.paths = (const char *const[]){"start", "container start", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Start containers that exist",
	.description =
		"Starts containers again with the options they were made with. With --attach the "
		"container's output is shown and its exit code is ours.",
	.examples = (const char *const[]){"skiff start web", "skiff start -ai shell",
					  "skiff start --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_start,
};
