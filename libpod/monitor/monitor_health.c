/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: health probes. A probe is an exec session of ours whose output comes to us
 * through a pipe. At most one is under way; the next begins an interval after the end of the last,
 * or at once if a command asked for one meanwhile. A probe ends with its first process, whoever
 * else holds its pipe, or with its time: then everything it has started is killed.
 *
 * Nothing of a probe is waited for. Of its output only the beginning is kept; the rest is read and
 * dropped until a limit, beyond which the probe blocks and runs out of its time. The log is not
 * held in memory: it is read, added to and replaced as health.json in the runtime directory, and
 * kept with the exit when the container ends.
 *
 * What --health-on-failure does goes the way of every exit (monitor_exit.c); a command that asked
 * for the probe is answered when that is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/record.h"
#include "libpod/base/seal.h"
#include "libpod/base/units.h"
#include "libpod/monitor/monitor_priv.h"

#define HEALTH_RECORD    "health.json"
#define RECORD_MAX       (1 << 20)
#define LOG_BYTES_MAX    (256 << 10) /* of the log's JSON, whatever count and size allow */
#define OUTPUT_KEPT_MAX  (16 << 10)  /* of one probe, whatever the size allows */
#define OUTPUT_READ_MAX  (16 << 20)  /* of one probe: what says more blocks */
#define PAUSED_LOOK_MS   500         /* between looks at a container that is paused */
#define ANSWER_DELAY_MAX 2000        /* ms of back-off for which a command waits */
#define CODE_TIMEOUT     (-1)        /* podman's */
#define CODE_KILLED      (128 + SIGKILL)
#define KILLED_GRACE_MS                                                                            \
	50 /* between the death of a probe and that of the container it died with                  \
	    */

static const HealthConfig *health_config(const MonitorLoop *loop)
{
	return loop->task->health;
}

static int64_t age_ns(const MonitorLoop *loop)
{
	return (monitor_now_ms() - loop->started_ms) * 1000000;
}

/* When the next probe is due. */
static void plan_next(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	int64_t delay = health_state_delay(&health->state, health_config(loop), age_ns(loop));
	int64_t ms = MIN(delay / 1000000, G_MAXINT32);
	health->next_at = delay < 0 ? NO_DEADLINE : monitor_now_ms() + MAX(ms, 1);
}

/* The first entries go until the log is within its bounds. */
static void trim_log(Json *log, int64_t count)
{
	size_t n = json_object_array_length(log);
	if (count > 0 && n > (size_t)count) {
		json_object_array_del_idx(log, 0, n - (size_t)count);
		n = (size_t)count;
	}
	while (n > 1 && strlen(js_text(log)) > LOG_BYTES_MAX) {
		json_object_array_del_idx(log, 0, MAX(n / 4, 1));
		n = json_object_array_length(log);
	}
}

/* Also where the user wants it: a directory of theirs. */
static void copy_log(MonitorLoop *loop, const char *text)
{
	const char *place = health_config(loop)->log_destination;
	g_autoptr(GError) error = NULL;
	if (!place || *place != '/')
		return;
	g_autofree char *name = g_strconcat(loop->task->id, "-healthcheck.log", NULL);
	autofd dir = openat(AT_FDCWD, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		error_set_errno(&error, "cannot open '%s'", place);
	else
		(void)record_replace(dir, name, text, strlen(text), RECORD_SYNC_NONE, &error);
	if (error)
		log_info("the health log is not written: %s", error->message);
}

/* Replace the record; @entry (taken, may be NULL) is the probe that has just ended. */
static void write_record(MonitorLoop *loop, Json *entry)
{
	const HealthState *state = &loop->health.state;
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) old = js_load(MONITOR_FD_RUN, HEALTH_RECORD, RECORD_MAX, NULL);
	g_autoptr(Json) json = json_object_new_object();
	Json *log = NULL;
	if (old && js_get_array(old, "Log", &log, NULL) && log)
		json_object_get(log);
	else
		log = json_object_new_array();
	if (entry)
		json_object_array_add(log, entry);
	trim_log(log, health_config(loop)->log_count);
	js_set_string(json, "Status", health_status_name(state->status));
	js_set_int(json, "FailingStreak", state->streak);
	js_set_take(json, "Log", log);
	const char *text = js_text(json);
	if (!record_replace(MONITOR_FD_RUN, HEALTH_RECORD, text, strlen(text), RECORD_SYNC_NONE,
			    &error))
		log_warn("cannot record the container's health: %s", error->message);
	copy_log(loop, text);
}

