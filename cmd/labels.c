/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/labels.h"

#include <string.h>

bool labels_match(GHashTable *labels, const char *wanted)
{
	const char *equals = strchr(wanted, '=');
	g_autofree char *key = equals ? g_strndup(wanted, equals - wanted) : g_strdup(wanted);
	const char *value = labels ? g_hash_table_lookup(labels, key) : NULL;
	return value && (!equals || strcmp(value, equals + 1) == 0);
}

char *labels_format(GHashTable *labels)
{
	GString *text = g_string_new(NULL);
	g_autoptr(GList) keys = labels ? g_hash_table_get_keys(labels) : NULL;
	keys = g_list_sort(keys, (GCompareFunc)strcmp);
	for (GList *key = keys; key; key = key->next)
		g_string_append_printf(text, "%s%s=%s", text->len > 0 ? "," : "", (char *)key->data,
				       (char *)g_hash_table_lookup(labels, key->data));
	return g_string_free(text, FALSE);
}
