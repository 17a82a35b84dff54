/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate systemd: a plain service for a container, for old habits; quadlet files are the better
 * way (quadlet_generate.c).
 *
 * Without --new the service starts and stops the container that is there, attached, so that its end
 * and its exit code are the service's. With --new it makes the container at each start, by its own
 * command line (run_words.h), and removes it at the end.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/quadlet/env_file.h"
#include "cmd/quadlet/run_words.h"
#include "cmd/quadlet/unit_file.h"
#include "cmd/quadlet/unit_words.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"
#include "libpod/container.h"

#define STOP_MARGIN  60 /* seconds beyond the container's own */
#define STOP_DEFAULT 10
#define ID_FILE      "%t/%n.ctr-id"

typedef struct {
	const char *restart_policy, *container_prefix, *separator, *format;
	int64_t stop_timeout, start_timeout, restart_sec;
	GPtrArray *env, *wants, *after, *requires;
	Tristate new;
	bool name, files, template, no_header;
} SystemdOptions;

#define ROW(member) offsetof(SystemdOptions, member)

static const Option options[] = {
	{'n', "name", OPTION_FLAG, option_set_flag, NULL,
	 "Use the container's name in place of its id", ROW(name), OPTION_COMMON},
	{'f', "files", OPTION_FLAG, option_set_flag, NULL,
	 "Write a file into this directory and print its path", ROW(files), OPTION_COMMON},
	{0, "new", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Make the container at each start and remove it at the end", ROW(new), OPTION_COMMON},
	{0, "restart-policy", OPTION_VALUE, option_set_string, "POLICY",
	 "Restart= of the service (default on-failure)", ROW(restart_policy), OPTION_COMMON},
	{0, "restart-sec", OPTION_VALUE, option_set_int, "SECONDS", "RestartSec= of the service",
	 ROW(restart_sec), OPTION_COMMON},
	{0, "start-timeout", OPTION_VALUE, option_set_int, "SECONDS",
	 "TimeoutStartSec= of the service", ROW(start_timeout), OPTION_COMMON},
	{0, "stop-timeout", OPTION_VALUE, option_set_int, "SECONDS",
	 "Time between the stop signal and SIGKILL (default the container's)", ROW(stop_timeout),
	 OPTION_COMMON},
	{'t', "time", OPTION_VALUE, option_set_int, "SECONDS", "The same as --stop-timeout",
	 ROW(stop_timeout), OPTION_HIDDEN},
	{0, "container-prefix", OPTION_VALUE, option_set_string, "TEXT",
	 "What the unit's name begins with (default container)", ROW(container_prefix),
	 OPTION_COMMON},
	{0, "pod-prefix", OPTION_VALUE, option_set_ignored, "TEXT", "Of units of pods", 0,
	 OPTION_HIDDEN},
	{0, "separator", OPTION_VALUE, option_set_string, "TEXT",
	 "Between prefix and name (default -)", ROW(separator), OPTION_COMMON},
	{'e', "env", OPTION_LIST, option_set_list, "NAME=VALUE", "Environment= of the service",
	 ROW(env), OPTION_COMMON},
	{0, "wants", OPTION_CSV, option_set_list, "UNIT", "Wants= of the service", ROW(wants),
	 OPTION_COMMON},
	{0, "after", OPTION_CSV, option_set_list, "UNIT", "After= of the service", ROW(after),
	 OPTION_COMMON},
	{0, "requires", OPTION_CSV, option_set_list, "UNIT", "Requires= of the service",
	 ROW(requires), OPTION_COMMON},
	{0, "no-header", OPTION_FLAG, option_set_flag, NULL, "Leave out the comment at the top",
	 ROW(no_header), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json for an object by name",
	 ROW(format), OPTION_COMMON},
	{0, "template", OPTION_FLAG, option_set_flag, NULL,
	 "Write a service of which any number can run, as NAME@INSTANCE; with --new", ROW(template),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* One service on its way. */
typedef struct {
	const SystemdOptions *opts;
	const ContainerSummary *summary;
	const ContainerSpec *spec;
	UnitFile *unit;
	char *name;    /* without ".service" */
	char *object;  /* how skiff is told which container */
	char *program; /* skiff */
	char *stop_seconds;
	RunCommand command; /* with --new */
	GString *env;       /* text of the file with the variables, if one is written; or NULL */
} Service;

static void service_clear(Service *service)
{
	unit_file_free(service->unit);
	g_free(service->name);
	g_free(service->object);
	g_free(service->program);
	g_free(service->stop_seconds);
	run_command_clear(&service->command);
	if (service->env)
		g_string_free(service->env, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Service, service_clear)

static bool check_options(const SystemdOptions *opts, GError **error)
{
	static const char *const policies[] = {"no",          "on-success",  "on-failure",
					       "on-abnormal", "on-watchdog", "on-abort",
					       "always",      NULL};
	if (opts->restart_policy && !g_strv_contains(policies, opts->restart_policy))
		return error_set(error, ENGINE_ERROR_INVALID, "%s is not a valid restart policy",
				 opts->restart_policy);
	if (opts->format && strcmp(opts->format, "json") != 0)
		return error_set(error, ENGINE_ERROR_INVALID, "unknown --format argument: %s",
				 opts->format);
	if (opts->template && opts->new == TRISTATE_FALSE)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--template cannot be set with --new=false");
	for (guint i = 0; opts->env && i < opts->env->len; i++)
		if (!strchr(opts->env->pdata[i], '='))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid variable '%s': it needs NAME=VALUE",
					 (const char *)opts->env->pdata[i]);
	return true;
}

/* A command line under construction: the program and the options of ours that it was made with. */
static GPtrArray *begin_line(const Service *service, const char *verb)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(words, unit_words_literal(service->program));
	const GPtrArray *globals = service->command.globals;
	for (guint i = 0; globals && i < globals->len; i++)
		g_ptr_array_add(words, unit_words_literal(globals->pdata[i]));
	g_ptr_array_add(words, g_strdup(verb));
	return words;
}

static void add_words(GPtrArray *words, ...) G_GNUC_NULL_TERMINATED;
static void add_words(GPtrArray *words, ...)
{
	va_list args;
	va_start(args, words);
	for (const char *word; (word = va_arg(args, const char *));)
		g_ptr_array_add(words, g_strdup(word));
	va_end(args);
}

static void end_line(Service *service, const char *key, GPtrArray *words)
{
	g_autofree char *line = unit_words_join(words);
	unit_file_add(service->unit, "Service", key, line);
	g_ptr_array_unref(words);
}

static void set_seconds(Service *service, const char *key, int64_t seconds)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, seconds);
	if (seconds >= 0)
		unit_file_add(service->unit, "Service", key, text);
}

