/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commit. Runs in skiff-fetch.
 *
 * The upper directory is copied into a stage by a child in the user's namespaces; skiff-layer then
 * makes the layer's tar of the copy, of which we take the digest, and the journal from which save
 * and push make the same tar again. With --squash the whole root comes as a tar and is unpacked as
 * any layer.
 */
#include "storage/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"
#include "libpod/base/spawn.h"
#include "libpod/base/units.h"
#include "libpod/base/userns.h"
#include "storage/image.h"
#include "storage/image_change.h"
#include "storage/layer.h"
#include "storage/layer_mapped.h"
#include "storage/layer_seal.h"
#include "storage/manifest.h"
#include "storage/reference.h"
#include "storage/transfer.h"

#define PIECE_SIZE (1u << 20)
#define LAYER_NAME "commit"
#define MAX_ERROR  4096

/* What the copying child needs. */
typedef struct {
	Store *store;
	const CommitOptions *options;
	int diff_fd;
	int message_fd;
} CopyJob;

/* Put a volume's files at the place where the container had them. */
static bool copy_volume(const CopyJob *job, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);
	g_autofree char *source = g_build_filename(parts[0], "_data", NULL);
	autofd place = path_mkdirs_in_root(job->diff_fd, parts[1], 0755);
	autofd to = place < 0 ? -1 : openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return error_set_errno(error, "cannot make '%s'", parts[1]);
	return tree_copy(store_dir(job->store, "volumes"), source, to, job->options->map, error);
}

/* The upper directory, if the container was ever started, and volumes over it. */
static bool copy_all(const CopyJob *job, GError **error)
{
	g_autofree char *upper = g_build_filename(job->options->container, "upper", NULL);
	int containers = store_dir(job->store, "containers");
	int exists = path_is_there(containers, upper);
	if (exists < 0)
		return error_set_errno(error, "cannot look at the container's layer");
	if (exists && !tree_copy(containers, upper, job->diff_fd, job->options->map, error))
		return false;
	for (size_t i = 0; job->options->volumes && job->options->volumes[i]; i++)
		if (!copy_volume(job, job->options->volumes[i], error))
			return false;
	return true;
}

/* In the user's namespaces. */
static int copy_child(void *data)
{
	const CopyJob *job = data;
	g_autoptr(GError) error = NULL;
	/* What we fill is swept when skiff-fetch is gone. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1)
		return 1;
	(void)umask(0);
	if (copy_all(job, &error))
		return 0;
	(void)fd_write_all(job->message_fd, error->message, strlen(error->message));
	return 1;
}

/* Copy the container's layer into diff/ of the stage. */
static bool copy_layer(Store *store, StoreStage *stage, const CommitOptions *options,
		       GError **error)
{
	autofd made = path_mkdirs_state(store_stage_fd(stage), LAYER_NAME "/diff");
	autofd diff = made < 0 ? -1
			       : path_open_state(store_stage_fd(stage), LAYER_NAME "/diff",
						 O_RDONLY | O_DIRECTORY, 0);
	autofd message = memfd_create("message", MFD_CLOEXEC);
	if (diff < 0 || message < 0 || fchmod(diff, 0755) < 0)
		return error_set_errno(error, "cannot stage a layer");
	CopyJob job = {.store = store, .options = options, .diff_fd = diff, .message_fd = message};
	g_autoptr(IdMap) map = NULL;
	if (!userns_is_initial_root()) {
		map = idmap_for_user(NULL);
		if (!map)
			map = idmap_single();
	}
	pid_t pid = userns_fork_new(map, 0, copy_child, &job, NULL, error);
	int code = pid < 0 ? -1 : spawn_wait(pid, error);
	/* What is removed leaves this place before anything of it is deleted. */
	if (code == 0 && path_is_there(store_dir(store, "containers"), options->container) <= 0)
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "the container was removed meanwhile: no such container");
	if (code <= 0)
		return code == 0;
	char text[MAX_ERROR];
	ssize_t n = pread(message, text, sizeof(text) - 1, 0);
	text[MAX(n, 0)] = '\0';
	return error_set(error, ENGINE_ERROR_SYSTEM, "%s",
			 n > 0 ? text : "cannot copy the container's layer");
}

/* The container's changes as a layer on the image's. */
static Layer *commit_layer(Store *store, StoreStage *stage, const CommitOptions *options,
			   const Image *parent, GError **error)
{
	g_autoptr(Layer) layer = g_new0(Layer, 1);
	guint n = parent ? g_strv_length(parent->chain_ids) : 0;
	layer->parent = n ? g_strdup(parent->chain_ids[n - 1]) : NULL;
	g_autoptr(GError) failed = NULL;
	g_autoptr(Layer) below =
		layer->parent ? layer_claim(store, stage, layer->parent, &failed) : NULL;
	if (failed || (layer->parent && !below)) {
		if (failed)
			g_propagate_error(error, g_steal_pointer(&failed));
		else
			error_set(error, ENGINE_ERROR_NOT_FOUND, "the image's layer '%s' is gone",
				  layer->parent);
		return NULL;
	}
	if (!copy_layer(store, stage, options, error) ||
	    !layer_seal(store, stage, LAYER_NAME, -1, layer, error))
		return NULL;
	/* Its pin keeps it from a sweep until the image's record is there. */
	layer_free(layer_claim(store, stage, layer->chain_id, &failed));
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	return layer_publish(store, stage, LAYER_NAME, layer, error) ? g_steal_pointer(&layer)
								     : NULL;
}

