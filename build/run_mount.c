/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN --mount: a table of keys, each with the types it belongs to and a setter.
 */
#include "build/run_mount.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"
#include "libpod/base/wall.h"

#define FIELDS_MAX 64

enum {
	B = 1 << RUN_MOUNT_BIND,
	C = 1 << RUN_MOUNT_CACHE,
	T = 1 << RUN_MOUNT_TMPFS,
	S = 1 << RUN_MOUNT_SECRET,
	H = 1 << RUN_MOUNT_SSH,
	ALL = B | C | T | S | H
};

static const char *const type_names[] = {"bind", "cache", "tmpfs", "secret", "ssh", NULL};
static const char *const sharing_names[] = {"shared", "private", "locked", NULL};

void run_mount_free(void *data)
{
	RunMount *mount = data;
	if (!mount)
		return;
	g_free(mount->text);
	g_free(mount->id);
	g_free(mount->source);
	g_free(mount->target);
	g_free(mount->from);
	g_free(mount->env);
	g_free(mount);
}

typedef struct Key {
	const char *name;
	int types;
	bool bare; /* may stand without a value */
	bool (*set)(RunMount *mount, const struct Key *key, const char *value, GError **error);
	size_t offset;
} Key;

#define FIELD(mount, key, type) ((type *)(void *)((char *)(mount) + (key)->offset))

/* The place of @value in @names. */
static bool pick(const char *const *names, const char *what, const char *value, int *out,
		 GError **error)
{
	for (int i = 0; names[i]; i++) {
		if (g_ascii_strcasecmp(names[i], value) == 0) {
			*out = i;
			return true;
		}
	}
	Suggestions near;
	suggest_init(&near, value);
	for (int i = 0; names[i]; i++)
		suggest_offer(&near, names[i]);
	error_set(error, ENGINE_ERROR_INVALID, "unknown %s '%s'", what, value);
	suggest_add_help(&near, "", error);
	return false;
}

static bool set_type(RunMount *mount, const Key *key, const char *value, GError **error)
{
	int type = 0;
	if (!pick(type_names, "mount type", value, &type, error))
		return false;
	mount->type = (RunMountType)type;
	return true;
}

static bool set_sharing(RunMount *mount, const Key *key, const char *value, GError **error)
{
	int sharing = 0;
	if (!pick(sharing_names, "sharing mode", value, &sharing, error))
		return false;
	mount->sharing = (RunMountSharing)sharing;
	return true;
}

static bool set_string(RunMount *mount, const Key *key, const char *value, GError **error)
{
	char **field = FIELD(mount, key, char *);
	g_free(*field);
	*field = g_strdup(value);
	return true;
}

/* strconv.ParseBool, which is what Dockerfiles are written for. */
static bool set_bool(RunMount *mount, const Key *key, const char *value, GError **error)
{
	static const char *const words[] = {"1", "t", "true",  "TRUE",  "True",  "T",
					    "0", "f", "false", "FALSE", "False", "F"};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strcmp(words[i], value) == 0) {
			*FIELD(mount, key, bool) = i < G_N_ELEMENTS(words) / 2;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID, "'%s' must be true or false, not '%s'",
			 key->name, value);
}

static bool set_writable(RunMount *mount, const Key *key, const char *value, GError **error)
{
	if (!set_bool(mount, key, value, error))
		return false;
	mount->read_only = !mount->read_only;
	return true;
}

static bool set_id(RunMount *mount, const Key *key, const char *value, GError **error)
{
	uint64_t number = 0;
	if (!units_parse_uint(value, UINT32_MAX - 1, &number, NULL))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' must be a number, not '%s'",
				 key->name, value);
	*FIELD(mount, key, int64_t) = (int64_t)number;
	return true;
}

static bool set_mode(RunMount *mount, const Key *key, const char *value, GError **error)
{
	char *end = NULL;
	guint64 mode = g_ascii_strtoull(value, &end, 8);
	if (!g_ascii_isdigit(*value) || *end || mode > 07777)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'mode' must be an octal number, not '%s'", value);
	mount->mode = (int64_t)mode;
	return true;
}

static bool set_size(RunMount *mount, const Key *key, const char *value, GError **error)
{
	return units_parse_size(value, &mount->size, error);
}

static const Key keys[] = {
	{"destination", ALL, false, set_string, offsetof(RunMount, target)},
	{"dst", ALL, false, set_string, offsetof(RunMount, target)},
	{"env", S, false, set_string, offsetof(RunMount, env)},
	{"from", B | C, false, set_string, offsetof(RunMount, from)},
	{"gid", C | S | H, false, set_id, offsetof(RunMount, gid)},
	{"id", C | S | H, false, set_string, offsetof(RunMount, id)},
	{"mode", C | S | H, false, set_mode, 0},
	{"readonly", ALL, true, set_bool, offsetof(RunMount, read_only)},
	{"readwrite", B | C | T, true, set_writable, offsetof(RunMount, read_only)},
	{"required", S | H, true, set_bool, offsetof(RunMount, required)},
	{"ro", ALL, true, set_bool, offsetof(RunMount, read_only)},
	{"rw", B | C | T, true, set_writable, offsetof(RunMount, read_only)},
	{"sharing", C, false, set_sharing, 0},
	{"size", T, false, set_size, 0},
	{"source", B | C | S, false, set_string, offsetof(RunMount, source)},
	{"src", B | C | S, false, set_string, offsetof(RunMount, source)},
	{"target", ALL, false, set_string, offsetof(RunMount, target)},
	{"type", ALL, false, set_type, 0},
	{"uid", C | S | H, false, set_id, offsetof(RunMount, uid)},
};

