/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setters of -v and --tmpfs, and what all three grammars of mounts share.
 *
 * They end in the same SpecMount. Every flag is on a list: an unknown one never reaches mount(2)
 * (security 1.4, CVE-2024-9407).
 */
#include "libpod/spec_parse.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/name.h"
#include "libpod/spec_priv.h"

static const char *const propagations[] = {
	"shared", "rshared",    "private",     "rprivate", "slave",
	"rslave", "unbindable", "runbindable", NULL,
};

const char *const spec_mount_choice_words[SPEC_MOUNT_CHOICE_COUNT] = {
	[SPEC_MOUNT_CHOICE_WRITE] = "'rw' or 'ro'",
	[SPEC_MOUNT_CHOICE_EXEC] = "'noexec' or 'exec'",
	[SPEC_MOUNT_CHOICE_DEV] = "'nodev' or 'dev'",
	[SPEC_MOUNT_CHOICE_SUID] = "'nosuid' or 'suid'",
	[SPEC_MOUNT_CHOICE_RECURSION] = "'rbind' or 'bind'",
	[SPEC_MOUNT_CHOICE_COPY] = "'copy' or 'nocopy'",
	[SPEC_MOUNT_CHOICE_CHOWN] = "'U'",
	[SPEC_MOUNT_CHOICE_LABEL] = "'z', 'Z', or 'O'",
	[SPEC_MOUNT_CHOICE_PROPAGATION] =
		"'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'",
};

static const struct {
	const char *word;
	SpecMountChoice choice;
} flag_words[] = {
	{"ro", SPEC_MOUNT_CHOICE_WRITE},       {"rw", SPEC_MOUNT_CHOICE_WRITE},
	{"exec", SPEC_MOUNT_CHOICE_EXEC},      {"noexec", SPEC_MOUNT_CHOICE_EXEC},
	{"dev", SPEC_MOUNT_CHOICE_DEV},        {"nodev", SPEC_MOUNT_CHOICE_DEV},
	{"suid", SPEC_MOUNT_CHOICE_SUID},      {"nosuid", SPEC_MOUNT_CHOICE_SUID},
	{"bind", SPEC_MOUNT_CHOICE_RECURSION}, {"rbind", SPEC_MOUNT_CHOICE_RECURSION},
	{"copy", SPEC_MOUNT_CHOICE_COPY},      {"nocopy", SPEC_MOUNT_CHOICE_COPY},
	{"U", SPEC_MOUNT_CHOICE_CHOWN},        {"z", SPEC_MOUNT_CHOICE_LABEL},
	{"Z", SPEC_MOUNT_CHOICE_LABEL},        {"O", SPEC_MOUNT_CHOICE_LABEL},
};

SpecMountChoice spec_mount_flag_lookup(const char *word)
{
	for (size_t i = 0; i < G_N_ELEMENTS(flag_words); i++)
		if (strcmp(word, flag_words[i].word) == 0)
			return flag_words[i].choice;
	return g_strv_contains(propagations, word) ? SPEC_MOUNT_CHOICE_PROPAGATION
						   : SPEC_MOUNT_CHOICE_COUNT;
}

static void set_propagation(SpecMount *mount, const char *word)
{
	g_free(mount->propagation);
	mount->propagation = g_strdup(word);
}

/* Store a flag that spec_mount_flag_lookup() knows. */
void spec_mount_apply_flag(SpecMount *mount, SpecMountChoice choice, const char *word)
{
	switch (choice) {
	case SPEC_MOUNT_CHOICE_WRITE:
		mount->read_only = strcmp(word, "ro") == 0;
		return;
	case SPEC_MOUNT_CHOICE_EXEC:
	case SPEC_MOUNT_CHOICE_DEV:
	case SPEC_MOUNT_CHOICE_SUID:
		spec_strv_append(&mount->options, word);
		return;
	case SPEC_MOUNT_CHOICE_RECURSION:
		mount->non_recursive = strcmp(word, "bind") == 0;
		return;
	case SPEC_MOUNT_CHOICE_COPY:
		mount->copy_up = strcmp(word, "copy") == 0;
		return;
	case SPEC_MOUNT_CHOICE_CHOWN:
		mount->chown = true;
		return;
	case SPEC_MOUNT_CHOICE_LABEL:
		mount->overlay = *word == 'O';
		mount->relabel = mount->overlay ? 0 : *word;
		return;
	case SPEC_MOUNT_CHOICE_PROPAGATION:
		set_propagation(mount, word);
		return;
	case SPEC_MOUNT_CHOICE_COUNT:
		break;
	}
	g_assert_not_reached();
}