static void add_units(Service *service, const char *key, const GPtrArray *names)
{
	for (guint i = 0; names && i < names->len; i++)
		unit_file_add(service->unit, "Unit", key, names->pdata[i]);
}

/* --restart of the container is systemd's to do here. */
static const char *restart_of(const Service *service)
{
	const char *asked =
		service->command.words ? run_command_find(&service->command, "restart") : NULL;
	if (service->opts->restart_policy)
		return service->opts->restart_policy;
	if (asked && (strcmp(asked, "always") == 0 || strcmp(asked, "unless-stopped") == 0))
		return "always";
	return asked && strcmp(asked, "no") == 0 ? "no" : "on-failure";
}

/* [Unit], and of [Service] what both forms have. */
static void write_front(Service *service)
{
	const SystemdOptions *opts = service->opts;
	g_autofree char *description =
		g_strdup_printf("skiff %s%s.service", service->name, opts->template ? "%i" : "");
	unit_file_add(service->unit, "Unit", "Description", description);
	unit_file_add(service->unit, "Unit", "Documentation", "man:skiff-generate-systemd(1)");
	unit_file_add(service->unit, "Unit", "RequiresMountsFor", "%t");
	add_units(service, "Wants", opts->wants);
	add_units(service, "After", opts->after);
	add_units(service, "Requires", opts->requires);
	unit_file_add(service->unit, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	for (guint i = 0; opts->env && i < opts->env->len; i++) {
		g_autoptr(GPtrArray) word = g_ptr_array_new_with_free_func(g_free);
		g_auto(GStrv) parts = g_strsplit(opts->env->pdata[i], "%", -1);
		g_ptr_array_add(word, g_strjoinv("%%", parts));
		g_autofree char *text = unit_words_join(word);
		unit_file_add(service->unit, "Service", "Environment", text);
	}
	unit_file_add(service->unit, "Service", "Restart", restart_of(service));
	set_seconds(service, "RestartSec", opts->restart_sec);
	set_seconds(service, "TimeoutStartSec", opts->start_timeout);
	set_seconds(service, "TimeoutStopSec",
		    g_ascii_strtoll(service->stop_seconds, NULL, 10) + STOP_MARGIN);
	unit_file_add(service->unit, "Service", "Delegate", "yes");
}

/* The container that is there. */
static void write_start(Service *service)
{
	GPtrArray *start = begin_line(service, "start");
	add_words(start, "--attach", service->object, NULL);
	end_line(service, "ExecStart", start);
	for (size_t i = 0; i < 2; i++) {
		GPtrArray *stop = begin_line(service, "stop");
		add_words(stop, "--ignore", "-t", service->stop_seconds, service->object, NULL);
		end_line(service, i == 0 ? "ExecStop" : "ExecStopPost", stop);
	}
	unit_file_add(service->unit, "Service", "Type", "exec");
}

/* The file with the variables beside the unit. */
static char *env_path(const Service *service)
{
	g_autofree char *file = g_strconcat(service->name, ".env", NULL);
	return g_canonicalize_filename(file, NULL);
}

/* Options as they were typed, but for the name of an instance, and for variables, which go to a
 * file of their own. */
static void add_options(Service *service, GPtrArray *run)
{
	static const char *const dropped[] = {
		"cidfile", "conmon-pidfile", "detach",      "replace",   "restart",
		"rm",      "attach",         "interactive", "sig-proxy", NULL};
	const RunCommand *command = &service->command;
	bool template = service->opts->template;
	if (template)
		g_ptr_array_add(run, g_strdup_printf("--name=%s-%%i", service->summary->name));
	for (guint i = 0; i < command->words->len; i++) {
		const RunWord *word = command->words->pdata[i];
		const char *name = word->option->name;
		bool env = strcmp(name, "env") == 0;
		if (g_strv_contains(dropped, name) || (template && strcmp(name, "name") == 0) ||
		    (env && service->env && env_file_add(service->env, word->value)))
			continue;
		if (env)
			env_file_warn(word->value);
		g_autofree char *text = run_word_format(word);
		g_ptr_array_add(run, unit_words_literal(text));
	}
	if (!service->env || service->env->len == 0)
		return;
	g_autofree char *path = env_path(service);
	g_autofree char *text = g_strconcat("--env-file=", path, NULL);
	g_ptr_array_add(run, unit_words_literal(text));
}

/* A container that is made at each start. */
static void write_run(Service *service)
{
	const RunCommand *command = &service->command;
	unit_file_add(service->unit, "Service", "ExecStartPre", "/bin/rm -f " ID_FILE);
	if (!service->spec->rootfs) {
		/* In place of network-online.target, which a user's systemd never reaches. */
		GPtrArray *wait = begin_line(service, "quadlet");
		add_words(wait, "wait-online", NULL);
		g_ptr_array_add(wait, unit_words_literal(command->args[0]));
		end_line(service, "ExecStartPre", wait);
	}
	GPtrArray *run = begin_line(service, "run");
	add_words(run, "--cidfile=" ID_FILE, "--rm", "-d", NULL);
	if (!run_command_find(command, "cgroups"))
		add_words(run, "--cgroups=split", NULL);
	if (!run_command_find(command, "sdnotify"))
		add_words(run, "--sdnotify=conmon", NULL);
	if (run_command_find(command, "name") || service->opts->template)
		add_words(run, "--replace", NULL);
	add_options(service, run);
	for (char **arg = command->args; *arg; arg++)
		g_ptr_array_add(run, unit_words_literal(*arg));
	end_line(service, "ExecStart", run);
	GPtrArray *stop = begin_line(service, "stop");
	add_words(stop, "--ignore", "-t", service->stop_seconds, "--cidfile=" ID_FILE, NULL);
	end_line(service, "ExecStop", stop);
	GPtrArray *rm = begin_line(service, "rm");
	add_words(rm, "-f", "--ignore", "-t", service->stop_seconds, "--cidfile=" ID_FILE, NULL);
	end_line(service, "ExecStopPost", rm);
	unit_file_add(service->unit, "Service", "Type", "notify");
	unit_file_add(service->unit, "Service", "NotifyAccess", "all");
	unit_file_add(service->unit, "Service", "KillMode", "mixed");
}

static char *find_program(void)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
	path[size > 0 ? size : 0] = '\0';
	return g_strdup(size > 0 ? path : "/usr/bin/skiff");
}

