/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/reference.h"

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA256 "sha256:" HEX
#define SHA512 "sha512:" HEX HEX
#define TEN    "abcdefghij"
#define TAG128 TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "abcdefgh"

/* What is written and what it means; NULL for the normal form: it is refused. */
static const struct {
	const char *text;
	const char *normal;
} rows[] = {
	/* Short names */
	{"alpine", "docker.io/library/alpine:latest"},
	{"alpine:3.19", "docker.io/library/alpine:3.19"},
	{"alpine:latest", "docker.io/library/alpine:latest"},
	{"a", "docker.io/library/a:latest"},
	{"0", "docker.io/library/0:latest"},
	{"user/app", "docker.io/user/app:latest"},
	{"user/app:v1.2", "docker.io/user/app:v1.2"},
	{"a/b/c/d/e", "docker.io/a/b/c/d/e:latest"},
	{"library/alpine", "docker.io/library/alpine:latest"},
	{"alpine@" SHA256, "docker.io/library/alpine@" SHA256},
	{"alpine@" SHA512, "docker.io/library/alpine@" SHA512},
	{"alpine:3@" SHA256, "docker.io/library/alpine:3@" SHA256},
	{"localhost:5000", "docker.io/library/localhost:5000"},
	{"localhost", "docker.io/library/localhost:latest"},
	{"my-app", "docker.io/library/my-app:latest"},
	{"my--app", "docker.io/library/my--app:latest"},
	{"my---app", "docker.io/library/my---app:latest"},
	{"my_app", "docker.io/library/my_app:latest"},
	{"my__app", "docker.io/library/my__app:latest"},
	{"my.app", "docker.io/library/my.app:latest"},
	{"xn--n3h", "docker.io/library/xn--n3h:latest"},
	{"app:V1_2.3-x", "docker.io/library/app:V1_2.3-x"},
	{"app:_x", "docker.io/library/app:_x"},
	{"app:1", "docker.io/library/app:1"},
	{"app:" TAG128, "docker.io/library/app:" TAG128},
	{"123/456:789", "docker.io/123/456:789"},
	/* Registries */
	{"docker.io/alpine", "docker.io/library/alpine:latest"},
	{"docker.io/library/alpine", "docker.io/library/alpine:latest"},
	{"docker.io/user/app", "docker.io/user/app:latest"},
	{"index.docker.io/alpine", "docker.io/library/alpine:latest"},
	{"index.docker.io/user/app:1", "docker.io/user/app:1"},
	{"quay.io/app", "quay.io/app:latest"},
	{"quay.io/team/app:v1", "quay.io/team/app:v1"},
	{"localhost/app", "localhost/app:latest"},
	{"localhost/a/b:c", "localhost/a/b:c"},
	{"localhost:5000/app", "localhost:5000/app:latest"},
	{"localhost:5000/app:v1", "localhost:5000/app:v1"},
	{"localhost:5000/app@" SHA256, "localhost:5000/app@" SHA256},
	{"localhost:5000/app:v1@" SHA256, "localhost:5000/app:v1@" SHA256},
	{"127.0.0.1/app", "127.0.0.1/app:latest"},
	{"127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"},
	{"[::1]/app", "[::1]/app:latest"},
	{"[::1]:5000/app", "[::1]:5000/app:latest"},
	{"[2001:db8::1]:443/a/b:c", "[2001:db8::1]:443/a/b:c"},
	{"host:80/app", "host:80/app:latest"},
	{"HOST/app", "HOST/app:latest"},
	{"Host.Example/app", "Host.Example/app:latest"},
	{"a.b/c", "a.b/c:latest"},
	{"example.com:65535/app", "example.com:65535/app:latest"},
	{"my-registry.example.co.uk/x", "my-registry.example.co.uk/x:latest"},
	{"1.2/x", "1.2/x:latest"},
	{"xn--bcher-kva.example/x", "xn--bcher-kva.example/x:latest"},
	{"registry-1.docker.io/library/x", "registry-1.docker.io/library/x:latest"},
	/* Refused: empty and cut */
	{"", NULL},
	{":", NULL},
	{"@", NULL},
	{"/", NULL},
	{"//", NULL},
	{":tag", NULL},
	{"@" SHA256, NULL},
	{"app:", NULL},
	{"app@", NULL},
	{"app:@" SHA256, NULL},
	{"/app", NULL},
	{"app/", NULL},
	{"a//b", NULL},
	{"quay.io/", NULL},
	{"quay.io//app", NULL},
	{"quay.io/app/", NULL},
	{"localhost/", NULL},
	/* Refused: capitals, characters, separators */
	{"Alpine", NULL},
	{"quay.io/Team/app", NULL},
	{"user/App", NULL},
	{"app name", NULL},
	{" app", NULL},
	{"app ", NULL},
	{"app\n", NULL},
	{"app\t", NULL},
	{"app\x1b[31m", NULL},
	{"app\x7f", NULL},
	{"äpp", NULL},
	{"app:täg", NULL},
	{"-app", NULL},
	{"app-", NULL},
	{".app", NULL},
	{"app.", NULL},
	{"_app", NULL},
	{"app_", NULL},
	{"a..b", NULL},
	{"a___b", NULL},
	{"a.-b", NULL},
	{"a-.b", NULL},
	{"a_-b", NULL},
	{"a/-b", NULL},
	{"a/.b", NULL},
	{"a/../b", NULL},
	{"..", NULL},
	{".", NULL},
	{"../app", NULL},
	{"./app", NULL},
	{"a+b", NULL},
	{"a%20b", NULL},
	{"a?b", NULL},
	{"a#b", NULL},
	{"a&b", NULL},
	{"a;b", NULL},
	{"$(id)", NULL},
	{"`id`", NULL},
	{"a|b", NULL},
	{"a\\b", NULL},
	{"*", NULL},
	{"--option", NULL},
	{"https://quay.io/app", NULL},
	{"docker://quay.io/app", NULL},
	{"user:pass@quay.io/app", NULL},
	/* Refused: tags and digests */
	{"app:-x", NULL},
	{"app:.x", NULL},
	{"app:a/b", NULL},
	{"app:a:b", NULL},
	{"app:a b", NULL},
	{"app:" TAG128 "x", NULL},
	{"app@sha256:", NULL},
	{"app@sha256:abc", NULL},
	{"app@sha256:" HEX "0", NULL},
	{"app@SHA256:" HEX, NULL},
	{"app@sha256:../../../../../../../../../../../../../../../../../../../../etc", NULL},
	{"app@md5:0123456789abcdef0123456789abcdef", NULL},
	{"app@" HEX, NULL},
	{"app@" SHA256 "@" SHA256, NULL},
	{"app@" SHA256 ":tag", NULL},
	{"app@sha256:" HEX "/x", NULL},
	/* Refused: image ids, hosts and ports */
	{HEX, NULL},
	{"-host.example/app", NULL},
	{"host-.example/app", NULL},
	{"host..example/app", NULL},
	{".example/app", NULL},
	{"example./app", NULL},
	{"ho_st.example/app", NULL},
	{"host.example:/app", NULL},
	{"host.example:x/app", NULL},
	{"host.example:70000/app", NULL},
	{"host.example:123456/app", NULL},
	{"host.example:-1/app", NULL},
	{"host:80:80/app", NULL},
	{"[::1/app", NULL},
	{"[]/app", NULL},
	{"[::g]/app", NULL},
	{"[::1]x/app", NULL},
	{"[::1]:/app", NULL},
	{"[::1%25eth0]/app", NULL},
	{"::1/app", NULL},
};

