/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit: an image of a container.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/commit_config.h"
#include "libpod/container_hold.h"
#include "libpod/container_view.h"
#include "libpod/events.h"
#include "libpod/tree_transfer.h"

#define CONFIG_MAX_SIZE (1u << 20)

typedef struct {
	const char *author, *message, *iidfile, *format, *config;
	bool pause, quiet, squash, volumes;
	GPtrArray *changes;
} CommitVerbOptions;

static bool set_format(void *target, const Option *option, const char *value, GError **error)
{
	((CommitVerbOptions *)target)->format = value;
	if (strcmp(value, "oci") == 0 || strcmp(value, "docker") == 0)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID, "unrecognized image format \"%s\"", value);
}

static const Option options[] = {
	{'a', "author", OPTION_VALUE, option_set_string, "AUTHOR", "Who made the image",
	 offsetof(CommitVerbOptions, author), OPTION_COMMON},
	{'c', "change", OPTION_LIST, option_set_list, "INSTRUCTION",
	 "Apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, WORKDIR, ...",
	 offsetof(CommitVerbOptions, changes), OPTION_COMMON},
	{'f', "format", OPTION_VALUE, set_format, "FORMAT",
	 "oci or docker: the form of its manifest", 0, OPTION_COMMON | OPTION_WHOLE},
	{0, "iidfile", OPTION_VALUE, option_set_string, "FILE", "Write the image's id to this file",
	 offsetof(CommitVerbOptions, iidfile), OPTION_COMMON},
	{0, "include-volumes", OPTION_FLAG, option_set_flag, NULL,
	 "With the files of the container's volumes", offsetof(CommitVerbOptions, volumes),
	 OPTION_COMMON},
	{'m', "message", OPTION_VALUE, option_set_string, "TEXT", "Comment for the image's history",
	 offsetof(CommitVerbOptions, message), OPTION_COMMON},
	{'p', "pause", OPTION_FLAG, option_set_flag, NULL,
	 "Let the container's processes stand still meanwhile (default true)",
	 offsetof(CommitVerbOptions, pause), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress",
	 offsetof(CommitVerbOptions, quiet), OPTION_COMMON},
	{'s', "squash", OPTION_FLAG, option_set_flag, NULL, "One layer with everything",
	 offsetof(CommitVerbOptions, squash), OPTION_COMMON},
	{0, "config", OPTION_VALUE, option_set_string, "FILE",
	 "Put the \"config\" object of this JSON file over the container's",
	 offsetof(CommitVerbOptions, config), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* The ids of the container's files, by what images call them. */
static void add_map(FetchArgs *args, const IdMap *map, GPtrArray *texts)
{
	const struct {
		const char *name;
		const GArray *ranges;
	} sides[] = {{"--uid-map", map->uids}, {"--gid-map", map->gids}};
	for (size_t i = 0; i < G_N_ELEMENTS(sides); i++) {
		g_autoptr(GArray) back = g_array_new(FALSE, FALSE, sizeof(IdRange));
		for (guint j = 0; j < sides[i].ranges->len; j++) {
			const IdRange *range = &g_array_index(sides[i].ranges, IdRange, j);
			idmap_add(back, range->outside, range->inside, range->count);
		}
		char *text = idmap_format(back);
		g_ptr_array_add(texts, text);
		fetch_args_add(args, sides[i].name, text);
	}
}

/* The container's layer, from its directory in the store. */
static bool add_layer(FetchArgs *args, Engine *engine, Container *ctr, const ContainerSpec *spec,
		      bool volumes, GPtrArray *texts, GError **error)
{
	if (spec->rootfs)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "a container with --rootfs has no image below it: use --squash");
	g_autofree char *path = container_dir_path(ctr);
	char *name = g_path_get_basename(path);
	g_ptr_array_add(texts, name);
	fetch_args_add(args, "--container", name);
	const IdMap *shared = engine_id_map(engine);
	if (spec->id_map && !(shared && idmap_is_single(shared)))
		add_map(args, spec->id_map, texts);
	for (guint i = 0; volumes && i < spec->mounts->len; i++) {
		const SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (mount->kind != SPEC_MOUNT_VOLUME || mount->subpath)
			continue;
		char *text = g_strconcat(mount->source, ":", mount->destination, NULL);
		g_ptr_array_add(texts, text);
		fetch_args_add(args, "--volume", text);
	}
	return true;
}

/* The whole root, as the standard input of skiff-fetch. Return: the child that writes it. */
static LayerChild *start_squash(ContainerView *view, GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno_null(error, "cannot make a pipe");
	autofd read_end = ends[0], write_end = ends[1];
	const Tree tree = tree_of_view(view);
	g_autoptr(LayerChild) child = tree_get(&tree, "/", NULL, TREE_ONE_MOUNT, write_end, error);
	if (child && dup2(read_end, STDIN_FILENO) < 0)
		return error_set_errno_null(error, "cannot hand on the container's files");
	return g_steal_pointer(&child);
}

static bool write_iidfile(const char *file, const char *id, GError **error)
{
	/* lint: allow open: the user's own file */
	autofd fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	return (fd >= 0 && fd_write_all(fd, id, strlen(id))) ||
	       error_set_errno_go(error, "failed to write image ID: open %s", file);
}

/* --config: a file of the user's over what the container says. */
static bool merge_config(Json *config, const char *file, GError **error)
{
	/* lint: allow open: the user's own file */
	autofd fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t size = 0;
	if (fd < 0)
		return error_set_errno_go(error, "open %s", file);
	g_autofree char *text = fd_read_all(fd, CONFIG_MAX_SIZE, &size, error);
	return text && commit_config_merge(config, text, size, error);
}

/* Run skiff-fetch with all that is known. Return: exit code. */
static int make_image(FetchArgs *args, Engine *engine, Container *ctr,
		      const CommitVerbOptions *opts, GError **error)
{
	bool running = container_summary(ctr)->state == CONTAINER_RUNNING;
	g_autoptr(ContainerHold) hold = NULL;
	if (opts->pause && running && !(hold = container_hold(ctr, error)))
		return -1;
	g_autoptr(ContainerView) view =
		opts->squash ? container_view_open(ctr, VIEW_ROOT, error) : NULL;
	g_autoptr(LayerChild) squash = view ? start_squash(view, error) : NULL;
	if (opts->squash && !squash)
		return -1;
	g_autofree char *id = NULL;
	int code = fetch_args_run(args, engine, &id);
	if (code == 0 && squash && !tree_get_finish(squash, error))
		return -1;
	if (code != 0)
		return code;
	g_strchomp(id);
	if (opts->iidfile && !write_iidfile(opts->iidfile, id, error))
		return -1;
	event_container(engine, ctr, "commit");
	output_printf("%s\n", id);
	return 0;
}

/* Everything up to the arguments of skiff-fetch. */
static int commit(const Invocation *inv, const CommitVerbOptions *opts, GError **error)
{
	g_autoptr(Engine) engine = command_engine(inv, false, error);
	g_autoptr(Container) ctr =
		engine ? container_resolve(engine, command_arg(inv, 0), error) : NULL;
	const ContainerSpec *spec = ctr ? container_spec(ctr, error) : NULL;
	if (!spec)
		return -1;
	if (opts->message && *opts->message && g_strcmp0(opts->format, "docker") != 0) {
		error_set(error, ENGINE_ERROR_INVALID,
			  "messages are only compatible with the docker image format (-f docker)");
		return -1;
	}
	g_autoptr(Image) image =
		spec->image_id ? image_resolve(engine_store(engine), spec->image_id, error) : NULL;
	if (spec->image_id && !image)
		return -1;
	g_autoptr(Json) config = commit_config(spec, image, error);
	if (!config || (opts->config && !merge_config(config, opts->config, error)))
		return -1;
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(FetchArgs) args = fetch_args_new("commit");
	g_autofree char *created_by = spec->args ? g_strjoinv(" ", spec->args) : NULL;
	fetch_args_add_secret(args, "--config", js_text(config));
	fetch_args_add(args, "--parent", spec->image_id);
	fetch_args_add(args, "--name", command_arg(inv, 1));
	fetch_args_add(args, "--author", opts->author);
	fetch_args_add(args, "--message", opts->message);
	fetch_args_add(args, "--format", opts->format);
	fetch_args_add(args, "--created-by", created_by);
	for (guint i = 0; opts->changes && i < opts->changes->len; i++)
		fetch_args_add(args, "--change", opts->changes->pdata[i]);
	if (!opts->squash && !add_layer(args, engine, ctr, spec, opts->volumes, texts, error))
		return -1;
	return make_image(args, engine, ctr, opts, error);
}

static int cmd_commit(Invocation *inv)
{
	CommitVerbOptions opts = {.pause = true};
	g_autoptr(GError) error = NULL;
	int status =
		command_parse(inv, (void *[]){&opts}) ? commit(inv, &opts, &error) : inv->status;
	g_clear_pointer(&opts.changes, g_ptr_array_unref);
	return error ? command_fail(error) : status;
}

const Command commit_command = {
	.paths = (const char *const[]){"commit", "container commit", NULL},
	.usage = "[options] CONTAINER [IMAGE]",
	.summary = "Make an image of a container",
	.description =
		"Makes an image of what a container changed, on top of the image it was made "
		"from, and prints its id. The container need not run.",
	.examples =
		(const char *const[]){"skiff commit web web:patched",
				      "skiff commit -c 'CMD [\"app\"]' -m 'with app' web", NULL},
	.man = "# CONSISTENCY\n\nThe processes of a running container stand still while its files "
	       "are copied: its cgroup is frozen, or without a cgroup they get SIGSTOP, and "
	       "SIGCONT behind it. With *--pause=false* they go on: files that "
	       "change meanwhile may be a mixture of old and new.\n",
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_commit,
};
