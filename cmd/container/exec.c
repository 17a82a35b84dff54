/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: one more process in a running container.
 */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cmd/commands.h"
#include "cmd/container/exec.h"
#include "cmd/container/foreground.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/attach.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/events.h"
#include "libpod/monitor/control.h"
#include "libpod/spec_parse.h"

#define EXIT_BAD_STATE 255 /* podman's code for a container that does not run */

typedef struct {
	Selection selection;
	bool detach, interactive, tty, privileged;
	bool keeps_signals;  /* we end by them */
	bool leaves_signals; /* they wait for the caller */
	const char *detach_keys;
	ContainerSpec *spec; /* takes env, user, workdir with the grammar of run */
} ExecOptions;

static bool set_env(void *target, const Option *option, const char *value, GError **error)
{
	return spec_add_env(((ExecOptions *)target)->spec, value, error);
}

static bool set_env_file(void *target, const Option *option, const char *value, GError **error)
{
	return spec_add_env_file(((ExecOptions *)target)->spec, value, error);
}

static bool set_user(void *target, const Option *option, const char *value, GError **error)
{
	return spec_set_user(((ExecOptions *)target)->spec, value, error);
}

static bool set_workdir(void *target, const Option *option, const char *value, GError **error)
{
	return spec_set_workdir(((ExecOptions *)target)->spec, value, error);
}

static bool set_preserve_fds(void *target, const Option *option, const char *value, GError **error)
{
	return spec_set_preserve_fds(((ExecOptions *)target)->spec, value, error);
}

static bool add_preserve_fd(void *target, const Option *option, const char *value, GError **error)
{
	return spec_add_preserve_fd(((ExecOptions *)target)->spec, value, error);
}

static bool set_detach_keys(void *target, const Option *option, const char *value, GError **error)
{
	((ExecOptions *)target)->detach_keys = value;
	return attach_check_detach_keys(value, error);
}

