/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-build's half of build: context, Dockerfile and options to a build.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/check.h"
#include "build/solver.h"
#include "cmd/build/build.h"
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
	GPtrArray *names;
	char **run_inputs;
	int out_fd; /* our standard output, if it was put aside for --quiet; else -1 */
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
	store_stage_free(job->stage);
	empty_trash(job->engine);
	g_free(job->work_path);
	g_clear_pointer(&job->build_args, g_hash_table_unref);
	g_clear_pointer(&job->contexts, g_hash_table_unref);
	g_clear_pointer(&job->secrets, g_ptr_array_unref);
	g_clear_pointer(&job->names, g_ptr_array_unref);
	g_strfreev(job->run_inputs);
	fd_close(&job->out_fd);
	engine_close(job->engine);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

/* --- what the solver asks of us --- */

static Image *acquire(void *data, const char *name, const char *platform, GError **error)
{
	Job *job = data;
	int status = 0;
	const AcquireOptions options = {
		.policy = job->verb->pull,
		.platform = platform,
		.quiet = job->verb->quiet,
	};
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

static void say(void *data, const char *text)
{
	output_text(text);
	output_flush();
}

static void warn(void *data, const char *text)
{
	log_warn("%s", text);
}

/* --- the command line --- */

/* NAME=VALUE strings as a table; @env: a name alone takes our variable. */
static bool fill_table(GHashTable *table, const GPtrArray *list, const char *what, bool env,
		       GError **error)
{
	for (guint i = 0; list && i < list->len; i++) {
		const char *text = list->pdata[i], *equals = strchr(text, '=');
		size_t size = equals ? (size_t)(equals - text) : strlen(text);
		g_autofree char *name = g_strndup(text, size);
		const char *value = equals ? equals + 1 : env ? g_getenv(name) : NULL;
		if (size == 0 || (!equals && !env))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s '%s': expected NAME=VALUE", what, text);
		if (value)
			g_hash_table_insert(table, env ? g_strdup(name) : g_ascii_strdown(name, -1),
					    g_strdup(value));
	}
	return true;
}

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

/* A new table of owned strings. */
static GHashTable *new_table(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* All that needs no store. */
static bool read_options(Job *job, GError **error)
{
	const BuildVerb *verb = job->verb;
	const char *epoch = NULL;
	BuildOptions *options = &job->options;
	job->build_args = new_table();
	job->contexts = new_table();
	job->secrets = g_ptr_array_new_with_free_func(build_secret_free);
	job->names = g_ptr_array_new();
	job->run_inputs = build_verb_run_inputs(verb);
	for (guint i = 0; verb->tags && i < verb->tags->len; i++)
		g_ptr_array_add(job->names, verb->tags->pdata[i]);
	g_ptr_array_add(job->names, NULL);
	if (!fill_table(job->build_args, verb->build_args, "--build-arg", true, error) ||
	    !fill_table(job->contexts, verb->contexts, "--build-context", false, error) ||
	    !add_secrets(job, error))
		return false;
	epoch = g_hash_table_lookup(job->build_args, "SOURCE_DATE_EPOCH");
	if (!epoch)
		epoch = g_getenv("SOURCE_DATE_EPOCH");
	*options = (BuildOptions){
		.target = verb->target,
		.build_args = job->build_args,
		.contexts = job->contexts,
		.labels = verb->labels,
		.secrets = job->secrets,
		.ssh_socket = verb->ssh,
		.fetch = &job->fetch,
		.no_cache = verb->no_cache,
		.explain = verb->explain,
		.one_layer = verb->squash || !verb->layers,
		.oci = g_strcmp0(verb->format, "oci") == 0,
		.jobs = count_jobs(verb->jobs),
		.platform = verb->platform,
		.names = (const char *const *)job->names->pdata,
		.run_inputs = (const char *const *)job->run_inputs,
		.new_spec = new_spec,
		.acquire = acquire,
		.say = say,
		.warn = warn,
		.data = job,
	};
	return parse_time("--timestamp", verb->timestamp, &options->timestamp, error) &&
	       parse_time("SOURCE_DATE_EPOCH", epoch, &options->created, error);
}

/* --- the build --- */

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
	};
	job->context = context_open(&options, error);
	if (!job->context)
		return false;
	const char *text = context_dockerfile(job->context, &size);
	job->file = dockerfile_parse(text, size, context_dockerfile_name(job->context), error);
	return job->file != NULL;
}

/* --check: print what was found. Return: exit code. */
static int check_file(Job *job, GError **error)
{
	g_auto(CheckConfig) config = {0};
	if (!check_config_parse(job->file->lex->check, &config, error))
		return -1;
	const CheckInputs inputs = {
		.scope = {.build_args = job->build_args},
		.ignore = context_ignore(job->context),
		.target_platform = job->verb->platform,
	};
	g_autoptr(Scope) global = scope_new_global(&inputs.scope, job->file->lex->escape);
	const StageOptions stages = {.target = job->verb->target, .contexts = job->contexts};
	g_autoptr(StageGraph) graph = stages_apply_global(job->file, global, NULL)
					      ? stages_build(job->file, global, &stages, NULL)
					      : NULL;
	g_autoptr(GPtrArray) found = check_run(job->file, graph, &config, &inputs);
	for (guint i = 0; i < found->len; i++) {
		const CheckFinding *finding = found->pdata[i];
		g_autofree char *text =
			g_strdup_printf("WARNING: %s: %s:%u: %s", finding->rule,
					job->file->lex->name, finding->line, finding->message);
		output_text(text);
	}
	if (found->len == 0)
		output_text("Check complete, no warnings found.");
	else
		output_printf("Check complete, %u warning%s been found!\n", found->len,
			      found->len == 1 ? " has" : "s have");
	return found->len > 0;
}

/* --quiet: what steps print goes nowhere. */
static bool set_aside_output(Job *job, GError **error)
{
	if (!job->verb->quiet)
		return true;
	output_flush();
	autofd null = openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC);
	job->out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return (null >= 0 && job->out_fd >= 0 && dup2(null, STDOUT_FILENO) >= 0) ||
	       error_set_errno(error, "cannot be quiet");
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

/* Build and print the id. Return: exit code, -1 with @error. */
static int run_build(Invocation *inv, Job *job, GError **error)
{
	int code = 125;
	if (!read_options(job, error) || !containers_heal_steps(job->engine, error) ||
	    !store_sweep(engine_store(job->engine), error) || !open_context(inv, job, error))
		return -1;
	if (job->verb->check)
		return check_file(job, error);
	if (!set_aside_output(job, error))
		return -1;
	g_autofree char *id =
		build_solve(job->engine, job->context, job->file, &job->options, &code, error);
	output_flush();
	if (job->out_fd >= 0 && dup2(job->out_fd, STDOUT_FILENO) < 0)
		return error_set_errno(error, "cannot print") - 1;
	if (!id || !write_iidfile(job->verb->iidfile, id, error)) {
		output_error(*error);
		g_clear_error(error);
		return code;
	}
	output_printf("%s\n", id);
	return 0;
}

int build_verb_run(Invocation *inv, const BuildVerb *verb)
{
	g_autoptr(GError) error = NULL;
	g_auto(Job) job = {.verb = verb, .out_fd = -1, .fetch = {.work_fd = -1}};
	const EngineOptions options = {
		.root = inv->global.root,
		.runroot = inv->global.runroot,
		.program = inv->argv[0],
	};
	job.engine = engine_open(&options, &error);
	int code = job.engine ? run_build(inv, &job, &error) : -1;
	return code >= 0 ? code : command_fail(error);
}
