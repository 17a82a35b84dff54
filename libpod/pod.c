/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a pod, and how it comes and goes.
 *
 * What a crash leaves: the infra container is recorded before its pod and goes after it, always
 * while a stage is there; the next changing command that finds the stage dead removes an infra
 * container without a pod (pods_heal). A pod never lacks the infra container that it was made with.
 */
#include "libpod/pod.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"
#include "libpod/container_cgroup.h"
#include "libpod/events.h"
#include "libpod/name.h"
#include "libpod/rootless.h"
#include "libpod/spec_resolve.h"

#define POD_VERSION  1
#define MAX_POD_SIZE (1024 * 1024)

/* Who has it looks at some records, stops the infra container, or starts a member and that. */
#define START_PATIENCE_MS 15000
/* Less than a stop's: `stop` waits for the clean-up that waits here. */
#define END_PATIENCE_MS 5000

static const struct {
	const char *name;
	unsigned bit;
} shares[] = {
	{"pid", POD_SHARE_PID},   {"ipc", POD_SHARE_IPC}, {"net", POD_SHARE_NET},
	{"user", POD_SHARE_USER}, {"uts", POD_SHARE_UTS}, {"cgroup", POD_SHARE_CGROUP},
};

static const char *const policies[] = {
	[POD_EXIT_CONTINUE] = "continue", [POD_EXIT_STOP] = "stop", NULL};

static int pods_dir(Engine *engine)
{
	return store_dir(engine_store(engine), "pods");
}

void pod_free(Pod *pod)
{
	if (!pod)
		return;
	g_free(pod->id);
	g_free(pod->name);
	g_free(pod->infra_id);
	g_free(pod->hostname);
	g_strfreev(pod->create_command);
	g_clear_pointer(&pod->labels, g_hash_table_unref);
	g_free(pod);
}

static bool share_add(const char *word, unsigned *share, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
		if (strcmp(shares[i].name, word) == 0) {
			*share |= shares[i].bit;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid kernel namespace to share: %s. Options are: cgroup, ipc, net, "
			 "pid, uts or none",
			 word);
}

bool pod_share_parse(const char *text, unsigned *out, GError **error)
{
	unsigned share = *text == '+' ? POD_SHARE_DEFAULT : 0;
	g_auto(GStrv) words = g_strsplit(*text == '+' ? text + 1 : text, ",", -1);
	for (char **word = words; *word; word++) {
		if (strcmp(*word, "none") == 0 || **word == '\0')
			continue;
		if (!share_add(*word, &share, error))
			return false;
	}
	*out = share;
	return true;
}

const char **pod_share_names(unsigned share)
{
	const char **names = g_new0(const char *, G_N_ELEMENTS(shares) + 1);
	size_t n = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
		if (share & shares[i].bit)
			names[n++] = shares[i].name;
	return names;
}

