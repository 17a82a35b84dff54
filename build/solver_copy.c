/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY, ADD and the directories of WORKDIR and VOLUME: files that are written without running
 * anything.
 *
 * They go into a view of the layers so far, by a child that is root of the user's namespace, since
 * owners are what they are only there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/copy.h"
#include "build/git_source.h"
#include "build/remote.h"
#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/runtime/privileges.h"
#include "storage/fetch.h"

#define DIGEST_MAX 4096

/* One COPY or ADD. */
typedef struct {
	const Instruction *i;
	GPtrArray *strings; /* char *: what the rest borrows */
	GPtrArray *sources; /* char *, borrowed, NULL at the end */
	GPtrArray *exclude; /* likewise */
	GArray *inlines;    /* CopyInline */
	CopySpec spec;
	CopyPlan *plan; /* of a context; for others the child makes its own */
	BuildState *owned;
	const char **layers;   /* of --from; NULL: a context */
	ContainerView *source; /* of them, once it is needed */
	char *created_by;
} CopyStep;

static void copy_step_clear(CopyStep *step)
{
	copy_plan_free(step->plan);
	container_view_close(step->source);
	build_state_free(step->owned);
	g_clear_pointer(&step->sources, g_ptr_array_unref);
	g_clear_pointer(&step->exclude, g_ptr_array_unref);
	g_clear_pointer(&step->inlines, g_array_unref);
	g_clear_pointer(&step->strings, g_ptr_array_unref);
	g_free(step->layers);
	g_free(step->created_by);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CopyStep, copy_step_clear)

/* A directory to read in and below, of a view. -1 with @error. */
static int open_root(const ContainerView *view, GError **error)
{
	int fd = openat(view->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		error_set_errno(error, "cannot open the files of the build");
	return fd;
}

static int new_message(GError **error)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	if (fd < 0)
		error_set_errno(error, "cannot make a memory file");
	return fd;
}

/* --- WORKDIR, VOLUME --- */

typedef struct {
	char *const *paths; /* absolute, NULL at the end */
	const char *user;   /* whose they are */
} Directories;

typedef struct {
	const ContainerView *view;
	const Directories *dirs;
	int message_fd;
	int made_fd; /* memory file: not empty if something was made */
} DirectoryJob;

/* Make what is missing of a path. @user: NULL: the namespace's root */
static bool make_directory(const DirectoryJob *job, int root, const char *full,
			   const ResolvedUser *user, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(full + 1, "/", -1);
	g_autoptr(GString) path = g_string_new(NULL);
	for (char **part = parts; *part; part++) {
		g_string_append_printf(path, "/%s", *part);
		autofd there = path_open_in_root(root, path->str, O_PATH | O_DIRECTORY, 0);
		if (there >= 0)
			continue;
		autofd made = path_mkdirs_in_root(root, path->str, 0755);
		/* An owner without a place in our map stays ours. */
		if (made < 0 ||
		    (user && fchownat(made, "", user->uid, user->gid, AT_EMPTY_PATH) < 0 &&
		     errno != EINVAL))
			return error_set_errno(error, "cannot make '%s'", path->str);
		(void)!write(job->made_fd, "1", 1);
	}
	return true;
}

static bool make_directories(const DirectoryJob *job, GError **error)
{
	ResolvedUser user = {0};
	autofd root = open_root(job->view, error);
	if (root < 0)
		return false;
	const char *name = job->dirs->user;
	bool owned = *name && privileges_resolve_user(root, name, NULL, &user) == 0;
	for (char *const *path = job->dirs->paths; *path; path++)
		if (!make_directory(job, root, *path, owned ? &user : NULL, error))
			return false;
	return true;
}

static int directories_child(void *data)
{
	const DirectoryJob *job = data;
	g_autoptr(GError) error = NULL;
	(void)umask(0);
	return make_directories(job, &error) ? 0 : solver_fail_child(job->message_fd, error);
}

/* The LayerMaker of directories. */
static bool make_directories_layer(StageRun *run, const char *layer_dir, void *data,
				   bool *out_empty, GError **error)
{
	Build *build = run->build;
	g_autofree const char **layers = build_state_layers(run->state);
	g_autoptr(ContainerView) view =
		container_view_of_build(build->engine, layers, layer_dir, error);
	autofd message = view ? new_message(error) : -1;
	autofd made = message < 0 ? -1 : new_message(error);
	if (made < 0)
		return false;
	DirectoryJob job = {
		.view = view,
		.dirs = data,
		.message_fd = message,
		.made_fd = made,
	};
	struct stat st;
	if (!solver_in_view(view, directories_child, &job, message, error))
		return false;
	*out_empty = fstat(made, &st) == 0 && st.st_size == 0;
	return true;
}

