/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits into the files of a cgroup. Every file is one of the cgroup that was opened; nothing
 * follows a link.
 */
#include "libpod/runtime/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define PERIOD_DEFAULT 100000  /* us, the kernel's */
#define PIDS_MAX       4194304 /* the most the kernel takes; there can be no more processes */

/* Return: false with errno. */
static bool try_write(int fd, const char *name, const char *value)
{
	autofd file = openat(fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	return file >= 0 && fd_write_all(file, value, strlen(value));
}

static bool write_text(int fd, const char *name, const char *value, GError **error)
{
	return try_write(fd, name, value) ||
	       error_set_errno(error, "cannot write '%s' to the cgroup's '%s'", value, name);
}

/* A number, or "max" for none; without its controller nothing is limited anyway. */
static bool write_limit(int fd, const char *name, int64_t value, GError **error)
{
	char text[24] = "max";
	if (value == 0)
		return true;
	if (value > 0)
		snprintf(text, sizeof text, "%lld", (long long)value);
	return try_write(fd, name, text) || (errno == ENOENT && value < 0) ||
	       error_set_errno(error, "cannot write '%s' to the cgroup's '%s'", text, name);
}

/* Of what was asked for as memory and swap together, the part that may be swap. */
static int64_t swap_part(const OciResources *resources)
{
	int64_t swap = resources->memory_swap;
	if (swap <= 0 || resources->memory <= 0)
		return swap < 0 ? RESOURCES_UNLIMITED : 0;
	return MAX(swap - resources->memory, 0);
}

/* A kernel without accounting of swap has no file for it. */
static bool apply_swap(const OciResources *resources, int fd, GError **error)
{
	char text[24];
	bool none = resources->memory_swap > 0 && swap_part(resources) == 0;
	if (resources->memory_swap == 0)
		return true;
	if (!none && swap_part(resources) == RESOURCES_UNLIMITED)
		return write_limit(fd, "memory.swap.max", RESOURCES_UNLIMITED, error);
	snprintf(text, sizeof text, "%lld", (long long)swap_part(resources));
	return try_write(fd, "memory.swap.max", text) || errno == ENOENT ||
	       error_set_errno(error, "cannot write '%s' to the cgroup's 'memory.swap.max'", text);
}

static bool apply_memory(const OciResources *resources, int fd, GError **error)
{
	int64_t reservation = resources->memory_reservation;
	if (!write_limit(fd, "memory.max", resources->memory, error) ||
	    !apply_swap(resources, fd, error))
		return false;
	/* The file of what is kept says 0 where the others say "max". */
	if (reservation < 0)
		return try_write(fd, "memory.low", "0") || errno == ENOENT ||
		       error_set_errno(error, "cannot write to the cgroup's 'memory.low'");
	return write_limit(fd, "memory.low", reservation, error);
}

/* Quota and period share a file: who asks for one gets the default of the other. */
static bool apply_cpu(const OciResources *resources, int fd, GError **error)
{
	char text[48];
	if (resources->cpu_shares > 0) {
		snprintf(text, sizeof text, "%lld",
			 (long long)resources_cpu_weight(resources->cpu_shares));
		if (!write_text(fd, "cpu.weight", text, error))
			return false;
	}
	if (resources->cpu_quota == 0 && resources->cpu_period == 0)
		return true;
	int64_t period = resources->cpu_period > 0 ? resources->cpu_period : PERIOD_DEFAULT;
	if (resources->cpu_quota > 0)
		snprintf(text, sizeof text, "%lld %lld", (long long)resources->cpu_quota,
			 (long long)period);
	else
		snprintf(text, sizeof text, "max %lld", (long long)period);
	return write_text(fd, "cpu.max", text, error);
}

static bool apply_cpuset(const OciResources *resources, int fd, GError **error)
{
	return (!resources->cpus || write_text(fd, "cpuset.cpus", resources->cpus, error)) &&
	       (!resources->mems || write_text(fd, "cpuset.mems", resources->mems, error));
}

/* A weight, with BFQ's own file where that scheduler is the one that has weights. */
static bool apply_io_weight(int fd, const char *whose, int64_t weight, GError **error)
{
	char text[64];
	snprintf(text, sizeof text, "%s%s%lld", whose, *whose ? " " : "", (long long)weight);
	if (try_write(fd, "io.bfq.weight", text))
		return true;
	snprintf(text, sizeof text, "%s %lld", *whose ? whose : "default",
		 (long long)resources_io_weight(weight));
	return write_text(fd, "io.weight", text, error);
}

/* One line of io.max changes only the key that it names. */
static bool apply_device(OciDeviceLimitKind kind, const OciDeviceLimit *limit, int fd,
			 GError **error)
{
	static const char *const keys[] = {
		[OCI_READ_BPS] = "rbps",
		[OCI_WRITE_BPS] = "wbps",
		[OCI_READ_IOPS] = "riops",
		[OCI_WRITE_IOPS] = "wiops",
	};
	char text[96], number[24] = "max";
	snprintf(text, sizeof text, "%lld:%lld", (long long)limit->major, (long long)limit->minor);
	if (kind == OCI_DEVICE_WEIGHT)
		return apply_io_weight(fd, text, limit->value, error);
	if (limit->value > 0)
		snprintf(number, sizeof number, "%lld", (long long)limit->value);
	snprintf(text, sizeof text, "%lld:%lld %s=%s", (long long)limit->major,
		 (long long)limit->minor, keys[kind], number);
	return write_text(fd, "io.max", text, error);
}

/* The weight of all devices, then what single ones have. */
static bool apply_io(const OciResources *resources, int fd, GError **error)
{
	if (resources->blkio_weight > 0 && !apply_io_weight(fd, "", resources->blkio_weight, error))
		return false;
	for (size_t kind = 0; kind < OCI_DEVICE_LIMIT_COUNT; kind++) {
		const GPtrArray *list = resources->devices[kind];
		for (guint i = 0; list && i < list->len; i++) {
			if (!apply_device((OciDeviceLimitKind)kind, g_ptr_array_index(list, i), fd,
					  error))
				return false;
		}
	}
	return true;
}

/* In the order of the names, so that two runs do the same. */
static bool apply_unified(const OciResources *resources, int fd, GError **error)
{
	if (!resources->unified)
		return true;
	g_autoptr(GList) names =
		g_list_sort(g_hash_table_get_keys(resources->unified), (GCompareFunc)strcmp);
	for (GList *name = names; name; name = name->next) {
		const char *value = g_hash_table_lookup(resources->unified, name->data);
		if (!write_text(fd, name->data, value, error))
			return false;
	}
	return true;
}

bool resources_apply(const OciResources *resources, int fd, GError **error)
{
	int64_t pids = resources->pids > PIDS_MAX ? RESOURCES_UNLIMITED : resources->pids;
	return write_limit(fd, "pids.max", pids, error) && apply_memory(resources, fd, error) &&
	       apply_cpu(resources, fd, error) && apply_cpuset(resources, fd, error) &&
	       apply_io(resources, fd, error) && apply_unified(resources, fd, error);
}
