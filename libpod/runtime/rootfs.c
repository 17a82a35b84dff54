/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/runtime/mount_options.h"

/* Descriptors of an overlay's directories, and the words that are none. */
typedef struct {
	GArray *lower; /* of int, top first */
	int upper, work;
	GPtrArray *flags; /* borrowed words: "userxattr", "index=off" */
} Layers;

static void close_element(gpointer element)
{
	fd_close(element);
}

static void layers_init(Layers *layers)
{
	layers->lower = g_array_new(FALSE, FALSE, sizeof(int));
	g_array_set_clear_func(layers->lower, close_element);
	layers->upper = layers->work = -1;
	layers->flags = g_ptr_array_new();
}

static void layers_clear(Layers *layers)
{
	g_array_unref(layers->lower);
	fd_close(&layers->upper);
	fd_close(&layers->work);
	g_ptr_array_unref(layers->flags);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Layers, layers_clear)

/* One directory: below the store, or an absolute path the user gave. */
static int open_directory(int store_fd, const char *path, GError **error)
{
	int fd = *path == '/' ? openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC)
			      : path_open_state(store_fd, path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOENT)
		error_set(error, ENGINE_ERROR_NOT_FOUND, "the directory '%s' is missing", path);
	else if (fd < 0)
		error_set_errno(error, "cannot open '%s'", path);
	return fd;
}

/* Split "A:B\:C" at its colons and open every part. */
static bool open_lower(int store_fd, const char *text, Layers *layers, GError **error)
{
	g_autoptr(GString) part = g_string_new(NULL);
	for (const char *c = text;; c++) {
		if (*c == '\\' && (c[1] == ':' || c[1] == '\\')) {
			g_string_append_c(part, *++c);
			continue;
		}
		if (*c != ':' && *c != '\0') {
			g_string_append_c(part, *c);
			continue;
		}
		int fd = open_directory(store_fd, part->str, error);
		if (fd < 0)
			return false;
		g_array_append_val(layers->lower, fd);
		g_string_truncate(part, 0);
		if (*c == '\0')
			return true;
	}
}

/* Sort the words of the mount. */
static bool open_layers(int store_fd, const GPtrArray *words, Layers *layers, GError **error)
{
	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		if (g_str_has_prefix(word, "lowerdir=")) {
			if (!open_lower(store_fd, word + strlen("lowerdir="), layers, error))
				return false;
		} else if (g_str_has_prefix(word, "upperdir=") && layers->upper < 0) {
			layers->upper = open_directory(store_fd, word + strlen("upperdir="), error);
			if (layers->upper < 0)
				return false;
		} else if (g_str_has_prefix(word, "workdir=") && layers->work < 0) {
			layers->work = open_directory(store_fd, word + strlen("workdir="), error);
			if (layers->work < 0)
				return false;
		} else {
			g_ptr_array_add(layers->flags, (gpointer)word);
		}
	}
	return layers->lower->len > 0 ||
	       error_set(error, ENGINE_ERROR_INVALID, "an overlay needs a lowerdir");
}

/* Hand a directory to the file system context, as a descriptor or as its /proc name. */
static int configure_directory(int context, const char *key, int fd, bool by_fd)
{
	if (by_fd)
		return fsconfig(context, FSCONFIG_SET_FD, key, NULL, fd) < 0 ? -errno : 0;
	char name[32];
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	return fsconfig(context, FSCONFIG_SET_STRING, key, name, 0) < 0 ? -errno : 0;
}

static int configure_word(int context, const char *word)
{
	const char *value = strchr(word, '=');
	if (!value)
		return fsconfig(context, FSCONFIG_SET_FLAG, word, NULL, 0) < 0 ? -errno : 0;
	g_autofree char *key = g_strndup(word, (gsize)(value - word));
	return fsconfig(context, FSCONFIG_SET_STRING, key, value + 1, 0) < 0 ? -errno : 0;
}

/* All of the configuration, up to the creation of the superblock. */
static int configure(int context, const Layers *layers, bool by_fd)
{
	int result = 0;
	for (guint i = 0; i < layers->lower->len && result == 0; i++)
		result = configure_directory(context, "lowerdir+",
					     g_array_index(layers->lower, int, i), by_fd);
	if (result == 0 && layers->upper >= 0)
		result = configure_directory(context, "upperdir", layers->upper, by_fd);
	if (result == 0 && layers->work >= 0)
		result = configure_directory(context, "workdir", layers->work, by_fd);
	for (guint i = 0; i < layers->flags->len && result == 0; i++)
		result = configure_word(context, g_ptr_array_index(layers->flags, i));
	if (result == 0)
		(void)fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0);
	if (result == 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		result = -errno;
	return result;
}

