/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/project_check.h"

#include <stdlib.h>
#include <string.h>

/* One service and where it is. */
typedef struct {
	const Node *model, *services, *service;
	const char *name;
	Place at;
} Checked;

static const Node *inner(const Node *node, const char *a, const char *b, const char *c)
{
	node = node_get(node, a);
	node = b ? node_get(node, b) : node;
	return c ? node_get(node, c) : node;
}

/* Where a key of the service stands; the service itself if it has none. */
static Place place_of(const Checked *c, const char *key)
{
	const NodeEntry *entry = node_get_entry(c->service, key);
	return entry && entry->at.file ? entry->at : c->at;
}

static bool check_source(const Checked *c, GError **error)
{
	const Node *build = node_get(c->service, "build");
	const Node *platforms = node_get(build, "platforms");
	const char *platform = node_string(c->service, "platform");
	if (!build && !node_string(c->service, "image") && !node_get(c->service, "image") &&
	    !node_get(c->service, "provider"))
		return place_error(error, c->at,
				   "service \"%s\" has neither an image nor a build context "
				   "specified",
				   c->name);
	if (node_get(build, "dockerfile") && node_get(build, "dockerfile_inline"))
		return place_error(error, place_of(c, "build"),
				   "service \"%s\" declares mutually exclusive dockerfile and "
				   "dockerfile_inline",
				   c->name);
	bool found = !platform || node_count(platforms) == 0;
	for (size_t i = 0; !found && i < node_count(platforms); i++)
		found = strcmp(node_item(platforms, i)->text, platform) == 0;
	return found || place_error(error, place_of(c, "build"),
				    "services.%s.build.platforms MUST include service.platform "
				    "\"%s\"",
				    c->name, platform);
}

static bool check_networks(const Checked *c, GError **error)
{
	const Node *networks = node_get(c->service, "networks");
	if (node_get(c->service, "network_mode") && node_count(networks) > 0)
		return place_error(error, place_of(c, "network_mode"),
				   "service %s declares mutually exclusive `network_mode` and "
				   "`networks`",
				   c->name);
	for (size_t i = 0; i < node_count(networks); i++) {
		const NodeEntry *entry = node_entry(networks, i);
		if (!node_get_entry(node_get(c->model, "networks"), entry->key))
			return place_error(error, entry->at,
					   "service \"%s\" refers to undefined network %s", c->name,
					   entry->key);
	}
	return true;
}

static bool check_dependencies(const Checked *c, GError **error)
{
	static const char *const conditions[] = {"service_started", "service_healthy",
						 "service_completed_successfully", NULL};
	const Node *others = node_get(c->service, "depends_on");
	for (size_t i = 0; i < node_count(others); i++) {
		const NodeEntry *entry = node_entry(others, i);
		const char *condition = node_string(entry->value, "condition");
		Place at = entry->at.file ? entry->at : c->at;
		if (!node_get_entry(c->services, entry->key))
			return place_error(error, at,
					   "service \"%s\" depends on undefined service \"%s\"",
					   c->name, entry->key);
		if (!condition)
			return place_error(error, at,
					   "services.%s.depends_on.%s: condition is required",
					   c->name, entry->key);
		if (!g_strv_contains(conditions, condition))
			return place_error(error, at,
					   "services.%s.depends_on.%s: unknown condition '%s'",
					   c->name, entry->key, condition);
	}
	return true;
}

/* References of the form service:NAME. */
static bool check_shared(const Checked *c, GError **error)
{
	static const char *const keys[] = {"network_mode", "ipc", "pid", "uts", "cgroup", NULL};
	for (size_t i = 0; keys[i]; i++) {
		const char *text = node_string(c->service, keys[i]);
		if (!text || !g_str_has_prefix(text, "service:"))
			continue;
		const char *other = text + strlen("service:");
		if (!node_get_entry(c->services, other))
			return place_error(error, place_of(c, keys[i]),
					   "service \"%s\" not found for %s 'service:%s'", other,
					   keys[i], other);
	}
	return true;
}

