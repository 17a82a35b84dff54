/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/compose/compose_hooks.h"
#include "cmd/compose/compose_progress.h"
#include "cmd/compose/compose_state.h"
#include "cmd/compose/compose_up.h"
#include "cmd/compose/watch_rule.h"
#include "cmd/compose/watch_tree.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/wall.h"
#include "libpod/copy_sync.h"
#include "libpod/image_users.h"
#include "libpod/rootless.h"

#define QUIET_MS  200  /* without a change, and what came is done */
#define LATEST_MS 2000 /* it is done by then, however busy it is */

typedef struct {
	const ComposeWatch *options;
	GPtrArray *rules; /* of WatchRule */
	WatchTree *tree;
} Watch;

/* A line on standard error, below what is drawn there. */
G_GNUC_PRINTF(1, 2) static void say(const char *format, ...)
{
	va_list args;
	compose_progress_end();
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

static void free_rule(void *rule)
{
	watch_rule_free(rule);
}

static void watch_clear(Watch *watch)
{
	g_clear_pointer(&watch->rules, g_ptr_array_unref);
	watch_tree_free(watch->tree);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Watch, watch_clear)

static GHashTable *new_set(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

/* Is it, or is it below, what a bind mount of the service shows anyway? */
static bool is_bound(const WatchRule *rule)
{
	const Node *mounts = node_get(watch_rule_service(rule)->value, "volumes");
	const char *target = node_string(watch_rule_node(rule), "target");
	for (size_t i = 0; i < node_count(mounts); i++) {
		const Node *mount = node_item(mounts, i);
		const char *there = node_string(mount, "target");
		size_t length = there ? strlen(there) : 0;
		if (there && g_strcmp0(node_string(mount, "type"), "bind") == 0 &&
		    strncmp(target, there, length) == 0 &&
		    (target[length] == '/' || target[length] == '\0'))
			return true;
	}
	return false;
}

static bool read_rules(const ComposeWatch *options, GPtrArray *rules, GError **error)
{
	const Node *services = node_get(options->project->model, "services");
	const char *const *named = options->services;
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *service = node_entry(services, i);
		const Node *list = node_get(node_get(service->value, "develop"), "watch");
		if (named && named[0] && !g_strv_contains(named, service->key))
			continue;
		for (size_t r = 0; r < node_count(list); r++) {
			g_autoptr(WatchRule) rule =
				watch_rule_new(service, node_item(list, r), error);
			if (!rule)
				return false;
			if (!watch_rule_syncs(rule) || !is_bound(rule))
				g_ptr_array_add(rules, g_steal_pointer(&rule));
			else
				log_warn("path '%s' also declared by a bind mount volume, this "
					 "path won't be monitored!",
					 watch_rule_path(rule));
		}
	}
	return rules->len > 0 || error_set(error, ENGINE_ERROR_INVALID,
					   "none of the selected services is configured for "
					   "watch: they have no develop.watch");
}

bool compose_watch_check(const ComposeWatch *options, GError **error)
{
	g_autoptr(GPtrArray) rules = g_ptr_array_new_with_free_func(free_rule);
	return read_rules(options, rules, error);
}

static bool prunes(const char *directory, void *data)
{
	const Watch *watch = data;
	for (guint i = 0; i < watch->rules->len; i++)
		if (!watch_rule_prunes(watch->rules->pdata[i], directory))
			return false;
	return true;
}

/* Containers that run of a service; borrowed from *out_state, which the caller frees. */
static GPtrArray *running(const Watch *watch, const WatchRule *rule, GPtrArray **out_state,
			  GError **error)
{
	const char *const names[] = {watch_rule_service(rule)->key, NULL};
	*out_state =
		compose_state_list(watch->options->engine, watch->options->project->name, error);
	GPtrArray *list = *out_state ? compose_state_select(*out_state, names, false) : NULL;
	for (guint i = list ? list->len : 0; i-- > 0;)
		if (!compose_state_runs(((ComposeContainer *)list->pdata[i])->ctr))
			g_ptr_array_remove_index(list, i);
	return list;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The paths of @changed that are the rule's, directories before what is in them. */
static GPtrArray *choose(const WatchRule *rule, GHashTable *changed)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter iter;
	void *path = NULL;
	g_hash_table_iter_init(&iter, changed);
	while (g_hash_table_iter_next(&iter, &path, NULL))
		if (watch_rule_matches(rule, path))
			g_ptr_array_add(list, path);
	g_ptr_array_sort(list, compare_paths);
	return list;
}

/* A link goes there as one, as docker compose has it: what it leads to may be anywhere on the host.
 * Only the rule's own path is the user's word: a link there is followed. */
static bool sync_all(const WatchRule *rule, const GPtrArray *items, const GPtrArray *paths,
		     GError **error)
{
	for (guint i = 0; i < items->len; i++) {
		g_autoptr(CopySync) sync =
			copy_sync_open(((ComposeContainer *)items->pdata[i])->ctr, error);
		if (!sync)
			return false;
		for (guint p = 0; p < paths->len; p++) {
			const char *path = paths->pdata[p];
			g_autofree char *target = watch_rule_target(rule, path);
			bool follow = strcmp(path, watch_rule_path(rule)) == 0 ||
				      !wall_stands("watched-links");
			if (!copy_sync_path(sync, path, target, follow, error))
				return false;
		}
	}
	return true;
}

static bool restart_all(const Watch *watch, const WatchRule *rule, const GPtrArray *items,
			GError **error)
{
	const NodeEntry *service = watch_rule_service(rule);
	for (guint i = 0; i < items->len; i++) {
		Container *ctr = ((ComposeContainer *)items->pdata[i])->ctr;
		g_autoptr(GError) failed = NULL;
		if (!compose_hooks_run(watch->options->engine, ctr, service, "pre_stop", &failed))
			log_warn("%s", failed->message);
		if (!container_stop(ctr, &(ContainerStop){.timeout_s = -1}, error))
			return false;
		g_autoptr(Container) now = compose_state_reload(watch->options->engine, ctr);
		if (!now ||
		    !container_start(now, &(ContainerStart){.detached = true}, NULL, error) ||
		    !compose_hooks_run(watch->options->engine, now, service, "post_start", error))
			return false;
	}
	say("service \"%s\" restarted", service->key);
	return true;
}

/* The old image goes unless it has a name or a user. */
static void prune_image(const Watch *watch, const char *id)
{
	Engine *engine = watch->options->engine;
	g_autoptr(GError) failed = NULL;
	g_autoptr(Image) image = id ? image_lookup(engine_store(engine), id, NULL) : NULL;
	if (!image || image->names[0] || !watch->options->prune)
		return;
	if (!image_users_remove(engine, image, false, &failed) ||
	    !rootless_empty_trash(engine, &failed))
		log_debug("%s", failed->message);
}

/* Build the image, and give the service new containers. */
static bool rebuild(const Watch *watch, const WatchRule *rule, const GPtrArray *items,
		    GError **error)
{
	const char *name = watch_rule_service(rule)->key;
	const char *const services[] = {name, NULL};
	const ComposeUp up = {
		.no_deps = true,
		.stop_timeout_s = -1,
		.images = {.global = watch->options->global,
			   .build = true,
			   .quiet_build = watch->options->quiet},
		.services = services,
	};
	const ComposeContainer *first = items->len ? items->pdata[0] : NULL;
	g_autofree char *old = first ? g_strdup(container_summary(first->ctr)->image_id) : NULL;
	g_autoptr(GError) failed = NULL;
	int status = 0;
	say("Rebuilding service \"%s\" after changes were detected...", name);
	if (!compose_up(watch->options->engine, watch->options->project, &up, &status, &failed))
		return failed ? (g_propagate_error(error, g_steal_pointer(&failed)), false)
			      : error_set(error, ENGINE_ERROR_BAD_STATE,
					  "the build of service \"%s\" failed", name);
	prune_image(watch, old);
	say("service \"%s\" successfully built", name);
	return true;
}

/* What a rule does with the paths that are its own. */
static bool act(const Watch *watch, const WatchRule *rule, const GPtrArray *paths, GError **error)
{
	const NodeEntry *service = watch_rule_service(rule);
	g_autoptr(GPtrArray) state = NULL;
	g_autoptr(GPtrArray) items = running(watch, rule, &state, error);
	if (!items)
		return false;
	if (watch_rule_says(rule, "rebuild"))
		return rebuild(watch, rule, items, error);
	if (watch_rule_syncs(rule)) {
		say("Syncing service \"%s\" after %u changes were detected", service->key,
		    paths->len);
		if (!sync_all(rule, items, paths, error))
			return false;
	}
	if (watch_rule_says(rule, "restart"))
		return restart_all(watch, rule, items, error);
	const Node *hook = node_get(watch_rule_node(rule), "exec");
	for (guint i = 0; watch_rule_says(rule, "exec") && i < items->len; i++)
		if (!compose_hook_run(watch->options->engine,
				      ((ComposeContainer *)items->pdata[i])->ctr, service->key,
				      hook ? hook : watch_rule_node(rule), error))
			return false;
	return true;
}

/* A line of its own for each of the error's. */
static void warn(const WatchRule *rule, const GError *failed)
{
	g_auto(GStrv) lines = g_strsplit(failed->message, "\n", -1);
	for (char **line = lines; *line; line++)
		log_warn("watch: service %s: %s", watch_rule_service(rule)->key, *line);
}

/* Let each rule act. A service that was built anew has all that others would copy into it. */
static void act_all(const Watch *watch, GHashTable *changed)
{
	g_autoptr(GHashTable) rebuilt = g_hash_table_new(g_str_hash, g_str_equal);
	for (int pass = 0; pass < 2; pass++) {
		for (guint i = 0; i < watch->rules->len; i++) {
			const WatchRule *rule = watch->rules->pdata[i];
			const char *name = watch_rule_service(rule)->key;
			bool builds = watch_rule_says(rule, "rebuild");
			g_autoptr(GError) failed = NULL;
			g_autoptr(GPtrArray) paths = choose(rule, changed);
			if (builds != (pass == 0) || paths->len == 0 ||
			    g_hash_table_contains(rebuilt, name))
				continue;
			if (!act(watch, rule, paths, &failed))
				warn(rule, failed);
			else if (builds)
				g_hash_table_add(rebuilt, (void *)name);
		}
	}
}

/* Everything that a rule could copy; @initial: only those that ask for it at the beginning. */
static void list_all(const Watch *watch, bool initial, GHashTable *out)
{
	for (guint i = 0; i < watch->rules->len; i++) {
		const WatchRule *rule = watch->rules->pdata[i];
		if (!initial || node_true(watch_rule_node(rule), "initial_sync"))
			watch_tree_list(watch->tree, watch_rule_path(rule), out);
	}
}

/* At the beginning files are copied, and nothing else is done. */
static void sync_initially(const Watch *watch)
{
	g_autoptr(GHashTable) all = new_set();
	list_all(watch, true, all);
	for (guint i = 0; i < watch->rules->len; i++) {
		const WatchRule *rule = watch->rules->pdata[i];
		g_autoptr(GPtrArray) state = NULL;
		g_autoptr(GError) failed = NULL;
		if (!watch_rule_syncs(rule) || !node_true(watch_rule_node(rule), "initial_sync"))
			continue;
		g_autoptr(GPtrArray) items = running(watch, rule, &state, &failed);
		g_autoptr(GPtrArray) paths = choose(rule, all);
		if (!items || !sync_all(rule, items, paths, &failed))
			warn(rule, failed);
	}
}

/* All there is; again where changes were lost: a directory may have come with them. */
static bool watch_all(const Watch *watch, GError **error)
{
	for (guint i = 0; i < watch->rules->len; i++)
		if (!watch_tree_add(watch->tree, watch_rule_path(watch->rules->pdata[i]), error))
			return false;
	return true;
}

/* Collect changes until it is quiet. Return: false at a signal, or with @error. */
static bool collect(const Watch *watch, int signals, GHashTable *changed, GError **error)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			       {.fd = watch_tree_fd(watch->tree), .events = POLLIN}};
	int64_t latest = 0;
	for (;;) {
		bool waiting = g_hash_table_size(changed) == 0, lost = false;
		if (!waiting && latest == 0)
			latest = g_get_monotonic_time() + LATEST_MS * 1000;
		int n = poll(fds, G_N_ELEMENTS(fds), waiting ? -1 : QUIET_MS);
		if (n < 0 && errno != EINTR)
			return error_set_errno(error, "poll");
		struct signalfd_siginfo info;
		if (n > 0 && fds[0].revents && read(signals, &info, sizeof info) > 0)
			return false;
		if (n > 0 && !watch_tree_read(watch->tree, changed, &lost, error))
			return false;
		if (lost && !watch_all(watch, error))
			return false;
		if (lost)
			list_all(watch, false, changed);
		if (!waiting && (n == 0 || g_get_monotonic_time() > latest))
			return true;
	}
}

