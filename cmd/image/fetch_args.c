/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/fetch_args.h"

#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "storage/fetch.h"

struct FetchArgs {
	GPtrArray *argv;    /* of owned strings */
	const char *secret; /* borrowed; NULL: none */
};

FetchArgs *fetch_args_new(const char *verb)
{
	FetchArgs *args = g_new0(FetchArgs, 1);
	args->argv = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(args->argv, g_strdup(verb));
	fetch_args_add(args, "--log-level", log_level_name(log_get_level()));
	return args;
}

void fetch_args_free(FetchArgs *args)
{
	if (!args)
		return;
	g_ptr_array_unref(args->argv);
	g_free(args);
}

void fetch_args_add(FetchArgs *args, const char *name, const char *value)
{
	if (!value)
		return;
	g_ptr_array_add(args->argv, g_strdup(name));
	g_ptr_array_add(args->argv, g_strdup(value));
}

void fetch_args_add_secret(FetchArgs *args, const char *name, const char *value)
{
	if (!value)
		return;
	g_assert(!args->secret);
	args->secret = value;
	g_ptr_array_add(args->argv, g_strdup(name));
	g_ptr_array_add(args->argv, g_strdup_printf("%d", FETCH_SECRET_FD));
}

void fetch_args_add_flag(FetchArgs *args, const char *name, bool on)
{
	if (on)
		g_ptr_array_add(args->argv, g_strdup(name));
}

void fetch_args_add_tristate(FetchArgs *args, const char *name, Tristate value)
{
	if (value != TRISTATE_UNSET)
		fetch_args_add(args, name, value == TRISTATE_TRUE ? "true" : "false");
}

bool fetch_args_add_operand(FetchArgs *args, const char *operand, GError **error)
{
	if (operand[0] == '-' && operand[1] != '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "%s: invalid reference format",
				 operand);
	g_ptr_array_add(args->argv, g_strdup(operand));
	return true;
}

int fetch_args_run(const FetchArgs *args, Engine *engine, char **capture)
{
	g_autoptr(GError) error = NULL;
	g_autofree const char **argv = g_new0(const char *, args->argv->len + 1);
	for (size_t i = 0; i < args->argv->len; i++)
		argv[i] = g_ptr_array_index(args->argv, i);
	output_flush();
	int code = fetch_run(engine_store(engine), argv, args->secret, capture, &error);
	return code < 0 ? command_fail(error) : code;
}

void registry_options_add(FetchArgs *args, const RegistryOptionValues *values)
{
	fetch_args_add(args, "--authfile", values->authfile);
	fetch_args_add(args, "--cert-dir", values->cert_dir);
	fetch_args_add_secret(args, "--creds-fd", values->creds);
	fetch_args_add_tristate(args, "--tls-verify", values->tls_verify);
	fetch_args_add(args, "--retry", values->retry);
	fetch_args_add(args, "--retry-delay", values->retry_delay);
}
