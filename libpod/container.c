/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/suggest.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"
#include "libpod/monitor/control.h"
#include "libpod/name.h"
#include "libpod/named_network.h"
#include "libpod/pod.h"
#include "libpod/secret.h"
#include "libpod/spec_resolve.h"
#include "libpod/volume.h"
#include "storage/digest.h"

static int containers_dir(Engine *engine)
{
	return store_dir(engine_store(engine), "containers");
}

/* The directory of full id @id, kept or --rm. NULL without error if absent. g_free() it. */
static char *find_id(Engine *engine, const char *id, GError **error)
{
	g_autofree char *removing = g_strconcat(id, ".rm", NULL);
	const char *const names[] = {removing, id};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		int there = path_is_there(containers_dir(engine), names[i]);
		if (there < 0)
			return error_set_errno_null(error, "cannot look for container %.12s", id);
		if (there)
			return g_strdup(names[i]);
	}
	return NULL;
}

/* The id that names/@name leads to. NULL without error if there is none. g_free() it. */
static char *read_name(Engine *engine, const char *name, GError **error)
{
	char target[128];
	if (!path_name_is_safe(name))
		return NULL;
	int names = store_dir(engine_store(engine), "names");
	ssize_t n = names < 0 ? -1 : readlinkat(names, name, target, sizeof(target) - 1);
	if (n < 0 && errno != ENOENT && errno != EINVAL)
		return error_set_errno_null(error, "cannot read the name '%s'", name);
	if (n != 64)
		return NULL;
	target[n] = '\0';
	return name_is_id(target) ? g_strdup(target) : NULL;
}

/* The directory whose id starts with @prefix. NULL without error if there is none. */
static char *find_prefix(Engine *engine, const char *prefix, GError **error)
{
	if (!prefix[0] || strspn(prefix, "0123456789abcdef") != strlen(prefix) ||
	    strlen(prefix) > 64)
		return NULL;
	g_auto(GStrv) dirs = record_list(containers_dir(engine), error);
	g_autofree char *found = NULL;
	for (size_t i = 0; dirs && dirs[i]; i++) {
		if (!g_str_has_prefix(dirs[i], prefix))
			continue;
		if (found)
			return error_set_null(
				error, ENGINE_ERROR_INVALID,
				"more than one result for container name or ID \"%s\": container "
				"already exists",
				prefix);
		found = g_strdup(dirs[i]);
	}
	return g_steal_pointer(&found);
}

Container *container_lookup(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	name += *name == '/';
	g_autofree char *id = read_name(engine, name, &failed);
	g_autofree char *dir_name = id ? find_id(engine, id, &failed) : NULL;
	if (!dir_name && !failed)
		dir_name = find_prefix(engine, name, &failed);
	if (failed)
		g_propagate_error(error, failed);
	return dir_name ? container_open(engine, dir_name, error) : NULL;
}

/* Nobody has this name: who has one like it? */
static void *set_unknown(Engine *engine, const char *name, GError **error)
{
	error_set(error, ENGINE_ERROR_NOT_FOUND,
		  "no container with name or ID \"%s\" found: no such container", name);
	g_auto(GStrv) names = record_list(store_dir(engine_store(engine), "names"), NULL);
	suggest_add_near(name, names, "skiff ps -a shows all", error);
	return NULL;
}

Container *container_resolve(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	Container *ctr = container_lookup(engine, name, &failed);
	if (!ctr && !failed)
		return set_unknown(engine, name + (*name == '/'), error);
	if (failed)
		g_propagate_error(error, failed);
	return ctr;
}

static gint compare_created(gconstpointer a, gconstpointer b)
{
	const Container *first = *(Container *const *)a;
	const Container *second = *(Container *const *)b;
	if (first->summary.created != second->summary.created)
		return first->summary.created < second->summary.created ? 1 : -1;
	return strcmp(first->summary.id, second->summary.id);
}

/* @strict: a broken one is an error. */
static GPtrArray *list(Engine *engine, bool strict, GError **error)
{
	g_auto(GStrv) dirs = record_list(containers_dir(engine), error);
	if (!dirs)
		return NULL;
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)container_free);
	for (size_t i = 0; dirs[i]; i++) {
		g_autoptr(GError) broken = NULL;
		Container *ctr = container_open(engine, dirs[i], &broken);
		if (ctr) {
			g_ptr_array_add(all, ctr);
		} else if (!error_matches(broken, ENGINE_ERROR_NOT_FOUND)) {
			if (strict) {
				g_propagate_error(error, g_steal_pointer(&broken));
				return NULL;
			}
			log_warn("%s", broken->message);
		}
	}
	g_ptr_array_sort(all, compare_created);
	return g_steal_pointer(&all);
}

