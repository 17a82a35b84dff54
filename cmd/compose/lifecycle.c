/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose down, stop, start, restart, kill, rm: what becomes of the containers that there are.
 */
#include <signal.h>
#include <string.h>

#include "cmd/compose/compose_down.h"
#include "cmd/compose/compose_resources.h"
#include "cmd/compose/compose_starts.h"
#include "cmd/compose/compose_state.h"
#include "cmd/compose/compose_up.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/signals.h"

typedef struct {
	int64_t timeout; /* -1: the containers' own */
	bool volumes, remove_orphans, force, stop, no_deps;
	const char *signal;
} LifeOptions;

#define TIMEOUT_ROW                                                                                \
	{                                                                                          \
		't', "timeout", OPTION_VALUE, option_set_int, "SECONDS",                           \
			"How long they may take to stop (default: their own)",                     \
			offsetof(LifeOptions, timeout), OPTION_COMMON                              \
	}
#define FLAG(short_name, name, field, text)                                                        \
	{                                                                                          \
		short_name, name, OPTION_FLAG, option_set_flag, NULL, text,                        \
			offsetof(LifeOptions, field), OPTION_COMMON                                \
	}

static const Option down_rows[] = {
	FLAG(0, "remove-orphans", remove_orphans,
	     "Also containers of services that are not in the files any more"),
	TIMEOUT_ROW,
	FLAG('v', "volumes", volumes, "Remove the project's volumes, too"),
	OPTION_UNSUPPORTED(0, "rmi", OPTION_VALUE),
	{0},
};
static const Option stop_rows[] = {TIMEOUT_ROW, {0}};
static const Option start_rows[] = {
	OPTION_UNSUPPORTED(0, "wait", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "wait-timeout", OPTION_VALUE),
	{0},
};
static const Option restart_rows[] = {
	FLAG(0, "no-deps", no_deps, "Leave alone what depends on them"),
	TIMEOUT_ROW,
	{0},
};
static const Option kill_rows[] = {
	{'s', "signal", OPTION_VALUE, option_set_string, "SIGNAL", "In place of SIGKILL",
	 offsetof(LifeOptions, signal), OPTION_COMMON},
	FLAG(0, "remove-orphans", remove_orphans, "Taken; this verb removes nothing"),
	{0},
};
static const Option rm_rows[] = {
	FLAG('f', "force", force, "Ask nothing"),
	FLAG('s', "stop", stop, "Stop them first if they run"),
	FLAG('v', "volumes", volumes, "Remove their anonymous volumes, too"),
	{0},
};

static const OptionGroup down_group = {NULL, down_rows}, stop_group = {NULL, stop_rows},
			 start_group = {NULL, start_rows}, restart_group = {NULL, restart_rows},
			 kill_group = {NULL, kill_rows}, rm_group = {NULL, rm_rows};

/* One call: the project and the containers that were meant. */
typedef struct {
	LifeOptions opts;
	ProjectOptions given;
	char *name;
	ComposeProject *project; /* NULL: no files */
	const char **services;
	Engine *engine;
	GPtrArray *state, *items;
} Life;

