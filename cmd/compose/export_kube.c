/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/export_kube.h"

#include <stdarg.h>
#include <string.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/compose/service_words.h"

#define NAME_MAX_LENGTH 63
#define DIGEST_LENGTH   8

/* @digest: end it in one of the whole text, as what is cut does: two stay two. */
static char *make_name(const char *text, bool digest)
{
	GString *name = g_string_new(NULL);
	g_autofree char *whole = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
	for (; *text; text++) {
		bool plain = g_ascii_isalnum(*text);
		if (name->len == 0 && !g_ascii_isalpha(*text))
			g_string_append(name, plain ? "x" : "");
		if (plain)
			g_string_append_c(name, g_ascii_tolower(*text));
		else if (name->len > 0 && name->str[name->len - 1] != '-')
			g_string_append_c(name, '-');
	}
	digest = digest || name->len > NAME_MAX_LENGTH;
	if (digest)
		g_string_truncate(name, MIN(name->len, NAME_MAX_LENGTH - 1 - DIGEST_LENGTH));
	while (name->len > 0 && name->str[name->len - 1] == '-')
		g_string_truncate(name, name->len - 1);
	if (name->len == 0)
		g_string_append(name, "x");
	if (digest)
		g_string_append_printf(name, "-%.*s", DIGEST_LENGTH, whole);
	return g_string_free(name, FALSE);
}

char *kube_name(const char *text)
{
	return make_name(text, false);
}

char *kube_name_beside(const KubePod *pod, const char *suffix, KubeTaken is_taken)
{
	g_autofree char *text = g_strdup_printf("%s-%s", pod->name, suffix);
	g_autofree char *name = kube_name(text);
	return is_taken(pod, name) ? make_name(text, true) : g_steal_pointer(&name);
}

Node *kube_object(Kube *kube, const char *version, const char *kind, const char *name,
		  const char *service)
{
	char *id = g_strdup_printf("%s/%s", kind, name);
	if (!g_hash_table_add(kube->named, id))
		return NULL;
	Node *object = node_new(NODE_MAP, (Place){0});
	node_set_text(object, "apiVersion", version);
	node_set_text(object, "kind", kind);
	Node *metadata = node_ensure(object, "metadata", NODE_MAP);
	node_set_text(metadata, "name", name);
	Node *labels = node_ensure(metadata, "labels", NODE_MAP);
	if (service)
		node_set_text(labels, "app.kubernetes.io/name", service);
	node_set_text(labels, "app.kubernetes.io/part-of", kube->project);
	g_ptr_array_add(kube->objects, object);
	return object;
}

Node *kube_list_add(Node *map, const char *key)
{
	Node *list = node_ensure(map, key, NODE_LIST);
	Node *item = node_new(NODE_MAP, (Place){0});
	node_append(list, item);
	return item;
}

void kube_set_int(Node *map, const char *key, int64_t value)
{
	node_set(map, key, map->at, node_new_int(value, map->at));
}

void kube_set_bool(Node *map, const char *key, bool value)
{
	node_set(map, key, map->at, node_new_bool(value, map->at));
}

void kube_note(KubePod *pod, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *why = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *path = g_strdup_printf("%s.%s", pod->path, key);
	compose_export_note(pod->kube->export, path, "%s", why);
}

static void set_labels(KubePod *pod, Node *map)
{
	node_set_text(map, "app.kubernetes.io/name", pod->name);
	node_set_text(map, "app.kubernetes.io/part-of", pod->kube->project);
}

static bool has_volume(const Node *service)
{
	const Node *volumes = node_get(service, "volumes");
	for (size_t i = 0; i < node_count(volumes); i++)
		if (g_strcmp0(node_string(node_item(volumes, i), "type"), "volume") == 0)
			return true;
	return false;
}

/* What a service becomes. */
static const char *workload_kind(const KubePod *pod)
{
	const Node *service = pod->service->value;
	if (compose_export_is_wanted(pod->kube->export, pod->service->key,
				     "service_completed_successfully"))
		return "Job";
	if (g_strcmp0(node_string(node_get(service, "deploy"), "mode"), "global") == 0)
		return "DaemonSet";
	return has_volume(service) ? "StatefulSet" : "Deployment";
}

