/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/build/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/solver_export.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "storage/image_index.h"
#include "storage/reference.h"

static size_t n_platforms(const BuildVerb *verb)
{
	return verb->platforms ? verb->platforms->len : 1;
}

bool build_outputs_check(const BuildVerb *verb, GError **error)
{
	bool push = verb->push;
	for (guint i = 0; verb->outputs && i < verb->outputs->len; i++) {
		const BuildOutput *output = verb->outputs->pdata[i];
		push = push || output->kind == BUILD_OUTPUT_PUSH;
		if (n_platforms(verb) > 1 &&
		    (output->kind == BUILD_OUTPUT_TAR || output->kind == BUILD_OUTPUT_DOCKER ||
		     output->kind == BUILD_OUTPUT_OCI))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "a tar holds the image of one platform: use type=local, "
					 "or --push");
		if (g_strcmp0(output->dest, "-") == 0 && isatty(STDOUT_FILENO))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "refusing to write a tar to the terminal: say dest=FILE "
					 "or redirect");
	}
	return !push || (verb->tags && verb->tags->len > 0) ||
	       error_set(error, ENGINE_ERROR_INVALID, "to push an image it needs a name: -t");
}

/* The user's own directory, made with its parents. */
static int open_dir(const char *path, GError **error)
{
	g_autofree char *copy = g_strdup(path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)!mkdirat(AT_FDCWD, copy, 0777);
		*slash = '/';
	}
	int fd = -1;
	if (mkdirat(AT_FDCWD, path, 0777) == 0 || errno == EEXIST)
		fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		error_set_errno(error, "cannot write to the directory '%s'", path);
	return fd;
}

static bool write_local(Engine *engine, const BuildOutput *output, const Image *image,
			const BuildResult *result, size_t index, GError **error)
{
	g_autofree char *name = result->platforms
					? g_strdelimit(g_strdup(result->platforms[index]), "/", '_')
					: NULL;
	bool split = name && result->is_list;
	g_autofree char *path = g_build_filename(output->dest, split ? name : NULL, NULL);
	autofd dir = open_dir(path, error);
	return dir >= 0 && build_export_dir(engine, image, dir, result->mtime, error);
}

/* A file appears when it is complete. */
static bool write_tar(Engine *engine, const BuildOutput *output, const Image *image,
		      const BuildResult *result, GError **error)
{
	if (strcmp(output->dest, "-") == 0)
		return build_export_tar(engine, image, result->stdout_fd, result->mtime, error);
	struct stat st;
	bool direct = fstatat(AT_FDCWD, output->dest, &st, 0) == 0 && !S_ISREG(st.st_mode);
	g_autofree char *part = direct ? g_strdup(output->dest)
				       : g_strdup_printf("%s.%d.part", output->dest, (int)getpid());
	autofd fd = openat(AT_FDCWD, part,
			   O_WRONLY | O_CLOEXEC | O_NOCTTY |
				   (direct ? 0 : O_CREAT | O_EXCL | O_NOFOLLOW),
			   0666);
	if (fd < 0)
		return error_set_errno(error, "cannot write '%s'", output->dest);
	bool done = build_export_tar(engine, image, fd, result->mtime, error);
	if (done && !direct && renameat(AT_FDCWD, part, AT_FDCWD, output->dest) < 0)
		done = error_set_errno(error, "cannot write '%s'", output->dest);
	if (!done && !direct)
		(void)unlinkat(AT_FDCWD, part, 0);
	return done;
}

/* Run skiff-fetch with what was our standard output. Return: its code. */
static int run_fetch(Engine *engine, const FetchArgs *args, const BuildResult *result)
{
	autofd ours = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (result->stdout_fd >= 0)
		(void)dup2(result->stdout_fd, STDOUT_FILENO);
	int code = fetch_args_run(args, engine, NULL);
	if (ours >= 0)
		(void)dup2(ours, STDOUT_FILENO);
	return code;
}

/* An archive or a layout: of the id, under all the names it got. */
static int write_archive(Engine *engine, const BuildOutput *output, const BuildResult *result,
			 GError **error)
{
	g_autoptr(FetchArgs) args = fetch_args_new("save");
	bool docker = output->kind == BUILD_OUTPUT_DOCKER;
	fetch_args_add(args, "--format",
		       docker           ? "docker-archive"
		       : output->is_dir ? "oci-dir"
					: "oci-archive");
	fetch_args_add(args, "--output", output->dest);
	if (!fetch_args_add_operand(args, result->ids[0], error))
		return -1;
	for (size_t i = 0; result->names[i]; i++) {
		g_autofree char *name = reference_new_name(result->names[i], error);
		if (!name || !fetch_args_add_operand(args, name, error))
			return -1;
	}
	return run_fetch(engine, args, result);
}

