/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch digest [--tls-verify BOOL] [--creds-fd N] [--authfile FILE] [--cert-dir DIR]
 *	[--retry N] [--retry-delay DURATION] NAME
 *
 * The digest that a name has at its registry now, to stdout; by HEAD where the registry says it.
 */
#include <stdio.h>

#include "cmd/fetch/cancel.h"
#include "cmd/fetch/fetch_verb.h"
#include "cmd/fetch/registry_options.h"
#include "libpod/base/error.h"
#include "storage/remote_manifest.h"

int fetch_digest(FetchCall *call, GError **error)
{
	RegistryArgs args = {0};
	RegistryOptions options = {0};
	g_autoptr(Credentials) credentials = NULL;
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	const FetchOption rows[] = {
		{.name = "--authfile", .value = &args.authfile},
		{.name = "--cert-dir", .value = &args.cert_dir},
		{.name = "--creds-fd", .secret = &args.creds},
		{.name = "--tls-verify", .value = &args.tls_verify},
		{.name = "--retry", .value = &args.retry},
		{.name = "--retry-delay", .value = &args.retry_delay},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error) ||
	    !registry_args_read(&args, &options, &credentials, error))
		return FETCH_FAILED;
	if (operands->len != 1) {
		(void)error_set(error, ENGINE_ERROR_INVALID, "digest needs one name");
		return FETCH_FAILED;
	}
	options.cancelled = cancel_on_signals();
	g_autofree char *digest = remote_manifest_digest(operands->pdata[0], &options, error);
	if (!digest)
		return FETCH_FAILED;
	(void)printf("%s\n", digest);
	return 0;
}
