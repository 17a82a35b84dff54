/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .container files: one row for each attribute that a key or an option of `run` stands for.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/compose/export_units.h"
#include "cmd/compose/service_words.h"
#include "cmd/quadlet/unit_words.h"

typedef struct {
	UnitText text;
	const NodeEntry *service;
	int number, scale;
	const char *base; /* of the file's name */
	const char *env;  /* name of the file with the environment */
	bool is_job;      /* others wait for its end */
} Unit;

typedef struct Row Row;
struct Row {
	const char *key;    /* of the service */
	const char *name;   /* of the unit; NULL: an option */
	const char *option; /* of run, for what the key cannot hold; NULL: words in quotes */
	void (*call)(Unit *unit, const Node *value);
};

static void note(Unit *unit, const char *key, const char *why)
{
	g_autofree char *path = g_strdup_printf("%s.%s", unit->text.path, key);
	compose_export_note(unit->text.export, path, "%s", why);
}

/* A scalar, each member of a list, each pair of a mapping. */
static void put_row(Unit *unit, const Row *row, const Node *value)
{
	if (!row->option && value->kind >= NODE_LIST) {
		unit_text_put_pairs(&unit->text, row->name, value);
		return;
	}
	for (size_t i = 0; i < (value->kind < NODE_LIST ? 1 : node_count(value)); i++) {
		bool map = value->kind == NODE_MAP;
		const Node *item = map                        ? node_entry(value, i)->value
				   : value->kind == NODE_LIST ? node_item(value, i)
							      : value;
		g_autofree char *scalar = node_scalar_text(item);
		g_autofree char *text = map ? g_strdup_printf("%s=%s", node_entry(value, i)->key,
							      scalar ? scalar : "")
					    : g_strdup(scalar);
		if (text)
			unit_text_put(&unit->text, row->name, row->option, text);
	}
}

static void ignore(Unit *unit, const Node *value)
{
}

/* Order and requirement: a unit of systemd for each container of another service. */
static void depend_on(Unit *unit, const char *service, bool required)
{
	g_auto(GStrv) names = export_unit_containers(unit->text.export, service);
	for (size_t i = 0; names[i]; i++)
		g_string_append_printf(unit->text.unit, "%s=%s.service\nAfter=%s.service\n",
				       required ? "Requires" : "Wants", names[i], names[i]);
}

static void put_dependencies(Unit *unit, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		depend_on(unit, entry->key, node_true(entry->value, "required"));
	}
}

static void append_words(GString *out, const Node *words)
{
	for (size_t i = 0; i < node_count(words); i++) {
		g_autofree char *text = node_scalar_text(node_item(words, i));
		g_autofree char *literal = unit_words_literal(text ? text : "");
		if (i > 0)
			g_string_append_c(out, ' ');
		unit_words_quote(out, literal);
	}
}

static void put_command(Unit *unit, const Node *value)
{
	if (node_count(value) == 0)
		return;
	g_string_append(unit->text.main, "Exec=");
	append_words(unit->text.main, value);
	g_string_append_c(unit->text.main, '\n');
}

static void put_entrypoint(Unit *unit, const Node *value)
{
	g_autoptr(Json) words = node_to_json(value);
	if (node_is(value, NODE_LIST))
		unit_text_put(&unit->text, "Entrypoint", "--entrypoint",
			      node_count(value) ? js_text(words) : "");
}

/* What an env file cannot hold stands in the unit. */
static void put_environment(Unit *unit, const Node *value)
{
	GString *file = NULL;
	bool any = false;
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		g_autofree char *text = node_scalar_text(entry->value);
		g_autofree char *pair = g_strdup_printf("%s=%s", entry->key, text ? text : "");
		if (!text) {
			unit_text_put_option(&unit->text, "--unsetenv", entry->key);
			continue;
		}
		if (strpbrk(pair, "\n\r")) {
			unit->text.is_secret = true;
			unit_text_put_word(&unit->text, "Environment", pair);
			continue;
		}
		any = true;
		if (unit->number == 1) {
			file = file ? file
				    : compose_export_file(unit->text.export, unit->env, true);
			g_string_append_printf(file, "%s\n", pair);
		}
	}
	if (any)
		unit_text_put_word(&unit->text, "EnvironmentFile", unit->env);
}

