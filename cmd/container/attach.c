/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach: connect our streams to a running container.
 */
#include "libpod/attach.h"
#include "cmd/commands.h"
#include "cmd/container/foreground.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

typedef struct {
	Selection selection;
	bool no_stdin;
	Tristate sig_proxy;
	const char *detach_keys;
} AttachVerbOptions;

static const Option options[] = {
	{0, "no-stdin", OPTION_FLAG, option_set_flag, NULL, "Don't pass our standard input on",
	 offsetof(AttachVerbOptions, no_stdin), OPTION_COMMON},
	{0, "detach-keys", OPTION_VALUE, option_set_string, "KEYS",
	 "Keys that leave the container running alone (default ctrl-p,ctrl-q)",
	 offsetof(AttachVerbOptions, detach_keys), OPTION_COMMON},
	{0, "sig-proxy", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Pass signals on (default true)", offsetof(AttachVerbOptions, sig_proxy), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(AttachVerbOptions, selection.latest), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Streams of the first process, as it was made: a terminal, stdin or not. */
static bool attach(Container *ctr, const AttachVerbOptions *opts, int *out_code, GError **error)
{
	if (container_summary(ctr)->state != CONTAINER_RUNNING) {
		error_set(error, ENGINE_ERROR_BAD_STATE,
			  "you can only attach to running containers");
		error_add_help(error, "skiff start --attach %s", container_summary(ctr)->name);
		return false;
	}
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	const Foreground foreground = {
		.attach_stdin = spec->open_stdin && !opts->no_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = opts->sig_proxy != TRISTATE_FALSE,
		.detach_keys = opts->detach_keys,
	};
	bool tty = spec->tty;
	autofd control = attach_open(container_run_fd(ctr), error);
	return control >= 0 && foreground_run(ctr, control, tty, &foreground, out_code, error);
}

/* The container's exit code is ours, 0 after a detach. */
static int cmd_attach(Invocation *inv)
{
	AttachVerbOptions opts = {0};
	g_autoptr(GError) error = NULL;
	int code = 0;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (!selection_check(&opts.selection, inv,
			     "\"skiff attach\" requires a name, id, or the \"--latest\" flag",
			     &error) ||
	    (opts.detach_keys && !attach_check_detach_keys(opts.detach_keys, &error)))
		return command_fail(error);
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(Container) ctr = selection_one(&opts.selection, inv, engine, &error);
	if (!ctr || !attach(ctr, &opts, &code, &error))
		return command_fail(error);
	return code;
}

const Command attach_command = {
	.paths = (const char *const[]){"attach", "container attach", NULL},
	.usage = "[options] CONTAINER",
	.summary = "Attach to a running container",
	.description = "Connects standard input, output and error to the container's first process "
		       "until it "
		       "ends or the detach keys are typed.",
	.examples = (const char *const[]){"skiff attach web", "skiff attach --no-stdin web", NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.run = cmd_attach,
};