static const Option options[] = {
	{'i', "interactive", OPTION_FLAG, option_set_flag, NULL, "Pass our standard input on",
	 offsetof(ExecOptions, interactive), OPTION_COMMON},
	{'t', "tty", OPTION_FLAG, option_set_flag, NULL, "Give the process a terminal",
	 offsetof(ExecOptions, tty), OPTION_COMMON},
	{'d', "detach", OPTION_FLAG, option_set_flag, NULL,
	 "Leave it running and print the session's id", offsetof(ExecOptions, detach),
	 OPTION_COMMON},
	{'e', "env", OPTION_ENV_LIST, set_env, "NAME[=VALUE]",
	 "Set an environment variable, or pass ours on", 0, OPTION_COMMON},
	{0, "env-file", OPTION_LIST, set_env_file, "FILE", "Read environment variables from a file",
	 0, OPTION_COMMON | OPTION_WHOLE},
	{'u', "user", OPTION_VALUE, set_user, "USER[:GROUP]", "User that runs the command", 0,
	 OPTION_COMMON},
	{'w', "workdir", OPTION_VALUE, set_workdir, "DIR", "Working directory in the container", 0,
	 OPTION_COMMON},
	{0, "privileged", OPTION_FLAG, option_set_flag, NULL,
	 "With every capability the container's user "
	 "namespace has",
	 offsetof(ExecOptions, privileged), OPTION_COMMON},
	{0, "detach-keys", OPTION_VALUE, set_detach_keys, "KEYS",
	 "Keys that leave the process running alone (default ctrl-p,ctrl-q)", 0, OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "In the container created last",
	 offsetof(ExecOptions, selection.latest), OPTION_COMMON},
	{0, "cidfile", OPTION_LIST, option_set_list, "FILE",
	 "In the container whose id is in a file", offsetof(ExecOptions, selection.cidfiles),
	 OPTION_COMMON},
	{0, "no-session", OPTION_FLAG, option_set_ignored, NULL,
	 "Accepted for podman's sake: skiff records no sessions", 0, 0},
	{0, "preserve-fds", OPTION_VALUE, set_preserve_fds, "N", "Pass our descriptors 3 to N+2 on",
	 0, OPTION_COMMON},
	{0, "preserve-fd", OPTION_CSV, add_preserve_fd, "FD",
	 "Pass these descriptors of ours on, under their numbers", 0, OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Add all of our variables whose names begin with @prefix. */
static char **add_host_variables(char **env, const char *prefix)
{
	g_auto(GStrv) names = g_listenv();
	for (char **name = names; *name; name++)
		if (g_str_has_prefix(*name, prefix))
			env = g_environ_setenv(env, *name, g_getenv(*name), TRUE);
	return env;
}

/* The container's environment with what the command line adds to it. */
static char **build_env(const ContainerSpec *container, const ContainerSpec *asked, bool tty)
{
	char **env = container->env ? g_strdupv(container->env) : g_new0(char *, 1);
	if (tty)
		env = g_environ_setenv(env, "TERM", "xterm", FALSE);
	for (size_t i = 0; asked->env_asked && i < asked->env_asked->len; i++) {
		const char *text = g_ptr_array_index(asked->env_asked, i);
		const char *equals = strchr(text, '=');
		g_autofree char *name = equals ? g_strndup(text, equals - text) : g_strdup(text);
		const char *value = equals ? equals + 1 : g_getenv(name);
		size_t length = strlen(text);
		g_autofree char *prefix = g_strndup(text, length ? length - 1 : 0);
		if (!equals && g_str_has_suffix(text, "*"))
			env = add_host_variables(env, prefix);
		else if (value)
			env = g_environ_setenv(env, name, value, TRUE);
	}
	return env;
}

/* The session runs: stay with it until it ends. */
static bool stay(Container *ctr, const ExecOptions *opts, const char *session, int socket, int pty,
		 AttachPump *pump, int *out_code, GError **error)
{
	const AttachOptions attach = {
		.tty = opts->tty,
		.attach_stdin = opts->interactive,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = !opts->keeps_signals,
		.leave_signals = opts->leaves_signals,
		.detach_keys = opts->detach_keys ? opts->detach_keys : DETACH_KEYS_DEFAULT,
		.run_dir_fd = container_run_fd(ctr),
		.session = session,
		.pump = pump,
	};
	AttachResult result = opts->tty ? attach_terminal(pty, socket, &attach, out_code, error)
					: attach_wait_result(socket, &attach, out_code, error);
	if (result == ATTACH_DETACHED)
		*out_code = 0;
	return result != ATTACH_FAILED;
}

static void fill_window(ExecRequest *request)
{
	struct winsize size = {0};
	if (request->terminal && ioctl(0, TIOCGWINSZ, &size) == 0) {
		request->rows = size.ws_row;
		request->columns = size.ws_col;
	}
}

/* Attached without a terminal the process gets our own descriptors through a pump. */
static bool exec_in(Engine *engine, Container *ctr, const ExecOptions *opts,
		    const char *const *args, int *out_code, GError **error)
{
	if (container_summary(ctr)->state != CONTAINER_RUNNING) {
		error_set(error, ENGINE_ERROR_BAD_STATE,
			  "can only create exec sessions on running containers: container state "
			  "improper");
		error_add_help(error, "skiff start %s", container_summary(ctr)->name);
		return false;
	}
	const ContainerSpec *container = container_spec(ctr, error);
	if (!container)
		return false;
	g_auto(GStrv) env = build_env(container, opts->spec, opts->tty);
	bool direct = !opts->tty && !opts->detach;
	ExecRequest request = {
		.args = args,
		.env = (const char *const *)env,
		.cwd = opts->spec->workdir,
		.user_spec = opts->spec->user,
		.privileged = opts->privileged,
		.terminal = opts->tty,
		.open_stdin = opts->interactive,
		.detached = opts->detach,
		.stdio = {-1, -1, -1},
		.preserve = opts->spec->preserve,
	};
	g_autoptr(AttachPump) pump =
		direct ? attach_pump_new(opts->interactive, request.stdio, error) : NULL;
	if (direct && !pump)
		return false;
	g_autofree char *session = NULL;
	autofd socket = -1;
	autofd pty = -1;
	fill_window(&request);
	if (!control_exec(container_run_fd(ctr), &request, &session, &socket, &pty, error))
		return false;
	if (pump)
		attach_pump_sent(pump);
	event_container(engine, ctr, "exec");
	if (!opts->detach) {
		bool seen = stay(ctr, opts, session, socket, pty, pump, out_code, error);
		if (seen)
			event_container_exit(engine, ctr, "exec_died", *out_code);
		return seen;
	}
	output_printf("%s\n", session);
	return true;
}

bool exec_run(Engine *engine, Container *ctr, ContainerSpec *asked, bool privileged,
	      const char *const *args, int *out_code, GError **error)
{
	sigset_t blocked;
	(void)sigprocmask(SIG_BLOCK, NULL, &blocked);
	const ExecOptions opts = {
		.spec = asked,
		.privileged = privileged,
		.keeps_signals = true,
		.leaves_signals = sigismember(&blocked, SIGINT) == 1,
	};
	return exec_in(engine, ctr, &opts, args, out_code, error);
}

/* podman's order: the container is looked for before the command. */
static int exec(const ExecOptions *opts, Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	size_t first = opts->selection.latest || opts->selection.cidfiles ? 0 : 1;
	int code = 0;
	if (command_n_args(inv) < first) {
		error_set(&error, ENGINE_ERROR_INVALID,
			  "exec requires the name or ID of a container or the --latest flag");
		return command_fail(error);
	}
	g_autofree const char **args = command_args(inv, first);
	if (!spec_check_preserved(opts->spec, &error))
		return command_fail(error);
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(Container) ctr = selection_one(&opts->selection, inv, engine, &error);
	if (ctr && !args[0])
		error_set(&error, ENGINE_ERROR_INVALID,
			  "must provide a non-empty command to start an exec session: invalid "
			  "argument");
	else if (ctr && exec_in(engine, ctr, opts, args, &code, &error))
		return code;
	bool not_running = error_matches(error, ENGINE_ERROR_BAD_STATE);
	int status = command_fail(error);
	return not_running ? EXIT_BAD_STATE : status;
}

static int cmd_exec(Invocation *inv)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	ExecOptions opts = {.spec = spec};
	int status = command_parse(inv, (void *[]){&opts}) ? exec(&opts, inv) : inv->status;
	selection_clear(&opts.selection);
	return status;
}

const Command exec_command = {
	.paths = (const char *const[]){"exec", "container exec", NULL},
	.usage = "[options] CONTAINER COMMAND [ARG...]",
	.summary = "Run a command in a running container",
	.description = "Runs one more process in a running container. Its exit code is ours; 126 "
		       "means that "
		       "it cannot be run, 127 that it does not exist.",
	.examples = (const char *const[]){"skiff exec web ls /etc", "skiff exec -it web sh",
					  "skiff exec -u www-data -w /srv web id", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_exec,
};
