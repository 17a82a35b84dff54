/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose exec, port, top: skiff's own verbs, told which container a service's is.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/compose/compose_state.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/output.h"
#include "libpod/base/error.h"

typedef struct {
	bool no_tty, detach, privileged;
	GPtrArray *env;
	const char *user, *workdir, *protocol;
	uint64_t index;
} InsideOptions;

static void inside_options_clear(InsideOptions *opts)
{
	g_clear_pointer(&opts->env, g_ptr_array_unref);
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
static const Option port_rows[] = {
	INDEX_ROW,
	{0, "protocol", OPTION_VALUE, option_set_string, "PROTOCOL", "tcp or udp",
	 offsetof(InsideOptions, protocol), OPTION_COMMON},
	{0},
};

static const OptionGroup exec_group = {NULL, exec_rows}, port_group = {NULL, port_rows};

/* The name of a service's container; NULL with @error. g_free() it. */
static char *find_container(Invocation *inv, const ProjectOptions *given, uint64_t index,
			    GError **error)
{
	g_autofree char *name = NULL;
	const char *const services[] = {command_arg(inv, 0), NULL};
	if (!project_options_name(given, &name, NULL, error))
		return NULL;
	g_autoptr(Engine) engine = compose_engine(inv, true, error);
	g_autoptr(GPtrArray) state = engine ? compose_state_list(engine, name, error) : NULL;
	if (!state)
		return NULL;
	g_autoptr(GPtrArray) items = compose_state_select(state, services, false);
	for (guint i = 0; i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		if (compose_state_runs(item->ctr) && (index == 0 || item->number == (int)index))
			return g_strdup(container_summary(item->ctr)->name);
	}
	return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "service \"%s\" is not running",
			      services[0]);
}

/* Run one of skiff's verbs with these words, in this process. */
static int run_verb(const Invocation *inv, const Command *command, const char *path,
		    GPtrArray *words)
{
	g_ptr_array_add(words, NULL);
	Invocation inner = {
		.command = command,
		.path = path,
		.argv = inv->argv,
		.args = (char **)words->pdata,
		.global = inv->global,
	};
	int status = command->run(&inner);
	option_result_clear(&inner.options);
	return status;
}

static void add_exec_options(const InsideOptions *opts, GPtrArray *words)
{
	bool tty = !opts->no_tty && !opts->detach && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (opts->detach)
		g_ptr_array_add(words, g_strdup("--detach"));
	else
		g_ptr_array_add(words, g_strdup("--interactive"));
	if (tty)
		g_ptr_array_add(words, g_strdup("--tty"));
	if (opts->privileged)
		g_ptr_array_add(words, g_strdup("--privileged"));
	if (opts->user)
		g_ptr_array_add(words, g_strdup_printf("--user=%s", opts->user));
	if (opts->workdir)
		g_ptr_array_add(words, g_strdup_printf("--workdir=%s", opts->workdir));
	for (guint i = 0; opts->env && i < opts->env->len; i++)
		g_ptr_array_add(words, g_strdup_printf("--env=%s", (char *)opts->env->pdata[i]));
}

static int cmd_exec(Invocation *inv)
{
	g_auto(InsideOptions) opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	char *name = find_container(inv, &given, opts.index, &error);
	if (!name)
		return command_fail(error);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	add_exec_options(&opts, words);
	g_ptr_array_add(words, name);
	for (size_t i = 1; i < command_n_args(inv); i++)
		g_ptr_array_add(words, g_strdup(command_arg(inv, i)));
	return run_verb(inv, &exec_command, "exec", words);
}

static int cmd_port(Invocation *inv)
{
	g_auto(InsideOptions) opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	char *name = find_container(inv, &given, opts.index, &error);
	if (!name)
		return command_fail(error);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(words, name);
	if (command_n_args(inv) > 1)
		g_ptr_array_add(words, g_strdup_printf("%s/%s", command_arg(inv, 1),
						       opts.protocol ? opts.protocol : "tcp"));
	return run_verb(inv, &port_command, "port", words);
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
	.groups = (const OptionGroup *const[]){&exec_group, &project_option_group, NULL},
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_exec,
};

const Command compose_port_command = {
	.paths = (const char *const[]){"compose port", NULL},
	.usage = "[options] SERVICE [PRIVATE_PORT]",
	.summary = "Show where a service's port is published",
	.description = "Prints the host's addresses of a service's published ports.",
	.examples = (const char *const[]){"skiff compose port web 80", NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&port_group, &project_option_group, NULL},
	.run = cmd_port,
};
