/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/podman_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/idmap.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/spawn.h"
#include "libpod/base/userns.h"
#include "storage/digest.h"
#include "storage/manifest.h"
#include "storage/tar_split.h"

#define INDEX_MAX   (64u << 20)
#define LAYERS_MAX  MANIFEST_MAX_LAYERS
#define PIECE_SIZE  (1u << 20)
#define MESSAGE_MAX 4096

static const char *const drivers[] = {"overlay", "vfs"};

struct PodmanStore {
	char *root;
	int fd;
	const char *driver;  /* of the list */
	GHashTable *parents; /* layer id -> its parent's, "" for the first */
};

void podman_image_free(PodmanImage *image)
{
	if (!image)
		return;
	g_free(image->id);
	g_strfreev(image->names);
	g_free(image->manifest);
	g_free(image->config);
	g_strfreev(image->layers);
	g_free(image);
}

void podman_store_close(PodmanStore *store)
{
	if (!store)
		return;
	fd_close(&store->fd);
	g_clear_pointer(&store->parents, g_hash_table_unref);
	g_free(store->root);
	g_free(store);
}

const char *podman_store_root(const PodmanStore *store)
{
	return store->root;
}

/* A small file of the store, as a whole. */
static char *read_file(const PodmanStore *store, const char *path, size_t max, size_t *out_size,
		       GError **error)
{
	char *text = path_read_in_root(store->fd, path, max, out_size);
	if (!text)
		return error_set_errno_null(error, "cannot read '%s/%s'", store->root, path);
	return text;
}

static Json *read_json(const PodmanStore *store, const char *path, GError **error)
{
	size_t size = 0;
	g_autofree char *text = read_file(store, path, INDEX_MAX, &size, error);
	Json *json = text ? js_parse(text, size, path, error) : NULL;
	if (json && !json_object_is_type(json, json_type_array)) {
		json_object_put(json);
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "'%s/%s' is not a list",
				      store->root, path);
	}
	return json;
}

/* Ids become parts of paths. */
static bool id_is_valid(const char *id)
{
	return id && strlen(id) == 64 && id[strspn(id, "0123456789abcdef")] == '\0';
}

static bool read_layers(PodmanStore *store, GError **error)
{
	g_autofree char *path = g_strconcat(store->driver, "-layers/layers.json", NULL);
	g_autoptr(Json) list = read_json(store, path, error);
	if (!list)
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		Json *item = json_object_array_get_idx(list, i);
		const char *id = NULL, *parent = NULL;
		if (!js_get_string(item, "id", &id, error) ||
		    !js_get_string(item, "parent", &parent, error))
			return false;
		if (id_is_valid(id))
			g_hash_table_insert(store->parents, g_strdup(id),
					    g_strdup(parent ? parent : ""));
	}
	return true;
}

/* The first driver that has images. */
static bool find_driver(PodmanStore *store, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
		g_autofree char *path = g_strconcat(drivers[i], "-images/images.json", NULL);
		autofd fd = path_open_in_root(store->fd, path, O_PATH, 0);
		if (fd >= 0) {
			store->driver = drivers[i];
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s' has no images of podman's",
			 store->root);
}

static char *default_root(void)
{
	return geteuid() == 0
		       ? g_strdup("/var/lib/containers/storage")
		       : g_build_filename(g_get_user_data_dir(), "containers", "storage", NULL);
}

PodmanStore *podman_store_open(const char *root, GError **error)
{
	g_autoptr(PodmanStore) store = g_new0(PodmanStore, 1);
	store->root = root ? g_strdup(root) : default_root();
	store->parents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	store->fd = openat(AT_FDCWD, store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->fd < 0 && errno == ENOENT)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "there is no store '%s'",
				      store->root);
	if (store->fd < 0)
		return error_set_errno_null(error, "cannot open '%s'", store->root);
	if (!find_driver(store, error) || !read_layers(store, error))
		return NULL;
	return g_steal_pointer(&store);
}

