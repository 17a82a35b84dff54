/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages in their order, their instructions in theirs, and the image at the end. See the header.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"
#include "storage/manifest.h"
#include "storage/reference.h"

void solver_say(const Build *build, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	build->options->say(build->options->data, text);
}

char *solver_expand(StageRun *run, const char *text, GError **error)
{
	Expander expander = scope_expander(run->scope);
	return expand_word(&expander, text, error);
}

bool solver_prefix(const StageRun *run, const Instruction *i, GError **error)
{
	g_prefix_error(error, "%s:%u: ", run->build->file->lex->name, i->line);
	return false;
}

const StageSource *solver_next_source(StageRun *run)
{
	g_assert(run->next_source < run->sources->len);
	return run->sources->pdata[run->next_source++];
}

BuildContext *solver_named_context(Build *build, const char *name, GError **error)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	BuildContext *context = g_hash_table_lookup(build->named, lower);
	if (context)
		return context;
	const char *value = g_hash_table_lookup(build->options->contexts, lower);
	context = context_open_named(build->options->fetch, value, error);
	if (context)
		g_hash_table_insert(build->named, g_strdup(lower), context);
	return context;
}

/* There is no such image: a stage may have been meant. */
static void suggest_stage(const Build *build, const char *name, GError **error)
{
	Suggestions near;
	suggest_init(&near, name);
	for (guint i = 0; i < build->graph->stages->len; i++) {
		const Stage *stage = build->graph->stages->pdata[i];
		if (stage->name)
			suggest_offer(&near, stage->name);
	}
	suggest_add_help(&near, "the stage ", error);
}

/* The image that a name means. NULL with @error. */
static Image *source_image(Build *build, const StageSource *source, const char *platform,
			   GError **error)
{
	if (source->kind == STAGE_SOURCE_CONTEXT)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "%s: a directory is no image to build from", source->name);
	Image *image = solver_acquire(build, source->name, platform, error);
	if (!image)
		suggest_stage(build, source->name, error);
	return image;
}

const BuildState *solver_source_state(StageRun *run, const StageSource *source,
				      BuildState **out_owned, GError **error)
{
	if (source->kind == STAGE_SOURCE_STAGE)
		return run->build->results[source->stage];
	if (source->kind == STAGE_SOURCE_SCRATCH)
		return *out_owned = build_state_new(NULL, error);
	g_autoptr(Image) image = source_image(run->build, source, NULL, error);
	return image ? (*out_owned = build_state_new_image(image, error)) : NULL;
}

/* --- one stage --- */

/* What an image gives to a stage. */
static BuildState *image_state(Build *build, const Stage *stage, GError **error)
{
	g_autoptr(Image) image = source_image(build, stage->base, stage->platform, error);
	BuildState *state = image ? build_state_new_image(image, error) : NULL;
	if (state && build->options->drop_labels)
		json_object_object_del(build_state_config(state), "Labels");
	if (state)
		state->comment = g_strconcat("FROM ", stage->base->name, NULL);
	return state;
}

BuildState *solver_base_state(Build *build, const Stage *stage, GError **error)
{
	const StageSource *base = stage->base;
	const char *platform = stage->platform ? stage->platform : build->options->platform;
	if (base->kind == STAGE_SOURCE_STAGE)
		return build_state_copy(build->results[base->stage]);
	BuildState *state = base->kind == STAGE_SOURCE_SCRATCH ? build_state_new(platform, error)
							       : image_state(build, stage, error);
	/* Every stage has a PATH, as in docker and buildah. */
	if (state && !build_state_has_env(state, "PATH"))
		build_state_set_env(state, "PATH", SPEC_DEFAULT_PATH);
	return state;
}

bool solver_take_triggers(StageRun *run, GError **error)
{
	g_auto(GStrv) texts = NULL;
	Json *config = build_state_config(run->state);
	if (!js_get_strv(config, "OnBuild", &texts, error))
		return false;
	json_object_object_del(config, "OnBuild");
	if (!texts || !texts[0])
		return true;
	g_autofree char *name = g_strdup_printf("ONBUILD of %s", run->stage->base->name);
	run->triggers = dockerfile_parse_triggers((const char *const *)texts, name, error);
	return run->triggers != NULL;
}