/* A destination in the container: absolute, and not the root itself. */
bool spec_mount_set_destination(SpecMount *mount, const char *path, GError **error)
{
	if (*path == '\0')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "container directory cannot be empty");
	if (*path != '/')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid container path \"%s\", must be an absolute path", path);
	g_free(mount->destination);
	mount->destination = path_clean(path);
	if (strcmp(mount->destination, "/") == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid container path \"%s\": a mount cannot hide the root",
				 path);
	return true;
}

/* tmpfs's own options, checked here so that the kernel's EINVAL is never the message. */
bool spec_mount_add_tmpfs_option(SpecMount *mount, const char *key, const char *value,
				 GError **error)
{
	int64_t size = 0;
	uint64_t number = 0;
	bool valid = false;
	if (strcmp(key, "size") == 0) {
		size_t length = strlen(value);
		bool percent = length > 1 && value[length - 1] == '%';
		g_autofree char *digits = percent ? g_strndup(value, length - 1) : g_strdup(value);
		valid = percent ? units_parse_uint(digits, 100, &number, NULL)
				: units_parse_size(value, &size, NULL) && size >= 0;
		if (valid && !percent) {
			spec_strv_take(&mount->options, g_strdup_printf("size=%" PRId64, size));
			return true;
		}
	} else if (strcmp(key, "mode") == 0) {
		size_t length = strlen(value);
		valid = length > 0 && length <= 5 && strspn(value, "01234567") == length &&
			g_ascii_strtoull(value, NULL, 8) <= 07777;
	} else if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) {
		valid = units_parse_uint(value, G_MAXUINT32 - 1, &number, NULL);
	} else if (strcmp(key, "nr_inodes") == 0) {
		valid = units_parse_size(value, &size, NULL) && size >= 0;
	}
	if (!valid)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid tmpfs option \"%s=%s\"", key,
				 value);
	spec_strv_take(&mount->options, g_strdup_printf("%s=%s", key, value));
	return true;
}

/* Like podman: what starts with a slash or a dot is a path, all else the name of a volume. */
static bool set_volume_source(SpecMount *mount, const char *source, GError **error)
{
	if (*source == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "host directory cannot be empty");
	g_free(mount->source);
	mount->source = NULL;
	if (*source == '/' || *source == '.') {
		mount->kind = SPEC_MOUNT_BIND;
		mount->copy_up = false;
		mount->source = g_canonicalize_filename(source, NULL);
		return true;
	}
	if (!name_check(source, error)) {
		g_prefix_error(
			error,
			"creating named volume \"%s\": running volume create option: ", source);
		error_add_help(error, "a host path starts with / or ./");
		return false;
	}
	mount->source = g_strdup(source);
	return true;
}

static bool refuse_flags(char **flags, SpecMountChoice choice, GError **error)
{
	g_autofree char *shown = g_strjoinv(", ", flags);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid options \"%s\", can only specify 1 %s option", shown,
			 spec_mount_choice_words[choice]);
}

/* The third part of -v. */
static bool set_volume_flags(SpecMount *mount, const char *text, GError **error)
{
	static const char *const unsupported[] = {"idmap", "upperdir", "workdir", "nocreate", NULL};
	/* Hints for Docker on a Mac: both tools drop them elsewhere. */
	static const char *const hints[] = {"cached", "delegated", "consistent", NULL};
	g_auto(GStrv) flags = g_strsplit(text, ",", -1);
	bool seen[SPEC_MOUNT_CHOICE_COUNT] = {false};
	for (char **flag = flags; *flag; flag++) {
		SpecMountChoice choice = spec_mount_flag_lookup(*flag);
		g_autofree char *key = g_strndup(*flag, strcspn(*flag, "="));
		if (g_strv_contains(hints, *flag))
			continue;
		if (g_strv_contains(unsupported, key))
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "volume option \"%s\" is not supported", key);
		if (choice == SPEC_MOUNT_CHOICE_COUNT)
			return error_set(error, ENGINE_ERROR_INVALID, "invalid option type \"%s\"",
					 *flag);
		if (seen[choice])
			return refuse_flags(flags, choice, error);
		seen[choice] = true;
		spec_mount_apply_flag(mount, choice, *flag);
	}
	if (mount->overlay && (mount->read_only || seen[SPEC_MOUNT_CHOICE_PROPAGATION] ||
			       seen[SPEC_MOUNT_CHOICE_WRITE]))
		return error_set(error, ENGINE_ERROR_INVALID, "can't use 'O' with other options");
	if (mount->overlay && mount->kind != SPEC_MOUNT_BIND && !mount->source)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "can't use 'O' with an anonymous volume");
	return true;
}

