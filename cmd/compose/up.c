/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose up, create: make the project what its files say.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/compose/compose_attach.h"
#include "cmd/compose/compose_progress.h"
#include "cmd/compose/compose_up.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/compose_watch.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

typedef struct {
	bool detach, force_recreate, no_recreate, no_start, no_deps, remove_orphans, renew_volumes;
	bool wait, no_build, build, abort_on_exit, abort_on_failure, timestamps, no_prefix,
		no_color, yes;
	bool quiet_pull, quiet_build, always_recreate_deps, attach_dependencies, watch;
	uint64_t wait_timeout;
	int64_t timeout;
	const char *pull, *code_from;
	GPtrArray *scales, *attach, *no_attach;
} UpOptions;

static void up_options_clear(UpOptions *opts)
{
	g_clear_pointer(&opts->scales, g_ptr_array_unref);
	g_clear_pointer(&opts->attach, g_ptr_array_unref);
	g_clear_pointer(&opts->no_attach, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UpOptions, up_options_clear)

#define FLAG(short_name, name, field, text)                                                        \
	{                                                                                          \
		short_name, name, OPTION_FLAG, option_set_flag, NULL, text,                        \
			offsetof(UpOptions, field), OPTION_COMMON                                  \
	}

#define MAKE_OPTIONS                                                                               \
	FLAG(0, "force-recreate", force_recreate,                                                  \
	     "Recreate containers that are as they should be"),                                    \
		FLAG(0, "no-build", no_build, "Never build an image"),                             \
		FLAG(0, "no-recreate", no_recreate, "Leave containers as they are"),               \
		{0,                                                                                \
		 "pull",                                                                           \
		 OPTION_VALUE,                                                                     \
		 option_set_string,                                                                \
		 "POLICY",                                                                         \
		 "Pull images: always, missing, never, newer",                                     \
		 offsetof(UpOptions, pull),                                                        \
		 OPTION_COMMON},                                                                   \
		FLAG(0, "remove-orphans", remove_orphans,                                          \
		     "Remove containers of services that are not in the files any more"),          \
		{0,                                                                                \
		 "scale",                                                                          \
		 OPTION_LIST,                                                                      \
		 option_set_list,                                                                  \
		 "SERVICE=NUMBER",                                                                 \
		 "Have so many containers of a service",                                           \
		 offsetof(UpOptions, scales),                                                      \
		 OPTION_COMMON},                                                                   \
		FLAG('y', "yes", yes, "Ask nothing"),                                              \
		FLAG(0, "build", build, "Build images also where they are here"),                  \
		FLAG(0, "quiet-pull", quiet_pull, "Show no progress of pulls"),                    \
		FLAG(0, "quiet-build", quiet_build, "Show no progress of builds")

static const Option up_rows[] = {
	FLAG(0, "abort-on-container-exit", abort_on_exit, "Stop all when one container ends"),
	FLAG(0, "abort-on-container-failure", abort_on_failure,
	     "Stop all when one container fails"),
	FLAG('d', "detach", detach, "Let the containers run in the background"),
	{0, "exit-code-from", OPTION_VALUE, option_set_string, "SERVICE",
	 "End with the code of this service, and stop all when a container ends",
	 offsetof(UpOptions, code_from), OPTION_COMMON},
	MAKE_OPTIONS,
	FLAG(0, "no-color", no_color, "No colours"),
	FLAG(0, "no-deps", no_deps, "Leave out what the named services depend on"),
	FLAG(0, "no-log-prefix", no_prefix, "No names before the lines"),
	FLAG(0, "no-start", no_start, "Start nothing"),
	FLAG('V', "renew-anon-volumes", renew_volumes, "Don't keep the data of anonymous volumes"),
	FLAG(0, "timestamps", timestamps, "The time before each line"),
	{'t', "timeout", OPTION_VALUE, option_set_int, "SECONDS",
	 "How long containers may take to stop (default: their own)", offsetof(UpOptions, timeout),
	 OPTION_COMMON},
	FLAG(0, "wait", wait, "Wait until all run or are healthy; implies --detach"),
	{0, "wait-timeout", OPTION_VALUE, option_set_uint, "SECONDS", "Wait no longer than this",
	 offsetof(UpOptions, wait_timeout), OPTION_COMMON},
	FLAG(0, "always-recreate-deps", always_recreate_deps,
	     "Recreate what the named services depend on in any case"),
	{0, "attach", OPTION_LIST, option_set_list, "SERVICE",
	 "Print only what this service writes", offsetof(UpOptions, attach), OPTION_COMMON},
	FLAG(0, "attach-dependencies", attach_dependencies,
	     "Print also what the services write that the named ones depend on"),
	{0, "no-attach", OPTION_LIST, option_set_list, "SERVICE", "Don't print what it writes",
	 offsetof(UpOptions, no_attach), OPTION_COMMON},
	COMPOSE_REFUSED(0, "menu", OPTION_FLAG, "there is no menu: keys are not read"),
	FLAG('w', "watch", watch, "Follow changes of files, as \"skiff compose watch\" does"),
	{0},
};

static const Option create_rows[] = {MAKE_OPTIONS, {0}};

static const OptionGroup up_group = {NULL, up_rows}, create_group = {NULL, create_rows};

/* --scale SERVICE=NUMBER onto the model. */
static bool apply_scales(ComposeProject *project, const GPtrArray *scales, GError **error)
{
	Node *services = node_get(project->model, "services");
	for (guint i = 0; scales && i < scales->len; i++) {
		g_auto(GStrv) parts = g_strsplit(scales->pdata[i], "=", 2);
		uint64_t number = 0;
		Node *service = parts[0] && parts[1] ? node_get(services, parts[0]) : NULL;
		if (!parts[0] || !parts[1] || !units_parse_uint(parts[1], 10000, &number, NULL))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid --scale option \"%s\": must be SERVICE=NUMBER",
					 (char *)scales->pdata[i]);
		if (!service)
			return compose_project_unknown(project, parts[0], error);
		if (number > 1 && node_get(service, "container_name"))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "services.%s: can't scale a service with a container_name",
					 parts[0]);
		node_set(service, "scale", service->at, node_new_int((int64_t)number, service->at));
	}
	return true;
}

