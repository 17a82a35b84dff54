/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose down, stop, start, restart, kill, rm: what becomes of the containers that there are.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/compose/compose_down.h"
#include "cmd/compose/compose_gate.h"
#include "cmd/compose/compose_hooks.h"
#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_resources.h"
#include "cmd/compose/compose_spec.h"
#include "cmd/compose/compose_starts.h"
#include "cmd/compose/compose_up.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/confirm.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/signals.h"

typedef struct {
	int64_t timeout; /* -1: the containers' own */
	bool volumes, remove_orphans, force, stop, no_deps, wait;
	uint64_t wait_timeout; /* seconds, 0: no limit */
	const char *signal, *rmi;
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
	{0, "rmi", OPTION_VALUE, option_set_string, "local|all",
	 "Remove images, too: those without a name of their own, or all",
	 offsetof(LifeOptions, rmi), OPTION_COMMON},
	{0},
};
static const Option stop_rows[] = {TIMEOUT_ROW, {0}};
static const Option start_rows[] = {
	FLAG(0, "wait", wait, "Wait until all run or are healthy"),
	{0, "wait-timeout", OPTION_VALUE, option_set_uint, "SECONDS", "Wait no longer than this",
	 offsetof(LifeOptions, wait_timeout), OPTION_COMMON},
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
	ComposeLive live;
	const char **services;
	GPtrArray *items;
} Life;

static void life_clear(Life *life)
{
	g_clear_pointer(&life->items, g_ptr_array_unref);
	compose_live_clear(&life->live);
	project_options_clear(&life->given);
	g_free(life->services);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Life, life_clear)

/* Return: false if the command ends here, with inv->status. */
static bool life_open(Life *life, Invocation *inv, GError **error)
{
	life->opts.timeout = -1;
	if (!command_parse(inv, (void *[]){&life->opts, &life->given}))
		return false;
	life->services = command_args(inv, 0);
	if (compose_live_open(&life->live, inv, &life->given, false, life->services, error)) {
		life->items = compose_state_select(life->live.state, life->services, false);
		return true;
	}
	inv->status = command_fail(*error);
	return false;
}

/* Without --remove-orphans and with files, what the files do not have stays. */
static GPtrArray *choose_for_down(const Life *life)
{
	GPtrArray *chosen = g_ptr_array_new();
	const Node *services =
		life->live.project ? node_get(life->live.project->model, "services") : NULL;
	g_autoptr(GPtrArray) all = compose_state_select(life->live.state, life->services, true);
	bool orphans = !life->live.project || life->opts.remove_orphans ||
		       environment_is_true(life->live.project->env, "COMPOSE_REMOVE_ORPHANS");
	for (guint i = 0; i < all->len; i++) {
		const ComposeContainer *item = all->pdata[i];
		if (orphans || item->oneoff || node_get(services, item->service))
			g_ptr_array_add(chosen, all->pdata[i]);
	}
	return chosen;
}

/* The images of services that are meant, and with @all those of the containers that went. */
static bool remove_images(const Life *life, const GPtrArray *items, bool all, GError **error)
{
	const ComposeProject *project = life->live.project;
	const Node *services = project ? node_get(project->model, "services") : NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		bool meant = !life->services[0] || g_strv_contains(life->services, entry->key);
		if (meant && (all || !node_get(entry->value, "image")))
			g_ptr_array_add(names,
					compose_spec_image(project, entry->key, entry->value));
	}
	/* Without files an image that is called as built ones are was built. */
	for (guint i = 0; !project && i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		if (all)
			g_ptr_array_add(names, g_strdup(container_summary(item->ctr)->image_id));
		else
			g_ptr_array_add(names,
					g_strdup_printf("%s-%s", life->live.name, item->service));
	}
	return compose_images_remove(life->live.engine, names, error);
}

