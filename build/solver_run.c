/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN: a container that goes when it ends, on the layers so far, writing into the step's layer.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/dockerfile_words.h"
#include "build/emulation.h"
#include "build/solver_step.h"
#include "libpod/attach.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/wall.h"
#include "libpod/container.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_resolve.h"
#include "storage/build_layer.h"

#define SCRIPT_TARGET "/dev/pipes/"
/* The first process of a container does not die of most signals that it has no handler for. */
#define PATIENCE_MS 2000

static void free_place(void *data)
{
	RunPlace *place = data;
	g_free(place->path);
	g_free(place);
}
static void unlock(void *lock)
{
	record_unlock(lock);
}
static void run_step_clear(RunStep *step)
{
	g_strfreev(step->args);
	spec_free(step->spec);
	g_clear_pointer(&step->places, g_ptr_array_unref);
	g_clear_pointer(&step->secrets, g_ptr_array_unref);
	g_clear_pointer(&step->locks, g_ptr_array_unref);
	g_clear_pointer(&step->caches, g_ptr_array_unref);
	g_clear_pointer(&step->agents, g_ptr_array_unref);
	g_clear_pointer(&step->parts, g_ptr_array_unref);
	g_clear_pointer(&step->writable, g_ptr_array_unref);
	g_free(step->script);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunStep, run_step_clear)
/* Is the command line one heredoc and nothing else? Then that is the script. */
static const Heredoc *whole_script(const Instruction *i)
{
	if (i->json || i->source->heredocs->len != 1)
		return NULL;
	const Heredoc *heredoc = i->source->heredocs->pdata[0];
	g_autofree char *line = g_strstrip(g_strdup(i->words[0]));
	return strcmp(line, heredoc->word) == 0 ? heredoc : NULL;
}

/* The arguments: as written, by the shell, or a script of its own interpreter. */
static char **make_args(StageRun *run, RunStep *step, const Instruction *i)
{
	if (i->json)
		return g_strdupv(i->words);
	const Heredoc *script = whole_script(i);
	if (script && g_str_has_prefix(script->content, "#!")) {
		const char *const args[] = {SCRIPT_TARGET "script", NULL};
		step->script = g_strdup(script->content);
		return g_strdupv((char **)args);
	}
	if (script)
		return solver_shell(run, script->content);
	g_autoptr(GString) line = g_string_new(i->words[0]);
	for (guint at = 0; at < i->source->heredocs->len; at++) {
		const Heredoc *heredoc = i->source->heredocs->pdata[at];
		g_string_append_printf(line, "\n%s%s", heredoc->content, heredoc->name);
	}
	return solver_shell(run, line->str);
}

static bool set_network(ContainerSpec *spec, const char *value, GError **error)
{
	if (!value || strcmp(value, "default") == 0)
		return true;
	network_request_free(spec->network);
	spec->network = network_request_new();
	spec->network_set = false;
	return spec_set_network(spec, value, error);
}

/* --security=insecure: as privileged as `skiff run --privileged`, if the user allows it. */
static bool set_security(StageRun *run, RunStep *step, GError **error)
{
	const char *security = step->i->run.security;
	if (!security || strcmp(security, "sandbox") == 0)
		return true;
	if (strcmp(security, "insecure") != 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "RUN --security=%s: it is sandbox or insecure", security);
	if (!run->build->options->allow_insecure) {
		error_set(error, ENGINE_ERROR_DENIED, "security.insecure is not allowed");
		error_add_help(error, "skiff build --allow security.insecure");
		return false;
	}
	step->spec->privileged = true;
	return true;
}

/* --device: what the Dockerfile's author wants of the host, if the user allows it. */
static bool add_devices(StageRun *run, RunStep *step, GError **error)
{
	const GPtrArray *devices = step->i->run.devices;
	if (devices && devices->len > 0 && !run->build->options->allow_devices &&
	    wall_stands("allowed-devices")) {
		error_set(error, ENGINE_ERROR_DENIED, "RUN --device=%s: device is not allowed",
			  (const char *)devices->pdata[0]);
		error_add_help(error, "skiff build --allow device");
		return false;
	}
	for (guint at = 0; devices && at < devices->len; at++)
		if (!spec_add_device(step->spec, devices->pdata[at], error))
			return false;
	return true;
}

/* The spec that every RUN of the stage would have; mounts come later. */
static bool make_spec(StageRun *run, RunStep *step, const Instruction *i, GError **error)
{
	const BuildOptions *options = run->build->options;
	ContainerSpec *spec = step->spec = options->new_spec(options->data, error);
	if (!spec || !set_network(spec, i->run.network, error) || !set_security(run, step, error) ||
	    !add_devices(run, step, error))
		return false;
	g_auto(GStrv) env = scope_environ(run->scope);
	for (char **at = env; *at; at++)
		g_ptr_array_add(spec->env_asked, g_strdup(*at));
	const char *workdir = build_state_string(run->state, "WorkingDir");
	const char *user = build_state_string(run->state, "User");
	spec->entrypoint_set = true;
	spec->command = g_strdupv(step->args);
	spec->workdir = g_strdup(*workdir ? workdir : "/");
	spec->user = *user ? g_strdup(user) : NULL;
	if (options->hostname)
		spec->hostname = g_strdup(options->hostname);
	spec->layers = (char **)build_state_layers(run->state);
	for (char **layer = spec->layers; *layer; layer++)
		*layer = g_strdup(*layer);
	spec->remove = true;
	spec->open_stdin = options->pass_stdin;
	spec->log_driver = LOG_DRIVER_NONE;
	spec->log_driver_set = true;
	return true;
}

