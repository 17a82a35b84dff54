/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch: registry and archive I/O for the CLI. `skiff-fetch VERB --root ROOT [options]`:
 * results to stdout, progress and errors to stderr; exit code 0 or 125.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/idmap.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "libpod/base/units.h"
#include "libpod/base/userns.h"

#define SECRET_MAX_SIZE 65536

typedef struct {
	const char *name;
	/* Return: the exit code; with @error set it is printed. */
	int (*run)(FetchCall *call, GError **error);
} Verb;

static const Verb verbs[] = {
	{"commit", fetch_commit},
	{"digest", fetch_digest},
	{"download", fetch_url},
	{"import", fetch_import},
	{"import-podman", fetch_import_podman},
	{"podman-layer", fetch_podman_layer},
	{"inflate", fetch_inflate},
	{"load", fetch_load},
	{"save", fetch_save},
	{"login", fetch_login},
	{"logout", fetch_logout},
	{"pull", fetch_pull},
	{"push", fetch_push},
	{"search", fetch_search},
	{"manifest", fetch_manifest},
	{"push-index", fetch_push_index},
	{"verify", fetch_verify},
};

static const FetchOption *find_row(const FetchOption *rows, const char *name)
{
	for (const FetchOption *row = rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

/* Read a secret from the descriptor that @number names, and close it: no child shall inherit it. */
static bool take_secret(FetchCall *call, const FetchOption *row, const char *number, GError **error)
{
	uint64_t value;
	size_t size = 0;
	if (call->secret)
		return error_set(error, ENGINE_ERROR_INVALID, "option '%s': a second secret",
				 row->name);
	if (!units_parse_uint(number, INT_MAX, &value, NULL) || value <= STDERR_FILENO)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "option '%s': '%s' is not a number of a descriptor", row->name,
				 number);
	autofd fd = (int)value;
	call->secret = fd_read_all(fd, SECRET_MAX_SIZE, &size, error);
	if (!call->secret) {
		g_prefix_error(error, "option '%s': ", row->name);
		return false;
	}
	if (strlen(call->secret) != size)
		return error_set(error, ENGINE_ERROR_INVALID, "option '%s': it holds a NUL",
				 row->name);
	*row->secret = call->secret;
	return true;
}

/* Store an option's value; @value is NULL at the end of the arguments. */
static bool take_value(FetchCall *call, const FetchOption *row, char *value, GError **error)
{
	if (!value)
		return error_set(error, ENGINE_ERROR_INVALID, "option '%s' needs a value",
				 row->name);
	if (row->secret)
		return take_secret(call, row, value, error);
	if (row->value)
		*row->value = value;
	else
		g_ptr_array_add(*row->values, value);
	return true;
}

bool fetch_parse(FetchCall *call, const FetchOption *rows, GPtrArray *operands, GError **error)
{
	const char *level = NULL;
	const FetchOption common[] = {
		{.name = "--root", .value = &call->root},
		{.name = "--log-level", .value = &level},
		{0},
	};
	for (char **arg = call->args; *arg; arg++) {
		if ((*arg)[0] != '-' || !(*arg)[1]) {
			g_ptr_array_add(operands, *arg);
			continue;
		}
		const FetchOption *row = find_row(common, *arg);
		if (!row)
			row = find_row(rows, *arg);
		if (!row)
			return error_set(error, ENGINE_ERROR_INVALID, "unknown option '%s'", *arg);
		if (row->flag)
			*row->flag = true;
		else if (!take_value(call, row, *++arg, error))
			return false;
	}
	LogLevel parsed = LOG_LEVEL_WARN;
	if (level && !log_level_parse(level, &parsed))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a log level", level);
	if (level)
		log_init(parsed, "fetch");
	return true;
}

bool fetch_open(FetchCall *call, GError **error)
{
	if (!call->root)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "skiff-fetch is run by skiff: no --root");
	call->store = store_open(call->root, error);
	return call->store && store_sweep(call->store, error);
}

static int empty_trash(void *data)
{
	return store_empty_trash(data, NULL) ? 0 : 1;
}

/* Delete what this run replaced or what earlier ones left; the next command does what fails here.
 */
static void clean_up(Store *store)
{
	g_autoptr(GError) error = NULL;
	if (store_trash_is_empty(store))
		return;
	g_autoptr(IdMap) map = NULL;
	if (!userns_is_initial_root()) {
		map = idmap_for_user(NULL);
		if (!map)
			map = idmap_single();
	}
	pid_t pid = userns_fork_new(map, 0, empty_trash, store, NULL, &error);
	if (pid < 0 || spawn_wait(pid, &error) != 0)
		log_debug("the trash was not emptied: %s", error ? error->message : "errors");
}

/* As the CLI prints errors: cause and help only for a person. */
static void print_error(const GError *error)
{
	bool full = isatty(STDERR_FILENO);
	g_autofree char *text = full ? g_strdup(error->message)
				     : g_strndup(error->message, strcspn(error->message, "\n"));
	g_autofree char *plain = escape_terminal(text, true);
	(void)fprintf(stderr, "Error: %s\n", plain);
}

/* The command that ran us may be killed while we work for it: then nobody wants the result. */
static void end_with_parent(void)
{
	pid_t parent = getppid();
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		(void)raise(SIGTERM);
}

/* Run a verb to its end. Return: the exit code of the process. */
static int run_verb(const Verb *verb, char **args)
{
	g_autoptr(GError) error = NULL;
	FetchCall call = {.args = args};
	int code = verb->run(&call, &error);
	if (!error && (fflush(stdout) != 0 || ferror(stdout)))
		error_set(&error, ENGINE_ERROR_SYSTEM, "cannot write to standard output");
	if (error)
		print_error(error);
	if (call.store)
		clean_up(call.store);
	store_close(call.store);
	if (call.secret)
		explicit_bzero(call.secret, strlen(call.secret));
	g_free(call.secret);
	return error ? FETCH_FAILED : code;
}

int main(int argc, char **argv)
{
	log_init(LOG_LEVEL_WARN, "fetch");
	end_with_parent();
	for (size_t i = 0; argc > 1 && i < G_N_ELEMENTS(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run_verb(&verbs[i], argv + 2);
	(void)fprintf(stderr, "Error: skiff-fetch is run by skiff\n");
	return FETCH_FAILED;
}
