/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_spec.h"

#include <string.h>

#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_spec_priv.h"
#include "cmd/compose/service_words.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/spec_parse.h"

typedef bool (*Apply)(Build *build, const Node *value, GError **error);

/* How one attribute of a service reaches the spec. */
typedef struct {
	const char *key;
	SpecSetter set;      /* of a scalar, or of each member of a list or mapping */
	Apply apply;         /* in place of @set */
	const char *refused; /* why, if it is never done */
} Row;

bool compose_unsupported(const ComposeSpec *make, const char *key, const char *what, GError **error)
{
	const NodeEntry *entry = node_get_entry(make->service, key);
	place_error(error, entry ? entry->at : make->service->at,
		    "services.%s.%s: %s not supported", make->name, key, what);
	if (error && *error)
		(*error)->code = ENGINE_ERROR_UNSUPPORTED;
	return false;
}

bool spec_call(Build *build, const char *key, SpecSetter set, const char *value, GError **error)
{
	g_autoptr(GError) reason = NULL;
	if (set(build->spec, value, &reason))
		return true;
	const NodeEntry *entry = node_get_entry(build->make->service, key);
	place_error(error, entry ? entry->at : build->make->service->at,
		    "services.%s.%s: \"%s\": %s", build->make->name, key, value, reason->message);
	if (error && *error)
		(*error)->code = reason->code;
	return false;
}

/* A scalar once, the members of a list each, the pairs of a mapping as NAME=VALUE. */
static bool call_all(Build *build, const Row *row, const Node *value, GError **error)
{
	if (value->kind < NODE_LIST) {
		g_autofree char *text = node_scalar_text(value);
		return !text || spec_call(build, row->key, row->set, text, error);
	}
	for (size_t i = 0; i < node_count(value); i++) {
		bool map = value->kind == NODE_MAP;
		const Node *item = map ? node_entry(value, i)->value : node_item(value, i);
		g_autofree char *text = node_scalar_text(item);
		g_autofree char *pair =
			map ? g_strdup_printf("%s=%s", node_entry(value, i)->key, text ? text : "")
			    : g_strdup(text);
		if (pair && !spec_call(build, row->key, row->set, pair, error))
			return false;
	}
	return true;
}

/* A name without a value is not in the container, even if the image has it. */
static bool apply_environment(Build *build, const Node *value, GError **error)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		bool set = entry->value->kind == NODE_STRING;
		g_autofree char *pair =
			set ? g_strdup_printf("%s=%s", entry->key, entry->value->text)
			    : g_strdup(entry->key);
		if (!spec_call(build, "environment", set ? spec_add_env : spec_add_unset_env, pair,
			       error))
			return false;
	}
	return true;
}

static char **to_strv(const Node *list)
{
	char **words = g_new0(char *, node_count(list) + 1);
	for (size_t i = 0; i < node_count(list); i++)
		words[i] = node_scalar_text(node_item(list, i));
	return words;
}

static bool apply_command(Build *build, const Node *value, GError **error)
{
	if (value->kind == NODE_LIST)
		build->spec->command = to_strv(value);
	return true;
}

static bool apply_entrypoint(Build *build, const Node *value, GError **error)
{
	if (value->kind != NODE_LIST)
		return true;
	g_strfreev(build->spec->entrypoint);
	build->spec->entrypoint = to_strv(value);
	build->spec->entrypoint_set = true;
	return true;
}

static bool apply_privileged(Build *build, const Node *value, GError **error)
{
	build->spec->privileged = value->boolean;
	return true;
}

static bool apply_read_only(Build *build, const Node *value, GError **error)
{
	build->spec->read_only = value->boolean;
	return true;
}

static bool apply_tty(Build *build, const Node *value, GError **error)
{
	build->spec->tty = value->boolean;
	return true;
}

static bool apply_stdin(Build *build, const Node *value, GError **error)
{
	build->spec->open_stdin = value->boolean;
	return true;
}

static bool apply_init(Build *build, const Node *value, GError **error)
{
	build->spec->init = value->boolean;
	return true;
}

/* Whole seconds, rounded up. */
static bool apply_grace(Build *build, const Node *value, GError **error)
{
	int64_t ns = 0;
	if (!units_parse_duration(value->text, &ns, error))
		return false;
	g_autofree char *seconds =
		g_strdup_printf("%" G_GINT64_FORMAT, (ns + 999999999) / 1000000000);
	return spec_call(build, "stop_grace_period", spec_set_stop_timeout, seconds, error);
}

