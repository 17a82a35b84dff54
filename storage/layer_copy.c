/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-layer stat, get, put, make, remove: options, jail, work, report.
 */
#include "storage/layer_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "storage/jail.h"
#include "storage/layer_child.h"
#include "storage/tar_unpack.h"
#include "storage/tree_pack.h"

#define ROOT_FD   3
#define REPORT_FD 4
#define BUFFER    (256u << 10)

typedef struct {
	const char *path;
	const char *as;
	bool nofollow;
	bool one_mount;
	bool skip_unreadable;
	bool overwrite;
	bool single_id;
	bool has_owner;
	uint32_t owner[2];
} CopyArguments;

/* A tar on its way out. */
typedef struct {
	char buffer[BUFFER];
	size_t used;
} Output;

static bool flush(Output *out, GError **error)
{
	if (out->used > 0 && !fd_write_all(STDOUT_FILENO, out->buffer, out->used))
		return error_set_errno(error, "cannot write the archive");
	out->used = 0;
	return true;
}

static bool put_bytes(void *data, const void *bytes, size_t size, GError **error)
{
	Output *out = data;
	if (size > BUFFER - out->used && !flush(out, error))
		return false;
	if (size >= BUFFER)
		return fd_write_all(STDOUT_FILENO, bytes, size) ||
		       error_set_errno(error, "cannot write the archive");
	memcpy(out->buffer + out->used, bytes, size);
	out->used += size;
	return true;
}

