/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes: two tables per stage, ENV over ARG, and the global one behind them.
 */
#include "build/scope.h"

#include <string.h>

#include "libpod/base/error.h"

struct Scope {
	Scope *global;          /* NULL if it is the global one */
	GHashTable *args, *env; /* char * to char *; the value NULL: declared only */
	bool shared;            /* both tables are the parent's until something is set */
	size_t size;            /* bytes in both tables */
	char escape;
	const ScopeInputs *inputs; /* the rest is of the global scope only */
	GHashTable *asked;         /* names of all ARGs */
	size_t total;              /* bytes in the tables of all scopes */
};

static const char *const platform_args[] = {
	"BUILDARCH", "BUILDOS",     "BUILDPLATFORM",  "BUILDVARIANT",  "TARGETARCH",
	"TARGETOS",  "TARGETSTAGE", "TARGETPLATFORM", "TARGETVARIANT",
};

static const char *const builder_args[] = {
	"BUILDKIT_BUILD_NAME",   "BUILDKIT_CACHE_MOUNT_NS", "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
	"BUILDKIT_INLINE_CACHE", "BUILDKIT_MULTI_PLATFORM", "BUILDKIT_SANDBOX_HOSTNAME",
	"BUILDKIT_SYNTAX",       "SOURCE_DATE_EPOCH",
};

static const char *const proxies[] = {"ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY",
				      "NO_PROXY"};

static GHashTable *new_table(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static size_t pair_size(const char *name, const char *value)
{
	return strlen(name) + (value ? strlen(value) : 0) + 2;
}

/* Set a variable and count its bytes. */
static void set(Scope *scope, GHashTable *table, const char *name, const char *value)
{
	Scope *global = scope->global ? scope->global : scope;
	size_t old = 0;
	if (g_hash_table_contains(table, name))
		old = pair_size(name, g_hash_table_lookup(table, name));
	scope->size += pair_size(name, value) - old;
	global->total += pair_size(name, value) - old;
	g_hash_table_replace(table, g_strdup(name), g_strdup(value));
}

static void copy_table(GHashTable *from, GHashTable *to)
{
	GHashTableIter iter;
	void *name, *value;
	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &name, &value))
		g_hash_table_replace(to, g_strdup(name), g_strdup(value));
}

static bool check_total(const Scope *global, size_t more, GError **error)
{
	return global->total + more <= SCOPES_SIZE_MAX ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "the variables of all stages are larger than %u bytes", SCOPES_SIZE_MAX);
}

/* Have tables of our own before the first change. */
static bool own_tables(Scope *scope, GError **error)
{
	if (!scope->shared)
		return true;
	if (!check_total(scope->global, scope->size, error))
		return false;
	GHashTable *args = scope->args, *env = scope->env;
	scope->args = new_table();
	scope->env = new_table();
	copy_table(args, scope->args);
	copy_table(env, scope->env);
	g_hash_table_unref(args);
	g_hash_table_unref(env);
	scope->global->total += scope->size;
	scope->shared = false;
	return true;
}

/* Add "NAME=VALUE". */
static void add_assignment(Scope *scope, GHashTable *table, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	if (!equals)
		return;
	g_autofree char *name = g_strndup(assignment, (size_t)(equals - assignment));
	set(scope, table, name, equals + 1);
}

Scope *scope_new_global(const ScopeInputs *inputs, char escape)
{
	Scope *scope = g_new0(Scope, 1);
	scope->args = new_table();
	scope->env = new_table();
	scope->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	scope->inputs = inputs;
	scope->escape = escape;
	for (size_t i = 0; inputs->predefined && inputs->predefined[i]; i++)
		add_assignment(scope, scope->args, inputs->predefined[i]);
	for (size_t i = 0; inputs->build_args && i < G_N_ELEMENTS(platform_args); i++) {
		const char *value = g_hash_table_lookup(inputs->build_args, platform_args[i]);
		if (value)
			set(scope, scope->args, platform_args[i], value);
	}
	return scope;
}

Scope *scope_new_stage(Scope *global, const Scope *parent, const char *const *env)
{
	Scope *scope = g_new0(Scope, 1);
	scope->global = global;
	scope->escape = global->escape;
	scope->shared = parent != NULL;
	scope->size = parent ? parent->size : 0;
	scope->args = parent ? g_hash_table_ref(parent->args) : new_table();
	scope->env = parent ? g_hash_table_ref(parent->env) : new_table();
	for (size_t i = 0; !parent && env && env[i]; i++)
		add_assignment(scope, scope->env, env[i]);
	return scope;
}

void scope_free(Scope *scope)
{
	if (!scope)
		return;
	if (scope->global && !scope->shared)
		scope->global->total -= scope->size;
	g_hash_table_unref(scope->args);
	g_hash_table_unref(scope->env);
	g_clear_pointer(&scope->asked, g_hash_table_unref);
	g_free(scope);
}

const char *scope_lookup(const char *name, void *data)
{
	const Scope *scope = data;
	const char *value = g_hash_table_lookup(scope->env, name);
	return value ? value : g_hash_table_lookup(scope->args, name);
}

bool scope_is_declared(const Scope *scope, const char *name)
{
	return g_hash_table_contains(scope->env, name) || g_hash_table_contains(scope->args, name);
}

