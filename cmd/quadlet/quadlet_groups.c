/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .pod and .kube files: services of several containers.
 */
#include <string.h>

#include "cmd/quadlet/quadlet_priv.h"

/* Pods */

static const QuadletKey pod_keys[] = {
	{"UserNS", KEY_VALUE, "--userns"},
	{"UIDMap", KEY_NAMES, "--uidmap"},
	{"GIDMap", KEY_NAMES, "--gidmap"},
	{"SubUIDMap", KEY_VALUE, "--subuidname"},
	{"SubGIDMap", KEY_VALUE, "--subgidname"},
	{"RemapUsers", KEY_CALL, NULL, part_mappings},
	{"PublishPort", KEY_EACH, "--publish"},
	{"Label", KEY_PAIRS, "--label"},
	{"Network", KEY_CALL, "--network", part_networks},
	{"IP", KEY_VALUE, "--ip"},
	{"IP6", KEY_VALUE, "--ip6"},
	{"ShmSize", KEY_VALUE, "--shm-size"},
	{"Memory", KEY_VALUE, "--memory"},
	{"PidsLimit", KEY_VALUE, "--pids-limit"},
	{"NetworkAlias", KEY_EACH, "--network-alias"},
	{"DNS", KEY_EACH, "--dns"},
	{"DNSOption", KEY_EACH, "--dns-option"},
	{"DNSSearch", KEY_EACH, "--dns-search"},
	{"AddHost", KEY_EACH, "--add-host"},
	{"HostName", KEY_EACH, "--hostname"},
	{"Volume", KEY_CALL, "-v", part_volumes},
	{"ExitPolicy", KEY_LATER},
	{"PodName", KEY_LATER},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"RemapGid", KEY_LATER},
	{"RemapUid", KEY_LATER},
	{"RemapUidSize", KEY_LATER},
	{"StopTimeout", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

static char *pod_resource(const QuadletUnit *unit)
{
	return part_named(unit, "PodName");
}

static void add_pod_verbs(Translation *work)
{
	const char *name = work->unit->resource;
	g_autofree char *timeout = work_get(work, "StopTimeout");
	work_begin(work, "pod start");
	work_add(work, name, NULL);
	work_end(work, "ExecStart", NULL);
	work_begin(work, "pod stop --ignore");
	work_add_option(work, "--time=", timeout ? timeout : "10");
	work_add(work, name, NULL);
	work_end(work, "ExecStop", NULL);
	work_begin(work, "pod rm --ignore --force");
	work_add(work, name, NULL);
	work_end(work, "ExecStopPost", NULL);
}

/* Translated after containers, which tell what starts with it. */
static void translate_pod(Translation *work)
{
	for (size_t i = 0; i < work->unit->members->len; i++) {
		unit_file_add(work->service, "Unit", "Wants", work->unit->members->pdata[i]);
		unit_file_add(work->service, "Unit", "Before", work->unit->members->pdata[i]);
	}
	part_set_default(work, "Service", "SyslogIdentifier", "%N");
	add_pod_verbs(work);
	g_autofree char *policy = work_get(work, "ExitPolicy");
	g_autofree char *infra = g_strconcat(work->unit->resource, "-infra", NULL);
	work_begin(work, "pod create --infra-conmon-pidfile=%t/%N.pid --replace --exit-policy");
	work_add(work, policy ? policy : "stop", NULL);
	work_add_keys(work, NULL, "Volume");
	work_add(work, "--infra-name", infra, "--name", work->unit->resource, NULL);
	work_add_keys(work, "PodmanArgs", "PodmanArgs");
	work_end(work, "ExecStartPre", NULL);
	unit_file_add(work->service, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	/* So that a pod with limits has its cgroup here. */
	unit_file_set(work->service, "Service", "Delegate", "yes");
	unit_file_set(work->service, "Service", "Type", "forking");
	unit_file_set(work->service, "Service", "Restart", "on-failure");
	unit_file_set(work->service, "Service", "PIDFile", "%t/%N.pid");
}

const QuadletKind quadlet_pod = {
	.extension = ".pod",
	.section = "Pod",
	.renamed = "X-Pod",
	.suffix = "-pod",
	.order = 5,
	.keys = pod_keys,
	.resource = pod_resource,
	.translate = translate_pod,
};

/* Kubes */

/* UPDATE or CONTAINER/UPDATE. */
static void add_auto_update(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) words = unit_file_words(work->unit->file, work->section, key->name);
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->pdata[i];
		const char *slash = strchr(word, '/');
		g_autofree char *container = slash ? g_strndup(word, (size_t)(slash - word)) : NULL;
		g_autofree char *option =
			g_strconcat(key->option, slash ? "/" : "", container ? container : "", "=",
				    slash ? slash + 1 : word, NULL);
		work_add(work, option, NULL);
	}
}

static void add_config_maps(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) words = unit_file_words(work->unit->file, work->section, key->name);
	for (size_t i = 0; i < words->len; i++) {
		g_autofree char *path = part_path(work, words->pdata[i]);
		work_add_option(work, key->option, path);
	}
}

static const QuadletKey kube_keys[] = {
	{"ExitCodePropagation", KEY_VALUE, "--service-exit-code-propagation="},
	{"LogDriver", KEY_VALUE, "--log-driver"},
	{"LogOpt", KEY_NAMES, "--log-opt"},
	{"UserNS", KEY_VALUE, "--userns"},
	{"RemapUsers", KEY_CALL, NULL, part_mappings},
	{"Network", KEY_CALL, "--network", part_networks},
	{"AutoUpdate", KEY_CALL, "--annotation=io.containers.autoupdate", add_auto_update},
	{"ConfigMap", KEY_CALL, "--configmap", add_config_maps},
	{"PublishPort", KEY_EACH, "--publish"},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"KubeDownForce", KEY_FLAG, "--force"},
	{"RemapGid", KEY_LATER},
	{"RemapUid", KEY_LATER},
	{"RemapUidSize", KEY_LATER},
	{"SetWorkingDirectory", KEY_LATER},
	{"Yaml", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

static char *kube_resource(const QuadletUnit *unit)
{
	return NULL;
}

static void add_yaml(Translation *work)
{
	g_autoptr(GPtrArray) lines = work_all(work, "Yaml");
	for (size_t i = 0; i < lines->len; i++) {
		g_autofree char *stripped =
			part_strip_quotes(((const UnitLine *)lines->pdata[i])->value);
		g_autofree char *path = part_path(work, stripped);
		work_add(work, path, NULL);
	}
}

static void translate_kube(Translation *work)
{
	if (!work_last(work, "Yaml"))
		work_fail(work, "Yaml", "[Kube] needs Yaml=");
	(void)part_notify(work);
	part_wait_online(work, NULL, NULL);
	work_begin(work, "kube play --replace --service-container=true");
	work_add_keys(work, NULL, "PodmanArgs");
	add_yaml(work);
	work_end(work, "ExecStart", NULL);
	work_begin(work, "kube down");
	work_add_keys(work, "KubeDownForce", "KubeDownForce");
	add_yaml(work);
	work_end(work, "ExecStopPost", NULL);
	g_free(part_working_directory(work)); /* a kube has no context */
}

const QuadletKind quadlet_kube = {
	.extension = ".kube",
	.section = "Kube",
	.renamed = "X-Kube",
	.suffix = "",
	.order = 4,
	.keys = kube_keys,
	.resource = kube_resource,
	.translate = translate_kube,
};
