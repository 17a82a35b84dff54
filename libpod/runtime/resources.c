/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/resources.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"

#define WEIGHT_MAX 10000

/* Rows of the numbers: where they stand in linux.resources, and what enforces them. */
static const struct {
	const char *part, *key, *controller;
	size_t offset;
} numbers[] = {
	{"memory", "limit", "memory", offsetof(OciResources, memory)},
	{"memory", "reservation", "memory", offsetof(OciResources, memory_reservation)},
	{"memory", "swap", "memory", offsetof(OciResources, memory_swap)},
	{"cpu", "shares", "cpu", offsetof(OciResources, cpu_shares)},
	{"cpu", "quota", "cpu", offsetof(OciResources, cpu_quota)},
	{"cpu", "period", "cpu", offsetof(OciResources, cpu_period)},
	{"pids", "limit", "pids", offsetof(OciResources, pids)},
	{"blockIO", "weight", "io", offsetof(OciResources, blkio_weight)},
};

static const struct {
	const char *part, *key, *controller;
	size_t offset;
} texts[] = {
	{"cpu", "cpus", "cpuset", offsetof(OciResources, cpus)},
	{"cpu", "mems", "cpuset", offsetof(OciResources, mems)},
};

static const struct {
	const char *key, *value;
} devices[OCI_DEVICE_LIMIT_COUNT] = {
	[OCI_READ_BPS] = {"throttleReadBpsDevice", "rate"},
	[OCI_WRITE_BPS] = {"throttleWriteBpsDevice", "rate"},
	[OCI_READ_IOPS] = {"throttleReadIOPSDevice", "rate"},
	[OCI_WRITE_IOPS] = {"throttleWriteIOPSDevice", "rate"},
	[OCI_DEVICE_WEIGHT] = {"weightDevice", "weight"},
};

#define NUMBER(resources, i) ((int64_t *)(void *)((char *)(resources) + numbers[i].offset))
#define TEXT(resources, i)   ((char **)(void *)((char *)(resources) + texts[i].offset))

static int64_t get_number(const OciResources *resources, size_t i)
{
	return *NUMBER((OciResources *)resources, i);
}

static const char *get_text(const OciResources *resources, size_t i)
{
	return *TEXT((OciResources *)resources, i);
}

static void free_device(gpointer element)
{
	OciDeviceLimit *limit = element;
	g_free(limit->path);
	g_free(limit);
}

void resources_drop(OciResources *resources, const char *controller)
{
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (!controller || strcmp(controller, numbers[i].controller) == 0)
			*NUMBER(resources, i) = 0;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (!controller || strcmp(controller, texts[i].controller) == 0)
			g_clear_pointer(TEXT(resources, i), g_free);
	}
	for (size_t i = 0; i < OCI_DEVICE_LIMIT_COUNT; i++) {
		if (!controller || strcmp(controller, "io") == 0)
			g_clear_pointer(&resources->devices[i], g_ptr_array_unref);
	}
	if (!resources->unified)
		return;
	GHashTableIter iter;
	gpointer file;
	g_autofree char *prefix = controller ? g_strconcat(controller, ".", NULL) : NULL;
	g_hash_table_iter_init(&iter, resources->unified);
	while (g_hash_table_iter_next(&iter, &file, NULL)) {
		if (!prefix || g_str_has_prefix(file, prefix))
			g_hash_table_iter_remove(&iter);
	}
	if (g_hash_table_size(resources->unified) == 0)
		g_clear_pointer(&resources->unified, g_hash_table_unref);
}

void resources_clear(OciResources *resources)
{
	resources_drop(resources, NULL);
}

/* Is it the same device? By path where both have one. */
static bool is_same_device(const OciDeviceLimit *a, const OciDeviceLimit *b)
{
	if (a->path && b->path)
		return strcmp(a->path, b->path) == 0;
	return !a->path && !b->path && a->major == b->major && a->minor == b->minor;
}

void resources_set_device(OciResources *resources, OciDeviceLimitKind kind,
			  const OciDeviceLimit *limit)
{
	GPtrArray **list = &resources->devices[kind];
	if (!*list)
		*list = g_ptr_array_new_with_free_func(free_device);
	for (guint i = 0; i < (*list)->len; i++) {
		OciDeviceLimit *old = g_ptr_array_index(*list, i);
		if (is_same_device(old, limit)) {
			old->value = limit->value;
			return;
		}
	}
	OciDeviceLimit *added = g_new(OciDeviceLimit, 1);
	*added = *limit;
	added->path = g_strdup(limit->path);
	g_ptr_array_add(*list, added);
}

void resources_set_unified(OciResources *resources, const char *file, const char *value)
{
	if (!resources->unified)
		resources->unified = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_replace(resources->unified, g_strdup(file), g_strdup(value));
}

void resources_merge(OciResources *target, const OciResources *changes)
{
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (get_number(changes, i) != 0)
			*NUMBER(target, i) = get_number(changes, i);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (!get_text(changes, i))
			continue;
		g_free(*TEXT(target, i));
		*TEXT(target, i) = g_strdup(get_text(changes, i));
	}
	for (size_t kind = 0; kind < OCI_DEVICE_LIMIT_COUNT; kind++) {
		const GPtrArray *list = changes->devices[kind];
		for (guint i = 0; list && i < list->len; i++)
			resources_set_device(target, (OciDeviceLimitKind)kind,
					     g_ptr_array_index(list, i));
	}
	if (!changes->unified)
		return;
	GHashTableIter iter;
	gpointer file, value;
	g_hash_table_iter_init(&iter, changes->unified);
	while (g_hash_table_iter_next(&iter, &file, &value))
		resources_set_unified(target, file, value);
}

