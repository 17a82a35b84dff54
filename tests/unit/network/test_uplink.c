/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes between the monitor and the uplink, and as whom a client appears inside.
 */
#include "network/uplink_priv.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

typedef struct {
	UplinkRequest head;
	UplinkPort ports[3];
} Request;

static Request make_request(void)
{
	return (Request){
		.head =
			{
				.magic = UPLINK_MAGIC,
				.version = UPLINK_VERSION,
				.mtu = 65520,
				.ipv6 = 1,
				.n_ports = 3,
			},
		.ports =
			{
				{0, IPPROTO_TCP, 8080, 80, 1, {0}},
				{AF_INET, IPPROTO_UDP, 0, 53, 2, {127, 0, 0, 1}},
				{AF_INET6, IPPROTO_TCP, 1, 1, 65535, {0}},
			},
	};
}

static bool parses(const void *data, size_t size)
{
	UplinkRequest head;
	const UplinkPort *ports;

	return uplink_request_parse(data, size, &head, &ports);
}

static void test_request(void)
{
	Request request = make_request();
	UplinkRequest head;
	const UplinkPort *ports = NULL;

	request.ports[2].count = 100;
	g_assert_true(uplink_request_parse(&request, sizeof(request), &head, &ports));
	g_assert_cmpuint(head.n_ports, ==, 3);
	g_assert_true(ports == request.ports);
	for (size_t size = 0; size < sizeof(request); size++)
		g_assert_false(parses(&request, size));
}

static void test_bad_requests(void)
{
	for (int i = 0; i < 14; i++) {
		Request request = make_request();
		request.ports[2].count = 100;

		switch (i) {
		case 0:
			request.head.magic++;
			break;
		case 1:
			request.head.version++;
			break;
		case 2:
			request.head.n_ports = 2;
			break;
		case 3:
			request.head.n_ports = UPLINK_PORTS_MAX + 1;
			break;
		case 4:
			request.head.mtu = 575;
			break;
		case 5:
			request.head.mtu = 65521;
			break;
		case 6:
			request.head.ipv6 = 2;
			break;
		case 7:
			request.ports[0].family = AF_UNIX;
			break;
		case 8:
			request.ports[0].protocol = IPPROTO_SCTP;
			break;
		case 9:
			request.ports[0].count = 0;
			break;
		case 10:
			request.ports[0].container_port = 0;
			break;
		case 11:
			request.ports[0].container_port = 65535;
			request.ports[0].count = 2;
			break;
		case 12:
			request.ports[0].host_port = 65535;
			request.ports[0].count = 2;
			break;
		case 13:
			request.head.allow_host_loopback = 255;
			break;
		}
		g_test_message("%d", i);
		g_assert_false(parses(&request, sizeof(request)));
	}
}

static void test_sum_of_ports(void)
{
	Request request = make_request();

	/* 1 + 2 + 65535 are more than there are. */
	g_assert_false(parses(&request, sizeof(request)));
	request.ports[2].count = 65533;
	g_assert_true(parses(&request, sizeof(request)));
}

static void test_rows(void)
{
	UplinkPort row = {0, IPPROTO_TCP, 0, 80, 1, {0}};
	const UplinkPort *rows;
	size_t n = 9;

	g_assert_true(uplink_rows_parse(&row, sizeof(row), false, &rows, &n));
	g_assert_cmpuint(n, ==, 1);
	g_assert_false(uplink_rows_parse(&row, sizeof(row), true, &rows, &n));
	g_assert_true(uplink_rows_parse(&row, 0, true, &rows, &n));
	g_assert_cmpuint(n, ==, 0);
}

/* "address port", or "-" for none. */
static char *show(const struct sockaddr_storage *address)
{
	char text[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		return g_strdup_printf("%s %u", text, ntohs(v4->sin_port));
	}
	if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		g_assert_cmpuint(v6->sin6_scope_id, ==, 0);
		return g_strdup_printf("%s %u", text, ntohs(v6->sin6_port));
	}
	return g_strdup("-");
}

static void test_route(void)
{
	static const struct {
		const char *client;
		int family;
		const char *source, *target;
	} rows[] = {
		{"192.0.2.7", AF_INET, "192.0.2.7 5555", "10.0.2.100 80"},
		{"10.0.2.2", AF_INET, "10.0.2.2 5555", "10.0.2.100 80"},
		{"127.0.0.1", AF_INET, "10.0.2.2 5555", "10.0.2.100 80"},
		{"127.9.9.9", AF_INET, "10.0.2.2 5555", "10.0.2.100 80"},
		{"169.254.1.1", AF_INET, "10.0.2.2 5555", "10.0.2.100 80"},
		{"0.0.0.1", AF_INET, "10.0.2.2 5555", "10.0.2.100 80"},
		{"2001:db8::7", AF_INET, "10.0.2.2 5555", "10.0.2.100 80"},
		{"2001:db8::7", AF_INET6, "2001:db8::7 5555", "fd00::100 80"},
		{"::1", AF_INET6, "fd00::2 5555", "fd00::100 80"},
		{"fe80::1", AF_INET6, "fd00::2 5555", "fd00::100 80"},
		{"::ffff:127.0.0.1", AF_INET6, "fd00::2 5555", "fd00::100 80"},
		{"192.0.2.7", AF_INET6, "fd00::2 5555", "fd00::100 80"},
		{"127.0.0.1", AF_INET6, "fd00::2 5555", "fd00::100 80"},
	};
	UplinkInside inside = {.keeps_source4 = true, .keeps_source6 = true};
	const UplinkRequest request = {0};

	uplink_inside_addresses(&inside, &request);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct sockaddr_storage client = {0};
		UplinkRoute route;

		if (strchr(rows[i].client, ':')) {
			struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&client;
			v6->sin6_family = AF_INET6;
			v6->sin6_port = htons(5555);
			v6->sin6_scope_id = 3;
			inet_pton(AF_INET6, rows[i].client, &v6->sin6_addr);
		} else {
			struct sockaddr_in *v4 = (struct sockaddr_in *)&client;
			v4->sin_family = AF_INET;
			v4->sin_port = htons(5555);
			inet_pton(AF_INET, rows[i].client, &v4->sin_addr);
		}
		uplink_route(&inside, &client, rows[i].family, 80, &route);
		g_autofree char *source = show(&route.source), *target = show(&route.target);
		g_assert_cmpstr(source, ==, rows[i].source);
		g_assert_cmpstr(target, ==, rows[i].target);
	}
}

static void test_route_without_address(void)
{
	UplinkInside inside = {.keeps_source4 = false, .keeps_source6 = true};
	struct sockaddr_storage client = {.ss_family = AF_INET};
	UplinkRoute route;

	uplink_route(&inside, &client, AF_INET, 80, &route);
	g_assert_cmpint(route.source.ss_family, ==, 0);
	g_assert_cmpint(route.target.ss_family, ==, AF_INET);
	g_assert_cmpuint(route.size, ==, sizeof(struct sockaddr_in));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/network/uplink/request", test_request);
	g_test_add_func("/network/uplink/bad-requests", test_bad_requests);
	g_test_add_func("/network/uplink/sum-of-ports", test_sum_of_ports);
	g_test_add_func("/network/uplink/rows", test_rows);
	g_test_add_func("/network/uplink/client-address", test_route);
	g_test_add_func("/network/uplink/client-address-unknown", test_route_without_address);
	return g_test_run();
}