Expander scope_expander(Scope *scope)
{
	return (Expander){.lookup = scope_lookup, .data = scope, .escape = scope->escape};
}

/* What "ARG name=default" is worth: --build-arg, the default, the global ARG; may be NULL. */
static bool arg_value(Scope *scope, const char *name, const DockerfilePair *pair, char **out,
		      GError **error)
{
	Scope *global = scope->global ? scope->global : scope;
	GHashTable *given = global->inputs->build_args;
	const char *value = given ? g_hash_table_lookup(given, name) : NULL;
	g_hash_table_add(global->asked, g_strdup(name));
	if (!value && pair->value) {
		Expander expander = scope_expander(scope);
		*out = expand_word(&expander, pair->value, error);
		return *out != NULL;
	}
	*out = g_strdup(value ? value : g_hash_table_lookup(global->args, name));
	return true;
}

/* One pair to its final name and value. */
static bool expand_pair(Scope *scope, const Instruction *i, const DockerfilePair *pair,
			char **out_name, char **out_value, GError **error)
{
	Expander expander = scope_expander(scope);
	g_autofree char *name = expand_word(&expander, pair->name, error);
	if (!name)
		return false;
	if (!*name)
		return error_set(error, ENGINE_ERROR_INVALID, "a name is empty");
	if (i->kind == INSTRUCTION_ARG) {
		if (!arg_value(scope, name, pair, out_value, error))
			return false;
	} else {
		*out_value = expand_word(&expander, pair->value, error);
		if (!*out_value)
			return false;
	}
	*out_name = g_steal_pointer(&name);
	return true;
}

/* Expand all pairs of an instruction: names and values by turns. */
static bool expand_pairs(Scope *scope, const Instruction *i, GPtrArray *fresh, GError **error)
{
	GHashTable *table = i->kind == INSTRUCTION_ARG ? scope->args : scope->env;
	size_t size = scope->size;
	for (guint at = 0; at < i->pairs->len; at++) {
		char *name = NULL, *value = NULL;
		if (!expand_pair(scope, i, g_ptr_array_index(i->pairs, at), &name, &value, error))
			return false;
		g_ptr_array_add(fresh, name);
		g_ptr_array_add(fresh, value);
		size += pair_size(name, value);
		if (size > SCOPE_SIZE_MAX)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "the variables are larger than %u bytes", SCOPE_SIZE_MAX);
		/* Global ARGs see each other on one line, too. */
		if (!scope->global)
			set(scope, table, name, value);
	}
	return true;
}

bool scope_apply(Scope *scope, const Instruction *i, GError **error)
{
	g_assert(i->kind == INSTRUCTION_ARG || i->kind == INSTRUCTION_ENV);
	g_autoptr(GPtrArray) fresh = g_ptr_array_new_with_free_func(g_free);
	Scope *global = scope->global ? scope->global : scope;
	if (!own_tables(scope, error) || !expand_pairs(scope, i, fresh, error) ||
	    !check_total(global, SCOPE_SIZE_MAX, error))
		return false;
	GHashTable *table = i->kind == INSTRUCTION_ARG ? scope->args : scope->env;
	for (guint at = 0; at < fresh->len; at += 2)
		set(scope, table, fresh->pdata[at], fresh->pdata[at + 1]);
	return true;
}

bool scope_is_proxy(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(proxies); i++) {
		g_autofree char *lower = g_ascii_strdown(proxies[i], -1);
		if (strcmp(name, proxies[i]) == 0 || strcmp(name, lower) == 0)
			return true;
	}
	return false;
}

static bool is_predefined(const char *name)
{
	bool found = scope_is_proxy(name);
	for (size_t i = 0; i < G_N_ELEMENTS(platform_args); i++)
		found = found || strcmp(name, platform_args[i]) == 0;
	for (size_t i = 0; i < G_N_ELEMENTS(builder_args); i++)
		found = found || strcmp(name, builder_args[i]) == 0;
	return found;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **sorted(GPtrArray *strings)
{
	g_ptr_array_sort(strings, compare_strings);
	g_ptr_array_add(strings, NULL);
	return (char **)g_ptr_array_free(strings, FALSE);
}

char **scope_environ(const Scope *scope)
{
	g_autoptr(GHashTable) all = new_table();
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter iter;
	void *name, *value;
	GHashTable *given = scope->global ? scope->global->inputs->build_args : NULL;
	if (given) {
		g_hash_table_iter_init(&iter, given);
		while (g_hash_table_iter_next(&iter, &name, &value)) {
			if (scope_is_proxy(name))
				g_hash_table_insert(all, g_strdup(name), g_strdup(value));
		}
	}
	copy_table(scope->args, all);
	copy_table(scope->env, all);
	g_hash_table_iter_init(&iter, all);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		if (value)
			g_ptr_array_add(list, g_strconcat(name, "=", value, NULL));
	}
	return sorted(list);
}

char **scope_unused_args(const Scope *global)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter iter;
	void *name;
	if (global->inputs->build_args) {
		g_hash_table_iter_init(&iter, global->inputs->build_args);
		while (g_hash_table_iter_next(&iter, &name, NULL)) {
			if (!g_hash_table_contains(global->asked, name) && !is_predefined(name))
				g_ptr_array_add(list, g_strdup(name));
		}
	}
	return sorted(list);
}
