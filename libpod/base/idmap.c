/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps: the user's sub-ids, and writing a map into a new user namespace.
 *
 * /etc/passwd, /etc/subuid and /etc/subgid are read by a bounded parser of our own: this code is
 * also linked into a static program, where NSS would load libraries.
 */
#include "libpod/base/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "libpod/base/units.h"
#include "libpod/base/wall.h"

#define MAX_RANGES   340 /* of the kernel, since Linux 4.15 */
#define MAX_FILE     (1024 * 1024)
#define MAX_ID       (G_MAXUINT32 - 1)
#define MIN_SUB_ID   65536
#define MIN_FREE_ID  100000 /* where useradd begins */
#define SUB_ID_COUNT 65536

IdMap *idmap_new(void)
{
	IdMap *map = g_new0(IdMap, 1);
	map->uids = g_array_new(FALSE, FALSE, sizeof(IdRange));
	map->gids = g_array_new(FALSE, FALSE, sizeof(IdRange));
	return map;
}

void idmap_free(IdMap *map)
{
	if (!map)
		return;
	g_array_unref(map->uids);
	g_array_unref(map->gids);
	g_free(map);
}

IdMap *idmap_copy(const IdMap *map)
{
	IdMap *copy = g_new0(IdMap, 1);
	copy->uids = g_array_copy(map->uids);
	copy->gids = g_array_copy(map->gids);
	return copy;
}

void idmap_add(GArray *ranges, uint32_t inside, uint32_t outside, uint32_t count)
{
	IdRange range = {.inside = inside, .outside = outside, .count = count};
	g_array_append_val(ranges, range);
}

bool idmap_parse_range(const char *text, IdRange *out_range, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 4);
	guint n = g_strv_length(parts);
	if (n != 2 && n != 3)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "id map '%s': expected INSIDE:OUTSIDE:COUNT", text);
	uint64_t inside, outside, count = 1;
	if (!units_parse_uint(parts[0], MAX_ID, &inside, error) ||
	    !units_parse_uint(parts[1], MAX_ID, &outside, error) ||
	    (n == 3 && !units_parse_uint(parts[2], G_MAXUINT32, &count, error))) {
		g_prefix_error(error, "id map '%s': ", text);
		return false;
	}
	if (count == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "id map '%s': a count of 0 maps nothing", text);
	if (inside + count > G_MAXUINT32 || outside + count > G_MAXUINT32)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "id map '%s': goes beyond the largest id %u", text, MAX_ID);
	*out_range = (IdRange){(uint32_t)inside, (uint32_t)outside, (uint32_t)count};
	return true;
}

static bool overlaps(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

bool idmap_check(const GArray *ranges, GError **error)
{
	if (ranges->len == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "the id map is empty");
	if (ranges->len > MAX_RANGES)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the id map has %u ranges, the kernel takes %d", ranges->len,
				 MAX_RANGES);
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *a = &g_array_index(ranges, IdRange, i);
		if (a->count == 0 || (uint64_t)a->inside + a->count > G_MAXUINT32 ||
		    (uint64_t)a->outside + a->count > G_MAXUINT32)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "id map %u:%u:%u is empty or too large", a->inside,
					 a->outside, a->count);
		for (guint j = 0; j < i; j++) {
			const IdRange *b = &g_array_index(ranges, IdRange, j);
			if (overlaps(a->inside, a->count, b->inside, b->count) ||
			    overlaps(a->outside, a->count, b->outside, b->count))
				return error_set(error, ENGINE_ERROR_INVALID,
						 "id maps %u:%u:%u and %u:%u:%u overlap", b->inside,
						 b->outside, b->count, a->inside, a->outside,
						 a->count);
		}
	}
	return true;
}

bool idmap_translate(const GArray *ranges, uint32_t inside, uint32_t *out_outside)
{
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		if (inside >= range->inside && inside - range->inside < range->count) {
			*out_outside = range->outside + (inside - range->inside);
			return true;
		}
	}
	return false;
}

bool idmap_translate_back(const GArray *ranges, uint32_t outside, uint32_t *out_inside)
{
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		if (outside >= range->outside && outside - range->outside < range->count) {
			*out_inside = range->inside + (outside - range->outside);
			return true;
		}
	}
	return false;
}

uint32_t idmap_root(const GArray *ranges)
{
	const IdRange *lowest = &g_array_index(ranges, IdRange, 0);
	for (guint i = 1; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		if (range->inside < lowest->inside)
			lowest = range;
	}
	return lowest->outside;
}

