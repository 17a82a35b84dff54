/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-build's half of build: context, Dockerfile and options to a build.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/solver.h"
#include "cmd/build/build.h"
#include "cmd/build/build_args.h"
#include "cmd/build/caches.h"
#include "cmd/build/check_file.h"
#include "cmd/build/outputs.h"
#include "cmd/build/view.h"
#include "cmd/image/acquire.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/container.h"
#include "libpod/rootless.h"

#define WORK_NAME "context"

/* What one build needs. */
typedef struct {
	const BuildVerb *verb;
	Engine *engine;
	StoreStage *stage; /* holds what a context is fetched into */
	FetchEnv fetch;
	char *work_path;
	BuildContext *context;
	Dockerfile *file;
	BuildOptions options;
	GHashTable *build_args, *contexts;
	GPtrArray *secrets;
	GHashTable *agents; /* char * to BuildAgent * */
	GPtrArray *names;
	BuildCaches caches;
	GPtrArray *made_caches; /* char *: images of --cache-to */
	char **run_inputs;
	int result_fd;   /* our standard output, where an output takes it for itself; else -1 */
	int errors_fd;   /* our standard error, where --logfile takes it for itself; else -1 */
	BuildView *view; /* while it shows */
	bool built;      /* all that fails from here on is no step */
} Job;

/* What the stages of this build leave; the next command does what fails here. */
static void empty_trash(Engine *engine)
{
	g_autoptr(GError) error = NULL;
	if (engine && !rootless_empty_trash(engine, &error))
		log_debug("%s", error->message);
}

static void job_clear(Job *job)
{
	dockerfile_free(job->file);
	context_close(job->context);
	fd_close(&job->fetch.work_fd);
	g_clear_pointer(&job->agents, g_hash_table_unref);
	store_stage_free(job->stage);
	if (job->engine) {
		build_caches_drop(job->engine, job->caches.images);
		build_caches_drop(job->engine, job->made_caches);
	}
	build_caches_clear(&job->caches);
	g_clear_pointer(&job->made_caches, g_ptr_array_unref);
	empty_trash(job->engine);
	g_free(job->work_path);
	g_clear_pointer(&job->build_args, g_hash_table_unref);
	g_clear_pointer(&job->contexts, g_hash_table_unref);
	g_clear_pointer(&job->secrets, g_ptr_array_unref);
	g_clear_pointer(&job->names, g_ptr_array_unref);
	g_strfreev(job->run_inputs);
	build_view_end(job->view);
	fd_close(&job->result_fd);
	fd_close(&job->errors_fd);
	engine_close(job->engine);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

/* --- what the solver asks of us --- */

static Image *acquire(void *data, const char *name, const char *platform, GError **error)
{
	Job *job = data;
	int status = 0;
	AcquireOptions options = {
		.policy = job->verb->pull,
		.platform = platform,
		.quiet = job->verb->quiet,
		.registry = &job->verb->registry,
	};
	/* What lies in a directory is looked at anew by each build. */
	if (g_str_has_prefix(name, CONTEXT_LAYOUT))
		options.policy = PULL_ALWAYS;
	output_flush();
	Image *image = image_acquire(job->engine, name, &options, &status, error);
	if (!image && error && !*error)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
				      "creating build container: "
				      "image %s could not be pulled",
				      name);
	return image;
}

static ContainerSpec *new_spec(void *data, GError **error)
{
	return build_verb_spec(((const Job *)data)->verb, error);
}

static void show_step(void *data, const BuildStep *step)
{
	const Job *job = data;
	const GPtrArray *platforms = job->verb->platforms;
	build_view_step(job->view, platforms && platforms->len > 1 ? job->options.platform : NULL,
			step);
}

/* --on-failure shell, before and after it. */
static void show_shell(void *data, bool begin, const char *text)
{
	const Job *job = data;
	if (begin) {
		build_view_pause(job->view);
		output_error_text("%s", text);
		output_note(
			"A shell where it failed; leave it with exit or Ctrl-D. What is changed "
			"there is thrown away.");
		output_flush();
		return;
	}
	if (text)
		output_error_text("no shell: %s", text);
	build_view_resume(job->view);
}

