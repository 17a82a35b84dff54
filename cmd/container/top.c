/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top: the processes of a container.
 *
 * Everything is read from the host's /proc; nothing is executed in the container (security 1.2).
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/container/process.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/spawn.h"
#include "libpod/base/suggest.h"
#include "libpod/base/wall.h"
#include "libpod/container.h"
#include "libpod/pod.h"

typedef struct {
	Selection selection;
} TopOptions;

static const Option options[] = {
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "Of the container created last",
	 offsetof(TopOptions, selection.latest), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* The columns, for the man pages. */
#define COLUMNS_MAN                                                                                \
	"# COLUMNS\n\n*args*, *capamb*, *capbnd*, *capeff*, *capinh*, *capprm*, *comm*, *etime*, " \
	"*group*, *groups*, *hgroup*, *hgroups*, *hpid*, *huser*, *label*, *nice*, *pcpu*, "       \
	"*pgid*, *pid*, *ppid*, *rss*, *seccomp*, *state*, *stime*, *time*, *tty*, *user*, "       \
	"*vsz*. Those with an h show a process as the host sees it.\n"

static const char *const default_columns[] = {"user", "pid",  "ppid", "pcpu", "etime",
					      "tty",  "time", "args", NULL};

/* "pid,comm" and "pid" "comm" alike. */
static GPtrArray *split_columns(const Invocation *inv, size_t from)
{
	GPtrArray *columns = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = from; i < command_n_args(inv); i++) {
		g_auto(GStrv) parts = g_strsplit(command_arg(inv, i), ",", -1);
		for (size_t j = 0; parts[j]; j++)
			if (*parts[j] && strcmp(parts[j], "-eo") != 0 &&
			    strcmp(parts[j], "-o") != 0)
				g_ptr_array_add(columns, g_strdup(parts[j]));
	}
	bool none = columns->len == 0;
	for (size_t i = 0; none && default_columns[i]; i++)
		g_ptr_array_add(columns, g_strdup(default_columns[i]));
	return columns;
}

/* Unlike podman nothing is run in the container, so options of ps are refused. */
static bool check_columns(const GPtrArray *columns, GError **error)
{
	for (size_t i = 0; i < columns->len; i++) {
		const char *name = columns->pdata[i];
		if (process_header(name))
			continue;
		if (name[0] == '-' || strcmp(name, "aux") == 0)
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "unsupported ps options: %s", name);
		Suggestions near;
		suggest_init(&near, name);
		for (size_t j = 0; process_descriptor(j); j++)
			suggest_offer(&near, process_descriptor(j));
		error_set(error, ENGINE_ERROR_INVALID, "%s: unknown descriptor", name);
		suggest_add_help(&near, "", error);
		return false;
	}
	return true;
}

/* Cells are one line each, whatever a process calls itself. */
static void print_table(const GPtrArray *columns, const ProcessList *list)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	GString *line = g_string_new(NULL);
	for (size_t c = 0; c < columns->len; c++)
		g_string_append_printf(line, "%s%s", c > 0 ? "\t" : "",
				       process_header(columns->pdata[c]));
	g_ptr_array_add(lines, g_string_free(line, FALSE));
	for (size_t i = 0; i < process_list_count(list); i++) {
		line = g_string_new(NULL);
		for (size_t c = 0; c < columns->len; c++) {
			g_autofree char *cell = process_column(list, i, columns->pdata[c]);
			g_strdelimit(cell, "\t\n\r", ' ');
			g_string_append_printf(line, "%s%s", c > 0 ? "\t" : "", cell);
		}
		g_ptr_array_add(lines, g_string_free(line, FALSE));
	}
	g_autoptr(GString) out = g_string_new(NULL);
	output_align((char *const *)lines->pdata, lines->len, out);
	g_string_truncate(out, out->len - 1);
	output_text(out->str);
}

