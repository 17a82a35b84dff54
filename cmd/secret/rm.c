/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret rm
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/secret.h"

typedef struct {
	bool all, ignore;
} SecretRmOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All secrets",
	 offsetof(SecretRmOptions, all), OPTION_COMMON},
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing secrets",
	 offsetof(SecretRmOptions, ignore), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static int remove_secret(Engine *engine, const Secret *secret)
{
	g_autoptr(GError) error = NULL;
	if (!secret_remove(engine, secret, &error))
		return command_fail(error);
	output_printf("%s\n", secret->id);
	return 0;
}

static int remove_named(Engine *engine, const char *name, bool ignore)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Secret) secret = secret_resolve(engine, name, &error);
	if (secret)
		return remove_secret(engine, secret);
	return ignore && error_matches(error, ENGINE_ERROR_NOT_FOUND) ? 0 : command_fail(error);
}

static int remove_all(Engine *engine)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list = secrets_list(engine, &error);
	int status = list ? 0 : command_fail(error);
	for (guint i = 0; list && i < list->len; i++)
		status = remove_secret(engine, list->pdata[i]) ? 125 : status;
	return status;
}

/* What can be removed is, whatever else is missing. */
static int cmd_secret_rm(Invocation *inv)
{
	SecretRmOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	size_t n = command_n_args(inv);
	if ((n > 0) == opts.all)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "`skiff secret rm` requires one argument, or the --all flag");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	if (opts.all)
		return remove_all(engine);
	int status = 0;
	for (size_t i = 0; i < n; i++) {
		int code = remove_named(engine, command_arg(inv, i), opts.ignore);
		status = code ? code : status;
	}
	return status;
}

const Command secret_rm_command = {
	.paths = (const char *const[]){"secret rm", "secret remove", NULL},
	.usage = "[options] SECRET [SECRET...]",
	.summary = "Remove secrets",
	.description = "Removes secrets. Containers that have one as a file keep it.",
	.examples = (const char *const[]){"skiff secret rm token", "skiff secret rm --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_SECRET,
	.more_args = COMMAND_ARG_SECRET,
	.run = cmd_secret_rm,
};
