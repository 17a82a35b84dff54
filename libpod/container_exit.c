/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of containers: waiting for it, recording it, removing what is left, and healing what a
 * kill or a reboot left behind.
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
#include "libpod/container_exit_watch.h"
#include "libpod/mount_place.h"
#include "libpod/image_users.h"
#include "libpod/monitor/monitor_members.h"
#include "libpod/name.h"
#include "libpod/pod.h"
#include "libpod/rootless.h"
#include "libpod/volume.h"

/* Running containers whose life one changing command looks at, at most. */
#define HEAL_SAMPLE 64

#define MAX_RUN_RECORD (1024 * 1024)

/* A fork bomb without a pid namespace may need several. */
#define KILL_ROUNDS   200
#define KILL_PAUSE_US 5000

/* How long clean-up waits for a command that has the container in its hands. */
#define CLEANUP_PATIENCE_MS 2000
#define LIFE_LOOK_MS        20

/* Between two looks at the health that is waited for. */
#define HEALTH_LOOK_MS 50

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

/* A descriptor that polls readable when the process is gone; -1 if it already is. */
static int open_process(pid_t pid, unsigned long long start)
{
	if (pid <= 0)
		return -1;
	autofd pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || record_process_start(pid) != start)
		return -1;
	return fd_steal(&pidfd);
}

/* Its run.json is lost, so who the monitor is is not known: look at its lock now and then. */
static int wait_life(Container *ctr, int timeout_ms)
{
	int64_t deadline = g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
	while (container_life_is_held(ctr)) {
		if (timeout_ms >= 0 && g_get_monotonic_time() >= deadline)
			return 0;
		poll(NULL, 0, LIFE_LOOK_MS);
	}
	return 1;
}

int container_wait_exit(Container *ctr, int timeout_ms, GError **error)
{
	autofd monitor = open_process(ctr->summary.monitor_pid, ctr->monitor_start);
	if (monitor < 0)
		return ctr->summary.monitor_pid > 0 ? 1 : wait_life(ctr, timeout_ms);
	struct pollfd poll_fd = {.fd = monitor, .events = POLLIN};
	int64_t deadline = timeout_ms < 0 ? 0 : g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
	for (;;) {
		int left = -1;
		if (timeout_ms >= 0)
			left = (int)MAX((deadline - g_get_monotonic_time() + 999) / 1000, 0);
		int n = poll(&poll_fd, 1, left);
		if (n >= 0)
			return n;
		if (errno != EINTR) {
			error_set_errno(error, "cannot wait for container %s", ctr->summary.id);
			return -1;
		}
	}
}

bool container_wait(Container *ctr, bool removed, int *out_code, bool *out_known, GError **error)
{
	g_auto(ExitWatch) watch = exit_watch_open(ctr);
	while (ctr->summary.state == CONTAINER_RUNNING ||
	       ctr->summary.state == CONTAINER_INITIALIZED ||
	       ctr->summary.state == CONTAINER_RESTARTING ||
	       ctr->summary.state == CONTAINER_STOPPING || ctr->summary.state == CONTAINER_PAUSED) {
		if (container_wait_exit(ctr, -1, error) < 0)
			return false;
		if (ctr->summary.monitor_pid == 0)
			g_usleep(2000); /* it is being started */
		g_autoptr(GError) gone = NULL;
		if (!container_reload(ctr, &gone)) {
			/* It was removed, or is a --rm container that went with its monitor. */
			if (!error_matches(gone, ENGINE_ERROR_NOT_FOUND)) {
				g_propagate_error(error, g_steal_pointer(&gone));
				return false;
			}
			*out_code = 255;
			*out_known = exit_watch_code(&watch, out_code);
			return true;
		}
	}
	*out_code = ctr->summary.exit_code;
	*out_known = ctr->summary.exit_known || exit_watch_tell(&watch, ctr, out_code);
	while (removed) {
		struct stat st;
		if (fstatat(store_dir(engine_store(ctr->engine), "containers"), ctr->dir_name, &st,
			    AT_SYMLINK_NOFOLLOW) < 0)
			break;
		g_usleep(20000);
	}
	return true;
}

