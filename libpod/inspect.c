/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a container.
 */
#include "libpod/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/container_cgroup.h"
#include "libpod/inspect_priv.h"
#include "libpod/oci_build.h"
#include "libpod/named_network.h"
#include "libpod/runtime/privileges.h"
#include "libpod/signals.h"
#include "storage/layer.h"

static const char state_text[] =
	"{\"OciVersion\":\"1.1.0\",\"Status\":\"\",\"Running\":false,"
	"\"Paused\":false,\"Restarting\":false,\"OOMKilled\":false,\"Dead\":false,"
	"\"Pid\":0,\"ConmonPid\":0,\"ExitCode\":0,\"Error\":\"\",\"StartedAt\":\"\","
	"\"FinishedAt\":\"\",\"CgroupPath\":\"\",\"CheckpointedAt\":\"0001-01-01T00:00:00Z\","
	"\"RestoredAt\":\"0001-01-01T00:00:00Z\"}";

static const char network_text[] =
	"{\"EndpointID\":\"\",\"Gateway\":\"\",\"IPAddress\":\"\",\"IPPrefixLen\":0,"
	"\"IPv6Gateway\":\"\","
	"\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,\"MacAddress\":\"\",\"Bridge\":\"\","
	"\"SandboxID\":\"\",\"HairpinMode\":false,\"LinkLocalIPv6Address\":\"\","
	"\"LinkLocalIPv6PrefixLen\":0,\"Ports\":{},\"SandboxKey\":\"\"}";

static const char config_text[] =
	"{\"Hostname\":\"\",\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,"
	"\"AttachStdout\":false,"
	"\"AttachStderr\":false,\"Tty\":false,\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":[],"
	"\"Cmd\":[],"
	"\"Image\":\"\",\"Volumes\":null,\"WorkingDir\":\"/\",\"Entrypoint\":null,\"OnBuild\":null,"
	"\"Labels\":{},\"Annotations\":{},\"StopSignal\":\"\",\"HealthcheckOnFailureAction\":"
	"\"none\",\"HealthLogDestination\":\"local\",\"HealthcheckMaxLogCount\":5,"
	"\"HealthcheckMaxLogSize\":500,"
	"\"CreateCommand\":[],\"Umask\":\"0022\",\"Timeout\":0,\"StopTimeout\":10,\"Passwd\":false,"
	"\"sdNotifyMode\":\"ignore\"}";

Json *inspect_skeleton(const char *text)
{
	Json *json = js_parse(text, strlen(text), "skeleton", NULL);
	g_assert(json);
	return json;
}

void inspect_set_text(Json *object, const char *key, const char *value)
{
	js_set_string(object, key, value ? value : "");
}

void inspect_set_null(Json *object, const char *key)
{
	json_object_object_add(object, key, NULL);
}

void inspect_set_list(Json *object, const char *key, char *const *strv)
{
	js_set_take(object, key, js_from_strv((const char *const *)strv));
}

void inspect_set_time(Json *object, const char *key, int64_t ns)
{
	g_autofree char *text =
		ns ? units_format_rfc3339(ns, false) : g_strdup("0001-01-01T00:00:00Z");
	js_set_string(object, key, text);
}

void inspect_set_keys(Json *object, const char *key, char *const *strv)
{
	Json *set = json_object_new_object();
	for (char *const *item = strv; item && *item; item++)
		js_set_take(set, *item, json_object_new_object());
	js_set_take(object, key, set);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

Json *inspect_capabilities(uint64_t set)
{
	const char *names[64];
	size_t n = 0;
	for (int i = 0; i < 64; i++)
		if (set & UINT64_C(1) << i && privileges_capability_name(i))
			names[n++] = privileges_capability_name(i);
	qsort(names, n, sizeof(names[0]), compare_names);
	Json *array = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_object_new_string(names[i]));
	return array;
}

Json *inspect_id_map(const GArray *ranges)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		g_autofree char *text =
			g_strdup_printf("%u:%u:%u", range->inside, range->outside, range->count);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

static Json *port_binding(const PortMapping *mapping, uint16_t i)
{
	g_autofree char *port = g_strdup_printf("%u", mapping->host_port + i);
	Json *binding = json_object_new_object();
	js_set_string(binding, "HostIp", mapping->host_ip ? mapping->host_ip : "0.0.0.0");
	js_set_string(binding, "HostPort", mapping->host_port ? port : "");
	return binding;
}

