/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with all containers of a pod: under the pod's op lock, one error for each that
 * failed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/events.h"
#include "libpod/pod.h"

/* Keep an error with the name of the container it is about. Takes @failed. */
static void add_error(GPtrArray *errors, GError *failed, const char *doing, const Container *ctr)
{
	if (doing)
		g_prefix_error(&failed, "%s container %s: ", doing, container_summary(ctr)->id);
	g_ptr_array_add(errors, failed);
}

static bool is_running(const Container *ctr)
{
	return container_summary(ctr)->state == CONTAINER_RUNNING;
}

const char *pod_status(const GPtrArray *members)
{
	guint running = 0, paused = 0, ended = 0, infra_runs = 0;
	for (guint i = 0; i < members->len; i++) {
		const Container *ctr = g_ptr_array_index(members, i);
		running += container_summary_is_live(container_summary(ctr)) &&
			   container_summary(ctr)->state != CONTAINER_PAUSED &&
			   container_summary(ctr)->state != CONTAINER_INITIALIZED;
		paused += container_summary(ctr)->state == CONTAINER_PAUSED;
		ended += container_summary(ctr)->state == CONTAINER_EXITED;
		infra_runs += container_summary(ctr)->infra && is_running(ctr);
	}
	/* An infra container has nothing that could be paused. */
	if (paused > 0 && paused + infra_runs == members->len)
		return "Paused";
	if (running > 0)
		return running == members->len ? "Running" : "Degraded";
	if (ended > 0)
		return ended == members->len ? "Exited" : "Stopped";
	return paused > 0 ? "Degraded" : "Created";
}

static Container *infra_of(const GPtrArray *members)
{
	Container *first = members->len > 0 ? members->pdata[0] : NULL;
	return first && container_summary(first)->infra ? first : NULL;
}

/* Is @ctr in another namespace of this kind than the infra container is? False if that cannot be
 * told. */
static bool differs(const Container *ctr, const Container *infra, const char *kind)
{
	struct stat ours, theirs;
	g_autofree char *a = g_strdup_printf("/proc/%d/ns/%s", container_summary(ctr)->pid, kind);
	g_autofree char *b = g_strdup_printf("/proc/%d/ns/%s", container_summary(infra)->pid, kind);
	return stat(a, &ours) == 0 && stat(b, &theirs) == 0 && ours.st_ino != theirs.st_ino;
}