static void put_devices(Unit *unit, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *device = node_item(value, i);
		const char *permissions = node_string(device, "permissions");
		g_autofree char *text = g_strdup_printf("%s:%s:%s", node_string(device, "source"),
							node_string(device, "target"),
							permissions ? permissions : "rwm");
		unit_text_put(&unit->text, "AddDevice", NULL, text);
	}
}

/* "a=b" of a list as "a:b", or the other way round. */
static void put_changed(Unit *unit, const Node *value, char from, char to, const char *key,
			const char *option)
{
	const char both[] = {from, to, '\0'};
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *text = g_strdup(node_item(value, i)->text);
		char *at = strpbrk(text, both);
		if (at && *at == from)
			*at = to;
		unit_text_put(&unit->text, key, option, text);
	}
}

static void put_hosts(Unit *unit, const Node *value)
{
	put_changed(unit, value, '=', ':', "AddHost", "--add-host");
}

static void put_security(Unit *unit, const Node *value)
{
	put_changed(unit, value, ':', '=', NULL, "--security-opt");
}

static void put_ulimits(Unit *unit, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		const Node *soft = node_get(entry->value, "soft"),
			   *hard = node_get(entry->value, "hard");
		g_autofree char *a = node_scalar_text(soft ? soft : entry->value);
		g_autofree char *b = node_scalar_text(hard ? hard : entry->value);
		g_autofree char *text = g_strdup_printf("%s=%s:%s", entry->key, a, b);
		unit_text_put(&unit->text, "Ulimit", "--ulimit", text);
	}
}

static void put_logging(Unit *unit, const Node *value)
{
	const char *driver = node_string(value, "driver");
	const Row row = {.name = NULL, .option = "--log-opt"};
	if (driver)
		unit_text_put(&unit->text, "LogDriver", NULL, driver);
	if (node_get(value, "options"))
		put_row(unit, &row, node_get(value, "options"));
}

/* systemd waits for the first good probe, as long as compose would. */
static void put_health_wait(Unit *unit, const Node *value)
{
	const Node *retries = node_get(value, "retries");
	int64_t each = compose_export_seconds(node_string(value, "interval"), 30) +
		       compose_export_seconds(node_string(value, "timeout"), 30);
	int64_t wait = compose_export_seconds(node_string(value, "start_period"), 0) +
		       each * (node_is(retries, NODE_INT) ? retries->integer : 3);
	unit_text_put(&unit->text, "Notify", NULL, "healthy");
	g_string_append_printf(unit->text.service, "TimeoutStartSec=%" G_GINT64_FORMAT "\n",
			       MAX(90, wait + 30));
}

static void put_health_test(Unit *unit, const Node *test)
{
	g_autoptr(Json) words = node_to_json(test);
	const Node *shell = node_item(test, 1);
	bool plain = node_count(test) == 2 && strcmp(node_item(test, 0)->text, "CMD-SHELL") == 0 &&
		     *shell->text != '[';
	unit_text_put(&unit->text, "HealthCmd", "--health-cmd",
		      plain ? shell->text : js_text(words));
}

static void put_health(Unit *unit, const Node *value)
{
	static const Row rows[] = {
		{"interval", "HealthInterval", "--health-interval", NULL},
		{"timeout", "HealthTimeout", "--health-timeout", NULL},
		{"start_period", "HealthStartPeriod", "--health-start-period", NULL},
		{"retries", "HealthRetries", "--health-retries", NULL},
	};
	const Node *test = node_get(value, "test");
	bool off = node_true(value, "disable") ||
		   (node_count(test) > 0 && strcmp(node_item(test, 0)->text, "NONE") == 0);
	if (off) {
		unit_text_put(&unit->text, "HealthCmd", NULL, "none");
		return;
	}
	if (node_get(value, "start_interval"))
		note(unit, "healthcheck.start_interval", "there is no word for it");
	if (node_count(test) > 0)
		put_health_test(unit, test);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (node_get(value, rows[i].key))
			put_row(unit, &rows[i], node_get(value, rows[i].key));
	if (!unit->is_job)
		put_health_wait(unit, value);
}

