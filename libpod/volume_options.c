/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/volume_options.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"

/* Words of o= that a mount in a user namespace may have; others never reach the kernel. */
static const char *const mount_words[] = {
	"ro",       "rw",      "exec",     "noexec",      "dev",    "nodev", "suid",
	"nosuid",   "noatime", "relatime", "private",     "shared", "slave", "unbindable",
	"rprivate", "rshared", "rslave",   "runbindable", NULL,
};

static const char *const tmpfs_words[] = {"size", "mode", "uid", "gid", "nr_inodes", NULL};

static const char *get(const Volume *volume, const char *key)
{
	return g_hash_table_lookup(volume->options, key);
}

static bool is_tmpfs(const Volume *volume)
{
	const char *type = get(volume, "type");
	return type && g_ascii_strcasecmp(type, "tmpfs") == 0;
}

/* An id of o=uid= or o=gid=, in podman's words; kept as podman keeps it, under its name. */
static bool take_id(Volume *volume, const char *name, const char *value, int64_t *out,
		    GError **error)
{
	uint64_t id = 0;
	if (!value)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s option must provide a %s: invalid argument",
				 *name == 'U' ? "uid" : "gid", name);
	if (!units_parse_uint(value, G_MAXUINT32 - 1, &id, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot convert %s %s to integer: strconv.Atoi: parsing \"%s\": "
				 "invalid syntax",
				 name, value, value);
	*out = (int64_t)id;
	g_hash_table_replace(volume->options, g_strdup(name), g_strdup(value));
	return true;
}

/* One word of o=. */
static bool apply_word(Volume *volume, const char *word, GError **error)
{
	const char *equals = strchr(word, '=');
	g_autofree char *key = equals ? g_strndup(word, equals - word) : g_strdup(word);
	const char *value = equals ? equals + 1 : NULL;
	if (is_tmpfs(volume) && g_strv_contains(tmpfs_words, key))
		return value || error_set(error, ENGINE_ERROR_INVALID,
					  "%s: must provide an argument for option", key);
	if (strcmp(key, "uid") == 0)
		return take_id(volume, "UID", value, &volume->uid, error);
	if (strcmp(key, "gid") == 0)
		return take_id(volume, "GID", value, &volume->gid, error);
	if (strcmp(key, "size") == 0 || strcmp(key, "inodes") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "volume options size and inodes not supported. Filesystem does "
				 "not support Project Quota");
	if (strcmp(word, "nocopy") == 0 || strcmp(word, "copy") == 0)
		volume->needs_copy_up = *word == 'c';
	else if (*word != '\0' && strcmp(word, "bind") != 0 && strcmp(word, "rbind") != 0 &&
		 strcmp(word, "noquota") != 0 && !g_strv_contains(mount_words, word))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid mount option %s for driver 'local': invalid argument",
				 word);
	return true;
}

/* The keys that podman's local driver knows. */
static bool check_keys(const Volume *volume, GError **error)
{
	static const char *const keys[] = {"device", "type", "o",   "nocopy",
					   "copy",   "UID",  "GID", NULL};
	GHashTableIter iter;
	const char *key;
	g_hash_table_iter_init(&iter, volume->options);
	while (g_hash_table_iter_next(&iter, (void **)&key, NULL))
		if (!g_strv_contains(keys, key))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid mount option %s for driver 'local': invalid "
					 "argument",
					 key);
	const char *type = get(volume, "type"), *device = get(volume, "device");
	struct stat st;
	if (type && device && g_ascii_strcasecmp(type, "bind") == 0 && stat(device, &st) < 0) {
		g_autofree char *reason = g_strdup(g_strerror(errno));
		reason[0] = g_ascii_tolower(reason[0]);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid volume option device for driver 'local': stat %s: %s",
				 device, reason);
	}
	return true;
}

bool volume_options_apply(Volume *volume, GError **error)
{
	if (!check_keys(volume, error))
		return false;
	if (get(volume, "nocopy"))
		volume->needs_copy_up = false;
	const char *text = get(volume, "o");
	g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);
	for (char **word = words; *word; word++)
		if (!apply_word(volume, *word, error))
			return false;
	return true;
}

/* What of o= is for the mount itself. */
static char **mount_options(const Volume *volume, char *const *words, bool tmpfs)
{
	g_autoptr(GStrvBuilder) options = g_strv_builder_new();
	for (char *const *word = words; *word; word++) {
		g_autofree char *key = g_strndup(*word, strcspn(*word, "="));
		if (g_strv_contains(mount_words, *word) ||
		    (tmpfs && strchr(*word, '=') && g_strv_contains(tmpfs_words, key)))
			g_strv_builder_add(options, *word);
	}
	return g_strv_builder_end(options);
}

bool volume_mount_plan(const Volume *volume, VolumeMount *out, GError **error)
{
	const char *type = get(volume, "type"), *device = get(volume, "device");
	const char *text = get(volume, "o");
	g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);
	const char *const *list = (const char *const *)words;
	bool plain = !type || *type == '\0' || g_ascii_strcasecmp(type, "none") == 0;
	bool bind = (plain && (g_strv_contains(list, "bind") || g_strv_contains(list, "rbind"))) ||
		    (type && g_ascii_strcasecmp(type, "bind") == 0);
	if (!type && !device)
		out->kind = VOLUME_IS_DIRECTORY;
	else if (is_tmpfs(volume))
		out->kind = VOLUME_IS_TMPFS;
	else if (bind && device && *device == '/')
		out->kind = VOLUME_IS_BIND;
	else
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "mount: %s: must be superuser to use mount", volume->mountpoint);
	out->device = device;
	out->options = out->kind == VOLUME_IS_DIRECTORY
			       ? g_new0(char *, 1)
			       : mount_options(volume, words, out->kind == VOLUME_IS_TMPFS);
	return true;
}
