/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of containers: recording it, and removing what is left.
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/container_cgroup.h"
#include "libpod/events.h"
#include "libpod/mount_place.h"
#include "libpod/image_users.h"
#include "libpod/monitor/monitor_members.h"
#include "libpod/name.h"
#include "libpod/pod.h"
#include "libpod/rootless.h"
#include "libpod/volume.h"

#define MAX_RUN_RECORD (1024 * 1024)

/* A fork bomb without a pid namespace may need several. */
#define KILL_ROUNDS   200
#define KILL_PAUSE_US 5000

/* How long clean-up waits for a command that has the container in its hands. */
#define CLEANUP_PATIENCE_MS 2000

/*
 * Out of sight first, in one step: a command that waits for the op lock in there would make it anew
 * in a directory that is being emptied. A crash leaves "ID.gone", which heal_runtime() removes.
 */
bool container_remove_runtime(Engine *engine, const char *id)
{
	int containers = engine_run_containers_fd(engine);
	g_autofree char *gone = g_strconcat(id, ".gone", NULL);
	container_cgroup_remove(engine, id);
	if (!path_remove_tree(containers, gone))
		return false;
	if (renameat(containers, id, containers, gone) < 0)
		return errno == ENOENT;
	return path_remove_tree(containers, gone);
}

bool container_drop_runtime(Container *ctr)
{
	if (container_life_is_held(ctr))
		return true;
	fd_close(&ctr->run_fd);
	return container_remove_runtime(ctr->engine, ctr->summary.id);
}

void container_unlink_name(int names, const char *name, const char *id)
{
	char target[128];
	ssize_t n = name ? readlinkat(names, name, target, sizeof(target) - 1) : -1;
	if (n == (ssize_t)strlen(id) && memcmp(target, id, (size_t)n) == 0)
		(void)unlinkat(names, name, 0);
}

/* The container has gone already, so a creator may be taking its names. */
static void drop_names(const Container *ctr)
{
	const ContainerSummary *s = &ctr->summary;
	int names = store_dir(engine_store(ctr->engine), "names");
	g_autoptr(GError) failed = NULL;
	g_autoptr(RecordLock) lock = record_lock(names, ".lock", false, -1, "rm", &failed);
	if (!lock) {
		log_info("the name '%s' is left behind, free: %s", s->name, failed->message);
		return;
	}
	container_unlink_name(names, s->name, s->id);
	container_unlink_name(names, s->former_name, s->id);
}

/* Init of a container whose monitor was killed: it may have lost its PDEATHSIG. */
static void kill_init(Json *run)
{
	Json *init = NULL;
	int64_t pid = 0, start = 0;
	if (!js_get_object(run, "init", &init, NULL) || !init ||
	    !js_get_int(init, "pid", 1, G_MAXINT32, &pid, NULL) ||
	    !js_get_int(init, "start", 0, INT64_MAX, &start, NULL))
		return;
	autofd pidfd = record_open_process((pid_t)pid, (unsigned long long)start);
	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/* Without a pid namespace of its own the others outlive init. The user owns the namespaces above
 * all of them, so no other namespace needs to be entered. */
static void kill_members(Json *run, const char *id)
{
	int64_t inode = 0, ns_id = 0;
	if (!js_get_int(run, "mntns_inode", 1, INT64_MAX, &inode, NULL) ||
	    !js_get_int(run, "mntns_id", 0, INT64_MAX, &ns_id, NULL))
		return;
	const MountNamespace mount_ns = {.inode = (ino_t)inode, .id = (uint64_t)ns_id};
	autofd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < KILL_ROUNDS && proc >= 0; i++) {
		if (monitor_members_signal(proc, &mount_ns, SIGKILL) == 0)
			return;
		g_usleep(KILL_PAUSE_US);
	}
	log_warn("processes of container %s outlive it", id);
}

/*
 * Kill what a killed monitor left. One that ends by itself takes run.json away before it lets go of
 * the life lock: in this order only a killed one's is read.
 */
static void kill_leftovers(Container *ctr)
{
	if (container_life_is_held(ctr))
		return;
	int run_fd = container_run_fd(ctr);
	g_autoptr(Json) run = run_fd < 0 ? NULL : js_load(run_fd, "run.json", MAX_RUN_RECORD, NULL);
	const char *boot = NULL;
	if (!run || !js_get_string(run, "boot", &boot, NULL) || !boot ||
	    !g_str_equal(boot, record_boot_id()))
		return;
	kill_init(run);
	kill_members(run, ctr->summary.id);
}