Json *inspect_ports(const GPtrArray *ports, char *const *exposed)
{
	Json *object = json_object_new_object();
	for (char *const *port = exposed; port && *port; port++)
		if (!strchr(*port, '-'))
			inspect_set_null(object, *port);
	for (guint p = 0; ports && p < ports->len; p++) {
		const PortMapping *mapping = ports->pdata[p];
		for (uint16_t i = 0; i < mapping->count; i++) {
			g_autofree char *key =
				g_strdup_printf("%u/%s", mapping->container_port + i,
						mapping->protocol == PORT_UDP ? "udp" : "tcp");
			Json *list = NULL;
			json_object_object_get_ex(object, key, &list);
			if (!list) {
				list = json_object_new_array();
				js_set_take(object, key, list);
			}
			json_object_array_add(list, port_binding(mapping, i));
		}
	}
	return object;
}

char **inspect_layer_paths(Engine *engine, const Image *image)
{
	guint n = g_strv_length(image->chain_ids);
	char **paths = g_new0(char *, n + 1);
	for (guint i = 0; i < n; i++) {
		g_autofree char *relative = layer_diff_path(image->chain_ids[n - 1 - i]);
		paths[i] = g_build_filename(store_path(engine_store(engine)), relative, NULL);
	}
	return paths;
}

static Json *build_state(Container *ctr)
{
	const ContainerSummary *s = container_summary(ctr);
	g_autofree char *cgroup = container_cgroup_path(ctr);
	Json *json = inspect_skeleton(state_text);
	bool running = s->state == CONTAINER_RUNNING || s->state == CONTAINER_STOPPING;
	js_set_string(json, "Status", container_state_name(container_shown_state(s)));
	js_set_bool(json, "Running", running);
	js_set_bool(json, "Paused", s->state == CONTAINER_PAUSED);
	js_set_bool(json, "Restarting", s->state == CONTAINER_RESTARTING);
	js_set_bool(json, "OOMKilled", s->oom_killed);
	js_set_int(json, "Pid", s->pid);
	js_set_int(json, "ConmonPid", s->monitor_pid);
	js_set_int(json, "ExitCode", s->exit_code);
	inspect_set_text(json, "CgroupPath", cgroup);
	inspect_set_text(json, "Error", s->error);
	inspect_set_time(json, "StartedAt", s->started);
	inspect_set_time(json, "FinishedAt", s->finished);
	Json *health = container_health(ctr);
	if (health)
		js_set_take(json, "Health", health);
	/* Nobody saw the code: say so rather than let a number look true. */
	if (s->state == CONTAINER_EXITED && !s->exit_known)
		js_set_bool(json, "ExitCodeKnown", false);
	return json;
}

/* Static addresses that were asked for, as docker shows them; NULL if none were. */
static Json *ipam_config(const NetworkAttachment *asked)
{
	if (!asked || (!asked->ip && !asked->ip6))
		return NULL;
	Json *json = json_object_new_object();
	js_set_string(json, "IPv4Address", asked->ip);
	js_set_string(json, "IPv6Address", asked->ip6);
	return json;
}

/* The container's place on one named network. */
static Json *build_place(Engine *engine, const ContainerSummary *s, const ContainerNetwork *place,
			 const NetworkAttachment *asked)
{
	static const char *const others[] = {"Bridge",
					     "SandboxID",
					     "HairpinMode",
					     "LinkLocalIPv6Address",
					     "LinkLocalIPv6PrefixLen",
					     "Ports",
					     "SandboxKey"};
	Json *json = inspect_skeleton(network_text);
	g_autoptr(NamedNetwork) network = named_network_lookup(engine, place->name, NULL);
	g_autofree char *short_id = g_strndup(s->id, 12);
	g_autoptr(GStrvBuilder) aliases = g_strv_builder_new();
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		json_object_object_del(json, others[i]);
	if (asked && asked->aliases)
		g_strv_builder_addv(aliases, (const char **)asked->aliases);
	g_strv_builder_add(aliases, short_id);
	g_auto(GStrv) list = g_strv_builder_end(aliases);
	inspect_set_text(json, "NetworkID", network ? network->id : "");
	js_set_take(json, "DriverOpts", NULL);
	js_set_take(json, "IPAMConfig", ipam_config(asked));
	js_set_take(json, "Links",
		    asked && asked->links ? js_from_strv((const char *const *)asked->links) : NULL);
	inspect_set_list(json, "Aliases", list);
	inspect_set_text(json, "IPAddress", place->ip);
	inspect_set_text(json, "MacAddress", place->mac);
	inspect_set_text(json, "Gateway", place->gateway);
	js_set_int(json, "IPPrefixLen", place->prefix);
	inspect_set_text(json, "GlobalIPv6Address", place->ip6);
	inspect_set_text(json, "IPv6Gateway", place->gateway6);
	js_set_int(json, "GlobalIPv6PrefixLen", place->prefix6);
	return json;
}

