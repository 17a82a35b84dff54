/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages in their order, their instructions in theirs, and the image at the end. See the header.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/events.h"
#include "storage/build_cache.h"
#include "storage/layer.h"
#include "storage/manifest.h"
#include "storage/reference.h"

#define RESULT_MAX (16u << 20)
#define STATS_DIR  "build/files"

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
	const GPtrArray *sources = run->stage->sources;
	return run->next_source < sources->len ? sources->pdata[run->next_source++] : NULL;
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

static Image *acquire(Build *build, const char *name, const char *platform, GError **error)
{
	const BuildOptions *options = build->options;
	return options->acquire(options->data, name, platform ? platform : options->platform,
				error);
}

/* The image that a name or a named context means. NULL with @error. */
static Image *source_image(Build *build, const StageSource *source, const char *platform,
			   GError **error)
{
	const char *name = source->name;
	if (source->kind == STAGE_SOURCE_CONTEXT) {
		g_autofree char *lower = g_ascii_strdown(name, -1);
		const char *value = g_hash_table_lookup(build->options->contexts, lower);
		if (!context_is_image(value, &name))
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "%s: a directory is no image to build from",
					      source->name);
	}
	return acquire(build, name, platform, error);
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

/* What FROM gives. */
static BuildState *base_state(Build *build, const Stage *stage, GError **error)
{
	const StageSource *base = stage->base;
	if (base->kind == STAGE_SOURCE_SCRATCH)
		return build_state_new(stage->platform ? stage->platform : build->options->platform,
				       error);
	if (base->kind == STAGE_SOURCE_STAGE)
		return build_state_copy(build->results[base->stage]);
	g_autoptr(Image) image = source_image(build, base, stage->platform, error);
	BuildState *state = image ? build_state_new_image(image, error) : NULL;
	if (state)
		state->comment = g_strconcat("FROM ", base->name, NULL);
	return state;
}

/* ONBUILD of the base: read, and gone from here on. */
static bool take_triggers(StageRun *run, GError **error)
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

/* The scope at the start of a stage whose base is known. */
static Scope *new_scope(Build *build, const Stage *stage, BuildState *state)
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
	if (!solver_config_step(run, i, error))
		return false;
	g_autofree char *created_by = solver_created_by(run, i);
	build_state_add_history(run->state, build->now, created_by, true);
	return true;
}

/* Tell of a step; with several stages which one it is of. */
static void say_step(StageRun *run, const Instruction *i)
{
	guint stages = run->build->graph->stages->len;
	g_autofree char *prefix =
		stages > 1 ? g_strdup_printf("[%u/%u] ", run->stage->index + 1, stages)
			   : g_strdup("");
	solver_say(run->build, "%sSTEP %u/%u: %s", prefix, ++run->number, run->total,
		   i->source->text);
}

/* A list of instructions; FILE:LINE goes in front of what is wrong. */
static bool run_list(StageRun *run, const GPtrArray *list, size_t first, size_t end, GError **error)
{
	for (size_t at = first; at < end; at++) {
		const Instruction *i = list->pdata[at];
		say_step(run, i);
		if (!run_instruction(run, i, error))
			return solver_prefix(run, i, error);
	}
	return true;
}

/* Run a stage to its end; what it came to is in @run. */
static bool run_stage(StageRun *run, GError **error)
{
	Build *build = run->build;
	const Stage *stage = run->stage;
	run->total = (unsigned)(stage->end - stage->first) + 1;
	say_step(run, stage->from);
	run->state = base_state(build, stage, error);
	if (!run->state || !take_triggers(run, error))
		return solver_prefix(run, stage->from, error);
	const GPtrArray *triggers = run->triggers ? run->triggers->instructions : NULL;
	run->total += triggers ? triggers->len : 0;
	run->scope = new_scope(build, stage, run->state);
	/* Sources of the graph are those of the file: triggers must not take them. */
	run->next_source = G_MAXUINT;
	if (triggers && !run_list(run, triggers, 0, triggers->len, error))
		return false;
	run->next_source = 0;
	return run_list(run, build->file->instructions, stage->first, stage->end, error) &&
	       solver_finish_one(run, error);
}

