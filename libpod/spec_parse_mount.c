/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setter of --mount: a table of keys, the types they go with and what they do. A key that is
 * not in it never reaches mount(2) (security 1.4, CVE-2024-9407).
 */
#include "libpod/spec_parse.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/name.h"
#include "libpod/spec_priv.h"

#define MOUNT_FORMAT                                                                               \
	"incorrect mount format: should be --mount type=<bind|tmpfs|volume>,"                      \
	"[src=<host-dir|volume-name>,]target=<ctr-dir>[,options]"

/* One pair of --mount: @value is NULL without an equals sign. */
typedef struct {
	SpecMount *mount;
	bool seen[SPEC_MOUNT_CHOICE_COUNT];
	const char *key, *value;
} MountKey;

static bool need_value(const MountKey *pair, GError **error)
{
	if (pair->value && *pair->value != '\0')
		return true;
	return error_set(error, ENGINE_ERROR_INVALID, "%s: must provide an argument for option",
			 pair->key);
}

/* A flag of --mount: alone, or with true or false. */
static bool parse_flag_value(const MountKey *pair, const char *names, bool *out, GError **error)
{
	if (!pair->value || strcmp(pair->value, "true") == 0)
		*out = true;
	else if (strcmp(pair->value, "false") == 0)
		*out = false;
	else
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"%s must be set to true or false, instead received \"%s\": must provide "
			"an argument for option",
			names, pair->value);
	return true;
}

static bool check_once(MountKey *pair, SpecMountChoice choice, const char *names, GError **error)
{
	if (pair->seen[choice])
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"cannot pass %s option%s more than once: must provide an argument for "
			"option",
			names, strchr(names, ',') ? "s" : "");
	pair->seen[choice] = true;
	return true;
}

/* "type" was looked at before the other keys; "consistency" is a hint for Docker on a Mac. */
static bool set_key_nothing(MountKey *pair, GError **error)
{
	return need_value(pair, error);
}

/* source=: a directory for a bind mount, else a volume's name. */
static bool set_key_source(MountKey *pair, GError **error)
{
	SpecMount *mount = pair->mount;
	if (mount->kind == SPEC_MOUNT_TMPFS || mount->kind == SPEC_MOUNT_RAMFS)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "source is not supported with %s mounts",
				 mount->kind == SPEC_MOUNT_TMPFS ? "tmpfs" : "ramfs");
	if (!pair->value || *pair->value == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "host directory cannot be empty");
	g_free(mount->source);
	mount->source = NULL;
	if (mount->kind == SPEC_MOUNT_BIND) {
		mount->source = g_canonicalize_filename(pair->value, NULL);
		return true;
	}
	if (mount->kind != SPEC_MOUNT_IMAGE && !name_check(pair->value, error)) {
		g_prefix_error(error,
			       "creating named volume \"%s\": running volume create option: ",
			       pair->value);
		return false;
	}
	mount->source = g_strdup(pair->value);
	return true;
}

static bool set_key_target(MountKey *pair, GError **error)
{
	return spec_mount_set_destination(pair->mount, pair->value ? pair->value : "", error);
}

static bool set_key_write(MountKey *pair, GError **error)
{
	static const char names[] = "'readonly', 'ro', or 'rw'";
	bool on = false;
	if (!check_once(pair, SPEC_MOUNT_CHOICE_WRITE, names, error) ||
	    !parse_flag_value(pair, names, &on, error))
		return false;
	pair->mount->read_only = (strcmp(pair->key, "rw") == 0) != on;
	return true;
}

static bool set_key_chown(MountKey *pair, GError **error)
{
	return check_once(pair, SPEC_MOUNT_CHOICE_CHOWN, "'U' or 'chown'", error) &&
	       parse_flag_value(pair, "'U' or 'chown'", &pair->mount->chown, error);
}

/* relabel=shared|private, and the short z and Z. */
static bool set_key_relabel(MountKey *pair, GError **error)
{
	if (!check_once(pair, SPEC_MOUNT_CHOICE_LABEL, "'relabel'", error))
		return false;
	if (strcmp(pair->key, "relabel") != 0)
		pair->mount->relabel = *pair->key;
	else if (g_strcmp0(pair->value, "shared") == 0)
		pair->mount->relabel = 'z';
	else if (g_strcmp0(pair->value, "private") == 0)
		pair->mount->relabel = 'Z';
	else
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"relabel mount option must be 'private' or 'shared': invalid mount "
			"option");
	return true;
}

