/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On disk: volumes/NAME/volume.json and volumes/NAME/_data, made in staging/ and renamed into
 * place, so that the file system decides which of two racing creators wins. Volumes are always
 * synced.
 */
#include "libpod/volume.h"

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
#include "libpod/base/suggest.h"
#include "libpod/container.h"
#include "libpod/events.h"
#include "libpod/name.h"
#include "libpod/rootless.h"
#include "libpod/volume_image.h"
#include "libpod/volume_options.h"

/* Containers that are created while --force removes others come one by one. */
#define FORCE_ROUNDS 100

#define MAX_RECORD (1024 * 1024)

#define DRIVER_IMAGE "image"

void volume_free(Volume *volume)
{
	if (!volume)
		return;
	g_free(volume->name);
	g_free(volume->driver);
	g_free(volume->mountpoint);
	g_free(volume->scope);
	g_clear_pointer(&volume->labels, g_hash_table_unref);
	g_clear_pointer(&volume->options, g_hash_table_unref);
	g_free(volume);
}

static int volumes_dir(Engine *engine)
{
	return store_dir(engine_store(engine), "volumes");
}

static Json *to_json(const Volume *volume)
{
	Json *json = json_object_new_object();
	js_set_int(json, "v", 1);
	js_set_string(json, "driver", volume->driver);
	js_set_int(json, "created", volume->created);
	js_set_take(json, "labels", js_from_string_map(volume->labels));
	js_set_take(json, "options", js_from_string_map(volume->options));
	if (volume->uid >= 0)
		js_set_int(json, "uid", volume->uid);
	if (volume->gid >= 0)
		js_set_int(json, "gid", volume->gid);
	js_set_bool(json, "anonymous", volume->anonymous);
	js_set_bool(json, "copy_up", volume->needs_copy_up);
	return json;
}

/* The fields of volume.json. */
static bool from_json(Volume *volume, Json *json, GError **error)
{
	int64_t version = 0;
	if (!js_get_int(json, "v", 0, INT64_MAX, &version, error) ||
	    !js_dup_string(json, "driver", &volume->driver, error) ||
	    !js_get_int(json, "created", 0, INT64_MAX, &volume->created, error) ||
	    !js_get_string_map(json, "labels", &volume->labels, error) ||
	    !js_get_string_map(json, "options", &volume->options, error) ||
	    !js_get_int(json, "uid", -1, G_MAXUINT32, &volume->uid, error) ||
	    !js_get_int(json, "gid", -1, G_MAXUINT32, &volume->gid, error) ||
	    !js_get_bool(json, "anonymous", &volume->anonymous, error) ||
	    !js_get_bool(json, "copy_up", &volume->needs_copy_up, error))
		return false;
	if (version != 1 || !volume->driver)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "volume.json of '%s' is not of version 1", volume->name);
	if (!volume->labels)
		volume->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (!volume->options)
		volume->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return true;
}

static Volume *new_volume(Engine *engine, const char *name)
{
	Volume *volume = g_new0(Volume, 1);
	volume->name = g_strdup(name);
	volume->scope = g_strdup("local");
	volume->uid = volume->gid = -1;
	volume->mountpoint =
		g_build_filename(store_path(engine_store(engine)), "volumes", name, "_data", NULL);
	return volume;
}

Volume *volume_lookup(Engine *engine, const char *name, GError **error)
{
	if (!path_name_is_safe(name))
		return NULL;
	g_autofree char *path = g_build_filename(name, "volume.json", NULL);
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(volumes_dir(engine), path, MAX_RECORD, &failed);
	if (!json) {
		if (!error_matches(failed, ENGINE_ERROR_NOT_FOUND))
			g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	g_autoptr(Volume) volume = new_volume(engine, name);
	return from_json(volume, json, error) ? g_steal_pointer(&volume) : NULL;
}

/* The one volume whose name starts with @prefix. NULL without error if there is none. */
static char *find_prefix(Engine *engine, const char *prefix, GError **error)
{
	g_auto(GStrv) names = record_list(volumes_dir(engine), error);
	g_autofree char *found = NULL;
	for (size_t i = 0; prefix[0] && names && names[i]; i++) {
		if (!g_str_has_prefix(names[i], prefix))
			continue;
		if (found)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "more than one result for volume name \"%s\": volume "
					      "already exists",
					      prefix);
		found = g_strdup(names[i]);
	}
	return g_steal_pointer(&found);
}

