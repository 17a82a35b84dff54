/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/help.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/suggest.h"

#define EXIT_OWN_FAILURE 125

/* What only the program itself takes, in front of the verb. */
typedef struct {
	bool version;
} RootOptions;

static const Option global_options[] = {
	{0, "log-level", OPTION_VALUE, option_set_string, "LEVEL",
	 "Show messages from this level on (trace, debug, info, warn, error, fatal; default warn)",
	 offsetof(GlobalOptions, log_level), OPTION_COMMON},
	{0, "root", OPTION_VALUE, option_set_string, "DIR",
	 "Keep images, containers and volumes here", offsetof(GlobalOptions, root), OPTION_COMMON},
	{0, "runroot", OPTION_VALUE, option_set_string, "DIR",
	 "Keep the state of running containers here", offsetof(GlobalOptions, runroot),
	 OPTION_COMMON},
	{0, "module", OPTION_LIST, option_set_list, "FILE",
	 "Read this module of containers.conf, too", offsetof(GlobalOptions, modules), 0},
	OPTION_UNSUPPORTED(0, "cdi-spec-dir", OPTION_CSV),
	OPTION_UNSUPPORTED(0, "cgroup-manager", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "config", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "conmon", OPTION_VALUE),
	OPTION_UNSUPPORTED('c', "connection", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "context", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "cpu-profile", OPTION_VALUE),
	OPTION_UNSUPPORTED('D', "debug", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "default-mounts-file", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "events-backend", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "hooks-dir", OPTION_LIST),
	OPTION_UNSUPPORTED('H', "host", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "identity", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "imagestore", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "max-workers", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "memory-profile", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "network-backend", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "network-config-dir", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "noout", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "out", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "pull-option", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "registries-conf", OPTION_VALUE),
	OPTION_UNSUPPORTED('r', "remote", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "runtime", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "runtime-flag", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "ssh", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "storage-driver", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "storage-opt", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "syslog", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "tls-ca", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "tls-cert", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "tls-details", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "tls-key", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "tmpdir", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "trace", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "transient-store", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "url", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "volumepath", OPTION_VALUE),
	{0},
};

static const Option root_options[] = {
	{'v', "version", OPTION_FLAG, option_set_flag, NULL, "Print the version",
	 offsetof(RootOptions, version), OPTION_COMMON},
	{0},
};

static const OptionGroup global_group = {"Global options", global_options};
static const OptionGroup root_group = {"Options", root_options};

const OptionGroup *command_global_group(void)
{
	return &global_group;
}

static int fail_text(const char *text)
{
	output_error_text("%s", text);
	return EXIT_OWN_FAILURE;
}

int command_fail(const GError *error)
{
	output_error(error);
	return error_exit_code(error);
}

/* Does @path, words with single spaces, start @words? Return: how many words, 0 if not. */
static size_t match_path(const char *path, char *const *words)
{
	size_t used = 0;
	while (words[used]) {
		size_t length = strlen(words[used]);
		if (length == 0 || strncmp(path, words[used], length) != 0)
			return 0;
		used++;
		if (path[length] == '\0')
			return used;
		if (path[length] != ' ')
			return 0;
		path += length + 1;
	}
	return 0;
}

const Command *command_lookup(char *const *words, size_t *out_used, const char **out_path)
{
	for (const Command *const *row = commands_get(); *row; row++) {
		for (const char *const *path = (*row)->paths; *path; path++) {
			size_t used = match_path(*path, words);
			if (used == 0)
				continue;
			*out_used = used;
			*out_path = *path;
			return *row;
		}
	}
	return NULL;
}

/* Words that may stand behind @group (NULL: in front), verbs and groups, and are spelt alike. */
static void suggest_words(Suggestions *near, const char *group)
{
	size_t length = group ? strlen(group) : 0;
	for (const Command *const *row = commands_get(); *row; row++) {
		for (const char *const *path = (*row)->paths; *path; path++) {
			bool below = group && strncmp(*path, group, length) == 0 &&
				     (*path)[length] == ' ';
			const char *word = below ? *path + length + 1 : *path;
			if ((*row)->flags & COMMAND_HIDDEN || (group && !below))
				continue;
			g_autofree char *first = g_strndup(word, strcspn(word, " "));
			suggest_offer(near, g_intern_string(first));
		}
	}
}

