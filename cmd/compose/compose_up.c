/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_up.h"

#include <string.h>

#include "cmd/compose/compose_gate.h"
#include "cmd/compose/compose_hooks.h"
#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_resources.h"
#include "cmd/compose/compose_spec.h"
#include "cmd/compose/compose_starts.h"
#include "cmd/compose/compose_state.h"
#include "cmd/compose/project_output.h"
#include "cmd/compose/service_words.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/spec_resolve.h"

/* One up on its way. */
typedef struct {
	Engine *engine;
	ComposeProject *project;
	const ComposeUp *options;
	GPtrArray *state;      /* of ComposeContainer, as it was */
	GHashTable *images;    /* name of a service -> Image */
	GHashTable *recreated; /* names of services */
	GPtrArray *replaced;   /* of Replacement: those whose old container is still there */
	ComposeStarts *starts;
	GPtrArray *stopped; /* ids of containers that were stopped for their networks */
	bool *changed;      /* a container is not as @state has it any more */
	bool remove_orphans, ignore_orphans;
	int *status;
} Up;

/* A new container beside the one that it replaces. */
typedef struct {
	const NodeEntry *service;
	Container *made, *old; /* @old is borrowed */
	char *name;
} Replacement;

static void replacement_free(void *data)
{
	Replacement *item = data;
	container_free(item->made);
	g_free(item->name);
	g_free(item);
}

static void free_image(void *image)
{
	image_free(image);
}

