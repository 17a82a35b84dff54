/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/filter.h"

#include <string.h>

#include "cmd/labels.h"
#include "cmd/option.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"

typedef struct Condition Condition;
typedef bool (*Match)(const Condition *condition, const ContainerSummary *summary);
typedef bool (*MatchSpec)(const Condition *c, Container *ctr);
typedef bool (*Prepare)(Condition *condition, Engine *engine, GError **error);

typedef struct {
	const char *name;
	Match match;
	Prepare prepare;      /* NULL: the value is used as it is */
	bool all;             /* every value of this key must match, not one of them */
	MatchSpec match_spec; /* where @match is NULL: one that needs the whole record */
} Key;

struct Condition {
	const Key *key;
	char *value;
	GRegex *regex;
	int64_t number;
};

struct ContainerFilter {
	GPtrArray *conditions;
};

static bool prepare_regex(Condition *c, Engine *engine, GError **error)
{
	g_autoptr(GError) reason = NULL;
	c->regex = g_regex_new(c->value, G_REGEX_OPTIMIZE, 0, &reason);
	if (c->regex)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID, "invalid filter \"%s=%s\": %s", c->key->name,
			 c->value, reason->message);
}

/* podman takes slashes out, since docker shows names with one. */
static bool prepare_name(Condition *c, Engine *engine, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(c->value, "/", -1);
	g_free(c->value);
	c->value = g_strjoinv("", parts);
	return prepare_regex(c, engine, error);
}

static bool prepare_number(Condition *c, Engine *engine, GError **error)
{
	uint64_t number = 0;
	if (!units_parse_uint(c->value, 255, &number, error)) {
		g_prefix_error(error, "exited code out of range \"%s\": ", c->value);
		return false;
	}
	c->number = number;
	return true;
}

static bool prepare_status(Condition *c, Engine *engine, GError **error)
{
	static const char *const names[] = {"created", "running",     "stopping",   "stopped",
					    "exited",  "paused",      "restarting", "removing",
					    "unknown", "initialized", NULL};
	if (g_strv_contains(names, c->value))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "unknown container state: %s: invalid argument", c->value);
}

/* before=X, since=X: the time X was made. */
static bool prepare_container(Condition *c, Engine *engine, GError **error)
{
	g_autoptr(Container) ctr = container_resolve(engine, c->value, error);
	if (!ctr)
		return false;
	c->number = container_summary(ctr)->created;
	return true;
}

static bool prepare_time(Condition *c, Engine *engine, GError **error)
{
	return units_parse_time(c->value, units_now(), &c->number, error);
}

static bool match_name(const Condition *c, const ContainerSummary *s)
{
	return s->name && g_regex_match(c->regex, s->name, 0, NULL);
}

static bool match_id(const Condition *c, const ContainerSummary *s)
{
	return g_regex_match(c->regex, s->id, G_REGEX_MATCH_ANCHORED, NULL);
}

static bool match_label(const Condition *c, const ContainerSummary *s)
{
	return labels_match(s->labels, c->value);
}

static bool match_no_label(const Condition *c, const ContainerSummary *s)
{
	return !match_label(c, s);
}

static bool match_status(const Condition *c, const ContainerSummary *s)
{
	const char *wanted = strcmp(c->value, "stopped") == 0 ? "exited" : c->value;
	return strcmp(container_state_name(container_shown_state(s)), wanted) == 0;
}

static bool match_health(const Condition *c, const ContainerSummary *s)
{
	return g_strcmp0(s->health, c->value) == 0;
}

static bool match_exited(const Condition *c, const ContainerSummary *s)
{
	return s->state == CONTAINER_EXITED && s->exit_known && s->exit_code == c->number;
}

static bool match_before(const Condition *c, const ContainerSummary *s)
{
	return s->created < c->number;
}

static bool match_since(const Condition *c, const ContainerSummary *s)
{
	return s->created > c->number;
}

/* As podman 6: a piece of the id, or a regular expression for the name. */
static bool match_ancestor(const Condition *c, const ContainerSummary *s)
{
	return (s->image_id && strstr(s->image_id, c->value)) ||
	       (s->image_name && g_regex_match(c->regex, s->image_name, 0, NULL));
}

static bool match_volume(const Condition *c, const ContainerSummary *s)
{
	return (s->mounts && g_strv_contains((const char *const *)s->mounts, c->value)) ||
	       (s->volume_names && g_strv_contains((const char *const *)s->volume_names, c->value));
}

static bool match_network(const Condition *c, const ContainerSummary *s)
{
	g_autofree const char **labels = container_network_labels(s);
	return g_strv_contains(labels, c->value);
}

static bool match_command(const Condition *c, const ContainerSummary *s)
{
	return s->command && s->command[0] && g_regex_match(c->regex, s->command[0], 0, NULL);
}

static bool match_annotation(const Condition *c, Container *ctr)
{
	const ContainerSpec *spec = container_spec(ctr, NULL);
	if (!spec)
		return false;
	return labels_match(spec->annotations, c->value);
}

static bool prepare_restart(Condition *c, Engine *engine, GError **error)
{
	for (int kind = RESTART_NO; kind <= RESTART_UNLESS_STOPPED; kind++) {
		if (strcmp(restart_name((RestartKind)kind), c->value) != 0)
			continue;
		c->number = kind;
		return true;
	}
	return error_set(error, ENGINE_ERROR_INVALID,
			 "%s is not a valid restart policy: invalid argument", c->value);
}

static bool match_restart(const Condition *c, Container *ctr)
{
	const ContainerSpec *spec = container_spec(ctr, NULL);
	if (!spec)
		return false;
	return (int64_t)spec->restart == c->number;
}