bool pod_exit_policy_parse(const char *text, PodExitPolicy *out, GError **error)
{
	for (int i = 0; policies[i]; i++) {
		if (strcmp(policies[i], text) == 0) {
			*out = (PodExitPolicy)i;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID,
			 "running pod create option: invalid pod exit policy: \"%s\"", text);
}

const char *pod_exit_policy_name(PodExitPolicy policy)
{
	return policies[policy];
}

static Json *to_json(const Pod *pod)
{
	Json *json = json_object_new_object();
	g_autofree const char **names = pod_share_names(pod->share);
	js_set_int(json, "v", POD_VERSION);
	js_set_string(json, "id", pod->id);
	js_set_int(json, "created", pod->created);
	js_set_string(json, "infra", pod->infra_id);
	js_set_string(json, "hostname", pod->hostname);
	if (pod->cgroup)
		js_set_bool(json, "cgroup", true);
	js_set_take(json, "share", js_from_strv(names));
	js_set_string(json, "exitPolicy", pod_exit_policy_name(pod->exit_policy));
	js_set_string(json, "restart", restart_name(pod->restart));
	js_set_int(json, "restartRetries", pod->restart_retries);
	js_set_take(json, "labels", js_from_string_map(pod->labels));
	if (pod->create_command)
		js_set_take(json, "createCommand",
			    js_from_strv((const char *const *)pod->create_command));
	return json;
}

/* The words of the record that stand for values. */
static bool read_words(Pod *pod, Json *json, GError **error)
{
	const char *policy = "continue", *restart = "no";
	g_auto(GStrv) names = NULL;
	int64_t retries = 0;
	if (!js_get_string(json, "exitPolicy", &policy, error) ||
	    !js_get_string(json, "restart", &restart, error) ||
	    !js_get_int(json, "restartRetries", 0, G_MAXINT32, &retries, error) ||
	    !js_get_strv(json, "share", &names, error) ||
	    !pod_exit_policy_parse(policy, &pod->exit_policy, error))
		return false;
	int ignored = 0;
	if (!restart_parse(restart, &pod->restart, &ignored, error))
		return false;
	pod->restart_retries = (int)retries;
	for (char **name = names; name && *name; name++)
		if (!share_add(*name, &pod->share, error))
			return false;
	return true;
}

/* The pod of exactly this name. NULL without an error if there is none. */
static Pod *load(Engine *engine, const char *name, GError **error)
{
	if (!path_name_is_safe(name))
		return NULL;
	g_autofree char *path = g_build_filename(name, "pod.json", NULL);
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(pods_dir(engine), path, MAX_POD_SIZE, &failed);
	g_autoptr(Pod) pod = g_new0(Pod, 1);
	int64_t version = 0;
	if (!json && error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return NULL;
	pod->name = g_strdup(name);
	if (json && js_get_int(json, "v", 0, G_MAXINT32, &version, &failed) &&
	    js_dup_string(json, "id", &pod->id, &failed) &&
	    js_get_int(json, "created", 0, G_MAXINT64, &pod->created, &failed) &&
	    js_dup_string(json, "infra", &pod->infra_id, &failed) &&
	    js_dup_string(json, "hostname", &pod->hostname, &failed) &&
	    js_get_bool(json, "cgroup", &pod->cgroup, &failed) &&
	    js_get_string_map(json, "labels", &pod->labels, &failed) &&
	    js_get_strv(json, "createCommand", &pod->create_command, &failed) &&
	    read_words(pod, json, &failed) && version == POD_VERSION && pod->id &&
	    name_is_id(pod->id))
		return g_steal_pointer(&pod);
	return error_set_null(error, ENGINE_ERROR_CORRUPT, "pod %s: %s", name,
			      failed ? failed->message : "an unknown version or no id");
}

static gint compare_created(gconstpointer a, gconstpointer b)
{
	const Pod *first = *(Pod *const *)a, *second = *(Pod *const *)b;
	if (first->created != second->created)
		return first->created < second->created ? 1 : -1;
	return strcmp(first->name, second->name);
}

GPtrArray *pods_list(Engine *engine, GError **error)
{
	g_auto(GStrv) names = record_list(pods_dir(engine), error);
	if (!names)
		return NULL;
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)pod_free);
	for (size_t i = 0; names[i]; i++) {
		g_autoptr(GError) broken = NULL;
		Pod *pod = load(engine, names[i], &broken);
		if (pod)
			g_ptr_array_add(list, pod);
		else if (broken)
			log_warn("%s", broken->message);
	}
	g_ptr_array_sort(list, compare_created);
	return list;
}

Pod *pod_lookup(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	Pod *pod = load(engine, name, &failed);
	if (failed)
		g_propagate_error(error, failed);
	if (pod || failed)
		return pod;
	g_autoptr(GPtrArray) list = pods_list(engine, error);
	g_autoptr(Pod) found = NULL;
	for (guint i = list ? list->len : 0; *name && i > 0; i--) {
		const Pod *one = g_ptr_array_index(list, i - 1);
		if (!g_str_has_prefix(one->id, name))
			continue;
		if (found)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "more than one result for ID or name %s: pod already "
					      "exists",
					      name);
		found = g_ptr_array_steal_index(list, i - 1);
	}
	return g_steal_pointer(&found);
}

