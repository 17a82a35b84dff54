/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child prints what the containers write, in a process group of its own: the terminal's signals
 * are for us, who stop the containers while it prints their last words. It tells us by a pipe whose
 * last words are printed: only then we say that this one has exited. It ends by itself when none of
 * them runs any more, and with us.
 */
#include "cmd/compose/compose_attach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/compose/compose_down.h"
#include "cmd/compose/compose_state.h"
#include "cmd/container/logs_follow.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/units.h"
#include "libpod/events.h"

#define POLL_NS 100000000

/* One container's log and how its lines begin. */
typedef struct {
	const ComposeLogs *options;
	Engine *engine;
	const char *id;
	uint32_t index; /* among those that are printed with it */
	char *prefix;
	bool open[2]; /* the last line of stdout, stderr was not ended */
} Printer;

static void printer_free(void *data)
{
	Printer *printer = data;
	g_free(printer->prefix);
	g_free(printer);
}

static bool print_line(const LogLine *line, void *data)
{
	Printer *printer = data;
	FILE *stream = line->is_stderr ? stderr : stdout;
	bool *open = &printer->open[line->is_stderr];
	if (!*open && !printer->options->no_prefix)
		fputs(printer->prefix, stream);
	if (!*open && printer->options->timestamps) {
		g_autofree char *time = units_format_rfc3339(line->time_ns, false);
		fprintf(stream, "%s ", time);
	}
	fwrite(line->text, 1, line->size, stream);
	if (!line->partial)
		putc('\n', stream);
	*open = line->partial;
	if (printer->options->follow)
		fflush(stream);
	return !ferror(stream);
}

static bool is_running(void *data)
{
	const Printer *printer = data;
	g_autoptr(Container) ctr = container_lookup(printer->engine, printer->id, NULL);
	return ctr && compose_state_runs(ctr);
}

/* All of it is on its way to the reader: say so. */
static void tell_end(void *data)
{
	const Printer *printer = data;
	(void)fflush(NULL);
	if (!fd_write_all(printer->options->ended_fd, &printer->index, sizeof printer->index))
		log_debug("cannot tell that a log has ended: %s", strerror(errno));
}

/* The name without the project in front. */
static const char *short_name(const Container *ctr, const char *project)
{
	const char *name = container_summary(ctr)->name;
	size_t n = strlen(project);
	return g_str_has_prefix(name, project) && name[n] == '-' ? name + n + 1 : name;
}

/* "web-1  | ", in a colour of its own on a terminal. */
static char *make_prefix(const char *name, int width, guint i, const ComposeLogs *options)
{
	static const int colours[] = {36, 33, 32, 35, 34, 96, 93, 92, 95, 94};
	if (options->no_color || !compose_use_colours(STDOUT_FILENO))
		return g_strdup_printf("%-*s | ", width, name);
	return g_strdup_printf("\033[%dm%-*s | \033[0m", colours[i % G_N_ELEMENTS(colours)], width,
			       name);
}

static bool open_log(FollowedLog *log, Printer *printer, Container *ctr, GError **error)
{
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	*log = (FollowedLog){
		.dir_fd = container_dir_fd(ctr),
		.path = spec->log_path,
		.options =
			{
				.driver = spec->log_driver,
				.id = container_summary(ctr)->id,
				.follow = printer->options->follow,
				.tail = printer->options->tail,
				.since_ns = printer->options->since_ns,
				.until_ns = printer->options->until_ns,
				.is_running = is_running,
				.data = printer,
			},
		.data = printer,
		.ended = printer->options->ended_fd > 0 ? tell_end : NULL,
	};
	return true;
}

/* One that nobody can read is no reason to be silent about the others. */
static void skip(const FollowedLog *log, const char *name)
{
	log_warn("%s: its log driver keeps no logs", name);
	if (log->ended)
		log->ended(log->data);
}

