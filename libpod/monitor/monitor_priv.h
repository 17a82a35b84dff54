/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's process: what monitor_*.c share. Everything hangs from one MonitorLoop, allocated
 * at start.
 *
 * The loop asks every part which descriptors it waits for, polls once, and calls their handlers. A
 * handler may close what it likes; objects are freed only between rounds, so a later handler of the
 * same round never meets a freed one.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/monitor/health_state.h"
#include "libpod/monitor/monitor_log.h"
#include "libpod/monitor/monitor_members.h"
#include "libpod/monitor/monitor_task.h"
#include "libpod/monitor/protocol.h"
#include "libpod/runtime/enter.h"
#include "libpod/runtime/launch.h"
#include "network/home.h"
#include "network/pasta.h"
#include "network/uplink.h"

#define CLIENTS_MAX     16   /* attached at a time, with the starting command */
#define CLIENT_STALL_MS 1000 /* an attached client that takes nothing for so long is dropped */
#define CLIENT_BUFFER   65536
#define CONNECTIONS_MAX 64 /* on ctl.sock that have not spoken yet */
#define NO_DEADLINE     G_MAXINT64

#define HEALTH_CLIENTS_MAX 16 /* commands that wait for a probe */

typedef struct MonitorLoop MonitorLoop;
typedef void (*PollHandler)(MonitorLoop *loop, void *data, short revents);

/* A command that sees the container's output and may feed its input. */
typedef struct {
	int fd;       /* -1: free */
	bool primary; /* the starting command: the payload waits for it as for a pipe */
	bool wants_stdout, wants_stderr, gives_stdin;
	bool deaf;    /* takes no output any more, but its last input is still to be read */
	bool lagging; /* has not taken the current chunk yet */
	int64_t lagging_since; /* ms */
	GByteArray *backlog; /* only after the exit: messages for its last words, each with a length
				before it */
} Client;

/* The container's standard streams. */
typedef struct {
	int out_fd; /* pipe, or the terminal's master; -1 = none or ended */
	int err_fd;
	int in_fd;    /* pipe, or a second descriptor of the master; -1 = none or closed */
	int slave_fd; /* terminal only: ours, so that the master does not hang up when the payload
			 closes its own */
	bool terminal;
	bool input_end; /* close in_fd when the input is written */
	size_t input_size, input_done;
	int eot_delay; /* a terminal whose input has ended: ms until that is typed again; 0 = it has
			  not */
	int64_t eot_at;    /* ms */
	size_t chunk_size; /* with its type; 0 = all clients have it */
	Client clients[CLIENTS_MAX];
	char input[MESSAGE_STREAM_MAX + 2];
	char chunk[MESSAGE_STREAM_MAX + 1]; /* the type comes first */
} MonitorIo;

/* A command connected to ctl.sock that has not said yet what it wants. */
typedef struct {
	int fd;
	int64_t since; /* ms */
} Connection;

/* An exec session: on its way into the container, then running. */
typedef struct {
	char id[65];
	int client_fd; /* -1: the command has gone */
	bool detached; /* the command does not want the terminal */
	Entering entering;
	pid_t pid; /* 0: not known yet */
	int pidfd;
	int pty_master; /* -1: none */
	bool reaped;    /* with @code */
	int code;
	bool probe; /* of the container's health, without a command */
	bool ended; /* to be freed */
} Session;

/* What a probe found; the last two only commands hear of. */
typedef enum {
	PROBE_PASSED,
	PROBE_FAILED,
	PROBE_STARTING, /* a start-up probe failed */
	PROBE_TIMED_OUT,
	PROBE_LOST, /* the container ended meanwhile */
} HealthVerdict;

/* A command that asked for a probe. */
typedef struct {
	int fd;
	bool served; /* by the probe under way */
} HealthClient;