/* Does it run in namespaces of an infra container that is no more? */
static bool is_stranded(Container *ctr, const Container *infra)
{
	const ContainerSpec *spec = container_summary_is_live(container_summary(ctr))
					    ? container_spec(ctr, NULL)
					    : NULL;
	if (!spec)
		return false;
	const struct {
		const char *kind, *target;
	} rows[] = {
		{"net", spec->network->mode == NETWORK_CONTAINER ? spec->network->target : NULL},
		{"ipc", spec->ipc.mode == SPEC_NS_CONTAINER ? spec->ipc.target : NULL},
		{"uts", spec->uts.mode == SPEC_NS_CONTAINER ? spec->uts.target : NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (g_strcmp0(rows[i].target, container_summary(infra)->id) == 0 &&
		    (!is_running(infra) || differs(ctr, infra, rows[i].kind)))
			return true;
	return false;
}

/* Members whose infra container was killed lose what it gave them: they are stopped, so that they
 * start anew. */
static void stop_stranded(const GPtrArray *members, const Container *infra, GPtrArray *errors)
{
	const ContainerStop stop = {.timeout_s = -1};
	g_autoptr(GPtrArray) stranded = g_ptr_array_new();
	for (guint i = 0; i < members->len; i++) {
		Container *ctr = g_ptr_array_index(members, i);
		if (ctr == infra || !is_stranded(ctr, infra))
			continue;
		container_stop_begin(ctr, &stop);
		g_ptr_array_add(stranded, ctr);
	}
	for (guint i = 0; i < stranded->len; i++) {
		GError *failed = NULL;
		Container *ctr = g_ptr_array_index(stranded, i);
		if (!container_stop(ctr, &stop, &failed) || !container_reload(ctr, &failed))
			add_error(errors, failed, "stopping", ctr);
	}
}

/* Start one that does not run; somebody may be faster. */
static void start_one(Container *ctr, GPtrArray *errors)
{
	GError *failed = NULL;
	ContainerState state = container_summary(ctr)->state;
	if (state != CONTAINER_CREATED && state != CONTAINER_EXITED &&
	    state != CONTAINER_INITIALIZED)
		return;
	if (container_start(ctr, &(ContainerStart){.detached = true}, NULL, &failed))
		return;
	if (container_reload(ctr, NULL) && container_summary_is_live(container_summary(ctr)))
		g_clear_error(&failed);
	else
		add_error(errors, failed, "starting", ctr);
}

/* Exit policy "stop": stop the infra container if all members have ended. @some: and there is one.
 * In turn: a member that is being started is not seen before its record says so. */
static void apply_policy(Engine *engine, const Pod *pod, bool some)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(GPtrArray) members = pod_members(engine, pod, &failed);
	Container *infra = members ? infra_of(members) : NULL;
	guint n = 0;
	for (guint i = 0; members && i < members->len; i++) {
		const Container *ctr = g_ptr_array_index(members, i);
		if (ctr == infra)
			continue;
		n++;
		if (container_summary(ctr)->state != CONTAINER_EXITED)
			return;
	}
	if (infra && (n > 0 || !some) && container_summary_is_live(container_summary(infra)) &&
	    container_stop(infra, &(ContainerStop){.timeout_s = -1}, &failed))
		event_pod(engine, "stop", pod->id, pod->name, pod->labels);
	if (failed)
		log_warn("pod %s: %s", pod->name, failed->message);
}

/* The same at the end of a command that has the pod's op. */
static void apply_policy_in_turn(Engine *engine, const Pod *pod)
{
	if (pod->exit_policy != POD_EXIT_STOP)
		return;
	g_autoptr(GError) failed = NULL;
	g_autoptr(RecordLock) turn = pod_take_turn(engine, pod, false, &failed);
	if (turn)
		apply_policy(engine, pod, true);
	else
		log_warn("%s", failed->message);
}

static SpecInitCtr init_kind(Container *ctr)
{
	const ContainerSpec *spec = container_spec(ctr, NULL);
	return spec ? spec->init_ctr : SPEC_INIT_CTR_NO;
}

/* Run one to its end, which must be a good one. */
static bool run_init_ctr(Container *ctr, GError **error)
{
	const ContainerRemove remove = {.volumes = true, .timeout_s = -1};
	int code = 0;
	bool known = false;
	if (!container_start(ctr, &(ContainerStart){.detached = true}, NULL, error) ||
	    !container_wait(ctr, false, &code, &known, error))
		return false;
	if (code != 0)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "init container %s exited with code %d",
				 container_summary(ctr)->id, code);
	return init_kind(ctr) != SPEC_INIT_CTR_ONCE || container_remove(ctr, &remove, error);
}

/* Init containers, oldest first, before anybody else starts. */
static bool run_init_ctrs(const GPtrArray *members, GPtrArray *errors)
{
	for (guint i = 0; i < members->len; i++) {
		GError *failed = NULL;
		Container *ctr = g_ptr_array_index(members, i);
		if (init_kind(ctr) == SPEC_INIT_CTR_NO || run_init_ctr(ctr, &failed))
			continue;
		add_error(errors, failed, "starting", ctr);
		return false;
	}
	return true;
}

