/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/mount_options.h"

#include <string.h>
#include <sys/mount.h>

#include "libpod/base/error.h"

/* Words that set or clear an attribute of the mount. */
static const struct {
	const char *word;
	uint64_t set, clear;
} attributes[] = {
	{"async", 0,
	 0}, /* what a superblock may have: no attribute of a bind, accepted for fstab's sake */
	{"atime", 0, MOUNT_ATTR_NOATIME},
	{"defaults", 0, 0},
	{"dev", 0, MOUNT_ATTR_NODEV},
	{"diratime", 0, MOUNT_ATTR_NODIRATIME},
	{"exec", 0, MOUNT_ATTR_NOEXEC},
	{"noatime", MOUNT_ATTR_NOATIME, 0},
	{"nodev", MOUNT_ATTR_NODEV, 0},
	{"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
	{"noexec", MOUNT_ATTR_NOEXEC, 0},
	{"nostrictatime", 0, MOUNT_ATTR_STRICTATIME},
	{"nosuid", MOUNT_ATTR_NOSUID, 0},
	{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
	{"relatime", 0, 0},
	{"ro", MOUNT_ATTR_RDONLY, 0},
	{"rro", MOUNT_ATTR_RDONLY, 0}, /* ours is recursive wherever the bind is */
	{"rw", 0, MOUNT_ATTR_RDONLY},
	{"strictatime", MOUNT_ATTR_STRICTATIME, 0},
	{"suid", 0, MOUNT_ATTR_NOSUID},
};

static const struct {
	const char *word;
	uint64_t propagation;
} propagations[] = {
	{"private", MS_PRIVATE},
	{"shared", MS_SHARED},
	{"slave", MS_SLAVE},
	{"unbindable", MS_UNBINDABLE},
};

/* Options that file systems understand themselves; a type without a row takes none. */
static const struct {
	const char *type;
	const char *words[12];
} file_systems[] = {
	{"bind", {"subpath", "upperdir", "workdir", NULL}}, /* the others with "O" */
	{"cgroup", {NULL}},
	{"devpts", {"newinstance", "ptmxmode", "mode", "uid", "gid", "max", NULL}},
	{"overlay",
	 {"lowerdir", "upperdir", "workdir", "userxattr", "volatile", "metacopy", "redirect_dir",
	  "index", "xino", "nfs_export", NULL}},
	{"proc", {"hidepid", "subset", "gid", NULL}},
	{"ramfs", {"mode", NULL}},
	{"tmpfs", {"size", "nr_inodes", "nr_blocks", "mode", "uid", "gid", "huge", NULL}},
};

/* A word of the first table. Return: false if it is none. */
static bool parse_attribute(const char *word, MountOptions *options)
{
	for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
		if (strcmp(word, attributes[i].word) != 0)
			continue;
		/* The last of two that contradict each other counts, as in fstab. */
		options->attr_set = (options->attr_set & ~attributes[i].clear) | attributes[i].set;
		options->attr_clear =
			(options->attr_clear & ~attributes[i].set) | attributes[i].clear;
		return true;
	}
	return false;
}

static bool parse_propagation(const char *word, MountOptions *options)
{
	for (size_t i = 0; i < G_N_ELEMENTS(propagations); i++) {
		bool recursive = *word == 'r' && strcmp(word + 1, propagations[i].word) == 0;
		if (!recursive && strcmp(word, propagations[i].word) != 0)
			continue;
		options->propagation = propagations[i].propagation;
		options->propagation_recursive = recursive;
		return true;
	}
	return false;
}

/* What is done by us, not by the kernel. Changes go elsewhere only above a source. */
static bool parse_own(const char *type, const char *word, MountOptions *options)
{
	if (strcmp(word, "bind") == 0)
		options->recursive = false;
	else if (strcmp(word, "rbind") == 0)
		options->recursive = true;
	else if (strcmp(word, "U") == 0)
		options->chown_to_user = true;
	else if (strcmp(word, "O") == 0 && strcmp(type, "bind") == 0)
		options->overlay = true;
	else if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0)
		options->relabel = true;
	else if (strcmp(word, "copyup") == 0 || strcmp(word, "tmpcopyup") == 0)
		options->copy_up = true;
	else if (strcmp(word, "nocopyup") == 0 || strcmp(word, "notmpcopyup") == 0)
		options->copy_up = false;
	else if (strcmp(word, "keepowner") == 0)
		options->keep_owner = true;
	else if (strcmp(word, "create=file") == 0)
		options->create_file = true;
	else
		return strcmp(word, "create=dir") == 0;
	return true;
}

/* Is @word one the file system @type itself takes? */
static bool is_file_system_word(const char *type, const char *word)
{
	size_t size = strcspn(word, "=");
	for (size_t i = 0; i < G_N_ELEMENTS(file_systems); i++) {
		if (strcmp(type, file_systems[i].type) != 0)
			continue;
		for (const char *const *w = file_systems[i].words; *w; w++) {
			if (strlen(*w) == size && strncmp(*w, word, size) == 0)
				return true;
		}
	}
	return false;
}

bool mount_options_parse(const OciMount *mount, MountOptions *out_options, GError **error)
{
	MountOptions options = {
		.propagation = MS_PRIVATE,
		.propagation_recursive = true,
		.data = g_ptr_array_new_with_free_func(g_free),
	};
	for (char **word = mount->options; *word; word++) {
		if (parse_attribute(*word, &options) || parse_propagation(*word, &options) ||
		    parse_own(mount->type, *word, &options))
			continue;
		if (is_file_system_word(mount->type, *word)) {
			g_ptr_array_add(options.data, g_strdup(*word));
			continue;
		}
		mount_options_clear(&options);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid option '%s' for the mount at '%s'", *word,
				 mount->destination);
	}
	*out_options = options;
	return true;
}

const char *mount_options_value(const OciMount *mount, const char *key)
{
	for (char **word = mount->options; *word; word++) {
		if (g_str_has_prefix(*word, key))
			return *word + strlen(key);
	}
	return NULL;
}

void mount_options_clear(MountOptions *options)
{
	if (options->data)
		g_ptr_array_unref(options->data);
	options->data = NULL;
}
