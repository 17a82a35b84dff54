/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/remove_index.h"

#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/events.h"

bool index_untag_or_remove(Engine *engine, const ImageIndex *index, const char *text, bool force,
			   GError **error)
{
	Store *store = engine_store(engine);
	const char *name = image_index_find_name(index, text);
	size_t n_names = g_strv_length(index->names);
	if (name && n_names > 1) {
		if (!image_index_untag(store, index, name, error))
			return false;
		event_image(engine, "untag", index->id, name);
		output_printf("Untagged: %s\n", name);
		return true;
	}
	if (!name && n_names > 1 && !force)
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "unable to delete image \"%s\" by ID with more than one tag: "
				 "please force removal",
				 index->id);
	if (!image_index_remove(store, index, error))
		return false;
	for (size_t i = 0; index->names[i]; i++)
		output_printf("Untagged: %s\n", index->names[i]);
	output_printf("Deleted: %s\n", index->id);
	event_image(engine, "remove", index->id, index->names[0]);
	return true;
}
