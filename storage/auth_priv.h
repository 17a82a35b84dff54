/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the auth family share: auth.c (lookups, changes), auth_file.c (JSON files),
 * auth_helper.c (credential helper programs).
 */
#pragma once

#include "libpod/base/json.h"
#include "storage/auth.h"

/** auth_file_load() - a file's JSON object; absent gives NULL without error. */
bool auth_file_load(const char *path, Json **out, GError **error);

/* Changes the JSON of a file; false with @error leaves the file alone. */
typedef bool (*AuthEdit)(Json *root, void *data, GError **error);

/** auth_file_edit() - lock, load (or start empty), change, replace atomically with mode 0600. */
bool auth_file_edit(const char *path, AuthEdit edit, void *data, GError **error);

/** auth_file_find() - the narrowest entry of a file for a name. @out NULL if it has none. */
bool auth_file_find(Json *root, const char *path, const char *name, Credentials **out,
		    GError **error);

/** auth_file_helper() - the helper a file names for a registry, borrowed; NULL if none. */
const char *auth_file_helper(Json *root, const char *registry);

/** auth_file_put() - set the entry of @key, written as @spelling; @credentials NULL removes it.
 * Return: was it there? */
bool auth_file_put(Json *root, const char *key, const char *spelling,
		   const Credentials *credentials);

/** auth_normalize_key() - without scheme and API path; Docker Hub's names become docker.io.
 * g_free() it. */
char *auth_normalize_key(const char *key);

/** auth_helper_get() - ask docker-credential-HELPER. @out NULL if it knows none. */
bool auth_helper_get(const char *helper, const char *registry, Credentials **out, GError **error);
bool auth_helper_store(const char *helper, const char *registry, const Credentials *credentials,
		       GError **error);
/** auth_helper_erase() - @error NOT_FOUND if it had none. */
bool auth_helper_erase(const char *helper, const char *registry, GError **error);