static int compare_ranges(gconstpointer a, gconstpointer b)
{
	const IdRange *x = a, *y = b;
	return (x->inside > y->inside) - (x->inside < y->inside);
}

char *idmap_format(const GArray *ranges)
{
	g_autoptr(GArray) sorted = g_array_copy((GArray *)ranges);
	g_array_sort(sorted, compare_ranges);
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < sorted->len; i++) {
		const IdRange *range = &g_array_index(sorted, IdRange, i);
		g_string_append_printf(text, "%s%u:%u:%u", i ? "," : "", range->inside,
				       range->outside, range->count);
	}
	return g_string_free(text, FALSE);
}

/* Read a file of /etc whole. Return: NULL if it is absent, unreadable or too large. */
static char *read_file(const char *path)
{
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? NULL : fd_read_all(fd, MAX_FILE, NULL, NULL);
}

char *idmap_user_name(uid_t uid)
{
	g_autofree char *number = g_strdup_printf("%u", (unsigned)uid);
	g_autofree char *text = read_file("/etc/passwd");
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ":", 4);
		if (g_strv_length(fields) >= 3 && *fields[0] && strcmp(fields[2], number) == 0)
			return g_strdup(fields[0]);
	}
	return g_steal_pointer(&number);
}

/* Parse one line "USER:START:COUNT"; lines that make no sense are skipped, as shadow does. */
static void read_sub_id_line(const char *line, const char *name, const char *number, SubIds *ids)
{
	g_auto(GStrv) fields = g_strsplit(line, ":", 4);
	uint64_t start, count;
	if (g_strv_length(fields) != 3 || !units_parse_uint(fields[1], MAX_ID, &start, NULL) ||
	    !units_parse_uint(fields[2], G_MAXUINT32, &count, NULL))
		return;
	if (count == 0 || start + count > G_MAXUINT32)
		return;
	ids->highest = MAX(ids->highest, start + count);
	if (strcmp(fields[0], name) == 0 || strcmp(fields[0], number) == 0)
		idmap_add(ids->ranges, 0, (uint32_t)start, (uint32_t)count);
}

SubIds idmap_parse_sub_ids(const char *text, const char *name, uid_t uid)
{
	SubIds ids = {.ranges = g_array_new(FALSE, FALSE, sizeof(IdRange)), .highest = MIN_FREE_ID};
	g_autofree char *number = g_strdup_printf("%u", (unsigned)uid);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++)
		read_sub_id_line(lines[i], name, number, &ids);
	return ids;
}

static SubIds read_sub_ids(const char *path, const char *name, uid_t uid)
{
	g_autofree char *text = read_file(path);
	return idmap_parse_sub_ids(text ? text : "", name, uid);
}

GArray *idmap_named_sub_ids(const char *path, const char *name)
{
	return read_sub_ids(path, name, (uid_t)-1).ranges;
}

bool idmap_add_sub_ids(GArray *map, const GArray *sub_ids, uint32_t own, const char *path,
		       GError **error)
{
	idmap_add(map, 0, own, 1);
	uint64_t inside = 1;
	for (guint i = 0; i < sub_ids->len; i++) {
		const IdRange *range = &g_array_index(sub_ids, IdRange, i);
		if (range->outside < MIN_SUB_ID)
			return error_set(
				error, ENGINE_ERROR_NOT_FOUND,
				"the range %u:%u in '%s' starts below %u, among real users",
				range->outside, range->count, path, MIN_SUB_ID);
		uint64_t count = MIN((uint64_t)range->count, G_MAXUINT32 - inside);
		if (count == 0)
			break;
		idmap_add(map, (uint32_t)inside, range->outside, (uint32_t)count);
		inside += count;
	}
	g_autoptr(GError) problem = NULL;
	if (!idmap_check(map, &problem))
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "the ranges in '%s' cannot be used: %s", path, problem->message);
	return true;
}

/* newuidmap and newgidmap: present and able to do their work? */
static char *find_helper(const char *name, GError **error)
{
	g_autofree char *path = spawn_find_system(name);
	if (!wall_stands("system-helpers"))
		return g_find_program_in_path(name);
	if (!path) {
		error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s' is not installed", name);
		error_add_help(error,
			       "install the package uidmap (Debian, Ubuntu) or shadow-utils");
		return NULL;
	}
	struct stat st;
	struct statvfs fs;
	bool setuid =
		fstatat(AT_FDCWD, path, &st, 0) == 0 && (st.st_mode & S_ISUID) && st.st_uid == 0;
	if (!setuid && getxattr(path, "security.capability", NULL, 0) <= 0) {
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "'%s' has neither the setuid bit nor a file capability", path);
		error_add_help(error, "sudo chmod u+s %s", path);
		return NULL;
	}
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
				      "'%s' is on a file system mounted nosuid", path);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
				      "'%s' cannot work: we were started with no_new_privs", path);
	return g_steal_pointer(&path);
}

