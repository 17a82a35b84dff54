/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume prune: remove volumes that no container uses.
 */
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/volume/volume_filter.h"
#include "libpod/base/error.h"
#include "libpod/volume.h"

typedef struct {
	bool all, force, dry_run;
	GPtrArray *filters;
} PruneOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Named volumes too",
	 offsetof(PruneOptions, all), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Do not ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	{0, "dry-run", OPTION_FLAG, option_set_flag, NULL, "Only print what would be removed",
	 offsetof(PruneOptions, dry_run), OPTION_COMMON},
	{0, "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only those that match: label=KEY[=VALUE], label!=..., until=TIME, name=REGEX, ...",
	 offsetof(PruneOptions, filters), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* The volumes without users, only anonymous ones unless @all. */
static GPtrArray *find(Engine *engine, const PruneOptions *opts, GError **error)
{
	g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(unused, g_strdup("dangling=true"));
	g_autoptr(GPtrArray) list = volumes_list(engine, error);
	if (!list || !volume_filter_apply(engine, list, unused, error) ||
	    !volume_filter_apply(engine, list, opts->filters, error))
		return NULL;
	for (guint i = 0; i < list->len;) {
		const Volume *volume = list->pdata[i];
		if (opts->all || volume->anonymous)
			i++;
		else
			g_ptr_array_remove_index(list, i);
	}
	return g_steal_pointer(&list);
}

/* Say which, and ask. */
static bool confirm(const GPtrArray *list, GError **error)
{
	g_autoptr(GString) text = g_string_new(
		"WARNING! This will remove all volumes not used by at least one container. The "
		"following volumes will be removed:");
	for (guint i = 0; i < list->len; i++)
		g_string_append_printf(text, "\n%s", ((const Volume *)list->pdata[i])->name);
	return confirm_ask(text->str, error);
}

/* One that got a user meanwhile stays. */
static int remove_all(Engine *engine, const GPtrArray *list)
{
	int status = 0;
	for (guint i = 0; i < list->len; i++) {
		const Volume *volume = list->pdata[i];
		g_autoptr(GError) error = NULL;
		if (volume_remove(engine, volume, false, &error))
			output_printf("%s\n", volume->name);
		else if (!error_matches(error, ENGINE_ERROR_IN_USE))
			status = command_fail(error);
	}
	return status;
}

/* Find, say or ask, remove. Return: exit code. */
static int run(const Invocation *inv, const PruneOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(GPtrArray) list = engine ? find(engine, opts, &error) : NULL;
	if (!list)
		return command_fail(error);
	for (guint i = 0; opts->dry_run && i < list->len; i++)
		output_printf("%s\n", ((const Volume *)list->pdata[i])->name);
	if (opts->dry_run)
		return 0;
	if (list->len == 0 && !opts->force)
		output_printf("No dangling volumes found\n");
	if (list->len == 0 || (!opts->force && !confirm(list, &error)))
		return error ? command_fail(error) : 0;
	return remove_all(engine, list);
}

static int cmd_volume_prune(Invocation *inv)
{
	PruneOptions opts = {0};
	int status = command_parse(inv, (void *[]){&opts}) ? run(inv, &opts) : inv->status;
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command volume_prune_command = {
	.paths = (const char *const[]){"volume prune", NULL},
	.usage = "[options]",
	.summary = "Remove volumes that no container uses",
	.description = "Removes the anonymous volumes that no container uses, with --all also the "
		       "named ones, and prints their names.",
	.examples =
		(const char *const[]){"skiff volume prune -f", "skiff volume prune --all", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_volume_prune,
};