/* An image's big data of this key: keys that are no plain names are files in base64. */
static char *read_data(const PodmanStore *store, const char *id, const char *key, size_t *out_size,
		       GError **error)
{
	g_autofree char *encoded = g_base64_encode((const guchar *)key, strlen(key));
	bool plain = !strpbrk(key, ":/=");
	g_autofree char *path = g_strconcat(store->driver, "-images/", id, "/", plain ? "" : "=",
					    plain ? key : encoded, NULL);
	return read_file(store, path, MANIFEST_MAX_SIZE, out_size, error);
}

/* From the top layer down. Return: g_strfreev() it. */
static char **chain_of(const PodmanStore *store, const char *top, GError **error)
{
	g_autoptr(GPtrArray) chain = g_ptr_array_new();
	for (const char *id = top; id && *id;) {
		const char *parent = g_hash_table_lookup(store->parents, id);
		if (!parent || chain->len >= LAYERS_MAX)
			return error_set_null(error, ENGINE_ERROR_CORRUPT,
					      "layer '%.12s' is missing in '%s'", id, store->root);
		g_ptr_array_insert(chain, 0, (char *)id);
		id = parent;
	}
	g_ptr_array_add(chain, NULL);
	return g_strdupv((char **)chain->pdata);
}

/* Names with a digest are no tags. */
static char **tags_of(char **names)
{
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; names && names[i]; i++)
		if (!strchr(names[i], '@'))
			g_ptr_array_add(kept, names[i]);
	g_ptr_array_add(kept, NULL);
	return g_strdupv((char **)kept->pdata);
}

/* Manifest, config, layers. Return: NULL without @error for what is no image. */
static PodmanImage *read_image(const PodmanStore *store, Json *item, GError **error)
{
	const char *id = NULL, *top = NULL;
	g_auto(GStrv) names = NULL;
	if (!js_get_string(item, "id", &id, error) || !js_get_string(item, "layer", &top, error) ||
	    !js_get_strv(item, "names", &names, error))
		return NULL;
	if (!id_is_valid(id) || !top)
		return NULL;
	g_autoptr(PodmanImage) image = g_new0(PodmanImage, 1);
	image->id = g_strdup(id);
	image->names = tags_of(names);
	image->manifest = read_data(store, id, "manifest", &image->manifest_size, error);
	g_autoptr(Manifest) manifest =
		image->manifest ? manifest_parse(image->manifest, image->manifest_size, NULL, error)
				: NULL;
	if (!manifest || manifest->kind != MANIFEST_IMAGE)
		return NULL;
	image->config = read_data(store, id, manifest->config.digest, &image->config_size, error);
	image->layers = image->config ? chain_of(store, top, error) : NULL;
	if (!image->layers)
		return NULL;
	g_autofree char *digest = digest_of(image->config, image->config_size);
	if (strcmp(digest, manifest->config.digest) != 0)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "its config has the digest %s, not %s", digest,
				      manifest->config.digest);
	return g_steal_pointer(&image);
}

GPtrArray *podman_store_images(const PodmanStore *store, GError **error)
{
	g_autofree char *path = g_strconcat(store->driver, "-images/images.json", NULL);
	g_autoptr(Json) list = read_json(store, path, error);
	if (!list)
		return NULL;
	GPtrArray *images = g_ptr_array_new_with_free_func((GDestroyNotify)podman_image_free);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		g_autoptr(GError) problem = NULL;
		PodmanImage *image =
			read_image(store, json_object_array_get_idx(list, i), &problem);
		if (image)
			g_ptr_array_add(images, image);
		else if (problem)
			log_warn("podman's image number %zu is left out: %s", i + 1,
				 problem->message);
	}
	return images;
}

