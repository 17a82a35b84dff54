/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking images up: by name, digest, id and id prefix; listing them. Takes no lock.
 *
 * A publication may rename an image into place or out of it at any moment; a record that vanishes
 * between two looks counts as absent.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/suggest.h"
#include "storage/digest.h"
#include "storage/image.h"
#include "storage/image_index.h"
#include "storage/image_priv.h"
#include "storage/reference.h"

/* How often names that change while they are searched are searched again. */
#define SEARCH_TRIES 20

typedef struct {
	char *id;     /* owned */
	size_t rank;  /* which of the wanted names it has */
	int64_t time; /* when it got it */
} NameSearch;

/* Ids of all images, or an empty list where there is no store yet. */
static char **list_ids(Store *store, GError **error)
{
	int images = store_dir(store, "images");
	if (images < 0)
		return error_set_errno_null(error, "cannot open '%s/images'", store_path(store));
	g_auto(GStrv) names = record_list(images, error);
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

/* "registry/repository:tag" of a reference that has been normalised. */
static char *full_name(const char *registry, const char *repository, const char *tag)
{
	return g_strdup_printf("%s/%s:%s", registry, repository, tag ? tag : "latest");
}

/* The names a user may mean, best first. NULL-terminated. */
static char **candidate_names(const Reference *reference)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(Reference) normal = reference_normalize(reference);
	if (reference_is_short(reference))
		g_ptr_array_add(names,
				full_name("localhost", reference->repository, reference->tag));
	g_ptr_array_add(names, full_name(normal->registry, normal->repository, normal->tag));
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* When were an image's names written last? Nanoseconds; -1 if it has none. */
static int64_t names_time(const struct stat *st)
{
	return st->st_ino ? (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec : -1;
}

/* The state of an image's names, for changes_note(); zeros if there are none. */
static struct stat stat_names(Store *store, const char *id)
{
	struct stat st;
	g_autofree char *path = g_strconcat(id, "/names", NULL);
	bool there = fstatat(store_dir(store, "images"), path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	return there ? st : (struct stat){0};
}

/* Note which record has which names: what is noted again as the same has not changed between. */
static void changes_note(GString *notes, const char *id, const struct stat *st)
{
	g_string_append_printf(notes, "%s %ju %jd.%09ld\n", id, (uintmax_t)st->st_ino,
			       (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

/*
 * The lines of an image's file; none of one that is damaged or gone, whose neighbours are to be
 * found all the same. What may be read another time is an error: it may be the one that is looked
 * for. Return: false with an error.
 */
static bool read_lines(Store *store, const char *id, const char *name, int *out_dir, char ***out,
		       GError **error)
{
	g_autoptr(GError) problem = NULL;
	autofd dir = image_dir_open(store, id, &problem);
	g_auto(GStrv) lines = dir < 0 ? NULL : image_lines_read(dir, name, &problem);
	if (error_matches(problem, ENGINE_ERROR_SYSTEM)) {
		g_propagate_prefixed_error(error, g_steal_pointer(&problem), "image '%.12s': ", id);
		return false;
	}
	*out = g_steal_pointer(&lines);
	*out_dir = fd_steal(&dir);
	return true;
}

/* One pass over all records; the notes are of the moment before each was read. */
static bool search_names(Store *store, char **wanted, GString *notes, NameSearch *out,
			 GError **error)
{
	g_auto(GStrv) ids = list_ids(store, error);
	for (size_t i = 0; ids && ids[i]; i++) {
		autofd dir = -1;
		g_auto(GStrv) names = NULL;
		struct stat st = stat_names(store, ids[i]);
		changes_note(notes, ids[i], &st);
		if (!read_lines(store, ids[i], "names", &dir, &names, error))
			return false;
		for (size_t rank = 0; names && wanted[rank] && rank <= out->rank; rank++) {
			if (!g_strv_contains((const char *const *)names, wanted[rank]))
				continue;
			if (rank < out->rank || names_time(&st) > out->time) {
				g_free(out->id);
				*out = (NameSearch){g_strdup(ids[i]), rank, names_time(&st)};
			}
			break;
		}
	}
	return ids != NULL;
}

/* Have no names changed since they were noted? */
static bool is_unchanged(Store *store, const GString *notes)
{
	g_autoptr(GString) now = g_string_new(NULL);
	g_auto(GStrv) ids = list_ids(store, NULL);
	for (size_t i = 0; ids && ids[i]; i++) {
		struct stat st = stat_names(store, ids[i]);
		changes_note(now, ids[i], &st);
	}
	return g_string_equal(now, notes);
}

/*
 * Id of the image that has the best of @wanted, NULL without error if none has one. A name goes to
 * its new image before it leaves the old one; but who reads the new one before and the old one
 * after sees it in none. So that the best was not found is believed only if nothing has changed.
 */
static char *find_by_name(Store *store, char **wanted, GError **error)
{
	for (int try = 0;; try++) {
		g_autoptr(GString) notes = g_string_new(NULL);
		NameSearch found = {.rank = G_MAXSIZE, .time = -1};
		if (!search_names(store, wanted, notes, &found, error)) {
			g_free(found.id);
			return NULL;
		}
		if (found.rank == 0 || try == SEARCH_TRIES || is_unchanged(store, notes))
			return found.id;
		g_free(found.id);
	}
}

/* Does one of the image's manifests have this digest? Return: 1, 0, -1 with an error. */
static int has_manifest(Store *store, const char *id, const char *digest, GError **error)
{
	g_autofree char *path = g_strconcat(id, "/manifests/", digest, NULL);
	int there = path_is_there(store_dir(store, "images"), path);
	if (there < 0)
		error_set_errno(error, "image '%.12s'", id);
	return there;
}

/* The repository of a name: without its tag. */
static char *repository_of(const char *name)
{
	return g_strndup(name, (gsize)(strrchr(name, ':') - name));
}

char **image_all_digests(const Image *image)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (char **line = image->repo_digests; *line; line++)
		g_ptr_array_add(all, g_strdup(*line));
	for (char **name = image->names; image->digest && *name; name++) {
		g_autofree char *repository = repository_of(*name);
		g_autofree char *line = g_strconcat(repository, "@", image->digest, NULL);
		if (!g_ptr_array_find_with_equal_func(all, line, g_str_equal, NULL))
			g_ptr_array_add(all, g_steal_pointer(&line));
	}
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

/* Has an image a name in the repository of "registry/repository@digest"? */
static bool has_name_in(char *const *names, const char *wanted)
{
	size_t length = (size_t)(strrchr(wanted, '@') - wanted);
	for (; names && *names; names++)
		if ((size_t)(strrchr(*names, ':') - *names) == length &&
		    strncmp(*names, wanted, length) == 0)
			return true;
	return false;
}

/* Is one of @wanted this image's: pulled so, or the digest of a manifest under one of its names?
 * Return: 1, 0, -1 with an error. */
static int has_repo_digest(Store *store, const char *id, char *const *wanted, const char *digest,
			   GError **error)
{
	autofd dir = -1, again = -1;
	g_auto(GStrv) digests = NULL;
	g_auto(GStrv) names = NULL;
	if (!read_lines(store, id, "digests", &dir, &digests, error) ||
	    !read_lines(store, id, "names", &again, &names, error))
		return -1;
	for (; *wanted; wanted++) {
		if (digests && g_strv_contains((const char *const *)digests, *wanted))
			return 1;
		int has = has_name_in(names, *wanted) ? has_manifest(store, id, digest, error) : 0;
		if (has != 0)
			return has;
	}
	return 0;
}

/* name@digest: an image of that repository with that digest. */
static char *find_by_digest(Store *store, char **ids, const Reference *reference, GError **error)
{
	g_auto(GStrv) wanted = candidate_names(reference);
	for (size_t i = 0; wanted[i]; i++) {
		/* Turn "registry/repository:tag" into "registry/repository@digest". */
		char *colon = strrchr(wanted[i], ':');
		*colon = '\0';
		char *line = g_strconcat(wanted[i], "@", reference->digest, NULL);
		g_free(wanted[i]);
		wanted[i] = line;
	}
	for (size_t i = 0; ids[i]; i++) {
		int has = has_repo_digest(store, ids[i], wanted, reference->digest, error);
		if (has != 0)
			return has > 0 ? g_strdup(ids[i]) : NULL;
	}
	return NULL;
}

/* A unique prefix of an id. Return: NULL without @error if none matches. */
static char *find_by_prefix(char **ids, const char *prefix, GError **error)
{
	const char *found = NULL;
	for (size_t i = 0; ids[i]; i++) {
		if (!g_str_has_prefix(ids[i], prefix))
			continue;
		if (found)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "image id '%s' is ambiguous: it begins more than one",
					      prefix);
		found = ids[i];
	}
	return g_strdup(found);
}

/* "sha256:..." may be an image's id or a manifest's digest. */
static char *find_by_bare_digest(Store *store, char **ids, const char *digest, GError **error)
{
	if (g_strv_contains((const char *const *)ids, digest_hex(digest)))
		return g_strdup(digest_hex(digest));
	for (size_t i = 0; ids[i]; i++) {
		int has = has_manifest(store, ids[i], digest, error);
		if (has != 0)
			return has > 0 ? g_strdup(ids[i]) : NULL;
	}
	return NULL;
}

static bool is_hex(const char *text)
{
	return text[0] && text[strspn(text, "0123456789abcdef")] == '\0';
}

char *image_name_holder(Store *store, const char *name, GError **error)
{
	char *wanted[] = {(char *)name, NULL};
	return find_by_name(store, wanted, error);
}

char *image_find_id(Store *store, const char *name, GError **error)
{
	g_auto(GStrv) ids = list_ids(store, error);
	if (!ids)
		return NULL;
	if (digest_is_valid(name))
		return find_by_bare_digest(store, ids, name, error);
	if (image_id_is_valid(name) && g_strv_contains((const char *const *)ids, name))
		return g_strdup(name);

	const char *prefix = g_str_has_prefix(name, "sha256:") ? name + strlen("sha256:") : name;
	g_autoptr(Reference) reference = reference_parse(name, NULL);
	GError *failed = NULL;
	char *id = NULL;
	if (reference && reference->digest) {
		id = find_by_digest(store, ids, reference, &failed);
	} else if (reference) {
		g_auto(GStrv) wanted = candidate_names(reference);
		id = find_by_name(store, wanted, &failed);
	}
	if (!id && !failed && is_hex(prefix))
		id = find_by_prefix(ids, prefix, &failed);
	if (failed)
		g_propagate_error(error, failed);
	return id;
}

Image *image_lookup(Store *store, const char *name, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *id = image_find_id(store, name, &problem);
	g_autoptr(ImageIndex) index =
		id || problem ? NULL : image_index_lookup(store, name, &problem);
	/* The name may have gone from a list to an image meanwhile. */
	if (!id && !index && !problem)
		id = image_find_id(store, name, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	if (index)
		return image_index_choose(store, index, NULL, error);
	return id ? image_load(store, id, error) : NULL;
}

/* The names of all images, as they are and as short as they may be typed. */
static char **typed_names(Store *store)
{
	g_autoptr(GPtrArray) images = images_list(store, NULL);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	for (guint i = 0; images && i < images->len; i++) {
		const Image *image = images->pdata[i];
		for (char **name = image->names; *name; name++) {
			g_autofree char *bare = g_str_has_suffix(*name, ":latest")
							? g_strndup(*name, strlen(*name) - 7)
							: g_strdup(*name);
			g_strv_builder_add(names, *name);
			g_strv_builder_add(names, bare);
			g_strv_builder_add(names, strrchr(bare, '/') + 1);
		}
	}
	return g_strv_builder_end(names);
}

void *image_set_unknown(Store *store, const char *name, GError **error)
{
	bool is_id = is_hex(g_str_has_prefix(name, "sha256:") ? name + strlen("sha256:") : name);
	g_autoptr(Reference) reference = is_id ? NULL : reference_parse(name, error);
	if (!is_id && !reference)
		return NULL;
	error_set(error, ENGINE_ERROR_NOT_FOUND, "%s: image not known", name);
	g_auto(GStrv) names = error ? typed_names(store) : NULL;
	suggest_add_near(name, names, "skiff images shows all; skiff pull fetches one", error);
	return NULL;
}

Image *image_resolve(Store *store, const char *name, GError **error)
{
	g_autoptr(GError) problem = NULL;
	Image *image = image_lookup(store, name, &problem);
	if (!image && !problem)
		return image_set_unknown(store, name, error);
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	return image;
}

const char *image_find_name(const Image *image, const char *text)
{
	g_autoptr(Reference) reference = reference_parse(text, NULL);
	if (!reference || reference->digest)
		return NULL;
	g_auto(GStrv) wanted = candidate_names(reference);
	for (size_t i = 0; wanted[i]; i++)
		for (size_t j = 0; image->names[j]; j++)
			if (strcmp(image->names[j], wanted[i]) == 0)
				return image->names[j];
	return NULL;
}

/* Newest first; the id decides between equals so that lists are stable. */
static int compare_images(gconstpointer a, gconstpointer b)
{
	const Image *left = *(Image *const *)a;
	const Image *right = *(Image *const *)b;
	if (left->created != right->created)
		return left->created < right->created ? 1 : -1;
	return strcmp(left->id, right->id);
}

GPtrArray *images_list(Store *store, GError **error)
{
	g_auto(GStrv) ids = list_ids(store, error);
	if (!ids)
		return NULL;
	GPtrArray *images = g_ptr_array_new_with_free_func((GDestroyNotify)image_free);
	for (size_t i = 0; ids[i]; i++) {
		g_autoptr(GError) problem = NULL;
		Image *image = image_load(store, ids[i], &problem);
		if (image)
			g_ptr_array_add(images, image);
		else if (problem)
			log_warn("%s", problem->message);
	}
	g_ptr_array_sort(images, compare_images);
	return images;
}
