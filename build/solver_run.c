/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN: a container that goes when it ends, on the layers so far, writing into the step's layer.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/copy.h"
#include "build/dockerfile_words.h"
#include "build/run_mount.h"
#include "build/solver_priv.h"
#include "libpod/attach.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/units.h"
#include "libpod/container.h"
#include "libpod/rootless.h"
#include "libpod/secret.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_resolve.h"
#include "storage/build_cache.h"
#include "storage/build_layer.h"

#define SSH_TARGET    "/run/buildkit/ssh_agent."
#define SCRIPT_TARGET "/dev/pipes/"
#define CACHE_WAIT_MS 3600000

/* A place that the step mounts something at. */
typedef struct {
	char *path;
	bool is_dir;
} Place;

/* One RUN, prepared before the cache is asked. */
typedef struct {
	const Instruction *i;
	char **args;
	ContainerSpec *spec;
	GPtrArray *places;   /* Place *: where it mounts */
	GPtrArray *secrets;  /* GBytes *, of the spec's, in their order */
	GPtrArray *locks;    /* RecordLock *: caches that are this step's alone */
	GPtrArray *mounts;   /* RunMount * of type cache: opened when it really runs */
	GPtrArray *writable; /* SpecMount *, borrowed: binds whose changes are thrown away */
	char *script;        /* of a heredoc that begins with "#!" */
} RunStep;

static void free_place(void *data)
{
	Place *place = data;
	g_free(place->path);
	g_free(place);
}

static void unlock(void *lock)
{
	record_unlock(lock);
}

/* Nothing of a secret stays in memory that somebody else gets. */
static void wipe_bytes(void *data)
{
	gsize size = 0;
	char *secret = g_bytes_unref_to_data(data, &size);
	secret_wipe(secret, size);
}

static void run_step_clear(RunStep *step)
{
	g_strfreev(step->args);
	spec_free(step->spec);
	g_clear_pointer(&step->places, g_ptr_array_unref);
	g_clear_pointer(&step->secrets, g_ptr_array_unref);
	g_clear_pointer(&step->locks, g_ptr_array_unref);
	g_clear_pointer(&step->mounts, g_ptr_array_unref);
	g_clear_pointer(&step->writable, g_ptr_array_unref);
	g_free(step->script);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunStep, run_step_clear)

static void add_place(RunStep *step, const char *path, bool is_dir)
{
	Place *place = g_new0(Place, 1);
	place->path = g_strdup(path);
	place->is_dir = is_dir;
	g_ptr_array_add(step->places, place);
}

/* --- secrets --- */

void build_secret_free(void *data)
{
	BuildSecret *secret = data;
	if (!secret)
		return;
	g_free(secret->id);
	g_free(secret->file);
	g_free(secret->env);
	g_free(secret);
}

/* One "key=value" of --secret. */
static bool set_secret_key(BuildSecret *secret, const char *part, const char **type, GError **error)
{
	const char *value = strchr(part, '=');
	size_t size = value ? (size_t)(value - part) : 0;
	char **field = NULL;
	if (size == 2 && strncmp(part, "id", size) == 0)
		field = &secret->id;
	if (size == 3 && (strncmp(part, "src", size) == 0 || strncmp(part, "env", size) == 0))
		field = part[0] == 's' ? &secret->file : &secret->env;
	if (size == 6 && strncmp(part, "source", size) == 0)
		field = &secret->file;
	if (size == 4 && strncmp(part, "type", size) == 0) {
		*type = value + 1;
		return strcmp(*type, "file") == 0 || strcmp(*type, "env") == 0 ||
		       error_set(error, ENGINE_ERROR_INVALID, "invalid secret type: \"%s\"", *type);
	}
	if (!field || !value[1])
		return error_set(error, ENGINE_ERROR_INVALID,
				 "incorrect secret flag format: should be --secret "
				 "id=foo,src=bar[,env=ENV][,type=file|env]");
	g_free(*field);
	*field = g_strdup(value + 1);
	return true;
}

