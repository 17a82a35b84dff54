/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z9: an env file in both formats. Refused in words that name a place, or pairs with names that can
 * be set.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "cmd/compose/dotenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(const char *name, void *data)
{
	(void)data;
	return strcmp(name, "HOME") == 0 ? "/home/me" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	const Interpolation outer = {.lookup = lookup};
	for (int raw = 0; raw < 2; raw++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) pairs = dotenv_parse(text, "f.env", &outer, raw, &error);
		g_assert_true((pairs == NULL) == (error != NULL));
		g_assert_true(pairs || strstr(error->message, "f.env"));
		size_t bytes = 0;
		for (guint i = 0; pairs && i < pairs->len; i++) {
			const DotenvPair *pair = g_ptr_array_index(pairs, i);
			g_assert_true(*pair->name && !strchr(pair->name, '='));
			bytes += strlen(pair->name) + (pair->value ? strlen(pair->value) : 0);
		}
		g_assert_cmpuint(bytes, <=, DOTENV_SIZE_MAX + 64 * size);
	}
	return 0;
}
