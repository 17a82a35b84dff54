/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/process.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/proc_stat.h"
#include "libpod/runtime/privileges.h"

#define PROC_FILE_MAX (64 * 1024)
#define PASSWD_MAX    (1024 * 1024)

typedef struct {
	pid_t pid;         /* ours */
	pid_t inside_pid;  /* in the innermost pid namespace */
	uint32_t uid, gid; /* ours */
	uint32_t inside_uid, inside_gid;
	ProcStat stat; /* pids: ours */
	char *args;
	char *status;  /* /proc/PID/status; "" if it could not be read */
	char *gid_map; /* NULL: likewise */
	char *label;   /* of its security module, NULL: none */
} Process;

struct ProcessList {
	GPtrArray *processes;
	GHashTable *users, *groups; /* id in the container -> name */
	double uptime;
	long ticks;
};

static void process_free(void *pointer)
{
	Process *process = pointer;
	g_free(process->args);
	g_free(process->status);
	g_free(process->gid_map);
	g_free(process->label);
	g_free(process);
}

/* A small file of /proc/PID; NULL if the process is gone. */
static char *read_proc(int dir, const char *name, size_t *out_size)
{
	autofd file = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return file < 0 ? NULL : fd_read_all(file, PROC_FILE_MAX, out_size, NULL);
}

/* The outside id @id as the namespace of the map @text calls it; 65534 if it has no name there. */
static uint32_t map_id(const char *text, uint32_t id)
{
	unsigned long inside, outside, count;
	int length;
	for (const char *at = text;
	     at && sscanf(at, "%lu %lu %lu\n%n", &inside, &outside, &count, &length) == 3;
	     at += length)
		if (id >= outside && id - outside < count)
			return inside + (id - outside);
	return 65534;
}

/* A line of /proc/PID/status. */
static const char *status_line(const char *status, const char *key)
{
	const char *line = strstr(status, key);
	return line ? line + strlen(key) : "";
}

/* Effective ids, ours and as the process' own user namespace calls them. */
static void read_status(Process *process, int dir)
{
	g_autofree char *uid_map = read_proc(dir, "uid_map", NULL);
	char *status = process->status = read_proc(dir, "status", NULL);
	process->gid_map = read_proc(dir, "gid_map", NULL);
	if (!status) {
		process->status = g_strdup("");
		return;
	}
	unsigned real = 0;
	sscanf(status_line(status, "\nUid:"), "%u %u", &real, &process->uid);
	sscanf(status_line(status, "\nGid:"), "%u %u", &real, &process->gid);
	process->inside_uid = map_id(uid_map, process->uid);
	process->inside_gid = map_id(process->gid_map, process->gid);

	/* The last pid is the innermost one. */
	g_autofree char *pids = g_strndup(status_line(status, "\nNSpid:"),
					  strcspn(status_line(status, "\nNSpid:"), "\n"));
	const char *last = strrchr(pids, '\t');
	process->inside_pid = last ? (pid_t)g_ascii_strtoll(last + 1, NULL, 10) : process->pid;
}

/* The words of the command line; a kernel-like "[comm]" for one without. */
static void read_args(Process *process, int dir)
{
	size_t size = 0;
	process->args = read_proc(dir, "cmdline", &size);
	for (size_t i = 0; i + 1 < size; i++)
		if (process->args[i] == '\0')
			process->args[i] = ' ';
	if (process->args && size > 0)
		return;
	g_free(process->args);
	process->args = g_strdup_printf("[%s]", process->stat.name);
}

/* NULL if it is gone. */
static Process *read_process(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	autofd dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ProcStat stat;
	if (dir < 0 || !proc_stat_read(-1, pid, &stat))
		return NULL;

	Process *p = g_new0(Process, 1);
	p->pid = pid;
	p->stat = stat;
	read_status(p, dir);
	read_args(p, dir);
	p->label = read_proc(dir, "attr/current", NULL);
	return p;
}

/* Names in the container's /etc/passwd or /etc/group, read inside its root (R1, R9). */
static GHashTable *read_names(pid_t pid, const char *file)
{
	GHashTable *names = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
	char path[48];
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	autofd root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_autofree char *text = root < 0 ? NULL : path_read_in_root(root, file, PASSWD_MAX, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		g_auto(GStrv) parts = g_strsplit(lines[i], ":", 4);
		if (g_strv_length(parts) < 3 || !*parts[0] || !g_ascii_isdigit(parts[2][0]))
			continue;
		void *id = GUINT_TO_POINTER((unsigned)g_ascii_strtoull(parts[2], NULL, 10));
		if (!g_hash_table_contains(names, id))
			g_hash_table_insert(names, id, g_strdup(parts[0]));
	}
	return names;
}

static int compare_pids(const void *a, const void *b)
{
	const Process *const *x = a, *const *y = b;
	return (*x)->pid - (*y)->pid;
}

