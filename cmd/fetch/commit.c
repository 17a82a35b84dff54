/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch commit --config FD [--container DIR] [--parent ID] [--volume NAME:PLACE]...
 * [--uid-map MAP] [--gid-map MAP] [--name NAME] [--author A] [--message M] [--created-by TEXT]
 * [--change INSTRUCTION]...: a container as an image, whose id is printed.
 */
#include <stdio.h>

#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "storage/commit.h"

/* "INSIDE:OUTSIDE:COUNT,...", or all ids as they are. */
static bool parse_map(const char *text, GArray *ranges, GError **error)
{
	if (!text) {
		idmap_add(ranges, 0, 0, G_MAXUINT32);
		return true;
	}
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	for (size_t i = 0; parts[i]; i++) {
		IdRange range;
		if (!idmap_parse_range(parts[i], &range, error))
			return false;
		g_array_append_val(ranges, range);
	}
	return true;
}

int fetch_commit(FetchCall *call, GError **error)
{
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	g_autoptr(GPtrArray) changes = g_ptr_array_new();
	g_autoptr(GPtrArray) volumes = g_ptr_array_new();
	g_autoptr(IdMap) map = idmap_new();
	const char *uid_map = NULL, *gid_map = NULL, *form = NULL;
	CommitOptions options = {.map = map};
	const FetchOption rows[] = {
		{.name = "--config", .secret = &options.config},
		{.name = "--container", .value = &options.container},
		{.name = "--parent", .value = &options.parent},
		{.name = "--volume", .values = &volumes},
		{.name = "--uid-map", .value = &uid_map},
		{.name = "--gid-map", .value = &gid_map},
		{.name = "--name", .value = &options.name},
		{.name = "--author", .value = &options.author},
		{.name = "--message", .value = &options.message},
		{.name = "--created-by", .value = &options.created_by},
		{.name = "--change", .values = &changes},
		{.name = "--format", .value = &form},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error) || !fetch_open(call, error) ||
	    !parse_map(uid_map, map->uids, error) || !parse_map(gid_map, map->gids, error))
		return FETCH_FAILED;
	if (!options.config || operands->len > 0) {
		error_set(error, ENGINE_ERROR_INVALID, "skiff-fetch is run by skiff");
		return FETCH_FAILED;
	}
	if (form)
		options.form = strcmp(form, "docker") == 0 ? IMAGE_FORM_DOCKER : IMAGE_FORM_OCI;
	g_ptr_array_add(changes, NULL);
	g_ptr_array_add(volumes, NULL);
	options.changes = (const char *const *)changes->pdata;
	options.volumes = (const char *const *)volumes->pdata;
	g_autofree char *id = image_commit(call->store, &options, error);
	if (!id)
		return FETCH_FAILED;
	(void)printf("%s\n", id);
	return 0;
}
