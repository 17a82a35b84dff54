/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed forms of layers and where they are. Runs in skiff-fetch. Two pushes of one layer may
 * lose each other's line, which the next push adds again.
 */
#include "storage/push_known.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/units.h"
#include "storage/digest.h"

#define STALE_SECONDS (90 * 24 * 3600)
#define LINES_MAX     16
#define FILE_MAX_SIZE 65536

static void free_known(void *data)
{
	PushKnown *known = data;
	g_free(known->digest);
	g_free(known->media_type);
	g_free(known->place);
	g_free(known);
}

/* cache/pushed/, made when absent. Return: descriptor or -1. */
static int open_directory(Store *store)
{
	int cache = store_dir(store, "cache");
	if (cache < 0 || (mkdirat(cache, "pushed", 0700) < 0 && errno != EEXIST))
		return -1;
	return path_open_state(cache, "pushed", O_RDONLY | O_DIRECTORY, 0);
}

/* One line, or NULL if it is none of ours. */
static PushKnown *parse_line(const char *line)
{
	uint64_t size;
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	if (g_strv_length(words) != 4 || !digest_is_valid(words[0]) ||
	    !units_parse_uint(words[1], INT64_MAX, &size, NULL))
		return NULL;
	PushKnown *known = g_new0(PushKnown, 1);
	known->digest = g_strdup(words[0]);
	known->size = (int64_t)size;
	known->media_type = g_strdup(words[2]);
	known->place = g_strdup(words[3]);
	return known;
}

GPtrArray *push_known_load(Store *store, const char *diff_id)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(free_known);
	autofd dir = open_directory(store);
	g_autofree char *text =
		dir < 0 ? NULL : record_read(dir, digest_hex(diff_id), FILE_MAX_SIZE, NULL, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		PushKnown *known = parse_line(lines[i]);
		if (known)
			g_ptr_array_add(list, known);
	}
	return list;
}

static void append_line(GString *text, const PushKnown *known)
{
	g_string_append_printf(text, "%s %" G_GINT64_FORMAT " %s %s\n", known->digest, known->size,
			       known->media_type, known->place);
}

void push_known_add(Store *store, const char *diff_id, const PushKnown *known)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GPtrArray) before = push_known_load(store, diff_id);
	g_autoptr(GString) text = g_string_new(NULL);
	autofd dir = open_directory(store);
	append_line(text, known);
	for (size_t i = 0, lines = 1; i < before->len && lines < LINES_MAX; i++) {
		const PushKnown *old = g_ptr_array_index(before, i);
		if (strcmp(old->digest, known->digest) == 0 &&
		    strcmp(old->place, known->place) == 0)
			continue;
		append_line(text, old);
		lines++;
	}
	if (dir < 0 || !record_replace(dir, digest_hex(diff_id), text->str, text->len,
				       RECORD_SYNC_NONE, &problem))
		log_info("cannot remember where a layer is: %s",
			 problem ? problem->message : g_strerror(errno));
}

void push_known_sweep(Store *store)
{
	autofd dir = open_directory(store);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	time_t now = time(NULL);
	for (size_t i = 0; names && names[i]; i++) {
		struct stat status;
		if (fstatat(dir, names[i], &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    now - status.st_mtime >= STALE_SECONDS)
			(void)unlinkat(dir, names[i], 0);
	}
}
