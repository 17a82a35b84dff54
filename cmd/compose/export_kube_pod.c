/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service's pod and its container: one row for each attribute that these have a field for.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/compose/export_kube.h"
#include "cmd/compose/service_words.h"

typedef struct {
	const char *key;
	void (*call)(KubePod *pod, const Node *value);
} Row;

static void ignore(KubePod *pod, const Node *value)
{
}

/* "$(NAME)" would be a variable there. */
static Node *literal(const char *text, Place at)
{
	g_auto(GStrv) parts = g_strsplit(text, "$(", -1);
	g_autofree char *joined = g_strjoinv("$$(", parts);
	return node_new_string(joined, at);
}

static void set_words(KubePod *pod, const char *key, const Node *words)
{
	if (!node_is(words, NODE_LIST) || node_count(words) == 0)
		return;
	Node *list = node_ensure(pod->container, key, NODE_LIST);
	for (size_t i = 0; i < node_count(words); i++) {
		g_autofree char *text = node_scalar_text(node_item(words, i));
		node_append(list, literal(text ? text : "", list->at));
	}
}

static void set_command(KubePod *pod, const Node *value)
{
	set_words(pod, "args", value);
}

static void set_entrypoint(KubePod *pod, const Node *value)
{
	set_words(pod, "command", value);
	if (node_is(value, NODE_LIST) && node_count(value) == 0)
		kube_note(pod, "entrypoint", "the image's own cannot be cleared");
}

static void set_environment(KubePod *pod, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		g_autofree char *text = node_scalar_text(entry->value);
		if (!text) {
			kube_note(pod, "environment", "the image's %s cannot be unset", entry->key);
			continue;
		}
		Node *item = kube_list_add(pod->container, "env");
		node_set_text(item, "name", entry->key);
		node_set(item, "value", item->at, literal(text, item->at));
	}
}

static void set_ports(KubePod *pod, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *port = node_item(value, i);
		g_autofree char *upper = g_ascii_strup(service_port_protocol(port), -1);
		int64_t target = node_get(port, "target")->integer;
		const Node *list = node_get(pod->container, "ports");
		bool known = false;
		for (size_t n = 0; n < node_count(list); n++)
			known = known ||
				(node_get(node_item(list, n), "containerPort")->integer == target &&
				 strcmp(node_string(node_item(list, n), "protocol"), upper) == 0);
		if (known)
			continue;
		Node *item = kube_list_add(pod->container, "ports");
		kube_set_int(item, "containerPort", target);
		node_set_text(item, "protocol", upper);
	}
}

static void set_pull(KubePod *pod, const Node *value)
{
	static const char *const words[][2] = {
		{"always", "Always"}, {"missing", "IfNotPresent"}, {"never", "Never"}};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(value->text, words[i][0]) == 0)
			node_set_text(pod->container, "imagePullPolicy", words[i][1]);
	if (!node_get(pod->container, "imagePullPolicy") && strcmp(value->text, "build") != 0)
		kube_note(pod, "pull_policy", "there is no field for %s", value->text);
}

static Node *security(KubePod *pod)
{
	return node_ensure(pod->container, "securityContext", NODE_MAP);
}

static void set_privileged(KubePod *pod, const Node *value)
{
	kube_set_bool(security(pod), "privileged", value->boolean);
}

static void set_read_only(KubePod *pod, const Node *value)
{
	kube_set_bool(security(pod), "readOnlyRootFilesystem", value->boolean);
}

/* Numbers only: nobody looks into the image. */
static void set_user(KubePod *pod, const Node *value)
{
	g_autofree char *text = node_scalar_text(value);
	char *end = NULL;
	int64_t uid = g_ascii_strtoll(text, &end, 10);
	int64_t gid = *end == ':' ? g_ascii_strtoll(end + 1, &end, 10) : -1;
	if (*end != '\0' || end == text) {
		kube_note(pod, "user", "only numbers are taken");
		return;
	}
	kube_set_int(security(pod), "runAsUser", uid);
	if (gid >= 0)
		kube_set_int(security(pod), "runAsGroup", gid);
}

static void set_groups(KubePod *pod, const Node *value)
{
	Node *context = node_ensure(pod->pod, "securityContext", NODE_MAP);
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *text = node_scalar_text(node_item(value, i));
		char *end = NULL;
		int64_t gid = g_ascii_strtoll(text, &end, 10);
		if (*end == '\0' && end != text)
			node_append(node_ensure(context, "supplementalGroups", NODE_LIST),
				    node_new_int(gid, context->at));
		else
			kube_note(pod, "group_add", "only numbers are taken");
	}
}

