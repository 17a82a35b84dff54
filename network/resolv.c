/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into a container's resolv.conf and hosts. Every field is checked before it is printed:
 * a name with a newline in it would be a line of its own.
 */
#include "network/resolv.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define RESOLV_CONF      "/etc/resolv.conf"
#define RESOLV_CONF_MAX  (64 * 1024)
#define SERVERS_MAX      3 /* resolvers read no more (MAXNS) */
#define SLIRP_ADDRESS    "10.0.2.100"
#define SLIRP_RESOLVER   "10.0.2.3"
#define SLIRP_RESOLVER_6 "fd00::3"

/* Can the text stand as one word of a line? Printable ASCII without blanks and comment signs. */
static bool is_word(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!g_ascii_isgraph(*text) || *text == '#')
			return false;
	return true;
}

/* Text as an error message may show it: no control characters. */
static char *shown(const char *text)
{
	return g_strescape(text, NULL);
}

static bool is_address(const char *text)
{
	struct in6_addr buffer;

	return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1;
}

static bool is_loopback(const char *text)
{
	struct in6_addr v6;

	return g_str_has_prefix(text, "127.") ||
	       (inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

/* The parts of a resolv.conf: each a list of words. */
typedef struct {
	GPtrArray *servers;
	GPtrArray *search;
	GPtrArray *options;
} Resolver;

static void resolver_clear(Resolver *resolver)
{
	g_ptr_array_unref(resolver->servers);
	g_ptr_array_unref(resolver->search);
	g_ptr_array_unref(resolver->options);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Resolver, resolver_clear)

static Resolver resolver_empty(void)
{
	return (Resolver){
		.servers = g_ptr_array_new_with_free_func(g_free),
		.search = g_ptr_array_new_with_free_func(g_free),
		.options = g_ptr_array_new_with_free_func(g_free),
	};
}

/* Add the words from @first on that may stand in a file. */
static void add_words(GPtrArray *list, char *const *words, size_t first)
{
	for (size_t i = first; words[i]; i++)
		if (is_word(words[i]))
			g_ptr_array_add(list, g_strdup(words[i]));
}

/* One line of the host's file; what does not parse is left out, as resolvers do. */
static void read_line(const char *line, Resolver *resolver)
{
	g_auto(GStrv) raw = g_strsplit_set(line, " \t\r", -1);
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	for (size_t i = 0; raw[i] && raw[i][0] != '#' && raw[i][0] != ';'; i++)
		if (*raw[i])
			g_ptr_array_add(words, raw[i]);
	g_ptr_array_add(words, NULL);
	char *const *word = (char *const *)words->pdata;
	if (!word[0] || !word[1])
		return;

	if (strcmp(word[0], "nameserver") == 0) {
		char *zone = strchr(word[1], '%');
		if (zone)
			*zone = '\0';
		if (is_address(word[1]))
			g_ptr_array_add(resolver->servers, g_strdup(word[1]));
	} else if (strcmp(word[0], "search") == 0 || strcmp(word[0], "domain") == 0) {
		g_ptr_array_set_size(resolver->search, 0);
		add_words(resolver->search, word, 1);
	} else if (strcmp(word[0], "options") == 0) {
		add_words(resolver->options, word, 1);
	}
}

static void read_host(const char *text, Resolver *resolver)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (size_t i = 0; lines[i]; i++)
		read_line(lines[i], resolver);
}

/*
 * Servers behind the user-mode network: its forwarders, which follow the host when it moves between
 * networks, then the host's further servers as long as they can be reached from inside.
 */
static void use_slirp_servers(Resolver *resolver)
{
	g_autoptr(GPtrArray) host = g_steal_pointer(&resolver->servers);
	bool skipped_v4 = false, skipped_v6 = false;

	resolver->servers = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < host->len; i++)
		skipped_v4 |= !strchr(g_ptr_array_index(host, i), ':');
	if (skipped_v4 || host->len == 0)
		g_ptr_array_add(resolver->servers, g_strdup(SLIRP_RESOLVER));
	if (host->len && !skipped_v4)
		g_ptr_array_add(resolver->servers, g_strdup(SLIRP_RESOLVER_6));

	/* The first of each family is the one that the forwarder asks. */
	skipped_v4 = false;
	for (size_t i = 0; i < host->len && resolver->servers->len < SERVERS_MAX; i++) {
		const char *server = g_ptr_array_index(host, i);
		bool *skipped = strchr(server, ':') ? &skipped_v6 : &skipped_v4;
		bool first = !*skipped;

		*skipped = true;
		if (!first && !is_loopback(server) && !g_str_has_prefix(server, "fe80:"))
			g_ptr_array_add(resolver->servers, g_strdup(server));
	}
}

