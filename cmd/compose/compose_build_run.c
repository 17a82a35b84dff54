/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds side by side: a skiff-build each, whose lines we print with the names of their services.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_build.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"

/* A longer line is broken. */
#define LINE_MAX_SIZE (64u << 10)

typedef struct {
	const NodeEntry *service;
	bool built;
	pid_t pid;     /* 0: it does not run */
	int output;    /* what it prints; -1: nothing more */
	GString *line; /* that is not whole */
} Job;

typedef struct {
	const ComposeBuild *how;
	Job *jobs;
	guint n, most;
	int width; /* of names */
} Jobs;

static void clear_jobs(Jobs *jobs)
{
	for (guint i = 0; i < jobs->n; i++) {
		fd_close(&jobs->jobs[i].output);
		if (jobs->jobs[i].line)
			g_string_free(jobs->jobs[i].line, TRUE);
	}
	g_free(jobs->jobs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Jobs, clear_jobs)

/* Is all that its build uses there? */
static bool is_ready(const Jobs *jobs, const Job *job)
{
	const Node *contexts =
		node_get(node_get(job->service->value, "build"), "additional_contexts");
	for (size_t c = 0; c < node_count(contexts); c++) {
		const NodeEntry *other =
			compose_build_context(jobs->how->project, node_entry(contexts, c));
		for (guint i = 0; other && i < jobs->n; i++)
			if (jobs->jobs[i].service == other && !jobs->jobs[i].built)
				return false;
	}
	return true;
}

static guint count_running(const Jobs *jobs)
{
	guint n = 0;
	for (guint i = 0; i < jobs->n; i++)
		n += jobs->jobs[i].pid > 0;
	return n;
}

static bool start_job(const Jobs *jobs, Job *job, GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd in = ends[1];
	job->output = ends[0];
	job->line = g_string_new(NULL);
	pid_t pid = compose_build_start(jobs->how, job->service, in, error);
	if (pid <= 0) {
		fd_close(&job->output);
		return false;
	}
	job->pid = pid;
	return true;
}

static bool start_ready(const Jobs *jobs, GError **error)
{
	for (guint i = 0; i < jobs->n && count_running(jobs) < jobs->most; i++) {
		Job *job = &jobs->jobs[i];
		if (!job->built && !job->pid && is_ready(jobs, job) && !start_job(jobs, job, error))
			return false;
	}
	return true;
}

/* Whole lines, or what is left of one at the end, with the name before each. */
static void print_lines(const Jobs *jobs, Job *job, bool end)
{
	g_autoptr(GString) out = g_string_new(NULL);
	GString *line = job->line;
	if ((end && line->len > 0) ||
	    (line->len >= LINE_MAX_SIZE && !memchr(line->str, '\n', line->len)))
		g_string_append_c(line, '\n');
	for (char *stop; (stop = memchr(line->str, '\n', line->len));) {
		gsize size = (gsize)(stop + 1 - line->str);
		if (!jobs->how->quiet)
			g_string_append_printf(out, "%-*s | ", jobs->width, job->service->key);
		g_string_append_len(out, line->str, (gssize)size);
		g_string_erase(line, 0, (gssize)size);
	}
	(void)fd_write_all(STDERR_FILENO, out->str, out->len);
}

/* Something came, or the end. Return: false: it has failed. */
static bool take_output(const Jobs *jobs, Job *job, int *out_status, GError **error)
{
	char data[4096];
	ssize_t n = read(job->output, data, sizeof data);
	if (n < 0 && errno == EINTR)
		return true;
	if (n > 0) {
		g_string_append_len(job->line, data, n);
		print_lines(jobs, job, false);
		return true;
	}
	print_lines(jobs, job, true);
	fd_close(&job->output);
	int status = spawn_wait(job->pid, error);
	job->pid = 0;
	job->built = status == 0;
	if (status > 0 && *out_status == 0)
		*out_status = status;
	return job->built;
}

static void end_others(const Jobs *jobs)
{
	for (guint i = 0; i < jobs->n; i++)
		if (jobs->jobs[i].pid > 0)
			(void)kill(jobs->jobs[i].pid, SIGTERM);
}

/* Until none runs any more. What fails first is told, and the others are ended. */
static bool run_jobs(const Jobs *jobs, int *out_status, GError **error)
{
	g_autofree struct pollfd *fds = g_new0(struct pollfd, jobs->n);
	bool ok = start_ready(jobs, error);
	if (!ok)
		end_others(jobs);
	while (count_running(jobs) > 0) {
		bool went_on = ok;
		for (guint i = 0; i < jobs->n; i++)
			fds[i] = (struct pollfd){.fd = jobs->jobs[i].output, .events = POLLIN};
		if (poll(fds, jobs->n, -1) < 0 && errno != EINTR) {
			end_others(jobs);
			return error_set_errno(ok ? error : NULL, "cannot wait for builds");
		}
		for (guint i = 0; i < jobs->n; i++)
			if (fds[i].revents && jobs->jobs[i].output >= 0 &&
			    !take_output(jobs, &jobs->jobs[i], out_status, ok ? error : NULL))
				ok = false;
		ok = ok && start_ready(jobs, error);
		if (went_on && !ok)
			end_others(jobs);
	}
	/* Those that wait for each other. */
	for (guint i = 0; ok && i < jobs->n; i++)
		if (!jobs->jobs[i].built)
			ok = error_set(error, ENGINE_ERROR_INVALID,
				       "services.%s.build.additional_contexts: dependency cycle "
				       "detected",
				       jobs->jobs[i].service->key);
	return ok;
}

/* As `build` does it, on the terminal if there is one. */
static bool run_alone(const ComposeBuild *how, const NodeEntry *service, int *out_status,
		      GError **error)
{
	/* What it prints is progress to us: all of it goes to standard error. */
	pid_t pid = compose_build_start(how, service, STDERR_FILENO, error);
	int status = pid < 0 ? -1 : spawn_wait(pid, error);
	if (status < 0)
		return false;
	*out_status = status;
	return status == 0;
}

bool compose_build_run(const ComposeBuild *how, const GPtrArray *services, GHashTable *built,
		       int *out_status, GError **error)
{
	output_flush();
	if (services->len == 0)
		return true;
	if (services->len == 1) {
		const NodeEntry *service = services->pdata[0];
		bool alone = run_alone(how, service, out_status, error);
		if (alone && built)
			g_hash_table_add(built, service->key);
		return alone;
	}
	g_auto(Jobs) jobs = {
		.how = how,
		.jobs = g_new0(Job, services->len),
		.n = services->len,
		.most = how->project->parallel ? how->project->parallel : g_get_num_processors(),
	};
	for (guint i = 0; i < jobs.n; i++) {
		Job *job = &jobs.jobs[i];
		job->service = services->pdata[i];
		job->output = -1;
		jobs.width = MAX(jobs.width, (int)strlen(job->service->key));
	}
	bool ok = run_jobs(&jobs, out_status, error);
	for (guint i = 0; built && i < jobs.n; i++)
		if (jobs.jobs[i].built)
			g_hash_table_add(built, jobs.jobs[i].service->key);
	return ok;
}
