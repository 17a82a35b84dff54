/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_resources.h"

#include <string.h>
#include <unistd.h>

#include "cmd/compose/canonical.h"
#include "cmd/compose/compose_build.h"
#include "cmd/compose/compose_down.h"
#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_spec.h"
#include "cmd/compose/compose_state.h"
#include "cmd/compose/project_output.h"
#include "cmd/compose/service_words.h"
#include "cmd/confirm.h"
#include "cmd/image/acquire.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/units.h"
#include "libpod/base/wall.h"
#include "libpod/image_users.h"
#include "libpod/named_network.h"
#include "libpod/rootless.h"
#include "libpod/volume.h"

/* The labels of a resource: its own and ours. */
static GHashTable *make_labels(const ComposeProject *project, const NodeEntry *entry,
			       const char *kind)
{
	GHashTable *labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	const Node *own = node_get(entry->value, "labels");
	for (size_t i = 0; i < node_count(own); i++)
		g_hash_table_insert(labels, g_strdup(node_entry(own, i)->key),
				    node_scalar_text(node_entry(own, i)->value));
	g_hash_table_insert(labels, g_strdup(LABEL_PROJECT), g_strdup(project->name));
	g_hash_table_insert(labels, g_strdup(LABEL_VERSION), g_strdup(SKIFF_VERSION));
	g_hash_table_insert(labels, g_strdup(kind), g_strdup(entry->key));
	g_hash_table_insert(labels, g_strdup(LABEL_CONFIG_HASH),
			    project_resource_hash(entry->value));
	return labels;
}

static bool belongs_to(GHashTable *labels, const char *project)
{
	const char *value = labels ? g_hash_table_lookup(labels, LABEL_PROJECT) : NULL;
	return g_strcmp0(value, project) == 0;
}

/* Is it ours, and made from other words than the files have by now? */
static bool has_drifted(GHashTable *labels, const char *project, const NodeEntry *entry)
{
	const char *was = labels ? g_hash_table_lookup(labels, LABEL_CONFIG_HASH) : NULL;
	g_autofree char *is = project_resource_hash(entry->value);
	return was && strcmp(was, is) != 0 && belongs_to(labels, project);
}

/* Refuse a key of a network or volume that we cannot do. */
static bool check_keys(const NodeEntry *entry, const char *kind, const char *const *known,
		       GError **error)
{
	for (size_t i = 0; i < node_count(entry->value); i++) {
		const NodeEntry *key = node_entry(entry->value, i);
		if (g_strv_contains(known, key->key) || g_str_has_prefix(key->key, "x-"))
			continue;
		if (key->value->kind == NODE_BOOL && !key->value->boolean)
			continue;
		place_error(error, key->at, "%s.%s.%s: it is not supported", kind, entry->key,
			    key->key);
		if (error && *error)
			(*error)->code = ENGINE_ERROR_UNSUPPORTED;
		return false;
	}
	return true;
}

/* What a volume may say. */
static const char *const volume_keys[] = {"driver", "driver_opts", "labels", "name", NULL};

/* One subnet of each family. */
static bool read_subnet(const NodeEntry *entry, const Node *config, NamedNetworkCreate *create,
			GError **error)
{
	const char *subnet = node_string(config, "subnet");
	bool v6 = subnet && strchr(subnet, ':');
	if (node_get(config, "aux_addresses"))
		return place_error(error, config->at,
				   "networks.%s.ipam.config: aux_addresses is not supported: no "
				   "address is kept for others",
				   entry->key);
	if (v6 ? create->subnet6.subnet != NULL : create->subnet != NULL)
		return place_error(error, config->at,
				   "networks.%s.ipam.config: a second subnet of a family is not "
				   "supported: a network has one of each",
				   entry->key);
	if (v6) {
		create->ipv6 = true;
		create->subnet6 = (NamedNetworkSubnet){subnet, node_string(config, "gateway"),
						       node_string(config, "ip_range")};
		return true;
	}
	create->subnet = subnet;
	create->gateway = node_string(config, "gateway");
	create->ip_range = node_string(config, "ip_range");
	return true;
}

