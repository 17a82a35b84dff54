/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman's report of a pod.
 */
#include "libpod/base/error.h"
#include "libpod/container_cgroup.h"
#include "libpod/inspect.h"
#include "libpod/inspect_priv.h"
#include "libpod/pod.h"
#include "network/attachment.h"

static void set_list_or_null(Json *json, const char *key, char **list)
{
	if (list && list[0])
		inspect_set_list(json, key, list);
	else
		inspect_set_null(json, key);
}

static const char *ns_text(const SpecNamespace *ns)
{
	return ns->mode == SPEC_NS_HOST ? "host" : ns->mode == SPEC_NS_PATH ? "ns" : "private";
}

static const char *userns_text(const ContainerSpec *spec)
{
	switch (spec->userns) {
	case SPEC_USERNS_HOST:
		return "host";
	case SPEC_USERNS_KEEP_ID:
		return "keep-id";
	case SPEC_USERNS_NOMAP:
		return "nomap";
	case SPEC_USERNS_AUTO:
		return "auto";
	case SPEC_USERNS_MAPS:
	case SPEC_USERNS_CONTAINER:
	case SPEC_USERNS_PATH:
		break;
	}
	return "private";
}

/* What the infra container was given for the pod. */
static Json *infra_config(Container *infra, const ContainerSpec *spec)
{
	Json *json = json_object_new_object();
	const NetworkRequest *network = spec->network;
	bool named = network->mode == NETWORK_NAMED && network->attachments->len > 0;
	const NetworkAttachment *first = named ? network->attachments->pdata[0] : NULL;
	js_set_take(json, "PortBindings", inspect_ports(container_summary(infra)->ports, NULL));
	js_set_bool(json, "HostNetwork", network->mode == NETWORK_HOST);
	inspect_set_text(json, "StaticIP", first ? first->ip : NULL);
	inspect_set_text(json, "StaticMAC", first ? first->mac : NULL);
	js_set_bool(json, "NoManageResolvConf", false);
	set_list_or_null(json, "DNSServer", spec->dns);
	set_list_or_null(json, "DNSSearch", spec->dns_search);
	set_list_or_null(json, "DNSOption", spec->dns_option);
	js_set_bool(json, "NoManageHosts", spec->no_hosts);
	set_list_or_null(json, "HostAdd", spec->add_host);
	g_autofree const char **labels =
		named ? container_network_labels(container_summary(infra)) : NULL;
	set_list_or_null(json, "Networks", (char **)labels);
	inspect_set_null(json, "NetworkOptions");
	js_set_string(json, "pid_ns", ns_text(&spec->pid));
	js_set_string(json, "userns", userns_text(spec));
	js_set_string(json, "uts_ns", ns_text(&spec->uts));
	return json;
}

static void add_infra(Json *json, const Pod *pod, Container *infra, const ContainerSpec *spec)
{
	g_autofree const char **share = pod_share_names(pod->share);
	js_set_string(json, "InfraContainerID", pod->infra_id);
	js_set_take(json, "InfraConfig", infra_config(infra, spec));
	js_set_take(json, "SharedNamespaces", js_from_strv(share));
}

static void set_limit(Json *json, const char *key, int64_t value)
{
	if (value != 0)
		js_set_int(json, key, value);
}

/* podman has no word for the limit of processes. */
static void add_limits(Json *json, Container *infra, const OciResources *limits)
{
	g_autofree char *path = container_cgroup_path(infra);
	if (path)
		js_set_string(json, "CgroupPath", path);
	set_limit(json, "cpu_period", limits->cpu_period);
	set_limit(json, "cpu_quota", limits->cpu_quota);
	set_limit(json, "cpu_shares", limits->cpu_shares);
	if (limits->cpus)
		js_set_string(json, "cpuset_cpus", limits->cpus);
	if (limits->mems)
		js_set_string(json, "cpuset_mems", limits->mems);
	set_limit(json, "memory_limit", limits->memory);
	set_limit(json, "memory_swap", limits->memory_swap);
	set_limit(json, "blkio_weight", limits->blkio_weight);
}

static Json *containers_json(const GPtrArray *members)
{
	Json *list = json_object_new_array();
	for (guint i = 0; i < members->len; i++) {
		const ContainerSummary *s = container_summary(members->pdata[i]);
		Json *row = json_object_new_object();
		js_set_string(row, "Id", s->id);
		js_set_string(row, "Name", s->name);
		js_set_string(row, "State", container_state_name(s->state));
		json_object_array_add(list, row);
	}
	return list;
}

Json *inspect_pod(Engine *engine, const Pod *pod, GError **error)
{
	g_autoptr(GPtrArray) members = pod_members(engine, pod, error);
	if (!members)
		return NULL;
	Container *first = members->len > 0 ? members->pdata[0] : NULL;
	Container *infra = first && container_summary(first)->infra ? first : NULL;
	const ContainerSpec *spec = infra ? container_spec(infra, error) : NULL;
	if (infra && !spec)
		return NULL;
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "Id", pod->id);
	js_set_string(json, "Name", pod->name);
	inspect_set_time(json, "Created", pod->created);
	if (pod->create_command)
		inspect_set_list(json, "CreateCommand", pod->create_command);
	js_set_string(json, "ExitPolicy", pod_exit_policy_name(pod->exit_policy));
	js_set_string(json, "State", pod_status(members));
	inspect_set_text(json, "Hostname", pod->hostname);
	if (g_hash_table_size(pod->labels) > 0)
		js_set_take(json, "Labels", js_from_string_map(pod->labels));
	js_set_bool(json, "CreateCgroup", pod->cgroup);
	inspect_set_text(json, "CgroupParent", spec ? spec->cgroup_parent : NULL);
	if (pod->cgroup && spec)
		add_limits(json, infra, &spec->resources);
	js_set_bool(json, "CreateInfra", pod->infra_id != NULL);
	if (infra)
		add_infra(json, pod, infra, spec);
	js_set_int(json, "NumContainers", members->len);
	if (members->len > 0)
		js_set_take(json, "Containers", containers_json(members));
	js_set_string(json, "RestartPolicy", restart_name(pod->restart));
	return g_steal_pointer(&json);
}
