/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch save [--format F] [--output FILE|DIR] [--multi] [--uncompressed] IMAGE...
 */
#include <string.h>
#include <unistd.h>

#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "storage/save.h"

int fetch_save(FetchCall *call, GError **error)
{
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	const char *format = "docker-archive";
	SaveOptions options = {.output = "-"};
	const FetchOption rows[] = {
		{.name = "--format", .value = &format},
		{.name = "--output", .value = &options.output},
		{.name = "--multi", .flag = &options.multi},
		{.name = "--uncompressed", .flag = &options.uncompressed},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error) ||
	    !save_format_parse(format, &options.format, error) || !fetch_open(call, error))
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
