/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait: block until containers end, print their exit codes.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/output.h"
#include "libpod/base/error.h"

typedef struct {
	Selection selection; /* the shared rows don't fit: -i is another option here */
	const char *condition;
	const char *interval;
} WaitOptions;

static const Option options[] = {
	{0, "condition", OPTION_VALUE, option_set_string, "STATE",
	 "Wait for \"exited\" (also \"stopped\", the default), \"removed\", \"healthy\" or "
	 "\"unhealthy\"",
	 offsetof(WaitOptions, condition), OPTION_COMMON},
	{0, "ignore", OPTION_FLAG, option_set_flag, NULL, "Print -1 for missing containers",
	 offsetof(WaitOptions, selection.ignore), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(WaitOptions, selection.latest), OPTION_COMMON},
	{'i', "interval", OPTION_VALUE, option_set_string, "DURATION",
	 "Accepted for podman's sake: skiff does not poll", offsetof(WaitOptions, interval), 0},
	OPTION_UNSUPPORTED(0, "exit-first-match", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "return-on-first", OPTION_FLAG),
	{0},
};

static const OptionGroup group = {NULL, options};

static bool is_health(const char *condition)
{
	return strcmp(condition, "healthy") == 0 || strcmp(condition, "unhealthy") == 0;
}

/* For a state of health there is no code: podman prints -1. */
static bool wait_one(Container *ctr, void *data, GError **error)
{
	const char *condition = data;
	bool removed = strcmp(condition, "removed") == 0 || strcmp(condition, "removing") == 0;
	bool known = false;
	int code = 0;
	if (is_health(condition)) {
		if (container_wait_health(ctr, condition, error))
			output_printf("-1\n");
		return false;
	}
	if (container_wait(ctr, removed, &code, &known, error))
		output_printf("%d\n", code);
	return false; /* the code is printed, not the name */
}

/* Conditions that podman knows and we don't wait for are refused by name. */
static bool check_condition(const char *condition, GError **error)
{
	static const char *const known[] = {"exited",  "stopped",   "removed", "removing",
					    "healthy", "unhealthy", NULL};
	static const char *const foreign[] = {"configured", "created", "initialized",
					      "paused",     "pausing", "running",
					      "stopping",   "unknown", NULL};
	if (g_strv_contains(known, condition))
		return true;
	if (g_strv_contains(foreign, condition))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED, "unsupported condition: %s",
				 condition);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "unknown container state: %s: invalid argument", condition);
}

/* Codes are printed in the order of the arguments, each when it is known. */
static int cmd_wait(Invocation *inv)
{
	WaitOptions opts = {.condition = "exited"};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (!selection_check(&opts.selection, inv,
			     "\"skiff wait\" requires a name, id, or the \"--latest\" flag",
			     &error) ||
	    !check_condition(opts.condition, &error))
		return command_fail(error);
	const SelectionTask task = {
		.work = wait_one, .data = (void *)opts.condition, .missing = "-1"};
	return selection_run(&opts.selection, inv, &task);
}

const Command wait_command = {
	.paths = (const char *const[]){"wait", "container wait", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Wait until containers end and print their exit codes",
	.description =
		"Waits until each container has ended and prints its exit code, one line each. 255 "
		"stands for a code nobody saw.",
	.examples =
		(const char *const[]){"skiff wait job", "skiff wait --condition removed job", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_wait,
};
