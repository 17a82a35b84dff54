/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/option.h"

#include <errno.h>
#include <string.h>

#include "cmd/escape.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"

/* One call of option_parse(). */
typedef struct {
	const OptionGroup *const *groups;
	void *const *targets;
	char **next; /* the first argument not looked at yet */
	OptionResult *result;
} Parser;

bool option_takes_value(const Option *option)
{
	return option->kind != OPTION_FLAG && option->kind != OPTION_TRISTATE;
}

const Option *option_lookup(const OptionGroup *const *groups, const char *name, size_t *out_group)
{
	for (size_t g = 0; groups && groups[g]; g++) {
		for (const Option *o = groups[g]->options; o->name; o++) {
			if (strcmp(o->name, name) == 0) {
				if (out_group)
					*out_group = g;
				return o;
			}
		}
	}
	return NULL;
}

static const Option *lookup_short(const OptionGroup *const *groups, char name, size_t *out_group)
{
	for (size_t g = 0; groups && groups[g]; g++) {
		for (const Option *o = groups[g]->options; o->name; o++) {
			if (o->short_name == name) {
				*out_group = g;
				return o;
			}
		}
	}
	return NULL;
}

/* The name an error gives an option: "-t, --time". */
static char *option_label(const Option *option)
{
	if (option->short_name)
		return g_strdup_printf("-%c, --%s", option->short_name, option->name);
	return g_strdup_printf("--%s", option->name);
}

/* The domain of errors that are said as they are. */
static GQuark whole_quark(void)
{
	return g_quark_from_static_string("skiff-option-whole");
}

bool option_error_is_whole(const GError *error)
{
	return error && error->domain == whole_quark();
}

/* Put pflag's words before the setter's reason and keep the error's code and further lines. */
static void explain_value(const Option *option, const char *value, GError **error)
{
	if (option->flags & OPTION_WHOLE) {
		if (error && *error)
			(*error)->domain = whole_quark();
		return;
	}
	g_autofree char *quoted = escape_quote(value);
	g_autofree char *label = option_label(option);
	g_prefix_error(error, "invalid argument %s for \"%s\" flag: ", quoted, label);
}

/* Call the setter once for each part of a comma-separated value; "..." keeps commas and "" is a
 * quote. */
static bool set_csv(const Option *option, void *target, const char *value, GError **error)
{
	const char *at = value;
	do {
		g_autoptr(GString) part = g_string_new(NULL);
		if (*at == '"') {
			for (at++; *at != '\0' && !(at[0] == '"' && at[1] != '"'); at++) {
				if (*at == '"')
					at++;
				g_string_append_c(part, *at);
			}
			if (*at != '"' || (at[1] != ',' && at[1] != '\0'))
				return error_set(error, ENGINE_ERROR_INVALID,
						 "extraneous or missing \" in quoted-field");
			at++;
		} else {
			size_t length = strcspn(at, ",");
			if (memchr(at, '"', length))
				return error_set(error, ENGINE_ERROR_INVALID,
						 "bare \" in non-quoted-field");
			g_string_append_len(part, at, length);
			at += length;
		}
		if (!option->set(target, option, part->str, error))
			return false;
	} while (*at++ == ',');
	return true;
}

/* Hand a value to the row's setter. */
static bool apply(const Parser *parser, const Option *option, size_t group, const char *value,
		  GError **error)
{
	void *target = parser->targets ? parser->targets[group] : NULL;
	bool flag = false;
	if (!option_takes_value(option) && !(option->flags & OPTION_WORDS)) {
		if (!option_parse_bool(value, &flag, error)) {
			explain_value(option, value, error);
			return false;
		}
		value = flag ? "true" : "false";
	}

	bool ok;
	if (option->kind == OPTION_CSV && *value != '\0')
		ok = set_csv(option, target, value, error);
	else if (option->kind == OPTION_CSV)
		ok = true; /* pflag: an empty list of values */
	else
		ok = option->set(target, option, value, error);
	if (!ok)
		explain_value(option, value, error);
	return ok;
}