Volume *volume_resolve(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	Volume *volume = volume_lookup(engine, name, &failed);
	if (!volume && !failed) {
		g_autofree char *full = find_prefix(engine, name, &failed);
		if (full)
			volume = volume_lookup(engine, full, &failed);
	}
	if (!volume && !failed) {
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "no volume with name \"%s\" found: no such volume", name);
		g_auto(GStrv) names = record_list(volumes_dir(engine), NULL);
		suggest_add_near(name, names, "skiff volume ls shows all", error);
		return NULL;
	}
	if (failed)
		g_propagate_error(error, failed);
	return volume;
}

GPtrArray *volumes_list(Engine *engine, GError **error)
{
	g_auto(GStrv) names = record_list(volumes_dir(engine), error);
	if (!names)
		return NULL;
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)volume_free);
	for (size_t i = 0; names[i]; i++) {
		g_autoptr(GError) broken = NULL;
		Volume *volume = volume_lookup(engine, names[i], &broken);
		if (volume)
			g_ptr_array_add(list, volume);
		else if (broken)
			log_warn("%s", broken->message);
	}
	return list;
}

static GHashTable *ref_or_new(GHashTable *table)
{
	return table ? g_hash_table_ref(table)
		     : g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static bool check_create(const VolumeCreate *options, const char *name, GError **error)
{
	if (options->name && !name_check(options->name, error)) {
		g_prefix_error(error, "running volume create option: ");
		return false;
	}
	if (options->driver && !g_str_equal(options->driver, "local") &&
	    !g_str_equal(options->driver, DRIVER_IMAGE))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "volume %s uses volume plugin %s but it could not be retrieved: "
				 "no volume plugin with name %s available: required plugin missing",
				 name, options->driver, options->driver);
	return true;
}

typedef struct {
	int fd; /* of _data */
	int64_t uid, gid;
} VolumeOwner;

/* In the user's namespace, where the ids are those of containers. */
static int give_child(void *data)
{
	const VolumeOwner *owner = data;
	uid_t uid = owner->uid < 0 ? (uid_t)-1 : (uid_t)owner->uid;
	gid_t gid = owner->gid < 0 ? (gid_t)-1 : (gid_t)owner->gid;
	return fchown(owner->fd, uid, gid) < 0 ? 1 : 0;
}

/* uid= and gid=: the volume's root belongs to them from the start. */
static bool give_data(Engine *engine, const Volume *volume, int dir, GError **error)
{
	if (volume->uid < 0 && volume->gid < 0)
		return true;
	autofd data = path_open_state(dir, "_data", O_RDONLY | O_DIRECTORY, 0);
	VolumeOwner owner = {.fd = data, .uid = volume->uid, .gid = volume->gid};
	int code = data < 0 ? -1 : rootless_run(engine, give_child, &owner, error);
	if (code > 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot give volume %s to %" PRId64 ":%" PRId64
				 ": no container has such an id",
				 volume->name, volume->uid, volume->gid);
	return code == 0 || (data < 0 && error_set_errno(error, "cannot open the new volume"));
}

/* What its directory holds from the start: nothing, or what @image has. */
static bool fill_data(Engine *engine, const Volume *volume, const Image *image, int dir,
		      GError **error)
{
	if (!image)
		return give_data(engine, volume, dir, error);
	autofd data = path_open_state(dir, "_data", O_RDONLY | O_DIRECTORY, 0);
	return data < 0 ? error_set_errno(error, "cannot open the new volume")
			: volume_image_fill(engine, image, data, error);
}

