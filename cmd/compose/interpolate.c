/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/interpolate.h"

#include <string.h>

#include "libpod/base/error.h"

#define NESTING_MAX 32

/* One ${...} or $NAME taken apart; words point into the template. */
typedef struct {
	char *name;
	char *word; /* NULL: no operator */
	char kind;  /* '-', '+' or '?' */
	bool colon;
	size_t length; /* of the whole, in the template */
} Reference;

static void reference_clear(Reference *ref)
{
	g_free(ref->name);
	g_free(ref->word);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reference, reference_clear)

static size_t name_length(const char *text)
{
	if (!g_ascii_isalpha(*text) && *text != '_')
		return 0;
	size_t n = 1;
	while (g_ascii_isalnum(text[n]) || text[n] == '_')
		n++;
	return n;
}

/* The '}' that closes a word, over nested "${...}"; NULL if there is none. */
static const char *find_close(const char *text)
{
	unsigned open = 1;
	for (; *text; text++) {
		if (*text == '}' && --open == 0)
			return text;
		if (text[0] == '$' && text[1] == '{') {
			open++;
			text++;
		}
	}
	return NULL;
}

/*
 * What stands at a '$' that is not doubled. Return: 1 a reference, 0 a lone dollar, -1 a broken
 * "${".
 */
static int parse_reference(const char *text, Reference *ref)
{
	size_t n = name_length(text + 1);
	if (n > 0) {
		ref->name = g_strndup(text + 1, n);
		ref->length = n + 1;
		return 1;
	}
	if (text[1] != '{')
		return 0;
	n = name_length(text + 2);
	const char *at = text + 2 + n;
	if (n == 0)
		return -1;
	ref->name = g_strndup(text + 2, n);
	if (*at == '}') {
		ref->length = (size_t)(at - text) + 1;
		return 1;
	}
	ref->colon = *at == ':';
	at += ref->colon;
	const char *close = *at && strchr("-+?", *at) ? find_close(at + 1) : NULL;
	if (!close)
		return -1;
	ref->kind = *at;
	ref->word = g_strndup(at + 1, (size_t)(close - at - 1));
	ref->length = (size_t)(close - text) + 1;
	return 1;
}

static InterpolateResult substitute(const Interpolation *env, const char *text, unsigned depth,
				    GString *out, GError **error);

static InterpolateResult invalid(GError **error, const char *text)
{
	error_set(error, ENGINE_ERROR_INVALID, "Invalid template: \"%s\"", text);
	return INTERPOLATE_INVALID;
}

/* ${X?word} of an X that is missing. */
static InterpolateResult fail_required(const Interpolation *env, const Reference *ref,
				       unsigned depth, GError **error)
{
	g_autoptr(GString) reason = g_string_new(NULL);
	InterpolateResult result = substitute(env, ref->word, depth + 1, reason, error);
	if (result != INTERPOLATE_OK)
		return result;
	error_set(error, ENGINE_ERROR_INVALID, "required variable %s is missing a value%s%s",
		  ref->name, reason->len > 0 ? ": " : "", reason->str);
	return INTERPOLATE_MISSING;
}

/* Append the value of one reference. */
static InterpolateResult expand(const Interpolation *env, const Reference *ref, unsigned depth,
				GString *out, GError **error)
{
	const char *value = env->lookup(ref->name, env->data);
	bool set = value && (!ref->colon || *value);
	if (ref->kind == '+')
		return set ? substitute(env, ref->word, depth + 1, out, error) : INTERPOLATE_OK;
	if (!set && ref->kind == '-')
		return substitute(env, ref->word, depth + 1, out, error);
	if (!set && ref->kind == '?')
		return fail_required(env, ref, depth, error);
	if (value)
		g_string_append(out, value);
	else if (env->missing)
		env->missing(ref->name, env->data);
	return INTERPOLATE_OK;
}

/* Append @text with its variables substituted. */
static InterpolateResult substitute(const Interpolation *env, const char *text, unsigned depth,
				    GString *out, GError **error)
{
	if (depth > NESTING_MAX)
		return invalid(error, "nested too deeply");
	for (const char *at = text; *at;) {
		if (out->len > INTERPOLATE_SIZE_MAX) {
			error_set(error, ENGINE_ERROR_INVALID, "the value is too long");
			return INTERPOLATE_MISSING;
		}
		if (*at != '$' || at[1] == '$') {
			g_string_append_c(out, *at);
			at += at[0] == '$' ? 2 : 1;
			continue;
		}
		g_auto(Reference) ref = {0};
		int found = parse_reference(at, &ref);
		if (found < 0)
			return invalid(error, text);
		if (found == 0) {
			g_string_append_c(out, *at++);
			continue;
		}
		InterpolateResult result = expand(env, &ref, depth, out, error);
		if (result != INTERPOLATE_OK)
			return result;
		at += ref.length;
	}
	return INTERPOLATE_OK;
}

