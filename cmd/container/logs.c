/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: what containers wrote.
 *
 * Container output goes through as it is, like a terminal's: it is the data that was asked for.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/container/logs_follow.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/logs.h"

typedef struct {
	Selection selection;
	bool follow, timestamps, names, color;
	int64_t tail;
	const char *since, *until;
} LogsVerbOptions;

static const Option options[] = {
	{'f', "follow", OPTION_FLAG, option_set_flag, NULL,
	 "Wait for more while the container runs", offsetof(LogsVerbOptions, follow),
	 OPTION_COMMON},
	{0, "tail", OPTION_VALUE, option_set_int, "LINES", "Only so many lines at the end",
	 offsetof(LogsVerbOptions, tail), OPTION_COMMON},
	{0, "since", OPTION_VALUE, option_set_string, "TIME",
	 "Lines from this time on: 2026-01-31T12:00:00, or 10m for ten minutes ago",
	 offsetof(LogsVerbOptions, since), OPTION_COMMON},
	{0, "until", OPTION_VALUE, option_set_string, "TIME",
	 "Lines before this time, or until so long from now", offsetof(LogsVerbOptions, until),
	 OPTION_COMMON},
	{'t', "timestamps", OPTION_FLAG, option_set_flag, NULL, "The time before each line",
	 offsetof(LogsVerbOptions, timestamps), OPTION_COMMON},
	{'n', "names", OPTION_FLAG, option_set_flag, NULL,
	 "Of several containers: the name before each line, not the id",
	 offsetof(LogsVerbOptions, names), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "Of the container created last",
	 offsetof(LogsVerbOptions, selection.latest), OPTION_COMMON},
	{0, "color", OPTION_FLAG, option_set_flag, NULL,
	 "Of several containers: what stands before each line in a colour",
	 offsetof(LogsVerbOptions, color), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static const Option pod_options[] = {
	{'c', "container", OPTION_LIST, option_set_list, "CONTAINER", "Only of this container",
	 offsetof(LogsVerbOptions, selection.members), OPTION_COMMON},
	{0},
};

static const OptionGroup pod_group = {NULL, pod_options};

/* Printing of one container's lines. */
typedef struct {
	const LogsVerbOptions *opts;
	const char *label; /* says whose line it is, where there are several; NULL: nothing */
	bool open[2];      /* the last line of stdout, stderr was not ended */
} Printer;

/* The label and the time stand before a whole line only, not where a partial one goes on. */
static bool print_line(const LogLine *line, void *data)
{
	Printer *printer = data;
	FILE *stream = line->is_stderr ? stderr : stdout;
	bool *open = &printer->open[line->is_stderr];
	/* Both may be one pipe: what was said before must not come behind. */
	if (line->is_stderr)
		fflush(stdout);
	if (!*open && printer->label)
		fprintf(stream, "%s ", printer->label);
	if (!*open && printer->opts->timestamps) {
		g_autofree char *time = units_format_rfc3339(line->time_ns, true);
		fprintf(stream, "%s ", time);
	}
	fwrite(line->text, 1, line->size, stream);
	if (!line->partial)
		putc('\n', stream);
	*open = line->partial;
	if (printer->opts->follow)
		fflush(stream);
	return !ferror(stream);
}

/* Does the container that is followed still run? */
typedef struct {
	Engine *engine;
	const char *id;
} Followed;

static bool is_running(void *data)
{
	const Followed *followed = data;
	g_autoptr(Container) ctr = container_lookup(followed->engine, followed->id, NULL);
	if (!ctr)
		return false;
	ContainerState state = container_summary(ctr)->state;
	return state != CONTAINER_EXITED && state != CONTAINER_CREATED;
}

/* As podman reads them: a duration is so long ago for --since, and so long from now for --until. */
static bool parse_times(const LogsVerbOptions *opts, LogsOptions *read, GError **error)
{
	int64_t now = units_now();
	if (opts->since && !units_parse_time(opts->since, now, &read->since_ns, error)) {
		g_clear_error(error);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "parsing --since \"%s\": unable to interpret time value",
				 opts->since);
	}
	if (!opts->until)
		return true;
	if (!units_parse_time(opts->until, now, &read->until_ns, error)) {
		g_clear_error(error);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "parsing --until \"%s\": unable to interpret time value",
				 opts->until);
	}
	int64_t ahead = 0;
	if (units_parse_duration(opts->until, &ahead, NULL))
		read->until_ns = now + ahead;
	return true;
}

/* All there is to know for reading one container's log. */
typedef struct {
	Followed followed;
	Printer printer;
	FollowedLog log;
	char *label;
} ContainerLog;

static void container_log_free(void *pointer)
{
	ContainerLog *ctr_log = pointer;
	g_free(ctr_log->label);
	g_free(ctr_log);
}

