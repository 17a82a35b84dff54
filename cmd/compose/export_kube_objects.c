/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands beside the pods: claims, data, Services.
 */
#include <string.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/compose/export_kube.h"
#include "cmd/compose/service_words.h"

/* Compose knows no sizes of volumes. */
#define CLAIM_SIZE "1Gi"

/* How many pods mount a volume, as far as the model says. */
static int count_users(const Kube *kube, const char *volume)
{
	const Node *services = node_get(kube->export->model, "services");
	int users = 0;
	for (size_t i = 0; i < node_count(services); i++) {
		const Node *service = node_entry(services, i)->value;
		const Node *mounts = node_get(service, "volumes");
		for (size_t m = 0; m < node_count(mounts); m++)
			if (g_strcmp0(node_string(node_item(mounts, m), "source"), volume) == 0 &&
			    strcmp(node_string(node_item(mounts, m), "type"), "volume") == 0)
				users += compose_spec_scale(service);
	}
	return users;
}

static void add_claim(Kube *kube, const NodeEntry *volume)
{
	static const char *const known[] = {"name", NULL};
	g_autofree char *path = g_strdup_printf("volumes.%s", volume->key);
	g_autofree char *name = kube_name(volume->key);
	Node *claim = kube_object(kube, "v1", "PersistentVolumeClaim", name, NULL);
	bool shared = count_users(kube, volume->key) > 1;
	if (!claim)
		return;
	Node *spec = node_ensure(claim, "spec", NODE_MAP);
	node_append(node_ensure(spec, "accessModes", NODE_LIST),
		    node_new_string(shared ? "ReadWriteMany" : "ReadWriteOnce", spec->at));
	Node *resources = node_ensure(spec, "resources", NODE_MAP);
	node_set_text(node_ensure(resources, "requests", NODE_MAP), "storage", CLAIM_SIZE);
	compose_export_unknown(kube->export, path, volume->value, known);
	compose_export_note(kube->export, path, "%s is asked for: say how much it needs",
			    CLAIM_SIZE);
	if (shared)
		compose_export_note(kube->export, path,
				    "several pods share it: the cluster's storage must do "
				    "ReadWriteMany");
}

void kube_claims(Kube *kube)
{
	const Node *volumes = node_get(kube->export->model, "volumes");
	for (size_t i = 0; i < node_count(volumes); i++)
		if (!node_true(node_entry(volumes, i)->value, "external"))
			add_claim(kube, node_entry(volumes, i));
}

void kube_data(Kube *kube, const char *kind, const char *name, const char *key, const char *data,
	       gsize size)
{
	bool secret = strcmp(kind, "Secret") == 0;
	bool text = g_utf8_validate(data, (gssize)size, NULL) && !memchr(data, '\0', size);
	Node *object = kube_object(kube, "v1", kind, name, NULL);
	if (!object)
		return;
	g_autofree char *coded = g_base64_encode((const guchar *)data, size);
	if (secret)
		node_set_text(object, "type", "Opaque");
	node_set_text(node_ensure(object, secret || text ? "data" : "binaryData", NODE_MAP), key,
		      text && !secret ? data : coded);
}

/* A name for the pods of a service. */
static Node *add_service(KubePod *pod, const char *name)
{
	Node *object = kube_object(pod->kube, "v1", "Service", name, pod->name);
	if (!object)
		return NULL;
	Node *spec = node_ensure(object, "spec", NODE_MAP);
	Node *selector = node_ensure(spec, "selector", NODE_MAP);
	node_set_text(selector, "app.kubernetes.io/name", pod->name);
	node_set_text(selector, "app.kubernetes.io/part-of", pod->kube->project);
	return spec;
}

/* One port, unless the list has it. */
static void add_port(Node *spec, const char *protocol, int64_t port, int64_t target)
{
	g_autofree char *upper = g_ascii_strup(protocol, -1);
	g_autofree char *name = g_strdup_printf("%s-%" G_GINT64_FORMAT, protocol, port);
	const Node *list = node_get(spec, "ports");
	for (size_t i = 0; i < node_count(list); i++)
		if (strcmp(node_string(node_item(list, i), "name"), name) == 0)
			return;
	Node *item = kube_list_add(spec, "ports");
	node_set_text(item, "name", name);
	node_set_text(item, "protocol", upper);
	kube_set_int(item, "port", port);
	kube_set_int(item, "targetPort", target);
}

