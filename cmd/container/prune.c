/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container prune: remove all containers that do not run.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/container/filter.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/inspect.h"

typedef struct {
	bool force;
	GPtrArray *filters;
} PruneOptions;

static const Option options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Do not ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	{0, "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only those that match: label=KEY[=VALUE], label!=..., until=TIME",
	 offsetof(PruneOptions, filters), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Remove one. Return: exit code; 0 also if it was started or removed meanwhile. */
static int prune_one(Engine *engine, Container *ctr, int64_t *reclaimed)
{
	const ContainerRemove remove = {.timeout_s = -1};
	g_autofree char *id = g_strdup(container_summary(ctr)->id);
	g_autoptr(GError) error = NULL;
	/* Counted for a person only: it takes a process for each. */
	int64_t size = output_is_terminal(2) && container_dir_fd(ctr) >= 0
			       ? inspect_tree_size(engine, container_dir_fd(ctr), "upper", NULL)
			       : 0;
	if (container_remove(ctr, &remove, &error)) {
		*reclaimed += MAX(size, 0);
		output_printf("%s\n", id);
		return 0;
	}
	if (error_matches(error, ENGINE_ERROR_BAD_STATE) ||
	    error_matches(error, ENGINE_ERROR_IN_USE) ||
	    error_matches(error, ENGINE_ERROR_NOT_FOUND))
		return 0;
	return command_fail(error);
}

/* Go through all that do not run. Return: exit code. */
static int prune(Engine *engine, const ContainerFilter *filter)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list = containers_list(engine, &error);
	if (!list)
		return command_fail(error);
	int status = 0;
	int64_t reclaimed = 0;
	for (size_t i = 0; i < list->len; i++) {
		Container *ctr = list->pdata[i];
		ContainerState state = container_summary(ctr)->state;
		/* Members go with their pod. */
		if (container_summary(ctr)->pod ||
		    (state != CONTAINER_CREATED && state != CONTAINER_EXITED) ||
		    !container_filter_matches(filter, ctr))
			continue;
		int code = prune_one(engine, ctr, &reclaimed);
		status = code ? code : status;
	}
	g_autofree char *size = units_format_size((uint64_t)reclaimed);
	output_note("Total reclaimed space: %s", size);
	return status;
}

/* Filters are checked before anything is asked. */
static int run(const Invocation *inv, const PruneOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = container_filter_check_prune(opts->filters, &error)
					   ? command_engine(inv, false, &error)
					   : NULL;
	g_autoptr(ContainerFilter) filter =
		engine ? container_filter_new(engine, opts->filters, &error) : NULL;
	if (!filter)
		return command_fail(error);
	if (!opts->force &&
	    !confirm_ask("WARNING! This will remove all non running containers.", &error))
		return error ? command_fail(error) : 0;
	return prune(engine, filter);
}

static int cmd_container_prune(Invocation *inv)
{
	PruneOptions opts = {0};
	int status = command_parse(inv, (void *[]){&opts}) ? run(inv, &opts) : inv->status;
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command container_prune_command = {
	.paths = (const char *const[]){"container prune", NULL},
	.usage = "[options]",
	.summary = "Remove all containers that do not run",
	.description = "Removes all containers that were created only or have ended, and prints "
		       "their ids.",
	.examples = (const char *const[]){"skiff container prune -f",
					  "skiff container prune --filter until=24h", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_container_prune,
};