static bool check(const UpOptions *opts, GError **error)
{
	if (opts->force_recreate && opts->no_recreate)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--force-recreate and --no-recreate are incompatible");
	if (opts->always_recreate_deps && opts->no_recreate)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--always-recreate-deps and --no-recreate are incompatible");
	if (opts->attach && opts->attach_dependencies)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot combine --attach and --attach-dependencies");
	bool aborts = opts->abort_on_exit || opts->abort_on_failure || opts->code_from;
	if (opts->watch && (opts->detach || opts->wait || opts->no_start))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--watch cannot be combined with --detach, --wait and --no-start");
	if (aborts && (opts->detach || opts->wait))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--detach and --wait cannot be combined with what ends with a "
				 "container");
	return true;
}

/* What --watch's child is told. */
typedef struct {
	const Invocation *inv;
	ComposeProject *project;
	const char *const *services;
	bool quiet;
} Watcher;

/* It has an engine of its own: locks are not shared with a parent. */
static bool run_watcher(void *data, GError **error)
{
	const Watcher *watcher = data;
	g_autoptr(Engine) engine = compose_engine(watcher->inv, false, error);
	const ComposeWatch watch = {
		.engine = engine,
		.project = watcher->project,
		.global = &watcher->inv->global,
		.services = watcher->services,
		.prune = true,
		.quiet = watcher->quiet,
	};
	return engine && compose_watch_run(&watch, error);
}

