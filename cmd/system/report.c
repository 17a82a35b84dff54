/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/system/report.h"

static const char *const maps[] = {
	"Annotations", "Data",    "DriverOpts",   "ExposedPorts", "Labels",
	"Networks",    "Options", "PortBindings", "Ports",        "Status",
	"Storage",     "Sysctls", "Tmpfs",        "UnmappedIDs",  "Volumes",
	"annotations", "labels",  "registries",   NULL,
};

/* "Status" is a map of volumes only; of containers it is a string, which the schema leaves alone.
 */

static const char *const lists[] = {
	"Args",          "Binds",        "BoundingCaps",
	"CapAdd",        "CapDrop",      "Cmd",
	"CreateCommand", "Dependencies", "Devices",
	"Dns",           "DnsOptions",   "DnsSearch",
	"EffectiveCaps", "Entrypoint",   "Env",
	"ExecIDs",       "ExtraHosts",   "GidMap",
	"GroupAdd",      "History",      "Layers",
	"Links",         "Mounts",       "NamesHistory",
	"OnBuild",       "RepoDigests",  "RepoTags",
	"SecurityOpt",   "Shell",        "UidMap",
	"Ulimits",       "VolumesFrom",  NULL,
};

static const char *const times[] = {
	"CheckpointedAt", "Created",   "CreatedAt", "FinishedAt", "LastTagTime",
	"RestoredAt",     "StartedAt", "created",   "Updated",    NULL,
};

const TemplateSchema report_container_schema = {"*define.InspectContainerData", maps, lists, times};
const TemplateSchema report_image_schema = {"*inspect.ImageData", maps, lists, times};
const TemplateSchema report_volume_schema = {"*define.InspectVolumeData", maps, lists, times};
const TemplateSchema report_info_schema = {"*define.Info", maps, lists, times};
