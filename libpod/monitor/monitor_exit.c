/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the end of a run, and what a monitor killed at each point leaves behind.
 *
 *  1. init is reaped; its cgroup goes with all that is left in it, and with a shared pid namespace
 *     what else lives in its mount namespace is killed.
 *     Killed before: init dies with us or is killed by the next command; the code is unknown, or
 * known through a pidfd that somebody else holds.
 *  2. The streams are drained into the log. Killed here: the log lacks its end, the code is
 * unknown.
 *  3. exit.json, in the store; on a full disk in the runtime directory. From here on the code is
 * safe.
 *  4. Attached commands are told the code. Killed before: they see the end of their socket and read
 * exit.json.
 *  5. The last descriptor on the root overlay is closed: the kernel may write a whole file system
 * back now.
 *  6. Sockets and run.json are removed, and the clean-up verb takes our place, without the life
 * lock. Killed before: a free life lock and exit.json tell the next command all it needs.
 *
 * With a restart policy steps 1 to 5 happen at each exit and run.json says "restarting" until the
 * next start. The events of such an end and start are ours, exit.json says so; the last end's is
 * written by whoever takes it off the record.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/record.h"
#include "libpod/base/seal.h"
#include "libpod/base/units.h"
#include "libpod/monitor/restart_policy.h"

#define KILL_ROUNDS   200 /* a fork bomb in a shared pid namespace may need several */
#define KILL_PAUSE_MS 5

extern char **environ;

/* Without a pid namespace of its own the kernel does not end the others with init. */
static void kill_members(MonitorLoop *loop)
{
	if (!loop->shares_pids)
		return;
	for (int i = 0; i < KILL_ROUNDS; i++) {
		if (monitor_members_signal(loop->proc_fd, &loop->mount_ns, SIGKILL) == 0)
			return;
		poll(NULL, 0, KILL_PAUSE_MS);
		monitor_reap(loop);
	}
	log_warn("processes of the container outlive it");
}

/* Durable unless the container goes away anyway; on a full disk at least where it can still be
 * found. */
static void write_exit_record(MonitorLoop *loop)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = json_object_new_object();
	uint64_t lost = monitor_log_lost(loop->log);
	js_set_int(json, "code", loop->exit_code);
	js_set_int(json, "started", loop->started_ns);
	js_set_int(json, "finished", loop->finished_ns);
	js_set_bool(json, "oom", loop->oom);
	js_set_int(json, "signal", loop->exit_signal);
	js_set_int(json, "restarts", loop->restarts);
	js_set_string(json, "health", monitor_health_status(loop));
	if (loop->end_told)
		js_set_bool(json, "told", true);
	if (loop->stop_asked)
		js_set_bool(json, "stopped", true);
	if (lost > 0)
		js_set_int(json, "log_lines_lost", (int64_t)lost);
	g_autofree char *text = seal_text(js_text(json));
	bool kept = !loop->task->auto_remove && !loop->removing;
	RecordSync sync = kept ? RECORD_SYNC_FULL : RECORD_SYNC_NONE;
	if (record_replace(MONITOR_FD_STATE, "exit.json", text, strlen(text), sync, &error))
		return;
	log_warn("cannot record the exit code: %s", error->message);
	(void)record_replace(MONITOR_FD_RUN, "exit.json", text, strlen(text), RECORD_SYNC_NONE,
			     NULL);
}

void monitor_give_up(MonitorLoop *loop)
{
	loop->phase = MONITOR_ENDED;
	monitor_health_keep(loop);
	write_exit_record(loop);
	monitor_health_settled(loop);
}

