/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of -p: tables of text and mapping, or of text and podman's words of refusal.
 */
#include "network/portmap.h"

#include <string.h>

#include "libpod/base/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PortMapping, port_mapping_free)

typedef struct {
	const char *text;
	const char *host_ip;
	uint16_t host, container, count;
	PortProtocol protocol;
} Good;

static const Good good[] = {
	{"80", NULL, 0, 80, 1, PORT_TCP},
	{"1", NULL, 0, 1, 1, PORT_TCP},
	{"65535", NULL, 0, 65535, 1, PORT_TCP},
	{"80/tcp", NULL, 0, 80, 1, PORT_TCP},
	{"53/udp", NULL, 0, 53, 1, PORT_UDP},
	{":80", NULL, 0, 80, 1, PORT_TCP},
	{"8080:80", NULL, 8080, 80, 1, PORT_TCP},
	{"8080:80/udp", NULL, 8080, 80, 1, PORT_UDP},
	{"65535:65535", NULL, 65535, 65535, 1, PORT_TCP},
	{"8000-8010:80-90", NULL, 8000, 80, 11, PORT_TCP},
	{"80-81", NULL, 0, 80, 2, PORT_TCP},
	{":80-81/udp", NULL, 0, 80, 2, PORT_UDP},
	{"1-65535:1-65535", NULL, 1, 1, 65535, PORT_TCP},
	{"127.0.0.1:8080:80", "127.0.0.1", 8080, 80, 1, PORT_TCP},
	{"127.0.0.1::80", "127.0.0.1", 0, 80, 1, PORT_TCP},
	{"0.0.0.0:8080:80", NULL, 8080, 80, 1, PORT_TCP},
	{"192.0.2.1:8000-8001:80-81/udp", "192.0.2.1", 8000, 80, 2, PORT_UDP},
	{"[::1]:8080:80", "::1", 8080, 80, 1, PORT_TCP},
	{"[::]:8080:80", "::", 8080, 80, 1, PORT_TCP},
	{"[::1]::80", "::1", 0, 80, 1, PORT_TCP},
	{"[2001:DB8:0::1]:8080:80", "2001:db8::1", 8080, 80, 1, PORT_TCP},
	{"[::ffff:192.0.2.1]:8080:80", "192.0.2.1", 8080, 80, 1, PORT_TCP},
	{"+80", NULL, 0, 80, 1, PORT_TCP},
	{"0080:0443", NULL, 80, 443, 1, PORT_TCP},
};

