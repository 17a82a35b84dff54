/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch import [--name NAME] [--change INSTRUCTION]... [--message M] [--os O] [--arch A]
 * [--variant V] FILE
 */
#include <stdio.h>

#include "cmd/fetch/fetch_verb.h"
#include "storage/load.h"

int fetch_import(FetchCall *call, GError **error)
{
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	g_autoptr(GPtrArray) changes = g_ptr_array_new();
	ImportOptions options = {.input = "-"};
	const FetchOption rows[] = {
		{.name = "--name", .value = &options.name},
		{.name = "--change", .values = &changes},
		{.name = "--message", .value = &options.message},
		{.name = "--os", .value = &options.os},
		{.name = "--arch", .value = &options.architecture},
		{.name = "--variant", .value = &options.variant},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error) || !fetch_open(call, error))
		return FETCH_FAILED;
	if (operands->len > 0)
		options.input = operands->pdata[0];
	g_ptr_array_add(changes, NULL);
	options.changes = (const char *const *)changes->pdata;
	g_autofree char *id = image_import(call->store, &options, error);
	if (!id)
		return FETCH_FAILED;
	(void)printf("sha256:%s\n", id);
	return 0;
}
