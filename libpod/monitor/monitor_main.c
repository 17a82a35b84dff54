/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: one per container, the parent of its init and of its exec sessions.
 *
 * Theory of operation. The process is single-threaded, because it clones. It sets up, starts the
 * container, says so on the control socket, and then polls: the container's streams, its attached
 * commands, ctl.sock and attach.sock, the children. Nothing in the loop waits for anybody else.
 * After the start it allocates only for the length of a request. It holds the life lock through
 * MONITOR_FD_LIFE from before its first instruction until it is gone or the clean-up verb has taken
 * its place; all its descriptors are close-on-exec.
 *
 * monitor_start.c begins a run, monitor_exit.c ends it and says what a crash leaves at each point.
 */
#include "libpod/monitor/monitor_main.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/magic.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/monitor/monitor_priv.h"

#define QUIET_MS 1000

typedef struct {
	PollHandler handler;
	void *data;
} PollEntry;

int64_t monitor_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void monitor_poll_add(MonitorLoop *loop, int fd, short events, PollHandler handler, void *data)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};
	PollEntry entry = {.handler = handler, .data = data};
	g_array_append_val(loop->poll_fds, poll_fd);
	g_array_append_val(loop->poll_handlers, entry);
}

void monitor_poll_until(MonitorLoop *loop, int64_t deadline)
{
	loop->deadline = MIN(loop->deadline, deadline);
}

void monitor_reap(MonitorLoop *loop)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
		if (pid <= 0)
			return;
		if (pid == loop->launch.pid && !loop->init_ended) {
			loop->init_ended = true;
			loop->init_status = status;
			continue;
		}
		int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (!monitor_exec_reaped(loop, pid, code))
			log_debug("process %d ended with %d", (int)pid, code);
	}
}

static void on_init_ended(MonitorLoop *loop, void *data, short revents)
{
	monitor_reap(loop);
}

/*
 * SIGTERM comes from a service manager that stops our unit, or everything: a stop as any other, and
 * no restart. Without the SIGKILL at its end a shutdown would wait 90 s for what ignores it.
 */
static void on_signal(MonitorLoop *loop, void *data, short revents)
{
	struct signalfd_siginfo info;
	while (read(loop->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo != SIGTERM)
			continue;
		loop->stopped_by_user = true;
		/* What is frozen hears nothing. */
		if (loop->paused)
			(void)monitor_cgroup_pause(loop, false, NULL);
		if (loop->phase == MONITOR_RUNNING)
			monitor_stop_init(loop);
		else if (loop->phase == MONITOR_HELD)
			(void)syscall(SYS_pidfd_send_signal, loop->launch.pidfd, SIGKILL, NULL, 0);
	}
	monitor_reap(loop);
}

/* What has to happen because of the time or of what the handlers noted. */
static void advance(MonitorLoop *loop)
{
	int64_t now = monitor_now_ms();
	if (loop->init_ended) {
		loop->init_ended = false;
		monitor_exit(loop, loop->init_status);
	}
	monitor_health_advance(loop, now);
	if (loop->phase == MONITOR_RUNNING && now >= loop->kill_at) {
		loop->kill_at = NO_DEADLINE;
		(void)syscall(SYS_pidfd_send_signal, loop->launch.pidfd, SIGKILL, NULL, 0);
	}
	if (loop->phase == MONITOR_WAITING && loop->stopped_by_user)
		monitor_give_up(loop);
	if (loop->phase == MONITOR_WAITING && now >= loop->restart_at)
		monitor_restart_now(loop);
	monitor_exec_sweep(loop);
}

