/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The --network grammar and the JSON form of a request.
 */
#include "network/network.h"

#include <string.h>

#include "libpod/base/error.h"
#include "network/attachment.h"
#include "network/portmap.h"

static void test_good(void)
{
	static const struct {
		const char *text;
		NetworkMode mode;
		const char *target;
		bool loopback, ipv6;
		uint32_t mtu;
	} rows[] = {
		{"none", NETWORK_NONE, NULL, false, true, 0},
		{"host", NETWORK_HOST, NULL, false, true, 0},
		{"slirp", NETWORK_SLIRP, NULL, false, true, 0},
		{"slirp:", NETWORK_SLIRP, NULL, false, true, 0},
		{"private", NETWORK_SLIRP, NULL, false, true, 0},
		{"bridge", NETWORK_NAMED, NULL, false, true, 0},
		{"default", NETWORK_SLIRP, NULL, false, true, 0},
		{"mynet", NETWORK_NAMED, NULL, false, true, 0},
		{"NONE", NETWORK_NAMED, NULL, false, true, 0},
		{"mynet:ip=10.1.2.3,mac=02:00:00:00:00:01,alias=a,interface_name=net0",
		 NETWORK_NAMED, NULL, false, true, 0},
		{"slirp4netns", NETWORK_SLIRP, NULL, false, true, 0},
		{"slirp:allow_host_loopback=true", NETWORK_SLIRP, NULL, true, true, 0},
		{"slirp4netns:mtu=1500,enable_ipv6=false", NETWORK_SLIRP, NULL, false, false, 1500},
		{"slirp:mtu=65520", NETWORK_SLIRP, NULL, false, true, 65520},
		{"container:web", NETWORK_CONTAINER, "web", false, true, 0},
		{"container:a:b", NETWORK_CONTAINER, "a:b", false, true, 0},
		{"ns:/run/netns/blue", NETWORK_NS, "/run/netns/blue", false, true, 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(NetworkRequest) request = network_request_new();
		g_autoptr(GError) error = NULL;

		g_test_message("%s", rows[i].text);
		g_assert_true(network_request_parse(rows[i].text, request, &error));
		g_assert_no_error(error);
		g_assert_cmpint(request->mode, ==, rows[i].mode);
		g_assert_cmpstr(request->target, ==, rows[i].target);
		g_assert_cmpint(request->allow_host_loopback, ==, rows[i].loopback);
		g_assert_cmpint(request->enable_ipv6, ==, rows[i].ipv6);
		g_assert_cmpuint(request->mtu, ==, rows[i].mtu);
	}
}

static void test_bad(void)
{
	static const struct {
		const char *text;
		ErrorCode code;
	} rows[] = {
		{"", ENGINE_ERROR_INVALID},
		{":", ENGINE_ERROR_INVALID},
		{"container", ENGINE_ERROR_INVALID},
		{"container:", ENGINE_ERROR_INVALID},
		{"ns:", ENGINE_ERROR_INVALID},
		{"none:x", ENGINE_ERROR_INVALID},
		{"host:", ENGINE_ERROR_INVALID},
		{"bridge:ip=10.0.0", ENGINE_ERROR_INVALID},
		{"slirp:mtu", ENGINE_ERROR_INVALID},
		{"slirp:mtu=", ENGINE_ERROR_INVALID},
		{"slirp:mtu=1279", ENGINE_ERROR_INVALID},
		{"slirp:mtu=65521", ENGINE_ERROR_INVALID},
		{"slirp:mtu=-1", ENGINE_ERROR_INVALID},
		{"slirp:allow_host_loopback=yes", ENGINE_ERROR_INVALID},
		{"slirp:cidr=10.1.0.0/24", ENGINE_ERROR_INVALID},
		{"slirp:allow_host_loopback=true,", ENGINE_ERROR_INVALID},
		{"mynet:ip6=fd00::g", ENGINE_ERROR_INVALID},
		{"mynet:ip=10.0.0.1,ip=10.0.0.2", ENGINE_ERROR_UNSUPPORTED},
		{"mynet:host_interface_name=veth7", ENGINE_ERROR_UNSUPPORTED},
		{"a,,b", ENGINE_ERROR_INVALID},
		{"mynet:ip", ENGINE_ERROR_INVALID},
		{"mynet:mac=01:00:00:00:00:01", ENGINE_ERROR_INVALID},
		{"mynet:interface_name=lo", ENGINE_ERROR_INVALID},
		{"mynet:interface_name=a/b", ENGINE_ERROR_INVALID},
		{"mynet:interface_name=sixteen-letters-", ENGINE_ERROR_INVALID},
		{"mynet:alias=a b", ENGINE_ERROR_INVALID},
		{"mynet:alias=", ENGINE_ERROR_INVALID},
		{"mynet:link=web", ENGINE_ERROR_INVALID},
		{"mynet:link=:www", ENGINE_ERROR_INVALID},
		{"mynet:link=web:", ENGINE_ERROR_INVALID},
		{"mynet:link=web:a=b", ENGINE_ERROR_INVALID},
		{"mynet:link=web:www:x", ENGINE_ERROR_INVALID},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(NetworkRequest) request = network_request_new();
		g_autoptr(GError) error = NULL;

		g_test_message("%s", rows[i].text);
		g_assert_false(network_request_parse(rows[i].text, request, &error));
		g_assert_true(error_matches(error, rows[i].code));
	}
}

/* What a monitor is told of a named network comes back as it was. */
static void test_named_json(void)
{
	g_autoptr(NetworkRequest) request = network_request_new();
	NetworkPlan plan = {
		.key = g_strdup("0123456789abcdef"),
		.mtu = 1500,
		.subnet = {0x0a590000, 24},
		.gateway = 0x0a590001,
		.first = 0x0a590080,
		.last = 0x0a5900fe,
		.internal = true,
		.dns = true,
	};

	g_assert_true(subnet6_parse("fd01::/64", &plan.subnet6, NULL));
	plan.gateway6 = plan.first6 = subnet6_first(&plan.subnet6);
	plan.last6 = subnet6_last(&plan.subnet6);
	g_assert_true(network_request_parse(
		"mynet:ip=10.89.0.9,mac=02:00:00:00:00:09,alias=a,alias=b,link=Web:www,"
		"interface_name=net0",
		request, NULL));
	g_assert_true(network_request_parse_more("other:ip6=fd01::9", request, NULL));
	((NetworkAttachment *)request->attachments->pdata[0])->plan =
		g_memdup2(&plan, sizeof(plan));
	g_autoptr(Json) json = network_request_to_json(request);
	g_autoptr(NetworkRequest) again = network_request_from_json(json, NULL);
	g_assert_nonnull(again);
	g_autoptr(Json) second = network_request_to_json(again);
	g_assert_cmpstr(js_text(second), ==, js_text(json));
	g_assert_cmpuint(again->attachments->len, ==, 2);
	const NetworkAttachment *one = again->attachments->pdata[0];
	const NetworkAttachment *other = attachments_find(again->attachments, "other");
	g_assert_cmpstr(one->ip, ==, "10.89.0.9");
	g_assert_cmpstr(one->interface, ==, "net0");
	g_assert_cmpuint(g_strv_length(one->aliases), ==, 2);
	g_assert_cmpuint(g_strv_length(one->links), ==, 1);
	g_assert_cmpstr(one->links[0], ==, "Web:www");
	g_autoptr(GError) error = NULL;
	static const char text[] = "{\"name\":\"n\",\"links\":[\"web\"]}";
	g_autoptr(Json) bad = js_parse(text, strlen(text), "record", NULL);
	g_assert_nonnull(bad);
	g_assert_null(attachment_from_json(bad, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_assert_cmphex(one->plan->first, ==, 0x0a590080);
	g_assert_true(one->plan->internal && one->plan->dns);
	g_assert_true(subnet6_contains(&one->plan->subnet6, &one->plan->last6));
	g_assert_cmpstr(other->ip6, ==, "fd01::9");
}

/* Several networks, in both ways to say so, and their interfaces. */
static void test_several(void)
{
	g_autoptr(NetworkRequest) request = network_request_new();
	g_autoptr(GError) error = NULL;

	g_assert_true(network_request_parse("a,b", request, NULL));
	g_assert_true(network_request_parse_more("c:interface_name=eth1", request, NULL));
	g_assert_true(network_request_parse_more("a:alias=x", request, NULL));
	attachments_name_interfaces(request->attachments);
	g_auto(GStrv) names = attachments_names(request->attachments);
	g_autofree char *joined = g_strjoinv(",", names);
	g_assert_cmpstr(joined, ==, "a,b,c");
	for (guint i = 0; i < 3; i++) {
		static const char *const wanted[] = {"eth0", "eth2", "eth1"};
		const NetworkAttachment *one = request->attachments->pdata[i];
		g_assert_cmpstr(one->interface, ==, wanted[i]);
	}
	g_assert_false(network_request_parse_more("host", request, &error));
	g_assert_cmpstr(error->message, ==,
			"can only set extra network names, selected mode host conflicts with "
			"bridge: invalid argument");
	g_clear_error(&error);
	g_assert_true(network_request_parse("none", request, NULL));
	g_assert_false(network_request_parse_more("a", request, &error));
	g_assert_cmpstr(error->message, ==,
			"cannot set multiple networks without bridge network mode, selected mode "
			"none: invalid argument");
}

static void test_json(void)
{
	g_autoptr(NetworkRequest) request = network_request_new();
	g_autoptr(GError) error = NULL;

	g_assert_true(
		network_request_parse("slirp:mtu=1400,allow_host_loopback=true", request, NULL));
	g_ptr_array_add(request->ports, portmap_parse("[::1]:8000-8001:80-81/udp", NULL));
	g_ptr_array_add(request->ports, portmap_parse("443", NULL));
	g_autoptr(Json) json = network_request_to_json(request);
	g_assert_cmpstr(js_text(json), ==,
			"{\"mode\":\"slirp\",\"ports\":[{\"host_ip\":\"::1\",\"container_port\":80,"
			"\"host_port\":8000,\"range\":2,\"protocol\":\"udp\"},{\"host_ip\":\"\","
			"\"container_port\":443,\"host_port\":0,\"range\":1,\"protocol\":\"tcp\"}],"
			"\"allow_host_loopback\":true,\"enable_ipv6\":true,\"mtu\":1400}");

	g_autoptr(NetworkRequest) again = network_request_from_json(json, &error);
	g_assert_no_error(error);
	g_autoptr(Json) json_again = network_request_to_json(again);
	g_assert_cmpstr(js_text(json_again), ==, js_text(json));
}

static void test_json_target(void)
{
	g_autoptr(NetworkRequest) request = network_request_new();

	g_assert_true(network_request_parse("container:0123", request, NULL));
	g_autoptr(Json) json = network_request_to_json(request);
	g_autoptr(NetworkRequest) again = network_request_from_json(json, NULL);
	g_assert_cmpint(again->mode, ==, NETWORK_CONTAINER);
	g_assert_cmpstr(again->target, ==, "0123");
}

static void test_json_bad(void)
{
	static const char *const rows[] = {
		"{\"mode\":\"warp\"}",
		"{\"mode\":7}",
		"{\"mtu\":-1}",
		"{\"mtu\":99999}",
		"{\"ports\":{}}",
		"{\"ports\":[1]}",
		"{\"ports\":[{}]}",
		"{\"ports\":[{\"container_port\":0}]}",
		"{\"ports\":[{\"container_port\":70000}]}",
		"{\"ports\":[{\"container_port\":65535,\"range\":2}]}",
		"{\"ports\":[{\"container_port\":80,\"host_port\":65535,\"range\":2}]}",
		"{\"ports\":[{\"container_port\":80,\"range\":0}]}",
		"{\"ports\":[{\"container_port\":80,\"protocol\":\"sctp\"}]}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = js_parse(rows[i], strlen(rows[i]), "test", &error);

		g_assert_no_error(error);
		g_test_message("%s", rows[i]);
		g_assert_null(network_request_from_json(json, &error));
		g_assert_nonnull(error);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/network/request/accepts", test_good);
	g_test_add_func("/network/request/refuses", test_bad);
	g_test_add_func("/network/request/json-round-trip", test_json);
	g_test_add_func("/network/request/json-keeps-target", test_json_target);
	g_test_add_func("/network/request/json-refuses", test_json_bad);
	g_test_add_func("/network/named-json", test_named_json);
	g_test_add_func("/network/request/several", test_several);
	return g_test_run();
}
