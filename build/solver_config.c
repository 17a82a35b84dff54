/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that change the image config and nothing else.
 */
#include <string.h>

#include "build/dockerfile_words.h"
#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/signals.h"
#include "network/portmap.h"

/* The member of the inner object, an object; made where it is missing. Borrowed. */
static Json *member_object(StageRun *run, const char *key)
{
	Json *config = build_state_config(run->state), *value = NULL;
	if (json_object_object_get_ex(config, key, &value) &&
	    json_object_is_type(value, json_type_object))
		return value;
	value = json_object_new_object();
	js_set_take(config, key, value);
	return value;
}

static bool apply_pairs(StageRun *run, const Instruction *i, GError **error)
{
	g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func(g_free);
	for (guint at = 0; at < i->pairs->len; at++) {
		const DockerfilePair *pair = i->pairs->pdata[at];
		char *name = solver_expand(run, pair->name, error);
		if (!name)
			return false;
		g_ptr_array_add(done, name);
		char *value = solver_expand(run, pair->value, error);
		if (!value)
			return false;
		g_ptr_array_add(done, value);
	}
	for (guint at = 0; at < done->len; at += 2) {
		if (i->kind == INSTRUCTION_ENV)
			build_state_set_env(run->state, done->pdata[at], done->pdata[at + 1]);
		else
			js_set_string(member_object(run, "Labels"), done->pdata[at],
				      done->pdata[at + 1]);
	}
	/* The scope has its own reading of the same line, with the values of before. */
	return i->kind != INSTRUCTION_ENV || scope_apply(run->scope, i, error);
}

char **solver_shell(StageRun *run, const char *line)
{
	static const char *const usual[] = {"/bin/sh", "-c", NULL};
	g_auto(GStrv) shell = NULL;
	(void)js_get_strv(build_state_config(run->state), "Shell", &shell, NULL);
	const char *const *words = shell && shell[0] ? (const char *const *)shell : usual;
	GPtrArray *all = g_ptr_array_new();
	for (; *words; words++)
		g_ptr_array_add(all, g_strdup(*words));
	g_ptr_array_add(all, g_strdup(line));
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(all, FALSE);
}

/* CMD and ENTRYPOINT: words, or a line for the shell. NULL: "CMD []". */
static Json *command(StageRun *run, const Instruction *i)
{
	if (i->json)
		return i->words[0] ? js_from_strv((const char *const *)i->words) : NULL;
	if (!i->words[0])
		return NULL;
	g_auto(GStrv) words = solver_shell(run, i->words[0]);
	return js_from_strv((const char *const *)words);
}

static bool apply_command(StageRun *run, const Instruction *i, GError **error)
{
	Json *config = build_state_config(run->state);
	bool is_cmd = i->kind == INSTRUCTION_CMD;
	js_set_take(config, is_cmd ? "Cmd" : "Entrypoint", command(run, i));
	if (is_cmd)
		run->cmd_set = true;
	else if (!run->cmd_set)
		json_object_object_del(config, "Cmd");
	return true;
}

/* "80", "80-82/udp": each port. */
static bool add_ports(StageRun *run, const char *text, GError **error)
{
	g_autofree char *lower = g_ascii_strdown(text, -1);
	const char *slash = strchr(lower, '/');
	/* What is exposed need not be published, which sctp cannot be. */
	bool is_sctp = g_strcmp0(slash, "/sctp") == 0;
	g_autofree char *range = is_sctp ? g_strndup(lower, slash - lower) : g_strdup(lower);
	PortMapping *ports = portmap_parse_expose(range, error);
	if (!ports)
		return false;
	for (unsigned n = 0; n < ports->count; n++) {
		g_autofree char *name = g_strdup_printf("%u/%s", ports->container_port + n,
							slash ? slash + 1 : "tcp");
		js_set_take(member_object(run, "ExposedPorts"), name, json_object_new_object());
	}
	port_mapping_free(ports);
	return true;
}

/* EXPOSE, VOLUME: words of a set. */
static bool apply_words(StageRun *run, const Instruction *i, GError **error)
{
	for (char **word = i->words; *word; word++) {
		Expander expander = scope_expander(run->scope);
		g_auto(GStrv) parts = expand_words(&expander, *word, error);
		if (!parts)
			return false;
		for (char **part = parts; *part; part++) {
			if (i->kind == INSTRUCTION_EXPOSE) {
				if (!add_ports(run, *part, error))
					return false;
				continue;
			}
			js_set_take(member_object(run, "Volumes"), *part, json_object_new_object());
		}
	}
	return true;
}

/* USER, STOPSIGNAL, MAINTAINER: one word. */
static bool apply_word(StageRun *run, const Instruction *i, GError **error)
{
	g_autofree char *value = i->kind == INSTRUCTION_MAINTAINER
					 ? g_strdup(i->words[0])
					 : solver_expand(run, i->words[0], error);
	int signum = 0;
	if (!value)
		return false;
	if (i->kind == INSTRUCTION_MAINTAINER) {
		js_set_string(run->state->image, "author", value);
		return true;
	}
	if (i->kind == INSTRUCTION_STOPSIGNAL && !signals_parse(value, &signum, error))
		return false;
	/* USER of a variable that nobody has set is root, as in docker. */
	js_set_string(build_state_config(run->state),
		      i->kind == INSTRUCTION_USER ? "User" : "StopSignal", value);
	return true;
}

