/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch logout [--all] [--authfile FILE | --compat-auth-file FILE] [REGISTRY]
 */
#include <stdio.h>

#include "cmd/fetch/fetch_verb.h"
#include "cmd/fetch/registry_options.h"
#include "libpod/base/error.h"
#include "storage/auth.h"
#include "storage/registries_conf.h"

int fetch_logout(FetchCall *call, GError **error)
{
	RegistryArgs args = {0};
	AuthSources sources = {0};
	bool all = false;
	const FetchOption rows[] = {
		{.name = "--authfile", .value = &args.authfile},
		{.name = "--compat-auth-file", .value = &args.compat_auth_file},
		{.name = "--all", .flag = &all},
		{0},
	};
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	if (!fetch_parse(call, rows, operands, error) ||
	    !registry_args_auth(&args, &sources, error))
		return FETCH_FAILED;
	if (all && operands->len > 0) {
		error_set(error, ENGINE_ERROR_INVALID, "--all takes no arguments");
		return FETCH_FAILED;
	}
	if (all) {
		if (!auth_remove(&sources, NULL, error))
			return FETCH_FAILED;
		(void)printf("Removed login credentials for all registries\n");
		return 0;
	}
	g_autoptr(RegistriesConf) conf = registries_conf_load(error);
	if (!conf)
		return FETCH_FAILED;
	sources.helpers = registries_conf_helpers(conf);
	g_autofree char *registry = fetch_registry_operand(operands, error);
	if (!registry || !fetch_check_docker_key(&sources, registry, error) ||
	    !auth_remove(&sources, registry, error))
		return FETCH_FAILED;
	(void)printf("Removed login credentials for %s\n", registry);
	return 0;
}