bool compose_logs(Engine *engine, const GPtrArray *items, const char *project,
		  const ComposeLogs *options, GError **error)
{
	g_autoptr(GPtrArray) printers = g_ptr_array_new_with_free_func(printer_free);
	g_autofree FollowedLog *logs = g_new0(FollowedLog, items->len + 1);
	int width = 0;
	for (guint i = 0; i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		width = MAX(width, (int)strlen(short_name(item->ctr, project)) + 1);
	}
	size_t n = 0;
	for (guint i = 0; i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		Printer *printer = g_new0(Printer, 1);
		g_ptr_array_add(printers, printer);
		printer->options = options;
		printer->engine = engine;
		printer->id = container_summary(item->ctr)->id;
		printer->index = i;
		printer->prefix = make_prefix(short_name(item->ctr, project), width, i, options);
		if (!open_log(&logs[n], printer, item->ctr, error))
			return false;
		if (logs_are_kept(logs[n].options.driver))
			n++;
		else
			skip(&logs[n], short_name(item->ctr, project));
	}
	if (options->follow)
		return logs_follow(logs, n, print_line, error);
	for (size_t i = 0; i < n; i++)
		if (!logs_read(logs[i].dir_fd, logs[i].path, &logs[i].options, print_line,
			       logs[i].data, error))
			return false;
	return true;
}

/*
 * A child in a group of its own, which Ctrl-C does not reach and which ends with us. Return: its
 * pid, in the child 0, or -1.
 */
static pid_t fork_companion(void)
{
	pid_t parent = getpid();
	sigset_t none;
	output_flush();
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGTTOU, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(1);
	return 0;
}

/* A child that prints. */
typedef struct {
	pid_t pid;
	int fd;     /* tells whose log has ended */
	char **ids; /* whose logs it prints; NULL: that one has ended */
	guint n;
} PrinterChild;

static void printer_child_clear(void *data)
{
	PrinterChild *child = data;
	fd_close(&child->fd);
	for (guint i = 0; i < child->n; i++)
		g_free(child->ids[i]);
	g_free(child->ids);
}

/* One attached command. */
typedef struct {
	Engine *engine;
	const char *project;
	const ComposeAttach *options;
	GPtrArray *state, *items; /* of ComposeContainer: all, and those we wait for */
	GHashTable *ended;        /* ids that were told of */
	GHashTable *restarts;     /* id -> how often its policy had started it when we looked */
	GHashTable *codes;        /* id -> of its last end; a record has none once it runs again */
	EventReader *events;
	int signals;  /* how many came */
	bool aborted; /* the rest was stopped, since one ended */
	int code;
	pid_t companion;   /* 0: none, or it has ended */
	GPtrArray *states; /* further lists that @items borrows from */
	GArray *printers;  /* of PrinterChild */
	unsigned ticks;
} Attached;

/* Start the child that prints these. Return: false with errno. */
static bool start_printer(Attached *at, const GPtrArray *items, int64_t since_ns)
{
	ComposeLogs logs = at->options->logs;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	PrinterChild child = {.fd = ends[0], .n = items->len};
	autofd write_end = ends[1];
	logs.ended_fd = write_end;
	if (since_ns)
		logs.since_ns = since_ns;
	child.pid = fcntl(child.fd, F_SETFL, O_NONBLOCK) < 0 ? -1 : fork_companion();
	if (child.pid == 0) {
		g_autoptr(GError) error = NULL;
		if (!compose_logs(at->engine, items, at->project, &logs, &error))
			output_error(error);
		(void)fflush(NULL);
		_exit(error ? 1 : 0);
	}
	g_array_append_val(at->printers, child);
	PrinterChild *kept = &g_array_index(at->printers, PrinterChild, at->printers->len - 1);
	kept->ids = g_new0(char *, items->len + 1);
	for (guint i = 0; i < items->len; i++)
		kept->ids[i] =
			g_strdup(container_summary(((ComposeContainer *)items->pdata[i])->ctr)->id);
	return child.pid > 0;
}

