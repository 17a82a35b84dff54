/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each item goes, by docker's rules, and who owns it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "build/copy_priv.h"
#include "build/tarball.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/runtime/privileges.h"

#define WORK_SIZE (512u << 10)

/* --chown: names by the destination's own files; a number alone is user and group. */
static bool take_owner(CopyWriter *w, GError **error)
{
	const char *chown = w->plan->spec.chown;
	if (!chown)
		return true;
	int users = w->target->users_fd >= 0 ? w->target->users_fd : w->target->dest_fd;
	g_autofree ResolvedUser *user = g_new0(ResolvedUser, 1);
	int result = privileges_resolve_user(users, chown, NULL, user);
	if (result == -ENOENT)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--chown '%s': no such user or group in the image", chown);
	if (result < 0)
		return error_set(error, ENGINE_ERROR_INVALID, "--chown '%s': %s", chown,
				 strerror(-result));
	w->has_owner = true;
	w->uid = user->uid;
	w->gid = strspn(chown, "0123456789") == strlen(chown) ? user->uid : user->gid;
	return true;
}

bool copy_owner_error(const char *path, uint32_t uid, uint32_t gid, GError **error)
{
	if (errno != EINVAL && errno != EOVERFLOW)
		return error_set_errno(error, "cannot change the owner of '%s'", path);
	(void)error_set(error, ENGINE_ERROR_UNSUPPORTED,
			"'%s' would belong to %u:%u, which your range of sub-ids does not reach",
			path, uid, gid);
	error_add_help(error, "give the user a larger range: sudo usermod --add-subuids FIRST-LAST "
			      "--add-subgids FIRST-LAST $USER");
	return false;
}