/* All that the result depends on. Mounts add theirs. */
static void add_key(StageRun *run, const RunStep *step, CacheKey *key)
{
	g_auto(GStrv) env = scope_environ(run->scope);
	g_autoptr(GPtrArray) counted = g_ptr_array_new();
	for (char **at = env; *at; at++) {
		g_autofree char *name = g_strndup(*at, strcspn(*at, "="));
		if (!scope_is_proxy(name) || scope_is_declared(run->scope, name))
			g_ptr_array_add(counted, *at);
	}
	g_ptr_array_add(counted, NULL);
	cache_key_add(key, "instruction", "RUN");
	cache_key_add(key, "layer below", build_state_top(run->state));
	cache_key_add_list(key, "command", (const char *const *)step->args);
	cache_key_add(key, "script", step->script);
	cache_key_add_list(key, "environment", (const char *const *)counted->pdata);
	cache_key_add(key, "directory", step->spec->workdir);
	cache_key_add(key, "user", step->spec->user);
	cache_key_add(key, "network", step->i->run.network);
	if (run->build->options->hostname)
		cache_key_add(key, "host name", run->build->options->hostname);
	if (step->spec->privileged)
		cache_key_add(key, "security", "insecure");
	for (guint at = 0; step->i->run.devices && at < step->i->run.devices->len; at++)
		cache_key_add(key, "device", step->i->run.devices->pdata[at]);
	cache_key_add_list(key, "options", run->build->options->run_inputs);
	solver_key_timestamp(run, key);
}