Scope *solver_new_scope(Build *build, const Stage *stage, BuildState *state)
{
	const StageSource *base = stage->base;
	g_auto(GStrv) env = build_state_env(state);
	return base->kind == STAGE_SOURCE_STAGE
		       ? scope_new_stage(build->global, build->scopes[base->stage], NULL)
		       : scope_new_stage(build->global, NULL, (const char *const *)env);
}

static bool run_instruction(StageRun *run, const Instruction *i, GError **error)
{
	Build *build = run->build;
	if (i->kind == INSTRUCTION_RUN)
		return solver_run_step(run, i, error);
	if (i->kind == INSTRUCTION_COPY || i->kind == INSTRUCTION_ADD)
		return solver_copy_step(run, i, error);
	if (i->kind == INSTRUCTION_WORKDIR)
		return solver_workdir_step(run, i, error);
	if (i->kind == INSTRUCTION_VOLUME)
		return solver_volume_step(run, i, error);
	if (!solver_config_step(run, i, error))
		return false;
	g_autofree char *created_by = solver_created_by(run, i);
	build_state_add_history(run->state, build->now, created_by, true);
	return true;
}

/* Tell of a step. */
static void show_step(const StageRun *run, const Instruction *i, BuildStepState state)
{
	const BuildOptions *options = run->build->options;
	const BuildStep step = {
		.state = state,
		.stage = run->stage->index + 1,
		.stages = run->build->graph->stages->len,
		.stage_name = run->stage->name,
		.number = run->number,
		.total = run->total,
		.text = i->source->text,
		.line = i->line,
		.cache_key = run->cache_key,
		.made = run->made,
	};
	options->step(options->data, &step);
}

static void begin_step(StageRun *run, const Instruction *i)
{
	run->number++;
	g_clear_pointer(&run->made, g_free);
	g_clear_pointer(&run->cache_key, g_free);
	show_step(run, i, BUILD_STEP_STARTED);
}

/* Its end; FILE:LINE goes in front of what is wrong. Return: @ok. */
static bool end_step(const StageRun *run, const Instruction *i, bool ok, GError **error)
{
	show_step(run, i,
		  !ok              ? BUILD_STEP_FAILED
		  : run->cache_key ? BUILD_STEP_CACHED
				   : BUILD_STEP_DONE);
	return ok || solver_prefix(run, i, error);
}

static bool run_list(StageRun *run, const GPtrArray *list, size_t first, size_t end, GError **error)
{
	for (size_t at = first; at < end; at++) {
		const Instruction *i = list->pdata[at];
		begin_step(run, i);
		if (!end_step(run, i, run_instruction(run, i, error), error))
			return false;
	}
	return true;
}

/* A stage that only a trigger names: the graph could not know of it. */
static bool need_stage(StageRun *run, unsigned index, GError **error)
{
	Build *build = run->build;
	if (build->results[index])
		return true;
	if (build->busy[index])
		return error_set(error, ENGINE_ERROR_INVALID,
				 "a cycle: the stage needs itself through ONBUILD of '%s'",
				 run->stage->base->name);
	return solver_run_here(build, index, error);
}

/* ONBUILD's instructions, with what they take from stages and images. */
static bool run_triggers(StageRun *run, GError **error)
{
	const StageOptions options = solver_stage_options(run->build);
	const GPtrArray *list = run->triggers->instructions;
	run->trigger_sources = stages_resolve_triggers(run->build->graph, run->stage, run->triggers,
						       &options, error);
	if (!run->trigger_sources)
		return false;
	for (guint i = 0; i < run->trigger_sources->len; i++) {
		const StageSource *source = run->trigger_sources->pdata[i];
		if (source->kind == STAGE_SOURCE_STAGE && !need_stage(run, source->stage, error))
			return false;
	}
	run->sources = run->trigger_sources;
	run->next_source = 0;
	return run_list(run, list, 0, list->len, error);
}

