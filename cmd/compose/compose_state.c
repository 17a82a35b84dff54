/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_state.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/compose/compose_labels.h"

static void container_item_free(void *data)
{
	ComposeContainer *item = data;
	container_free(item->ctr);
	g_free(item->service);
	g_free(item->hash);
	g_free(item);
}

const char *compose_state_label(const Container *ctr, const char *label)
{
	GHashTable *labels = container_summary(ctr)->labels;
	const char *value = labels ? g_hash_table_lookup(labels, label) : NULL;
	return value ? value : "";
}

static const ComposeContainer *find_service(const GPtrArray *list, const char *service, size_t n)
{
	for (guint i = 0; i < list->len; i++) {
		const ComposeContainer *item = list->pdata[i];
		if (strncmp(item->service, service, n) == 0 && item->service[n] == '\0')
			return item;
	}
	return NULL;
}

/* One more than the highest rank of what the label says it depends on; bounded by @left, since
 * labels may say anything. */
static int find_rank(const GPtrArray *list, const ComposeContainer *item, unsigned left)
{
	int rank = 0;
	const char *at = compose_state_label(item->ctr, LABEL_DEPENDS_ON);
	while (left > 0 && *at) {
		const ComposeContainer *other = find_service(list, at, strcspn(at, ":,"));
		if (other && other != item)
			rank = MAX(rank, 1 + find_rank(list, other, left - 1));
		at += strcspn(at, ",");
		at += *at == ',';
	}
	return rank;
}

static int compare_items(const void *a, const void *b)
{
	const ComposeContainer *const *x = a, *const *y = b;
	if ((*x)->rank != (*y)->rank)
		return (*x)->rank - (*y)->rank;
	int order = strcmp((*x)->service, (*y)->service);
	return order ? order : (*x)->number - (*y)->number;
}

GPtrArray *compose_state_list(Engine *engine, const char *project, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	if (!all)
		return NULL;
	GPtrArray *list = g_ptr_array_new_with_free_func(container_item_free);
	for (guint i = 0; i < all->len; i++) {
		Container *ctr = all->pdata[i];
		if (strcmp(compose_state_label(ctr, LABEL_PROJECT), project) != 0)
			continue;
		ComposeContainer *item = g_new0(ComposeContainer, 1);
		item->ctr = ctr;
		all->pdata[i] = NULL;
		item->service = g_strdup(compose_state_label(ctr, LABEL_SERVICE));
		item->hash = g_strdup(compose_state_label(ctr, LABEL_CONFIG_HASH));
		item->number = (int)strtol(compose_state_label(ctr, LABEL_NUMBER), NULL, 10);
		item->oneoff = strcmp(compose_state_label(ctr, LABEL_ONEOFF), "True") == 0;
		g_ptr_array_add(list, item);
	}
	for (guint i = 0; i < list->len; i++) {
		ComposeContainer *item = list->pdata[i];
		item->rank = find_rank(list, item, 16);
	}
	g_ptr_array_sort(list, compare_items);
	return list;
}

GPtrArray *compose_state_select(const GPtrArray *state, const char *const *services, bool oneoff)
{
	GPtrArray *list = g_ptr_array_new();
	for (guint i = 0; i < state->len; i++) {
		ComposeContainer *item = state->pdata[i];
		bool named = !services || !services[0] || g_strv_contains(services, item->service);
		if (named && (oneoff || !item->oneoff))
			g_ptr_array_add(list, item);
	}
	return list;
}

Container *compose_state_reload(Engine *engine, const Container *ctr)
{
	return container_lookup(engine, container_summary(ctr)->id, NULL);
}

bool compose_state_runs(const Container *ctr)
{
	ContainerState state = container_summary(ctr)->state;
	return state != CONTAINER_CREATED && state != CONTAINER_EXITED;
}
