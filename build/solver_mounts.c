/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN --mount: what each of them mounts, and what of it counts for the cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/copy.h"
#include "build/solver_step.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/wall.h"
#include "libpod/rootless.h"
#include "storage/build_cache.h"

#define CACHE_WAIT_MS 3600000

void run_step_add_place(RunStep *step, const char *path, bool is_dir)
{
	RunPlace *place = g_new0(RunPlace, 1);
	place->path = g_strdup(path);
	place->is_dir = is_dir;
	g_ptr_array_add(step->places, place);
}
char *run_step_target(StageRun *run, const RunMount *mount)
{
	const char *workdir = build_state_string(run->state, "WorkingDir");
	g_autofree char *full = *mount->target == '/'
					? g_strdup(mount->target)
					: g_build_filename("/", workdir, mount->target, NULL);
	return path_clean(full);
}

SpecMount *run_step_add_mount(RunStep *step, SpecMountKind kind, const char *source, char *target,
			      bool is_dir)
{
	SpecMount *mount = spec_mount_new(kind, source, target);
	run_step_add_place(step, target, is_dir);
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
static FileList *bind_files(StageRun *run, int root_fd, const char *source, GError **error)
{
	const char *const sources[] = {source, NULL};
	const CopySpec spec = {
		.sources = sources,
		.dest = "/",
		.root_fd = root_fd,
		.exact = true,
		.unpack = -1,
		.env = run->build->options->fetch,
	};
	g_autoptr(CopyPlan) plan = copy_plan_new(&spec, error);
	return plan ? copy_plan_checksum(plan, run->build->stat_cache, error) : NULL;
}

static RunPart *new_part(SpecMount *mount, const char *const *layers, int root_fd,
			 const char *source)
{
	RunPart *part = g_new0(RunPart, 1);
	part->mount = mount;
	part->dress = mount != NULL;
	part->layers = g_strdupv((char **)layers);
	part->root_fd = root_fd;
	part->source = g_strdup(source);
	return part;
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
	g_autofree char *path = fd_path(context_root_fd(context), error);
	FileList *files = path ? bind_files(run, context_root_fd(context), source, error) : NULL;
	if (!files)
		return false;
	g_autofree char *target = run_step_target(run, mount);
	bool is_dir = S_ISDIR(st.st_mode);
	SpecMount *bind = run_step_add_mount(step, SPEC_MOUNT_BIND, path, target, is_dir);
	/* Whoever changes the context meanwhile cannot lead it out (CVE-2024-11218). */
	bind->subpath = g_strdup(source);
	cache_key_add_files(key, "mounted files", files);
	if (mount->read_only) {
		bind->read_only = true;
		return true;
	}
	if (!is_dir) {
		/* A place for it was made with the mount. */
		g_ptr_array_add(step->parts,
				new_part(bind, NULL, context_root_fd(context), source));
		return true;
	}
	bind->overlay = wall_stands("context-overlay");
	if (bind->overlay)
		g_ptr_array_add(step->writable, bind);
	return true;
}

/* Files of a stage or an image: all of them as they lie there, or a copy of some. */
static bool bind_layers(StageRun *run, RunStep *step, const RunMount *mount,
			const StageSource *source, CacheKey *key, GError **error)
{
	g_autoptr(BuildState) owned = NULL;
	const BuildState *state = solver_source_state(run, source, &owned, error);
	if (!state)
		return false;
	g_autofree char *from = g_build_filename("/", mount->source ? mount->source : "/", NULL);
	g_autofree char *clean = path_clean(from);
	g_autofree char *target = run_step_target(run, mount);
	g_autofree const char **layers = build_state_layers(state);
	if (!layers[0])
		return error_set(error, ENGINE_ERROR_INVALID, "--mount from=%s: it has no files",
				 source->name);
	cache_key_add(key, "mounted layers", build_state_top(state));
	bool all = strcmp(clean, "/") == 0;
	SpecMount *bind =
		spec_mount_new(all ? SPEC_MOUNT_IMAGE : SPEC_MOUNT_BIND, all ? NULL : "/", target);
	g_ptr_array_add(step->spec->mounts, bind);
	bind->read_only = mount->read_only;
	if (!all) {
		g_ptr_array_add(step->parts, new_part(bind, layers, -1, clean));
		return true;
	}
	run_step_add_place(step, target, true);
	bind->layers = g_strdupv((char **)layers);
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

static void add_tmpfs(StageRun *run, RunStep *step, const RunMount *mount)
{
	g_autofree char *target = run_step_target(run, mount);
	SpecMount *tmpfs = run_step_add_mount(step, SPEC_MOUNT_TMPFS, NULL, target, true);
	char *const size[] = {g_strdup_printf("size=%" G_GINT64_FORMAT, mount->size), NULL};
	if (mount->size >= 0) {
		g_strfreev(tmpfs->options);
		tmpfs->options = g_strdupv((char **)size);
	}
	g_free(size[0]);
}

void run_cache_free(void *data)
{
	RunCache *cache = data;
	if (!cache)
		return;
	run_mount_free(cache->mount);
	run_part_free(cache->seed);
	g_free(cache->base);
	g_free(cache->name);
	g_free(cache);
}

/* What a cache with from= begins with. */
static bool set_seed(StageRun *run, RunCache *cache, GError **error)
{
	const RunMount *mount = cache->mount;
	const StageSource *source = solver_next_source(run);
	g_autofree char *joined = g_build_filename("/", mount->source ? mount->source : "", NULL);
	g_autofree char *path = path_clean(joined);
	if (source->kind == STAGE_SOURCE_CONTEXT) {
		BuildContext *context = solver_named_context(run->build, source->name, error);
		if (!context)
			return false;
		cache->base = g_strconcat("context ", source->name, NULL);
		cache->seed = new_part(NULL, NULL, context_root_fd(context), path);
		return true;
	}
	g_autoptr(BuildState) owned = NULL;
	const BuildState *state = solver_source_state(run, source, &owned, error);
	g_autofree const char **layers = state ? build_state_layers(state) : NULL;
	if (!layers)
		return false;
	/* scratch: it begins empty, as one without from= */
	if (!layers[0])
		return true;
	cache->base = g_strdup(build_state_top(state));
	cache->seed = new_part(NULL, layers, -1, path);
	return true;
}

/* What names a cache: its id, or the place where it is mounted, and what it began with. */
static char *cache_name(StageRun *run, const RunCache *cache)
{
	g_autofree char *target = run_step_target(run, cache->mount);
	const char *said = cache->mount->id && *cache->mount->id ? cache->mount->id : target;
	const char *ns = run->build->options->cache_ns;
	g_autofree char *id = ns ? g_strconcat(ns, "/", said, NULL) : g_strdup(said);
	if (!wall_stands("cache-names"))
		return g_strdup(id);
	if (!cache->seed)
		return g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
	g_autofree char *text = g_strdup_printf("%s\n%s\n%s", id, cache->base, cache->seed->source);
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

/* A directory that all builds share; it is opened when the step really runs. */
static bool add_cache(StageRun *run, RunStep *step, RunMount *mount, GError **error)
{
	RunCache *cache = g_new0(RunCache, 1);
	cache->mount = mount;
	g_ptr_array_add(step->caches, cache);
	if (mount->from && *mount->from && !set_seed(run, cache, error))
		return false;
	if ((!mount->from || !*mount->from) && mount->source && *mount->source)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--mount=type=cache,source=%s: a path of what? It needs from= too",
				 mount->source);
	cache->name = cache_name(run, cache);
	return true;
}

bool run_step_prepare_mount(StageRun *run, RunStep *step, const RunMount *parsed, CacheKey *key,
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
		return add_cache(run, step, g_steal_pointer(&mount), error);
	case RUN_MOUNT_TMPFS:
		add_tmpfs(run, step, mount);
		return true;
	case RUN_MOUNT_SECRET:
		return run_step_add_secret(run, step, mount, error);
	case RUN_MOUNT_SSH:
		return run_step_add_agent(run, step, g_steal_pointer(&mount), error);
	}
	g_assert_not_reached();
}

typedef struct {
	int fd;
	uid_t uid;
	gid_t gid;
} GiveJob;

static int give_child(void *data)
{
	const GiveJob *job = data;
	return fchownat(job->fd, "", job->uid, job->gid, AT_EMPTY_PATH) < 0;
}

bool run_step_give(Build *build, int fd, const RunMount *mount, GError **error)
{
	if (mount->uid <= 0 && mount->gid <= 0)
		return true;
	GiveJob job = {fd, (uid_t)MAX(mount->uid, 0), (gid_t)MAX(mount->gid, 0)};
	int code = rootless_run(build->engine, give_child, &job, error);
	return code == 0 ||
	       (code > 0 && error_set(error, ENGINE_ERROR_SYSTEM, "cannot give a mount to %u:%u",
				      (unsigned)job.uid, (unsigned)job.gid));
}

/* Mode and owner of a new cache. */
static bool dress_cache(Build *build, int dir, const RunMount *mount, GError **error)
{
	if (fchmod(dir, mount->mode < 0 ? 0755 : (mode_t)mount->mode) < 0)
		return error_set_errno(error, "cannot make a cache");
	return run_step_give(build, dir, mount, error);
}

/* A cache that begins with files of a stage, image or context: a copy of them at @temporary. */
static bool seed_cache(Build *build, int parent, const char *temporary, const RunCache *cache,
		       const char *layer_dir, GError **error)
{
	bool is_dir = true;
	g_autofree char *dir = g_strdup_printf("%s.run/seed%s", layer_dir, temporary);
	if (!run_part_copy(build, cache->seed, dir, &is_dir, error))
		return false;
	if (!is_dir)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--mount=type=cache,source=%s is no directory",
				 cache->seed->source);
	return renameat(store_fd(build->store), dir, parent, temporary) == 0 ||
	       error_set_errno(error, "cannot make a cache");
}