static void up_clear(Up *up)
{
	g_clear_pointer(&up->state, g_ptr_array_unref);
	g_clear_pointer(&up->images, g_hash_table_unref);
	g_clear_pointer(&up->recreated, g_hash_table_unref);
	g_clear_pointer(&up->replaced, g_ptr_array_unref);
	g_clear_pointer(&up->starts, compose_starts_free);
	g_clear_pointer(&up->stopped, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Up, up_clear)

/* Is this service to be brought up, or only looked at? */
static bool is_wanted(const Up *up, const char *service)
{
	const char *const *named = up->options->services;
	if (g_strcmp0(up->options->without, service) == 0)
		return false;
	return !up->options->no_deps || !named || !named[0] || g_strv_contains(named, service);
}

static bool remove_container(const Up *up, Container *ctr, GError **error)
{
	g_autofree char *name = g_strdup(container_summary(ctr)->name);
	const ContainerRemove remove = {
		.force = true,
		.timeout_s = up->options->stop_timeout_s,
		.keep_dependents = true,
	};
	compose_report("Container", name, compose_is_dry_run() ? "Remove" : "Removing");
	if (compose_is_dry_run())
		return true;
	*up->changed = true;
	if (!container_remove(ctr, &remove, error))
		return false;
	compose_report("Container", name, "Removed");
	return true;
}

/* The record of one container, with its image looked at. */
static Container *create_container(const Up *up, const NodeEntry *service, int number,
				   Container *old, GError **error)
{
	g_autofree char *hash = project_service_hash(service->value);
	const Image *image = g_hash_table_lookup(up->images, service->key);
	const ComposeSpec make = {
		.engine = up->engine,
		.project = up->project,
		.name = service->key,
		.service = service->value,
		.number = number,
		.hash = hash,
		.old = up->options->renew_volumes ? NULL : old,
	};
	g_autoptr(ContainerSpec) spec = compose_spec_build(&make, error);
	if (!spec)
		return NULL;
	if (old) {
		char *name = g_strdup_printf("%.12s_%s", container_summary(old)->id, spec->name);
		g_free(spec->name);
		spec->name = name;
		spec->replace = true;
		g_hash_table_insert(spec->labels, g_strdup(LABEL_REPLACE),
				    g_strdup(container_summary(old)->id));
	}
	g_hash_table_insert(spec->labels, g_strdup(LABEL_IMAGE),
			    g_strdup_printf("sha256:%s", image->id));
	if (!spec_check(spec, error) || !spec_resolve(up->engine, spec, image, error)) {
		g_prefix_error(error, "services.%s: ", service->key);
		return NULL;
	}
	*up->changed = true;
	return container_create(up->engine, spec, error);
}

/* A dry run's start of what is not there. */
static void plan_start(const Up *up, const char *name)
{
	if (!up->options->no_start)
		compose_report("Container", name, "Start");
}

/* What fails there is told, and stops nothing. */
static void run_pre_stop(const Up *up, const NodeEntry *service, Container *ctr)
{
	g_autoptr(GError) failed = NULL;
	if (compose_state_runs(ctr) &&
	    !compose_hooks_run(up->engine, ctr, service, "pre_stop", &failed))
		log_warn("%s", failed->message);
}

/* Make the container that takes the place of @old: it is complete before the old one goes. */
static bool replace_container(const Up *up, const NodeEntry *service, int number, Container *old,
			      GError **error)
{
	const char *said = node_string(service->value, "container_name");
	compose_report("Container", container_summary(old)->name, "Recreate");
	if (compose_is_dry_run()) {
		plan_start(up, container_summary(old)->name);
		return true;
	}
	Container *made = create_container(up, service, number, old, error);
	if (!made)
		return false;
	Replacement *item = g_new0(Replacement, 1);
	item->service = service;
	item->made = made;
	item->old = old;
	item->name = said ? g_strdup(said)
			  : g_strdup_printf("%s-%s-%d", up->project->name, service->key, number);
	g_ptr_array_add(up->replaced, item);
	g_hash_table_add(up->recreated, service->key);
	return true;
}

/* The old ones go: all are told to stop before the first is waited for. */
static bool finish_replacements(const Up *up, GError **error)
{
	const int timeout_s = up->options->stop_timeout_s;
	const ContainerStop stop = {.timeout_s = timeout_s, .removing = true};
	const ContainerRemove remove = {
		.force = true,
		.timeout_s = timeout_s,
		.keep_dependents = true,
	};
	for (guint i = 0; i < up->replaced->len; i++) {
		const Replacement *item = up->replaced->pdata[i];
		run_pre_stop(up, item->service, item->old);
	}
	for (guint i = 0; i < up->replaced->len; i++)
		container_stop_begin(((Replacement *)up->replaced->pdata[i])->old, &stop);
	for (guint i = 0; i < up->replaced->len; i++) {
		Replacement *item = up->replaced->pdata[i];
		if (!container_remove(item->old, &remove, error) ||
		    !container_rename(item->made, item->name, error))
			return false;
		compose_report("Container", item->name, "Recreated");
	}
	g_ptr_array_set_size(up->replaced, 0);
	return true;
}

/* Does the service name other containers of the project by what they are called? */
static bool shares(const Node *service)
{
	static const char *const keys[] = {"network_mode", "ipc", "pid", "uts", "cgroup", NULL};
	for (size_t i = 0; keys[i]; i++)
		if (node_get(service, keys[i]))
			return true;
	return node_count(node_get(service, "volumes_from")) > 0;
}

/* Did a container whose namespaces or volumes the service uses go? */
static bool parent_went(const Up *up, const Node *service)
{
	static const char *const shared[] = {"network_mode", "ipc", "pid", "uts", "cgroup", NULL};
	const Node *from = node_get(service, "volumes_from");
	for (size_t i = 0; shared[i]; i++) {
		const char *text = node_string(service, shared[i]);
		if (text && g_str_has_prefix(text, "service:") &&
		    g_hash_table_contains(up->recreated, text + strlen("service:")))
			return true;
	}
	for (size_t i = 0; i < node_count(from); i++) {
		const char *text = node_item(from, i)->text;
		g_autofree char *name = g_strndup(text, strcspn(text, ":"));
		if (g_hash_table_contains(up->recreated, name))
			return true;
	}
	return false;
}

/* Did one go earlier, in an up of other services? */
static bool parent_is_gone(const Up *up, const Container *ctr)
{
	char **ids = container_summary(ctr)->depends;
	for (size_t i = 0; ids && ids[i]; i++) {
		g_autoptr(Container) parent = container_lookup(up->engine, ids[i], NULL);
		if (!parent)
			return true;
	}
	return false;
}

/* --force-recreate means all; --always-recreate-deps those that were not named. */
static bool is_forced(const Up *up, const char *service)
{
	const char *const *named = up->options->services;
	return up->options->force_recreate || (up->options->recreate_deps && named && named[0] &&
					       !g_strv_contains(named, service));
}

static bool differs(const Up *up, const NodeEntry *service, const ComposeContainer *item,
		    const char *hash)
{
	const Image *image = g_hash_table_lookup(up->images, service->key);
	if (up->options->no_recreate)
		return false;
	const ComposeSpec make = {
		.engine = up->engine,
		.project = up->project,
		.name = service->key,
		.service = service->value,
		.number = item->number,
	};
	return is_forced(up, service->key) || !image || strcmp(item->hash, hash) != 0 ||
	       compose_spec_drifted(&make, item->ctr) ||
	       g_strcmp0(container_summary(item->ctr)->image_id, image->id) != 0 ||
	       parent_went(up, service->value) || parent_is_gone(up, item->ctr);
}

/* A recreation that was cut off left the new container under a name with the old one's id. */
static bool finish_replacement(const Up *up, const NodeEntry *service, ComposeContainer *item,
			       GError **error)
{
	const char *old = compose_state_label(item->ctr, LABEL_REPLACE);
	g_autofree char *name = g_strdup(container_summary(item->ctr)->name);
	const char *said = node_string(service->value, "container_name");
	g_autofree char *right =
		said ? g_strdup(said)
		     : g_strdup_printf("%s-%s-%d", up->project->name, service->key, item->number);
	if (!*old || strcmp(name, right) == 0 || compose_is_dry_run())
		return true;
	g_autoptr(Container) holder = container_lookup(up->engine, right, NULL);
	/* The old one is still there: the new one was never used. A rename that was cut off may
	 * have given it both names. */
	if (holder &&
	    strcmp(container_summary(holder)->id, container_summary(item->ctr)->id) != 0) {
		item->number = 0;
		return remove_container(up, item->ctr, error);
	}
	*up->changed = true;
	return container_rename(item->ctr, right, error);
}

/* Scale down first: the obsolete ones go, then the highest numbers. */
static bool scale_down(const Up *up, const NodeEntry *service, GPtrArray *own, size_t wanted,
		       const char *hash, GError **error)
{
	for (int pass = 0; pass < 2; pass++) {
		for (guint i = own->len; i-- > 0 && own->len > wanted;) {
			ComposeContainer *item = own->pdata[i];
			if (pass == 0 && !differs(up, service, item, hash))
				continue;
			run_pre_stop(up, service, item->ctr);
			if (!remove_container(up, item->ctr, error))
				return false;
			g_ptr_array_remove_index(own, i);
		}
	}
	return true;
}

/* The containers of a service as they should be, none of them started. */
static bool converge(const Up *up, const NodeEntry *service, GError **error)
{
	const char *const names[] = {service->key, NULL};
	g_autoptr(GPtrArray) own = compose_state_select(up->state, names, false);
	g_autofree char *hash = project_service_hash(service->value);
	size_t wanted = (size_t)compose_spec_scale(service->value);
	int last = 0;
	for (guint i = own->len; i-- > 0;) {
		ComposeContainer *item = own->pdata[i];
		if (!finish_replacement(up, service, item, error))
			return false;
		if (item->number == 0)
			g_ptr_array_remove_index(own, i);
	}
	if ((shares(service->value) && !finish_replacements(up, error)) ||
	    !scale_down(up, service, own, wanted, hash, error))
		return false;
	for (guint i = 0; i < own->len; i++) {
		const ComposeContainer *item = own->pdata[i];
		last = MAX(last, item->number);
		if (differs(up, service, item, hash) &&
		    !replace_container(up, service, item->number, item->ctr, error))
			return false;
	}
	for (size_t n = own->len; n < wanted; n++) {
		const char *said = node_string(service->value, "container_name");
		g_autofree char *name = said ? g_strdup(said)
					     : g_strdup_printf("%s-%s-%d", up->project->name,
							       service->key, last + 1);
		compose_report("Container", name, compose_is_dry_run() ? "Create" : "Creating");
		if (compose_is_dry_run()) {
			plan_start(up, name);
			last++;
			continue;
		}
		g_autoptr(Container) made = create_container(up, service, ++last, NULL, error);
		if (!made)
			return false;
		compose_report("Container", container_summary(made)->name, "Created");
	}
	return true;
}

/* Dependents that ask for it are restarted when what they depend on was replaced. */
static bool restart_wanted(const Up *up, const Node *service)
{
	const Node *others = node_get(service, "depends_on");
	for (size_t i = 0; i < node_count(others); i++) {
		const NodeEntry *entry = node_entry(others, i);
		if (node_true(entry->value, "restart") &&
		    g_hash_table_contains(up->recreated, entry->key))
			return true;
	}
	return false;
}

static bool start_one(const Up *up, const NodeEntry *service, Container *ctr, GError **error)
{
	const char *name = container_summary(ctr)->name;
	if (compose_is_dry_run() && compose_state_runs(ctr)) {
		if (restart_wanted(up, service->value))
			compose_report("Container", name, "Restart");
		return true;
	}
	if (compose_state_runs(ctr) && restart_wanted(up, service->value)) {
		run_pre_stop(up, service, ctr);
		const ContainerStop stop = {.timeout_s = up->options->stop_timeout_s};
		compose_report("Container", name, "Stopping");
		if (!compose_starts_finish(up->starts, NULL, error) ||
		    !container_stop(ctr, &stop, error))
			return false;
	} else if (compose_state_runs(ctr)) {
		compose_report("Container", name, "Running");
		return true;
	}
	if (!compose_starts_add(up->starts, service->key, ctr, error))
		return false;
	if (node_count(node_get(service->value, "post_start")) == 0)
		return true;
	return compose_starts_finish(up->starts, service->key, error) &&
	       compose_hooks_run(up->engine, ctr, service, "post_start", error);
}

/* Start what a service has, once its dependencies are where it wants them. */
static bool start_service(const Up *up, const NodeEntry *service, GError **error)
{
	const char *const names[] = {service->key, NULL};
	const Node *others = node_get(service->value, "depends_on");
	g_autoptr(GPtrArray) own = compose_state_select(up->state, names, false);
	bool all_run = true;
	for (guint i = 0; i < own->len; i++)
		all_run = all_run && compose_state_runs(((ComposeContainer *)own->pdata[i])->ctr);
	for (size_t i = 0; i < node_count(others); i++)
		if (!compose_starts_finish(up->starts, node_entry(others, i)->key, error))
			return false;
	if (own->len > 0 && !all_run && !up->options->no_deps && !compose_is_dry_run() &&
	    !compose_gate_wait(up->engine, up->project, service, error))
		return false;
	for (guint i = 0; i < own->len; i++)
		if (!start_one(up, service, ((ComposeContainer *)own->pdata[i])->ctr, error))
			return false;
	return true;
}

/* Services behind all that they depend on. */
static void add_ordered(const Node *services, const char *name, GPtrArray *order, GHashTable *seen)
{
	NodeEntry *entry = node_get_entry(services, name);
	if (!entry || !g_hash_table_add(seen, entry->key))
		return;
	const Node *others = node_get(entry->value, "depends_on");
	for (size_t i = 0; i < node_count(others); i++)
		add_ordered(services, node_entry(others, i)->key, order, seen);
	g_ptr_array_add(order, entry);
}

static GPtrArray *order_services(const ComposeProject *project)
{
	const Node *services = node_get(project->model, "services");
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *order = g_ptr_array_new();
	for (size_t i = 0; i < node_count(services); i++)
		add_ordered(services, node_entry(services, i)->key, order, seen);
	return order;
}

/* Start all that is wanted; what has begun is waited for also where another failed. */
static bool start_services(Up *up, const GPtrArray *order, GError **error)
{
	bool ok = true;
	up->starts = compose_starts_new(up->project->parallel);
	for (guint i = 0; ok && i < order->len; i++) {
		const NodeEntry *entry = order->pdata[i];
		ok = !is_wanted(up, entry->key) || start_service(up, entry, error);
	}
	return compose_starts_finish(up->starts, NULL, ok ? error : NULL) && ok;
}

/* Refuse what cannot be run before anything is made. */
static bool check_services(const Up *up, const GPtrArray *order, GError **error)
{
	for (guint i = 0; i < order->len; i++) {
		const NodeEntry *entry = order->pdata[i];
		const ComposeSpec make = {
			.engine = up->engine,
			.project = up->project,
			.name = entry->key,
			.service = entry->value,
		};
		if (!is_wanted(up, entry->key))
			continue;
		service_tell_ignored(up->project, entry->key, entry->value);
		if (!compose_spec_check(&make, error))
			return false;
	}
	return compose_resources_check(up->project, error);
}

/* What a dry run says of an image that would be fetched or built. */
static void plan_image(const Up *up, const NodeEntry *service)
{
	bool built = node_get(service->value, "build") != NULL;
	g_autofree char *name = compose_spec_image(up->project, service->key, service->value);
	Image *image = image_lookup(engine_store(up->engine), name, NULL);
	if (built && (!image || up->options->images.build) && !up->options->images.no_build)
		compose_report("Image", name, "Build");
	else if (!image)
		compose_report("Image", name, "Pull");
	if (image)
		g_hash_table_insert(up->images, service->key, image);
}

/* All images that are to be built, before the others are looked for. */
static bool build_images(const Up *up, const GPtrArray *order, GHashTable *built, GError **error)
{
	const ComposeImages *how = &up->options->images;
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	for (guint i = 0; i < order->len; i++) {
		NodeEntry *entry = order->pdata[i];
		if (is_wanted(up, entry->key) &&
		    compose_image_is_to_build(up->engine, up->project, entry, how)) {
			g_ptr_array_add(list, entry);
			g_hash_table_add(built, entry->key);
		}
	}
	return list->len == 0 ||
	       compose_images_build(up->engine, up->project, list, how, up->status, error);
}

static bool acquire_images(const Up *up, const GPtrArray *order, GError **error)
{
	g_autoptr(GHashTable) built = g_hash_table_new(g_str_hash, g_str_equal);
	ComposeImages how = up->options->images;
	how.built = built;
	if (!compose_is_dry_run() && !build_images(up, order, built, error))
		return false;
	for (guint i = 0; i < order->len; i++) {
		const NodeEntry *entry = order->pdata[i];
		if (!is_wanted(up, entry->key))
			continue;
		if (compose_is_dry_run()) {
			plan_image(up, entry);
			continue;
		}
		Image *image = compose_image_acquire(up->engine, up->project, entry, &how,
						     up->status, error);
		if (!image)
			return false;
		g_hash_table_insert(up->images, entry->key, image);
	}
	return true;
}

/* Does it belong to a service that the files do not have any more, or did "run" leave it? */
static bool is_orphan(const ComposeProject *project, const ComposeContainer *item)
{
	if (item->oneoff)
		return container_summary(item->ctr)->state == CONTAINER_EXITED;
	return !node_get(node_get(project->model, "services"), item->service) &&
	       !node_get(project->disabled, item->service) &&
	       !node_get(project->unselected, item->service);
}

/* What to do with them: --remove-orphans and both variables. */
static bool read_orphans(Up *up, GError **error)
{
	const Environment *env = up->project->env;
	up->ignore_orphans = environment_is_true(env, "COMPOSE_IGNORE_ORPHANS");
	up->remove_orphans =
		up->options->remove_orphans || environment_is_true(env, "COMPOSE_REMOVE_ORPHANS");
	return !up->ignore_orphans || !up->remove_orphans ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans");
}

/* Told of or removed, whatever services were named. */
static bool care_for_orphans(const Up *up, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);
	for (guint i = 0; i < up->state->len; i++) {
		const ComposeContainer *item = up->state->pdata[i];
		if (!is_orphan(up->project, item))
			continue;
		if (!up->remove_orphans)
			g_string_append_printf(names, "%s%s", names->len ? " " : "",
					       container_summary(item->ctr)->name);
		else if (!remove_container(up, item->ctr, error))
			return false;
	}
	if (names->len > 0 && !up->ignore_orphans)
		log_warn("found orphan containers ([%s]) for this project. If you removed or "
			 "renamed this service in your compose file, you can run this command with "
			 "the --remove-orphans flag to clean it up.",
			 names->str);
	return true;
}

