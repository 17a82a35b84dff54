/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages: cut the file at its FROMs, resolve the names, walk back from the target.
 */
#include "build/stages.h"

#include <string.h>

#include "build/context.h"
#include "build/run_mount.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"
#include "storage/reference.h"

#define PLATFORM_MAX 255

static void free_source(void *data)
{
	StageSource *source = data;
	if (!source)
		return;
	g_free(source->name);
	g_free(source);
}

static void free_stage(void *data)
{
	Stage *stage = data;
	g_free(stage->name);
	g_free(stage->platform);
	free_source(stage->base);
	g_ptr_array_unref(stage->sources);
	g_free(stage);
}

void stages_free(StageGraph *graph)
{
	if (!graph)
		return;
	g_ptr_array_unref(graph->stages);
	g_array_unref(graph->order);
	g_free(graph);
}

static bool fail_at(const StageGraph *graph, unsigned line, GError **error, const char *what,
		    const char *name)
{
	return error_set(error, ENGINE_ERROR_INVALID, "%s:%u: %s '%s'", graph->file->lex->name,
			 line, what, name);
}

static bool prefix_at(const StageGraph *graph, unsigned line, GError **error)
{
	g_prefix_error(error, "%s:%u: ", graph->file->lex->name, line);
	return false;
}

static Stage *stage_at(const StageGraph *graph, unsigned index)
{
	return g_ptr_array_index(graph->stages, index);
}

/* The nearest stage of that name before @before, else the first one from there on. */
static Stage *find_stage(const StageGraph *graph, const char *name, unsigned before)
{
	for (unsigned i = before; i > 0; i--) {
		Stage *stage = stage_at(graph, i - 1);
		if (stage->name && g_ascii_strcasecmp(stage->name, name) == 0)
			return stage;
	}
	for (unsigned i = before; i < graph->stages->len; i++) {
		Stage *stage = stage_at(graph, i);
		if (stage->name && g_ascii_strcasecmp(stage->name, name) == 0)
			return stage;
	}
	return NULL;
}

static bool is_context(const StageOptions *options, const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return options->contexts && g_hash_table_contains(options->contexts, lower);
}

static StageSource *source_new(StageSourceKind kind, const char *name, unsigned line)
{
	StageSource *source = g_new0(StageSource, 1);
	source->kind = kind;
	source->name = g_strdup(name);
	source->line = line;
	return source;
}

static StageSource *source_stage(const Stage *stage, const char *name, unsigned line)
{
	StageSource *source = source_new(STAGE_SOURCE_STAGE, name, line);
	source->stage = stage->index;
	return source;
}

/* An image must at least have the form of a name. */
static StageSource *source_image(const StageGraph *graph, const char *name, unsigned line,
				 GError **error)
{
	g_autoptr(Reference) reference = reference_parse(name, error);
	if (reference)
		return source_new(STAGE_SOURCE_IMAGE, name, line);
	g_autofree char *escaped = g_strescape(name, NULL);
	g_prefix_error(error, "parsing reference '%s': ", escaped);
	prefix_at(graph, line, error);
	return NULL;
}

/* A named context: files, or the image that its value means. */
static StageSource *source_context(const StageOptions *options, const char *name, unsigned line)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	g_autofree char *image = context_image(g_hash_table_lookup(options->contexts, lower));
	return image ? source_new(STAGE_SOURCE_IMAGE, image, line)
		     : source_new(STAGE_SOURCE_CONTEXT, name, line);
}

/* What FROM names. */
static StageSource *resolve_base(const StageGraph *graph, const Stage *stage, const char *name,
				 const StageOptions *options, GError **error)
{
	unsigned line = stage->from->line;
	if (!*name) {
		fail_at(graph, line, error,
			"FROM names nothing once expanded:", stage->from->from.image);
		return NULL;
	}
	if (is_context(options, name))
		return source_context(options, name, line);
	if (strcmp(name, "scratch") == 0)
		return source_new(STAGE_SOURCE_SCRATCH, name, line);
	const Stage *earlier = find_stage(graph, name, stage->index);
	if (earlier && earlier->index < stage->index)
		return source_stage(earlier, name, line);
	return source_image(graph, name, line, error);
}

