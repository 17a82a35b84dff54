/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose exec, attach, port, commit, export: skiff's own verbs, told which container a service's
 * is.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_verbs.h"
#include "libpod/base/error.h"

typedef struct {
	bool no_tty, detach, privileged, no_stdin, pause;
	Tristate sig_proxy;
	GPtrArray *env, *changes;
	const char *user, *workdir, *protocol, *detach_keys, *author, *message, *output;
	uint64_t index;
} InsideOptions;

static void inside_options_clear(InsideOptions *opts)
{
	g_clear_pointer(&opts->env, g_ptr_array_unref);
	g_clear_pointer(&opts->changes, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InsideOptions, inside_options_clear)

#define INDEX_ROW                                                                                  \
	{                                                                                          \
		0, "index", OPTION_VALUE, option_set_uint, "NUMBER",                               \
			"Which of the service's containers (default: the first)",                  \
			offsetof(InsideOptions, index), OPTION_COMMON                              \
	}

static const Option exec_rows[] = {
	{'d', "detach", OPTION_FLAG, option_set_flag, NULL, "Don't wait for it",
	 offsetof(InsideOptions, detach), OPTION_COMMON},
	{'e', "env", OPTION_ENV_LIST, option_set_list, "NAME=VALUE", "Set a variable",
	 offsetof(InsideOptions, env), OPTION_COMMON},
	INDEX_ROW,
	{'T', "no-tty", OPTION_FLAG, option_set_flag, NULL,
	 "No terminal (default: one where ours is one)", offsetof(InsideOptions, no_tty),
	 OPTION_COMMON},
	{0, "privileged", OPTION_FLAG, option_set_flag, NULL, "With all capabilities",
	 offsetof(InsideOptions, privileged), OPTION_COMMON},
	{'u', "user", OPTION_VALUE, option_set_string, "USER", "As this user",
	 offsetof(InsideOptions, user), OPTION_COMMON},
	{'w', "workdir", OPTION_VALUE, option_set_string, "DIR", "In this directory",
	 offsetof(InsideOptions, workdir), OPTION_COMMON},
	{0},
};
static const Option attach_rows[] = {
	{0, "detach-keys", OPTION_VALUE, option_set_string, "KEYS",
	 "Keys that leave it running alone (default ctrl-p,ctrl-q)",
	 offsetof(InsideOptions, detach_keys), OPTION_COMMON},
	INDEX_ROW,
	{0, "no-stdin", OPTION_FLAG, option_set_flag, NULL, "Don't pass our standard input on",
	 offsetof(InsideOptions, no_stdin), OPTION_COMMON},
	{0, "sig-proxy", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Pass signals on to its program (default true)", offsetof(InsideOptions, sig_proxy),
	 OPTION_COMMON},
	{0},
};
static const Option port_rows[] = {
	INDEX_ROW,
	{0, "protocol", OPTION_VALUE, option_set_string, "PROTOCOL", "tcp or udp",
	 offsetof(InsideOptions, protocol), OPTION_COMMON},
	{0},
};
static const Option commit_rows[] = {
	{'a', "author", OPTION_VALUE, option_set_string, "AUTHOR", "Who made the image",
	 offsetof(InsideOptions, author), OPTION_COMMON},
	{'c', "change", OPTION_LIST, option_set_list, "INSTRUCTION",
	 "Change the image's configuration: CMD, ENTRYPOINT, ENV, ...",
	 offsetof(InsideOptions, changes), OPTION_COMMON},
	INDEX_ROW,
	{'m', "message", OPTION_VALUE, option_set_string, "TEXT", "Comment for the image's history",
	 offsetof(InsideOptions, message), OPTION_COMMON},
	{'p', "pause", OPTION_FLAG, option_set_flag, NULL, "Pause the container meanwhile",
	 offsetof(InsideOptions, pause), OPTION_COMMON},
	{0},
};
static const Option export_rows[] = {
	INDEX_ROW,
	{'o', "output", OPTION_VALUE, option_set_string, "FILE",
	 "Write it here (default: standard output)", offsetof(InsideOptions, output),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup exec_group = {NULL, exec_rows}, attach_group = {NULL, attach_rows},
			 port_group = {NULL, port_rows}, commit_group = {NULL, commit_rows},
			 export_group = {NULL, export_rows};

/* Words for the verb and, last of them, the name of the service's container. */
typedef void (*AddWords)(const InsideOptions *opts, GPtrArray *words);

static void add_value(GPtrArray *words, const char *name, const char *value)
{
	if (value)
		g_ptr_array_add(words, g_strdup_printf("--%s=%s", name, value));
}

static void add_exec_words(const InsideOptions *opts, GPtrArray *words)
{
	bool tty = !opts->no_tty && !opts->detach && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	g_ptr_array_add(words, g_strdup(opts->detach ? "--detach" : "--interactive"));
	if (tty)
		g_ptr_array_add(words, g_strdup("--tty"));
	if (opts->privileged)
		g_ptr_array_add(words, g_strdup("--privileged"));
	add_value(words, "user", opts->user);
	add_value(words, "workdir", opts->workdir);
	for (guint i = 0; opts->env && i < opts->env->len; i++)
		add_value(words, "env", opts->env->pdata[i]);
}

static void add_attach_words(const InsideOptions *opts, GPtrArray *words)
{
	add_value(words, "detach-keys", opts->detach_keys);
	if (opts->no_stdin)
		g_ptr_array_add(words, g_strdup("--no-stdin"));
	if (opts->sig_proxy == TRISTATE_FALSE)
		g_ptr_array_add(words, g_strdup("--sig-proxy=false"));
}

static void add_commit_words(const InsideOptions *opts, GPtrArray *words)
{
	add_value(words, "author", opts->author);
	add_value(words, "message", opts->message);
	/* Only that format has a place for it. */
	add_value(words, "format", opts->message ? "docker" : NULL);
	add_value(words, "pause", opts->pause ? "true" : NULL);
	for (guint i = 0; opts->changes && i < opts->changes->len; i++)
		add_value(words, "change", opts->changes->pdata[i]);
}

static void add_export_words(const InsideOptions *opts, GPtrArray *words)
{
	add_value(words, "output", opts->output);
}

static void add_no_words(const InsideOptions *opts, GPtrArray *words)
{
}

/* The name of the container that is meant, found while the engine is open; NULL with @error.
 * @port: it must publish one; may be NULL */
static char *find_name(const Invocation *inv, const ProjectOptions *given, uint64_t index,
		       const char *port, GError **error)
{
	g_auto(ComposeLive) live = {0};
	if (!compose_live_open(&live, inv, given, true, NULL, error))
		return NULL;
	const ComposeContainer *item = compose_live_find(&live, command_arg(inv, 0), index, error);
	const ContainerSummary *found = item ? container_summary(item->ctr) : NULL;
	/* "skiff port" says nothing of a container that has none. */
	if (found && port && (!found->ports || found->ports->len == 0))
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "no port %s for container %s",
				      port, found->name);
	return found ? g_strdup(found->name) : NULL;
}

/* Run @command with the options' words, the container's name and the arguments behind it. */
static int run_inside(Invocation *inv, const Command *command, AddWords add)
{
	g_auto(InsideOptions) opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	bool port = command == &port_command;
	if (!port && !compose_check_dry_run(inv, given.dry_run, &error))
		return command_fail(error);
	g_autofree char *wanted = port && command_n_args(inv) > 1
					  ? g_strdup_printf("%s/%s", command_arg(inv, 1),
							    opts.protocol ? opts.protocol : "tcp")
					  : NULL;
	char *name = find_name(inv, &given, opts.index, wanted, &error);
	if (!name)
		return command_fail(error);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	add(&opts, words);
	g_ptr_array_add(words, name);
	for (size_t i = 1; i < command_n_args(inv); i++)
		g_ptr_array_add(words, g_strdup(port ? wanted : command_arg(inv, i)));
	return compose_delegate(inv, command, command->paths[0], words);
}

static int cmd_exec(Invocation *inv)
{
	return run_inside(inv, &exec_command, add_exec_words);
}

static int cmd_attach(Invocation *inv)
{
	return run_inside(inv, &attach_command, add_attach_words);
}

static int cmd_port(Invocation *inv)
{
	return run_inside(inv, &port_command, add_no_words);
}

static int cmd_commit(Invocation *inv)
{
	return run_inside(inv, &commit_command, add_commit_words);
}

static int cmd_export(Invocation *inv)
{
	return run_inside(inv, &export_command, add_export_words);
}

#define GROUPS(group)                                                                              \
	(const OptionGroup *const[])                                                               \
	{                                                                                          \
		&(group), &project_option_group, NULL                                              \
	}

const Command compose_exec_command = {
	.paths = (const char *const[]){"compose exec", NULL},
	.usage = "[options] SERVICE COMMAND [ARG...]",
	.summary = "Run a command in a service's container",
	.description = "Runs a command in a running container of a service.",
	.examples = (const char *const[]){"skiff compose exec db psql -U postgres",
					  "skiff compose exec -T web cat /etc/hosts", NULL},
	.min_args = 2,
	.max_args = -1,
	.groups = GROUPS(exec_group),
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_exec,
};

const Command compose_attach_command = {
	.paths = (const char *const[]){"compose attach", NULL},
	.usage = "[options] SERVICE",
	.summary = "Connect to a service's container",
	.description = "Connects our standard input, output and error to a running container of a "
		       "service, until it ends or the detach keys are typed.",
	.examples = (const char *const[]){"skiff compose attach --no-stdin web", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = GROUPS(attach_group),
	.run = cmd_attach,
};

const Command compose_port_command = {
	.paths = (const char *const[]){"compose port", NULL},
	.usage = "[options] SERVICE [PRIVATE_PORT]",
	.summary = "Show where a service's port is published",
	.description = "Prints the host's addresses of a service's published ports.",
	.examples = (const char *const[]){"skiff compose port web 80", NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = GROUPS(port_group),
	.run = cmd_port,
};

const Command compose_commit_command = {
	.paths = (const char *const[]){"compose commit", NULL},
	.usage = "[options] SERVICE [IMAGE]",
	.summary = "Make an image of a service's container",
	.description = "Makes an image of what a running container of a service has changed.",
	.examples = (const char *const[]){"skiff compose commit db localhost/db:seeded", NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = GROUPS(commit_group),
	.run = cmd_commit,
};

const Command compose_export_command = {
	.paths = (const char *const[]){"compose export", NULL},
	.usage = "[options] SERVICE",
	.summary = "Write the files of a service's container as a tar",
	.description = "Writes what a running container of a service has in its file system, "
		       "without volumes, as one tar.",
	.examples = (const char *const[]){"skiff compose export -o web.tar web", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = GROUPS(export_group),
	.run = cmd_export,
};
