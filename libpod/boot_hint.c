/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/boot_hint.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/idmap.h"

#define UNIT "skiff-restart.service"

/* The unit's file of this installation, or its name where systemd finds it by itself. */
static char *find_unit(bool user)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
	path[size > 0 ? size : 0] = '\0';
	g_autofree char *bin = g_path_get_dirname(path);
	g_autofree char *prefix = g_path_get_dirname(bin);
	if (strcmp(prefix, "/usr") == 0 || strcmp(prefix, "/usr/local") == 0)
		return g_strdup(UNIT);
	return g_build_filename(prefix, "lib/systemd", user ? "user" : "system", UNIT, NULL);
}

void boot_host_init(BootHost *host)
{
	bool user = geteuid() != 0;
	*host = (BootHost){
		.root = "",
		.runtime = g_getenv("XDG_RUNTIME_DIR"),
		.config = user ? g_strdup(g_get_user_config_dir()) : NULL,
		.user = user ? idmap_user_name(geteuid()) : NULL,
		.unit = find_unit(user),
		.uid = geteuid(),
	};
}

void boot_host_clear(BootHost *host)
{
	g_clear_pointer(&host->config, g_free);
	g_clear_pointer(&host->user, g_free);
	g_clear_pointer(&host->unit, g_free);
}

static bool exists(const char *root, const char *path)
{
	struct stat st;
	g_autofree char *full = g_strconcat(root, path, NULL);
	return fstatat(AT_FDCWD, full, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Has somebody enabled the unit: the user himself, or the administrator for all? */
static bool is_enabled(const BootHost *host)
{
	static const char *const system[] = {"/etc/systemd/system/default.target.wants/" UNIT,
					     "/etc/systemd/system/multi-user.target.wants/" UNIT,
					     NULL};
	static const char *const user[] = {"/etc/systemd/user/default.target.wants/" UNIT, NULL};
	g_autofree char *own =
		host->config ? g_build_filename(host->config, "systemd/user/default.target.wants",
						UNIT, NULL)
			     : NULL;
	if (own && exists("", own))
		return true;
	for (const char *const *path = host->config ? user : system; *path; path++)
		if (exists(host->root, *path))
			return true;
	return false;
}

char *boot_hint_restart(const BootHost *host)
{
	if (!exists(host->root, "/run/systemd/system") || is_enabled(host))
		return NULL;
	return g_strdup_printf("nothing starts this container after a boot: systemctl %senable %s",
			       host->config ? "--user " : "", host->unit);
}

char *boot_hint_linger(const BootHost *host)
{
	if (!host->user || !exists(host->root, "/run/systemd/system"))
		return NULL;
	/* Only logind's directory goes away at the logout. */
	g_autofree char *runtime = g_strdup_printf("/run/user/%u", (unsigned)host->uid);
	g_autofree char *file = g_strconcat("/var/lib/systemd/linger/", host->user, NULL);
	if (g_strcmp0(host->runtime, runtime) != 0 || exists(host->root, file))
		return NULL;
	return g_strdup_printf("containers end when you log out, and none starts at boot: sudo "
			       "loginctl enable-linger %s",
			       host->user);
}

/* Was it us who said first that @hint was told? */
static bool take(Store *store, const char *hint)
{
	g_autofree char *name = g_strconcat("told-", hint, NULL);
	autofd fd = openat(store_dir(store, "cache"), name,
			   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd >= 0;
}

char **boot_hints_take(Container *ctr)
{
	g_auto(BootHost) host = {0};
	g_autoptr(GStrvBuilder) lines = g_strv_builder_new();
	const ContainerSpec *spec = container_spec(ctr, NULL);
	Store *store = engine_store(container_engine(ctr));
	boot_host_init(&host);
	bool restarts = spec && (spec->restart == RESTART_ALWAYS ||
				 spec->restart == RESTART_UNLESS_STOPPED);
	g_autofree char *restart = restarts ? boot_hint_restart(&host) : NULL;
	g_autofree char *linger = boot_hint_linger(&host);
	if (restart && take(store, "restart"))
		g_strv_builder_add(lines, restart);
	if (linger && take(store, "linger"))
		g_strv_builder_add(lines, linger);
	return g_strv_builder_end(lines);
}
