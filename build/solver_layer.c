/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that make a layer: asking the cache, sealing and publishing what a step wrote.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/spawn.h"
#include "libpod/base/units.h"
#include "libpod/base/userns.h"
#include "libpod/base/wall.h"
#include "libpod/rootless.h"
#include "storage/build_cache.h"
#include "storage/build_layer.h"
#include "storage/digest.h"
#include "storage/layer.h"
#include "storage/layer_seal.h"

#define MAX_MESSAGE 4096
#define DEPTH_MAX   512

bool solver_take_message(int fd, GError **error)
{
	char text[MAX_MESSAGE];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	text[MAX(n, 0)] = '\0';
	if (n < 2)
		return error_set(error, ENGINE_ERROR_SYSTEM, "a child of the build failed");
	return error_set(error, (ErrorCode)(text[0] - 'A'), "%s", text + 1);
}

int solver_fail_child(int message_fd, const GError *error)
{
	ErrorCode code =
		error->domain == ENGINE_ERROR ? (ErrorCode)error->code : ENGINE_ERROR_SYSTEM;
	g_autofree char *text = g_strdup_printf("%c%s", 'A' + (int)code, error->message);
	(void)fd_write_all(message_fd, text, strlen(text));
	return 1;
}

bool solver_in_view(const ContainerView *view, int (*fn)(void *data), void *data, int message_fd,
		    GError **error)
{
	pid_t pid = view->userns_fd >= 0 ? userns_fork_join(view->userns_fd, USERNS_KEEP_GROUPS, fn,
							    data, NULL, error)
					 : userns_fork_new(NULL, 0, fn, data, NULL, error);
	int code = pid < 0 ? -1 : spawn_wait(pid, error);
	return code == 0 || (code > 0 && solver_take_message(message_fd, error));
}

/* --- the times of files, for --timestamp and --rewrite-timestamp --- */

typedef struct {
	int dir_fd;
	struct timespec time;
	bool only_later; /* files that are older keep their times */
	int message_fd;
} TimesJob;

/* One file of a directory; "": the directory itself. */
static bool set_time(const TimesJob *job, int dir_fd, const char *name)
{
	const struct timespec times[2] = {job->time, job->time};
	struct stat st;
	int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
	if (job->only_later) {
		if (fstatat(dir_fd, name, &st, flags) < 0)
			return false;
		if (st.st_mtim.tv_sec < job->time.tv_sec ||
		    (st.st_mtim.tv_sec == job->time.tv_sec && st.st_mtim.tv_nsec == 0))
			return true;
	}
	return (*name ? utimensat(dir_fd, name, times, flags) : futimens(dir_fd, times)) == 0;
}

/* All below @dir_fd get the time, directories last. errno on failure. */
static bool set_times(const TimesJob *job, int dir_fd, int depth)
{
	if (depth > DEPTH_MAX) {
		errno = ELOOP;
		return false;
	}
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool ok = dir != NULL;
	while (ok && (errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		autofd below =
			openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ok = (below < 0 || set_times(job, below, depth + 1)) && set_time(job, dir_fd, name);
	}
	int failure = errno;
	if (dir)
		(void)closedir(dir);
	errno = failure;
	return ok && failure == 0;
}

static int times_child(void *data)
{
	const TimesJob *job = data;
	if (set_times(job, job->dir_fd, 0) && set_time(job, job->dir_fd, ""))
		return 0;
	g_autofree char *text = g_strdup_printf("%ccannot set the times of a layer: %s",
						'A' + ENGINE_ERROR_SYSTEM, g_strerror(errno));
	(void)fd_write_all(job->message_fd, text, strlen(text));
	return 1;
}

/* --timestamp: every file of the layer has that time. --rewrite-timestamp: none is younger than
 * SOURCE_DATE_EPOCH. */
static bool clamp_times(Build *build, const char *layer_dir, GError **error)
{
	const BuildOptions *options = build->options;
	bool rewrites = options->rewrite_times && options->created >= 0;
	if (options->timestamp < 0 && !rewrites)
		return true;
	g_autofree char *diff = g_strconcat(layer_dir, "/diff", NULL);
	autofd dir = path_open_state(store_fd(build->store), diff, O_RDONLY | O_DIRECTORY, 0);
	autofd message = memfd_create("message", MFD_CLOEXEC);
	if (dir < 0 || message < 0)
		return error_set_errno(error, "cannot open the layer");
	TimesJob job = {
		.dir_fd = dir,
		.time = {.tv_sec = options->timestamp >= 0 ? options->timestamp : options->created},
		.only_later = options->timestamp < 0,
		.message_fd = message,
	};
	int code = rootless_run(build->engine, times_child, &job, error);
	return code == 0 || (code > 0 && solver_take_message(message, error));
}

/* --- the cache --- */

/* A step by its place in the file: what --explain compares. */
static char *slot_name(const StageRun *run, const Instruction *i)
{
	const Build *build = run->build;
	const char *context = context_key(build->context);
	g_autofree char *place = g_strdup_printf("%s\n%s\n%u\n%u\n%s", context ? context : "",
						 build->file->lex->name, run->stage->index,
						 run->number, instruction_name(i->kind));
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, place, -1);
}

