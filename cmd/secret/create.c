/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret create: from a file, standard input or a variable.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/secret.h"

typedef struct {
	const char *driver;
	bool env, replace, ignore;
	GHashTable *labels;
	GHashTable *options; /* of the driver */
} SecretCreateOptions;

static bool set_label(void *target, const Option *option, const char *value, GError **error)
{
	SecretCreateOptions *opts = target;
	const char *equals = strchr(value, '=');
	if (*value == '\0' || *value == '=')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unable to process labels: invalid label format: \"%s\"", value);
	g_hash_table_replace(opts->labels,
			     equals ? g_strndup(value, equals - value) : g_strdup(value),
			     g_strdup(equals ? equals + 1 : ""));
	return true;
}

/* The driver has one option, where it stores, and that is not ours to choose. */
static bool set_driver_option(void *target, const Option *option, const char *value, GError **error)
{
	SecretCreateOptions *opts = target;
	const char *equals = strchr(value, '=');
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID, "%s must be formatted as key=value",
				 value);
	if (g_str_has_prefix(value, "path="))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "secrets are stored with all else: use the global --root");
	g_hash_table_replace(opts->options, g_strndup(value, equals - value), g_strdup(equals + 1));
	return true;
}

static const Option options[] = {
	{0, "env", OPTION_FLAG, option_set_flag, NULL, "The second argument names a variable",
	 offsetof(SecretCreateOptions, env), OPTION_COMMON},
	{'l', "label", OPTION_LIST, set_label, "KEY[=VALUE]", "Set a label", 0,
	 OPTION_COMMON | OPTION_WHOLE},
	{0, "replace", OPTION_FLAG, option_set_flag, NULL, "Replace a secret of the same name",
	 offsetof(SecretCreateOptions, replace), OPTION_COMMON},
	{0, "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind if the secret exists",
	 offsetof(SecretCreateOptions, ignore), OPTION_COMMON},
	{'d', "driver", OPTION_VALUE, option_set_string, "NAME", "Driver: file (default)",
	 offsetof(SecretCreateOptions, driver), OPTION_COMMON},
	{0, "driver-opts", OPTION_CSV, set_driver_option, "KEY=VALUE",
	 "Note an option of the driver, which has none of use", 0, 0},
	{0},
};

static const OptionGroup group = {NULL, options};

/* All of it, or podman's words for what is too much. */
static char *read_bounded(int fd, size_t *out_size, GError **error)
{
	GError *failed = NULL;
	char *data = fd_read_all(fd, SECRET_SIZE_MAX, out_size, &failed);
	if (!data && error_matches(failed, ENGINE_ERROR_INVALID)) {
		g_clear_error(&failed);
		return error_set_null(error, ENGINE_ERROR_INVALID, SECRET_SIZE_PROBLEM);
	}
	if (failed)
		g_propagate_error(error, failed);
	return data;
}

/* podman takes a terminal for a mistake. */
static char *read_stdin(size_t *out_size, GError **error)
{
	struct stat st;
	if (fstat(STDIN_FILENO, &st) < 0)
		return error_set_errno_null(error, "cannot look at standard input");
	if (S_ISCHR(st.st_mode))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "if `-` is used, data must be passed into stdin");
	return read_bounded(STDIN_FILENO, out_size, error);
}

static char *read_file(const char *path, size_t *out_size, GError **error)
{
	autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		g_autofree char *reason = g_strdup(g_strerror(errno));
		reason[0] = g_ascii_tolower(reason[0]);
		return error_set_null(error, ENGINE_ERROR_INVALID, "open %s: %s", path, reason);
	}
	return read_bounded(fd, out_size, error);
}

static char *read_data(const SecretCreateOptions *opts, const char *source, size_t *out_size,
		       GError **error)
{
	if (!opts->env)
		return strcmp(source, "-") == 0 || strcmp(source, "/dev/stdin") == 0
			       ? read_stdin(out_size, error)
			       : read_file(source, out_size, error);
	const char *value = getenv(source);
	if (!value || *value == '\0')
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "cannot create store secret data: environment variable %s is "
				      "not set",
				      source);
	*out_size = strlen(value);
	return g_strdup(value);
}

/* The bytes come before the store is touched: they may be long in coming. */
static int create(Invocation *inv, const SecretCreateOptions *opts)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	if (opts->driver && strcmp(opts->driver, "file") != 0)
		error_set(&error, ENGINE_ERROR_INVALID, "invalid driver");
	else
		(void)secret_check_name(command_arg(inv, 0), &error);
	char *data = error ? NULL : read_data(opts, command_arg(inv, 1), &size, &error);
	g_autoptr(Engine) engine = data ? command_engine(inv, false, &error) : NULL;
	const SecretCreate create = {
		.name = command_arg(inv, 0),
		.data = data,
		.size = size,
		.labels = opts->labels,
		.options = opts->options,
		.replace = opts->replace,
		.ignore = opts->ignore,
	};
	g_autoptr(Secret) secret = engine ? secret_create(engine, &create, &error) : NULL;
	secret_wipe(data, size);
	if (!secret)
		return command_fail(error);
	output_printf("%s\n", secret->id);
	return 0;
}

static int cmd_secret_create(Invocation *inv)
{
	g_autoptr(GHashTable) labels =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GHashTable) driver_options =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	SecretCreateOptions opts = {.labels = labels, .options = driver_options};
	return command_parse(inv, (void *[]){&opts}) ? create(inv, &opts) : inv->status;
}

const Command secret_create_command = {
	.paths = (const char *const[]){"secret create", NULL},
	.usage = "[options] NAME FILE|-",
	.summary = "Store a secret",
	.description = "Stores the contents of a file, of standard input (-) or, with --env, of a "
		       "variable under a name, and prints the secret's id. Containers get it with "
		       "\"run --secret\".",
	.examples = (const char *const[]){"skiff secret create db-password password.txt",
					  "printf hunter2 | skiff secret create token -", NULL},
	.min_args = 2,
	.max_args = 2,
	.more_args = COMMAND_ARG_FILE,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_secret_create,
};