static void put_ports(Unit *unit, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *port = node_item(value, i);
		const char *published = node_string(port, "published");
		bool is_range = false;
		(void)service_port_published(port, &is_range);
		if (is_range) {
			note(unit, "ports", "a range to choose a port from has no word");
			continue;
		}
		g_autofree char *text = service_port_text(port, published);
		unit_text_put(&unit->text, "PublishPort", NULL, text);
		if (published && unit->scale > 1)
			note(unit, "ports",
			     "only the first of several containers gets a fixed port");
	}
}

/* Namespaces of another service's first container. */
static void put_shared(Unit *unit, const char *option, const Node *value)
{
	g_autofree char *whose = service_namespace(unit->text.export->project, value->text);
	unit_text_put_option(&unit->text, option, whose);
}

static void put_ipc(Unit *unit, const Node *value)
{
	put_shared(unit, "--ipc", value);
}

static void put_pid(Unit *unit, const Node *value)
{
	put_shared(unit, "--pid", value);
}

static void put_uts(Unit *unit, const Node *value)
{
	put_shared(unit, "--uts", value);
}

static void put_network_mode(Unit *unit, const Node *value)
{
	const char *text = value->text;
	if (!g_str_has_prefix(text, "service:")) {
		unit_text_put(&unit->text, "Network", NULL, text);
		return;
	}
	g_auto(GStrv) names = export_unit_containers(unit->text.export, text + strlen("service:"));
	g_autofree char *file = g_strdup_printf("%s.container", names[0] ? names[0] : "");
	unit_text_put(&unit->text, "Network", NULL, file);
}

/* What a service says of one network it is on, behind the network's name. */
static char *network_options(Unit *unit, const Node *settings)
{
	static const char *const options[][2] = {{"ipv4_address", "ip"},
						 {"ipv6_address", "ip6"},
						 {"mac_address", "mac"},
						 {"interface_name", "interface_name"}};
	static const char *const known[] = {"aliases",     "ipv4_address",   "ipv6_address",
					    "mac_address", "interface_name", "priority",
					    NULL};
	g_autofree char *path = g_strdup_printf("%s.networks", unit->text.path);
	const Node *aliases = node_get(settings, "aliases");
	GString *text = g_string_new(NULL);
	g_string_append_printf(text, ":alias=%s", unit->service->key);
	for (size_t i = 0; i < node_count(aliases); i++)
		g_string_append_printf(text, ",alias=%s", node_item(aliases, i)->text);
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		if (node_string(settings, options[i][0]))
			g_string_append_printf(text, ",%s=%s", options[i][1],
					       node_string(settings, options[i][0]));
	compose_export_unknown(unit->text.export, path, settings, known);
	return g_string_free(text, FALSE);
}

static void put_networks(Unit *unit, const Node *value)
{
	const Node *known = node_get(unit->text.export->model, "networks");
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		const Node *network = node_get(known, entry->key);
		g_autofree char *base = export_unit_name(unit->text.export, entry->key);
		g_autofree char *file = g_strconcat(base, ".network", NULL);
		g_autofree char *options = network_options(unit, entry->value);
		const char *name =
			node_true(network, "external") ? node_string(network, "name") : file;
		g_autofree char *text = g_strconcat(name, options, NULL);
		unit_text_put(&unit->text, "Network", NULL, text);
	}
}

static void put_links(Unit *unit, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++)
		if (service_link_alias(node_item(value, i)->text))
			note(unit, "links", "an alias for one container alone has no word");
}

static void put_volumes_from(Unit *unit, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *from =
			service_volumes_from(unit->text.export->project, node_item(value, i)->text);
		unit_text_put_option(&unit->text, "--volumes-from", from);
	}
}

