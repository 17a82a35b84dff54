/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references: a hand-written recogniser of the distribution project's grammar.
 *
 * Everything here is pure: no registry, no file and no table of aliases is looked at.
 */
#include "storage/reference.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"

/* The name (registry and repository) may hold this many bytes; the digest and tag come on top. */
#define NAME_MAX_SIZE      255
#define TAG_MAX_SIZE       128
#define REFERENCE_MAX_SIZE (NAME_MAX_SIZE + TAG_MAX_SIZE + 160)

static bool is_lower_alnum(char c)
{
	return g_ascii_islower(c) || g_ascii_isdigit(c);
}

/* Length of the separator that starts at @s: one dot, one or two underscores, any run of dashes. */
static size_t separator_length(const char *s)
{
	if (*s == '.')
		return 1;
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

/* One path component, e.g. "my-app_1": alphanumeric runs joined by separators. */
static bool component_is_valid(const char *s)
{
	if (!is_lower_alnum(*s))
		return false;
	while (*s) {
		while (is_lower_alnum(*s))
			s++;
		if (!*s)
			return true;
		size_t length = separator_length(s);
		if (length == 0 || !is_lower_alnum(s[length]))
			return false;
		s += length;
	}
	return true;
}

static bool repository_is_valid(const char *repository)
{
	g_auto(GStrv) parts = g_strsplit(repository, "/", -1);
	for (size_t i = 0; parts[i]; i++)
		if (!component_is_valid(parts[i]))
			return false;
	return parts[0] != NULL;
}

/* One label of a host name: letters and digits, dashes inside. */
static bool label_is_valid(const char *label)
{
	size_t length = strlen(label);
	if (length == 0 || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isalnum(label[i]) && label[i] != '-')
			return false;
	return true;
}

static bool port_is_valid(const char *port)
{
	size_t length = strspn(port, "0123456789");
	return length > 0 && length <= 5 && port[length] == '\0' &&
	       g_ascii_strtoull(port, NULL, 10) <= 65535;
}

/* "[2001:db8::1]" with an optional ":port" behind it. */
static bool ipv6_host_is_valid(const char *host)
{
	const char *end = strchr(host, ']');
	if (!end || end - host < 3)
		return false;
	size_t digits = strspn(host + 1, "0123456789abcdefABCDEF:");
	if (host + 1 + digits != end)
		return false;
	return end[1] == '\0' || (end[1] == ':' && port_is_valid(end + 2));
}

/* HOST[:PORT] or [IPV6][:PORT]; what a URL is made of later. */
static bool registry_is_valid(const char *registry)
{
	if (registry[0] == '[')
		return ipv6_host_is_valid(registry);
	const char *colon = strchr(registry, ':');
	if (colon && !port_is_valid(colon + 1))
		return false;
	g_autofree char *host = colon ? g_strndup(registry, colon - registry) : g_strdup(registry);
	g_auto(GStrv) labels = g_strsplit(host, ".", -1);
	for (size_t i = 0; labels[i]; i++)
		if (!label_is_valid(labels[i]))
			return false;
	return labels[0] != NULL;
}

static bool tag_is_valid(const char *tag)
{
	size_t length = strlen(tag);
	if (length == 0 || length > TAG_MAX_SIZE || tag[0] == '.' || tag[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isalnum(tag[i]) && !strchr("_.-", tag[i]))
			return false;
	return true;
}

/* Does the first component name a registry? Docker's rule: a dot, a port, "localhost", a capital.
 */
static bool names_registry(const char *component)
{
	if (component[0] == '[' || strcmp(component, "localhost") == 0)
		return true;
	if (strpbrk(component, ".:"))
		return true;
	for (const char *c = component; *c; c++)
		if (g_ascii_isupper(*c))
			return true;
	return false;
}

#define NOT_LOWER "repository name must be lowercase"
#define NO_NAME   "repository name must have at least one component"
#define TOO_LONG  "repository name must not be more than 255 characters"

static bool is_image_id(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

/* podman's words, which do not say of what, and for people what is meant. */
static void *invalid(GError **error, const char *text, const char *why)
{
	static const char *const own_words[] = {NOT_LOWER, NO_NAME, TOO_LONG, NULL};
	bool own = why && g_strv_contains(own_words, why);
	g_autofree char *shown = g_strndup(text, 200);
	g_autofree char *escaped = g_strescape(shown, NULL);
	g_autofree char *lower = g_ascii_strdown(escaped, -1);
	error_set(error, ENGINE_ERROR_INVALID, "%s%s%s%s%s", own ? why : "invalid reference format",
		  "\ncause: '", escaped, why && !own ? "': " : "'", why && !own ? why : "");
	if (why && strcmp(why, NOT_LOWER) == 0)
		error_add_help(error, "write it in lower case: %s", lower);
	return NULL;
}

/* Split "name[:tag][@digest]": cuts @name in place and fills tag and digest of @ref. */
static bool split_suffixes(char *name, Reference *ref, const char **out_why)
{
	char *at = strchr(name, '@');
	if (at) {
		*at = '\0';
		ref->digest = g_strdup(at + 1);
		if (!digest_is_valid(ref->digest)) {
			*out_why = "the digest is not sha256: or sha512: with lower-case hex";
			return false;
		}
	}
	char *slash = strrchr(name, '/');
	char *colon = strrchr(slash ? slash : name, ':');
	if (colon) {
		*colon = '\0';
		ref->tag = g_strdup(colon + 1);
		if (!tag_is_valid(ref->tag)) {
			*out_why = "invalid tag";
			return false;
		}
	}
	return true;
}

/* Say the most useful thing about a repository that is not valid. */
static const char *repository_complaint(const char *repository)
{
	for (const char *c = repository; *c; c++)
		if (g_ascii_isupper(*c))
			return NOT_LOWER;
	return NULL;
}

/* Fill registry and repository from a name that has no tag or digest any more. */
static bool split_name(const char *name, Reference *ref, const char **out_why)
{
	const char *slash = strchr(name, '/');
	g_autofree char *first = slash ? g_strndup(name, slash - name) : NULL;
	if (first && names_registry(first) && *first) {
		ref->registry = g_steal_pointer(&first);
		ref->repository = g_strdup(slash + 1);
	} else {
		ref->repository = g_strdup(name);
	}
	if (ref->registry && !registry_is_valid(ref->registry)) {
		*out_why = "invalid registry name";
		return false;
	}
	if (strlen(name) > NAME_MAX_SIZE) {
		*out_why = TOO_LONG;
		return false;
	}
	if (!repository_is_valid(ref->repository)) {
		*out_why = repository_complaint(ref->repository);
		return false;
	}
	return true;
}

Reference *reference_parse(const char *text, GError **error)
{
	if (!*text)
		return invalid(error, text, NO_NAME);
	if (strlen(text) > REFERENCE_MAX_SIZE)
		return invalid(error, text, "it is too long");
	if (is_image_id(text))
		return invalid(error, text, "cannot specify 64-byte hexadecimal strings");

	g_autoptr(Reference) ref = g_new0(Reference, 1);
	g_autofree char *name = g_strdup(text);
	const char *why = NULL;
	if (!split_suffixes(name, ref, &why) || !split_name(name, ref, &why))
		return invalid(error, text, why);
	return g_steal_pointer(&ref);
}

Reference *reference_normalize(const Reference *reference)
{
	Reference *ref = g_new0(Reference, 1);
	const char *registry = reference->registry ? reference->registry : "docker.io";
	if (strcmp(registry, "index.docker.io") == 0)
		registry = "docker.io";
	ref->registry = g_strdup(registry);
	bool official = strcmp(registry, "docker.io") == 0 && !strchr(reference->repository, '/');
	ref->repository = g_strconcat(official ? "library/" : "", reference->repository, NULL);
	ref->tag = g_strdup(reference->tag);
	ref->digest = g_strdup(reference->digest);
	if (!ref->tag && !ref->digest)
		ref->tag = g_strdup("latest");
	return ref;
}

void reference_free(Reference *reference)
{
	if (!reference)
		return;
	g_free(reference->registry);
	g_free(reference->repository);
	g_free(reference->tag);
	g_free(reference->digest);
	g_free(reference);
}

char *reference_format(const Reference *reference)
{
	return g_strconcat(reference->registry ? reference->registry : "",
			   reference->registry ? "/" : "", reference->repository,
			   reference->tag ? ":" : "", reference->tag ? reference->tag : "",
			   reference->digest ? "@" : "", reference->digest ? reference->digest : "",
			   NULL);
}

bool reference_is_short(const Reference *reference)
{
	return !reference->registry;
}

char *reference_new_name(const char *text, GError **error)
{
	g_autoptr(Reference) reference = reference_parse(text, error);
	if (!reference) {
		g_autofree char *escaped = g_strescape(text, NULL);
		g_prefix_error(error, "normalizing name \"%s\": ", escaped);
		return NULL;
	}
	if (reference->digest)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "%s: tag by digest not supported", text);
	const char *registry = reference->registry ? reference->registry : "localhost";
	return g_strdup_printf("%s/%s:%s", registry, reference->repository,
			       reference->tag ? reference->tag : "latest");
}
