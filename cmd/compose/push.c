/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose push: the images that services build, to their registries.
 */
#include "cmd/commands.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_spec.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"

typedef struct {
	bool ignore_failures, include_deps, quiet;
} PushOptions;

static const Option options[] = {
	{0, "ignore-push-failures", OPTION_FLAG, option_set_flag, NULL,
	 "Go on when one cannot be pushed", offsetof(PushOptions, ignore_failures), OPTION_COMMON},
	{0, "include-deps", OPTION_FLAG, option_set_flag, NULL,
	 "Also those of what the named services depend on", offsetof(PushOptions, include_deps),
	 OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress",
	 offsetof(PushOptions, quiet), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* The service's image and the further names that its build gives it. */
static void add_names(const ComposeProject *project, const NodeEntry *service, GPtrArray *names)
{
	const Node *build = node_get(service->value, "build"), *tags = node_get(build, "tags");
	if (!build || !node_get(service->value, "image"))
		return;
	g_ptr_array_add(names, compose_spec_image(project, service->key, service->value));
	for (size_t i = 0; i < node_count(tags); i++)
		g_ptr_array_add(names, g_strdup(node_item(tags, i)->text));
}

static int push_all(const Invocation *inv, const PushOptions *opts, const GPtrArray *names)
{
	for (guint i = 0; i < names->len; i++) {
		if (compose_is_dry_run()) {
			compose_report("Image", names->pdata[i], "Push");
			continue;
		}
		g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
		if (opts->quiet)
			g_ptr_array_add(words, g_strdup("--quiet"));
		g_ptr_array_add(words, g_strdup(names->pdata[i]));
		int code = compose_delegate(inv, &push_command, "push", words);
		if (code == 0)
			compose_report("Image", names->pdata[i], "Pushed");
		else if (!opts->ignore_failures)
			return code;
	}
	return 0;
}

static int cmd_push(Invocation *inv)
{
	PushOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	if (!project)
		return command_fail(error);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const Node *map = node_get(project->model, "services");
	for (size_t i = 0; i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		if (!services[0] || opts.include_deps || g_strv_contains(services, entry->key))
			add_names(project, entry, names);
	}
	return push_all(inv, &opts, names);
}

const Command compose_push_command = {
	.paths = (const char *const[]){"compose push", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Push the images that services build",
	.description = "Pushes the images of services that have both build and image, under that "
		       "name and under the tags of their build.",
	.examples = (const char *const[]){"skiff compose push web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_push,
};
