/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options that contradict each other: what can be said without image and host.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/wall.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_priv.h"
#include "libpod/spec_resolve.h"
#include "network/portmap.h"

static bool lists(char **names, const char *name)
{
	return names && g_strv_contains((const char *const *)names, name);
}

/* Options about the beginning and the end that exclude each other. */
static bool check_life(const ContainerSpec *spec, GError **error)
{
	if (spec->remove && spec->restart != RESTART_NO)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"the --rm option conflicts with --restart, when the restartPolicy is not "
			"\"\" and \"no\"");
	if (spec->replace && !spec->name)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot replace container without --name being set");
	if (spec->detach && spec->attach)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"cannot specify the --attach flag when detaching: invalid argument");
	if (spec->tty && spec->log_driver == LOG_DRIVER_PASSTHROUGH)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the '--log-driver passthrough' option cannot be used on a TTY");
	if (spec->log_path && spec->log_driver != LOG_DRIVER_K8S_FILE &&
	    spec->log_driver != LOG_DRIVER_JSON_FILE)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "log option path cannot be used with the log driver %s",
				 log_driver_name(spec->log_driver));
	if (spec->log_labels && spec->log_driver != LOG_DRIVER_JOURNALD)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "log option label cannot be used with the log driver %s",
				 log_driver_name(spec->log_driver));
	return true;
}

static bool check_capabilities(const ContainerSpec *spec, GError **error)
{
	if (lists(spec->cap_add, "ALL") && lists(spec->cap_drop, "ALL"))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "adding all caps and removing all caps not allowed");
	for (char **name = spec->cap_add; name && *name; name++)
		if (lists(spec->cap_drop, *name))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "capability \"%s\" cannot be dropped and added", *name);
	return true;
}

static bool asks_map(const ContainerSpec *spec)
{
	return spec->id_map || spec->sub_uid_name || spec->sub_gid_name;
}

/* A pod is named once, and its members have its user namespace. */
static bool check_pod(const ContainerSpec *spec, GError **error)
{
	if (spec->init_ctr != SPEC_INIT_CTR_NO && !spec->pod_asked)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "must specify pod value with init-ctr");
	if (spec->init_ctr != SPEC_INIT_CTR_NO && spec->restart != RESTART_NO)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--init-ctr and --restart cannot be set together");
	if (!spec->pod_asked || spec->pod)
		return true;
	if (spec->pod_id_file)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot specify both --pod and --pod-id-file");
	if (spec->userns_asked || asks_map(spec))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--userns and --pod cannot be set together");
	return strcmp(spec->pod_asked, "new:") != 0 ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "new pod name must be at least one character");
}

/* Options about namespaces that exclude each other. */
static bool check_namespaces(const ContainerSpec *spec, GError **error)
{
	bool joined_ipc = spec->ipc.mode != SPEC_NS_DEFAULT && spec->ipc.mode != SPEC_NS_PRIVATE;
	if (spec->userns_asked && asks_map(spec))
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually "
			"exclusive");
	const char *named = spec->hostname ? "hostname" : spec->domainname ? "domainname" : NULL;
	if (named && spec->uts.mode == SPEC_NS_HOST)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"invalid config provided: cannot set %s when running in the host UTS "
			"namespace: invalid configuration",
			named);
	if (named && (spec->uts.mode == SPEC_NS_CONTAINER || spec->uts.mode == SPEC_NS_PATH))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid config provided: cannot set %s when joining another UTS "
				 "namespace: invalid configuration",
				 named);
	if (spec->init && spec->pid.mode != SPEC_NS_DEFAULT && spec->pid.mode != SPEC_NS_PRIVATE)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot add init binary as PID 1 (PID namespace isn't private)");
	if (spec->shm_size != 0 && joined_ipc)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"invalid config provided: cannot set shmsize when running in the %s IPC "
			"Namespace",
			spec->ipc.mode == SPEC_NS_HOST ? "host" : "another");
	return true;
}

static bool check_network(const ContainerSpec *spec, GError **error)
{
	NetworkMode mode = spec->network->mode;
	bool dns = spec->dns || spec->dns_search || spec->dns_option;
	if (dns && (mode == NETWORK_NONE || mode == NETWORK_CONTAINER))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "conflicting options: dns and the network mode: %s",
				 network_mode_name(mode));
	bool private_network = mode == NETWORK_SLIRP, named = mode == NETWORK_NAMED;
	if (spec->network_only && spec->network_set && !private_network && !named)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--%s can only be set when the network mode is bridge: invalid "
				 "argument",
				 spec->network_only);
	if (spec->network_only && !named && !spec->pod_asked)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid config provided: networks and static ip/mac address can "
				 "only be used with Bridge mode networking");
	if (spec->no_hosts && spec->add_host)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--no-hosts and --add-host cannot be set together");
	if (spec->no_hosts && spec->hosts_file)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--no-hosts and --hosts-file cannot be set together");
	if (spec->add_host && mode == NETWORK_CONTAINER)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"invalid config provided: cannot set extra host entries when the container "
			"is joined to another containers network namespace: invalid configuration");
	return portmap_check(spec->network->ports, error);
}

/* A parameter of a namespace that is not the container's would be set for somebody else. */
static bool check_sysctls(const ContainerSpec *spec, GError **error)
{
	NetworkMode network = spec->network->mode;
	bool own_net =
		network != NETWORK_HOST && network != NETWORK_CONTAINER && network != NETWORK_NS;
	bool own_ipc = spec->ipc.mode == SPEC_NS_DEFAULT || spec->ipc.mode == SPEC_NS_PRIVATE;
	GHashTableIter iter;
	const char *key, *value;
	g_hash_table_iter_init(&iter, spec->sysctl);
	while (g_hash_table_iter_next(&iter, (void **)&key, (void **)&value)) {
		bool is_net = g_str_has_prefix(key, "net.");
		if ((is_net ? own_net : own_ipc) || !wall_stands("own-sysctls"))
			continue;
		bool host = is_net ? network == NETWORK_HOST : spec->ipc.mode == SPEC_NS_HOST;
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"sysctl %s=%s can't be set since %s Namespace %s: invalid argument", key,
			value, is_net ? "Network" : "IPC", host ? "set to host" : "is shared");
	}
	return true;
}

static bool check_mounts(const ContainerSpec *spec, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (!g_hash_table_add(seen, mount->destination))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: duplicate mount destination", mount->destination);
	}
	return true;
}

bool spec_check(const ContainerSpec *spec, GError **error)
{
	return check_pod(spec, error) && spec_check_limits(spec, error) &&
	       spec_check_memory(&spec->resources, error) && check_life(spec, error) &&
	       spec_health_check(spec, error) && check_capabilities(spec, error) &&
	       check_namespaces(spec, error) && check_network(spec, error) &&
	       check_sysctls(spec, error) && check_mounts(spec, error);
}