Pod *pod_resolve(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	Pod *pod = pod_lookup(engine, name, &failed);
	if (failed)
		g_propagate_error(error, failed);
	if (pod || failed)
		return pod;
	error_set(error, ENGINE_ERROR_NOT_FOUND, "no pod with name or ID %s found: no such pod",
		  name);
	g_auto(GStrv) names = record_list(pods_dir(engine), NULL);
	suggest_add_near(name, names, "skiff pod ps shows all", error);
	return NULL;
}

Pod *pod_latest(Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) all = pods_list(engine, error);
	if (!all)
		return NULL;
	if (all->len == 0)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "no such pod");
	return g_ptr_array_steal_index(all, 0);
}

bool pod_name_is_taken(Engine *engine, const char *name)
{
	return path_name_is_safe(name) && path_is_there(pods_dir(engine), name) != 0;
}

bool pod_is_there(Engine *engine, const char *name, const char *id)
{
	g_autoptr(GError) broken = NULL;
	g_autoptr(Pod) pod = load(engine, name, &broken);
	/* A damaged record is somebody's pod, too. */
	return broken || (pod && strcmp(pod->id, id) == 0);
}

/* A lock in its directory. */
static RecordLock *lock_in(Engine *engine, const Pod *pod, const char *file, bool shared,
			   int timeout_ms, const char *operation, GError **error)
{
	g_autoptr(GError) failed = NULL;
	autofd dir = path_open_state(pods_dir(engine), pod->name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 && errno != ENOENT)
		return error_set_errno_null(error, "cannot open pod %s", pod->name);
	g_autoptr(RecordLock) lock =
		dir < 0 ? NULL : record_lock(dir, file, shared, timeout_ms, operation, &failed);
	/* It may have been removed, and made anew, while we waited. */
	bool there = pod_is_there(engine, pod->name, pod->id);
	if (lock && there)
		return g_steal_pointer(&lock);
	if (there && failed)
		g_propagate_error(error, g_steal_pointer(&failed));
	else
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "no pod with name or ID %s found: no such pod", pod->name);
	return NULL;
}

RecordLock *pod_lock(Engine *engine, const Pod *pod, int timeout_ms, const char *operation,
		     GError **error)
{
	return lock_in(engine, pod, "op", false, timeout_ms, operation, error);
}

RecordLock *pod_take_turn(Engine *engine, const Pod *pod, bool start, GError **error)
{
	return lock_in(engine, pod, "turn", start, start ? START_PATIENCE_MS : END_PATIENCE_MS,
		       start ? "start" : "cleanup", error);
}

RecordLock *pods_pin(Engine *engine, GError **error)
{
	return record_lock(pods_dir(engine), ".lock", true, -1, "create", error);
}

GPtrArray *pod_members_of(const GPtrArray *containers, const Pod *pod)
{
	GPtrArray *members = g_ptr_array_new();
	for (guint i = containers->len; i > 0; i--) {
		Container *ctr = g_ptr_array_index(containers, i - 1);
		const ContainerSummary *s = container_summary(ctr);
		if (g_strcmp0(s->pod, pod->id) != 0)
			continue;
		g_ptr_array_insert(members, s->infra ? 0 : -1, ctr);
	}
	return members;
}

GPtrArray *pod_members(Engine *engine, const Pod *pod, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	if (!all)
		return NULL;
	GPtrArray *members = g_ptr_array_new_with_free_func((GDestroyNotify)container_free);
	for (guint i = all->len; i > 0; i--) {
		Container *ctr = g_ptr_array_index(all, i - 1);
		if (g_strcmp0(container_summary(ctr)->pod, pod->id) != 0)
			continue;
		(void)g_ptr_array_steal_index(all, i - 1);
		g_ptr_array_insert(members, container_summary(ctr)->infra ? 0 : -1, ctr);
	}
	return members;
}

/* Options that make sense only together. */
static bool check_create(const PodCreate *options, GError **error)
{
	const ContainerSpec *infra = options->infra;
	if (options->name && !name_check(options->name, error)) {
		g_prefix_error(error, "running pod create option: ");
		return false;
	}
	if (options->replace && !options->name)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot replace pod without being given a name");
	if (options->share)
		return true;
	if (infra->network->ports->len > 0)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"you must have an infra container to publish port bindings to the host");
	if (infra->network_set)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "NoInfra and network modes cannot be used together");
	return !container_cgroup_is_asked(infra) ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "you must have an infra container to limit a pod");
}