BuildSecret *build_secret_parse(const char *text, GError **error)
{
	BuildSecret *secret = g_new0(BuildSecret, 1);
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	const char *type = NULL;
	bool ok = true;
	for (char **part = parts; ok && *part; part++)
		ok = set_secret_key(secret, *part, &type, error);
	if (ok && !secret->id)
		ok = error_set(error, ENGINE_ERROR_INVALID,
			       "incorrect secret flag format: should be --secret "
			       "id=foo,src=bar[,env=ENV][,type=file|env]");
	if (ok && type && strcmp(type, "env") == 0 && secret->file && !secret->env)
		secret->env = g_steal_pointer(&secret->file);
	/* As in docker: a variable of that name, else a file of it. */
	if (ok && !secret->file && !secret->env) {
		bool is_env = g_getenv(secret->id) && g_strcmp0(type, "file") != 0;
		*(is_env ? &secret->env : &secret->file) = g_strdup(secret->id);
	}
	if (ok)
		return secret;
	build_secret_free(secret);
	return NULL;
}

static const BuildSecret *find_secret(const Build *build, const char *id)
{
	const GPtrArray *all = build->options->secrets;
	for (guint i = 0; all && i < all->len; i++)
		if (strcmp(((const BuildSecret *)all->pdata[i])->id, id) == 0)
			return all->pdata[i];
	return NULL;
}

static GBytes *read_secret(const BuildSecret *secret, GError **error)
{
	size_t size = 0;
	if (secret->env) {
		const char *value = g_getenv(secret->env);
		if (!value)
			return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
					      "secret %s: no variable %s", secret->id, secret->env);
		return g_bytes_new(value, strlen(value));
	}
	/* lint: allow open: the user's own file */
	autofd fd = open(secret->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_set_errno_null(error, "secret %s: open %s", secret->id, secret->file);
	char *data = fd_read_all(fd, SECRET_SIZE_MAX, &size, error);
	return data ? g_bytes_new_take(data, size) : NULL;
}

static SpecSecret *new_secret(RunStep *step, const RunMount *mount, const char *id, bool is_env)
{
	SpecSecret *secret = g_new0(SpecSecret, 1);
	secret->name = g_strdup(id);
	secret->given = true;
	secret->env = is_env;
	secret->uid = (uint32_t)MAX(mount->uid, 0);
	secret->gid = (uint32_t)MAX(mount->gid, 0);
	secret->mode = mount->mode < 0 ? 0400 : (uint32_t)mount->mode;
	g_ptr_array_add(step->spec->secrets, secret);
	return secret;
}

/* A secret becomes a file, a variable, or both. */
static bool add_secret(StageRun *run, RunStep *step, const RunMount *mount, GError **error)
{
	g_autofree char *base = mount->target ? g_path_get_basename(mount->target) : NULL;
	const char *id = mount->id ? mount->id : base;
	if (!id)
		return error_set(error, ENGINE_ERROR_INVALID, "a secret needs an id or a target");
	const BuildSecret *found = find_secret(run->build, id);
	if (!found)
		return !mount->required || error_set(error, ENGINE_ERROR_NOT_FOUND,
						     "secret required but no secret with id %s "
						     "found",
						     id);
	GBytes *bytes = read_secret(found, error);
	if (!bytes)
		return false;
	if (mount->env) {
		new_secret(step, mount, id, true)->target = g_strdup(mount->env);
		g_ptr_array_add(step->secrets, g_bytes_ref(bytes));
	}
	if (mount->target || !mount->env) {
		g_autofree char *target = mount->target
						  ? g_build_filename("/", mount->target, NULL)
						  : g_build_filename("/run/secrets", id, NULL);
		SpecSecret *secret = new_secret(step, mount, id, false);
		secret->target = path_clean(target);
		bool common = g_str_has_prefix(secret->target, "/run/secrets/");
		add_place(step, common ? "/run/secrets" : secret->target, common);
		g_ptr_array_add(step->secrets, g_bytes_ref(bytes));
	}
	wipe_bytes(bytes);
	return true;
}

/* --- mounts --- */

