/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For each requirement a keyring of its own; a signature counts if gpg finds it good, its claim is
 * well-formed, and digest and identity are those of the image.
 */
#include "storage/signed_by.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/wall.h"
#include "storage/gpg.h"
#include "storage/registry.h"
#include "storage/signature.h"

#define KEYS_MAX_SIZE (1u << 20)
#define KEY_FILES_MAX 256

struct SignedBy {
	char **key_files; /* or ... */
	GBytes *key_data;
	SignedIdentity identity;
};

void signed_by_free(SignedBy *need)
{
	if (!need)
		return;
	g_strfreev(need->key_files);
	g_clear_pointer(&need->key_data, g_bytes_unref);
	signed_identity_clear(&need->identity);
	g_free(need);
}

/* Strict base64, lines aside: the decoder of GLib skips what it does not know. */
static GBytes *decode(const char *written)
{
	gsize size = 0;
	g_auto(GStrv) lines = g_strsplit_set(written, "\r\n", -1);
	g_autofree char *text = g_strjoinv("", lines);
	g_autofree guchar *data = g_base64_decode(text, &size);
	g_autofree char *again = g_base64_encode(data, size);
	return size > 0 && strcmp(again, text) == 0 ? g_bytes_new_take(g_steal_pointer(&data), size)
						    : NULL;
}

static bool check_keys_known(Json *json, GError **error)
{
	static const char *const known[] = {"type",    "keyType",        "keyPath", "keyPaths",
					    "keyData", "signedIdentity", NULL};
	json_object_object_foreach(json, key, value)
	{
		(void)value;
		if (!g_strv_contains(known, key))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "'signedBy' does not know the key '%s'", key);
	}
	return true;
}

/* Exactly one of the three places of keys. */
static bool parse_keys(SignedBy *need, Json *json, GError **error)
{
	const char *path = NULL, *data = NULL;
	if (!js_get_string(json, "keyPath", &path, error) ||
	    !js_get_string(json, "keyData", &data, error) ||
	    !js_get_strv(json, "keyPaths", &need->key_files, error))
		return false;
	if (!!path + !!data + !!need->key_files != 1)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "exactly one of keyPath, keyPaths and keyData must be specified");
	if (path) {
		const char *list[] = {path, NULL};
		need->key_files = g_strdupv((char **)list);
	}
	if (need->key_files)
		return (need->key_files[0] && g_strv_length(need->key_files) <= KEY_FILES_MAX) ||
		       error_set(error, ENGINE_ERROR_INVALID, "'keyPaths' names no key file");
	need->key_data = decode(data);
	return need->key_data || error_set(error, ENGINE_ERROR_INVALID, "'keyData' is not base64");
}

SignedBy *signed_by_parse(Json *json, GError **error)
{
	g_autoptr(SignedBy) need = g_new0(SignedBy, 1);
	const char *key_type = NULL;
	Json *identity = NULL;
	if (!check_keys_known(json, error) || !js_get_string(json, "keyType", &key_type, error))
		return NULL;
	if (g_strcmp0(key_type, "GPGKeys") != 0)
		return error_set_null(error, ENGINE_ERROR_INVALID, "Unknown keyType \"%s\"",
				      key_type ? key_type : "");
	bool has_identity = json_object_object_get_ex(json, "signedIdentity", &identity);
	if (has_identity && !identity)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "'signedIdentity' must be an object");
	if (!parse_keys(need, json, error) ||
	    !signed_identity_parse(identity, &need->identity, error))
		return NULL;
	return g_steal_pointer(&need);
}

/* A file that policy.json names. */
static GBytes *read_keys(const char *path, GError **error)
{
	size_t size = 0;
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return error_set_errno_null(error, "cannot open the policy's key file '%s'", path);
	char *text = fd_read_all(fd, KEYS_MAX_SIZE, &size, error);
	return text ? g_bytes_new_take(text, size) : NULL;
}

/* The keys of one requirement and nobody else's. */
static GpgKeyring *open_keyring(const SignedBy *need, Store *store, StoreStage *stage,
				GError **error)
{
	g_autoptr(GpgKeyring) keyring = gpg_keyring_new(store, stage, error);
	if (!keyring)
		return NULL;
	if (need->key_data)
		return gpg_keyring_add(keyring, need->key_data, error) ? g_steal_pointer(&keyring)
								       : NULL;
	for (size_t i = 0; need->key_files[i]; i++) {
		g_autoptr(GBytes) keys = read_keys(need->key_files[i], error);
		if (!keys || !gpg_keyring_add(keyring, keys, error)) {
			if (keys)
				g_prefix_error(error, "'%s': ", need->key_files[i]);
			return NULL;
		}
	}
	return g_steal_pointer(&keyring);
}

/* Is this signature one that the requirement wants? The reason why not is @error. */
static bool accepts(const SignedBy *need, const GpgKeyring *keyring, const SignedImage *image,
		    GBytes *signature, GError **error)
{
	if (!signature_is_simple(signature) && wall_stands("signature-form"))
		return error_set(error, ENGINE_ERROR_DENIED,
				 "unrecognized signature format, it is no OpenPGP message");
	g_autoptr(GBytes) content = gpg_verify(keyring, signature, error);
	if (!content)
		return false;
	gsize size = 0;
	const char *text = g_bytes_get_data(content, &size);
	g_autoptr(SignatureClaim) claim = signature_claim_parse(text ? text : "", size, error);
	if (!claim)
		return false;
	if (!signed_identity_matches(&need->identity, image->reference, claim->reference) &&
	    wall_stands("signed-identity")) {
		g_autofree char *shown = registry_text(claim->reference, strlen(claim->reference));
		return error_set(error, ENGINE_ERROR_DENIED,
				 "Signature for identity \"%s\" is not accepted", shown);
	}
	if (strcmp(claim->digest, image->digest) != 0 && wall_stands("signed-digest"))
		return error_set(error, ENGINE_ERROR_DENIED,
				 "Signature for digest %s does not match", claim->digest);
	return true;
}

/* One good signature is enough; without one, all reasons are told. */
static bool check_one(const SignedBy *need, const SignedImage *image, Store *store,
		      StoreStage *stage, GError **error)
{
	if (!wall_stands("signatures-needed"))
		return true;
	if (!image->signatures || image->signatures->len == 0)
		return error_set(error, ENGINE_ERROR_DENIED,
				 "A signature was required, but no signature exists");
	g_autoptr(GpgKeyring) keyring = open_keyring(need, store, stage, error);
	if (!keyring)
		return false;
	g_autoptr(GString) reasons = g_string_new(NULL);
	for (guint i = 0; i < image->signatures->len; i++) {
		g_autoptr(GError) problem = NULL;
		if (accepts(need, keyring, image, image->signatures->pdata[i], &problem))
			return true;
		problem->message[strcspn(problem->message, "\n")] = '\0';
		g_string_append_printf(reasons, "%s%s", i ? "; " : "", problem->message);
	}
	bool several = image->signatures->len > 1;
	return error_set(error, ENGINE_ERROR_DENIED, "%s%s",
			 several ? "None of the signatures were accepted, reasons: " : "",
			 reasons->str);
}

bool signed_by_check(const GPtrArray *needs, const SignedImage *image, Store *store,
		     StoreStage *stage, GError **error)
{
	for (guint i = 0; needs && i < needs->len; i++) {
		g_autoptr(GError) problem = NULL;
		if (check_one(needs->pdata[i], image, store, stage, &problem))
			continue;
		g_propagate_prefixed_error(error, g_steal_pointer(&problem),
					   "Source image rejected: ");
		return false;
	}
	return true;
}