/* The step of an instruction that is there for its directories. */
static bool make_directories_step(StageRun *run, const Instruction *i, CacheKey *key,
				  Directories *dirs, GError **error)
{
	g_autofree char *created_by = solver_created_by(run, i);
	solver_key_timestamp(run, key);
	LayerStep step = {
		.i = i,
		.key = key,
		.created_by = created_by,
		.make = make_directories_layer,
		.data = dirs,
	};
	return solver_layer_step(run, &step, error);
}

bool solver_workdir_step(StageRun *run, const Instruction *i, GError **error)
{
	g_autofree char *word = solver_expand(run, i->words[0], error);
	if (!word)
		return false;
	g_autofree char *full =
		*word == '/' ? g_strdup(word)
			     : g_build_filename("/", build_state_string(run->state, "WorkingDir"),
						word, NULL);
	g_autofree char *path = path_clean(full);
	js_set_string(build_state_config(run->state), "WorkingDir", path);
	if (strcmp(path, "/") == 0) {
		g_autofree char *created_by = solver_created_by(run, i);
		build_state_add_history(run->state, run->build->now, created_by, true);
		return true;
	}
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "instruction", "WORKDIR");
	cache_key_add(key, "layer below", build_state_top(run->state));
	cache_key_add(key, "directory", path);
	cache_key_add(key, "user", build_state_string(run->state, "User"));
	Directories dirs = {.paths = (char *[]){path, NULL},
			    .user = build_state_string(run->state, "User")};
	return make_directories_step(run, i, key, &dirs, error);
}

/* The directories of all volumes so far. g_strfreev() it. */
static char **volume_paths(const StageRun *run)
{
	Json *volumes = NULL;
	g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
	if (js_get_object(build_state_config(run->state), "Volumes", &volumes, NULL) && volumes) {
		json_object_object_foreach(volumes, name, unused)
		{
			(void)unused;
			g_autofree char *full = g_build_filename("/", name, NULL);
			g_autofree char *clean = path_clean(full);
			g_strv_builder_add(paths, clean);
		}
	}
	return g_strv_builder_end(paths);
}

bool solver_volume_step(StageRun *run, const Instruction *i, GError **error)
{
	if (!solver_config_step(run, i, error))
		return false;
	g_auto(GStrv) paths = volume_paths(run);
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "instruction", "VOLUME");
	cache_key_add(key, "layer below", build_state_top(run->state));
	cache_key_add_list(key, "directories", (const char *const *)paths);
	Directories dirs = {.paths = paths, .user = ""};
	return make_directories_step(run, i, key, &dirs, error);
}

/* --- COPY and ADD --- */

/* A string that lives as long as the step. */
static const char *keep(CopyStep *step, char *text)
{
	if (text)
		g_ptr_array_add(step->strings, text);
	return text;
}

/* A heredoc among the sources. */
static bool add_inline(StageRun *run, CopyStep *step, const Heredoc *word, GError **error)
{
	const GPtrArray *all = step->i->source->heredocs;
	for (guint at = 0; at < all->len; at++) {
		const Heredoc *heredoc = all->pdata[at];
		if (strcmp(heredoc->word, word->word) != 0)
			continue;
		Expander expander = scope_expander(run->scope);
		expander.raw_quotes = true;
		char *content = heredoc->expand ? expand_word(&expander, heredoc->content, error)
						: g_strdup(heredoc->content);
		const CopyInline item = {.name = heredoc->name, .content = keep(step, content)};
		if (!content)
			return false;
		g_array_append_val(step->inlines, item);
		return true;
	}
	return error_set(error, ENGINE_ERROR_INVALID, "heredoc '%s' has no content", word->word);
}

