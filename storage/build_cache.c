/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the build cache. Written with a rename and no sync: one that a power cut takes away,
 * or cuts short (its seal says so), is a miss.
 */
#include "storage/build_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "storage/digest.h"
#include "storage/image.h"

#define DIR_NAME   "build"
#define SLOTS_NAME "build/slots"
#define KEY_SIZE   64
#define RECORD_MAX (8u << 20)

void build_record_free(BuildRecord *record)
{
	if (!record)
		return;
	g_free(record->key);
	g_strfreev(record->layers);
	g_free(record->diff_id);
	g_free(record->created);
	g_free(record->created_by);
	g_free(record->config);
	g_free(record);
}

static bool is_key(const char *name)
{
	return strlen(name) == KEY_SIZE && strspn(name, "0123456789abcdef") == KEY_SIZE;
}

/* The directory, made when @make. -1 with errno. */
static int open_dir(Store *store, const char *name, bool make)
{
	int cache = store_dir(store, "cache");
	autofd made = make ? path_mkdirs_state(cache, name) : -1;
	if (make && made < 0)
		return -1;
	return path_open_state(cache, name, O_RDONLY | O_DIRECTORY, 0);
}

/* The fields of a record; the caller knows its key. */
static BuildRecord *read_record(Json *json, const char *key, GError **error)
{
	g_autoptr(BuildRecord) record = g_new0(BuildRecord, 1);
	int64_t size = 0;
	if (!js_get_strv(json, "layers", &record->layers, error) ||
	    !js_dup_string(json, "diff_id", &record->diff_id, error) ||
	    !js_dup_string(json, "created", &record->created, error) ||
	    !js_dup_string(json, "created_by", &record->created_by, error) ||
	    !js_dup_string(json, "config", &record->config, error) ||
	    !js_get_int(json, "size", 0, INT64_MAX, &size, error) ||
	    !js_get_int(json, "made", 0, INT64_MAX, &record->made, error))
		return NULL;
	if (!record->layers)
		record->layers = g_new0(char *, 1);
	for (char **layer = record->layers; *layer; layer++)
		if (!digest_check(*layer, error))
			return NULL;
	if ((record->diff_id && !digest_check(record->diff_id, error)) || !record->created)
		return NULL;
	if (record->diff_id && !record->layers[0])
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "a step without its layer");
	record->key = g_strdup(key);
	record->size = (uint64_t)size;
	return g_steal_pointer(&record);
}

/* Are its layers still there? Only the last one is looked at: none goes before those on it. */
static bool has_layers(Store *store, const BuildRecord *record)
{
	guint n = g_strv_length(record->layers);
	struct stat st;
	return n == 0 || fstatat(store_dir(store, "layers"), digest_hex(record->layers[n - 1]), &st,
				 AT_SYMLINK_NOFOLLOW) == 0;
}

static BuildRecord *load(Store *store, int dir, const char *key)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Json) json = js_load(dir, key, RECORD_MAX, &problem);
	g_autoptr(BuildRecord) record = json ? read_record(json, key, &problem) : NULL;
	struct stat st;
	if (record && has_layers(store, record) &&
	    fstatat(dir, key, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		record->used = (int64_t)st.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) +
			       st.st_mtim.tv_nsec;
		return g_steal_pointer(&record);
	}
	if (error_matches(problem, ENGINE_ERROR_NOT_FOUND))
		return NULL;
	log_info("the build cache's record %.12s is dropped: %s", key,
		 problem ? problem->message : "its layer is gone");
	(void)unlinkat(dir, key, 0);
	return NULL;
}

BuildRecord *build_cache_lookup(Store *store, const char *key)
{
	autofd dir = open_dir(store, DIR_NAME, false);
	BuildRecord *record = dir < 0 ? NULL : load(store, dir, key);
	if (record)
		(void)utimensat(dir, key, NULL, AT_SYMLINK_NOFOLLOW);
	return record;
}

bool build_cache_store(Store *store, const BuildRecord *record, GError **error)
{
	autofd dir = open_dir(store, DIR_NAME, true);
	if (dir < 0)
		return error_set_errno(error, "cannot open the build cache");
	g_autoptr(Json) json = json_object_new_object();
	js_set_take(json, "layers", js_from_strv((const char *const *)record->layers));
	js_set_string(json, "diff_id", record->diff_id);
	js_set_string(json, "created", record->created);
	js_set_string(json, "created_by", record->created_by);
	js_set_string(json, "config", record->config);
	js_set_int(json, "size", (int64_t)record->size);
	js_set_int(json, "made", record->made);
	return js_save(dir, record->key, json, RECORD_SYNC_NONE, error);
}

static gint compare_used(gconstpointer a, gconstpointer b)
{
	const BuildRecord *first = *(BuildRecord *const *)a;
	const BuildRecord *second = *(BuildRecord *const *)b;
	if (first->used != second->used)
		return first->used < second->used ? -1 : 1;
	return strcmp(first->key, second->key);
}

