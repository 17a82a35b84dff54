/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters for what a container may use.
 *
 * podman reads most of these values only after its flags, and says then what is wrong with one,
 * without naming the flag. So do these: they note the reason, and spec_check_limits() says it.
 */
#include "libpod/spec_parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/cgroup.h"
#include "libpod/spec_priv.h"

#define CPUS_PERIOD 100000 /* us, what --cpus counts in */
#define CPUS_MAX    1000000

/* Note why a value is none; the first reason stays. Return: true, so that parsing goes on. */
static bool fail_late(ContainerSpec *spec, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail_late(ContainerSpec *spec, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (!spec->limit_error)
		spec->limit_error = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return true;
}

/* A size in Go's way, or the late error about it. */
static bool read_size(ContainerSpec *spec, const char *what, const char *value, int64_t *out)
{
	if (units_parse_size(value, out, NULL))
		return true;
	fail_late(spec, "invalid value for %s: invalid size: '%s'", what, value);
	return false;
}

bool spec_set_memory(ContainerSpec *spec, const char *value, GError **error)
{
	int64_t size = 0;
	if (!read_size(spec, "memory", value, &size) || size <= 0)
		return true;
	spec->resources.memory = size;
	if (!spec->memory_swap_set)
		spec->resources.memory_swap =
			size > G_MAXINT64 / 2 ? RESOURCES_UNLIMITED : 2 * size;
	return true;
}

bool spec_set_memory_swap(ContainerSpec *spec, const char *value, GError **error)
{
	int64_t size = RESOURCES_UNLIMITED;
	if (*value == '\0' ||
	    (strcmp(value, "-1") != 0 && !read_size(spec, "memory", value, &size)))
		return true;
	/* 0 is as if it were not typed, to docker, too. */
	if (size == 0)
		return true;
	spec->resources.memory_swap = size;
	spec->memory_swap_set = true;
	return true;
}

bool spec_set_memory_reservation(ContainerSpec *spec, const char *value, GError **error)
{
	int64_t size = 0;
	if (read_size(spec, "memory", value, &size) && size > 0)
		spec->resources.memory_reservation = size;
	return true;
}

/* A signed number in the words of Go's flags. */
static bool read_int(const char *value, int64_t *out, GError **error)
{
	bool negative = *value == '-';
	uint64_t number = 0;
	if (!units_parse_uint(negative || *value == '+' ? value + 1 : value, INT64_MAX, &number,
			      NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseInt: parsing \"%s\": invalid syntax", value);
	*out = negative ? -(int64_t)number : (int64_t)number;
	return true;
}

static bool read_uint(const char *value, int64_t *out, GError **error)
{
	uint64_t number = 0;
	if (!units_parse_uint(value, INT64_MAX, &number, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseUint: parsing \"%s\": invalid syntax", value);
	*out = (int64_t)number;
	return true;
}

bool spec_set_memory_swappiness(ContainerSpec *spec, const char *value, GError **error)
{
	int64_t number = -1;
	if (!read_int(value, &number, error))
		return false;
	spec->memory_swappiness_set = number >= 0;
	return true;
}

bool spec_set_cpus(ContainerSpec *spec, const char *value, GError **error)
{
	char *end = NULL;
	double cpus = g_ascii_strtod(value, &end);
	bool digits = strspn(value, "0123456789.eE+-") == strlen(value);
	if (*value == '\0' || !digits || *end != '\0' || !isfinite(cpus))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseFloat: parsing \"%s\": invalid syntax", value);
	if (cpus < 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid number of CPUs: '%s' is below 0, which is no limit",
				 value);
	spec->cpus_set = true;
	if (cpus == 0)
		return true;
	spec->resources.cpu_period = CPUS_PERIOD;
	spec->resources.cpu_quota = (int64_t)(MIN(cpus, CPUS_MAX) * CPUS_PERIOD);
	return true;
}

bool spec_set_cpu_period(ContainerSpec *spec, const char *value, GError **error)
{
	spec->cpu_period_set = true;
	return read_uint(value, &spec->resources.cpu_period, error);
}

bool spec_set_cpu_quota(ContainerSpec *spec, const char *value, GError **error)
{
	int64_t quota = 0;
	if (!read_int(value, &quota, error))
		return false;
	spec->cpu_quota_set = true;
	spec->resources.cpu_quota = quota < 0 ? RESOURCES_UNLIMITED : quota;
	return true;
}

bool spec_set_cpu_shares(ContainerSpec *spec, const char *value, GError **error)
{
	return read_uint(value, &spec->resources.cpu_shares, error);
}

/* "0-2,7": numbers and ranges, as the kernel reads them. */
static bool is_number_list(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	for (size_t i = 0; parts[i]; i++) {
		g_auto(GStrv) ends = g_strsplit(parts[i], "-", 2);
		uint64_t first = 0, last = G_MAXUINT16;
		if (!ends[0] || !units_parse_uint(ends[0], G_MAXUINT16, &first, NULL) ||
		    (ends[1] && !units_parse_uint(ends[1], G_MAXUINT16, &last, NULL)) ||
		    last < first)
			return false;
	}
	return parts[0] != NULL;
}

static bool set_number_list(ContainerSpec *spec, const char *what, const char *value, char **out)
{
	if (*value == '\0')
		return true;
	if (!is_number_list(value))
		return fail_late(spec, "invalid value %s for cpuset %s", value, what);
	g_free(*out);
	*out = g_strdup(value);
	return true;
}

bool spec_set_cpuset_cpus(ContainerSpec *spec, const char *value, GError **error)
{
	return set_number_list(spec, "cpus", value, &spec->resources.cpus);
}

bool spec_set_cpuset_mems(ContainerSpec *spec, const char *value, GError **error)
{
	return set_number_list(spec, "mems", value, &spec->resources.mems);
}

bool spec_set_blkio_weight(ContainerSpec *spec, const char *value, GError **error)
{
	uint64_t weight = 0;
	if (!units_parse_uint(value, G_MAXUINT16, &weight, NULL))
		return fail_late(spec,
				 "invalid value for blkio-weight: strconv.ParseUint: parsing "
				 "\"%s\": invalid syntax",
				 value);
	if (weight != 0 && (weight < 10 || weight > 1000))
		return fail_late(spec, "range of blkio weight is from 10 to 1000");
	spec->resources.blkio_weight = (int64_t)weight;
	return true;
}

static void device_clear(OciDeviceLimit *limit)
{
	g_clear_pointer(&limit->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OciDeviceLimit, device_clear)

/* "/dev/NAME:VALUE" with the number of the device. Return: the value, NULL after a late error. */
static const char *read_device(ContainerSpec *spec, const char *text, OciDeviceLimit *out)
{
	const char *colon = strchr(text, ':');
	struct stat st;
	if (!colon) {
		fail_late(spec, "bad format: %s", text);
		return NULL;
	}
	if (!g_str_has_prefix(text, "/dev/")) {
		fail_late(spec, "bad format for device path: %.*s", (int)(colon - text), text);
		return NULL;
	}
	g_autofree char *path = g_strndup(text, colon - text);
	if (stat(path, &st) < 0 || !S_ISBLK(st.st_mode)) {
		fail_late(spec, "could not parse throttle device at %s: %s", path,
			  errno == ENOENT ? "no such file or directory"
					  : "it is not a block device");
		return NULL;
	}
	out->major = major(st.st_rdev);
	out->minor = minor(st.st_rdev);
	out->path = g_steal_pointer(&path);
	return colon + 1;
}

/* Bytes in a second have units, operations have none. */
static bool add_throttle(ContainerSpec *spec, OciDeviceLimitKind kind, const char *text)
{
	g_auto(OciDeviceLimit) limit = {0};
	bool bytes = kind == OCI_READ_BPS || kind == OCI_WRITE_BPS;
	uint64_t count = 0;
	errno = 0;
	const char *value = read_device(spec, text, &limit);
	if (!value)
		return true;
	bool ok = bytes ? units_parse_size(value, &limit.value, NULL)
			: units_parse_uint(value, INT64_MAX, &count, NULL);
	if (!ok)
		return fail_late(spec,
				 "invalid rate for device: %s. The correct format is "
				 "<device-path>:<number>%s. Number must be a positive integer%s",
				 text, bytes ? "[<unit>]" : "",
				 bytes ? ". Unit is optional and can be kb, mb, or gb" : "");
	if (!bytes)
		limit.value = (int64_t)count;
	resources_set_device(&spec->resources, kind, &limit);
	return true;
}

bool spec_add_device_read_bps(ContainerSpec *spec, const char *value, GError **error)
{
	return add_throttle(spec, OCI_READ_BPS, value);
}

bool spec_add_device_write_bps(ContainerSpec *spec, const char *value, GError **error)
{
	return add_throttle(spec, OCI_WRITE_BPS, value);
}

bool spec_add_device_read_iops(ContainerSpec *spec, const char *value, GError **error)
{
	return add_throttle(spec, OCI_READ_IOPS, value);
}

bool spec_add_device_write_iops(ContainerSpec *spec, const char *value, GError **error)
{
	return add_throttle(spec, OCI_WRITE_IOPS, value);
}

bool spec_add_blkio_weight_device(ContainerSpec *spec, const char *value, GError **error)
{
	g_auto(OciDeviceLimit) limit = {0};
	uint64_t weight = 0;
	errno = 0;
	const char *text = read_device(spec, value, &limit);
	if (!text)
		return true;
	if (!units_parse_uint(text, 1000, &weight, NULL) || (weight > 0 && weight < 10))
		return fail_late(spec, "invalid weight for device: %s", value);
	limit.value = (int64_t)weight;
	if (weight > 0)
		resources_set_device(&spec->resources, OCI_DEVICE_WEIGHT, &limit);
	return true;
}

/* A file of the container's own cgroup that is a controller's: nothing of cgroup.*, no path. */
bool spec_add_cgroup_conf(ContainerSpec *spec, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	if (!equals)
		return fail_late(spec, "--cgroup-conf must be formatted KEY=VALUE");
	g_autofree char *file = g_strndup(value, equals - value);
	const char *dot = strchr(file, '.');
	if (!path_name_is_safe(file) || !dot || dot == file || g_str_has_prefix(file, "cgroup."))
		return fail_late(spec, "--cgroup-conf: '%s' is no file of a controller", file);
	resources_set_unified(&spec->resources, file, equals + 1);
	return true;
}

bool spec_set_oom_score_adj(ContainerSpec *spec, const char *value, GError **error)
{
	int64_t score = 0;
	if (!read_int(value, &score, error))
		return false;
	if (score < -1000 || score > 1000)
		return fail_late(spec,
				 "invalid value %s for --oom-score-adj, range is -1000 to 1000",
				 value);
	spec->oom_score_adj = (int)score;
	spec->oom_score_adj_set = true;
	return true;
}

bool spec_set_cgroups(ContainerSpec *spec, const char *value, GError **error)
{
	static const struct {
		const char *name;
		SpecCgroups mode;
	} modes[] = {
		{"default", SPEC_CGROUPS_DEFAULT},   {"enabled", SPEC_CGROUPS_ENABLED},
		{"disabled", SPEC_CGROUPS_DISABLED}, {"no-conmon", SPEC_CGROUPS_NO_CONMON},
		{"split", SPEC_CGROUPS_SPLIT},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (strcmp(value, modes[i].name) == 0) {
			spec->cgroups = modes[i].mode;
			return true;
		}
	}
	return fail_late(
		spec,
		"running container create option: invalid cgroup mode \"%s\": invalid argument",
		value);
}

/* A slice of systemd's, or a path. Never one that leads elsewhere (CVE-2023-6476). */
bool spec_set_cgroup_parent(ContainerSpec *spec, const char *value, GError **error)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";
	g_autofree char *path = *value == '/' ? g_strdup(value) : g_strconcat("/", value, NULL);
	const char *name = strrchr(path, '/') + 1;
	bool slice = g_str_has_suffix(path, ".slice");
	if (*value == '\0' || !wall_stands("cgroup-parents"))
		return true;
	if (!cgroup_path_is_valid(path) ||
	    (slice && (strspn(name, letters) != strlen(name) || strlen(name) < 7)))
		return fail_late(spec, "invalid cgroup parent \"%s\": invalid argument", value);
	g_free(spec->cgroup_parent);
	spec->cgroup_parent = g_strdup(value);
	return true;
}

/* What two options say together. */
static const char *find_contradiction(const ContainerSpec *spec)
{
	const OciResources *r = &spec->resources;
	if (spec->cpus_set && spec->cpu_period_set)
		return "--cpu-period and --cpus cannot be set together";
	if (spec->cpus_set && spec->cpu_quota_set)
		return "--cpu-quota and --cpus cannot be set together";
	if (spec->limit_error)
		return spec->limit_error;
	if (r->cpu_period != 0 && (r->cpu_period < 1000 || r->cpu_period > 1000000))
		return "CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. "
		       "1000000)";
	if (r->cpu_quota > 0 && r->cpu_quota < 1000)
		return "CPU cfs quota cannot be less than 1ms (i.e. 1000)";
	if (spec->cgroup_parent && spec->cgroups == SPEC_CGROUPS_SPLIT)
		return "--cgroups=split and --cgroup-parent cannot be set together";
	return NULL;
}

bool spec_check_memory(const OciResources *resources, GError **error)
{
	int64_t memory = resources->memory, swap = resources->memory_swap;
	const char *reason = NULL;
	if (swap > 0 && memory <= 0)
		reason = "you should always set a memory limit when using a memoryswap limit, see "
			 "usage";
	else if (swap > 0 && swap < memory)
		reason = "minimum memoryswap limit should be larger than memory limit, see usage";
	else if (memory > 0 && resources->memory_reservation > memory)
		reason = "minimum memory limit cannot be less than memory reservation limit, see "
			 "usage";
	return !reason || error_set(error, ENGINE_ERROR_INVALID, "%s", reason);
}

bool spec_check_limits(const ContainerSpec *spec, GError **error)
{
	const char *reason = find_contradiction(spec);
	if (reason)
		return error_set(error, ENGINE_ERROR_INVALID, "%s", reason);
	/* Only version 1 has these; the words and the exit code are those of podman's runtime. */
	if (spec->memory_swappiness_set)
		return error_set(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
				 "cannot set memory swappiness with cgroupv2: OCI runtime error");
	if (spec->oom_kill_disable)
		return error_set(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
				 "cannot disable OOM killer with cgroupv2: OCI runtime error");
	return true;
}