/* ps and others read the status alone, and with the rest of a running container. */
static void publish_status(MonitorLoop *loop)
{
	g_autoptr(GError) error = NULL;
	if (!monitor_write_run_record(loop, &error))
		log_warn("cannot record the container's health: %s", error->message);
}

void monitor_health_start(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	if (!health_config(loop))
		return;
	health_state_reset(&health->state, health_config(loop));
	health->deferred = false;
	health->out_fd = -1;
	write_record(loop, NULL);
	plan_next(loop);
}

/* A text that can stand in JSON: what is no UTF-8 is shown as such. */
static char *valid_output(const GString *output)
{
	return output ? g_utf8_make_valid(output->str, (gssize)output->len) : g_strdup("");
}

static Json *log_entry(const MonitorHealth *health, int code, const char *output)
{
	g_autofree char *start = units_format_rfc3339(health->begun_ns, false);
	g_autofree char *end = units_format_rfc3339(units_now(), false);
	Json *entry = json_object_new_object();
	js_set_string(entry, "Start", start);
	js_set_string(entry, "End", end);
	js_set_int(entry, "ExitCode", code);
	js_set_string(entry, "Output", output);
	return entry;
}

/* Tell a command what its probe found. */
static void answer(MonitorLoop *loop, int fd)
{
	const MonitorHealth *health = &loop->health;
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = json_object_new_object();
	g_autofree char *limit = units_format_duration(health->timeout_ns);
	if (health->verdict == PROBE_TIMED_OUT)
		error_set(&error, ENGINE_ERROR_TIMEOUT,
			  "healthcheck command exceeded timeout of %s", limit);
	else if (health->verdict == PROBE_LOST)
		error_set(&error, ENGINE_ERROR_BAD_STATE, "container %s is not running",
			  loop->task->id);
	js_set_string(json, "result",
		      health->verdict == PROBE_PASSED     ? "healthy"
		      : health->verdict == PROBE_STARTING ? "starting"
							  : "unhealthy");
	if (error)
		(void)message_send_error(fd, error);
	else
		(void)message_send(fd, MESSAGE_DONE, json);
}

/* Answer and part from the commands: those of the last probe, or all. */
static void answer_clients(MonitorLoop *loop, bool all)
{
	MonitorHealth *health = &loop->health;
	size_t kept = 0;
	for (size_t i = 0; i < health->n_clients; i++) {
		if (!all && !health->clients[i].served) {
			health->clients[kept++] = health->clients[i];
			continue;
		}
		answer(loop, health->clients[i].fd);
		fd_close(&health->clients[i].fd);
	}
	health->n_clients = kept;
	health->deferred = false;
}

static bool anybody_waits(const MonitorHealth *health)
{
	for (size_t i = 0; i < health->n_clients; i++) {
		if (!health->clients[i].served)
			return true;
	}
	return false;
}

void monitor_stop_init(MonitorLoop *loop)
{
	int64_t limit = monitor_now_ms() + loop->task->stop_timeout_s * G_GINT64_CONSTANT(1000);
	loop->kill_at = MIN(loop->kill_at, limit);
	(void)syscall(SYS_pidfd_send_signal, loop->launch.pidfd, loop->task->stop_signal, NULL, 0);
}

