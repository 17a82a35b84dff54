/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/build/caches.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "build/cache_image.h"
#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/units.h"
#include "libpod/image_users.h"
#include "storage/digest.h"
#include "storage/image_index.h"
#include "storage/manifest.h"
#include "storage/reference.h"

/* A list that carries the images of several stages; the number is the process'. */
#define LIST_NAME "localhost/skiff-build-cache:p"

/* Names of a layout's entries, so that the next export replaces them. */
#define ENTRY_NAME "localhost/skiff-build-cache:stage"

#define MEMBERS_MAX 1000

void build_caches_clear(BuildCaches *caches)
{
	g_clear_pointer(&caches->records, g_hash_table_unref);
	g_clear_pointer(&caches->images, g_ptr_array_unref);
}

void build_caches_drop(Engine *engine, const GPtrArray *ids)
{
	for (guint i = 0; ids && i < ids->len; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Image) image = image_lookup(engine_store(engine), ids->pdata[i], &error);
		if (image && !image->names[0] && !image_users_remove(engine, image, false, &error))
			log_debug("image '%.12s' stays: %s", image->id, error->message);
	}
}

/* --- in --- */

typedef struct {
	Engine *engine;
	const BuildVerb *verb;
	BuildCaches *caches;
	GHashTable *known; /* ids of images that were there before */
} Import;

/* Read what an image that came tells of. */
static void read_image(Import *import, const char *id, const char *where)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Image) image = image_resolve(engine_store(import->engine), id, &problem);
	if (image && !g_hash_table_contains(import->known, image->id))
		g_ptr_array_add(import->caches->images, g_strdup(image->id));
	if (!image || cache_image_read(image, import->caches->records, &problem) == 0)
		log_warn("--cache-from %s: %s", where,
			 problem ? problem->message : "the image tells of no steps");
}

/* Run skiff-fetch and read all images whose ids it prints. What fails is warned of. */
static void fetch_images(Import *import, const FetchArgs *args, const char *where)
{
	g_autofree char *printed = NULL;
	if (fetch_args_run(args, import->engine, &printed) != 0) {
		log_warn("--cache-from %s: it is left out", where);
		return;
	}
	g_auto(GStrv) lines = g_strsplit(printed ? printed : "", "\n", -1);
	for (char **line = lines; *line; line++)
		if (**line)
			read_image(import, *line, where);
}

static bool pull_one(Import *import, const Reference *ref, const char *digest, GError **error)
{
	g_autofree char *name = g_strdup_printf("%s/%s@%s", ref->registry, ref->repository, digest);
	g_autoptr(FetchArgs) args = fetch_args_new("pull");
	registry_options_add(args, &import->verb->registry);
	fetch_args_add(args, "--policy", "missing");
	fetch_args_add_flag(args, "--quiet", true);
	if (!fetch_args_add_operand(args, name, error))
		return false;
	fetch_images(import, args, name);
	return true;
}

/* Is an image of the list one of ours: for this machine, or for a platform that is built for? */
static bool is_wanted(const Import *import, Json *entry)
{
	Json *json = NULL;
	const char *os = NULL, *architecture = NULL, *variant = NULL;
	const GPtrArray *asked = import->verb->platforms;
	if (!js_get_object(entry, "platform", &json, NULL) || !json ||
	    !js_get_string(json, "os", &os, NULL) ||
	    !js_get_string(json, "architecture", &architecture, NULL) ||
	    !js_get_string(json, "variant", &variant, NULL))
		return true;
	g_auto(Platform) have = {0};
	g_auto(Platform) host = {0};
	platform_host(&host);
	platform_set(&have, os ? os : "", architecture ? architecture : "", variant);
	bool wanted = platform_runs(&host, &have);
	for (guint i = 0; asked && i < asked->len && !wanted; i++) {
		g_auto(Platform) want = {0};
		wanted =
			platform_parse(asked->pdata[i], &want, NULL) && platform_runs(&want, &have);
	}
	return wanted;
}

/* All images of a manifest: itself, or those it lists. */
static bool pull_manifest(Import *import, const Reference *ref, const char *text, GError **error)
{
	Json *list = NULL;
	g_autoptr(Json) json = js_parse(text, strlen(text), "the cache's manifest", error);
	if (!json || !js_get_array(json, "manifests", &list, error))
		return false;
	if (!list) {
		g_autofree char *digest = digest_of(text, strlen(text));
		return pull_one(import, ref, digest, error);
	}
	for (size_t i = 0; i < MIN(json_object_array_length(list), MEMBERS_MAX); i++) {
		Json *entry = json_object_array_get_idx(list, i);
		const char *digest = NULL;
		if (!js_get_string(entry, "digest", &digest, error) || !digest ||
		    !digest_check(digest, error))
			return false;
		if (is_wanted(import, entry) && !pull_one(import, ref, digest, error))
			return false;
	}
	return true;
}

static bool take_registry(Import *import, const char *where, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Reference) typed = reference_parse(where, error);
	if (!typed)
		return false;
	g_autoptr(Reference) ref = reference_normalize(typed);
	g_autofree char *text = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("manifest");
	registry_options_add(args, &import->verb->registry);
	if (!fetch_args_add_operand(args, where, error))
		return false;
	if (fetch_args_run(args, import->engine, &text) != 0 || !text)
		log_warn("--cache-from %s: there is no cache yet, or it cannot be read", where);
	else if (!pull_manifest(import, ref, text, &problem))
		log_warn("--cache-from %s: %s", where, problem->message);
	return true;
}