/* The end of a run, told once: by whoever takes it off the record. A --rm container has no record
 * of its run but the exit. */
static void tell_end(Container *ctr)
{
	const ContainerSummary *s = &ctr->summary;
	bool ran = ctr->recorded == CONTAINER_RUNNING || ctr->recorded == CONTAINER_STOPPING ||
		   s->auto_remove;
	if (s->state == CONTAINER_EXITED && ran && !ctr->end_told)
		event_container_exit(ctr->engine, ctr, "died", s->exit_code);
	ctr->recorded = s->state;
}

/* The exit goes from exit.json into state.json. Return: false if it could not be written. */
static bool record_end(Container *ctr)
{
	ContainerSummary *s = &ctr->summary;
	g_autoptr(GError) unsaved = NULL;
	if (!s->finished)
		s->finished = g_get_real_time() * 1000;
	s->pid = s->monitor_pid = 0;
	if (!container_save_state(ctr, &unsaved)) {
		log_info("%s", unsaved->message);
		return false;
	}
	tell_end(ctr);
	return true;
}

bool container_settle(Container *ctr, GError **error)
{
	const ContainerSummary *s = &ctr->summary;
	if (s->state != CONTAINER_EXITED || (container_run_fd(ctr) < 0 && s->exit_known))
		return true;
	kill_leftovers(ctr);
	/* On a full disk exit.json still tells the end, and a later command comes here again.
	 * Failing now would keep the user from the commands that make room. */
	if (ctr->recorded != CONTAINER_EXITED && !record_end(ctr))
		return true;
	(void)unlinkat(container_dir_fd(ctr), "exit.json", 0);
	return container_drop_runtime(ctr) ||
	       error_set_errno(error, "cannot remove the runtime directory of container %s", s->id);
}

bool container_discard(Container *ctr, GError **error)
{
	kill_leftovers(ctr);
	mount_place_forget(ctr->engine, ctr->summary.id);
	/* The name last: a name without a container is free, a container without its name could
	 * not be removed by it. */
	if (!store_trash(engine_store(ctr->engine), "containers", ctr->dir_name, error))
		return false;
	drop_names(ctr);
	tell_end(ctr);
	event_container(ctr->engine, ctr, "remove");
	if (!container_remove_runtime(ctr->engine, ctr->summary.id))
		return error_set_errno(error, "cannot remove the runtime directory of container %s",
				       ctr->summary.id);
	return true;
}

/* Volumes without a name of their own that came with the container. */
static bool remove_anonymous_volumes(Engine *engine, char **names, GError **error)
{
	for (size_t i = 0; names && names[i]; i++) {
		g_autoptr(Volume) volume = volume_lookup(engine, names[i], error);
		if (!volume)
			continue;
		if (!volume->anonymous)
			continue;
		g_autoptr(GError) in_use = NULL;
		if (!volume_remove(engine, volume, false, &in_use) &&
		    !error_matches(in_use, ENGINE_ERROR_IN_USE)) {
			g_propagate_error(error, g_steal_pointer(&in_use));
			return false;
		}
	}
	return true;
}

