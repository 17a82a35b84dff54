/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet install: single files beside each other; a directory or a .quadlets file as one
 * application, in a directory of its own.
 *
 * Everything is checked together with what is installed before anything is written. A file appears
 * by rename; an application is made in a hidden directory, which the generator does not enter, and
 * renamed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/quadlet/install_fetch.h"
#include "cmd/quadlet/quadlet_source.h"
#include "cmd/quadlet/quadlet_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"

#define DEPTH_MAX 16
#define ASSET_MAX (64 * 1024 * 1024)
#define STAGE     ".skiff-install"

typedef struct {
	bool replace, reload;
} InstallOptions;

static const Option options[] = {
	{0, "replace", OPTION_FLAG, option_set_flag, NULL, "Replace what is installed already",
	 offsetof(InstallOptions, replace), OPTION_COMMON},
	{0, "reload-systemd", OPTION_FLAG, option_set_flag, NULL,
	 "Have systemd read the files (default true)", offsetof(InstallOptions, reload),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Copying */

static bool write_file(int dir_fd, const char *name, const char *text, size_t size, mode_t mode,
		       GError **error)
{
	autofd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			   mode & 0777);
	if (fd < 0 || !fd_write_all(fd, text, size) || fsync(fd) < 0)
		return error_set_errno(error, "cannot write '%s'", name);
	return true;
}

/* A regular file that has been opened. */
static bool copy_opened(int fd, const char *name, int to, const char *new_name, GError **error)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot read '%s'", name);
	if (!S_ISREG(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is no regular file", name);
	size_t size = 0;
	g_autofree char *text = fd_read_all(fd, ASSET_MAX, &size, error);
	return text && write_file(to, new_name, text, size, st.st_mode | 0600, error);
}

/* The file that was named, whatever link leads there. */
static bool copy_file(const char *path, int to, const char *new_name, GError **error)
{
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_set_errno(error, "cannot read '%s'", path);
	return copy_opened(fd, path, to, new_name, error);
}

/* Open what is at @path of an application, which may have come from a stranger: its links stay in
 * it. */
static int open_member(int top, const char *path, GError **error)
{
	int fd = wall_stands("application-links") ? path_open_beneath(top, path, O_RDONLY)
						  : openat(top, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == EXDEV) {
		error_set(error, ENGINE_ERROR_INVALID,
			  "'%s' is a link that leads out of the directory", path);
		error_add_help(error, "put a copy in its place, or install that file by itself");
	} else if (fd < 0) {
		error_set_errno(error, "cannot read '%s'", path);
	}
	return fd;
}

static bool copy_members(int top, const char *path, int from, int to, int depth, GError **error);

/* One entry; @to -1: only look whether it could be copied. */
static bool copy_entry(int top, const char *path, const char *name, int to, int depth,
		       GError **error)
{
	g_autofree char *full = path ? g_build_filename(path, name, NULL) : g_strdup(name);
	autofd fd = open_member(top, full, error);
	struct stat st;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot read '%s'", full);
	if (!S_ISDIR(st.st_mode))
		return to < 0 || copy_opened(fd, full, to, name, error);
	if (depth == DEPTH_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is too deep", full);
	if (to >= 0 && mkdirat(to, name, 0755) < 0)
		return error_set_errno(error, "cannot copy '%s'", full);
	autofd made =
		to < 0 ? -1 : openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to >= 0 && made < 0)
		return error_set_errno(error, "cannot copy '%s'", full);
	return copy_members(top, full, fd, made, depth + 1, error);
}

/* Hidden files stay behind. */
static bool copy_members(int top, const char *path, int from, int to, int depth, GError **error)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	bool ok = directory || error_set_errno(error, "cannot read the directory");
	for (struct dirent *entry; ok && (errno = 0, entry = readdir(directory));)
		ok = entry->d_name[0] == '.' ||
		     copy_entry(top, path, entry->d_name, to, depth, error);
	if (ok && errno)
		ok = error_set_errno(error, "cannot list '%s'", path);
	if (directory)
		closedir(directory);
	return ok;
}

/* All of an application; @to -1: only look. */
static bool copy_directory(const char *path, int to, GError **error)
{
	autofd top = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return error_set_errno(error, "cannot open '%s'", path);
	return copy_members(top, NULL, top, to, 0, error);
}

/* Installing */

typedef struct {
	const InstallOptions *opts;
	int home_fd;
	const char *home;
} Install;

static bool check_free(const Install *install, const char *name, GError **error)
{
	struct stat st;
	if (fstatat(install->home_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || install->opts->replace)
		return true;
	return error_set(error, ENGINE_ERROR_EXISTS,
			 "a Quadlet with name %s already exists, refusing to overwrite", name);
}

/* What was staged and what has its name change places, so that there is always one of them. */
static bool take_place(const Install *install, const char *name)
{
	int home = install->home_fd;
	if (renameat2(home, STAGE, home, name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno == EEXIST && renameat2(home, STAGE, home, name, RENAME_EXCHANGE) == 0)
		return path_remove_tree(home, STAGE);
	/* Some network file systems can do neither. */
	return errno == EINVAL && path_remove_tree(home, name) &&
	       renameat(home, STAGE, home, name) == 0;
}

/* What was staged takes its name. */
static bool publish(const Install *install, const char *name, GError **error)
{
	if (!take_place(install, name))
		return error_set_errno(error, "cannot install '%s'", name);
	g_autofree char *path = g_build_filename(install->home, name, NULL);
	output_text(path);
	return true;
}

static bool install_file(const Install *install, const char *path, GError **error)
{
	g_autofree char *name = g_path_get_basename(path);
	return copy_file(path, install->home_fd, STAGE, error) && publish(install, name, error);
}

/* An empty directory to fill. */
static int open_stage(const Install *install, GError **error)
{
	int fd = mkdirat(install->home_fd, STAGE, 0755) < 0
			 ? -1
			 : openat(install->home_fd, STAGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		error_set_errno(error, "cannot make a directory in '%s'", install->home);
	return fd;
}

static bool install_directory(const Install *install, const char *path, GError **error)
{
	g_autofree char *name = g_path_get_basename(path);
	autofd stage = open_stage(install, error);
	return stage >= 0 && copy_directory(path, stage, error) && publish(install, name, error);
}

/* The name without ".quadlets" is the application's. */
static bool install_parts(const Install *install, const char *path, GError **error)
{
	g_autofree char *base = g_path_get_basename(path);
	g_autofree char *name = g_strndup(base, strlen(base) - strlen(".quadlets"));
	size_t size = 0;
	g_autofree char *text = unit_file_read(AT_FDCWD, path, &size, error);
	g_autoptr(GPtrArray) parts = text ? quadlet_split(text, size, error) : NULL;
	if (!parts)
		return false;
	autofd stage = open_stage(install, error);
	bool ok = stage >= 0;
	for (size_t i = 0; ok && i < parts->len; i++) {
		const QuadletPart *part = parts->pdata[i];
		ok = write_file(stage, part->name, part->text, part->size, 0644, error);
	}
	return ok && publish(install, name, error);
}

static char *installed_name(const char *path)
{
	g_autofree char *base = g_path_get_basename(path);
	return g_str_has_suffix(base, ".quadlets") ? g_strndup(base, strlen(base) - 9)
						   : g_steal_pointer(&base);
}

static bool install_all(const Install *install, const GPtrArray *paths, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < paths->len; i++) {
		g_autofree char *name = installed_name(paths->pdata[i]);
		if (!path_name_is_safe(name) || *name == '.')
			return error_set(error, ENGINE_ERROR_INVALID, "'%s' cannot be a name",
					 name);
		if (!check_free(install, name, error))
			return false;
		if (!g_hash_table_add(seen, g_strdup(name)))
			return error_set(error, ENGINE_ERROR_EXISTS,
					 "two of these would be installed as '%s'", name);
	}
	bool ok = true;
	for (size_t i = 0; ok && i < paths->len; i++) {
		const char *path = paths->pdata[i];
		(void)path_remove_tree(install->home_fd, STAGE);
		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			ok = install_directory(install, path, error);
		else if (g_str_has_suffix(path, ".quadlets"))
			ok = install_parts(install, path, error);
		else
			ok = install_file(install, path, error);
	}
	if (!ok)
		(void)path_remove_tree(install->home_fd, STAGE);
	return ok;
}

/* Checking */

/* Read what is at @path into @files. The first file must be of a kind of ours, others may go with
 * it. */
static bool read_one(QuadletFiles *files, const char *path, bool first, GError **error)
{
	if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
		g_autoptr(GPtrArray) roots = g_ptr_array_new();
		g_ptr_array_add(roots, (char *)path);
		if (!copy_directory(path, -1, error))
			return false;
		quadlet_load(&files->set, roots, 0, files->messages);
		return true;
	}
	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "there is no file '%s'", path);
	return quadlet_load_file(&files->set, path, files->messages) || !first ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "'%s' is of no kind that systemd units are made of", path);
}

