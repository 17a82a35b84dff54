/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z6: the answer of a token server. Refused, or a header value of visible characters, in force for
 * at least a minute and no longer than the bound; a refusal leaves what was in force.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "storage/registry_priv.h"

#define LIFE_MAX (INT64_C(1) << 30)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Registry registry = {.name = (char *)"r.example/app",
			     .authorization = g_strdup("Basic old")};
	HttpResponse response = {.status = 200,
				 .body = g_string_new_len((const char *)data, (gssize)size)};
	g_autoptr(GError) error = NULL;
	gint64 before = g_get_monotonic_time();
	bool ok = registry_take_token(&registry, &response, &error);
	g_assert_cmpint(ok, ==, error == NULL);
	g_assert_cmpuint(registry.generation, ==, ok ? 1 : 0);
	if (ok) {
		g_assert_true(g_str_has_prefix(registry.authorization, "Bearer "));
		for (const char *c = registry.authorization + strlen("Bearer "); *c; c++)
			g_assert_true(g_ascii_isgraph(*c));
		g_assert_cmpint(registry.token_expiry, >, before);
		g_assert_cmpint(registry.token_expiry, <=,
				g_get_monotonic_time() + LIFE_MAX * G_USEC_PER_SEC);
	} else {
		g_assert_cmpstr(registry.authorization, ==, "Basic old");
	}
	g_free(registry.authorization);
	g_string_free(response.body, TRUE);
	return 0;
}