bool spec_add_volume(ContainerSpec *spec, const char *value, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(value, ":", 4);
	guint n = g_strv_length(parts);
	if (n > 3)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"%s: incorrect volume format, should be [host-dir:]ctr-dir[:option]",
			value);
	g_autoptr(SpecMount) mount = spec_mount_new(SPEC_MOUNT_VOLUME, NULL, NULL);
	if (n <= 1) {
		if (!spec_mount_set_destination(mount, value, error))
			return false;
	} else if (!set_volume_source(mount, parts[0], error) ||
		   !spec_mount_set_destination(mount, parts[1], error) ||
		   (n == 3 && !set_volume_flags(mount, parts[2], error))) {
		return false;
	}
	g_ptr_array_add(spec->mounts, g_steal_pointer(&mount));
	return true;
}

/* One option behind the destination of --tmpfs. */
static bool set_tmpfs_flag(SpecMount *mount, const char *word, GError **error)
{
	const char *equals = strchr(word, '=');
	if (equals) {
		static const char *const keys[] = {"size", "mode", "uid", "gid", "nr_inodes", NULL};
		g_autofree char *key = g_strndup(word, equals - word);
		if (g_strv_contains(keys, key))
			return spec_mount_add_tmpfs_option(mount, key, equals + 1, error);
	} else if (strcmp(word, "tmpcopyup") == 0 || strcmp(word, "notmpcopyup") == 0) {
		mount->copy_up = *word == 't';
		return true;
	} else {
		SpecMountChoice choice = spec_mount_flag_lookup(word);
		if (choice == SPEC_MOUNT_CHOICE_WRITE || choice == SPEC_MOUNT_CHOICE_EXEC ||
		    choice == SPEC_MOUNT_CHOICE_DEV || choice == SPEC_MOUNT_CHOICE_SUID ||
		    choice == SPEC_MOUNT_CHOICE_CHOWN) {
			spec_mount_apply_flag(mount, choice, word);
			return true;
		}
		if (strcmp(word, "noswap") == 0 || strcmp(word, "noatime") == 0)
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "mount option %s is not supported", word);
	}
	return error_set(error, ENGINE_ERROR_INVALID,
			 "unknown mount option \"%s\": invalid mount option", word);
}

/* --tmpfs of the same place again replaces the first, as podman does. */
static void remove_tmpfs(GPtrArray *mounts, const char *destination)
{
	for (guint i = 0; i < mounts->len; i++) {
		const SpecMount *mount = mounts->pdata[i];
		if (mount->kind == SPEC_MOUNT_TMPFS &&
		    strcmp(mount->destination, destination) == 0) {
			g_ptr_array_remove_index(mounts, i);
			return;
		}
	}
}

bool spec_add_tmpfs(ContainerSpec *spec, const char *value, GError **error)
{
	size_t length = strcspn(value, ":");
	g_autofree char *path = g_strndup(value, length);
	g_autoptr(SpecMount) mount = spec_mount_new(SPEC_MOUNT_TMPFS, NULL, NULL);
	if (!spec_mount_set_destination(mount, path, error))
		return false;
	g_auto(GStrv) words = g_strsplit(value[length] == ':' ? value + length + 1 : "", ",", -1);
	for (char **word = words; *word; word++)
		if (**word != '\0' && !set_tmpfs_flag(mount, *word, error))
			return false;
	remove_tmpfs(spec->mounts, mount->destination);
	g_ptr_array_add(spec->mounts, g_steal_pointer(&mount));
	return true;
}