/* "label:disable" is what files say, "label=disable" what the option takes. */
static bool apply_security(Build *build, const Node *value, GError **error)
{
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *text = g_strdup(node_item(value, i)->text);
		char *colon = strchr(text, '=') ? NULL : strchr(text, ':');
		if (colon)
			*colon = '=';
		if (!spec_call(build, "security_opt", spec_add_security_opt, text, error))
			return false;
	}
	return true;
}

static bool apply_hosts(Build *build, const Node *value, GError **error)
{
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *text = g_strdup(node_item(value, i)->text);
		*(text + strcspn(text, "=")) = ':';
		if (!spec_call(build, "extra_hosts", spec_add_host, text, error))
			return false;
	}
	return true;
}

static bool apply_devices(Build *build, const Node *value, GError **error)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *device = node_item(value, i);
		const char *permissions = node_string(device, "permissions");
		g_autofree char *text = g_strdup_printf("%s:%s:%s", node_string(device, "source"),
							node_string(device, "target"),
							permissions ? permissions : "rwm");
		if (!spec_call(build, "devices", spec_add_device, text, error))
			return false;
	}
	return true;
}

static bool apply_ulimits(Build *build, const Node *value, GError **error)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		const Node *single = node_get(entry->value, "single");
		const Node *soft = single ? single : node_get(entry->value, "soft");
		const Node *hard = single ? single : node_get(entry->value, "hard");
		g_autofree char *text = g_strdup_printf("%s=%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
							entry->key, soft->integer, hard->integer);
		if (!spec_call(build, "ulimits", spec_add_ulimit, text, error))
			return false;
	}
	return true;
}

static bool apply_logging(Build *build, const Node *value, GError **error)
{
	const char *driver = node_string(value, "driver");
	const Node *options = node_get(value, "options");
	if (driver && !spec_call(build, "logging", spec_set_log_driver, driver, error))
		return false;
	const Row row = {.key = "logging", .set = spec_add_log_opt};
	return !options || call_all(build, &row, options, error);
}

/* The test as the words of a JSON array, which the option takes, too. */
static bool apply_health_test(Build *build, const Node *test, GError **error)
{
	g_autoptr(Json) words = node_to_json(test);
	if (strcmp(node_item(test, 0)->text, "NONE") == 0) {
		build->spec->health_asked.disabled = true;
		return true;
	}
	return spec_call(build, "healthcheck", spec_set_health_cmd, js_text(words), error);
}

static bool apply_health(Build *build, const Node *value, GError **error)
{
	static const Row rows[] = {
		{"interval", spec_set_health_interval, NULL},
		{"timeout", spec_set_health_timeout, NULL},
		{"start_period", spec_set_health_start_period, NULL},
		{"start_interval", spec_set_health_start_interval, NULL},
		{"retries", spec_set_health_retries, NULL},
	};
	const Node *test = node_get(value, "test");
	if (node_true(value, "disable")) {
		build->spec->health_asked.disabled = true;
		return true;
	}
	if (node_count(test) > 0 && !apply_health_test(build, test, error))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const Node *part = node_get(value, rows[i].key);
		g_autofree char *text = part ? node_scalar_text(part) : NULL;
		if (text && !spec_call(build, "healthcheck", rows[i].set, text, error))
			return false;
	}
	return true;
}

static bool apply_volumes_from(Build *build, const Node *value, GError **error)
{
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *from =
			service_volumes_from(build->make->project, node_item(value, i)->text);
		if (!spec_call(build, "volumes_from", spec_add_volumes_from, from, error))
			return false;
	}
	return true;
}

static bool refuse_negative(Build *build, const char *key, int64_t value, GError **error)
{
	return value >= 0 || place_error(error, build->make->service->at,
					 "services.%s.deploy.restart_policy.%s: negative",
					 build->make->name, key);
}

/* Milliseconds of what may be there, rounded up. */
static bool read_pause(Build *build, const Node *policy, const char *key, int *out_ms,
		       GError **error)
{
	const char *text = node_string(policy, key);
	int64_t ns = 0;
	if ((text && !units_parse_duration(text, &ns, error)) ||
	    !refuse_negative(build, key, ns, error))
		return false;
	*out_ms = (int)CLAMP(ns / 1000000 + (ns % 1000000 > 0), 0, G_MAXINT);
	return true;
}

