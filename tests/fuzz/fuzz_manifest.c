/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest or index; what stands before the first NUL is taken for its Content-Type. What is
 * accepted must be one kind only, with every digest and size in bounds.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "storage/digest.h"
#include "storage/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_descriptor(const Descriptor *descriptor)
{
	g_assert_true(digest_is_valid(descriptor->digest));
	g_assert_cmpint(descriptor->size, >=, 0);
	g_assert_nonnull(descriptor->media_type);
	for (const char *c = descriptor->media_type; *c; c++)
		g_assert_true(g_ascii_isgraph(*c));
}

static void check_accepted(const Manifest *manifest)
{
	bool is_index = manifest->kind == MANIFEST_INDEX;
	g_assert_true(is_index == (strcmp(manifest->media_type, MEDIA_TYPE_OCI_INDEX) == 0 ||
				   strcmp(manifest->media_type, MEDIA_TYPE_DOCKER_LIST) == 0));
	g_assert_true(is_index ? manifest->layers->len == 0 : manifest->manifests->len == 0);
	g_assert_cmpuint(manifest->layers->len, <=, MANIFEST_MAX_LAYERS);
	if (!is_index)
		check_descriptor(&manifest->config);
	for (size_t i = 0; i < manifest->layers->len; i++)
		check_descriptor(g_ptr_array_index(manifest->layers, i));
	for (size_t i = 0; i < manifest->manifests->len; i++)
		check_descriptor(g_ptr_array_index(manifest->manifests, i));
	if (!is_index)
		return;
	g_auto(Platform) want = {0};
	g_autoptr(GError) error = NULL;
	platform_host(&want);
	const Descriptor *chosen = manifest_choose(manifest, &want, &error);
	g_assert_true(chosen || error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	g_autofree char *type = nul ? g_strndup((const char *)data, nul - data) : NULL;
	const char *text = nul ? (const char *)nul + 1 : (const char *)data;
	size_t length = nul ? size - (nul + 1 - data) : size;
	g_autoptr(GError) error = NULL;
	g_autoptr(Manifest) manifest = manifest_parse(text, length, type, &error);
	if (manifest)
		check_accepted(manifest);
	else
		g_assert_nonnull(error);
	return 0;
}
