/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/shape.h"

#include <string.h>

#include "cmd/compose/canonical.h"

/* Keys of members of unique lists. */

static char *field(const Node *member, const char *key)
{
	const Node *value = node_get(member, key);
	char *text = value ? node_scalar_text(value) : NULL;
	return text ? text : g_strdup("");
}

static char *key_target(const Node *member)
{
	return field(member, "target");
}

static char *key_path(const Node *member)
{
	return field(member, "path");
}

static char *key_subnet(const Node *member)
{
	return field(member, "subnet");
}

/* Where a config or secret ends up; the source where no target is said. */
static char *key_mount(const Node *member)
{
	char *target = key_target(member);
	if (*target)
		return target;
	g_free(target);
	return field(member, "source");
}

static char *key_secret(const Node *member)
{
	g_autofree char *mount = key_mount(member);
	return *mount == '/' ? g_steal_pointer(&mount) : g_strconcat("/run/secrets/", mount, NULL);
}

static char *key_port(const Node *member)
{
	g_autofree char *ip = field(member, "host_ip");
	g_autofree char *published = field(member, "published");
	g_autofree char *target = field(member, "target");
	g_autofree char *protocol = field(member, "protocol");
	return g_strdup_printf("%s %s %s %s", ip, published, target, protocol);
}

#define ROW(row_name, ...)                                                                         \
	{                                                                                          \
		.name = (row_name), .kind = __VA_ARGS__                                            \
	}
#define VALUE(...)                                                                                 \
	(const Shape[])                                                                            \
	{                                                                                          \
		{                                                                                  \
			.kind = __VA_ARGS__                                                        \
		}                                                                                  \
	}
#define OBJECT(fields) .inside = (fields)
#define END                                                                                        \
	{                                                                                          \
		0                                                                                  \
	}

static const Shape ulimit_fields[] = {
	ROW("hard", SHAPE_INT),
	ROW("single", SHAPE_INT),
	ROW("soft", SHAPE_INT),
	END,
};
static const Shape ulimit_value = {.kind = SHAPE_OBJECT,
				   .inside = ulimit_fields,
				   .flags = SHAPE_REPLACE,
				   .expand = canonical_ulimit};

static const Shape file_ref_fields[] = {
	ROW("gid", SHAPE_TEXT),      ROW("mode", SHAPE_INT), ROW("source", SHAPE_STRING),
	ROW("target", SHAPE_STRING), ROW("uid", SHAPE_TEXT), END,
};

