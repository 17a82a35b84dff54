/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose build: the images of services.
 */
#include "cmd/compose/compose_build.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_progress.h"
#include "cmd/compose/compose_spec.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_verbs.h"
#include "libpod/base/error.h"

typedef struct {
	bool no_cache, pull, quiet, check, push, with_dependencies;
	const char *memory, *ssh;
	GPtrArray *args;
} BuildOptions;

static const Option options[] = {
	{0, "build-arg", OPTION_LIST, option_set_list, "NAME[=VALUE]", "Value of an ARG",
	 offsetof(BuildOptions, args), OPTION_COMMON},
	{0, "no-cache", OPTION_FLAG, option_set_flag, NULL, "Run every step",
	 offsetof(BuildOptions, no_cache), OPTION_COMMON},
	{0, "pull", OPTION_FLAG, option_set_flag, NULL, "Ask the registry for newer base images",
	 offsetof(BuildOptions, pull), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Say nothing of the steps",
	 offsetof(BuildOptions, quiet), OPTION_COMMON},
	{0, "check", OPTION_FLAG, option_set_flag, NULL,
	 "Look for mistakes in the Dockerfiles, and build nothing", offsetof(BuildOptions, check),
	 OPTION_COMMON},
	{'m', "memory", OPTION_VALUE, option_set_string, "SIZE", "Limit of memory of RUN",
	 offsetof(BuildOptions, memory), OPTION_COMMON},
	{0, "push", OPTION_FLAG, option_set_flag, NULL, "Push the images that were built",
	 offsetof(BuildOptions, push), OPTION_COMMON},
	{0, "ssh", OPTION_VALUE, option_set_string, "default[=SOCKET]",
	 "An SSH agent for RUN --mount", offsetof(BuildOptions, ssh), OPTION_COMMON},
	{0, "with-dependencies", OPTION_FLAG, option_set_flag, NULL,
	 "Also those of what the named services depend on",
	 offsetof(BuildOptions, with_dependencies), OPTION_COMMON},
	COMPOSE_REFUSED(0, "builder", OPTION_VALUE, "there are no builders: skiff builds itself"),
	COMPOSE_REFUSED(0, "print", OPTION_FLAG, "skiff does not build by bake files"),
	COMPOSE_REFUSED(0, "provenance", OPTION_VALUE, "skiff makes no attestations"),
	COMPOSE_REFUSED(0, "sbom", OPTION_VALUE, "skiff makes no attestations"),
	{0},
};

static const OptionGroup group = {NULL, options};

/* Build those that are named, or all that have something to build, each behind what its build
 * takes from others. */
static int build_all(const ComposeBuild *how, const char *const *named, GError **error)
{
	const Node *services = node_get(how->project->model, "services");
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	int status = 0;
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		if (node_get(entry->value, "build") &&
		    (!named[0] || g_strv_contains(named, entry->key)) &&
		    !compose_build_add(how->project, entry, list, seen, error))
			return 125;
	}
	for (guint i = 0; compose_is_dry_run() && i < list->len; i++) {
		const NodeEntry *entry = list->pdata[i];
		g_autofree char *image = compose_spec_image(how->project, entry->key, entry->value);
		compose_report("Image", image, "Build");
	}
	if (!compose_is_dry_run() && !compose_build_run(how, list, NULL, &status, error))
		return status ? status : 125;
	return 0;
}

/* As `compose push` with the same services. */
static int push_all(const Invocation *inv, const ProjectOptions *given, const char *const *services)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	project_options_words(given, words);
	for (size_t i = 0; services[i]; i++)
		g_ptr_array_add(words, g_strdup(services[i]));
	return compose_delegate(inv, &compose_push_command, "compose push", words);
}

static int cmd_build(Invocation *inv)
{
	BuildOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	bool parsed = command_parse(inv, (void *[]){&opts, &given});
	g_autoptr(GPtrArray) args = opts.args;
	if (!parsed)
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	g_autoptr(Engine) engine = project ? compose_engine(inv, false, &error) : NULL;
	if (!engine)
		return command_fail(error);
	const ComposeBuild how = {
		.engine = engine,
		.project = project,
		.global = &inv->global,
		.no_cache = opts.no_cache,
		.pull = opts.pull,
		.quiet = opts.quiet,
		.check = opts.check,
		.all_platforms = true,
		.memory = opts.memory,
		.ssh = opts.ssh,
		.args = args,
	};
	const char *const all[] = {NULL};
	int status = build_all(&how, opts.with_dependencies ? all : services, &error);
	if (error)
		return command_fail(error);
	return status || !opts.push || opts.check ? status : push_all(inv, &given, services);
}

const Command compose_build_command = {
	.paths = (const char *const[]){"compose build", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Build the images of the services",
	.description = "Builds the images of services that say how, under the names they run by.",
	.examples = (const char *const[]){"skiff compose build --pull web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_build,
};
