/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that need the values of a stage and facts about its image.
 */
#include <string.h>

#include "build/check_priv.h"
#include "build/run_mount.h"
#include "libpod/base/suggest.h"

#define SUGGEST_FROM 3 /* letters: every shorter name is near to every other */

char *check_suggest(const Scope *scope, const char *name)
{
	g_auto(GStrv) env = scope_environ(scope);
	Suggestions near;
	suggest_init(&near, name);
	for (size_t i = 0; strlen(name) >= SUGGEST_FROM && env[i]; i++) {
		*strchr(env[i], '=') = '\0';
		suggest_offer(&near, env[i]);
	}
	g_autofree char *names = suggest_text(&near, "$");
	return names ? g_strdup_printf(" (did you mean %s?)", names) : g_strdup("");
}

static void expand_text(const Expander *expander, const char *text)
{
	if (text)
		g_free(expand_word(expander, text, NULL));
}

static void expand_strv(const Expander *expander, char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		expand_text(expander, words[i]);
}

static void expand_copy(const Expander *expander, const CopyArgs *copy)
{
	expand_strv(expander, copy->sources);
	expand_text(expander, copy->dest);
	expand_text(expander, copy->chown);
	expand_text(expander, copy->chmod);
	expand_text(expander, copy->checksum);
	for (guint i = 0; i < copy->exclude->len; i++)
		expand_text(expander, copy->exclude->pdata[i]);
}

static void expand_heredocs(const Expander *expander, const Instruction *i)
{
	Expander raw = *expander;
	raw.raw_quotes = true;
	raw.escape = '\\';
	for (guint at = 0; i->copy.sources && at < i->source->heredocs->len; at++) {
		const Heredoc *heredoc = i->source->heredocs->pdata[at];
		if (heredoc->expand)
			expand_text(&raw, heredoc->content);
	}
}

/* Expand what the builder will expand in an instruction, for the names that are not set. */
static void expand_instruction(const Expander *expander, const Instruction *i)
{
	for (guint p = 0; i->pairs && p < i->pairs->len; p++) {
		const DockerfilePair *pair = i->pairs->pdata[p];
		expand_text(expander, pair->name);
		expand_text(expander, pair->value);
	}
	expand_copy(expander, &i->copy);
	expand_heredocs(expander, i);
	for (guint m = 0; m < i->run.mounts->len; m++) {
		const RunMount *mount = i->run.mounts->pdata[m];
		if (mount->deferred)
			run_mount_free(run_mount_parse(mount->text, expander, NULL));
	}
	switch (i->kind) {
	case INSTRUCTION_EXPOSE:
	case INSTRUCTION_STOPSIGNAL:
	case INSTRUCTION_USER:
	case INSTRUCTION_VOLUME:
	case INSTRUCTION_WORKDIR:
		expand_strv(expander, i->words);
		break;
	default:
		break;
	}
}

static void report_unset(Check *check, const Instruction *i, const Scope *scope, GHashTable *unset)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(unset), (GCompareFunc)strcmp);
	for (const GList *at = names; at; at = at->next) {
		const char *name = at->data;
		/* The builder gives every RUN a PATH. */
		if (scope_is_declared(scope, name) || strcmp(name, "PATH") == 0)
			continue;
		if (check->findings->len == CHECK_FINDINGS_MAX)
			return;
		g_autofree char *near = check_suggest(scope, name);
		check_report(check, "UndefinedVar", i->line, "Usage of undefined variable '$%s'%s",
			     name, near);
	}
}

static void check_instruction(Check *check, const Instruction *i, Scope *scope, bool known)
{
	g_autoptr(GHashTable) unset = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Expander expander = scope_expander(scope);
	expander.unset = unset;
	if (known) {
		expand_instruction(&expander, i);
		report_unset(check, i, scope, unset);
	}
	if (i->kind == INSTRUCTION_ARG || i->kind == INSTRUCTION_ENV)
		(void)scope_apply(scope, i, NULL);
}

static const CheckImage *find_image(const Check *check, const Stage *stage)
{
	if (stage->base->kind != STAGE_SOURCE_IMAGE || !check->inputs->image)
		return NULL;
	return check->inputs->image(stage->base->name, check->inputs->data);
}

static void check_image_platform(Check *check, const Stage *stage, const CheckImage *image)
{
	const char *wanted = stage->platform ? stage->platform : check->inputs->target_platform;
	if (image && image->platform && wanted && *wanted && strcmp(image->platform, wanted) != 0)
		check_report(check, "InvalidBaseImagePlatform", stage->from->line,
			     "Base image %s was pulled with platform \"%s\", expected \"%s\" for "
			     "current build",
			     stage->base->name, image->platform, wanted);
}

void check_variables(Check *check)
{
	const GPtrArray *stages = check->graph->stages;
	g_autoptr(Scope) global = scope_new_global(&check->inputs->scope, check->file->lex->escape);
	if (!stages_apply_global(check->file, global, NULL))
		return;
	g_autoptr(GPtrArray) scopes = g_ptr_array_new_with_free_func((GDestroyNotify)scope_free);
	g_autofree bool *known = g_new0(bool, stages->len);
	for (guint s = 0; s < stages->len; s++) {
		const Stage *stage = stages->pdata[s];
		const CheckImage *image = find_image(check, stage);
		bool built = stage->base->kind == STAGE_SOURCE_STAGE;
		const Scope *parent = built ? scopes->pdata[stage->base->stage] : NULL;
		Scope *scope = scope_new_stage(global, parent, image ? image->env : NULL);
		g_ptr_array_add(scopes, scope);
		known[s] = built ? known[stage->base->stage]
				 : image || stage->base->kind == STAGE_SOURCE_SCRATCH;
		check_image_platform(check, stage, image);
		for (size_t at = stage->first; at < stage->end; at++)
			check_instruction(check, check->file->instructions->pdata[at], scope,
					  known[s]);
	}
}