GPtrArray *containers_list(Engine *engine, GError **error)
{
	return list(engine, false, error);
}

GPtrArray *containers_list_users(Engine *engine, GError **error)
{
	GPtrArray *all = list(engine, true, error);
	if (!all) {
		g_prefix_error(error, "cannot tell what containers use: ");
		error_add_help(error, "skiff system check --repair");
	}
	return all;
}

Container *container_latest(Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	if (!all)
		return NULL;
	if (all->len == 0)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "no such container");
	return g_ptr_array_steal_index(all, 0);
}

/* What state.json says of a container that was just created. */
static ContainerSummary new_summary(const ContainerSpec *spec, const char *id)
{
	return (ContainerSummary){
		.id = g_strdup(id),
		.name = g_strdup(spec->name),
		.state = CONTAINER_CREATED,
		.image_id = g_strdup(spec->image_id),
		.image_name = g_strdup(spec->image_name ? spec->image_name : spec->image),
		.command = g_strdupv(spec->args),
		.created = g_get_real_time() * 1000,
		.exit_known = true,
		.labels = g_hash_table_ref(spec->labels),
		.depends = spec_dependencies(spec),
		.ports = g_ptr_array_ref(spec->network->ports),
		.network_mode = spec->network->mode,
		.networks = container_networks_of(spec->network),
		.pod = g_strdup(spec->pod),
		.pod_name = g_strdup(spec->pod_name),
		.infra = spec->infra,
	};
}

/* The bytes of a secret: the store's, or those that came with it. secret_wipe() them. */
static char *load_secret(Engine *engine, const SpecSecret *asked, size_t *out_size, GError **error)
{
	if (asked->data)
		return secret_copy(asked->data, out_size);
	g_autoptr(Secret) secret = secret_resolve(engine, asked->id, error);
	return secret ? secret_read(engine, secret, out_size, error) : NULL;
}