/* After a run whose code is known: wait for the next one, or end. */
static void decide_restart(MonitorLoop *loop, int64_t ran_ms)
{
	RestartPolicy policy = {
		.kind = loop->task->restart,
		.retries = loop->task->restart_retries,
		.delay_ms = loop->task->restart_delay_ms,
		.window_ms = loop->task->restart_window_ms,
		.attempts = loop->restart_attempts,
		.stopped_by_user = loop->stopped_by_user,
	};
	policy.attempts = loop->restart_attempts = restart_policy_attempts(&policy, ran_ms);
	loop->finished_ns = units_now();
	bool wanted = loop->restart_wanted && !loop->stopped_by_user;
	loop->restart_wanted = false;
	if (!wanted && !restart_policy_wants(&policy, loop->exit_code)) {
		monitor_give_up(loop);
		return;
	}
	loop->restart_delay = restart_policy_delay(&policy, loop->restart_delay, ran_ms);
	loop->restart_at = monitor_now_ms() + loop->restart_delay;
	loop->phase = MONITOR_WAITING;
	g_autoptr(GError) error = NULL;
	if (!monitor_write_run_record(loop, &error))
		log_warn("cannot record that the container restarts: %s", error->message);
	if (!loop->end_told)
		monitor_event_died(loop);
	loop->end_told = true;
	monitor_health_settled(loop);
}

void monitor_exit(MonitorLoop *loop, int status)
{
	log_step(12, "monitor_exit");
	loop->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	loop->exit_code = loop->exit_signal ? 128 + loop->exit_signal : WEXITSTATUS(status);
	loop->kill_at = NO_DEADLINE;
	if (loop->phase == MONITOR_HELD) /* what was not asked to run is not run by a policy */
		loop->stopped_by_user = true;

	monitor_health_stop(loop);
	monitor_cgroup_close(loop);
	kill_members(loop);
	monitor_reap(loop);
	monitor_io_drain(loop);
	fd_close(&loop->launch.pidfd);
	loop->launch.pid = 0;
	decide_restart(loop, monitor_now_ms() - loop->started_ms);
	monitor_io_finish(loop, loop->exit_code);
	monitor_io_close(loop);
	monitor_network_release(loop);
	fd_close(&loop->launch.root_mount_fd);
}

void monitor_restart_now(MonitorLoop *loop)
{
	g_autoptr(GError) error = NULL;
	/* The container whose namespaces it was in was started anew: so is this one, by the
	 * clean-up, with a monitor that knows the new ones. */
	if (!monitor_check_joined(loop, &error)) {
		log_info("%s: the container is started anew", error->message);
		loop->start_anew = true;
		monitor_give_up(loop);
		monitor_io_finish(loop, loop->exit_code);
		return;
	}
	loop->restarts++;
	loop->restart_attempts++;
	if (monitor_start(loop, &error)) {
		loop->end_told = false;
		monitor_event(loop, "restart");
		monitor_event(loop, "start");
		monitor_health_settled(loop);
		malloc_trim(0);
		return;
	}
	log_warn("cannot restart the container: %s", error->message);
	loop->exit_code = error_exit_code(error);
	loop->exit_signal = 0;
	decide_restart(loop, 0);
	monitor_io_finish(loop, loop->exit_code);
}

/* Take the place of this process; only returns if that fails. */
static void exec_cleanup(MonitorLoop *loop)
{
	char **task_argv = loop->task->cleanup_argv;
	if (!task_argv || !task_argv[0])
		return;
	char code[16];
	g_snprintf(code, sizeof code, "%d", monitor_notify_code(loop));
	guint n = g_strv_length(task_argv);
	g_autofree char **argv = g_new0(char *, n + 4);
	memcpy(argv, task_argv, n * sizeof *argv);
	argv[n] = (char *)"--exit-code";
	argv[n + 1] = code;
	argv[n + 2] = loop->start_anew ? (char *)"--start" : NULL;
	autofd null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3 && null >= 0; i++) {
		bool traced = i == STDERR_FILENO && log_get_level() >= LOG_LEVEL_DEBUG;
		if (!traced)
			dup2(null, i);
	}
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(argv[0], argv, environ);
	log_warn("cannot run '%s': %s", argv[0], strerror(errno));
}

int monitor_end(MonitorLoop *loop)
{
	bool failed_start = !loop->announced;
	monitor_network_release(loop);
	monitor_server_close(loop);
	(void)unlinkat(MONITOR_FD_RUN, "run.json", 0);
	/* A failed start is undone by the command that asked for it, if it still lives. */
	struct pollfd control = {.fd = MONITOR_FD_CONTROL};
	bool orphan = poll(&control, 1, 0) == 1 && (control.revents & POLLHUP);
	if (!loop->removing && !loop->undone && (!failed_start || orphan))
		exec_cleanup(loop);
	return failed_start ? 1 : 0;
}
