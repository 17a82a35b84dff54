/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network prune: remove networks that no container is made for.
 */
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/engine_open.h"
#include "cmd/network/network_filter.h"
#include "cmd/output.h"
#include "libpod/base/error.h"

typedef struct {
	bool force;
	GPtrArray *filters;
} PruneOptions;

static const Option options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Do not ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	{0, "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only those that match: label=KEY[=VALUE], label!=..., until=TIME, name=REGEX, ...",
	 offsetof(PruneOptions, filters), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static GPtrArray *find(Engine *engine, const PruneOptions *opts, GError **error)
{
	g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(unused, g_strdup("dangling=true"));
	g_autoptr(GPtrArray) list = named_networks_list(engine, error);
	if (!list || !network_filter_apply(engine, list, unused, error) ||
	    !network_filter_apply(engine, list, opts->filters, error))
		return NULL;
	return g_steal_pointer(&list);
}

/* One that got a user meanwhile stays. */
static int remove_all(Engine *engine, const GPtrArray *list)
{
	int status = 0;
	for (guint i = 0; i < list->len; i++) {
		const NamedNetwork *network = list->pdata[i];
		g_autoptr(GError) error = NULL;
		if (named_network_remove(engine, network, false, &error))
			output_text(network->name);
		else if (!error_matches(error, ENGINE_ERROR_IN_USE))
			status = command_fail(error);
	}
	return status;
}

/* Ask, find, remove. Return: exit code. */
static int run(const Invocation *inv, const PruneOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(GPtrArray) list = engine ? find(engine, opts, &error) : NULL;
	if (!list)
		return command_fail(error);
	if (list->len == 0 ||
	    (!opts->force && !confirm_ask("WARNING! This will remove all networks not used by at "
					  "least one container.",
					  &error)))
		return error ? command_fail(error) : 0;
	return remove_all(engine, list);
}

static int cmd_network_prune(Invocation *inv)
{
	PruneOptions opts = {0};
	int status = command_parse(inv, (void *[]){&opts}) ? run(inv, &opts) : inv->status;
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command network_prune_command = {
	.paths = (const char *const[]){"network prune", NULL},
	.usage = "[options]",
	.summary = "Remove networks that no container is made for",
	.description = "Removes the networks that no container is made for and prints their names.",
	.examples = (const char *const[]){"skiff network prune -f", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_network_prune,
};