static void stage_run_clear(StageRun *run)
{
	build_state_free(run->state);
	scope_free(run->scope);
	dockerfile_free(run->triggers);
	g_free(run->one_layer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StageRun, stage_run_clear)

/* In this process. */
static bool run_here(Build *build, unsigned index, GError **error)
{
	g_auto(StageRun) run = {.build = build, .stage = build->graph->stages->pdata[index]};
	if (!run_stage(&run, error))
		return false;
	build->results[index] = g_steal_pointer(&run.state);
	build->scopes[index] = g_steal_pointer(&run.scope);
	return true;
}

/* --- stages as processes --- */

typedef struct {
	pid_t pid; /* 0: not running */
	int result_fd;
} Worker;

static Json *worker_error(const Build *build, const GError *error)
{
	Json *json = json_object_new_object();
	js_set_int(json, "code", error->domain == ENGINE_ERROR ? error->code : 0);
	js_set_string(json, "message", error->message);
	js_set_int(json, "exit", build->code);
	return json;
}

/* What the cache learned of files; without it the next build reads them again. */
static void save_stats(Build *build)
{
	g_autoptr(GError) unsaved = NULL;
	if (!stat_cache_save(build->stat_cache, &unsaved))
		build->options->warn(build->options->data, unsaved->message);
}

/* The child: its own stage in the store, its result as JSON. */
static int work(Build *build, unsigned index, int result_fd)
{
	g_autoptr(GError) error = NULL;
	build->n_layers = 0;
	build->stage = store_stage_new(build->store, &error);
	bool ok = build->stage && run_here(build, index, &error);
	g_autoptr(Json) json =
		ok ? build_state_to_json(build->results[index]) : worker_error(build, error);
	const char *text = js_text(json);
	ok = fd_write_all(result_fd, text, strlen(text)) && ok;
	save_stats(build);
	store_stage_free(build->stage);
	return ok ? 0 : 1;
}

static bool start_worker(Build *build, unsigned index, Worker *worker, GError **error)
{
	worker->result_fd = memfd_create("stage", MFD_CLOEXEC);
	worker->pid = worker->result_fd < 0 ? -1 : fork();
	if (worker->pid < 0)
		return error_set_errno(error, "cannot start a stage");
	if (worker->pid == 0)
		_exit(work(build, index, worker->result_fd));
	return true;
}

/* The variables of a stage that another process ran. */
static bool replay_scope(Build *build, unsigned index, GError **error)
{
	const Stage *stage = build->graph->stages->pdata[index];
	g_autoptr(BuildState) base = base_state(build, stage, error);
	g_auto(StageRun) run = {.build = build, .stage = stage};
	if (!base)
		return false;
	g_autoptr(Scope) scope = new_scope(build, stage, base);
	run.state = g_steal_pointer(&base);
	if (!take_triggers(&run, error))
		return false;
	const GPtrArray *lists[] = {run.triggers ? run.triggers->instructions : NULL,
				    build->file->instructions};
	for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
		size_t first = l ? stage->first : 0;
		size_t end = l ? stage->end : lists[0] ? lists[0]->len : 0;
		for (size_t at = first; at < end; at++) {
			const Instruction *i = lists[l]->pdata[at];
			if ((i->kind == INSTRUCTION_ARG || i->kind == INSTRUCTION_ENV) &&
			    !scope_apply(scope, i, error))
				return false;
		}
	}
	build->scopes[index] = g_steal_pointer(&scope);
	return true;
}

/* What a worker left. */
static bool take_worker(Build *build, unsigned index, Worker *worker, GError **error)
{
	autofd fd = worker->result_fd;
	size_t size = 0;
	worker->pid = 0;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(error, "cannot read a stage's result");
	g_autofree char *text = fd_read_all(fd, RESULT_MAX, &size, error);
	g_autoptr(Json) json = text ? js_parse(text, size, "a stage's result", error) : NULL;
	const char *message = NULL;
	int64_t code = 0, exit_code = 0;
	if (!json || !js_get_string(json, "message", &message, error) ||
	    !js_get_int(json, "code", 0, INT_MAX, &code, error) ||
	    !js_get_int(json, "exit", 0, 255, &exit_code, error))
		return false;
	if (message) {
		build->code = (int)exit_code;
		return error_set(error, (ErrorCode)code, "%s", message);
	}
	build->results[index] = build_state_from_json(json, error);
	return build->results[index] && replay_scope(build, index, error);
}

/* Is all there that a stage takes from others? */
static bool is_ready(const Build *build, const Stage *stage)
{
	if (stage->base->kind == STAGE_SOURCE_STAGE && !build->results[stage->base->stage])
		return false;
	for (guint i = 0; i < stage->sources->len; i++) {
		const StageSource *source = stage->sources->pdata[i];
		if (source->kind == STAGE_SOURCE_STAGE && !build->results[source->stage])
			return false;
	}
	return true;
}

