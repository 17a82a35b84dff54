/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Healing what a kill or a reboot left behind: before each changing command, and once per boot.
 */
#include "libpod/container_priv.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/pod.h"
#include "libpod/rootless.h"

/* Running containers whose life one changing command looks at, at most. */
#define HEAL_SAMPLE 64

/* Has a --rm container been started? Its record does not say so, its layer does. */
static bool was_started(Container *ctr)
{
	struct stat st;
	return fstatat(container_dir_fd(ctr), "upper", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Is it a step of a build that is gone? Its layer was in the build's stage. */
static bool is_dead_step(Container *ctr)
{
	const ContainerSpec *spec = ctr->summary.auto_remove ? container_spec(ctr, NULL) : NULL;
	if (!spec || !spec->layer_dir)
		return false;
	g_autofree char *stage = g_path_get_dirname(spec->layer_dir);
	g_autofree char *lease = g_strconcat(stage, "/lease", NULL);
	return record_lock_is_held(store_fd(engine_store(ctr->engine)), lease) == 0;
}

/* What heal_one() does under the lock, for a container that does not run. */
static bool heal_locked(Container *ctr, GError **error)
{
	if (ctr->summary.auto_remove &&
	    (ctr->summary.state == CONTAINER_EXITED || was_started(ctr) || is_dead_step(ctr)))
		return container_discard_with_volumes(ctr, true, error) &&
		       rootless_empty_trash(ctr->engine, error);
	if (ctr->summary.state != CONTAINER_CREATED)
		return container_settle(ctr, error);
	/* A start that was killed before its monitor had a word. */
	(void)container_remove_runtime(ctr->engine, ctr->summary.id);
	return true;
}

/* Set one container right that nobody watches any more. */
static bool heal_one(Engine *engine, const char *dir_name, GError **error)
{
	g_autoptr(GError) broken = NULL;
	g_autoptr(Container) ctr = container_open(engine, dir_name, &broken);
	if (!ctr) {
		/* A torn --rm record is swept unless it runs; a kept one stays for `system check`.
		 */
		g_autofree char *life = g_strdup_printf("%.64s/life", dir_name);
		if (g_str_has_suffix(dir_name, ".rm") &&
		    record_lock_is_held(engine_run_containers_fd(engine), life) == 0)
			return store_trash(engine_store(engine), "containers", dir_name, error);
		log_debug("%s", broken->message);
		return true;
	}
	if (container_is_live(ctr) || container_life_is_held(ctr))
		return true;
	if (ctr->summary.state == CONTAINER_CREATED && container_run_fd(ctr) < 0 &&
	    !ctr->summary.auto_remove)
		return true;
	g_autoptr(RecordLock) lock = container_lock(ctr, 0, "heal", NULL);
	if (!lock || !container_reload(ctr, NULL) || container_is_live(ctr) ||
	    container_life_is_held(ctr))
		return true;
	g_autofree char *pod = container_pod_of_member(&ctr->summary);
	g_autofree char *name = ctr->summary.auto_remove ? g_strdup(ctr->summary.name) : NULL;
	bool ok = heal_locked(ctr, error);
	g_clear_pointer(&lock, record_unlock);
	/* A member has ended without its monitor. */
	if (ok && pod)
		pod_member_ended(engine, pod, name);
	return ok;
}

/* Runtime directories that no monitor holds: from a killed monitor, or a command killed between two
 * steps. */
static bool heal_runtime(Engine *engine, GError **error)
{
	g_auto(GStrv) ids = record_list(engine_run_containers_fd(engine), error);
	if (!ids)
		return false;
	guint n = g_strv_length(ids);
	guint first = n > HEAL_SAMPLE ? (guint)g_random_int_range(0, (gint32)n) : 0;
	for (guint i = 0; i < MIN(n, HEAL_SAMPLE); i++) {
		const char *id = ids[(first + i) % n];
		autofd run = path_open_state(engine_run_containers_fd(engine), id,
					     O_RDONLY | O_DIRECTORY, 0);
		if (run < 0 || record_lock_is_held(run, "life") != 0 ||
		    record_lock_is_held(run, "op") != 0)
			continue;
		g_autofree char *dir_name = container_find_dir_name(engine, id);
		if (!dir_name)
			(void)container_remove_runtime(engine, id);
		else if (!heal_one(engine, dir_name, error))
			return false;
	}
	return true;
}

/* Does the container's record say another name? A rename was killed half way. */
static bool is_other_name(Engine *engine, const char *dir_name, const char *name)
{
	g_autoptr(Container) ctr = container_open(engine, dir_name, NULL);
	return ctr && strcmp(ctr->summary.name, name) != 0;
}

/* Names whose container was never published or has gone: free, but not for ever in the listing. */
static bool heal_names(Engine *engine, GError **error)
{
	int names = store_dir(engine_store(engine), "names");
	g_autoptr(RecordLock) lock = record_lock(names, ".lock", false, -1, "heal", error);
	g_auto(GStrv) all = lock ? record_list(names, error) : NULL;
	if (!all)
		return false;
	for (size_t i = 0; all[i]; i++) {
		char id[128];
		ssize_t n = readlinkat(names, all[i], id, sizeof(id) - 1);
		if (n != 64)
			continue;
		id[n] = '\0';
		g_autofree char *dir_name = container_find_dir_name(engine, id);
		if (!dir_name || is_other_name(engine, dir_name, all[i]))
			(void)unlinkat(names, all[i], 0);
	}
	return true;
}

/* Once per boot: containers that ran when the host went down. */
static bool heal_boot(Engine *engine, GError **error)
{
	g_autofree char *boot = record_read(engine_run_fd(engine), "healed", 128, NULL, NULL);
	if (boot && g_str_equal(boot, record_boot_id()))
		return true;
	g_auto(GStrv) dirs = record_list(store_dir(engine_store(engine), "containers"), error);
	if (!dirs)
		return false;
	for (size_t i = 0; dirs[i]; i++) {
		if (!heal_one(engine, dirs[i], error))
			return false;
	}
	if (!heal_names(engine, error))
		return false;
	return record_replace(engine_run_fd(engine), "healed", record_boot_id(),
			      strlen(record_boot_id()), RECORD_SYNC_NONE, error);
}

bool containers_heal_steps(Engine *engine, GError **error)
{
	g_auto(GStrv) dirs = record_list(store_dir(engine_store(engine), "containers"), error);
	for (size_t i = 0; dirs && dirs[i]; i++)
		if (g_str_has_suffix(dirs[i], ".rm") && !heal_one(engine, dirs[i], error))
			return false;
	return dirs != NULL;
}

/* Stages whose maker was killed. */
static bool heal_stages(Engine *engine, GError **error)
{
	g_auto(GStrv) stages = record_list(store_dir(engine_store(engine), "staging"), error);
	if (!stages)
		return false;
	bool dead = false;
	for (size_t i = 0; stages[i]; i++) {
		g_autofree char *lease = g_strconcat(stages[i], "/lease", NULL);
		if (record_lock_is_held(store_dir(engine_store(engine), "staging"), lease) != 0)
			continue;
		dead = true;
		container_heal_volumes(engine, stages[i]);
	}
	return !stages[0] ||
	       ((!dead || (containers_heal_steps(engine, error) && pods_heal(engine, error) &&
			   heal_names(engine, error))) &&
		store_sweep(engine_store(engine), error) && rootless_empty_trash(engine, error));
}

bool containers_heal(Engine *engine, GError **error)
{
	return heal_boot(engine, error) && heal_runtime(engine, error) &&
	       heal_stages(engine, error);
}