static bool read_ipam(const NodeEntry *entry, NamedNetworkCreate *create, GError **error)
{
	const Node *ipam = node_get(entry->value, "ipam"), *config = node_get(ipam, "config");
	const char *driver = node_string(ipam, "driver");
	if (driver && strcmp(driver, "default") != 0)
		return place_error(error, ipam->at,
				   "networks.%s.ipam.driver: '%s' is not supported", entry->key,
				   driver);
	if (node_count(node_get(ipam, "options")) > 0)
		return place_error(error, ipam->at,
				   "networks.%s.ipam.options: it is not supported: there are none",
				   entry->key);
	for (size_t i = 0; i < node_count(config); i++)
		if (!read_subnet(entry, node_item(config, i), create, error))
			return false;
	return true;
}

static bool read_driver(const NodeEntry *entry, NetworkOptions *options, uint32_t *mtu,
			GError **error)
{
	const char *driver = node_string(entry->value, "driver");
	const Node *said = node_get(entry->value, "driver_opts");
	const Node *v4 = node_get(entry->value, "enable_ipv4");
	if (driver && strcmp(driver, "bridge") != 0)
		return place_error(error, entry->at, "networks.%s.driver: '%s' is not supported",
				   entry->key, driver);
	if (node_is(v4, NODE_BOOL) && !v4->boolean)
		return place_error(error, v4->at,
				   "networks.%s.enable_ipv4: a network without IPv4 is not "
				   "supported",
				   entry->key);
	for (size_t i = 0; i < node_count(said); i++) {
		const NodeEntry *option = node_entry(said, i);
		g_autoptr(GError) reason = NULL;
		g_autofree char *value = node_scalar_text(option->value);
		g_autofree char *text = g_strdup_printf("%s=%s", option->key, value ? value : "");
		if (!network_options_set_driver(options, mtu, text, &reason))
			return place_error(error, option->at, "networks.%s.driver_opts: %s",
					   entry->key, reason->message);
	}
	return true;
}

/* What a network of the files is made from. @options: for @create to point at. */
static bool read_network(const NodeEntry *entry, NamedNetworkCreate *create,
			 NetworkOptions *options, GError **error)
{
	static const char *const known[] = {"attachable",  "driver",   "driver_opts", "enable_ipv4",
					    "enable_ipv6", "internal", "ipam",        "labels",
					    "name",        NULL};
	create->name = node_string(entry->value, "name");
	create->internal = node_true(entry->value, "internal");
	create->ipv6 = node_true(entry->value, "enable_ipv6");
	create->options = options;
	return check_keys(entry, "networks", known, error) && read_ipam(entry, create, error) &&
	       read_driver(entry, options, &create->mtu, error);
}

static bool create_network(Engine *engine, const ComposeProject *project, const NodeEntry *entry,
			   bool replace, GError **error)
{
	g_autoptr(GHashTable) labels = make_labels(project, entry, LABEL_NETWORK);
	NetworkOptions options = {0};
	NamedNetworkCreate create = {.labels = labels, .replace = replace};
	if (!read_network(entry, &create, &options, error))
		return false;
	const char *name = create.name;
	compose_report("Network", name, compose_is_dry_run() ? "Create" : "Creating");
	if (compose_is_dry_run())
		return true;
	g_autoptr(NamedNetwork) network = named_network_create(engine, &create, error);
	if (!network)
		compose_report("Network", name, "Error");
	if (network)
		compose_report("Network", name, replace ? "Recreated" : "Created");
	return network != NULL;
}

