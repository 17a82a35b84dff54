/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/runtime/mounts.h"

#define SECRETS_DIR   "/run/secrets"
#define USER_FILE_MAX (1024 * 1024)

/* A file system in memory that nobody writes to but us. Return: descriptor or negative errno. */
static int new_memory(const char *mode)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(words, g_strconcat("mode=", mode, NULL));
	return mounts_new("tmpfs", "tmpfs", words,
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* Over our own root, where no lookup that begins at the root sees it: files can be cloned out of an
 * attached file system only (before Linux 6.15). */
static int attach_scratch(int root_fd)
{
	autofd scratch = new_memory("0700");
	if (scratch < 0)
		return scratch;
	int result = mounts_move(scratch, root_fd);
	return result < 0 ? result : fd_steal(&scratch);
}

static int detach_scratch(int scratch)
{
	int result = fchdir(scratch) < 0 || umount2(".", MNT_DETACH) < 0 ? -errno : 0;
	return chdir("/") < 0 && result == 0 ? -errno : result;
}

/* Write a new file; missing directories above it are made. */
static int write_file(int dir, const char *name, const void *data, size_t size, mode_t mode,
		      uid_t uid, gid_t gid)
{
	const char *slash = strrchr(name, '/');
	g_autofree char *parent = slash ? g_strndup(name, (gsize)(slash - name)) : NULL;
	autofd above = parent ? path_mkdirs_in_root(dir, parent, 0755) : -1;
	if (parent && above < 0)
		return -errno;
	autofd fd = openat(parent ? above : dir, slash ? slash + 1 : name,
			   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !fd_write_all(fd, data, size))
		return -errno;
	/* Root, who is the default, may have no place in the map: then it stays ours. */
	bool as_default = uid == 0 && gid == 0;
	if (fchown(fd, uid, gid) < 0 && !(as_default && errno == EINVAL))
		return -errno;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* Bind a file of the scratch onto @path; its name there goes, as soon as it may (an unlinked file
 * cannot be moved). */
static int bind_file(int scratch, const char *name, int root_fd, const char *path)
{
	autofd clone =
		open_tree(scratch, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (clone < 0)
		return -errno;
	autofd target = path_touch_in_root(root_fd, path, 0644);
	int result = target < 0 ? -errno : mounts_move(clone, target);
	(void)unlinkat(scratch, name, 0);
	return result;
}

/* The bytes of one secret; wiped by wipe(). NULL with errno. */
static char *read_secret(const OciSecret *secret, int secrets_fd)
{
	g_autofree char *data = g_malloc0(secret->size + 1);
	ssize_t n = pread(secrets_fd, data, secret->size, (off_t)secret->offset);
	if (n == (ssize_t)secret->size)
		return g_steal_pointer(&data);
	errno = n < 0 ? errno : EIO;
	return NULL;
}

static void wipe(char *data, size_t size)
{
	explicit_bzero(data, size);
	g_free(data);
}

/* Below SECRETS_DIR: the path there, else NULL. */
static const char *inside_secrets(const OciSecret *secret)
{
	size_t length = strlen(SECRETS_DIR "/");
	return strncmp(secret->path, SECRETS_DIR "/", length) == 0 ? secret->path + length : NULL;
}

/* A mount below SECRETS_DIR would be hidden by the common directory. */
static bool has_mounts_inside(const OciConfig *config)
{
	for (guint i = 0; i < config->mounts->len; i++) {
		const OciMount *mount = config->mounts->pdata[i];
		if (g_str_has_prefix(mount->destination, SECRETS_DIR "/"))
			return true;
	}
	return false;
}

/* One secret, into the common directory or, without one (-1), to a place of its own. */
static int add_secret(const OciSecret *secret, int secrets_fd, int dir, int scratch, int root_fd)
{
	const char *inside = dir < 0 ? NULL : inside_secrets(secret);
	char *data = read_secret(secret, secrets_fd);
	if (!data)
		return -errno;
	int result = write_file(inside ? dir : scratch, inside ? inside : "secret", data,
				secret->size, secret->mode, secret->uid, secret->gid);
	wipe(data, secret->size);
	if (result == 0 && !inside)
		result = bind_file(scratch, "secret", root_fd, secret->path);
	return result;
}

static int attach_directory(int dir, int root_fd)
{
	autofd target = path_mkdirs_in_root(root_fd, SECRETS_DIR, 0755);
	return target < 0 ? -errno : mounts_move(dir, target);
}

int files_add_secrets(int root_fd, const OciConfig *config, int secrets_fd, SyncReport *report)
{
	const GPtrArray *secrets = config->secrets;
	bool common = false, any_file = false;
	for (guint i = 0; i < secrets->len; i++) {
		const OciSecret *secret = secrets->pdata[i];
		any_file |= secret->path != NULL;
		common |= secret->path && inside_secrets(secret);
	}
	if (!any_file)
		return 0;
	common = common && !has_mounts_inside(config);
	autofd dir = common ? new_memory("0755") : -1;
	autofd scratch = attach_scratch(root_fd);
	int result = common && dir < 0 ? dir : scratch < 0 ? scratch : 0;
	for (guint i = 0; i < secrets->len && result == 0; i++) {
		const OciSecret *secret = secrets->pdata[i];
		if (secret->path)
			result = add_secret(secret, secrets_fd, dir, scratch, root_fd);
		if (result < 0)
			sync_subject(report, secret->path, result);
	}
	if (scratch >= 0) {
		int detached = detach_scratch(scratch);
		result = result == 0 ? detached : result;
	}
	return result == 0 && common ? attach_directory(dir, root_fd) : result;
}

/* Replace the $NAMES of an entry. */
static char *fill_entry(const char *entry, const ResolvedUser *user, const char *home)
{
	g_autofree char *uid = g_strdup_printf("%u", user->uid);
	g_autofree char *gid = g_strdup_printf("%u", user->gid);
	const struct {
		const char *name, *value;
	} names[] = {
		{"$USERNAME", uid}, {"$GROUPNAME", gid},         {"$USERLIST", uid}, {"$UID", uid},
		{"$GID", gid},      {"$NAME", "container user"}, {"$HOME", home},
	};
	g_autoptr(GString) text = g_string_new(entry);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		g_string_replace(text, names[i].name, names[i].value, 0);
	return g_strdup(text->str);
}

/* Bind the image's file with one more line over it. */
static int append_line(int root_fd, const char *path, const char *line, SyncReport *report)
{
	size_t size = 0;
	g_autofree char *old = path_read_in_root(root_fd, path, USER_FILE_MAX, &size);
	if (!old)
		return 0; /* an image without the file gets none */
	g_autoptr(GString) text = g_string_new_len(old, (gssize)size);
	if (size > 0 && old[size - 1] != '\n')
		g_string_append_c(text, '\n');
	g_string_append_printf(text, "%s\n", line);
	autofd scratch = attach_scratch(root_fd);
	if (scratch < 0)
		return scratch;
	int result = write_file(scratch, "file", text->str, text->len, 0644, 0, 0);
	if (result == 0)
		result = bind_file(scratch, "file", root_fd, path);
	int detached = detach_scratch(scratch);
	return sync_subject(report, path, result == 0 ? detached : result);
}

int files_complete_users(int root_fd, const OciConfig *config, const ResolvedUser *user,
			 SyncReport *report)
{
	const char *home = config->cwd && *config->cwd ? config->cwd : "/";
	int result = 0;
	if (config->passwd_entry && !user->uid_named) {
		g_autofree char *line = fill_entry(config->passwd_entry, user, home);
		result = append_line(root_fd, "/etc/passwd", line, report);
	}
	if (result == 0 && config->group_entry && !user->gid_named) {
		g_autofree char *line = fill_entry(config->group_entry, user, home);
		result = append_line(root_fd, "/etc/group", line, report);
	}
	return result;
}

char **files_secret_env(const char *const *env, const OciConfig *config, int secrets_fd)
{
	char **all = g_strdupv((char **)env);
	if (!all)
		all = g_new0(char *, 1);
	for (guint i = 0; i < config->secrets->len; i++) {
		const OciSecret *secret = config->secrets->pdata[i];
		if (!secret->env)
			continue;
		char *data = read_secret(secret, secrets_fd);
		if (!data) {
			g_strfreev(all);
			return NULL;
		}
		all = g_environ_setenv(all, secret->env, data, TRUE);
		wipe(data, secret->size);
	}
	return all;
}
