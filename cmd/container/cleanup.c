/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container cleanup: what a monitor becomes when its container has ended.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/container.h"
#include "libpod/base/error.h"
#include "libpod/pod.h"

/* Between looks at others that wait for their restart. */
#define LOOK_FIRST_US 100000
#define LOOK_MOST_US  1000000

typedef struct {
	uint64_t code;
	bool start;
} CleanupOptions;

static const Option options[] = {
	{0, "exit-code", OPTION_VALUE, option_set_uint, "CODE",
	 "Exit with this: for a service manager it is the container's",
	 offsetof(CleanupOptions, code), 0},
	{0, "start", OPTION_FLAG, option_set_flag, NULL,
	 "Start it anew: its restart policy wants it, and what it joins was replaced",
	 offsetof(CleanupOptions, start), 0},
	{0},
};

static const OptionGroup group = {NULL, options};

/* What the user stopped is not started by the restart policy of another container. */
static bool others_may_run(Engine *engine, const ContainerSummary *s, GError **error)
{
	for (char **id = s->depends; id && *id; id++) {
		g_autoptr(Container) other = container_resolve(engine, *id, error);
		if (!other)
			return false;
		const ContainerSummary *o = container_summary(other);
		if (o->stopped_by_user && !container_summary_is_live(o))
			return error_set(error, ENGINE_ERROR_BAD_STATE,
					 "container %s, which it needs, was stopped", o->name);
	}
	return true;
}

/* Does one that it needs wait for its own restart? */
static bool others_wait(Engine *engine, const ContainerSummary *s)
{
	for (char **id = s->depends; id && *id; id++) {
		g_autoptr(Container) other = container_resolve(engine, *id, NULL);
		if (other && container_summary(other)->state == CONTAINER_RESTARTING)
			return true;
	}
	return false;
}

/* It comes up when those that it needs do, however often these try, unless somebody was faster. */
static bool start_after_others(Engine *engine, const char *id, GError **error)
{
	for (gulong delay = LOOK_FIRST_US;; delay = MIN(delay * 2, LOOK_MOST_US)) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Container) ctr = container_resolve(engine, id, error);
		const ContainerSummary *s = ctr ? container_summary(ctr) : NULL;
		if (!s)
			return false;
		if (container_summary_is_live(s))
			return true;
		if (!others_wait(engine, s)) {
			if (others_may_run(engine, s, &failed) &&
			    container_start(ctr, &(ContainerStart){.detached = true}, NULL,
					    &failed))
				return true;
			if (!others_wait(engine, s)) {
				g_propagate_error(error, g_steal_pointer(&failed));
				return false;
			}
		}
		g_usleep(delay);
	}
}

/* It keeps its pod, unless it cannot be started. */
static bool start_anew(Engine *engine, const char *id, const char *pod, GError **error)
{
	if (!container_cleanup(engine, id, NULL, error))
		return false;
	if (start_after_others(engine, id, error))
		return true;
	if (pod)
		pod_member_ended(engine, pod, NULL);
	return false;
}

static int cmd_cleanup(Invocation *inv)
{
	CleanupOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	const char *id = command_arg(inv, 0), *pod = command_arg(inv, 1);
	if (!engine || !(opts.start ? start_anew(engine, id, pod, &error)
				    : container_cleanup(engine, id, pod, &error)))
		return command_fail(error);
	return (int)(opts.code & 0xff);
}

const Command cleanup_command = {
	.paths = (const char *const[]){"container cleanup", NULL},
	.usage = "CONTAINER [POD]",
	.summary = "Put a container's records right after its end",
	.description = "Records how a container ended and removes it if it was made with --rm. The "
		       "monitor "
		       "runs this itself.",
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.flags = COMMAND_HIDDEN,
	.run = cmd_cleanup,
};