/*
 * The directory NAME of a cache, as the mount says. It is complete when it gets its name, which
 * another build may have been quicker to give. The temporary one is in the same directory: what
 * belongs to somebody else cannot be moved to another one.
 */
static bool make_cache(Build *build, int parent, const char *name, const RunCache *cache,
		       const char *layer_dir, GError **error)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	g_autofree char *unique = g_uuid_string_random();
	g_autofree char *temporary = g_strdup_printf(".%s.%s", name, unique);
	if (cache->seed && !seed_cache(build, parent, temporary, cache, layer_dir, error))
		return false;
	if (!cache->seed && mkdirat(parent, temporary, 0700) < 0)
		return error_set_errno(error, "cannot make a cache");
	autofd dir = openat(parent, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return error_set_errno(error, "cannot make a cache");
	bool dressed = dress_cache(build, dir, cache->mount, error);
	if (dressed && renameat2(parent, temporary, parent, name, RENAME_NOREPLACE) == 0)
		return true;
	bool made = dressed && (errno == EEXIST || error_set_errno(error, "cannot make a cache"));
	(void)path_remove_tree(parent, temporary);
	return made;
}

/* Caches are kept below one directory of the store. Return: -1 with @error. */
static int open_caches(Build *build, GError **error)
{
	int caches = store_dir(build->store, "cache");
	autofd made = path_mkdirs_state(caches, BUILD_MOUNTS_DIR);
	int dir = made < 0 ? -1
			   : path_open_state(caches, BUILD_MOUNTS_DIR, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		error_set_errno(error, "cannot open the caches of builds");
	return dir;
}

/* The cache @name becomes this step's alone. */
static bool lock_cache(RunStep *step, int parent, const char *name, int timeout_ms, GError **error)
{
	g_autofree char *lock_name = g_strconcat(".", name, ".lock", NULL);
	RecordLock *lock = record_lock(parent, lock_name, false, timeout_ms, "build", error);
	if (lock)
		g_ptr_array_add(step->locks, lock);
	return lock != NULL;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool run_step_lock_caches(StageRun *run, RunStep *step, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (guint i = 0; i < step->caches->len; i++) {
		const RunCache *cache = step->caches->pdata[i];
		if (cache->mount->sharing == RUN_MOUNT_LOCKED)
			g_ptr_array_add(names, cache->name);
	}
	if (names->len == 0)
		return true;
	g_ptr_array_sort(names, compare_names);
	autofd parent = open_caches(run->build, error);
	for (guint i = 0; parent >= 0 && i < names->len; i++) {
		/* Two mounts of one cache: nobody waits for himself. */
		if (i > 0 && strcmp(names->pdata[i], names->pdata[i - 1]) == 0)
			continue;
		if (!lock_cache(step, parent, names->pdata[i], CACHE_WAIT_MS, error))
			return false;
	}
	/* Meanwhile they may have been pruned: then what we have locked is nobody's. */
	struct stat locked, there;
	autofd now = parent < 0 ? -1 : open_caches(run->build, error);
	if (now < 0)
		return false;
	if (fstat(parent, &locked) < 0 || fstat(now, &there) < 0)
		return error_set_errno(error, "cannot open the caches of builds");
	if (locked.st_ino == there.st_ino && locked.st_dev == there.st_dev)
		return true;
	g_ptr_array_set_size(step->locks, 0);
	return run_step_lock_caches(run, step, error);
}

/* "private" takes another directory than those that others have locked. NULL with @error. */
static char *choose_cache(RunStep *step, int parent, const RunCache *cache, GError **error)
{
	if (cache->mount->sharing != RUN_MOUNT_PRIVATE)
		return g_strdup(cache->name);
	for (unsigned n = 0;; n++) {
		g_autofree char *name =
			n ? g_strdup_printf("%s-%u", cache->name, n) : g_strdup(cache->name);
		g_autoptr(GError) taken = NULL;
		if (lock_cache(step, parent, name, 0, &taken))
			return g_steal_pointer(&name);
		if (!error_matches(taken, ENGINE_ERROR_IN_USE)) {
			g_propagate_error(error, g_steal_pointer(&taken));
			return NULL;
		}
	}
}

bool run_step_open_cache(StageRun *run, RunStep *step, const RunCache *cache, const char *layer_dir,
			 GError **error)
{
	Build *build = run->build;
	g_autofree char *target = run_step_target(run, cache->mount);
	autofd parent = open_caches(build, error);
	g_autofree char *name = parent < 0 ? NULL : choose_cache(step, parent, cache, error);
	if (!name || !make_cache(build, parent, name, cache, layer_dir, error))
		return false;
	g_autofree char *path =
		g_build_filename(store_path(build->store), "cache", BUILD_MOUNTS_DIR, name, NULL);
	run_step_add_mount(step, SPEC_MOUNT_BIND, path, target, true)->read_only =
		cache->mount->read_only;
	return true;
}

bool run_step_place_changes(StageRun *run, RunStep *step, const char *layer_dir, GError **error)
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