/* Source, target and options as Volume= takes them. */
static void put_volume(Unit *unit, const char *source, const char *target, const char *options)
{
	g_autofree char *text =
		g_strdup_printf("%s%s%s%s%s", source ? source : "", source ? ":" : "", target,
				*options ? ":" : "", *options ? options + 1 : "");
	if ((source && strchr(source, ':')) || strchr(target, ':'))
		note(unit, "volumes", "a path with a colon has no word");
	else
		unit_text_put(&unit->text, "Volume", NULL, text);
}

static void put_bind(Unit *unit, const Node *mount)
{
	const char *source = node_string(mount, "source");
	const Node *bind = node_get(mount, "bind");
	const char *propagation = node_string(bind, "propagation");
	const char *selinux = node_string(bind, "selinux");
	g_autofree char *options = g_strdup_printf(
		"%s%s%s%s%s", node_true(mount, "read_only") ? ",ro" : "", propagation ? "," : "",
		propagation ? propagation : "", selinux ? "," : "", selinux ? selinux : "");
	put_volume(unit, source, node_string(mount, "target"), options);
	if (source && access(source, F_OK) < 0) {
		g_autofree char *why = g_strdup_printf("'%s' must be there first", source);
		note(unit, "volumes", why);
	}
}

static void put_named(Unit *unit, const Node *mount)
{
	const char *key = node_string(mount, "source"), *target = node_string(mount, "target");
	const Node *options = node_get(mount, "volume");
	const char *subpath = node_string(options, "subpath");
	const Node *volume =
		key ? node_get(node_get(unit->text.export->model, "volumes"), key) : NULL;
	g_autofree char *base = key ? export_unit_name(unit->text.export, key) : NULL;
	g_autofree char *file = base ? g_strconcat(base, ".volume", NULL) : NULL;
	const char *source = node_true(volume, "external") ? node_string(volume, "name") : file;
	const char *mode = node_true(mount, "read_only") ? ",ro" : "";
	g_autofree char *words =
		g_strconcat(mode, node_true(options, "nocopy") ? ",nocopy" : "", NULL);
	if (!key)
		note(unit, "volumes", "an anonymous volume goes with its container at each stop");
	if (!subpath) {
		put_volume(unit, source, target, words);
		return;
	}
	g_autofree char *text = g_strdup_printf("type=volume,source=%s,target=%s,subpath=%s%s",
						source, target, subpath, mode);
	unit_text_put_word(&unit->text, "Mount", text);
}

static void put_tmpfs(Unit *unit, const Node *mount)
{
	const Node *options = node_get(mount, "tmpfs"), *mode = node_get(options, "mode");
	g_autofree char *size = node_scalar_text(node_get(options, "size"));
	g_autoptr(GString) text = g_string_new(node_string(mount, "target"));
	if (size)
		g_string_append_printf(text, ":size=%s", size);
	if (mode)
		g_string_append_printf(text, "%cmode=%o", size ? ',' : ':',
				       (unsigned)mode->integer);
	unit_text_put(&unit->text, "Tmpfs", "--tmpfs", text->str);
}

static void put_mounts(Unit *unit, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *mount = node_item(value, i);
		const char *type = node_string(mount, "type");
		g_autofree char *why = g_strdup_printf("there is no word for type %s", type);
		if (strcmp(type, "bind") == 0)
			put_bind(unit, mount);
		else if (strcmp(type, "volume") == 0)
			put_named(unit, mount);
		else if (strcmp(type, "tmpfs") == 0)
			put_tmpfs(unit, mount);
		else
			note(unit, "volumes", why);
	}
}