/* Run a stage to its end; what it came to is in @run. */
static bool run_stage(StageRun *run, GError **error)
{
	Build *build = run->build;
	const Stage *stage = run->stage;
	run->total = (unsigned)(stage->end - stage->first) + 1;
	begin_step(run, stage->from);
	run->state = solver_base_state(build, stage, error);
	if (!end_step(run, stage->from, run->state && solver_take_triggers(run, error), error))
		return false;
	const GPtrArray *triggers = run->triggers ? run->triggers->instructions : NULL;
	run->total += triggers ? triggers->len : 0;
	run->scope = solver_new_scope(build, stage, run->state);
	if (triggers && !run_triggers(run, error))
		return false;
	run->sources = stage->sources;
	run->next_source = 0;
	return run_list(run, build->file->instructions, stage->first, stage->end, error) &&
	       solver_ensure_layer(run, error) && solver_finish_one(run, error) &&
	       solver_squash_all(run, error);
}

void stage_run_clear(StageRun *run)
{
	build_state_free(run->state);
	scope_free(run->scope);
	dockerfile_free(run->triggers);
	g_clear_pointer(&run->trigger_sources, g_ptr_array_unref);
	g_free(run->made);
	g_free(run->cache_key);
	g_free(run->one_layer);
}
bool solver_run_here(Build *build, unsigned index, GError **error)
{
	g_auto(StageRun) run = {.build = build, .stage = build->graph->stages->pdata[index]};
	build->busy[index] = true;
	bool done = run_stage(&run, error);
	build->busy[index] = false;
	if (!done)
		return false;
	build->results[index] = g_steal_pointer(&run.state);
	build->scopes[index] = g_steal_pointer(&run.scope);
	return true;
}

void solver_save_stats(Build *build)
{
	g_autoptr(GError) unsaved = NULL;
	if (!stat_cache_save(build->stat_cache, &unsaved))
		build->options->warn(build->options->data, unsaved->message);
}

static bool run_stages(Build *build, GError **error)
{
	const GArray *order = build->graph->order;
	if (build->options->jobs > 1 && order->len > 1)
		return solver_run_parallel(build, error);
	for (guint at = 0; at < order->len; at++)
		if (!build->results[g_array_index(order, unsigned, at)] &&
		    !solver_run_here(build, g_array_index(order, unsigned, at), error))
			return false;
	return true;
}

/* --- setting up --- */

/* -t, normalised. */
static char **normalize_names(const char *const *names, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
	for (; names && *names; names++) {
		char *name = reference_new_name(*names, error);
		if (!name)
			return NULL;
		g_ptr_array_add(list, name);
	}
	g_ptr_array_add(list, NULL);
	return (char **)g_ptr_array_steal(list, NULL);
}

/* The name of the last stage, "" without. */
static const char *last_stage(const Dockerfile *file)
{
	const char *name = NULL;
	for (guint at = 0; at < file->instructions->len; at++) {
		const Instruction *i = file->instructions->pdata[at];
		if (i->kind == INSTRUCTION_FROM)
			name = i->from.as;
	}
	return name ? name : "";
}