static bool follow(const Watch *watch, int signals, GError **error)
{
	for (;;) {
		g_autoptr(GHashTable) changed = new_set();
		g_autoptr(GError) failed = NULL;
		if (!collect(watch, signals, changed, &failed)) {
			bool ok = failed == NULL;
			if (failed)
				g_propagate_error(error, g_steal_pointer(&failed));
			return ok;
		}
		act_all(watch, changed);
	}
}

static void block_signals(sigset_t *set, sigset_t *old)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, set, old);
}

bool compose_watch_run(const ComposeWatch *options, GError **error)
{
	sigset_t set, old;
	g_auto(Watch) watch = {
		.options = options,
		.rules = g_ptr_array_new_with_free_func(free_rule),
	};
	if (!read_rules(options, watch.rules, error) ||
	    !(watch.tree = watch_tree_new(prunes, &watch, error)))
		return false;
	if (!watch_all(&watch, error))
		return false;
	block_signals(&set, &old);
	autofd signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	bool ok = signals >= 0 || error_set_errno(error, "signalfd");
	if (ok) {
		/* It goes on for hours: what is done is told in lines. */
		compose_progress_end();
		compose_progress_inherit();
		sync_initially(&watch);
		say("Watch enabled");
		ok = follow(&watch, signals, error);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return ok;
}