static void say(void *data, const char *text)
{
	build_view_say(((const Job *)data)->view, text);
}

static void warn(void *data, const char *text)
{
	build_view_warn(((const Job *)data)->view, text);
}

/* --- the command line --- */

static bool add_secrets(Job *job, GError **error)
{
	const GPtrArray *list = job->verb->secrets;
	for (guint i = 0; list && i < list->len; i++) {
		BuildSecret *secret = build_secret_parse(list->pdata[i], error);
		if (!secret)
			return false;
		g_ptr_array_add(job->secrets, secret);
	}
	return true;
}

/* Seconds since 1970. */
static bool parse_time(const char *what, const char *text, int64_t *out, GError **error)
{
	uint64_t value = 0;
	*out = -1;
	if (!text || !*text)
		return true;
	if (!units_parse_uint(text, G_MAXINT32 * UINT64_C(100), &value, NULL))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: '%s' is no number of seconds",
				 what, text);
	*out = (int64_t)value;
	return true;
}

static unsigned count_jobs(uint64_t asked)
{
	return asked ? (unsigned)MIN(asked, 64) : (unsigned)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
}

/* What --cache-to, and its kin among the ARGs, want of the solver. */
static void set_cache_options(Job *job)
{
	const BuildVerb *verb = job->verb;
	const BuildCaches *caches = &job->caches;
	BuildOptions *options = &job->options;
	options->inline_cache = build_args_is_set(job->build_args, "BUILDKIT_INLINE_CACHE");
	options->cache_ns = g_hash_table_lookup(job->build_args, "BUILDKIT_CACHE_MOUNT_NS");
	options->imported = caches->records;
	if (verb->has_ttl)
		options->cache_since = MAX(units_now() - verb->cache_ttl, 1);
	for (guint i = 0; verb->cache_to && i < verb->cache_to->len; i++) {
		const BuildCachePlace *place = verb->cache_to->pdata[i];
		if (place->kind == BUILD_CACHE_PLACE_INLINE)
			options->inline_cache = true;
		else if (place->all_stages)
			options->cache_mode = BUILD_CACHE_MAX;
		else
			options->cache_mode = MAX(options->cache_mode, BUILD_CACHE_MIN);
	}
}