static bool prepare_bool(Condition *c, Engine *engine, GError **error)
{
	bool value = false;
	if (!option_parse_bool(c->value, &value, error))
		return false;
	c->number = value;
	return true;
}

/* What comes up again with the host: unless-stopped, unless somebody stopped it before. */
static bool match_on_boot(const Condition *c, Container *ctr)
{
	const ContainerSpec *spec = container_spec(ctr, NULL);
	if (!spec)
		return false;
	bool starts = spec->restart == RESTART_ALWAYS || (spec->restart == RESTART_UNLESS_STOPPED &&
							  !container_summary(ctr)->stopped_by_user);
	return starts == (c->number != 0);
}

/* Of the id a beginning, of the name all of it. */
static bool match_pod(const Condition *c, const ContainerSummary *s)
{
	return s->pod &&
	       (g_str_has_prefix(s->pod, c->value) || g_strcmp0(s->pod_name, c->value) == 0);
}

static const Key keys[] = {
	{"ancestor", match_ancestor, prepare_regex, false},
	{"annotation", NULL, NULL, true, match_annotation},
	{"before", match_before, prepare_container, false},
	{"command", match_command, prepare_regex, false},
	{"exited", match_exited, prepare_number, false},
	{"health", match_health, NULL, false},
	{"id", match_id, prepare_regex, false},
	{"label", match_label, NULL, true},
	{"label!", match_no_label, NULL, true},
	{"name", match_name, prepare_name, false},
	{"network", match_network, NULL, false},
	{"pod", match_pod, NULL, false},
	{"restart-policy", NULL, prepare_restart, false, match_restart},
	{"should-start-on-boot", NULL, prepare_bool, false, match_on_boot},
	{"since", match_since, prepare_container, false},
	{"status", match_status, prepare_status, false},
	{"until", match_before, prepare_time, false},
	{"volume", match_volume, NULL, false},
};

static void condition_free(void *pointer)
{
	Condition *condition = pointer;
	g_clear_pointer(&condition->regex, g_regex_unref);
	g_free(condition->value);
	g_free(condition);
}

/* @error: INVALID with similar names. */
static const Key *lookup_key(const char *name, GError **error)
{
	Suggestions near;
	suggest_init(&near, name);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
		suggest_offer(&near, keys[i].name);
	}
	error_set(error, ENGINE_ERROR_INVALID, "%s is an invalid filter", name);
	suggest_add_help(&near, "", error);
	return NULL;
}

/* Parse one KEY=VALUE; a condition that could not be prepared is freed with the filter. */
static bool add_condition(ContainerFilter *filter, Engine *engine, const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid filter \"%s\"", text);
	g_autofree char *name = g_strndup(text, equals - text);
	const Key *key = lookup_key(name, error);
	if (!key)
		return false;
	Condition *condition = g_new0(Condition, 1);
	condition->key = key;
	condition->value = g_strdup(equals + 1);
	g_ptr_array_add(filter->conditions, condition);
	return !key->prepare || key->prepare(condition, engine, error);
}

ContainerFilter *container_filter_new(Engine *engine, const GPtrArray *texts, GError **error)
{
	g_autoptr(ContainerFilter) filter = g_new0(ContainerFilter, 1);
	filter->conditions = g_ptr_array_new_with_free_func(condition_free);
	for (size_t i = 0; texts && i < texts->len; i++)
		if (!add_condition(filter, engine, texts->pdata[i], error))
			return NULL;
	return g_steal_pointer(&filter);
}

void container_filter_free(ContainerFilter *filter)
{
	if (!filter)
		return;
	g_ptr_array_unref(filter->conditions);
	g_free(filter);
}

/* All values, or one of the values, given for @key. */
static bool key_matches(const ContainerFilter *filter, const Key *key, Container *ctr)
{
	bool any = false, one = false;
	for (size_t i = 0; i < filter->conditions->len; i++) {
		const Condition *c = g_ptr_array_index(filter->conditions, i);
		if (c->key != key)
			continue;
		bool match = key->match ? key->match(c, container_summary(ctr))
					: key->match_spec(c, ctr);
		if (key->all && !match)
			return false;
		any = true;
		one |= match;
	}
	return !any || one;
}

bool container_filter_matches(const ContainerFilter *filter, Container *ctr)
{
	for (size_t i = 0; filter->conditions->len > 0 && i < G_N_ELEMENTS(keys); i++)
		if (!key_matches(filter, &keys[i], ctr))
			return false;
	return true;
}

bool container_filter_has_status(const ContainerFilter *filter)
{
	for (size_t i = 0; i < filter->conditions->len; i++) {
		const Condition *c = g_ptr_array_index(filter->conditions, i);
		if (c->key->match == match_status || c->key->match == match_exited)
			return true;
	}
	return false;
}

bool container_filter_check_prune(const GPtrArray *texts, GError **error)
{
	static const char *const known[] = {"label", "label!", "until", NULL};
	for (size_t i = 0; texts && i < texts->len; i++) {
		const char *text = texts->pdata[i];
		const char *equals = strchr(text, '=');
		g_autofree char *key = equals ? g_strndup(text, equals - text) : g_strdup(text);
		if (!equals)
			return error_set(
				error, ENGINE_ERROR_INVALID,
				"filter input must be in the form of filter=value: %s is invalid",
				text);
		if (!g_strv_contains(known, key))
			return error_set(error, ENGINE_ERROR_INVALID, "%s is an invalid filter",
					 key);
	}
	return true;
}