/* Sources and destination, expanded. */
static bool expand_paths(StageRun *run, CopyStep *step, GError **error)
{
	const Instruction *i = step->i;
	for (char **source = i->copy.sources; *source; source++) {
		Heredoc *word =
			i->json ? NULL : heredoc_parse_word(*source, run->build->file->lex->escape);
		bool ok = true;
		if (word)
			ok = add_inline(run, step, word, error);
		else
			g_ptr_array_add(step->sources,
					(char *)keep(step, solver_expand(run, *source, error)));
		heredoc_free(word);
		if (!ok || (!word && !step->sources->pdata[step->sources->len - 1]))
			return false;
	}
	g_ptr_array_add(step->sources, NULL);
	step->spec.dest = keep(step, solver_expand(run, i->copy.dest, error));
	return step->spec.dest != NULL;
}

/* A flag's value, expanded; absent ones stay NULL. */
static bool expand_flag(StageRun *run, CopyStep *step, const char *text, const char **out,
			GError **error)
{
	*out = text ? keep(step, solver_expand(run, text, error)) : NULL;
	return !text || *out;
}

static bool expand_flags(StageRun *run, CopyStep *step, GError **error)
{
	const CopyArgs *args = &step->i->copy;
	for (guint at = 0; args->exclude && at < args->exclude->len; at++) {
		const char *pattern = NULL;
		if (!expand_flag(run, step, args->exclude->pdata[at], &pattern, error))
			return false;
		g_ptr_array_add(step->exclude, (char *)pattern);
	}
	g_ptr_array_add(step->exclude, NULL);
	return expand_flag(run, step, args->chown, &step->spec.chown, error) &&
	       expand_flag(run, step, args->chmod, &step->spec.chmod, error) &&
	       expand_flag(run, step, args->checksum, &step->spec.checksum, error);
}

/* Where the files come from. */
static bool find_root(StageRun *run, CopyStep *step, GError **error)
{
	BuildContext *context = run->build->context;
	step->spec.root_fd = -1;
	if (step->i->copy.from) {
		const StageSource *source = solver_next_source(run);
		if (source->kind != STAGE_SOURCE_CONTEXT) {
			const BuildState *state =
				solver_source_state(run, source, &step->owned, error);
			step->layers = state ? build_state_layers(state) : NULL;
			step->spec.keep_owner = true;
			return step->layers != NULL;
		}
		context = solver_named_context(run->build, source->name, error);
		if (!context)
			return false;
	}
	step->spec.root_fd = context_root_fd(context);
	step->spec.ignore = context_ignore(context);
	return true;
}

static void set_created_by(CopyStep *step, const char *digest, size_t n)
{
	const char *hex = strchr(digest, ':');
	const char *kind = step->sources->len + step->inlines->len > 2 ? "multi"
			   : n == 1                                    ? "file"
								       : "dir";
	step->created_by = g_strdup_printf("/bin/sh -c #(nop) %s %s:%s in %s ",
					   instruction_name(step->i->kind), kind,
					   hex ? hex + 1 : digest, step->spec.dest);
}

typedef struct {
	CopyStep *step;
	int message_fd;
	int result_fd;
} ChecksumJob;

/* Beside the child's caller: "N DEFINITION\0DIGEST". */
static int checksum_child(void *data)
{
	const ChecksumJob *job = data;
	g_autoptr(GError) error = NULL;
	CopySpec spec = job->step->spec;
	autofd root = open_root(job->step->source, &error);
	spec.root_fd = root;
	g_autoptr(CopyPlan) plan = root < 0 ? NULL : copy_plan_new(&spec, &error);
	g_autoptr(StatCache) cache = stat_cache_open(-1, NULL);
	g_autoptr(FileList) list = plan ? copy_plan_checksum(plan, cache, &error) : NULL;
	if (!list)
		return solver_fail_child(job->message_fd, error);
	g_autofree char *digest = file_list_digest(list);
	g_autofree char *text = g_strdup_printf("%zu %s", file_list_size(list), digest);
	return !fd_write_all(job->result_fd, text, strlen(text));
}

/* The checksum of files of a stage or image, taken where they have their owners. */
static bool checksum_layers(StageRun *run, CopyStep *step, char **out_digest, size_t *out_n,
			    GError **error)
{
	Build *build = run->build;
	autofd message = new_message(error);
	autofd result = message < 0 ? -1 : new_message(error);
	step->source = result < 0
			       ? NULL
			       : container_view_of_build(build->engine, step->layers, NULL, error);
	ChecksumJob job = {.step = step, .message_fd = message, .result_fd = result};
	if (!step->source || !solver_in_view(step->source, checksum_child, &job, message, error))
		return false;
	char text[DIGEST_MAX];
	ssize_t n = pread(result, text, sizeof text - 1, 0);
	text[MAX(n, 0)] = '\0';
	char *end = NULL;
	*out_n = g_ascii_strtoull(text, &end, 10);
	*out_digest = g_strdup(end + (*end == ' '));
	return **out_digest || error_set(error, ENGINE_ERROR_CORRUPT, "no checksum was made");
}