static const struct {
	const char *text;
	const char *message;
} bad[] = {
	{"", "must provide a non-empty container port to publish"},
	{":", "must provide a non-empty container port to publish"},
	{"::", "must provide a non-empty container port to publish"},
	{"80:", "must provide a non-empty container port to publish"},
	{"/tcp", "must provide a non-empty container port to publish"},
	{"80/", "must provide a non-empty protocol to publish"},
	{"80/tcp/udp", "invalid port format - protocol can only be specified once"},
	{"80/foo", "unrecognized protocol \"foo\" in port mapping"},
	{"80/TCP", "unrecognized protocol \"TCP\" in port mapping"},
	{"80/sctp", "publishing sctp ports is not supported"},
	{"0",
	 "parsing container port: port numbers must be between 1 and 65535 (inclusive), got 0"},
	{"65536",
	 "parsing container port: port numbers must be between 1 and 65535 (inclusive), got 65536"},
	{"0:80", "parsing host port: port numbers must be between 1 and 65535 (inclusive), got 0"},
	{"99999:80",
	 "parsing host port: port numbers must be between 1 and 65535 (inclusive), got 99999"},
	{"99999999999999999999", "parsing container port: invalid port number: strconv.Atoi: "
				 "parsing \"99999999999999999999\": value out of range"},
	{"abc", "parsing container port: invalid port number: strconv.Atoi: parsing \"abc\": "
		"invalid syntax"},
	{"abc:80", "parsing host port: invalid port number: strconv.Atoi: parsing \"abc\": "
		   "invalid syntax"},
	{" 80", "parsing container port: invalid port number: strconv.Atoi: parsing \" 80\": "
		"invalid syntax"},
	{"80 ", "parsing container port: invalid port number: strconv.Atoi: parsing \"80 \": "
		"invalid syntax"},
	{"0x50", "parsing container port: invalid port number: strconv.Atoi: parsing \"0x50\": "
		 "invalid syntax"},
	{"8_0", "parsing container port: invalid port number: strconv.Atoi: parsing \"8_0\": "
		"invalid syntax"},
	{"80\n", "parsing container port: invalid port number: strconv.Atoi: parsing \"80\\n\": "
		 "invalid syntax"},
	{"8\x1b[31m0", "parsing container port: invalid port number: strconv.Atoi: parsing "
		       "\"8\\033[31m0\": invalid syntax"},
	{"+", "parsing container port: invalid port number: strconv.Atoi: parsing \"+\": "
	      "invalid syntax"},
	{"++80", "parsing container port: invalid port number: strconv.Atoi: parsing \"++80\": "
		 "invalid syntax"},
	{"-80", "parsing container port: port numbers cannot be negative"},
	{"-1:80", "parsing host port: port numbers cannot be negative"},
	{"-", "parsing container port: port numbers cannot be negative"},
	{"80-", "parsing container port: must provide ending number for port range"},
	{"80-70", "parsing container port: the end port of a range must be higher than the start "
		  "port - 70 is not higher than 80"},
	{"80-80", "parsing container port: the end port of a range must be higher than the start "
		  "port - 80 is not higher than 80"},
	{"80-90-100", "parsing container port: invalid port format - port ranges are formatted as "
		      "startPort-stopPort"},
	{"65530-65536", "parsing container port: port numbers must be between 1 and 65535 "
			"(inclusive), got 65536"},
	{"80-90:80-95", "host and container port ranges have different lengths: 11 vs 16"},
	{"80:90-91", "host and container port ranges have different lengths: 1 vs 2"},
	{"80-81:90", "host and container port ranges have different lengths: 2 vs 1"},
	{"1:2:3:4", "invalid port format - format is [[hostIP:]hostPort:]containerPort"},
	{"::1:80:80", "invalid port format - format is [[hostIP:]hostPort:]containerPort"},
	{":80:80", "must provide a non-empty container host IP to publish"},
	{"[]:80:80", "must provide a non-empty container host IP to publish"},
	{"300.1.1.1:80:80", "cannot parse \"300.1.1.1\" as an IP address"},
	{"1.2.3:80:80", "cannot parse \"1.2.3\" as an IP address"},
	{"01.2.3.4:80:80", "cannot parse \"01.2.3.4\" as an IP address"},
	{"localhost:80:80", "cannot parse \"localhost\" as an IP address"},
	{"1.2.3.4\n:80:80", "cannot parse \"1.2.3.4\\n\" as an IP address"},
	{"[fe80::1%eth0]:80:80", "cannot parse \"fe80::1%eth0\" as an IP address"},
	{"[foo]:80:80", "cannot parse \"foo\" as an IP address"},
	{"[::1]:80",
	 "invalid port format - must provide host and destination port if specifying an "
	 "IP"},
	{"[::1]80:80", "invalid port format - IPv6 address must be followed by a colon (':')"},
	{"[::1]", "invalid port format - IPv6 address must be followed by a colon (':')"},
	{"::1]:80:80", "invalid port format - IPv6 addresses must be enclosed by []"},
	{"x[::1]:80:80", "invalid port format - IPv6 addresses must be enclosed by []"},
	{"[a]]b:80", "invalid port format - at most one IPv6 address can be specified in a "
		     "--publish"},
	{"[::1]:80:80:80", "invalid port format - when v6 address specified, must be "
			   "[ipv6]:hostPort:ctrPort"},
};

static void test_good(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		const Good *row = &good[i];
		g_autoptr(GError) error = NULL;
		g_autoptr(PortMapping) mapping = portmap_parse(row->text, &error);

		g_test_message("%s", row->text);
		g_assert_no_error(error);
		g_assert_cmpstr(mapping->host_ip, ==, row->host_ip);
		g_assert_cmpuint(mapping->host_port, ==, row->host);
		g_assert_cmpuint(mapping->container_port, ==, row->container);
		g_assert_cmpuint(mapping->count, ==, row->count);
		g_assert_cmpint(mapping->protocol, ==, row->protocol);
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(PortMapping) mapping = portmap_parse(bad[i].text, &error);

		g_test_message("%s", bad[i].text);
		g_assert_null(mapping);
		g_assert_true(error->domain == ENGINE_ERROR);
		g_auto(GStrv) lines = g_strsplit(error->message, "\n", 2);
		g_assert_cmpstr(lines[0], ==, bad[i].message);
	}
}