/* pasta leads one address to the host's first server. */
static void use_pasta_server(Resolver *resolver)
{
	g_ptr_array_set_size(resolver->servers, 0);
	g_ptr_array_add(resolver->servers, g_strdup(PASTA_RESOLVER));
}

/* Behind named networks their gateways are the only servers. */
static void use_gateways(Resolver *resolver, const ResolvOptions *options)
{
	g_ptr_array_set_size(resolver->servers, 0);
	for (size_t i = 0; i < SERVERS_MAX && options->gateways[i]; i++)
		g_ptr_array_add(resolver->servers, g_strdup(options->gateways[i]));
	if (options->domain)
		g_ptr_array_insert(resolver->search, 0, g_strdup(options->domain));
}

/* Replace a list by what was asked for; a single "." as search domain means none. */
static bool replace_words(GPtrArray *list, const char *const *words, const char *what,
			  GError **error)
{
	g_ptr_array_set_size(list, 0);
	for (size_t i = 0; words[i]; i++) {
		if (!is_word(words[i])) {
			g_autofree char *text = shown(words[i]);
			return error_set(error, ENGINE_ERROR_INVALID, "invalid %s \"%s\"", what,
					 text);
		}
		if (strcmp(words[i], ".") != 0)
			g_ptr_array_add(list, g_strdup(words[i]));
	}
	return true;
}

static bool replace_servers(GPtrArray *list, const char *const *servers, GError **error)
{
	g_ptr_array_set_size(list, 0);
	for (size_t i = 0; servers[i]; i++) {
		if (!is_address(servers[i])) {
			g_autofree char *text = shown(servers[i]);
			return error_set(error, ENGINE_ERROR_INVALID, "%s is not an ip address",
					 text);
		}
		g_ptr_array_add(list, g_strdup(servers[i]));
	}
	return true;
}

static void print_words(GString *text, const char *key, const GPtrArray *words)
{
	if (words->len == 0)
		return;
	g_string_append(text, key);
	for (size_t i = 0; i < words->len; i++)
		g_string_append_printf(text, " %s", (const char *)g_ptr_array_index(words, i));
	g_string_append_c(text, '\n');
}

char *resolv_conf_compose(const char *host_text, NetworkMode mode, const ResolvOptions *options,
			  GError **error)
{
	g_auto(Resolver) resolver = resolver_empty();

	if (mode != NETWORK_NONE)
		read_host(host_text, &resolver);
	if (mode == NETWORK_PASTA)
		use_pasta_server(&resolver);
	if (mode == NETWORK_SLIRP)
		use_slirp_servers(&resolver);
	if (mode == NETWORK_NAMED && options && options->gateways)
		use_gateways(&resolver, options);
	if (options && options->servers &&
	    !replace_servers(resolver.servers, options->servers, error))
		return NULL;
	if (options && options->search &&
	    !replace_words(resolver.search, options->search, "search domain", error))
		return NULL;
	if (options && options->options &&
	    !replace_words(resolver.options, options->options, "resolver option", error))
		return NULL;

	GString *text = g_string_new(NULL);
	print_words(text, "search", resolver.search);
	for (size_t i = 0; i < resolver.servers->len; i++)
		g_string_append_printf(text, "nameserver %s\n",
				       (const char *)g_ptr_array_index(resolver.servers, i));
	print_words(text, "options", resolver.options);
	return g_string_free(text, FALSE);
}

char *resolv_conf_build(NetworkMode mode, const ResolvOptions *options, GError **error)
{
	g_autofree char *host = NULL;
	autofd fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	/* A host without the file asks itself, and so does what we write then. */
	if (fd >= 0)
		host = fd_read_all(fd, RESOLV_CONF_MAX, NULL, NULL);
	return resolv_conf_compose(host ? host : "", mode, options, error);
}

/* Names of an --add-host value: words, several of them separated by ';'. */
static bool names_are_valid(const char *names)
{
	g_auto(GStrv) list = g_strsplit(names, ";", -1);

	for (size_t i = 0; list[i]; i++)
		if (!is_word(list[i]))
			return false;
	return list[0] != NULL;
}

