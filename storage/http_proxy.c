/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proxies of the environment: is an address that is about to be connected to one of theirs?
 *
 * libcurl alone knows whether a request goes through a proxy (NO_PROXY), and tells too late. What
 * is connected to is either a proxy, which these variables name, or the target, to which the rules
 * about addresses apply.
 */
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "storage/http_priv.h"

#define PROXY_PORT_DEFAULT 1080 /* libcurl's, for every scheme but https */

/* Same IP address and port? */
static bool is_same(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *x = (const struct sockaddr_in *)a;
		const struct sockaddr_in *y = (const struct sockaddr_in *)b;
		return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *y = (const struct sockaddr_in6 *)b;
	return a->sa_family == AF_INET6 && x->sin6_port == y->sin6_port &&
	       memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0;
}

/* Host and port that a proxy variable names; false if it makes no sense. */
static bool parse_proxy(const char *value, char **out_host, char **out_port)
{
	g_autofree char *full =
		strstr(value, "://") ? g_strdup(value) : g_strconcat("http://", value, NULL);
	bool is_https = g_ascii_strncasecmp(full, "https://", 8) == 0;
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL;
	bool ok = url &&
		  curl_url_set(url, CURLUPART_URL, full, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		  curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;
	if (ok) {
		size_t length = strlen(host);
		bool bracketed = host[0] == '[' && length > 2;
		*out_host = bracketed ? g_strndup(host + 1, length - 2) : g_strdup(host);
		bool given = curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK;
		*out_port = given      ? g_strdup(port)
			    : is_https ? g_strdup("443")
				       : g_strdup_printf("%d", PROXY_PORT_DEFAULT);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
	return ok;
}

/* Does the proxy that @value names have this address, among its others? */
static bool has_address(const char *value, const struct sockaddr *address)
{
	g_autofree char *host = NULL, *port = NULL;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	bool same = false;
	if (!parse_proxy(value, &host, &port) || getaddrinfo(host, port, &hints, &found) != 0)
		return false;
	for (const struct addrinfo *one = found; one && !same; one = one->ai_next)
		same = is_same(one->ai_addr, address);
	freeaddrinfo(found);
	return same;
}

bool http_proxy_is_at(const struct sockaddr *address)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY",
					    "ALL_PROXY"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = g_getenv(names[i]);
		if (value && *value && has_address(value, address))
			return true;
	}
	return false;
}