static ssize_t read_stdin(void *data, void *buffer, size_t size)
{
	ssize_t n;
	do
		n = read(STDIN_FILENO, buffer, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool set_missing(const char *path, GError **error)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s': %s", path, strerror(errno));
	return error_set_errno(error, "cannot open '%s'", path);
}

static const char *kind_name(mode_t mode)
{
	return S_ISDIR(mode) ? "dir" : S_ISREG(mode) ? "file" : S_ISLNK(mode) ? "link" : "other";
}

/* What is at the path, and where a link that is not followed leads. */
static bool do_stat(const CopyArguments *args, Json *report, GError **error)
{
	struct stat st;
	char target[PATH_MAX] = "";
	autofd fd = path_open_in_root(ROOT_FD, args->path,
				      O_PATH | (args->nofollow ? O_NOFOLLOW : 0), 0);
	if (fd < 0)
		return set_missing(args->path, error);
	if (fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot look at '%s'", args->path);
	if (S_ISLNK(st.st_mode) && readlinkat(fd, "", target, sizeof(target) - 1) < 0)
		return error_set_errno(error, "cannot read the link '%s'", args->path);
	g_autofree char *text = g_utf8_make_valid(target, -1);
	js_set_string(report, "kind", kind_name(st.st_mode));
	js_set_string(report, "target", S_ISLNK(st.st_mode) ? text : NULL);
	return true;
}

/* The directory that holds what is no file and no directory, and its name there. */
static int open_parent(const char *path, const char **out_name, GError **error)
{
	const char *slash = strrchr(path, '/');
	g_autofree char *parent =
		slash ? g_strndup(path, (size_t)(slash - path) + 1) : g_strdup("/");
	int fd = path_open_in_root(ROOT_FD, parent, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		(void)set_missing(path, error);
	*out_name = slash ? slash + 1 : path;
	return fd;
}

/* Open what the path leads to, links followed inside the root, and say how it is to be packed. */
static bool open_source(const CopyArguments *args, TreePackOptions *options, GError **error)
{
	const int nofollow = args->nofollow ? O_NOFOLLOW : 0;
	struct stat st;
	if (fstat(ROOT_FD, &st) == 0 && S_ISREG(st.st_mode)) { /* a file of the host */
		options->file_fd = fcntl(ROOT_FD, F_DUPFD_CLOEXEC, 3);
		return options->file_fd >= 0 || error_set_errno(error, "cannot read the file");
	}
	autofd probe = path_open_in_root(ROOT_FD, args->path, O_PATH | nofollow, 0);
	if (probe < 0)
		return set_missing(args->path, error);
	if (fstat(probe, &st) < 0)
		return error_set_errno(error, "cannot look at '%s'", args->path);
	if (S_ISDIR(st.st_mode) || !args->as) {
		options->dir_fd = path_open_in_root(ROOT_FD, args->path, O_RDONLY | O_DIRECTORY, 0);
		options->name = args->as ? "." : NULL;
	} else if (S_ISREG(st.st_mode)) {
		options->file_fd = path_open_in_root(ROOT_FD, args->path, O_RDONLY | nofollow, 0);
	} else {
		options->dir_fd = open_parent(args->path, &options->name, error);
		return options->dir_fd >= 0;
	}
	return options->dir_fd >= 0 || options->file_fd >= 0 || set_missing(args->path, error);
}

/* Pack what the path leads to onto standard output. */
static bool do_get(const CopyArguments *args, Json *report, GError **error)
{
	g_autofree Output *out = g_new0(Output, 1);
	TreePackOptions options = {
		.dir_fd = -1,
		.file_fd = -1,
		.as = args->as,
		.one_mount = args->one_mount,
		.skip_unreadable = args->skip_unreadable,
		.raw = put_bytes,
		.content = put_bytes,
		.data = out,
	};
	TreePackStats stats = {0};
	bool done = open_source(args, &options, error) && tree_pack(&options, &stats, error) &&
		    flush(out, error);
	fd_close(&options.dir_fd);
	fd_close(&options.file_fd);
	js_set_int(report, "size", (int64_t)stats.size);
	js_set_int(report, "unreadable", (int64_t)stats.unreadable);
	return done;
}

/* Unpack what comes from standard input into the directory. */
static bool do_put(const CopyArguments *args, Json *report, GError **error)
{
	autofd dir = path_open_in_root(ROOT_FD, args->path, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return set_missing(args->path, error);
	const TarSource source = {.read = read_stdin};
	g_autoptr(TarReader) reader = tar_reader_new(&source);
	g_autoptr(GByteArray) deferred = g_byte_array_new();
	const TarUnpackOptions options = {
		.root_fd = dir,
		.extra_fd = -1,
		.single_id = args->single_id,
		.plain = true,
		.keep_kinds = !args->overwrite,
		.owner = args->has_owner ? args->owner : NULL,
		.max_bytes = LAYER_MAX_BYTES,
		.max_entries = LAYER_MAX_ENTRIES,
	};
	TarUnpackStats stats = {0};
	if (!tar_unpack(reader, &options, deferred, &stats, error))
		return false;
	js_set_int(report, "size", (int64_t)stats.size);
	js_set_int(report, "entries", (int64_t)stats.entries);
	js_set_int(report, "devices", (int64_t)stats.devices);
	return true;
}

/* A directory with its parents. If it is new it gets the owner. */
static bool do_make(const CopyArguments *args, Json *report, GError **error)
{
	autofd there = path_open_in_root(ROOT_FD, args->path, O_PATH | O_DIRECTORY, 0);
	if (there >= 0)
		return true;
	autofd made = path_mkdirs_in_root(ROOT_FD, args->path, 0755);
	if (made < 0 && (errno == ENOTDIR || errno == EEXIST))
		return error_set(error, ENGINE_ERROR_EXISTS, "'%s': not a directory", args->path);
	if (made < 0)
		return error_set_errno(error, "cannot make '%s'", args->path);
	return !args->has_owner || args->single_id ||
	       fchownat(made, "", args->owner[0], args->owner[1], AT_EMPTY_PATH) == 0 ||
	       error_set_errno(error, "cannot give '%s' away", args->path);
}

/* What is at the path, a link as such. */
static bool do_remove(const CopyArguments *args, Json *report, GError **error)
{
	g_autoptr(GError) failed = NULL;
	const char *name = NULL;
	autofd parent = open_parent(args->path, &name, &failed);
	if (error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	if (parent < 0) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (!*name)
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not removed", args->path);
	return path_remove_tree(parent, name) ||
	       error_set_errno(error, "cannot remove '%s'", args->path);
}

typedef struct {
	const char *name;
	bool writes;
	bool (*run)(const CopyArguments *args, Json *report, GError **error);
} CopyVerb;

static const CopyVerb *find_verb(const char *name)
{
	static const CopyVerb verbs[] = {
		{"get", false, do_get},      {"make", true, do_make},  {"put", true, do_put},
		{"remove", true, do_remove}, {"stat", false, do_stat},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

/* "UID:GID". */
static bool parse_owner(const char *text, CopyArguments *out, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);
	for (int i = 0; i < 2; i++) {
		uint64_t value = 0;
		if (!parts[i] || !units_parse_uint(parts[i], UINT32_MAX - 1, &value, error))
			return error && *error ? false
					       : error_set(error, ENGINE_ERROR_INVALID,
							   "'%s' is not UID:GID", text);
		out->owner[i] = (uint32_t)value;
	}
	out->has_owner = true;
	return true;
}

/* Options only; each at most once. */
static bool parse_arguments(int argc, char **argv, CopyArguments *out, GError **error)
{
	const struct {
		const char *name;
		bool *flag;
		const char **value;
	} rows[] = {
		{"--path", NULL, &out->path},
		{"--as", NULL, &out->as},
		{"--nofollow", &out->nofollow, NULL},
		{"--one-mount", &out->one_mount, NULL},
		{"--skip-unreadable", &out->skip_unreadable, NULL},
		{"--overwrite", &out->overwrite, NULL},
		{"--single-id", &out->single_id, NULL},
	};
	*out = (CopyArguments){.path = "/"};
	for (int i = 2; i < argc; i++) {
		size_t row = 0;
		while (row < G_N_ELEMENTS(rows) && strcmp(rows[row].name, argv[i]) != 0)
			row++;
		bool known = row < G_N_ELEMENTS(rows);
		if (known && rows[row].flag)
			*rows[row].flag = true;
		else if (known && i + 1 < argc)
			*rows[row].value = argv[++i];
		else if (strcmp(argv[i], "--owner") != 0 || i + 1 >= argc)
			return error_set(error, ENGINE_ERROR_INVALID, "unknown option '%s'",
					 argv[i]);
		else if (!parse_owner(argv[++i], out, error))
			return false;
	}
	return true;
}

bool layer_copy_is_verb(const char *verb)
{
	return find_verb(verb) != NULL;
}

/* Options, then the jail, then the work. */
static bool run(int argc, char **argv, Json *report, GError **error)
{
	CopyArguments args;
	const CopyVerb *verb = find_verb(argv[1]);
	(void)signal(SIGPIPE, SIG_IGN);
	return parse_arguments(argc, argv, &args, error) &&
	       jail_enter_empty(ROOT_FD, !verb->writes, error) && verb->run(&args, report, error);
}

int layer_copy_main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) report = json_object_new_object();
	bool done = run(argc, argv, report, &error);
	js_set_bool(report, "ok", done);
	if (error) {
		g_autofree char *message = g_utf8_make_valid(error->message, -1);
		js_set_int(report, "error", error->domain == ENGINE_ERROR ? error->code : 0);
		js_set_string(report, "message", message);
	}
	const char *text = js_text(report);
	(void)!fd_write_all(REPORT_FD, text, strlen(text));
	return done ? 0 : 1;
}