/* Stop the project's containers that are on a network, and remember them. */
static bool stop_members(Engine *engine, const ComposeProject *project, const char *network,
			 const ComposeDrift *drift, GError **error)
{
	g_autoptr(GPtrArray) state = compose_state_list(engine, project->name, error);
	g_autoptr(GPtrArray) members = state ? compose_state_select(state, NULL, true) : NULL;
	const ComposeDown down = {.timeout_s = drift->stop_timeout_s, .project = project};
	for (guint i = members ? members->len : 0; i-- > 0;) {
		const ContainerSummary *s =
			container_summary(((ComposeContainer *)members->pdata[i])->ctr);
		if (!compose_state_runs(((ComposeContainer *)members->pdata[i])->ctr) ||
		    !container_find_network(s, network))
			g_ptr_array_remove_index(members, i);
		else
			g_ptr_array_add(drift->stopped, g_strdup(s->id));
	}
	return members && compose_stop(members, &down, error);
}

/* A network of other words: its members are stopped, and join the new one when they start. */
static bool recreate_network(Engine *engine, const ComposeProject *project, const NodeEntry *entry,
			     const ComposeDrift *drift, GError **error)
{
	const char *name = node_string(entry->value, "name");
	if (!drift->recreate) {
		log_warn("network %s is not as the files have it: `up` makes it anew", name);
		return true;
	}
	return stop_members(engine, project, name, drift, error) &&
	       create_network(engine, project, entry, true, error);
}

bool compose_resources_check(const ComposeProject *project, GError **error)
{
	const Node *networks = node_get(project->model, "networks"),
		   *volumes = node_get(project->model, "volumes");
	for (size_t i = 0; i < node_count(networks); i++) {
		const NodeEntry *entry = node_entry(networks, i);
		NetworkOptions options = {0};
		NamedNetworkCreate create = {0};
		if (!node_true(entry->value, "external") &&
		    !read_network(entry, &create, &options, error))
			return false;
	}
	for (size_t i = 0; i < node_count(volumes); i++) {
		const NodeEntry *entry = node_entry(volumes, i);
		if (!node_true(entry->value, "external") &&
		    !check_keys(entry, "volumes", volume_keys, error))
			return false;
	}
	return true;
}

bool compose_networks_ensure(Engine *engine, const ComposeProject *project,
			     const ComposeDrift *drift, GError **error)
{
	const Node *networks = node_get(project->model, "networks");
	for (size_t i = 0; i < node_count(networks); i++) {
		const NodeEntry *entry = node_entry(networks, i);
		const char *name = node_string(entry->value, "name");
		g_autoptr(GError) failed = NULL;
		g_autoptr(NamedNetwork) known = named_network_lookup(engine, name, &failed);
		if (failed) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		bool external = node_true(entry->value, "external");
		if (!known && external)
			return place_error(
				error, entry->at,
				"network %s declared as external, but could not be found", name);
		if (!known && !create_network(engine, project, entry, false, error))
			return false;
		if (known && !external && has_drifted(known->labels, project->name, entry) &&
		    !recreate_network(engine, project, entry, drift, error))
			return false;
		if (known && !external && !belongs_to(known->labels, project->name))
			log_warn("network %s was not made by compose for project %s: it is used as "
				 "it is",
				 name, project->name);
	}
	return true;
}

static bool create_volume(Engine *engine, const ComposeProject *project, const NodeEntry *entry,
			  GError **error)
{
	const char *name = node_string(entry->value, "name");
	const Node *options = node_get(entry->value, "driver_opts");
	g_autoptr(GHashTable) labels = make_labels(project, entry, LABEL_VOLUME);
	g_autoptr(GHashTable) opts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (size_t i = 0; i < node_count(options); i++)
		g_hash_table_insert(opts, g_strdup(node_entry(options, i)->key),
				    node_scalar_text(node_entry(options, i)->value));
	const VolumeCreate create = {
		.name = name,
		.labels = labels,
		.options = node_count(options) ? opts : NULL,
		.driver = node_string(entry->value, "driver"),
	};
	compose_report("Volume", name, compose_is_dry_run() ? "Create" : "Creating");
	if (compose_is_dry_run())
		return true;
	g_autoptr(Volume) volume = volume_create(engine, &create, error);
	compose_report("Volume", name, volume ? "Created" : "Error");
	if (!volume)
		g_prefix_error(error, "volumes.%s: ", entry->key);
	return volume != NULL;
}