static void life_clear(Life *life)
{
	g_clear_pointer(&life->items, g_ptr_array_unref);
	g_clear_pointer(&life->state, g_ptr_array_unref);
	engine_close(life->engine);
	compose_project_free(life->project);
	project_options_clear(&life->given);
	g_free(life->services);
	g_free(life->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Life, life_clear)

/* A service that is neither in the files nor running anywhere was mistyped. */
static bool check_services(const Life *life, GError **error)
{
	const Node *services = life->project ? node_get(life->project->model, "services") : NULL;
	for (size_t i = 0; life->services[i]; i++) {
		const char *const one[] = {life->services[i], NULL};
		g_autoptr(GPtrArray) own = compose_state_select(life->state, one, true);
		if (own->len == 0 && !node_get(services, life->services[i]))
			return error_set(error, ENGINE_ERROR_NOT_FOUND, "no such service: %s",
					 life->services[i]);
	}
	return true;
}

/* Return: false if the command ends here, with inv->status. */
static bool life_open(Life *life, Invocation *inv, GError **error)
{
	life->opts.timeout = -1;
	if (!command_parse(inv, (void *[]){&life->opts, &life->given}))
		return false;
	life->services = command_args(inv, 0);
	if (project_options_name(&life->given, &life->name, &life->project, error))
		life->engine = compose_engine(inv, false, error);
	if (life->engine)
		life->state = compose_state_list(life->engine, life->name, error);
	if (life->state && check_services(life, error)) {
		life->items = compose_state_select(life->state, life->services, false);
		return true;
	}
	inv->status = command_fail(*error);
	return false;
}

/* Without --remove-orphans and with files, what the files do not have stays. */
static GPtrArray *choose_for_down(const Life *life)
{
	GPtrArray *chosen = g_ptr_array_new();
	const Node *services = life->project ? node_get(life->project->model, "services") : NULL;
	g_autoptr(GPtrArray) all = compose_state_select(life->state, life->services, true);
	for (guint i = 0; i < all->len; i++) {
		const ComposeContainer *item = all->pdata[i];
		if (!life->project || life->opts.remove_orphans || item->oneoff ||
		    node_get(services, item->service))
			g_ptr_array_add(chosen, all->pdata[i]);
	}
	return chosen;
}

static int cmd_down(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	g_autoptr(GPtrArray) items = choose_for_down(&life);
	const ComposeDown down = {
		.timeout_s = (int)life.opts.timeout,
		.force = true,
		.volumes = life.opts.volumes,
	};
	if (!compose_remove(items, &down, &error))
		return command_fail(error);
	/* Networks and volumes are the project's: a part of it keeps them. */
	if (life.services[0])
		return 0;
	if (!compose_networks_remove(life.engine, life.name, &error) ||
	    (life.opts.volumes && !compose_volumes_remove(life.engine, life.name, &error)))
		return command_fail(error);
	return 0;
}

static int cmd_stop(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	const ComposeDown down = {.timeout_s = (int)life.opts.timeout};
	return compose_stop(life.items, &down, &error) ? 0 : command_fail(error);
}

/* Start what was meant, one rank after the other. */
static bool start_side_by_side(const Life *life, GError **error)
{
	g_autoptr(ComposeStarts) starts = compose_starts_new();
	int rank = 0;
	for (guint i = 0; i < life->items->len; i++) {
		ComposeContainer *item = life->items->pdata[i];
		if (item->rank != rank && !compose_starts_finish(starts, NULL, error))
			return false;
		rank = item->rank;
		if (!compose_state_runs(item->ctr) &&
		    !compose_starts_add(starts, item->service, item->ctr, error))
			return false;
	}
	return compose_starts_finish(starts, NULL, error);
}

/* In their order, with the conditions of the files where these are there. */
static bool start_items(const Life *life, GError **error)
{
	if (life->project)
		return compose_start(life->engine, life->project, life->services, error);
	return start_side_by_side(life, error);
}

static int cmd_start(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	for (size_t i = 0; life.services[i]; i++) {
		const char *const one[] = {life.services[i], NULL};
		g_autoptr(GPtrArray) own = compose_state_select(life.state, one, false);
		if (own->len == 0) {
			output_error_text("service \"%s\" has no container to start",
					  life.services[i]);
			return 1;
		}
	}
	return start_items(&life, &error) ? 0 : command_fail(error);
}

static int cmd_restart(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	const ComposeDown down = {.timeout_s = (int)life.opts.timeout};
	if (!compose_stop(life.items, &down, &error))
		return command_fail(error);
	return start_side_by_side(&life, &error) ? 0 : command_fail(error);
}

static int cmd_kill(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	int signum = SIGKILL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	if (life.opts.signal && !signals_parse(life.opts.signal, &signum, &error))
		return command_fail(error);
	for (guint i = 0; i < life.items->len; i++) {
		Container *ctr = ((ComposeContainer *)life.items->pdata[i])->ctr;
		if (!compose_state_runs(ctr))
			continue;
		if (!container_kill(ctr, signum, &error))
			return command_fail(error);
		compose_report("Container", container_summary(ctr)->name, "Killed");
	}
	return 0;
}

/* docker compose asks; a command that cannot be seen to be answered needs --force. */
static int cmd_rm(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	if (!life.opts.force) {
		output_error_text("removing containers needs --force: asking is not supported yet");
		return 125;
	}
	g_autoptr(GPtrArray) items = compose_state_select(life.state, life.services, true);
	const ComposeDown down = {
		.timeout_s = -1,
		.force = life.opts.stop,
		.volumes = life.opts.volumes,
	};
	return compose_remove(items, &down, &error) ? 0 : command_fail(error);
}

#define GROUPS(group)                                                                              \
	(const OptionGroup *const[])                                                               \
	{                                                                                          \
		&(group), &project_option_group, NULL                                              \
	}

const Command compose_down_command = {
	.paths = (const char *const[]){"compose down", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Stop and remove containers and networks",
	.description = "Removes the project's containers, in the reverse of their order, and its "
		       "networks. Volumes stay unless --volumes is given.",
	.examples = (const char *const[]){"skiff compose down", "skiff compose down -v -t 0", NULL},
	.max_args = -1,
	.groups = GROUPS(down_group),
	.run = cmd_down,
};

const Command compose_stop_command = {
	.paths = (const char *const[]){"compose stop", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Stop containers",
	.description = "Stops containers in the reverse of their order and keeps them.",
	.examples = (const char *const[]){"skiff compose stop web", NULL},
	.max_args = -1,
	.groups = GROUPS(stop_group),
	.run = cmd_stop,
};

const Command compose_start_command = {
	.paths = (const char *const[]){"compose start", NULL},
	.usage = "[SERVICE...]",
	.summary = "Start containers that were stopped",
	.description = "Starts the containers that there are, each behind what it depends on.",
	.examples = (const char *const[]){"skiff compose start", NULL},
	.max_args = -1,
	.groups = GROUPS(start_group),
	.run = cmd_start,
};

const Command compose_restart_command = {
	.paths = (const char *const[]){"compose restart", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Stop and start containers",
	.description = "Stops containers and starts them again as they are.",
	.examples = (const char *const[]){"skiff compose restart web", NULL},
	.max_args = -1,
	.groups = GROUPS(restart_group),
	.run = cmd_restart,
};

const Command compose_kill_command = {
	.paths = (const char *const[]){"compose kill", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Send a signal to containers",
	.description = "Sends SIGKILL, or another signal, to the containers that run.",
	.examples = (const char *const[]){"skiff compose kill -s HUP web", NULL},
	.max_args = -1,
	.groups = GROUPS(kill_group),
	.run = cmd_kill,
};

const Command compose_rm_command = {
	.paths = (const char *const[]){"compose rm", NULL},
	.usage = "--force [options] [SERVICE...]",
	.summary = "Remove containers that do not run",
	.description = "Removes stopped containers; with --stop those that run, too.",
	.examples = (const char *const[]){"skiff compose rm -f -s web", NULL},
	.max_args = -1,
	.groups = GROUPS(rm_group),
	.run = cmd_rm,
};