/* Where a mount goes: relative ones are below the working directory. */
static char *mount_target(StageRun *run, const RunMount *mount)
{
	const char *workdir = build_state_string(run->state, "WorkingDir");
	g_autofree char *full = *mount->target == '/'
					? g_strdup(mount->target)
					: g_build_filename("/", workdir, mount->target, NULL);
	return path_clean(full);
}

static SpecMount *add_mount(RunStep *step, SpecMountKind kind, const char *source, char *target,
			    bool is_dir)
{
	SpecMount *mount = spec_mount_new(kind, source, target);
	add_place(step, target, is_dir);
	g_ptr_array_add(step->spec->mounts, mount);
	return mount;
}

/* The path of an open descriptor. NULL with @error. */
static char *fd_path(int fd, GError **error)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	char *path = g_file_read_link(link, NULL);
	return path ? path : error_set_errno_null(error, "cannot name a directory");
}

/* What a bind of a context holds, for the key. */
static char *bind_checksum(StageRun *run, int root_fd, const char *source, GError **error)
{
	const char *const sources[] = {source, NULL};
	const CopySpec spec = {
		.sources = sources,
		.dest = "/",
		.root_fd = root_fd,
		.unpack = -1,
		.env = run->build->options->fetch,
	};
	g_autoptr(CopyPlan) plan = copy_plan_new(&spec, error);
	g_autoptr(FileList) list =
		plan ? copy_plan_checksum(plan, run->build->stat_cache, error) : NULL;
	return list ? file_list_digest(list) : NULL;
}

/* A directory or file of a context. */
static bool bind_context(StageRun *run, RunStep *step, const RunMount *mount, BuildContext *context,
			 CacheKey *key, GError **error)
{
	const char *source = mount->source && *mount->source ? mount->source : ".";
	autofd from = path_open_in_root(context_root_fd(context), source, O_PATH, 0);
	struct stat st;
	if (from < 0 || fstat(from, &st) < 0)
		return error_set_errno(error, "--mount source '%s'", source);
	g_autofree char *path = fd_path(from, error);
	g_autofree char *digest =
		path ? bind_checksum(run, context_root_fd(context), source, error) : NULL;
	if (!digest)
		return false;
	g_autofree char *target = mount_target(run, mount);
	bool is_dir = S_ISDIR(st.st_mode);
	SpecMount *bind = add_mount(step, SPEC_MOUNT_BIND, path, target, is_dir);
	cache_key_add(key, "mounted files", digest);
	if (mount->read_only) {
		bind->read_only = true;
		return true;
	}
	if (!is_dir)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "--mount=type=bind,rw of a file is not supported yet");
	bind->overlay = true;
	g_ptr_array_add(step->writable, bind);
	return true;
}

/* All files of a stage or an image. */
static bool bind_layers(StageRun *run, RunStep *step, const RunMount *mount,
			const StageSource *source, CacheKey *key, GError **error)
{
	g_autoptr(BuildState) owned = NULL;
	const BuildState *state = solver_source_state(run, source, &owned, error);
	if (!state)
		return false;
	g_autofree char *from = g_build_filename("/", mount->source ? mount->source : "/", NULL);
	g_autofree char *clean = path_clean(from);
	g_autofree char *target = mount_target(run, mount);
	g_autofree const char **layers = build_state_layers(state);
	if (!layers[0])
		return error_set(error, ENGINE_ERROR_INVALID, "--mount from=%s: it has no files",
				 source->name);
	if (strcmp(clean, "/") != 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "--mount=type=bind,from=%s with a source is not supported yet: "
				 "mount all of it, or COPY --from",
				 source->name);
	SpecMount *bind = add_mount(step, SPEC_MOUNT_IMAGE, NULL, target, true);
	bind->layers = g_strdupv((char **)layers);
	bind->read_only = mount->read_only;
	cache_key_add(key, "mounted layers", build_state_top(state));
	return true;
}

