/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/watch_rule.h"

#include <string.h>
#include <unistd.h>

#include "build/dockerignore.h"
#include "libpod/base/error.h"

struct WatchRule {
	const NodeEntry *service;
	const Node *node;
	const char *action; /* "sync", "sync+restart", ... */
	char *path;         /* absolute */
	char *context;      /* of the service's build, absolute; NULL: none */
	Dockerignore *usual, *ignore, *include, *dockerignore; /* NULL: says nothing */
};

/* What editors and version control leave for a moment. */
static const char usual[] = "**/.git\n**/*~\n**/.#*\n**/.*.sw?\n**/4913\n**/.DS_Store\n"
			    "**/___jb_*___\n";

/* A list of patterns; NULL without @error if there are none. */
static Dockerignore *read_patterns(const Node *list, const char *name, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; i < node_count(list); i++)
		g_string_append_printf(text, "%s\n", node_item(list, i)->text);
	return text->len ? dockerignore_parse(text->str, text->len, name, error) : NULL;
}

/* The .dockerignore of the service's build; one that cannot be read is none. */
static bool read_dockerignore(WatchRule *rule, GError **error)
{
	const char *context = node_string(node_get(rule->service->value, "build"), "context");
	g_autofree char *path = context && *context == '/'
					? g_build_filename(context, ".dockerignore", NULL)
					: NULL;
	g_autofree char *text = NULL;
	gsize size = 0;
	if (!path || !g_file_get_contents(path, &text, &size, NULL) || size > DOCKERIGNORE_SIZE_MAX)
		return true;
	rule->context = g_strdup(context);
	rule->dockerignore = dockerignore_parse(text, size, path, error);
	return rule->dockerignore != NULL;
}

static bool read_rule(WatchRule *rule, GError **error)
{
	static const char *const actions[] = {"rebuild",   "restart",      "sync",
					      "sync+exec", "sync+restart", NULL};
	const char *path = node_string(rule->node, "path");
	g_autoptr(GError) failed = NULL;
	if (!rule->action || !g_strv_contains(actions, rule->action))
		return place_error(error, rule->node->at,
				   "services.%s.develop.watch: action must be rebuild, restart, "
				   "sync, sync+exec or sync+restart",
				   rule->service->key);
	if (!path || access(path, F_OK) != 0)
		return place_error(error, rule->node->at,
				   "services.%s.develop.watch: path '%s' does not exist",
				   rule->service->key, path ? path : "");
	if (strcmp(rule->action, "rebuild") == 0 && !node_get(rule->service->value, "build"))
		return place_error(error, rule->node->at,
				   "services.%s.develop.watch: a service without build cannot be "
				   "rebuilt",
				   rule->service->key);
	rule->path = g_canonicalize_filename(path, "/");
	rule->usual = dockerignore_parse(usual, strlen(usual), "ignore", &failed);
	if (!failed)
		rule->ignore = read_patterns(node_get(rule->node, "ignore"), "ignore", &failed);
	if (!failed)
		rule->include = read_patterns(node_get(rule->node, "include"), "include", &failed);
	if (failed)
		return place_error(error, rule->node->at, "services.%s.develop.watch: %s",
				   rule->service->key, failed->message);
	return read_dockerignore(rule, error);
}

WatchRule *watch_rule_new(const NodeEntry *service, const Node *node, GError **error)
{
	g_autoptr(WatchRule) rule = g_new0(WatchRule, 1);
	rule->service = service;
	rule->node = node;
	rule->action = node_string(node, "action");
	return read_rule(rule, error) ? g_steal_pointer(&rule) : NULL;
}

void watch_rule_free(WatchRule *rule)
{
	if (!rule)
		return;
	dockerignore_free(rule->usual);
	dockerignore_free(rule->ignore);
	dockerignore_free(rule->include);
	dockerignore_free(rule->dockerignore);
	g_free(rule->path);
	g_free(rule->context);
	g_free(rule);
}

const NodeEntry *watch_rule_service(const WatchRule *rule)
{
	return rule->service;
}

const char *watch_rule_path(const WatchRule *rule)
{
	return rule->path;
}

const Node *watch_rule_node(const WatchRule *rule)
{
	return rule->node;
}

bool watch_rule_syncs(const WatchRule *rule)
{
	return g_str_has_prefix(rule->action, "sync");
}

bool watch_rule_says(const WatchRule *rule, const char *action)
{
	const char *plus = strchr(rule->action, '+');
	return strcmp(plus ? plus + 1 : rule->action, action) == 0;
}

/* The part of @path below @base: "" for itself; NULL: it is elsewhere. */
static const char *below(const char *base, const char *path)
{
	size_t length = strlen(base);
	if (strncmp(path, base, length) != 0)
		return NULL;
	return path[length] == '/' ? path + length + 1 : path[length] == '\0' ? "" : NULL;
}

bool watch_rule_matches(const WatchRule *rule, const char *path)
{
	const char *rest = below(rule->path, path);
	const char *in_context = rule->context ? below(rule->context, path) : NULL;
	if (!rest)
		return false;
	/* Patterns are about what is below the path, not about the path. */
	if (!*rest)
		return true;
	return !dockerignore_matches(rule->usual, rest) &&
	       !(rule->ignore && dockerignore_matches(rule->ignore, rest)) &&
	       !(rule->include && !dockerignore_matches(rule->include, rest)) &&
	       !(in_context && *in_context && rule->dockerignore &&
		 dockerignore_matches(rule->dockerignore, in_context));
}

bool watch_rule_prunes(const WatchRule *rule, const char *directory)
{
	const char *rest = below(rule->path, directory);
	const char *in_context = rule->context ? below(rule->context, directory) : NULL;
	if (!rest || !*rest)
		return !rest;
	return dockerignore_prunes(rule->usual, rest) ||
	       (rule->ignore && dockerignore_prunes(rule->ignore, rest)) ||
	       (in_context && *in_context && rule->dockerignore &&
		dockerignore_prunes(rule->dockerignore, in_context));
}

char *watch_rule_target(const WatchRule *rule, const char *path)
{
	const char *rest = below(rule->path, path), *target = node_string(rule->node, "target");
	return g_build_filename(target, rest, NULL);
}