bool container_wait_health(Container *ctr, const char *wanted, GError **error)
{
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	if (!health_config_has_probe(spec->health))
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "container %s has no defined healthcheck", ctr->summary.id);
	while (g_strcmp0(ctr->summary.health, wanted) != 0) {
		if (!container_is_live(ctr))
			return error_set(error, ENGINE_ERROR_BAD_STATE,
					 "container %s is not running", ctr->summary.id);
		if (ctr->summary.monitor_pid == 0)
			g_usleep(HEALTH_LOOK_MS * 1000); /* it is being started */
		else if (container_wait_exit(ctr, HEALTH_LOOK_MS, error) < 0)
			return false;
		if (!container_reload(ctr, error))
			return false;
	}
	return true;
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
	autofd pidfd = open_process((pid_t)pid, (unsigned long long)start);
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

bool container_settle(Container *ctr, GError **error)
{
	ContainerSummary *s = &ctr->summary;
	if (s->state != CONTAINER_EXITED || (container_run_fd(ctr) < 0 && s->exit_known))
		return true;
	kill_leftovers(ctr);
	if (!s->finished)
		s->finished = g_get_real_time() * 1000;
	s->pid = s->monitor_pid = 0;
	g_autoptr(GError) unsaved = NULL;
	if (!container_save_state(ctr, &unsaved)) {
		/* A full disk: exit.json still tells the end, and a later command comes here again.
		 * Failing now would keep the user from the commands that make room. */
		log_info("%s", unsaved->message);
		return true;
	}
	tell_end(ctr);
	(void)unlinkat(container_dir_fd(ctr), "exit.json", 0);
	if (!container_remove_runtime(ctr->engine, s->id))
		return error_set_errno(error, "cannot remove the runtime directory of container %s",
				       s->id);
	fd_close(&ctr->run_fd);
	return true;
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

/* Take an ended container out of sight; the caller holds its lock. */
static bool discard_with_volumes(Container *ctr, bool volumes, GError **error)
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

/* The name of the pod whose exit policy may ask for something now; NULL: none. g_free() it. */
static char *pod_of_member(const ContainerSummary *s)
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
	g_autofree char *pod = pod_of_member(&ctr->summary);
	g_autofree char *name = g_strdup(ctr->summary.name);
	bool removed = discard_with_volumes(ctr, options->volumes, error) &&
		       sync_removal(ctr, error) && rootless_empty_trash(ctr->engine, error);
	g_clear_pointer(&lock, record_unlock);
	if (removed && pod && !options->with_pod)
		pod_member_ended(ctr->engine, pod, name);
	return removed;
}

/* The directory name of @id: "ID" or "ID.rm". NULL if there is neither. g_free() it. */
static char *find_dir_name(Engine *engine, const char *id)
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
	return discard_with_volumes(ctr, true, error);
}

bool container_cleanup(Engine *engine, const char *id, const char *pod, GError **error)
{
	g_autofree char *dir_name = find_dir_name(engine, id);
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
	g_autofree char *pod = pod_of_member(&ctr->summary);
	g_autofree char *name = g_strdup(ctr->summary.name);
	bool removed = discard_with_volumes(ctr, true, error) &&
		       (!killed || rootless_empty_trash(ctr->engine, error));
	g_clear_pointer(&lock, record_unlock);
	if (removed && pod)
		pod_member_ended(ctr->engine, pod, name);
	return removed;
}

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
		return discard_with_volumes(ctr, true, error) &&
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
	g_autofree char *pod = pod_of_member(&ctr->summary);
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
		g_autofree char *dir_name = find_dir_name(engine, id);
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
		g_autofree char *dir_name = find_dir_name(engine, id);
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