/* A host name that a pod's name makes, as far as it is one. g_free() it. */
static char *hostname_of(const char *name)
{
	char *hostname = g_strndup(name, 63);
	for (char *c = hostname; *c; c++)
		if (!g_ascii_isalnum(*c) && *c != '.' && *c != '-')
			*c = '-';
	return hostname;
}

/* Record the infra container. It executes nothing, so it needs nothing. */
static Container *create_infra(Engine *engine, const Pod *pod, const PodCreate *options,
			       GError **error)
{
	static const char *const none[] = {"ALL", NULL};
	ContainerSpec *spec = options->infra;
	spec->pod = g_strdup(pod->id);
	spec->pod_name = g_strdup(pod->name);
	spec->infra = true;
	g_hash_table_unref(spec->labels); /* they are the pod's */
	spec->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	spec->name = options->infra_name ? g_strdup(options->infra_name)
					 : g_strdup_printf("%.12s-infra", pod->id);
	if (!spec->hostname && spec->uts.mode != SPEC_NS_HOST && (pod->share & POD_SHARE_UTS))
		spec->hostname = hostname_of(pod->name);
	g_strfreev(spec->cap_drop);
	spec->cap_drop = g_strdupv((char **)none);
	/* The default is a container's, not a pod's. */
	if (!spec->pids_limit_set)
		spec->pids_limit = -1;
	spec->pids_limit_set = true;
	spec->log_driver = LOG_DRIVER_NONE;
	spec->log_driver_set = true;
	if (!name_check(spec->name, error) || !spec_resolve(engine, spec, NULL, error))
		return NULL;
	return container_create(engine, spec, error);
}

/* Write the record into the stage. */
static bool stage_pod(const StoreStage *stage, const Pod *pod, GError **error)
{
	autofd made = path_mkdirs_state(store_stage_fd(stage), "pod");
	autofd dir =
		made < 0 ? -1
			 : path_open_state(store_stage_fd(stage), "pod", O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return error_set_errno(error, "creating pod %s", pod->name);
	g_autoptr(Json) json = to_json(pod);
	return js_save(dir, "pod.json", json, RECORD_SYNC_FULL, error);
}

static bool set_taken(const char *name, const char *holder, GError **error)
{
	return error_set(error, ENGINE_ERROR_EXISTS,
			 "adding pod to state: name \"%s\" is in use: %s already exists", name,
			 holder);
}

/* Move it to its place, under the lock of all names: containers have the same ones. */
static bool publish(Engine *engine, StoreStage *stage, const Pod *pod, GError **error)
{
	int names = store_dir(engine_store(engine), "names");
	g_autofree char *holder = NULL;
	g_autoptr(RecordLock) lock = record_lock(names, ".lock", false, -1, "create", error);
	if (!lock)
		return false;
	if (!container_find_holder(engine, pod->name, &holder, error))
		return false;
	if (holder)
		return set_taken(pod->name, "container", error);
	if (renameat2(store_stage_fd(stage), "pod", pods_dir(engine), pod->name, RENAME_NOREPLACE) <
	    0)
		return errno == EEXIST ? set_taken(pod->name, "pod", error)
				       : error_set_errno(error, "cannot record pod %s", pod->name);
	if (fsync(pods_dir(engine)) == 0)
		return true;
	error_set_errno(error, "cannot sync the pods' directory");
	/* The caller takes its infra container back. */
	g_autoptr(GError) left = NULL;
	if (!store_trash(engine_store(engine), "pods", pod->name, &left))
		log_warn("%s", left->message);
	return false;
}

static Pod *new_pod(Engine *engine, const PodCreate *options)
{
	Pod *pod = g_new0(Pod, 1);
	const ContainerSpec *infra = options->infra;
	pod->id = name_new_id();
	pod->name = options->name ? g_strdup(options->name) : name_generate();
	for (int i = 0; i < 20 && !options->name && pod_name_is_taken(engine, pod->name); i++) {
		g_free(pod->name);
		pod->name = name_generate();
	}
	pod->created = units_now();
	pod->labels = g_hash_table_ref(infra->labels);
	pod->create_command = g_strdupv((char **)options->create_command);
	pod->share = options->share;
	pod->exit_policy = options->exit_policy;
	pod->hostname = g_strdup(infra->hostname);
	pod->cgroup = !options->own_cgroups && container_cgroup_is_asked(infra);
	pod->restart = infra->restart;
	pod->restart_retries = infra->restart_retries;
	return pod;
}

/* --replace: take the holder of the name away first. */
static bool replace_holder(Engine *engine, const char *name, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Pod) holder = load(engine, name, &failed);
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	const PodRemove remove = {.force = true, .timeout_s = -1};
	return !holder || pod_remove(engine, holder, &remove, error);
}