/* The same of a context's. */
static FileList *list_context(StageRun *run, CopyStep *step, GError **error)
{
	step->plan = copy_plan_new(&step->spec, error);
	return step->plan ? copy_plan_checksum(step->plan, run->build->stat_cache, error) : NULL;
}

static bool is_fetched(const char *source)
{
	return remote_is_url(source) || git_source_is(source);
}

static bool has_fetched(const CopyStep *step)
{
	for (guint at = 0; step->sources->pdata[at]; at++)
		if (is_fetched(step->sources->pdata[at]))
			return true;
	return false;
}

/* Complete the key by the files; their checksum is for the history, too. */
static bool add_files(StageRun *run, CopyStep *step, CacheKey *key, char **out_digest,
		      size_t *out_n, GError **error)
{
	if (step->layers) {
		if (!checksum_layers(run, step, out_digest, out_n, error))
			return false;
		cache_key_add(key, "files", *out_digest);
		return true;
	}
	FileList *list = list_context(run, step, error);
	if (!list)
		return false;
	*out_n = file_list_size(list);
	*out_digest = file_list_digest(list);
	/* Lists are kept; that of a URL would have its password (R16). */
	if (!has_fetched(step)) {
		cache_key_add_files(key, "files", list);
		return true;
	}
	cache_key_add(key, "files", *out_digest);
	file_list_free(list);
	return true;
}

/* The rest of the key: what the files are. */
static bool complete_copy(StageRun *run, LayerStep *layer, GError **error)
{
	CopyStep *step = layer->data;
	g_autofree char *digest = NULL;
	size_t n = 0;
	if (!add_files(run, step, layer->key, &digest, &n, error)) {
		if (layer->i->copy.from)
			g_prefix_error(error, "--from=%s: ", layer->i->copy.from);
		return false;
	}
	g_clear_pointer(&step->created_by, g_free);
	set_created_by(step, digest, n);
	layer->created_by = step->created_by;
	return true;
}

typedef struct {
	CopyStep *step;
	const ContainerView *dest;
	const ContainerView *users; /* NULL: names of --chown are looked up in @dest */
	int64_t mtime;
	int message_fd;
} ApplyJob;

/* As root of the namespace. */
static bool apply(const ApplyJob *job, GError **error)
{
	CopySpec spec = job->step->spec;
	g_autoptr(CopyPlan) own = NULL;
	CopyPlan *plan = job->step->plan;
	autofd dest = open_root(job->dest, error);
	autofd users = dest >= 0 && job->users ? open_root(job->users, error) : -1;
	autofd source = -1;
	if (dest < 0 || (job->users && users < 0))
		return false;
	if (job->step->layers) {
		source = spec.root_fd = open_root(job->step->source, error);
		plan = own = source < 0 ? NULL : copy_plan_new(&spec, error);
	}
	const CopyTarget target = {.dest_fd = dest, .users_fd = users, .mtime = job->mtime};
	CopyStats stats = {0};
	return plan && copy_plan_apply(plan, &target, &stats, error);
}

static int apply_child(void *data)
{
	const ApplyJob *job = data;
	g_autoptr(GError) error = NULL;
	(void)umask(0);
	return apply(job, &error) ? 0 : solver_fail_child(job->message_fd, error);
}

/* The LayerMaker of COPY and ADD. */
static bool make_copy(StageRun *run, const char *layer_dir, void *data, bool *out_empty,
		      GError **error)
{
	Build *build = run->build;
	CopyStep *step = data;
	g_autofree const char **layers = build_state_layers(run->state);
	/* --link: what was there before is not looked at, nor are links in it followed. */
	bool alone = step->i->copy.link;
	const char *const none[] = {NULL};
	g_autoptr(ContainerView) dest =
		container_view_of_build(build->engine, alone ? none : layers, layer_dir, error);
	bool elsewhere = alone && layers[0];
	g_autoptr(ContainerView) users =
		dest && elsewhere ? container_view_of_build(build->engine, layers, NULL, error)
				  : NULL;
	autofd message = dest && (users || !elsewhere) ? new_message(error) : -1;
	ApplyJob job = {
		.step = step,
		.dest = dest,
		.users = users,
		.mtime = build->options->timestamp,
		.message_fd = message,
	};
	return message >= 0 && solver_in_view(dest, apply_child, &job, message, error);
}