static bool set_key_propagation(MountKey *pair, GError **error)
{
	const char *word = strcmp(pair->key, "bind-propagation") == 0 ? pair->value : pair->key;
	if (!need_value(&(MountKey){.key = pair->key, .value = word}, error))
		return false;
	if (spec_mount_flag_lookup(word) != SPEC_MOUNT_CHOICE_PROPAGATION)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid option type \"%s\"", word);
	if (!check_once(pair, SPEC_MOUNT_CHOICE_PROPAGATION, "'bind-propagation'", error))
		return false;
	spec_mount_apply_flag(pair->mount, SPEC_MOUNT_CHOICE_PROPAGATION, word);
	return true;
}

static bool set_key_non_recursive(MountKey *pair, GError **error)
{
	return parse_flag_value(pair, "'bind-nonrecursive'", &pair->mount->non_recursive, error);
}

static bool set_key_flag(MountKey *pair, GError **error)
{
	SpecMountChoice choice = spec_mount_flag_lookup(pair->key);
	if (pair->value)
		return error_set(error, ENGINE_ERROR_INVALID, "%s: invalid mount option",
				 pair->key);
	if (!check_once(pair, choice, spec_mount_choice_words[choice], error))
		return false;
	spec_mount_apply_flag(pair->mount, choice, pair->key);
	return true;
}

static bool set_key_no_copy(MountKey *pair, GError **error)
{
	bool on = false;
	if (!parse_flag_value(pair, "'nocopy'", &on, error))
		return false;
	pair->mount->copy_up = !on;
	return true;
}

static bool set_key_tmpfs_copy_up(MountKey *pair, GError **error)
{
	pair->mount->copy_up = strcmp(pair->key, "tmpcopyup") == 0;
	return !pair->value ||
	       error_set(error, ENGINE_ERROR_INVALID, "%s: invalid mount option", pair->key);
}

/* A path below the volume's root; the runtime resolves it inside that root. */
static bool set_key_subpath(MountKey *pair, GError **error)
{
	if (!need_value(pair, error))
		return false;
	g_auto(GStrv) parts = g_strsplit(pair->value, "/", -1);
	if (g_strv_contains((const char *const *)parts, ".."))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "subpath \"%s\" leads out of the volume: invalid mount option",
				 pair->value);
	g_autofree char *clean = path_clean(pair->value);
	g_free(pair->mount->subpath);
	pair->mount->subpath = strcmp(clean, "/") == 0 ? NULL : g_strdup(clean + 1);
	return true;
}

static bool set_key_tmpfs_option(MountKey *pair, GError **error)
{
	const char *key = g_str_has_prefix(pair->key, "tmpfs-") ? pair->key + 6 : pair->key;
	return need_value(pair, error) &&
	       spec_mount_add_tmpfs_option(pair->mount, key, pair->value, error);
}

/* Image mounts are read-only unless they say otherwise. */
static bool set_key_image_write(MountKey *pair, GError **error)
{
	bool on = pair->value && strcmp(pair->value, "true") == 0;
	if (!on && (!pair->value || strcmp(pair->value, "false") != 0))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid rw value \"%s\": invalid mount option",
				 pair->value ? pair->value : "");
	pair->mount->read_only = !on;
	return true;
}

/* uid, gid, mode and max of a devpts, in the kernel's form. */
static bool set_key_devpts_option(MountKey *pair, GError **error)
{
	uint64_t number = 0;
	if (!need_value(pair, error))
		return false;
	if (strcmp(pair->key, "max") != 0)
		return spec_mount_add_tmpfs_option(pair->mount, pair->key, pair->value, error);
	if (!units_parse_uint(pair->value, G_MAXINT32, &number, NULL))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid devpts option \"max=%s\"",
				 pair->value);
	spec_strv_take(&pair->mount->options, g_strdup_printf("max=%s", pair->value));
	return true;
}

/* A word for the mount that needs no value. */
static bool set_key_plain(MountKey *pair, GError **error)
{
	if (pair->value)
		return error_set(error, ENGINE_ERROR_INVALID, "%s: invalid mount option",
				 pair->key);
	spec_strv_append(&pair->mount->options, pair->key);
	return true;
}