/* The option that takes the stage's steps from no cache; NULL: none does. */
static const char *why_uncached(const StageRun *run)
{
	const BuildOptions *options = run->build->options;
	const GPtrArray *stages = options->no_cache_stages;
	if (options->no_cache)
		return "--no-cache";
	for (guint i = 0; run->stage->name && stages && i < stages->len; i++)
		if (g_ascii_strcasecmp(stages->pdata[i], run->stage->name) == 0)
			return "--no-cache-filter";
	return NULL;
}

/* Why a step is run: lines. */
static char *why_missed(StageRun *run, const LayerStep *step, const char *slot)
{
	const Build *build = run->build;
	const char *option = why_uncached(run);
	g_auto(GStrv) before = build_slot_read(build->store, slot);
	if (option || !before)
		return g_strdup(option ? option : "it was never run here");
	char *text =
		cache_key_explain(step->key, (const char *const *)before, build->stats_fd, slot);
	if (*text)
		return text;
	g_free(text);
	return g_strdup(build->options->cache_since ? "it is older than --cache-ttl, or was pruned"
						    : "its record was pruned");
}

/* --explain: hit or miss, and what is not as in the last run. */
static void explain(StageRun *run, const LayerStep *step, const char *slot, bool hit)
{
	if (!run->build->options->explain)
		return;
	if (hit) {
		solver_say(run->build, "    cache: hit");
		return;
	}
	g_autofree char *text = why_missed(run, step, slot);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line && **line; line++)
		solver_say(run->build, "    cache: miss: %s", *line);
}

/*
 * What a step made becomes part of the stage. A time that was asked for counts more than the one
 * at which the step was run.
 */
static void take_result(StageRun *run, const LayerStep *step, const BuildRecord *record)
{
	const Build *build = run->build;
	bool asked = build->options->created >= 0 || build->options->timestamp >= 0;
	guint n = g_strv_length(record->layers);
	if (record->diff_id)
		build_state_add_layer(run->state, record->layers[n - 1], record->diff_id);
	build_state_add_history(run->state, asked ? build->now : record->created,
				record->created_by, record->diff_id == NULL);
	if (*record->key)
		build_state_add_step(run->state, record->key, step->alias, record->created,
				     record->created_by, record->diff_id != NULL);
	g_free(run->made);
	run->made = g_strdup(record->diff_id ? digest_hex(record->layers[n - 1]) : record->key);
}

/* Is the layer that the step stands on still there? From here on it stays. */
static bool claim_parent(Build *build, const char *parent, GError **error)
{
	g_autoptr(GError) failed = NULL;
	if (!*parent)
		return true;
	g_autoptr(Layer) layer = layer_claim(build->store, build->stage, parent, &failed);
	if (layer)
		return true;
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	error_set(error, ENGINE_ERROR_NOT_FOUND, "layer '%s' was removed meanwhile", parent);
	error_add_help(error, "build again");
	return false;
}

/* The user namespace of all sealing of this process. -1: none is needed, or with @error. */
static int seal_userns(Build *build, GError **error)
{
	if (build->userns_fd < 0)
		build->userns_fd = rootless_open_userns(build->engine, error);
	return build->userns_fd;
}