/* A new table of owned strings. */
static GHashTable *new_table(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* SOURCE_DATE_EPOCH=context: the time of the commit, or the one that the server said. */
static void take_context_time(Job *job)
{
	if (g_strcmp0(g_hash_table_lookup(job->build_args, EPOCH), EPOCH_OF_CONTEXT) != 0)
		return;
	job->options.created = context_time(job->context);
	if (job->options.created >= 0) {
		g_hash_table_insert(job->build_args, g_strdup(EPOCH),
				    g_strdup_printf("%" G_GINT64_FORMAT, job->options.created));
		return;
	}
	g_hash_table_remove(job->build_args, EPOCH);
	if (job->view)
		build_view_warn(job->view, EPOCH "=" EPOCH_OF_CONTEXT ": the context has no time");
}

/* All that needs no store. */
static bool read_options(Job *job, GError **error)
{
	const BuildVerb *verb = job->verb;
	BuildOptions *options = &job->options;
	job->build_args = new_table();
	job->contexts = new_table();
	job->secrets = g_ptr_array_new_with_free_func(build_secret_free);
	job->names = g_ptr_array_new();
	job->run_inputs = build_verb_run_inputs(verb);
	for (guint i = 0; verb->tags && i < verb->tags->len; i++)
		g_ptr_array_add(job->names, verb->tags->pdata[i]);
	g_ptr_array_add(job->names, NULL);
	if (!build_args_read(verb, job->build_args, error) ||
	    !build_args_fill(job->contexts, verb->contexts, "--build-context", false, error) ||
	    !add_secrets(job, error))
		return false;
	const char *epoch = build_args_epoch(job->build_args, verb->epoch);
	*options = (BuildOptions){
		.target = verb->target,
		.all_stages = !verb->skip_unused,
		.pass_stdin = verb->pass_stdin,
		.build_args = job->build_args,
		.contexts = job->contexts,
		.labels = verb->labels,
		.secrets = job->secrets,
		.annotations = verb->annotations,
		.env = verb->env,
		.drop_labels = verb->inherit_labels == TRISTATE_FALSE,
		.fetch = &job->fetch,
		.no_cache = verb->no_cache,
		.no_cache_stages = verb->no_cache_stages,
		.hostname = g_hash_table_lookup(job->build_args, "BUILDKIT_SANDBOX_HOSTNAME"),
		.explain = verb->explain,
		.one_layer = (verb->squash || !verb->layers) && !verb->squash_all,
		.squash_all = verb->squash_all,
		.rewrite_times = verb->rewrite_times,
		.allow_insecure = verb->allow_insecure,
		.allow_devices = verb->allow_devices,
		.omit_history = verb->omit_history,
		.from = verb->from,
		.unset_env = verb->unset_env,
		.unset_labels = verb->unset_labels,
		.form = verb->form,
		/* The terminal, or our standard input, is one step's at a time. */
		.jobs = verb->shell || verb->pass_stdin ? 1 : count_jobs(verb->jobs),
		.platform = verb->platforms ? verb->platforms->pdata[0] : NULL,
		.names = (const char *const *)job->names->pdata,
		.run_inputs = (const char *const *)job->run_inputs,
		.new_spec = new_spec,
		.acquire = acquire,
		.step = show_step,
		.shell = verb->shell ? show_shell : NULL,
		.say = say,
		.warn = warn,
		.data = job,
	};
	return parse_time("--timestamp", verb->timestamp, &options->timestamp, error) &&
	       parse_time(EPOCH, epoch, &options->created, error);
}

/* --- the build --- */

/* --ssh. */
static bool open_agents(Job *job, GError **error)
{
	GHashTableIter iter;
	void *id, *paths;
	if (!job->verb->ssh)
		return true;
	job->agents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, build_agent_close);
	job->options.ssh = job->agents;
	g_hash_table_iter_init(&iter, job->verb->ssh);
	while (g_hash_table_iter_next(&iter, &id, &paths)) {
		g_autofree char *dir = g_strdup_printf("agent%u", g_hash_table_size(job->agents));
		BuildAgent *agent = build_agent_open(paths, store_stage_fd(job->stage), dir, error);
		if (!agent)
			return false;
		g_hash_table_insert(job->agents, g_strdup(id), agent);
	}
	return true;
}

