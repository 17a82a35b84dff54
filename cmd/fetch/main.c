/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch: registry and archive I/O for the CLI. `skiff-fetch VERB --root ROOT [options]`:
 * results to stdout, progress and errors to stderr; exit code 0 or 125.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/idmap.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "libpod/base/userns.h"

typedef struct {
	const char *name;
	/* Return: the exit code; with @error set it is printed. */
	int (*run)(FetchCall *call, GError **error);
} Verb;

static const Verb verbs[] = {
	{"import", fetch_import}, {"load", fetch_load},     {"save", fetch_save},
	{"login", fetch_login},   {"logout", fetch_logout}, {"pull", fetch_pull},
};

/* Find @name among the rows and store its value. Return: 1 taken with value, 0 without, -1 with
 * @error. */
static int take_option(const FetchOption *rows, const char *name, const char *next, GError **error)
{
	for (const FetchOption *row = rows; row->name; row++) {
		if (strcmp(row->name, name) != 0)
			continue;
		if (row->flag) {
			*row->flag = true;
			return 0;
		}
		if (!next) {
			(void)error_set(error, ENGINE_ERROR_INVALID, "option '%s' needs a value",
					name);
			return -1;
		}
		if (row->value)
			*row->value = next;
		else
			g_ptr_array_add(*row->values, (char *)next);
		return 1;
	}
	(void)error_set(error, ENGINE_ERROR_INVALID, "unknown option '%s'", name);
	return -1;
}

bool fetch_parse(FetchCall *call, const FetchOption *rows, GPtrArray *operands, GError **error)
{
	const char *level = NULL;
	const FetchOption common[] = {
		{.name = "--root", .value = &call->root},
		{.name = "--log-level", .value = &level},
		{0},
	};
	for (size_t i = 0; call->args[i]; i++) {
		const char *arg = call->args[i];
		if (arg[0] != '-' || !arg[1]) {
			g_ptr_array_add(operands, (char *)arg);
			continue;
		}
		int taken = take_option(common, arg, call->args[i + 1], NULL);
		if (taken < 0)
			taken = take_option(rows, arg, call->args[i + 1], error);
		if (taken < 0)
			return false;
		i += (size_t)taken;
	}
	LogLevel parsed = LOG_LEVEL_WARN;
	if (level && log_level_parse(level, &parsed))
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

int main(int argc, char **argv)
{
	log_init(LOG_LEVEL_WARN, "fetch");
	for (size_t i = 0; argc > 1 && i < G_N_ELEMENTS(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		g_autoptr(GError) error = NULL;
		FetchCall call = {.args = argv + 2};
		int code = verbs[i].run(&call, &error);
		if (error)
			print_error(error);
		if (call.store)
			clean_up(call.store);
		store_close(call.store);
		return error ? FETCH_FAILED : code;
	}
	(void)fprintf(stderr, "Error: skiff-fetch is run by skiff\n");
	return FETCH_FAILED;
}