static const Key *find_key(const char *name, GError **error)
{
	Suggestions near;
	suggest_init(&near, name);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (g_ascii_strcasecmp(keys[i].name, name) == 0)
			return &keys[i];
		suggest_offer(&near, keys[i].name);
	}
	if (!wall_stands("mount-keys"))
		return &keys[0];
	error_set(error, ENGINE_ERROR_INVALID, "unknown mount key '%s'", name);
	suggest_add_help(&near, "", error);
	return NULL;
}

/* One line of CSV: fields in double quotes, "" in them is a quote. */
static char **split_csv(const char *text, GError **error)
{
	g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) field = g_string_new(NULL);
	bool quoted = false;
	for (const char *c = text;; c++) {
		if (quoted && *c == '"' && c[1] == '"')
			g_string_append_c(field, *c++);
		else if (*c == '"' && (quoted || field->len == 0))
			quoted = !quoted;
		else if (*c && (quoted || *c != ','))
			g_string_append_c(field, *c);
		else {
			g_ptr_array_add(fields, g_strdup(field->str));
			g_string_truncate(field, 0);
			if (!*c)
				break;
		}
	}
	if (quoted || fields->len > FIELDS_MAX)
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%.100s': %s", text,
				      quoted ? "a quote is not closed" : "too many fields");
	g_ptr_array_set_free_func(fields, NULL);
	g_ptr_array_add(fields, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&fields), FALSE);
}

/* The value a key is set to: expanded, or NULL with *@io_deferred if that must wait. */
static char *final_value(const Key *key, const char *value, const Expander *expander,
			 bool *io_deferred, GError **error)
{
	if (!strchr(value, '$'))
		return g_strdup(value);
	if (strcmp(key->name, "from") == 0) {
		error_set(error, ENGINE_ERROR_INVALID, "'from' takes no variable: '%s'", value);
		error_add_help(error, "name a stage: FROM %s AS name, then from=name", value);
		return NULL;
	}
	if (expander)
		return expand_word(expander, value, error);
	*io_deferred = true;
	return NULL;
}

/* Set what "key=value" says. The type has been set before. */
static bool set_field(RunMount *mount, const char *field, const Expander *expander, bool only_type,
		      GError **error)
{
	const char *equals = strchr(field, '=');
	g_autofree char *name =
		equals ? g_strndup(field, (size_t)(equals - field)) : g_strdup(field);
	const Key *key = find_key(name, error);
	if (!key)
		return false;
	if (!equals && !key->bare)
		return error_set(error, ENGINE_ERROR_INVALID, "mount key '%s' needs a value",
				 key->name);
	if (only_type != (key->set == set_type))
		return true;
	if (!only_type && !mount->deferred && !(key->types & 1 << mount->type))
		return error_set(error, ENGINE_ERROR_INVALID, "a %s mount has no '%s'",
				 type_names[mount->type], key->name);
	bool deferred = false;
	g_autoptr(GError) inner = NULL;
	g_autofree char *value =
		final_value(key, equals ? equals + 1 : "true", expander, &deferred, &inner);
	if (inner) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	mount->deferred |= deferred;
	return deferred || key->set(mount, key, value, error);
}

/* What holds between keys. */
static bool check_mount(const RunMount *mount, GError **error)
{
	if (mount->deferred)
		return true;
	if (mount->type == RUN_MOUNT_SECRET && mount->source && mount->id)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "a secret mount has either 'id' or 'source'");
	if (mount->type == RUN_MOUNT_SECRET && !mount->source && !mount->id && !mount->target)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "a secret mount needs 'id' or 'target'");
	bool needs_target = mount->type != RUN_MOUNT_SECRET && mount->type != RUN_MOUNT_SSH;
	if (needs_target && (!mount->target || !*mount->target))
		return error_set(error, ENGINE_ERROR_INVALID, "a %s mount needs a 'target'",
				 type_names[mount->type]);
	return true;
}

RunMount *run_mount_parse(const char *text, const Expander *expander, GError **error)
{
	g_autoptr(RunMount) mount = g_new0(RunMount, 1);
	mount->text = g_strdup(text);
	mount->mode = mount->uid = mount->gid = mount->size = -1;
	g_auto(GStrv) fields = split_csv(text, error);
	if (!fields)
		return NULL;
	/* The type first: it may stand behind what depends on it. */
	for (size_t i = 0; fields[i]; i++) {
		if (!set_field(mount, fields[i], expander, true, error))
			return NULL;
	}
	mount->read_only = mount->type != RUN_MOUNT_CACHE && mount->type != RUN_MOUNT_TMPFS;
	for (size_t i = 0; fields[i]; i++) {
		if (!set_field(mount, fields[i], expander, false, error))
			return NULL;
	}
	return check_mount(mount, error) ? g_steal_pointer(&mount) : NULL;
}