/* Seal what was written, give it its place, and record it. */
static bool publish(StageRun *run, const char *layer_dir, BuildRecord *record, GError **error)
{
	Build *build = run->build;
	g_autofree char *name = g_path_get_basename(layer_dir);
	g_autoptr(Layer) layer = g_new0(Layer, 1);
	const char *parent = build_state_top(run->state);
	layer->parent = *parent ? g_strdup(parent) : NULL;
	g_autoptr(GError) failed = NULL;
	int userns = seal_userns(build, &failed);
	if (!failed && (!clamp_times(build, layer_dir, error) ||
			!layer_seal(build->store, build->stage, name, userns, layer, error)))
		return false;
	/* Its pin keeps it from a sweep until the record, or the image's, is there. */
	if (!failed)
		layer_free(layer_claim(build->store, build->stage, layer->chain_id, &failed));
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (!layer_publish(build->store, build->stage, name, layer, error))
		return false;
	guint n = run->state->layers->len;
	record->layers = g_renew(char *, record->layers, n + 2);
	record->layers[n] = g_strdup(layer->chain_id);
	record->layers[n + 1] = NULL;
	record->diff_id = g_strdup(layer->diff_id);
	record->size = layer->size;
	return true;
}

/* The record of a step that is about to run: without a layer so far. */
static BuildRecord *new_record(StageRun *run, const LayerStep *step, const char *key)
{
	BuildRecord *record = g_new0(BuildRecord, 1);
	guint n = run->state->layers->len;
	record->key = g_strdup(key);
	record->layers = g_new0(char *, n + 1);
	for (guint i = 0; i < n; i++)
		record->layers[i] = g_strdup(run->state->layers->pdata[i]);
	record->created = g_strdup(run->build->now);
	record->created_by = g_strdup(step->created_by);
	record->made = units_now();
	return record;
}

/* The directories of the next layer, in this process' stage. */
static char *next_layer(Build *build, GError **error)
{
	g_autofree char *name = g_strdup_printf("layer%u", build->n_layers++);
	return build_layer_new(build->store, build->stage, name, error);
}

/* The record of another key for the same result: the next build need not look at files. */
static void store_alias(StageRun *run, const LayerStep *step, const BuildRecord *record)
{
	g_autoptr(GError) error = NULL;
	BuildRecord copy = *record;
	copy.key = (char *)step->alias;
	if (step->alias && !build_cache_store(run->build->store, &copy, &error))
		log_info("%s", error->message);
}

/* A miss: run the step. */
static bool make_layer(StageRun *run, const LayerStep *step, const char *key, const char *slot,
		       GError **error)
{
	Build *build = run->build;
	bool empty = false;
	if (!claim_parent(build, build_state_top(run->state), error))
		return false;
	g_autofree char *layer_dir = next_layer(build, error);
	if (!layer_dir || !step->make(run, layer_dir, step->data, &empty, error))
		return false;
	g_autoptr(BuildRecord) record = new_record(run, step, key);
	if ((!empty && !publish(run, layer_dir, record, error)) ||
	    !build_cache_store(build->store, record, error))
		return false;
	store_alias(run, step, record);
	build_slot_write(build->store, slot, cache_key_inputs(step->key));
	cache_key_save_files(step->key, build->stats_fd, slot);
	take_result(run, step, record);
	return true;
}

bool solver_renew_work(Build *build, const char *layer_dir, GError **error)
{
	g_autofree char *run_dir = g_strconcat(layer_dir, ".run", NULL);
	autofd dir = path_open_state(store_fd(build->store), run_dir, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 || !path_remove_tree(dir, "work") || mkdirat(dir, "work", 0700) < 0)
		return error_set_errno(error, "cannot clear '%s/work'", run_dir);
	return true;
}

/* One layer for all: the same upper directory again, with a fresh work directory. */
static bool make_in_one(StageRun *run, const LayerStep *step, GError **error)
{
	Build *build = run->build;
	bool empty = false;
	if (!run->one_layer && (!claim_parent(build, build_state_top(run->state), error) ||
				!(run->one_layer = next_layer(build, error))))
		return false;
	if (!solver_renew_work(build, run->one_layer, error))
		return false;
	if (!step->make(run, run->one_layer, step->data, &empty, error))
		return false;
	build_state_add_history(run->state, build->now, step->created_by, true);
	return true;
}

bool solver_finish_one(StageRun *run, GError **error)
{
	if (!run->one_layer)
		return true;
	const LayerStep step = {.created_by = (char *)"/bin/sh"};
	g_autoptr(BuildRecord) record = new_record(run, &step, "");
	if (!publish(run, run->one_layer, record, error))
		return false;
	run->state->comment = g_strdup("one layer of all above");
	take_result(run, &step, record);
	solver_say(run->build, "--> %.12s", run->made);
	return true;
}