static double read_uptime(void)
{
	autofd file = open("/proc/uptime", O_RDONLY | O_CLOEXEC);
	g_autofree char *text = file < 0 ? NULL : fd_read_all(file, 256, NULL, NULL);
	return text ? g_ascii_strtod(text, NULL) : 0;
}

ProcessList *process_list_new(const pid_t *pids, size_t n)
{
	ProcessList *list = g_new0(ProcessList, 1);
	list->processes = g_ptr_array_new_with_free_func(process_free);
	list->uptime = read_uptime();
	list->ticks = sysconf(_SC_CLK_TCK);
	for (size_t i = 0; i < n; i++) {
		Process *process = read_process(pids[i]);
		if (process)
			g_ptr_array_add(list->processes, process);
	}
	g_ptr_array_sort(list->processes, compare_pids);
	pid_t first = list->processes->len > 0 ? ((Process *)list->processes->pdata[0])->pid : 0;
	list->users = read_names(first, "etc/passwd");
	list->groups = read_names(first, "etc/group");
	return list;
}

void process_list_free(ProcessList *list)
{
	if (!list)
		return;
	g_ptr_array_unref(list->processes);
	g_hash_table_unref(list->users);
	g_hash_table_unref(list->groups);
	g_free(list);
}

size_t process_list_count(const ProcessList *list)
{
	return list->processes->len;
}

/* Columns. */

typedef char *(*Column)(const ProcessList *list, const Process *process);

static char *name_or_number(GHashTable *names, uint32_t id)
{
	const char *name = g_hash_table_lookup(names, GUINT_TO_POINTER(id));
	if (!name && id == 0)
		name = "root"; /* also where there is no passwd file */
	return name ? g_strdup(name) : g_strdup_printf("%u", id);
}

char *process_format_time(long seconds)
{
	if (seconds >= 3600)
		return g_strdup_printf("%ldh%ldm%lds", seconds / 3600, seconds / 60 % 60,
				       seconds % 60);
	if (seconds >= 60)
		return g_strdup_printf("%ldm%lds", seconds / 60, seconds % 60);
	return g_strdup_printf("%lds", seconds);
}

static double age(const ProcessList *list, const Process *p)
{
	double seconds = list->uptime - (double)p->stat.start / list->ticks;
	return MAX(0, seconds);
}

static char *get_args(const ProcessList *list, const Process *p)
{
	return g_strdup(p->args);
}

static char *get_comm(const ProcessList *list, const Process *p)
{
	return g_strdup(p->stat.name);
}

static char *get_etime(const ProcessList *list, const Process *p)
{
	return process_format_time(age(list, p));
}

static char *get_group(const ProcessList *list, const Process *p)
{
	return name_or_number(list->groups, p->inside_gid);
}

static char *get_hgroup(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%u", p->gid);
}

static char *get_hpid(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%d", (int)p->pid);
}

static char *get_huser(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%u", p->uid);
}

static char *get_nice(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%d", p->stat.nice);
}

static char *get_pcpu(const ProcessList *list, const Process *p)
{
	double used = (double)(p->stat.user_ticks + p->stat.system_ticks) / list->ticks,
	       all = age(list, p);
	return g_strdup_printf("%.3f", all > 0 ? 100 * used / all : 0.0);
}

static char *get_pgid(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%d", p->stat.group);
}

static char *get_pid(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%d", (int)p->inside_pid);
}

/* The parent as the container sees it: 0 if it is none of ours. */
static char *get_ppid(const ProcessList *list, const Process *p)
{
	for (size_t i = 0; i < list->processes->len; i++) {
		const Process *other = list->processes->pdata[i];
		if (other->pid == p->stat.parent)
			return get_pid(list, other);
	}
	return g_strdup("0");
}

static char *get_rss(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%lld", p->stat.resident * (sysconf(_SC_PAGESIZE) / 1024));
}

static char *get_state(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%c", p->stat.state);
}

