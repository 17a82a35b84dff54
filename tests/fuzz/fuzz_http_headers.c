/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header values and URLs as a registry might send them: WWW-Authenticate, Retry-After,
 * Content-Range, Content-Type, Link, Location. No Location may yield another origin's credentials
 * or a strange scheme.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "storage/http.h"
#include "storage/http_header.h"
#include "storage/http_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void free_challenge(void *data)
{
	http_challenge_free(data);
}

static void check_challenges(const char *text)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_challenge);
	http_challenges_parse(text, list);
	g_assert_cmpuint(list->len, <=, HTTP_HEADER_MAX_SIZE);
	for (size_t i = 0; i < list->len; i++) {
		const HttpChallenge *challenge = g_ptr_array_index(list, i);
		g_assert_true(*challenge->scheme);
		const char *realm = http_challenge_param(challenge, "realm");
		for (const char *c = realm ? realm : ""; *c; c++)
			g_assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
	}
}

static void check_numbers(const char *text)
{
	int64_t first, last, total;
	g_assert_cmpint(http_retry_after_parse(text, NULL, 1700000000), >=, -1);
	g_assert_cmpint(http_retry_after_parse("Sun, 06 Nov 1994 08:49:37 GMT", text, 1), >=, 0);
	if (http_content_range_parse(text, &first, &last, &total)) {
		g_assert_cmpint(first, >=, 0);
		g_assert_cmpint(last, >=, first);
		g_assert_true(total < 0 || total > last);
	}
}

static void check_location(const char *text)
{
	g_autofree char *joined = http_url_join("https://r.example:5000/v2/a/blobs/b", text);
	if (!joined)
		return;
	g_assert_true(http_url_is_clean(joined));
	g_autofree char *origin = http_origin(joined);
	g_assert_nonnull(origin);
	g_assert_true(g_str_has_prefix(origin, "https://") || g_str_has_prefix(origin, "http://"));
	g_assert_null(strchr(origin, '@'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	check_challenges(text);
	check_numbers(text);
	check_location(text);
	g_autofree char *type = http_media_type(text);
	for (const char *c = type; *c; c++)
		g_assert_true(g_ascii_isgraph(*c) && !g_ascii_isupper(*c));
	g_autofree char *link = http_link_next(text);
	if (link)
		check_location(link);
	return 0;
}
