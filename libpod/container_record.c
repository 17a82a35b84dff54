/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a container on disk, version 1, and how its state is told from it.
 *
 *   store    containers/ID/create.json  the resolved spec, never changes
 *            containers/ID/update.json  what `update` changed of it
 *            containers/ID/networks.json  where `network connect` and `disconnect` have put it
 *            containers/ID/state.json   all that ps reads; replaced as a whole
 *            containers/ID/exit.json    by the monitor when the container has ended for good
 *            names/NAME -> ID           a symbolic link: made or not, the file system decides
 *   runtime  containers/ID/run.json     by the monitor: pids, start, ports
 *            containers/ID/life         held by the monitor; op: held by commands
 *
 * The state is told, not stored, unless state.json says "created" or "exited": then nothing runs,
 * though the last monitor may still hold life for a moment. Else exit.json there = ended; life held
 * and run.json there = running; neither = the monitor was killed or the host went down. The record
 * of a --rm container stays "created".
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"
#include "network/portmap.h"

#define STATE_VERSION   1
#define MAX_STATE_SIZE  (1024 * 1024)
#define MAX_CREATE_SIZE (16 * 1024 * 1024)
#define LOAD_TRIES      3

static const char *const state_names[] = {
	[CONTAINER_CREATED] = "created",         [CONTAINER_RUNNING] = "running",
	[CONTAINER_STOPPING] = "stopping",       [CONTAINER_EXITED] = "exited",
	[CONTAINER_PAUSED] = "paused",           [CONTAINER_RESTARTING] = "restarting",
	[CONTAINER_INITIALIZED] = "initialized",
};

const char *container_state_name(ContainerState state)
{
	return state_names[state];
}

ContainerState container_shown_state(const ContainerSummary *s)
{
	return s->state == CONTAINER_RUNNING && s->stopping ? CONTAINER_STOPPING : s->state;
}

static bool state_parse(const char *text, ContainerState *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++) {
		if (g_str_equal(state_names[i], text)) {
			*out = (ContainerState)i;
			return true;
		}
	}
	return false;
}

static void network_free(void *data)
{
	ContainerNetwork *network = data;
	g_free(network->name);
	g_free(network->ip);
	g_free(network->ip6);
	g_free(network->mac);
	g_free(network->interface);
	g_free(network->gateway);
	g_free(network->gateway6);
	g_free(network);
}

GPtrArray *container_networks_of(const NetworkRequest *request)
{
	GPtrArray *networks = g_ptr_array_new_with_free_func(network_free);
	for (guint i = 0; i < request->attachments->len; i++) {
		ContainerNetwork *one = g_new0(ContainerNetwork, 1);
		one->name =
			g_strdup(((const NetworkAttachment *)request->attachments->pdata[i])->name);
		g_ptr_array_add(networks, one);
	}
	return networks;
}

