/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags of instructions: a table of rows, each with its instructions and a setter.
 */
#include <string.h>

#include "build/dockerfile_priv.h"
#include "build/run_mount.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"

#define LIST_MAX            256
#define MILLISECOND         1000000
#define KIND(name)          (1u << INSTRUCTION_##name)
#define AT(field)           offsetof(Instruction, field)
#define FIELD(i, row, type) ((type *)(void *)((char *)(i) + (row)->offset))

typedef struct Flag {
	const char *name;
	unsigned kinds;
	bool bare;     /* may stand without a value: true */
	bool repeated; /* may be given several times */
	bool (*set)(Instruction *instruction, const struct Flag *flag, const char *value,
		    GError **error);
	size_t offset;
} Flag;

static bool set_string(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	*FIELD(i, flag, char *) = g_strdup(value);
	return true;
}

/* "$" may become anything. */
static bool has_variable(const char *value)
{
	return strchr(value, '$') != NULL;
}

static bool parse_bool(const Flag *flag, const char *value, bool *out, GError **error)
{
	*out = g_ascii_strcasecmp(value, "true") == 0;
	if (*out || g_ascii_strcasecmp(value, "false") == 0)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID, "--%s must be true or false, not '%s'",
			 flag->name, value);
}

static bool set_bool(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	return parse_bool(flag, value, FIELD(i, flag, bool), error);
}

static bool set_unpack(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	bool unpack = false;
	if (!parse_bool(flag, value, &unpack, error))
		return false;
	i->copy.unpack = unpack;
	return true;
}

static bool add_to_list(GPtrArray *list, const Flag *flag, const char *value, GError **error)
{
	if (!*value)
		return error_set(error, ENGINE_ERROR_INVALID, "--%s needs a value", flag->name);
	if (list->len == LIST_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "more than %d times --%s", LIST_MAX,
				 flag->name);
	g_ptr_array_add(list, g_strdup(value));
	return true;
}

static bool add_string(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	return add_to_list(*FIELD(i, flag, GPtrArray *), flag, value, error);
}

static bool add_mount(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	if (i->run.mounts->len == LIST_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "more than %d mounts", LIST_MAX);
	RunMount *mount = run_mount_parse(value, NULL, error);
	if (!mount) {
		g_prefix_error(error, "--mount: ");
		return false;
	}
	g_ptr_array_add(i->run.mounts, mount);
	return true;
}

/* --from names a stage, an image or a context, never by a variable. */
static bool set_from(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	if (!has_variable(value) && *value)
		return set_string(i, flag, value, error);
	if (!*value)
		return error_set(error, ENGINE_ERROR_INVALID, "--from needs a value");
	error_set(error, ENGINE_ERROR_INVALID, "--from takes no variable: '%s'", value);
	error_add_help(error, "name a stage: FROM %s AS name, then --from=name", value);
	return false;
}

/* Octal, or clauses as chmod(1) takes them: [ugoa]*[-+=][rwxXst]* or another class. */
static bool is_mode(const char *value)
{
	size_t digits = strspn(value, "01234567");
	if (digits > 0 && digits <= 4 && !value[digits])
		return true;
	for (const char *c = value;; c++) {
		c += strspn(c, "ugoa");
		if (!*c || !strchr("-+=", *c))
			return false;
		while (*c && strchr("-+=", *c)) {
			c++;
			c += strspn(c, "rwxXstugo");
		}
		if (!*c)
			return true;
		if (*c != ',')
			return false;
	}
}

static bool set_chmod(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	if (!has_variable(value) && !is_mode(value))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--chmod must be an octal or symbolic mode, not '%s'", value);
	return set_string(i, flag, value, error);
}

static bool set_word(Instruction *i, const Flag *flag, const char *value, const char *const *words,
		     GError **error)
{
	Suggestions near;
	suggest_init(&near, value);
	for (size_t at = 0; words[at]; at++) {
		if (strcmp(words[at], value) == 0)
			return set_string(i, flag, value, error);
		suggest_offer(&near, words[at]);
	}
	g_autofree char *all = g_strjoinv(", ", (char **)words);
	error_set(error, ENGINE_ERROR_INVALID, "--%s must be one of %s, not '%s'", flag->name, all,
		  value);
	suggest_add_help(&near, "", error);
	return false;
}

static bool set_network(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	static const char *const words[] = {"default", "none", "host", NULL};
	return set_word(i, flag, value, words, error);
}