Pod *pod_create(Engine *engine, const PodCreate *options, GError **error)
{
	if (!check_create(options, error) ||
	    (options->replace && !replace_holder(engine, options->name, error)))
		return NULL;
	g_autoptr(Pod) pod = new_pod(engine, options);
	if (pod_name_is_taken(engine, pod->name)) {
		set_taken(pod->name, "pod", error);
		return NULL;
	}
	/* Until the pod is there nobody may take its infra container for a left one. */
	g_autoptr(RecordLock) pin = pods_pin(engine, error);
	g_autoptr(StoreStage) stage = pin ? store_stage_new(engine_store(engine), error) : NULL;
	g_autoptr(Container) infra = NULL;
	options->infra->restart = RESTART_NO;
	if (!stage || (pod->share && !(infra = create_infra(engine, pod, options, error))))
		return NULL;
	pod->infra_id = infra ? g_strdup(container_summary(infra)->id) : NULL;
	if (!stage_pod(stage, pod, error) || !publish(engine, stage, pod, error)) {
		const ContainerRemove remove = {.force = true, .volumes = true, .with_pod = true};
		g_autoptr(GError) left = NULL;
		if (infra && !container_remove(infra, &remove, &left))
			log_warn("%s", left->message);
		return NULL;
	}
	event_pod(engine, "create", pod->id, pod->name, pod->labels);
	return g_steal_pointer(&pod);
}

/* Under the lock that keeps members from being made: nobody is left but the infra container. */
static bool drop_record(Engine *engine, const Pod *pod, GError **error)
{
	g_autoptr(RecordLock) lock =
		record_lock(pods_dir(engine), ".lock", false, -1, "pod rm", error);
	g_autoptr(GPtrArray) members = lock ? pod_members(engine, pod, error) : NULL;
	if (!members)
		return false;
	for (guint i = 0; i < members->len; i++)
		if (!container_summary(members->pdata[i])->infra)
			return error_set(error, ENGINE_ERROR_EXISTS,
					 "pod %s contains containers and cannot be removed: "
					 "container already exists",
					 pod->id);
	return store_trash(engine_store(engine), "pods", pod->name, error);
}