/* What the kernel says about a failure, without its "e " prefix; "" if it says nothing. */
static void read_message(int context, char *out, size_t size)
{
	*out = '\0';
	char text[200];
	ssize_t n;
	while ((n = read(context, text, sizeof text - 1)) > 0) {
		text[n] = '\0';
		g_strchomp(text);
		if (*text == 'e')
			g_strlcpy(out, text + (text[1] == ' ' ? 2 : 0), size);
	}
}

/* With the mount API. Return: descriptor or negative errno, with the kernel's words in @message. */
static int mount_by_context(const Layers *layers, bool by_fd, char *message, size_t size)
{
	autofd context = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	int result = configure(context, layers, by_fd);
	if (result < 0) {
		read_message(context, message, size);
		return result;
	}
	int fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* The options of mount(2), with directories as numbers below /proc/self/fd: 500 layers fit into a
 * page. */
static char *format_options(const Layers *layers)
{
	GString *text = g_string_new("lowerdir=");
	for (guint i = 0; i < layers->lower->len; i++)
		g_string_append_printf(text, "%s%d", i ? ":" : "",
				       g_array_index(layers->lower, int, i));
	if (layers->upper >= 0)
		g_string_append_printf(text, ",upperdir=%d", layers->upper);
	if (layers->work >= 0)
		g_string_append_printf(text, ",workdir=%d", layers->work);
	for (guint i = 0; i < layers->flags->len; i++)
		g_string_append_printf(text, ",%s",
				       (const char *)g_ptr_array_index(layers->flags, i));
	return g_string_free(text, FALSE);
}

/*
 * With mount(2), for kernels before 6.5 (Debian 12's own): mounted over the top layer in our mount
 * namespace, cloned from there, taken away again. The descriptor that is cloned must be opened
 * after the mount, through the parent directory, to be on it.
 */
static int mount_by_string(const Layers *layers)
{
	int top = g_array_index(layers->lower, int, 0);
	g_autofree char *options = format_options(layers);
	g_autofree char *target = g_strdup_printf("/proc/self/fd/%d", top);
	char resolved[4096];
	ssize_t n = readlink(target, resolved, sizeof resolved - 1);
	if (n <= 0)
		return -errno;
	resolved[n] = '\0';
	autofd before = openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || chdir("/proc/self/fd") < 0)
		return -errno;
	/* lint: allow mount: fsconfig of such kernels ends at 255 bytes; target is a descriptor */
	int result = mount("overlay", target, "overlay", 0, options) < 0 ? -errno : 0;
	if (result == 0) {
		result = open_tree(AT_FDCWD, resolved, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (result < 0)
			result = -errno;
		(void)umount2(resolved, MNT_DETACH);
	}
	(void)!fchdir(before);
	return result;
}

int rootfs_overlay(int store_fd, const GPtrArray *words, const char *destination, GError **error)
{
	g_auto(Layers) layers;
	layers_init(&layers);
	if (!open_layers(store_fd, words, &layers, error)) {
		g_prefix_error(error, "cannot mount the overlay at '%s': ", destination);
		return -1;
	}
	char message[200] = "";
	int fd = mount_by_context(&layers, true, message, sizeof message);
	/* Before 6.5 overlayfs has the old mount interface, which takes no descriptor at all. */
	if (fd == -EINVAL || fd == -EOPNOTSUPP)
		fd = mount_by_context(&layers, false, message, sizeof message);
	if (fd == -EINVAL)
		fd = mount_by_string(&layers);
	if (fd >= 0)
		return fd;
	error_set(error, ENGINE_ERROR_SYSTEM, "cannot mount the overlay at '%s': %s%s%s",
		  destination, strerror(-fd), *message ? "\ncause: " : "", message);
	return -1;
}

/* The directory of the container in the store, known by the upper directory of its root. */
static char *container_directory(const OciConfig *config)
{
	for (guint i = 0; i < config->mounts->len; i++) {
		const OciMount *mount = g_ptr_array_index(config->mounts, i);
		const char *upper = mount_options_value(mount, "upperdir=");
		if (upper && strcmp(mount->destination, "/") == 0)
			return g_path_get_dirname(upper);
	}
	return NULL;
}

/* Fresh upper and work directories; the upper one shows as the mount's root, so it looks like the
 * lower. */
static bool make_throw_away(int store_fd, const char *parent, const char *name, int lower_fd,
			    GError **error)
{
	autofd parent_fd = path_open_state(store_fd, parent, O_RDONLY | O_DIRECTORY, 0);
	if (parent_fd < 0 || !path_remove_tree(parent_fd, name))
		return error_set_errno(error, "cannot clear '%s/%s'", parent, name);
	g_autofree char *upper = g_build_filename(name, "upper", NULL);
	g_autofree char *work = g_build_filename(name, "work", NULL);
	autofd upper_fd = path_mkdirs_state(parent_fd, upper);
	autofd work_fd = path_mkdirs_state(parent_fd, work);
	autofd writable =
		upper_fd < 0 ? -1 : openat(upper_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	if (writable < 0 || work_fd < 0)
		return error_set_errno(error, "cannot create '%s/%s'", parent, name);
	/* An owner without a place in our map stays ours. */
	if (fstat(lower_fd, &st) < 0 ||
	    (fchown(writable, st.st_uid, st.st_gid) < 0 && errno != EINVAL) ||
	    fchmod(writable, st.st_mode & 07777) < 0)
		return error_set_errno(error, "cannot prepare '%s/%s'", parent, name);
	return true;
}

/* A place in memory, where the container has none in the store (--rootfs): a tmpfs that nobody else
 * sees. */
static int make_place(GError **error)
{
	autofd context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd = -1;
	if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		error_set_errno(error, "cannot create a place for the changes");
	return fd;
}

/* Words for an overlay whose changes go to PLACE/NAME, which is made afresh. */
static bool add_throw_away(GPtrArray *words, int place_fd, const char *place, const char *name,
			   int lower_fd, GError **error)
{
	if (!make_throw_away(place_fd, place, name, lower_fd, error))
		return false;
	g_ptr_array_add(words, g_strdup("volatile"));
	g_ptr_array_add(words, g_strdup_printf("upperdir=%s/%s/upper", place, name));
	g_ptr_array_add(words, g_strdup_printf("workdir=%s/%s/work", place, name));
	return true;
}

int rootfs_overlay_bind(const OciConfig *config, const OciMount *mount, int store_fd,
			GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	autofd whole = open_directory(store_fd, mount->source, error);
	const char *part = mount_options_value(mount, "subpath=");
	autofd lower =
		whole < 0 ? -1
			  : path_open_in_root(whole, part ? part : ".", O_PATH | O_DIRECTORY, 0);
	if (whole >= 0 && lower < 0)
		error_set_errno(error, "cannot open '%s' of '%s'", part ? part : ".",
				mount->source);
	if (lower < 0)
		return -1;
	g_ptr_array_add(words, g_strdup_printf("lowerdir=/proc/self/fd/%d", lower));
	g_ptr_array_add(words, g_strdup("userxattr"));
	const char *upper = mount_options_value(mount, "upperdir="),
		   *work = mount_options_value(mount, "workdir=");
	if (upper && work) {
		g_ptr_array_add(words, g_strconcat("upperdir=", upper, NULL));
		g_ptr_array_add(words, g_strconcat("workdir=", work, NULL));
		return rootfs_overlay(store_fd, words, mount->destination, error);
	}
	g_autofree char *parent = container_directory(config);
	g_autofree char *hash =
		g_compute_checksum_for_string(G_CHECKSUM_SHA256, mount->destination, -1);
	g_autofree char *name = g_strdup_printf("overlay-%.16s", hash);
	autofd memory = parent ? -1 : make_place(error);
	if (!parent && memory < 0)
		return -1;
	int place_fd = parent ? store_fd : memory;
	if (!add_throw_away(words, place_fd, parent ? parent : ".", name, lower, error))
		return -1;
	return rootfs_overlay(place_fd, words, mount->destination, error);
}

int rootfs_attach(int root_mount_fd)
{
	/* lint: allow mount: propagation of our own root, no path of anybody */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	/* Over the old root, so no directory is needed. */
	return move_mount(root_mount_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno
											 : 0;
}

int rootfs_enter(int root_mount_fd)
{
	/* The two change places. */
	if (fchdir(root_mount_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	int fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
