/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters for namespaces and the network.
 */
#include "libpod/spec_parse.h"

#include <arpa/inet.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/spec_priv.h"
#include "network/portmap.h"
#include "network/resolv.h"

#define MAX_ID 4294967294U

/* "container:X" and "ns:PATH", the two forms with a target. Return: SPEC_NS_DEFAULT if @value is
 * neither. */
static SpecNamespaceMode parse_target(const char *value, const char **out_target)
{
	static const struct {
		const char *prefix;
		SpecNamespaceMode mode;
	} forms[] = {
		{"container:", SPEC_NS_CONTAINER},
		{"ns:", SPEC_NS_PATH},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		if (g_str_has_prefix(value, forms[i].prefix)) {
			*out_target = value + strlen(forms[i].prefix);
			return forms[i].mode;
		}
	}
	return SPEC_NS_DEFAULT;
}

static bool check_target(SpecNamespaceMode mode, const char *target, GError **error)
{
	if (*target == '\0')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid config provided: namespace mode %s requires a value",
				 mode == SPEC_NS_PATH ? "ns" : "container");
	if (mode == SPEC_NS_PATH && *target != '/')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "namespace path %s must be an absolute path", target);
	return true;
}

/* What --pid, --ipc, --uts and --cgroupns have in common. */
static bool set_namespace(SpecNamespace *ns, const char *value, GError **error)
{
	const char *target = NULL;
	SpecNamespaceMode mode = parse_target(value, &target);
	if (target) {
		if (!check_target(mode, target, error))
			return false;
	} else if (*value == '\0') {
		mode = SPEC_NS_DEFAULT;
	} else if (strcmp(value, "host") == 0) {
		mode = SPEC_NS_HOST;
	} else if (strcmp(value, "private") == 0) {
		mode = SPEC_NS_PRIVATE;
	} else {
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unrecognized namespace mode %s passed", value);
	}
	g_free(ns->target);
	*ns = (SpecNamespace){.mode = mode, .target = g_strdup(target)};
	return true;
}

bool spec_set_pid(ContainerSpec *spec, const char *value, GError **error)
{
	return set_namespace(&spec->pid, value, error);
}

bool spec_set_ipc(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "none") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED, "ipc mode none is not supported");
	/* Every private one of ours can be shared. */
	return set_namespace(&spec->ipc, strcmp(value, "shareable") == 0 ? "private" : value,
			     error);
}

bool spec_set_uts(ContainerSpec *spec, const char *value, GError **error)
{
	return set_namespace(&spec->uts, value, error);
}

bool spec_set_cgroupns(ContainerSpec *spec, const char *value, GError **error)
{
	return set_namespace(&spec->cgroup, value, error);
}

static bool parse_id(const char *text, uint32_t *out, GError **error)
{
	uint64_t id = 0;
	if (!units_parse_uint(text, MAX_ID, &id, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseUint: parsing \"%s\": invalid syntax", text);
	*out = (uint32_t)id;
	return true;
}

static bool parse_size(ContainerSpec *spec, const char *text, GError **error)
{
	if (!parse_id(text, &spec->userns_size, error))
		return false;
	return spec->userns_size > 0 ||
	       error_set(error, ENGINE_ERROR_INVALID, "invalid size: '%s'", text);
}

/* One option behind "keep-id:". */
static bool set_keep_id_option(ContainerSpec *spec, const char *key, const char *text,
			       GError **error)
{
	if (strcmp(key, "uid") == 0) {
		spec->keep_id_uid_set = true;
		return parse_id(text, &spec->keep_id_uid, error);
	}
	if (strcmp(key, "gid") == 0) {
		spec->keep_id_gid_set = true;
		return parse_id(text, &spec->keep_id_gid, error);
	}
	if (strcmp(key, "size") == 0)
		return parse_size(spec, text, error);
	return error_set(error, ENGINE_ERROR_INVALID, "unknown option specified: \"%s\"", key);
}

/* One option behind "auto:". */
static bool set_auto_option(ContainerSpec *spec, const char *key, const char *text, GError **error)
{
	if (strcmp(key, "size") == 0)
		return parse_size(spec, text, error);
	if (strcmp(key, "uidmapping") == 0 || strcmp(key, "gidmapping") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED, "auto option %s is not supported",
				 key);
	return error_set(error, ENGINE_ERROR_INVALID, "unknown option specified: \"%s\"", key);
}

/* The comma-separated options behind a mode. */
static bool set_userns_options(ContainerSpec *spec, const char *text, GError **error)
{
	g_auto(GStrv) options = g_strsplit(text, ",", -1);
	for (char **option = options; *option; option++) {
		char *equals = strchr(*option, '=');
		if (!equals)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unknown option specified: \"%s\"", *option);
		*equals = '\0';
		bool ok = spec->userns == SPEC_USERNS_KEEP_ID
				  ? set_keep_id_option(spec, *option, equals + 1, error)
				  : set_auto_option(spec, *option, equals + 1, error);
		if (!ok)
			return false;
	}
	return true;
}

static void reset_userns(ContainerSpec *spec)
{
	g_clear_pointer(&spec->userns_target, g_free);
	spec->userns_size = 0;
	spec->keep_id_uid = spec->keep_id_gid = 0;
	spec->keep_id_uid_set = spec->keep_id_gid_set = false;
}