/* --rmi: the image goes with its container, unless others use it. */
static bool remove_image(Engine *engine, const char *id, const char *name, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Image) image = id ? image_lookup(engine_store(engine), id, &failed) : NULL;
	bool others = image && name && g_strv_length(image->names) > 1;
	if ((!image && !failed) ||
	    (image && (others ? image_untag(engine_store(engine), image, name, &failed)
			      : image_users_remove(engine, image, false, &failed))) ||
	    error_matches(failed, ENGINE_ERROR_IN_USE) ||
	    error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

bool container_discard_with_volumes(Container *ctr, bool volumes, GError **error)
{
	g_auto(GStrv) names = g_strdupv(ctr->summary.volume_names);
	const ContainerSpec *spec = ctr->summary.auto_remove ? container_spec(ctr, NULL) : NULL;
	bool with_image = spec && spec->remove_image;
	g_autofree char *image = with_image ? g_strdup(spec->image_id) : NULL;
	g_autofree char *name = with_image ? g_strdup(spec->image_name) : NULL;
	g_autoptr(StoreStage) condemned =
		volumes ? container_condemn_volumes(ctr->engine, names) : NULL;
	(void)condemned; /* held until they are gone */
	return container_discard(ctr, error) &&
	       (!volumes || remove_anonymous_volumes(ctr->engine, names, error)) &&
	       remove_image(ctr->engine, image, name, error);
}

/* What was told to be gone must not come back with the power; a --rm container is swept anyway. */
static bool sync_removal(Container *ctr, GError **error)
{
	return ctr->summary.auto_remove ||
	       fsync(store_dir(engine_store(ctr->engine), "containers")) == 0 ||
	       error_set_errno(error, "cannot sync the containers' directory");
}

char **container_dependents(Container *ctr, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(ctr->engine, error);
	if (!all)
		return NULL;
	g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
	for (guint i = 0; i < all->len; i++) {
		const ContainerSummary *s = container_summary(all->pdata[i]);
		if (g_strv_contains((const char *const *)s->depends, ctr->summary.id))
			g_strv_builder_add(ids, s->id);
	}
	return g_strv_builder_end(ids);
}

/* A mark tells the many that nobody ever depended on from those where others have to be read. */
static bool check_independent(Container *ctr, GError **error)
{
	struct stat st;
	if (fstatat(container_dir_fd(ctr), CONTAINER_NEEDED, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	g_auto(GStrv) ids = container_dependents(ctr, error);
	if (!ids || !ids[0])
		return ids != NULL;
	g_autofree char *list = g_strjoinv(", ", ids);
	return error_set(error, ENGINE_ERROR_EXISTS,
			 "container %s has dependent containers which must be removed before it: "
			 "%s: container already exists",
			 ctr->summary.id, list);
}

/* The pod's namespaces go with the pod. */
static bool check_infra(Container *ctr, GError **error)
{
	const ContainerSummary *s = &ctr->summary;
	if (!s->infra || !pod_is_there(ctr->engine, s->pod_name, s->pod))
		return true;
	error_set(error, ENGINE_ERROR_BAD_STATE,
		  "container %s is the infra container of pod %s and cannot be removed without "
		  "removing the pod",
		  s->id, s->pod);
	error_add_help(error, "skiff pod rm %s", s->pod_name);
	return false;
}

char *container_pod_of_member(const ContainerSummary *s)
{
	return s->infra ? NULL : g_strdup(s->pod_name);
}

bool container_remove(Container *ctr, const ContainerRemove *options, GError **error)
{
	if (container_is_live(ctr) && ctr->summary.state != CONTAINER_INITIALIZED &&
	    !options->force) {
		error_set(error, ENGINE_ERROR_BAD_STATE,
			  "cannot remove container %s as it is %s - running or paused containers "
			  "cannot be removed without force: container state improper",
			  ctr->summary.id, container_state_name(ctr->summary.state));
		error_add_help(error, "skiff stop %s, or skiff rm -f %s", ctr->summary.name,
			       ctr->summary.name);
		return false;
	}
	if ((!options->with_pod && !check_infra(ctr, error)) ||
	    (!options->keep_dependents && !check_independent(ctr, error)))
		return false;
	g_autoptr(GError) gone = NULL;
	const ContainerStop stop = {.timeout_s = options->timeout_s, .removing = true};
	if (container_is_live(ctr) && !container_stop(ctr, &stop, &gone)) {
		/* It went with its end, as a --rm container does. */
		if (error_matches(gone, ENGINE_ERROR_NOT_FOUND))
			return true;
		g_propagate_error(error, g_steal_pointer(&gone));
		return false;
	}
	g_autoptr(RecordLock) lock = container_lock(ctr, -1, "rm", error);
	if (!lock)
		return false;
	if (!container_reload(ctr, &gone)) {
		if (error_matches(gone, ENGINE_ERROR_NOT_FOUND)) {
			(void)container_remove_runtime(ctr->engine, ctr->summary.id);
			return true;
		}
		if (!options->force) {
			g_propagate_error(error, g_steal_pointer(&gone));
			return false;
		}
	}
	if (container_is_live(ctr))
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "container %s was started while it was removed", ctr->summary.id);
	g_autofree char *pod = container_pod_of_member(&ctr->summary);
	g_autofree char *name = g_strdup(ctr->summary.name);
	bool removed = container_discard_with_volumes(ctr, options->volumes, error) &&
		       sync_removal(ctr, error) && rootless_empty_trash(ctr->engine, error);
	g_clear_pointer(&lock, record_unlock);
	if (removed && pod && !options->with_pod)
		pod_member_ended(ctr->engine, pod, name);
	return removed;
}

bool containers_remove(Engine *engine, char **ids, GError **error)
{
	const ContainerRemove options = {.force = true, .timeout_s = -1};
	for (size_t i = 0; ids[i]; i++) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Container) ctr = container_lookup(engine, ids[i], &failed);
		if (failed) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		if (ctr && !container_remove(ctr, &options, error))
			return false;
	}
	return true;
}