/* Secrets that are files: the container has its own from now on, secret rm or not. */
static bool copy_secrets(Engine *engine, int dir, const ContainerSpec *spec, GError **error)
{
	for (guint i = 0; i < spec->secrets->len; i++) {
		SpecSecret *asked = spec->secrets->pdata[i];
		g_autofree char *name = g_strdup_printf("secret.%u", i);
		size_t size = 0;
		if (asked->env || asked->given)
			continue;
		char *data = load_secret(engine, asked, &size, error);
		if (!data)
			return false;
		autofd fd = path_open_state(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		bool written = fd >= 0 && fd_write_all(fd, data, size);
		g_free(asked->digest);
		asked->digest = digest_of(data, size);
		secret_wipe(data, size);
		if (!written || (!spec->remove && fsync(fd) < 0))
			return error_set_errno(error, "cannot copy secret %s", asked->name);
	}
	return true;
}

/* The staged directory, with all that its name does not change. Return: descriptor or -1. */
static int stage_container(Engine *engine, StoreStage *stage, ContainerSpec *spec, GError **error)
{
	autofd dir = path_mkdirs_state(store_stage_fd(stage), CONTAINER_STAGED);
	autofd readable = dir < 0 ? -1
				  : path_open_state(store_stage_fd(stage), CONTAINER_STAGED,
						    O_RDONLY | O_DIRECTORY, 0);
	if (readable < 0) {
		error_set_errno(error, "cannot make the container's directory");
		return -1;
	}
	return copy_secrets(engine, readable, spec, error) ? fd_steal(&readable) : -1;
}

/* The two records. */
static bool write_records(int dir, const ContainerSpec *spec, const ContainerSummary *s,
			  GError **error)
{
	static const char *const names[] = {"create.json", "state.json", NULL};
	g_autoptr(Json) create = spec_to_json(spec);
	g_autoptr(Json) state = container_state_to_json(s);
	return js_save(dir, "create.json", create, RECORD_SYNC_NONE, error) &&
	       js_save(dir, "state.json", state, RECORD_SYNC_NONE, error) &&
	       (spec->remove || records_sync(dir, names, error));
}

bool container_find_holder(Engine *engine, const char *name, char **out_id, GError **error)
{
	GError *failed = NULL;
	g_autofree char *id = read_name(engine, name, &failed);
	g_autofree char *dir_name = id ? find_id(engine, id, &failed) : NULL;
	if (failed) {
		g_propagate_error(error, failed);
		return false;
	}
	*out_id = dir_name ? g_steal_pointer(&id) : NULL;
	return true;
}

/* Give the staged directory its place and its name, under the lock of all names. */
static bool publish(Engine *engine, StoreStage *stage, const char *name, const char *id,
		    const char *dir_name, GError **error)
{
	int names = store_dir(engine_store(engine), "names");
	g_autoptr(RecordLock) lock = record_lock(names, ".lock", false, -1, "create", error);
	if (!lock)
		return false;
	g_autofree char *holder = NULL;
	if (!container_find_holder(engine, name, &holder, error))
		return false;
	if (holder) {
		error_set(error, ENGINE_ERROR_EXISTS,
			  "creating container storage: the container name \"%s\" is already in use "
			  "by %s. You have "
			  "to remove that container to be able to reuse that name: that name is "
			  "already in use",
			  name, holder);
		error_add_help(error, "skiff rm %s, or run with --replace", name);
		return false;
	}
	if (pod_name_is_taken(engine, name))
		return error_set(error, ENGINE_ERROR_EXISTS,
				 "name \"%s\" is in use: pod already exists", name);
	int containers = containers_dir(engine);
	if (containers < 0)
		return error_set_errno(error, "cannot record container %s", id);
	(void)unlinkat(names, name, 0);
	if (symlinkat(id, names, name) < 0)
		return error_set_errno(error, "cannot record the name '%s'", name);
	if (renameat(store_stage_fd(stage), CONTAINER_STAGED, containers, dir_name) < 0) {
		error_set_errno(error, "cannot record container %s", id);
		(void)unlinkat(names, name, 0);
		return false;
	}
	return true;
}

/* --replace: take the holder of the name away first; one whose id begins like it is none. */
static bool replace_holder(Engine *engine, const char *name, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char *id = NULL;
	if (!container_find_holder(engine, name, &id, error))
		return false;
	g_autoptr(Container) holder = id ? container_lookup(engine, id, &failed) : NULL;
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (!holder)
		return true;
	ContainerRemove options = {.force = true, .timeout_s = -1};
	return container_remove(holder, &options, error);
}

/* Create under the spec's name, or under generated ones until one is free. */
static bool publish_named(Engine *engine, ContainerSpec *spec, ContainerSummary *s,
			  const char *dir_name, char *const *anonymous, GError **error)
{
	bool generated = spec->name == NULL;
	g_autoptr(StoreStage) stage = store_stage_new(engine_store(engine), error);
	autofd dir = stage ? stage_container(engine, stage, spec, error) : -1;
	/* In this order: see container_volumes.c. */
	if (dir < 0 || !container_list_volumes(stage, anonymous, error) ||
	    !container_make_volumes(engine, spec, anonymous, error))
		return false;
	for (int attempt = 0;; attempt++) {
		if (generated) {
			g_free(spec->name);
			spec->name = name_generate();
			g_free(s->name);
			s->name = g_strdup(spec->name);
		}
		if (!write_records(dir, spec, s, error))
			return false;
		g_autoptr(GError) failed = NULL;
		if (publish(engine, stage, spec->name, s->id, dir_name, &failed))
			return true;
		if (!generated || attempt == 20 || !error_matches(failed, ENGINE_ERROR_EXISTS)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
}

/* They were there when the spec was resolved; from here on they stay. */
static bool check_networks(Engine *engine, const ContainerSpec *spec, GError **error)
{
	for (guint i = 0; i < spec->network->attachments->len; i++) {
		const NetworkAttachment *one = spec->network->attachments->pdata[i];
		g_autoptr(NamedNetwork) network = named_network_resolve(engine, one->name, error);
		if (!network)
			return false;
	}
	return true;
}

/* The pod was there when the spec was resolved. Its infra container comes before it. */
static bool check_pod(Engine *engine, const ContainerSpec *spec, GError **error)
{
	return spec->infra || pod_is_there(engine, spec->pod_name, spec->pod) ||
	       error_set(error, ENGINE_ERROR_NOT_FOUND,
			 "no pod with name or ID %s found: no such pod", spec->pod_name);
}

/* rmi, network rm, volume rm and pod rm look for users while nobody can become one. */
static bool record_pinned(Engine *engine, ContainerSpec *spec, ContainerSummary *s,
			  const char *dir_name, char *const *anonymous, GError **error)
{
	g_autoptr(RecordLock) pods = spec->pod ? pods_pin(engine, error) : NULL;
	if (spec->pod && (!pods || !check_pod(engine, spec, error)))
		return false;
	g_autoptr(RecordLock) image =
		spec->image_id ? image_pin(engine_store(engine), spec->image_id, error) : NULL;
	g_autoptr(RecordLock) volumes = spec->mounts->len > 0 ? volumes_pin(engine, error) : NULL;
	bool named = spec->network->mode == NETWORK_NAMED;
	g_autoptr(RecordLock) networks = named ? named_networks_pin(engine, error) : NULL;
	return (image || !spec->image_id) && (volumes || spec->mounts->len == 0) &&
	       (!named || (networks && check_networks(engine, spec, error))) &&
	       publish_named(engine, spec, s, dir_name, anonymous, error);
}

/* Mark those the new container depends on, before it can be seen: see container_remove(). */
static bool mark_dependencies(Engine *engine, char **ids, GError **error)
{
	for (char **id = ids; id && *id; id++) {
		g_autoptr(Container) ctr = container_resolve(engine, *id, error);
		int dir = ctr ? container_dir(ctr, error) : -1;
		if (dir < 0)
			return false;
		autofd fd = path_open_state(dir, CONTAINER_NEEDED, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			return error_set_errno(error, "cannot mark container %s", *id);
	}
	return true;
}

/* The bytes of secrets are in no record. */
static void hand_data(const ContainerSpec *asked, ContainerSpec *copy)
{
	for (guint i = 0; i < asked->secrets->len; i++) {
		const SpecSecret *from = asked->secrets->pdata[i];
		SpecSecret *to = copy->secrets->pdata[i];
		to->data = from->data ? g_bytes_ref(from->data) : NULL;
	}
}

Container *container_create(Engine *engine, const ContainerSpec *asked, GError **error)
{
	log_step(6, __func__);
	/* Anonymous volumes and a generated name are filled in on a copy: the caller's spec stays
	 * as it is. */
	g_autoptr(Json) json = spec_to_json(asked);
	g_autoptr(ContainerSpec) spec = spec_from_json(json, error);
	if (!spec || (asked->name && !name_check(asked->name, error)))
		return NULL;
	hand_data(asked, spec);
	if (asked->replace && spec->name && !replace_holder(engine, spec->name, error))
		return NULL;

	g_autoptr(RecordLock) ids = NULL;
	if (spec->userns == SPEC_USERNS_AUTO && !(ids = spec_reserve_ids(engine, spec, error)))
		return NULL;
	g_autofree char *id = name_new_id();
	g_autofree char *dir_name = spec->remove ? g_strconcat(id, ".rm", NULL) : g_strdup(id);
	ContainerSummary s = new_summary(spec, id);
	spec->created = s.created;
	g_auto(GStrv) anonymous = container_name_volumes(spec, &s);
	bool ok = mark_dependencies(engine, s.depends, error) &&
		  record_pinned(engine, spec, &s, dir_name, anonymous, error);
	if (!ok)
		container_undo_volumes(engine, anonymous);
	if (ok && !spec->remove && fsync(containers_dir(engine)) < 0)
		ok = error_set_errno(error, "cannot sync the containers' directory");
	container_summary_clear(&s);
	Container *ctr = ok ? container_open(engine, dir_name, error) : NULL;
	if (ctr)
		event_container(engine, ctr, "create");
	return ctr;
}

GArray *container_processes(Container *ctr, GError **error)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	struct stat ours;
	g_autofree char *ns = g_strdup_printf("/proc/%d/ns/mnt", ctr->summary.pid);
	if (!container_is_live(ctr) || ctr->summary.pid == 0 || stat(ns, &ours) < 0)
		return pids;
	autofd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(GStrv) entries = proc < 0 ? NULL : record_list(proc, error);
	for (size_t i = 0; entries && entries[i]; i++) {
		pid_t pid = (pid_t)g_ascii_strtoll(entries[i], NULL, 10);
		g_autofree char *path = g_strdup_printf("%s/ns/mnt", entries[i]);
		struct stat st;
		if (pid > 0 && fstatat(proc, path, &st, 0) == 0 && st.st_ino == ours.st_ino)
			g_array_append_val(pids, pid);
	}
	return pids;
}