/* Gather what the next poll waits for. */
static void prepare(MonitorLoop *loop)
{
	g_array_set_size(loop->poll_fds, 0);
	g_array_set_size(loop->poll_handlers, 0);
	loop->deadline = NO_DEADLINE;
	monitor_poll_add(loop, loop->signal_fd, POLLIN, on_signal, NULL);
	if (loop->phase == MONITOR_RUNNING || loop->phase == MONITOR_HELD) {
		monitor_poll_add(loop, loop->launch.pidfd, POLLIN, on_init_ended, NULL);
		monitor_poll_until(loop, loop->kill_at);
	}
	if (loop->phase == MONITOR_WAITING)
		monitor_poll_until(loop, loop->restart_at);
	monitor_cgroup_prepare(loop);
	monitor_network_prepare(loop);
	monitor_io_prepare(loop);
	monitor_exec_prepare(loop);
	monitor_health_prepare(loop);
	monitor_notify_prepare(loop);
	monitor_server_prepare(loop);
}

static int poll_timeout(const MonitorLoop *loop)
{
	if (loop->deadline == NO_DEADLINE)
		return -1;
	int64_t left = loop->deadline - monitor_now_ms();
	return (int)CLAMP(left, 0, G_MAXINT32);
}

/* Note where our code and constants are. */
static int note_segments(struct dl_phdr_info *info, size_t size, void *data)
{
	MonitorLoop *loop = data;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;
		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W ||
		    loop->n_segments == G_N_ELEMENTS(loop->segments))
			continue;
		loop->segments[loop->n_segments].start = start & ~(page - 1);
		loop->segments[loop->n_segments++].end = start + segment->p_memsz;
	}
	return 0;
}

/*
 * Wait for events; @timeout as for poll(). A monitor lives long and does little, and its code is
 * most of its memory: after a second of quiet the pages of it are given back, and the kernel maps
 * again what is used. From there to the wait only this function and libc's syscall() are touched,
 * because every page that is brings its neighbours along.
 */
static int wait_for_events(MonitorLoop *loop, struct pollfd *fds, nfds_t count, int timeout)
{
	if (timeout >= 0 && timeout <= QUIET_MS)
		return poll(fds, count, timeout);
	int ready = poll(fds, count, QUIET_MS);
	if (ready != 0)
		return ready;
	struct timespec rest = {
		.tv_sec = (timeout - QUIET_MS) / 1000,
		.tv_nsec = (long)((timeout - QUIET_MS) % 1000) * 1000000,
	};
	for (size_t i = 0; i < loop->n_segments; i++)
		(void)syscall(SYS_madvise, loop->segments[i].start,
			      loop->segments[i].end - loop->segments[i].start, MADV_DONTNEED);
	return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &rest, NULL, 0);
}

static void run_loop(MonitorLoop *loop)
{
	while (loop->phase != MONITOR_ENDED) {
		prepare(loop);
		struct pollfd *fds = (struct pollfd *)(void *)loop->poll_fds->data;
		int ready = wait_for_events(loop, fds, loop->poll_fds->len, poll_timeout(loop));
		for (guint i = 0; ready > 0 && i < loop->poll_fds->len; i++) {
			PollEntry *entry = &g_array_index(loop->poll_handlers, PollEntry, i);
			if (fds[i].revents)
				entry->handler(loop, entry->data, fds[i].revents);
		}
		advance(loop);
	}
}

/* Signals are read from a descriptor; those of a terminal that was ours are none of our business.
 */
static bool set_up_signals(MonitorLoop *loop)
{
	sigset_t mask;
	sigemptyset(&mask);
	const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		sigaddset(&mask, signals[i]);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
		return false;
	loop->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return loop->signal_fd >= 0;
}

