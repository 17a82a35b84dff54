/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's resolv.conf: whatever it holds, what a container gets has only lines of three kinds.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "network/resolv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (size_t i = 0; lines[i]; i++) {
		g_assert_true(!*lines[i] || g_str_has_prefix(lines[i], "search ") ||
			      g_str_has_prefix(lines[i], "nameserver ") ||
			      g_str_has_prefix(lines[i], "options "));
		for (const char *at = lines[i]; *at; at++)
			g_assert_true(g_ascii_isprint(*at));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const NetworkMode modes[] = {NETWORK_NONE, NETWORK_HOST, NETWORK_SLIRP};
	g_autofree char *host = g_strndup((const char *)data, size);

	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *text = resolv_conf_compose(host, modes[i], NULL, NULL);
		g_assert_nonnull(text);
		check_text(text);
	}
	return 0;
}
