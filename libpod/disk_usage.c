/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/disk_usage.h"

#include <string.h>

#include "libpod/inspect.h"
#include "storage/layer.h"

/* One layer and who needs it. */
typedef struct {
	int64_t size;
	unsigned images;
	bool active; /* an image with containers needs it */
} LayerCount;

static void image_usage_free(void *pointer)
{
	ImageUsage *usage = pointer;
	image_free(usage->image);
	g_free(usage);
}

static void container_usage_free(void *pointer)
{
	ContainerUsage *usage = pointer;
	container_free(usage->ctr);
	g_free(usage);
}

static void volume_usage_free(void *pointer)
{
	VolumeUsage *usage = pointer;
	volume_free(usage->volume);
	g_free(usage);
}

void disk_usage_free(DiskUsage *usage)
{
	if (!usage)
		return;
	g_clear_pointer(&usage->images, g_ptr_array_unref);
	g_clear_pointer(&usage->containers, g_ptr_array_unref);
	g_clear_pointer(&usage->volumes, g_ptr_array_unref);
	g_free(usage);
}

static bool list_containers(DiskUsage *usage, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	if (!all)
		return false;
	while (all->len > 0) {
		ContainerUsage *row = g_new0(ContainerUsage, 1);
		row->ctr = g_ptr_array_steal_index(all, 0);
		ContainerState state = container_summary(row->ctr)->state;
		row->active = state != CONTAINER_CREATED && state != CONTAINER_EXITED;
		g_ptr_array_add(usage->containers, row);
	}
	return true;
}

static bool list_volumes(DiskUsage *usage, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) all = volumes_list(engine, error);
	if (!all)
		return false;
	while (all->len > 0) {
		VolumeUsage *row = g_new0(VolumeUsage, 1);
		row->volume = g_ptr_array_steal_index(all, 0);
		for (guint i = 0; i < usage->containers->len; i++) {
			const ContainerUsage *user = usage->containers->pdata[i];
			char **names = container_summary(user->ctr)->volume_names;
			row->links +=
				g_strv_contains((const char *const *)names, row->volume->name);
		}
		g_ptr_array_add(usage->volumes, row);
	}
	return true;
}

static unsigned count_users(const DiskUsage *usage, const char *id)
{
	unsigned n = 0;
	for (guint i = 0; i < usage->containers->len; i++) {
		const ContainerUsage *row = usage->containers->pdata[i];
		n += g_strcmp0(container_summary(row->ctr)->image_id, id) == 0;
	}
	return n;
}

/* Note that an image needs its layers. One that cannot be read has no size. */
static void count_layers(Engine *engine, GHashTable *layers, const ImageUsage *row)
{
	for (char **chain_id = row->image->chain_ids; *chain_id; chain_id++) {
		LayerCount *count = g_hash_table_lookup(layers, *chain_id);
		if (!count) {
			g_autoptr(Layer) layer =
				layer_lookup(engine_store(engine), *chain_id, NULL);
			count = g_new0(LayerCount, 1);
			count->size = layer ? (int64_t)layer->size : 0;
			g_hash_table_insert(layers, g_strdup(*chain_id), count);
		}
		count->images++;
		count->active |= row->containers > 0;
	}
}

static bool list_images(DiskUsage *usage, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) all = images_list(engine_store(engine), error);
	g_autoptr(GHashTable) layers =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (!all)
		return false;
	while (all->len > 0) {
		ImageUsage *row = g_new0(ImageUsage, 1);
		row->image = g_ptr_array_steal_index(all, 0);
		row->containers = count_users(usage, row->image->id);
		count_layers(engine, layers, row);
		g_ptr_array_add(usage->images, row);
	}
	for (guint i = 0; i < usage->images->len; i++) {
		ImageUsage *row = usage->images->pdata[i];
		for (char **chain_id = row->image->chain_ids; *chain_id; chain_id++) {
			const LayerCount *count = g_hash_table_lookup(layers, *chain_id);
			*(count->images > 1 ? &row->shared : &row->unique) += count->size;
		}
		row->size = row->shared + row->unique;
	}
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, layers);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const LayerCount *count = value;
		usage->layers += count->size;
		usage->unneeded_layers += count->active ? 0 : count->size;
	}
	return true;
}

/* Have the trees of containers and volumes counted, all in one go. */
static bool count_trees(DiskUsage *usage, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < usage->containers->len; i++) {
		const ContainerUsage *row = usage->containers->pdata[i];
		const ContainerSummary *s = container_summary(row->ctr);
		g_ptr_array_add(paths, g_strdup_printf("containers/%s%s/upper", s->id,
						       s->auto_remove ? ".rm" : ""));
	}
	for (guint i = 0; i < usage->volumes->len; i++) {
		const VolumeUsage *row = usage->volumes->pdata[i];
		g_ptr_array_add(paths, g_strdup_printf("volumes/%s/_data", row->volume->name));
	}
	g_autofree int64_t *sizes = g_new0(int64_t, paths->len + 1);
	if (!inspect_tree_sizes(engine, store_fd(engine_store(engine)),
				(const char *const *)paths->pdata, paths->len, sizes, error))
		return false;
	for (guint i = 0; i < usage->containers->len; i++)
		((ContainerUsage *)usage->containers->pdata[i])->size = sizes[i];
	for (guint i = 0; i < usage->volumes->len; i++)
		((VolumeUsage *)usage->volumes->pdata[i])->size = sizes[usage->containers->len + i];
	return true;
}

DiskUsage *disk_usage_new(Engine *engine, GError **error)
{
	g_autoptr(DiskUsage) usage = g_new0(DiskUsage, 1);
	usage->images = g_ptr_array_new_with_free_func(image_usage_free);
	usage->containers = g_ptr_array_new_with_free_func(container_usage_free);
	usage->volumes = g_ptr_array_new_with_free_func(volume_usage_free);
	if (!list_containers(usage, engine, error) || !list_volumes(usage, engine, error) ||
	    !list_images(usage, engine, error) || !count_trees(usage, engine, error))
		return NULL;
	return g_steal_pointer(&usage);
}

int64_t disk_usage_container(const DiskUsage *usage, const char *id)
{
	for (guint i = 0; i < usage->containers->len; i++) {
		const ContainerUsage *row = usage->containers->pdata[i];
		if (strcmp(container_summary(row->ctr)->id, id) == 0)
			return row->size;
	}
	return 0;
}

int64_t disk_usage_volume(const DiskUsage *usage, const char *name)
{
	for (guint i = 0; i < usage->volumes->len; i++) {
		const VolumeUsage *row = usage->volumes->pdata[i];
		if (strcmp(row->volume->name, name) == 0)
			return row->size;
	}
	return 0;
}