/* The whole of one service. */
static bool write_service(Service *service, Container *ctr, GError **error)
{
	const SystemdOptions *opts = service->opts;
	const char *prefix = opts->container_prefix ? opts->container_prefix : "container";
	service->summary = container_summary(ctr);
	service->spec = container_spec(ctr, error);
	if (!service->spec)
		return false;
	service->object = g_strdup(opts->name ? service->summary->name : service->summary->id);
	service->name = g_strconcat(prefix, *prefix ? opts->separator ? opts->separator : "-" : "",
				    service->object, opts->template ? "@" : "", NULL);
	g_autofree char *file = g_strconcat(service->name, ".service", NULL);
	if (!path_name_is_safe(file))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' cannot be a unit's name", file);
	service->program = find_program();
	int own = service->spec->stop_timeout;
	service->stop_seconds =
		g_strdup_printf("%" G_GINT64_FORMAT, opts->stop_timeout >= 0 ? opts->stop_timeout
						     : own >= 0              ? (int64_t)own
								: (int64_t)STOP_DEFAULT);
	bool new = opts->new == TRISTATE_TRUE || opts->template;
	if (new && !run_command_parse(service->spec->create_command, &service->command, error)) {
		g_prefix_error(error,
			       "cannot use --new on container \"%s\": ", service->summary->id);
		return false;
	}
	service->unit = unit_file_new();
	service->env = opts->files ? g_string_new(NULL) : NULL;
	write_front(service);
	if (new)
		write_run(service);
	else
		write_start(service);
	unit_file_add(service->unit, "Install", "WantedBy", "default.target");
	return true;
}

