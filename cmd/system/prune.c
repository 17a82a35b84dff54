/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system prune: remove stopped containers, images that nobody needs, and unused volumes.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/container/filter.h"
#include "cmd/engine_open.h"
#include "cmd/image/image_filter.h"
#include "cmd/network/network_filter.h"
#include "cmd/output.h"
#include "cmd/pod/pods.h"
#include "cmd/volume/volume_filter.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/disk_usage.h"
#include "libpod/events.h"
#include "libpod/image_users.h"
#include "libpod/rootless.h"
#include "storage/build_cache.h"
#include "storage/layer.h"

typedef struct {
	bool all, force, volumes, external, build;
	GPtrArray *filters;
} PruneOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL,
	 "All images that no container uses, not only those without a name",
	 offsetof(PruneOptions, all), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Do not ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	{0, "volumes", OPTION_FLAG, option_set_flag, NULL, "Volumes that no container uses, too",
	 offsetof(PruneOptions, volumes), OPTION_COMMON},
	{0, "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only those that match: label=KEY[=VALUE], label!=..., until=TIME",
	 offsetof(PruneOptions, filters), OPTION_COMMON},
	{0, "build", OPTION_FLAG, option_set_flag, NULL,
	 "What killed builds left (which every prune removes)", offsetof(PruneOptions, build),
	 OPTION_COMMON},
	{0, "external", OPTION_FLAG, option_set_flag, NULL,
	 "Only what no record speaks of: unfinished pulls, layers without an image",
	 offsetof(PruneOptions, external), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* What is being pruned, and what it gave back. */
typedef struct {
	Engine *engine;
	const PruneOptions *opts;
	DiskUsage *before;
	int64_t reclaimed;
	bool heading; /* of the present kind was printed */
	int status;
} Prune;

static bool check_options(const PruneOptions *opts, GError **error)
{
	if (opts->external && (opts->all || opts->volumes || opts->filters || opts->build))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--external cannot be combined with other options");
	return container_filter_check_prune(opts->filters, error);
}

/* podman's words. */
static bool confirm(const PruneOptions *opts, GError **error)
{
	g_autofree char *text = g_strdup_printf(
		"WARNING! This command removes:\n"
		"\t- all stopped containers\n"
		"\t- all networks not used by at least one container%s%s\n"
		"\t- all %s\n"
		"\t- all %sbuild cache\n",
		opts->volumes ? "\n\t- all volumes not used by at least one container" : "",
		opts->build ? "\n\t- all build containers" : "",
		opts->all ? "images without at least one container associated with them"
			  : "dangling images",
		opts->all ? "" : "dangling ");
	return confirm_ask(text, error);
}

/* Somebody needs it, began to use it meanwhile, or removed it: no failure. */
static bool is_harmless(const GError *error)
{
	return error_matches(error, ENGINE_ERROR_BAD_STATE) ||
	       error_matches(error, ENGINE_ERROR_EXISTS) ||
	       error_matches(error, ENGINE_ERROR_IN_USE) ||
	       error_matches(error, ENGINE_ERROR_NOT_FOUND);
}

/* Print what went, under a heading, or what failed. */
static void tell(Prune *prune, const char *heading, const char *name, const GError *error)
{
	if (error) {
		if (!is_harmless(error))
			prune->status = command_fail(error);
		return;
	}
	if (!prune->heading)
		output_printf("%s\n", heading);
	prune->heading = true;
	output_printf("%s\n", name);
}

/* Pods that have ended, with their containers; no filter is about pods. */
static bool prune_pods(Prune *prune, GError **error)
{
	const PodRemove remove = {.timeout_s = -1};
	g_autoptr(GPtrArray) pods = prune->opts->filters ? NULL : pods_list(prune->engine, error);
	prune->heading = false;
	for (guint i = 0; pods && i < pods->len; i++) {
		const Pod *pod = pods->pdata[i];
		g_autoptr(GPtrArray) members = pod_members(prune->engine, pod, error);
		if (!members)
			return false;
		g_autoptr(GError) failed = NULL;
		if (!pod_is_prunable(members))
			continue;
		(void)pod_remove(prune->engine, pod, &remove, &failed);
		tell(prune, "Deleted Pods", pod->id, failed);
	}
	return pods || prune->opts->filters;
}

static bool prune_containers(Prune *prune, GError **error)
{
	const ContainerRemove remove = {.volumes = prune->opts->volumes, .timeout_s = -1};
	g_autoptr(ContainerFilter) filter =
		container_filter_new(prune->engine, prune->opts->filters, error);
	g_autoptr(GPtrArray) list = filter ? containers_list(prune->engine, error) : NULL;
	if (!list)
		return false;
	prune->heading = false;
	for (guint i = 0; i < list->len; i++) {
		Container *ctr = list->pdata[i];
		ContainerState state = container_summary(ctr)->state;
		/* Members go with their pod. */
		if (container_summary(ctr)->pod ||
		    (state != CONTAINER_CREATED && state != CONTAINER_EXITED) ||
		    !container_filter_matches(filter, ctr))
			continue;
		g_autofree char *id = g_strdup(container_summary(ctr)->id);
		g_autoptr(GError) failed = NULL;
		if (container_remove(ctr, &remove, &failed))
			prune->reclaimed += disk_usage_container(prune->before, id);
		tell(prune, "Deleted Containers", id, failed);
	}
	return true;
}

static bool prune_images(Prune *prune, GError **error)
{
	Store *store = engine_store(prune->engine);
	g_autoptr(ImageFilter) filter =
		image_filter_new(store, prune->opts->filters, NULL, NULL, error);
	g_autoptr(GPtrArray) list = filter ? images_list(store, error) : NULL;
	if (!list)
		return false;
	prune->heading = false;
	for (guint i = 0; i < list->len; i++) {
		const Image *image = list->pdata[i];
		if ((image->names[0] && !prune->opts->all) || !image_filter_matches(filter, image))
			continue;
		g_autoptr(GError) failed = NULL;
		if (image_users_remove(prune->engine, image, false, &failed))
			event_image(prune->engine, "remove", image->id, image->names[0]);
		tell(prune, "Deleted Images", image->id, failed);
	}
	return true;
}

static bool prune_volumes(Prune *prune, GError **error)
{
	g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(unused, g_strdup("dangling=true"));
	g_autoptr(GPtrArray) list = volumes_list(prune->engine, error);
	if (!list || !volume_filter_apply(prune->engine, list, unused, error) ||
	    !volume_filter_apply(prune->engine, list, prune->opts->filters, error))
		return false;
	prune->heading = false;
	for (guint i = 0; i < list->len; i++) {
		const Volume *volume = list->pdata[i];
		g_autoptr(GError) failed = NULL;
		if (volume_remove(prune->engine, volume, false, &failed))
			prune->reclaimed += disk_usage_volume(prune->before, volume->name);
		tell(prune, "Deleted Volumes", volume->name, failed);
	}
	return true;
}

/* After containers, which use them. */
static bool prune_networks(Prune *prune, GError **error)
{
	g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(unused, g_strdup("dangling=true"));
	g_autoptr(GPtrArray) list = named_networks_list(prune->engine, error);
	if (!list || !network_filter_apply(prune->engine, list, unused, error) ||
	    !network_filter_apply(prune->engine, list, prune->opts->filters, error))
		return false;
	prune->heading = false;
	for (guint i = 0; i < list->len; i++) {
		const NamedNetwork *network = list->pdata[i];
		g_autoptr(GError) failed = NULL;
		(void)named_network_remove(prune->engine, network, false, &failed);
		tell(prune, "Deleted Networks", network->name, failed);
	}
	return true;
}

/* Dead stages, layers without an image, the trash. */
static bool sweep(Engine *engine, GError **error)
{
	return store_sweep(engine_store(engine), error) &&
	       layers_sweep(engine_store(engine), error) && rootless_empty_trash(engine, error);
}

static int prune_all(Engine *engine, const PruneOptions *opts)
{
	g_autoptr(GError) error = NULL;
	Prune prune = {.engine = engine, .opts = opts};
	g_autoptr(DiskUsage) before = disk_usage_new(engine, &error);
	prune.before = before;
	if (!before || !prune_pods(&prune, &error) || !prune_containers(&prune, &error) ||
	    (opts->volumes && !prune_volumes(&prune, &error)) || !prune_images(&prune, &error) ||
	    !prune_networks(&prune, &error) ||
	    (!opts->filters && !build_cache_prune(engine_store(engine), opts->all, &error)) ||
	    !sweep(engine, &error))
		return command_fail(error);
	g_autoptr(DiskUsage) after = disk_usage_new(engine, &error);
	if (!after)
		return command_fail(error);
	prune.reclaimed += MAX(before->layers - after->layers, 0);
	g_autofree char *size = units_format_human_size((uint64_t)prune.reclaimed);
	output_printf("Total reclaimed space: %s\n", size);
	return prune.status;
}

/* Everything is checked before anything is asked. */
static int run(const Invocation *inv, const PruneOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine =
		check_options(opts, &error) ? command_engine(inv, false, &error) : NULL;
	g_autoptr(ContainerFilter) filter =
		engine ? container_filter_new(engine, opts->filters, &error) : NULL;
	if (!filter)
		return command_fail(error);
	if (opts->external)
		return sweep(engine, &error) ? 0 : command_fail(error);
	if (!opts->force && !confirm(opts, &error))
		return error ? command_fail(error) : 0;
	return prune_all(engine, opts);
}

static int cmd_system_prune(Invocation *inv)
{
	PruneOptions opts = {0};
	int status = command_parse(inv, (void *[]){&opts}) ? run(inv, &opts) : inv->status;
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command system_prune_command = {
	.paths = (const char *const[]){"system prune", NULL},
	.usage = "[options]",
	.summary = "Remove what is not used",
	.description =
		"Removes containers that do not run, images without a name (with --all: "
		"without a container), what builds keep that no image has (with --all: all of "
		"it), and with --volumes the volumes that no container uses.",
	.examples = (const char *const[]){"skiff system prune", "skiff system prune -af --volumes",
					  "skiff system prune --filter until=24h", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_system_prune,
};
