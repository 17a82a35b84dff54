/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of images and layers. An image's id is the digest of its config and its manifests are
 * named by theirs, so damage there shows for sure; the other records say again what is written
 * elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/seal.h"
#include "libpod/check_parts.h"
#include "libpod/container.h"
#include "libpod/inspect.h"
#include "storage/digest.h"
#include "storage/layer.h"
#include "storage/manifest.h"
#include "storage/reference.h"

#define CONFIG_MAX (4u << 20)
#define LINES_MAX  (1u << 20)

/* One image being looked at. */
typedef struct {
	Check *check;
	const char *id;
	char *object;
	int dir;
	ImageConfig *config; /* NULL: lost */
	Manifest *manifest;  /* one that matches the config; NULL: none */
	char *digest;        /* of that */
} ImageCheckup;

/* What layers are good for: hex of the chain id to the image's place of it. */
typedef struct {
	char *diff_id, *parent;
	char *blob_digest, *media_type;
	int64_t blob_size;
	GPtrArray *images; /* ids */
	bool reported;
} LayerUse;

static void layer_use_free(void *pointer)
{
	LayerUse *use = pointer;
	g_free(use->diff_id);
	g_free(use->parent);
	g_free(use->blob_digest);
	g_free(use->media_type);
	g_ptr_array_unref(use->images);
	g_free(use);
}

/* A container made from the image, "" if there is none that can be read. g_free() it. */
static char *find_user(Check *check, const char *id)
{
	g_autoptr(GPtrArray) all = containers_list(check->engine, NULL);
	for (guint i = 0; all && i < all->len; i++) {
		if (container_uses_image(all->pdata[i], id))
			return g_strdup(container_summary(all->pdata[i])->name);
	}
	return NULL;
}

/* An image that cannot be run: out of the way, unless containers have it. */
static void give_up(Check *check, const char *id, const char *object, const char *problem)
{
	g_autofree char *user = find_user(check, id);
	if (user)
		check_report(check, g_strdup(object), g_strdup(problem),
			     g_strdup_printf("container %s needs it: pull or load it again", user),
			     false);
	else
		check_set_aside(check, "images", id, object, problem);
}

/* Manifests whose bytes are lost are dropped: the image runs without. */
static void check_manifests(ImageCheckup *up)
{
	autofd dir = path_open_state(up->dir, "manifests", O_RDONLY | O_DIRECTORY, 0);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	for (size_t i = 0; names && names[i]; i++) {
		bool valid = digest_is_valid(names[i]);
		RecordState state =
			valid ? check_digest(up->check, dir, names[i], names[i], up->object)
			      : RECORD_BROKEN;
		if (state == RECORD_BROKEN) {
			bool done = up->check->options->repair && unlinkat(dir, names[i], 0) == 0;
			check_report(up->check, g_strdup(up->object),
				     g_strdup_printf("manifest %s: it is damaged", names[i]),
				     g_strdup(done ? "dropped: pull the image again to have it"
						   : "--repair drops it"),
				     done);
			continue;
		}
		size_t size = 0;
		g_autofree char *text = record_read(dir, names[i], MANIFEST_MAX_SIZE, &size, NULL);
		g_autoptr(Manifest) manifest = text ? manifest_parse(text, size, NULL, NULL) : NULL;
		if (!manifest || manifest->kind != MANIFEST_IMAGE || up->manifest)
			continue;
		up->manifest = g_steal_pointer(&manifest);
		up->digest = g_strdup(names[i]);
	}
}