static bool start_locked(Engine *engine, const Pod *pod, GPtrArray *errors)
{
	GError *failed = NULL;
	g_autoptr(GPtrArray) members = pod_members(engine, pod, &failed);
	if (!members) {
		g_ptr_array_add(errors, failed);
		return false;
	}
	if (members->len == 0) {
		error_set(&failed, ENGINE_ERROR_NOT_FOUND,
			  "no containers in pod %s have no dependencies, cannot start pod: no such "
			  "container",
			  pod->id);
		g_ptr_array_add(errors, failed);
		return false;
	}
	guint before = errors->len;
	Container *infra = infra_of(members);
	if (infra)
		stop_stranded(members, infra, errors);
	if (infra)
		start_one(infra, errors);
	bool ready = errors->len == before && run_init_ctrs(members, errors);
	for (guint i = 0; ready && i < members->len; i++)
		if (init_kind(members->pdata[i]) == SPEC_INIT_CTR_NO)
			start_one(members->pdata[i], errors);
	if (errors->len == before)
		event_pod(engine, "start", pod->id, pod->name, pod->labels);
	/* One that ended meanwhile left this to us. */
	apply_policy_in_turn(engine, pod);
	return errors->len == before;
}

static bool stop_locked(Engine *engine, const Pod *pod, int timeout_s, GPtrArray *errors)
{
	GError *failed = NULL;
	const ContainerStop stop = {.timeout_s = timeout_s};
	g_autoptr(GPtrArray) members = pod_members(engine, pod, &failed);
	if (!members) {
		g_ptr_array_add(errors, failed);
		return false;
	}
	guint before = errors->len;
	for (guint i = 0; i < members->len; i++) {
		Container *ctr = g_ptr_array_index(members, i);
		if (!container_summary(ctr)->infra)
			container_stop_begin(ctr, &stop);
	}
	/* The infra container is the first of the list, and the last to go. */
	for (guint i = members->len; i > 0; i--) {
		Container *ctr = g_ptr_array_index(members, i - 1);
		failed = NULL;
		if (!container_stop(ctr, &stop, &failed))
			add_error(errors, failed, "stopping", ctr);
	}
	if (errors->len == before)
		event_pod(engine, "stop", pod->id, pod->name, pod->labels);
	return errors->len == before;
}

/* The op lock of a pod, for a verb that counts errors. */
static RecordLock *lock_or_error(Engine *engine, const Pod *pod, const char *verb,
				 GPtrArray *errors)
{
	GError *failed = NULL;
	RecordLock *lock = pod_lock(engine, pod, -1, verb, &failed);
	if (!lock)
		g_ptr_array_add(errors, failed);
	return lock;
}

bool pod_start(Engine *engine, const Pod *pod, GPtrArray *errors)
{
	g_autoptr(RecordLock) lock = lock_or_error(engine, pod, "pod start", errors);
	return lock && start_locked(engine, pod, errors);
}

bool pod_stop(Engine *engine, const Pod *pod, int timeout_s, GPtrArray *errors)
{
	g_autoptr(RecordLock) lock = lock_or_error(engine, pod, "pod stop", errors);
	return lock && stop_locked(engine, pod, timeout_s, errors);
}

bool pod_restart(Engine *engine, const Pod *pod, GPtrArray *errors)
{
	g_autoptr(RecordLock) lock = lock_or_error(engine, pod, "pod restart", errors);
	return lock && stop_locked(engine, pod, -1, errors) && start_locked(engine, pod, errors);
}

bool pod_restart_member(Engine *engine, const Pod *pod, Container *ctr, const ContainerStop *stop,
			GError **error)
{
	g_autoptr(RecordLock) lock = pod_lock(engine, pod, -1, "restart", error);
	if (!lock)
		return false;
	bool runs = container_stop(ctr, stop, error) &&
		    container_start(ctr, &(ContainerStart){.detached = true}, NULL, error);
	apply_policy_in_turn(engine, pod);
	return runs;
}

typedef bool (*MemberWork)(Container *ctr, void *data, GError **error);