static void test_table(void)
{
	g_assert_cmpuint(G_N_ELEMENTS(rows), >=, 120);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Reference) ref = reference_parse(rows[i].text, &error);
		if (!rows[i].normal) {
			if (ref)
				g_error("'%s' was accepted", rows[i].text);
			g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
			for (const char *c = error->message; *c; c++)
				g_assert_true(g_ascii_isprint(*c) ||
					      g_str_has_prefix(c, "\nhelp: ") ||
					      g_str_has_prefix(c, "\ncause: "));
			continue;
		}
		if (!ref)
			g_error("'%s': %s", rows[i].text, error->message);
		/* Whatever is accepted can be written again as it was. */
		g_autofree char *again = reference_format(ref);
		g_assert_cmpstr(again, ==, rows[i].text);
		g_autoptr(Reference) normal = reference_normalize(ref);
		g_autofree char *text = reference_format(normal);
		g_assert_cmpstr(text, ==, rows[i].normal);
		g_autoptr(Reference) twice = reference_normalize(normal);
		g_autofree char *same = reference_format(twice);
		g_assert_cmpstr(same, ==, text);
	}
}

static void test_length(void)
{
	g_autofree char *name = g_strnfill(255, 'a');
	g_autofree char *longer = g_strnfill(256, 'a');
	g_autofree char *endless = g_strnfill(1 << 20, 'a');
	g_autoptr(Reference) fits = reference_parse(name, NULL);
	g_assert_nonnull(fits);
	g_assert_null(reference_parse(longer, NULL));
	g_assert_null(reference_parse(endless, NULL));
}

static void test_complaints(void)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{"Alpine", "repository name must be lowercase"},
		{"app:-x", "invalid tag"},
		{"app@sha256:1", "digest"},
		{HEX, "64-byte hexadecimal"},
		{"host.example:x/app", "invalid registry name"},
		{"a b", "invalid reference format"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(reference_parse(cases[i].text, &error));
		g_assert_nonnull(strstr(error->message, cases[i].says));
	}
}

static void test_short(void)
{
	g_autoptr(Reference) short_name = reference_parse("user/app", NULL);
	g_autoptr(Reference) full = reference_parse("quay.io/user/app", NULL);
	g_assert_true(reference_is_short(short_name));
	g_assert_false(reference_is_short(full));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reference/table", test_table);
	g_test_add_func("/reference/length", test_length);
	g_test_add_func("/reference/complaints", test_complaints);
	g_test_add_func("/reference/short", test_short);
	return g_test_run();
}