char **build_predefined(const Dockerfile *file, const char *target, const char *wanted,
			GError **error)
{
	static const char *const prefixes[] = {"BUILD", "TARGET"};
	GPtrArray *list = g_ptr_array_new();
	target = target && *target ? target : last_stage(file);
	g_ptr_array_add(list, g_strconcat("TARGETSTAGE=", target, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		g_auto(Platform) platform = {0};
		platform_host(&platform);
		if (i == 1 && wanted && !platform_parse(wanted, &platform, error)) {
			g_ptr_array_set_free_func(list, g_free);
			g_ptr_array_unref(list);
			return NULL;
		}
		const char *variant = platform.variant ? platform.variant : "";
		const char *prefix = prefixes[i];
		g_ptr_array_add(list, g_strdup_printf("%sOS=%s", prefix, platform.os));
		g_ptr_array_add(list, g_strdup_printf("%sARCH=%s", prefix, platform.architecture));
		g_ptr_array_add(list, g_strdup_printf("%sVARIANT=%s", prefix, variant));
		g_ptr_array_add(list, g_strdup_printf("%sPLATFORM=%s/%s%s%s", prefix, platform.os,
						      platform.architecture, *variant ? "/" : "",
						      variant));
	}
	g_ptr_array_add(list, NULL);
	return (char **)g_ptr_array_free(list, FALSE);
}

StageOptions solver_stage_options(const Build *build)
{
	return (StageOptions){
		.target = build->options->target,
		.all = build->options->all_stages,
		.from = build->options->from,
		.contexts = build->options->contexts,
	};
}

static bool set_up(Build *build, GError **error)
{
	const BuildOptions *options = build->options;
	int64_t created = options->timestamp >= 0 ? options->timestamp : options->created;
	int64_t now = created >= 0 ? created * G_GINT64_CONSTANT(1000000000) : units_now();
	build->now = units_format_rfc3339(now, false);
	build->predefined =
		build_predefined(build->file, options->target, options->platform, error);
	if (!build->predefined)
		return false;
	build->inputs = (ScopeInputs){
		.build_args = options->build_args,
		.predefined = (const char *const *)build->predefined,
	};
	build->global = scope_new_global(&build->inputs, build->file->lex->escape);
	const StageOptions stages = solver_stage_options(build);
	if (!stages_apply_global(build->file, build->global, error) ||
	    !(build->graph = stages_build(build->file, build->global, &stages, error)))
		return false;
	build->results = g_new0(BuildState *, build->graph->stages->len);
	build->scopes = g_new0(Scope *, build->graph->stages->len);
	build->busy = g_new0(bool, build->graph->stages->len);
	int cache = store_dir(build->store, "cache");
	autofd made = path_mkdirs_state(cache, BUILD_FILES_DIR);
	if (made >= 0)
		build->stats_fd =
			path_open_state(cache, BUILD_FILES_DIR, O_RDONLY | O_DIRECTORY, 0);
	if (build->stats_fd < 0)
		return error_set_errno(error, "cannot open the build cache");
	build->stat_cache = stat_cache_open(build->stats_fd, context_key(build->context));
	build->acquired_fd = solver_open_acquired(error);
	return build->acquired_fd >= 0;
}

static void build_clear(Build *build)
{
	guint n = build->graph ? build->graph->stages->len : 0;
	/* A stage's scope may stand on an earlier one's. */
	for (guint i = n; i-- > 0;) {
		build_state_free(build->results[i]);
		scope_free(build->scopes[i]);
	}
	g_free(build->results);
	g_free(build->scopes);
	g_free(build->busy);
	stages_free(build->graph);
	scope_free(build->global);
	g_strfreev(build->predefined);
	stat_cache_free(build->stat_cache);
	fd_close(&build->stats_fd);
	fd_close(&build->userns_fd);
	fd_close(&build->acquired_fd);
	g_clear_pointer(&build->named, g_hash_table_unref);
	store_stage_free(build->stage);
	g_free(build->now);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Build, build_clear)

/* --build-arg that nothing asked for. */
static void warn_unused(const Build *build)
{
	g_auto(GStrv) unused = scope_unused_args(build->global);
	if (!unused[0])
		return;
	g_autofree char *names = g_strjoinv(" ", unused);
	g_autofree char *text =
		g_strdup_printf("one or more build args were not consumed: [%s]", names);
	build->options->warn(build->options->data, text);
}

char *build_solve(Engine *engine, BuildContext *context, const Dockerfile *file,
		  const BuildOptions *options, GPtrArray *out_caches, int *out_code, GError **error)
{
	g_auto(Build) build = {
		.engine = engine,
		.store = engine_store(engine),
		.options = options,
		.file = file,
		.context = context,
		.stats_fd = -1,
		.userns_fd = -1,
		.acquired_fd = -1,
		.named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       (GDestroyNotify)context_close),
	};
	*out_code = 125;
	g_auto(GStrv) names = normalize_names(options->names, error);
	if (!names || !set_up(&build, error) ||
	    !(build.stage = store_stage_new(build.store, error)))
		return NULL;
	char *id = run_stages(&build, error) ? solver_make_image(&build, names, out_caches, error)
					     : NULL;
	if (build.code)
		*out_code = build.code;
	if (!id)
		return NULL;
	solver_save_stats(&build);
	warn_unused(&build);
	return id;
}
