/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of containers, their names, and volumes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/check_parts.h"
#include "libpod/container_priv.h"
#include "libpod/name.h"
#include "libpod/volume.h"

#define LOCK_MS 2000

/* Does a monitor watch it? */
static bool is_watched(Check *check, const char *dir_name)
{
	g_autofree char *life = g_strdup_printf("%.64s/life", dir_name);
	return record_lock_is_held(engine_run_containers_fd(check->engine), life) == 1;
}

/* Make state.json again from create.json and what the monitor says. */
static void restore_state(Check *check, const char *dir_name, const char *object,
			  const char *problem)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Container) ctr = container_open(check->engine, dir_name, &failed);
	if (!ctr)
		return;
	bool repair = check->options->repair;
	g_autoptr(RecordLock) lock = repair ? container_lock(ctr, LOCK_MS, "check", &failed) : NULL;
	bool done = lock && container_reload(ctr, &failed) && container_save_state(ctr, &failed);
	if (done && !container_is_live(ctr) && !container_life_is_held(ctr))
		(void)container_remove_runtime(check->engine, ctr->summary.id);
	check_report(check, g_strdup(object), g_strdup_printf("state.json: %s", problem),
		     g_strdup(failed   ? failed->message
			      : repair ? "restored from create.json"
				       : "can be restored from create.json"),
		     done);
}

/* create.json cannot be made again. A running container goes on without. */
static void give_up(Check *check, const char *dir_name, const char *object, const char *problem)
{
	if (is_watched(check, dir_name))
		check_report(check, g_strdup(object), g_strdup(problem),
			     g_strdup("it runs: repair again when it has ended"), false);
	else
		check_set_aside(check, "containers", dir_name, object, problem);
}

/* Does its content make sense, too? NULL: yes. g_free() it. */
static char *find_nonsense(Check *check, const char *dir_name)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Container) ctr = container_open(check->engine, dir_name, &failed);
	if (ctr && container_spec(ctr, &failed))
		return NULL;
	return g_strdup(failed->message);
}

static const char *describe(RecordState state)
{
	return state == RECORD_ABSENT ? "it is missing" : "it is damaged";
}

/* A monitor's last word that cannot be read: the end is recorded without its code. */
static void check_exit(Check *check, int dir, const char *object)
{
	if (check_record(check, dir, "exit.json", object) != RECORD_BROKEN)
		return;
	bool done = check->options->repair && unlinkat(dir, "exit.json", 0) == 0;
	check_report(check, g_strdup(object), g_strdup("exit.json: it is damaged"),
		     g_strdup(done ? "removed: the exit code is not known"
				   : "--repair removes it: the exit code is not known"),
		     done);
}

/* Before its first start a container has no runtime directory, and a --rm one is soon gone. */
static void check_container(Check *check, int containers, const char *dir_name)
{
	g_autofree char *object = g_strdup_printf("container %.12s", dir_name);
	autofd dir = path_open_state(containers, dir_name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT)
		return;
	g_autofree char *id = g_strndup(dir_name, 64);
	bool named = name_is_id(id) && (!dir_name[64] || strcmp(dir_name + 64, ".rm") == 0);
	if (dir < 0 || !named) {
		check_set_aside(check, "containers", dir_name, object,
				"it is no directory of a container");
		return;
	}
	RecordState create = check_record(check, dir, "create.json", object);
	RecordState state = check_record(check, dir, "state.json", object);
	check_exit(check, dir, object);
	check_container_files(check, dir, dir_name, object);
	bool create_lost = create == RECORD_ABSENT || create == RECORD_BROKEN;
	bool state_lost = state == RECORD_ABSENT || state == RECORD_BROKEN;
	if (create_lost) {
		g_autofree char *problem = g_strdup_printf("create.json: %s", describe(create));
		give_up(check, dir_name, object, problem);
	} else if (state_lost) {
		restore_state(check, dir_name, object, describe(state));
	} else if (create == RECORD_FINE && state == RECORD_FINE) {
		g_autofree char *problem = find_nonsense(check, dir_name);
		if (problem)
			give_up(check, dir_name, object, problem);
	}
}

bool check_containers(Check *check, GError **error)
{
	return check_entries(check, "containers", check_container, error);
}