/* deploy.restart_policy beats restart, which has its own row before this one. */
static bool apply_restart_policy(Build *build, const Node *policy, GError **error)
{
	static const char *const words[] = {"no", "on-failure", "always"};
	ServiceRestart restart = service_restart(build->make->service);
	const Node *said = node_get(policy, "max_attempts");
	int64_t attempts = node_is(said, NODE_INT) ? said->integer : 0;
	ContainerSpec *spec = build->spec;
	if (!refuse_negative(build, "max_attempts", attempts, error) ||
	    !spec_call(build, "deploy", spec_set_restart, words[restart.kind], error))
		return false;
	/* --restart takes a number of failures alone; here all runs count. */
	if (restart.kind != SERVICE_RESTART_NEVER)
		spec->restart_retries = (int)MIN(attempts, G_MAXINT);
	return read_pause(build, policy, "delay", &spec->restart_delay_ms, error) &&
	       read_pause(build, policy, "window", &spec->restart_window_ms, error);
}

static bool apply_deploy(Build *build, const Node *value, GError **error)
{
	static const Row rows[] = {
		{"cpus", spec_set_cpus, NULL},
		{"memory", spec_set_memory, NULL},
		{"pids", spec_set_pids_limit, NULL},
	};
	const Node *resources = node_get(value, "resources"),
		   *limits = node_get(resources, "limits");
	const Node *reserved = node_get(resources, "reservations");
	const Node *policy = node_get(value, "restart_policy");
	const char *memory = node_string(reserved, "memory");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const Node *limit = node_get(limits, rows[i].key);
		g_autofree char *text = limit ? node_scalar_text(limit) : NULL;
		if (text && !spec_call(build, "deploy", rows[i].set, text, error))
			return false;
	}
	if (!spec_add_requests(build, "deploy", node_get(reserved, "devices"), false, error))
		return false;
	return (!memory ||
		spec_call(build, "deploy", spec_set_memory_reservation, memory, error)) &&
	       (!policy || apply_restart_policy(build, policy, error));
}

static bool apply_nothing(Build *build, const Node *value, GError **error)
{
	return true;
}

static bool apply_cgroup(Build *build, const Node *value, GError **error)
{
	return spec_call_shared(build, "cgroup", spec_set_cgroupns, value->text, error);
}

/* skiff runs containers itself; the usual names say nothing else. */
static bool apply_runtime(Build *build, const Node *value, GError **error)
{
	static const char *const usual[] = {"crun", "io.containerd.runc.v2", "runc", "skiff", NULL};
	return g_strv_contains(usual, value->text) ||
	       compose_unsupported(build->make, "runtime",
				   "skiff runs containers itself: another runtime is", error);
}

static bool apply_isolation(Build *build, const Node *value, GError **error)
{
	return strcmp(value->text, "default") == 0 ||
	       compose_unsupported(build->make, "isolation", "it is for Windows: it is", error);
}