/* Take what it tells. With its end all its logs have ended. */
static void hear_printer(PrinterChild *child)
{
	uint32_t index;
	ssize_t n = 0;
	while (child->fd >= 0 && (n = read(child->fd, &index, sizeof index)) == sizeof index)
		if (index < child->n)
			g_clear_pointer(&child->ids[index], g_free);
	if (child->fd < 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	fd_close(&child->fd);
	for (guint i = 0; i < child->n; i++)
		g_clear_pointer(&child->ids[i], g_free);
}

/* Is a container's log still being printed? */
static bool is_being_printed(Attached *at, const char *id)
{
	bool found = false;
	for (guint p = 0; p < at->printers->len; p++) {
		PrinterChild *child = &g_array_index(at->printers, PrinterChild, p);
		hear_printer(child);
		for (guint i = 0; i < child->n; i++)
			found |= g_strcmp0(child->ids[i], id) == 0;
	}
	return found;
}

/* What this up is about: services that were not asked for, nor needed, are left alone. */
static GPtrArray *select_ours(const Attached *at, const GPtrArray *state)
{
	const Node *services = node_get(at->options->files->model, "services");
	GPtrArray *items = compose_state_select(state, NULL, false);
	for (guint i = items->len; i-- > 0;)
		if (!node_get(services, ((ComposeContainer *)items->pdata[i])->service))
			g_ptr_array_remove_index(items, i);
	return items;
}

static bool stop_all(Attached *at, GError **error)
{
	g_autoptr(GPtrArray) now = compose_state_list(at->engine, at->project, error);
	g_autoptr(GPtrArray) items = now ? select_ours(at, now) : NULL;
	const ComposeDown down = {
		.timeout_s = at->options->stop_timeout_s,
		.project = at->options->files,
	};
	return items && compose_stop(items, &down, error);
}

/* The second signal: no more waiting. */
static void kill_all(Attached *at)
{
	g_autoptr(GPtrArray) now = compose_state_list(at->engine, at->project, NULL);
	g_autoptr(GPtrArray) items = now ? select_ours(at, now) : NULL;
	for (guint i = 0; items && i < items->len; i++) {
		Container *ctr = ((ComposeContainer *)items->pdata[i])->ctr;
		if (compose_state_runs(ctr))
			(void)container_kill(ctr, SIGKILL, NULL);
	}
}

static bool ends_with_others(const ComposeAttach *options)
{
	return options->abort_on_exit || options->abort_on_failure || options->code_from;
}

static bool is_printed(const ComposeAttach *options, const char *service)
{
	return !options->services || g_strv_contains(options->services, service);
}

/* Those that are printed; where the end of one is the end of all, or all are silent, also those
 * that were named, or all. */
static bool is_waited_for(const ComposeAttach *options, const char *service)
{
	const char *const *named = options->named;
	bool all_silent = options->services && !options->services[0];
	if (is_printed(options, service) || g_strcmp0(options->code_from, service) == 0)
		return true;
	return (ends_with_others(options) || all_silent) &&
	       (named && named[0]
			? g_strv_contains(named, service)
			: node_get(node_get(options->files->model, "services"), service) != NULL);
}

/* Those of a list for which @is_meant holds. */
static GPtrArray *choose(const GPtrArray *state, const ComposeAttach *options,
			 bool (*is_meant)(const ComposeAttach *options, const char *service))
{
	GPtrArray *chosen = compose_state_select(state, NULL, false);
	for (guint i = chosen->len; i-- > 0;)
		if (!is_meant(options, ((ComposeContainer *)chosen->pdata[i])->service))
			g_ptr_array_remove_index(chosen, i);
	return chosen;
}

/* What the end of one container means for the others. */
static bool note_end(Attached *at, const ComposeContainer *item, const ContainerSummary *s,
		     bool *out_abort)
{
	const ComposeAttach *options = at->options;
	bool ours = options->code_from && strcmp(options->code_from, item->service) == 0;
	printf("%s exited with code %d\n", short_name(item->ctr, at->project), s->exit_code);
	(void)fflush(stdout);
	if (ours || (!options->code_from && !at->aborted && options->abort_on_exit) ||
	    (options->abort_on_failure && !at->aborted && s->exit_code != 0))
		at->code = s->exit_code;
	if (!at->aborted && (options->abort_on_exit || options->code_from ||
			     (options->abort_on_failure && s->exit_code != 0)))
		*out_abort = true;
	return true;
}

/* Which codes containers have ended with. */
static void read_codes(Attached *at)
{
	Event event;
	while (event_reader_next(at->events, &event))
		if (event.type == EVENT_CONTAINER && event.has_exit_code &&
		    strcmp(event.status, "died") == 0)
			g_hash_table_insert(at->codes, g_strdup(event.id),
					    GINT_TO_POINTER(event.exit_code));
}

/* It runs again, or will, by its policy: since we looked it has ended at least once. */
static void note_restart(Attached *at, const ComposeContainer *item, const ContainerSummary *s)
{
	gpointer known = NULL, code = NULL;
	if (!g_hash_table_lookup_extended(at->restarts, s->id, NULL, &known))
		known = GINT_TO_POINTER(container_summary(item->ctr)->restart_count);
	g_hash_table_insert(at->restarts, g_strdup(s->id), GINT_TO_POINTER(s->restart_count));
	if (s->restart_count <= GPOINTER_TO_INT(known))
		return;
	/* The monitor writes the event before it counts. */
	read_codes(at);
	if (!g_hash_table_lookup_extended(at->codes, s->id, NULL, &code))
		return;
	printf("%s exited with code %d (restarting)\n", short_name(item->ctr, at->project),
	       GPOINTER_TO_INT(code));
	(void)fflush(stdout);
}

/* Look at all containers. Return: how many are still there to wait for; -1 with @error. */
static int look_around(Attached *at, GError **error)
{
	int left = 0;
	bool abort_now = false;
	for (guint i = 0; i < at->items->len; i++) {
		const ComposeContainer *item = at->items->pdata[i];
		const char *id = container_summary(item->ctr)->id;
		if (g_hash_table_contains(at->ended, id))
			continue;
		g_autoptr(Container) now = compose_state_reload(at->engine, item->ctr);
		bool runs = now && compose_state_runs(now);
		if (runs)
			note_restart(at, item, container_summary(now));
		if (runs || is_being_printed(at, id)) {
			left++;
			continue;
		}
		g_hash_table_add(at->ended, g_strdup(id));
		if (now)
			note_end(at, item, container_summary(now), &abort_now);
	}
	if (abort_now && left > 0) {
		at->aborted = true;
		(void)fprintf(stderr, "Aborting on container exit...\n");
		if (!stop_all(at, error))
			return -1;
	}
	return left;
}

/* The signals we wait for, blocked from before the child starts. */
static void block_signals(sigset_t *set, sigset_t *old)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, set, old);
}