const ContainerNetwork *container_find_network(const ContainerSummary *s, const char *name)
{
	for (guint i = 0; i < s->networks->len; i++) {
		const ContainerNetwork *one = s->networks->pdata[i];
		if (strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

const char **container_network_labels(const ContainerSummary *s)
{
	guint n = s->network_mode == NETWORK_NAMED ? s->networks->len : 0;
	const char **labels = g_new0(const char *, MAX(n, 1) + 1);
	for (guint i = 0; i < n; i++)
		labels[i] = ((const ContainerNetwork *)s->networks->pdata[i])->name;
	if (s->network_mode != NETWORK_NAMED)
		labels[0] = network_mode_name(s->network_mode);
	return labels;
}

void container_summary_clear(ContainerSummary *s)
{
	g_free(s->id);
	g_free(s->name);
	g_free(s->former_name);
	g_free(s->image_id);
	g_free(s->image_name);
	g_clear_pointer(&s->networks, g_ptr_array_unref);
	g_strfreev(s->command);
	g_free(s->error);
	g_free(s->health);
	g_clear_pointer(&s->labels, g_hash_table_unref);
	g_clear_pointer(&s->ports, g_ptr_array_unref);
	g_strfreev(s->mounts);
	g_strfreev(s->volume_names);
	g_strfreev(s->depends);
	g_free(s->pod);
	g_free(s->pod_name);
	*s = (ContainerSummary){0};
}

void container_free(Container *ctr)
{
	if (!ctr)
		return;
	container_summary_clear(&ctr->summary);
	g_clear_pointer(&ctr->spec, spec_free);
	fd_close(&ctr->dir_fd);
	fd_close(&ctr->run_fd);
	g_free(ctr->dir_name);
	g_free(ctr);
}

/* The mode, the networks' names, and the ports as asked for. */
static Json *network_to_json(const ContainerSummary *s)
{
	g_autoptr(GPtrArray) names =
		g_ptr_array_new_with_free_func((GDestroyNotify)attachment_free);
	for (guint i = 0; i < s->networks->len; i++)
		g_ptr_array_add(
			names,
			attachment_new(((const ContainerNetwork *)s->networks->pdata[i])->name));
	const NetworkRequest network = {
		.mode = s->network_mode, .attachments = names, .ports = s->ports};
	return network_request_to_json(&network);
}

Json *container_state_to_json(const ContainerSummary *s)
{
	Json *json = json_object_new_object();
	js_set_int(json, "v", STATE_VERSION);
	js_set_string(json, "name", s->name);
	js_set_string(json, "former_name", s->former_name);
	js_set_string(json, "state", container_state_name(s->state));
	js_set_string(json, "image_id", s->image_id);
	js_set_string(json, "image", s->image_name);
	js_set_take(json, "args", js_from_strv((const char *const *)s->command));
	js_set_int(json, "created", s->created);
	js_set_int(json, "started", s->started);
	js_set_int(json, "finished", s->finished);
	js_set_int(json, "exit", s->exit_code);
	js_set_bool(json, "exit_known", s->exit_known);
	if (s->oom_killed)
		js_set_bool(json, "oom", true);
	if (s->stopped_by_user)
		js_set_bool(json, "stopped", true);
	if (s->restart_count)
		js_set_int(json, "restarts", s->restart_count);
	js_set_string(json, "error", s->error);
	js_set_string(json, "health", s->health);
	if (s->labels && g_hash_table_size(s->labels) > 0)
		js_set_take(json, "labels", js_from_string_map(s->labels));
	if (s->volume_names && s->volume_names[0])
		js_set_take(json, "volumes", js_from_strv((const char *const *)s->volume_names));
	if (s->depends && s->depends[0])
		js_set_take(json, "depends", js_from_strv((const char *const *)s->depends));
	js_set_string(json, "pod", s->pod);
	js_set_string(json, "pod_name", s->pod_name);
	if (s->infra)
		js_set_bool(json, "infra", true);
	if (s->mounts && s->mounts[0])
		js_set_take(json, "mounts", js_from_strv((const char *const *)s->mounts));
	js_set_take(json, "network", network_to_json(s));
	return json;
}

/* The parts of state.json that are not plain scalars. */
static bool load_lists(ContainerSummary *s, Json *json, GError **error)
{
	Json *network = NULL;
	if (!js_get_strv(json, "args", &s->command, error) ||
	    !js_get_strv(json, "volumes", &s->volume_names, error) ||
	    !js_get_strv(json, "mounts", &s->mounts, error) ||
	    !js_get_strv(json, "depends", &s->depends, error) ||
	    !js_get_string_map(json, "labels", &s->labels, error) ||
	    !js_get_object(json, "network", &network, error))
		return false;
	if (!s->labels)
		s->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(NetworkRequest) request =
		network ? network_request_from_json(network, error) : network_request_new();
	if (!request)
		return false;
	s->network_mode = request->mode;
	s->networks = container_networks_of(request);
	s->ports = g_ptr_array_ref(request->ports);
	if (!s->command)
		s->command = g_new0(char *, 1);
	if (!s->volume_names)
		s->volume_names = g_new0(char *, 1);
	if (!s->depends)
		s->depends = g_new0(char *, 1);
	if (!s->mounts)
		s->mounts = g_new0(char *, 1);
	return true;
}

/* The fields of state.json. */
static bool load_state(ContainerSummary *s, Json *json, GError **error)
{
	const char *state = NULL;
	int64_t version = 0, exit_code = 0, restarts = 0;
	s->exit_known = true;
	if (!js_get_int(json, "v", 0, INT64_MAX, &version, error) ||
	    !js_dup_string(json, "name", &s->name, error) ||
	    !js_dup_string(json, "former_name", &s->former_name, error) ||
	    !js_get_string(json, "state", &state, error) ||
	    !js_dup_string(json, "image_id", &s->image_id, error) ||
	    !js_dup_string(json, "image", &s->image_name, error) ||
	    !js_get_int(json, "created", 0, INT64_MAX, &s->created, error) ||
	    !js_get_int(json, "started", 0, INT64_MAX, &s->started, error) ||
	    !js_get_int(json, "finished", 0, INT64_MAX, &s->finished, error) ||
	    !js_get_int(json, "exit", 0, 255, &exit_code, error) ||
	    !js_get_int(json, "restarts", 0, G_MAXINT32, &restarts, error) ||
	    !js_get_bool(json, "exit_known", &s->exit_known, error) ||
	    !js_get_bool(json, "oom", &s->oom_killed, error) ||
	    !js_get_bool(json, "stopped", &s->stopped_by_user, error) ||
	    !js_dup_string(json, "error", &s->error, error) ||
	    !js_dup_string(json, "health", &s->health, error) ||
	    !js_dup_string(json, "pod", &s->pod, error) ||
	    !js_dup_string(json, "pod_name", &s->pod_name, error) ||
	    !js_get_bool(json, "infra", &s->infra, error) || !load_lists(s, json, error))
		return false;
	if (version != STATE_VERSION)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "state.json has version %" G_GINT64_FORMAT
				 ", this program reads %d",
				 version, STATE_VERSION);
	if (!s->name || !state || !state_parse(state, &s->state))
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "state.json lacks a name or a known state");
	s->exit_code = (int)exit_code;
	s->restart_count = (int)restarts;
	return true;
}

/* The monitor's word is newer than the record's. */
static void load_health(ContainerSummary *s, Json *json)
{
	char *health = NULL;
	if (!js_dup_string(json, "health", &health, NULL) || !health)
		return;
	g_free(s->health);
	s->health = health;
}

/* js_load() for what tells a state. Absent or damaged is NULL; what may be read another time is an
 * error, for a state that is told without it would be wrong. */
static Json *load_if_there(int dir, const char *path, size_t max_size, GError **error)
{
	g_autoptr(GError) failed = NULL;
	Json *json = js_load(dir, path, max_size, &failed);
	if (error_matches(failed, ENGINE_ERROR_SYSTEM))
		g_propagate_error(error, g_steal_pointer(&failed));
	return json;
}

/* The runtime directory. Return: false if there is none, or with an error. */
static bool open_run(Container *ctr, GError **error)
{
	if (container_run_fd(ctr) >= 0)
		return true;
	return errno != ENOENT && error_set_errno(error, "cannot open its runtime directory");
}

/* Does a monitor hold the life lock? Return: false if not, or with an error. */
static bool life_is_held(Container *ctr, GError **error)
{
	if (!open_run(ctr, error))
		return false;
	int held = record_lock_is_held(ctr->run_fd, "life");
	return held > 0 || (held < 0 && error_set_errno(error, "cannot look at its life lock"));
}

/* The exit that the monitor left, if there is one: in the store, or where that was full in the
 * runtime directory. Return: true if there was. */
static bool load_exit(Container *ctr, GError **error)
{
	g_autofree char *path = g_strconcat(ctr->dir_name, "/exit.json", NULL);
	GError *failed = NULL;
	g_autoptr(Json) json = load_if_there(store_dir(engine_store(ctr->engine), "containers"),
					     path, 65536, &failed);
	if (!json && !failed && open_run(ctr, &failed))
		json = load_if_there(ctr->run_fd, "exit.json", 65536, &failed);
	if (failed) {
		g_propagate_error(error, failed);
		return false;
	}
	int64_t code = 0, finished = 0, restarts = 0;
	if (!json || !js_get_int(json, "code", 0, 255, &code, NULL) ||
	    !js_get_int(json, "finished", 0, INT64_MAX, &finished, NULL) ||
	    !js_get_bool(json, "oom", &ctr->summary.oom_killed, NULL))
		return false;
	(void)js_get_int(json, "restarts", 0, G_MAXINT32, &restarts, NULL);
	(void)js_get_int(json, "started", 0, INT64_MAX, &ctr->summary.started, NULL);
	(void)js_get_bool(json, "told", &ctr->end_told, NULL);
	(void)js_get_bool(json, "stopped", &ctr->summary.stopped_by_user, NULL);
	load_health(&ctr->summary, json);
	ctr->summary.state = CONTAINER_EXITED;
	ctr->summary.exit_code = (int)code;
	ctr->summary.exit_known = true;
	ctr->summary.finished = finished;
	ctr->summary.restart_count = (int)restarts;
	return true;
}

static bool load_process(Json *run, const char *key, pid_t *out_pid, unsigned long long *out_start)
{
	Json *process = NULL;
	int64_t pid = 0, start = 0;
	if (!js_get_object(run, key, &process, NULL) || !process ||
	    !js_get_int(process, "pid", 0, G_MAXINT32, &pid, NULL) ||
	    !js_get_int(process, "start", 0, INT64_MAX, &start, NULL))
		return false;
	*out_pid = (pid_t)pid;
	*out_start = (unsigned long long)start;
	return true;
}

bool container_read_init(Container *ctr, pid_t *out_pid, unsigned long long *out_start)
{
	int run_fd = container_run_fd(ctr);
	g_autoptr(Json) run = run_fd < 0 ? NULL : js_load(run_fd, "run.json", MAX_STATE_SIZE, NULL);
	return run && load_process(run, "init", out_pid, out_start);
}

/* One place as the monitor records it. NULL if it makes no sense. */
static ContainerNetwork *load_network(Json *row)
{
	ContainerNetwork *one = g_new0(ContainerNetwork, 1);
	int64_t prefix = 0, prefix6 = 0;
	if (!js_dup_string(row, "name", &one->name, NULL) || !one->name ||
	    !js_dup_string(row, "ip", &one->ip, NULL) ||
	    !js_dup_string(row, "ip6", &one->ip6, NULL) ||
	    !js_dup_string(row, "mac", &one->mac, NULL) ||
	    !js_dup_string(row, "gateway", &one->gateway, NULL) ||
	    !js_dup_string(row, "gateway6", &one->gateway6, NULL) ||
	    !js_dup_string(row, "interface", &one->interface, NULL) ||
	    !js_get_int(row, "prefix", 0, 32, &prefix, NULL) ||
	    !js_get_int(row, "prefix6", 0, 128, &prefix6, NULL)) {
		network_free(one);
		return NULL;
	}
	one->prefix = (int)prefix;
	one->prefix6 = (int)prefix6;
	return one;
}

/* What named networks gave the container: while it runs, its monitor knows where it is. */
static void load_networks(ContainerSummary *s, Json *run)
{
	Json *networks = NULL;
	if (!js_get_array(run, "networks", &networks, NULL) || !networks)
		return;
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(network_free);
	for (size_t i = 0; i < json_object_array_length(networks); i++) {
		Json *row = json_object_array_get_idx(networks, i);
		ContainerNetwork *one =
			json_object_is_type(row, json_type_object) ? load_network(row) : NULL;
		if (one)
			g_ptr_array_add(all, one);
	}
	g_ptr_array_unref(s->networks);
	s->networks = g_steal_pointer(&all);
}

/* What the monitor says of the running container. Return: true if it runs. */
static bool load_run(Container *ctr, GError **error)
{
	if (!open_run(ctr, error))
		return false;
	g_autoptr(Json) run = load_if_there(ctr->run_fd, "run.json", MAX_STATE_SIZE, error);
	if (!run || !life_is_held(ctr, error))
		return false;
	ContainerSummary *s = &ctr->summary;
	int64_t restarts = 0;
	if (!load_process(run, "monitor", &s->monitor_pid, &ctr->monitor_start) ||
	    !load_process(run, "init", &s->pid, &ctr->pid_start))
		return false;
	(void)js_get_int(run, "started", 0, INT64_MAX, &s->started, NULL);
	(void)js_get_int(run, "restarts", 0, G_MAXINT32, &restarts, NULL);
	load_health(s, run);
	s->restart_count = (int)restarts;
	s->finished = 0;
	bool paused = false, held = false;
	(void)js_get_bool(run, "paused", &paused, NULL);
	(void)js_get_bool(run, "held", &held, NULL);
	(void)js_get_bool(run, "oom", &s->oom_killed, NULL);
	(void)js_get_bool(run, "stopping", &s->stopping, NULL);
	s->state = !s->pid  ? CONTAINER_RESTARTING
		   : paused ? CONTAINER_PAUSED
		   : held   ? CONTAINER_INITIALIZED
			    : CONTAINER_RUNNING;
	load_networks(s, run);
	Json *ports = NULL;
	if (js_get_array(run, "ports", &ports, NULL) && ports &&
	    json_object_array_length(ports) > 0) {
		g_autoptr(Json) network = json_object_new_object();
		js_set_string(network, "mode", network_mode_name(s->network_mode));
		js_set_take(network, "ports", json_object_get(ports));
		g_autoptr(NetworkRequest) bound = network_request_from_json(network, NULL);
		if (bound) {
			g_ptr_array_unref(s->ports);
			s->ports = g_ptr_array_ref(bound->ports);
		}
	}
	return true;
}

/*
 * Tell the state from what is there (file comment). Return: false if it was running and nothing
 * says how it ended, or with an error.
 */
static bool tell_state(Container *ctr, GError **error)
{
	ContainerSummary *s = &ctr->summary;
	bool settled = s->state == CONTAINER_CREATED || s->state == CONTAINER_EXITED;
	GError *failed = NULL;
	if (settled && !s->auto_remove)
		return true;
	/* The exit once more: the monitor may have left it, and gone, between the two looks. */
	if (load_exit(ctr, &failed) || (!failed && load_run(ctr, &failed)) ||
	    (!failed && load_exit(ctr, &failed)))
		return true;
	if (failed) {
		g_propagate_error(error, failed);
		return false;
	}
	if (settled)
		return true;
	/* A life without run.json: it is being started, its pids come in a moment. */
	return life_is_held(ctr, error);
}

/* What the name of its directory says, and nothing else. */
static void reset_summary(Container *ctr)
{
	container_summary_clear(&ctr->summary);
	ctr->summary.id = g_strndup(ctr->dir_name, 64);
	ctr->summary.auto_remove = g_str_has_suffix(ctr->dir_name, ".rm");
}

/* A name that leads to it: the one it was created with, unless it was renamed. g_free() it. */
static char *find_name(Container *ctr, const char *created_with)
{
	int names = store_dir(engine_store(ctr->engine), "names");
	g_auto(GStrv) all = record_list(names, NULL);
	g_autofree char *found = NULL;
	for (size_t i = 0; all && all[i]; i++) {
		char target[128];
		ssize_t n = readlinkat(names, all[i], target, sizeof target);
		if (n != 64 || memcmp(target, ctr->summary.id, 64) != 0)
			continue;
		if (strcmp(all[i], created_with) == 0)
			return g_strdup(created_with);
		g_free(found);
		found = g_strdup(all[i]);
	}
	return found ? g_steal_pointer(&found) : g_strdup(created_with);
}

/*
 * state.json is gone or damaged: what create.json says of the container, and that it has ended with
 * a code nobody knows; without a layer of its own it has never run.
 */
static bool load_from_create(Container *ctr)
{
	g_autoptr(GError) failed = NULL;
	const ContainerSpec *spec = container_spec(ctr, &failed);
	ContainerSummary *s = &ctr->summary;
	struct stat st;
	if (!spec || !spec->name)
		return false;
	bool ran = fstatat(container_dir_fd(ctr), "upper", &st, AT_SYMLINK_NOFOLLOW) == 0;
	g_autoptr(GStrvBuilder) volumes = g_strv_builder_new();
	g_autoptr(GStrvBuilder) mounts = g_strv_builder_new();
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (mount->kind == SPEC_MOUNT_VOLUME && mount->source)
			g_strv_builder_add(volumes, mount->source);
		g_strv_builder_add(mounts, mount->destination);
	}
	s->name = find_name(ctr, spec->name);
	/* "Running" without a monitor is told as ended, code unknown. */
	s->state = ran ? CONTAINER_RUNNING : CONTAINER_CREATED;
	s->image_id = g_strdup(spec->image_id);
	s->image_name = g_strdup(spec->image_name ? spec->image_name : spec->image);
	s->command = spec->args ? g_strdupv(spec->args) : g_new0(char *, 1);
	s->created = spec->created;
	s->exit_known = true;
	s->labels = g_hash_table_ref(spec->labels);
	s->ports = g_ptr_array_ref(spec->network->ports);
	s->network_mode = spec->network->mode;
	s->networks = container_networks_of(spec->network);
	s->volume_names = g_strv_builder_end(volumes);
	s->mounts = g_strv_builder_end(mounts);
	s->depends = spec_dependencies(spec);
	s->pod = g_strdup(spec->pod);
	s->pod_name = g_strdup(spec->pod_name);
	s->infra = spec->infra;
	ctr->state_is_lost = true;
	return true;
}