/* For uid 0: every id of our own namespace stands for itself. */
static bool add_identity(GArray *map, const char *path, GError **error)
{
	g_autofree char *text = read_file(path);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		uint32_t inside, outside, count;
		if (sscanf(lines[i], "%u %u %u", &inside, &outside, &count) == 3)
			idmap_add(map, inside, inside, count);
	}
	if (map->len == 0)
		return error_set(error, ENGINE_ERROR_SYSTEM, "cannot read '%s'", path);
	return true;
}

static IdMap *identity_map(GError **error)
{
	g_autoptr(IdMap) map = idmap_new();
	if (!add_identity(map->uids, "/proc/self/uid_map", error) ||
	    !add_identity(map->gids, "/proc/self/gid_map", error))
		return NULL;
	return g_steal_pointer(&map);
}

IdMap *idmap_for_user(GError **error)
{
	uid_t uid = geteuid();
	if (uid == 0)
		return identity_map(error);

	g_autofree char *name = idmap_user_name(uid);
	SubIds uids = read_sub_ids("/etc/subuid", name, uid);
	SubIds gids = read_sub_ids("/etc/subgid", name, uid);
	g_autoptr(GArray) sub_uids = uids.ranges;
	g_autoptr(GArray) sub_gids = gids.ranges;
	if (sub_uids->len == 0 || sub_gids->len == 0) {
		uint64_t start = MAX(uids.highest, gids.highest);
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "user '%s' has no range of sub-ids in '%s'", name,
			  sub_uids->len == 0 ? "/etc/subuid" : "/etc/subgid");
		error_add_help(error,
			       "sudo usermod --add-subuids %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
			       " --add-subgids %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " %s",
			       start, start + SUB_ID_COUNT - 1, start, start + SUB_ID_COUNT - 1,
			       name);
		return NULL;
	}
	g_autofree char *newuidmap = find_helper("newuidmap", error);
	g_autofree char *newgidmap = newuidmap ? find_helper("newgidmap", error) : NULL;
	if (!newuidmap || !newgidmap)
		return NULL;

	g_autoptr(IdMap) map = idmap_new();
	if (!idmap_add_sub_ids(map->uids, sub_uids, uid, "/etc/subuid", error) ||
	    !idmap_add_sub_ids(map->gids, sub_gids, getegid(), "/etc/subgid", error))
		return NULL;
	return g_steal_pointer(&map);
}

IdMap *idmap_single(void)
{
	IdMap *map = idmap_new();
	idmap_add(map->uids, 0, geteuid(), 1);
	idmap_add(map->gids, 0, getegid(), 1);
	return map;
}

/* A map of one id, by the sum of its ranges. */
static bool is_one_id(const GArray *ranges)
{
	return ranges->len == 1 && g_array_index(ranges, IdRange, 0).count == 1;
}

bool idmap_is_single(const IdMap *map)
{
	return is_one_id(map->uids) && is_one_id(map->gids);
}

/* Write @text into /proc/PID/NAME in one write(2), as these files demand. */
static bool write_proc(pid_t pid, const char *name, const char *text)
{
	char path[64];
	g_snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	autofd fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size_t size = strlen(text);
	ssize_t n = write(fd, text, size);
	return n == (ssize_t)size;
}

/*
 * The lines of a map file. The kernel takes no line that lies in two ranges of our own namespace's
 * map (0 is the caller, 1 begins the sub-ids), so each is cut at their borders.
 */
static char *map_text(const GArray *ranges, const GArray *own)
{
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < ranges->len; i++) {
		IdRange range = g_array_index(ranges, IdRange, i);
		for (guint o = 0; o < own->len; o++) {
			const IdRange *outer = &g_array_index(own, IdRange, o);
			uint64_t end = (uint64_t)outer->inside + outer->count;
			if (range.outside < outer->inside || range.outside >= end ||
			    (uint64_t)range.outside + range.count <= end)
				continue;
			uint32_t first = (uint32_t)(end - range.outside);
			g_string_append_printf(text, "%u %u %u\n", range.inside, range.outside,
					       first);
			range.inside += first;
			range.outside += first;
			range.count -= first;
			o = (guint)-1; /* the rest may begin in any range */
		}
		g_string_append_printf(text, "%u %u %u\n", range.inside, range.outside,
				       range.count);
	}
	return g_string_free(text, FALSE);
}