/* Stopping takes its time: a second signal must get through meanwhile, so a child does it. */
static pid_t stop_in_child(Attached *at)
{
	pid_t parent = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	g_autoptr(GError) error = NULL;
	(void)setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (!stop_all(at, &error))
		output_error(error);
	(void)fflush(NULL);
	_exit(error ? 1 : 0);
}

static bool handle_signal(Attached *at, pid_t *stopper, GError **error)
{
	at->code = 130;
	if (at->signals++ > 0) {
		kill_all(at);
		return true;
	}
	at->aborted = true;
	(void)fprintf(stderr, "Gracefully stopping... (press Ctrl+C again to force)\n");
	*stopper = stop_in_child(at);
	return *stopper >= 0 || error_set_errno(error, "cannot stop the project");
}

/* The child that does something else. Return: its pid, or -1. */
static pid_t start_companion(const Attached *at)
{
	g_autoptr(GError) error = NULL;
	pid_t pid = fork_companion();
	if (pid != 0)
		return pid;
	if (!at->options->companion(at->options->companion_data, &error))
		output_error(error);
	(void)fflush(NULL);
	_exit(error ? 1 : 0);
}

/* It looks at signals between its works, of which a build may be one: another signal does not wait.
 * What it started after the others were stopped is stopped, too. */
static bool end_companion(Attached *at, const sigset_t *set, GError **error)
{
	const struct timespec tick = {.tv_nsec = POLL_NS};
	if (at->companion <= 0)
		return true;
	(void)kill(at->companion, SIGTERM);
	while (waitpid(at->companion, NULL, WNOHANG) == 0)
		if (sigtimedwait(set, NULL, &tick) > 0)
			(void)kill(at->companion, SIGKILL);
	at->companion = 0;
	return !at->aborted || stop_all(at, error);
}

/* Is a container one of those that we follow, and is it said that it has ended? */
static bool is_followed(const Attached *at, const char *id)
{
	for (guint i = 0; i < at->items->len; i++)
		if (strcmp(container_summary(((ComposeContainer *)at->items->pdata[i])->ctr)->id,
			   id) == 0)
			return !g_hash_table_contains(at->ended, id);
	return false;
}