/* The probe under way, and what came of those before; see monitor_health.c. */
typedef struct {
	HealthState state;
	Session *session; /* NULL: none is under way */
	int out_fd;       /* its output; -1: none, or ended */
	GString *output;  /* its beginning */
	size_t keep, bytes_read;
	int64_t begun_ns;          /* wall clock */
	int64_t begun_ms;          /* monotonic; so are the next three */
	int64_t deadline, next_at; /* of this one; of the next */
	int64_t conclude_at;       /* for one that was killed: see monitor_health_ended() */
	int64_t timeout_ns;        /* its time */
	bool timed_out;
	HealthVerdict verdict; /* of the last one */
	bool deferred;         /* commands hear of it when what it led to (stop, restart) is done */
	HealthClient clients[HEALTH_CLIENTS_MAX];
	size_t n_clients;
} MonitorHealth;

/* The container's place on a named network. */
typedef struct {
	const NetworkAttachment *attachment; /* of the task's request */
	HomeMember home;
	uint32_t metric;  /* of its default route */
	int64_t retry_at; /* ms: when its home, which was killed, is looked for again */
	int retry_delay;  /* ms */
} MonitorMember;

typedef enum {
	MONITOR_STARTING,
	MONITOR_HELD, /* init waits at its gate until a command asks for the program */
	MONITOR_RUNNING,
	MONITOR_WAITING, /* between two runs */
	MONITOR_ENDED,
} MonitorPhase;

struct MonitorLoop {
	MonitorTask *task;
	MonitorLog *log;
	int signal_fd;
	int seccomp_fd; /* -1: unconfined */
	int secrets_fd; /* -1: none */
	int proc_fd;    /* the host's /proc, opened and checked at the start */
	int control_listener, attach_listener;
	int64_t accept_at;     /* ms: no connection is taken before */
	GArray *poll_fds;      /* of struct pollfd */
	GArray *poll_handlers; /* of PollEntry */
	int64_t deadline;      /* ms, of the next round */

	MonitorPhase phase;
	/* Other containers' namespaces, by inode, as the first run found them; 0: none. */
	ino_t joined[OCI_NS_COUNT];
	Launch launch;
	Uplink uplink;
	bool has_uplink;
	int64_t uplink_retry_at; /* ms: when one that was killed is replaced */
	int uplink_delay;        /* ms */
	GPtrArray *members;      /* of MonitorMember: places on named networks, in this run */
	uint32_t next_metric;    /* of the default route of the next network */
	GPtrArray *port_sysctls; /* paths and values: of interfaces that are not there yet */
	GHashTable *places;      /* network -> HomeMember: addresses of the run before */
	Pasta pasta;             /* of NETWORK_PASTA */
	int homes_fd;            /* the directory of networks' homes; -1: not needed yet */
	char *hosts_lines;       /* ours in the hosts file; NULL: none yet */
	int cgroup_base;         /* what the payload's cgroup is made in; -1: it has none */
	int cgroup_fd;           /* of the current run */
	char *cgroup_name;       /* in the base */
	char *cgroup_leaf;       /* in that one, where init is; NULL: there itself */
	int cgroup_leaf_fd;      /* of the current run; -1: none */
	int memory_events;       /* of the payload's cgroup; -1: none */
	bool oom;                /* in the current run, or the last one, memory ran out */
	bool paused;             /* by `pause`: the payload's cgroup is frozen */
	char *ports;             /* JSON array of the ports really bound */
	bool shares_pids;        /* init is in somebody else's pid namespace */
	MountNamespace mount_ns; /* of init, if it shares pids */
	int64_t started_ns;      /* wall clock */
	int64_t started_ms;      /* monotonic */
	int64_t kill_at;         /* --timeout: ms, or NO_DEADLINE */
	int64_t restart_at;      /* ms, in MONITOR_WAITING */
	int restart_delay;       /* ms, the last one */
	int restarts;
	int restart_attempts; /* those that the policy counts */
	bool stopped_by_user; /* or by who stops everything: it is not restarted */
	bool stop_asked;      /* by a command of the user: nor is it after a boot */
	bool start_anew;      /* by the clean-up: what it joined is no more */
	bool restart_wanted;  /* health: the run ends so that another begins */
	bool end_told;        /* the event of the last run's end is written */
	bool removing;        /* by a command that waits for our end: it cleans up */
	bool init_ended;      /* reaped; step 12 is due */
	int init_status;
	int exit_code, exit_signal; /* of the last run */
	int64_t finished_ns;        /* its end, wall clock */
	bool undone;   /* what was held could not begin: the command that asked for it cleans up */
	int notify_fd; /* connected to the service manager; -1: there is none */
	int notify_proxy; /* where the payload's words for it come in; -1: none */
	bool ready_told;  /* that the container is healthy */
	bool announced;   /* "started" was said: what goes wrong now is not a failed start */

