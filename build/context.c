/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build contexts of all kinds, their Dockerfile and their ignore file.
 */
#include "build/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/dockerfile_lex.h"
#include "build/git_source.h"
#include "build/remote.h"
#include "build/tarball.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/fetch.h"

#define PIECE_SIZE (256u << 10)
#define SPOOL_MAX  (INT64_C(64) << 30)

struct BuildContext {
	int root_fd;
	char *shown;  /* what the user typed, without a password */
	char *key;    /* NULL: fetched */
	char *commit; /* NULL: no repository */
	int64_t time; /* when it was made; -1: nobody says */
	bool is_host; /* a directory of the host */
	char *text;   /* the Dockerfile; NULL: none was asked for */
	size_t text_size;
	char *text_name;
	int beside_fd; /* the directory that the Dockerfile is in, -1: none */
	char *beside;  /* its name there */
	Dockerignore *ignore;
};

void context_close(BuildContext *context)
{
	if (!context)
		return;
	fd_close(&context->root_fd);
	fd_close(&context->beside_fd);
	g_free(context->shown);
	g_free(context->key);
	g_free(context->commit);
	g_free(context->text);
	g_free(context->text_name);
	g_free(context->beside);
	dockerignore_free(context->ignore);
	g_free(context);
}

int context_root_fd(const BuildContext *context)
{
	return context->root_fd;
}

const char *context_key(const BuildContext *context)
{
	return context->key;
}

const char *context_dockerfile(const BuildContext *context, size_t *out_size)
{
	if (out_size)
		*out_size = context->text_size;
	return context->text;
}

const char *context_dockerfile_name(const BuildContext *context)
{
	return context->text_name;
}

const Dockerignore *context_ignore(const BuildContext *context)
{
	return context->ignore;
}

const char *context_commit(const BuildContext *context)
{
	return context->commit;
}

int64_t context_time(const BuildContext *context)
{
	return context->time;
}

char *context_image(const char *value)
{
	static const struct {
		const char *scheme, *transport;
	} rows[] = {
		{"docker-image://", ""},
		{"container-image://", ""},
		{"docker://", ""},
		{"oci-layout://", CONTEXT_LAYOUT},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (g_str_has_prefix(value, rows[i].scheme))
			return g_strconcat(rows[i].transport, value + strlen(rows[i].scheme), NULL);
	return NULL;
}

/* All that a descriptor gives into an unlinked file, which is read at random places then. */
static int spool(const FetchEnv *env, int from, GError **error)
{
	autofd file = work_file_new(env, error);
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	int64_t size = 0;
	while (file >= 0) {
		ssize_t n = read(from, piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return fd_steal(&file);
		size += n;
		if (size > SPOOL_MAX)
			errno = EFBIG;
		if (n < 0 || size > SPOOL_MAX || !fd_write_all(file, piece, (size_t)n)) {
			(void)error_set_errno(error, "cannot read the build context");
			return -1;
		}
	}
	return -1;
}

/* A tar becomes a directory of ours. */
static bool open_tar(BuildContext *context, const FetchEnv *env, int fd, GError **error)
{
	context->root_fd = work_dir_new(env, "context", NULL, error);
	if (context->root_fd < 0)
		return false;
	if (tarball_unpack(fd, context->root_fd, "/", "0:0", error))
		return true;
	g_prefix_error(error, "cannot unpack the build context: ");
	return false;
}

/* A Dockerfile alone has nothing to copy. */
static bool open_text(BuildContext *context, const FetchEnv *env, int fd, const char *name,
		      GError **error)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(error, "cannot read '%s'", name);
	context->text = fd_read_all(fd, DOCKERFILE_SIZE_MAX, &context->text_size, error);
	context->text_name = g_strdup(name);
	if (!context->text) {
		g_prefix_error(error, "'%s' is no archive, and as a Dockerfile: ", name);
		return false;
	}
	if (memchr(context->text, '\0', context->text_size))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s' is neither a tar archive nor a Dockerfile", name);
	context->root_fd = work_dir_new(env, "context", NULL, error);
	return context->root_fd >= 0;
}

/* A file of any origin: a tar, or a Dockerfile if @may_be_text. */
static bool open_file(BuildContext *context, const FetchEnv *env, int fd, const char *name,
		      bool may_be_text, GError **error)
{
	int archive = tarball_detect(fd, error);
	if (archive < 0)
		return false;
	if (archive > 0)
		return open_tar(context, env, fd, error);
	if (may_be_text)
		return open_text(context, env, fd, name, error);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "'%s' is neither a directory nor a tar archive", name);
}