/* Do something with each member that @wanted takes. */
static bool for_members(Engine *engine, const Pod *pod, bool (*wanted)(const Container *ctr),
			MemberWork work, void *data, GPtrArray *errors)
{
	GError *failed = NULL;
	guint before = errors->len;
	g_autoptr(GPtrArray) members = pod_members(engine, pod, &failed);
	if (!members)
		g_ptr_array_add(errors, failed);
	for (guint i = 0; members && i < members->len; i++) {
		Container *ctr = g_ptr_array_index(members, i);
		failed = NULL;
		if (wanted(ctr) && !work(ctr, data, &failed))
			add_error(errors, failed, NULL, ctr);
	}
	return errors->len == before;
}

static bool can_be_killed(const Container *ctr)
{
	return is_running(ctr) || container_summary(ctr)->state == CONTAINER_PAUSED;
}

static bool kill_member(Container *ctr, void *data, GError **error)
{
	return container_kill(ctr, *(const int *)data, error);
}

bool pod_kill(Engine *engine, const Pod *pod, int signum, GPtrArray *errors)
{
	g_autoptr(RecordLock) lock = lock_or_error(engine, pod, "pod kill", errors);
	if (!lock)
		return false;
	bool killed = for_members(engine, pod, can_be_killed, kill_member, &signum, errors);
	if (killed)
		event_pod(engine, "kill", pod->id, pod->name, pod->labels);
	/* Those that ended already left this to us. */
	apply_policy_in_turn(engine, pod);
	return killed;
}

static bool can_be_paused(const Container *ctr)
{
	return is_running(ctr) && !container_summary(ctr)->infra;
}

static bool is_paused(const Container *ctr)
{
	return container_summary(ctr)->state == CONTAINER_PAUSED;
}

typedef struct {
	bool pause;
	unsigned done;
} PauseWork;

static bool pause_member(Container *ctr, void *data, GError **error)
{
	PauseWork *work = data;
	bool ok = container_pause(ctr, work->pause, error);
	work->done += ok;
	return ok;
}

bool pod_pause(Engine *engine, const Pod *pod, bool pause, GPtrArray *errors)
{
	PauseWork work = {.pause = pause};
	g_autoptr(RecordLock) lock =
		lock_or_error(engine, pod, pause ? "pod pause" : "pod unpause", errors);
	if (!lock || !for_members(engine, pod, pause ? can_be_paused : is_paused, pause_member,
				  &work, errors))
		return false;
	if (work.done > 0)
		event_pod(engine, pause ? "pause" : "unpause", pod->id, pod->name, pod->labels);
	return pause || work.done > 0;
}

/* Another member may have got the name meanwhile. */
static void forget_name(Engine *engine, const Pod *pod, const char *name)
{
	g_autoptr(Container) other = container_lookup(engine, name, NULL);
	if (!other || g_strcmp0(container_summary(other)->pod, pod->id) != 0 ||
	    g_strcmp0(container_summary(other)->name, name) != 0)
		container_remove_from_pod_hosts(engine, pod->infra_id, name);
}

void pod_member_ended(Engine *engine, const char *pod_name, const char *removed)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Pod) pod = pod_lookup(engine, pod_name, &failed);
	bool stops = pod && pod->exit_policy == POD_EXIT_STOP;
	if (!pod || !pod->infra_id || (!stops && !removed))
		return;
	/* Of two that end at the same time one would see the other run, which would find the pod
	 * taken by the first. */
	g_autoptr(RecordLock) turn = pod_take_turn(engine, pod, false, &failed);
	if (!turn)
		log_warn("pod %s: %s", pod->name, failed->message);
	if (turn && removed)
		forget_name(engine, pod, removed);
	g_autoptr(RecordLock) lock =
		turn && stops ? pod_lock(engine, pod, 0, "cleanup", &failed) : NULL;
	if (lock)
		apply_policy(engine, pod, false);
}