/* A member that went meanwhile is fine. */
static bool remove_member(Container *ctr, const PodRemove *options, GError **error)
{
	const ContainerRemove remove = {.force = options->force,
					.volumes = true,
					.timeout_s = options->timeout_s,
					.keep_dependents = true,
					.with_pod = true};
	g_autoptr(GError) failed = NULL;
	if (container_remove(ctr, &remove, &failed) ||
	    error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

/* Without force nothing is done while a member runs; the infra container does not count. */
static bool check_removable(const GPtrArray *members, const PodRemove *options, GError **error)
{
	for (guint i = 0; i < members->len && !options->force; i++) {
		Container *ctr = g_ptr_array_index(members, i);
		if (container_summary(ctr)->infra ||
		    !container_summary_is_live(container_summary(ctr)) ||
		    container_summary(ctr)->state == CONTAINER_INITIALIZED)
			continue;
		error_set(error, ENGINE_ERROR_BAD_STATE,
			  "cannot remove container %s as it is %s - running or paused containers "
			  "cannot be removed without force: container state improper",
			  container_summary(ctr)->id,
			  container_state_name(container_summary(ctr)->state));
		error_add_help(error, "skiff pod stop %s, or skiff pod rm -f %s",
			       container_summary(ctr)->pod_name, container_summary(ctr)->pod_name);
		return false;
	}
	return true;
}

/* Which of the members is it that @s depends on? NULL: none. */
static const char *needed_member(const ContainerSummary *s, const GPtrArray *members)
{
	for (guint i = 0; i < members->len; i++) {
		const char *id = container_summary(members->pdata[i])->id;
		if (s->depends && g_strv_contains((const char *const *)s->depends, id))
			return id;
	}
	return NULL;
}

/* Containers outside of the pod that are in its namespaces go before it. */
static bool check_outsiders(Engine *engine, const Pod *pod, const GPtrArray *members,
			    GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	for (guint i = 0; all && i < all->len; i++) {
		const ContainerSummary *s = container_summary(all->pdata[i]);
		const char *needed =
			g_strcmp0(s->pod, pod->id) == 0 ? NULL : needed_member(s, members);
		if (needed)
			return error_set(error, ENGINE_ERROR_EXISTS,
					 "container %s has dependent containers which must be "
					 "removed before it: %s: container already exists",
					 needed, s->id);
	}
	return all != NULL;
}

/* Members side by side, then the record, then the infra container, which nobody can join any more.
 */
static bool remove_all(Engine *engine, const Pod *pod, const GPtrArray *members,
		       const PodRemove *options, GError **error)
{
	const ContainerStop stop = {.timeout_s = options->timeout_s, .removing = true};
	for (guint i = 0; i < members->len; i++) {
		Container *ctr = g_ptr_array_index(members, i);
		if (options->force && !container_summary(ctr)->infra)
			container_stop_begin(ctr, &stop);
	}
	for (guint i = 0; i < members->len; i++) {
		Container *ctr = g_ptr_array_index(members, i);
		if (!container_summary(ctr)->infra && !remove_member(ctr, options, error))
			return false;
	}
	if (!drop_record(engine, pod, error))
		return false;
	const PodRemove forced = {.force = true, .timeout_s = options->timeout_s};
	for (guint i = 0; i < members->len; i++) {
		Container *ctr = g_ptr_array_index(members, i);
		if (container_summary(ctr)->infra && !remove_member(ctr, &forced, error))
			return false;
	}
	return true;
}

bool pod_remove(Engine *engine, const Pod *pod, const PodRemove *options, GError **error)
{
	g_autoptr(RecordLock) op = pod_lock(engine, pod, -1, "pod rm", error);
	g_autoptr(GPtrArray) members = op ? pod_members(engine, pod, error) : NULL;
	if (!members || !check_removable(members, options, error) ||
	    !check_outsiders(engine, pod, members, error))
		return false;
	/* While it is there a kill of ours is noticed: see the top of this file. */
	g_autoptr(StoreStage) stage = store_stage_new(engine_store(engine), error);
	if (!stage || !remove_all(engine, pod, members, options, error))
		return false;
	event_pod(engine, "remove", pod->id, pod->name, pod->labels);
	g_clear_pointer(&stage, store_stage_free);
	return rootless_empty_trash(engine, error);
}

/* Is it an infra container whose pod is not there? */
static bool is_left(Engine *engine, const ContainerSummary *s)
{
	return s->infra && s->pod && !pod_is_there(engine, s->pod_name, s->pod);
}

bool pods_heal(Engine *engine, GError **error)
{
	/* Who makes a pod holds it until the pod is there. */
	g_autoptr(RecordLock) lock =
		record_lock(pods_dir(engine), ".lock", false, -1, "heal", error);
	g_autoptr(GPtrArray) all = lock ? containers_list(engine, error) : NULL;
	/* One that members still depend on stays: its pod was damaged. */
	const ContainerRemove remove = {.force = true, .volumes = true, .with_pod = true};
	for (guint i = 0; all && i < all->len; i++) {
		Container *ctr = g_ptr_array_index(all, i);
		g_autoptr(GError) failed = NULL;
		if (is_left(engine, container_summary(ctr)) &&
		    !container_remove(ctr, &remove, &failed))
			log_info("%s", failed->message);
	}
	return all != NULL;
}