/* What --from or from= names, in a stage. */
static StageSource *resolve_from(const StageGraph *graph, const Stage *stage, const char *name,
				 unsigned line, const StageOptions *options, GError **error)
{
	uint64_t number = 0;
	if (is_context(options, name))
		return source_context(options, name, line);
	if (name[strspn(name, "0123456789")] == '\0') {
		if (units_parse_uint(name, graph->stages->len - 1, &number, NULL))
			return source_stage(stage_at(graph, (unsigned)number), name, line);
		fail_at(graph, line, error, "there is no stage", name);
		return NULL;
	}
	const Stage *found = find_stage(graph, name, stage->index);
	if (found)
		return source_stage(found, name, line);
	if (strcmp(name, "scratch") == 0)
		return source_new(STAGE_SOURCE_SCRATCH, name, line);
	return source_image(graph, name, line, error);
}

/* Add what one instruction of @stage takes from elsewhere. */
static bool add_sources_of(const StageGraph *graph, const Stage *stage, const Instruction *i,
			   const StageOptions *options, GPtrArray *list, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	if (i->copy.from)
		g_ptr_array_add(names, i->copy.from);
	for (guint m = 0; m < i->run.mounts->len; m++) {
		const RunMount *mount = g_ptr_array_index(i->run.mounts, m);
		if (mount->from && *mount->from)
			g_ptr_array_add(names, mount->from);
	}
	for (guint at = 0; at < names->len; at++) {
		StageSource *source =
			resolve_from(graph, stage, names->pdata[at], i->line, options, error);
		if (!source)
			return false;
		g_ptr_array_add(list, source);
	}
	return true;
}

/* What the instructions of a stage take from elsewhere. */
static bool add_sources(const StageGraph *graph, Stage *stage, const StageOptions *options,
			GError **error)
{
	for (size_t at = stage->first; at < stage->end; at++)
		if (!add_sources_of(graph, stage, g_ptr_array_index(graph->file->instructions, at),
				    options, stage->sources, error))
			return false;
	return true;
}

GPtrArray *stages_resolve_triggers(const StageGraph *graph, const Stage *stage,
				   const Dockerfile *triggers, const StageOptions *options,
				   GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_source);
	for (guint at = 0; at < triggers->instructions->len; at++)
		if (!add_sources_of(graph, stage, g_ptr_array_index(triggers->instructions, at),
				    options, list, error))
			return NULL;
	return g_steal_pointer(&list);
}

/* Cut the file at its FROMs. */
static bool cut(StageGraph *graph, GError **error)
{
	const Dockerfile *file = graph->file;
	Stage *stage = NULL;
	for (size_t at = file->first_from; at < file->instructions->len; at++) {
		const Instruction *i = g_ptr_array_index(file->instructions, at);
		if (i->kind == INSTRUCTION_FROM) {
			if (graph->stages->len == STAGES_MAX)
				return error_set(error, ENGINE_ERROR_INVALID,
						 "%s:%u: more than %d stages", file->lex->name,
						 i->line, STAGES_MAX);
			stage = g_new0(Stage, 1);
			stage->index = graph->stages->len;
			stage->name = g_strdup(i->from.as);
			stage->from = i;
			stage->first = at + 1;
			stage->sources = g_ptr_array_new_with_free_func(free_source);
			g_ptr_array_add(graph->stages, stage);
		}
		stage->end = at + 1;
	}
	return true;
}

/* Expand and resolve what a stage is built from. */
static bool set_base(const StageGraph *graph, Stage *stage, Scope *global,
		     const StageOptions *options, GError **error)
{
	const FromArgs *from = &stage->from->from;
	Expander expander = scope_expander(global);
	g_autofree char *image = stage->index == 0 && options->from
					 ? g_strdup(options->from)
					 : expand_word(&expander, from->image, error);
	if (!image)
		return prefix_at(graph, stage->from->line, error);
	if (from->platform) {
		stage->platform = expand_word(&expander, from->platform, error);
		if (!stage->platform)
			return prefix_at(graph, stage->from->line, error);
		if (strlen(stage->platform) > PLATFORM_MAX)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s:%u: --platform is longer than %d bytes",
					 graph->file->lex->name, stage->from->line, PLATFORM_MAX);
	}
	stage->base = resolve_base(graph, stage, image, options, error);
	return stage->base != NULL;
}