static bool remove_volumes(const Life *life, GError **error)
{
	static const Node none = {.kind = NODE_NULL};
	const ComposeProject *project = life->live.project;
	const Node *declared = project ? node_get(project->model, "volumes") : NULL;
	return compose_volumes_remove(life->live.engine, life->live.name,
				      project && !declared ? &none : declared, error);
}

static int cmd_down(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	const char *rmi = life.opts.rmi;
	bool all_images = g_strcmp0(rmi, "all") == 0;
	if (rmi && !all_images && strcmp(rmi, "local") != 0) {
		output_error_text("invalid value for --rmi: \"%s\": local or all", rmi);
		return 125;
	}
	g_autoptr(GPtrArray) items = choose_for_down(&life);
	const ComposeDown down = {
		.timeout_s = (int)life.opts.timeout,
		.force = true,
		.volumes = life.opts.volumes,
		.project = life.live.project,
	};
	if (!compose_remove(items, &down, &error))
		return command_fail(error);
	if (rmi && !remove_images(&life, items, all_images, &error))
		return command_fail(error);
	/* Networks and volumes are the project's: a part of it keeps them. */
	if (life.services[0])
		return 0;
	if (!compose_networks_remove(life.live.engine, life.live.name, &error) ||
	    (life.opts.volumes && !remove_volumes(&life, &error)))
		return command_fail(error);
	return 0;
}

static int cmd_stop(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	const ComposeDown down = {
		.timeout_s = (int)life.opts.timeout,
		.project = life.live.project,
	};
	return compose_stop(life.items, &down, &error) ? 0 : command_fail(error);
}

/* Start @items, one rank after the other; those that run only @again. */
static bool start_side_by_side(const GPtrArray *items, bool again, GError **error)
{
	g_autoptr(ComposeStarts) starts = compose_starts_new(0);
	int rank = 0;
	for (guint i = 0; i < items->len; i++) {
		ComposeContainer *item = items->pdata[i];
		if (item->rank != rank && !compose_starts_finish(starts, NULL, error))
			return false;
		rank = item->rank;
		if ((again || !compose_state_runs(item->ctr)) &&
		    !compose_starts_add(starts, item->service, item->ctr, error))
			return false;
	}
	return compose_starts_finish(starts, NULL, error);
}

/* In their order, with the conditions of the files where these are there. */
static bool start_items(const Life *life, GError **error)
{
	if (life->live.project)
		return compose_start(life->live.engine, life->live.project, life->services, error);
	return start_side_by_side(life->items, false, error);
}

static int cmd_start(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	for (size_t i = 0; life.services[i]; i++) {
		const char *const one[] = {life.services[i], NULL};
		g_autoptr(GPtrArray) own = compose_state_select(life.live.state, one, false);
		if (own->len == 0) {
			output_error_text("service \"%s\" has no container to start",
					  life.services[i]);
			return 1;
		}
	}
	if (!start_items(&life, &error))
		return command_fail(error);
	if (life.opts.wait && life.live.project &&
	    !compose_gate_wait_all(life.live.engine, life.live.project, life.services,
				   (int)MIN(life.opts.wait_timeout, 1000000), &error)) {
		(void)command_fail(error);
		return 1; /* as of `up --wait` */
	}
	return 0;
}

/* "SERVICE:CONDITION:true" in what the container says it depends on. */
static bool restarts_with(const ComposeContainer *item, const char *service)
{
	g_autofree char *wanted = g_strdup_printf("%s:", service);
	g_auto(GStrv) parts = g_strsplit(compose_state_label(item->ctr, LABEL_DEPENDS_ON), ",", -1);
	for (size_t i = 0; parts[i]; i++)
		if (g_str_has_prefix(parts[i], wanted) && g_str_has_suffix(parts[i], ":true"))
			return true;
	return false;
}

static bool has_service(const GPtrArray *items, const char *service)
{
	for (guint i = 0; i < items->len; i++)
		if (strcmp(((ComposeContainer *)items->pdata[i])->service, service) == 0)
			return true;
	return false;
}