static bool set_security(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	static const char *const words[] = {"sandbox", "insecure", NULL};
	return set_word(i, flag, value, words, error);
}

static bool set_duration(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	int64_t ns = 0;
	if (!units_parse_duration(value, &ns, error)) {
		g_prefix_error(error, "--%s: ", flag->name);
		return false;
	}
	if (ns < 0 || (ns > 0 && ns < MILLISECOND))
		return error_set(error, ENGINE_ERROR_INVALID, "--%s cannot be less than 1ms",
				 flag->name);
	*FIELD(i, flag, int64_t) = ns;
	return true;
}

static bool set_retries(Instruction *i, const Flag *flag, const char *value, GError **error)
{
	uint64_t number = 0;
	if (!units_parse_uint(value, INT32_MAX, &number, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--retries must be a number, not '%s'", value);
	i->health.retries = (int64_t)number;
	return true;
}

#define COPIES (KIND(ADD) | KIND(COPY))

static const Flag flags_table[] = {
	{"checksum", KIND(ADD), false, false, set_string, AT(copy.checksum)},
	{"chmod", COPIES, false, false, set_chmod, AT(copy.chmod)},
	{"chown", COPIES, false, false, set_string, AT(copy.chown)},
	{"device", KIND(RUN), false, true, add_string, AT(run.devices)},
	{"exclude", COPIES, false, true, add_string, AT(copy.exclude)},
	{"from", KIND(COPY), false, false, set_from, AT(copy.from)},
	{"interval", KIND(HEALTHCHECK), false, false, set_duration, AT(health.interval)},
	{"keep-git-dir", KIND(ADD), true, false, set_bool, AT(copy.keep_git_dir)},
	{"link", COPIES, true, false, set_bool, AT(copy.link)},
	{"mount", KIND(RUN), false, true, add_mount, 0},
	{"network", KIND(RUN), false, false, set_network, AT(run.network)},
	{"parents", KIND(COPY), true, false, set_bool, AT(copy.parents)},
	{"platform", KIND(FROM), false, false, set_string, AT(from.platform)},
	{"retries", KIND(HEALTHCHECK), false, false, set_retries, 0},
	{"security", KIND(RUN), false, false, set_security, AT(run.security)},
	{"start-interval", KIND(HEALTHCHECK), false, false, set_duration,
	 AT(health.start_interval)},
	{"start-period", KIND(HEALTHCHECK), false, false, set_duration, AT(health.start_period)},
	{"timeout", KIND(HEALTHCHECK), false, false, set_duration, AT(health.timeout)},
	{"unpack", KIND(ADD), true, false, set_unpack, 0},
};

G_STATIC_ASSERT(G_N_ELEMENTS(flags_table) <= 64);

/* The row of a flag, or what was meant. */
static const Flag *find_flag(const Instruction *i, const char *name, GError **error)
{
	Suggestions near;
	suggest_init(&near, name);
	for (size_t at = 0; at < G_N_ELEMENTS(flags_table); at++) {
		if (!(flags_table[at].kinds & 1u << i->kind))
			continue;
		if (strcmp(flags_table[at].name, name) == 0)
			return &flags_table[at];
		suggest_offer(&near, flags_table[at].name);
	}
	error_set(error, ENGINE_ERROR_INVALID, "%s has no flag '--%s'", instruction_name(i->kind),
		  name);
	suggest_add_help(&near, "--", error);
	return NULL;
}

bool instruction_set_flags(Instruction *instruction, char *const *flags, GError **error)
{
	uint64_t seen = 0;
	for (; *flags; flags++) {
		const char *equals = strchr(*flags, '=');
		size_t size = equals ? (size_t)(equals - *flags) : strlen(*flags);
		g_autofree char *name = g_strndup(*flags + 2, size - 2);
		const Flag *flag = find_flag(instruction, name, error);
		if (!flag)
			return false;
		uint64_t bit = UINT64_C(1) << (flag - flags_table);
		if (seen & bit && !flag->repeated)
			return error_set(error, ENGINE_ERROR_INVALID, "--%s is given twice", name);
		seen |= bit;
		if (!equals && !flag->bare)
			return error_set(error, ENGINE_ERROR_INVALID, "--%s needs a value", name);
		if (!flag->set(instruction, flag, equals ? equals + 1 : "true", error))
			return false;
	}
	return true;
}