static void print_processes(const GArray *pids, const GPtrArray *columns)
{
	g_autoptr(ProcessList) list = process_list_new((const pid_t *)pids->data, pids->len);
	print_table(columns, list);
}

/* Only what runs has processes to show. */
static int cmd_top(Invocation *inv)
{
	TopOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (command_n_args(inv) == 0 && !opts.selection.latest) {
		output_error_text("you must provide the name or id of a running container");
		return 125;
	}
	g_autoptr(GPtrArray) columns = split_columns(inv, opts.selection.latest ? 0 : 1);
	g_autoptr(Engine) engine =
		check_columns(columns, &error) ? command_engine(inv, true, &error) : NULL;
	if (!engine)
		return command_fail(error);
	g_autoptr(Container) ctr = selection_one(&opts.selection, inv, engine, &error);
	if (!ctr) {
		g_prefix_error(&error, "unable to look up requested container: ");
		return command_fail(error);
	}
	if (!wall_stands("own-ps")) {
		const char *const argv[] = {"skiff", "exec", container_summary(ctr)->id, "ps",
					    NULL};
		const Spawn ps = {.argv = argv, .program = "/proc/self/exe"};
		return spawn_wait(spawn_start(&ps, NULL, NULL), NULL);
	}
	if (container_summary(ctr)->state != CONTAINER_RUNNING &&
	    container_summary(ctr)->state != CONTAINER_PAUSED) {
		output_error_text("top can only be used on running containers");
		return 125;
	}
	g_autoptr(GArray) pids = container_processes(ctr, &error);
	if (!pids)
		return command_fail(error);
	print_processes(pids, columns);
	return 0;
}

/* The processes of all members that run; of a pod that does not run none. */
static int top_pod(const Pod *pod, Engine *engine, const GPtrArray *columns)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) members = pod_members(engine, pod, &error);
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(pid_t));
	for (guint i = 0; members && !error && i < members->len; i++) {
		g_autoptr(GArray) pids = container_processes(members->pdata[i], &error);
		if (pids && pids->len > 0)
			g_array_append_vals(all, pids->data, pids->len);
	}
	if (error)
		return command_fail(error);
	if (all->len > 0)
		print_processes(all, columns);
	return 0;
}

static int cmd_pod_top(Invocation *inv)
{
	TopOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (command_n_args(inv) == 0 && !opts.selection.latest) {
		output_error_text("you must provide the name or id of a running pod");
		return 125;
	}
	g_autoptr(GPtrArray) columns = split_columns(inv, opts.selection.latest ? 0 : 1);
	g_autoptr(Engine) engine =
		check_columns(columns, &error) ? command_engine(inv, true, &error) : NULL;
	if (!engine)
		return command_fail(error);
	g_autoptr(Pod) pod = opts.selection.latest
				     ? pod_latest(engine, &error)
				     : pod_resolve(engine, command_arg(inv, 0), &error);
	if (pod)
		return top_pod(pod, engine, columns);
	g_prefix_error(&error, "unable to look up requested container: ");
	return command_fail(error);
}

const Command top_command = {
	.paths = (const char *const[]){"top", "container top", NULL},
	.usage = "[options] CONTAINER [COLUMN...]",
	.summary = "List the processes of a container",
	.description = "Lists the processes of a running container with the columns user, pid, "
		       "ppid, pcpu, "
		       "etime, tty, time and args, or with those that are named.",
	.examples = (const char *const[]){"skiff top web", "skiff top web pid,huser,args", NULL},
	.man = COLUMNS_MAN,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_top,
};

const Command pod_top_command = {
	.paths = (const char *const[]){"pod top", NULL},
	.usage = "[options] POD [COLUMN...]",
	.summary = "List the processes of a pod",
	.description = "Lists the processes of all containers of a pod, as \"skiff top\" does.",
	.examples = (const char *const[]){"skiff pod top web pid,args", NULL},
	.man = COLUMNS_MAN,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_POD,
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_pod_top,
};