/* Keep alphabetized. */
static const Row rows[] = {
	{"annotations", spec_add_annotation, NULL},
	{"attach", NULL, apply_nothing},
	{"blkio_config", NULL, spec_apply_blkio},
	{"build", NULL, apply_nothing},
	{"cap_add", spec_add_cap_add, NULL},
	{"cap_drop", spec_add_cap_drop, NULL},
	{"cgroup", NULL, apply_cgroup},
	{"cgroup_parent", spec_set_cgroup_parent, NULL},
	{"command", NULL, apply_command},
	{"configs", NULL, apply_nothing},
	{"container_name", NULL, apply_nothing},
	{"cpu_count", .refused = "it is for Windows"},
	{"cpu_percent", .refused = "it is for Windows"},
	{"cpu_period", spec_set_cpu_period, NULL},
	{"cpu_quota", spec_set_cpu_quota, NULL},
	{"cpu_rt_period", .refused = "only cgroup version 1 has it"},
	{"cpu_rt_runtime", .refused = "only cgroup version 1 has it"},
	{"cpu_shares", spec_set_cpu_shares, NULL},
	{"cpus", spec_set_cpus, NULL},
	{"cpuset", spec_set_cpuset_cpus, NULL},
	{"credential_spec", .refused = "it is for Windows"},
	{"depends_on", NULL, apply_nothing},
	{"develop", NULL, apply_nothing},
	{"device_cgroup_rules",
	 .refused = "an unprivileged user sets no rules for devices; name devices"},
	{"devices", NULL, apply_devices},
	{"dns", spec_add_dns, NULL},
	{"dns_opt", spec_add_dns_option, NULL},
	{"dns_search", spec_add_dns_search, NULL},
	{"domainname", spec_set_domainname, NULL},
	{"entrypoint", NULL, apply_entrypoint},
	{"environment", NULL, apply_environment},
	{"expose", spec_add_expose, NULL},
	{"external_links", NULL, spec_apply_external_links},
	{"extra_hosts", NULL, apply_hosts},
	{"gpus", NULL, spec_apply_gpus},
	{"group_add", spec_add_group, NULL},
	{"healthcheck", NULL, apply_health},
	{"hostname", spec_set_hostname, NULL},
	{"image", NULL, apply_nothing},
	{"init", NULL, apply_init},
	{"ipc", NULL, spec_apply_ipc},
	{"isolation", NULL, apply_isolation},
	{"labels", spec_add_label, NULL},
	{"links", NULL, spec_apply_links},
	{"logging", NULL, apply_logging},
	{"mac_address", spec_set_mac_address, NULL},
	{"mem_limit", spec_set_memory, NULL},
	{"mem_reservation", spec_set_memory_reservation, NULL},
	{"mem_swappiness", NULL, apply_nothing},
	{"memswap_limit", spec_set_memory_swap, NULL},
	{"models", .refused = "skiff runs no models"},
	{"network_mode", NULL, spec_apply_network_mode},
	{"networks", NULL, spec_apply_networks},
	{"oom_kill_disable", NULL, apply_nothing},
	{"oom_score_adj", spec_set_oom_score_adj, NULL},
	{"pid", NULL, spec_apply_pid},
	{"pids_limit", spec_set_pids_limit, NULL},
	{"platform", spec_set_platform, NULL},
	{"ports", NULL, spec_apply_ports},
	{"post_start", NULL, apply_nothing},
	{"pre_start",
	 .refused = "a service with depends_on: service_completed_successfully does it"},
	{"pre_stop", NULL, apply_nothing},
	{"privileged", NULL, apply_privileged},
	{"profiles", NULL, apply_nothing},
	{"provider", .refused = "skiff runs no plugins"},
	{"pull_policy", NULL, apply_nothing},
	{"pull_refresh_after", .refused = "write pull_policy: every_DURATION"},
	{"read_only", NULL, apply_read_only},
	{"restart", spec_set_restart, NULL},
	{"runtime", NULL, apply_runtime},
	{"scale", NULL, apply_nothing},
	{"secrets", NULL, apply_nothing},
	{"security_opt", NULL, apply_security},
	{"shm_size", spec_set_shm_size, NULL},
	{"stdin_open", NULL, apply_stdin},
	{"stop_grace_period", NULL, apply_grace},
	{"stop_signal", spec_set_stop_signal, NULL},
	{"storage_opt", .refused = "layers have no quota of their own"},
	{"sysctls", spec_add_sysctl, NULL},
	{"tmpfs", spec_add_tmpfs, NULL},
	{"tty", NULL, apply_tty},
	{"ulimits", NULL, apply_ulimits},
	{"use_api_socket", .refused = "a container gets no socket that rules others"},
	{"user", spec_set_user, NULL},
	{"userns_mode", spec_set_userns, NULL},
	{"uts", NULL, spec_apply_uts},
	{"volumes", NULL, apply_nothing},
	{"volumes_from", NULL, apply_volumes_from},
	{"working_dir", spec_set_workdir, NULL},
};

static const Row *find_row(const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

/* What says nothing is not refused: "use_api_socket: false". */
static bool refuse(const Build *build, const NodeEntry *entry, const char *why, GError **error)
{
	const Node *value = entry->value;
	if (value->kind == NODE_NULL || (value->kind == NODE_BOOL && !value->boolean) ||
	    (value->kind >= NODE_LIST && node_count(value) == 0))
		return true;
	place_error(error, entry->at, "services.%s.%s: it is not supported: %s", build->make->name,
		    entry->key, why);
	if (error && *error)
		(*error)->code = ENGINE_ERROR_UNSUPPORTED;
	return false;
}

static bool apply_attributes(Build *build, GError **error)
{
	const Node *service = build->make->service;
	for (size_t i = 0; i < node_count(service); i++) {
		const NodeEntry *entry = node_entry(service, i);
		const Row *row = find_row(entry->key);
		if (g_str_has_prefix(entry->key, "x-") || strcmp(entry->key, "deploy") == 0)
			continue;
		if (!row)
			return compose_unsupported(build->make, entry->key, "it is", error);
		bool ok = row->refused ? refuse(build, entry, row->refused, error)
			  : row->apply ? row->apply(build, entry->value, error)
				       : call_all(build, row, entry->value, error);
		if (!ok)
			return false;
	}
	const Node *deploy = node_get(service, "deploy");
	return !node_is(deploy, NODE_MAP) || apply_deploy(build, deploy, error);
}

static void set_label(ContainerSpec *spec, const char *key, const char *value)
{
	if (!spec->labels)
		spec->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(spec->labels, g_strdup(key), g_strdup(value));
}

static void set_joined(ContainerSpec *spec, const char *key, const GPtrArray *paths)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < paths->len; i++)
		g_string_append_printf(text, "%s%s", i ? "," : "", (char *)paths->pdata[i]);
	if (text->len > 0)
		set_label(spec, key, text->str);
}

