/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch save [--format F] [--output FILE|DIR] [--multi] [--uncompressed]
 *	[--compression-format F] [--compression-level N] IMAGE...
 */
#include <string.h>
#include <unistd.h>

#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "storage/save.h"

#define LEVEL_MAX 100

/* Layers of a docker-archive are plain; "--uncompressed" and a compression exclude each other. */
static bool read_compression(const char *format, const char *level, SaveOptions *out,
			     GError **error)
{
	uint64_t number = 0;
	if (!format && !level)
		return true;
	if (out->format == SAVE_DOCKER_ARCHIVE || out->uncompressed)
		return error_set(
			error, ENGINE_ERROR_INVALID, "a compression cannot be chosen for %s",
			out->uncompressed ? "--uncompressed layers" : "the format docker-archive");
	if ((format && !compress_format_parse(format, &out->compress.format, error)) ||
	    (level && !units_parse_uint(level, LEVEL_MAX, &number, error)))
		return false;
	if (level && number == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "compression level 0: it is 1 or more");
	out->compress.level = (int)number;
	return true;
}

int fetch_save(FetchCall *call, GError **error)
{
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	const char *format = "docker-archive", *compression = NULL, *level = NULL;
	SaveOptions options = {.output = "-"};
	const FetchOption rows[] = {
		{.name = "--format", .value = &format},
		{.name = "--output", .value = &options.output},
		{.name = "--multi", .flag = &options.multi},
		{.name = "--uncompressed", .flag = &options.uncompressed},
		{.name = "--compression-format", .value = &compression},
		{.name = "--compression-level", .value = &level},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error) ||
	    !save_format_parse(format, &options.format, error) ||
	    !read_compression(compression, level, &options, error) || !fetch_open(call, error))
		return FETCH_FAILED;
	if (operands->len == 0) {
		(void)error_set(error, ENGINE_ERROR_INVALID, "no image given");
		return FETCH_FAILED;
	}
	if (strcmp(options.output, "-") == 0 && isatty(STDOUT_FILENO)) {
		(void)error_set(error, ENGINE_ERROR_INVALID,
				"refusing to save to terminal. Use -o flag or redirect");
		return FETCH_FAILED;
	}
	g_ptr_array_add(operands, NULL);
	options.images = (const char *const *)operands->pdata;
	return images_save(call->store, &options, error) ? 0 : FETCH_FAILED;
}
