/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: other limits or another restart policy for a container.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/spec_options.h"
#include "libpod/container.h"

typedef struct {
	Selection selection;
	const char *restart;
} UpdateOptions;

static const Option options[] = {
	{0, "restart", OPTION_VALUE, option_set_string, "POLICY",
	 "Restart after an exit: no, on-failure[:TIMES], always or unless-stopped",
	 offsetof(UpdateOptions, restart), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(UpdateOptions, selection.latest), OPTION_COMMON},
	OPTION_UNSUPPORTED(0, "cpu-rt-period", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "cpu-rt-runtime", OPTION_VALUE),
	OPTION_UNSUPPORTED('e', "env", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "health-cmd", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-interval", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-log-destination", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-max-log-count", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-max-log-size", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-on-failure", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-retries", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-start-period", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-startup-cmd", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-startup-interval", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-startup-retries", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-startup-success", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-startup-timeout", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "health-timeout", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "no-healthcheck", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "ulimit", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "unsetenv", OPTION_LIST),
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman prints the whole id. */
static int cmd_update(Invocation *inv)
{
	UpdateOptions opts = {0};
	g_autoptr(ContainerSpec) limits = spec_new();
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, limits}))
		return inv->status;
	if (!opts.selection.latest && command_n_args(inv) != 1) {
		output_error_text("accepts 1 arg(s), received %zu", command_n_args(inv));
		return 125;
	}
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(Container) ctr =
		engine ? selection_one(&opts.selection, inv, engine, &error) : NULL;
	const ContainerUpdate update = {.limits = limits, .restart = opts.restart};
	if (!ctr || !container_update(ctr, &update, &error))
		return command_fail(error);
	output_text(container_summary(ctr)->id);
	return 0;
}

const Command update_command = {
	.paths = (const char *const[]){"update", "container update", NULL},
	.usage = "[options] CONTAINER",
	.summary = "Change the limits of a container",
	.description = "Changes the limits and the restart policy of a container, at once if it "
		       "runs, and for its next starts.",
	.examples = (const char *const[]){"skiff update --memory 1g --cpus 2 web",
					  "skiff update --restart always web", NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, &spec_options_resources, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.run = cmd_update,
};
