/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for tests/system/test_build_files.py: opens a context and runs one COPY or ADD from it,
 * as a build does.
 *
 *   build-bed [OPTION]... WORK CONTEXT DEST_ROOT WORD... DEST
 *
 * CONTEXT "@DIR" is a directory as `--from` has it: owners are kept. Prints "NAME VALUE" lines:
 * dockerfile, commit, sum, reads, sum-ms, copy-ms, files, bytes, special; changes with --explain.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "build/copy.h"
#include "libpod/base/fd.h"

typedef struct {
	char *dockerfile, *ignore_file, *chown, *chmod, *checksum, *workdir, *cache, *explain;
	char **exclude;
	gboolean add, parents, keep_git_dir, unpack, no_unpack, git_local, named, sum_only;
	gint64 mtime;
} Options;

static void fail(const GError *error)
{
	(void)fprintf(stderr, "%d: %s\n", error->code, error->message);
	exit(1);
}

static int open_dir(const char *path)
{
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void parse(Options *o, int *argc, char ***argv)
{
	const GOptionEntry rows[] = {
		{"dockerfile", 'f', 0, G_OPTION_ARG_STRING, &o->dockerfile, NULL, NULL},
		{"ignorefile", 0, 0, G_OPTION_ARG_STRING, &o->ignore_file, NULL, NULL},
		{"chown", 0, 0, G_OPTION_ARG_STRING, &o->chown, NULL, NULL},
		{"chmod", 0, 0, G_OPTION_ARG_STRING, &o->chmod, NULL, NULL},
		{"checksum", 0, 0, G_OPTION_ARG_STRING, &o->checksum, NULL, NULL},
		{"workdir", 0, 0, G_OPTION_ARG_STRING, &o->workdir, NULL, NULL},
		{"cache", 0, 0, G_OPTION_ARG_STRING, &o->cache, NULL, NULL},
		{"explain", 0, 0, G_OPTION_ARG_STRING, &o->explain, NULL, NULL},
		{"exclude", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->exclude, NULL, NULL},
		{"add", 0, 0, G_OPTION_ARG_NONE, &o->add, NULL, NULL},
		{"parents", 0, 0, G_OPTION_ARG_NONE, &o->parents, NULL, NULL},
		{"keep-git-dir", 0, 0, G_OPTION_ARG_NONE, &o->keep_git_dir, NULL, NULL},
		{"unpack", 0, 0, G_OPTION_ARG_NONE, &o->unpack, NULL, NULL},
		{"no-unpack", 0, 0, G_OPTION_ARG_NONE, &o->no_unpack, NULL, NULL},
		{"git-local", 0, 0, G_OPTION_ARG_NONE, &o->git_local, NULL, NULL},
		{"named", 0, 0, G_OPTION_ARG_NONE, &o->named, NULL, NULL},
		{"sum-only", 0, 0, G_OPTION_ARG_NONE, &o->sum_only, NULL, NULL},
		{"mtime", 0, 0, G_OPTION_ARG_INT64, &o->mtime, NULL, NULL},
		{0},
	};
	g_autoptr(GError) error = NULL;
	GOptionContext *context = g_option_context_new(NULL);
	g_option_context_add_main_entries(context, rows, NULL);
	if (!g_option_context_parse(context, argc, argv, &error))
		fail(error);
	g_option_context_free(context);
}

/* The context, and the Dockerfile if one is asked for. */
static BuildContext *open_context(const Options *o, const FetchEnv *env, const char *source)
{
	g_autoptr(GError) error = NULL;
	const ContextOptions options = {
		.env = env,
		.source = source,
		.dockerfile = o->dockerfile,
		.ignore_file = o->ignore_file,
	};
	BuildContext *context =
		o->named ? context_open_named(env, source, &error) : context_open(&options, &error);
	if (!context)
		fail(error);
	size_t size = 0;
	const char *text = context_dockerfile(context, &size);
	if (text)
		(void)printf("dockerfile %s %zu %.*s\n", context_dockerfile_name(context), size,
			     (int)strcspn(text, "\n"), text);
	if (context_commit(context))
		(void)printf("commit %s\n", context_commit(context));
	return context;
}

static void print_change(FileChange change, const char *path, void *data)
{
	(void)printf("%s %s\n",
		     change == FILE_ADDED     ? "added"
		     : change == FILE_REMOVED ? "removed"
					      : "changed",
		     path);
}

/* The checksum, and what changed since the list that was kept. */
static void sum(const Options *o, CopyPlan *plan)
{
	g_autoptr(GError) error = NULL;
	autofd dir = o->cache ? open_dir(o->cache) : -1;
	int64_t begin = now_ms();
	g_autoptr(StatCache) cache = stat_cache_open(dir, o->cache ? "stat" : NULL);
	g_autoptr(FileList) list = copy_plan_checksum(plan, cache, &error);
	if (!list)
		fail(error);
	g_autofree char *text = file_list_digest(list);
	if (!stat_cache_save(cache, &error))
		fail(error);
	(void)printf("sum %s\nreads %ju\nsum-ms %jd\n", text, (uintmax_t)stat_cache_reads(cache),
		     (intmax_t)(now_ms() - begin));
	if (!o->explain)
		return;
	g_autoptr(FileList) before = file_list_load(dir, o->explain);
	if (before)
		(void)file_list_diff(before, list, 20, print_change, NULL);
	if (!file_list_save(list, dir, o->explain, &error))
		fail(error);
}

int main(int argc, char **argv)
{
	Options o = {.mtime = -1};
	g_autoptr(GError) error = NULL;
	(void)umask(0);
	parse(&o, &argc, &argv);
	if (argc < 6)
		return 2;
	autofd work = open_dir(argv[1]), dest = open_dir(argv[3]);
	const FetchEnv env = {
		.work_path = argv[1], .work_fd = work, .git_local = o.git_local != FALSE};
	bool stage = *argv[2] == '@';
	g_autoptr(BuildContext) context = stage ? NULL : open_context(&o, &env, argv[2]);
	autofd stage_fd = stage ? open_dir(argv[2] + 1) : -1;
	g_auto(GStrv) sources = g_strdupv(argv + 4);
	g_clear_pointer(&sources[argc - 5], g_free);
	const CopySpec spec = {
		.add = o.add,
		.sources = (const char *const *)sources,
		.dest = argv[argc - 1],
		.workdir = o.workdir,
		.root_fd = stage ? stage_fd : context_root_fd(context),
		.ignore = stage ? NULL : context_ignore(context),
		.keep_owner = stage,
		.chown = o.chown,
		.chmod = o.chmod,
		.exclude = (const char *const *)o.exclude,
		.checksum = o.checksum,
		.parents = o.parents,
		.keep_git_dir = o.keep_git_dir,
		.unpack = o.unpack      ? 1
			  : o.no_unpack ? 0
					: -1,
		.env = &env,
	};
	g_autoptr(CopyPlan) plan = copy_plan_new(&spec, &error);
	if (!plan)
		fail(error);
	sum(&o, plan);
	CopyStats stats = {0};
	const CopyTarget target = {.dest_fd = dest, .users_fd = -1, .mtime = o.mtime};
	int64_t begin = now_ms();
	if (!o.sum_only && !copy_plan_apply(plan, &target, &stats, &error))
		fail(error);
	(void)printf("copy-ms %jd\nfiles %ju\nbytes %ju\nspecial %ju\n",
		     (intmax_t)(now_ms() - begin), (uintmax_t)stats.files, (uintmax_t)stats.bytes,
		     (uintmax_t)stats.special);
	return 0;
}