#define ON_BIND   (1 << SPEC_MOUNT_BIND)
#define ON_VOLUME (1 << SPEC_MOUNT_VOLUME)
#define ON_TMPFS  (1 << SPEC_MOUNT_TMPFS)
#define ON_RAMFS  (1 << SPEC_MOUNT_RAMFS)
#define ON_DEVPTS (1 << SPEC_MOUNT_DEVPTS)
#define ON_IMAGE  (1 << SPEC_MOUNT_IMAGE)
#define ON_FILES  (ON_BIND | ON_VOLUME | ON_TMPFS | ON_RAMFS)
#define ON_ALL    (ON_FILES | ON_DEVPTS | ON_IMAGE)

/* Keys of --mount, the types they go with, and their setters; NULL: podman knows it, skiff not yet.
 */
static const struct {
	const char *key;
	unsigned kinds;
	bool (*set)(MountKey *pair, GError **error);
} mount_keys[] = {
	{"type", ON_ALL, set_key_nothing},
	{"src", ON_FILES, set_key_source},
	{"source", ON_FILES, set_key_source},
	{"target", ON_ALL, set_key_target},
	{"dst", ON_ALL, set_key_target},
	{"dest", ON_ALL, set_key_target},
	{"destination", ON_ALL, set_key_target},
	{"ro", ON_FILES, set_key_write},
	{"readonly", ON_FILES, set_key_write},
	{"rw", ON_FILES, set_key_write},
	{"rw", ON_IMAGE, set_key_image_write},
	{"readwrite", ON_IMAGE, set_key_image_write},
	{"src", ON_IMAGE, set_key_source},
	{"source", ON_IMAGE, set_key_source},
	{"ro", ON_DEVPTS, set_key_write},
	{"U", ON_FILES, set_key_chown},
	{"chown", ON_FILES, set_key_chown},
	{"z", ON_BIND | ON_VOLUME, set_key_relabel},
	{"Z", ON_BIND | ON_VOLUME, set_key_relabel},
	{"relabel", ON_BIND | ON_VOLUME, set_key_relabel},
	{"O", ON_BIND | ON_VOLUME, set_key_flag},
	{"bind-propagation", ON_BIND, set_key_propagation},
	{"shared", ON_BIND, set_key_propagation},
	{"rshared", ON_BIND, set_key_propagation},
	{"private", ON_BIND, set_key_propagation},
	{"rprivate", ON_BIND, set_key_propagation},
	{"slave", ON_BIND, set_key_propagation},
	{"rslave", ON_BIND, set_key_propagation},
	{"unbindable", ON_BIND, set_key_propagation},
	{"runbindable", ON_BIND, set_key_propagation},
	{"bind-nonrecursive", ON_BIND, set_key_non_recursive},
	{"exec", ON_FILES, set_key_flag},
	{"noexec", ON_FILES, set_key_flag},
	{"dev", ON_FILES, set_key_flag},
	{"nodev", ON_FILES, set_key_flag},
	{"suid", ON_FILES, set_key_flag},
	{"nosuid", ON_FILES, set_key_flag},
	{"subpath", ON_VOLUME, set_key_subpath},
	{"volume-subpath", ON_VOLUME, set_key_subpath},
	{"copy", ON_VOLUME, set_key_flag},
	{"nocopy", ON_VOLUME, set_key_no_copy},
	{"volume-nocopy", ON_VOLUME, set_key_no_copy},
	{"tmpfs-size", ON_TMPFS, set_key_tmpfs_option},
	{"tmpfs-mode", ON_TMPFS | ON_RAMFS, set_key_tmpfs_option},
	{"size", ON_TMPFS, set_key_tmpfs_option},
	{"mode", ON_TMPFS | ON_RAMFS, set_key_tmpfs_option},
	{"uid", ON_DEVPTS, set_key_devpts_option},
	{"gid", ON_DEVPTS, set_key_devpts_option},
	{"mode", ON_DEVPTS, set_key_devpts_option},
	{"max", ON_DEVPTS, set_key_devpts_option},
	{"subpath", ON_IMAGE, NULL},
	{"uid", ON_TMPFS, set_key_tmpfs_option},
	{"gid", ON_TMPFS, set_key_tmpfs_option},
	{"tmpcopyup", ON_TMPFS | ON_RAMFS, set_key_tmpfs_copy_up},
	{"notmpcopyup", ON_TMPFS | ON_RAMFS, set_key_tmpfs_copy_up},
	{"consistency", ON_FILES, set_key_nothing},
	{"idmap", ON_FILES, NULL},
	{"no-dereference", ON_BIND, NULL},
	{"noatime", ON_TMPFS | ON_RAMFS, set_key_plain},
	{"nocreate", ON_VOLUME, NULL},
	{"noswap", ON_TMPFS, NULL},
	{"volume-driver", ON_VOLUME, NULL},
	{"volume-label", ON_VOLUME, NULL},
	{"volume-opt", ON_VOLUME, NULL},
};