/* Do what is asked for a container that fails its probes. Return: what that is, NULL if nothing. */
static const char *act(MonitorLoop *loop, HealthStep step)
{
	const char *done = NULL;
	if (loop->stopped_by_user)
		return NULL;
	HealthOnFailure action = step == HEALTH_STEP_NONE      ? HEALTH_ON_FAILURE_NONE
				 : step == HEALTH_STEP_RESTART ? HEALTH_ON_FAILURE_RESTART
							       : health_config(loop)->on_failure;
	switch (action) {
	case HEALTH_ON_FAILURE_NONE:
		return NULL;
	case HEALTH_ON_FAILURE_KILL:
		done = "killed";
		(void)syscall(SYS_pidfd_send_signal, loop->launch.pidfd, SIGKILL, NULL, 0);
		break;
	case HEALTH_ON_FAILURE_RESTART:
		done = "restarting";
		loop->restart_wanted = true;
		monitor_stop_init(loop);
		break;
	case HEALTH_ON_FAILURE_STOP:
		done = "stopping";
		loop->stopped_by_user = true;
		monitor_stop_init(loop);
		break;
	}
	loop->health.next_at = NO_DEADLINE; /* this run needs no further probe */
	return done;
}

static HealthVerdict judge(const MonitorLoop *loop, int code, bool in_startup)
{
	if (loop->health.timed_out)
		return PROBE_TIMED_OUT;
	if (code == 0)
		return PROBE_PASSED;
	return in_startup ? PROBE_STARTING : PROBE_FAILED;
}

/* A probe has its result. */
static void conclude(MonitorLoop *loop, int code, const char *output)
{
	MonitorHealth *health = &loop->health;
	const HealthConfig *config = health_config(loop);
	HealthStatus before = health->state.status;
	bool in_startup = !health->state.startup_passed;
	int64_t age = (health->begun_ms - loop->started_ms) * 1000000;
	health->verdict = judge(loop, code, in_startup);
	HealthStep step = health_state_note(&health->state, config, code == 0, age);
	write_record(loop, log_entry(health, code, output));
	if (before != health->state.status)
		publish_status(loop);
	if (health->state.status == HEALTH_HEALTHY)
		monitor_notify_healthy(loop);
	bool asked = health->n_clients > 0 && health->clients[0].served;
	if (before != health->state.status || asked) {
		bool logs = g_strcmp0(config->log_destination, HEALTH_LOG_EVENTS) == 0;
		monitor_event_health(loop, logs ? output : NULL);
	}
	plan_next(loop);
	const char *done = act(loop, step);
	health->deferred = done != NULL;
	if (before != health->state.status || done)
		monitor_notify_health(loop, done, output);
	if (!health->deferred)
		answer_clients(loop, false);
	malloc_trim(0);
}

static void close_probe(MonitorHealth *health)
{
	fd_close(&health->out_fd);
	health->session = NULL;
	health->conclude_at = NO_DEADLINE;
	if (health->output)
		g_string_free(health->output, TRUE);
	health->output = NULL;
}

/* Read what is there, keep its beginning. Return: false if there is nothing more now. */
static bool read_output(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	char piece[4096];
	ssize_t n = read(health->out_fd, piece, sizeof piece);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		fd_close(&health->out_fd);
		return false;
	}
	health->bytes_read += (size_t)n;
	if (health->output->len < health->keep)
		g_string_append_len(health->output, piece,
				    MIN(n, (gssize)(health->keep - health->output->len)));
	return true;
}

static void on_output(MonitorLoop *loop, void *data, short revents)
{
	if (loop->health.out_fd >= 0)
		(void)read_output(loop);
}

