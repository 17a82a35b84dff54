/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HostConfig of a container's report.
 */
#include <string.h>
#include <sys/resource.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/container_cgroup.h"
#include "libpod/inspect_priv.h"
#include "libpod/oci_build.h"
#include "libpod/runtime/privileges.h"

#define NS_OF_MS           INT64_C(1000000)
#define DEFAULT_SHM_SIZE   (64 * 1024 * 1024)
#define DEFAULT_PIDS_LIMIT 2048
#define DEFAULT_LOG_SIZE   (16 * 1024 * 1024)

static const char host_config_text[] =
	"{\"Binds\":[],\"CgroupManager\":\"cgroupfs\",\"CgroupMode\":\"private\","
	"\"ContainerIDFile\":\"\","
	"\"LogConfig\":{\"Type\":\"k8s-file\",\"Config\":null,\"Path\":\"\",\"Tag\":\"\",\"Size\":"
	"\"0B\"},"
	"\"NetworkMode\":\"\",\"PortBindings\":{},\"RestartPolicy\":{\"Name\":\"\","
	"\"MaximumRetryCount\":0},"
	"\"AutoRemove\":false,\"AutoRemoveImage\":false,\"Annotations\":{},\"VolumeDriver\":\"\","
	"\"VolumesFrom\":null,\"CapAdd\":[],\"CapDrop\":[],\"Dns\":[],\"DnsOptions\":[],"
	"\"DnsSearch\":[],"
	"\"ExtraHosts\":[],\"GroupAdd\":[],\"IpcMode\":\"shareable\",\"Cgroup\":\"\",\"Cgroups\":"
	"\"default\","
	"\"Links\":null,\"OomScoreAdj\":0,\"PidMode\":\"private\",\"Privileged\":false,"
	"\"PublishAllPorts\":false,\"ReadonlyRootfs\":false,\"SecurityOpt\":[],\"Tmpfs\":{},"
	"\"UTSMode\":\"private\",\"UsernsMode\":\"\",\"ShmSize\":0,\"Runtime\":\"oci\","
	"\"ConsoleSize\":[0,0],\"Isolation\":\"\",\"CpuShares\":0,\"Memory\":0,\"NanoCpus\":0,"
	"\"CgroupParent\":\"\",\"BlkioWeight\":0,\"BlkioWeightDevice\":null,\"BlkioDeviceReadBps\":"
	"null,"
	"\"BlkioDeviceWriteBps\":null,\"BlkioDeviceReadIOps\":null,\"BlkioDeviceWriteIOps\":null,"
	"\"CpuPeriod\":0,\"CpuQuota\":0,\"CpuRealtimePeriod\":0,\"CpuRealtimeRuntime\":0,"
	"\"CpusetCpus\":\"\","
	"\"CpusetMems\":\"\",\"Devices\":[],\"DiskQuota\":0,\"KernelMemory\":0,"
	"\"MemoryReservation\":0,"
	"\"MemorySwap\":0,\"MemorySwappiness\":null,\"OomKillDisable\":false,\"Init\":false,"
	"\"PidsLimit\":0,"
	"\"Ulimits\":[],\"CpuCount\":0,\"CpuPercent\":0,\"IOMaximumIOps\":0,\"IOMaximumBandwidth\":"
	"0,"
	"\"CgroupConf\":null}";

static char *namespace_text(const SpecNamespace *ns, const char *own)
{
	switch (ns->mode) {
	case SPEC_NS_HOST:
		return g_strdup("host");
	case SPEC_NS_CONTAINER:
		return g_strconcat("container:", ns->target, NULL);
	case SPEC_NS_PATH:
		return g_strconcat("ns:", ns->target, NULL);
	case SPEC_NS_DEFAULT:
	case SPEC_NS_PRIVATE:
		break;
	}
	return g_strdup(own);
}

static void set_namespace(Json *json, const char *key, const SpecNamespace *ns, const char *own)
{
	g_autofree char *text = namespace_text(ns, own);
	js_set_string(json, key, text);
}

static char *userns_text(const ContainerSpec *spec)
{
	if (spec->userns == SPEC_USERNS_CONTAINER)
		return g_strconcat("container:", spec->userns_target, NULL);
	if (spec->userns == SPEC_USERNS_PATH)
		return g_strconcat("ns:", spec->userns_target, NULL);
	return g_strdup(spec->id_map ? "private" : "");
}