static bool open_proc(MonitorLoop *loop, GError **error)
{
	struct statfs fs;
	loop->proc_fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (loop->proc_fd < 0 || fstatfs(loop->proc_fd, &fs) < 0)
		return error_set_errno(error, "cannot open /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return error_set(error, ENGINE_ERROR_SYSTEM, "/proc is not a proc file system");
	return true;
}

static bool read_task(MonitorLoop *loop, GError **error)
{
	size_t size = 0;
	g_autofree char *text = fd_read_all(MONITOR_FD_REQUEST, MONITOR_REQUEST_MAX, &size, error);
	if (!text)
		return false;
	loop->task = monitor_task_parse(text, size, error);
	if (!loop->task)
		return false;
	int fd = MONITOR_FD_COUNT;
	for (const char *flag = loop->task->preserve; flag && *flag; flag++)
		if (*flag == '1' && !fd_set_cloexec(fd++, true))
			return error_set_errno(error, "a descriptor to be preserved is missing");
	log_init(loop->task->log_level, "monitor");
	/* For uplink and clean-up; not over what a test has set. */
	if (loop->task->libexec)
		(void)setenv("SKIFF_LIBEXEC", loop->task->libexec, 0);
	return true;
}

/* The process' own state: before anything is cloned. */
static bool set_up_process(MonitorLoop *loop, GError **error)
{
	for (int fd = MONITOR_FD_REQUEST; fd < MONITOR_FD_COUNT; fd++) {
		if (!fd_set_cloexec(fd, true))
			return error_set_errno(error, "descriptor %d is missing", fd);
	}
	struct stat st;
	loop->seccomp_fd = fstat(MONITOR_FD_SECCOMP, &st) == 0 && S_ISREG(st.st_mode)
				   ? MONITOR_FD_SECCOMP
				   : -1;
	loop->secrets_fd = fstat(MONITOR_FD_SECRETS, &st) == 0 && S_ISREG(st.st_mode)
				   ? MONITOR_FD_SECRETS
				   : -1;
	umask(0022);
	if (chdir("/") < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || !set_up_signals(loop))
		return error_set_errno(error, "cannot set the monitor up");
	return open_proc(loop, error);
}

static bool open_log(MonitorLoop *loop, GError **error)
{
	MonitorLogOptions options = {
		.driver = loop->task->log_driver,
		.dir_fd = MONITOR_FD_STATE,
		.path = loop->task->log_path,
		.max_size = loop->task->log_max_size,
		.max_files = loop->task->log_max_files,
		.id = loop->task->id,
		.container_name = loop->task->name,
		.tag = loop->task->log_tag,
		.labels = (const char *const *)loop->task->log_labels,
	};
	loop->log = monitor_log_open(&options, error);
	return loop->log != NULL;
}

static MonitorLoop *new_loop(void)
{
	MonitorLoop *loop = g_new0(MonitorLoop, 1);
	loop->signal_fd = loop->proc_fd = loop->control_listener = loop->attach_listener = -1;
	loop->cgroup_base = loop->cgroup_fd = loop->cgroup_leaf_fd = loop->memory_events = -1;
	loop->launch.pidfd = loop->launch.root_mount_fd = loop->launch.pty_master = -1;
	loop->kill_at = NO_DEADLINE;
	loop->health.next_at = loop->health.deadline = NO_DEADLINE;
	loop->health.conclude_at = NO_DEADLINE;
	loop->health.out_fd = -1;
	loop->homes_fd = -1;
	loop->notify_fd = loop->notify_proxy = -1;
	loop->members = g_ptr_array_new_with_free_func(monitor_member_free);
	loop->port_sysctls = g_ptr_array_new_with_free_func(g_free);
	loop->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	loop->poll_fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
	loop->poll_handlers = g_array_new(FALSE, FALSE, sizeof(PollEntry));
	loop->connections = g_ptr_array_new();
	loop->sessions = g_ptr_array_new();
	monitor_io_init(&loop->io);
	return loop;
}

/* For the sanitizers' sake: the process ends behind it. */
static void free_loop(MonitorLoop *loop)
{
	monitor_task_free(loop->task);
	monitor_log_free(loop->log);
	g_free(loop->ports);
	g_free(loop->hosts_lines);
	g_ptr_array_unref(loop->members);
	g_ptr_array_unref(loop->port_sysctls);
	g_hash_table_unref(loop->places);
	g_free(loop->cgroup_name);
	g_free(loop->cgroup_leaf);
	g_array_unref(loop->poll_fds);
	g_array_unref(loop->poll_handlers);
	g_ptr_array_set_free_func(loop->connections, g_free);
	g_ptr_array_unref(loop->connections);
	g_ptr_array_set_free_func(loop->sessions, g_free);
	g_ptr_array_unref(loop->sessions);
	g_free(loop);
}

/* "started": from here on the container is on its own. Who does not hear it undoes the start; one
 * that has gone cannot. */
static bool announce(MonitorLoop *loop, GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "pid", loop->launch.pid);
	if (loop->ports)
		js_set_take(json, "ports",
			    js_parse(loop->ports, strlen(loop->ports), "ports", NULL));
	else
		js_set_take(json, "ports", json_object_new_array());
	if (!message_send(MONITOR_FD_CONTROL, MESSAGE_STARTED, json) && errno != EPIPE &&
	    errno != ECONNRESET)
		return error_set_errno(error, "cannot say that the container has started");
	loop->announced = true;
	return true;
}