static bool check_volumes(const Checked *c, GError **error)
{
	const Node *volumes = node_get(c->service, "volumes");
	for (size_t i = 0; i < node_count(volumes); i++) {
		const Node *mount = node_item(volumes, i);
		const char *type = node_string(mount, "type"),
			   *source = node_string(mount, "source");
		if (mount->kind != NODE_MAP)
			continue;
		if (!type || !node_get(mount, "target"))
			return place_error(error, mount->at,
					   "services.%s.volumes[%zu]: %s is "
					   "required",
					   c->name, i, type ? "target" : "type");
		if (strcmp(type, "volume") == 0 && source && *source &&
		    !node_get_entry(node_get(c->model, "volumes"), source))
			return place_error(error, mount->at,
					   "service \"%s\" refers to undefined volume %s", c->name,
					   source);
	}
	return true;
}

/* Where what stands in a list is mounted, without the options of a short form. */
static char *target_of(const Node *item, const char *directory)
{
	const char *text = item->kind == NODE_MAP ? node_string(item, "target") : item->text;
	if (!text && item->kind == NODE_MAP)
		text = node_string(item, "source");
	if (!text)
		return NULL;
	g_autofree char *path =
		item->kind == NODE_MAP ? g_strdup(text) : g_strndup(text, strcspn(text, ":"));
	return g_canonicalize_filename(path, directory);
}

/* Two things at one place: nobody would see the first one. */
static bool check_targets(const Checked *c, GError **error)
{
	static const struct {
		const char *key, *directory;
	} lists[] = {
		{"volumes", "/"}, {"tmpfs", "/"}, {"configs", "/"}, {"secrets", "/run/secrets"}};
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
		const Node *list = node_get(c->service, lists[l].key);
		for (size_t i = 0; node_is(list, NODE_LIST) && i < node_count(list); i++) {
			const Node *item = node_item(list, i);
			char *target = target_of(item, lists[l].directory);
			const char *other = target ? g_hash_table_lookup(seen, target) : NULL;
			if (other) {
				place_error(error, item->at,
					    "services.%s.%s[%zu]: target %s already mounted as %s",
					    c->name, lists[l].key, i, target, other);
				g_free(target);
				return false;
			}
			if (target)
				g_hash_table_insert(seen, target,
						    g_strdup_printf("services.%s.%s[%zu]", c->name,
								    lists[l].key, i));
		}
	}
	return true;
}

/* Configs and secrets of a service or of its build. */
static bool check_references(const Checked *c, const Node *list, const char *kind, const char *what,
			     GError **error)
{
	for (size_t i = 0; node_is(list, NODE_LIST) && i < node_count(list); i++) {
		const Node *item = node_item(list, i);
		const char *source = node_string(item, "source");
		if (source && !node_get_entry(node_get(c->model, kind), source))
			return place_error(error, item->at,
					   "service \"%s\" refers to undefined %s %s", c->name,
					   what, source);
	}
	return true;
}

static bool check_models(const Checked *c, GError **error)
{
	const Node *models = node_get(c->service, "models");
	for (size_t i = 0; i < node_count(models); i++) {
		bool map = models->kind == NODE_MAP;
		const char *name = map ? node_entry(models, i)->key : node_item(models, i)->text;
		if (name && !node_get_entry(node_get(c->model, "models"), name))
			return place_error(error, place_of(c, "models"),
					   "service \"%s\" refers to undefined model %s", c->name,
					   name);
	}
	return true;
}

static bool same_number(const Node *a, const Node *b)
{
	g_autofree char *x = node_scalar_text(a), *y = node_scalar_text(b);
	return g_strcmp0(x, y) == 0 ||
	       (x && y && g_ascii_strtod(x, NULL) == g_ascii_strtod(y, NULL));
}

/* What can be said twice must be said alike. */
static bool check_deploy(const Checked *c, GError **error)
{
	static const struct {
		const char *key, *a, *b, *c;
	} pairs[] = {
		{"scale", "replicas", NULL, NULL},
		{"cpus", "resources", "limits", "cpus"},
		{"mem_limit", "resources", "limits", "memory"},
		{"mem_reservation", "resources", "reservations", "memory"},
		{"pids_limit", "resources", "limits", "pids"},
	};
	const Node *deploy = node_get(c->service, "deploy");
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		const Node *own = node_get(c->service, pairs[i].key);
		const Node *other = inner(deploy, pairs[i].a, pairs[i].b, pairs[i].c);
		if (!own || !other || own->kind == NODE_NULL || other->kind == NODE_NULL ||
		    same_number(own, other))
			continue;
		return place_error(error, place_of(c, pairs[i].key),
				   "services.%s: can't set distinct values on '%s' and "
				   "'deploy.%s%s%s%s%s'",
				   c->name, pairs[i].key, pairs[i].a, pairs[i].b ? "." : "",
				   pairs[i].b ? pairs[i].b : "", pairs[i].c ? "." : "",
				   pairs[i].c ? pairs[i].c : "");
	}
	return true;
}

