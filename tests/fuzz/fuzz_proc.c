/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z10: what the kernel and /etc say in lines. The first byte chooses: 'S' /proc/PID/stat, 'C'
 * /proc/PID/cgroup, 'M' a cgroup path, NUL, /proc/self/mountinfo, 'U' /etc/subuid.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "libpod/base/idmap.h"
#include "libpod/base/proc_stat.h"
#include "libpod/runtime/cgroup.h"

#define OWN_ID 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_stat(const char *text)
{
	ProcStat stat;
	if (!proc_stat_parse(text, &stat))
		return;
	g_assert_nonnull(memchr(stat.name, 0, sizeof stat.name));
	g_assert_cmpint(stat.state, !=, '\0');
	/* The name cannot move the fields behind it. */
	g_autofree char *again = g_strdup_printf("1 (x) 9 (%s", text);
	ProcStat moved;
	g_assert_true(proc_stat_parse(again, &moved));
	g_assert_cmpuint(moved.start, ==, stat.start);
	g_assert_cmpint(moved.parent, ==, stat.parent);
}

static void read_cgroup(const char *text)
{
	g_autofree char *path = cgroup_parse_own(text);
	if (path)
		g_assert_true(cgroup_path_is_valid(path));
}

static void read_mounts(const char *path, const char *mountinfo)
{
	g_autofree char *mount = NULL;
	g_autofree char *relative = NULL;
	if (!cgroup_path_is_valid(path) || !cgroup_parse_mounts(mountinfo, path, &mount, &relative))
		return;
	g_assert_nonnull(mount);
	g_assert_cmpint(*relative, !=, '/');
	g_auto(GStrv) parts = g_strsplit(relative, "/", -1);
	g_assert_false(g_strv_contains((const char *const *)parts, ".."));
	g_assert_true(strcmp(relative, ".") == 0 || g_str_has_suffix(path, relative));
}

static void read_sub_ids(const char *text)
{
	SubIds ids = idmap_parse_sub_ids(text, "me", OWN_ID);
	g_autoptr(GArray) ranges = ids.ranges;
	g_autoptr(GArray) map = g_array_new(FALSE, FALSE, sizeof(IdRange));
	g_autoptr(GError) error = NULL;
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		g_assert_cmpuint((uint64_t)range->outside + range->count, <=, ids.highest);
	}
	if (!idmap_add_sub_ids(map, ranges, OWN_ID, "f", &error)) {
		g_assert_nonnull(error);
		return;
	}
	uint32_t id;
	g_assert_true(idmap_check(map, NULL));
	g_assert_true(idmap_translate(map, 0, &id) && id == OWN_ID);
	/* Nobody else's real id is reached. */
	for (uint32_t other = 0; other < 65536; other += 257)
		g_assert_true(other == OWN_ID || !idmap_translate_back(map, other, &id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	g_autofree char *text = g_malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	const char *second = memchr(text, 0, size - 1);
	switch (data[0]) {
	case 'S':
		read_stat(text);
		break;
	case 'C':
		read_cgroup(text);
		break;
	case 'M':
		read_mounts(text, second ? second + 1 : "");
		break;
	case 'U':
		read_sub_ids(text);
		break;
	default:
		break;
	}
	return 0;
}