/* Start what can be started. Return: how many run. */
static unsigned start_ready(Build *build, Worker *workers, bool *started, GError **error)
{
	unsigned running = 0;
	for (guint i = 0; i < build->graph->stages->len; i++)
		running += workers[i].pid > 0;
	for (guint at = 0; at < build->graph->order->len; at++) {
		unsigned index = g_array_index(build->graph->order, unsigned, at);
		if (running >= build->options->jobs || started[index] ||
		    !is_ready(build, build->graph->stages->pdata[index]))
			continue;
		started[index] = true;
		if (!start_worker(build, index, &workers[index], error))
			return running;
		running++;
	}
	return running;
}

/* Wait for any of them. */
static bool reap_worker(Build *build, Worker *workers, GError **error)
{
	int status = 0;
	pid_t pid = waitpid(-1, &status, 0);
	if (pid < 0 && errno != EINTR)
		return error_set_errno(error, "cannot wait for a stage");
	for (guint i = 0; i < build->graph->stages->len; i++)
		if (workers[i].pid == pid)
			return take_worker(build, i, &workers[i], error);
	return true;
}

/* Stages side by side. After a failure those that run are awaited, and no other starts. */
static bool run_parallel(Build *build, GError **error)
{
	guint n = build->graph->stages->len;
	g_autofree Worker *workers = g_new0(Worker, n);
	g_autofree bool *started = g_new0(bool, n);
	g_autoptr(GError) failed = NULL;
	while (start_ready(build, workers, started, &failed) > 0 && !failed)
		(void)reap_worker(build, workers, &failed);
	for (guint i = 0; i < n; i++) {
		if (workers[i].pid <= 0)
			continue;
		(void)waitpid(workers[i].pid, NULL, 0);
		fd_close(&workers[i].result_fd);
	}
	if (!failed)
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

static bool run_stages(Build *build, GError **error)
{
	const GArray *order = build->graph->order;
	if (build->options->jobs > 1 && order->len > 1)
		return run_parallel(build, error);
	for (guint at = 0; at < order->len; at++)
		if (!run_here(build, g_array_index(order, unsigned, at), error))
			return false;
	return true;
}

/* --- the image --- */

/* --label, as one more LABEL. */
static void add_labels(Build *build, BuildState *state)
{
	const GPtrArray *labels = build->options->labels;
	Json *config = build_state_config(state), *object = NULL;
	g_autoptr(GString) text = g_string_new("/bin/sh -c #(nop) LABEL");
	if (!labels || labels->len == 0)
		return;
	if (!json_object_object_get_ex(config, "Labels", &object) || !object) {
		object = json_object_new_object();
		js_set_take(config, "Labels", object);
	}
	for (guint i = 0; i < labels->len; i++) {
		g_auto(GStrv) pair = g_strsplit(labels->pdata[i], "=", 2);
		js_set_string(object, pair[0], pair[1] ? pair[1] : "");
		g_string_append_printf(text, " \"%s\"=\"%s\"", pair[0], pair[1] ? pair[1] : "");
	}
	build_state_add_history(state, build->now, text->str, true);
}

/* All of the image but its times. */
static char *image_key(const BuildState *from)
{
	g_autoptr(BuildState) state = build_state_copy(from);
	Json *history = NULL;
	(void)json_object_object_get_ex(state->image, "history", &history);
	for (size_t i = 0; history && i < json_object_array_length(history); i++)
		json_object_object_del(json_object_array_get_idx(history, i), "created");
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "image", build_state_finish(state, NULL));
	return cache_key_hex(key);
}

/* The layers stay until the image is recorded; each must be there. */
static bool claim_layers(Build *build, const BuildState *state, GError **error)
{
	for (guint i = 0; i < state->layers->len; i++) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Layer) layer =
			layer_claim(build->store, build->stage, state->layers->pdata[i], &failed);
		if (layer)
			continue;
		if (failed) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		error_set(error, ENGINE_ERROR_NOT_FOUND, "layer '%s' was removed meanwhile",
			  (const char *)state->layers->pdata[i]);
		error_add_help(error, "build again");
		return false;
	}
	return true;
}

/* An image of before with exactly this config and these names: nothing has to be written. */
static char *find_same(Build *build, const char *config, char *const *names)
{
	g_autofree char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, config, -1);
	g_autoptr(Image) image = image_lookup(build->store, id, NULL);
	if (!image || strcmp(image->id, id) != 0)
		return NULL;
	for (; *names; names++)
		if (!g_strv_contains((const char *const *)image->names, *names))
			return NULL;
	return g_steal_pointer(&id);
}