/* When it started, as Go prints a time. */
static char *get_stime(const ProcessList *list, const Process *p)
{
	time_t start = time(NULL) - (time_t)age(list, p);
	struct tm tm;
	char text[64];
	localtime_r(&start, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return g_strdup(text);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a line of /proc/PID/status, sorted; "none" and "full" for nothing and all. */
static char *capability_names(const Process *p, const char *key)
{
	const char *names[65] = {NULL};
	size_t n = 0;
	uint64_t set = g_ascii_strtoull(status_line(p->status, key), NULL, 16);
	if (set == privileges_all_capabilities(false))
		return g_strdup("full");
	for (int i = 0; i < 64; i++)
		if (set & UINT64_C(1) << i && privileges_capability_name(i))
			names[n++] = privileges_capability_name(i) + strlen("CAP_");
	qsort(names, n, sizeof(*names), compare_names);
	return n > 0 ? g_strjoinv(",", (char **)names) : g_strdup("none");
}

static char *get_capamb(const ProcessList *list, const Process *p)
{
	return capability_names(p, "\nCapAmb:");
}

static char *get_capbnd(const ProcessList *list, const Process *p)
{
	return capability_names(p, "\nCapBnd:");
}

static char *get_capeff(const ProcessList *list, const Process *p)
{
	return capability_names(p, "\nCapEff:");
}

static char *get_capinh(const ProcessList *list, const Process *p)
{
	return capability_names(p, "\nCapInh:");
}

static char *get_capprm(const ProcessList *list, const Process *p)
{
	return capability_names(p, "\nCapPrm:");
}

/* The supplementary groups: as the host numbers them, or named as the container names them. */
static char *supplementary(const ProcessList *list, const Process *p, bool host)
{
	g_autofree char *line = g_strndup(status_line(p->status, "\nGroups:"),
					  strcspn(status_line(p->status, "\nGroups:"), "\n"));
	g_auto(GStrv) ids = g_strsplit(g_strstrip(line), " ", -1);
	for (char **id = ids; *id; id++) {
		uint32_t number = g_ascii_strtoull(*id, NULL, 10);
		g_free(*id);
		*id = host ? g_strdup_printf("%u", number)
			   : name_or_number(list->groups, map_id(p->gid_map, number));
	}
	return g_strjoinv(",", ids);
}

static char *get_groups(const ProcessList *list, const Process *p)
{
	return supplementary(list, p, false);
}

static char *get_hgroups(const ProcessList *list, const Process *p)
{
	return supplementary(list, p, true);
}

static char *get_label(const ProcessList *list, const Process *p)
{
	return g_strdup(p->label && *p->label ? g_strchomp(p->label) : "?");
}

static char *get_seccomp(const ProcessList *list, const Process *p)
{
	static const char *const modes[] = {"disabled", "strict", "filter"};
	uint64_t mode = g_ascii_strtoull(status_line(p->status, "\nSeccomp:"), NULL, 10);
	return g_strdup(mode < G_N_ELEMENTS(modes) ? modes[mode] : "?");
}

static char *get_time(const ProcessList *list, const Process *p)
{
	return process_format_time((p->stat.user_ticks + p->stat.system_ticks) / list->ticks);
}

static char *get_tty(const ProcessList *list, const Process *p)
{
	unsigned device = p->stat.tty, major = device >> 8 & 0xfff;
	unsigned minor = (device & 0xff) | (device >> 12 & 0xfff00);
	if (device == 0)
		return g_strdup("?");
	return g_strdup_printf("%s%u", major >= 136 && major <= 143 ? "pts/" : "tty", minor);
}

static char *get_user(const ProcessList *list, const Process *p)
{
	return name_or_number(list->users, p->inside_uid);
}

static char *get_vsz(const ProcessList *list, const Process *p)
{
	return g_strdup_printf("%llu", p->stat.size / 1024);
}

static const struct {
	const char *name, *header;
	Column get;
} columns[] = {
	{"args", "COMMAND", get_args},
	{"capamb", "AMBIENT CAPS", get_capamb},
	{"capbnd", "BOUNDING CAPS", get_capbnd},
	{"capeff", "EFFECTIVE CAPS", get_capeff},
	{"capinh", "INHERITED CAPS", get_capinh},
	{"capprm", "PERMITTED CAPS", get_capprm},
	{"comm", "COMMAND", get_comm},
	{"etime", "ELAPSED", get_etime},
	{"group", "GROUP", get_group},
	{"groups", "GROUPS", get_groups},
	{"hgroup", "HGROUP", get_hgroup},
	{"hgroups", "HGROUPS", get_hgroups},
	{"hpid", "HPID", get_hpid},
	{"huser", "HUSER", get_huser},
	{"label", "LABEL", get_label},
	{"nice", "NI", get_nice},
	{"pcpu", "%CPU", get_pcpu},
	{"pgid", "PGID", get_pgid},
	{"pid", "PID", get_pid},
	{"ppid", "PPID", get_ppid},
	{"rss", "RSS", get_rss},
	{"seccomp", "SECCOMP", get_seccomp},
	{"state", "STATE", get_state},
	{"stime", "STIME", get_stime},
	{"time", "TIME", get_time},
	{"tty", "TTY", get_tty},
	{"user", "USER", get_user},
	{"vsz", "VSZ", get_vsz},
};

const char *process_descriptor(size_t i)
{
	return i < G_N_ELEMENTS(columns) ? columns[i].name : NULL;
}

const char *process_header(const char *descriptor)
{
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
		if (strcmp(columns[i].name, descriptor) == 0)
			return columns[i].header;
	return NULL;
}

char *process_column(const ProcessList *list, size_t i, const char *descriptor)
{
	for (size_t c = 0; c < G_N_ELEMENTS(columns); c++)
		if (strcmp(columns[c].name, descriptor) == 0)
			return columns[c].get(list, g_ptr_array_index(list->processes, i));
	return g_strdup("?");
}