/* All places, under the networks' names. */
static Json *build_networks(Engine *engine, const ContainerSummary *s, const ContainerSpec *spec)
{
	Json *all = json_object_new_object();
	for (guint i = 0; i < s->networks->len; i++) {
		const ContainerNetwork *place = s->networks->pdata[i];
		const NetworkAttachment *asked =
			attachments_find(spec->network->attachments, place->name);
		js_set_take(all, place->name, build_place(engine, s, place, asked));
	}
	return all;
}

static Json *build_network(Engine *engine, const ContainerSummary *s, const ContainerSpec *spec)
{
	Json *json = inspect_skeleton(network_text);
	js_set_take(json, "Ports", inspect_ports(s->ports, spec->exposed));
	if (s->pid > 0 && spec->network->mode != NETWORK_HOST) {
		g_autofree char *path = g_strdup_printf("/proc/%d/ns/net", (int)s->pid);
		js_set_string(json, "SandboxKey", path);
	}
	if (s->network_mode == NETWORK_NAMED)
		js_set_take(json, "Networks", build_networks(engine, s, spec));
	return json;
}

static char *hostname_of(const ContainerSpec *spec, const char *id)
{
	return spec->hostname ? g_strdup(spec->hostname) : g_strndup(id, 12);
}

/* Docker's Cmd and Entrypoint: what was typed, else what the image says. */
static void set_command(Json *json, const ContainerSpec *spec, const Image *image)
{
	char *const *entrypoint = spec->entrypoint_set ? spec->entrypoint
				  : image              ? image->config->entrypoint
						       : NULL;
	size_t skip = entrypoint ? g_strv_length((char **)entrypoint) : 0;
	size_t n = spec->args ? g_strv_length(spec->args) : 0;
	inspect_set_list(json, "Cmd", spec->args ? spec->args + MIN(skip, n) : NULL);
	if (entrypoint && *entrypoint)
		inspect_set_list(json, "Entrypoint", entrypoint);
}

static bool lists(char *const *strv, const char *word)
{
	return strv && g_strv_contains((const char *const *)strv, word);
}

/* Files by name, variables without their value. */
static void set_secrets(Json *json, const ContainerSpec *spec, char *const *env)
{
	Json *files = json_object_new_array(), *all = js_from_strv((const char *const *)env);
	for (guint i = 0; i < spec->secrets->len; i++) {
		const SpecSecret *secret = spec->secrets->pdata[i];
		if (secret->env) {
			g_autofree char *hidden = g_strconcat(secret->target, "=*******", NULL);
			json_object_array_add(all, json_object_new_string(hidden));
			continue;
		}
		Json *file = json_object_new_object();
		js_set_string(file, "Name", secret->name);
		js_set_string(file, "ID", secret->id ? secret->id : "");
		js_set_int(file, "UID", secret->uid);
		js_set_int(file, "GID", secret->gid);
		js_set_int(file, "Mode", secret->mode);
		json_object_array_add(files, file);
	}
	js_set_take(json, "Env", all);
	if (json_object_array_length(files) > 0)
		js_set_take(json, "Secrets", files);
	else
		json_object_put(files);
}

/* A probe in docker's form: what is zero is left out. */
static Json *build_probe(const HealthProbe *probe, int64_t start_period)
{
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
		{"StartPeriod", start_period},
		{"Interval", probe->interval},
		{"Timeout", probe->timeout},
		{"Retries", probe->retries},
	};
	Json *json = json_object_new_object();
	inspect_set_list(json, "Test", probe->test);
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		if (numbers[i].value)
			js_set_int(json, numbers[i].key, numbers[i].value);
	return json;
}