/* Write the volume into a stage and move it into place. EXISTS when somebody was faster. */
static bool publish(Engine *engine, const Volume *volume, const Image *image, GError **error)
{
	g_autoptr(StoreStage) stage = store_stage_new(engine_store(engine), error);
	if (!stage)
		return false;
	autofd made = path_mkdirs_state(store_stage_fd(stage), "volume/_data");
	autofd dir = made < 0 ? -1
			      : path_open_state(store_stage_fd(stage), "volume",
						O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 || fchmodat(dir, "_data", 0755, 0) < 0)
		return error_set_errno(error, "cannot make volume '%s'", volume->name);
	if (!fill_data(engine, volume, image, dir, error))
		return false;
	g_autoptr(Json) json = to_json(volume);
	if (!js_save(dir, "volume.json", json, RECORD_SYNC_FULL, error))
		return false;
	if (renameat2(store_stage_fd(stage), "volume", volumes_dir(engine), volume->name,
		      RENAME_NOREPLACE) < 0) {
		if (errno == EEXIST)
			return error_set(
				error, ENGINE_ERROR_EXISTS,
				"volume with name %s already exists: volume already exists",
				volume->name);
		return error_set_errno(error, "cannot make volume '%s'", volume->name);
	}
	if (fsync(volumes_dir(engine)) < 0)
		return error_set_errno(error, "cannot sync the volumes' directory");
	return true;
}

Volume *volume_create(Engine *engine, const VolumeCreate *options, GError **error)
{
	g_autofree char *random = options->name ? NULL : name_new_id();
	if (!check_create(options, options->name ? options->name : random, error))
		return NULL;
	if (options->ignore && options->name) {
		GError *failed = NULL;
		Volume *existing = volume_lookup(engine, options->name, &failed);
		if (failed)
			g_propagate_error(error, failed);
		if (existing || failed)
			return existing;
	}
	g_autoptr(Volume) volume = new_volume(engine, options->name ? options->name : random);
	volume->driver = g_strdup(options->driver ? options->driver : "local");
	volume->created = g_get_real_time() * 1000;
	volume->labels = ref_or_new(options->labels);
	volume->options = ref_or_new(options->options);
	volume->anonymous = options->anonymous;
	volume->needs_copy_up = true;
	if (options->uid_set)
		volume->uid = options->uid;
	if (options->gid_set)
		volume->gid = options->gid;
	g_autoptr(GError) failed = NULL;
	g_autoptr(Image) image = NULL;
	if (g_str_equal(volume->driver, DRIVER_IMAGE)) {
		volume->needs_copy_up = false;
		volume->uid = volume->gid = 0; /* its root is the image's, not its first user's */
		image = volume_image_find(engine, volume, error);
	}
	if (g_str_equal(volume->driver, DRIVER_IMAGE) ? !image
						      : !volume_options_apply(volume, error))
		return NULL;
	if (publish(engine, volume, image, &failed)) {
		event_volume(engine, "create", volume->name);
		return g_steal_pointer(&volume);
	}
	if (options->ignore && error_matches(failed, ENGINE_ERROR_EXISTS)) {
		GError *broken = NULL;
		Volume *existing = volume_lookup(engine, volume->name, &broken);
		if (existing)
			return existing;
		if (broken) {
			g_propagate_error(error, broken);
			return NULL;
		}
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "volume '%s' has lost its record", volume->name);
	}
	g_propagate_error(error, g_steal_pointer(&failed));
	return NULL;
}

