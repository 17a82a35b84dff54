/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that is to be in a pod: what its spec gets from the pod's.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/pod.h"
#include "libpod/spec_priv.h"

#define SHARED "network cannot be configured when it is shared with a pod"

/* What belongs to the pod, in podman's words. */
static bool check_member(const ContainerSpec *spec, unsigned share, GError **error)
{
	const char *problem = NULL;
	if (spec->uts.mode == SPEC_NS_DEFAULT && spec->hostname && (share & POD_SHARE_UTS))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid config provided: cannot set hostname when joining the "
				 "pod UTS namespace: invalid configuration");
	if (!(share & POD_SHARE_NET) || spec->network_set)
		return true;
	if (spec->network->ports->len > 0 || spec->publish_all)
		problem = "published or exposed ports must be defined when the pod is created";
	else if (spec->network_only)
		problem = "networks must be defined when the pod is created";
	else if (spec->add_host)
		problem = "extra host entries must be specified on the pod";
	return !problem || error_set(error, ENGINE_ERROR_INVALID,
				     "invalid config provided: %s: " SHARED, problem);
}

/* A namespace of the infra container; one that is the host's is the member's without it. */
static void join(SpecNamespace *ns, const SpecNamespace *infra, const char *id)
{
	if (ns->mode != SPEC_NS_DEFAULT)
		return;
	if (infra->mode == SPEC_NS_HOST) {
		ns->mode = SPEC_NS_HOST;
		return;
	}
	ns->mode = SPEC_NS_CONTAINER;
	ns->target = g_strdup(id);
}

static void join_network(ContainerSpec *spec, const ContainerSpec *infra, const char *id)
{
	if (spec->network_set)
		return;
	spec->network_set = true;
	spec->no_hosts |= infra->no_hosts;
	if (infra->network->mode == NETWORK_HOST) {
		spec->network->mode = NETWORK_HOST;
		return;
	}
	spec->network->mode = NETWORK_CONTAINER;
	g_free(spec->network->target);
	spec->network->target = g_strdup(id);
}

static void join_namespaces(ContainerSpec *spec, const Pod *pod, const ContainerSpec *infra)
{
	if (pod->share & POD_SHARE_NET)
		join_network(spec, infra, pod->infra_id);
	if (pod->share & POD_SHARE_PID)
		join(&spec->pid, &infra->pid, pod->infra_id);
	if (pod->share & POD_SHARE_IPC)
		join(&spec->ipc, &infra->ipc, pod->infra_id);
	if (pod->share & POD_SHARE_UTS)
		join(&spec->uts, &infra->uts, pod->infra_id);
	spec->no_hostname |= (pod->share & POD_SHARE_UTS) && infra->no_hostname;
	if (pod->share & POD_SHARE_CGROUP)
		join(&spec->cgroup, &infra->cgroup, pod->infra_id);
	/* Its namespaces belong to its user namespace: a member is in there, too. */
	if (infra->id_map && !spec->id_map) {
		spec->userns = SPEC_USERNS_CONTAINER;
		spec->userns_target = g_strdup(pod->infra_id);
	}
}

static bool has_mount(const ContainerSpec *spec, const char *destination)
{
	for (guint i = 0; i < spec->mounts->len; i++)
		if (strcmp(((const SpecMount *)spec->mounts->pdata[i])->destination, destination) ==
		    0)
			return true;
	return false;
}

static void add_all(char ***list, char **more)
{
	for (char **word = more; word && *word; word++)
		spec_strv_append(list, *word);
}

/* Volumes, devices and security options of the pod; the container's own count more. */
static void inherit(ContainerSpec *spec, const ContainerSpec *infra)
{
	for (guint i = 0; i < infra->mounts->len; i++) {
		const SpecMount *mount = infra->mounts->pdata[i];
		if (!has_mount(spec, mount->destination))
			g_ptr_array_add(spec->mounts, spec_mount_copy(mount));
	}
	for (guint i = 0; i < infra->devices->len; i++) {
		const SpecDevice *model = infra->devices->pdata[i];
		SpecDevice *device = g_new0(SpecDevice, 1);
		*device = (SpecDevice){g_strdup(model->host_path), g_strdup(model->path),
				       g_strdup(model->permissions)};
		g_ptr_array_add(spec->devices, device);
	}
	spec->no_new_privileges |= infra->no_new_privileges;
	spec->label_disable |= infra->label_disable;
	if (!spec->seccomp_profile && !spec->seccomp_unconfined) {
		spec->seccomp_profile = g_strdup(infra->seccomp_profile);
		spec->seccomp_unconfined = infra->seccomp_unconfined;
	}
	spec->nested |= infra->nested;
	if (!spec->apparmor_profile)
		spec->apparmor_profile = g_strdup(infra->apparmor_profile);
	add_all(&spec->mask, infra->mask);
	add_all(&spec->unmask, infra->unmask);
}

/* All that an infra container has for the member. */
static bool apply_infra(Engine *engine, ContainerSpec *spec, const Pod *pod, GError **error)
{
	g_autoptr(Container) ctr = container_resolve(engine, pod->infra_id, error);
	const ContainerSpec *infra = ctr ? container_spec(ctr, error) : NULL;
	if (!infra) {
		g_prefix_error(error, "the infra container of pod %s: ", pod->name);
		return false;
	}
	join_namespaces(spec, pod, infra);
	if (pod->cgroup)
		spec->pod_cgroup = g_strdup(pod->infra_id);
	inherit(spec, infra);
	return true;
}

/* An init container comes before members that run. */
static bool check_stopped(Engine *engine, const Pod *pod, GError **error)
{
	g_autoptr(GPtrArray) members = pod_members(engine, pod, error);
	for (guint i = 0; members && i < members->len; i++)
		if (container_summary_is_live(container_summary(members->pdata[i])))
			return error_set(error, ENGINE_ERROR_BAD_STATE,
					 "cannot add init-ctr to a running pod");
	return members != NULL;
}

bool pod_apply(Engine *engine, ContainerSpec *spec, GError **error)
{
	if (!spec->pod_asked || spec->pod)
		return true;
	g_autoptr(Pod) pod = pod_resolve(engine, spec->pod_asked, error);
	if (!pod || !check_member(spec, pod->share, error) ||
	    (pod->infra_id && !apply_infra(engine, spec, pod, error)))
		return false;
	if (spec->init_ctr != SPEC_INIT_CTR_NO && !check_stopped(engine, pod, error))
		return false;
	if (spec->restart == RESTART_NO && spec->init_ctr == SPEC_INIT_CTR_NO && !spec->remove) {
		spec->restart = pod->restart;
		spec->restart_retries = pod->restart_retries;
	}
	spec->pod = g_strdup(pod->id);
	spec->pod_name = g_strdup(pod->name);
	return true;
}

void pod_take_network(ContainerSpec *from, ContainerSpec *infra)
{
	NetworkRequest *network = from->network;
	from->network = infra->network;
	infra->network = network;
	infra->network_set = from->network_set;
	infra->publish_all = from->publish_all;
	infra->no_hosts = from->no_hosts;
	from->network_set = from->publish_all = from->no_hosts = false;
	infra->exposed = g_strdupv(from->exposed);
	infra->hostname = g_steal_pointer(&from->hostname);
	infra->add_host = g_steal_pointer(&from->add_host);
	infra->dns = g_steal_pointer(&from->dns);
	infra->dns_search = g_steal_pointer(&from->dns_search);
	infra->dns_option = g_steal_pointer(&from->dns_option);
	infra->hosts_file = g_steal_pointer(&from->hosts_file);
	infra->network_only = g_steal_pointer(&from->network_only);
}