void monitor_health_ended(MonitorLoop *loop, Session *session, int code, const GError *error)
{
	MonitorHealth *health = &loop->health;
	if (health->session != session)
		return;
	/* A daemon may hold the pipe for ever, and fill it as fast as we read. */
	for (int i = 0; i < 16 && health->out_fd >= 0 && read_output(loop); i++)
		;
	g_autofree char *said = valid_output(health->output);
	g_autofree char *output = error ? g_strdup(error->message) : g_steal_pointer(&said);
	/* A container that ends takes its probe along, and its own end is told a moment later. */
	if (code == CODE_KILLED && !error && !health->timed_out) {
		health->session = NULL;
		health->conclude_at = monitor_now_ms() + KILLED_GRACE_MS;
		return;
	}
	int recorded = health->timed_out ? CODE_TIMEOUT : code != 0 || error ? 1 : 0;
	close_probe(health);
	conclude(loop, recorded, output);
}

/* The container has outlived the probe that was killed. */
static void conclude_killed(MonitorLoop *loop)
{
	g_autofree char *output = valid_output(loop->health.output);
	close_probe(&loop->health);
	conclude(loop, 1, output);
}

/* Its end comes the usual way, unless it never got into the container. */
static void kill_probe(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	Session *session = health->session;
	health->timed_out = true;
	health->deadline = NO_DEADLINE;
	if (session->entering.sync_fd < 0) {
		monitor_tree_kill(loop->proc_fd, session->pid);
		return;
	}
	entering_clear(&session->entering);
	session->ended = true;
	monitor_health_ended(loop, session, 1, NULL);
}

/* End a probe whose result nobody wants any more. */
static void drop_probe(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	Session *session = health->session;
	close_probe(health);
	health->deadline = NO_DEADLINE;
	if (!session)
		return;
	if (session->entering.sync_fd < 0) {
		monitor_tree_kill(loop->proc_fd, session->pid);
		return;
	}
	entering_clear(&session->entering);
	session->ended = true;
}

void monitor_health_change(MonitorLoop *loop, HealthConfig *config)
{
	MonitorHealth *health = &loop->health;
	if (health_config(loop) && loop->phase == MONITOR_RUNNING)
		drop_probe(loop);
	health_config_free(loop->task->health);
	loop->task->health = config;
	for (size_t i = 0; i < health->n_clients; i++)
		health->clients[i].served = false; /* by the next probe */
	if (!config) {
		health->verdict = PROBE_LOST;
		answer_clients(loop, true);
		health->next_at = NO_DEADLINE;
		(void)unlinkat(MONITOR_FD_RUN, HEALTH_RECORD, 0);
	} else if (loop->phase == MONITOR_RUNNING && !health->deferred) {
		monitor_health_start(loop);
	}
	publish_status(loop);
}

/* The probe's two ends of a pipe. Return: its end, or -1. */
static int open_output(MonitorHealth *health)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	if (!fd_set_nonblock(ends[0], true)) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	health->out_fd = ends[0];
	return ends[1];
}

static size_t bytes_to_keep(const HealthConfig *config)
{
	return config->log_size > 0 ? (size_t)MIN(config->log_size, OUTPUT_KEPT_MAX)
				    : OUTPUT_KEPT_MAX;
}

static void begin_probe(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	const HealthProbe *probe = health_state_probe(&health->state, health_config(loop));
	g_auto(GStrv) args = health_test_args(probe->test);
	g_autoptr(GError) error = NULL;
	for (size_t i = 0; i < health->n_clients; i++)
		health->clients[i].served = true;
	health->begun_ns = units_now();
	health->begun_ms = monitor_now_ms();
	health->timeout_ns = probe->timeout;
	health->deadline =
		health->begun_ms + MAX(MIN(probe->timeout / 1000000, (int64_t)G_MAXINT32), 1);
	health->next_at = NO_DEADLINE;
	health->timed_out = false;
	health->bytes_read = 0;
	health->keep = bytes_to_keep(health_config(loop));
	autofd out = open_output(health);
	if (out < 0)
		error_set_errno(&error, "cannot make a pipe for the probe");
	else
		health->session = monitor_exec_probe(loop, (const char *const *)args, out, &error);
	if (health->session) {
		health->output = g_string_new(NULL);
		return;
	}
	close_probe(health);
	conclude(loop, 1, error->message);
}

