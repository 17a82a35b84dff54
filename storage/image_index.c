/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image indexes: the record on disk, lookup, names. What is written into the document is
 * image_index_edit.c.
 *
 * A crash leaves the old record or the new one. A name that moves is written to its new owner first
 * (see image.c); until it is taken from the old one the image wins over the index.
 */
#include "storage/image_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/seal.h"
#include "libpod/base/units.h"
#include "storage/digest.h"
#include "storage/image_priv.h"
#include "storage/reference.h"

#define RECORD_NAME     "index.json"
#define RECORD_MAX_SIZE (2 * MANIFEST_MAX_SIZE)

/* A config that says nothing: image_index_view()'s. */
#define EMPTY_CONFIG                                                                               \
	"{\"os\":\"\",\"architecture\":\"\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"

void image_index_free(ImageIndex *index)
{
	if (!index)
		return;
	g_free(index->id);
	g_strfreev(index->names);
	json_object_put(index->document);
	json_object_put(index->members);
	g_free(index);
}

static int open_indexes(Store *store, GError **error)
{
	int indexes = store_dir(store, "indexes");
	if (indexes < 0)
		(void)error_set_errno(error, "cannot open '%s/indexes'", store_path(store));
	return indexes;
}

/* Fill @index from a record's JSON. */
static bool read_record(Json *json, ImageIndex *index, GError **error)
{
	Json *document = NULL, *members = NULL;
	if (!js_get_strv(json, "names", &index->names, error) ||
	    !js_get_int(json, "created", 0, INT64_MAX, &index->created, error) ||
	    !js_get_object(json, "document", &document, error) ||
	    !js_get_object(json, "members", &members, error))
		return false;
	if (!document || !members)
		return error_set(error, ENGINE_ERROR_CORRUPT, "its document is missing");
	if (!index->names)
		index->names = g_new0(char *, 1);
	index->document = json_object_get(document);
	index->members = json_object_get(members);
	/* What we wrote is checked as if it came from a registry: the disk may have changed it. */
	const char *text = js_text(document);
	g_autoptr(Manifest) manifest = manifest_parse(text, strlen(text), NULL, error);
	return manifest != NULL;
}

/* Read one record. NULL without @error if it is absent, CORRUPT if it is broken. */
static ImageIndex *load_index(Store *store, const char *id, GError **error)
{
	g_autoptr(GError) problem = NULL;
	int indexes = open_indexes(store, error);
	if (indexes < 0)
		return NULL;
	autofd dir = path_open_state(indexes, id, O_PATH | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT)
		return NULL;
	if (dir < 0)
		return error_set_errno_null(error, "cannot open the manifest list '%.12s'", id);
	g_autoptr(ImageIndex) index = g_new0(ImageIndex, 1);
	index->id = g_strdup(id);
	g_autoptr(Json) json = js_load(dir, RECORD_NAME, RECORD_MAX_SIZE, &problem);
	if (json && read_record(json, index, &problem))
		return g_steal_pointer(&index);
	autofd again = path_open_state(indexes, id, O_PATH | O_DIRECTORY, 0);
	if (again < 0 && errno == ENOENT)
		return NULL;
	return error_set_null(error, ENGINE_ERROR_CORRUPT,
			      "manifest list '%.12s' has a broken record: %s", id,
			      problem->message);
}

bool image_index_check(Store *store, const char *id, GError **error)
{
	g_autoptr(GError) problem = NULL;
	image_index_free(load_index(store, id, &problem));
	if (!problem)
		return true;
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

static char **list_ids(Store *store, GError **error)
{
	int indexes = open_indexes(store, error);
	g_auto(GStrv) names = indexes < 0 ? NULL : record_list(indexes, error);
	if (!names)
		return NULL;
	size_t kept = 0;
	for (size_t i = 0; names[i]; i++) {
		if (image_id_is_valid(names[i]))
			names[kept++] = names[i];
		else
			g_free(names[i]);
	}
	names[kept] = NULL;
	return g_steal_pointer(&names);
}

/* Newest first; the id decides between equals. */
static int compare_indexes(gconstpointer a, gconstpointer b)
{
	const ImageIndex *left = *(ImageIndex *const *)a, *right = *(ImageIndex *const *)b;
	if (left->created != right->created)
		return left->created < right->created ? 1 : -1;
	return strcmp(left->id, right->id);
}

GPtrArray *image_indexes_list(Store *store, GError **error)
{
	g_auto(GStrv) ids = list_ids(store, error);
	if (!ids)
		return NULL;
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)image_index_free);
	for (size_t i = 0; ids[i]; i++) {
		g_autoptr(GError) problem = NULL;
		ImageIndex *index = load_index(store, ids[i], &problem);
		if (index)
			g_ptr_array_add(all, index);
		else if (problem)
			log_warn("%s", problem->message);
	}
	g_ptr_array_sort(all, compare_indexes);
	return all;
}