bool podman_layer_assemble(const char *root, const char *driver, const char *layer,
			   ArchiveSink sink, void *data, GError **error)
{
	bool overlay = strcmp(driver, "overlay") == 0;
	if (!id_is_valid(layer) || (!overlay && strcmp(driver, "vfs") != 0))
		return error_set(error, ENGINE_ERROR_INVALID, "no layer of a driver we know");
	autofd root_fd = openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return error_set_errno(error, "cannot open '%s'", root);
	g_autofree char *split = g_strconcat(driver, "-layers/", layer, ".tar-split.gz", NULL);
	g_autofree char *tree = overlay ? g_strconcat("overlay/", layer, "/diff", NULL)
					: g_strconcat("vfs/dir/", layer, NULL);
	autofd split_fd = path_open_in_root(root_fd, split, O_RDONLY, 0);
	if (split_fd < 0)
		return error_set_errno(error, "cannot open '%s/%s'", root, split);
	autofd tree_fd = path_open_in_root(root_fd, tree, O_RDONLY | O_DIRECTORY, 0);
	if (tree_fd < 0)
		return error_set_errno(error, "cannot open '%s/%s'", root, tree);
	return tar_split_assemble(split_fd, tree_fd, sink, data, error);
}

static int exec_reader(void *data)
{
	return spawn_exec(data);
}

/* The user's namespace, where sub-ids' files can be read; NULL for root. */
static IdMap *reader_map(void)
{
	if (userns_is_initial_root())
		return NULL;
	IdMap *map = idmap_for_user(NULL);
	return map ? map : idmap_single();
}

static bool pump(int fd, ArchiveSink sink, void *data, GError **error)
{
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	for (;;) {
		ssize_t n = read(fd, piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read a pipe");
		if (n == 0)
			return true;
		if (!sink(data, piece, (size_t)n, error))
			return false;
	}
}

/* The reader's own words go before what its end did to us. */
static bool end_reader(pid_t pid, int say, GError **error)
{
	g_autofree char *said = fd_read_all(say, MESSAGE_MAX, NULL, NULL);
	int code = spawn_wait(pid, error);
	if (code <= 0)
		return code == 0;
	const char *reason =
		said && g_str_has_prefix(said, "Error: ") ? said + strlen("Error: ") : said;
	if (reason && *reason)
		return error_set(error, ENGINE_ERROR_CORRUPT, "%.*s", (int)strcspn(reason, "\n"),
				 reason);
	return error_set(error, ENGINE_ERROR_SYSTEM, "the reader of the layer ended with %d", code);
}

/* We have threads: the reader is a program of its own. */
static pid_t start_reader(const PodmanStore *store, const char *layer, int out, int say,
			  GError **error)
{
	g_autofree char *program = spawn_find_own("skiff-fetch", error);
	if (!program)
		return -1;
	const char *const argv[] = {"skiff-fetch", "podman-layer", store->root,
				    store->driver, layer,          NULL};
	const char *const env[] = {"LC_ALL=C", NULL};
	Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = env,
		.stdin_fd = 0,
		.stdout_fd = out,
		.stderr_fd = say,
	};
	g_autoptr(IdMap) map = reader_map();
	return userns_fork_new(map, 0, exec_reader, &spawn, NULL, error);
}

bool podman_store_stream(void *store, const char *layer, ArchiveSink sink, void *data,
			 GError **error)
{
	int tar[2], say[2];
	if (pipe2(tar, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd tar_read = tar[0];
	autofd tar_write = tar[1];
	if (pipe2(say, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd say_read = say[0];
	autofd say_write = say[1];
	pid_t pid = start_reader(store, layer, tar_write, say_write, error);
	if (pid < 0)
		return false;
	fd_close(&tar_write);
	fd_close(&say_write);
	g_autoptr(GError) problem = NULL;
	g_autoptr(GError) ended = NULL;
	bool pumped = pump(tar_read, sink, data, &problem);
	fd_close(&tar_read);
	bool done = end_reader(pid, say_read, &ended);
	if (pumped && done)
		return true;
	g_propagate_prefixed_error(error,
				   problem ? g_steal_pointer(&problem) : g_steal_pointer(&ended),
				   "podman's layer '%.12s': ", layer);
	return false;
}