	MonitorHealth health;
	MonitorIo io;
	struct {
		uintptr_t start, end;
	} segments[4]; /* of our program that nobody writes to */
	size_t n_segments;

	GPtrArray *connections; /* of Connection */
	GPtrArray *sessions;    /* of Session */
};

/* monitor_main.c */
int64_t monitor_now_ms(void);
void monitor_poll_add(MonitorLoop *loop, int fd, short events, PollHandler handler, void *data);
/** monitor_poll_until() - do not sleep beyond @deadline (monitor_now_ms() time). */
void monitor_poll_until(MonitorLoop *loop, int64_t deadline);
/** monitor_reap() - collect every child that has ended. */
void monitor_reap(MonitorLoop *loop);

/* monitor_start.c */
/** monitor_start() - steps 9 and 10: network, init, gate. On failure nothing of the attempt is
 * left. */
bool monitor_start(MonitorLoop *loop, GError **error);
/** monitor_check_joined() - are the namespaces of others still those of the first run? NOT_FOUND.
 */
bool monitor_check_joined(MonitorLoop *loop, GError **error);
/** monitor_begin() - let the program of a held container run; if that fails it is over.
 * BAD_STATE. */
bool monitor_begin(MonitorLoop *loop, GError **error);
/** monitor_write_run_record() - run.json, before anybody is told. */
bool monitor_write_run_record(MonitorLoop *loop, GError **error);

/* monitor_network.c */
void monitor_member_free(void *member);
/** monitor_network_init() - before the first run: what --sysctl says of interfaces waits for them.
 * INVALID. */
bool monitor_network_init(MonitorLoop *loop, GError **error);
/** monitor_network_join() - become a member of all named networks; write our lines of /etc/hosts.
 */
bool monitor_network_join(MonitorLoop *loop, GError **error);
/** monitor_network_start_uplink() - step 9, if the container has one. */
bool monitor_network_start_uplink(MonitorLoop *loop, GError **error);
/** monitor_network_plug() - init's netns is there: connect it. */
bool monitor_network_plug(MonitorLoop *loop, GError **error);
/** monitor_network_wait_ports() - until published ports are bound. */
bool monitor_network_wait_ports(MonitorLoop *loop, GError **error);
/** monitor_network_prepare() - watch homes and the uplink, and replace what was killed. */
void monitor_network_prepare(MonitorLoop *loop);
/** monitor_network_to_json() - what the networks gave us, for run.json. */
Json *monitor_network_to_json(const MonitorLoop *loop);
/** monitor_scope_home() - if we have just started the member's home: a scope of its own. */
void monitor_scope_home(const MonitorLoop *loop, MonitorMember *member);
/** monitor_network_connect() - another network, now and for the next runs; IN_USE as home_join().
 */
bool monitor_network_connect(MonitorLoop *loop, NetworkAttachment *attachment, GError **error);
/** monitor_network_disconnect() - one less; NOT_FOUND. */
bool monitor_network_disconnect(MonitorLoop *loop, const char *name, GError **error);
/** monitor_network_set_servers() - what @changed says of the servers of its network, also for a
 * home that replaces one. */
bool monitor_network_set_servers(MonitorLoop *loop, const NetworkAttachment *changed,
				 GError **error);
