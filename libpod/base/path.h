/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: every lookup below a root goes through here (security R1, R2, R15).
 *
 * Two kinds of roots. "state" is our own tree (store, runtime directory): no symbolic links, no
 * other mounts. "root" is a foreign tree (image, volume, build context): links resolve inside that
 * root and magic links never. Results are descriptors; a path string is never resolved twice.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/**
 * path_open_state() - open below our own state with BENEATH|NO_SYMLINKS|NO_XDEV.
 *
 * Return: O_CLOEXEC fd or -1 with errno.
 */
int path_open_state(int dir_fd, const char *path, int flags, mode_t mode);

/**
 * path_open_in_root() - open inside a foreign root with IN_ROOT|NO_MAGICLINKS, EAGAIN retried.
 *
 * Return: fd or -1 with errno.
 */
int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/**
 * path_open_part() - open what lies at @part of the directory @top, which is ours or the user's,
 * while others may have put links into it: they end inside (CVE-2017-1002101)
 *
 * Return: fd or -1 with errno.
 */
int path_open_part(int dir_fd, const char *top, const char *part, int flags);

/**
 * path_open_beneath() - open inside a foreign tree whose links may lead about in it, never out: a
 * link, also an absolute one, that does is EXDEV.
 *
 * Return: fd or -1 with errno.
 */
int path_open_beneath(int root_fd, const char *path, int flags);

/**
 * path_read_in_root() - read a small regular file of a foreign root, bounded (R9)
 * Return: contents with NUL; NULL with errno (ENOENT, EFBIG if larger than @max_size, EINVAL if not
 * regular).
 */
char *path_read_in_root(int root_fd, const char *path, size_t max_size, size_t *out_size);

/**
 * path_mkdirs_state() - make a directory and its parents in our state, mode 0700.
 *
 * Return: O_PATH|O_DIRECTORY fd or -1.
 */
int path_mkdirs_state(int dir_fd, const char *path);

/**
 * path_mkdirs_in_root() - make a directory and its parents in a foreign root, component by
 * component (R2)
 *
 * Links are followed inside the root, also those whose target is missing: it is made. New
 * directories have @mode less the umask.
 *
 * Return: O_PATH|O_DIRECTORY fd or -1 with errno.
 */
int path_mkdirs_in_root(int root_fd, const char *path, mode_t mode);

/**
 * path_touch_in_root() - make an empty regular file (O_EXCL) unless something is there.
 *
 * Missing parents are made with mode 0755; links as in path_mkdirs_in_root().
 *
 * Return: O_PATH fd of whatever is there, or -1 with errno.
 */
int path_touch_in_root(int root_fd, const char *path, mode_t mode);

/**
 * path_remove_tree() - remove @name below @dir_fd with all it holds; ENOENT is success
 * Never follows links or crosses mounts; adds the owner's rwx to directories it cannot enter.
 * Return: false with errno of the first failure (removal goes on behind it).
 */
bool path_remove_tree(int dir_fd, const char *name);

/**
 * path_open_private_dir() - open (and make, 0700, with parents) a directory that only we may use
 * (R15)
 * @error:	DENIED if it is a link, another's, or open to group or others
 * Return: O_RDONLY|O_DIRECTORY fd or -1.
 */
int path_open_private_dir(const char *path, GError **error);

/**
 * path_is_there() - is there something by this name in a directory of ours (links not followed)?
 *
 * Return: 1, 0 if there certainly is not, -1 with errno if nobody can tell (as it was for @dir_fd
 * -1).
 */
int path_is_there(int dir_fd, const char *name);

/**
 * path_name_is_safe() - one component: not empty, ".", "..", no '/', no NUL, no control
 * characters, <= 255 bytes.
 */
bool path_name_is_safe(const char *name);

/**
 * path_clean() - lexical clean of a container path: absolute, no "." or "..", no double slashes.
 *
 * Return: g_free() it.
 */
char *path_clean(const char *path);
