/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose run: one command in a new container of a service.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_progress.h"
#include "cmd/compose/compose_gate.h"
#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_resources.h"
#include "cmd/compose/compose_spec.h"
#include "cmd/compose/compose_up.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/project_output.h"
#include "cmd/container/foreground.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/name.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_resolve.h"

typedef struct {
	bool detach, remove, no_deps, no_tty, service_ports, use_aliases;
	bool build, quiet, quiet_build, quiet_pull, remove_orphans;
	Tristate interactive;
	GPtrArray *env, *env_files, *volumes, *publish, *labels, *cap_add, *cap_drop;
	const char *entrypoint, *user, *workdir, *name, *pull;
	PullPolicy policy;
} RunOptions;

static void run_options_clear(RunOptions *opts)
{
	GPtrArray **lists[] = {&opts->env,    &opts->env_files, &opts->volumes, &opts->publish,
			       &opts->labels, &opts->cap_add,   &opts->cap_drop};
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunOptions, run_options_clear)

#define FLAG(short_name, name, field, text)                                                        \
	{                                                                                          \
		short_name, name, OPTION_FLAG, option_set_flag, NULL, text,                        \
			offsetof(RunOptions, field), OPTION_COMMON                                 \
	}
#define LIST(short_name, name, field, metavar, text)                                               \
	{                                                                                          \
		short_name, name, OPTION_LIST, option_set_list, metavar, text,                     \
			offsetof(RunOptions, field), OPTION_COMMON                                 \
	}
#define VALUE(short_name, name, field, metavar, text)                                              \
	{                                                                                          \
		short_name, name, OPTION_VALUE, option_set_string, metavar, text,                  \
			offsetof(RunOptions, field), OPTION_COMMON                                 \
	}

static const Option options[] = {
	LIST(0, "cap-add", cap_add, "CAPABILITY", "Add a capability"),
	LIST(0, "cap-drop", cap_drop, "CAPABILITY", "Drop a capability"),
	FLAG('d', "detach", detach, "Let it run in the background and print its name"),
	VALUE(0, "entrypoint", entrypoint, "COMMAND", "In place of the entry point"),
	LIST('e', "env", env, "NAME=VALUE", "Set a variable"),
	LIST('l', "label", labels, "KEY=VALUE", "Set a label"),
	VALUE(0, "name", name, "NAME", "Name of the container"),
	FLAG(0, "no-deps", no_deps, "Leave out what the service depends on"),
	FLAG('T', "no-TTY", no_tty, "No terminal (default: one where ours is one)"),
	LIST('p', "publish", publish, "PORT", "Publish a port, as \"skiff run -p\" does"),
	FLAG(0, "rm", remove, "Remove the container when it ends"),
	FLAG('P', "service-ports", service_ports, "Publish the service's ports"),
	FLAG(0, "use-aliases", use_aliases, "Answer to the service's names on the network"),
	VALUE('u', "user", user, "USER", "As this user"),
	LIST('v', "volume", volumes, "VOLUME", "Mount a volume, as \"skiff run -v\" does"),
	VALUE('w', "workdir", workdir, "DIR", "In this directory"),
	FLAG(0, "build", build, "Build its image first, also where it is here"),
	LIST(0, "env-from-file", env_files, "FILE", "Set the variables of this file"),
	{'i', "interactive", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Pass our standard input on (default true)", offsetof(RunOptions, interactive),
	 OPTION_COMMON},
	VALUE(0, "pull", pull, "POLICY", "Pull its image: always, missing, never, newer"),
	FLAG('q', "quiet", quiet, "Show no progress of pulls and builds"),
	FLAG(0, "quiet-build", quiet_build, "Show no progress of builds"),
	FLAG(0, "quiet-pull", quiet_pull, "Show no progress of pulls"),
	FLAG(0, "remove-orphans", remove_orphans,
	     "Remove containers of services that are not in the files any more"),
	{0},
};

static const OptionGroup group = {NULL, options};

static bool set(ContainerSpec *spec, const char *name, SpecSetter setter, const char *value,
		GError **error)
{
	if (!value || setter(spec, value, error))
		return true;
	g_prefix_error(error, "--%s \"%s\": ", name, value);
	return false;
}

static bool set_all(ContainerSpec *spec, const char *name, SpecSetter setter,
		    const GPtrArray *values, GError **error)
{
	for (guint i = 0; values && i < values->len; i++)
		if (!set(spec, name, setter, values->pdata[i], error))
			return false;
	return true;
}

/* The variables of a file, over those of the service. */
static bool add_env_files(ContainerSpec *spec, const GPtrArray *files, GError **error)
{
	g_autoptr(ContainerSpec) read = spec_new();
	if (!set_all(read, "env-from-file", spec_add_env_file, files, error))
		return false;
	for (guint i = 0; i < read->env_asked->len; i++)
		if (!spec_add_env(spec, read->env_asked->pdata[i], error))
			return false;
	return true;
}

/* What the command line says over what the service says. */
static bool apply_options(const RunOptions *opts, ContainerSpec *spec, char **command,
			  GError **error)
{
	if (command[0] || opts->entrypoint) {
		g_strfreev(spec->command);
		spec->command = command[0] ? g_strdupv(command) : NULL;
	}
	spec->detach = opts->detach;
	spec->remove = opts->remove;
	spec->open_stdin = !opts->detach && opts->interactive != TRISTATE_FALSE;
	spec->tty =
		spec->open_stdin && !opts->no_tty && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	spec->sig_proxy = true;
	return set(spec, "entrypoint", spec_set_entrypoint, opts->entrypoint, error) &&
	       set(spec, "user", spec_set_user, opts->user, error) &&
	       set(spec, "workdir", spec_set_workdir, opts->workdir, error) &&
	       set(spec, "name", spec_set_name, opts->name, error) &&
	       add_env_files(spec, opts->env_files, error) &&
	       set_all(spec, "env", spec_add_env, opts->env, error) &&
	       set_all(spec, "volume", spec_add_volume, opts->volumes, error) &&
	       set_all(spec, "publish", spec_add_publish, opts->publish, error) &&
	       set_all(spec, "label", spec_add_label, opts->labels, error) &&
	       set_all(spec, "cap-add", spec_add_cap_add, opts->cap_add, error) &&
	       set_all(spec, "cap-drop", spec_add_cap_drop, opts->cap_drop, error) &&
	       spec_check(spec, error);
}