/* Is the container's directory still there, or may it be? */
static bool has_directory(const Container *ctr)
{
	return path_is_there(store_dir(engine_store(ctr->engine), "containers"), ctr->dir_name) !=
	       0;
}

static bool set_removed(const Container *ctr, GError **error)
{
	return error_set(error, ENGINE_ERROR_NOT_FOUND,
			 "container %.12s has been removed: no such container", ctr->dir_name);
}

/* Read state.json into the summary, as it is on disk. */
static bool read_record(Container *ctr, GError **error)
{
	g_autofree char *path = g_strconcat(ctr->dir_name, "/state.json", NULL);
	int containers = store_dir(engine_store(ctr->engine), "containers");
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(containers, path, MAX_STATE_SIZE, &failed);
	reset_summary(ctr);
	bool absent = !json && error_matches(failed, ENGINE_ERROR_NOT_FOUND);
	if (absent && !has_directory(ctr))
		return set_removed(ctr, error);
	bool loaded = json && load_state(&ctr->summary, json, &failed);
	bool newer = error_matches(failed, ENGINE_ERROR_UNSUPPORTED);
	ctr->state_is_lost = false;
	if (!loaded && !newer) {
		reset_summary(ctr);
		loaded = load_from_create(ctr);
	}
	if (!loaded && absent)
		failed->code = ENGINE_ERROR_CORRUPT;
	ctr->recorded = ctr->summary.state;
	if (!loaded) {
		g_propagate_prefixed_error(error, g_steal_pointer(&failed),
					   "container %.12s: ", ctr->dir_name);
		return false;
	}
	return true;
}

