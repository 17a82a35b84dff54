/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system check: is everything in the store as it should be?
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/check.h"
#include "libpod/container.h"
#include "libpod/rootless.h"
#include "storage/layer.h"

typedef struct {
	bool repair, force, quick;
	const char *max;
} CheckVerbOptions;

static const Option options[] = {
	{'r', "repair", OPTION_FLAG, option_set_flag, NULL,
	 "Restore what can be, move the rest to damaged/ in the store",
	 offsetof(CheckVerbOptions, repair), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL,
	 "With --repair: remove what cannot be restored", offsetof(CheckVerbOptions, force),
	 OPTION_COMMON},
	{'q', "quick", OPTION_FLAG, option_set_flag, NULL, "Do not read all the layers' files",
	 offsetof(CheckVerbOptions, quick), OPTION_COMMON},
	{'m', "max", OPTION_VALUE, option_set_string, "DURATION",
	 "Accepted for podman's sake: layers that no image needs are no damage at any age",
	 offsetof(CheckVerbOptions, max), 0},
	{0},
};

static const OptionGroup group = {NULL, options};

/* The layer's tar is made again and its digest compared; skiff-fetch says what is wrong. */
static bool layer_is_exact(Engine *engine, const char *hex, void *data, GError **error)
{
	g_autoptr(FetchArgs) args = fetch_args_new("verify");
	g_autofree char *said = NULL;
	if (!fetch_args_add_operand(args, hex, error))
		return false;
	if (fetch_args_run(args, engine, &said) != 0)
		return error_set(error, ENGINE_ERROR_SYSTEM, "it could not be read");
	g_strchomp(said);
	return *said == '\0' || error_set(error, ENGINE_ERROR_CORRUPT, "%s", said);
}

static unsigned count_unsolved(const GPtrArray *findings)
{
	unsigned left = 0;
	for (guint i = 0; i < findings->len; i++)
		left += !((const CheckFinding *)findings->pdata[i])->solved;
	return left;
}

/* Print what was found. Return: how much of it still is. */
static unsigned print(const GPtrArray *findings)
{
	for (guint i = 0; i < findings->len; i++) {
		const CheckFinding *finding = findings->pdata[i];
		g_autofree char *text = g_strdup_printf(
			"%s: %s%s%s", finding->object, finding->problem,
			finding->result ? ": " : "", finding->result ? finding->result : "");
		output_text(text);
	}
	return count_unsolved(findings);
}

/* With --repair a second look decides: what was moved away may have left something behind. */
static bool check(const Invocation *inv, const CheckVerbOptions *opts, GError **error)
{
	const EngineOptions engine_options = {
		.root = inv->global.root,
		.runroot = inv->global.runroot,
		.read_only = true,
		.damaged = true,
	};
	g_autoptr(Engine) engine = engine_open(&engine_options, error);
	CheckOptions check_options = {
		.repair = opts->repair,
		.force = opts->force,
		.layer_is_exact = opts->quick ? NULL : layer_is_exact,
	};
	g_autoptr(GPtrArray) found = engine ? check_store(engine, &check_options, error) : NULL;
	if (!found)
		return false;
	unsigned left = print(found);
	if (!opts->repair)
		return left == 0 ||
		       error_set(error, ENGINE_ERROR_CORRUPT, "damage detected in local storage");
	if (found->len == 0)
		return true;
	if (!rootless_empty_trash(engine, error) || !containers_heal(engine, error))
		return false;
	check_options.repair = false;
	g_autoptr(GPtrArray) again = check_store(engine, &check_options, error);
	return again && (count_unsolved(again) == 0 ||
			 error_set(error, ENGINE_ERROR_CORRUPT,
				   "damage in local storage still present after repair attempt"));
}

static int cmd_system_check(Invocation *inv)
{
	CheckVerbOptions opts = {0};
	g_autoptr(GError) error = NULL;
	int64_t max = 0;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (opts.max && !units_parse_duration(opts.max, &max, &error)) {
		g_prefix_error(&error,
			       "invalid argument \"%s\" for \"-m, --max\" flag: ", opts.max);
		return command_fail(error);
	}
	if (check(inv, &opts, &error))
		return 0;
	if (!opts.repair && error_matches(error, ENGINE_ERROR_CORRUPT))
		error_add_help(&error, "skiff system check --repair");
	return command_fail(error);
}

const Command system_check_command = {
	.paths = (const char *const[]){"system check", NULL},
	.usage = "[options]",
	.summary = "Look for damage in the store, and repair it",
	.description =
		"Looks at every record of the store: containers, names, volumes, images, "
		"manifest lists, layers, secrets, pods and networks. "
		"Prints a line for each damage; with --repair also what was done about it. What "
		"containers and volumes hold is never changed.",
	.examples = (const char *const[]){"skiff system check --quick",
					  "skiff system check --repair", NULL},
	.man = "# WHAT IS REPAIRED\n\nRecords have checksums or are named by their digest: a "
	       "flipped bit is found and flipped back. What is lost otherwise is made again from "
	       "other records: the state of a container from how it was created, the record of a "
	       "layer from the image's config, names from containers. Records that an older skiff "
	       "wrote have no checksum: they are told of and are no damage. The rest is moved to "
	       "_damaged_ in the store.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_system_check,
};
