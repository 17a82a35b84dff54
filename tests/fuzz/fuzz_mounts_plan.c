/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z2: a config.json to the plan of its mounts, with all sources opened, as root of a user namespace
 * that has a small tree of its own. Sources are taken to lie in that tree; so no descriptor of a
 * plan leads to another file system, whatever parts, links and options the config has. A plan holds
 * what the config asks for, in its order, and below /proc nothing but a few files; a refusal has
 * words; nothing stays open.
 */
#include <fcntl.h>
#include <glib.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/runtime/mounts.h"

/* Where the tree is mounted, in a namespace that nobody else sees. */
#define PLACE "/media"
#define HOST  PLACE "/host"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int store_fd = -1;

static void put(const char *path, const char *text)
{
	autofd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	g_assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
}

static void make_tree(void)
{
	static const char *const directories[] = {
		"containers/1/upper",   "containers/1/work",     "layers/a/diff", "layers/b/diff",
		"volumes/v/_data/part", "host/directory/deeper", "rootfs/dev",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(directories); i++) {
		autofd fd = path_mkdirs_state(store_fd, directories[i]);
		g_assert_cmpint(fd, >=, 0);
	}
	put(HOST "/file", "a file");
	put(PLACE "/volumes/v/_data/file", "another");
	/* For parts alone: who gives a link as a source means what it leads to. */
	g_assert_cmpint(symlinkat("/etc", store_fd, "volumes/v/_data/out"), ==, 0);
	g_assert_cmpint(symlinkat("../../../../..", store_fd, "volumes/v/_data/up"), ==, 0);
}

/* Before the engine makes threads: a process of several cannot enter a user namespace. */
__attribute__((constructor)) static void enter(void)
{
	g_autofree char *uids = g_strdup_printf("0 %d 1", (int)geteuid());
	g_autofree char *gids = g_strdup_printf("0 %d 1", (int)getegid());
	g_assert_cmpint(unshare(CLONE_NEWUSER | CLONE_NEWNS), ==, 0);
	g_assert_cmpint(prctl(PR_SET_DUMPABLE, 1), ==, 0);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uids);
	put("/proc/self/gid_map", gids);
	g_assert_cmpint(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), ==, 0);
	g_assert_cmpint(mount("tmpfs", PLACE, "tmpfs", 0, "size=16m"), ==, 0);
	store_fd = open(PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(store_fd, >=, 0);
	make_tree();
}

static bool has_component(const char *path, const char *name)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	return g_strv_contains((const char *const *)parts, name);
}

/* A place of the host becomes one of our tree. Return: false for one that leads out of it. */
static bool take_inside(char **path)
{
	if (!*path)
		return true;
	if (has_component(*path, "..") || has_component(*path, "out") || has_component(*path, "up"))
		return false;
	char *inside = **path == '/' ? g_strconcat(HOST, *path, NULL) : g_strdup(*path);
	g_free(*path);
	*path = inside;
	return true;
}

/* The engine's own words: the layers, and where changes go. */
static bool words_stay_inside(char *const *options)
{
	for (; options && *options; options++) {
		static const char *const keys[] = {"lowerdir=", "upperdir=", "workdir="};
		for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
			if (g_str_has_prefix(*options, keys[i]) &&
			    (strstr(*options, "=/") || strstr(*options, ":/") ||
			     strstr(*options, "..")))
				return false;
	}
	return true;
}

static bool config_stays_inside(OciConfig *config)
{
	for (guint i = 0; i < config->mounts->len; i++) {
		OciMount *mount = g_ptr_array_index(config->mounts, i);
		if (!take_inside(&mount->source) || !words_stay_inside(mount->options))
			return false;
	}
	return take_inside(&config->root_path);
}

static void check_entry(const MountEntry *entry)
{
	static const char *const proc[] = {"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg",
					   "/proc/meminfo", "/proc/slabinfo",  "/proc/stat",
					   "/proc/swaps",   "/proc/uptime",    NULL};
	const OciMount *mount = entry->mount;
	bool bind = strcmp(mount->type, "bind") == 0;
	g_assert_cmpint(mount->destination[0], ==, '/');
	g_autofree char *clean = g_canonicalize_filename(mount->destination, "/");
	g_assert_true(!g_str_has_prefix(clean, "/proc/") || (bind && g_strv_contains(proc, clean)));
	struct statfs fs;
	/* What is not opened now is made later, and is no bind. */
	g_assert_true(entry->fd >= 0 || (!bind && strcmp(mount->type, "overlay") != 0));
	if (entry->fd < 0)
		return;
	g_assert_cmpint(fstatfs(entry->fd, &fs), ==, 0);
	g_assert_true(fs.f_type == TMPFS_MAGIC || fs.f_type == OVERLAYFS_SUPER_MAGIC);
}

/* All mounts of the config but the root, in their order; those before are ours. */
static void check_plan(const OciConfig *config, const MountPlan *plan)
{
	guint at = 0;
	check_entry(&plan->root);
	g_assert_cmpint(plan->root.fd, >=, 0);
	for (guint i = 0; i < plan->entries->len; i++) {
		const MountEntry *entry = &g_array_index(plan->entries, MountEntry, i);
		check_entry(entry);
		if (g_ptr_array_find(plan->implicit->mounts, entry->mount, NULL)) {
			g_assert_cmpuint(at, ==, 0);
			continue;
		}
		const OciMount *wanted;
		do {
			g_assert_cmpuint(at, <, config->mounts->len);
			wanted = g_ptr_array_index(config->mounts, at++);
		} while (strcmp(wanted->destination, "/") == 0);
		g_assert_true(entry->mount == wanted);
	}
}

static guint count_descriptors(void)
{
	autofd fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(GStrv) names = record_list(fd, NULL);
	return g_strv_length(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(Json) json = js_parse((const char *)data, size, "config", NULL);
	if (!json || !json_object_is_type(json, json_type_object))
		return 0;
	g_autoptr(OciConfig) config = oci_config_read(json, NULL);
	if (!config || !config_stays_inside(config))
		return 0;
	guint before = count_descriptors();
	g_autoptr(GError) error = NULL;
	g_autoptr(MountPlan) plan = mounts_plan(config, store_fd, &error);
	g_assert_true((plan == NULL) == (error != NULL));
	g_assert_true(!error || *error->message);
	if (plan)
		check_plan(config, plan);
	g_clear_pointer(&plan, mounts_plan_free);
	g_assert_cmpuint(count_descriptors(), ==, before);
	return 0;
}
