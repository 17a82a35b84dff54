/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: their records on disk, publishing, names, removal. Looking one up is image_lookup.c.
 *
 * images/.lock orders writers of names; readers take nothing. A name moves by being written to its
 * new image first and taken from the old one second: a crash in between leaves it in both, and
 * readers believe the record that was written last, which is the new one.
 */
#include "storage/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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
#include "storage/layer.h"
#include "storage/manifest.h"

void image_free(Image *image)
{
	if (!image)
		return;
	g_free(image->id);
	g_strfreev(image->names);
	g_strfreev(image->repo_digests);
	g_free(image->digest);
	g_strfreev(image->chain_ids);
	image_config_free(image->config);
	g_free(image->config_text);
	g_free(image);
}

bool image_id_is_valid(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

int image_dir_open(Store *store, const char *id, GError **error)
{
	int images = store_dir(store, "images");
	int dir = images < 0 ? -1 : path_open_state(images, id, O_PATH | O_DIRECTORY, 0);
	if (dir < 0 && errno != ENOENT)
		(void)error_set_errno(error, "cannot open image '%.12s'", id);
	return dir;
}

char **image_lines_read(int dir_fd, const char *name, GError **error)
{
	g_autoptr(GError) problem = NULL;
	size_t size = 0;
	g_autofree char *text = record_read(dir_fd, name, IMAGE_LINES_MAX_SIZE, &size, &problem);
	if (!text && error_matches(problem, ENGINE_ERROR_NOT_FOUND))
		return g_new0(char *, 1);
	if (!text) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	if (seal_check(text, size, &size) == SEAL_BROKEN)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "%s: its checksum does not match", name);
	text[size] = '\0';
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; lines[i]; i++)
		if (lines[i][0])
			g_ptr_array_add(kept, g_strdup(lines[i]));
	g_ptr_array_add(kept, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}

/* Replace a file of lines as a whole. */
static bool write_lines(int dir_fd, const char *name, GPtrArray *lines, RecordSync sync,
			GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; i < lines->len; i++)
		g_string_append_printf(text, "%s\n", (const char *)lines->pdata[i]);
	g_autofree char *sealed = seal_text(text->str);
	return record_replace(dir_fd, name, sealed, strlen(sealed), sync, error);
}

/* Chain ids of a config's layers, bottom first. */
static char **chain_ids_of(const ImageConfig *config)
{
	size_t n = g_strv_length(config->diff_ids);
	char **chain_ids = g_new0(char *, n + 1);
	for (size_t i = 0; i < n; i++)
		chain_ids[i] = digest_chain_id(i ? chain_ids[i - 1] : NULL, config->diff_ids[i]);
	return chain_ids;
}

/* The small figures kept beside the config: size, manifest digest. */
static bool read_figures(int dir_fd, Image *image, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Json) json = js_load(dir_fd, "image.json", 4096, &problem);
	if (!json && error_matches(problem, ENGINE_ERROR_NOT_FOUND))
		return true;
	int64_t size = 0;
	if (!json || !js_get_int(json, "size", 0, INT64_MAX, &size, &problem) ||
	    !js_dup_string(json, "digest", &image->digest, &problem)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	image->size = (uint64_t)size;
	return true;
}

