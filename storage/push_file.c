/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push to a directory or an archive. Runs in skiff-fetch.
 */
#include "storage/push_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "storage/image.h"
#include "storage/layer.h"
#include "storage/reference.h"

typedef struct {
	const char *prefix;
	SaveFormat format;
	bool has_name;
} Place;

static const Place places[] = {
	{"oci:", SAVE_OCI_DIR, true},
	{"oci-archive:", SAVE_OCI_ARCHIVE, true},
	{"docker-archive:", SAVE_DOCKER_ARCHIVE, true},
	{"dir:", SAVE_DOCKER_DIR, false},
};

static const Place *find_place(const char *destination)
{
	for (size_t i = 0; destination && i < G_N_ELEMENTS(places); i++)
		if (g_str_has_prefix(destination, places[i].prefix))
			return &places[i];
	return NULL;
}

bool push_is_to_file(const char *destination)
{
	return find_place(destination) != NULL;
}

/* A name in a layout: words of letters and digits, parted by one of "-._:@+" or by "--". */
static bool check_layout_name(const char *name, GError **error)
{
	if (!*name || g_regex_match_simple("^[A-Za-z0-9]+((--|[-._:@+/])[A-Za-z0-9]+)*$", name,
					   G_REGEX_DOLLAR_ENDONLY, 0))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID, "invalid image %s", name);
}

/* What it is called in there: "" for no name. g_free() it. */
static char *name_inside(const Place *place, const char *text, GError **error)
{
	if (!text || !*text || place->format != SAVE_DOCKER_ARCHIVE)
		return check_layout_name(text ? text : "", error) ? g_strdup(text ? text : "")
								  : NULL;
	g_autoptr(Reference) typed = reference_parse(text, error);
	if (!typed)
		return NULL;
	if (typed->digest)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "docker-archive doesn't support digest references: '%s'",
				      text);
	g_autoptr(Reference) normal = reference_normalize(typed);
	return reference_format(normal);
}

/* What a place cannot hold. */
static bool check_format(const Place *place, const PushOptions *options, GError **error)
{
	bool oci = place->format == SAVE_OCI_DIR || place->format == SAVE_OCI_ARCHIVE;
	bool archive = place->format == SAVE_DOCKER_ARCHIVE;
	if (oci && options->format == PUSH_FORMAT_DOCKER)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "format v2s2 cannot be written to '%s', only oci", place->prefix);
	if (archive && options->format == PUSH_FORMAT_OCI)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "format oci cannot be written to '%s', only v2s2", place->prefix);
	if (archive && (options->compress.format != COMPRESS_GZIP || options->compress.level != 0))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "a compression cannot be chosen for the format docker-archive");
	return true;
}

/* podman adds nothing to an archive of docker's form either. */
static bool check_new(const Place *place, const char *path, GError **error)
{
	struct stat st;
	if (place->format != SAVE_DOCKER_ARCHIVE ||
	    fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size == 0)
		return true;
	return error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "docker-archive doesn't support modifying existing images: '%s'", path);
}

/* A destination, taken apart. */
typedef struct {
	const Place *place;
	char *path; /* owned */
	char *as;   /* the name in there, "" for none; owned */
} Target;

static void target_clear(Target *target)
{
	g_free(target->path);
	g_free(target->as);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Target, target_clear)

static bool parse_target(const char *destination, const PushOptions *options, Target *out,
			 GError **error)
{
	const Place *place = out->place = find_place(destination);
	g_auto(GStrv) parts =
		g_strsplit(destination + strlen(place->prefix), ":", place->has_name ? 2 : 1);
	if (!parts[0] || !*parts[0])
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' names no path", destination);
	out->path = g_strdup(parts[0]);
	out->as = name_inside(place, parts[1], error);
	return out->as && check_format(place, options, error) && check_new(place, out->path, error);
}

/* The bytes of an image's layers, as they are in the store. */
static void count_layers(Store *store, const Image *image, PushResult *result)
{
	for (size_t i = 0; image->chain_ids[i]; i++) {
		g_autoptr(Layer) layer = layer_lookup(store, image->chain_ids[i], NULL);
		result->n_layers++;
		result->sent += layer ? (int64_t)layer->tar_size : 0;
	}
}

/* Write what @save has besides. */
static PushResult *write_target(Store *store, const Target *target, const PushOptions *options,
				const SaveOptions *what, const char *destination, GError **error)
{
	g_autoptr(PushResult) result = g_new0(PushResult, 1);
	SaveOptions save = *what;
	save.format = target->place->format;
	save.output = target->path;
	save.as = target->as;
	save.oci_manifest = options->format == PUSH_FORMAT_OCI;
	save.out_digest = &result->digest;
	save.compress = options->compress;
	if (!images_save(store, &save, error))
		return NULL;
	result->name = g_strdup(destination);
	return g_steal_pointer(&result);
}

PushResult *image_push_file(Store *store, const char *name, const char *destination,
			    const PushOptions *options, GError **error)
{
	g_auto(Target) target = {0};
	g_autoptr(Image) image = image_resolve(store, name, error);
	if (!image || !parse_target(destination, options, &target, error))
		return NULL;
	const SaveOptions what = {.images = (const char *const[]){name, NULL}};
	PushResult *result = write_target(store, &target, options, &what, destination, error);
	if (result)
		count_layers(store, image, result);
	return result;
}

bool push_file_check_index(const char *destination, const PushOptions *options, GError **error)
{
	g_auto(Target) target = {0};
	if (find_place(destination)->format == SAVE_DOCKER_ARCHIVE)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "copying multiple images: destination transport "
				 "\"docker-archive\" does not support copying multiple images as "
				 "a group");
	return parse_target(destination, options, &target, error);
}

PushResult *push_file_index(Store *store, const SaveIndex *index, const char *destination,
			    const PushOptions *options, GError **error)
{
	g_auto(Target) target = {0};
	if (!parse_target(destination, options, &target, error))
		return NULL;
	const SaveOptions what = {.index = index};
	PushResult *result = write_target(store, &target, options, &what, destination, error);
	for (size_t i = 0; result && index->ids && index->ids[i]; i++) {
		g_autoptr(Image) image = image_lookup(store, index->ids[i], NULL);
		if (image)
			count_layers(store, image, result);
	}
	return result;
}
