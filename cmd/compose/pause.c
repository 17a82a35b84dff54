/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose pause, unpause, wait: the containers of services, stopped for a while or until they end.
 */
#include <string.h>

#include "cmd/compose/compose_down.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_resources.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/container_exit_watch.h"

/* Those that are in another state are left as they are. */
static int change(Invocation *inv, bool pause)
{
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeLive) live = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	if (!container_pause_check(pause, &error) ||
	    !compose_live_open(&live, inv, &given, false, services, &error))
		return command_fail(error);
	ContainerState wanted = pause ? CONTAINER_RUNNING : CONTAINER_PAUSED;
	g_autoptr(GPtrArray) items = compose_state_select(live.state, services, false);
	for (guint i = 0; i < items->len; i++) {
		Container *ctr = ((ComposeContainer *)items->pdata[i])->ctr;
		if (container_summary(ctr)->state != wanted)
			continue;
		if (!container_pause(ctr, pause, &error))
			return command_fail(error);
		compose_report("Container", container_summary(ctr)->name,
			       pause ? "Paused" : "Unpaused");
	}
	return 0;
}

static int cmd_pause(Invocation *inv)
{
	return change(inv, true);
}

static int cmd_unpause(Invocation *inv)
{
	return change(inv, false);
}

const Command compose_pause_command = {
	.paths = (const char *const[]){"compose pause", NULL},
	.usage = "[SERVICE...]",
	.summary = "Pause the containers",
	.description = "Stops all processes of the project's running containers where they are.",
	.examples = (const char *const[]){"skiff compose pause web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&project_option_group, NULL},
	.run = cmd_pause,
};

const Command compose_unpause_command = {
	.paths = (const char *const[]){"compose unpause", NULL},
	.usage = "[SERVICE...]",
	.summary = "Let paused containers go on",
	.description = "Lets the processes of paused containers go on where they were stopped.",
	.examples = (const char *const[]){"skiff compose unpause", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&project_option_group, NULL},
	.run = cmd_unpause,
};

/* wait. */

typedef struct {
	bool down;
} WaitOptions;

static const Option wait_rows[] = {
	{0, "down-project", OPTION_FLAG, option_set_flag, NULL,
	 "Bring the project down when the first of them ends", offsetof(WaitOptions, down),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup wait_group = {NULL, wait_rows};

#define POLL_US 50000

/* A container that is waited for; who holds a pidfd of its init knows how it ended when nobody has
 * its record any more. */
typedef struct {
	Container *ctr; /* as it was seen last */
	ExitWatch watch;
} Waited;

static void waited_free(void *data)
{
	Waited *waited = data;
	exit_watch_close(&waited->watch);
	container_free(waited->ctr);
	g_free(waited);
}

/* A container that is gone has ended, too. */
static bool has_ended(Engine *engine, Waited *waited, bool *out_gone)
{
	Container *now = compose_state_reload(engine, waited->ctr);
	*out_gone = now == NULL;
	if (!now)
		return true;
	pid_t before = waited->watch.pid;
	container_free(waited->ctr);
	waited->ctr = now;
	if (!compose_state_runs(now))
		return true;
	g_auto(ExitWatch) watch = exit_watch_open(now); /* its policy may have restarted it */
	if (watch.pidfd >= 0 && watch.pid != before) {
		exit_watch_close(&waited->watch);
		waited->watch = watch;
		watch.pidfd = -1;
	}
	return false;
}

/* Say how it ended. Return: its exit code. */
static int say_end(const Waited *waited, bool gone)
{
	const ContainerSummary *s = container_summary(waited->ctr);
	int code = 255;
	if (gone)
		(void)exit_watch_code(&waited->watch, &code);
	else if (s->exit_known)
		code = s->exit_code;
	else
		(void)exit_watch_tell(&waited->watch, waited->ctr, &code);
	output_printf("container \"%s\" exited with status code %d\n", s->id, code);
	output_flush();
	return code;
}

/* Until all, or with --down-project the first, have ended. @items: of Waited. */
static int wait_all(const ComposeLive *live, GPtrArray *items, bool first)
{
	int code = 0;
	for (;;) {
		for (guint i = 0; i < items->len;) {
			bool gone = false;
			if (!has_ended(live->engine, items->pdata[i], &gone)) {
				i++;
				continue;
			}
			code = say_end(items->pdata[i], gone);
			g_ptr_array_remove_index(items, i);
			if (first)
				return code;
		}
		if (items->len == 0)
			return code;
		g_usleep(POLL_US);
	}
}

/* Those of @services that were started. */
static GPtrArray *waited_for(const ComposeLive *live, const char *const *services)
{
	GPtrArray *items = g_ptr_array_new_with_free_func(waited_free);
	g_autoptr(GPtrArray) chosen = compose_state_select(live->state, services, false);
	for (guint i = 0; i < chosen->len; i++) {
		Container *ctr = ((ComposeContainer *)chosen->pdata[i])->ctr;
		Container *own = container_summary(ctr)->state == CONTAINER_CREATED
					 ? NULL
					 : compose_state_reload(live->engine, ctr);
		if (!own)
			continue;
		Waited *waited = g_new0(Waited, 1);
		waited->ctr = own;
		waited->watch = exit_watch_open(own);
		g_ptr_array_add(items, waited);
	}
	return items;
}

/* What `down` does, for what there is. */
static bool bring_down(const ComposeLive *live, GError **error)
{
	const ComposeDown down = {.timeout_s = -1, .force = true};
	g_autoptr(GPtrArray) state = compose_state_list(live->engine, live->name, error);
	return state && compose_remove(state, &down, error) &&
	       compose_networks_remove(live->engine, live->name, error);
}

static int cmd_wait(Invocation *inv)
{
	WaitOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeLive) live = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	if (!compose_live_open(&live, inv, &given, !opts.down, services, &error))
		return command_fail(error);
	g_autoptr(GPtrArray) items = waited_for(&live, services);
	if (items->len == 0) {
		output_error_text("no containers for project \"%s\"", live.name);
		return 1;
	}
	int code = wait_all(&live, items, opts.down);
	return !opts.down || bring_down(&live, &error) ? code : command_fail(error);
}

const Command compose_wait_command = {
	.paths = (const char *const[]){"compose wait", NULL},
	.usage = "[options] SERVICE [SERVICE...]",
	.summary = "Wait until the containers of services end",
	.description = "Waits until the containers of the services that were started have ended, "
		       "says how each did, and ends with the exit code of the last.",
	.examples = (const char *const[]){"skiff compose wait migrate",
					  "skiff compose wait --down-project test", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&wait_group, &project_option_group, NULL},
	.run = cmd_wait,
};
