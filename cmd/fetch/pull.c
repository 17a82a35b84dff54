/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch pull [--quiet] [--policy P] [--platform P | --os O --arch A --variant V]
 *	[--tls-verify BOOL] [--creds-fd N] [--authfile FILE] [--cert-dir DIR] [--all-tags]
 *	[--retry N] [--retry-delay DURATION] REFERENCE...
 *
 * Image ids to stdout, one per line. SKIFF_FETCH_STALL_SECONDS shortens the stall limit (tests).
 */
#include <stdio.h>
#include <string.h>

#include "cmd/fetch/cancel.h"
#include "cmd/fetch/fetch_verb.h"
#include "cmd/fetch/progress.h"
#include "cmd/fetch/registry_options.h"
#include "libpod/base/error.h"
#include "storage/load.h"
#include "storage/pull.h"
#include "storage/reference.h"

typedef struct {
	RegistryArgs registry;
	const char *policy;
	const char *platform;
	const char *os;
	const char *arch;
	const char *variant;
	bool quiet;
	bool all_tags;
} PullArgs;

/* --platform, and --os, --arch, --variant on top of this machine's. @out_given: any of them. */
static bool read_platform(const PullArgs *args, Platform *out, bool *out_given, GError **error)
{
	*out_given = args->platform || args->os || args->arch || args->variant;
	if (!args->platform) {
		platform_host(out);
		platform_set(out, args->os, args->arch, args->variant);
		return true;
	}
	if (args->os || args->arch || args->variant)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--platform option can not be specified with --arch or --os");
	return platform_parse(args->platform, out, error);
}

/* The names of what lies in a directory: where it lies. NULL: that is no name. */
static char *name_of_place(const char *place)
{
	g_autofree char *name = g_strconcat("localhost/", place + strspn(place, "/"), NULL);
	return reference_new_name(name, NULL);
}

/* "TRANSPORT:PATH[:REFERENCE]": load it. *@out_done: it is one. */
static bool load_one(Store *store, const char *name, const PullOptions *options, bool *out_done,
		     GError **error)
{
	static const char *const archives[] = {"docker-archive:", "oci-archive:"};
	static const char *const places[] = {"oci:", "dir:"};
	const char *rest = NULL;
	bool is_place = false;
	for (size_t i = 0; i < G_N_ELEMENTS(archives); i++) {
		if (g_str_has_prefix(name, archives[i]))
			rest = name + strlen(archives[i]);
		if (g_str_has_prefix(name, places[i])) {
			rest = name + strlen(places[i]);
			is_place = true;
		}
	}
	*out_done = rest != NULL;
	if (!rest)
		return true;
	const char *colon = g_str_has_prefix(name, "dir:") ? NULL : strchr(rest, ':');
	g_autofree char *path = colon ? g_strndup(rest, colon - rest) : g_strdup(rest);
	g_autofree char *placed = is_place ? name_of_place(rest) : NULL;
	const char *const names[] = {placed, NULL};
	const LoadOptions load = {
		.input = path,
		.reference = colon ? colon + 1 : NULL,
		.names = is_place ? names : NULL,
		.platform = options->platform,
	};
	g_autoptr(GPtrArray) loaded = images_load(store, &load, error);
	for (size_t i = 0; loaded && i < loaded->len; i++)
		(void)printf("%s\n", ((const LoadedImage *)loaded->pdata[i])->id);
	return loaded != NULL;
}

/* Pull one operand, printing the ids. */
static bool pull_one(Store *store, const char *name, const PullOptions *options,
		     PullProgress *progress, GError **error)
{
	g_autoptr(GPtrArray) many = NULL;
	g_autoptr(PullResult) one = NULL;
	bool done = false;
	if (!load_one(store, name, options, &done, error) || done)
		return done && (!error || !*error);
	if (options->all_tags) {
		many = images_pull_all_tags(store, name, options, error);
		if (!many)
			return false;
	} else {
		one = image_pull(store, name, options, error);
		if (!one)
			return false;
	}
	for (size_t i = 0; many && i < many->len; i++) {
		const PullResult *result = g_ptr_array_index(many, i);
		pull_progress_summary(progress, result);
		(void)printf("%s\n", result->id);
	}
	if (one) {
		pull_progress_summary(progress, one);
		(void)printf("%s\n", one->id);
	}
	return true;
}

/* The options of pull, and at least one name. */
static bool parse_args(FetchCall *call, PullArgs *args, GPtrArray *operands, GError **error)
{
	const FetchOption rows[] = {
		{.name = "--authfile", .value = &args->registry.authfile},
		{.name = "--cert-dir", .value = &args->registry.cert_dir},
		{.name = "--creds-fd", .secret = &args->registry.creds},
		{.name = "--tls-verify", .value = &args->registry.tls_verify},
		{.name = "--policy", .value = &args->policy},
		{.name = "--platform", .value = &args->platform},
		{.name = "--os", .value = &args->os},
		{.name = "--arch", .value = &args->arch},
		{.name = "--variant", .value = &args->variant},
		{.name = "--retry", .value = &args->registry.retry},
		{.name = "--retry-delay", .value = &args->registry.retry_delay},
		{.name = "--quiet", .flag = &args->quiet},
		{.name = "--all-tags", .flag = &args->all_tags},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error))
		return false;
	if (operands->len == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "pull needs an image's name");
	return true;
}

int fetch_pull(FetchCall *call, GError **error)
{
	PullArgs args = {0};
	PullOptions options = {.policy = PULL_ALWAYS};
	bool platform_given = false;
	g_auto(Platform) platform = {0};
	g_autoptr(Credentials) credentials = NULL;
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	if (!parse_args(call, &args, operands, error) ||
	    !registry_args_read(&args.registry, &options.registry, &credentials, error) ||
	    !read_platform(&args, &platform, &platform_given, error) ||
	    (args.policy && !pull_policy_parse(args.policy, &options.policy, error)) ||
	    !fetch_open(call, error))
		return FETCH_FAILED;

	g_autoptr(PullProgress) progress = pull_progress_new(args.quiet);
	options.platform = platform_given ? &platform : NULL;
	options.all_tags = args.all_tags;
	options.ui = pull_progress_ui(progress);
	options.registry.cancelled = cancel_on_signals();
	options.registry.notice = pull_progress_notice;
	options.registry.notice_data = progress;
	for (size_t i = 0; i < operands->len; i++)
		if (!pull_one(call->store, g_ptr_array_index(operands, i), &options, progress,
			      error))
			return FETCH_FAILED;
	return 0;
}