void solver_key_timestamp(const StageRun *run, CacheKey *key)
{
	const BuildOptions *options = run->build->options;
	bool rewrites = options->rewrite_times && options->created >= 0;
	int64_t time = options->timestamp >= 0 ? options->timestamp : options->created;
	if (options->timestamp < 0 && !rewrites)
		return;
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, time);
	cache_key_add(key, options->timestamp >= 0 ? "timestamp" : "latest timestamp", text);
}

/* Is it young enough for --cache-ttl? */
static bool is_fresh(const Build *build, const BuildRecord *record)
{
	return record->made >= build->options->cache_since;
}

/* A step of --cache-from, which is ours from here on. */
static BuildRecord *take_imported(Build *build, const char *key)
{
	GHashTable *imported = build->options->imported;
	const BuildRecord *found = imported ? g_hash_table_lookup(imported, key) : NULL;
	g_autoptr(GError) error = NULL;
	if (!found || !is_fresh(build, found))
		return NULL;
	if (!build_cache_store(build->store, found, &error)) {
		log_info("%s", error->message);
		return NULL;
	}
	return build_cache_lookup(build->store, key);
}

BuildRecord *solver_lookup(Build *build, const char *key)
{
	if (!key || build->options->no_cache)
		return NULL;
	BuildRecord *record = build_cache_lookup(build->store, key);
	if (record && is_fresh(build, record))
		return record;
	build_record_free(record);
	return take_imported(build, key);
}

/* The record for this step: what it made stands on what the stage has. */
static BuildRecord *lookup_step(StageRun *run, const char *key)
{
	g_autoptr(BuildRecord) record = why_uncached(run) ? NULL : solver_lookup(run->build, key);
	guint n = record ? g_strv_length(record->layers) : 0;
	const char *below = n > 1 ? record->layers[n - 2] : "";
	if (!record || !record->diff_id || strcmp(below, build_state_top(run->state)) == 0 ||
	    !wall_stands("cached-on-its-layers"))
		return g_steal_pointer(&record);
	log_info("the build cache's record %.12s is not for the layers of this stage", key);
	return NULL;
}

bool solver_layer_step(StageRun *run, LayerStep *step, GError **error)
{
	Build *build = run->build;
	bool in_one = build->options->one_layer && run->stage->index == build->graph->target;
	g_autofree char *slot = slot_name(run, step->i);
	g_autoptr(BuildRecord) record = in_one ? NULL : lookup_step(run, step->alias);
	if (!record && step->complete && !step->complete(run, step, error))
		return false;
	if (in_one)
		return make_in_one(run, step, error);
	g_autofree char *key = cache_key_hex(step->key);
	if (!record && (record = lookup_step(run, key)))
		store_alias(run, step, record);
	explain(run, step, slot, record != NULL);
	if (!record)
		return make_layer(run, step, key, slot, error);
	run->cache_key = g_strdup(record->key);
	take_result(run, step, record);
	return true;
}

/* The LayerMaker of an empty layer. */
static bool make_nothing(StageRun *run, const char *layer_dir, void *data, bool *out_empty,
			 GError **error)
{
	return true;
}

/* Take the last entry off the history. Return: what made it, g_free() it; NULL: there is none. */
static char *take_last_history(BuildState *state)
{
	Json *history = NULL;
	const char *text = NULL;
	(void)json_object_object_get_ex(state->image, "history", &history);
	size_t n = history ? json_object_array_length(history) : 0;
	if (n == 0)
		return NULL;
	Json *last = json_object_array_get_idx(history, n - 1);
	(void)js_get_string(last, "comment", &text, NULL);
	state->comment = g_strdup(text);
	text = NULL;
	(void)js_get_string(last, "created_by", &text, NULL);
	char *created_by = g_strdup(text ? text : "");
	(void)json_object_array_del_idx(history, n - 1, 1);
	return created_by;
}

bool solver_ensure_layer(StageRun *run, GError **error)
{
	BuildState *state = run->state;
	if (state->layers->len > 0 || run->one_layer ||
	    run->stage->index != run->build->graph->target)
		return true;
	g_autofree char *last = take_last_history(state);
	g_autoptr(CacheKey) key = cache_key_new();
	LayerStep step = {
		.i = run->stage->from,
		.key = key,
		.created_by = last ? last : (char *)"/bin/sh -c #(nop) FROM scratch",
		.make = make_nothing,
	};
	cache_key_add(key, "instruction", "an empty layer");
	cache_key_add(key, "history", step.created_by);
	solver_key_timestamp(run, key);
	return solver_layer_step(run, &step, error);
}
