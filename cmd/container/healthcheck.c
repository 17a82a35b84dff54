/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthcheck run: probe a container's health now.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/container.h"
#include "libpod/monitor/control.h"

#define EXIT_UNHEALTHY 1

typedef struct {
	bool ignore_result;
} HealthcheckOptions;

static const Option options[] = {
	{0, "ignore-result", OPTION_FLAG, option_set_flag, NULL,
	 "End with 0 whatever the probe finds", offsetof(HealthcheckOptions, ignore_result),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman's words for what cannot be probed. */
static bool check(Container *ctr, GError **error)
{
	const ContainerSummary *summary = container_summary(ctr);
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	if (summary->state != CONTAINER_RUNNING)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "container %s is not running",
				 summary->id);
	if (!health_config_has_probe(spec->health))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "container %s has no defined healthcheck", summary->id);
	return true;
}

static Container *find(Engine *engine, const char *name, GError **error)
{
	Container *ctr = container_resolve(engine, name, error);
	if (!ctr)
		g_prefix_error(error, "unable to look up %s to perform a health check: ", name);
	return ctr;
}

static int cmd_healthcheck_run(Invocation *inv)
{
	HealthcheckOptions opts = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *result = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	g_autoptr(Container) ctr = engine ? find(engine, command_arg(inv, 0), &error) : NULL;
	if (!ctr || !check(ctr, &error) || !control_health(container_run_fd(ctr), &result, &error))
		return command_fail(error);
	if (strcmp(result, "healthy") == 0)
		return 0;
	output_printf("%s\n", result);
	return opts.ignore_result ? 0 : EXIT_UNHEALTHY;
}

const Command healthcheck_run_command = {
	.paths = (const char *const[]){"healthcheck run", NULL},
	.usage = "[options] CONTAINER",
	.summary = "Probe the health of a container now",
	.description =
		"Runs the container's health probe once and waits for its end. 0 means that it "
		"passed; 1 that it did not, and says so; 125 that there is no answer. The result "
		"counts as that of every probe: a container that turns unhealthy by it is stopped, "
		"killed or restarted, as --health-on-failure says, before the command returns.",
	.examples = (const char *const[]){"skiff healthcheck run web", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.run = cmd_healthcheck_run,
};