static void set_namespaces(Json *json, const ContainerSpec *spec)
{
	NetworkRequest *network = spec->network;
	g_autofree char *joined =
		network->target ? g_strdup_printf("%s:%s", network_mode_name(network->mode),
						  network->target)
				: g_strdup(network_mode_name(network->mode));
	g_autofree char *userns = userns_text(spec);
	js_set_string(json, "NetworkMode", joined);
	js_set_string(json, "UsernsMode", userns);
	set_namespace(json, "CgroupMode", &spec->cgroup, "private");
	set_namespace(json, "IpcMode", &spec->ipc, "shareable");
	set_namespace(json, "PidMode", &spec->pid, "private");
	set_namespace(json, "UTSMode", &spec->uts, "private");
	if (!spec->id_map)
		return;
	Json *maps = json_object_new_object();
	js_set_take(maps, "UidMap", inspect_id_map(spec->id_map->uids));
	js_set_take(maps, "GidMap", inspect_id_map(spec->id_map->gids));
	js_set_take(json, "IDMappings", maps);
}

static void set_log(Json *json, Container *ctr, const ContainerSpec *spec)
{
	g_autofree char *dir = container_dir_path(ctr);
	g_autofree char *own = g_build_filename(dir, "log", NULL);
	bool has_file =
		spec->log_driver == LOG_DRIVER_K8S_FILE || spec->log_driver == LOG_DRIVER_JSON_FILE;
	int64_t size = spec->log_max_size > 0 ? spec->log_max_size : DEFAULT_LOG_SIZE;
	g_autofree char *size_text = units_format_size((uint64_t)size);
	g_autofree char *joined = g_strdup(size_text);
	/* "16.78 MB" is podman's "16.78MB" here. */
	char *space = strchr(joined, ' ');
	if (space)
		memmove(space, space + 1, strlen(space));

	Json *log = NULL;
	json_object_object_get_ex(json, "LogConfig", &log);
	js_set_string(log, "Type", log_driver_name(spec->log_driver));
	js_set_string(log, "Path", !has_file ? "" : spec->log_path ? spec->log_path : own);
	inspect_set_text(log, "Tag", spec->log_tag);
	js_set_string(log, "Size", has_file ? joined : "0B");
}

/* The options of a mount in the form of -v. */
static char *mount_options_text(const SpecMount *mount)
{
	g_autoptr(GString) text = g_string_new(mount->read_only ? "ro" : "rw");
	if (mount->relabel)
		g_string_append_printf(text, ",%c", mount->relabel);
	g_string_append_printf(text, ",%s", mount->propagation ? mount->propagation : "rprivate");
	if (mount->kind == SPEC_MOUNT_VOLUME)
		g_string_append(text, ",nosuid,nodev");
	for (char **option = mount->options; *option; option++)
		g_string_append_printf(text, ",%s", *option);
	if (mount->kind != SPEC_MOUNT_TMPFS && mount->kind != SPEC_MOUNT_RAMFS)
		g_string_append(text, mount->non_recursive ? ",bind" : ",rbind");
	else if (mount->copy_up)
		g_string_append(text, ",tmpcopyup");
	return g_strdup(text->str);
}

static void set_mounts(Json *json, const ContainerSpec *spec)
{
	Json *binds = json_object_new_array(), *tmpfs = json_object_new_object();
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		g_autofree char *options = mount_options_text(mount);
		if (mount->kind == SPEC_MOUNT_IMAGE || mount->kind == SPEC_MOUNT_DEVPTS)
			continue;
		if (mount->kind == SPEC_MOUNT_TMPFS || mount->kind == SPEC_MOUNT_RAMFS) {
			js_set_string(tmpfs, mount->destination, options);
			continue;
		}
		g_autofree char *bind =
			g_strdup_printf("%s:%s:%s", mount->source ? mount->source : "",
					mount->destination, options);
		json_object_array_add(binds, json_object_new_string(bind));
	}
	js_set_take(json, "Binds", binds);
	js_set_take(json, "Tmpfs", tmpfs);
}

static void add_option(GPtrArray *options, const char *key, const char *value)
{
	g_ptr_array_add(options, g_strdup_printf("%s=%s", key, value));
}

static void set_security(Json *json, const ContainerSpec *spec)
{
	g_autoptr(GPtrArray) options = g_ptr_array_new_with_free_func(g_free);
	if (spec->no_new_privileges)
		g_ptr_array_add(options, g_strdup("no-new-privileges"));
	if (spec->seccomp_unconfined)
		add_option(options, "seccomp", "unconfined");
	else if (spec->seccomp_profile)
		add_option(options, "seccomp", spec->seccomp_profile);
	if (spec->apparmor_profile)
		add_option(options, "apparmor", spec->apparmor_profile);
	if (spec->label_disable)
		add_option(options, "label", "disable");
	if (spec->nested)
		g_ptr_array_add(options, g_strdup("nested"));
	for (char **path = spec->mask; path && *path; path++)
		add_option(options, "mask", *path);
	for (char **path = spec->unmask; path && *path; path++)
		add_option(options, "unmask", *path);
	g_ptr_array_add(options, NULL);
	inspect_set_list(json, "SecurityOpt", (char *const *)options->pdata);
}