/* @path: of the list, below the service. @whole: capabilities must be said. */
static bool check_device_list(const Checked *c, const Node *list, const char *path, bool whole,
			      GError **error)
{
	for (size_t i = 0; node_is(list, NODE_LIST) && i < node_count(list); i++) {
		const Node *device = node_item(list, i);
		if (node_get(device, "count") && node_get(device, "device_ids"))
			return place_error(error, device->at,
					   "services.%s.%s[%zu]: \"count\" and \"device_ids\" "
					   "attributes are exclusive",
					   c->name, path, i);
		if (whole && node_count(node_get(device, "capabilities")) == 0)
			return place_error(error, device->at,
					   "services.%s.%s[%zu]: capabilities is required", c->name,
					   path, i);
	}
	return true;
}

static bool check_devices(const Checked *c, GError **error)
{
	const Node *kept = inner(node_get(c->service, "deploy"), "resources", "reservations", NULL);
	return check_device_list(c, node_get(kept, "devices"),
				 "deploy.resources.reservations.devices", true, error) &&
	       check_device_list(c, node_get(c->service, "gpus"), "gpus", false, error);
}

static bool check_scale(const Checked *c, GError **error)
{
	const char *name = node_string(c->service, "container_name");
	const Node *scale = node_get(c->service, "scale");
	const Node *replicas = inner(c->service, "deploy", "replicas", NULL);
	int64_t n = node_is(scale, NODE_INT)      ? scale->integer
		    : node_is(replicas, NODE_INT) ? replicas->integer
						  : 1;
	if (n < 0)
		return place_error(error, c->at, "services.%s: scale must not be negative",
				   c->name);
	if (!name || n <= 1)
		return true;
	return place_error(error, place_of(c, "container_name"),
			   "services.%s: can't set container_name and %s as container name must be "
			   "unique",
			   c->name, scale ? "scale" : "deploy.replicas");
}

static bool check_labels(const Checked *c, GError **error)
{
	const Node *labels = node_get(c->service, "labels");
	for (size_t i = 0; i < node_count(labels); i++) {
		const NodeEntry *entry = node_entry(labels, i);
		if (g_str_has_prefix(entry->key, "com.docker.compose."))
			return place_error(error, entry->at,
					   "services.%s.labels: \"%s\": the prefix "
					   "com.docker.compose is reserved",
					   c->name, entry->key);
	}
	return true;
}

static bool check_watch(const Checked *c, GError **error)
{
	const Node *watch = inner(c->service, "develop", "watch", NULL);
	for (size_t i = 0; i < node_count(watch); i++) {
		const Node *rule = node_item(watch, i);
		const char *action = node_string(rule, "action");
		bool needs = action && g_str_has_prefix(action, "sync");
		if (needs && !node_get(rule, "target"))
			return place_error(error, rule->at,
					   "services.%s.develop.watch: target is required for "
					   "non-rebuild actions",
					   c->name);
	}
	return true;
}

static bool check_service(const Checked *c, GError **error)
{
	const Node *build = node_get(c->service, "build");
	return check_source(c, error) && check_networks(c, error) && check_dependencies(c, error) &&
	       check_shared(c, error) && check_volumes(c, error) && check_targets(c, error) &&
	       check_references(c, node_get(build, "secrets"), "secrets", "build secret", error) &&
	       check_references(c, node_get(c->service, "configs"), "configs", "config", error) &&
	       check_references(c, node_get(c->service, "secrets"), "secrets", "secret", error) &&
	       check_models(c, error) && check_deploy(c, error) && check_devices(c, error) &&
	       check_scale(c, error) && check_labels(c, error) && check_watch(c, error);
}