static void add_capabilities(KubePod *pod, const char *key, const Node *value)
{
	Node *list =
		node_ensure(node_ensure(security(pod), "capabilities", NODE_MAP), key, NODE_LIST);
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *upper = g_ascii_strup(node_item(value, i)->text, -1);
		const char *bare = g_str_has_prefix(upper, "CAP_") ? upper + 4 : upper;
		node_append(list, node_new_string(bare, list->at));
	}
}

static void set_cap_add(KubePod *pod, const Node *value)
{
	add_capabilities(pod, "add", value);
}

static void set_cap_drop(KubePod *pod, const Node *value)
{
	add_capabilities(pod, "drop", value);
}

/* resources.limits or .requests. */
static void set_resource(KubePod *pod, const char *part, const char *key, const Node *value)
{
	g_autofree char *text = value ? node_scalar_text(value) : NULL;
	if (!text)
		return;
	Node *resources = node_ensure(pod->container, "resources", NODE_MAP);
	node_set_text(node_ensure(resources, part, NODE_MAP), key, text);
}

static void set_cpus(KubePod *pod, const Node *value)
{
	set_resource(pod, "limits", "cpu", value);
}

static void set_memory(KubePod *pod, const Node *value)
{
	set_resource(pod, "limits", "memory", value);
}

static void set_reservation(KubePod *pod, const Node *value)
{
	set_resource(pod, "requests", "memory", value);
}

static void set_deploy(KubePod *pod, const Node *value)
{
	static const char *const known[] = {"mode", "replicas", "resources", "restart_policy",
					    NULL};
	static const char *const inside[] = {"limits", "reservations", NULL};
	static const char *const plain[] = {"cpus", "memory", NULL};
	const Node *resources = node_get(value, "resources");
	const Node *limits = node_get(resources, "limits"),
		   *kept = node_get(resources, "reservations");
	g_autofree char *path = g_strdup_printf("%s.deploy", pod->path);
	g_autofree char *within = g_strdup_printf("%s.resources", path);
	g_autofree char *below = g_strdup_printf("%s.limits", within);
	g_autofree char *beside = g_strdup_printf("%s.reservations", within);
	compose_export_unknown(pod->kube->export, path, value, known);
	compose_export_unknown(pod->kube->export, within, resources, inside);
	compose_export_unknown(pod->kube->export, below, limits, plain);
	compose_export_unknown(pod->kube->export, beside, kept, plain);
	set_resource(pod, "limits", "cpu", node_get(limits, "cpus"));
	set_resource(pod, "limits", "memory", node_get(limits, "memory"));
	set_resource(pod, "requests", "cpu", node_get(kept, "cpus"));
	set_resource(pod, "requests", "memory", node_get(kept, "memory"));
}

/* At least a second, as Kubernetes wants it. */
static void set_seconds(Node *probe, const char *key, const Node *health, const char *name,
			int64_t fallback)
{
	int64_t seconds = compose_export_seconds(node_string(health, name), fallback);
	kube_set_int(probe, key, MAX(seconds, 1));
}

static void set_probe(KubePod *pod, const Node *value)
{
	const Node *test = node_get(value, "test"), *retries = node_get(value, "retries");
	if (node_count(test) < 2 || node_true(value, "disable")) {
		if (node_count(test) == 0 && !node_true(value, "disable"))
			kube_note(pod, "healthcheck", "the image's own test is not looked at");
		return;
	}
	Node *probe = node_ensure(pod->container, "readinessProbe", NODE_MAP);
	Node *words = node_ensure(node_ensure(probe, "exec", NODE_MAP), "command", NODE_LIST);
	if (strcmp(node_item(test, 0)->text, "CMD-SHELL") == 0) {
		node_append(words, node_new_string("/bin/sh", words->at));
		node_append(words, node_new_string("-c", words->at));
	}
	for (size_t i = 1; i < node_count(test); i++)
		node_append(words, node_new_string(node_item(test, i)->text, words->at));
	set_seconds(probe, "periodSeconds", value, "interval", 30);
	set_seconds(probe, "timeoutSeconds", value, "timeout", 30);
	kube_set_int(probe, "failureThreshold",
		     node_is(retries, NODE_INT) ? MAX(retries->integer, 1) : 3);
}