static void set_health(Json *json, const HealthConfig *health)
{
	if (!health)
		return;
	js_set_string(json, "HealthcheckOnFailureAction",
		      health_on_failure_name(health->on_failure));
	js_set_string(json, "HealthLogDestination",
		      health->log_destination ? health->log_destination : "local");
	js_set_int(json, "HealthcheckMaxLogCount", health->log_count);
	js_set_int(json, "HealthcheckMaxLogSize", health->log_size);
	js_set_take(json, "Healthcheck", build_probe(&health->regular, health->start_period));
	if (!health->startup.test)
		return;
	Json *startup = build_probe(&health->startup, 0);
	if (health->startup_successes)
		js_set_int(startup, "Successes", health->startup_successes);
	js_set_take(json, "StartupHealthCheck", startup);
}

/* By SpecNotify; podman says "ignore" where nothing was asked for outside of a unit. */
static const char *const notify_modes[] = {"ignore", "container", "conmon", "healthy", "ignore"};

static Json *build_config(const ContainerSummary *s, const ContainerSpec *spec, const Image *image)
{
	Json *json = inspect_skeleton(config_text);
	g_autofree char *hostname = hostname_of(spec, s->id);
	g_autofree char *signal = signals_name(spec->stop_signal ? spec->stop_signal : 15);
	g_auto(GStrv) env = g_strdupv(spec->env);
	if (!g_environ_getenv(env, "HOSTNAME"))
		env = g_environ_setenv(env, "HOSTNAME", hostname, TRUE);
	js_set_string(json, "Hostname", hostname);
	inspect_set_text(json, "Domainname", spec->domainname);
	inspect_set_text(json, "User", spec->user);
	js_set_bool(json, "AttachStdin", lists(spec->attach, "stdin"));
	js_set_bool(json, "AttachStdout", lists(spec->attach, "stdout"));
	js_set_bool(json, "AttachStderr", lists(spec->attach, "stderr"));
	js_set_bool(json, "Tty", spec->tty);
	js_set_bool(json, "OpenStdin", spec->open_stdin);
	inspect_set_list(json, "Env", env);
	set_command(json, spec, image);
	inspect_set_text(json, "Image", spec->image_name);
	inspect_set_text(json, "WorkingDir", spec->workdir);
	js_set_take(json, "Labels", js_from_string_map(spec->labels));
	js_set_take(json, "Annotations", js_from_string_map(spec->annotations));
	js_set_string(json, "StopSignal", signal);
	inspect_set_list(json, "CreateCommand", spec->create_command);
	if (spec->systemd)
		js_set_bool(json, "SystemdMode", true);
	js_set_string(json, "sdNotifyMode", notify_modes[spec->sdnotify]);
	js_set_string(json, "Umask", spec->umask ? spec->umask : "0022");
	if (spec->timezone)
		js_set_string(json, "Timezone", spec->timezone);
	js_set_bool(json, "Passwd", spec->passwd);
	js_set_int(json, "Timeout", spec->timeout);
	js_set_int(json, "StopTimeout", spec->stop_timeout >= 0 ? spec->stop_timeout : 10);
	set_secrets(json, spec, env);
	if (spec->exposed)
		inspect_set_keys(json, "ExposedPorts", spec->exposed);
	set_health(json, spec->health);
	return json;
}

/* One row of Mounts; a tmpfs stands under HostConfig.Tmpfs only, as with podman. */
static Json *build_mount(Engine *engine, const SpecMount *mount)
{
	const char label[] = {mount->relabel, '\0'};
	bool is_volume = mount->kind == SPEC_MOUNT_VOLUME;
	g_autoptr(Volume) volume =
		is_volume && mount->source ? volume_lookup(engine, mount->source, NULL) : NULL;
	Json *json = json_object_new_object();
	js_set_string(json, "Type", is_volume ? "volume" : "bind");
	if (is_volume)
		inspect_set_text(json, "Name", mount->source);
	inspect_set_text(json, "Source",
			 is_volume                          ? (volume ? volume->mountpoint : "")
			 : mount->kind == SPEC_MOUNT_DEVPTS ? "devpts"
							    : mount->source);
	js_set_string(json, "Destination", mount->destination);
	js_set_string(json, "Driver", is_volume ? "local" : "");
	js_set_string(json, "Mode", label);
	Json *options = js_from_strv((const char *const *)mount->options);
	if (is_volume) {
		json_object_array_add(options, json_object_new_string("nosuid"));
		json_object_array_add(options, json_object_new_string("nodev"));
	}
	json_object_array_add(options,
			      json_object_new_string(mount->non_recursive ? "bind" : "rbind"));
	js_set_take(json, "Options", options);
	js_set_bool(json, "RW", !mount->read_only);
	js_set_string(json, "Propagation", mount->propagation ? mount->propagation : "rprivate");
	if (mount->subpath)
		js_set_string(json, "SubPath", mount->subpath);
	return json;
}