/* The lines of a damaged file that can be true, sealed again. g_free() it. */
static char *salvage_lines(ImageCheckup *up, const char *name)
{
	size_t size = 0;
	g_autofree char *text = record_read(up->dir, name, LINES_MAX, &size, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	g_autoptr(GString) kept = g_string_new(NULL);
	bool digests = strcmp(name, "digests") == 0;
	for (size_t i = 0; lines[i]; i++) {
		g_autoptr(Reference) ref = reference_parse(lines[i], NULL);
		/* The last line of a cut file may be the half of a name. */
		bool whole = lines[i + 1] != NULL;
		if (ref && ref->registry && whole && (digests ? ref->digest : ref->tag))
			g_string_append_printf(kept, "%s\n", lines[i]);
	}
	if (!digests && kept->len == 0) {
		g_autoptr(GPtrArray) all = containers_list(up->check->engine, NULL);
		for (guint i = 0; all && i < all->len; i++) {
			const ContainerSummary *s = container_summary(all->pdata[i]);
			if (g_strcmp0(s->image_id, up->id) != 0 || !s->image_name)
				continue;
			g_autoptr(Reference) ref = reference_parse(s->image_name, NULL);
			g_autofree char *line = g_strconcat(s->image_name, "\n", NULL);
			if (ref && ref->registry && ref->tag && !strstr(kept->str, line))
				g_string_append(kept, line);
		}
	}
	return seal_text(kept->str);
}

static void check_lines(ImageCheckup *up, const char *name)
{
	RecordState state = check_record(up->check, up->dir, name, up->object);
	/* Absent is an image without names, or one that was never in a registry. */
	if (state != RECORD_BROKEN)
		return;
	g_autofree char *text = salvage_lines(up, name);
	g_autoptr(GError) failed = NULL;
	bool repair = up->check->options->repair;
	bool done = repair &&
		    record_replace(up->dir, name, text, strlen(text), RECORD_SYNC_FULL, &failed);
	check_report(up->check, g_strdup(up->object), g_strdup_printf("%s: it is damaged", name),
		     failed ? g_strdup(failed->message)
			    : g_strdup_printf("%s with what could be read: see skiff images",
					      repair ? "written again" : "can be written again"),
		     done);
}

/* Sum of the layers' sizes; -1 if one is not known. */
static int64_t layers_size(ImageCheckup *up)
{
	int64_t sum = 0;
	g_autofree char *chain = NULL;
	for (size_t i = 0; up->config->diff_ids[i]; i++) {
		char *next = digest_chain_id(chain, up->config->diff_ids[i]);
		g_free(chain);
		chain = next;
		g_autoptr(Layer) layer = layer_lookup(engine_store(up->check->engine), chain, NULL);
		if (!layer)
			return -1;
		sum += (int64_t)layer->size;
	}
	return sum;
}

/* image.json: the size and the manifest's digest. After the layers. */
static void check_figures(ImageCheckup *up)
{
	RecordState state = check_record(up->check, up->dir, "image.json", up->object);
	g_autoptr(Json) old =
		state == RECORD_FINE ? js_load(up->dir, "image.json", LINES_MAX, NULL) : NULL;
	const char *digest = NULL;
	bool lost_manifest = old && js_get_string(old, "digest", &digest, NULL) && digest &&
			     up->check->options->repair && g_strcmp0(digest, up->digest) != 0;
	g_autofree char *path = digest ? g_strconcat("manifests/", digest, NULL) : NULL;
	if (lost_manifest && faccessat(up->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		lost_manifest = false;
	if ((state != RECORD_ABSENT && state != RECORD_BROKEN && !lost_manifest))
		return;
	int64_t size = layers_size(up);
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "size", MAX(size, 0));
	if (up->digest)
		js_set_string(json, "digest", up->digest);
	g_autoptr(GError) failed = NULL;
	bool repair = up->check->options->repair;
	bool done = repair && js_save(up->dir, "image.json", json, RECORD_SYNC_FULL, &failed);
	if (!lost_manifest)
		check_report(up->check, g_strdup(up->object),
			     g_strdup_printf("image.json: it is %s",
					     state == RECORD_ABSENT ? "missing" : "damaged"),
			     g_strdup(failed   ? failed->message
				      : repair ? "made again"
					       : "can be made again"),
			     done);
}

/* Tell the layers what this image knows of them. */
static void note_layers(ImageCheckup *up, GHashTable *uses)
{
	g_autofree char *chain = NULL;
	for (guint i = 0; up->config->diff_ids[i]; i++) {
		char *next = digest_chain_id(chain, up->config->diff_ids[i]);
		LayerUse *use = g_hash_table_lookup(uses, digest_hex(next));
		if (!use) {
			use = g_new0(LayerUse, 1);
			use->diff_id = g_strdup(up->config->diff_ids[i]);
			use->parent = g_strdup(chain);
			use->images = g_ptr_array_new_with_free_func(g_free);
			g_hash_table_insert(uses, g_strdup(digest_hex(next)), use);
		}
		const Descriptor *blob = up->manifest && i < up->manifest->layers->len
						 ? g_ptr_array_index(up->manifest->layers, i)
						 : NULL;
		/* A manifest that we made names the plain tar, which is no blob that one could
		 * have. */
		if (blob && !use->blob_digest && strcmp(blob->digest, use->diff_id) != 0) {
			use->blob_digest = g_strdup(blob->digest);
			use->media_type = g_strdup(blob->media_type);
			use->blob_size = blob->size;
		}
		g_ptr_array_add(use->images, g_strdup(up->id));
		g_free(chain);
		chain = next;
	}
}

static void checkup_clear(ImageCheckup *up)
{
	g_free(up->object);
	g_free(up->digest);
	image_config_free(up->config);
	manifest_free(up->manifest);
	fd_close(&up->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImageCheckup, checkup_clear)

/* Open an image and read its config and manifests. Return: false if it is none that can be used. */
static bool checkup_begin(ImageCheckup *up, Check *check, const char *id)
{
	int images = store_dir(engine_store(check->engine), "images");
	*up = (ImageCheckup){.check = check, .id = id, .dir = -1};
	up->object = g_strdup_printf("image %.12s", id);
	up->dir = path_open_state(images, id, O_RDONLY | O_DIRECTORY, 0);
	if (up->dir < 0 && errno == ENOENT)
		return false;
	g_autofree char *digest = g_strconcat("sha256:", id, NULL);
	if (up->dir < 0 || !digest_is_valid(digest)) {
		check_set_aside(check, "images", id, up->object, "it is no directory of an image");
		return false;
	}
	RecordState state = check_digest(check, up->dir, "config.json", digest, up->object);
	size_t size = 0;
	g_autofree char *text =
		state == RECORD_BROKEN || state == RECORD_ABSENT
			? NULL
			: record_read(up->dir, "config.json", CONFIG_MAX, &size, NULL);
	up->config = text ? image_config_parse(text, size, NULL) : NULL;
	if (!up->config && state != RECORD_MENDED) {
		give_up(check, id, up->object,
			state == RECORD_ABSENT ? "config.json: it is missing"
					       : "config.json: it is damaged");
		return false;
	}
	check_manifests(up);
	return up->config != NULL;
}

/* Write layer.json of a layer that has lost it, from what its images say. */
static void restore_layer(Check *check, int dir, const char *hex, const LayerUse *use,
			  const char *object, const char *problem)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char *chain_id = g_strconcat("sha256:", hex, NULL);
	bool repair = check->options->repair;
	int64_t size = repair ? inspect_tree_size(check->engine, dir, "diff", &failed) : 0;
	const Layer layer = {
		.chain_id = chain_id,
		.diff_id = use->diff_id,
		.parent = use->parent,
		.size = (uint64_t)MAX(size, 0),
		.blob_digest = use->blob_digest,
		.media_type = use->media_type,
		.blob_size = (uint64_t)use->blob_size,
	};
	static const char *const names[] = {"layer.json", NULL};
	bool done = repair && !failed && layer_record_write(dir, &layer, &failed) &&
		    records_sync(dir, names, &failed);
	check_report(check, g_strdup(object), g_strdup_printf("layer.json: %s", problem),
		     g_strdup(failed   ? failed->message
			      : repair ? "made again from the image's config"
				       : "can be made again from the image's config"),
		     done);
}

/* A layer that an image needs: its record, and what it holds if that is asked for. */
static void check_layer(Check *check, const char *hex, LayerUse *use)
{
	int layers = store_dir(engine_store(check->engine), "layers");
	int images = store_dir(engine_store(check->engine), "images");
	g_autofree char *object = g_strdup_printf("layer %.12s", hex);
	autofd dir = path_open_state(layers, hex, O_RDONLY | O_DIRECTORY, 0);
	struct stat st;
	if (dir < 0 || fstatat(dir, "diff", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		use->reported = true;
		for (guint i = 0; i < use->images->len; i++) {
			const char *id = use->images->pdata[i];
			g_autofree char *image = g_strdup_printf("image %.12s", id);
			g_autofree char *problem = g_strdup_printf("%s is missing", object);
			/* An image that has gone since takes its layers along. */
			if (check_entry_begin(check, images, id))
				give_up(check, id, image, problem);
		}
		return;
	}
	RecordState state = check_record(check, dir, "layer.json", object);
	g_autofree char *chain_id = g_strconcat("sha256:", hex, NULL);
	g_autoptr(Layer) layer = state == RECORD_FINE
					 ? layer_lookup(engine_store(check->engine), chain_id, NULL)
					 : NULL;
	if (state == RECORD_ABSENT)
		restore_layer(check, dir, hex, use, object, "it is missing");
	else if (state == RECORD_BROKEN || (state == RECORD_FINE && !layer))
		restore_layer(check, dir, hex, use, object, "it is damaged");
	g_autoptr(GError) inexact = NULL;
	if (!check->options->layer_is_exact || state == RECORD_MENDED ||
	    check->options->layer_is_exact(check->engine, hex, check->options->data, &inexact))
		return;
	check_report(check, g_strdup(object), g_strdup(inexact->message),
		     g_strdup("remove the image and pull or load it again"), false);
}

/* Layers that no image needs are no damage: the next rmi takes them. */
static void check_layers(Check *check, GHashTable *uses)
{
	GHashTableIter iter;
	gpointer hex, use;
	g_hash_table_iter_init(&iter, uses);
	while (g_hash_table_iter_next(&iter, &hex, &use))
		check_layer(check, hex, use);
}

bool check_images(Check *check, GError **error)
{
	int images = store_dir(engine_store(check->engine), "images");
	g_auto(GStrv) ids = record_list(images, error);
	if (!ids)
		return false;
	g_autoptr(GHashTable) uses =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, layer_use_free);
	g_autoptr(GPtrArray) good = g_ptr_array_new();
	for (size_t i = 0; ids[i]; i++) {
		g_auto(ImageCheckup) up = {.dir = -1};
		if (!check_entry_begin(check, images, ids[i]))
			continue;
		if (checkup_begin(&up, check, ids[i])) {
			note_layers(&up, uses);
			check_lines(&up, "names");
			check_lines(&up, "digests");
			g_ptr_array_add(good, ids[i]);
		}
		check_entry_end(check, images, ids[i]);
	}
	check_layers(check, uses);
	/* Again, quietly: what was to be said of these has been. */
	for (guint i = 0; i < good->len; i++) {
		g_autoptr(GPtrArray) ignored =
			g_ptr_array_new_with_free_func((GDestroyNotify)check_finding_free);
		Check quiet = {
			.engine = check->engine, .options = check->options, .findings = ignored};
		g_auto(ImageCheckup) up = {.dir = -1};
		if (!check_entry_begin(check, images, good->pdata[i]) ||
		    !checkup_begin(&up, &quiet, good->pdata[i]))
			continue;
		up.check = check;
		check_figures(&up);
		check_entry_end(check, images, good->pdata[i]);
	}
	return true;
}