static char *format_service(const Service *service)
{
	g_autofree char *text = unit_file_format(service->unit);
	return service->opts->no_header
		       ? g_steal_pointer(&text)
		       : g_strdup_printf("# %s.service\n# Made by skiff generate systemd\n\n%s",
					 service->name, text);
}

/* Print or write it. */
static bool put_service(const Service *service, GError **error)
{
	g_autofree char *text = format_service(service);
	g_autofree char *file = g_strconcat(service->name, ".service", NULL);
	g_autofree char *path = g_canonicalize_filename(file, NULL);
	g_autoptr(Json) json = json_object_new_object();
	if (service->opts->files && service->env->len > 0) {
		g_autofree char *env = env_path(service);
		if (!env_file_write(env, service->env, error))
			return false;
	}
	if (service->opts->files) {
		autofd fd = openat(AT_FDCWD, path,
				   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0 || !fd_write_all(fd, text, strlen(text)))
			return error_set_errno(error, "cannot write '%s'", path);
	}
	const char *shown = service->opts->files ? path : text;
	js_set_string(json, service->name, shown);
	if (service->opts->format)
		output_json(json);
	else if (service->opts->files)
		output_text(path);
	else
		output_printf("%s", text);
	return true;
}

static bool generate(const Invocation *inv, const SystemdOptions *opts, GError **error)
{
	g_auto(Service) service = {.opts = opts};
	g_autoptr(Engine) engine =
		check_options(opts, error) ? command_engine(inv, true, error) : NULL;
	const char *name = command_arg(inv, 0);
	g_autoptr(GError) failed = NULL;
	g_autoptr(Container) ctr = engine ? container_resolve(engine, name, &failed) : NULL;
	if (failed) {
		g_propagate_prefixed_error(error, g_steal_pointer(&failed),
					   "%s does not refer to a container or pod: ", name);
		return false;
	}
	return ctr && write_service(&service, ctr, error) && put_service(&service, error);
}

static int cmd_generate_systemd(Invocation *inv)
{
	SystemdOptions opts = {.stop_timeout = -1, .start_timeout = -1, .restart_sec = -1};
	g_autoptr(GError) error = NULL;
	bool parsed = command_parse(inv, (void *[]){&opts});
	if (parsed)
		output_note("A quadlet file is easier to change: skiff quadlet generate %s",
			    command_arg(inv, 0));
	int status = !parsed ? inv->status : generate(inv, &opts, &error) ? 0 : command_fail(error);
	g_clear_pointer(&opts.env, g_ptr_array_unref);
	g_clear_pointer(&opts.wants, g_ptr_array_unref);
	g_clear_pointer(&opts.after, g_ptr_array_unref);
	g_clear_pointer(&opts.requires, g_ptr_array_unref);
	return status;
}

const Command generate_systemd_command = {
	.paths = (const char *const[]){"generate systemd", NULL},
	.usage = "[options] CONTAINER",
	.summary = "Write a systemd service for a container",
	.description = "Writes a service that starts and stops a container or, with --new, makes "
		       "and removes it. \"skiff quadlet generate\" writes a file that is easier to "
		       "change. With --files variables of the container go to a second file, which "
		       "only its owner may read: everybody may read a unit.",
	.examples = (const char *const[]){"skiff generate systemd --new --files --name web", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.run = cmd_generate_systemd,
};