/* Cut "name:ip" at its first colon. Return: the address, borrowed; NULL with INVALID. */
static const char *split_add_host(const char *value, char **out_names, GError **error)
{
	const char *colon = strchr(value, ':');
	g_autofree char *names = colon ? g_strndup(value, (size_t)(colon - value)) : NULL;

	if (!names || !names_are_valid(names)) {
		g_autofree char *text = shown(value);
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "bad format for add-host: \"%s\"", text);
	}
	if (strcmp(colon + 1, "host-gateway") != 0 && !is_address(colon + 1)) {
		g_autofree char *text = shown(colon + 1);
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "invalid IP address in add-host: \"%s\"", text);
	}
	*out_names = g_steal_pointer(&names);
	return colon + 1;
}

bool hosts_check_add_host(const char *value, GError **error)
{
	g_autofree char *names = NULL;

	return split_add_host(value, &names, error) != NULL;
}

/* The address under which a container reaches its host. NULL if there is none. */
static char *host_address(NetworkMode mode)
{
	char buffer[INET_ADDRSTRLEN] = "";
	struct ifaddrs *all = NULL;

	if (mode == NETWORK_HOST)
		return g_strdup("127.0.0.1");
	if (mode == NETWORK_NONE || getifaddrs(&all) < 0)
		return NULL;
	for (const struct ifaddrs *one = all; one && !*buffer; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET ||
		    (one->ifa_flags & (IFF_UP | IFF_LOOPBACK)) != IFF_UP)
			continue;
		const struct sockaddr_in *address = (const struct sockaddr_in *)one->ifa_addr;
		inet_ntop(AF_INET, &address->sin_addr, buffer, sizeof(buffer));
	}
	freeifaddrs(all);
	return *buffer ? g_strdup(buffer) : NULL;
}

/* The lines of --add-host, which come first so that they win. */
static bool print_add_hosts(GString *text, const char *const *add_host, const char *gateway,
			    GError **error)
{
	for (size_t i = 0; add_host && add_host[i]; i++) {
		g_autofree char *names = NULL;
		const char *address = split_add_host(add_host[i], &names, error);

		if (!address)
			return false;
		if (strcmp(address, "host-gateway") == 0)
			address = gateway;
		if (!address)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unable to replace \"host-gateway\" of host entry \"%s\": "
					 "host containers internal IP address is empty",
					 add_host[i]);
		g_strdelimit(names, ";", ' ');
		g_string_append_printf(text, "%s\t%s\n", address, names);
	}
	return true;
}

/* The container's own names. */
static bool print_own_names(GString *text, const char *address, const char *full,
			    const char *hostname, const char *name, GError **error)
{
	const char *const names[] = {full, hostname, g_strcmp0(hostname, name) != 0 ? name : NULL};
	bool first = true;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (!names[i] || !*names[i])
			continue;
		if (!is_word(names[i])) {
			g_autofree char *bad = shown(names[i]);
			return error_set(error, ENGINE_ERROR_INVALID, "invalid host name \"%s\"",
					 bad);
		}
		g_string_append_printf(text, "%s%s", first ? address : "", first ? "\t" : " ");
		g_string_append(text, names[i]);
		first = false;
	}
	if (!first)
		g_string_append_c(text, '\n');
	return true;
}

char *hosts_build(NetworkMode mode, const char *const *add_host, const char *hostname,
		  const char *domain, const char *name, GError **error)
{
	g_autofree char *full =
		hostname && domain ? g_strconcat(hostname, ".", domain, NULL) : NULL;
	g_autofree char *gateway = host_address(mode);
	g_autoptr(GString) text = g_string_new(NULL);
	const char *own =
		mode == NETWORK_SLIRP || mode == NETWORK_CONTAINER ? SLIRP_ADDRESS : "127.0.0.1";

	if (!print_add_hosts(text, add_host, gateway, error))
		return NULL;
	g_string_append(text, "127.0.0.1\tlocalhost localhost.localdomain\n"
			      "::1\tlocalhost localhost.localdomain\n");
	if (gateway)
		g_string_append_printf(text, "%s\thost.containers.internal host.docker.internal\n",
				       gateway);
	/* On a named network the address comes later: the monitor adds that line. */
	g_autoptr(GString) later = g_string_new(NULL);
	if (!print_own_names(mode == NETWORK_NAMED ? later : text, own, full, hostname, name,
			     error))
		return NULL;
	return g_string_free(g_steal_pointer(&text), FALSE);
}