/* "unrecognized command `skiff foo`", in podman's form. */
static int fail_unknown(const char *group, const char *word)
{
	g_autofree char *path = group ? g_strdup_printf("skiff %s", group) : g_strdup("skiff");
	const char *why = commands_foreign(group ? group : word, group ? word : NULL);
	if (why) {
		output_error_text("unsupported command `%s %s`%s%s", path, word, *why ? ": " : "",
				  why);
		return EXIT_OWN_FAILURE;
	}
	Suggestions near;
	suggest_init(&near, word);
	suggest_words(&near, group);
	GString *text = g_string_new(NULL);
	g_string_printf(text, "unrecognized command `%s %s`\n", path, word);
	if (near.n > 0)
		g_string_append(text, "\nDid you mean this?\n");
	for (size_t i = 0; i < near.n; i++)
		g_string_append_printf(text, "\t%s\n", near.names[i]);
	g_string_append_printf(text, "%sTry '%s --help' for more information",
			       near.n > 0 ? "\n" : "", path);
	g_autofree char *whole = g_string_free(text, FALSE);
	return fail_text(whole);
}

static int fail_missing(const char *group)
{
	if (group)
		help_print_group(group);
	else
		help_print_root(false);
	output_flush();
	output_error_text("missing command 'skiff%s%s COMMAND'", group ? " " : "",
			  group ? group : "");
	return EXIT_OWN_FAILURE;
}

/* The end of a line that could not be parsed. */
static int fail_parse(const GError *error, const char *path)
{
	if (option_error_is_whole(error)) {
		output_error(error);
		return EXIT_OWN_FAILURE;
	}
	g_auto(GStrv) lines = g_strsplit(error->message, "\n", 2);
	g_autofree char *text =
		g_strdup_printf("%s\nSee 'skiff%s%s --help'%s%s", lines[0], path ? " " : "",
				path ? path : "", lines[1] ? "\n" : "", lines[1] ? lines[1] : "");
	return fail_text(text);
}

/* Set the log level. Return: false for one that does not exist, in podman's words. */
static bool apply_log_level(const GlobalOptions *global)
{
	LogLevel level = LOG_LEVEL_WARN;
	if (global->log_level && !log_level_parse(global->log_level, &level)) {
		fprintf(stderr,
			"Log Level \"%s\" is not supported, choose from: trace, debug, info, warn, "
			"warning, error, fatal, panic\n",
			global->log_level);
		return false;
	}
	log_init(level, "cli");
	return true;
}

/* cobra's words for a wrong number of arguments. g_free() it. */
static char *count_error(const Command *command, const char *path, size_t n)
{
	if (command->args_error && n < (size_t)command->min_args)
		return g_strdup(command->args_error);
	if (command->max_args == 0)
		return g_strdup_printf("`skiff %s` takes no arguments", path);
	if (command->max_args == command->min_args)
		return g_strdup_printf("accepts %d arg(s), received %zu", command->max_args, n);
	if (command->max_args < 0)
		return g_strdup_printf("requires at least %d arg(s), only received %zu",
				       command->min_args, n);
	if (command->min_args == 0)
		return g_strdup_printf("accepts at most %d arg(s), received %zu", command->max_args,
				       n);
	return g_strdup_printf("accepts between %d and %d arg(s), received %zu", command->min_args,
			       command->max_args, n);
}

bool command_parse(Invocation *inv, void *const *targets)
{
	const Command *command = inv->command;
	g_autoptr(GPtrArray) groups = g_ptr_array_new();
	g_autoptr(GPtrArray) all_targets = g_ptr_array_new();
	for (size_t i = 0; command->groups && command->groups[i]; i++) {
		g_ptr_array_add(groups, (void *)command->groups[i]);
		g_ptr_array_add(all_targets, targets[i]);
	}
	g_ptr_array_add(groups, (void *)&global_group);
	g_ptr_array_add(all_targets, &inv->global);
	g_ptr_array_add(groups, NULL);

	g_autoptr(GError) error = NULL;
	inv->status = EXIT_OWN_FAILURE;
	bool ok = option_parse((const OptionGroup *const *)groups->pdata, all_targets->pdata,
			       inv->args, !(command->flags & COMMAND_STOP_AT_ARG), &inv->options,
			       &error);
	if (!ok) {
		inv->status = fail_parse(error, inv->path);
		return false;
	}
	if (inv->options.help) {
		help_print_command(command, inv->path, inv->options.help_all);
		inv->status = 0;
		return false;
	}
	if (!apply_log_level(&inv->global)) {
		inv->status = 1;
		return false;
	}
	size_t n = inv->options.args->len;
	if (n < (size_t)command->min_args ||
	    (command->max_args >= 0 && n > (size_t)command->max_args)) {
		g_autofree char *text = count_error(command, inv->path, n);
		inv->status = fail_text(text);
		return false;
	}
	return true;
}