static void set_grace(KubePod *pod, const Node *value)
{
	kube_set_int(pod->pod, "terminationGracePeriodSeconds",
		     compose_export_seconds(value->text, 10));
}

static void set_tty(KubePod *pod, const Node *value)
{
	kube_set_bool(pod->container, "tty", value->boolean);
}

static void set_stdin(KubePod *pod, const Node *value)
{
	kube_set_bool(pod->container, "stdin", value->boolean);
}

static void set_workdir(KubePod *pod, const Node *value)
{
	node_set_text(pod->container, "workingDir", value->text);
}

static void set_hostname(KubePod *pod, const Node *value)
{
	g_autofree char *name = kube_name(value->text);
	if (strcmp(name, value->text) == 0)
		node_set_text(pod->pod, "hostname", name);
	else
		kube_note(pod, "hostname", "it is no name that DNS takes");
}

/* Lists of dnsConfig; the cluster's own servers are asked as well. */
static void add_dns(KubePod *pod, const char *key, const Node *value)
{
	Node *list = node_ensure(node_ensure(pod->pod, "dnsConfig", NODE_MAP), key, NODE_LIST);
	for (size_t i = 0; i < node_count(value); i++) {
		const char *text = node_item(value, i)->text;
		const char *colon = strchr(text, ':');
		if (strcmp(key, "options") != 0) {
			node_append(list, node_new_string(text, list->at));
			continue;
		}
		Node *option = node_new(NODE_MAP, list->at);
		g_autofree char *name = g_strndup(text, strcspn(text, ":"));
		node_set_text(option, "name", name);
		if (colon)
			node_set_text(option, "value", colon + 1);
		node_append(list, option);
	}
}

static void set_dns(KubePod *pod, const Node *value)
{
	add_dns(pod, "nameservers", value);
}

static void set_dns_search(KubePod *pod, const Node *value)
{
	add_dns(pod, "searches", value);
}

static void set_dns_opt(KubePod *pod, const Node *value)
{
	add_dns(pod, "options", value);
}

static void set_hosts(KubePod *pod, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const char *text = node_item(value, i)->text;
		size_t length = strcspn(text, "=:");
		g_autofree char *name = g_strndup(text, length);
		const char *ip = text[length] ? text + length + 1 : "";
		if (!g_hostname_is_ip_address(ip)) {
			kube_note(pod, "extra_hosts", "'%s' is no address", ip);
			continue;
		}
		Node *item = kube_list_add(pod->pod, "hostAliases");
		node_set_text(item, "ip", ip);
		Node *names = node_ensure(item, "hostnames", NODE_LIST);
		node_append(names, node_new_string(name, names->at));
	}
}

static void set_sysctls(KubePod *pod, const Node *value)
{
	Node *context = node_ensure(pod->pod, "securityContext", NODE_MAP);
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *text = node_scalar_text(node_entry(value, i)->value);
		Node *item = kube_list_add(context, "sysctls");
		node_set_text(item, "name", node_entry(value, i)->key);
		node_set_text(item, "value", text ? text : "");
	}
}

/* What is true of the whole machine, or nothing. */
static void set_host(KubePod *pod, const char *key, const char *field, const Node *value)
{
	if (value->kind == NODE_STRING && strcmp(value->text, "host") == 0)
		kube_set_bool(pod->pod, field, true);
	else
		kube_note(pod, key, "pods do not share that with others");
}

static void set_network_mode(KubePod *pod, const Node *value)
{
	set_host(pod, "network_mode", "hostNetwork", value);
}

static void set_pid(KubePod *pod, const Node *value)
{
	set_host(pod, "pid", "hostPID", value);
}

static void set_ipc(KubePod *pod, const Node *value)
{
	set_host(pod, "ipc", "hostIPC", value);
}

static void set_platform(KubePod *pod, const Node *value)
{
	g_auto(GStrv) parts = g_strsplit(value->text, "/", 3);
	Node *selector = node_ensure(pod->pod, "nodeSelector", NODE_MAP);
	node_set_text(selector, "kubernetes.io/os", parts[0]);
	if (parts[0] && parts[1])
		node_set_text(selector, "kubernetes.io/arch", parts[1]);
}