/* The sources; keys are kept, so a URL goes without its password (R16). */
static void add_sources(const CopyStep *step, CacheKey *key)
{
	g_autoptr(GPtrArray) shown = g_ptr_array_new_with_free_func(g_free);
	for (guint at = 0; step->sources->pdata[at]; at++) {
		const char *source = step->sources->pdata[at];
		g_ptr_array_add(shown,
				is_fetched(source) ? fetch_url_shown(source) : g_strdup(source));
	}
	g_ptr_array_add(shown, NULL);
	cache_key_add_list(key, "sources", (const char *const *)shown->pdata);
}

/* All of the instruction but the files. */
static void add_key(StageRun *run, const CopyStep *step, CacheKey *key)
{
	const CopyArgs *args = &step->i->copy;
	g_autofree char *flags = g_strdup_printf(
		"link=%d parents=%d git=%d unpack=%d time=%" G_GINT64_FORMAT,
		args->link ? 2 : 0, /* 1: what was made before it left the layers below alone */
		args->parents, args->keep_git_dir, args->unpack, run->build->options->timestamp);
	cache_key_add(key, "instruction", instruction_name(step->i->kind));
	cache_key_add(key, "layer below", build_state_top(run->state));
	add_sources(step, key);
	for (guint at = 0; at < step->inlines->len; at++) {
		const CopyInline *item = &g_array_index(step->inlines, CopyInline, at);
		cache_key_add(key, item->name, item->content);
	}
	cache_key_add(key, "destination", step->spec.dest);
	cache_key_add(key, "directory", step->spec.workdir);
	cache_key_add(key, "owner", step->spec.chown);
	cache_key_add(key, "mode", step->spec.chmod);
	cache_key_add(key, "checksum", step->spec.checksum);
	cache_key_add_list(key, "excluded", (const char *const *)step->exclude->pdata);
	cache_key_add(key, "flags", flags);
	solver_key_timestamp(run, key);
}

/* The CopySpec, complete but for a view of --from. */
static bool prepare(StageRun *run, CopyStep *step, GError **error)
{
	const CopyArgs *args = &step->i->copy;
	if (!expand_paths(run, step, error) || !expand_flags(run, step, error) ||
	    !find_root(run, step, error))
		return false;
	CopySpec *spec = &step->spec;
	const char *workdir = build_state_string(run->state, "WorkingDir");
	spec->add = step->i->kind == INSTRUCTION_ADD;
	spec->sources = (const char *const *)step->sources->pdata;
	spec->inlines = (const CopyInline *)(void *)step->inlines->data;
	spec->n_inlines = step->inlines->len;
	spec->workdir = *workdir ? keep(step, g_strdup(workdir)) : "/";
	spec->exclude = (const char *const *)step->exclude->pdata;
	spec->parents = args->parents;
	spec->keep_git_dir = args->keep_git_dir;
	spec->unpack = args->unpack;
	spec->env = run->build->options->fetch;
	return true;
}

bool solver_copy_step(StageRun *run, const Instruction *i, GError **error)
{
	g_auto(CopyStep) step = {
		.i = i,
		.strings = g_ptr_array_new_with_free_func(g_free),
		.sources = g_ptr_array_new(),
		.exclude = g_ptr_array_new(),
		.inlines = g_array_new(FALSE, FALSE, sizeof(CopyInline)),
	};
	g_autoptr(CacheKey) key = cache_key_new();
	if (!prepare(run, &step, error))
		return false;
	add_key(run, &step, key);
	g_autofree char *alias = NULL;
	if (step.layers) {
		g_autoptr(CacheKey) quick = cache_key_new();
		guint n = g_strv_length((char **)step.layers);
		add_key(run, &step, quick);
		cache_key_add(quick, "layers", n ? step.layers[n - 1] : "");
		alias = cache_key_hex(quick);
	}
	LayerStep layer = {
		.i = i,
		.key = key,
		.alias = alias,
		.complete = complete_copy,
		.make = make_copy,
		.data = &step,
	};
	return solver_layer_step(run, &layer, error);
}