/* Open the directory at a canonical path, making what is missing, which the copy's user owns. */
static int ensure_dirs(const CopyWriter *w, const char *path, GError **error)
{
	autofd at = path_open_in_root(w->target->dest_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	const struct timespec times[2] = {{.tv_sec = w->target->mtime},
					  {.tv_sec = w->target->mtime}};
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	for (size_t i = 0; at >= 0 && names[i]; i++) {
		if (!*names[i])
			continue;
		bool made = mkdirat(at, names[i], 0755) == 0;
		if (!made && errno != EEXIST) {
			(void)error_set_errno(error, "cannot make the directory '/%s'", path);
			return -1;
		}
		int next = openat(at, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd_close(&at);
		at = next;
		if (at >= 0 && made && w->has_owner && fchown(at, w->uid, w->gid) < 0) {
			(void)copy_owner_error(path, w->uid, w->gid, error);
			return -1;
		}
		if (at >= 0 && made && w->target->mtime >= 0)
			(void)futimens(at, times); /* what is made in it changes it again */
	}
	if (at < 0)
		(void)error_set(error, ENGINE_ERROR_INVALID,
				"the destination '/%s' is not a directory: %s", path,
				strerror(errno));
	return fd_steal(&at);
}

/* What the destination leads to. */
typedef struct {
	char *path; /* canonical, "" for the root */
	bool exists, is_dir;
} Place;

static void place_clear(Place *place)
{
	g_free(place->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static bool find_place(const CopyWriter *w, Place *out, GError **error)
{
	struct stat st;
	bool missing = false;
	out->path = copy_canonical(w->target->dest_fd, w->plan->dest, &missing);
	if (!out->path)
		return error_set_errno(error, "cannot open the destination '%s'", w->plan->dest);
	out->exists = !missing;
	if (missing)
		return true;
	autofd fd = path_open_in_root(w->target->dest_fd, out->path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot open the destination '%s'", w->plan->dest);
	out->is_dir = S_ISDIR(st.st_mode);
	if (!out->is_dir && w->plan->dest_is_dir)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the destination '%s' is not a directory", w->plan->dest);
	return true;
}

/* Where a file goes: a directory, opened, and its name there. */
static int place_file(const CopyWriter *w, const Place *place, char **out_name, GError **error)
{
	bool inside = place->is_dir || w->plan->dest_is_dir;
	if (inside && (!w->item->name || !path_name_is_safe(w->item->name))) {
		(void)error_set(error, ENGINE_ERROR_INVALID,
				"cannot determine filename for source '%s'", w->item->shown);
		return -1;
	}
	g_autofree char *parent = inside ? g_strdup(place->path) : g_path_get_dirname(place->path);
	int fd = ensure_dirs(w, strcmp(parent, ".") == 0 ? "" : parent, error);
	if (fd >= 0)
		*out_name = inside ? g_strdup(w->item->name) : g_path_get_basename(place->path);
	return fd;
}

/* An archive unpacks into the destination, as a directory; owners are its own or --chown's. */
static bool apply_archive(CopyWriter *w, const Place *place, GError **error)
{
	autofd file = w->item->kind == ITEM_URL ? fcntl(w->item->file->fd, F_DUPFD_CLOEXEC, 3)
						: copy_item_open(w->item, error);
	autofd dir = file < 0 ? -1 : ensure_dirs(w, place->path, error);
	if (dir < 0)
		return false;
	g_autofree char *owner = w->has_owner ? g_strdup_printf("%u:%u", w->uid, w->gid) : NULL;
	if (tarball_unpack(file, dir, "/", owner, error))
		return true;
	g_prefix_error(error, "cannot unpack '%s': ", w->item->shown);
	return false;
}

/* What comes from a URL is private, as in docker; a heredoc is not. */
static bool apply_content(CopyWriter *w, int dir_fd, const char *name, GError **error)
{
	CopyContent content = {.fd = -1, .mode = 0644, .mtime = -1};
	struct stat st;
	if (w->item->kind == ITEM_INLINE) {
		content.data = w->item->text->content;
		content.size = strlen(content.data);
	} else {
		if (fstat(w->item->file->fd, &st) < 0)
			return error_set_errno(error, "cannot read '%s'", w->item->shown);
		content.fd = w->item->file->fd;
		content.size = (size_t)st.st_size;
		content.mode = 0600;
		content.mtime = w->item->file->mtime;
	}
	return copy_write_content(w, dir_fd, name, &content, error);
}

static bool apply_item(CopyWriter *w, GError **error)
{
	g_auto(Place) place = {0};
	if (!copy_item_fetch(w->plan, w->item, error))
		return false;
	int archive = copy_item_is_archive(w->plan, w->item, error);
	if (archive < 0 || !find_place(w, &place, error))
		return false;
	if (archive > 0)
		return apply_archive(w, &place, error);
	if (w->item->kind == ITEM_DIR || w->item->kind == ITEM_GIT) {
		autofd dir = ensure_dirs(w, place.path, error);
		return dir >= 0 && copy_write_tree(w, dir, place.path, error);
	}
	g_autofree char *name = NULL;
	autofd dir = place_file(w, &place, &name, error);
	if (dir < 0)
		return false;
	return w->item->kind == ITEM_LEAF ? copy_write_leaf(w, dir, name, error)
					  : apply_content(w, dir, name, error);
}

/* Several sources need a directory. */
static bool check_several(CopyWriter *w, GError **error)
{
	g_auto(Place) place = {0};
	if (w->plan->items->len < 2 || w->plan->dest_is_dir)
		return true;
	bool found = find_place(w, &place, error);
	if (!found || place.is_dir)
		return found;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "When using %s with more than one source file, the destination must be a "
			 "directory and end with a /",
			 w->plan->spec.add ? "ADD" : "COPY");
}

bool copy_plan_apply(CopyPlan *plan, const CopyTarget *target, CopyStats *out_stats, GError **error)
{
	CopyWriter w = {
		.plan = plan,
		.target = target,
		.dirs = g_array_new(FALSE, FALSE, sizeof(CopyDir)),
		.links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.piece = g_malloc(WORK_SIZE),
	};
	bool done = take_owner(&w, error) && check_several(&w, error);
	for (guint i = 0; done && i < plan->items->len; i++) {
		w.item = plan->items->pdata[i];
		done = apply_item(&w, error);
	}
	if (done && out_stats)
		*out_stats = w.stats;
	g_array_unref(w.dirs);
	g_hash_table_unref(w.links);
	g_free(w.top);
	g_free(w.piece);
	return done;
}