/** monitor_network_reload() - look for homes and an uplink that are gone now, not later. */
bool monitor_network_reload(MonitorLoop *loop, GError **error);
/** monitor_network_release() - let the uplink end and leave; published ports are free afterwards.
 */
void monitor_network_release(MonitorLoop *loop);

/* monitor_hosts.c */
/** monitor_hosts_write() - the addresses of this run in the container's hosts file, in place of
 * those of before; what the container wrote there stays. */
bool monitor_hosts_write(MonitorLoop *loop, GError **error);

/* monitor_cgroup.c */
/** monitor_cgroup_receive() - before the first run: wait for the starting command's word. CANCELLED
 * if it has gone. */
bool monitor_cgroup_receive(MonitorLoop *loop, GError **error);
/** monitor_cgroup_open() - make the payload's cgroup for a run. */
bool monitor_cgroup_open(MonitorLoop *loop, GError **error);
/** monitor_is_paused() - nothing in the container runs now: probes wait. */
bool monitor_is_paused(const MonitorLoop *loop);
/** monitor_cgroup_for_exec() - where one more process of the container is put; -1: nowhere. close()
 * it. */
int monitor_cgroup_for_exec(const MonitorLoop *loop);
/** monitor_cgroup_prepare() - watch for what the kernel kills because memory ran out. */
void monitor_cgroup_prepare(MonitorLoop *loop);
/** monitor_cgroup_pause() - freeze the payload, or let it go on. BAD_STATE, UNSUPPORTED. */
bool monitor_cgroup_pause(MonitorLoop *loop, bool pause, GError **error);
/** monitor_cgroup_update() - new limits, for this run and the next ones. */
bool monitor_cgroup_update(MonitorLoop *loop, const OciResources *changes, GError **error);
/** monitor_cgroup_close() - kill what is left in it and remove it. */
void monitor_cgroup_close(MonitorLoop *loop);

/* monitor_io.c */
void monitor_io_init(MonitorIo *io);
/** monitor_io_open() - make the streams of a run. @out_stdio: init's ends, to be closed after the
 * clone; -1 = /dev/null. */
bool monitor_io_open(MonitorLoop *loop, int out_stdio[3], GError **error);
/** monitor_io_adopt_terminal() - take over the master that launch_init() made. */
bool monitor_io_adopt_terminal(MonitorLoop *loop, int master, GError **error);
bool monitor_io_resize(MonitorLoop *loop, uint16_t rows, uint16_t columns);
void monitor_io_prepare(MonitorLoop *loop);
/** monitor_io_add_client() - take @fd; NULL, and @fd is the caller's still, if there are too many.
 */
Client *monitor_io_add_client(MonitorLoop *loop, int fd, bool primary);
/** monitor_io_drain() - after the exit: everything still in the streams, to the log and to the
 * clients. */
void monitor_io_drain(MonitorLoop *loop);
/** monitor_io_finish() - tell all clients the exit code and part from them. Never waits. */
void monitor_io_finish(MonitorLoop *loop, int code);
/** monitor_io_close() - close the streams of a run. */
void monitor_io_close(MonitorLoop *loop);

/* monitor_server.c */
bool monitor_server_open(MonitorLoop *loop, GError **error);
void monitor_server_prepare(MonitorLoop *loop);
/** monitor_server_close() - remove the sockets: nobody finds us any more. */
void monitor_server_close(MonitorLoop *loop);

/* monitor_exec.c */
/** monitor_exec() - begin an exec session for a client; @client_fd and @fds are taken. The client
 * is answered in any case, if not now then when the process runs or has failed. */
void monitor_exec(MonitorLoop *loop, int client_fd, int *fds, size_t n_fds);
void monitor_exec_prepare(MonitorLoop *loop);
/** monitor_exec_probe() - send a probe into the container, with @out_fd as its output; its end
 * comes to monitor_health_ended(). */