/* Read what is to be installed; what is at an address is fetched into @fetched first. */
static bool read_new(const Invocation *inv, QuadletFiles *files, InstallFetched *fetched,
		     GPtrArray *paths, GError **error)
{
	for (size_t i = 0; i < command_n_args(inv); i++) {
		const char *arg = command_arg(inv, i);
		char *path = install_fetch_is_address(arg) ? install_fetch(fetched, arg, error)
							   : g_canonicalize_filename(arg, NULL);
		if (!path)
			return false;
		g_ptr_array_add(paths, path);
		if (!read_one(files, path, i == 0, error))
			return false;
	}
	if (files->messages->len > 0)
		return error_set(error, ENGINE_ERROR_INVALID, "%s",
				 (const char *)files->messages->pdata[0]);
	if (files->set.units->len == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "there is nothing to install");
	return true;
}

/* Say all that is wrong with the first @n units. */
static bool check_new(QuadletFiles *files, size_t n, GError **error)
{
	size_t errors = 0;
	for (size_t i = 0; i < n; i++) {
		QuadletUnit *unit = files->set.units->pdata[i];
		quadlet_verb_check(files, unit);
		for (size_t j = 0; j < unit->problems->len; j++) {
			const QuadletProblem *problem = unit->problems->pdata[j];
			g_autofree char *text = quadlet_problem_format(problem);
			fprintf(stderr, "%s%s\n", problem->warning ? "Warning: " : "", text);
			errors += !problem->warning;
		}
	}
	return errors == 0 ||
	       error_set(error, ENGINE_ERROR_INVALID, "nothing was installed: %zu problem%s",
			 errors, errors == 1 ? "" : "s");
}