/* What does not come up is docker compose's exit code 1. */
static bool wait_all(const Up *up)
{
	g_autoptr(GError) failed = NULL;
	if (compose_gate_wait_all(up->engine, up->project, NULL, up->options->wait_timeout_s,
				  &failed))
		return true;
	output_error(failed);
	*up->status = 1;
	return false;
}

/* Networks and volumes, then what there is of the project: some of it may have been stopped or
 * removed for them. */
static bool ensure_resources(Up *up, GError **error)
{
	up->stopped = g_ptr_array_new_with_free_func(g_free);
	const ComposeDrift drift = {
		.recreate = !up->options->without,
		.yes = up->options->yes,
		.stop_timeout_s = up->options->stop_timeout_s,
		.stopped = up->stopped,
	};
	if (!compose_networks_ensure(up->engine, up->project, &drift, error) ||
	    !compose_volumes_ensure(up->engine, up->project, &drift, error))
		return false;
	up->state = compose_state_list(up->engine, up->project->name, error);
	return up->state != NULL;
}

/* What was stopped for a network and is nobody's that was asked for. */
static bool start_stopped(const Up *up, GError **error)
{
	const Node *services = node_get(up->project->model, "services");
	for (guint i = 0; i < up->stopped->len; i++) {
		g_autoptr(Container) ctr =
			container_lookup(up->engine, up->stopped->pdata[i], NULL);
		if (!ctr || compose_state_runs(ctr))
			continue;
		if (!container_start(ctr, &(ContainerStart){.detached = true}, NULL, error))
			return false;
		compose_report("Container", container_summary(ctr)->name, "Started");
		const NodeEntry *service =
			node_get_entry(services, compose_state_label(ctr, LABEL_SERVICE));
		if (!compose_hooks_run(up->engine, ctr, service, "post_start", error))
			return false;
	}
	return true;
}

