/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of anybody: what is accepted is written and read back the same, and the parts that
 * read it further (mount options, sysctls) refuse or agree, but do not fall over.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "libpod/runtime/limits.h"
#include "libpod/runtime/mount_options.h"
#include "libpod/runtime/oci_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const OciConfig *config)
{
	g_assert_nonnull(config->args[0]);
	for (guint i = 0; i < config->mounts->len; i++) {
		const OciMount *mount = g_ptr_array_index(config->mounts, i);
		MountOptions options;
		g_assert_cmpint(*mount->destination, ==, '/');
		if (!mount_options_parse(mount, &options, NULL))
			continue;
		g_assert_cmpuint(options.data->len, <=, g_strv_length(mount->options));
		mount_options_clear(&options);
	}
	(void)limits_check_sysctls(config, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(Json) json = js_parse((const char *)data, size, "config.json", NULL);
	g_autoptr(OciConfig) config = json ? oci_config_read(json, NULL) : NULL;
	if (!config)
		return 0;
	check_parts(config);
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) first = oci_config_write(config);
	g_autoptr(OciConfig) again = oci_config_read(first, &error);
	g_assert_no_error(error);
	g_autoptr(Json) second = oci_config_write(again);
	g_assert_cmpstr(js_text(first), ==, js_text(second));
	return 0;
}