/* The label of the @i-th of several: its name or id, with --color in a colour of its own. */
static char *make_label(const LogsVerbOptions *opts, const Container *ctr, guint i)
{
	const ContainerSummary *s = container_summary(ctr);
	g_autofree char *text = opts->names ? g_strdup(s->name) : g_strndup(s->id, 12);
	if (!opts->color)
		return g_steal_pointer(&text);
	return g_strdup_printf("\033[%um%s\033[0m", 31 + i % 6, text);
}

static ContainerLog *open_log(Engine *engine, Container *ctr, const LogsVerbOptions *opts,
			      bool several, guint i, GError **error)
{
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return NULL;
	ContainerLog *ctr_log = g_new0(ContainerLog, 1);
	ctr_log->followed = (Followed){engine, container_summary(ctr)->id};
	ctr_log->label = several ? make_label(opts, ctr, i) : NULL;
	ctr_log->printer = (Printer){opts, ctr_log->label, {false, false}};
	ctr_log->log = (FollowedLog){
		.dir_fd = container_dir_fd(ctr),
		.path = spec->log_path,
		.options =
			{
				.driver = spec->log_driver,
				.id = container_summary(ctr)->id,
				.follow = opts->follow,
				.tail = opts->tail,
				.is_running = is_running,
				.data = &ctr_log->followed,
			},
		.data = &ctr_log->printer,
	};
	if (!parse_times(opts, &ctr_log->log.options, error)) {
		container_log_free(ctr_log);
		return NULL;
	}
	return ctr_log;
}

/* One after the other, or all at once where we wait for more. */
static bool print_logs(const GPtrArray *logs, bool follow, GError **error)
{
	if (follow && logs->len > 1) {
		g_autofree FollowedLog *list = g_new0(FollowedLog, logs->len);
		for (guint i = 0; i < logs->len; i++)
			list[i] = ((ContainerLog *)logs->pdata[i])->log;
		return logs_follow(list, logs->len, print_line, error);
	}
	for (guint i = 0; i < logs->len; i++) {
		const FollowedLog *log = &((ContainerLog *)logs->pdata[i])->log;
		if (!logs_read(log->dir_fd, log->path, &log->options, print_line, log->data, error))
			return false;
	}
	return true;
}

/* All containers are found before the first line is printed. */
static int print_selected(Invocation *inv, const LogsVerbOptions *opts)
{
	g_autoptr(GError) error = NULL;
	if (!selection_check(&opts->selection, inv,
			     opts->selection.of_pods
				     ? "specify at least one pod name or ID to log"
				     : "specify at least one container name or ID to log",
			     &error))
		return command_fail(error);
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(GPtrArray) list = selection_resolve(&opts->selection, inv, engine, &error);
	g_autoptr(GPtrArray) logs = g_ptr_array_new_with_free_func(container_log_free);
	for (guint i = 0; list && !error && i < list->len; i++) {
		const Selected *selected = g_ptr_array_index(list, i);
		ContainerLog *ctr_log =
			open_log(engine, selected->ctr, opts, list->len > 1, i, &error);
		if (ctr_log)
			g_ptr_array_add(logs, ctr_log);
	}
	if (error || !print_logs(logs, opts->follow, &error))
		return command_fail(error);
	return 0;
}

static int logs(Invocation *inv, bool of_pods)
{
	LogsVerbOptions opts = {.tail = -1, .selection.of_pods = of_pods};
	int status = command_parse(inv, (void *[]){&opts, &opts}) ? print_selected(inv, &opts)
								  : inv->status;
	selection_clear(&opts.selection);
	return status;
}

static int cmd_logs(Invocation *inv)
{
	return logs(inv, false);
}

static int cmd_pod_logs(Invocation *inv)
{
	return logs(inv, true);
}

const Command logs_command = {
	.paths = (const char *const[]){"logs", "container logs", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Show what a container wrote",
	.description =
		"Prints what the container wrote so far: its standard output to ours, its standard "
		"error to ours.",
	.examples = (const char *const[]){"skiff logs web", "skiff logs -f --tail 20 web",
					  "skiff logs --since 10m -t web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_logs,
};

const Command pod_logs_command = {
	.paths = (const char *const[]){"pod logs", NULL},
	.usage = "[options] POD",
	.summary = "Show what the containers of a pod wrote",
	.description = "Prints what the containers of a pod wrote so far, each line with the id of "
		       "its container, or with --names its name.",
	.examples = (const char *const[]){"skiff pod logs --names web",
					  "skiff pod logs -f -c proxy web", NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, &pod_group, NULL},
	.arg = COMMAND_ARG_POD,
	.run = cmd_pod_logs,
};
