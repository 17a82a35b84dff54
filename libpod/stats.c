/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/stats.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/proc_stat.h"
#include "libpod/base/units.h"
#include "libpod/container_cgroup.h"
#include "libpod/runtime/cgroup.h"

#define PROC_FILE_MAX (1024 * 1024)

static char *read_proc(pid_t pid, const char *name)
{
	g_autofree char *path = pid > 0 ? g_strdup_printf("/proc/%d/%s", (int)pid, name)
					: g_strdup_printf("/proc/%s", name);
	autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? NULL : fd_read_all(fd, PROC_FILE_MAX, NULL, NULL);
}

/* The number behind a word at the start of a line. */
static uint64_t number_behind(const char *text, const char *word)
{
	const char *at = text ? strstr(text, word) : NULL;
	return at ? g_ascii_strtoull(at + strlen(word), NULL, 10) : 0;
}

static uint64_t host_memory(void)
{
	g_autofree char *text = read_proc(0, "meminfo");
	return number_behind(text, "MemTotal:") * 1024;
}

/* CPU time, memory and traffic of one process; its dead children's CPU time counts, too. */
static void add_process(pid_t pid, ContainerStats *stats)
{
	ProcStat stat;
	if (!proc_stat_read(-1, pid, &stat))
		return;
	g_autofree char *io = read_proc(pid, "io");
	unsigned long long ticks = stat.user_ticks + stat.system_ticks + stat.child_user_ticks +
				   stat.child_system_ticks;
	stats->pids++;
	stats->cpu += (int64_t)(ticks * 1000000000ULL / (unsigned long long)sysconf(_SC_CLK_TCK));
	stats->memory += (uint64_t)stat.resident * (uint64_t)sysconf(_SC_PAGESIZE);
	stats->block_in += number_behind(io, "\nread_bytes: ");
	stats->block_out += number_behind(io, "\nwrite_bytes: ");
}

static void add_processes(Container *ctr, ContainerStats *stats)
{
	g_autoptr(GArray) pids = container_processes(ctr, NULL);
	for (guint i = 0; pids && i < pids->len; i++)
		add_process(g_array_index(pids, pid_t, i), stats);
}

/* Bytes that went through the interfaces of a network of its own. */
static void read_network(Container *ctr, ContainerStats *stats)
{
	const ContainerSummary *s = container_summary(ctr);
	bool own = s->network_mode == NETWORK_SLIRP || s->network_mode == NETWORK_NAMED;
	if (!own || s->pid <= 0)
		return;
	g_autofree char *text = read_proc(s->pid, "net/dev");
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		const char *colon = strchr(lines[i], ':');
		unsigned long long in = 0, out = 0;
		if (!colon || g_str_has_prefix(g_strchug(lines[i]), "lo:"))
			continue;
		colon = strchr(lines[i], ':');
		if (sscanf(colon + 1, " %llu %*u %*u %*u %*u %*u %*u %*u %llu", &in, &out) == 2) {
			stats->net_in += in;
			stats->net_out += out;
		}
	}
}

/* "8:0 rbytes=1 wbytes=2 ..." for each device. */
static void read_block(int cgroup, ContainerStats *stats)
{
	g_autofree char *text = cgroup_read(cgroup, "io.stat");
	if (!text)
		return;
	stats->block_in = stats->block_out = 0;
	for (const char *at = text; (at = strstr(at, "rbytes=")); at++)
		stats->block_in += g_ascii_strtoull(at + strlen("rbytes="), NULL, 10);
	for (const char *at = text; (at = strstr(at, "wbytes=")); at++)
		stats->block_out += g_ascii_strtoull(at + strlen("wbytes="), NULL, 10);
}

/* What the cgroup counts replaces what its processes say. */
static void read_cgroup(Container *ctr, ContainerStats *stats)
{
	g_autofree char *path = container_cgroup_path(ctr);
	autofd fd = path ? cgroup_open(path, NULL) : -1;
	if (fd < 0)
		return;
	stats->in_cgroup = true;
	int64_t cpu = cgroup_read_number(fd, "cpu.stat", "usage_usec");
	int64_t memory = cgroup_read_number(fd, "memory.current", NULL);
	int64_t limit = cgroup_read_number(fd, "memory.max", NULL);
	int64_t pids = cgroup_read_number(fd, "pids.current", NULL);
	if (cpu >= 0)
		stats->cpu = cpu * 1000;
	if (memory >= 0)
		stats->memory = (uint64_t)memory;
	if (limit >= 0)
		stats->memory_limit = MIN(stats->memory_limit, (uint64_t)limit);
	if (pids >= 0)
		stats->pids = (uint64_t)pids;
	read_block(fd, stats);
}

static double share(int64_t part, int64_t whole)
{
	return whole > 0 && part > 0 ? (double)part * 100 / (double)whole : 0;
}

void stats_read(Container *ctr, const ContainerStats *before, ContainerStats *out)
{
	const ContainerSummary *s = container_summary(ctr);
	ContainerStats stats = {.now = units_now()};
	if (s->state == CONTAINER_RUNNING || s->state == CONTAINER_PAUSED) {
		stats.memory_limit = host_memory();
		add_processes(ctr, &stats);
		read_network(ctr, &stats);
		read_cgroup(ctr, &stats);
		stats.average = share(stats.cpu, stats.now - s->started);
		/* One that was started again counts from 0. */
		bool same = before && before->cpu > 0 && before->cpu <= stats.cpu;
		stats.percent = same ? share(stats.cpu - before->cpu, stats.now - before->now)
				     : stats.average;
	}
	*out = stats;
}
