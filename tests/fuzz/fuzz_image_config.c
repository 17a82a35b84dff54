/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image config. What is accepted must hold what the rest of the program takes for granted.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "storage/digest.h"
#include "storage/image_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const ImageConfig *config)
{
	for (size_t i = 0; config->env[i]; i++) {
		const char *equals = strchr(config->env[i], '=');
		g_assert_true(equals && equals > config->env[i]);
	}
	for (size_t i = 0; config->volumes[i]; i++) {
		g_assert_true(config->volumes[i][0] == '/' && config->volumes[i][1]);
		g_assert_null(strstr(config->volumes[i], "/../"));
		g_assert_false(g_str_has_suffix(config->volumes[i], "/.."));
	}
	for (size_t i = 0; config->diff_ids[i]; i++)
		g_assert_true(digest_is_valid(config->diff_ids[i]));
	g_assert_true(!config->working_dir || config->working_dir[0] == '/');
	g_assert_true(!config->entrypoint || config->entrypoint[0]);
	g_assert_true(!config->cmd || config->cmd[0]);
	g_assert_nonnull(config->labels);
	for (const char *c = config->user ? config->user : ""; *c; c++)
		g_assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ImageConfig) config = image_config_parse((const char *)data, size, &error);
	if (config)
		check_accepted(config);
	else
		g_assert_nonnull(error);
	return 0;
}