/* Stay with the containers that were named, or all. What they wrote before is not shown again. */
static bool stay(Engine *engine, const UpOptions *opts, Watcher *watcher,
		 const char *const *services, int64_t since_ns, int *code, GError **error)
{
	const ComposeAttach attach = {
		.logs =
			{
				.follow = true,
				.timestamps = opts->timestamps,
				.no_prefix = opts->no_prefix,
				.no_color = opts->no_color,
				.tail = -1,
				.since_ns = since_ns,
			},
		.services = services,
		.named = watcher->services,
		.files = watcher->project,
		.companion = opts->watch ? run_watcher : NULL,
		.companion_data = watcher,
		.stop_timeout_s = (int)opts->timeout,
		.abort_on_exit = opts->abort_on_exit,
		.abort_on_failure = opts->abort_on_failure,
		.code_from = opts->code_from,
	};
	return compose_attach(engine, watcher->project->name, &attach, code, error);
}

static bool lists(const GPtrArray *list, const char *name)
{
	return list && g_ptr_array_find_with_equal_func((GPtrArray *)list, name, g_str_equal, NULL);
}

/* The names of services that are attached to: attach: false are not, unless they are asked for. */
static const char **attached_services(const ComposeProject *project, const UpOptions *opts,
				      const char *const *named)
{
	const Node *services = node_get(project->model, "services");
	const char **list = g_new0(const char *, node_count(services) + 1);
	size_t n = 0;
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		const Node *attach = node_get(entry->value, "attach");
		bool asked = !named[0] || opts->attach_dependencies ||
			     g_strv_contains(named, entry->key);
		bool quiet = node_is(attach, NODE_BOOL) && !attach->boolean;
		if (opts->attach ? lists(opts->attach, entry->key)
				 : asked && !quiet && !lists(opts->no_attach, entry->key))
			list[n++] = entry->key;
	}
	return list;
}

/* --attach and --no-attach name services of the files. */
static bool check_attached(const ComposeProject *project, const GPtrArray *names, GError **error)
{
	for (guint i = 0; names && i < names->len; i++)
		if (!node_get(node_get(project->model, "services"), names->pdata[i]))
			return compose_project_unknown(project, names->pdata[i], error);
	return true;
}

/* What the options say of one up. */
static ComposeUp describe(const Invocation *inv, const UpOptions *opts, const char *const *services)
{
	return (ComposeUp){
		.force_recreate = opts->force_recreate,
		.no_recreate = opts->no_recreate,
		.recreate_deps = opts->always_recreate_deps,
		.no_start = opts->no_start,
		.no_deps = opts->no_deps,
		.remove_orphans = opts->remove_orphans,
		.renew_volumes = opts->renew_volumes,
		.yes = opts->yes,
		.wait = opts->wait,
		.wait_timeout_s = (int)MIN(opts->wait_timeout, 1000000),
		.stop_timeout_s = (int)opts->timeout,
		.images =
			{
				.global = &inv->global,
				.build = opts->build,
				.no_build = opts->no_build,
				.quiet_pull = opts->quiet_pull,
				.quiet_build = opts->quiet_build,
			},
		.services = services,
	};
}

/* Nobody's code would be ours. */
static bool check_code_from(const ComposeProject *project, const char *service, GError **error)
{
	return !service || node_get(node_get(project->model, "services"), service) ||
	       error_set(error, ENGINE_ERROR_NOT_FOUND, "no such service: %s", service);
}