/* Add a word once. */
static void add_word(GPtrArray *words, const char *word)
{
	if (!g_ptr_array_find_with_equal_func(words, word, g_str_equal, NULL))
		g_ptr_array_add(words, g_strdup(word));
}

char **resources_controllers(const OciResources *resources)
{
	GPtrArray *words = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (get_number(resources, i) != 0)
			add_word(words, numbers[i].controller);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (get_text(resources, i))
			add_word(words, texts[i].controller);
	}
	for (size_t i = 0; i < OCI_DEVICE_LIMIT_COUNT; i++) {
		if (resources->devices[i])
			add_word(words, "io");
	}
	GHashTableIter iter;
	gpointer file;
	if (resources->unified) {
		g_hash_table_iter_init(&iter, resources->unified);
		while (g_hash_table_iter_next(&iter, &file, NULL)) {
			g_autofree char *word = g_strndup(file, strcspn(file, "."));
			add_word(words, word);
		}
	}
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

/* The object @part of @json, made when it is needed. Borrowed. */
static Json *ensure_part(Json *json, const char *part)
{
	Json *object = NULL;
	if (!json_object_object_get_ex(json, part, &object)) {
		object = json_object_new_object();
		js_set_take(json, part, object);
	}
	return object;
}

/* The devices with one kind of limit. */
static Json *write_devices(const GPtrArray *list, const char *key, bool record)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < list->len; i++) {
		const OciDeviceLimit *limit = g_ptr_array_index(list, i);
		Json *item = json_object_new_object();
		if (record)
			js_set_string(item, "path", limit->path);
		js_set_int(item, "major", limit->major);
		js_set_int(item, "minor", limit->minor);
		js_set_int(item, key, limit->value);
		json_object_array_add(array, item);
	}
	return array;
}

Json *resources_to_json(const OciResources *resources, bool record)
{
	g_autoptr(Json) json = json_object_new_object();
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (get_number(resources, i) != 0)
			js_set_int(ensure_part(json, numbers[i].part), numbers[i].key,
				   get_number(resources, i));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (get_text(resources, i))
			js_set_string(ensure_part(json, texts[i].part), texts[i].key,
				      get_text(resources, i));
	}
	for (size_t i = 0; i < OCI_DEVICE_LIMIT_COUNT; i++) {
		if (resources->devices[i])
			js_set_take(ensure_part(json, "blockIO"), devices[i].key,
				    write_devices(resources->devices[i], devices[i].value, record));
	}
	if (resources->unified)
		js_set_take(json, "unified", js_from_string_map(resources->unified));
	return json_object_object_length(json) > 0 ? g_steal_pointer(&json) : NULL;
}

/* One kind of limit of devices. */
static bool read_devices(Json *part, OciDeviceLimitKind kind, OciResources *out, GError **error)
{
	Json *list = NULL;
	if (!js_get_array(part, devices[kind].key, &list, error))
		return false;
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		Json *item = json_object_array_get_idx(list, i);
		OciDeviceLimit limit = {0};
		const char *path = NULL;
		if (!js_get_string(item, "path", &path, error) ||
		    !js_get_int(item, "major", 0, G_MAXUINT32, &limit.major, error) ||
		    !js_get_int(item, "minor", 0, G_MAXUINT32, &limit.minor, error) ||
		    !js_get_int(item, devices[kind].value, 0, G_MAXINT64, &limit.value, error)) {
			g_prefix_error(error, "%s[%zu].", devices[kind].key, i);
			return false;
		}
		limit.path = (char *)path;
		resources_set_device(out, kind, &limit);
	}
	return true;
}

/* The names of --cgroup-conf are names of files of one cgroup. */
static bool read_unified(Json *json, OciResources *out, GError **error)
{
	g_autoptr(GHashTable) map = NULL;
	if (!js_get_string_map(json, "unified", &map, error))
		return false;
	GHashTableIter iter;
	gpointer file, value;
	if (map)
		g_hash_table_iter_init(&iter, map);
	while (map && g_hash_table_iter_next(&iter, &file, &value)) {
		if (!path_name_is_safe(file) || !strchr(file, '.'))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unified: '%s' is no file of a cgroup", (char *)file);
		resources_set_unified(out, file, value);
	}
	return true;
}

bool resources_from_json(Json *json, OciResources *out, GError **error)
{
	g_auto(OciResources) read = {0};
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		Json *part = NULL;
		if (!js_get_object(json, numbers[i].part, &part, error) ||
		    !js_get_int(part, numbers[i].key, G_MININT64, G_MAXINT64, NUMBER(&read, i),
				error))
			return false;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		Json *part = NULL;
		if (!js_get_object(json, texts[i].part, &part, error) ||
		    !js_dup_string(part, texts[i].key, TEXT(&read, i), error))
			return false;
	}
	Json *block = NULL;
	if (!js_get_object(json, "blockIO", &block, error) || !read_unified(json, &read, error))
		return false;
	for (size_t i = 0; i < OCI_DEVICE_LIMIT_COUNT; i++) {
		if (!read_devices(block, (OciDeviceLimitKind)i, &read, error))
			return false;
	}
	*out = read;
	read = (OciResources){0};
	return true;
}

int64_t resources_cpu_weight(int64_t shares)
{
	/* [2, 262144] to [1, 10000], as the runtime-spec's implementations agreed. */
	return 1 + (CLAMP(shares, 2, 262144) - 2) * (WEIGHT_MAX - 1) / 262142;
}

int64_t resources_io_weight(int64_t weight)
{
	return 1 + (CLAMP(weight, 10, 1000) - 10) * (WEIGHT_MAX - 1) / 990;
}