const char *image_index_find_name(const ImageIndex *index, const char *text)
{
	const Image view = {.names = index->names};
	return image_find_name(&view, text);
}

/* The one whose id begins with @prefix. NULL without @error if none does. */
static ImageIndex *find_by_prefix(GPtrArray *all, const char *prefix, GError **error)
{
	ImageIndex *found = NULL;
	if (!prefix[0] || prefix[strspn(prefix, "0123456789abcdef")])
		return NULL;
	for (guint i = 0; i < all->len; i++) {
		ImageIndex *index = g_ptr_array_index(all, i);
		if (!g_str_has_prefix(index->id, prefix))
			continue;
		if (found)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "image id '%s' is ambiguous: it begins more than one",
					      prefix);
		found = index;
	}
	return found;
}

ImageIndex *image_index_lookup(Store *store, const char *text, GError **error)
{
	g_autoptr(GPtrArray) all = image_indexes_list(store, error);
	if (!all)
		return NULL;
	ImageIndex *found = NULL;
	for (guint i = 0; i < all->len && !found; i++)
		if (image_index_find_name(g_ptr_array_index(all, i), text))
			found = g_ptr_array_index(all, i);
	const char *prefix = g_str_has_prefix(text, "sha256:") ? text + strlen("sha256:") : text;
	if (!found)
		found = find_by_prefix(all, prefix, error);
	guint at = 0;
	if (!found || !g_ptr_array_find(all, found, &at))
		return NULL;
	return g_ptr_array_steal_index(all, at);
}

ImageIndex *image_index_resolve(Store *store, const char *text, GError **error)
{
	g_autoptr(GError) problem = NULL;
	ImageIndex *index = image_index_lookup(store, text, &problem);
	if (index)
		return index;
	g_autofree char *id = problem ? NULL : image_find_id(store, text, &problem);
	g_autoptr(Image) image = id ? image_load(store, id, &problem) : NULL;
	const char *name = image ? image_find_name(image, text) : NULL;
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	else if (image)
		error_set(error, ENGINE_ERROR_INVALID, "%s: image is not a manifest list",
			  name ? name : image->id);
	else
		image_set_unknown(store, text, error);
	return NULL;
}

bool image_is_index_view(const Image *image)
{
	return !image->chain_ids[0] && image->config->os && !*image->config->os;
}

Image *image_index_view(const ImageIndex *index)
{
	const char *text = js_text(index->document);
	Image *image = g_new0(Image, 1);
	image->id = g_strdup(index->id);
	image->names = g_strdupv(index->names);
	image->repo_digests = g_new0(char *, 1);
	image->chain_ids = g_new0(char *, 1);
	image->digest = digest_of(text, strlen(text));
	image->size = strlen(text);
	image->created = index->created;
	image->config_text = g_strdup(EMPTY_CONFIG);
	image->config_size = strlen(EMPTY_CONFIG);
	image->config = image_config_parse(EMPTY_CONFIG, strlen(EMPTY_CONFIG), NULL);
	return image;
}

Image *image_index_choose(Store *store, const ImageIndex *index, const Platform *want,
			  GError **error)
{
	g_auto(Platform) host = {0};
	if (!want)
		platform_host(&host);
	const char *text = js_text(index->document), *id = NULL, *source = NULL;
	g_autoptr(Manifest) manifest = manifest_parse(text, strlen(text), NULL, error);
	const Descriptor *chosen =
		manifest ? manifest_choose(manifest, want ? want : &host, error) : NULL;
	if (!chosen)
		return NULL;
	Json *member = json_object_object_get(index->members, chosen->digest);
	if (member && (!js_get_string(member, "image", &id, error) ||
		       !js_get_string(member, "source", &source, error)))
		return NULL;
	g_autoptr(GError) problem = NULL;
	Image *image = id ? image_load(store, id, &problem) : NULL;
	if (!image && !problem) {
		g_autofree char *found = image_find_id(store, chosen->digest, &problem);
		image = found ? image_load(store, found, &problem) : NULL;
	}
	if (image || problem) {
		if (problem)
			g_propagate_error(error, g_steal_pointer(&problem));
		return image;
	}
	error_set(error, ENGINE_ERROR_NOT_FOUND,
		  "the manifest list '%.12s' has an image for this platform (%s), but it is not in "
		  "the store",
		  index->id, chosen->digest);
	if (source)
		error_add_help(error, "skiff pull %s", source);
	return NULL;
}