static int push_all(Engine *engine, const BuildVerb *verb, const BuildResult *result,
		    GError **error)
{
	int code = 0;
	for (size_t i = 0; result->names[i] && code == 0; i++) {
		bool many = result->is_list;
		g_autoptr(FetchArgs) args = fetch_args_new(many ? "push-index" : "push");
		registry_options_add(args, &verb->registry);
		fetch_args_add_flag(args, "--all", many);
		fetch_args_add_flag(args, "--quiet", verb->quiet);
		if (!fetch_args_add_operand(args, result->names[i], error))
			return -1;
		code = fetch_args_run(args, engine, NULL);
	}
	return code;
}

/* One -o, of one platform. */
static int write_one(Engine *engine, const BuildVerb *verb, const BuildOutput *output,
		     const BuildResult *result, size_t index, GError **error)
{
	if (output->kind == BUILD_OUTPUT_NONE)
		return 0;
	if (output->kind == BUILD_OUTPUT_PUSH)
		return index == 0 && !verb->push ? push_all(engine, verb, result, error) : 0;
	if (output->kind == BUILD_OUTPUT_OCI || output->kind == BUILD_OUTPUT_DOCKER)
		return write_archive(engine, output, result, error);
	g_autoptr(Image) image = image_resolve(engine_store(engine), result->ids[index], error);
	if (!image)
		return -1;
	bool done = output->kind == BUILD_OUTPUT_LOCAL
			    ? write_local(engine, output, image, result, index, error)
			    : write_tar(engine, output, image, result, error);
	return done ? 0 : -1;
}

static bool write_metadata(const BuildVerb *verb, const BuildResult *result, GError **error)
{
	if (!verb->metadata_file)
		return true;
	g_autoptr(Json) json = json_object_new_object();
	g_autofree char *digest = g_strconcat("sha256:", result->ids[0], NULL);
	g_autofree char *names = g_strjoinv(",", (char **)result->names);
	js_set_string(json, "containerimage.config.digest", digest);
	if (*names)
		js_set_string(json, "image.name", names);
	g_autofree char *text = g_strconcat(js_text(json), "\n", NULL);
	/* lint: allow open: the user's own file */
	autofd fd = open(verb->metadata_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY,
			 0644);
	return (fd >= 0 && fd_write_all(fd, text, strlen(text))) ||
	       error_set_errno(error, "open %s", verb->metadata_file);
}

int build_outputs_write(Engine *engine, const BuildVerb *verb, const BuildResult *result,
			GError **error)
{
	int code = 0;
	for (guint i = 0; verb->outputs && i < verb->outputs->len; i++)
		for (size_t index = 0; result->ids[index] && code == 0; index++)
			code = write_one(engine, verb, verb->outputs->pdata[i], result, index,
					 error);
	if (code == 0 && verb->push)
		code = push_all(engine, verb, result, error);
	return code != 0 || write_metadata(verb, result, error) ? code : -1;
}

/* --- manifest lists --- */

typedef struct {
	Store *store;
	const BuildResult *result;
} ListJob;

/* The ImageIndexChange: all images that were built. */
static bool add_images(ImageIndex *index, void *data, GError **error)
{
	const ListJob *job = data;
	for (size_t i = 0; job->result->ids[i]; i++) {
		g_autoptr(Image) image = image_resolve(job->store, job->result->ids[i], error);
		Json *entry = image ? image_index_local_entry(job->store, image, error) : NULL;
		if (!entry || !image_index_put(index, entry, image->id, NULL, error))
			return false;
	}
	return true;
}

/* Into the list of that name, or a new one, which takes the name from who has it. */
static bool add_to_list(Store *store, const char *text, bool replace, ListJob *job, GError **error)
{
	g_autofree char *name = reference_new_name(text, error);
	return name && image_index_replace(store, name, !replace, add_images, job, error);
}

bool build_list_make(Engine *engine, const BuildVerb *verb, const BuildResult *result,
		     GError **error)
{
	Store *store = engine_store(engine);
	ListJob job = {.store = store, .result = result};
	if (verb->manifest && !add_to_list(store, verb->manifest, false, &job, error))
		return false;
	for (size_t i = 0; result->is_list && result->names[i]; i++)
		if (!add_to_list(store, result->names[i], true, &job, error))
			return false;
	return true;
}
