/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "storage/http.h"
#include "storage/http_priv.h"

static void test_origin(void)
{
	static const char *const rows[][2] = {
		{"https://a.x/y", "https://a.x:443"},
		{"http://a.x/y", "http://a.x:80"},
		{"https://a.x:443/y", "https://a.x:443"},
		{"https://A.X:5000", "https://a.x:5000"},
		{"HTTPS://a.x/", "https://a.x:443"},
		{"https://[::1]:5/x", "https://[::1]:5"},
		{"https://a.x?q", "https://a.x:443"},
		{"ftp://a.x/", NULL},
		{"file:///etc/passwd", NULL},
		{"a.x/y", NULL},
		{"", NULL},
		{"https://", NULL},
		{"https://a.x:70000/", NULL},
		{"javascript:alert(1)", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = http_origin(rows[i][0]);
		g_assert_cmpstr(got, ==, rows[i][1]);
	}
}

static void test_join(void)
{
	static const char base[] = "https://r.x:5000/v2/a/blobs/sha256:1?x=y";
	static const char *const rows[][2] = {
		{"/b", "https://r.x:5000/b"},
		{"b", "https://r.x:5000/v2/a/blobs/b"},
		{"../b", "https://r.x:5000/v2/a/b"},
		{"?q=1", "https://r.x:5000/v2/a/blobs/sha256:1?q=1"},
		{"//cdn.x/b", "https://cdn.x/b"},
		{"https://cdn.x/b#frag", "https://cdn.x/b"},
		{"http://cdn.x/b", "http://cdn.x/b"},
		{"https://u:p@cdn.x/b", NULL},
		{"https://u@cdn.x/b", NULL},
		{"ftp://cdn.x/b", NULL},
		{"file:///b", NULL},
		{"https://cdn.x\\@evil.x/", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = http_url_join(base, rows[i][0]);
		g_assert_cmpstr(got, ==, rows[i][1]);
	}
	g_assert_false(http_url_is_clean("https://a.x/b c"));
	g_assert_false(http_url_is_clean("https://a.x/\r\nX: y"));
	g_assert_false(http_url_is_clean("https://u:p@a.x/"));
	g_assert_true(http_url_is_clean("https://a.x/b%20c?d=e&f"));
}

static void test_addresses(void)
{
	static const char *const private_ones[] = {
		"127.0.0.1",
		"127.255.255.255",
		"0.0.0.0",
		"0.1.2.3",
		"10.0.0.1",
		"10.255.0.1",
		"172.16.0.1",
		"172.31.255.255",
		"192.168.0.1",
		"169.254.169.254",
		"100.64.0.1",
		"100.127.255.255",
		"224.0.0.1",
		"255.255.255.255",
		"240.0.0.1",
		"198.18.0.1",
		"::1",
		"::",
		"fe80::1",
		"febf::1",
		"fc00::1",
		"fd12:3456::1",
		"ff02::1",
		"fec0::1",
		"::ffff:127.0.0.1",
		"::ffff:10.0.0.1",
		"64:ff9b::7f00:1",
		"64:ff9b::a00:1",
		"::127.0.0.1",
	};
	static const char *const public_ones[] = {
		"1.1.1.1",         "8.8.8.8",          "9.255.255.255",        "11.0.0.0",
		"126.255.255.255", "128.0.0.1",        "172.15.255.255",       "172.32.0.0",
		"192.167.255.255", "192.169.0.0",      "169.253.255.255",      "100.63.255.255",
		"100.128.0.0",     "223.255.255.255",  "2001:4860:4860::8888", "2606:4700::1",
		"::ffff:8.8.8.8",  "64:ff9b::808:808",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(private_ones); i++)
		if (!http_address_is_private(private_ones[i]))
			g_error("%s is not public", private_ones[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(public_ones); i++)
		if (http_address_is_private(public_ones[i]))
			g_error("%s is public", public_ones[i]);
}

static void test_address_kinds_of_urls(void)
{
	static const struct {
		const char *url;
		HttpAddressKind kind;
	} rows[] = {
		{"https://a.example/x", HTTP_ADDRESS_PUBLIC},
		{"https://192.0.2.1/x", HTTP_ADDRESS_PUBLIC},
		{"https://localhost/", HTTP_ADDRESS_LOCAL},
		{"https://LOCALHOST.:5/", HTTP_ADDRESS_LOCAL},
		{"https://a.localhost/", HTTP_ADDRESS_LOCAL},
		{"https://127.0.0.1:5/", HTTP_ADDRESS_LOCAL},
		{"https://127.1/", HTTP_ADDRESS_LOCAL},
		{"https://2130706433/", HTTP_ADDRESS_LOCAL},
		{"https://0x7f.1/", HTTP_ADDRESS_LOCAL},
		{"https://169.254.169.254/latest", HTTP_ADDRESS_LOCAL},
		{"https://10.1.2.3/", HTTP_ADDRESS_PRIVATE},
		{"https://[::1]/", HTTP_ADDRESS_LOCAL},
		{"https://[fe80::1%25eth0]/", HTTP_ADDRESS_LOCAL},
		{"https://[::ffff:10.0.0.1]:5/", HTTP_ADDRESS_PRIVATE},
		{"https://[2001:db8::1]/", HTTP_ADDRESS_PUBLIC},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i].url);
		g_assert_cmpint(http_url_address_kind(rows[i].url), ==, rows[i].kind);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/http-url/origin", test_origin);
	g_test_add_func("/http-url/join", test_join);
	g_test_add_func("/http-url/addresses", test_addresses);
	g_test_add_func("/http-url/address-kinds-of-urls", test_address_kinds_of_urls);
	return g_test_run();
}
