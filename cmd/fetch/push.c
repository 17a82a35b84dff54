/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch push [--quiet] [--format F] [--compression-format F] [--compression-level N]
 *	[--force-compression BOOL] [--digestfile FILE] [--tls-verify BOOL] [--creds-fd N]
 *	[--authfile FILE] [--cert-dir DIR] [--retry N] [--retry-delay DURATION] IMAGE [DESTINATION]
 *
 * skiff-fetch push-index [--all] [the same] LIST [DESTINATION]
 *
 * Nothing to stdout but, of push-index, the ids of images that were pulled only to be pushed.
 *SKIFF_FETCH_STALL_SECONDS shortens the stall limit (tests).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/fetch/cancel.h"
#include "cmd/fetch/fetch_verb.h"
#include "cmd/fetch/progress.h"
#include "cmd/fetch/registry_options.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"
#include "storage/push_file.h"
#include "storage/push_index.h"

#define LEVEL_MAX 100

typedef struct {
	RegistryArgs registry;
	const char *format;
	const char *compression;
	const char *level;
	const char *force;
	const char *digestfile;
	bool quiet;
	bool all; /* of push-index: the images too */
} PushArgs;

/* The options of push, and one or two names. */
static bool parse_args(FetchCall *call, PushArgs *args, GPtrArray *operands, GError **error)
{
	const FetchOption rows[] = {
		{.name = "--authfile", .value = &args->registry.authfile},
		{.name = "--cert-dir", .value = &args->registry.cert_dir},
		{.name = "--creds-fd", .secret = &args->registry.creds},
		{.name = "--tls-verify", .value = &args->registry.tls_verify},
		{.name = "--retry", .value = &args->registry.retry},
		{.name = "--retry-delay", .value = &args->registry.retry_delay},
		{.name = "--format", .value = &args->format},
		{.name = "--compression-format", .value = &args->compression},
		{.name = "--compression-level", .value = &args->level},
		{.name = "--force-compression", .value = &args->force},
		{.name = "--digestfile", .value = &args->digestfile},
		{.name = "--quiet", .flag = &args->quiet},
		{.name = "--all", .flag = &args->all},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error))
		return false;
	if (operands->len < 1 || operands->len > 2)
		return error_set(error, ENGINE_ERROR_INVALID, "push needs one or two names");
	return true;
}

/* What compression is wanted; who names a format wants that and no other, unless told so. */
static bool read_compression(const PushArgs *args, PushOptions *out, GError **error)
{
	uint64_t level = 0;
	if (args->compression &&
	    !compress_format_parse(args->compression, &out->compress.format, error))
		return false;
	if (args->level && !units_parse_uint(args->level, LEVEL_MAX, &level, error))
		return false;
	if (args->level && level == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "compression level 0: it is 1 or more");
	out->compress.level = (int)level;
	out->force_compression =
		args->force ? strcmp(args->force, "true") == 0 : args->compression != NULL;
	return compress_check_level(&out->compress, error);
}

/* The manifest's digest, as podman writes it: without a newline. */
static bool write_digest(const char *path, const char *digest, GError **error)
{
	autofd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || !fd_write_all(fd, digest, strlen(digest)))
		return error_set_errno(error, "failed to write digest to file '%s'", path);
	return true;
}

static void print_summary(const PushResult *result, gint64 started)
{
	double seconds = (double)(g_get_monotonic_time() - started) / G_USEC_PER_SEC;
	g_autofree char *sent = units_format_size((uint64_t)result->sent);
	g_autofree char *present = result->n_present > 0
					   ? g_strdup_printf(", %zu reused", result->n_present)
					   : g_strdup("");
	(void)fprintf(stderr, "Pushed %s in %.1f s (%zu layer%s, %s%s)\n", result->name, seconds,
		      result->n_layers, result->n_layers == 1 ? "" : "s", sent, present);
	if (result->digest)
		(void)fprintf(stderr, "Digest: %s\n", result->digest);
}

/* Push an index; what was pulled for it is told even after a failure. */
static PushResult *push_index(Store *store, const char *name, const char *destination,
			      const PushIndexOptions *options, GError **error)
{
	g_autoptr(GPtrArray) pulled = g_ptr_array_new_with_free_func(g_free);
	PushResult *result = image_index_push(store, name, destination, options, pulled, error);
	for (guint i = 0; i < pulled->len; i++)
		(void)printf("%s\n", (const char *)pulled->pdata[i]);
	return result;
}

/* Both verbs: they differ in what is pushed. */
static int push_any(FetchCall *call, bool is_index, GError **error)
{
	PushArgs args = {0};
	PushOptions options = {0};
	g_autoptr(Credentials) credentials = NULL;
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	if (!parse_args(call, &args, operands, error) ||
	    !registry_args_read(&args.registry, &options.registry, &credentials, error) ||
	    (args.format && !push_format_parse(args.format, &options.format, error)) ||
	    !read_compression(&args, &options, error) || !fetch_open(call, error))
		return FETCH_FAILED;

	gint64 started = g_get_monotonic_time();
	g_autoptr(PullProgress) progress = pull_progress_new(args.quiet);
	options.ui = pull_progress_ui(progress);
	options.registry.cancelled = cancel_on_signals();
	options.registry.notice = pull_progress_notice;
	options.registry.notice_data = progress;
	const char *destination = operands->len > 1 ? operands->pdata[1] : NULL;
	const PushIndexOptions whole = {&options, args.all};
	const char *name = operands->pdata[0];
	g_autoptr(PushResult) result =
		is_index ? push_index(call->store, name, destination, &whole, error)
		: push_is_to_file(destination)
			? image_push_file(call->store, name, destination, &options, error)
			: image_push(call->store, name, destination, &options, error);
	if (!result)
		return FETCH_FAILED;
	if (args.digestfile && !result->digest) {
		(void)error_set(error, ENGINE_ERROR_UNSUPPORTED,
				"--digestfile: a docker-archive has no manifest with a digest");
		return FETCH_FAILED;
	}
	if (!args.quiet)
		print_summary(result, started);
	if (args.digestfile && !write_digest(args.digestfile, result->digest, error))
		return FETCH_FAILED;
	return 0;
}

int fetch_push(FetchCall *call, GError **error)
{
	return push_any(call, false, error);
}

int fetch_push_index(FetchCall *call, GError **error)
{
	return push_any(call, true, error);
}