int64_t image_checked(Store *store, const Image *image)
{
	struct stat st;
	autofd dir = image_dir_open(store, image->id, NULL);
	return dir < 0 || fstat(dir, &st) < 0
		       ? 0
		       : (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

bool image_mark_checked(Store *store, const Image *image, GError **error)
{
	autofd dir = image_dir_open(store, image->id, error);
	return dir >= 0 &&
	       (futimens(dir, NULL) == 0 || error_set_errno(error, "image '%s'", image->id));
}

Image *image_load(Store *store, const char *id, GError **error)
{
	g_autoptr(GError) problem = NULL;
	autofd dir = image_dir_open(store, id, error);
	if (dir < 0)
		return NULL;
	g_autoptr(Image) image = g_new0(Image, 1);
	image->id = g_strdup(id);
	image->config_text = record_read(dir, "config.json", IMAGE_CONFIG_MAX_SIZE,
					 &image->config_size, &problem);
	if (image->config_text)
		image->config =
			image_config_parse(image->config_text, image->config_size, &problem);
	if (image->config)
		image->names = image_lines_read(dir, "names", &problem);
	if (image->names)
		image->repo_digests = image_lines_read(dir, "digests", &problem);
	bool read = image->repo_digests && read_figures(dir, image, &problem);
	/* Removed while it was read? Then it is absent: not broken, and not without names. */
	if (!read || !image->names[0] || !image->repo_digests[0]) {
		autofd again = image_dir_open(store, id, error);
		if (again < 0)
			return NULL;
	}
	if (!read)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "image '%.12s' has a broken record: %s", id,
				      problem->message);

	image->chain_ids = chain_ids_of(image->config);
	if (image->config->created &&
	    !units_parse_time(image->config->created, units_now(), &image->created, NULL))
		image->created = 0;
	return g_steal_pointer(&image);
}

/* Do all layers exist? Add up their sizes. */
static bool check_layers(Store *store, const ImageConfig *config, uint64_t *out_size,
			 GError **error)
{
	g_auto(GStrv) chain_ids = chain_ids_of(config);
	uint64_t size = 0;
	for (size_t i = 0; chain_ids[i]; i++) {
		g_autoptr(GError) problem = NULL;
		g_autoptr(Layer) layer = layer_lookup(store, chain_ids[i], &problem);
		if (!layer)
			return error_set(error, ENGINE_ERROR_CORRUPT, "layer '%s' is missing: %s",
					 config->diff_ids[i],
					 problem ? problem->message : "not in the store");
		size += layer->size;
	}
	*out_size = size;
	return true;
}

/* Is @line in @lines? */
static bool has_line(GPtrArray *lines, const char *line)
{
	for (size_t i = 0; i < lines->len; i++)
		if (strcmp(lines->pdata[i], line) == 0)
			return true;
	return false;
}

/* Add @added (may be NULL) to a file of lines, if anything is new. */
static bool add_lines(int dir_fd, const char *name, const char *const *added, RecordSync sync,
		      GError **error)
{
	if (!added || !added[0])
		return true;
	g_auto(GStrv) old = image_lines_read(dir_fd, name, error);
	if (!old)
		return false;
	g_autoptr(GPtrArray) lines = g_ptr_array_new();
	for (size_t i = 0; old[i]; i++)
		g_ptr_array_add(lines, old[i]);
	for (size_t i = 0; added[i]; i++)
		if (!has_line(lines, added[i]))
			g_ptr_array_add(lines, (char *)added[i]);
	/* Written even when nothing is new: the time of writing says which image has a name now. */
	return write_lines(dir_fd, name, lines, sync, error);
}

/* Take @taken out of one image's names. */
static bool drop_names(Store *store, const char *id, const char *const *taken, GError **error)
{
	autofd dir = image_dir_open(store, id, error);
	if (dir < 0)
		return !error || !*error;
	g_auto(GStrv) old = image_lines_read(dir, "names", error);
	if (!old)
		return false;
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; old[i]; i++)
		if (!g_strv_contains(taken, old[i]))
			g_ptr_array_add(kept, old[i]);
	if (kept->len == g_strv_length(old))
		return true;
	return write_lines(dir, "names", kept, RECORD_SYNC_FULL, error);
}

bool image_take_names(Store *store, const char *id, const char *const *names, GError **error)
{
	if (!names || !names[0])
		return true;
	g_auto(GStrv) ids = record_list(store_dir(store, "images"), error);
	if (!ids)
		return false;
	for (size_t i = 0; ids[i]; i++) {
		g_autoptr(GError) problem = NULL;
		if (strcmp(ids[i], id) != 0 && !drop_names(store, ids[i], names, &problem) &&
		    problem)
			/* A broken neighbour: readers prefer our record, which is newer. */
			log_warn("image '%.12s': %s", ids[i], problem->message);
	}
	image_index_take_names(store, id, names);
	return true;
}

