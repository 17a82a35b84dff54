/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of pull, push, login and search as RegistryOptions.
 */
#include "cmd/fetch/registry_options.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"

#define RETRY_MAX 1000

/* Seconds without progress after which a transfer has failed; tests shorten it. */
static int stall_seconds(void)
{
	const char *text = g_getenv("SKIFF_FETCH_STALL_SECONDS");
	uint64_t seconds;
	return text && units_parse_uint(text, 3600, &seconds, NULL) ? (int)seconds : 0;
}

/* As skiff's own flags, which hands them on as they were typed. */
static bool read_bool(const char *name, const char *text, int *out, GError **error)
{
	static const char *const yes[] = {"true", "1", "t", "TRUE", "True", "T", NULL};
	static const char *const no[] = {"false", "0", "f", "FALSE", "False", "F", NULL};
	if (g_strv_contains(yes, text))
		*out = 1;
	else if (g_strv_contains(no, text))
		*out = 0;
	else
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid argument '%s' for '%s': it is true or false", text, name);
	return true;
}

/* --retry and --retry-delay; what was not given keeps its default. */
static bool read_retries(const RegistryArgs *args, RegistryOptions *out, GError **error)
{
	uint64_t retries;
	int64_t delay;
	if (args->retry) {
		if (!units_parse_uint(args->retry, RETRY_MAX, &retries, error))
			return false;
		out->retries = (int)retries;
	}
	if (args->retry_delay) {
		if (!units_parse_duration(args->retry_delay, &delay, error))
			return false;
		out->retry_delay_ms = MAX(delay / 1000000, 0);
	}
	return true;
}

bool registry_args_auth(const RegistryArgs *args, AuthSources *out, GError **error)
{
	if (args->authfile && args->compat_auth_file)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "options for paths to the credential file and to the "
				 "Docker-compatible credential file can not be set simultaneously");
	out->authfile = args->compat_auth_file ? args->compat_auth_file : args->authfile;
	out->is_docker = args->compat_auth_file != NULL;
	return true;
}

bool registry_args_read(const RegistryArgs *args, RegistryOptions *out_options,
			Credentials **out_credentials, GError **error)
{
	RegistryOptions options = {
		.tls_verify = -1,
		.cert_dir = args->cert_dir,
		.retries = -1,
		.retry_delay_ms = -1,
		.stall_seconds = stall_seconds(),
	};
	if (!registry_args_auth(args, &options.auth, error))
		return false;
	if (args->tls_verify &&
	    !read_bool("--tls-verify", args->tls_verify, &options.tls_verify, error))
		return false;
	if (!read_retries(args, &options, error))
		return false;
	if (args->creds) {
		*out_credentials = credentials_parse(args->creds, error);
		if (!*out_credentials)
			return false;
		options.credentials = *out_credentials;
	}
	*out_options = options;
	return true;
}