/* External ones are somebody else's: nothing can be said of them but their name. */
static bool check_external(const ComposeProject *project, const char *kind, GError **error)
{
	const Node *map = node_get(project->model, kind);
	for (size_t i = 0; i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		for (size_t k = 0;
		     node_true(entry->value, "external") && k < node_count(entry->value); k++) {
			const NodeEntry *key = node_entry(entry->value, k);
			if (strcmp(key->key, "external") == 0 || strcmp(key->key, "name") == 0 ||
			    strcmp(key->key, "ipam") == 0 || g_str_has_prefix(key->key, "x-"))
				continue;
			return place_error(error, key->at,
					   "%s.%s: conflicting parameters \"external\" and \"%s\" "
					   "specified",
					   kind, entry->key, key->key);
		}
	}
	return true;
}

/* A secret or config comes from exactly one place. */
static bool check_file_objects(const ComposeProject *project, const char *kind, const char *what,
			       GError **error)
{
	static const char *const sources[] = {"file", "environment", "content", NULL};
	const Node *map = node_get(project->model, kind);
	bool config = strcmp(kind, "configs") == 0;
	for (size_t i = 0; i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		size_t n = 0;
		for (size_t s = 0; sources[s]; s++)
			n += node_get(entry->value, sources[s]) != NULL;
		if (!config && node_get(entry->value, "content"))
			return place_error(error, entry->at, "secrets.%s: unknown key 'content'",
					   entry->key);
		if (node_true(entry->value, "external") || node_get(entry->value, "driver"))
			continue;
		if (n != 1)
			return place_error(error, entry->at, "%s \"%s\": %s%s must be set", what,
					   entry->key, n > 1 ? "only one of " : "one of ",
					   config ? "file|content|environment"
						  : "file|environment");
	}
	return true;
}

typedef enum {
	VISIT_NONE,
	VISIT_OPEN,
	VISIT_DONE,
} Visit;

/* Follow the dependencies of a service; @chain holds those that are open. */
static bool visit(const Node *services, const char *name, GHashTable *visits, GPtrArray *chain,
		  GError **error)
{
	Visit state = GPOINTER_TO_INT(g_hash_table_lookup(visits, name));
	const NodeEntry *service = node_get_entry(services, name);
	const Node *others = node_get(service->value, "depends_on");
	if (state == VISIT_DONE)
		return true;
	g_ptr_array_add(chain, (void *)name);
	if (state == VISIT_OPEN) {
		guint from = 0;
		while (strcmp(chain->pdata[from], name) != 0)
			from++;
		g_autoptr(GString) text = g_string_new(chain->pdata[from]);
		for (guint i = from + 1; i < chain->len; i++)
			g_string_append_printf(text, " -> %s", (char *)chain->pdata[i]);
		return place_error(error, service->at, "dependency cycle detected: %s", text->str);
	}
	g_hash_table_insert(visits, (void *)name, GINT_TO_POINTER(VISIT_OPEN));
	for (size_t i = 0; i < node_count(others); i++)
		if (!visit(services, node_entry(others, i)->key, visits, chain, error))
			return false;
	g_ptr_array_set_size(chain, (int)chain->len - 1);
	g_hash_table_insert(visits, (void *)name, GINT_TO_POINTER(VISIT_DONE));
	return true;
}

static bool check_cycles(const Node *services, GError **error)
{
	g_autoptr(GHashTable) visits = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) chain = g_ptr_array_new();
	for (size_t i = 0; i < node_count(services); i++)
		if (!visit(services, node_entry(services, i)->key, visits, chain, error))
			return false;
	return true;
}

bool project_check(const ComposeProject *project, GError **error)
{
	static const char *const kinds[] = {"networks", "volumes", "secrets", "configs", NULL};
	const Node *services = node_get(project->model, "services");
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		const Checked checked = {project->model, services, entry->value, entry->key,
					 entry->at};
		if (!check_service(&checked, error))
			return false;
	}
	for (size_t i = 0; kinds[i]; i++)
		if (!check_external(project, kinds[i], error))
			return false;
	return check_file_objects(project, "secrets", "secret", error) &&
	       check_file_objects(project, "configs", "config", error) &&
	       check_cycles(services, error);
}