static bool add_bind(StageRun *run, RunStep *step, const RunMount *mount, CacheKey *key,
		     GError **error)
{
	if (!mount->from || !*mount->from)
		return bind_context(run, step, mount, run->build->context, key, error);
	const StageSource *source = solver_next_source(run);
	if (source->kind != STAGE_SOURCE_CONTEXT)
		return bind_layers(run, step, mount, source, key, error);
	BuildContext *context = solver_named_context(run->build, source->name, error);
	return context && bind_context(run, step, mount, context, key, error);
}

static bool add_ssh(StageRun *run, RunStep *step, const RunMount *mount, GError **error)
{
	const char *socket = run->build->options->ssh_socket;
	if (!socket)
		return !mount->required || error_set(error, ENGINE_ERROR_NOT_FOUND,
						     "ssh required but no --ssh was given");
	g_autofree char *target = mount->target
					  ? mount_target(run, mount)
					  : g_strdup_printf(SSH_TARGET "%u", step->places->len);
	add_mount(step, SPEC_MOUNT_BIND, socket, target, false);
	g_ptr_array_add(step->spec->env_asked, g_strconcat("SSH_AUTH_SOCK=", target, NULL));
	return true;
}

static void add_tmpfs(StageRun *run, RunStep *step, const RunMount *mount)
{
	g_autofree char *target = mount_target(run, mount);
	SpecMount *tmpfs = add_mount(step, SPEC_MOUNT_TMPFS, NULL, target, true);
	char *const size[] = {g_strdup_printf("size=%" G_GINT64_FORMAT, mount->size), NULL};
	if (mount->size >= 0) {
		g_strfreev(tmpfs->options);
		tmpfs->options = g_strdupv((char **)size);
	}
	g_free(size[0]);
}

/*
 * One --mount. What it says is part of the key, what it holds only if it is a bind's: secrets,
 * agents and caches may change without a step being run anew.
 */
static bool prepare_mount(StageRun *run, RunStep *step, const RunMount *parsed, CacheKey *key,
			  GError **error)
{
	Expander expander = scope_expander(run->scope);
	g_autoptr(RunMount) mount = run_mount_parse(parsed->text, &expander, error);
	if (!mount)
		return false;
	cache_key_add(key, "mount", mount->text);
	switch (mount->type) {
	case RUN_MOUNT_BIND:
		return add_bind(run, step, mount, key, error);
	case RUN_MOUNT_CACHE:
		if (mount->from && *mount->from)
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "--mount=type=cache,from= is not supported yet");
		/* Another build may turn a part of such a path into a link (CVE-2024-11218). */
		if (mount->source && *mount->source)
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "--mount=type=cache,source= is not supported");
		g_ptr_array_add(step->mounts, g_steal_pointer(&mount));
		return true;
	case RUN_MOUNT_TMPFS:
		add_tmpfs(run, step, mount);
		return true;
	case RUN_MOUNT_SECRET:
		return add_secret(run, step, mount, error);
	case RUN_MOUNT_SSH:
		return add_ssh(run, step, mount, error);
	}
	g_assert_not_reached();
}

typedef struct {
	int dir_fd;
	uid_t uid;
	gid_t gid;
} GiveJob;

static int give_child(void *data)
{
	const GiveJob *job = data;
	return fchown(job->dir_fd, job->uid, job->gid) < 0;
}

/* The directory NAME of a cache, made as the mount says. */
static bool make_cache(Build *build, int parent, const char *name, const RunMount *mount,
		       GError **error)
{
	if (mkdirat(parent, name, 0700) < 0)
		return errno == EEXIST || error_set_errno(error, "cannot make a cache");
	autofd dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fchmod(dir, mount->mode < 0 ? 0755 : (mode_t)mount->mode) < 0)
		return error_set_errno(error, "cannot make a cache");
	if (mount->uid <= 0 && mount->gid <= 0)
		return true;
	GiveJob job = {dir, (uid_t)MAX(mount->uid, 0), (gid_t)MAX(mount->gid, 0)};
	int code = rootless_run(build->engine, give_child, &job, error);
	return code == 0 ||
	       (code > 0 && error_set(error, ENGINE_ERROR_SYSTEM, "cannot give a cache to %u:%u",
				      (unsigned)job.uid, (unsigned)job.gid));
}

