/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs and addresses, by libcurl's own parser so that what is checked is what is connected to.
 */
#include "storage/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>

#include "storage/http_priv.h"

#define URL_MAX_SIZE 16384

static void url_clear(CURLU **url)
{
	curl_url_cleanup(*url);
}
#define auto_url __attribute__((cleanup(url_clear))) CURLU

/* One part of a parsed URL; NULL if it has none. g_free() it. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;
	if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
		return NULL;
	char *copy = g_strdup(text);
	curl_free(text);
	return copy;
}

static bool is_http(CURLU *url)
{
	g_autofree char *scheme = url_part(url, CURLUPART_SCHEME, 0);
	return g_strcmp0(scheme, "https") == 0 || g_strcmp0(scheme, "http") == 0;
}

bool http_url_is_clean(const char *text)
{
	if (strlen(text) > URL_MAX_SIZE)
		return false;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f || *c == '\\')
			return false;
	auto_url *url = curl_url();
	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK || !is_http(url))
		return false;
	g_autofree char *user = url_part(url, CURLUPART_USER, 0);
	g_autofree char *password = url_part(url, CURLUPART_PASSWORD, 0);
	return !user && !password;
}

char *http_origin(const char *text)
{
	auto_url *url = curl_url();
	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK || !is_http(url))
		return NULL;
	g_autofree char *scheme = url_part(url, CURLUPART_SCHEME, 0);
	g_autofree char *host = url_part(url, CURLUPART_HOST, 0);
	g_autofree char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	if (!host || !port)
		return NULL;
	g_autofree char *lower = g_ascii_strdown(host, -1);
	return g_strconcat(scheme, "://", lower, ":", port, NULL);
}

char *http_host(const char *text)
{
	auto_url *url = curl_url();
	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
		return NULL;
	g_autofree char *host = url_part(url, CURLUPART_HOST, 0);
	g_autofree char *port = url_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
	if (!host)
		return NULL;
	g_autofree char *lower = g_ascii_strdown(host, -1);
	return g_strconcat(lower, port ? ":" : "", port, NULL);
}

char *http_url_join(const char *base, const char *relative)
{
	auto_url *url = curl_url();
	if (!url || strlen(relative) > URL_MAX_SIZE ||
	    curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_URL, relative, CURLU_URLENCODE) != CURLUE_OK)
		return NULL;
	if (curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
		return NULL;
	char *joined = url_part(url, CURLUPART_URL, 0);
	if (joined && !http_url_is_clean(joined))
		g_clear_pointer(&joined, g_free);
	return joined;
}

char *http_escape(const char *text)
{
	return g_uri_escape_string(text, NULL, false);
}

/* By the special-purpose networks of RFC 6890 that are nobody else's. */
static HttpAddressKind kind_of_v4(const struct in_addr *address)
{
	static const struct {
		uint32_t network;
		int bits;
		HttpAddressKind kind;
	} nets[] = {
		{0x7f000000, 8, HTTP_ADDRESS_LOCAL},    {0xa9fe0000, 16, HTTP_ADDRESS_LOCAL},
		{0x00000000, 8, HTTP_ADDRESS_LOCAL},    {0xe0000000, 3, HTTP_ADDRESS_LOCAL},
		{0x0a000000, 8, HTTP_ADDRESS_PRIVATE},  {0xac100000, 12, HTTP_ADDRESS_PRIVATE},
		{0xc0a80000, 16, HTTP_ADDRESS_PRIVATE}, {0x64400000, 10, HTTP_ADDRESS_PRIVATE},
		{0xc6120000, 15, HTTP_ADDRESS_PRIVATE},
	};
	uint32_t host = ntohl(address->s_addr);
	for (size_t i = 0; i < G_N_ELEMENTS(nets); i++)
		if ((host & (0xffffffffu << (32 - nets[i].bits))) == nets[i].network)
			return nets[i].kind;
	return HTTP_ADDRESS_PUBLIC;
}

/* As kind_of_v4(), which also judges an IPv4 address that is carried inside. */
static HttpAddressKind kind_of_v6(const struct in6_addr *address)
{
	static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const unsigned char zero[12] = {0};
	const unsigned char *b = address->s6_addr;
	bool carries_v4 = IN6_IS_ADDR_V4MAPPED(address) || memcmp(b, nat64, 12) == 0 ||
			  (memcmp(b, zero, 12) == 0 && !IN6_IS_ADDR_LOOPBACK(address));
	if (carries_v4) {
		struct in_addr inner;
		memcpy(&inner, b + 12, sizeof(inner));
		return kind_of_v4(&inner);
	}
	if (IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_LINKLOCAL(address) ||
	    IN6_IS_ADDR_MULTICAST(address))
		return HTTP_ADDRESS_LOCAL;
	if ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0))
		return HTTP_ADDRESS_PRIVATE;
	return HTTP_ADDRESS_PUBLIC;
}

HttpAddressKind http_address_kind(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return kind_of_v4(&((const struct sockaddr_in *)address)->sin_addr);
	if (address->sa_family == AF_INET6)
		return kind_of_v6(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return HTTP_ADDRESS_LOCAL;
}

HttpAddressKind http_url_address_kind(const char *text)
{
	auto_url *url = curl_url();
	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
		return HTTP_ADDRESS_PUBLIC;
	g_autofree char *host = url_part(url, CURLUPART_HOST, 0);
	g_autofree char *name = g_ascii_strdown(host ? host : "", -1);
	size_t length = strlen(name);
	struct in_addr v4;
	struct in6_addr v6;
	if (length > 0 && name[length - 1] == '.')
		name[--length] = '\0';
	if (strcmp(name, "localhost") == 0 || g_str_has_suffix(name, ".localhost"))
		return HTTP_ADDRESS_LOCAL;
	if (inet_pton(AF_INET, name, &v4) == 1)
		return kind_of_v4(&v4);
	if (name[0] != '[' || length < 3)
		return HTTP_ADDRESS_PUBLIC;
	/* "[fe80::1%25eth0]": what is behind the percent sign is a zone. */
	name[1 + strcspn(name + 1, "]%")] = '\0';
	return inet_pton(AF_INET6, name + 1, &v6) == 1 ? kind_of_v6(&v6) : HTTP_ADDRESS_LOCAL;
}

bool http_address_is_private(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, address, &v4) == 1)
		return kind_of_v4(&v4) != HTTP_ADDRESS_PUBLIC;
	if (inet_pton(AF_INET6, address, &v6) == 1)
		return kind_of_v6(&v6) != HTTP_ADDRESS_PUBLIC;
	return false;
}
