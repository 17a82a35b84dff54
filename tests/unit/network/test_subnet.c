/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subnets, addresses and what a home's members may ask.
 */
#include "network/subnet.h"

#include <string.h>

#include "libpod/base/error.h"
#include "network/home_protocol.h"

static void test_subnets(void)
{
	static const struct {
		const char *text, *shown;
		uint32_t first, last;
	} rows[] = {
		{"10.89.0.0/24", "10.89.0.0/24", 0x0a590001, 0x0a5900fe},
		{"10.89.0.77/24", "10.89.0.0/24", 0x0a590001, 0x0a5900fe},
		{"192.168.5.4/30", "192.168.5.4/30", 0xc0a80505, 0xc0a80506},
		{"10.0.0.0/8", "10.0.0.0/8", 0x0a000001, 0x0afffffe},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Subnet subnet;
		g_assert_true(subnet_parse(rows[i].text, &subnet, NULL));
		g_autofree char *shown = subnet_format(&subnet);
		g_assert_cmpstr(shown, ==, rows[i].shown);
		g_assert_cmphex(subnet_first(&subnet), ==, rows[i].first);
		g_assert_cmphex(subnet_last(&subnet), ==, rows[i].last);
		g_assert_true(subnet_contains(&subnet, rows[i].first));
		g_assert_false(subnet_contains(&subnet, rows[i].last + 2));
	}
}

static void test_bad_subnets(void)
{
	static const char *const rows[] = {
		"",           "10.89.0.0",    "10.89.0.0/",  "10.89.0.0/33",
		"10.89.0/24", "10.89.0.0/31", "10.0.0.0/7",  "x/24",
		"fd00::/64",  "1.2.3.4/-1",   "1.2.3.4/24x", "1.2.3.256/24"};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		Subnet subnet;
		g_assert_false(subnet_parse(rows[i], &subnet, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	}
}

static void test_subnet6(void)
{
	static const char *const bad[] = {
		"fd00::",  "fd00::/7",    "fd00::/127",         "fe80::/64", "ff02::/64",
		"::1/126", "10.0.0.0/24", "::ffff:1.2.3.4/120", "fd00::/x",  "fd00::g/64",
		"",        "0:1::/64"};
	g_autoptr(GError) error = NULL;
	struct in6_addr address;
	Subnet6 subnet, inner;

	g_assert_true(subnet6_parse("fd01:2::9/63", &subnet, NULL));
	g_autofree char *text = subnet6_format(&subnet);
	g_assert_cmpstr(text, ==, "fd01:2::/63");
	struct in6_addr first = subnet6_first(&subnet), last = subnet6_last(&subnet);
	g_autofree char *first_text = address6_format(&first);
	g_autofree char *last_text = address6_format(&last);
	g_assert_cmpstr(first_text, ==, "fd01:2::1");
	g_assert_cmpstr(last_text, ==, "fd01:2:0:1:ffff:ffff:ffff:ffff");
	g_assert_true(subnet6_contains(&subnet, &last));
	last = address6_next(&last);
	g_assert_false(subnet6_contains(&subnet, &last));
	g_assert_true(address6_parse("fd01:2:0:2::", &address));
	g_assert_cmpint(address6_compare(&address, &last), ==, 0);
	g_assert_true(subnet6_parse("fd01:2:0:1::/64", &inner, NULL));
	g_assert_true(subnet6_overlaps(&subnet, &inner) && subnet6_overlaps(&inner, &subnet));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("%s", bad[i]);
		g_assert_false(subnet6_parse(bad[i], &subnet, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_clear_error(&error);
	}
}

static void test_overlap(void)
{
	Subnet wide, in, beside;

	g_assert_true(subnet_parse("10.88.0.0/16", &wide, NULL));
	g_assert_true(subnet_parse("10.88.7.0/24", &in, NULL));
	g_assert_true(subnet_parse("10.89.0.0/24", &beside, NULL));
	g_assert_true(subnet_overlaps(&wide, &in) && subnet_overlaps(&in, &wide));
	g_assert_true(subnet_overlaps(&in, &in));
	g_assert_false(subnet_overlaps(&wide, &beside) || subnet_overlaps(&beside, &wide));
}

static void test_macs(void)
{
	static const char *const bad[] = {"",
					  "02:42:ac:11:00",
					  "02:42:ac:11:00:0g",
					  "02-42-ac-11-00-02",
					  "01:00:5e:00:00:01",
					  "00:00:00:00:00:00",
					  "02:42:ac:11:00:02:03"};
	uint8_t mac[6];

	g_assert_true(mac_parse("02:42:AC:11:00:fe", mac));
	g_autofree char *text = mac_format(mac);
	g_assert_cmpstr(text, ==, "02:42:ac:11:00:fe");
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(mac_parse(bad[i], mac));
}

static void test_asks(void)
{
	HomeAsk ask = {.magic = HOME_MAGIC, .op = HOME_JOIN, .names_size = 8};

	memcpy(ask.names, "web\0www", 8);
	g_assert_true(home_ask_is_valid(&ask, sizeof(ask)));
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask) - 1));
	ask.names[1] = 'E'; /* upper case would never be found */
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
	ask.names[1] = '\n';
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
	ask.names[1] = 'e';
	ask.names[7] = 'x'; /* without an end */
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
	static const struct {
		const char *names;
		bool good;
	} links[] = {
		{"web=www", true}, {"w.x=w-w", true}, {"web=", false},    {"=www", false},
		{"=", false},      {"a=b=cd", false}, {"web=WWW", false}, {"web=w w", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
		ask.names_size = (uint32_t)strlen(links[i].names) + 1;
		memcpy(ask.names, links[i].names, ask.names_size);
		g_test_message("%s", links[i].names);
		g_assert_cmpint(home_ask_is_valid(&ask, sizeof(ask)), ==, links[i].good);
	}
	ask.names_size = HOME_NAMES_MAX + 1;
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
	ask.names_size = 0;
	ask.n_servers = DNS_SERVERS_MAX + 1;
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
	ask.n_servers = 1; /* of no family */
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
	ask.servers[0].family = AF_INET6;
	g_assert_true(home_ask_is_valid(&ask, sizeof(ask)));
	memset(ask.servers[0].zone, 'x', DNS_ZONE_MAX); /* without an end */
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
	ask.n_servers = 0;
	g_assert_true(home_ask_is_valid(&ask, sizeof(ask)));
	ask.op = HOME_SERVERS + 1;
	g_assert_false(home_ask_is_valid(&ask, sizeof(ask)));
}