/* What names/@name leads to: an id, "" for something else. NULL: it is not there. g_free() it. */
static char *read_name(int names, const char *name)
{
	char target[128];
	ssize_t n = readlinkat(names, name, target, sizeof target - 1);
	if (n < 0)
		return errno == ENOENT ? NULL : g_strdup("");
	target[n] = '\0';
	return g_strdup(n == 64 && name_is_id(target) ? target : "");
}

/* Something in names/ that is no link to an id. */
static void drop_bad_names(Check *check, int names, char **all)
{
	for (size_t i = 0; all[i]; i++) {
		g_autofree char *id = read_name(names, all[i]);
		if (!id || *id)
			continue;
		bool done = check->options->repair &&
			    (unlinkat(names, all[i], 0) == 0 || path_remove_tree(names, all[i]));
		check_report(check, g_strdup_printf("name %s", all[i]),
			     g_strdup("it leads to no container"),
			     g_strdup(done ? "removed" : "--repair removes it"), done);
	}
}

/* Have the container's name lead to it; if another has it, it gets one of its own. */
static void check_name(Check *check, int names, Container *ctr)
{
	const ContainerSummary *s = container_summary(ctr);
	g_autofree char *id = read_name(names, s->name);
	g_autofree char *holder = NULL;
	if (id && strcmp(id, s->id) == 0)
		return;
	bool told = container_find_holder(check->engine, s->name, &holder, NULL);
	bool done = false;
	if (check->options->repair && told && !holder) {
		(void)unlinkat(names, s->name, 0);
		done = symlinkat(s->id, names, s->name) == 0;
	}
	check_report(check, g_strdup_printf("container %.12s", s->id),
		     g_strdup_printf("the name %s does not lead to it", s->name),
		     holder ? g_strdup_printf("container %.12s has it: skiff rename %.12s NAME",
					      holder, s->id)
			    : g_strdup(done ? "restored" : "can be restored"),
		     done);
}

bool check_names(Check *check, GError **error)
{
	int names = store_dir(engine_store(check->engine), "names");
	g_autoptr(RecordLock) lock = record_lock(names, ".lock", false, -1, "check", error);
	g_auto(GStrv) all = lock ? record_list(names, error) : NULL;
	g_autoptr(GPtrArray) containers = all ? containers_list(check->engine, error) : NULL;
	if (!containers)
		return false;
	drop_bad_names(check, names, all);
	for (guint i = 0; i < containers->len; i++)
		check_name(check, names, containers->pdata[i]);
	return true;
}

/* Labels are lost; the data are what matters. */
static void restore_volume(Check *check, const char *name, const char *object, const char *problem)
{
	g_autoptr(GError) failed = NULL;
	bool repair = check->options->repair;
	bool done = repair && volume_restore(check->engine, name, &failed);
	check_report(check, g_strdup(object), g_strdup_printf("volume.json: %s", problem),
		     g_strdup(failed   ? failed->message
			      : repair ? "made again; labels and options are lost"
				       : "can be made again, without labels and options"),
		     done);
}

static void check_volume(Check *check, int volumes, const char *name)
{
	g_autofree char *object = g_strdup_printf("volume %s", name);
	autofd dir = path_open_state(volumes, name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT)
		return;
	if (dir < 0) {
		check_set_aside(check, "volumes", name, object, "it is no directory");
		return;
	}
	RecordState state = check_record(check, dir, "volume.json", object);
	g_autoptr(GError) broken = NULL;
	g_autoptr(Volume) volume =
		state == RECORD_FINE ? volume_lookup(check->engine, name, &broken) : NULL;
	if (state == RECORD_ABSENT || state == RECORD_BROKEN)
		restore_volume(check, name, object, describe(state));
	else if (!volume && broken)
		restore_volume(check, name, object, broken->message);
	if (faccessat(dir, "_data", F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return;
	bool done = check->options->repair && mkdirat(dir, "_data", 0755) == 0;
	check_report(check, g_strdup(object), g_strdup("its data are missing"),
		     g_strdup(done ? "empty now" : "--repair makes it empty"), done);
}

bool check_volumes(Check *check, GError **error)
{
	return check_entries(check, "volumes", check_volume, error);
}