static bool open_stdin(BuildContext *context, const FetchEnv *env, int stdin_fd, bool may_be_text,
		       GError **error)
{
	autofd file = spool(env, stdin_fd, error);
	return file >= 0 && open_file(context, env, file, "-", may_be_text, error);
}

static bool open_url(BuildContext *context, const FetchEnv *env, const char *url, bool may_be_text,
		     GError **error)
{
	g_autoptr(RemoteFile) file = remote_fetch(env, url, NULL, error);
	context->time = file ? file->mtime : -1;
	return file && open_file(context, env, file->fd, context->shown, may_be_text, error);
}

static bool open_git(BuildContext *context, const FetchEnv *env, const char *text, bool keep_git,
		     GError **error)
{
	g_autoptr(GitSource) source = git_source_parse(text, env, error);
	if (!source)
		return false;
	bool keep = source->keep_git == 1 || (source->keep_git < 0 && keep_git);
	context->root_fd =
		git_source_checkout(source, env, keep, &context->commit, &context->time, error);
	return context->root_fd >= 0;
}

/* A path of the host, which its user typed: links in it are the user's own affair. */
static bool open_host(BuildContext *context, const FetchEnv *env, const char *path,
		      bool may_be_text, GError **error)
{
	struct stat st;
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "no such build context '%s': %s",
				 path, strerror(errno));
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot open the build context '%s'", path);
	if (S_ISREG(st.st_mode))
		return open_file(context, env, fd, path, may_be_text, error);
	if (!S_ISDIR(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s' is neither a directory nor a tar archive", path);
	context->root_fd = fd_steal(&fd);
	context->is_host = true;
	context->key =
		g_strdup_printf("context-%jx-%jx", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return true;
}

/* Whatever it is, a directory comes of it; the main context has @options. */
static BuildContext *open_source(const FetchEnv *env, const char *source, int stdin_fd,
				 const ContextOptions *options, GError **error)
{
	g_autoptr(BuildContext) context = g_new0(BuildContext, 1);
	bool may_be_text = options != NULL;
	context->root_fd = context->beside_fd = -1;
	context->time = -1;
	/* Fragments and queries are nobody's secret, a password is. */
	context->shown = fetch_url_shown(source);
	bool done = strcmp(source, "-") == 0
			    ? open_stdin(context, env, stdin_fd, may_be_text, error)
		    : git_source_is(source)
			    ? open_git(context, env, source, options && options->keep_git, error)
		    : remote_is_url(source) ? open_url(context, env, source, may_be_text, error)
					    : open_host(context, env, source, may_be_text, error);
	return done ? g_steal_pointer(&context) : NULL;
}

/* A Dockerfile, or an ignore file, that was opened. */
static char *read_text(int fd, const char *name, size_t max, size_t *out_size, GError **error)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' is not a file", name);
	char *text = fd_set_nonblock(fd, false) ? fd_read_all(fd, max, out_size, error) : NULL;
	if (!text)
		g_prefix_error(error, "cannot read '%s': ", name);
	return text;
}

/* Remember where the Dockerfile is: its own ignore file would be beside it. */
static void set_beside(BuildContext *context, int root_fd, const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);
	context->beside = g_path_get_basename(path);
	context->beside_fd = root_fd == AT_FDCWD
				     ? openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				     : path_open_in_root(root_fd, dir, O_RDONLY | O_DIRECTORY, 0);
}

/*
 * -f: a path of the host as docker has it, else one in the context as podman has it. What was
 * fetched has only the latter.
 */