/* [PREFIX/]NAME of letters, digits, -, _ and . */
static bool is_annotation(const char *key)
{
	const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;
	bool ends = *name && strlen(name) <= 63 && g_ascii_isalnum(*name) &&
		    g_ascii_isalnum(name[strlen(name) - 1]);
	for (const char *at = key; ends && *at; at++)
		ends = at == slash || g_ascii_isalnum(*at) || (at > key && strchr("-_.", *at));
	return ends && slash != key;
}

/* Labels hold more than Kubernetes' labels may: both are annotations. */
static void set_annotations(KubePod *pod, const Node *value)
{
	Node *metadata = node_get(pod->template, "metadata");
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		g_autofree char *text = node_scalar_text(entry->value);
		if (is_annotation(entry->key))
			node_set_text(node_ensure(metadata, "annotations", NODE_MAP), entry->key,
				      text ? text : "");
		else
			kube_note(pod, "labels", "'%s' is no name of an annotation", entry->key);
	}
}

static void note_dependencies(KubePod *pod, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++)
		kube_note(pod, "depends_on",
			  "pods start in any order: it has to wait for '%s' by itself",
			  node_entry(value, i)->key);
}

static void note_build(KubePod *pod, const Node *value)
{
	kube_note(pod, "build", "build %s and push it where the cluster finds it",
		  node_string(pod->container, "image"));
}

static void note_networks(KubePod *pod, const Node *value)
{
	static const char *const known[] = {"aliases", "priority", NULL};
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		g_autofree char *path = g_strdup_printf("%s.networks.%s", pod->path, entry->key);
		compose_export_unknown(pod->kube->export, path, entry->value, known);
	}
}

static void note_links(KubePod *pod, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++)
		if (service_link_alias(node_item(value, i)->text))
			kube_note(pod, "links", "an alias for one container alone has no word");
}

/* Keep alphabetized. */
static const Row rows[] = {
	{"annotations", set_annotations},
	{"attach", ignore},
	{"build", note_build},
	{"cap_add", set_cap_add},
	{"cap_drop", set_cap_drop},
	{"command", set_command},
	{"configs", ignore},
	{"container_name", ignore},
	{"cpus", set_cpus},
	{"depends_on", note_dependencies},
	{"deploy", set_deploy},
	{"dns", set_dns},
	{"dns_opt", set_dns_opt},
	{"dns_search", set_dns_search},
	{"entrypoint", set_entrypoint},
	{"environment", set_environment},
	{"expose", ignore},
	{"extra_hosts", set_hosts},
	{"group_add", set_groups},
	{"healthcheck", set_probe},
	{"hostname", set_hostname},
	{"image", ignore},
	{"ipc", set_ipc},
	{"labels", set_annotations},
	{"links", note_links},
	{"mem_limit", set_memory},
	{"mem_reservation", set_reservation},
	{"network_mode", set_network_mode},
	{"networks", note_networks},
	{"pid", set_pid},
	{"platform", set_platform},
	{"ports", set_ports},
	{"privileged", set_privileged},
	{"profiles", ignore},
	{"pull_policy", set_pull},
	{"read_only", set_read_only},
	{"restart", ignore},
	{"scale", ignore},
	{"secrets", ignore},
	{"shm_size", ignore},
	{"stdin_open", set_stdin},
	{"stop_grace_period", set_grace},
	{"sysctls", set_sysctls},
	{"tmpfs", ignore},
	{"tty", set_tty},
	{"user", set_user},
	{"volumes", ignore},
	{"working_dir", set_workdir},
};

static const Row *find_row(const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

bool kube_pod_fill(KubePod *pod, GError **error)
{
	const Node *service = pod->service->value;
	const char *image = node_string(service, "image");
	g_autofree char *built =
		g_strdup_printf("%s-%s", pod->kube->export->project->name, pod->service->key);
	node_set_text(pod->container, "name", pod->name);
	node_set_text(pod->container, "image", image ? image : built);
	for (size_t i = 0; i < node_count(service); i++) {
		const NodeEntry *entry = node_entry(service, i);
		const Row *row = find_row(entry->key);
		if (g_str_has_prefix(entry->key, "x-") || entry->value->kind == NODE_NULL)
			continue;
		if (row)
			row->call(pod, entry->value);
		else
			kube_note(pod, entry->key, "there is no field for it");
	}
	return kube_pod_mounts(pod, error);
}