GPtrArray *build_cache_list(Store *store, GError **error)
{
	g_autoptr(GPtrArray) all =
		g_ptr_array_new_with_free_func((GDestroyNotify)build_record_free);
	autofd dir = open_dir(store, DIR_NAME, false);
	if (dir < 0 && errno == ENOENT)
		return g_steal_pointer(&all);
	if (dir < 0)
		return error_set_errno_null(error, "cannot open the build cache");
	g_auto(GStrv) names = record_list(dir, error);
	if (!names)
		return NULL;
	for (size_t i = 0; names[i]; i++) {
		BuildRecord *record = is_key(names[i]) ? load(store, dir, names[i]) : NULL;
		if (record)
			g_ptr_array_add(all, record);
	}
	g_ptr_array_sort(all, compare_used);
	return g_steal_pointer(&all);
}

bool build_cache_remove(Store *store, const char *key, GError **error)
{
	autofd dir = open_dir(store, DIR_NAME, false);
	if ((dir >= 0 && unlinkat(dir, key, 0) == 0) || errno == ENOENT)
		return true;
	return error_set_errno(error, "cannot remove a record of the build cache");
}

/* The chain ids of all images' layers. */
static GHashTable *image_layers(Store *store, GError **error)
{
	g_autoptr(GPtrArray) images = images_list(store, error);
	if (!images)
		return NULL;
	GHashTable *layers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < images->len; i++)
		for (char **id = ((const Image *)images->pdata[i])->chain_ids; *id; id++)
			g_hash_table_add(layers, g_strdup(*id));
	return layers;
}

bool build_cache_add_needed(Store *store, GHashTable *needed, GError **error)
{
	g_autoptr(GPtrArray) all = build_cache_list(store, error);
	for (guint i = 0; all && i < all->len; i++) {
		const BuildRecord *record = all->pdata[i];
		for (char **layer = record->layers; *layer; layer++)
			g_hash_table_add(needed, g_strdup(digest_hex(*layer)));
	}
	return all != NULL;
}

/* Move cache/@dir to the trash, by the name @entry. */
static bool trash_dir(Store *store, const char *dir, const char *entry, GError **error)
{
	int cache = store_dir(store, "cache");
	/* What a prune that was killed here left. */
	if (!store_trash(store, "cache", entry, error))
		return false;
	if (renameat(cache, dir, cache, entry) < 0 && errno != ENOENT)
		return error_set_errno(error, "cannot remove the caches of builds");
	return store_trash(store, "cache", entry, error);
}

bool build_cache_trash_mounts(Store *store, GError **error)
{
	return trash_dir(store, BUILD_MOUNTS_DIR, "build-mounts", error);
}

bool build_cache_trash_files(Store *store, GError **error)
{
	return trash_dir(store, BUILD_FILES_DIR, "build-files", error);
}

/* Of what lies in a directory: the bytes of its files, and its last change, ns; 0: it is empty. */
static uint64_t look_at(Store *store, const char *name, int64_t *out_used)
{
	uint64_t size = 0;
	*out_used = 0;
	autofd dir = open_dir(store, name, false);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	for (char **at = names; at && *at; at++) {
		struct stat st;
		if (fstatat(dir, *at, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		int64_t used = (int64_t)st.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) +
			       st.st_mtim.tv_nsec;
		size += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		*out_used = MAX(*out_used, used);
	}
	return size;
}

int64_t build_cache_mounts_used(Store *store)
{
	int64_t used = 0;
	(void)look_at(store, BUILD_MOUNTS_DIR, &used);
	return used;
}

uint64_t build_cache_files_size(Store *store, int64_t *out_used)
{
	return look_at(store, BUILD_FILES_DIR, out_used);
}

bool build_cache_trash_slots(Store *store, GError **error)
{
	return trash_dir(store, SLOTS_NAME, "build-slots", error);
}

bool build_cache_prune(Store *store, bool all, GError **error)
{
	g_autoptr(GPtrArray) records = build_cache_list(store, error);
	g_autoptr(GHashTable) used = records ? image_layers(store, error) : NULL;
	for (guint i = 0; used && i < records->len; i++) {
		const BuildRecord *record = records->pdata[i];
		guint n = g_strv_length(record->layers);
		if (!all && n > 0 && g_hash_table_contains(used, record->layers[n - 1]))
			continue;
		if (!build_cache_remove(store, record->key, error))
			return false;
	}
	return used != NULL && (!all || build_cache_trash_files(store, error));
}

char **build_slot_read(Store *store, const char *slot)
{
	autofd dir = open_dir(store, SLOTS_NAME, false);
	char **inputs = NULL;
	g_autoptr(Json) json = dir < 0 ? NULL : js_load(dir, slot, RECORD_MAX, NULL);
	if (json)
		(void)js_get_strv(json, "inputs", &inputs, NULL);
	return inputs;
}

void build_slot_write(Store *store, const char *slot, const char *const *inputs)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = json_object_new_object();
	autofd dir = open_dir(store, SLOTS_NAME, true);
	js_set_take(json, "inputs", js_from_strv(inputs));
	if (dir < 0)
		error_set_errno(&error, "cannot open the build cache");
	if (error || !js_save(dir, slot, json, RECORD_SYNC_NONE, &error))
		log_info("%s", error->message);
}
