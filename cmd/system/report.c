/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/system/report.h"

static const char *const maps[] = {
	"Annotations", "CgroupConf", "Data",         "DriverOpts", "ExposedPorts", "Labels",
	"Networks",    "Options",    "PortBindings", "Ports",      "Status",       "Storage",
	"Sysctls",     "Tmpfs",      "UnmappedIDs",  "Volumes",    "annotations",  "ipam_options",
	"labels",      "registries", NULL,
};

/* "Status" is a map of volumes only; of containers it is a string, which the schema leaves alone.
 */

static const char *const lists[] = {
	"Args",
	"Binds",
	"BlkioDeviceReadBps",
	"BlkioDeviceReadIOps",
	"BlkioDeviceWriteBps",
	"BlkioDeviceWriteIOps",
	"BlkioWeightDevice",
	"BoundingCaps",
	"CapAdd",
	"CapDrop",
	"Cmd",
	"CreateCommand",
	"Dependencies",
	"Devices",
	"Dns",
	"DnsOptions",
	"DnsSearch",
	"EffectiveCaps",
	"Entrypoint",
	"Env",
	"ExecIDs",
	"ExtraHosts",
	"GidMap",
	"GroupAdd",
	"History",
	"Layers",
	"Links",
	"Mounts",
	"NamesHistory",
	"OnBuild",
	"RepoDigests",
	"RepoTags",
	"SecurityOpt",
	"Shell",
	"UidMap",
	"Ulimits",
	"VolumesFrom",
	NULL,
};

static const char *const times[] = {
	"CheckpointedAt", "Created", "CreatedAt", "FinishedAt", "LastTagTime", "RestoredAt",
	"StartedAt",      "created", "Updated",   "UpdatedAt",  NULL,
};