static bool load_record(Container *ctr, GError **error)
{
	/* Again: since we read the record its end may have gone from exit.json into it, and it may
	 * have been started once more, with a new runtime directory. */
	for (int attempt = 0; attempt < LOAD_TRIES; attempt++) {
		if (attempt > 0)
			fd_close(&ctr->run_fd);
		if (!read_record(ctr, error))
			return false;
		GError *failed = NULL;
		/* A --rm container is never recorded as running, and its exit goes with it. */
		if (tell_state(ctr, &failed))
			return ctr->summary.state != CONTAINER_CREATED ||
			       !ctr->summary.auto_remove || has_directory(ctr) ||
			       set_removed(ctr, error);
		if (failed) {
			g_propagate_prefixed_error(error, failed,
						   "container %.12s: ", ctr->dir_name);
			return false;
		}
	}
	ctr->summary.state = CONTAINER_EXITED;
	ctr->summary.exit_known = false;
	ctr->summary.exit_code = 255;
	return true;
}

Container *container_open(Engine *engine, const char *dir_name, GError **error)
{
	g_autoptr(Container) ctr = g_new0(Container, 1);
	ctr->engine = engine;
	ctr->dir_fd = ctr->run_fd = -1;
	ctr->dir_name = g_strdup(dir_name);
	return load_record(ctr, error) ? g_steal_pointer(&ctr) : NULL;
}