/* "locked" waits for others, "private" takes another directory than they have. */
static char *choose_cache(RunStep *step, int parent, const char *key, const RunMount *mount,
			  GError **error)
{
	bool alone = mount->sharing == RUN_MOUNT_PRIVATE;
	if (mount->sharing == RUN_MOUNT_SHARED)
		return g_strdup(key);
	for (unsigned n = 0;; n++) {
		char *name = n ? g_strdup_printf("%s-%u", key, n) : g_strdup(key);
		g_autofree char *lock_name = g_strconcat(".", name, ".lock", NULL);
		g_autoptr(GError) taken = NULL;
		RecordLock *lock = record_lock(parent, lock_name, false, alone ? 0 : CACHE_WAIT_MS,
					       "build", &taken);
		if (lock) {
			g_ptr_array_add(step->locks, lock);
			return name;
		}
		g_free(name);
		if (!alone || !error_matches(taken, ENGINE_ERROR_IN_USE)) {
			g_propagate_error(error, g_steal_pointer(&taken));
			return NULL;
		}
	}
}

/* A directory that all builds share, by its id or the place where it is mounted. */
static bool add_cache(StageRun *run, RunStep *step, const RunMount *mount, GError **error)
{
	Build *build = run->build;
	int cache = store_dir(build->store, "cache");
	g_autofree char *target = mount_target(run, mount);
	const char *id = mount->id && *mount->id ? mount->id : target;
	g_autofree char *key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
	autofd made = path_mkdirs_state(cache, BUILD_MOUNTS_DIR);
	autofd parent =
		made < 0 ? -1 : path_open_state(cache, BUILD_MOUNTS_DIR, O_RDONLY | O_DIRECTORY, 0);
	if (parent < 0)
		return error_set_errno(error, "cannot open the caches of builds");
	g_autofree char *name = choose_cache(step, parent, key, mount, error);
	if (!name || !make_cache(build, parent, name, mount, error))
		return false;
	g_autofree char *path =
		g_build_filename(store_path(build->store), "cache", BUILD_MOUNTS_DIR, name, NULL);
	add_mount(step, SPEC_MOUNT_BIND, path, target, true)->read_only = mount->read_only;
	return true;
}

/* --- the command --- */

/* Is the command line one heredoc and nothing else? Then that is the script. */
static const Heredoc *whole_script(const Instruction *i)
{
	if (i->json || i->source->heredocs->len != 1)
		return NULL;
	const Heredoc *heredoc = i->source->heredocs->pdata[0];
	g_autofree char *line = g_strstrip(g_strdup(i->words[0]));
	return strcmp(line, heredoc->word) == 0 ? heredoc : NULL;
}

/* The arguments: as written, by the shell, or a script of its own interpreter. */
static char **make_args(StageRun *run, RunStep *step, const Instruction *i)
{
	if (i->json)
		return g_strdupv(i->words);
	const Heredoc *script = whole_script(i);
	if (script && g_str_has_prefix(script->content, "#!")) {
		const char *const args[] = {SCRIPT_TARGET "script", NULL};
		step->script = g_strdup(script->content);
		return g_strdupv((char **)args);
	}
	if (script)
		return solver_shell(run, script->content);
	g_autoptr(GString) line = g_string_new(i->words[0]);
	for (guint at = 0; at < i->source->heredocs->len; at++) {
		const Heredoc *heredoc = i->source->heredocs->pdata[at];
		g_string_append_printf(line, "\n%s%s", heredoc->content, heredoc->name);
	}
	return solver_shell(run, line->str);
}

static bool set_network(ContainerSpec *spec, const char *value, GError **error)
{
	if (!value || strcmp(value, "default") == 0)
		return true;
	network_request_free(spec->network);
	spec->network = network_request_new();
	spec->network_set = false;
	return spec_set_network(spec, value, error);
}

/* What is refused by name. */
static bool check_run(const Instruction *i, GError **error)
{
	if (i->run.security && strcmp(i->run.security, "sandbox") != 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "RUN --security=%s is not supported", i->run.security);
	return true;
}

