/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose logs.
 */
#include <string.h>

#include "cmd/compose/compose_attach.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_verbs.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

typedef struct {
	bool follow, timestamps, no_prefix, no_color;
	const char *tail, *since, *until;
	uint64_t index; /* 0: all */
} LogsVerb;

static const Option options[] = {
	{'f', "follow", OPTION_FLAG, option_set_flag, NULL, "Wait for more while they run",
	 offsetof(LogsVerb, follow), OPTION_COMMON},
	{0, "index", OPTION_VALUE, option_set_uint, "NUMBER", "Of this container of a service",
	 offsetof(LogsVerb, index), OPTION_COMMON},
	{0, "no-color", OPTION_FLAG, option_set_flag, NULL, "No colours",
	 offsetof(LogsVerb, no_color), OPTION_COMMON},
	{0, "no-log-prefix", OPTION_FLAG, option_set_flag, NULL, "No names before the lines",
	 offsetof(LogsVerb, no_prefix), OPTION_COMMON},
	{0, "since", OPTION_VALUE, option_set_string, "TIME",
	 "Lines from this time on: 2026-01-31T12:00:00, or 10m for ten minutes ago",
	 offsetof(LogsVerb, since), OPTION_COMMON},
	{'n', "tail", OPTION_VALUE, option_set_string, "LINES",
	 "Only so many lines at the end of each log, or all", offsetof(LogsVerb, tail),
	 OPTION_COMMON},
	{'t', "timestamps", OPTION_FLAG, option_set_flag, NULL, "The time before each line",
	 offsetof(LogsVerb, timestamps), OPTION_COMMON},
	{0, "until", OPTION_VALUE, option_set_string, "TIME", "Lines before this time",
	 offsetof(LogsVerb, until), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool read_options(const LogsVerb *opts, ComposeLogs *logs, GError **error)
{
	uint64_t tail = 0;
	bool all = !opts->tail || strcmp(opts->tail, "all") == 0;
	int64_t now = units_now();
	if (!all && !units_parse_uint(opts->tail, G_MAXINT32, &tail, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--tail \"%s\": must be a number or all", opts->tail);
	*logs = (ComposeLogs){
		.follow = opts->follow,
		.timestamps = opts->timestamps,
		.no_prefix = opts->no_prefix,
		.no_color = opts->no_color,
		.tail = all ? -1 : (int64_t)tail,
	};
	return (!opts->since || units_parse_time(opts->since, now, &logs->since_ns, error)) &&
	       (!opts->until || units_parse_time(opts->until, now, &logs->until_ns, error));
}

static int cmd_logs(Invocation *inv)
{
	LogsVerb opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	g_auto(ComposeLive) live = {0};
	ComposeLogs logs = {0};
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	if (!read_options(&opts, &logs, &error) ||
	    !compose_live_open(&live, inv, &given, true, services, &error))
		return command_fail(error);
	g_autoptr(GPtrArray) items = compose_state_select(live.state, services, true);
	for (guint i = items->len; opts.index && i-- > 0;)
		if (((ComposeContainer *)items->pdata[i])->number != (int)opts.index)
			g_ptr_array_remove_index(items, i);
	return compose_logs(live.engine, items, live.name, &logs, &error) ? 0 : command_fail(error);
}

const Command compose_logs_command = {
	.paths = (const char *const[]){"compose logs", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Show what the containers wrote",
	.description =
		"Prints what containers wrote so far, each line behind its container's name.",
	.examples = (const char *const[]){"skiff compose logs -f web", "skiff compose logs -n 20",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_logs,
};
