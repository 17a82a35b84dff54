/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose pull: the images of services.
 */
#include "cmd/compose/compose_resources.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_progress.h"
#include "cmd/output.h"
#include "libpod/base/error.h"

typedef struct {
	bool ignore_failures, ignore_buildable, include_deps, quiet;
	const char *policy;
} PullOptions;

static const Option options[] = {
	{0, "ignore-buildable", OPTION_FLAG, option_set_flag, NULL,
	 "Leave out images that a build can make", offsetof(PullOptions, ignore_buildable),
	 OPTION_COMMON},
	{0, "ignore-pull-failures", OPTION_FLAG, option_set_flag, NULL,
	 "Go on when one cannot be pulled", offsetof(PullOptions, ignore_failures), OPTION_COMMON},
	{0, "include-deps", OPTION_FLAG, option_set_flag, NULL,
	 "Also of what the named services depend on", offsetof(PullOptions, include_deps),
	 OPTION_COMMON},
	{0, "policy", OPTION_VALUE, option_set_string, "POLICY", "always (default) or missing",
	 offsetof(PullOptions, policy), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress",
	 offsetof(PullOptions, quiet), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static char *image_key(const Node *service)
{
	const char *platform = node_string(service, "platform");
	return g_strdup_printf("%s %s", node_string(service, "image"), platform ? platform : "");
}

static int cmd_pull(Invocation *inv)
{
	PullOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	PullPolicy policy = PULL_ALWAYS;
	int status = 0;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	const ComposeImages how = {.pull = &policy, .no_build = true, .quiet_pull = opts.quiet};
	g_autoptr(ComposeProject) project = NULL;
	if (!opts.policy || pull_policy_parse(opts.policy, &policy, &error))
		project = project_options_load(&given, &more, &error);
	g_autoptr(Engine) engine = project ? compose_engine(inv, false, &error) : NULL;
	if (!engine)
		return command_fail(error);
	const Node *map = node_get(project->model, "services");
	g_autoptr(GHashTable) asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		bool named =
			!services[0] || opts.include_deps || g_strv_contains(services, entry->key);
		bool only_built = !node_get(entry->value, "image");
		if (!named || only_built ||
		    (opts.ignore_buildable && node_get(entry->value, "build")))
			continue;
		/* Services that share an image share its pull. */
		if (!g_hash_table_add(asked, image_key(entry->value)))
			continue;
		if (compose_is_dry_run()) {
			compose_report("Image", node_string(entry->value, "image"), "Pull");
			continue;
		}
		g_autoptr(GError) failed = NULL;
		g_autoptr(Image) image =
			compose_image_acquire(engine, project, entry, &how, &status, &failed);
		if (image)
			continue;
		if (failed)
			status = command_fail(failed);
		if (!opts.ignore_failures)
			return status;
		status = 0;
	}
	return status;
}

const Command compose_pull_command = {
	.paths = (const char *const[]){"compose pull", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Pull the images of the services",
	.description = "Pulls the images that services name, also where older ones are there.",
	.examples = (const char *const[]){"skiff compose pull db", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_pull,
};
