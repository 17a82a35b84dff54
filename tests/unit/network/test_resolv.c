/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolv.conf and hosts: what is in them, and what never gets into them.
 */
#include "network/resolv.h"

#include <string.h>

#include "libpod/base/error.h"

#define LOCALHOST                                                                                  \
	"127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost localhost.localdomain\n"

/* Text that would be more than one word where it is printed. */
static const char *const injections[] = {
	"a\nb",         "a b",
	"a\tb",         "a\rb",
	"\n",           " ",
	"a#b",          "#",
	"a\x01",        "a\x7f",
	"\x1b[2J",      "a\v1.2.3.4",
	"a\fb",         "a\n1.1.1.1 evil",
	"\xc2\x85",     "b\xff",
	"\xe2\x80\xae", "nameserver\t6.6.6.6",
	"a\x08",        "a\n\n",
};

static void check_composed(const char *host, NetworkMode mode, const ResolvOptions *options,
			   const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = resolv_conf_compose(host, mode, options, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, expected);
}

static void test_slirp(void)
{
	check_composed("nameserver 192.0.2.53\n", NETWORK_SLIRP, NULL, "nameserver 10.0.2.3\n");
	check_composed("", NETWORK_SLIRP, NULL, "nameserver 10.0.2.3\n");
	check_composed("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan example.org\n",
		       NETWORK_SLIRP, NULL,
		       "search lan example.org\nnameserver 10.0.2.3\noptions edns0 trust-ad\n");
	check_composed("nameserver 192.0.2.53\nnameserver 192.0.2.54\nnameserver 192.0.2.55\n",
		       NETWORK_SLIRP, NULL,
		       "nameserver 10.0.2.3\nnameserver 192.0.2.54\nnameserver 192.0.2.55\n");
	check_composed("nameserver 192.0.2.53\nnameserver 127.0.0.1\nnameserver ::1\n",
		       NETWORK_SLIRP, NULL, "nameserver 10.0.2.3\n");
	check_composed("nameserver 2001:db8::53\n", NETWORK_SLIRP, NULL, "nameserver fd00::3\n");
	check_composed("nameserver fe80::1%eth0\nnameserver 192.0.2.53\n", NETWORK_SLIRP, NULL,
		       "nameserver 10.0.2.3\n");
}

static void test_other_modes(void)
{
	const char *host = "# a comment\nsearch lan\nnameserver 127.0.0.53\nnameserver ::1\n";

	check_composed(host, NETWORK_HOST, NULL,
		       "search lan\nnameserver 127.0.0.53\nnameserver ::1\n");
	check_composed(host, NETWORK_NONE, NULL, "");
}

static void test_hosts_file_is_hostile_too(void)
{
	check_composed("nameserver not-an-address\nnameserver\nserver 1.1.1.1\n\tnameserver\t"
		       "1.2.3.4 trailing\nsearch a\nsearch b c\n;nameserver 9.9.9.9\n",
		       NETWORK_HOST, NULL, "search b c\nnameserver 1.2.3.4\n");
	check_composed("search ok \x1b[2J ok2\n", NETWORK_HOST, NULL, "search ok ok2\n");
}

static void test_options(void)
{
	static const char *const servers[] = {"192.0.2.1", "2001:db8::1", NULL};
	static const char *const search[] = {"example.org", "lan", NULL};
	static const char *const dot[] = {".", NULL};
	static const char *const words[] = {"ndots:2", "timeout:1", NULL};
	const char *host = "search old\nnameserver 9.9.9.9\noptions old\n";

	check_composed(host, NETWORK_SLIRP,
		       &(ResolvOptions){.servers = servers, .search = search, .options = words},
		       "search example.org lan\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n"
		       "options ndots:2 timeout:1\n");
	check_composed(host, NETWORK_SLIRP, &(ResolvOptions){.search = dot},
		       "nameserver 10.0.2.3\noptions old\n");
	check_composed(host, NETWORK_NONE, &(ResolvOptions){.servers = servers},
		       "nameserver 192.0.2.1\nnameserver 2001:db8::1\n");
}

static void test_bad_server(void)
{
	static const char *const bad[] = {"",         "example.org", "1.2.3",    "1.2.3.4.5",
					  " 1.2.3.4", "1.2.3.4\nx",  "1.2.3.4 ", "none"};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		const char *const servers[] = {bad[i], NULL};
		const ResolvOptions options = {.servers = servers};
		g_autoptr(GError) error = NULL;

		g_test_message("%s", bad[i]);
		g_assert_null(resolv_conf_compose("", NETWORK_SLIRP, &options, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_assert_true(g_str_has_suffix(error->message, " is not an ip address"));
	}
}

static void test_resolv_injections(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(injections); i++) {
		const char *const words[] = {injections[i], NULL};
		const ResolvOptions lists[] = {
			{.servers = words}, {.search = words}, {.options = words}};

		for (size_t j = 0; j < G_N_ELEMENTS(lists); j++) {
			g_autoptr(GError) error = NULL;
			g_assert_null(resolv_conf_compose("", NETWORK_SLIRP, &lists[j], &error));
			g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
			g_assert_null(strpbrk(error->message, "\n\r\x1b"));
		}
	}
}

static void test_build_reads_the_hosts_file(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = resolv_conf_build(NETWORK_SLIRP, NULL, &error);

	g_assert_no_error(error);
	g_assert_nonnull(strstr(text, "nameserver "));
}