static bool apply_key(MountKey *pair, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mount_keys); i++) {
		if (strcmp(pair->key, mount_keys[i].key) != 0 ||
		    !(mount_keys[i].kinds & (1U << pair->mount->kind)))
			continue;
		if (!mount_keys[i].set)
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "mount option %s is not supported", pair->key);
		return mount_keys[i].set(pair, error);
	}
	return error_set(error, ENGINE_ERROR_INVALID, "%s: invalid mount option", pair->key);
}

/* The fields of a --mount value: commas separate, double quotes protect (encoding/csv of Go). */
static char **split_csv(const char *value, GError **error)
{
	char **fields = NULL;
	const char *at = value;
	do {
		g_autoptr(GString) field = g_string_new(NULL);
		bool quoted = *at == '"';
		if (quoted) {
			for (at++; *at != '\0' && (at[0] != '"' || at[1] == '"'); at++) {
				if (*at == '"')
					at++;
				g_string_append_c(field, *at);
			}
			if (*at != '"' || (at[1] != ',' && at[1] != '\0')) {
				g_strfreev(fields);
				return error_set_null(error, ENGINE_ERROR_INVALID,
						      "extraneous or missing \" in quoted-field");
			}
			at++;
		} else {
			size_t length = strcspn(at, ",");
			g_string_append_len(field, at, (gssize)length);
			at += length;
		}
		spec_strv_append(&fields, field->str);
	} while (*at++ == ',');
	return fields;
}

/* Find the type among the fields; podman's default is a volume. */
static bool find_mount_kind(char **fields, SpecMountKind *out_kind, GError **error)
{
	static const char *const types[] = {
		[SPEC_MOUNT_BIND] = "bind",     [SPEC_MOUNT_VOLUME] = "volume",
		[SPEC_MOUNT_TMPFS] = "tmpfs",   [SPEC_MOUNT_RAMFS] = "ramfs",
		[SPEC_MOUNT_DEVPTS] = "devpts", [SPEC_MOUNT_IMAGE] = "image",
	};
	static const char *const unsupported[] = {"artifact", "cluster", "glob", "npipe", NULL};
	const char *type = "volume";
	size_t kind = 0;
	for (char **field = fields; *field; field++)
		if (g_str_has_prefix(*field, "type="))
			type = *field + strlen("type=");
	while (kind < G_N_ELEMENTS(types) && strcmp(type, types[kind]) != 0)
		kind++;
	if (kind == G_N_ELEMENTS(types) && g_strv_contains(unsupported, type))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "mount type \"%s\" is not supported: bind, volume, tmpfs, ramfs, "
				 "devpts and image are",
				 type);
	if (kind == G_N_ELEMENTS(types))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid filesystem type \"%s\"",
				 type);
	*out_kind = (SpecMountKind)kind;
	return true;
}

bool spec_add_mount(ContainerSpec *spec, const char *value, GError **error)
{
	g_auto(GStrv) fields = split_csv(value, error);
	if (!fields)
		return false;
	SpecMountKind kind = SPEC_MOUNT_VOLUME;
	if (!strchr(value, '=') || !find_mount_kind(fields, &kind, error))
		return strchr(value, '=') ? false
					  : error_set(error, ENGINE_ERROR_INVALID, MOUNT_FORMAT);

	g_autoptr(SpecMount) mount = spec_mount_new(kind, NULL, NULL);
	MountKey pair = {.mount = mount};
	for (char **field = fields; *field; field++) {
		char *equals = strchr(*field, '=');
		if (equals)
			*equals = '\0';
		pair.key = *field;
		pair.value = equals ? equals + 1 : NULL;
		if (!apply_key(&pair, error))
			return false;
	}
	if (kind == SPEC_MOUNT_IMAGE && (!mount->source || !mount->destination))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "must set source and destination for image volume");
	if (!mount->destination)
		return error_set(error, ENGINE_ERROR_INVALID, "must set volume destination");
	if (kind == SPEC_MOUNT_BIND && !mount->source)
		mount->source = g_strdup(mount->destination);
	g_ptr_array_add(spec->mounts, g_steal_pointer(&mount));
	return true;
}