/* What nobody made yet: the secret of skiff's store that a unit asks for. */
static void put_stored_secret(Unit *unit, const Node *item, const Node *secret, const char *source)
{
	static const char *const options[] = {"uid", "gid", NULL};
	const char *name = node_string(secret, "name"), *target = node_string(item, "target");
	const char *variable = node_string(secret, "environment");
	const Node *mode = node_get(item, "mode");
	g_autoptr(GString) text = g_string_new(name);
	if (target)
		g_string_append_printf(text, ",target=%s", target);
	for (size_t i = 0; options[i]; i++)
		if (node_string(item, options[i]))
			g_string_append_printf(text, ",%s=%s", options[i],
					       node_string(item, options[i]));
	if (node_is(mode, NODE_INT))
		g_string_append_printf(text, ",mode=0%o", (unsigned)mode->integer);
	unit_text_put_word(&unit->text, "Secret", text->str);
	if (variable) {
		g_autofree char *path = g_strdup_printf("secrets.%s", source);
		compose_export_note(unit->text.export, path,
				    "make it first: skiff secret create --env %s %s", name,
				    variable);
	}
}

static void put_secrets(Unit *unit, const Node *value)
{
	const Node *known = node_get(unit->text.export->model, "secrets");
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *item = node_item(value, i);
		const char *source = node_string(item, "source"),
			   *said = node_string(item, "target");
		const Node *secret = node_get(known, source);
		const char *file = node_string(secret, "file");
		g_autofree char *target =
			g_canonicalize_filename(said ? said : source, "/run/secrets");
		if (file)
			put_volume(unit, file, target, ",ro");
		else
			put_stored_secret(unit, item, secret, source);
	}
}

/* A config without a file of its own gets one beside the units. */
static void put_configs(Unit *unit, const Node *value)
{
	const Node *known = node_get(unit->text.export->model, "configs");
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *item = node_item(value, i);
		const char *source = node_string(item, "source"),
			   *said = node_string(item, "target");
		const char *file = node_string(node_get(known, source), "file");
		g_autofree char *target = g_canonicalize_filename(said ? said : source, "/");
		g_autofree char *base = export_unit_name(unit->text.export, source);
		g_autofree char *path = g_strdup_printf("./%s.config", base);
		g_autoptr(GError) error = NULL;
		gsize size = 0;
		g_autofree char *text = file ? NULL
					     : compose_export_object(unit->text.export, "configs",
								     source, &size, &error);
		if (!file && !text) {
			note(unit, "configs", error->message);
			continue;
		}
		if (text && unit->number == 1)
			g_string_append_len(compose_export_file(unit->text.export, path + 2, false),
					    text, (gssize)size);
		put_volume(unit, file ? file : path, target, ",ro");
	}
}

static void put_grace(Unit *unit, const Node *value)
{
	int64_t seconds = compose_export_seconds(value->text, 10);
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, seconds);
	unit_text_put(&unit->text, "StopTimeout", NULL, text);
	/* A unit that is not up yet is stopped by signals, without the time above. */
	g_string_append_printf(unit->text.service, "TimeoutStopSec=%" G_GINT64_FORMAT "\n",
			       seconds + 20);
}

static void put_restart(Unit *unit)
{
	const Node *policy = node_get(node_get(unit->service->value, "deploy"), "restart_policy");
	ServiceRestart restart = service_restart(unit->service->value);
	bool failure = restart.kind == SERVICE_RESTART_ON_FAILURE;
	if (restart.kind == SERVICE_RESTART_NEVER || (unit->is_job && !failure))
		return;
	g_string_append_printf(unit->text.service, "Restart=%s\nRestartSec=%" G_GINT64_FORMAT "\n",
			       failure ? "on-failure" : "always",
			       compose_export_seconds(node_string(policy, "delay"), 1));
	if (node_get(policy, "window"))
		note(unit, "deploy.restart_policy.window", "systemd counts all starts");
	if (restart.attempts >= 0)
		g_string_append_printf(
			unit->text.unit,
			"StartLimitIntervalSec=infinity\nStartLimitBurst=%" G_GINT64_FORMAT "\n",
			restart.attempts);
	else
		g_string_append(unit->text.unit, "StartLimitIntervalSec=0\n");
}