/* Containers that run by now and are not followed, from now on. */
static bool follow_new(Attached *at, GError **error)
{
	g_autoptr(GPtrArray) state = compose_state_list(at->engine, at->project, error);
	g_autoptr(GPtrArray) all = state ? choose(state, at->options, is_waited_for) : NULL;
	g_autoptr(GPtrArray) printed = state ? choose(state, at->options, is_printed) : NULL;
	g_autoptr(GPtrArray) fresh = g_ptr_array_new();
	bool any = false;
	for (guint i = 0; all && i < all->len; i++) {
		ComposeContainer *item = all->pdata[i];
		const char *id = container_summary(item->ctr)->id;
		if (!compose_state_runs(item->ctr) || is_followed(at, id))
			continue;
		/* One that has been started again is followed by its new record. */
		for (guint j = at->items->len; j-- > 0;) {
			const ComposeContainer *old = at->items->pdata[j];
			if (strcmp(container_summary(old->ctr)->id, id) == 0)
				g_ptr_array_remove_index(at->items, j);
		}
		g_hash_table_remove(at->ended, id);
		g_ptr_array_add(at->items, item);
		any = true;
		if (g_ptr_array_find(printed, item, NULL))
			g_ptr_array_add(fresh, item);
	}
	const ComposeContainer *first = fresh->len > 0 ? fresh->pdata[0] : NULL;
	bool ok = !first || start_printer(at, fresh, container_summary(first->ctr)->started) ||
		  error_set_errno(error, "cannot follow the logs");
	if (any)
		g_ptr_array_add(at->states, g_steal_pointer(&state));
	return ok && all != NULL;
}

/* Now and then: another command may start or scale a service meanwhile. */
static bool look_for_new(Attached *at, GError **error)
{
	if (at->aborted || ++at->ticks % 5 != 0)
		return true;
	if (at->companion > 0 && waitpid(at->companion, NULL, WNOHANG) == at->companion)
		at->companion = 0;
	return follow_new(at, error);
}

/* Until nothing runs any more. */
static bool wait_for_end(Attached *at, const sigset_t *set, GError **error)
{
	const struct timespec tick = {.tv_nsec = POLL_NS};
	pid_t stopper = -1;
	bool ok = true;
	int left = 1;
	while (ok && (left > 0 || (at->companion > 0 && !at->aborted))) {
		int signum = sigtimedwait(set, NULL, &tick);
		if (signum > 0)
			ok = handle_signal(at, &stopper, error);
		left = ok ? look_around(at, error) : -1;
		ok = ok && left >= 0 && look_for_new(at, error);
	}
	if (stopper > 0)
		(void)waitpid(stopper, NULL, 0);
	return ok;
}

static void print_attaching(const Attached *at, const GPtrArray *printed)
{
	g_autoptr(GString) names = g_string_new(NULL);
	for (guint i = 0; i < printed->len; i++)
		g_string_append_printf(
			names, "%s%s", i ? ", " : "",
			short_name(((ComposeContainer *)printed->pdata[i])->ctr, at->project));
	(void)fprintf(stderr, "Attaching to %s\n", names->str);
}

static bool attach(Attached *at, GError **error)
{
	sigset_t set, old;
	g_autoptr(GPtrArray) printed = choose(at->state, at->options, is_printed);
	block_signals(&set, &old);
	print_attaching(at, printed);
	bool ok = start_printer(at, printed, 0) || error_set_errno(error, "cannot follow the logs");
	if (ok && at->options->companion)
		at->companion = start_companion(at);
	ok = ok && wait_for_end(at, &set, error);
	ok = end_companion(at, &set, ok ? error : NULL) && ok;
	for (guint i = 0; i < at->printers->len; i++) {
		pid_t pid = g_array_index(at->printers, PrinterChild, i).pid;
		if (!ok && pid > 0)
			(void)kill(pid, SIGTERM);
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return ok;
}

bool compose_attach(Engine *engine, const char *project, const ComposeAttach *options,
		    int *out_code, GError **error)
{
	/* From now on the terminal is the logs': what we and our children report are lines. */
	compose_progress_end();
	compose_progress_inherit();
	g_autoptr(GPtrArray) state = compose_state_list(engine, project, error);
	if (!state)
		return false;
	g_autoptr(GPtrArray) items = choose(state, options, is_waited_for);
	g_autoptr(GHashTable) ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) restarts =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) codes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(EventReader) events = event_reader_new(engine, true);
	g_autoptr(GPtrArray) states =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	g_autoptr(GArray) printers = g_array_new(FALSE, FALSE, sizeof(PrinterChild));
	g_array_set_clear_func(printers, printer_child_clear);
	Attached at = {
		.engine = engine,
		.project = project,
		.options = options,
		.state = state,
		.items = items,
		.ended = ended,
		.restarts = restarts,
		.codes = codes,
		.events = events,
		.states = states,
		.printers = printers,
	};
	if ((items->len > 0 || options->companion) && !attach(&at, error))
		return false;
	*out_code = at.code;
	return true;
}