static int open_home(const char *home, GError **error)
{
	int fd = home && g_mkdir_with_parents(home, 0755) == 0
			 ? openat(AT_FDCWD, home, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			 : -1;
	if (fd < 0)
		error_set_errno(error, "cannot open '%s'", home ? home : "");
	return fd;
}

static bool run_install(const Invocation *inv, const InstallOptions *opts, GError **error)
{
	g_auto(QuadletFiles) files = {0};
	g_auto(InstallFetched) fetched = {0};
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	quadlet_files_init(&files);
	if (!read_new(inv, &files, &fetched, paths, error))
		return false;
	size_t n = files.set.units->len;
	quadlet_files_load(&files);
	if (!check_new(&files, n, error))
		return false;
	Install install = {.opts = opts, .home = quadlet_files_home(&files)};
	autofd home_fd = open_home(install.home, error);
	install.home_fd = home_fd;
	if (home_fd < 0 || !install_all(&install, paths, error))
		return false;
	if (opts->reload)
		quadlet_verb_reload();
	return true;
}

static int cmd_quadlet_install(Invocation *inv)
{
	InstallOptions opts = {.reload = true};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	return run_install(inv, &opts, &error) ? 0 : command_fail(error);
}

const Command quadlet_install_command = {
	.paths = (const char *const[]){"quadlet install", NULL},
	.usage = "[options] FILE|DIRECTORY|URL [FILE|URL...]",
	.summary = "Install quadlet files",
	.description =
		"Checks files that systemd's units are made of and puts them where systemd's "
		"generator finds them. A directory or a .quadlets file is an application, "
		"whose files stay together; its links may not lead out of it. An address begins "
		"with https://.",
	.examples = (const char *const[]){"skiff quadlet install web.container data.volume",
					  "skiff quadlet install --replace ./shop", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_FILE,
	.more_args = COMMAND_ARG_FILE,
	.run = cmd_quadlet_install,
};