/* Write manifests/DIGEST into an image's directory. */
static bool write_manifest(int dir_fd, const ImagePublish *publish, RecordSync sync, GError **error)
{
	if (!publish->manifest)
		return true;
	if (mkdirat(dir_fd, "manifests", 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, "cannot make 'manifests'");
	autofd manifests = path_open_state(dir_fd, "manifests", O_RDONLY | O_DIRECTORY, 0);
	if (manifests < 0)
		return error_set_errno(error, "cannot open 'manifests'");
	g_autofree char *digest = digest_of(publish->manifest, publish->manifest_size);
	return record_replace(manifests, digest, publish->manifest, publish->manifest_size, sync,
			      error);
}

char *image_manifest_read(Store *store, const Image *image, size_t *out_size, GError **error)
{
	if (!image->digest || !digest_check(image->digest, error))
		return NULL;
	g_autoptr(GError) problem = NULL;
	autofd dir = image_dir_open(store, image->id, error);
	autofd manifests =
		dir < 0 ? -1 : path_open_state(dir, "manifests", O_RDONLY | O_DIRECTORY, 0);
	if (manifests < 0)
		return NULL;
	char *text = record_read(manifests, image->digest, MANIFEST_MAX_SIZE, out_size, &problem);
	if (!text && !error_matches(problem, ENGINE_ERROR_NOT_FOUND))
		g_propagate_error(error, g_steal_pointer(&problem));
	return text;
}

static bool write_figures(int dir_fd, const ImagePublish *publish, uint64_t size, RecordSync sync,
			  GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "size", (int64_t)size);
	if (publish->manifest) {
		g_autofree char *digest = digest_of(publish->manifest, publish->manifest_size);
		js_set_string(json, "digest", digest);
	}
	return js_save(dir_fd, "image.json", json, sync, error);
}

/* All but config.json, into a new directory or the existing one. */
static bool write_record(int dir_fd, const ImagePublish *publish, uint64_t size, RecordSync sync,
			 GError **error)
{
	const char *digests[] = {publish->repo_digest, NULL};
	return write_manifest(dir_fd, publish, sync, error) &&
	       (sync == RECORD_SYNC_FULL && !publish->manifest
			? true
			: write_figures(dir_fd, publish, size, sync, error)) &&
	       add_lines(dir_fd, "digests", digests, sync, error) &&
	       add_lines(dir_fd, "names", publish->names, sync, error);
}

/* Fill a stage with the record and rename it to images/ID. */
static bool publish_new(Store *store, const char *id, const ImagePublish *publish, uint64_t size,
			GError **error)
{
	g_autoptr(StoreStage) stage = store_stage_new(store, error);
	if (!stage)
		return false;
	int staging = store_stage_fd(stage);
	if (mkdirat(staging, "image", 0700) < 0)
		return error_set_errno(error, "cannot stage image '%.12s'", id);
	autofd dir = path_open_state(staging, "image", O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return error_set_errno(error, "cannot stage image '%.12s'", id);
	if (!record_replace(dir, "config.json", publish->config, publish->config_size,
			    RECORD_SYNC_NONE, error) ||
	    !write_record(dir, publish, size, RECORD_SYNC_NONE, error))
		return false;

	int images = store_dir(store, "images");
	if (syncfs(dir) < 0 || renameat2(staging, "image", images, id, RENAME_NOREPLACE) < 0 ||
	    fsync(images) < 0)
		return error_set_errno(error, "cannot publish image '%.12s'", id);
	return true;
}

/* A config that the disk has damaged is here again now. */
static bool heal_config(int dir_fd, const ImagePublish *publish, GError **error)
{
	size_t size = 0;
	g_autofree char *text =
		record_read(dir_fd, "config.json", IMAGE_CONFIG_MAX_SIZE, &size, NULL);
	if (text && size == publish->config_size && memcmp(text, publish->config, size) == 0)
		return true;
	return record_replace(dir_fd, "config.json", publish->config, publish->config_size,
			      RECORD_SYNC_FULL, error);
}

static RecordLock *lock_images(Store *store, bool shared, const char *operation, GError **error)
{
	int images = store_dir(store, "images");
	if (images < 0)
		return error_set_errno_null(error, "cannot open '%s/images'", store_path(store));
	return record_lock(images, ".lock", shared, -1, operation, error);
}

RecordLock *image_names_lock(Store *store, const char *operation, GError **error)
{
	return lock_images(store, false, operation, error);
}

RecordLock *image_pin(Store *store, const char *id, GError **error)
{
	g_autoptr(RecordLock) lock = lock_images(store, true, "create", error);
	int there = lock ? path_is_there(store_dir(store, "images"), id) : -1;
	if (lock && there < 0)
		return error_set_errno_null(error, "cannot look for image '%.12s'", id);
	if (lock && !there)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "%.12s: image not known", id);
	return g_steal_pointer(&lock);
}

/* One that came without. Return: to be freed behind @publish. */
static char *make_manifest(Store *store, ImagePublish *publish, GError **error)
{
	char *made = image_make_manifest(store, publish->config, publish->config_size,
					 publish->form, publish->annotations, error);
	publish->manifest = made;
	publish->manifest_size = made ? strlen(made) : 0;
	return made;
}