InterpolateResult interpolate_text(const Interpolation *env, const char *text, char **out,
				   GError **error)
{
	g_autoptr(GString) result = g_string_new(NULL);
	InterpolateResult code = substitute(env, text, 0, result, error);
	if (code == INTERPOLATE_OK)
		*out = g_strndup(result->str, result->len);
	return code;
}

/* Substitute in one string and say where it went wrong. */
static bool interpolate_string(const Interpolation *env, Node *node, const char *path,
			       GError **error)
{
	g_autoptr(GError) reason = NULL;
	char *text = NULL;
	if (!strchr(node->text, '$'))
		return true;
	InterpolateResult result = interpolate_text(env, node->text, &text, &reason);
	if (result == INTERPOLATE_OK && env->total &&
	    (*env->total += strlen(text)) > INTERPOLATE_TOTAL_MAX) {
		g_free(text);
		return place_error(error, node->at,
				   "error while interpolating %s: the values are too long together",
				   path);
	}
	if (result == INTERPOLATE_OK) {
		g_free(node->text);
		node->text = text;
		return true;
	}
	if (result == INTERPOLATE_MISSING)
		return place_error(error, node->at, "error while interpolating %s: %s", path,
				   reason->message);
	place_error(error, node->at, "invalid interpolation format for %s: \"%s\"", path,
		    node->text);
	error_add_help(error, "you may need to escape any $ with another $");
	return false;
}

bool interpolate_tree(const Interpolation *env, Node *node, const char *path, GError **error)
{
	if (node->kind == NODE_STRING)
		return interpolate_string(env, node, path, error);
	for (size_t i = 0; i < node_count(node); i++) {
		bool map = node->kind == NODE_MAP;
		Node *value = map ? node_entry(node, i)->value : node_item(node, i);
		/* Most values hold nothing to replace: no path is made for them. */
		if (value->kind < NODE_LIST && (!value->text || !strchr(value->text, '$')))
			continue;
		g_autofree char *inner = map ? g_strdup_printf("%s%s%s", path, *path ? "." : "",
							       node_entry(node, i)->key)
					     : g_strdup_printf("%s[%zu]", path, i);
		if (!interpolate_tree(env, value, inner, error))
			return false;
	}
	return true;
}

void interpolate_variable_free(void *data)
{
	InterpolateVariable *variable = data;
	g_free(variable->name);
	g_free(variable->fallback);
	g_free(variable->alternative);
	g_free(variable);
}

/* Remember one mention. */
static void note_variable(const Reference *ref, GHashTable *variables)
{
	InterpolateVariable *known = g_hash_table_lookup(variables, ref->name);
	if (!known) {
		known = g_new0(InterpolateVariable, 1);
		known->name = g_strdup(ref->name);
		g_hash_table_insert(variables, known->name, known);
	}
	if (ref->kind == '-' && !known->fallback)
		known->fallback = g_strdup(ref->word);
	if (ref->kind == '+' && !known->alternative)
		known->alternative = g_strdup(ref->word);
	known->required |= ref->kind == '?';
}

static void scan_text(const char *text, unsigned depth, GHashTable *variables)
{
	for (const char *at = text; *at && depth <= NESTING_MAX;) {
		g_auto(Reference) ref = {0};
		if (*at != '$' || at[1] == '$') {
			at += at[0] == '$' ? 2 : 1;
			continue;
		}
		if (parse_reference(at, &ref) <= 0) {
			at++;
			continue;
		}
		note_variable(&ref, variables);
		if (ref.word)
			scan_text(ref.word, depth + 1, variables);
		at += ref.length;
	}
}

void interpolate_variables(const Node *node, GHashTable *variables)
{
	if (node->kind == NODE_STRING)
		scan_text(node->text, 0, variables);
	for (size_t i = 0; i < node_count(node); i++)
		interpolate_variables(node->kind == NODE_MAP ? node_entry(node, i)->value
							     : node_item(node, i),
				      variables);
}