static Json *build_image_mount(const SpecMount *mount)
{
	Json *json = json_object_new_object();
	js_set_string(json, "Type", "image");
	js_set_string(json, "Source", mount->source);
	js_set_string(json, "Destination", mount->destination);
	js_set_string(json, "Driver", "");
	js_set_string(json, "Mode", "");
	inspect_set_null(json, "Options");
	js_set_bool(json, "RW", !mount->read_only);
	js_set_string(json, "Propagation", "");
	return json;
}

static Json *build_mounts(Engine *engine, const ContainerSpec *spec)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (mount->kind == SPEC_MOUNT_IMAGE)
			json_object_array_add(array, build_image_mount(mount));
		else if (mount->kind != SPEC_MOUNT_TMPFS && mount->kind != SPEC_MOUNT_RAMFS)
			json_object_array_add(array, build_mount(engine, mount));
	}
	return array;
}

static Json *build_graph_driver(Engine *engine, const char *dir, const ContainerSpec *spec,
				const Image *image)
{
	g_autofree char *upper = g_build_filename(dir, "upper", NULL);
	g_autofree char *work = g_build_filename(dir, "work", NULL);
	g_auto(GStrv) layers = image ? inspect_layer_paths(engine, image) : NULL;
	g_autofree char *lower = layers ? g_strjoinv(":", layers) : g_strdup(spec->rootfs);
	Json *data = json_object_new_object();
	js_set_string(data, "LowerDir", lower);
	js_set_string(data, "UpperDir", upper);
	js_set_string(data, "WorkDir", work);
	Json *json = json_object_new_object();
	js_set_string(json, "Name", "overlay");
	js_set_take(json, "Data", data);
	return json;
}

/* A user that is not root starts with no capability but those that were added by name. */
static bool set_capabilities(Json *json, const ContainerSpec *spec, GError **error)
{
	uint64_t bounding = 0, added = 0;
	if (!oci_build_capabilities(spec, &bounding, &added, error))
		return false;
	size_t length = spec->user ? strcspn(spec->user, ":") : 0;
	bool root = length == 0 || (length == 1 && spec->user[0] == '0') ||
		    (length == 4 && strncmp(spec->user, "root", 4) == 0);
	js_set_take(json, "EffectiveCaps", inspect_capabilities(root ? bounding : added));
	js_set_take(json, "BoundingCaps", inspect_capabilities(bounding));
	return true;
}

static void set_file(Json *json, const char *key, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	js_set_string(json, key, path);
}

/* From the id to the place of the pid file: podman's first block. */
static void set_identity(Json *json, Container *ctr, const ContainerSpec *spec, const Image *image,
			 const char *dir)
{
	const ContainerSummary *s = container_summary(ctr);
	js_set_string(json, "Id", s->id);
	inspect_set_time(json, "Created", s->created);
	inspect_set_text(json, "Path", spec->args ? spec->args[0] : NULL);
	inspect_set_list(json, "Args", spec->args && spec->args[0] ? spec->args + 1 : NULL);
	js_set_take(json, "State", build_state(ctr));
	inspect_set_text(json, "Image", s->image_id);
	inspect_set_text(json, "ImageDigest", image ? image->digest : NULL);
	inspect_set_text(json, "ImageName", s->image_name);
	inspect_set_text(json, "Rootfs", spec->rootfs);
	inspect_set_text(json, "Pod", s->pod);
	set_file(json, "ResolvConfPath", dir, "resolv.conf");
	set_file(json, "HostnamePath", dir, "hostname");
	set_file(json, "HostsPath", dir, "hosts");
	js_set_string(json, "StaticDir", dir);
	js_set_string(json, "OCIRuntime", "skiff");
	inspect_set_text(json, "ConmonPidFile", spec->monitor_pid_file);
	inspect_set_text(json, "PidFile", spec->pid_file);
	inspect_set_text(json, "Name", s->name);
	js_set_int(json, "RestartCount", s->restart_count);
	js_set_string(json, "Driver", "overlay");
	js_set_string(json, "MountLabel", "");
	js_set_string(json, "ProcessLabel", "");
	inspect_set_text(json, "AppArmorProfile", spec->apparmor_profile);
}