char *image_publish(Store *store, const ImagePublish *asked, GError **error)
{
	ImagePublish own = *asked;
	const ImagePublish *publish = &own;
	g_autoptr(ImageConfig) config =
		image_config_parse(publish->config, publish->config_size, error);
	if (!config)
		return NULL;
	g_autofree char *digest = digest_of(publish->config, publish->config_size);
	g_autofree char *id = g_strdup(digest_hex(digest));
	g_autoptr(RecordLock) lock = lock_images(store, false, "image", error);
	if (!lock)
		return NULL;

	/* No sweep between our look at the layers and the record that needs them. */
	g_autoptr(RecordLock) layers_lock = layers_lock_shared(store, error);
	uint64_t size = 0;
	if (!layers_lock || !check_layers(store, config, &size, error))
		return NULL;
	g_autoptr(GError) problem = NULL;
	autofd dir = image_dir_open(store, id, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	g_autofree char *made = NULL;
	if (!own.manifest && (dir < 0 || own.annotations) &&
	    !(made = make_manifest(store, &own, error)))
		return NULL;
	bool done = dir < 0 ? publish_new(store, id, publish, size, error)
			    : heal_config(dir, publish, error) &&
				      write_record(dir, publish, size, RECORD_SYNC_FULL, error);
	if (!done || !image_take_names(store, id, publish->names, error))
		return NULL;
	return g_steal_pointer(&id);
}

/* The directory of an image that was there a moment ago. -1 with NOT_FOUND if it is gone. */
static int open_known(Store *store, const Image *image, GError **error)
{
	g_autoptr(GError) problem = NULL;
	int dir = image_dir_open(store, image->id, &problem);
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	else if (dir < 0)
		error_set(error, ENGINE_ERROR_NOT_FOUND, "image '%.12s' is gone", image->id);
	return dir;
}

bool image_tag(Store *store, const Image *image, const char *name, GError **error)
{
	g_autoptr(RecordLock) lock = lock_images(store, false, "tag", error);
	autofd dir = lock ? open_known(store, image, error) : -1;
	if (dir < 0)
		return false;
	const char *names[] = {name, NULL};
	return add_lines(dir, "names", names, RECORD_SYNC_FULL, error) &&
	       image_take_names(store, image->id, names, error);
}

bool image_untag(Store *store, const Image *image, const char *name, GError **error)
{
	g_autoptr(RecordLock) lock = lock_images(store, false, "untag", error);
	autofd dir = lock ? open_known(store, image, error) : -1;
	if (dir < 0)
		return false;
	g_auto(GStrv) old = image_lines_read(dir, "names", error);
	if (!old)
		return false;
	if (name && !g_strv_contains((const char *const *)old, name))
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "%s: tag not known", name);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; name && old[i]; i++)
		if (strcmp(old[i], name) != 0)
			g_ptr_array_add(kept, old[i]);
	return write_lines(dir, "names", kept, RECORD_SYNC_FULL, error);
}

bool image_remove(Store *store, const Image *image, ImageCheck check, void *data, GError **error)
{
	g_autoptr(RecordLock) lock = lock_images(store, false, "rmi", error);
	if (!lock || (check && !check(image, data, error)) ||
	    !store_trash(store, "images", image->id, error))
		return false;
	if (fsync(store_dir(store, "images")) < 0)
		return error_set_errno(error, "cannot sync '%s/images'", store_path(store));
	g_clear_pointer(&lock, record_unlock);
	return layers_sweep(store, error);
}

bool image_manifest_type(Store *store, const Image *image, char **out_type, GError **error)
{
	*out_type = NULL;
	if (!image->digest)
		return true;
	g_autoptr(GError) problem = NULL;
	g_autofree char *name = g_strdup_printf("%s/manifests/%s", image->id, image->digest);
	g_autoptr(Json) manifest =
		js_load(store_dir(store, "images"), name, MANIFEST_MAX_SIZE, &problem);
	if (manifest)
		return js_dup_string(manifest, "mediaType", out_type, error);
	if (error_matches(problem, ENGINE_ERROR_NOT_FOUND))
		return true;
	g_propagate_prefixed_error(error, g_steal_pointer(&problem), "image '%.12s': ", image->id);
	return false;
}