static int make(Invocation *inv, bool create)
{
	g_auto(UpOptions) opts = {.timeout = -1};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	int status = 0;
	int64_t begin = units_now();
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	PullPolicy pull = PULL_MISSING;
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	if (!check(&opts, &error) || (opts.pull && !pull_policy_parse(opts.pull, &pull, &error)))
		return command_fail(error);
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	if (!project || !apply_scales(project, opts.scales, &error) ||
	    !check_code_from(project, opts.code_from, &error))
		return command_fail(error);
	const ComposeWatch watch = {.project = project, .services = services};
	if ((opts.watch && !compose_watch_check(&watch, &error)) ||
	    !check_attached(project, opts.attach, &error) ||
	    !check_attached(project, opts.no_attach, &error))
		return command_fail(error);
	opts.no_start |= create;
	ComposeUp up = describe(inv, &opts, services);
	up.images.pull = opts.pull ? &pull : NULL;
	g_autoptr(Engine) engine = compose_engine(inv, false, &error);
	if (!engine || !compose_up(engine, project, &up, &status, &error)) {
		status = error ? command_fail(error) : status;
		return up.wait && engine ? 1 : status; /* as scripts that wait expect it */
	}
	if (up.no_start || opts.detach || opts.wait || compose_is_dry_run())
		return 0;
	g_autofree const char **attached = attached_services(project, &opts, services);
	Watcher watcher = {inv, project, services, opts.quiet_build};
	if (!stay(engine, &opts, &watcher, attached, begin, &status, &error))
		return command_fail(error);
	return status;
}

static int cmd_up(Invocation *inv)
{
	return make(inv, false);
}

static int cmd_create(Invocation *inv)
{
	return make(inv, true);
}

const Command compose_up_command = {
	.paths = (const char *const[]){"compose up", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Make and start the services",
	.description =
		"Makes networks, volumes and containers that are missing, recreates those whose "
		"configuration or image changed, starts them, and prints what they write.",
	.examples = (const char *const[]){"skiff compose up -d", "skiff compose up --wait db",
					  "skiff compose up -d --scale worker=3", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&up_group, &project_option_group, NULL},
	.run = cmd_up,
};

const Command compose_create_command = {
	.paths = (const char *const[]){"compose create", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Make the services' containers without starting them",
	.description = "Does what \"skiff compose up\" does, up to the start.",
	.examples = (const char *const[]){"skiff compose create", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&create_group, &project_option_group, NULL},
	.run = cmd_create,
};

/* scale. */

static const Option scale_rows[] = {
	FLAG(0, "no-deps", no_deps, "Leave out what the services depend on"),
	{0},
};

static const OptionGroup scale_group = {NULL, scale_rows};

/* The services of "SERVICE=NUMBER" words; g_strfreev() it. */
static char **scaled_services(const GPtrArray *scales)
{
	char **names = g_new0(char *, scales->len + 1);
	for (guint i = 0; i < scales->len; i++) {
		const char *text = scales->pdata[i];
		names[i] = g_strndup(text, strcspn(text, "="));
	}
	return names;
}

static int cmd_scale(Invocation *inv)
{
	g_auto(UpOptions) opts = {.timeout = -1};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	int status = 0;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	opts.scales = g_ptr_array_new();
	for (size_t i = 0; i < command_n_args(inv); i++)
		g_ptr_array_add(opts.scales, (char *)command_arg(inv, i));
	g_auto(GStrv) services = scaled_services(opts.scales);
	const ComposeOptions more = {.services = (const char *const *)services};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	if (!project || !apply_scales(project, opts.scales, &error))
		return command_fail(error);
	const ComposeUp up = describe(inv, &opts, (const char *const *)services);
	g_autoptr(Engine) engine = compose_engine(inv, false, &error);
	if (!engine || !compose_up(engine, project, &up, &status, &error)) {
		status = error ? command_fail(error) : status;
		return up.wait && engine ? 1 : status; /* as scripts that wait expect it */
	}
	return 0;
}

const Command compose_scale_command = {
	.paths = (const char *const[]){"compose scale", NULL},
	.usage = "[options] SERVICE=NUMBER...",
	.summary = "Have so many containers of a service",
	.description = "Makes and starts containers of services, or removes those with the highest "
		       "numbers, until there are as many as asked for.",
	.examples = (const char *const[]){"skiff compose scale worker=3 web=2", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&scale_group, &project_option_group, NULL},
	.run = cmd_scale,
};