/* Podman shows what differs from its default set, whatever was typed. */
static bool set_capabilities(Json *json, const ContainerSpec *spec, GError **error)
{
	uint64_t bounding = 0, added = 0, normal = privileges_default_capabilities();
	if (!oci_build_capabilities(spec, &bounding, &added, error))
		return false;
	js_set_take(json, "CapAdd", inspect_capabilities(bounding & ~normal));
	js_set_take(json, "CapDrop", inspect_capabilities(normal & ~bounding));
	return true;
}

static void set_devices(Json *json, const ContainerSpec *spec)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < spec->devices->len; i++) {
		const SpecDevice *device = spec->devices->pdata[i];
		Json *row = json_object_new_object();
		js_set_string(row, "PathOnHost", device->host_path);
		js_set_string(row, "PathInContainer", device->path);
		js_set_string(row, "CgroupPermissions", device->permissions);
		json_object_array_add(array, row);
	}
	js_set_take(json, "Devices", array);
}

static const char *limit_name(int resource)
{
	static const char *const names[] = {
		[RLIMIT_AS] = "RLIMIT_AS",
		[RLIMIT_CORE] = "RLIMIT_CORE",
		[RLIMIT_CPU] = "RLIMIT_CPU",
		[RLIMIT_DATA] = "RLIMIT_DATA",
		[RLIMIT_FSIZE] = "RLIMIT_FSIZE",
		[RLIMIT_LOCKS] = "RLIMIT_LOCKS",
		[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",
		[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
		[RLIMIT_NICE] = "RLIMIT_NICE",
		[RLIMIT_NOFILE] = "RLIMIT_NOFILE",
		[RLIMIT_NPROC] = "RLIMIT_NPROC",
		[RLIMIT_RSS] = "RLIMIT_RSS",
		[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
		[RLIMIT_RTTIME] = "RLIMIT_RTTIME",
		[RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
		[RLIMIT_STACK] = "RLIMIT_STACK",
	};
	bool known = resource >= 0 && (size_t)resource < G_N_ELEMENTS(names) && names[resource];
	return known ? names[resource] : "RLIMIT_UNKNOWN";
}

static void set_ulimits(Json *json, const ContainerSpec *spec)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < spec->ulimits->len; i++) {
		const OciRlimit *limit = &g_array_index(spec->ulimits, OciRlimit, i);
		Json *row = json_object_new_object();
		js_set_string(row, "Name", limit_name(limit->resource));
		js_set_int(row, "Soft", (int64_t)limit->soft);
		js_set_int(row, "Hard", (int64_t)limit->hard);
		json_object_array_add(array, row);
	}
	js_set_take(json, "Ulimits", array);
}

static void set_restart(Json *json, const ContainerSpec *spec)
{
	Json *policy = NULL;
	json_object_object_get_ex(json, "RestartPolicy", &policy);
	js_set_string(policy, "Name", restart_name(spec->restart));
	js_set_int(policy, "MaximumRetryCount", spec->restart_retries);
	/* Nanoseconds, as docker shows a service's. */
	if (spec->restart_delay_ms)
		js_set_int(policy, "Delay", spec->restart_delay_ms * NS_OF_MS);
	if (spec->restart_window_ms)
		js_set_int(policy, "Window", spec->restart_window_ms * NS_OF_MS);
}

/* Of a live container what is in force, else what a start would ask for; 0 is no limit. */
static void set_cgroup(Json *json, Container *ctr, const ContainerSpec *spec)
{
	g_autofree char *path = container_cgroup_path(ctr);
	int64_t limit = !spec->pids_limit_set  ? DEFAULT_PIDS_LIMIT
			: spec->pids_limit < 0 ? 0
					       : spec->pids_limit;
	ContainerState state = container_summary(ctr)->state;
	bool live = state != CONTAINER_CREATED && state != CONTAINER_EXITED;
	js_set_int(json, "PidsLimit", live && !path ? 0 : limit);
	if (!path)
		return;
	/* A scope is systemd's, below its slice; a cgroup in our own unit is ours. */
	g_autofree char *parent = g_path_get_dirname(path);
	bool scope = g_str_has_suffix(parent, ".scope") && g_str_has_suffix(path, "/payload");
	g_autofree char *slice_path = scope ? g_path_get_dirname(parent) : NULL;
	g_autofree char *slice = scope ? g_path_get_basename(slice_path) : NULL;
	js_set_string(json, "CgroupManager", scope ? "systemd" : "cgroupfs");
	js_set_string(json, "CgroupParent", scope ? slice : parent);
}

/* podman's lists of devices with a limit. */
static void set_device_limits(Json *json, const OciResources *resources)
{
	static const struct {
		const char *key, *value;
	} rows[OCI_DEVICE_LIMIT_COUNT] = {
		[OCI_READ_BPS] = {"BlkioDeviceReadBps", "Rate"},
		[OCI_WRITE_BPS] = {"BlkioDeviceWriteBps", "Rate"},
		[OCI_READ_IOPS] = {"BlkioDeviceReadIOps", "Rate"},
		[OCI_WRITE_IOPS] = {"BlkioDeviceWriteIOps", "Rate"},
		[OCI_DEVICE_WEIGHT] = {"BlkioWeightDevice", "Weight"},
	};
	for (size_t kind = 0; kind < OCI_DEVICE_LIMIT_COUNT; kind++) {
		const GPtrArray *list = resources->devices[kind];
		if (!list)
			continue;
		Json *array = json_object_new_array();
		for (guint i = 0; i < list->len; i++) {
			const OciDeviceLimit *limit = g_ptr_array_index(list, i);
			Json *item = json_object_new_object();
			js_set_string(item, "Path", limit->path);
			js_set_int(item, rows[kind].value, limit->value);
			json_object_array_add(array, item);
		}
		js_set_take(json, rows[kind].key, array);
	}
}

/* What was asked for; 0 is no limit. */
static void set_limits(Json *json, const ContainerSpec *spec)
{
	static const char *const modes[] = {"default", "enabled", "disabled", "no-conmon", "split"};
	const OciResources *r = &spec->resources;
	js_set_int(json, "Memory", r->memory);
	js_set_int(json, "MemorySwap", r->memory_swap);
	js_set_int(json, "MemoryReservation", r->memory_reservation);
	js_set_int(json, "CpuShares", r->cpu_shares);
	js_set_int(json, "CpuPeriod", r->cpu_period);
	js_set_int(json, "CpuQuota", r->cpu_quota);
	if (r->cpu_quota > 0 && r->cpu_period > 0)
		js_set_int(json, "NanoCpus",
			   (int64_t)((double)r->cpu_quota * 1e9 / (double)r->cpu_period));
	inspect_set_text(json, "CpusetCpus", r->cpus);
	inspect_set_text(json, "CpusetMems", r->mems);
	js_set_int(json, "BlkioWeight", r->blkio_weight);
	set_device_limits(json, r);
	if (r->unified)
		js_set_take(json, "CgroupConf", js_from_string_map(r->unified));
	js_set_int(json, "OomScoreAdj", spec->oom_score_adj);
	js_set_string(json, "Cgroups", modes[spec->cgroups]);
	inspect_set_text(json, "CgroupParent", spec->cgroup_parent);
}

Json *inspect_host_config(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(Json) json = inspect_skeleton(host_config_text);
	if (!set_capabilities(json, spec, error))
		return NULL;
	set_mounts(json, spec);
	set_log(json, ctr, spec);
	set_namespaces(json, spec);
	set_restart(json, spec);
	set_security(json, spec);
	set_devices(json, spec);
	set_ulimits(json, spec);
	inspect_set_text(json, "ContainerIDFile", spec->cidfile);
	js_set_take(json, "PortBindings", inspect_ports(spec->network->ports, NULL));
	js_set_bool(json, "AutoRemove", spec->remove);
	js_set_bool(json, "AutoRemoveImage", spec->remove_image);
	if (spec->volumes_from)
		inspect_set_list(json, "VolumesFrom", spec->volumes_from);
	js_set_take(json, "Annotations", js_from_string_map(spec->annotations));
	inspect_set_list(json, "Dns", spec->dns);
	inspect_set_list(json, "DnsOptions", spec->dns_option);
	inspect_set_list(json, "DnsSearch", spec->dns_search);
	inspect_set_list(json, "ExtraHosts", spec->add_host);
	char keep[] = "keep-groups";
	char *kept[] = {keep, NULL};
	inspect_set_list(json, "GroupAdd", spec->keep_groups ? kept : spec->group_add);
	js_set_bool(json, "Privileged", spec->privileged);
	js_set_bool(json, "PublishAllPorts", spec->publish_all);
	js_set_bool(json, "ReadonlyRootfs", spec->read_only);
	js_set_int(json, "ShmSize", spec->shm_size > 0 ? spec->shm_size : DEFAULT_SHM_SIZE);
	js_set_bool(json, "Init", spec->init);
	set_limits(json, spec);
	set_cgroup(json, ctr, spec);
	return g_steal_pointer(&json);
}