/* Not part of the OCI config, but of docker's; kept unless --format oci was typed. */
static bool is_left_out(const StageRun *run, const Instruction *i)
{
	const BuildOptions *options = run->build->options;
	if (options->form != IMAGE_FORM_OCI)
		return false;
	g_autofree char *text = g_strdup_printf("%s is not supported for OCI image format, %s will "
						"be ignored. Must use `docker` format",
						instruction_name(i->kind), i->source->text);
	options->warn(options->data, text);
	return true;
}

static void set_time(Json *json, const char *key, int64_t value)
{
	if (value)
		js_set_int(json, key, value);
}

static void apply_health(StageRun *run, const Instruction *i)
{
	Json *health = json_object_new_object(), *test = json_object_new_array();
	const char *word = i->health.none ? "NONE" : i->json ? "CMD" : "CMD-SHELL";
	json_object_array_add(test, json_object_new_string(word));
	for (char **at = i->words; at && *at; at++)
		json_object_array_add(test, json_object_new_string(*at));
	js_set_take(health, "Test", test);
	set_time(health, "Interval", i->health.interval);
	set_time(health, "Timeout", i->health.timeout);
	set_time(health, "StartPeriod", i->health.start_period);
	set_time(health, "StartInterval", i->health.start_interval);
	set_time(health, "Retries", i->health.retries);
	js_set_take(build_state_config(run->state), "Healthcheck", health);
}

/* HEALTHCHECK, SHELL, ONBUILD: docker's. */
static bool apply_docker(StageRun *run, const Instruction *i)
{
	Json *config = build_state_config(run->state), *list = NULL;
	/* SHELL counts for the stage's own instructions in any case. */
	if (i->kind == INSTRUCTION_SHELL)
		js_set_take(config, "Shell", js_from_strv((const char *const *)i->words));
	if (is_left_out(run, i))
		return true;
	if (i->kind == INSTRUCTION_HEALTHCHECK)
		apply_health(run, i);
	if (i->kind != INSTRUCTION_ONBUILD)
		return true;
	if (!json_object_object_get_ex(config, "OnBuild", &list) || !list) {
		list = json_object_new_array();
		js_set_take(config, "OnBuild", list);
	}
	json_object_array_add(list, json_object_new_string(i->trigger_text));
	return true;
}

bool solver_config_step(StageRun *run, const Instruction *i, GError **error)
{
	switch (i->kind) {
	case INSTRUCTION_ARG:
		return scope_apply(run->scope, i, error);
	case INSTRUCTION_ENV:
	case INSTRUCTION_LABEL:
		return apply_pairs(run, i, error);
	case INSTRUCTION_CMD:
	case INSTRUCTION_ENTRYPOINT:
		return apply_command(run, i, error);
	case INSTRUCTION_EXPOSE:
	case INSTRUCTION_VOLUME:
		return apply_words(run, i, error);
	case INSTRUCTION_MAINTAINER:
	case INSTRUCTION_STOPSIGNAL:
	case INSTRUCTION_USER:
		return apply_word(run, i, error);
	case INSTRUCTION_HEALTHCHECK:
	case INSTRUCTION_ONBUILD:
	case INSTRUCTION_SHELL:
		return apply_docker(run, i);
	case INSTRUCTION_ADD:
	case INSTRUCTION_COPY:
	case INSTRUCTION_FROM:
	case INSTRUCTION_RUN:
	case INSTRUCTION_WORKDIR:
		break;
	}
	g_assert_not_reached();
}

/* A RUN with its heredocs, as docker and buildah keep it. */
static char *with_heredocs(const Instruction *i, const char *text)
{
	GString *all = g_string_new(text);
	for (guint at = 0; at < i->source->heredocs->len; at++) {
		const Heredoc *heredoc = i->source->heredocs->pdata[at];
		g_string_append_printf(all, "\n%s%s", heredoc->content, heredoc->name);
	}
	return g_string_free(all, FALSE);
}

/* "|2 A=1 B=2 ": the build arguments that a RUN sees. */
static char *arguments_prefix(StageRun *run)
{
	g_auto(GStrv) env = scope_environ(run->scope);
	g_auto(GStrv) own = build_state_env(run->state);
	g_autoptr(GString) text = g_string_new(NULL);
	unsigned n = 0;
	for (char **at = env; *at; at++) {
		g_autofree char *name = g_strndup(*at, strcspn(*at, "="));
		g_autofree char *prefix = g_strconcat(name, "=", NULL);
		bool is_env = false;
		for (char **other = own; *other; other++)
			is_env = is_env || g_str_has_prefix(*other, prefix);
		if (is_env || (scope_is_proxy(name) && !scope_is_declared(run->scope, name)))
			continue;
		g_string_append_printf(text, "%s ", *at);
		n++;
	}
	return n ? g_strdup_printf("|%u %s", n, text->str) : g_strdup("");
}

char *solver_created_by(StageRun *run, const Instruction *i)
{
	if (i->kind != INSTRUCTION_RUN)
		return g_strconcat("/bin/sh -c #(nop) ", i->source->text, NULL);
	g_autofree char *arguments = arguments_prefix(run);
	g_autofree char *all = with_heredocs(i, dockerfile_skip_keyword(i->source->text));
	return g_strconcat(arguments, "/bin/sh -c ", all, NULL);
}