/* May the data of a volume go? Only a terminal is asked. */
static bool may_lose(const ComposeDrift *drift, const char *name)
{
	g_autofree char *text = g_strdup_printf(
		"Volume \"%s\" exists but doesn't match configuration in compose file. Recreate "
		"(data will be lost)?",
		name);
	if (drift->yes)
		return true;
	if (drift->recreate && isatty(STDIN_FILENO) && confirm_ask(text, NULL))
		return true;
	log_warn("volume %s exists and is not as the files have it: it stays as it is, with its "
		 "data (up --yes makes it anew)",
		 name);
	return false;
}

/* Remove the project's own containers that have a volume; those of others keep it as it is. */
static bool remove_members(Engine *engine, const ComposeProject *project, const char *volume,
			   const ComposeDrift *drift, GError **error)
{
	g_autoptr(GPtrArray) state = compose_state_list(engine, project->name, error);
	g_autoptr(GPtrArray) members = state ? compose_state_select(state, NULL, true) : NULL;
	const ComposeDown down = {
		.timeout_s = drift->stop_timeout_s,
		.force = true,
		.project = project,
	};
	for (guint i = members ? members->len : 0; i-- > 0;) {
		char **names = container_summary(((ComposeContainer *)members->pdata[i])->ctr)
				       ->volume_names;
		if (!names || !g_strv_contains((const char *const *)names, volume))
			g_ptr_array_remove_index(members, i);
	}
	g_auto(GStrv) users = members ? volume_users(engine, volume, error) : NULL;
	if (users && g_strv_length(users) > members->len && wall_stands("others-volumes"))
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "volume %s cannot change while containers of others use it",
				 volume);
	return users && compose_remove(members, &down, error);
}

/* A volume of other words. */
static bool recreate_volume(Engine *engine, const ComposeProject *project, const NodeEntry *entry,
			    const Volume *volume, const ComposeDrift *drift, GError **error)
{
	if (compose_is_dry_run() && wall_stands("dry-volumes")) {
		if (drift->yes)
			compose_report("Volume", volume->name, "Recreate");
		return true;
	}
	return !may_lose(drift, volume->name) ||
	       (remove_members(engine, project, volume->name, drift, error) &&
		volume_remove(engine, volume, false, error) &&
		create_volume(engine, project, entry, error));
}

bool compose_volumes_ensure(Engine *engine, const ComposeProject *project,
			    const ComposeDrift *drift, GError **error)
{
	const Node *volumes = node_get(project->model, "volumes");
	for (size_t i = 0; i < node_count(volumes); i++) {
		const NodeEntry *entry = node_entry(volumes, i);
		const char *name = node_string(entry->value, "name");
		g_autoptr(Volume) known = volume_lookup(engine, name, NULL);
		bool external = node_true(entry->value, "external");
		if (!known && external)
			return place_error(error, entry->at, "external volume \"%s\" not found",
					   name);
		if (!known && !create_volume(engine, project, entry, error))
			return false;
		if (known && !external && has_drifted(known->labels, project->name, entry) &&
		    !recreate_volume(engine, project, entry, known, drift, error))
			return false;
		if (known && !external && !belongs_to(known->labels, project->name))
			log_warn("volume %s was not made by compose for project %s: it is used as "
				 "it is",
				 name, project->name);
	}
	return true;
}