static bool set_sizes(Json *json, Engine *engine, Container *ctr, const Image *image,
		      GError **error)
{
	int64_t written = inspect_tree_size(engine, container_dir_fd(ctr), "upper", error);
	if (written < 0)
		return false;
	js_set_int(json, "SizeRw", written);
	js_set_int(json, "SizeRootFs", written + (image ? (int64_t)image->size : 0));
	return true;
}

Json *inspect_container(Engine *engine, Container *ctr, bool size, GError **error)
{
	const ContainerSummary *s = container_summary(ctr);
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return NULL;
	/* An image that is gone or broken leaves its fields empty: the container is still worth
	 * telling. */
	g_autoptr(Image) image =
		spec->image_id ? image_lookup(engine_store(engine), spec->image_id, NULL) : NULL;
	g_autofree char *dir = container_dir_path(ctr);
	g_autoptr(Json) json = json_object_new_object();
	set_identity(json, ctr, spec, image, dir);
	if (!set_capabilities(json, spec, error) ||
	    (size && !set_sizes(json, engine, ctr, image, error)))
		return NULL;
	inspect_set_list(json, "ExecIDs", NULL);
	js_set_take(json, "GraphDriver", build_graph_driver(engine, dir, spec, image));
	js_set_take(json, "Mounts", build_mounts(engine, spec));
	g_auto(GStrv) dependencies = spec_dependencies(spec);
	inspect_set_list(json, "Dependencies", dependencies);
	js_set_take(json, "NetworkSettings", build_network(engine, s, spec));
	js_set_string(json, "Namespace", "");
	js_set_bool(json, "IsInfra", container_summary(ctr)->infra);
	js_set_bool(json, "IsService", false);
	js_set_take(json, "Config", build_config(s, spec, image));
	Json *host = inspect_host_config(ctr, spec, error);
	if (!host)
		return NULL;
	js_set_take(json, "HostConfig", host);
	return g_steal_pointer(&json);
}

static Json *member_subnet(const char *ip, int prefix, const char *gateway)
{
	Json *subnet = json_object_new_object();
	g_autofree char *ipnet = g_strdup_printf("%s/%d", ip, prefix);
	js_set_string(subnet, "ipnet", ipnet);
	js_set_string(subnet, "gateway", gateway);
	return subnet;
}

/* One running container, as `network inspect` shows it. */
static Json *network_member(const ContainerSummary *s, const ContainerNetwork *place)
{
	Json *json = json_object_new_object(), *interfaces = json_object_new_object();
	Json *eth0 = json_object_new_object(), *subnets = json_object_new_array();
	json_object_array_add(subnets, member_subnet(place->ip, place->prefix, place->gateway));
	if (place->ip6)
		json_object_array_add(subnets,
				      member_subnet(place->ip6, place->prefix6, place->gateway6));
	js_set_take(eth0, "subnets", subnets);
	js_set_string(eth0, "mac_address", place->mac);
	js_set_take(interfaces, place->interface ? place->interface : "eth0", eth0);
	js_set_string(json, "name", s->name);
	js_set_take(json, "interfaces", interfaces);
	return json;
}

Json *inspect_network(Engine *engine, const NamedNetwork *network, GError **error)
{
	g_autoptr(GPtrArray) list = containers_list(engine, error);
	if (!list)
		return NULL;
	Json *json = named_network_to_json(network), *members = json_object_new_object();
	for (guint i = 0; i < list->len; i++) {
		const ContainerSummary *s = container_summary(list->pdata[i]);
		const ContainerNetwork *place = container_find_network(s, network->name);
		if (place && place->ip)
			js_set_take(members, s->id, network_member(s, place));
	}
	js_set_take(json, "containers", members);
	return json;
}
