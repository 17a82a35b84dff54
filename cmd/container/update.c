/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: other limits, variables, probes or another restart policy for a container.
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
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman prints the whole id. */
static int cmd_update(Invocation *inv)
{
	UpdateOptions opts = {0};
	g_autoptr(ContainerSpec) asked = spec_new();
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, asked, asked, asked}))
		return inv->status;
	if (!opts.selection.latest && command_n_args(inv) != 1) {
		output_error_text("accepts 1 arg(s), received %zu", command_n_args(inv));
		return 125;
	}
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(Container) ctr =
		engine ? selection_one(&opts.selection, inv, engine, &error) : NULL;
	const ContainerUpdate update = {.asked = asked, .restart = opts.restart};
	if (!ctr || !container_update(ctr, &update, &error))
		return command_fail(error);
	output_text(container_summary(ctr)->id);
	return 0;
}

const Command update_command = {
	.paths = (const char *const[]){"update", "container update", NULL},
	.usage = "[options] CONTAINER",
	.summary = "Change the limits, variables or health checks of a container",
	.description =
		"Changes the limits, the restart policy and the health checks of a container, "
		"at once if it runs, and for its next starts. Variables are changed for its "
		"next runs, those of its restart policy too, and for \"skiff exec\", ulimits for "
		"its next starts.",
	.examples = (const char *const[]){"skiff update --memory 1g --cpus 2 web",
					  "skiff update --restart always web",
					  "skiff update --env DEBUG=1 --unsetenv PROXY web", NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, &spec_options_update, &spec_options_health,
					       &spec_options_resources, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.run = cmd_update,
};
