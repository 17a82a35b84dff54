/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where registries.conf, its drop-ins and the remembered aliases are. Files of the user and the
 * administrator: they are trusted and opened by path.
 */
#include "storage/registries_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "storage/registries_conf_priv.h"

#define CONFIG_MAX_SIZE (1u << 20)
#define ALIASES_FILE    "short-name-aliases.conf"

static const char *const system_files[] = {
	"/etc/containers/registries.conf",
	"/usr/share/containers/registries.conf",
};

char *registries_conf_read_file(const char *path, GError **error)
{
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "'%s' does not exist", path);
	if (fd < 0)
		return error_set_errno_null(error, "cannot open '%s'", path);
	char *text = fd_read_all(fd, CONFIG_MAX_SIZE, NULL, error);
	if (!text)
		g_prefix_error(error, "'%s': ", path);
	return text;
}

/* Read a file into @conf if it exists. @out_found may be NULL. */
static bool add_if_there(RegistriesConf *conf, const char *path, bool *out_found, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *text = registries_conf_read_file(path, &problem);
	bool absent = error_matches(problem, ENGINE_ERROR_NOT_FOUND);
	if (out_found)
		*out_found = !absent;
	if (absent)
		return true;
	if (!text) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	return registries_conf_add(conf, path, text, error);
}

/* The *.conf of one directory by name; a later directory's file of the same name is read as well.
 */
static bool add_drop_ins(RegistriesConf *conf, const char *directory, GError **error)
{
	autofd fd = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return true;
	g_auto(GStrv) names = record_list(fd, error);
	if (!names)
		return false;
	for (size_t i = 0; names[i]; i++) {
		g_autofree char *path = g_build_filename(directory, names[i], NULL);
		if (g_str_has_suffix(names[i], ".conf") && !add_if_there(conf, path, NULL, error))
			return false;
	}
	return true;
}

/* The main file. @out_own is set if it is the user's own, which hides the system's drop-ins. */
static bool add_main(RegistriesConf *conf, bool *out_own, GError **error)
{
	const char *named = g_getenv("CONTAINERS_REGISTRIES_CONF");
	if (named && *named)
		return registries_conf_add(conf, named, NULL, error);
	g_autofree char *own =
		g_build_filename(g_get_user_config_dir(), "containers", "registries.conf", NULL);
	if (!add_if_there(conf, own, out_own, error) || *out_own)
		return *out_own;
	for (size_t i = 0; i < G_N_ELEMENTS(system_files); i++) {
		bool found = false;
		if (!add_if_there(conf, system_files[i], &found, error))
			return false;
		if (found)
			break;
	}
	return true;
}

static char *cache_dir(void)
{
	return g_build_filename(g_get_user_cache_dir(), "containers", NULL);
}

RegistriesConf *registries_conf_load(GError **error)
{
	g_autoptr(RegistriesConf) conf = registries_conf_new();
	bool own = false;
	if (!add_main(conf, &own, error))
		return NULL;
	g_autofree char *drop_ins =
		g_build_filename(g_get_user_config_dir(), "containers", "registries.conf.d", NULL);
	if (!own && !add_drop_ins(conf, "/etc/containers/registries.conf.d", error))
		return NULL;
	if (!add_drop_ins(conf, drop_ins, error))
		return NULL;
	g_autofree char *cache = cache_dir();
	g_autofree char *aliases = g_build_filename(cache, ALIASES_FILE, NULL);
	if (!add_if_there(conf, aliases, NULL, error))
		return NULL;
	return g_steal_pointer(&conf);
}

bool registries_conf_remember(const Reference *short_name, const Reference *chosen, GError **error)
{
	g_autofree char *directory = cache_dir();
	if (g_mkdir_with_parents(directory, 0700) < 0)
		return error_set_errno(error, "cannot make '%s'", directory);
	autofd fd = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(error, "cannot open '%s'", directory);
	g_autoptr(RecordLock) lock =
		record_lock(fd, ALIASES_FILE ".lock", false, -1, "alias", error);
	if (!lock)
		return false;

	g_autofree char *path = g_build_filename(directory, ALIASES_FILE, NULL);
	g_autoptr(RegistriesConf) known = registries_conf_new();
	if (!add_if_there(known, path, NULL, error))
		return false;
	g_hash_table_insert(known->aliases, g_strdup(short_name->repository),
			    g_strconcat(chosen->registry, "/", chosen->repository, NULL));
	g_autoptr(GString) text = g_string_new("[aliases]\n");
	GHashTableIter iter;
	void *key, *value;
	g_hash_table_iter_init(&iter, known->aliases);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_string_append_printf(text, "  \"%s\" = \"%s\"\n", (char *)key, (char *)value);
	return record_replace(fd, ALIASES_FILE, text->str, text->len, RECORD_SYNC_NONE, error);
}