char *container_find_dir_name(Engine *engine, const char *id)
{
	int containers = store_dir(engine_store(engine), "containers");
	g_autofree char *removing = g_strconcat(id, ".rm", NULL);
	struct stat st;
	if (fstatat(containers, removing, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return g_steal_pointer(&removing);
	return fstatat(containers, id, &st, AT_SYMLINK_NOFOLLOW) == 0 ? g_strdup(id) : NULL;
}

/* What the clean-up of one container does under its lock. @out_removed: its name, if it went. */
static bool cleanup_locked(Engine *engine, const char *dir_name, char **out_removed, GError **error)
{
	g_autoptr(Container) ctr = container_open(engine, dir_name, NULL);
	if (!ctr)
		return true;
	/* A command that holds the lock is about to do this work; wait for it, for its trash is
	 * ours to empty. */
	g_autoptr(RecordLock) lock = container_lock(ctr, CLEANUP_PATIENCE_MS, "cleanup", NULL);
	g_autoptr(GError) gone = NULL;
	if (!lock)
		return true;
	if (!container_reload(ctr, &gone)) {
		if (error_matches(gone, ENGINE_ERROR_NOT_FOUND))
			(void)container_remove_runtime(engine, ctr->summary.id);
		return true;
	}
	if (container_is_live(ctr))
		return true;
	if (!ctr->summary.auto_remove)
		return container_settle(ctr, error);
	*out_removed = g_strdup(ctr->summary.name);
	return container_discard_with_volumes(ctr, true, error);
}

bool container_cleanup(Engine *engine, const char *id, const char *pod, GError **error)
{
	g_autofree char *dir_name = container_find_dir_name(engine, id);
	/* Without a record another command removed it; the monitor's last files in the runtime
	 * directory go too. */
	if (!dir_name)
		(void)container_remove_runtime(engine, id);
	g_autofree char *removed = NULL;
	bool clean = !dir_name || cleanup_locked(engine, dir_name, &removed, error);
	if (pod)
		pod_member_ended(engine, pod, removed);
	return clean && rootless_empty_trash(engine, error);
}

bool container_finish(Container *ctr, GError **error)
{
	g_autoptr(RecordLock) lock = container_lock(ctr, -1, "cleanup", error);
	if (!lock)
		return false;
	g_autoptr(GError) gone = NULL;
	if (!container_reload(ctr, &gone)) {
		if (!error_matches(gone, ENGINE_ERROR_NOT_FOUND)) {
			g_propagate_error(error, g_steal_pointer(&gone));
			return false;
		}
		/* Somebody removed it; the lock just made its runtime directory anew. */
		(void)container_remove_runtime(ctr->engine, ctr->summary.id);
		return true;
	}
	if (container_is_live(ctr))
		return true;
	if (!ctr->summary.auto_remove)
		return container_settle(ctr, error);
	/* The monitor's clean-up empties the trash behind our back: nobody has to wait for that,
	 * unless the monitor was killed, which left run.json. */
	pid_t pid;
	unsigned long long start;
	bool killed = container_read_init(ctr, &pid, &start);
	g_autofree char *pod = container_pod_of_member(&ctr->summary);
	g_autofree char *name = g_strdup(ctr->summary.name);
	bool removed = container_discard_with_volumes(ctr, true, error) &&
		       (!killed || rootless_empty_trash(ctr->engine, error));
	g_clear_pointer(&lock, record_unlock);
	if (removed && pod)
		pod_member_ended(ctr->engine, pod, name);
	return removed;
}