static void put_deploy(Unit *unit, const Node *value)
{
	static const Row rows[] = {
		{"cpus", NULL, "--cpus", NULL},
		{"memory", NULL, "--memory", NULL},
		{"pids", "PidsLimit", "--pids-limit", NULL},
	};
	static const char *const known[] = {"mode", "replicas", "resources", "restart_policy",
					    NULL};
	static const char *const inside[] = {"limits", "reservations", NULL};
	static const char *const reserved[] = {"memory", NULL};
	const Node *resources = node_get(value, "resources"),
		   *limits = node_get(resources, "limits");
	const Node *kept = node_get(resources, "reservations");
	const char *memory = node_string(kept, "memory");
	g_autofree char *path = g_strdup_printf("%s.deploy", unit->text.path);
	g_autofree char *within = g_strdup_printf("%s.resources", path);
	g_autofree char *below = g_strdup_printf("%s.reservations", within);
	compose_export_unknown(unit->text.export, path, value, known);
	compose_export_unknown(unit->text.export, within, resources, inside);
	compose_export_unknown(unit->text.export, below, kept, reserved);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (node_get(limits, rows[i].key))
			put_row(unit, &rows[i], node_get(limits, rows[i].key));
	if (memory)
		unit_text_put_option(&unit->text, "--memory-reservation", memory);
}

static void put_pull(Unit *unit, const Node *value)
{
	static const char *const known[] = {"always", "missing", "never", "newer", NULL};
	if (node_get(unit->service->value, "build"))
		return;
	if (g_strv_contains(known, value->text))
		unit_text_put(&unit->text, "Pull", NULL, value->text);
	else
		note(unit, "pull_policy", "there is no word for it");
}

/* Keep alphabetized. */
static const Row rows[] = {
	{"annotations", "Annotation", NULL, NULL},
	{"attach", NULL, NULL, ignore},
	{"build", NULL, NULL, ignore},
	{"cap_add", "AddCapability", "--cap-add", NULL},
	{"cap_drop", "DropCapability", "--cap-drop", NULL},
	{"cgroup", NULL, "--cgroupns", NULL},
	{"command", NULL, NULL, put_command},
	{"configs", NULL, NULL, put_configs},
	{"container_name", NULL, NULL, ignore},
	{"cpu_period", NULL, "--cpu-period", NULL},
	{"cpu_quota", NULL, "--cpu-quota", NULL},
	{"cpu_shares", NULL, "--cpu-shares", NULL},
	{"cpus", NULL, "--cpus", NULL},
	{"cpuset", NULL, "--cpuset-cpus", NULL},
	{"depends_on", NULL, NULL, put_dependencies},
	{"deploy", NULL, NULL, put_deploy},
	{"devices", NULL, NULL, put_devices},
	{"dns", "DNS", "--dns", NULL},
	{"dns_opt", "DNSOption", "--dns-option", NULL},
	{"dns_search", "DNSSearch", "--dns-search", NULL},
	{"domainname", NULL, "--domainname", NULL},
	{"entrypoint", NULL, NULL, put_entrypoint},
	{"environment", NULL, NULL, put_environment},
	{"expose", NULL, "--expose", NULL},
	{"extra_hosts", NULL, NULL, put_hosts},
	{"group_add", "GroupAdd", "--group-add", NULL},
	{"healthcheck", NULL, NULL, put_health},
	{"hostname", "HostName", "--hostname", NULL},
	{"image", NULL, NULL, ignore},
	{"init", "RunInit", "--init", NULL},
	{"ipc", NULL, NULL, put_ipc},
	{"labels", "Label", NULL, NULL},
	{"links", NULL, NULL, put_links},
	{"logging", NULL, NULL, put_logging},
	{"mem_limit", NULL, "--memory", NULL},
	{"mem_reservation", NULL, "--memory-reservation", NULL},
	{"mem_swappiness", NULL, "--memory-swappiness", NULL},
	{"memswap_limit", NULL, "--memory-swap", NULL},
	{"network_mode", NULL, NULL, put_network_mode},
	{"networks", NULL, NULL, put_networks},
	{"oom_score_adj", NULL, "--oom-score-adj", NULL},
	{"pid", NULL, NULL, put_pid},
	{"pids_limit", "PidsLimit", "--pids-limit", NULL},
	{"platform", NULL, "--platform", NULL},
	{"ports", NULL, NULL, put_ports},
	{"privileged", NULL, "--privileged", NULL},
	{"profiles", NULL, NULL, ignore},
	{"pull_policy", NULL, NULL, put_pull},
	{"read_only", "ReadOnly", "--read-only", NULL},
	{"restart", NULL, NULL, ignore},
	{"scale", NULL, NULL, ignore},
	{"secrets", NULL, NULL, put_secrets},
	{"security_opt", NULL, NULL, put_security},
	{"shm_size", "ShmSize", "--shm-size", NULL},
	{"stdin_open", NULL, "--interactive", NULL},
	{"stop_grace_period", NULL, NULL, put_grace},
	{"stop_signal", "StopSignal", "--stop-signal", NULL},
	{"sysctls", NULL, "--sysctl", NULL},
	{"tmpfs", "Tmpfs", "--tmpfs", NULL},
	{"tty", NULL, "--tty", NULL},
	{"ulimits", NULL, NULL, put_ulimits},
	{"user", "User", "--user", NULL},
	{"userns_mode", "UserNS", "--userns", NULL},
	{"uts", NULL, NULL, put_uts},
	{"volumes", NULL, NULL, put_mounts},
	{"volumes_from", NULL, NULL, put_volumes_from},
	{"working_dir", "WorkingDir", "--workdir", NULL},
};