/* The stage that --target names. */
static bool set_target(StageGraph *graph, const char *target, GError **error)
{
	uint64_t number = 0;
	Suggestions near;
	graph->target = graph->stages->len - 1;
	if (!target || !*target)
		return true;
	const Stage *stage = find_stage(graph, target, graph->stages->len);
	if (stage || units_parse_uint(target, graph->stages->len - 1, &number, NULL)) {
		graph->target = stage ? stage->index : (unsigned)number;
		return true;
	}
	suggest_init(&near, target);
	for (unsigned i = 0; i < graph->stages->len; i++) {
		if (stage_at(graph, i)->name)
			suggest_offer(&near, stage_at(graph, i)->name);
	}
	error_set(error, ENGINE_ERROR_NOT_FOUND, "%s: there is no stage '%s'",
		  graph->file->lex->name, target);
	suggest_add_help(&near, "", error);
	return false;
}

typedef enum { VISIT_NEW, VISIT_OPEN, VISIT_DONE } Visit;

static bool visit(StageGraph *graph, unsigned index, Visit *visits, bool needed, GError **error);

/* Follow a source. A stage that is being visited already is reached from itself. */
static bool visit_source(StageGraph *graph, const StageSource *source, Visit *visits, bool needed,
			 GError **error)
{
	if (source->kind != STAGE_SOURCE_STAGE)
		return true;
	if (visits[source->stage] == VISIT_OPEN)
		return fail_at(graph, source->line, error, "a cycle: a stage needs itself through",
			       source->name);
	return visit(graph, source->stage, visits, needed, error);
}

/* Depth first. Recursion ends at STAGES_MAX. */
static bool visit(StageGraph *graph, unsigned index, Visit *visits, bool needed, GError **error)
{
	Stage *stage = stage_at(graph, index);
	if (visits[index] == VISIT_DONE)
		return true;
	visits[index] = VISIT_OPEN;
	if (!visit_source(graph, stage->base, visits, needed, error))
		return false;
	for (guint i = 0; i < stage->sources->len; i++) {
		if (!visit_source(graph, g_ptr_array_index(stage->sources, i), visits, needed,
				  error))
			return false;
	}
	visits[index] = VISIT_DONE;
	stage->needed = needed;
	if (needed)
		g_array_append_val(graph->order, index);
	return true;
}

/* What shall be built first, then the others: a cycle is one even where nobody needs it. */
static bool walk(StageGraph *graph, bool all, GError **error)
{
	g_autofree Visit *visits = g_new0(Visit, graph->stages->len);
	bool ok = true;
	for (unsigned i = all ? 0 : graph->target; ok && i <= graph->target; i++)
		ok = visit(graph, i, visits, true, error);
	for (unsigned i = 0; ok && i < graph->stages->len; i++)
		ok = visit(graph, i, visits, false, error);
	return ok;
}

bool stages_apply_global(const Dockerfile *file, Scope *global, GError **error)
{
	for (size_t at = 0; at < file->first_from; at++) {
		const Instruction *i = g_ptr_array_index(file->instructions, at);
		if (!scope_apply(global, i, error)) {
			g_prefix_error(error, "%s:%u: ", file->lex->name, i->line);
			return false;
		}
	}
	return true;
}

StageGraph *stages_build(const Dockerfile *file, Scope *global, const StageOptions *options,
			 GError **error)
{
	g_autoptr(StageGraph) graph = g_new0(StageGraph, 1);
	graph->file = file;
	graph->stages = g_ptr_array_new_with_free_func(free_stage);
	graph->order = g_array_new(FALSE, FALSE, sizeof(unsigned));
	if (!cut(graph, error))
		return NULL;
	for (unsigned i = 0; i < graph->stages->len; i++) {
		if (!set_base(graph, stage_at(graph, i), global, options, error) ||
		    !add_sources(graph, stage_at(graph, i), options, error))
			return NULL;
	}
	if (!set_target(graph, options->target, error) || !walk(graph, options->all, error))
		return NULL;
	return g_steal_pointer(&graph);
}
