/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "storage/http_header.h"

static void free_challenge(void *data)
{
	http_challenge_free(data);
}

/* "scheme name=value name=value | scheme", names sorted as they are asked for here. */
static char *describe(const char *value, bool *out_ok)
{
	static const char *const names[] = {"charset", "error", "realm", "scope", "service"};
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_challenge);
	*out_ok = http_challenges_parse(value, list);
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < list->len; i++) {
		const HttpChallenge *challenge = g_ptr_array_index(list, i);
		g_string_append_printf(text, "%s%s", i ? " | " : "", challenge->scheme);
		for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
			const char *param = http_challenge_param(challenge, names[j]);
			if (param)
				g_string_append_printf(text, " %s=%s", names[j], param);
		}
	}
	return g_string_free(text, FALSE);
}

static void test_challenges(void)
{
	static const struct {
		const char *value;
		const char *meaning;
		bool ok;
	} rows[] = {
		{"", "", true},
		{"Basic", "basic", true},
		{"Basic realm=\"x\"", "basic realm=x", true},
		{"BASIC Realm=x", "basic realm=x", true},
		{"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull\"",
		 "bearer realm=https://a/t scope=repository:a:pull service=s", true},
		{"Bearer realm=\"https://a/t\", service=\"s\"",
		 "bearer realm=https://a/t service=s", true},
		{"Bearer realm = \"r\" , service = s", "bearer realm=r service=s", true},
		{"Bearer realm=\"a,b\",service=\"c\"", "bearer realm=a,b service=c", true},
		{"Bearer realm=\"a\\\"b\"", "bearer realm=a\"b", true},
		{"Bearer realm=\"\"", "bearer", true},
		{"Basic realm=\"x\", Bearer realm=\"y\",service=\"z\"",
		 "basic realm=x | bearer realm=y service=z", true},
		{"Basic, Bearer realm=y", "basic | bearer realm=y", true},
		{"Negotiate", "negotiate", true},
		{"Negotiate YWJj==", "negotiate", true},
		{"Negotiate YWJj, Basic realm=x", "negotiate | basic realm=x", true},
		{"Digest realm=\"d\", nonce=\"n\", Basic realm=\"b\"",
		 "digest realm=d | basic realm=b", true},
		{"Bearer realm=\"a\",realm=\"b\"", "bearer realm=a", true},
		{",,Basic realm=x,,", "basic realm=x", true},
		{"Bearer realm=\"x\",error=\"invalid_token\"", "bearer error=invalid_token realm=x",
		 true},
		{"Bearer realm=\"unclosed", "bearer", false},
		{"Bearer realm=", "bearer", true},
		{"=x", "", false},
		{"Bearer realm=\"a\" garbage=\"b\"", "bearer realm=a", false},
		{"Bearer realm=\"a\x01\"", "bearer", false},
		{"\"quoted\"", "", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		bool ok;
		g_autofree char *got = describe(rows[i].value, &ok);
		/* What stands before damage may be kept or not; a whole value must be understood.
		 */
		if (rows[i].ok)
			g_assert_cmpstr(got, ==, rows[i].meaning);
		if (ok != rows[i].ok)
			g_error("'%s' was %s: %s", rows[i].value, ok ? "accepted" : "refused", got);
	}
	bool ok;
	g_autofree char *huge = g_strnfill(HTTP_HEADER_MAX_SIZE + 1, 'a');
	g_autofree char *nothing = describe(huge, &ok);
	g_assert_false(ok);
	g_assert_cmpstr(nothing, ==, "");
}

static void test_retry_after(void)
{
	static const struct {
		const char *value;
		const char *date;
		int64_t seconds;
	} rows[] = {
		{"0", NULL, 0},
		{"120", NULL, 120},
		{"007", NULL, 7},
		{"-1", NULL, -1},
		{"+5", NULL, -1},
		{"1.5", NULL, -1},
		{" 5", NULL, -1},
		{"5 ", NULL, -1},
		{"soon", NULL, -1},
		{"", NULL, -1},
		{"99999999999999999999999", NULL, -1},
		{"Sun, 06 Nov 1994 08:49:37 GMT", NULL, 37},
		{"Sun, 06 Nov 1994 08:48:37 GMT", NULL, 0},
		{"Sunday, 06-Nov-94 08:49:37 GMT", NULL, 37},
		{"Sun Nov  6 08:49:37 1994", NULL, 37},
		{"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:30 GMT", 7},
		{"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:40 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT", "nonsense", 37},
		{"Sun, 06 Nov 1994 08:49:37", NULL, -1},
		{"Sun, 06 Nov 1994 25:49:37 GMT", NULL, -1},
		{"Sun, 31 Feb 1994 08:49:37 GMT", NULL, -1},
		{"Sun, 06 Foo 1994 08:49:37 GMT", NULL, -1},
		{"Sun, 06 anF 1994 08:49:37 GMT", NULL, -1},
		{"Sun, 06 Nov 1994 08:49:37 GMT and more", NULL, -1},
		{"Sun, 06 Nov 1066 08:49:37 GMT", NULL, -1},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(http_retry_after_parse(rows[i].value, rows[i].date, 784111740), ==,
				rows[i].seconds);
}

static void test_content_range(void)
{
	static const struct {
		const char *value;
		int64_t first, last, total; /* first -1: refused */
	} rows[] = {
		{"bytes 0-9/10", 0, 9, 10},
		{"bytes 5-9/10", 5, 9, 10},
		{"bytes 5-9/*", 5, 9, -1},
		{"Bytes 0-0/1", 0, 0, 1},
		{"bytes 0-9223372036854775806/9223372036854775807", 0, G_MAXINT64 - 1, G_MAXINT64},
		{"bytes */10", -1, 0, 0},
		{"bytes 9-5/10", -1, 0, 0},
		{"bytes 0-10/10", -1, 0, 0},
		{"bytes 0-9/9", -1, 0, 0},
		{"bytes -1-5/10", -1, 0, 0},
		{"bytes 0-9", -1, 0, 0},
		{"bytes 0-9/", -1, 0, 0},
		{"bytes 0-9/10x", -1, 0, 0},
		{"bytes 0/10", -1, 0, 0},
		{"items 0-9/10", -1, 0, 0},
		{"", -1, 0, 0},
		{"bytes 0-99999999999999999999/999999999999999999999", -1, 0, 0},
		{"bytes=0-9/10", -1, 0, 0},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int64_t first = -7, last = -7, total = -7;
		bool ok = http_content_range_parse(rows[i].value, &first, &last, &total);
		g_assert_cmpint(ok, ==, rows[i].first >= 0);
		g_assert_cmpint(first, ==, ok ? rows[i].first : -7);
		g_assert_cmpint(last, ==, ok ? rows[i].last : -7);
		g_assert_cmpint(total, ==, ok ? rows[i].total : -7);
	}
}

static void test_media_type(void)
{
	static const char *const rows[][2] = {
		{"application/json", "application/json"},
		{"Application/JSON; charset=utf-8", "application/json"},
		{"  text/html ;x=y", "text/html"},
		{"application/vnd.oci.image.manifest.v1+json",
		 "application/vnd.oci.image.manifest.v1+json"},
		{"application/json, text/html", "application/json"},
		{"json", ""},
		{"", ""},
		{"/json", ""},
		{"application/", ""},
		{"application / json", ""},
		{"application/json charset", ""},
		{"appli\x01/json", ""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = http_media_type(rows[i][0]);
		g_assert_cmpstr(got, ==, rows[i][1]);
	}
}

static void test_link(void)
{
	static const char *const rows[][2] = {
		{"</v2/a/tags/list?last=x&n=5>; rel=\"next\"", "/v2/a/tags/list?last=x&n=5"},
		{"</a>; rel=prev, </b>; rel=next", "/b"},
		{"</a>;x=y;rel=next", "/a"},
		{"</a>; REL=\"NEXT\"", "/a"},
		{"</a>; rel=nextish", NULL},
		{"</a>", NULL},
		{"</a; rel=next", NULL},
		{"", NULL},
		{"a; rel=next", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = http_link_next(rows[i][0]);
		g_assert_cmpstr(got, ==, rows[i][1]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/http-header/challenges", test_challenges);
	g_test_add_func("/http-header/retry-after", test_retry_after);
	g_test_add_func("/http-header/content-range", test_content_range);
	g_test_add_func("/http-header/media-type", test_media_type);
	g_test_add_func("/http-header/link", test_link);
	return g_test_run();
}