static void test_hosts(void)
{
	static const char *const add[] = {"db:192.0.2.5", "v6:2001:db8::5", "a;b:192.0.2.6", NULL};
	g_autoptr(GError) error = NULL;
	g_autofree char *text = hosts_build(NETWORK_NONE, add, "0123abcd", NULL, "web", &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==,
			"192.0.2.5\tdb\n2001:db8::5\tv6\n192.0.2.6\ta b\n" LOCALHOST
			"127.0.0.1\t0123abcd web\n");
}

static void test_hosts_names(void)
{
	g_autofree char *same = hosts_build(NETWORK_NONE, NULL, "web", NULL, "web", NULL);
	g_autofree char *none = hosts_build(NETWORK_NONE, NULL, NULL, NULL, NULL, NULL);
	g_autofree char *name = hosts_build(NETWORK_NONE, NULL, NULL, NULL, "web", NULL);
	g_autofree char *slirp = hosts_build(NETWORK_SLIRP, NULL, "h", NULL, "web", NULL);

	g_autofree char *full = hosts_build(NETWORK_NONE, NULL, "h", "example.org", "web", NULL);

	g_assert_cmpstr(full, ==, LOCALHOST "127.0.0.1\th.example.org h web\n");
	g_assert_cmpstr(same, ==, LOCALHOST "127.0.0.1\tweb\n");
	g_assert_cmpstr(none, ==, LOCALHOST);
	g_assert_cmpstr(name, ==, LOCALHOST "127.0.0.1\tweb\n");
	g_assert_true(g_str_has_suffix(slirp, "\n10.0.2.100\th web\n"));
}

static void test_host_gateway(void)
{
	static const char *const add[] = {"gw:host-gateway", NULL};
	g_autoptr(GError) error = NULL;
	g_autofree char *text = hosts_build(NETWORK_HOST, add, NULL, NULL, NULL, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==,
			"127.0.0.1\tgw\n" LOCALHOST
			"127.0.0.1\thost.containers.internal host.docker.internal\n");
	g_assert_null(hosts_build(NETWORK_NONE, add, NULL, NULL, NULL, &error));
	g_assert_cmpstr(
		error->message, ==,
		"unable to replace \"host-gateway\" of host entry \"gw:host-gateway\": host "
		"containers internal IP address is empty");
}

static void test_add_host(void)
{
	static const char *const good[] = {"a:1.2.3.4", "a:::1", "a;b:1.2.3.4", "a:host-gateway",
					   "a_b.c-d:1.2.3.4"};
	static const struct {
		const char *value;
		const char *message;
	} bad[] = {
		{"foo", "bad format for add-host: \"foo\""},
		{"", "bad format for add-host: \"\""},
		{":1.1.1.1", "bad format for add-host: \":1.1.1.1\""},
		{";:1.1.1.1", "bad format for add-host: \";:1.1.1.1\""},
		{"a;;b:1.1.1.1", "bad format for add-host: \"a;;b:1.1.1.1\""},
		{"a b:1.1.1.1", "bad format for add-host: \"a b:1.1.1.1\""},
		{"a\nb:1.1.1.1", "bad format for add-host: \"a\\nb:1.1.1.1\""},
		{"foo:", "invalid IP address in add-host: \"\""},
		{"foo:300.1.1.1", "invalid IP address in add-host: \"300.1.1.1\""},
		{"foo:[::1]", "invalid IP address in add-host: \"[::1]\""},
		{"foo:1.1.1.1\nevil 6.6.6.6",
		 "invalid IP address in add-host: \"1.1.1.1\\nevil 6.6.6.6\""},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(hosts_check_add_host(good[i], NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(hosts_check_add_host(bad[i].value, &error));
		g_assert_cmpstr(error->message, ==, bad[i].message);
	}
}

static void test_hosts_injections(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(injections); i++) {
		const char *text = injections[i];
		g_autofree char *named = g_strdup_printf("%s:1.2.3.4", text);
		g_autofree char *addressed = g_strdup_printf("name:%s", text);
		const char *const lists[][2] = {{named, NULL}, {addressed, NULL}};

		g_assert_null(hosts_build(NETWORK_NONE, lists[0], NULL, NULL, NULL, NULL));
		g_assert_null(hosts_build(NETWORK_NONE, lists[1], NULL, NULL, NULL, NULL));
		g_assert_null(hosts_build(NETWORK_NONE, NULL, text, NULL, NULL, NULL));
		g_assert_null(hosts_build(NETWORK_NONE, NULL, NULL, NULL, text, NULL));
		g_assert_null(hosts_build(NETWORK_NONE, NULL, "h", text, NULL, NULL));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/network/resolv/slirp", test_slirp);
	g_test_add_func("/network/resolv/other-modes", test_other_modes);
	g_test_add_func("/network/resolv/odd-host-file", test_hosts_file_is_hostile_too);
	g_test_add_func("/network/resolv/options", test_options);
	g_test_add_func("/network/resolv/bad-server", test_bad_server);
	g_test_add_func("/network/resolv/injections", test_resolv_injections);
	g_test_add_func("/network/resolv/build", test_build_reads_the_hosts_file);
	g_test_add_func("/network/hosts/content", test_hosts);
	g_test_add_func("/network/hosts/names", test_hosts_names);
	g_test_add_func("/network/hosts/host-gateway", test_host_gateway);
	g_test_add_func("/network/hosts/add-host", test_add_host);
	g_test_add_func("/network/hosts/injections", test_hosts_injections);
	return g_test_run();
}