Session *monitor_exec_probe(MonitorLoop *loop, const char *const *args, int out_fd, GError **error);
/** monitor_exec_reaped() - was @pid a session's? Then its command is told. */
bool monitor_exec_reaped(MonitorLoop *loop, pid_t pid, int code);
bool monitor_exec_resize(MonitorLoop *loop, const char *id, uint16_t rows, uint16_t columns);
/** monitor_exec_sweep() - free what has ended. */
void monitor_exec_sweep(MonitorLoop *loop);

/* monitor_health.c */
/** monitor_health_start() - a run has begun: starting. Should: come before its run.json. */
void monitor_health_start(MonitorLoop *loop);
/** monitor_health_run() - probe now for a command; @client_fd is taken and answered. */
void monitor_health_run(MonitorLoop *loop, int client_fd);
void monitor_health_prepare(MonitorLoop *loop);
/** monitor_stop_init() - ask init to go; SIGKILL follows when its time is over. */
void monitor_stop_init(MonitorLoop *loop);
/** monitor_health_advance() - begin the probe that is due, end the one that takes too long. */
void monitor_health_advance(MonitorLoop *loop, int64_t now);
/** monitor_health_ended() - a probe is over; @error: it did not get as far as to run. */
void monitor_health_ended(MonitorLoop *loop, Session *session, int code, const GError *error);
/** monitor_health_stop() - the run is over: what its probe would say does not count. */
void monitor_health_stop(MonitorLoop *loop);
/** monitor_health_settled() - the end that a probe led to has come, or the next run: tell those who
 * asked for it. */
void monitor_health_settled(MonitorLoop *loop);
/** monitor_health_change() - probe as @config says from now on; takes it, NULL: no more. */
void monitor_health_change(MonitorLoop *loop, HealthConfig *config);
/** monitor_health_keep() - the container has ended: keep the log with it. */
void monitor_health_keep(MonitorLoop *loop);
/** monitor_health_status() - "starting" "healthy" "unhealthy"; NULL: it has no probe. */
const char *monitor_health_status(const MonitorLoop *loop);

/* monitor_tree.c */
/** monitor_tree_kill() - kill a probe, a child of ours that is not reaped, and all it started. */
void monitor_tree_kill(int proc_fd, pid_t root);

/* monitor_notify.c */
/** monitor_notify_open() - before the first run: find the manager's socket, make the payload's. */
bool monitor_notify_open(MonitorLoop *loop, GError **error);
void monitor_notify_prepare(MonitorLoop *loop);
/** monitor_notify_starting() - who the main process is. Should: come before the payload can speak.
 */
void monitor_notify_starting(MonitorLoop *loop);
/** monitor_notify_healthy() - a probe has passed. */
void monitor_notify_healthy(MonitorLoop *loop);
/** monitor_notify_health() - what the manager shows of a service: how it is, what was @done (may be
 * NULL), and the first line of the probe's @output (UTF-8). */
void monitor_notify_health(MonitorLoop *loop, const char *done, const char *output);
/** monitor_notify_code() - what our own exit code tells a service manager: the container's, 0 if it
 * was to end. */
int monitor_notify_code(const MonitorLoop *loop);

/* monitor_event.c */
/** monitor_event() - write an event of the container. */
void monitor_event(MonitorLoop *loop, const char *status);
/** monitor_event_died() - the last run has ended, and another will follow. */
void monitor_event_died(MonitorLoop *loop);
/** monitor_event_health() - a probe has ended; @output: said along with it, or NULL. */
void monitor_event_health(MonitorLoop *loop, const char *output);

/* monitor_exit.c */
/**
 * monitor_exit() - init has ended with a wait status
 *
 * Run, step 12.
 */
void monitor_exit(MonitorLoop *loop, int status);
/** monitor_give_up() - no further run: record the last one's end. */
void monitor_give_up(MonitorLoop *loop);
/** monitor_restart_now() - the waiting time is over. */
void monitor_restart_now(MonitorLoop *loop);
/** monitor_end() - the last acts; replaces this process by the clean-up verb if there is one. */
int monitor_end(MonitorLoop *loop);