size_t command_n_args(const Invocation *inv)
{
	return inv->options.args ? inv->options.args->len : 0;
}

const char *command_arg(const Invocation *inv, size_t i)
{
	return i < command_n_args(inv) ? g_ptr_array_index(inv->options.args, i) : NULL;
}

const char **command_args(const Invocation *inv, size_t from)
{
	size_t n = command_n_args(inv);
	const char **args = g_new0(const char *, n + 1);
	for (size_t i = from; i < n; i++)
		args[i - from] = command_arg(inv, i);
	return args;
}

/* Options in front of a word. @out_words: the rest of the line. */
static bool parse_front(GlobalOptions *global, RootOptions *root, char **args, const char *path,
			OptionResult *result, int *out_status)
{
	static const OptionGroup *const root_groups[] = {&global_group, &root_group, NULL};
	static const OptionGroup *const inner_groups[] = {&global_group, NULL};
	void *targets[] = {global, root};
	g_autoptr(GError) error = NULL;
	if (option_parse(root ? root_groups : inner_groups, targets, args, false, result, &error))
		return true;
	*out_status = fail_parse(error, path);
	return false;
}

static int run_command(Invocation *inv)
{
	int status = inv->command->run(inv);
	option_result_clear(&inv->options);
	g_clear_pointer(&inv->global.modules, g_ptr_array_unref);
	if (!output_flush() && status == 0 && errno != EPIPE) {
		output_error_text("write /dev/stdout: %s", g_strerror(errno));
		status = EXIT_OWN_FAILURE;
	}
	return status;
}

/* "container ls": the group is behind us, @args starts at what follows it. */
static int dispatch_group(const Invocation *outer, const char *group, char **args)
{
	Invocation inv = {.global = outer->global, .argv = outer->argv};
	g_auto(OptionResult) front = {0};
	int status = 0;
	if (!parse_front(&inv.global, NULL, args, group, &front, &status))
		return status;
	if (front.help) {
		help_print_group(group);
		return output_flush() ? 0 : EXIT_OWN_FAILURE;
	}
	if (front.args->len == 0)
		return fail_missing(group);
	char *words[] = {(char *)group, g_ptr_array_index(front.args, 0), NULL};
	size_t used = 0;
	inv.command = command_lookup(words, &used, &inv.path);
	if (!inv.command || used != 2)
		return fail_unknown(group, words[1]);
	g_ptr_array_add(front.args, NULL);
	inv.args = (char **)front.args->pdata + 1;
	return run_command(&inv);
}

int command_dispatch(int argc, char **argv)
{
	RootOptions root = {0};
	Invocation inv = {.argv = argv};
	g_auto(OptionResult) front = {0};
	int status = 0;
	log_init(LOG_LEVEL_WARN, "cli");
	if (!parse_front(&inv.global, &root, argc > 0 ? argv + 1 : argv, NULL, &front, &status))
		return status;
	if (front.help || root.version) {
		if (front.help)
			help_print_root(front.help_all);
		else
			output_printf("skiff version %s\n", SKIFF_VERSION);
		return output_flush() ? 0 : EXIT_OWN_FAILURE;
	}
	if (!apply_log_level(&inv.global))
		return 1;
	log_step(1, "command_dispatch");
	if (front.args->len == 0)
		return fail_missing(NULL);

	g_ptr_array_add(front.args, NULL);
	char **words = (char **)front.args->pdata;
	if (commands_group_summary(words[0]))
		return dispatch_group(&inv, words[0], words + 1);
	char *first[] = {words[0], NULL};
	size_t used = 0;
	inv.command = command_lookup(first, &used, &inv.path);
	if (!inv.command)
		return fail_unknown(NULL, words[0]);
	inv.args = words + 1;
	return run_command(&inv);
}