static void add_known_ports(const KubePod *pod, Node *spec)
{
	const Node *ports = node_get(pod->service->value, "ports");
	const Node *exposed = node_get(pod->service->value, "expose");
	for (size_t i = 0; i < node_count(ports); i++) {
		const Node *port = node_item(ports, i);
		int64_t target = node_get(port, "target")->integer;
		add_port(spec, service_port_protocol(port), target, target);
	}
	for (size_t i = 0; i < node_count(exposed); i++) {
		g_autofree char *text = node_scalar_text(node_item(exposed, i));
		const char *slash = strchr(text, '/');
		int64_t number = g_ascii_strtoll(text, NULL, 10);
		if (!strchr(text, '-') && number > 0)
			add_port(spec, slash ? slash + 1 : "tcp", number, number);
	}
}

/* A headless Service is what compose's names are: the addresses of the containers. */
static void add_name(KubePod *pod, const char *name)
{
	Node *spec = add_service(pod, name);
	if (!spec)
		return;
	node_set_text(spec, "clusterIP", "None");
	add_known_ports(pod, spec);
}

/* Has another service this name, by its own one or an alias that is there already? */
static bool is_of_another(const KubePod *pod, const char *name)
{
	const Node *services = node_get(pod->kube->export->model, "services");
	for (size_t i = 0; i < node_count(services); i++) {
		g_autofree char *own = kube_name(node_entry(services, i)->key);
		if (strcmp(own, name) == 0)
			return strcmp(name, pod->name) != 0;
	}
	for (guint i = 0; i < pod->kube->objects->len; i++) {
		const Node *object = pod->kube->objects->pdata[i];
		const Node *metadata = node_get(object, "metadata");
		const char *owner =
			node_string(node_get(metadata, "labels"), "app.kubernetes.io/name");
		if (strcmp(node_string(object, "kind"), "Service") == 0 &&
		    strcmp(node_string(metadata, "name"), name) == 0)
			return strcmp(owner, pod->name) != 0;
	}
	return false;
}

static void add_aliases(KubePod *pod)
{
	const Node *networks = node_get(pod->service->value, "networks");
	for (size_t i = 0; i < node_count(networks); i++) {
		const Node *aliases = node_get(node_entry(networks, i)->value, "aliases");
		for (size_t a = 0; a < node_count(aliases); a++) {
			const char *alias = node_item(aliases, a)->text;
			g_autofree char *name = kube_name(alias);
			if (strcmp(name, alias) != 0)
				kube_note(pod, "networks", "the alias '%s' is no name of a Service",
					  alias);
			else if (is_of_another(pod, name))
				kube_note(pod, "networks",
					  "the alias '%s' leads to another service alone", alias);
			else
				add_name(pod, name);
		}
	}
}

/* Ports that the host shows to others. */
static void publish(KubePod *pod)
{
	const Node *ports = node_get(pod->service->value, "ports");
	g_autofree char *name = kube_name_beside(pod, "published", is_of_another);
	Node *spec = NULL;
	for (size_t i = 0; i < node_count(ports); i++) {
		const Node *port = node_item(ports, i);
		const char *ip = node_string(port, "host_ip");
		bool is_range = false;
		int64_t published = service_port_published(port, &is_range);
		int64_t target = node_get(port, "target")->integer;
		bool loopback = ip && (g_str_has_prefix(ip, "127.") || strcmp(ip, "::1") == 0);
		if (loopback) {
			kube_note(pod, "ports",
				  "%s is this machine alone: use kubectl port-forward", ip);
			continue;
		}
		if (is_range)
			kube_note(pod, "ports", "of a range to choose from the first is taken");
		if (!spec && !(spec = add_service(pod, name)))
			return;
		node_set_text(spec, "type", "LoadBalancer");
		add_port(spec, service_port_protocol(port), published >= 0 ? published : target,
			 target);
	}
}

void kube_services(KubePod *pod)
{
	const char *mode = node_string(pod->service->value, "network_mode");
	if (mode && strcmp(mode, "host") != 0)
		return;
	if (strcmp(pod->name, pod->service->key) != 0)
		compose_export_note(pod->kube->export, pod->path, "others find it as %s",
				    pod->name);
	add_name(pod, pod->name);
	add_aliases(pod);
	publish(pod);
}