/* Those that are restarted: the named ones, and what runs and asks to be restarted with them. The
 * state is sorted by rank, so what depends on a dependent comes behind it. */
static GPtrArray *choose_for_restart(const Life *life)
{
	GPtrArray *chosen = g_ptr_array_new();
	for (guint i = 0; i < life->live.state->len; i++) {
		ComposeContainer *item = life->live.state->pdata[i];
		bool named = g_ptr_array_find(life->items, item, NULL);
		bool drawn = false;
		for (guint j = 0; !named && !life->opts.no_deps && j < life->live.state->len; j++) {
			const ComposeContainer *other = life->live.state->pdata[j];
			drawn = drawn || (has_service(chosen, other->service) &&
					  restarts_with(item, other->service));
		}
		if (named || (drawn && !item->oneoff && compose_state_runs(item->ctr)))
			g_ptr_array_add(chosen, item);
	}
	return chosen;
}

static bool run_post_start(const Life *life, const GPtrArray *items, GError **error)
{
	const ComposeProject *project = life->live.project;
	const Node *services = project ? node_get(project->model, "services") : NULL;
	for (guint i = 0; i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		if (!compose_hooks_run(life->live.engine, item->ctr,
				       node_get_entry(services, item->service), "post_start",
				       error))
			return false;
	}
	return true;
}

static int cmd_restart(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	const ComposeDown down = {
		.timeout_s = (int)life.opts.timeout,
		.project = life.live.project,
	};
	g_autoptr(GPtrArray) items = choose_for_restart(&life);
	if (!compose_stop(items, &down, &error))
		return command_fail(error);
	if (!start_side_by_side(items, true, &error) || !run_post_start(&life, items, &error))
		return command_fail(error);
	return 0;
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
		if (compose_is_dry_run()) {
			compose_report("Container", container_summary(ctr)->name, "Kill");
			continue;
		}
		if (!container_kill(ctr, signum, &error))
			return command_fail(error);
		compose_report("Container", container_summary(ctr)->name, "Killed");
	}
	return 0;
}

/* "Going to remove a, b", and a question that --force answers. */
static bool confirm_rm(const GPtrArray *items)
{
	g_autoptr(GString) text = g_string_new("Going to remove ");
	for (guint i = 0; i < items->len; i++)
		g_string_append_printf(
			text, "%s%s", i ? ", " : "",
			container_summary(((ComposeContainer *)items->pdata[i])->ctr)->name);
	return confirm_ask(text->str, NULL);
}

static int cmd_rm(Invocation *inv)
{
	g_auto(Life) life = {0};
	g_autoptr(GError) error = NULL;
	if (!life_open(&life, inv, &error))
		return inv->status;
	g_autoptr(GPtrArray) items = compose_state_select(life.live.state, life.services, true);
	for (guint i = items->len; i-- > 0;)
		if (!life.opts.stop &&
		    compose_state_runs(((ComposeContainer *)items->pdata[i])->ctr))
			g_ptr_array_remove_index(items, i);
	if (items->len == 0) {
		(void)fprintf(stderr, "No stopped containers\n");
		return 0;
	}
	if (!life.opts.force && !confirm_rm(items))
		return 0;
	const ComposeDown down = {
		.timeout_s = -1,
		.force = life.opts.stop,
		.volumes = life.opts.volumes,
		.project = life.live.project,
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
	.usage = "[options] [SERVICE...]",
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
	.description =
		"Stops containers and starts them again as they are, and with them those that ask "
		"for it by restart: true in their depends_on.",
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
	.usage = "[options] [SERVICE...]",
	.summary = "Remove containers that do not run",
	.description = "Asks, and removes stopped containers; with --stop those that run, too.",
	.examples = (const char *const[]){"skiff compose rm -f -s web", NULL},
	.max_args = -1,
	.groups = GROUPS(rm_group),
	.run = cmd_rm,
};