/* The spec that every RUN of the stage would have; mounts come later. */
static bool make_spec(StageRun *run, RunStep *step, const Instruction *i, GError **error)
{
	const BuildOptions *options = run->build->options;
	ContainerSpec *spec = step->spec = options->new_spec(options->data, error);
	if (!spec || !set_network(spec, i->run.network, error))
		return false;
	for (guint at = 0; i->run.devices && at < i->run.devices->len; at++)
		if (!spec_add_device(spec, i->run.devices->pdata[at], error))
			return false;
	g_auto(GStrv) env = scope_environ(run->scope);
	for (char **at = env; *at; at++)
		g_ptr_array_add(spec->env_asked, g_strdup(*at));
	const char *workdir = build_state_string(run->state, "WorkingDir");
	const char *user = build_state_string(run->state, "User");
	spec->entrypoint_set = true;
	spec->command = g_strdupv(step->args);
	spec->workdir = g_strdup(*workdir ? workdir : "/");
	spec->user = *user ? g_strdup(user) : NULL;
	spec->layers = (char **)build_state_layers(run->state);
	for (char **layer = spec->layers; *layer; layer++)
		*layer = g_strdup(*layer);
	spec->remove = true;
	spec->log_driver = LOG_DRIVER_NONE;
	spec->log_driver_set = true;
	return true;
}

/* All that the result depends on. Mounts add theirs. */
static void add_key(StageRun *run, const RunStep *step, CacheKey *key)
{
	g_auto(GStrv) env = scope_environ(run->scope);
	g_autoptr(GPtrArray) counted = g_ptr_array_new();
	for (char **at = env; *at; at++) {
		g_autofree char *name = g_strndup(*at, strcspn(*at, "="));
		if (!scope_is_proxy(name) || scope_is_declared(run->scope, name))
			g_ptr_array_add(counted, *at);
	}
	g_ptr_array_add(counted, NULL);
	cache_key_add(key, "instruction", "RUN");
	cache_key_add(key, "layer below", build_state_top(run->state));
	cache_key_add_list(key, "command", (const char *const *)step->args);
	cache_key_add(key, "script", step->script);
	cache_key_add_list(key, "environment", (const char *const *)counted->pdata);
	cache_key_add(key, "directory", step->spec->workdir);
	cache_key_add(key, "user", step->spec->user);
	cache_key_add(key, "network", step->i->run.network);
	for (guint at = 0; step->i->run.devices && at < step->i->run.devices->len; at++)
		cache_key_add(key, "device", step->i->run.devices->pdata[at]);
	cache_key_add_list(key, "options", run->build->options->run_inputs);
	solver_key_timestamp(run, key);
}