bool volume_copied_up(Engine *engine, const char *name, GError **error)
{
	g_autoptr(Volume) volume = volume_resolve(engine, name, error);
	if (!volume)
		return false;
	volume->needs_copy_up = false;
	autofd dir = path_open_state(volumes_dir(engine), volume->name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return error_set_errno(error, "cannot open volume '%s'", name);
	g_autoptr(Json) json = to_json(volume);
	return js_save(dir, "volume.json", json, RECORD_SYNC_FULL, error);
}

/* Does _data hold anything? What we may not look into does. */
static bool has_data(int dir)
{
	autofd data = path_open_state(dir, "_data", O_RDONLY | O_DIRECTORY, 0);
	if (data < 0)
		return errno != ENOENT;
	g_auto(GStrv) names = record_list(data, NULL);
	return !names || names[0];
}

bool volume_restore(Engine *engine, const char *name, GError **error)
{
	struct stat st;
	autofd dir = path_open_state(volumes_dir(engine), name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 || fstat(dir, &st) < 0)
		return error_set_errno(error, "cannot open volume '%s'", name);
	g_autoptr(Volume) volume = new_volume(engine, name);
	volume->driver = g_strdup("local");
	volume->created = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	/* Kept by a prune of anonymous ones, whatever its name looks like: better safe. */
	volume->needs_copy_up = !has_data(dir);
	g_autoptr(Json) json = to_json(volume);
	return js_save(dir, "volume.json", json, RECORD_SYNC_FULL, error);
}

char **volume_users(Engine *engine, const char *name, GError **error)
{
	g_autoptr(GPtrArray) list = containers_list_users(engine, error);
	if (!list)
		return NULL;
	g_autoptr(GStrvBuilder) users = g_strv_builder_new();
	for (guint i = 0; i < list->len; i++) {
		const ContainerSummary *s = container_summary(g_ptr_array_index(list, i));
		if (g_strv_contains((const char *const *)s->volume_names, name))
			g_strv_builder_add(users, s->id);
	}
	return g_strv_builder_end(users);
}

RecordLock *volumes_pin(Engine *engine, GError **error)
{
	return record_lock(volumes_dir(engine), ".lock", true, -1, "create", error);
}

/* Take the volume away unless a container mounts it, while none can be recorded that does. */
static bool remove_unused(Engine *engine, const Volume *volume, GError **error)
{
	g_autoptr(RecordLock) lock =
		record_lock(volumes_dir(engine), ".lock", false, -1, "volume rm", error);
	g_auto(GStrv) users = lock ? volume_users(engine, volume->name, error) : NULL;
	if (!users)
		return false;
	if (users[0]) {
		g_autofree char *list = g_strjoinv(", ", users);
		error_set(error, ENGINE_ERROR_IN_USE,
			  "volume %s is being used by the following container(s): %s: "
			  "volume is being used",
			  volume->name, list);
		error_add_help(error,
			       "remove the containers first, or with it: skiff volume rm -f %s",
			       volume->name);
		return false;
	}
	if (!store_trash(engine_store(engine), "volumes", volume->name, error))
		return false;
	/* One with a name must not come back when the power has gone; the others are pruned. */
	if (!volume->anonymous && fsync(volumes_dir(engine)) < 0)
		return error_set_errno(error, "cannot sync the volumes' directory");
	event_volume(engine, "remove", volume->name);
	return true;
}

bool volume_remove(Engine *engine, const Volume *volume, bool force, GError **error)
{
	for (int round = 1;; round++) {
		g_autoptr(GError) failed = NULL;
		g_auto(GStrv) users = force ? volume_users(engine, volume->name, error) : NULL;
		if (force && (!users || !containers_remove(engine, users, error)))
			return false;
		if (remove_unused(engine, volume, &failed))
			return rootless_empty_trash(engine, error);
		if (!force || round == FORCE_ROUNDS ||
		    !error_matches(failed, ENGINE_ERROR_IN_USE)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
}

int volume_open_data(Engine *engine, const Volume *volume, GError **error)
{
	VolumeMount plan = {0};
	if (!volume_mount_plan(volume, &plan, error))
		return -1;
	g_strfreev(plan.options);
	if (plan.kind == VOLUME_IS_BIND) {
		int device = open(plan.device, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (device < 0)
			error_set_errno(error, "cannot open '%s'", plan.device);
		return device;
	}
	g_autofree char *path = g_build_filename(volume->name, "_data", NULL);
	int fd = path_open_state(volumes_dir(engine), path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		error_set_errno(error, "cannot open volume '%s'", volume->name);
	return fd;
}