/* The starting command becomes the first client, unless it only wanted to hear that all is well. */
static void keep_starter(MonitorLoop *loop)
{
	const MonitorTask *task = loop->task;
	int fd = fcntl(MONITOR_FD_CONTROL, F_DUPFD_CLOEXEC, MONITOR_FD_COUNT);
	Client *client = fd < 0 || task->detached ? NULL : monitor_io_add_client(loop, fd, true);
	if (client) {
		client->wants_stdout = task->attach_stdout;
		client->wants_stderr = task->attach_stderr;
		client->gives_stdin = task->attach_stdin;
	} else {
		fd_close(&fd);
	}
	close(MONITOR_FD_CONTROL);
	/* Somebody may read the other end of our stderr to its end. */
	autofd null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	bool traced = log_get_level() >= LOG_LEVEL_DEBUG && !task->detached;
	if (null >= 0 && !traced && task->log_driver != LOG_DRIVER_PASSTHROUGH)
		dup2(null, STDERR_FILENO);
}

/* What was the payload's is its own now: a pipe must end when it closes its end. */
static void close_preserved(MonitorLoop *loop)
{
	int fd = MONITOR_FD_COUNT;
	if (loop->task->keep_preserved && loop->task->restart != RESTART_NO)
		return; /* each run has them */
	for (char *flag = loop->task->preserve; flag && *flag; flag++)
		if (*flag == '1')
			close(fd++);
	g_clear_pointer(&loop->task->preserve, g_free);
}

/* Everything before the loop. */
static bool start(MonitorLoop *loop, GError **error)
{
	if (!set_up_process(loop, error) || !read_task(loop, error) || !open_log(loop, error) ||
	    !monitor_notify_open(loop, error) || !monitor_server_open(loop, error) ||
	    !monitor_cgroup_receive(loop, error) || !monitor_network_init(loop, error) ||
	    !monitor_start(loop, error) || !announce(loop, error))
		return false;
	close(MONITOR_FD_REQUEST);
	close_preserved(loop);
	keep_starter(loop);
	malloc_trim(0);
	(void)dl_iterate_phdr(note_segments, loop);
	return true;
}

int monitor_main(void)
{
	g_autoptr(GError) error = NULL;
	log_init(LOG_LEVEL_WARN, "monitor");
	/* We were executed by descriptor, whose number ps would show as our name. */
	(void)prctl(PR_SET_NAME, "skiff-monitor");
	MonitorLoop *loop = new_loop();
	if (start(loop, &error)) {
		run_loop(loop);
	} else {
		log_debug("%s", error->message);
		(void)message_send_error(MONITOR_FD_CONTROL, error);
	}
	int code = loop->task ? monitor_end(loop) : 1;
	free_loop(loop);
	return code;
}