/* Record it. */
static char *publish(Build *build, const BuildState *state, const char *config, char *const *names,
		     GError **error)
{
	char *same = find_same(build, config, names);
	if (same)
		return same;
	const ImagePublish image = {
		.config = config,
		.config_size = strlen(config),
		.names = (const char *const *)names,
	};
	return claim_layers(build, state, error) ? image_publish(build->store, &image, error)
						 : NULL;
}

/* For the next build of the same: its times. A failure costs that only. */
static void remember(Build *build, const char *key, const BuildState *state, const char *config)
{
	g_autoptr(GError) error = NULL;
	g_autofree const char **layers = build_state_layers(state);
	const BuildRecord record = {
		.key = (char *)key,
		.layers = (char **)layers,
		.created = build->now,
		.created_by = (char *)"image",
		.config = (char *)config,
	};
	if (!build_cache_store(build->store, &record, &error))
		build->options->warn(build->options->data, error->message);
}

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

/* The target's state becomes an image. */
static char *make_image(Build *build, char *const *names, GError **error)
{
	BuildState *state = build->results[build->graph->target];
	add_labels(build, state);
	g_autofree char *key = image_key(state);
	g_autoptr(BuildRecord) record =
		build->options->no_cache ? NULL : build_cache_lookup(build->store, key);
	bool known = record && record->config && build->options->timestamp < 0 &&
		     build->options->created < 0;
	const char *config = known ? record->config : build_state_finish(state, build->now);
	solver_say(build, names[0] ? "COMMIT %s" : "COMMIT", names[0]);
	char *id = publish(build, state, config, names, error);
	if (!id)
		return NULL;
	if (!known)
		remember(build, key, state, config);
	solver_say(build, "--> %.12s", id);
	for (; *names; names++)
		solver_say(build, "Successfully tagged %s", *names);
	event_image(build->engine, "build", id, *names);
	return id;
}

/* --- setting up --- */

/* TARGETPLATFORM and its kin; there is one platform. */
static char **predefined(const BuildOptions *options, GError **error)
{
	static const char *const prefixes[] = {"BUILD", "TARGET"};
	GPtrArray *list = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		g_auto(Platform) platform = {0};
		platform_host(&platform);
		if (i == 1 && options->platform &&
		    !platform_parse(options->platform, &platform, error)) {
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

static bool set_up(Build *build, GError **error)
{
	const BuildOptions *options = build->options;
	int64_t created = options->timestamp >= 0 ? options->timestamp : options->created;
	int64_t now = created >= 0 ? created * G_GINT64_CONSTANT(1000000000) : units_now();
	build->now = units_format_rfc3339(now, false);
	build->predefined = predefined(options, error);
	if (!build->predefined)
		return false;
	build->inputs = (ScopeInputs){
		.build_args = options->build_args,
		.predefined = (const char *const *)build->predefined,
	};
	build->global = scope_new_global(&build->inputs, build->file->lex->escape);
	const StageOptions stages = {.target = options->target, .contexts = options->contexts};
	if (!stages_apply_global(build->file, build->global, error) ||
	    !(build->graph = stages_build(build->file, build->global, &stages, error)))
		return false;
	build->results = g_new0(BuildState *, build->graph->stages->len);
	build->scopes = g_new0(Scope *, build->graph->stages->len);
	int cache = store_dir(build->store, "cache");
	autofd made = path_mkdirs_state(cache, STATS_DIR);
	if (made >= 0)
		build->stats_fd = path_open_state(cache, STATS_DIR, O_RDONLY | O_DIRECTORY, 0);
	if (build->stats_fd < 0)
		return error_set_errno(error, "cannot open the build cache");
	build->stat_cache = stat_cache_open(build->stats_fd, context_key(build->context));
	return true;
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
	stages_free(build->graph);
	scope_free(build->global);
	g_strfreev(build->predefined);
	stat_cache_free(build->stat_cache);
	fd_close(&build->stats_fd);
	fd_close(&build->userns_fd);
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
		  const BuildOptions *options, int *out_code, GError **error)
{
	g_auto(Build) build = {
		.engine = engine,
		.store = engine_store(engine),
		.options = options,
		.file = file,
		.context = context,
		.stats_fd = -1,
		.userns_fd = -1,
		.named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       (GDestroyNotify)context_close),
	};
	*out_code = 125;
	g_auto(GStrv) names = normalize_names(options->names, error);
	if (!names || !set_up(&build, error) ||
	    !(build.stage = store_stage_new(build.store, error)))
		return NULL;
	char *id = run_stages(&build, error) ? make_image(&build, names, error) : NULL;
	if (build.code)
		*out_code = build.code;
	if (!id)
		return NULL;
	save_stats(&build);
	warn_unused(&build);
	return id;
}
