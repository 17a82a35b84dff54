/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose build: the images of services.
 */
#include "cmd/compose/compose_build.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "libpod/base/error.h"

typedef struct {
	bool no_cache, pull, quiet;
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
	OPTION_UNSUPPORTED(0, "builder", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "check", OPTION_FLAG),
	OPTION_UNSUPPORTED('m', "memory", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "print", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "provenance", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "push", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "sbom", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "ssh", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "with-dependencies", OPTION_FLAG),
	{0},
};

static const OptionGroup group = {NULL, options};

/* Build those that are named, or all that have something to build. */
static int build_all(const ComposeBuild *how, const char *const *named, GError **error)
{
	const Node *services = node_get(how->project->model, "services");
	int status = 0;
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		if (!node_get(entry->value, "build") ||
		    (named[0] && !g_strv_contains(named, entry->key)))
			continue;
		if (!compose_build_service(how, entry, &status, error))
			return status ? status : 125;
	}
	return 0;
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
		.args = args,
	};
	int status = build_all(&how, services, &error);
	return error ? command_fail(error) : status;
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