/* Which fields podman prints as empty where its JSON, and so ours, leaves them out. */
static const TemplateField container_fields[] = {
	{NULL, "Dst", "Destination", TEMPLATE_NIL},
	{NULL, "ImageID", "Image", TEMPLATE_NIL},
	{NULL, "Name", NULL, TEMPLATE_STRING}, /* of a mount that is no volume */
	{NULL, "OCIConfigPath", NULL, TEMPLATE_STRING},
	{NULL, "SizeRootFs", NULL, TEMPLATE_INT},
	{NULL, "SizeRw", NULL, TEMPLATE_NIL},
	{NULL, "Src", "Source", TEMPLATE_NIL},
	{NULL, "SubPath", NULL, TEMPLATE_STRING},
	{"Config", "ExposedPorts", NULL, TEMPLATE_MAP},
	{"Config", "HealthMaxLogCount", "HealthcheckMaxLogCount", TEMPLATE_INT},
	{"Config", "HealthMaxLogSize", "HealthcheckMaxLogSize", TEMPLATE_INT},
	{"Config", "Healthcheck", NULL, TEMPLATE_NIL},
	{"Config", "SdNotifySocket", NULL, TEMPLATE_STRING},
	{"Config", "Secrets", NULL, TEMPLATE_LIST},
	{"Config", "StartupHealthCheck", NULL, TEMPLATE_NIL},
	{"HostConfig", "IDMappings", NULL, TEMPLATE_NIL},
	{"LogConfig", "Config", NULL, TEMPLATE_MAP}, /* null in JSON */
	{"NetworkSettings", "Networks", NULL, TEMPLATE_MAP},
	{"State", "CgroupPath", NULL, TEMPLATE_STRING},
	{"State", "Checkpointed", NULL, TEMPLATE_BOOL},
	{"State", "Health", NULL, TEMPLATE_NIL},
	{"State", "Healthcheck", "Health", TEMPLATE_NIL},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

static const TemplateField image_fields[] = {
	{NULL, "HealthCheck", NULL, TEMPLATE_NIL},
	{"Config", "ArgsEscaped", NULL, TEMPLATE_BOOL},
	{"Config", "Cmd", NULL, TEMPLATE_LIST},
	{"Config", "Entrypoint", NULL, TEMPLATE_LIST},
	{"Config", "Env", NULL, TEMPLATE_LIST},
	{"Config", "ExposedPorts", NULL, TEMPLATE_MAP},
	{"Config", "Healthcheck", NULL, TEMPLATE_NIL},
	{"Config", "Labels", NULL, TEMPLATE_MAP},
	{"Config", "StopSignal", NULL, TEMPLATE_STRING},
	{"Config", "User", NULL, TEMPLATE_STRING},
	{"Config", "Volumes", NULL, TEMPLATE_MAP},
	{"Config", "WorkingDir", NULL, TEMPLATE_STRING},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

static const TemplateField volume_fields[] = {
	{NULL, "Anonymous", NULL, TEMPLATE_BOOL},   {NULL, "GID", NULL, TEMPLATE_INT},
	{NULL, "NeedsChown", NULL, TEMPLATE_BOOL},  {NULL, "NeedsCopyUp", NULL, TEMPLATE_BOOL},
	{NULL, "Status", NULL, TEMPLATE_MAP},       {NULL, "Timeout", NULL, TEMPLATE_INT},
	{NULL, "StorageID", NULL, TEMPLATE_STRING}, {NULL, "UID", NULL, TEMPLATE_INT},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

static const TemplateField secret_fields[] = {
	{NULL, "SecretData", NULL, TEMPLATE_STRING},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

static const TemplateField durations[] = {
	{"Healthcheck", "Interval", NULL, TEMPLATE_INT},
	{"Healthcheck", "StartInterval", NULL, TEMPLATE_INT},
	{"Healthcheck", "StartPeriod", NULL, TEMPLATE_INT},
	{"Healthcheck", "Timeout", NULL, TEMPLATE_INT},
	{"StartupHealthCheck", "Interval", NULL, TEMPLATE_INT},
	{"StartupHealthCheck", "Timeout", NULL, TEMPLATE_INT},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

/* podman's names of what JSON has with underscores. */
static const TemplateField network_fields[] = {
	{NULL, "DNSEnabled", "dns_enabled", TEMPLATE_BOOL},
	{NULL, "IPAMOptions", "ipam_options", TEMPLATE_MAP},
	{NULL, "IPv6Enabled", "ipv6_enabled", TEMPLATE_BOOL},
	{NULL, "NetworkDNSServers", "network_dns_servers", TEMPLATE_LIST},
	{NULL, "NetworkInterface", "network_interface", TEMPLATE_STRING},
	{NULL, "Routes", "routes", TEMPLATE_LIST},
	{NULL, "Labels", NULL, TEMPLATE_MAP},
	{NULL, "Options", NULL, TEMPLATE_MAP},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

/* podman's names of fields that JSON calls otherwise. */
static const TemplateField info_fields[] = {
	{"host", "CgroupsVersion", "cgroupVersion", TEMPLATE_STRING},
	{"security", "DefaultCapabilities", "capabilities", TEMPLATE_STRING},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

static const TemplateField pod_fields[] = {
	{NULL, "CgroupPath", NULL, TEMPLATE_STRING},
	{NULL, "Containers", NULL, TEMPLATE_LIST},
	{NULL, "CreateCommand", NULL, TEMPLATE_LIST},
	{NULL, "InfraConfig", NULL, TEMPLATE_NIL},
	{NULL, "InfraContainerID", NULL, TEMPLATE_STRING},
	{NULL, "Labels", NULL, TEMPLATE_MAP},
	{NULL, "Namespace", NULL, TEMPLATE_STRING},
	{NULL, "SharedNamespaces", NULL, TEMPLATE_LIST},
	{NULL, NULL, NULL, TEMPLATE_NIL},
};

static const char *const container_types[][2] = {
	{"Config", "*define.InspectContainerConfig"},
	{"Health", "*define.HealthCheckResults"},
	{"HostConfig", "*define.InspectContainerHostConfig"},
	{"NetworkSettings", "*define.InspectNetworkSettings"},
	{"RestartPolicy", "*define.InspectRestartPolicy"},
	{"State", "*define.InspectContainerState"},
	{NULL, NULL},
};

static const char *const info_types[][2] = {
	{"host", "*define.HostInfo"},
	{"security", "define.SecurityInfo"},
	{"store", "*define.StoreInfo"},
	{"version", "define.Version"},
	{NULL, NULL},
};

const TemplateSchema report_container_schema = {"*define.InspectContainerData",
						maps,
						lists,
						times,
						container_fields,
						durations,
						container_types};
const TemplateSchema report_image_schema = {"*inspect.ImageData", maps,      lists, times,
					    image_fields,         durations, NULL};
const TemplateSchema report_volume_schema = {
	"*define.InspectVolumeData", maps, lists, times, volume_fields, NULL, NULL};
const TemplateSchema report_secret_schema = {
	"*types.SecretInfoReport", maps, lists, times, secret_fields, NULL, NULL};
const TemplateSchema report_network_schema = {
	"types.NetworkInspectReport", maps, lists, times, network_fields, NULL, NULL};
const TemplateSchema report_pod_schema = {
	"*define.InspectPodData", maps, lists, times, pod_fields, NULL, NULL};
const TemplateSchema report_info_schema = {"*define.Info", maps, lists,     times,
					   info_fields,    NULL, info_types};