/* A layout's images get no names here, whatever it calls them. */
static void take_local(Import *import, const char *where)
{
	g_autoptr(FetchArgs) args = fetch_args_new("load");
	fetch_args_add(args, "--input", where);
	fetch_args_add_flag(args, "--ids", true);
	fetch_args_add_flag(args, "--no-names", true);
	if (g_file_test(where, G_FILE_TEST_EXISTS))
		fetch_images(import, args, where);
	else
		log_warn("--cache-from %s: there is no cache yet", where);
}

static GHashTable *known_images(Store *store, GError **error)
{
	g_autoptr(GPtrArray) images = images_list(store, error);
	if (!images)
		return NULL;
	GHashTable *known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < images->len; i++)
		g_hash_table_add(known, g_strdup(((const Image *)images->pdata[i])->id));
	return known;
}

bool build_caches_take(Engine *engine, const BuildVerb *verb, BuildCaches *out, GError **error)
{
	if (!verb->cache_from)
		return true;
	g_autoptr(GHashTable) known = known_images(engine_store(engine), error);
	if (!known)
		return false;
	out->records = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					     (GDestroyNotify)build_record_free);
	out->images = g_ptr_array_new_with_free_func(g_free);
	Import import = {.engine = engine, .verb = verb, .caches = out, .known = known};
	for (guint i = 0; i < verb->cache_from->len; i++) {
		const BuildCachePlace *place = verb->cache_from->pdata[i];
		if (place->kind == BUILD_CACHE_PLACE_LOCAL)
			take_local(&import, place->where);
		else if (!take_registry(&import, place->where, error))
			return false;
	}
	return true;
}

/* --- out --- */

/* Lists of builds that were killed while they pushed theirs. */
static void drop_dead_lists(Store *store)
{
	g_autoptr(GPtrArray) all = image_indexes_list(store, NULL);
	for (guint i = 0; all && i < all->len; i++) {
		const ImageIndex *index = all->pdata[i];
		g_autoptr(GError) error = NULL;
		for (char **name = index->names; *name; name++) {
			if (!g_str_has_prefix(*name, LIST_NAME))
				continue;
			uint64_t pid = 0;
			if (units_parse_uint(*name + strlen(LIST_NAME), INT_MAX, &pid, NULL) &&
			    pid > 0 && (pid_t)pid != getpid() && kill((pid_t)pid, 0) == 0)
				break;
			if (!image_index_remove(store, index, &error))
				log_info("%s", error->message);
			break;
		}
	}
}

typedef struct {
	Store *store;
	const GPtrArray *ids;
} ListJob;

static bool add_all(ImageIndex *index, void *data, GError **error)
{
	const ListJob *job = data;
	for (guint i = 0; i < job->ids->len; i++) {
		g_autoptr(Image) image = image_resolve(job->store, job->ids->pdata[i], error);
		Json *entry = image ? image_index_local_entry(job->store, image, error) : NULL;
		if (!entry || !image_index_put(index, entry, image->id, NULL, error))
			return false;
	}
	return true;
}

static int push(Engine *engine, const BuildVerb *verb, const char *verb_name, const char *what,
		const char *where, GError **error)
{
	g_autoptr(FetchArgs) args = fetch_args_new(verb_name);
	registry_options_add(args, &verb->registry);
	fetch_args_add_flag(args, "--all", strcmp(verb_name, "push-index") == 0);
	fetch_args_add_flag(args, "--quiet", true);
	return fetch_args_add_operand(args, what, error) &&
			       fetch_args_add_operand(args, where, error)
		       ? fetch_args_run(args, engine, NULL)
		       : -1;
}

/* One image as itself, several as a list. */
static int give_registry(Engine *engine, const BuildVerb *verb, const GPtrArray *ids, guint n,
			 const char *where, GError **error)
{
	Store *store = engine_store(engine);
	ListJob job = {.store = store, .ids = ids};
	if (n == 1)
		return push(engine, verb, "push", ids->pdata[0], where, error);
	g_autofree char *name = g_strdup_printf(LIST_NAME "%d", (int)getpid());
	drop_dead_lists(store);
	g_autoptr(ImageIndex) index = image_index_create(store, name, add_all, &job, error);
	if (!index)
		return -1;
	int code = push(engine, verb, "push-index", name, where, error);
	g_autoptr(GError) problem = NULL;
	if (!image_index_remove(store, index, &problem))
		log_info("%s", problem->message);
	return code;
}

/* A layout with an entry for each. */
static int give_local(Engine *engine, const GPtrArray *ids, guint n, const char *where,
		      GError **error)
{
	int code = 0;
	for (guint i = 0; i < n && code == 0; i++) {
		g_autofree char *name = g_strdup_printf(ENTRY_NAME "%u", i);
		g_autoptr(FetchArgs) args = fetch_args_new("save");
		fetch_args_add(args, "--format", "oci-dir");
		fetch_args_add(args, "--output", where);
		if (!fetch_args_add_operand(args, ids->pdata[i], error) ||
		    !fetch_args_add_operand(args, name, error))
			return -1;
		code = fetch_args_run(args, engine, NULL);
	}
	return code;
}

int build_caches_give(Engine *engine, const BuildVerb *verb, const GPtrArray *ids, GError **error)
{
	int code = 0;
	guint targets = verb->platforms ? verb->platforms->len : 1;
	for (guint i = 0; verb->cache_to && i < verb->cache_to->len && code == 0; i++) {
		const BuildCachePlace *place = verb->cache_to->pdata[i];
		guint n = place->all_stages ? ids->len : MIN(ids->len, targets);
		if (place->kind == BUILD_CACHE_PLACE_LOCAL)
			code = give_local(engine, ids, n, place->where, error);
		if (place->kind == BUILD_CACHE_PLACE_REGISTRY)
			code = give_registry(engine, verb, ids, n, place->where, error);
	}
	return code;
}
