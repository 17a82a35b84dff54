/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch manifest [--entries [--all]] [--verbose] [--tls-verify BOOL] [--creds-fd N]
 *	[--authfile FILE] [--cert-dir DIR] [--retry N] [--retry-delay DURATION] NAME
 *
 * A manifest at a registry, to stdout: its bytes; with --verbose as docker shows it; with --entries
 * descriptors for an index.
 */
#include <stdio.h>

#include "cmd/fetch/cancel.h"
#include "cmd/fetch/fetch_verb.h"
#include "cmd/fetch/registry_options.h"
#include "libpod/base/error.h"
#include "storage/remote_manifest.h"

typedef struct {
	RegistryArgs registry;
	bool entries, all, verbose;
} ManifestArgs;

static bool parse_args(FetchCall *call, ManifestArgs *args, GPtrArray *operands, GError **error)
{
	const FetchOption rows[] = {
		{.name = "--authfile", .value = &args->registry.authfile},
		{.name = "--cert-dir", .value = &args->registry.cert_dir},
		{.name = "--creds-fd", .secret = &args->registry.creds},
		{.name = "--tls-verify", .value = &args->registry.tls_verify},
		{.name = "--retry", .value = &args->registry.retry},
		{.name = "--retry-delay", .value = &args->registry.retry_delay},
		{.name = "--entries", .flag = &args->entries},
		{.name = "--all", .flag = &args->all},
		{.name = "--verbose", .flag = &args->verbose},
		{0},
	};
	return fetch_parse(call, rows, operands, error) &&
	       (operands->len == 1 ||
		error_set(error, ENGINE_ERROR_INVALID, "manifest needs one name"));
}

int fetch_manifest(FetchCall *call, GError **error)
{
	ManifestArgs args = {0};
	RegistryOptions options = {0};
	g_autoptr(Credentials) credentials = NULL;
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	if (!parse_args(call, &args, operands, error) ||
	    !registry_args_read(&args.registry, &options, &credentials, error))
		return FETCH_FAILED;
	options.cancelled = cancel_on_signals();
	g_autoptr(RemoteManifest) remote =
		remote_manifest_open(operands->pdata[0], &options, error);
	if (!remote)
		return FETCH_FAILED;
	if (!args.entries && !args.verbose) {
		const GString *body = remote_manifest_document(remote)->body;
		(void)fwrite(body->str, 1, body->len, stdout);
		return 0;
	}
	g_autoptr(Json) json = args.verbose
				       ? remote_manifest_verbose(remote, error)
				       : remote_manifest_entries(remote, NULL, args.all, error);
	if (!json)
		return FETCH_FAILED;
	(void)fputs(js_text(json), stdout);
	return 0;
}