static const Row *find_row(const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static void put_attributes(Unit *unit)
{
	const Node *service = unit->service->value;
	for (size_t i = 0; i < node_count(service); i++) {
		const NodeEntry *entry = node_entry(service, i);
		const Row *row = find_row(entry->key);
		if (g_str_has_prefix(entry->key, "x-") || entry->value->kind == NODE_NULL)
			continue;
		if (!row)
			note(unit, entry->key, "there is no word for it");
		else if (row->call)
			row->call(unit, entry->value);
		else
			put_row(unit, row, entry->value);
	}
}

/* The container's name is that of `compose up`. */
static void put_identity(Unit *unit)
{
	const char *project = unit->text.export->project->name, *service = unit->service->key;
	const char *said = node_string(unit->service->value, "container_name");
	const char *image = node_string(unit->service->value, "image");
	g_autofree char *build = g_strdup_printf("%s-%s.build", project, service);
	g_autofree char *name =
		said ? g_strdup(said) : g_strdup_printf("%s-%s-%d", project, service, unit->number);
	g_autofree char *whole = unit_words_literal(service);
	g_string_append_printf(unit->text.unit, "Description=Service %s of %s\n", whole, project);
	unit_text_put(&unit->text, "ContainerName", NULL, name);
	unit_text_put(&unit->text, "Image", NULL,
		      node_get(unit->service->value, "build") ? build
		      : image                                 ? image
							      : "");
}

void export_unit_container(ComposeExport *export, const NodeEntry *service, int number, int scale,
			   const char *directory)
{
	g_auto(GStrv) names = export_unit_containers(export, service->key);
	g_autofree char *path = g_strdup_printf("services.%s", service->key);
	g_autofree char *file = g_strdup_printf("%s.container", names[number - 1]);
	g_autofree char *env = g_strdup_printf("%s-%s.env", export->project->name, service->key);
	Unit unit = {
		.service = service,
		.number = number,
		.scale = scale,
		.base = names[number - 1],
		.env = env,
		.is_job = compose_export_is_wanted(export, service->key,
						   "service_completed_successfully"),
	};
	unit_text_init(&unit.text, export, "Container", path);
	put_identity(&unit);
	put_attributes(&unit);
	if (unit.is_job)
		g_string_append(unit.text.service, "Type=oneshot\nRemainAfterExit=yes\n");
	else if (!node_get(service->value, "healthcheck") &&
		 compose_export_is_wanted(export, service->key, "service_healthy"))
		unit_text_put(&unit.text, "Notify", NULL, "healthy");
	put_restart(&unit);
	unit_text_finish(&unit.text, file, true);
}
