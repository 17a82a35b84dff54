/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait: block until containers end, print their exit codes.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

typedef struct {
	Selection selection;   /* the shared rows don't fit: -i is another option here */
	GPtrArray *conditions; /* NULL: exited */
	const char *interval;
	int64_t pause_us; /* between two looks at a state that nobody tells us of */
} WaitOptions;

static const Option options[] = {
	{0, "condition", OPTION_LIST, option_set_list, "STATE",
	 "Wait for one of these: exited (or stopped, the default), removed, created, running, "
	 "paused, healthy, unhealthy",
	 offsetof(WaitOptions, conditions), OPTION_COMMON},
	{0, "ignore", OPTION_FLAG, option_set_flag, NULL, "Print -1 for missing containers",
	 offsetof(WaitOptions, selection.ignore), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(WaitOptions, selection.latest), OPTION_COMMON},
	{'i', "interval", OPTION_VALUE, option_set_string, "DURATION",
	 "Time between two looks, for a state that does not announce itself (default 250ms)",
	 offsetof(WaitOptions, interval), 0},
	OPTION_UNSUPPORTED(0, "exit-first-match", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "return-on-first", OPTION_FLAG),
	{0},
};

static const OptionGroup group = {NULL, options};

/* The states that podman knows; those that skiff has none of are refused by name. */
static const struct {
	const char *name;
	ContainerState state;
	bool supported;
} conditions[] = {
	{"configured", CONTAINER_CREATED, true},      {"created", CONTAINER_CREATED, true},
	{"exited", CONTAINER_EXITED, true},           {"healthy", CONTAINER_RUNNING, true},
	{"initialized", CONTAINER_INITIALIZED, true}, {"paused", CONTAINER_PAUSED, true},
	{"pausing", CONTAINER_PAUSED, false},         {"removed", CONTAINER_EXITED, true},
	{"removing", CONTAINER_EXITED, true},         {"running", CONTAINER_RUNNING, true},
	{"stopped", CONTAINER_EXITED, true},          {"stopping", CONTAINER_STOPPING, true},
	{"unhealthy", CONTAINER_RUNNING, true},       {"unknown", CONTAINER_CREATED, false},
};

static bool lists(const WaitOptions *opts, const char *name)
{
	for (guint i = 0; opts->conditions && i < opts->conditions->len; i++)
		if (strcmp(opts->conditions->pdata[i], name) == 0)
			return true;
	return false;
}

static bool is_health(const char *condition)
{
	return strcmp(condition, "healthy") == 0 || strcmp(condition, "unhealthy") == 0;
}

/* For a state of health there is no code: podman prints -1. */
static bool wait_for_health(Container *ctr, const WaitOptions *opts, GError **error)
{
	if (container_wait_health(ctr, lists(opts, "healthy") ? "healthy" : "unhealthy", error))
		output_printf("-1\n");
	return false;
}

/* Is it in one of the states that were asked for? An exit is waited for in another way; who has
 * ended will not be stopping. */
static bool is_reached(const WaitOptions *opts, ContainerState state)
{
	if (state == CONTAINER_EXITED && lists(opts, "stopping"))
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++)
		if (conditions[i].state == state && lists(opts, conditions[i].name) &&
		    !g_str_has_prefix(conditions[i].name, "remov") &&
		    !is_health(conditions[i].name))
			return true;
	return false;
}

static bool waits_for_state(const WaitOptions *opts)
{
	for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++)
		if (conditions[i].state != CONTAINER_EXITED && !is_health(conditions[i].name) &&
		    lists(opts, conditions[i].name))
			return true;
	return false;
}

/* Look again and again; podman prints -1 for a container that has not ended. */
static bool wait_for_state(Container *ctr, const WaitOptions *opts, GError **error)
{
	Engine *engine = container_engine(ctr);
	g_autofree char *id = g_strdup(container_summary(ctr)->id);
	for (;;) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Container) now = container_resolve(engine, id, &failed);
		bool removed = error_matches(failed, ENGINE_ERROR_NOT_FOUND);
		if (removed && (lists(opts, "removed") || lists(opts, "removing"))) {
			output_printf("-1\n");
			return false;
		}
		if (!now) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		const ContainerSummary *s = container_summary(now);
		if (is_reached(opts, container_shown_state(s))) {
			output_printf("%d\n", s->state == CONTAINER_EXITED ? s->exit_code : -1);
			return false;
		}
		g_usleep((gulong)opts->pause_us);
	}
}

static bool wait_one(Container *ctr, void *data, GError **error)
{
	const WaitOptions *opts = data;
	bool removed = lists(opts, "removed") || lists(opts, "removing"), known = false;
	int code = 0;
	if (lists(opts, "healthy") || lists(opts, "unhealthy"))
		return wait_for_health(ctr, opts, error);
	if (waits_for_state(opts))
		return wait_for_state(ctr, opts, error);
	removed = removed && !lists(opts, "exited") && !lists(opts, "stopped");
	if (container_wait(ctr, removed, &code, &known, error))
		output_printf("%d\n", code);
	return false; /* the code is printed, not the name */
}

static bool check_condition(const char *condition, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++)
		if (strcmp(condition, conditions[i].name) == 0)
			return conditions[i].supported ||
			       error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "unsupported condition: %s", condition);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "unknown container state: %s: invalid argument", condition);
}

/* A duration, or milliseconds. */
static bool check_interval(WaitOptions *opts, GError **error)
{
	int64_t ns = 250 * G_GINT64_CONSTANT(1000000);
	uint64_t ms = 0;
	const char *text = opts->interval;
	if (text && units_parse_uint(text, G_MAXINT32, &ms, NULL))
		ns = (int64_t)ms * 1000000;
	else if (text && !units_parse_duration(text, &ns, NULL))
		return error_set(error, ENGINE_ERROR_INVALID, "time: invalid duration \"%s\"",
				 text);
	opts->pause_us = CLAMP(ns / 1000, 1000, G_GINT64_CONSTANT(60000000));
	return true;
}

static bool check(WaitOptions *opts, const Invocation *inv, GError **error)
{
	if (!check_interval(opts, error))
		return false;
	for (guint i = 0; opts->conditions && i < opts->conditions->len; i++)
		if (!check_condition(opts->conditions->pdata[i], error))
			return false;
	return selection_check(&opts->selection, inv,
			       "\"skiff wait\" requires a name, id, or the \"--latest\" flag",
			       error);
}

/* Codes are printed in the order of the arguments, each when it is known. */
static int cmd_wait(Invocation *inv)
{
	WaitOptions opts = {0};
	g_autoptr(GError) error = NULL;
	int status;
	if (!command_parse(inv, (void *[]){&opts}))
		status = inv->status;
	else if (!check(&opts, inv, &error))
		status = command_fail(error);
	else
		status = selection_run(&opts.selection, inv,
				       &(SelectionTask){
					       .work = wait_one,
					       .data = &opts,
					       .missing = "-1",
				       });
	g_clear_pointer(&opts.conditions, g_ptr_array_unref);
	return status;
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
