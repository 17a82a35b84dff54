/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages side by side, each a process of its own that hands its result back as JSON.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define RESULT_MAX (16u << 20)

typedef struct {
	pid_t pid; /* 0: not running */
	int result_fd;
} Worker;

static Json *worker_error(const Build *build, const GError *error)
{
	Json *json = json_object_new_object();
	js_set_int(json, "code", error->domain == ENGINE_ERROR ? error->code : 0);
	js_set_string(json, "message", error->message);
	js_set_int(json, "exit", build->code);
	return json;
}

/* The child: its own stage in the store, its result as JSON. It does not outlive who asked for it.
 */
static int work(Build *build, unsigned index, pid_t parent, int result_fd)
{
	g_autoptr(GError) error = NULL;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		return 1;
	build->n_layers = 0;
	build->stage = store_stage_new(build->store, &error);
	bool ok = build->stage && solver_run_here(build, index, &error);
	g_autoptr(Json) json =
		ok ? build_state_to_json(build->results[index]) : worker_error(build, error);
	const char *text = js_text(json);
	ok = fd_write_all(result_fd, text, strlen(text)) && ok;
	solver_save_stats(build);
	store_stage_free(build->stage);
	return ok ? 0 : 1;
}

static bool start_worker(Build *build, unsigned index, Worker *worker, GError **error)
{
	worker->result_fd = memfd_create("stage", MFD_CLOEXEC);
	pid_t parent = getpid();
	worker->pid = worker->result_fd < 0 ? -1 : fork();
	if (worker->pid < 0) {
		(void)error_set_errno(error, "cannot start a stage");
		fd_close(&worker->result_fd);
		return false;
	}
	if (worker->pid == 0)
		_exit(work(build, index, parent, worker->result_fd));
	return true;
}

/* The variables of a stage that another process ran. */
static bool replay_scope(Build *build, unsigned index, GError **error)
{
	const Stage *stage = build->graph->stages->pdata[index];
	g_autoptr(BuildState) base = solver_base_state(build, stage, error);
	g_auto(StageRun) run = {.build = build, .stage = stage};
	if (!base)
		return false;
	g_autoptr(Scope) scope = solver_new_scope(build, stage, base);
	run.state = g_steal_pointer(&base);
	if (!solver_take_triggers(&run, error))
		return false;
	const GPtrArray *lists[] = {run.triggers ? run.triggers->instructions : NULL,
				    build->file->instructions};
	for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
		size_t first = l ? stage->first : 0;
		size_t end = l ? stage->end : lists[0] ? lists[0]->len : 0;
		for (size_t at = first; at < end; at++) {
			const Instruction *i = lists[l]->pdata[at];
			if ((i->kind == INSTRUCTION_ARG || i->kind == INSTRUCTION_ENV) &&
			    !scope_apply(scope, i, error))
				return false;
		}
	}
	build->scopes[index] = g_steal_pointer(&scope);
	return true;
}

/* What a worker left. */
static bool take_worker(Build *build, unsigned index, Worker *worker, GError **error)
{
	autofd fd = worker->result_fd;
	size_t size = 0;
	worker->pid = 0;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(error, "cannot read a stage's result");
	g_autofree char *text = fd_read_all(fd, RESULT_MAX, &size, error);
	g_autoptr(Json) json = text ? js_parse(text, size, "a stage's result", error) : NULL;
	const char *message = NULL;
	int64_t code = 0, exit_code = 0;
	if (!json || !js_get_string(json, "message", &message, error) ||
	    !js_get_int(json, "code", 0, INT_MAX, &code, error) ||
	    !js_get_int(json, "exit", 0, 255, &exit_code, error))
		return false;
	if (message) {
		build->code = (int)exit_code;
		return error_set(error, (ErrorCode)code, "%s", message);
	}
	build->results[index] = build_state_from_json(json, error);
	return build->results[index] && replay_scope(build, index, error);
}

/* Is all there that a stage takes from others? */
static bool is_ready(const Build *build, const Stage *stage)
{
	if (stage->base->kind == STAGE_SOURCE_STAGE && !build->results[stage->base->stage])
		return false;
	for (guint i = 0; i < stage->sources->len; i++) {
		const StageSource *source = stage->sources->pdata[i];
		if (source->kind == STAGE_SOURCE_STAGE && !build->results[source->stage])
			return false;
	}
	return true;
}

/* Start what can be started. Return: how many run. */
static unsigned start_ready(Build *build, Worker *workers, bool *started, GError **error)
{
	unsigned running = 0;
	for (guint i = 0; i < build->graph->stages->len; i++)
		running += workers[i].pid > 0;
	for (guint at = 0; at < build->graph->order->len; at++) {
		unsigned index = g_array_index(build->graph->order, unsigned, at);
		if (running >= build->options->jobs || started[index] ||
		    !is_ready(build, build->graph->stages->pdata[index]))
			continue;
		started[index] = true;
		if (!start_worker(build, index, &workers[index], error))
			return running;
		running++;
	}
	return running;
}

/* Wait for any of them. */
static bool reap_worker(Build *build, Worker *workers, GError **error)
{
	int status = 0;
	pid_t pid = waitpid(-1, &status, 0);
	if (pid < 0 && errno != EINTR)
		return error_set_errno(error, "cannot wait for a stage");
	for (guint i = 0; i < build->graph->stages->len; i++)
		if (workers[i].pid == pid)
			return take_worker(build, i, &workers[i], error);
	return true;
}

bool solver_run_parallel(Build *build, GError **error)
{
	guint n = build->graph->stages->len;
	g_autofree Worker *workers = g_new0(Worker, n);
	g_autofree bool *started = g_new0(bool, n);
	g_autoptr(GError) failed = NULL;
	while (start_ready(build, workers, started, &failed) > 0 && !failed)
		(void)reap_worker(build, workers, &failed);
	for (guint i = 0; i < n; i++) {
		if (workers[i].pid <= 0)
			continue;
		(void)waitpid(workers[i].pid, NULL, 0);
		fd_close(&workers[i].result_fd);
	}
	if (!failed)
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}