static void test_expose(void)
{
	static const struct {
		const char *text;
		uint16_t container, count;
		PortProtocol protocol;
	} rows[] = {
		{"80", 80, 1, PORT_TCP},
		{"80/tcp", 80, 1, PORT_TCP},
		{"53/udp", 53, 1, PORT_UDP},
		{"8000-8002/tcp", 8000, 3, PORT_TCP},
	};
	static const char *const refused[] = {"",    "/",        "80/",      "80/tcp/tcp", "80:80",
					      "a",   "80-79",    "0",        "65536",      "80/x",
					      "-80", "80-81-82", "80/udp\n", "${PORT}"};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(PortMapping) mapping = portmap_parse_expose(rows[i].text, &error);

		g_assert_no_error(error);
		g_assert_cmpuint(mapping->host_port, ==, 0);
		g_assert_cmpuint(mapping->container_port, ==, rows[i].container);
		g_assert_cmpuint(mapping->count, ==, rows[i].count);
		g_assert_cmpint(mapping->protocol, ==, rows[i].protocol);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", refused[i]);
		g_assert_null(portmap_parse_expose(refused[i], &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	}
}

/* The mappings of a line of -p values. */
static GPtrArray *parse_list(const char *line)
{
	GPtrArray *ports = g_ptr_array_new_with_free_func((GDestroyNotify)port_mapping_free);
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	for (size_t i = 0; words[i]; i++) {
		PortMapping *mapping = portmap_parse(words[i], NULL);
		g_assert_nonnull(mapping);
		g_ptr_array_add(ports, mapping);
	}
	return ports;
}

static void test_check(void)
{
	static const struct {
		const char *ports;
		const char *message; /* NULL: fine together */
	} rows[] = {
		{"8080:80 8081:81", NULL},
		{"8080:80 8080:80/udp", NULL},
		{"80 80 81", NULL},
		{"8080:80 8080:80", NULL},
		{"127.0.0.1:8080:80 192.0.2.1:8080:80", NULL},
		{"127.0.0.1:8080:80 [::1]:8080:80", NULL},
		{"127.0.0.1:8080:80 [::]:8080:80", NULL},
		{"8000-8005:80-85 8006-8007:86-87", NULL},
		{"8080:80 8080:81", "conflicting port mappings for host port 8080 (protocol tcp)"},
		{"8080:80/udp 8080:81/udp",
		 "conflicting port mappings for host port 8080 (protocol udp)"},
		{"8080:80 127.0.0.1:8080:80",
		 "conflicting port mappings for host port 8080 (protocol tcp)"},
		{"[::1]:8080:80 [::]:8080:80",
		 "conflicting port mappings for host port 8080 (protocol tcp)"},
		{"8000-8005:80-85 8005:99",
		 "conflicting port mappings for host port 8005 (protocol tcp)"},
		{"8003:99 8000-8005:80-85",
		 "conflicting port mappings for host port 8003 (protocol tcp)"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GPtrArray) ports = parse_list(rows[i].ports);
		g_autoptr(GError) error = NULL;

		g_test_message("%s", rows[i].ports);
		g_assert_cmpint(portmap_check(ports, &error), ==, !rows[i].message);
		g_assert_cmpstr(error ? error->message : NULL, ==, rows[i].message);
	}
}

static void test_check_end(void)
{
	g_autoptr(GPtrArray) ports = parse_list("8080-8081:80-81");
	PortMapping *mapping = g_ptr_array_index(ports, 0);
	g_autoptr(GError) error = NULL;

	mapping->host_port = 65535;
	g_assert_false(portmap_check(ports, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

static void test_format(void)
{
	static const struct {
		const char *ports;
		const char *shown;
	} rows[] = {
		{"8080:80", "0.0.0.0:8080->80/tcp"},
		{"8080:80/udp", "0.0.0.0:8080->80/udp"},
		{"127.0.0.1:8080:80", "127.0.0.1:8080->80/tcp"},
		{"[::1]:8080:80", "[::1]:8080->80/tcp"},
		{"80", "80/tcp"},
		{"8000-8002:80-82", "0.0.0.0:8000-8002->80-82/tcp"},
		{"8443:443 8080:80", "0.0.0.0:8080->80/tcp, 0.0.0.0:8443->443/tcp"},
		{"8080:80 8081:81", "0.0.0.0:8080-8081->80-81/tcp"},
		{"8081:81 8080:80 8082:82", "0.0.0.0:8080-8082->80-82/tcp"},
		{"8080:80 8080:80", "0.0.0.0:8080->80/tcp"},
		{"8080:80 8080:80/udp", "0.0.0.0:8080->80/tcp, 0.0.0.0:8080->80/udp"},
		{"8080:80 127.0.0.1:9090:90", "0.0.0.0:8080->80/tcp, 127.0.0.1:9090->90/tcp"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GPtrArray) ports = parse_list(rows[i].ports);
		g_autofree char *shown = portmap_format(ports);

		g_assert_cmpstr(shown, ==, rows[i].shown);
	}
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autofree char *empty = portmap_format(none);
	g_assert_cmpstr(empty, ==, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/network/portmap/accepts", test_good);
	g_test_add_func("/network/portmap/refuses-in-podmans-words", test_bad);
	g_test_add_func("/network/portmap/expose", test_expose);
	g_test_add_func("/network/portmap/conflicts", test_check);
	g_test_add_func("/network/portmap/range-past-the-end", test_check_end);
	g_test_add_func("/network/portmap/format", test_format);
	return g_test_run();
}