/* The record, sealed. g_free() it. */
static char *record_text(const ImageIndex *index)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_take(json, "names", js_from_strv((const char *const *)index->names));
	js_set_int(json, "created", index->created);
	js_set_take(json, "document", json_object_get(index->document));
	js_set_take(json, "members", json_object_get(index->members));
	return seal_text(js_text(json));
}

static bool check_size(const char *text, GError **error)
{
	return strlen(text) <= RECORD_MAX_SIZE ||
	       error_set(error, ENGINE_ERROR_INVALID, "the manifest list grows too large");
}

/* Replace a record. */
static bool save_index(Store *store, const ImageIndex *index, GError **error)
{
	g_autofree char *text = record_text(index);
	int indexes = open_indexes(store, error);
	if (indexes < 0 || !check_size(text, error))
		return false;
	autofd dir = path_open_state(indexes, index->id, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return error_set_errno(error, "cannot open the manifest list '%.12s'", index->id);
	return record_replace(dir, RECORD_NAME, text, strlen(text), RECORD_SYNC_FULL, error);
}

/* Stage a new record and rename it into its place. */
static bool publish_index(Store *store, const ImageIndex *index, GError **error)
{
	g_autofree char *text = record_text(index);
	int indexes = open_indexes(store, error);
	g_autoptr(StoreStage) stage = indexes < 0 ? NULL : store_stage_new(store, error);
	if (!stage)
		return false;
	int staging = store_stage_fd(stage);
	if (mkdirat(staging, "index", 0700) < 0)
		return error_set_errno(error, "cannot stage a manifest list");
	autofd dir = path_open_state(staging, "index", O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return error_set_errno(error, "cannot stage a manifest list");
	if (!record_replace(dir, RECORD_NAME, text, strlen(text), RECORD_SYNC_FULL, error))
		return false;
	if (renameat2(staging, "index", indexes, index->id, RENAME_NOREPLACE) < 0 ||
	    fsync(indexes) < 0)
		return error_set_errno(error, "cannot publish a manifest list");
	return true;
}

static char *new_id(GError **error)
{
	unsigned char bytes[32];
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_set_errno_null(error, "cannot make a random id");
	g_autoptr(GString) id = g_string_new(NULL);
	for (size_t i = 0; i < sizeof(bytes); i++)
		g_string_append_printf(id, "%02x", bytes[i]);
	return g_strdup(id->str);
}

/* Is a name free? EXISTS. */
static bool check_name_is_free(Store *store, const char *name, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *id = image_name_holder(store, name, &problem);
	g_autoptr(ImageIndex) other =
		id || problem ? NULL : image_index_lookup(store, name, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	const char *holder = id ? id : other ? other->id : NULL;
	return !holder || error_set(error, ENGINE_ERROR_EXISTS,
				    "creating image to hold manifest list: image name \"%s\" is "
				    "already associated with image \"%s\": "
				    "that name is already in use",
				    name, holder);
}

/* A new record of that name. The lock is held. */
static ImageIndex *create_locked(Store *store, const char *name, ImageIndexChange change,
				 void *data, GError **error)
{
	g_autoptr(ImageIndex) index = g_new0(ImageIndex, 1);
	index->id = new_id(error);
	if (!index->id)
		return NULL;
	const char *names[] = {name, NULL};
	index->names = g_strdupv((char **)names);
	index->created = units_now();
	index->members = json_object_new_object();
	index->document = json_object_new_object();
	js_set_int(index->document, "schemaVersion", 2);
	js_set_string(index->document, "mediaType", MEDIA_TYPE_DOCKER_LIST);
	js_set_take(index->document, "manifests", json_object_new_array());
	if ((change && !change(index, data, error)) || !publish_index(store, index, error))
		return NULL;
	return g_steal_pointer(&index);
}

ImageIndex *image_index_create(Store *store, const char *name, ImageIndexChange change, void *data,
			       GError **error)
{
	g_autoptr(RecordLock) lock = image_names_lock(store, "manifest create", error);
	return lock && check_name_is_free(store, name, error)
		       ? create_locked(store, name, change, data, error)
		       : NULL;
}

/* The lock is held. */
static bool change_locked(Store *store, const char *id, ImageIndexChange change, void *data,
			  GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(ImageIndex) index = load_index(store, id, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (!index)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "%.12s: image not known", id);
	return change(index, data, error) && save_index(store, index, error);
}

bool image_index_replace(Store *store, const char *name, bool keep, ImageIndexChange change,
			 void *data, GError **error)
{
	const char *names[] = {name, NULL};
	g_autoptr(GError) broken = NULL;
	g_autoptr(RecordLock) lock = image_names_lock(store, "build", error);
	if (!lock)
		return false;
	g_autoptr(ImageIndex) old = keep ? image_index_lookup(store, name, &broken) : NULL;
	if (broken) {
		g_propagate_error(error, g_steal_pointer(&broken));
		return false;
	}
	if (old)
		return change_locked(store, old->id, change, data, error);
	g_autoptr(ImageIndex) index = create_locked(store, name, change, data, error);
	return index && image_take_names(store, index->id, names, error);
}

bool image_index_change(Store *store, const char *id, ImageIndexChange change, void *data,
			GError **error)
{
	g_autoptr(RecordLock) lock = image_names_lock(store, "manifest", error);
	return lock && change_locked(store, id, change, data, error);
}

/* Names without @gone (NULL: none left), with @added (may be NULL). */
static void rewrite_names(ImageIndex *index, const char *const *gone, const char *added)
{
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; gone && index->names[i]; i++)
		if (!g_strv_contains(gone, index->names[i]))
			g_ptr_array_add(kept, g_strdup(index->names[i]));
	if (added)
		g_ptr_array_add(kept, g_strdup(added));
	g_ptr_array_add(kept, NULL);
	g_strfreev(index->names);
	index->names = (char **)g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}

static bool add_name(ImageIndex *index, void *data, GError **error)
{
	const char *names[] = {data, NULL};
	rewrite_names(index, names, data);
	return true;
}

bool image_index_tag(Store *store, const ImageIndex *index, const char *name, GError **error)
{
	const char *names[] = {name, NULL};
	g_autoptr(RecordLock) lock = image_names_lock(store, "tag", error);
	return lock && change_locked(store, index->id, add_name, (void *)name, error) &&
	       image_take_names(store, index->id, names, error);
}

static bool drop_name(ImageIndex *index, void *data, GError **error)
{
	const char *name = data;
	const char *names[] = {name, NULL};
	if (name && !g_strv_contains((const char *const *)index->names, name))
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "%s: tag not known", name);
	rewrite_names(index, name ? names : NULL, NULL);
	return true;
}

bool image_index_untag(Store *store, const ImageIndex *index, const char *name, GError **error)
{
	return image_index_change(store, index->id, drop_name, (void *)name, error);
}

void image_index_take_names(Store *store, const char *id, const char *const *names)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GPtrArray) all = image_indexes_list(store, &problem);
	for (guint i = 0; all && i < all->len && !problem; i++) {
		ImageIndex *index = g_ptr_array_index(all, i);
		size_t before = g_strv_length(index->names);
		if (strcmp(index->id, id) == 0)
			continue;
		rewrite_names(index, names, NULL);
		if (g_strv_length(index->names) < before)
			(void)save_index(store, index, &problem);
	}
	if (problem)
		/* The image's record is newer, and images win. */
		log_warn("%s", problem->message);
}

bool image_index_remove(Store *store, const ImageIndex *index, GError **error)
{
	g_autoptr(RecordLock) lock = image_names_lock(store, "manifest rm", error);
	if (!lock || !store_trash(store, "indexes", index->id, error))
		return false;
	if (fsync(store_dir(store, "indexes")) < 0)
		return error_set_errno(error, "cannot sync '%s/indexes'", store_path(store));
	return true;
}