bool container_reload(Container *ctr, GError **error)
{
	fd_close(&ctr->run_fd);
	return load_record(ctr, error);
}

bool container_save_state(Container *ctr, GError **error)
{
	g_autoptr(Json) json = container_state_to_json(&ctr->summary);
	/* A --rm container's record dies with it; a running one's is told from the runtime record
	 * anyway. */
	bool sync = !ctr->summary.auto_remove && ctr->summary.state != CONTAINER_RUNNING;
	int dir = container_dir(ctr, error);
	if (dir < 0)
		return false;
	return js_save(dir, "state.json", json, sync ? RECORD_SYNC_FULL : RECORD_SYNC_NONE, error);
}

const ContainerSummary *container_summary(const Container *ctr)
{
	return &ctr->summary;
}

Engine *container_engine(const Container *ctr)
{
	return ctr->engine;
}

const ContainerSpec *container_spec(Container *ctr, GError **error)
{
	if (ctr->spec)
		return ctr->spec;
	int dir = container_dir(ctr, error);
	if (dir < 0)
		return NULL;
	g_autoptr(Json) json = js_load(dir, "create.json", MAX_CREATE_SIZE, error);
	if (json)
		ctr->spec = spec_from_json(json, error);
	if (ctr->spec && (!container_apply_update(ctr, ctr->spec, error) ||
			  !container_apply_networks(ctr, ctr->spec, error)))
		g_clear_pointer(&ctr->spec, spec_free);
	if (!ctr->spec)
		g_prefix_error(error, "container %.12s: ", ctr->dir_name);
	return ctr->spec;
}

int container_dir_fd(Container *ctr)
{
	if (ctr->dir_fd < 0)
		ctr->dir_fd = path_open_state(store_dir(engine_store(ctr->engine), "containers"),
					      ctr->dir_name, O_RDONLY | O_DIRECTORY, 0);
	return ctr->dir_fd;
}

int container_dir(Container *ctr, GError **error)
{
	int dir = container_dir_fd(ctr);
	if (dir < 0 && errno == ENOENT)
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "container %.12s was removed: no such container", ctr->dir_name);
	else if (dir < 0)
		error_set_errno(error, "cannot open the record of container %.12s", ctr->dir_name);
	return dir;
}

int container_run_fd(Container *ctr)
{
	if (ctr->run_fd < 0)
		ctr->run_fd = path_open_state(engine_run_containers_fd(ctr->engine),
					      ctr->summary.id, O_RDONLY | O_DIRECTORY, 0);
	return ctr->run_fd;
}

char *container_dir_path(Container *ctr)
{
	return g_build_filename(store_path(engine_store(ctr->engine)), "containers", ctr->dir_name,
				NULL);
}