/* The spec of the one container. */
static ContainerSpec *make_spec(Engine *engine, const ComposeProject *project,
				const NodeEntry *service, const RunOptions *opts, char **command,
				GError **error)
{
	g_autofree char *slug = name_new_id();
	g_autofree char *hash = project_service_hash(service->value);
	const ComposeSpec make = {
		.engine = engine,
		.project = project,
		.name = service->key,
		.service = service->value,
		.number = 1,
		.hash = hash,
		.slug = slug,
		.service_ports = opts->service_ports,
		.use_aliases = opts->use_aliases,
	};
	g_autoptr(ContainerSpec) spec = compose_spec_build(&make, error);
	return spec && apply_options(opts, spec, command, error) ? g_steal_pointer(&spec) : NULL;
}

/* How its image and those of what it needs are had. */
static ComposeImages describe_images(const RunOptions *opts, const GlobalOptions *global)
{
	return (ComposeImages){
		.global = global,
		.quiet_pull = opts->quiet || opts->quiet_pull,
		.quiet_build = opts->quiet || opts->quiet_build,
	};
}

/* What the service needs: networks, volumes, and what it depends on where it should be. */
static bool prepare(Engine *engine, ComposeProject *project, const NodeEntry *service,
		    const RunOptions *opts, const GlobalOptions *global, int *status,
		    GError **error)
{
	const ComposeUp up = {
		.without = service->key,
		.stop_timeout_s = -1,
		.no_recreate = true,
		.remove_orphans = opts->remove_orphans,
		.images = describe_images(opts, global),
		.services = (const char *const[]){service->key, NULL},
	};
	const ComposeDrift told = {0};
	if (opts->no_deps)
		return compose_resources_check(project, error) &&
		       compose_networks_ensure(engine, project, &told, error) &&
		       compose_volumes_ensure(engine, project, &told, error);
	return compose_up(engine, project, &up, status, error) &&
	       compose_gate_wait(engine, project, service, error);
}

static int start(Container *ctr, const ContainerSpec *spec, GError **error)
{
	const Foreground streams = {
		.attach_stdin = spec->open_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = true,
	};
	const ContainerStart how = {
		.attach_stdin = !spec->detach && streams.attach_stdin,
		.attach_stdout = !spec->detach,
		.attach_stderr = !spec->detach,
		.detached = spec->detach,
	};
	autofd control = -1;
	int code = 0;
	compose_progress_end();
	if (!container_start(ctr, &how, spec->detach ? NULL : &control, error)) {
		const ContainerRemove remove = {.force = true, .volumes = true};
		if (spec->remove)
			(void)container_remove(ctr, &remove, NULL);
		return -1;
	}
	if (spec->detach) {
		output_text(container_summary(ctr)->name);
		return 0;
	}
	return foreground_run(ctr, control, spec->tty, &streams, &code, error) ? code : -1;
}

static int run_service(Engine *engine, ComposeProject *project, const NodeEntry *service,
		       const RunOptions *opts, const GlobalOptions *global, char **command,
		       GError **error)
{
	ComposeImages images = describe_images(opts, global);
	int status = 0;
	images.build = opts->build;
	images.pull = opts->pull ? &opts->policy : NULL;
	g_autoptr(ContainerSpec) spec = make_spec(engine, project, service, opts, command, error);
	if (!spec || !prepare(engine, project, service, opts, global, &status, error))
		return status ? status : -1;
	g_autoptr(Image) image =
		compose_image_acquire(engine, project, service, &images, &status, error);
	if (!image)
		return status ? status : -1;
	g_hash_table_insert(spec->labels, g_strdup(LABEL_IMAGE),
			    g_strdup_printf("sha256:%s", image->id));
	g_autoptr(Container) ctr = NULL;
	if (spec_resolve(engine, spec, image, error))
		ctr = container_create(engine, spec, error);
	return ctr ? start(ctr, spec, error) : -1;
}

static int cmd_run(Invocation *inv)
{
	g_auto(RunOptions) opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	const char *const services[] = {command_arg(inv, 0), NULL};
	g_autofree const char **command = command_args(inv, 1);
	const ComposeOptions more = {.services = services};
	g_autoptr(ComposeProject) project = NULL;
	if (!opts.pull || pull_policy_parse(opts.pull, &opts.policy, &error))
		project = project_options_load(&given, &more, &error);
	g_autoptr(Engine) engine = project ? compose_engine(inv, false, &error) : NULL;
	if (!engine)
		return command_fail(error);
	const NodeEntry *service =
		node_get_entry(node_get(project->model, "services"), services[0]);
	int code = run_service(engine, project, service, &opts, &inv->global, (char **)command,
			       &error);
	return error ? command_fail(error) : code;
}

const Command compose_run_command = {
	.paths = (const char *const[]){"compose run", NULL},
	.usage = "[options] SERVICE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container of a service",
	.description = "Starts what the service depends on, then one container of it with another "
		       "command, and ends with its exit code.",
	.examples = (const char *const[]){"skiff compose run --rm web sh",
					  "skiff compose run --rm --no-deps test make check", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_run,
};