static bool take_named(BuildContext *context, const char *name, GError **error)
{
	autofd fd = context->is_host
			    ? openat(AT_FDCWD, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
			    : -1;
	int root = fd >= 0 ? AT_FDCWD : context->root_fd;
	if (context->is_host && fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return error_set_errno(error, "cannot open '%s'", name);
	if (fd < 0)
		fd = path_open_in_root(context->root_fd, name, O_RDONLY, 0);
	if (fd < 0)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "no such Dockerfile '%s': %s", name,
				 strerror(errno));
	context->text = read_text(fd, name, DOCKERFILE_SIZE_MAX, &context->text_size, error);
	context->text_name = g_strdup(name);
	set_beside(context, root, name);
	return context->text != NULL;
}

/* The usual names, inside the context. */
static bool take_usual(BuildContext *context, GError **error)
{
	static const char *const names[] = {"Containerfile", "Dockerfile"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		autofd fd = path_open_in_root(context->root_fd, names[i], O_RDONLY, 0);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return error_set_errno(error, "cannot open '%s'", names[i]);
		context->text =
			read_text(fd, names[i], DOCKERFILE_SIZE_MAX, &context->text_size, error);
		context->text_name = g_strdup(names[i]);
		set_beside(context, context->root_fd, names[i]);
		return context->text != NULL;
	}
	return error_set(
		error, ENGINE_ERROR_NOT_FOUND,
		"no Containerfile or Dockerfile specified or found in context directory, %s",
		context->shown);
}

static bool take_dockerfile(BuildContext *context, const ContextOptions *options, int stdin_fd,
			    GError **error)
{
	if (context->text) /* the context is one */
		return true;
	if (!options->dockerfile)
		return take_usual(context, error);
	if (strcmp(options->dockerfile, "-") == 0) {
		context->text_name = g_strdup("-");
		context->text =
			fd_read_all(stdin_fd, DOCKERFILE_SIZE_MAX, &context->text_size, error);
		return context->text != NULL;
	}
	return take_named(context, options->dockerfile, error);
}

/* Read an ignore file. Absent is no error; one that leads out of its root is. */
static bool try_ignore(BuildContext *context, int root_fd, const char *name, bool *out_found,
		       GError **error)
{
	size_t size = 0;
	struct stat st;
	*out_found = fstatat(root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*out_found)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ||
		       error_set_errno(error, "cannot look at '%s'", name);
	autofd fd = path_open_in_root(root_fd, name, O_RDONLY, 0);
	if (fd < 0) {
		(void)error_set_errno(error, "cannot open the ignore file '%s'", name);
		error_add_help(error, "a link must lead to a file in the same directory tree");
		return false;
	}
	g_autofree char *text = read_text(fd, name, DOCKERIGNORE_SIZE_MAX, &size, error);
	context->ignore = text ? dockerignore_parse(text, size, name, error) : NULL;
	return context->ignore != NULL;
}

/* --ignorefile: the user's own path. */
static bool take_ignore_file(BuildContext *context, const char *path, GError **error)
{
	size_t size = 0;
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(error, "cannot open the ignore file '%s'", path);
	g_autofree char *text = read_text(fd, path, DOCKERIGNORE_SIZE_MAX, &size, error);
	context->ignore = text ? dockerignore_parse(text, size, path, error) : NULL;
	return context->ignore != NULL;
}

/* The Dockerfile's own, beside it; else the context's. */
static bool take_ignore(BuildContext *context, const char *given, GError **error)
{
	if (given)
		return take_ignore_file(context, given, error);
	bool has_own = context->beside_fd >= 0;
	g_auto(GStrv) names = dockerignore_names(has_own ? context->beside : NULL);
	for (size_t i = 0; names[i]; i++) {
		bool found = false;
		int root = has_own && i == 0 ? context->beside_fd : context->root_fd;
		if (!try_ignore(context, root, names[i], &found, error))
			return false;
		if (found)
			break;
	}
	return true;
}

BuildContext *context_open(const ContextOptions *options, GError **error)
{
	const char *source = options->source ? options->source : ".";
	int stdin_fd = options->stdin_fd > 0 ? options->stdin_fd : STDIN_FILENO;
	if (strcmp(source, "-") == 0 && g_strcmp0(options->dockerfile, "-") == 0)
		return error_set_null(
			error, ENGINE_ERROR_INVALID,
			"the context and the Dockerfile cannot both be standard input");
	g_autoptr(BuildContext) context =
		open_source(options->env, source, stdin_fd, options, error);
	if (!context || !take_dockerfile(context, options, stdin_fd, error) ||
	    !take_ignore(context, options->ignore_file, error))
		return NULL;
	return g_steal_pointer(&context);
}

BuildContext *context_open_named(const FetchEnv *env, const char *value, GError **error)
{
	g_autoptr(BuildContext) context = open_source(env, value, STDIN_FILENO, NULL, error);
	if (!context || (context->is_host && !take_ignore(context, NULL, error)))
		return NULL;
	return g_steal_pointer(&context);
}