static bool refuse_unsupported(const Option *option, GError **error)
{
	g_autofree char *label = option_label(option);
	return error_set(error, ENGINE_ERROR_UNSUPPORTED, "unsupported flag: %s%s%s", label,
			 option->help ? ": " : "", option->help ? option->help : "");
}

/* "unknown flag", with a help line that names options of a similar spelling. */
static bool refuse_unknown(const Parser *parser, const char *name, GError **error)
{
	Suggestions near;
	suggest_init(&near, name);
	for (size_t g = 0; parser->groups[g]; g++)
		for (const Option *o = parser->groups[g]->options; o->name; o++)
			if (o->set && !(o->flags & OPTION_HIDDEN))
				suggest_offer(&near, o->name);
	error_set(error, ENGINE_ERROR_INVALID, "unknown flag: --%s", name);
	suggest_add_help(&near, "--", error);
	return false;
}

/* "--name", "--name=value", "--name value". */
static bool parse_long(Parser *parser, const char *arg, GError **error)
{
	const char *body = arg + 2;
	if (*body == '-' || *body == '=')
		return error_set(error, ENGINE_ERROR_INVALID, "bad flag syntax: %s", arg);
	const char *equals = strchr(body, '=');
	g_autofree char *name = equals ? g_strndup(body, equals - body) : g_strdup(body);

	size_t group = 0;
	const Option *option = option_lookup(parser->groups, name, &group);
	if (!option && strcmp(name, "help") == 0) {
		parser->result->help = true;
		return true;
	}
	if (!option && strcmp(name, "help-all") == 0) {
		parser->result->help = parser->result->help_all = true;
		return true;
	}
	if (!option)
		return refuse_unknown(parser, name, error);
	if (!option->set)
		return refuse_unsupported(option, error);
	if (equals)
		return apply(parser, option, group, equals + 1, error);
	if (!option_takes_value(option))
		return apply(parser, option, group, "true", error);
	if (!*parser->next)
		return error_set(error, ENGINE_ERROR_INVALID, "flag needs an argument: %s", arg);
	return apply(parser, option, group, *parser->next++, error);
}

/* "-x", "-xyz", "-xVALUE", "-x=VALUE", "-x VALUE". */
static bool parse_short(Parser *parser, const char *arg, GError **error)
{
	for (const char *at = arg + 1; *at != '\0'; at++) {
		size_t group = 0;
		const Option *option = lookup_short(parser->groups, *at, &group);
		if (!option && *at == 'h') {
			parser->result->help = true;
			return true;
		}
		if (!option)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unknown shorthand flag: '%c' in -%s", *at, at);
		if (!option->set)
			return refuse_unsupported(option, error);
		if (at[1] == '=' && at[2] != '\0')
			return apply(parser, option, group, at + 2, error);
		if (!option_takes_value(option)) {
			if (!apply(parser, option, group, "true", error))
				return false;
			continue;
		}
		if (at[1] != '\0')
			return apply(parser, option, group, at + 1, error);
		if (!*parser->next)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "flag needs an argument: '%c' in -%s", *at, at);
		return apply(parser, option, group, *parser->next++, error);
	}
	return true;
}

static void take_rest(Parser *parser)
{
	while (*parser->next)
		g_ptr_array_add(parser->result->args, *parser->next++);
}

