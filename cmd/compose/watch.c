/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose watch: up, and then what develop.watch says.
 */
#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_up.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/compose_watch.h"
#include "cmd/compose/project_options.h"
#include "cmd/output.h"

typedef struct {
	bool no_up, prune, quiet;
} WatchOptions;

static const Option options[] = {
	{0, "no-up", OPTION_FLAG, option_set_flag, NULL, "Don't build and start services before",
	 offsetof(WatchOptions, no_up), OPTION_COMMON},
	{0, "prune", OPTION_FLAG, option_set_flag, NULL,
	 "Remove images that nobody uses after a rebuild (default true)",
	 offsetof(WatchOptions, prune), OPTION_COMMON},
	{0, "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress of builds",
	 offsetof(WatchOptions, quiet), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* As docker compose does: what is watched is built anew first. */
static bool bring_up(const ComposeWatch *watch, int *status, GError **error)
{
	const ComposeUp up = {
		.stop_timeout_s = -1,
		.images = {.global = watch->global, .build = true, .quiet_build = watch->quiet},
		.services = watch->services,
	};
	return compose_up(watch->engine, watch->project, &up, status, error);
}

static int cmd_watch(Invocation *inv)
{
	WatchOptions opts = {.prune = true};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	int status = 0;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	g_autoptr(Engine) engine = project ? compose_engine(inv, false, &error) : NULL;
	const ComposeWatch watch = {
		.engine = engine,
		.project = project,
		.global = &inv->global,
		.services = services,
		.prune = opts.prune,
		.quiet = opts.quiet,
	};
	if (!engine || !compose_watch_check(&watch, &error) ||
	    (!opts.no_up && !bring_up(&watch, &status, &error)))
		return error ? command_fail(error) : status;
	return compose_watch_run(&watch, &error) ? 130 : command_fail(error);
}

const Command compose_watch_command = {
	.paths = (const char *const[]){"compose watch", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Follow changes of files",
	.description = "Builds and starts the services, and does what their develop.watch says "
		       "when files change, until it gets a signal: copies files into containers, "
		       "restarts these, or builds images anew.",
	.examples = (const char *const[]){"skiff compose watch", "skiff compose watch --no-up web",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_watch,
};