bool spec_set_userns(ContainerSpec *spec, const char *value, GError **error)
{
	static const struct {
		const char *name;
		SpecUserNsMode mode;
		bool has_options;
	} modes[] = {
		{"", SPEC_USERNS_HOST, false},       {"host", SPEC_USERNS_HOST, false},
		{"nomap", SPEC_USERNS_NOMAP, false}, {"keep-id", SPEC_USERNS_KEEP_ID, true},
		{"auto", SPEC_USERNS_AUTO, true},
	};
	reset_userns(spec);
	const char *target = NULL;
	SpecNamespaceMode mode = parse_target(value, &target);
	spec->userns_asked = *value != '\0';
	if (target) {
		spec->userns = mode == SPEC_NS_PATH ? SPEC_USERNS_PATH : SPEC_USERNS_CONTAINER;
		spec->userns_target = g_strdup(target);
		return check_target(mode, target, error);
	}

	size_t length = strcspn(value, ":");
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (strlen(modes[i].name) != length || strncmp(value, modes[i].name, length) != 0)
			continue;
		if (value[length] == ':' && !modes[i].has_options)
			break;
		spec->userns = modes[i].mode;
		return value[length] == '\0' || set_userns_options(spec, value + length + 1, error);
	}
	if (strcmp(value, "private") == 0)
		return error_set(
			error, ENGINE_ERROR_UNSUPPORTED,
			"userns mode private is not supported: use --uidmap, auto or keep-id");
	return error_set(error, ENGINE_ERROR_INVALID, "unrecognized namespace mode %s passed",
			 value);
}

/* One range of --uidmap or --gidmap. */
static bool add_range(ContainerSpec *spec, bool gids, const char *value, GError **error)
{
	if (strpbrk(value, "@+") || g_ascii_isalpha(*value))
		return error_set(
			error, ENGINE_ERROR_UNSUPPORTED,
			"id map '%s': the extensions of podman (@, +, u, g) are not supported",
			value);
	IdRange range = {0};
	if (!idmap_parse_range(value, &range, error))
		return false;
	if (!spec->id_map)
		spec->id_map = idmap_new();
	idmap_add(gids ? spec->id_map->gids : spec->id_map->uids, range.inside, range.outside,
		  range.count);
	return true;
}

static bool set_name(char **field, const char *value, GError **error)
{
	if (!*value || strchr(value, ':'))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is no name of a user", value);
	g_free(*field);
	*field = g_strdup(value);
	return true;
}

bool spec_set_sub_uid_name(ContainerSpec *spec, const char *value, GError **error)
{
	return set_name(&spec->sub_uid_name, value, error);
}

bool spec_set_sub_gid_name(ContainerSpec *spec, const char *value, GError **error)
{
	return set_name(&spec->sub_gid_name, value, error);
}

bool spec_add_uidmap(ContainerSpec *spec, const char *value, GError **error)
{
	return add_range(spec, false, value, error);
}

bool spec_add_gidmap(ContainerSpec *spec, const char *value, GError **error)
{
	return add_range(spec, true, value, error);
}

/*
 * It becomes a line of /etc/hosts and of /etc/hostname and a variable: letters, digits, dots,
 * dashes and, since people use them, underscores. 64 is the kernel's limit.
 */
static bool set_host_word(char **target, const char *what, const char *value, GError **error)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t length = strlen(value);
	if (length > 64 || strspn(value, letters) != length || *value == '-' || *value == '.')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid %s \"%s\": must be at most 64 letters, digits, '-', '_' "
				 "and '.', and start with a letter or digit",
				 what, value);
	g_free(*target);
	*target = length > 0 ? g_strdup(value) : NULL;
	return true;
}

bool spec_set_hostname(ContainerSpec *spec, const char *value, GError **error)
{
	return set_host_word(&spec->hostname, "hostname", value, error);
}

bool spec_set_domainname(ContainerSpec *spec, const char *value, GError **error)
{
	return set_host_word(&spec->domainname, "domainname", value, error);
}

bool spec_set_network(ContainerSpec *spec, const char *value, GError **error)
{
	if (spec->network_set)
		return network_request_parse_more(value, spec->network, error);
	spec->network_set = true;
	return network_request_parse(value, spec->network, error);
}

bool spec_add_publish(ContainerSpec *spec, const char *value, GError **error)
{
	PortMapping *mapping = portmap_parse(value, error);
	if (!mapping)
		return false;
	g_ptr_array_add(spec->network->ports, mapping);
	return true;
}

bool spec_add_expose(ContainerSpec *spec, const char *value, GError **error)
{
	PortMapping *mapping = portmap_parse_expose(value, error);
	if (!mapping)
		return false;
	port_mapping_free(mapping);
	spec_strv_append(&spec->exposed, value);
	return true;
}

bool spec_add_host(ContainerSpec *spec, const char *value, GError **error)
{
	if (!hosts_check_add_host(value, error))
		return false;
	spec_strv_append(&spec->add_host, value);
	return true;
}

bool spec_add_dns(ContainerSpec *spec, const char *value, GError **error)
{
	unsigned char address[16];
	if (strcmp(value, "none") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED, "dns none is not supported");
	if (inet_pton(AF_INET, value, address) != 1 && inet_pton(AF_INET6, value, address) != 1)
		return error_set(error, ENGINE_ERROR_INVALID, "%s is not an ip address", value);
	spec_strv_append(&spec->dns, value);
	return true;
}

/* A word of a line of resolv.conf. */
static bool add_resolv_word(char ***list, const char *value, GError **error)
{
	if (*value == '\0' || strlen(value) > 255 || spec_has_control(value) || strchr(value, ' '))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid DNS option \"%s\"", value);
	spec_strv_append(list, value);
	return true;
}

bool spec_add_dns_search(ContainerSpec *spec, const char *value, GError **error)
{
	return add_resolv_word(&spec->dns_search, value, NULL) ||
	       error_set(error, ENGINE_ERROR_INVALID, "%s is not a valid domain", value);
}

bool spec_add_dns_option(ContainerSpec *spec, const char *value, GError **error)
{
	return add_resolv_word(&spec->dns_option, value, error);
}