static const Shape build_fields[] = {
	ROW("additional_contexts", SHAPE_MAPPING),
	ROW("args", SHAPE_MAPPING, .flags = SHAPE_ENV),
	ROW("cache_from", SHAPE_TEXTS),
	ROW("cache_to", SHAPE_TEXTS),
	ROW("context", SHAPE_STRING),
	ROW("dockerfile", SHAPE_STRING),
	ROW("dockerfile_inline", SHAPE_STRING),
	ROW("entitlements", SHAPE_TEXTS),
	ROW("extra_hosts", SHAPE_TEXTS, .expand = canonical_hosts, .flags = SHAPE_UNIQUE),
	ROW("isolation", SHAPE_STRING),
	ROW("labels", SHAPE_LABELS),
	ROW("network", SHAPE_STRING),
	ROW("no_cache", SHAPE_BOOL),
	ROW("no_cache_filter", SHAPE_WORDS),
	ROW("platforms", SHAPE_TEXTS),
	ROW("privileged", SHAPE_BOOL),
	ROW("provenance", SHAPE_TEXT),
	ROW("pull", SHAPE_BOOL),
	ROW("sbom", SHAPE_TEXT),
	ROW("secrets", SHAPE_LIST, .flags = SHAPE_UNIQUE, .key = key_secret,
	    .inside = VALUE(SHAPE_OBJECT, .inside = file_ref_fields, .expand = canonical_file_ref)),
	ROW("shm_size", SHAPE_SIZE),
	ROW("ssh", SHAPE_TEXTS, .expand = canonical_ssh),
	ROW("tags", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("target", SHAPE_STRING),
	ROW("ulimits", SHAPE_MAP, .inside = &ulimit_value),
	END,
};

static const Shape throttle_fields[] = {ROW("path", SHAPE_STRING), ROW("rate", SHAPE_SIZE),
					ROW("weight", SHAPE_INT), END};
#define THROTTLES SHAPE_LIST, .inside = VALUE(SHAPE_OBJECT, .inside = throttle_fields)
static const Shape blkio_fields[] = {
	ROW("device_read_bps", THROTTLES),
	ROW("device_read_iops", THROTTLES),
	ROW("device_write_bps", THROTTLES),
	ROW("device_write_iops", THROTTLES),
	ROW("weight", SHAPE_INT),
	ROW("weight_device", THROTTLES),
	END,
};

static const Shape device_request_fields[] = {
	ROW("capabilities", SHAPE_TEXTS), ROW("count", SHAPE_INT, .expand = canonical_count),
	ROW("device_ids", SHAPE_TEXTS),   ROW("driver", SHAPE_STRING),
	ROW("options", SHAPE_MAPPING),    END,
};
#define DEVICE_REQUESTS SHAPE_LIST, .inside = VALUE(SHAPE_OBJECT, .inside = device_request_fields)
static const Shape resource_fields[] = {
	ROW("cpus", SHAPE_NUMBER),
	ROW("devices", DEVICE_REQUESTS),
	ROW("generic_resources", SHAPE_ANY),
	ROW("memory", SHAPE_SIZE),
	ROW("pids", SHAPE_INT),
	END,
};
static const Shape resources_fields[] = {
	ROW("limits", SHAPE_OBJECT, OBJECT(resource_fields)),
	ROW("reservations", SHAPE_OBJECT, OBJECT(resource_fields)),
	END,
};
static const Shape restart_fields[] = {
	ROW("condition", SHAPE_STRING),
	ROW("delay", SHAPE_DURATION),
	ROW("max_attempts", SHAPE_INT),
	ROW("window", SHAPE_DURATION),
	END,
};
static const Shape rollout_fields[] = {
	ROW("delay", SHAPE_DURATION),
	ROW("failure_action", SHAPE_STRING),
	ROW("max_failure_ratio", SHAPE_NUMBER),
	ROW("monitor", SHAPE_DURATION),
	ROW("order", SHAPE_STRING),
	ROW("parallelism", SHAPE_INT),
	END,
};
static const Shape preference_fields[] = {ROW("spread", SHAPE_STRING), END};
static const Shape placement_fields[] = {
	ROW("constraints", SHAPE_TEXTS),
	ROW("max_replicas_per_node", SHAPE_INT),
	ROW("preferences", SHAPE_LIST, .inside = VALUE(SHAPE_OBJECT, .inside = preference_fields)),
	END,
};
static const Shape deploy_fields[] = {
	ROW("endpoint_mode", SHAPE_STRING),
	ROW("labels", SHAPE_LABELS),
	ROW("mode", SHAPE_STRING),
	ROW("placement", SHAPE_OBJECT, OBJECT(placement_fields)),
	ROW("replicas", SHAPE_INT),
	ROW("resources", SHAPE_OBJECT, OBJECT(resources_fields)),
	ROW("restart_policy", SHAPE_OBJECT, OBJECT(restart_fields)),
	ROW("rollback_config", SHAPE_OBJECT, OBJECT(rollout_fields)),
	ROW("update_config", SHAPE_OBJECT, OBJECT(rollout_fields)),
	END,
};

static const Shape dependency_fields[] = {
	ROW("condition", SHAPE_STRING),
	ROW("required", SHAPE_BOOL),
	ROW("restart", SHAPE_BOOL),
	END,
};
static const Shape credential_fields[] = {ROW("config", SHAPE_STRING), ROW("file", SHAPE_STRING),
					  ROW("registry", SHAPE_STRING), END};
static const Shape device_fields[] = {ROW("permissions", SHAPE_STRING), ROW("source", SHAPE_STRING),
				      ROW("target", SHAPE_STRING), END};
static const Shape env_file_fields[] = {
	ROW("format", SHAPE_STRING),
	ROW("path", SHAPE_STRING, .flags = SHAPE_PATH),
	ROW("required", SHAPE_BOOL),
	END,
};
static const Shape extends_fields[] = {ROW("file", SHAPE_STRING), ROW("service", SHAPE_STRING),
				       END};
static const Shape health_fields[] = {
	ROW("disable", SHAPE_BOOL),
	ROW("interval", SHAPE_DURATION),
	ROW("retries", SHAPE_INT),
	ROW("start_interval", SHAPE_DURATION),
	ROW("start_period", SHAPE_DURATION),
	ROW("test", SHAPE_TEXTS, .flags = SHAPE_REPLACE, .expand = canonical_test),
	ROW("timeout", SHAPE_DURATION),
	END,
};
static const Shape logging_fields[] = {
	ROW("driver", SHAPE_STRING),
	ROW("options", SHAPE_LABELS),
	END,
};
static const Shape hook_fields[] = {
	ROW("command", SHAPE_SHELL, .flags = SHAPE_REPLACE),
	ROW("environment", SHAPE_MAPPING),
	ROW("image", SHAPE_STRING),
	ROW("per_replica", SHAPE_BOOL),
	ROW("privileged", SHAPE_BOOL),
	ROW("user", SHAPE_TEXT),
	ROW("working_dir", SHAPE_STRING),
	END,
};
#define HOOKS SHAPE_LIST, .inside = VALUE(SHAPE_OBJECT, .inside = hook_fields)
static const Shape service_network_fields[] = {
	ROW("aliases", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("driver_opts", SHAPE_MAPPING),
	ROW("gw_priority", SHAPE_INT),
	ROW("interface_name", SHAPE_STRING),
	ROW("ipv4_address", SHAPE_STRING),
	ROW("ipv6_address", SHAPE_STRING),
	ROW("link_local_ips", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("mac_address", SHAPE_STRING),
	ROW("priority", SHAPE_INT),
	END,
};
static const Shape port_fields[] = {
	ROW("app_protocol", SHAPE_STRING), ROW("host_ip", SHAPE_STRING),
	ROW("mode", SHAPE_STRING),         ROW("name", SHAPE_STRING),
	ROW("protocol", SHAPE_STRING),     ROW("published", SHAPE_TEXT),
	ROW("target", SHAPE_INT),          END,
};
static const Shape bind_fields[] = {
	ROW("create_host_path", SHAPE_BOOL),
	ROW("propagation", SHAPE_STRING),
	ROW("recursive", SHAPE_STRING),
	ROW("selinux", SHAPE_STRING),
	END,
};
static const Shape volume_option_fields[] = {ROW("labels", SHAPE_LABELS), ROW("nocopy", SHAPE_BOOL),
					     ROW("subpath", SHAPE_STRING), END};
static const Shape tmpfs_fields[] = {ROW("mode", SHAPE_INT), ROW("size", SHAPE_SIZE), END};
static const Shape image_option_fields[] = {ROW("subpath", SHAPE_STRING), END};
static const Shape mount_fields[] = {
	ROW("bind", SHAPE_OBJECT, OBJECT(bind_fields)),
	ROW("consistency", SHAPE_STRING),
	ROW("image", SHAPE_OBJECT, OBJECT(image_option_fields)),
	ROW("read_only", SHAPE_BOOL),
	ROW("source", SHAPE_STRING),
	ROW("target", SHAPE_STRING),
	ROW("tmpfs", SHAPE_OBJECT, OBJECT(tmpfs_fields)),
	ROW("type", SHAPE_STRING),
	ROW("volume", SHAPE_OBJECT, OBJECT(volume_option_fields)),
	END,
};
static const Shape watch_fields[] = {
	ROW("action", SHAPE_STRING),     ROW("exec", SHAPE_OBJECT, OBJECT(hook_fields)),
	ROW("ignore", SHAPE_WORDS),      ROW("include", SHAPE_WORDS),
	ROW("initial_sync", SHAPE_BOOL), ROW("path", SHAPE_STRING, .flags = SHAPE_PATH),
	ROW("target", SHAPE_STRING),     END,
};
static const Shape develop_fields[] = {
	ROW("watch", SHAPE_LIST, .inside = VALUE(SHAPE_OBJECT, .inside = watch_fields)), END};

static const Shape service_fields[] = {
	ROW("annotations", SHAPE_LABELS),
	ROW("attach", SHAPE_BOOL),
	ROW("blkio_config", SHAPE_OBJECT, OBJECT(blkio_fields)),
	ROW("build", SHAPE_OBJECT, OBJECT(build_fields), .expand = canonical_build),
	ROW("cap_add", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("cap_drop", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("cgroup", SHAPE_STRING),
	ROW("cgroup_parent", SHAPE_STRING),
	ROW("command", SHAPE_SHELL, .flags = SHAPE_REPLACE),
	ROW("configs", SHAPE_LIST, .flags = SHAPE_UNIQUE, .key = key_mount,
	    .inside = VALUE(SHAPE_OBJECT, .inside = file_ref_fields, .expand = canonical_file_ref)),
	ROW("container_name", SHAPE_STRING),
	ROW("cpu_count", SHAPE_INT),
	ROW("cpu_percent", SHAPE_NUMBER),
	ROW("cpu_period", SHAPE_INT),
	ROW("cpu_quota", SHAPE_INT),
	ROW("cpu_rt_period", SHAPE_INT),
	ROW("cpu_rt_runtime", SHAPE_INT),
	ROW("cpu_shares", SHAPE_INT),
	ROW("cpus", SHAPE_NUMBER),
	ROW("cpuset", SHAPE_STRING),
	ROW("credential_spec", SHAPE_OBJECT, OBJECT(credential_fields)),
	ROW("depends_on", SHAPE_MAP, .inside = VALUE(SHAPE_OBJECT, .inside = dependency_fields),
	    .expand = canonical_depends_on),
	ROW("deploy", SHAPE_OBJECT, OBJECT(deploy_fields), .flags = SHAPE_NULLABLE),
	ROW("develop", SHAPE_OBJECT, OBJECT(develop_fields), .flags = SHAPE_NULLABLE),
	ROW("device_cgroup_rules", SHAPE_TEXTS),
	ROW("devices", SHAPE_LIST, .flags = SHAPE_UNIQUE, .key = key_target,
	    .inside = VALUE(SHAPE_OBJECT, .inside = device_fields, .expand = canonical_device)),
	ROW("dns", SHAPE_WORDS, .flags = SHAPE_UNIQUE),
	ROW("dns_opt", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("dns_search", SHAPE_WORDS, .flags = SHAPE_UNIQUE),
	ROW("domainname", SHAPE_STRING),
	ROW("entrypoint", SHAPE_SHELL, .flags = SHAPE_REPLACE),
	ROW("env_file", SHAPE_LIST, .flags = SHAPE_UNIQUE, .key = key_path,
	    .expand = canonical_env_files,
	    .inside = VALUE(SHAPE_OBJECT, .inside = env_file_fields, .expand = canonical_env_file)),
	ROW("environment", SHAPE_MAPPING),
	ROW("expose", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("extends", SHAPE_OBJECT, OBJECT(extends_fields), .expand = canonical_extends),
	ROW("external_links", SHAPE_TEXTS),
	ROW("extra_hosts", SHAPE_TEXTS, .flags = SHAPE_UNIQUE, .expand = canonical_hosts),
	ROW("gpus", DEVICE_REQUESTS, .expand = canonical_gpus),
	ROW("group_add", SHAPE_TEXTS),
	ROW("healthcheck", SHAPE_OBJECT, OBJECT(health_fields)),
	ROW("hostname", SHAPE_STRING),
	ROW("image", SHAPE_STRING),
	ROW("init", SHAPE_BOOL),
	ROW("ipc", SHAPE_STRING),
	ROW("isolation", SHAPE_STRING),
	ROW("label_file", SHAPE_WORDS, .flags = SHAPE_PATH),
	ROW("labels", SHAPE_LABELS),
	ROW("links", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("logging", SHAPE_OBJECT, OBJECT(logging_fields), .flags = SHAPE_LOGGING),
	ROW("mac_address", SHAPE_STRING),
	ROW("mem_limit", SHAPE_SIZE),
	ROW("mem_reservation", SHAPE_SIZE),
	ROW("mem_swappiness", SHAPE_SIZE),
	ROW("memswap_limit", SHAPE_SIZE),
	ROW("models", SHAPE_ANY),
	ROW("network_mode", SHAPE_STRING),
	ROW("networks", SHAPE_MAP, .expand = canonical_names,
	    .inside =
		    VALUE(SHAPE_OBJECT, .inside = service_network_fields, .flags = SHAPE_NULLABLE)),
	ROW("oom_kill_disable", SHAPE_BOOL),
	ROW("oom_score_adj", SHAPE_INT),
	ROW("pid", SHAPE_STRING, .flags = SHAPE_NULLABLE),
	ROW("pids_limit", SHAPE_INT),
	ROW("platform", SHAPE_STRING),
	ROW("ports", SHAPE_LIST, .flags = SHAPE_UNIQUE, .key = key_port, .expand = canonical_ports,
	    .inside = VALUE(SHAPE_OBJECT, .inside = port_fields)),
	ROW("post_start", HOOKS),
	ROW("pre_start", HOOKS),
	ROW("pre_stop", HOOKS),
	ROW("privileged", SHAPE_BOOL),
	ROW("profiles", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("provider", SHAPE_ANY),
	ROW("pull_policy", SHAPE_STRING, .expand = canonical_pull_policy),
	ROW("pull_refresh_after", SHAPE_STRING),
	ROW("read_only", SHAPE_BOOL),
	ROW("restart", SHAPE_STRING),
	ROW("runtime", SHAPE_STRING),
	ROW("scale", SHAPE_INT),
	ROW("secrets", SHAPE_LIST, .flags = SHAPE_UNIQUE, .key = key_secret,
	    .inside = VALUE(SHAPE_OBJECT, .inside = file_ref_fields, .expand = canonical_secret)),
	ROW("security_opt", SHAPE_TEXTS),
	ROW("shm_size", SHAPE_SIZE),
	ROW("stdin_open", SHAPE_BOOL),
	ROW("stop_grace_period", SHAPE_DURATION),
	ROW("stop_signal", SHAPE_STRING),
	ROW("storage_opt", SHAPE_MAPPING),
	ROW("sysctls", SHAPE_LABELS),
	ROW("tmpfs", SHAPE_WORDS, .flags = SHAPE_UNIQUE),
	ROW("tty", SHAPE_BOOL),
	ROW("ulimits", SHAPE_MAP, .inside = &ulimit_value),
	ROW("use_api_socket", SHAPE_BOOL),
	ROW("user", SHAPE_STRING),
	ROW("userns_mode", SHAPE_STRING),
	ROW("uts", SHAPE_STRING),
	ROW("volumes", SHAPE_LIST, .flags = SHAPE_UNIQUE, .key = key_target,
	    .inside = VALUE(SHAPE_OBJECT, .inside = mount_fields, .expand = canonical_volume)),
	ROW("volumes_from", SHAPE_TEXTS, .flags = SHAPE_UNIQUE),
	ROW("working_dir", SHAPE_STRING),
	END,
};

const Shape shape_service = {.kind = SHAPE_OBJECT, .inside = service_fields};

static const Shape subnet_fields[] = {
	ROW("aux_addresses", SHAPE_MAPPING),
	ROW("gateway", SHAPE_STRING),
	ROW("ip_range", SHAPE_STRING),
	ROW("subnet", SHAPE_STRING),
	END,
};
static const Shape ipam_fields[] = {
	ROW("config", SHAPE_LIST, .flags = SHAPE_UNIQUE | SHAPE_DEEP, .key = key_subnet,
	    .inside = VALUE(SHAPE_OBJECT, .inside = subnet_fields)),
	ROW("driver", SHAPE_STRING),
	ROW("options", SHAPE_MAPPING),
	END,
};
static const Shape network_fields[] = {
	ROW("attachable", SHAPE_BOOL),
	ROW("driver", SHAPE_STRING),
	ROW("driver_opts", SHAPE_MAPPING),
	ROW("enable_ipv4", SHAPE_BOOL),
	ROW("enable_ipv6", SHAPE_BOOL),
	ROW("external", SHAPE_BOOL),
	ROW("internal", SHAPE_BOOL),
	ROW("ipam", SHAPE_OBJECT, OBJECT(ipam_fields)),
	ROW("labels", SHAPE_LABELS),
	ROW("name", SHAPE_STRING),
	END,
};
static const Shape volume_fields[] = {
	ROW("driver", SHAPE_STRING), ROW("driver_opts", SHAPE_MAPPING), ROW("external", SHAPE_BOOL),
	ROW("labels", SHAPE_LABELS), ROW("name", SHAPE_STRING),         END,
};
static const Shape file_object_fields[] = {
	ROW("content", SHAPE_STRING),         ROW("driver", SHAPE_STRING),
	ROW("driver_opts", SHAPE_MAPPING),    ROW("environment", SHAPE_STRING),
	ROW("external", SHAPE_BOOL),          ROW("file", SHAPE_STRING, .flags = SHAPE_PATH),
	ROW("labels", SHAPE_LABELS),          ROW("name", SHAPE_STRING),
	ROW("template_driver", SHAPE_STRING), END,
};
static const Shape include_fields[] = {
	ROW("env_file", SHAPE_WORDS),
	ROW("path", SHAPE_WORDS),
	ROW("project_directory", SHAPE_STRING),
	END,
};

#define RESOURCES(fields)                                                                          \
	SHAPE_MAP, .inside = VALUE(SHAPE_OBJECT, .inside = (fields), .flags = SHAPE_NULLABLE,      \
				   .expand = canonical_external)
static const Shape file_fields[] = {
	ROW("configs", RESOURCES(file_object_fields)),
	ROW("include", SHAPE_LIST, .expand = canonical_includes, .flags = SHAPE_NULLABLE,
	    .inside = VALUE(SHAPE_OBJECT, .inside = include_fields, .expand = canonical_include)),
	ROW("models", SHAPE_ANY),
	ROW("name", SHAPE_STRING),
	ROW("networks", RESOURCES(network_fields)),
	ROW("secrets", RESOURCES(file_object_fields)),
	ROW("services", SHAPE_MAP, .inside = &shape_service),
	ROW("version", SHAPE_TEXT),
	ROW("volumes", RESOURCES(volume_fields)),
	END,
};

const Shape shape_file = {.kind = SHAPE_OBJECT, .inside = file_fields};

const Shape *shape_lookup(const Shape *shape, const char *key)
{
	if (shape->kind != SHAPE_OBJECT)
		return shape->inside;
	for (const Shape *row = shape->inside; row->name; row++)
		if (*row->name == *key && strcmp(row->name, key) == 0)
			return row;
	return NULL;
}

bool shape_is_extension(const char *key)
{
	return g_str_has_prefix(key, "x-");
}

char *shape_member_key(const Shape *list, const Node *member)
{
	bool map = list->key && member->kind == NODE_MAP;
	char *key = map ? list->key(member) : node_scalar_text(member);
	return key ? key : g_strdup("");
}