bool option_parse(const OptionGroup *const *groups, void *const *targets, char **args,
		  bool interspersed, OptionResult *result, GError **error)
{
	static const OptionGroup *const no_groups[] = {NULL};
	Parser parser = {
		.groups = groups ? groups : no_groups,
		.targets = targets,
		.next = args,
		.result = result,
	};
	*result = (OptionResult){.args = g_ptr_array_new(), .dash = -1};

	while (*parser.next && !result->help) {
		const char *arg = *parser.next++;
		if (arg[0] != '-' || arg[1] == '\0') {
			g_ptr_array_add(result->args, (char *)arg);
			if (!interspersed)
				take_rest(&parser);
		} else if (strcmp(arg, "--") == 0) {
			result->dash = result->args->len;
			take_rest(&parser);
		} else if (arg[1] == '-') {
			if (!parse_long(&parser, arg, error))
				return false;
		} else if (!parse_short(&parser, arg, error)) {
			return false;
		}
	}
	return true;
}

void option_result_clear(OptionResult *result)
{
	g_clear_pointer(&result->args, g_ptr_array_unref);
}

bool option_parse_bool(const char *text, bool *out, GError **error)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True", NULL};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False", NULL};
	if (g_strv_contains(yes, text)) {
		*out = true;
		return true;
	}
	if (g_strv_contains(no, text)) {
		*out = false;
		return true;
	}
	g_autofree char *quoted = escape_quote(text);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "strconv.ParseBool: parsing %s: invalid syntax", quoted);
}

/* Digits only, as Go's ParseUint with base 10. */
static bool parse_digits(const char *text, const char *whole, const char *function, uint64_t max,
			 uint64_t *out, GError **error)
{
	bool valid = *text != '\0' && strspn(text, "0123456789") == strlen(text);
	errno = 0;
	uint64_t value = valid ? g_ascii_strtoull(text, NULL, 10) : 0;
	if (valid && errno == 0 && value <= max) {
		*out = value;
		return true;
	}
	g_autofree char *quoted = escape_quote(whole);
	return error_set(error, ENGINE_ERROR_INVALID, "strconv.%s: parsing %s: %s", function,
			 quoted, valid ? "value out of range" : "invalid syntax");
}

#define FIELD(type) ((type *)((char *)target + option->offset))

bool option_set_flag(void *target, const Option *option, const char *value, GError **error)
{
	return option_parse_bool(value, FIELD(bool), error);
}

bool option_set_tristate(void *target, const Option *option, const char *value, GError **error)
{
	bool flag = false;
	if (!option_parse_bool(value, &flag, error))
		return false;
	*FIELD(Tristate) = flag ? TRISTATE_TRUE : TRISTATE_FALSE;
	return true;
}

bool option_set_string(void *target, const Option *option, const char *value, GError **error)
{
	g_assert(option->kind != OPTION_CSV);
	*FIELD(const char *) = value;
	return true;
}

void option_secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	g_free(secret);
}

bool option_set_secret(void *target, const Option *option, const char *value, GError **error)
{
	char **field = FIELD(char *);
	g_assert(option->kind == OPTION_VALUE);
	option_secret_free(*field);
	*field = g_strdup(value);
	explicit_bzero((char *)value, strlen(value));
	return true;
}

bool option_set_uint(void *target, const Option *option, const char *value, GError **error)
{
	return parse_digits(value, value, "ParseUint", UINT64_MAX, FIELD(uint64_t), error);
}

bool option_set_int(void *target, const Option *option, const char *value, GError **error)
{
	bool negative = *value == '-';
	const char *digits = *value == '-' || *value == '+' ? value + 1 : value;
	uint64_t amount = 0;
	if (!parse_digits(digits, value, "ParseInt", negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX,
			  &amount, error))
		return false;
	*FIELD(int64_t) = negative ? (int64_t)(0 - amount) : (int64_t)amount;
	return true;
}

bool option_set_list(void *target, const Option *option, const char *value, GError **error)
{
	GPtrArray **list = FIELD(GPtrArray *);
	if (!*list)
		*list = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(*list, g_strdup(value));
	return true;
}

bool option_set_ignored(void *target, const Option *option, const char *value, GError **error)
{
	bool ignored = false;
	return option_takes_value(option) || option_parse_bool(value, &ignored, error);
}
