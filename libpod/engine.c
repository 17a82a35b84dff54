/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/userns.h"
#include "libpod/config.h"
#include "libpod/container.h"

struct Engine {
	Store *store;
	char *run_path;
	int run_fd;
	int run_containers_fd;
	bool initial_root;
	IdMap *map; /* NULL until asked for */
	char *map_problem;
	char *program;
	char **modules;
	Config *config; /* NULL until asked for */
};

/* Where the store is unless --root says otherwise. */
static char *default_root(bool initial_root)
{
	if (initial_root)
		return g_strdup("/var/lib/skiff");
	const char *data = g_getenv("XDG_DATA_HOME");
	if (data && g_path_is_absolute(data))
		return g_build_filename(data, "skiff", NULL);
	return g_build_filename(g_get_home_dir(), ".local", "share", "skiff", NULL);
}

/*
 * Where runtime records are unless --runroot says otherwise. Without XDG_RUNTIME_DIR (su, sudo,
 * cron) the usual place is tried, then a directory of our own under /tmp whose ownership
 * path_open_private_dir() checks.
 */
static char *default_runroot(bool initial_root)
{
	if (initial_root)
		return g_strdup("/run/skiff");
	const char *runtime = g_getenv("XDG_RUNTIME_DIR");
	if (runtime && g_path_is_absolute(runtime))
		return g_build_filename(runtime, "skiff", NULL);
	g_autofree char *usual = g_strdup_printf("/run/user/%u", geteuid());
	struct stat st;
	if (stat(usual, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
		return g_build_filename(usual, "skiff", NULL);
	return g_strdup_printf("/tmp/skiff-run-%u", geteuid());
}

static char *absolute(const char *path)
{
	if (g_path_is_absolute(path))
		return g_strdup(path);
	return g_canonicalize_filename(path, NULL);
}

static bool open_runroot(Engine *engine, GError **error)
{
	engine->run_fd = path_open_private_dir(engine->run_path, error);
	if (engine->run_fd < 0)
		return false;
	engine->run_containers_fd = openat(engine->run_fd, "containers",
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (engine->run_containers_fd < 0 && errno == ENOENT &&
	    (mkdirat(engine->run_fd, "containers", 0700) == 0 || errno == EEXIST))
		engine->run_containers_fd = openat(engine->run_fd, "containers",
						   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (engine->run_containers_fd < 0)
		return error_set_errno(error, "cannot open '%s/containers'", engine->run_path);
	return true;
}

char *engine_default_root(const char *asked)
{
	return asked ? absolute(asked) : default_root(userns_is_initial_root());
}

static char **copy_modules(const GPtrArray *modules)
{
	char **copy = g_new0(char *, modules ? modules->len + 1 : 1);
	for (guint i = 0; modules && i < modules->len; i++)
		copy[i] = g_strdup(modules->pdata[i]);
	return copy;
}

Engine *engine_open(const EngineOptions *options, GError **error)
{
	g_autoptr(Engine) engine = g_new0(Engine, 1);
	engine->run_fd = engine->run_containers_fd = -1;
	engine->initial_root = userns_is_initial_root();

	engine->program = g_strdup(options->program);
	engine->modules = copy_modules(options->modules);
	g_autofree char *root = engine_default_root(options->root);
	engine->run_path = options->runroot ? absolute(options->runroot)
					    : default_runroot(engine->initial_root);
	engine->store =
		options->damaged ? store_open_damaged(root, error) : store_open(root, error);
	if (!engine->store || !open_runroot(engine, error))
		return NULL;
	if (!options->read_only && !containers_heal(engine, error))
		return NULL;
	/* Most verbs never look at it: a module that is not there must not go unsaid. */
	if (engine->modules[0] && !engine_config(engine, error))
		return NULL;
	return g_steal_pointer(&engine);
}

void engine_close(Engine *engine)
{
	if (!engine)
		return;
	g_clear_pointer(&engine->store, store_close);
	fd_close(&engine->run_fd);
	fd_close(&engine->run_containers_fd);
	g_clear_pointer(&engine->map, idmap_free);
	g_free(engine->map_problem);
	g_free(engine->program);
	config_free(engine->config);
	g_strfreev(engine->modules);
	g_free(engine->run_path);
	g_free(engine);
}

const char *engine_program(Engine *engine)
{
	if (!engine->program)
		engine->program = g_file_read_link("/proc/self/exe", NULL);
	return engine->program ? engine->program : "skiff";
}

const Config *engine_config(Engine *engine, GError **error)
{
	if (!engine->config)
		engine->config = config_load((const char *const *)engine->modules, error);
	return engine->config;
}

Store *engine_store(Engine *engine)
{
	return engine->store;
}

int engine_run_fd(Engine *engine)
{
	return engine->run_fd;
}

int engine_run_containers_fd(Engine *engine)
{
	return engine->run_containers_fd;
}

const char *engine_run_path(Engine *engine)
{
	return engine->run_path;
}

bool engine_is_rootless(Engine *engine)
{
	return !engine->initial_root;
}

/* The map of the user namespace this process already is in, as ranges of ids it can use. */
static IdMap *own_map(void)
{
	IdMap *map = idmap_new();
	for (int i = 0; i < 2; i++) {
		autofd fd = open(i == 0 ? "/proc/self/uid_map" : "/proc/self/gid_map",
				 O_RDONLY | O_CLOEXEC);
		g_autofree char *text = fd < 0 ? NULL : fd_read_all(fd, 65536, NULL, NULL);
		g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
		for (size_t n = 0; lines[n]; n++) {
			unsigned inside = 0, outside = 0, count = 0;
			if (sscanf(lines[n], "%u %u %u", &inside, &outside, &count) == 3)
				idmap_add(i == 0 ? map->uids : map->gids, inside, outside, count);
		}
	}
	return map;
}

const IdMap *engine_id_map(Engine *engine)
{
	if (engine->initial_root)
		return NULL;
	if (engine->map)
		return engine->map;
	if (geteuid() == 0) {
		engine->map = own_map();
		return engine->map;
	}
	g_autoptr(GError) problem = NULL;
	engine->map = idmap_for_user(&problem);
	if (!engine->map) {
		engine->map_problem = g_strdup(problem->message);
		engine->map = idmap_single();
	}
	return engine->map;
}

const char *engine_id_map_problem(Engine *engine)
{
	engine_id_map(engine);
	return engine->map_problem;
}