static void test_requests(void)
{
	const HomeRequest good = {
		.magic = HOME_MAGIC,
		.mtu = 1500,
		.network = 0x0a590000,
		.prefix = 24,
		.gateway = 0x0a590001,
		.first = 0x0a590001,
		.last = 0x0a5900fe,
	};
	HomeRequest request = good;

	g_assert_true(home_request_is_valid(&request));
	request.network |= 1;
	g_assert_false(home_request_is_valid(&request));
	request = good;
	request.gateway = 0x0a590101;
	g_assert_false(home_request_is_valid(&request));
	request = good;
	request.last = 0x0a5900ff;
	g_assert_false(home_request_is_valid(&request));
	request = good;
	request.prefix = 0;
	g_assert_false(home_request_is_valid(&request));
	request = good;
	request.n_servers = 1;
	g_assert_false(home_request_is_valid(&request));
	request.servers[0].family = AF_INET;
	g_assert_true(home_request_is_valid(&request));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/subnet/good", test_subnets);
	g_test_add_func("/subnet/bad", test_bad_subnets);
	g_test_add_func("/network/subnet/ipv6", test_subnet6);
	g_test_add_func("/subnet/overlap", test_overlap);
	g_test_add_func("/subnet/mac", test_macs);
	g_test_add_func("/home/ask", test_asks);
	g_test_add_func("/home/request", test_requests);
	return g_test_run();
}