/* The context and the Dockerfile in it. */
static bool open_context(Invocation *inv, Job *job, GError **error)
{
	Store *store = engine_store(job->engine);
	size_t size = 0;
	job->stage = store_stage_new(store, error);
	if (!job->stage)
		return false;
	autofd made = path_mkdirs_state(store_stage_fd(job->stage), WORK_NAME);
	job->fetch.work_fd = made < 0 ? -1
				      : path_open_state(store_stage_fd(job->stage), WORK_NAME,
							O_RDONLY | O_DIRECTORY, 0);
	if (job->fetch.work_fd < 0)
		return error_set_errno(error, "cannot make a directory for the context");
	job->work_path = g_build_filename(store_path(store), "staging",
					  store_stage_name(job->stage), WORK_NAME, NULL);
	job->fetch.work_path = job->work_path;
	const ContextOptions options = {
		.env = &job->fetch,
		.source = command_arg(inv, 0),
		.dockerfile = job->verb->file,
		.ignore_file = job->verb->ignorefile,
		.keep_git = build_args_is_set(job->build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR"),
	};
	job->context = context_open(&options, error);
	if (!job->context)
		return false;
	take_context_time(job);
	const char *text = context_dockerfile(job->context, &size);
	job->file = dockerfile_parse(text, size, context_dockerfile_name(job->context), error);
	return job->file != NULL;
}

/* What the lint rules are asked about. */
static CheckTask check_task(const Job *job)
{
	return (CheckTask){
		.engine = job->engine,
		.file = job->file,
		.context = job->context,
		.build_args = job->build_args,
		.contexts = job->contexts,
		.target = job->verb->target,
		.platform = job->options.platform,
	};
}

static bool write_iidfile(const char *file, const char *id, GError **error)
{
	if (!file)
		return true;
	g_autofree char *text = g_strconcat("sha256:", id, NULL);
	/* lint: allow open: the user's own file */
	autofd fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	return (fd >= 0 && fd_write_all(fd, text, strlen(text))) ||
	       error_set_errno(error, "open %s", file);
}

/* Is the result a list of images? */
static bool is_list(const Job *job)
{
	const GPtrArray *platforms = job->verb->platforms;
	return (platforms && platforms->len > 1) ||
	       build_args_is_set(job->build_args, "BUILDKIT_MULTI_PLATFORM");
}

/* Build for each platform. Return: the ids, g_strfreev() them; NULL with @error, and *@out_code. */
static char **build_all(Job *job, int *out_code, GError **error)
{
	static const char *const no_names[] = {NULL};
	const GPtrArray *platforms = job->verb->platforms;
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	guint n = platforms ? platforms->len : 1;
	/* Several images share no name: it is the list's. */
	if (is_list(job))
		job->options.names = no_names;
	for (guint i = 0; i < n; i++) {
		if (platforms)
			job->options.platform = platforms->pdata[i];
		char *id = build_solve(job->engine, job->context, job->file, &job->options,
				       job->made_caches, out_code, error);
		if (!id)
			return NULL;
		g_ptr_array_add(ids, id);
	}
	g_ptr_array_set_free_func(ids, NULL);
	g_ptr_array_add(ids, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

/* Everything that follows the build. Return: exit code, -1 with @error. */
static int give_result(Job *job, char **ids, GError **error)
{
	const BuildVerb *verb = job->verb;
	const BuildOptions *options = &job->options;
	const GPtrArray *platforms = verb->platforms;
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	for (guint i = 0; platforms && i < platforms->len; i++)
		g_ptr_array_add(list, platforms->pdata[i]);
	g_ptr_array_add(list, NULL);
	const BuildResult result = {
		.ids = ids,
		.is_list = is_list(job),
		.platforms = platforms ? (const char *const *)list->pdata : NULL,
		.names = (const char *const *)job->names->pdata,
		.stdout_fd = job->result_fd,
		.mtime = options->timestamp >= 0 ? options->timestamp : options->created,
	};
	if (!build_list_make(job->engine, verb, &result, error) ||
	    !write_iidfile(verb->iidfile, ids[g_strv_length(ids) - 1], error))
		return -1;
	int code = build_outputs_write(job->engine, verb, &result, error);
	return code == 0 ? build_caches_give(job->engine, verb, job->made_caches, error) : code;
}

/* Words of a shell for what was typed. g_free() it. */
static char *quote_line(const Invocation *inv, const char *more)
{
	static const char plain[] = "%+,-./:=@_";
	GString *line = g_string_new("skiff");
	for (char **word = inv->argv + 1; *word; word++) {
		bool is_plain = **word != '\0';
		for (const char *at = *word; *at; at++)
			is_plain = is_plain && (g_ascii_isalnum(*at) || strchr(plain, *at));
		g_autofree char *quoted = is_plain ? g_strdup(*word) : g_shell_quote(*word);
		g_string_append_printf(line, " %s", quoted);
		if (strcmp(*word, "build") == 0 && more) {
			g_string_append_printf(line, " %s", more);
			more = NULL;
		}
	}
	return g_string_free(line, FALSE);
}

/* What goes wrong is said where we were started, not in --logfile. */
static void show_errors(int errors_fd)
{
	output_flush();
	if (errors_fd >= 0)
		(void)dup2(errors_fd, STDERR_FILENO);
}

/* Say what went wrong. Return: @code. */
static int fail(const Invocation *inv, Job *job, int code, GError **error)
{
	/* 125 is ours: no program of the step has failed. What compose typed is nobody's to repeat.
	 */
	if (code != 125 && !job->verb->shell && !job->built && job->verb->fds == 0) {
		g_autofree char *line = quote_line(inv, "--on-failure=shell");
		error_add_help(error, "to look around where it failed: %s", line);
	}
	bool told = build_view_error(job->view, code, (*error)->message);
	g_clear_pointer(&job->view, build_view_end);
	show_errors(job->errors_fd);
	if (!told)
		output_error(*error);
	g_clear_error(error);
	return code;
}

/* Build and print the id. Return: exit code, -1 with @error. */
static int run_build(Job *job, GError **error)
{
	int code = 125;
	const CheckTask check = check_task(job);
	if (!check_obey(&check, error) ||
	    !build_caches_take(job->engine, job->verb, &job->caches, error))
		return -1;
	set_cache_options(job);
	g_auto(GStrv) ids = build_all(job, &code, error);
	if (!ids)
		return code;
	job->built = true;
	/* What outputs say is theirs, but where all that is said is JSON. */
	if (build_view_kind(job->view) != PROGRESS_JSON)
		g_clear_pointer(&job->view, build_view_end);
	code = give_result(job, ids, error);
	if (code < 0 || *error)
		return code;
	g_clear_pointer(&job->view, build_view_end);
	for (char **id = ids; code == 0 && *id; id++)
		output_printf("%s\n", *id);
	return code;
}

/* An output on standard output has it for itself: all else goes to standard error. */
static bool set_aside_stdout(const BuildVerb *verb, int *out_fd, GError **error)
{
	if (!build_verb_needs_stdout(verb))
		return true;
	*out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return (*out_fd >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) ||
	       error_set_errno(error, "cannot set standard output aside");
}

/* --logfile: what we and the steps print goes there. */
static bool open_log(const char *file, int *out_errors_fd, GError **error)
{
	if (!file)
		return true;
	/* lint: allow open: the user's own file */
	autofd fd =
		open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return error_set_errno(error, "open %s", file);
	*out_errors_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	return (*out_errors_fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
		dup2(fd, STDERR_FILENO) >= 0) ||
	       error_set_errno(error, "cannot print to %s", file);
}

/* All before the first step. */
static bool prepare(Invocation *inv, Job *job, GError **error)
{
	return read_options(job, error) && build_outputs_check(job->verb, error) &&
	       containers_heal_steps(job->engine, error) &&
	       store_sweep(engine_store(job->engine), error) && open_context(inv, job, error);
}

/* In the process that builds; @view and the descriptors are taken. Return: exit code. */
static int build_here(Invocation *inv, const BuildVerb *verb, BuildView *view, int result_fd,
		      int errors_fd)
{
	g_autoptr(GError) error = NULL;
	g_auto(Job) job = {
		.verb = verb,
		.view = view,
		.result_fd = result_fd,
		.errors_fd = errors_fd,
		.fetch = {.work_fd = -1},
		.made_caches = g_ptr_array_new_with_free_func(g_free),
	};
	const EngineOptions options = {
		.root = inv->global.root,
		.runroot = inv->global.runroot,
		.modules = inv->global.modules,
		.program = inv->argv[0],
	};
	int code = -1;
	job.engine = engine_open(&options, &error);
	bool ready = job.engine && prepare(inv, &job, &error);
	const CheckTask check = check_task(&job);
	if (ready && !view)
		code = check_file(&check, &error);
	else if (ready && open_agents(&job, &error))
		code = run_build(&job, &error);
	return error ? fail(inv, &job, code > 0 ? code : 125, &error) : code;
}

int build_verb_run(Invocation *inv, const BuildVerb *verb)
{
	g_autoptr(GError) error = NULL;
	autofd result_fd = -1;
	autofd errors_fd = -1;
	ProgressKind kind = verb->progress;
	int code = -1;
	BuildView *view = NULL;
	if (!set_aside_stdout(verb, &result_fd, &error) ||
	    !open_log(verb->logfile, &errors_fd, &error))
		return command_fail(error);
	if (!verb->check && (!build_view_choose(&kind, &error) ||
			     !(view = build_view_begin(kind, &code, &error)))) {
		show_errors(errors_fd);
		return error ? command_fail(error) : code;
	}
	return build_here(inv, verb, view, fd_steal(&result_fd), fd_steal(&errors_fd));
}