void monitor_health_run(MonitorLoop *loop, int client_fd)
{
	autofd client = client_fd;
	MonitorHealth *health = &loop->health;
	g_autoptr(GError) error = NULL;
	if (!health_config(loop))
		error_set(&error, ENGINE_ERROR_INVALID, "container %s has no defined healthcheck",
			  loop->task->id);
	else if (loop->phase != MONITOR_RUNNING || monitor_is_paused(loop) || health->deferred)
		error_set(&error, ENGINE_ERROR_BAD_STATE, "container %s is not running",
			  loop->task->id);
	else if (health->n_clients == HEALTH_CLIENTS_MAX)
		error_set(&error, ENGINE_ERROR_IN_USE, "too many commands wait for a probe");
	if (error) {
		(void)message_send_error(client, error);
		return;
	}
	health->clients[health->n_clients++] = (HealthClient){.fd = fd_steal(&client)};
}

void monitor_health_prepare(MonitorLoop *loop)
{
	const MonitorHealth *health = &loop->health;
	if (!health_config(loop) || loop->phase != MONITOR_RUNNING)
		return;
	monitor_poll_until(loop, health->session ? health->deadline : health->next_at);
	monitor_poll_until(loop, health->conclude_at);
	if (health->session && health->out_fd >= 0 && health->bytes_read < OUTPUT_READ_MAX)
		monitor_poll_add(loop, health->out_fd, POLLIN, on_output, NULL);
}

/* Without a probe under way: is it time for one? */
static void begin_due(MonitorLoop *loop, int64_t now)
{
	MonitorHealth *health = &loop->health;
	if (health->deferred || (now < health->next_at && !anybody_waits(health)))
		return;
	if (monitor_is_paused(loop) && !anybody_waits(health))
		health->next_at = now + PAUSED_LOOK_MS;
	else
		begin_probe(loop);
}

void monitor_health_advance(MonitorLoop *loop, int64_t now)
{
	MonitorHealth *health = &loop->health;
	if (!health_config(loop) || loop->phase != MONITOR_RUNNING)
		return;
	if (health->conclude_at != NO_DEADLINE) {
		if (now >= health->conclude_at)
			conclude_killed(loop);
	} else if (!health->session) {
		begin_due(loop, now);
	} else if (now >= health->deadline && monitor_is_paused(loop)) {
		health->deadline = now + PAUSED_LOOK_MS; /* its time stands still, too */
	} else if (now >= health->deadline) {
		kill_probe(loop);
	}
}

void monitor_health_stop(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	if (!health_config(loop))
		return;
	if (!health->deferred)
		health->verdict = PROBE_LOST;
	close_probe(health);
	health->next_at = NO_DEADLINE;
}

void monitor_health_settled(MonitorLoop *loop)
{
	MonitorHealth *health = &loop->health;
	if (!health_config(loop) || health->n_clients == 0)
		return;
	if (loop->phase == MONITOR_WAITING && loop->restart_delay <= ANSWER_DELAY_MAX)
		return;
	answer_clients(loop, true);
}

void monitor_health_keep(MonitorLoop *loop)
{
	if (!health_config(loop) || loop->task->auto_remove || loop->removing)
		return;
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text =
		record_read(MONITOR_FD_RUN, HEALTH_RECORD, RECORD_MAX, &size, &error);
	g_autofree char *sealed = text ? seal_text(text) : NULL;
	if (!sealed || !record_replace(MONITOR_FD_STATE, HEALTH_RECORD, sealed, strlen(sealed),
				       RECORD_SYNC_NONE, &error))
		log_info("the container's health is not kept: %s", error->message);
}

const char *monitor_health_status(const MonitorLoop *loop)
{
	return health_config(loop) ? health_status_name(loop->health.state.status) : NULL;
}
