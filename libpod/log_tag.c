/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/log_tag.h"

#include <string.h>

#include "libpod/base/error.h"

/* What one field stands for; NULL if there is no such field. */
static char *field_value(const char *field, const ContainerSpec *spec, const char *id)
{
	const char *image = spec->image_name ? spec->image_name : spec->image;
	const char *image_id = spec->image_id ? spec->image_id : "";
	const struct {
		const char *name, *value;
		int size; /* -1: whole */
	} rows[] = {
		{".ID", id, 12},           {".FullID", id, -1},        {".Name", spec->name, -1},
		{".ImageName", image, -1}, {".ImageID", image_id, 12}, {".Image", image_id, -1},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].name, field) == 0)
			return g_strdup_printf("%.*s", rows[i].size,
					       rows[i].value ? rows[i].value : "");
	return NULL;
}

char *log_tag_expand(const char *tag, const ContainerSpec *spec, const char *id, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (!tag)
		return NULL;
	if (strchr(tag, '\n'))
		return error_set_null(error, ENGINE_ERROR_INVALID, "a log tag is one line");
	for (const char *open; (open = strstr(tag, "{{"));) {
		const char *close = strstr(open, "}}");
		if (!close)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "log tag: unclosed action '%s'", open);
		g_autofree char *field = g_strstrip(g_strndup(open + 2, close - open - 2));
		g_autofree char *value = field_value(field, spec, id);
		if (!value)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "log tag: there is no field '%s': .ID, .FullID, "
					      ".Name, .ImageName, .Image and .ImageID are",
					      field);
		g_string_append_len(text, tag, open - tag);
		g_string_append(text, value);
		tag = close + 2;
	}
	g_string_append(text, tag);
	return g_strdup(text->str);
}

bool log_label_check(const char *label, const ContainerSpec *spec, GError **error)
{
	static const char *const own[] = {"MESSAGE",
					  "PRIORITY",
					  "SYSLOG_IDENTIFIER",
					  "CONTAINER_ID",
					  "CONTAINER_ID_FULL",
					  "CONTAINER_NAME",
					  "CONTAINER_TAG",
					  "CONTAINER_PARTIAL_MESSAGE",
					  NULL};
	const char *equals = strchr(label, '=');
	if (equals == label)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"Container labels must be in format LABEL=VALUE (no LABEL present in '%s')",
			label);
	if (!equals || strchr(equals + 1, '='))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "Container labels must be in format LABEL=VALUE (none or more "
				 "than one '=' present in '%s')",
				 label);
	g_autofree char *name = g_strndup(label, equals - label);
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "Container label names must contain only uppercase letters, "
				 "numbers and underscore (in '%s')",
				 label);
	/* journald drops the first; the others would speak for another container. */
	if (*name == '_' || g_strv_contains(own, name))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "Container label name '%s' belongs to the journal", name);
	g_autofree char *tried = log_tag_expand(label, spec, "", error);
	return tried != NULL;
}