/* The script of a heredoc, beside the layer; nobody else reads it. */
static bool write_script(StageRun *run, RunStep *step, const char *layer_dir, GError **error)
{
	Build *build = run->build;
	if (!step->script)
		return true;
	g_autofree char *name = g_strconcat(layer_dir, ".run/script", NULL);
	autofd fd =
		path_open_state(store_fd(build->store), name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (fd < 0 || !fd_write_all(fd, step->script, strlen(step->script)) || fchmod(fd, 0755) < 0)
		return error_set_errno(error, "cannot write a script");
	g_autofree char *path = g_build_filename(store_path(build->store), name, NULL);
	SpecMount *mount = spec_mount_new(SPEC_MOUNT_BIND, path, SCRIPT_TARGET "script");
	mount->read_only = true;
	g_ptr_array_add(step->spec->mounts, mount);
	return true;
}

/* Binds that may be written to: the changes go beside the layer and with it. */
static bool place_changes(StageRun *run, RunStep *step, const char *layer_dir, GError **error)
{
	int store = store_fd(run->build->store);
	for (guint i = 0; i < step->writable->len; i++) {
		SpecMount *mount = step->writable->pdata[i];
		char *upper = g_strdup_printf("%s.run/changes%u/upper", layer_dir, i);
		char *work = g_strdup_printf("%s.run/changes%u/work", layer_dir, i);
		autofd made = path_mkdirs_state(store, upper);
		autofd also = path_mkdirs_state(store, work);
		char *const options[] = {g_strconcat("upperdir=", upper, NULL),
					 g_strconcat("workdir=", work, NULL), NULL};
		bool ok = made >= 0 && also >= 0 && fchmodat(store, upper, 0755, 0) == 0;
		g_strfreev(mount->options);
		mount->options = g_strdupv((char **)options);
		g_free(options[0]);
		g_free(options[1]);
		g_free(upper);
		g_free(work);
		if (!ok)
			return error_set_errno(error, "cannot make a place for changes");
	}
	return true;
}

/* Start it and stay until it ends. */
static bool run_container(StageRun *run, RunStep *step, GError **error)
{
	Engine *engine = run->build->engine;
	autofd control = -1;
	int code = 0;
	const ContainerStart start = {
		.attach_stdout = true,
		.attach_stderr = true,
		.ends_with_us = true,
		.secrets = (GBytes *const *)step->secrets->pdata,
	};
	g_autoptr(Container) ctr = container_create(engine, step->spec, error);
	if (!ctr)
		return false;
	bool started = container_start(ctr, &start, &control, error);
	if (!started)
		run->build->code = error && *error ? error_exit_code(*error) : 125;
	const AttachOptions attach = {
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = true,
		.run_dir_fd = container_run_fd(ctr),
	};
	bool ended = started && attach_run(control, &attach, &code, error) == ATTACH_EXITED;
	g_autoptr(GError) unfinished = NULL;
	const ContainerRemove remove = {.force = true, .timeout_s = 0};
	bool gone = ended ? container_finish(ctr, &unfinished)
			  : container_remove(ctr, &remove, &unfinished);
	if (!gone && !error_matches(unfinished, ENGINE_ERROR_NOT_FOUND))
		log_warn("cleaning up after a step: %s", unfinished->message);
	if (!ended || code == 0)
		return ended;
	run->build->code = code;
	return error_set(error, ENGINE_ERROR_BAD_STATE, "exit status %d", code);
}

/* A miss: the LayerMaker of RUN. */
static bool make_run(StageRun *run, const char *layer_dir, void *data, bool *out_empty,
		     GError **error)
{
	RunStep *step = data;
	for (guint i = 0; i < step->mounts->len; i++)
		if (!add_cache(run, step, step->mounts->pdata[i], error))
			return false;
	for (guint i = 0; i < step->places->len; i++) {
		const Place *place = step->places->pdata[i];
		if (!build_layer_add_stub(run->build->store, layer_dir, place->path, place->is_dir,
					  error))
			return false;
	}
	step->spec->layer_dir = g_strdup(layer_dir);
	if (write_script(run, step, layer_dir, error) &&
	    place_changes(run, step, layer_dir, error) &&
	    spec_resolve(run->build->engine, step->spec, NULL, error) &&
	    run_container(run, step, error))
		return true;
	g_prefix_error(error,
		       "building at STEP \"%s\": while running runtime: ", step->i->source->text);
	return false;
}

bool solver_run_step(StageRun *run, const Instruction *i, GError **error)
{
	g_auto(RunStep) step = {
		.i = i,
		.places = g_ptr_array_new_with_free_func(free_place),
		.secrets = g_ptr_array_new_with_free_func(wipe_bytes),
		.locks = g_ptr_array_new_with_free_func(unlock),
		.mounts = g_ptr_array_new_with_free_func(run_mount_free),
		.writable = g_ptr_array_new(),
	};
	g_autoptr(CacheKey) key = cache_key_new();
	step.args = make_args(run, &step, i);
	if (!check_run(i, error) || !make_spec(run, &step, i, error))
		return false;
	add_key(run, &step, key);
	for (guint at = 0; at < i->run.mounts->len; at++)
		if (!prepare_mount(run, &step, i->run.mounts->pdata[at], key, error))
			return false;
	g_autofree char *created_by = solver_created_by(run, i);
	LayerStep layer = {
		.i = i, .key = key, .created_by = created_by, .make = make_run, .data = &step};
	return solver_layer_step(run, &layer, error);
}
