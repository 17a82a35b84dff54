/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claim's JSON and the matching of identities (containers-policy.json(5)).
 */
#include "storage/signature.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"

#define CLAIM_TYPE "atomic container signature"

void signature_claim_free(SignatureClaim *claim)
{
	if (!claim)
		return;
	g_free(claim->digest);
	g_free(claim->reference);
	g_free(claim);
}

static bool bad_claim(GError **error, const char *why)
{
	return error_set(error, ENGINE_ERROR_INVALID, "Invalid signature: %s", why);
}

/* An object with exactly these keys, which @out_values gets. */
static bool take_keys(Json *object, const char *const *keys, size_t n, Json **out_values,
		      GError **error)
{
	if (!json_object_is_type(object, json_type_object) ||
	    (size_t)json_object_object_length(object) != n)
		return bad_claim(error, "it has other keys than the format");
	for (size_t i = 0; i < n; i++)
		if (!json_object_object_get_ex(object, keys[i], &out_values[i]))
			return bad_claim(error, "it has other keys than the format");
	return true;
}

/* The text of a value that must be a string without NUL; NULL if it is none. */
static const char *string_of(Json *value)
{
	if (!json_object_is_type(value, json_type_string))
		return NULL;
	const char *text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* "optional" may hold anything, but the keys we know of must be what they are. */
static bool check_optional(Json *optional, GError **error)
{
	Json *creator = NULL, *timestamp = NULL;
	if (!json_object_is_type(optional, json_type_object))
		return bad_claim(error, "'optional' is no object");
	if (json_object_object_get_ex(optional, "creator", &creator) && !string_of(creator))
		return bad_claim(error, "'creator' is no string");
	if (json_object_object_get_ex(optional, "timestamp", &timestamp) &&
	    !json_object_is_type(timestamp, json_type_int))
		return bad_claim(error, "'timestamp' is no integer");
	return true;
}

SignatureClaim *signature_claim_parse(const char *text, size_t size, GError **error)
{
	static const char *const top_keys[] = {"critical", "optional"};
	static const char *const critical_keys[] = {"type", "image", "identity"};
	static const char *const image_keys[] = {"docker-manifest-digest"};
	static const char *const identity_keys[] = {"docker-reference"};
	Json *top[2], *critical[3], *image[1], *identity[1];
	g_autoptr(Json) json = js_parse(text, size, "Invalid signature", error);
	if (!json)
		return NULL;
	if (!js_has_unique_keys(text, size, json)) {
		(void)bad_claim(error, "a key is there twice");
		return NULL;
	}
	if (!take_keys(json, top_keys, 2, top, error) || !check_optional(top[1], error) ||
	    !take_keys(top[0], critical_keys, 3, critical, error) ||
	    !take_keys(critical[1], image_keys, 1, image, error) ||
	    !take_keys(critical[2], identity_keys, 1, identity, error))
		return NULL;
	const char *digest = string_of(image[0]);
	const char *reference = string_of(identity[0]);
	const char *why = g_strcmp0(string_of(critical[0]), CLAIM_TYPE) != 0
				  ? "it is of another type"
			  : !digest || !digest_is_valid(digest) ? "its digest is none"
			  : !reference                          ? "its reference is no string"
								: NULL;
	if (why) {
		(void)bad_claim(error, why);
		return NULL;
	}
	SignatureClaim *claim = g_new0(SignatureClaim, 1);
	claim->digest = g_strdup(digest);
	claim->reference = g_strdup(reference);
	return claim;
}

bool signature_is_simple(GBytes *signature)
{
	/* Compressed data, one-pass signature, signature; in the old and the new form of packets.
	 */
	static const unsigned char first[] = {0xa0, 0xa1, 0xa2, 0xa3, 0xc8, 0x90, 0x91, 0x92,
					      0x93, 0xc4, 0x88, 0x89, 0x8a, 0x8b, 0xc2};
	gsize size = 0;
	const unsigned char *data = g_bytes_get_data(signature, &size);
	return size > 0 && memchr(first, data[0], sizeof first) != NULL;
}

void signed_identity_clear(SignedIdentity *identity)
{
	g_clear_pointer(&identity->name, g_free);
	g_clear_pointer(&identity->replaced, g_free);
}

/* A full name, with neither tag nor digest unless they were written. NULL: it is no name. */
static Reference *parse_name(const char *text)
{
	g_autoptr(Reference) written = reference_parse(text, NULL);
	if (!written)
		return NULL;
	Reference *full = reference_normalize(written);
	if (!written->tag)
		g_clear_pointer(&full->tag, g_free);
	return full;
}

static bool is_name_only(const Reference *reference)
{
	return !reference->tag && !reference->digest;
}

/* Is it a host, or a host and the beginning of a repository? */
static bool is_prefix(const char *text)
{
	g_autofree char *probe = strchr(text, '/') ? g_strdup(text) : g_strconcat(text, "/x", NULL);
	g_autoptr(Reference) reference = reference_parse(probe, NULL);
	return reference && reference->registry && is_name_only(reference);
}

/* The keys that go with each type. */
static const struct {
	const char *type;
	IdentityKind kind;
	const char *name_key, *replaced_key;
} identity_types[] = {
	{"matchExact", IDENTITY_EXACT, NULL, NULL},
	{"matchRepoDigestOrExact", IDENTITY_REPO_DIGEST_OR_EXACT, NULL, NULL},
	{"matchRepository", IDENTITY_REPOSITORY, NULL, NULL},
	{"exactReference", IDENTITY_EXACT_REFERENCE, "dockerReference", NULL},
	{"exactRepository", IDENTITY_EXACT_REPOSITORY, "dockerRepository", NULL},
	{"remapIdentity", IDENTITY_REMAP, "prefix", "signedPrefix"},
};

/* Are the names of an identity such as its type wants? */
static bool check_identity(const SignedIdentity *identity, GError **error)
{
	g_autoptr(Reference) reference = NULL;
	switch (identity->kind) {
	case IDENTITY_EXACT:
	case IDENTITY_REPO_DIGEST_OR_EXACT:
	case IDENTITY_REPOSITORY:
		return true;
	case IDENTITY_EXACT_REFERENCE:
	case IDENTITY_EXACT_REPOSITORY:
		reference = parse_name(identity->name);
		if (!reference ||
		    is_name_only(reference) != (identity->kind == IDENTITY_EXACT_REPOSITORY))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "'%s' in 'signedIdentity' is no %s", identity->name,
					 identity->kind == IDENTITY_EXACT_REPOSITORY
						 ? "repository"
						 : "reference with a tag or digest");
		return true;
	case IDENTITY_REMAP:
		return (is_prefix(identity->name) && is_prefix(identity->replaced)) ||
		       error_set(error, ENGINE_ERROR_INVALID,
				 "'prefix' and 'signedPrefix' of 'signedIdentity' must be a host "
				 "or a repository's beginning");
	}
	g_assert_not_reached();
}