static bool run(Up *up, GError **error)
{
	g_autoptr(GPtrArray) order = order_services(up->project);
	if (!read_orphans(up, error) || !check_services(up, order, error) ||
	    !acquire_images(up, order, error) || !ensure_resources(up, error) ||
	    !care_for_orphans(up, error))
		return false;
	for (guint i = 0; i < order->len; i++) {
		const NodeEntry *entry = order->pdata[i];
		if (is_wanted(up, entry->key) && !converge(up, entry, error))
			return false;
	}
	if (!finish_replacements(up, error))
		return false;
	/* Nothing new is started; what ran before and still is what is wanted goes on. */
	if (up->options->no_start)
		return start_stopped(up, error);
	/* What runs and what does not, now that nothing is made any more. */
	if (*up->changed) {
		g_ptr_array_unref(up->state);
		up->state = compose_state_list(up->engine, up->project->name, error);
	}
	if (!up->state || !start_services(up, order, error) || !start_stopped(up, error))
		return false;
	return !up->options->wait || compose_is_dry_run() || wait_all(up);
}

bool compose_up(Engine *engine, ComposeProject *project, const ComposeUp *options, int *out_status,
		GError **error)
{
	bool changed = false;
	g_auto(Up) up = {
		.engine = engine,
		.project = project,
		.options = options,
		.changed = &changed,
		.status = out_status,
	};
	up.images = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_image);
	up.recreated = g_hash_table_new(g_str_hash, g_str_equal);
	up.replaced = g_ptr_array_new_with_free_func(replacement_free);
	bool ok = run(&up, error);
	/* A network that could not be made anew is there as it was. */
	if (!ok && up.stopped)
		(void)start_stopped(&up, NULL);
	/* What comes next may write to the terminal itself: attach, run, watch. */
	compose_progress_end();
	return ok;
}

bool compose_start(Engine *engine, ComposeProject *project, const char *const *services,
		   GError **error)
{
	const ComposeUp options = {.stop_timeout_s = -1};
	g_autoptr(GPtrArray) order = order_services(project);
	g_auto(Up) up = {.engine = engine, .project = project, .options = &options};
	for (guint i = order->len; services && services[0] && i-- > 0;)
		if (!g_strv_contains(services, ((NodeEntry *)order->pdata[i])->key))
			g_ptr_array_remove_index(order, i);
	up.recreated = g_hash_table_new(g_str_hash, g_str_equal);
	up.state = compose_state_list(engine, project->name, error);
	return up.state && start_services(&up, order, error);
}