/* A job ends; everything else is kept running by Kubernetes. */
static void set_restart(KubePod *pod, Node *spec, bool is_job)
{
	const Node *service = pod->service->value;
	const Node *policy = node_get(node_get(service, "deploy"), "restart_policy");
	ServiceRestart restart = service_restart(service);
	bool failure = restart.kind == SERVICE_RESTART_ON_FAILURE;
	if (is_job) {
		node_set_text(pod->pod, "restartPolicy", failure ? "OnFailure" : "Never");
		kube_set_int(spec, "backoffLimit",
			     !failure                ? 0
			     : restart.attempts >= 0 ? restart.attempts
						     : 6);
	} else if (restart.kind != SERVICE_RESTART_ALWAYS &&
		   (policy || node_get(service, "restart"))) {
		kube_note(pod, policy ? "deploy.restart_policy" : "restart",
			  "pods that ended are always started again");
	}
}

static void add_workload(KubePod *pod)
{
	const char *kind = workload_kind(pod);
	bool is_job = strcmp(kind, "Job") == 0;
	Node *object =
		kube_object(pod->kube, is_job ? "batch/v1" : "apps/v1", kind, pod->name, pod->name);
	Node *spec = node_ensure(object, "spec", NODE_MAP);
	if (strcmp(kind, "StatefulSet") == 0)
		node_set_text(spec, "serviceName", pod->name);
	if (strcmp(kind, "Deployment") == 0 || strcmp(kind, "StatefulSet") == 0)
		kube_set_int(spec, "replicas", compose_spec_scale(pod->service->value));
	if (!is_job)
		set_labels(pod, node_ensure(node_ensure(spec, "selector", NODE_MAP), "matchLabels",
					    NODE_MAP));
	pod->template = node_ensure(spec, "template", NODE_MAP);
	set_labels(pod, node_ensure(node_ensure(pod->template, "metadata", NODE_MAP), "labels",
				    NODE_MAP));
	pod->pod = node_ensure(pod->template, "spec", NODE_MAP);
	set_restart(pod, spec, is_job);
	pod->container = kube_list_add(pod->pod, "containers");
}

/* Everything of one service. */
static bool add_service(Kube *kube, const NodeEntry *service, GError **error)
{
	g_autofree char *path = g_strdup_printf("services.%s", service->key);
	g_autofree char *name = kube_name(service->key);
	KubePod pod = {.kube = kube, .service = service, .path = path, .name = name};
	add_workload(&pod);
	if (!kube_pod_fill(&pod, error))
		return false;
	kube_services(&pod);
	return true;
}

/* Two names of a kind that Kubernetes cannot tell apart would be one object: one of them would get
 * the other's data. */
static bool check_names(const Kube *kube, const char *kind, GError **error)
{
	const Node *map = node_get(kube->export->model, kind);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		char *name = kube_name(entry->key);
		if (!g_hash_table_add(seen, name))
			return place_error(error, entry->at,
					   "%s.%s: another one has the name %s in Kubernetes, too",
					   kind, entry->key, name);
	}
	return true;
}

/* All pods are in one network. */
static void note_networks(Kube *kube)
{
	const Node *networks = node_get(kube->export->model, "networks");
	for (size_t i = 0; i < node_count(networks); i++) {
		const NodeEntry *entry = node_entry(networks, i);
		g_autofree char *path = g_strdup_printf("networks.%s", entry->key);
		if (node_true(entry->value, "internal"))
			compose_export_note(kube->export, path,
					    "pods reach the outside unless a NetworkPolicy forbids "
					    "it");
		else if (node_count(networks) > 1)
			compose_export_note(kube->export, path, "all pods are in one network");
	}
}

static void free_node(void *node)
{
	node_free(node);
}

GPtrArray *export_kube(ComposeExport *export, GError **error)
{
	static const char *const kinds[] = {"services", "volumes", "configs", "secrets", NULL};
	const Node *services = node_get(export->model, "services");
	g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func(free_node);
	g_autoptr(GHashTable) named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *project = kube_name(export->project->name);
	Kube kube = {.export = export, .project = project, .objects = objects, .named = named};
	for (size_t i = 0; kinds[i]; i++)
		if (!check_names(&kube, kinds[i], error))
			return NULL;
	kube_claims(&kube);
	for (size_t i = 0; i < node_count(services); i++)
		if (!add_service(&kube, node_entry(services, i), error))
			return NULL;
	note_networks(&kube);
	return g_steal_pointer(&objects);
}