bool signed_identity_parse(Json *json, SignedIdentity *out, GError **error)
{
	SignedIdentity found = {.kind = IDENTITY_REPO_DIGEST_OR_EXACT};
	const char *type = NULL;
	if (!json) {
		*out = found;
		return true;
	}
	if (!json_object_is_type(json, json_type_object) ||
	    !js_get_string(json, "type", &type, error))
		return error && *error ? false
				       : error_set(error, ENGINE_ERROR_INVALID,
						   "'signedIdentity' must be an object");
	for (size_t i = 0; i < G_N_ELEMENTS(identity_types); i++) {
		if (g_strcmp0(type, identity_types[i].type) != 0)
			continue;
		const char *names[] = {identity_types[i].name_key, identity_types[i].replaced_key};
		int n = 1 + !!names[0] + !!names[1];
		found.kind = identity_types[i].kind;
		if ((names[0] && !js_dup_string(json, names[0], &found.name, error)) ||
		    (names[1] && !js_dup_string(json, names[1], &found.replaced, error)) ||
		    json_object_object_length(json) != n || (names[0] && !found.name) ||
		    (names[1] && !found.replaced) || !check_identity(&found, error)) {
			signed_identity_clear(&found);
			return error && *error
				       ? false
				       : error_set(error, ENGINE_ERROR_INVALID,
						   "'signedIdentity' of type '%s' has other keys "
						   "than that type",
						   type);
		}
		*out = found;
		return true;
	}
	return error_set(error, ENGINE_ERROR_INVALID, "'signedIdentity' has the unknown type '%s'",
			 type ? type : "");
}

static bool same_repository(const Reference *a, const Reference *b)
{
	return strcmp(a->registry, b->registry) == 0 && strcmp(a->repository, b->repository) == 0;
}

/* The same tag, or the same digest; never neither. */
static bool is_exact(const Reference *image, const Reference *signed_for)
{
	return same_repository(image, signed_for) && !is_name_only(image) &&
	       g_strcmp0(image->tag, signed_for->tag) == 0 &&
	       g_strcmp0(image->digest, signed_for->digest) == 0;
}

/* Whoever asks by digest may have a signature for any tag: the digest is checked elsewhere. */
static bool is_repo_digest_or_exact(const Reference *image, const Reference *signed_for)
{
	if (is_name_only(signed_for))
		return false;
	if (image->digest)
		return same_repository(image, signed_for);
	return is_exact(image, signed_for);
}

/* The image's name with the prefix replaced if it has it; as it is if not. NULL: that is no name.
 */
static Reference *remap(const SignedIdentity *identity, const Reference *image)
{
	g_autofree char *name = g_strconcat(image->registry, "/", image->repository, NULL);
	size_t length = strlen(identity->name);
	bool has_prefix = strncmp(name, identity->name, length) == 0 &&
			  (name[length] == '\0' || name[length] == '/');
	g_autofree char *mapped =
		has_prefix ? g_strconcat(identity->replaced, name + length, NULL) : g_strdup(name);
	Reference *reference = parse_name(mapped);
	if (reference) {
		reference->tag = g_strdup(image->tag);
		reference->digest = g_strdup(image->digest);
	}
	return reference;
}

bool signed_identity_matches(const SignedIdentity *identity, const Reference *image,
			     const char *signed_reference)
{
	g_autoptr(Reference) signed_for = parse_name(signed_reference);
	g_autoptr(Reference) wanted = NULL;
	if (!signed_for)
		return false;
	if (identity->kind == IDENTITY_EXACT_REFERENCE ||
	    identity->kind == IDENTITY_EXACT_REPOSITORY) {
		wanted = parse_name(identity->name);
		return wanted && (identity->kind == IDENTITY_EXACT_REFERENCE
					  ? is_exact(wanted, signed_for)
					  : same_repository(wanted, signed_for));
	}
	if (!image)
		return false;
	wanted = identity->kind == IDENTITY_REMAP ? remap(identity, image)
						  : reference_normalize(image);
	/* A tag beside a digest is anybody's. */
	if (wanted && wanted->digest)
		g_clear_pointer(&wanted->tag, g_free);
	if (!wanted)
		return false;
	if (identity->kind == IDENTITY_REPOSITORY)
		return same_repository(wanted, signed_for);
	return identity->kind == IDENTITY_EXACT ? is_exact(wanted, signed_for)
						: is_repo_digest_or_exact(wanted, signed_for);
}