/* SERVICE:CONDITION:RESTART of each dependency. */
static char *dependencies_text(const Node *service)
{
	const Node *others = node_get(service, "depends_on");
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < node_count(others); i++) {
		const NodeEntry *entry = node_entry(others, i);
		g_string_append_printf(text, "%s%s:%s:%s", i ? "," : "", entry->key,
				       node_string(entry->value, "condition"),
				       node_true(entry->value, "restart") ? "true" : "false");
	}
	return g_string_free(text, FALSE);
}

static void set_labels(const ComposeSpec *make, ContainerSpec *spec)
{
	const ComposeProject *project = make->project;
	g_autofree char *number = g_strdup_printf("%d", make->number);
	g_autofree char *others = dependencies_text(make->service);
	set_label(spec, LABEL_PROJECT, project->name);
	set_label(spec, LABEL_SERVICE, make->name);
	set_label(spec, make->slug ? LABEL_SLUG : LABEL_NUMBER, make->slug ? make->slug : number);
	set_label(spec, LABEL_ONEOFF, make->slug ? "True" : "False");
	set_label(spec, LABEL_CONFIG_HASH, make->hash);
	set_label(spec, LABEL_DEPENDS_ON, others);
	set_label(spec, LABEL_WORKING_DIR, project->directory);
	set_label(spec, LABEL_VERSION, SKIFF_VERSION);
	set_joined(spec, LABEL_CONFIG_FILES, project->files);
	set_joined(spec, LABEL_ENVIRONMENT_FILE, project->env_files);
}

char *compose_spec_image(const ComposeProject *project, const char *name, const Node *service)
{
	const char *image = node_string(service, "image");
	return image ? g_strdup(image) : g_strdup_printf("%s-%s", project->name, name);
}

int compose_spec_scale(const Node *service)
{
	const Node *scale = node_get(service, "scale");
	const Node *replicas = node_get(node_get(service, "deploy"), "replicas");
	const Node *said = scale ? scale : replicas;
	return node_is(said, NODE_INT) ? (int)CLAMP(said->integer, 0, 10000) : 1;
}

/* A container's host name and domain are one name to the kernel. */
static bool finish_identity(Build *build, GError **error)
{
	const ComposeSpec *make = build->make;
	const char *said = make->slug ? NULL : node_string(make->service, "container_name");
	g_autofree char *name =
		make->slug ? g_strdup_printf("%s-%s-run-%.12s", make->project->name, make->name,
					     make->slug)
		: said     ? g_strdup(said)
		       : g_strdup_printf("%s-%s-%d", make->project->name, make->name, make->number);
	build->spec->image = compose_spec_image(make->project, make->name, make->service);
	return spec_call(build, "container_name", spec_set_name, name, error);
}

ContainerSpec *compose_spec_build(const ComposeSpec *make, GError **error)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	Build build = {.make = make, .spec = spec};
	/* A working directory is made where it is missing, as docker does. */
	spec->workdir_created = true;
	if (!apply_attributes(&build, error) || !finish_identity(&build, error) ||
	    !compose_spec_mounts(make, spec, error))
		return NULL;
	if (make->slug && !spec_set_restart(spec, "no", error))
		return NULL;
	set_labels(make, spec);
	spec->detach = true;
	return g_steal_pointer(&spec);
}

bool compose_spec_check(const ComposeSpec *make, GError **error)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	Build build = {.make = make, .spec = spec};
	return apply_attributes(&build, error) && compose_spec_mounts_check(make, error) &&
	       compose_spec_files(make, spec, error);
}