/* The script of a heredoc, beside the layer; nobody else reads it. */
static bool write_script(StageRun *run, RunStep *step, const char *layer_dir, GError **error)
{
	Build *build = run->build;
	if (!step->script)
		return true;
	g_autofree char *name = g_strconcat(layer_dir, ".run/script", NULL);
	autofd fd =
		path_open_state(store_fd(build->store), name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (fd < 0 || !fd_write_all(fd, step->script, strlen(step->script)) || fchmod(fd, 0755) < 0)
		return error_set_errno(error, "cannot write a script");
	g_autofree char *path = g_build_filename(store_path(build->store), name, NULL);
	SpecMount *mount = spec_mount_new(SPEC_MOUNT_BIND, path, SCRIPT_TARGET "script");
	mount->read_only = true;
	g_ptr_array_add(step->spec->mounts, mount);
	return true;
}

/* Stay until it ends. *@out_code: exit code; on failure what the build ends with. */
static bool attend(const RunStep *step, Container *ctr, int *out_code, GError **error)
{
	autofd control = -1;
	const ContainerStart start = {
		.attach_stdin = step->spec->open_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
		.ends_with_us = true,
		.secrets = (GBytes *const *)step->secrets->pdata,
	};
	if (!container_start(ctr, &start, &control, error)) {
		*out_code = error && *error ? error_exit_code(*error) : 125;
		return false;
	}
	const AttachOptions attach = {
		.tty = step->shell,
		.attach_stdin = step->spec->open_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = true,
		.patience_ms = PATIENCE_MS,
		.run_dir_fd = container_run_fd(ctr),
	};
	return attach_run(control, &attach, out_code, error) == ATTACH_EXITED;
}

/* Start it and stay until it ends. */
static bool run_container(StageRun *run, RunStep *step, int *out_code, GError **error)
{
	g_autoptr(Container) ctr = container_create(run->build->engine, step->spec, error);
	if (!ctr)
		return false;
	bool ended = attend(step, ctr, out_code, error);
	g_autoptr(GError) unfinished = NULL;
	const ContainerRemove remove = {.force = true, .timeout_s = 0};
	bool gone = ended ? container_finish(ctr, &unfinished)
			  : container_remove(ctr, &remove, &unfinished);
	if (!gone && !error_matches(unfinished, ENGINE_ERROR_NOT_FOUND))
		log_warn("cleaning up after a step: %s", unfinished->message);
	return ended && (*out_code == 0 ||
			 error_set(error, ENGINE_ERROR_BAD_STATE, "exit status %d", *out_code));
}

/* What cannot run here says so before anything is prepared. */
static bool check_platform(const BuildState *state, GError **error)
{
	const char *os = NULL, *architecture = NULL, *variant = NULL;
	return js_get_string(state->image, "os", &os, error) &&
	       js_get_string(state->image, "architecture", &architecture, error) &&
	       js_get_string(state->image, "variant", &variant, error) &&
	       (!os || !architecture || emulation_check(os, architecture, variant, error));
}

/* In a layer's directory, with its mounts. */
static bool run_in_layer(StageRun *run, RunStep *step, const char *layer_dir, int *out_code,
			 GError **error)
{
	if (!run_step_lock_caches(run, step, error))
		return false;
	for (guint i = 0; i < step->caches->len; i++)
		if (!run_step_open_cache(run, step, step->caches->pdata[i], layer_dir, error))
			return false;
	if (!run_step_place_parts(run, step, layer_dir, error) ||
	    !run_step_serve_agents(run, step, layer_dir, error))
		return false;
	for (guint i = 0; i < step->places->len; i++) {
		const RunPlace *place = step->places->pdata[i];
		if (!build_layer_add_stub(run->build->store, layer_dir, place->path, place->is_dir,
					  error))
			return false;
	}
	step->spec->layer_dir = g_strdup(layer_dir);
	return write_script(run, step, layer_dir, error) &&
	       run_step_place_changes(run, step, layer_dir, error) &&
	       spec_resolve(run->build->engine, step->spec, NULL, error) &&
	       run_container(run, step, out_code, error);
}

static void run_step_init(RunStep *step, const Instruction *i)
{
	*step = (RunStep){
		.i = i,
		.places = g_ptr_array_new_with_free_func(free_place),
		.secrets = g_ptr_array_new_with_free_func(run_step_wipe_bytes),
		.locks = g_ptr_array_new_with_free_func(unlock),
		.caches = g_ptr_array_new_with_free_func(run_cache_free),
		.agents = g_ptr_array_new_with_free_func(run_agent_free),
		.parts = g_ptr_array_new_with_free_func(run_part_free),
		.writable = g_ptr_array_new(),
	};
}

/* All that is known before it runs; its args are there. */
static bool prepare(StageRun *run, RunStep *step, CacheKey *key, GError **error)
{
	const Instruction *i = step->i;
	if (!make_spec(run, step, i, error))
		return false;
	add_key(run, step, key);
	step->first_source = run->next_source;
	for (guint at = 0; at < i->run.mounts->len; at++)
		if (!run_step_prepare_mount(run, step, i->run.mounts->pdata[at], key, error))
			return false;
	return true;
}

/*
 * --on-failure shell: a shell where the step failed, with what it wrote, its mounts and its
 * environment. Nothing that is done there has a part in the build.
 */
static bool open_shell(StageRun *run, RunStep *failed, const char *layer_dir, GError **error)
{
	g_auto(RunStep) step;
	g_autoptr(CacheKey) key = cache_key_new();
	g_auto(GStrv) shell = solver_shell(run, "");
	char *const args[] = {shell[0], NULL};
	int code = 0;
	run_step_init(&step, failed->i);
	step.args = g_strdupv((char **)args);
	step.script = g_strdup(failed->script);
	step.shell = true;
	/* What only one step may have is free again, and the same sources are named once more. */
	g_ptr_array_set_size(failed->locks, 0);
	run->next_source = failed->first_source;
	if (!solver_renew_work(run->build, layer_dir, error) || !prepare(run, &step, key, error))
		return false;
	step.spec->tty = step.spec->open_stdin = true;
	g_autoptr(GError) ended = NULL;
	if (run_in_layer(run, &step, layer_dir, &code, &ended) ||
	    error_matches(ended, ENGINE_ERROR_BAD_STATE))
		return true;
	g_propagate_error(error, g_steal_pointer(&ended));
	return false;
}

/* The user may look around before the build ends. */
static void offer_shell(StageRun *run, RunStep *step, const char *layer_dir, const GError *why)
{
	const BuildOptions *options = run->build->options;
	g_autoptr(GError) error = NULL;
	if (!options->shell)
		return;
	options->shell(options->data, true, why->message);
	bool done = open_shell(run, step, layer_dir, &error);
	options->shell(options->data, false, done ? NULL : error->message);
}

/* A miss: the LayerMaker of RUN. */
static bool make_run(StageRun *run, const char *layer_dir, void *data, bool *out_empty,
		     GError **error)
{
	RunStep *step = data;
	g_autoptr(GError) failed = NULL;
	int code = 0;
	if (!check_platform(run->state, error))
		return false;
	if (run_in_layer(run, step, layer_dir, &code, &failed))
		return true;
	if (code)
		run->build->code = code;
	g_prefix_error(&failed,
		       "building at STEP \"%s\": while running runtime: ", step->i->source->text);
	if (code)
		offer_shell(run, step, layer_dir, failed);
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

bool solver_run_step(StageRun *run, const Instruction *i, GError **error)
{
	g_auto(RunStep) step;
	g_autoptr(CacheKey) key = cache_key_new();
	run_step_init(&step, i);
	step.args = make_args(run, &step, i);
	if (!prepare(run, &step, key, error))
		return false;
	g_autofree char *created_by = solver_created_by(run, i);
	LayerStep layer = {
		.i = i, .key = key, .created_by = created_by, .make = make_run, .data = &step};
	return solver_layer_step(run, &layer, error);
}