/* The whole root, from standard input. */
static Layer *squash_layer(Store *store, StoreStage *stage, GError **error)
{
	const LayerIngestOptions options = {.expected_size = -1};
	g_autoptr(LayerIngest) ingest = layer_ingest_new(store, stage, &options, error);
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	ssize_t n = ingest ? 1 : 0;
	while (n > 0) {
		n = read(STDIN_FILENO, piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			return error_set_errno_null(error, "cannot read the container's files");
		else if (n > 0 && !layer_ingest_push(ingest, piece, (size_t)n, error))
			return NULL;
	}
	g_autoptr(Layer) layer = ingest ? layer_ingest_finish(ingest, error) : NULL;
	if (!layer || !layer_ingest_publish(ingest, layer, error))
		return NULL;
	return g_steal_pointer(&layer);
}

/* The diff ids, or the history, of the parent with one more entry. */
static Json *extend(Json *parent, const char *group, const char *key, bool squash, Json *entry)
{
	Json *from = parent, *list = NULL, *copy = json_object_new_array();
	if (group && (!js_get_object(parent, group, &from, NULL) || !from))
		from = NULL;
	if (!squash && from && js_get_array(from, key, &list, NULL) && list)
		for (size_t i = 0; i < json_object_array_length(list); i++)
			json_object_array_add(copy,
					      json_object_get(json_object_array_get_idx(list, i)));
	json_object_array_add(copy, entry);
	return copy;
}

static Json *history_entry(const CommitOptions *options, const char *created)
{
	Json *entry = json_object_new_object();
	js_set_string(entry, "created", created);
	js_set_string(entry, "created_by", options->created_by);
	js_set_string(entry, "author", options->author);
	js_set_string(entry, "comment", options->message);
	return entry;
}

/* The inner object: the container's, changed by the instructions. */
static Json *execution(const CommitOptions *options, GError **error)
{
	g_autoptr(Json) config =
		js_parse(options->config, strlen(options->config), "config", error);
	for (size_t i = 0; config && options->changes && options->changes[i]; i++)
		if (!image_change_apply(config, options->changes[i], error))
			return NULL;
	return g_steal_pointer(&config);
}

/* The image's own config, with one more layer and what the container is run with. */
static Json *make_config(const CommitOptions *options, const Image *parent, const Layer *layer,
			 Json *inner, GError **error)
{
	g_autoptr(Json) config = parent ? js_parse(parent->config_text, parent->config_size,
						   "the image's config", error)
					: json_object_new_object();
	if (!config)
		return NULL;
	bool squash = options->container == NULL;
	g_autofree char *created = units_format_rfc3339(units_now(), false);
	Json *diff_ids = extend(config, "rootfs", "diff_ids", squash,
				json_object_new_string(layer->diff_id));
	Json *rootfs = json_object_new_object();
	js_set_string(rootfs, "type", "layers");
	js_set_take(rootfs, "diff_ids", diff_ids);
	js_set_take(config, "history",
		    extend(config, NULL, "history", squash, history_entry(options, created)));
	js_set_take(config, "rootfs", rootfs);
	js_set_take(config, "config", json_object_get(inner));
	js_set_string(config, "created", created);
	js_set_string(config, "author", options->author);
	json_object_object_del(config, "container_config"); /* docker's, of another container */
	json_object_object_del(config, "container");
	if (!parent) {
		g_auto(Platform) host = {0};
		platform_host(&host);
		js_set_string(config, "architecture", host.architecture);
		js_set_string(config, "variant", host.variant);
		js_set_string(config, "os", host.os);
	}
	return g_steal_pointer(&config);
}

char *image_commit(Store *store, const CommitOptions *options, GError **error)
{
	/* What is wrong with the command line must not cost a copy. */
	g_autoptr(Json) inner = execution(options, error);
	g_autofree char *name =
		inner && options->name ? reference_new_name(options->name, error) : NULL;
	if (!inner || (options->name && !name))
		return NULL;
	g_autoptr(Image) parent =
		options->parent ? image_resolve(store, options->parent, error) : NULL;
	if (options->parent && !parent)
		return NULL;
	g_autoptr(StoreStage) stage = store_stage_new(store, error);
	g_autoptr(Layer) layer = !stage ? NULL
				 : options->container
					 ? commit_layer(store, stage, options, parent, error)
					 : squash_layer(store, stage, error);
	g_autoptr(Json) config = layer ? make_config(options, parent, layer, inner, error) : NULL;
	if (!config)
		return NULL;
	const char *text = js_text(config);
	const char *const names[] = {name, NULL};
	const ImagePublish publish = {
		.config = text,
		.config_size = strlen(text),
		.names = names,
		.form = options->form,
	};
	return image_publish(store, &publish, error);
}
