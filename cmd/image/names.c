/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/names.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/reference.h"

const char *image_find_name(const Image *image, const char *text)
{
	g_autoptr(Reference) reference = reference_parse(text, NULL);
	if (!reference || reference->digest)
		return NULL;
	g_autoptr(Reference) normal = reference_normalize(reference);
	g_autofree char *local = reference_new_name(text, NULL);
	g_autofree char *docker = reference_format(normal);
	for (size_t i = 0; image->names[i]; i++)
		if (g_strcmp0(image->names[i], local) == 0 ||
		    g_strcmp0(image->names[i], docker) == 0)
			return image->names[i];
	return NULL;
}