/* Write both maps ourselves. Return: false with errno. */
static bool write_directly(pid_t pid, const IdMap *map)
{
	g_autoptr(IdMap) own = identity_map(NULL);
	if (!own) {
		errno = EIO;
		return false;
	}
	g_autofree char *uids = map_text(map->uids, own->uids);
	g_autofree char *gids = map_text(map->gids, own->gids);
	/* Without privilege a gid map needs this first: dropping a group must not open files
	 * (CVE-2014-8989). */
	if (idmap_is_single(map) && !write_proc(pid, "setgroups", "deny"))
		return false;
	return write_proc(pid, "gid_map", gids) && write_proc(pid, "uid_map", uids);
}

/* A map helper at work. */
typedef struct {
	const char *path;
	pid_t pid;
	int stderr_fd;
} MapHelper;

/* Start "newuidmap PID INSIDE OUTSIDE COUNT ..." without waiting for it. */
static bool start_helper(MapHelper *helper, pid_t pid, const GArray *ranges, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(argv, g_strdup(helper->path));
	g_ptr_array_add(argv, g_strdup_printf("%d", (int)pid));
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		g_ptr_array_add(argv, g_strdup_printf("%u", range->inside));
		g_ptr_array_add(argv, g_strdup_printf("%u", range->outside));
		g_ptr_array_add(argv, g_strdup_printf("%u", range->count));
	}
	g_ptr_array_add(argv, NULL);

	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot run '%s'", helper->path);
	static const char *const no_environment[] = {NULL};
	Spawn spawn = {
		.argv = (const char *const *)argv->pdata,
		.envp = no_environment,
		.stderr_fd = ends[1],
	};
	helper->stderr_fd = ends[0];
	helper->pid = spawn_start(&spawn, NULL, error);
	close(ends[1]);
	return helper->pid > 0;
}

/* Wait for a started helper and turn what it said into an error. */
static bool finish_helper(MapHelper *helper, GError **error)
{
	if (helper->pid <= 0)
		return false;
	g_autofree char *said = fd_read_all(helper->stderr_fd, 65536, NULL, NULL);
	fd_close(&helper->stderr_fd);
	g_autoptr(GError) problem = NULL;
	int code = spawn_wait(helper->pid, &problem);
	if (code == 0)
		return true;
	if (error && *error)
		return false; /* the other one failed first */
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (said)
		said[strcspn(said, "\n")] = '\0';
	error_set(error, ENGINE_ERROR_SYSTEM, "'%s' failed: %s", helper->path,
		  said && *said ? said : "no reason given");
	error_add_help(error, "compare the ranges in /etc/subuid and /etc/subgid with: skiff info");
	return false;
}

/* Write both maps through the setuid helpers, which run at the same time. */
static bool write_through_helpers(pid_t pid, const IdMap *map, GError **error)
{
	g_autofree char *newuidmap = find_helper("newuidmap", error);
	g_autofree char *newgidmap = newuidmap ? find_helper("newgidmap", error) : NULL;
	if (!newuidmap || !newgidmap)
		return false;
	MapHelper uids = {.path = newuidmap, .stderr_fd = -1};
	MapHelper gids = {.path = newgidmap, .stderr_fd = -1};
	g_autoptr(GError) problem = NULL;
	bool started = start_helper(&uids, pid, map->uids, &problem) &&
		       start_helper(&gids, pid, map->gids, &problem);
	/* Both are waited for, whatever the first one says. */
	bool uids_done = finish_helper(&uids, &problem);
	bool gids_done = finish_helper(&gids, &problem);
	fd_close(&uids.stderr_fd);
	fd_close(&gids.stderr_fd);
	if (started && uids_done && gids_done)
		return true;
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

bool idmap_write(pid_t pid, const IdMap *map, GError **error)
{
	if (!idmap_check(map->uids, error) || !idmap_check(map->gids, error))
		return false;
	if (!idmap_is_single(map) && geteuid() != 0)
		return write_through_helpers(pid, map, error);
	if (!write_directly(pid, map))
		return error_set_errno(error, "cannot write the id map of process %d", (int)pid);
	return true;
}