bool compose_networks_remove(Engine *engine, const char *project, GError **error)
{
	g_autoptr(GPtrArray) list = named_networks_list(engine, error);
	bool dry = compose_is_dry_run();
	for (guint i = 0; list && i < list->len; i++) {
		const NamedNetwork *network = list->pdata[i];
		g_autoptr(GError) failed = NULL;
		if (!belongs_to(network->labels, project))
			continue;
		compose_report("Network", network->name, dry ? "Remove" : "Removing");
		if (dry)
			continue;
		if (named_network_remove(engine, network, false, &failed)) {
			compose_report("Network", network->name, "Removed");
		} else if (error_matches(failed, ENGINE_ERROR_IN_USE)) {
			compose_report("Network", network->name, "Resource is still in use");
		} else {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
	return list != NULL;
}

/* What the files do not have any more may hold data that somebody wants. */
static bool is_declared(const Volume *volume, const Node *declared)
{
	const char *key = volume->labels ? g_hash_table_lookup(volume->labels, LABEL_VOLUME) : NULL;
	return !declared || (key && node_get_entry(declared, key));
}

bool compose_volumes_remove(Engine *engine, const char *project, const Node *declared,
			    GError **error)
{
	g_autoptr(GPtrArray) list = volumes_list(engine, error);
	bool dry = compose_is_dry_run();
	for (guint i = 0; list && i < list->len; i++) {
		const Volume *volume = list->pdata[i];
		g_autoptr(GError) failed = NULL;
		if (!belongs_to(volume->labels, project) || !is_declared(volume, declared))
			continue;
		compose_report("Volume", volume->name, dry ? "Remove" : "Removing");
		if (dry)
			continue;
		if (volume_remove(engine, volume, false, &failed)) {
			compose_report("Volume", volume->name, "Removed");
		} else if (error_matches(failed, ENGINE_ERROR_IN_USE)) {
			compose_report("Volume", volume->name, "Resource is still in use");
		} else {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
	return list != NULL;
}

/* One name of several goes alone. */
static bool remove_name(Engine *engine, const Image *image, const char *name, GError **error)
{
	const char *full = image_find_name(image, name);
	return full && image->names[1] ? image_untag(engine_store(engine), image, full, error)
				       : image_users_remove(engine, image, false, error);
}

bool compose_images_remove(Engine *engine, const GPtrArray *names, GError **error)
{
	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		g_autoptr(GError) failed = NULL;
		g_autoptr(Image) image = image_lookup(engine_store(engine), name, NULL);
		if (!image)
			continue;
		compose_report("Image", name, compose_is_dry_run() ? "Remove" : "Removing");
		if (compose_is_dry_run())
			continue;
		if (remove_name(engine, image, name, &failed)) {
			compose_report("Image", name, "Removed");
		} else if (error_matches(failed, ENGINE_ERROR_IN_USE)) {
			compose_report("Image", name, "Resource is still in use");
		} else {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
	return compose_is_dry_run() || rootless_empty_trash(engine, error);
}

bool compose_images_build(Engine *engine, const ComposeProject *project, const GPtrArray *services,
			  const ComposeImages *how, int *out_status, GError **error)
{
	const ComposeBuild build = {
		.engine = engine,
		.project = project,
		.global = how->global,
		.quiet = how->quiet_build || compose_progress_is_quiet(),
	};
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < services->len; i++)
		if (!compose_build_add(project, services->pdata[i], list, seen, error))
			return false;
	for (guint i = 0; i < list->len; i++) {
		const NodeEntry *service = list->pdata[i];
		g_ptr_array_add(names, compose_spec_image(project, service->key, service->value));
		compose_report("Image", names->pdata[i], "Building");
	}
	compose_progress_hide();
	g_autoptr(GHashTable) built = g_hash_table_new(g_str_hash, g_str_equal);
	bool ok = compose_build_run(&build, list, built, out_status, error);
	for (guint i = 0; i < names->len; i++) {
		const NodeEntry *service = list->pdata[i];
		compose_report("Image", names->pdata[i],
			       g_hash_table_contains(built, service->key) ? "Built" : "Error");
	}
	return ok;
}

/* Build the image and look it up. */
static Image *build_image(Engine *engine, const ComposeProject *project, const NodeEntry *service,
			  const ComposeImages *how, int *out_status, GError **error)
{
	g_autofree char *name = compose_spec_image(project, service->key, service->value);
	g_autoptr(GPtrArray) one = g_ptr_array_new();
	g_ptr_array_add(one, (void *)service);
	return compose_images_build(engine, project, one, how, out_status, error)
		       ? image_resolve(engine_store(engine), name, error)
		       : NULL;
}

bool compose_image_is_to_build(Engine *engine, const ComposeProject *project,
			       const NodeEntry *service, const ComposeImages *how)
{
	const char *policy = node_string(service->value, "pull_policy");
	if (!node_get(service->value, "build") || how->no_build)
		return false;
	if (how->build || g_strcmp0(policy, "build") == 0)
		return true;
	/* What may come from a registry is asked of that first. */
	if (node_string(service->value, "image") && (policy || how->pull))
		return false;
	g_autofree char *name = compose_spec_image(project, service->key, service->value);
	g_autoptr(Image) image = image_lookup(engine_store(engine), name, NULL);
	return !image;
}

/* Will a registry be asked? */
static bool may_pull(Engine *engine, const char *name, PullPolicy policy)
{
	if (policy == PULL_NEVER || policy == PULL_ALWAYS)
		return policy == PULL_ALWAYS;
	g_autoptr(Image) known = image_lookup(engine_store(engine), name, NULL);
	return !known || policy != PULL_MISSING;
}

/* Was the registry asked for this image less than @age ago? */
static bool is_fresh(Engine *engine, const char *name, int64_t age)
{
	g_autoptr(Image) image = image_lookup(engine_store(engine), name, NULL);
	int64_t checked = image ? image_checked(engine_store(engine), image) : 0;
	return checked && units_now() - checked < age;
}

Image *compose_image_acquire(Engine *engine, const ComposeProject *project,
			     const NodeEntry *service, const ComposeImages *how, int *out_status,
			     GError **error)
{
	g_autofree char *name = compose_spec_image(project, service->key, service->value);
	const char *policy = node_string(service->value, "pull_policy");
	bool can_build = node_get(service->value, "build") != NULL && !how->no_build;
	bool named = node_string(service->value, "image") != NULL;
	AcquireOptions acquire = {
		.policy = PULL_MISSING,
		.platform = service_platform(project, service->value),
		.quiet = how->quiet_pull || compose_progress_is_quiet(),
	};
	if (how->built && g_hash_table_contains(how->built, service->key))
		return image_resolve(engine_store(engine), name, error);
	if (can_build && (how->build || g_strcmp0(policy, "build") == 0))
		return build_image(engine, project, service, how, out_status, error);
	int64_t age = 0;
	bool aged = policy && canonical_pull_age(policy, &age);
	if (aged && !is_fresh(engine, name, age))
		acquire.policy = PULL_ALWAYS;
	else if (policy && !aged && strcmp(policy, "build") != 0 &&
		 !pull_policy_parse(policy, &acquire.policy, error))
		return NULL;
	if (how->pull)
		acquire.policy = *how->pull;
	/* What can be built is asked of no registry unless the file or the user says so. */
	if (node_get(service->value, "build") && (!named || !(policy || how->pull)))
		acquire.policy = PULL_NEVER;
	g_autoptr(GError) failed = NULL;
	bool pulls = may_pull(engine, name, acquire.policy);
	if (pulls)
		compose_report("Image", name, "Pulling");
	if (pulls)
		compose_progress_hide();
	Image *image = image_acquire(engine, name, &acquire, out_status, &failed);
	if (pulls && (image || !can_build))
		compose_report("Image", name, image ? "Pulled" : "Error");
	if (image && aged && acquire.policy == PULL_ALWAYS &&
	    !image_mark_checked(engine_store(engine), image, &failed))
		log_debug("%s", failed->message);
	if (image)
		return image;
	if (can_build)
		return build_image(engine, project, service, how, out_status, error);
	if (failed)
		g_propagate_error(error, g_steal_pointer(&failed));
	return NULL;
}
