/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.json: {"auths": {KEY: {"auth": BASE64}}, "credHelpers": {REGISTRY: NAME}, "credsStore":
 * NAME}.
 *
 * The file is shared with podman, docker and others: what we do not know in it is kept as it was.
 */
#include "storage/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/record.h"
#include "storage/auth_priv.h"

#define AUTH_FILE_MAX_SIZE (1u << 20)

bool auth_file_load(const char *path, Json **out, GError **error)
{
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*out = NULL;
		return true;
	}
	if (fd < 0)
		return error_set_errno(error, "cannot open '%s'", path);
	size_t size = 0;
	g_autofree char *text = fd_read_all(fd, AUTH_FILE_MAX_SIZE, &size, error);
	if (!text) {
		g_prefix_error(error, "'%s': ", path);
		return false;
	}
	if (strspn(text, " \t\r\n") == size) {
		*out = NULL;
		return true;
	}
	g_autoptr(Json) root = js_parse(text, size, path, error);
	if (!root)
		return false;
	if (!json_object_is_type(root, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: expected a JSON object", path);
	*out = g_steal_pointer(&root);
	return true;
}

bool auth_file_edit(const char *path, AuthEdit edit, void *data, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	if (g_mkdir_with_parents(directory, 0700) < 0)
		return error_set_errno(error, "cannot make '%s'", directory);
	autofd dir = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_set_errno(error, "cannot open '%s'", directory);
	g_autofree char *lock_name = g_strconcat(name, ".lock", NULL);
	g_autoptr(RecordLock) lock = record_lock(dir, lock_name, false, -1, "login", error);
	if (!lock)
		return false;
	g_autoptr(Json) root = NULL;
	if (!auth_file_load(path, &root, error))
		return false;
	if (!root)
		root = json_object_new_object();
	if (!edit(root, data, error))
		return false;
	g_autofree char *text = g_strconcat(js_text_pretty(root), "\n", NULL);
	return record_replace(dir, name, text, strlen(text), RECORD_SYNC_FULL, error);
}

static bool is_docker_hub(const char *registry)
{
	static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io",
					    "registry.hub.docker.com"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(registry, names[i]) == 0)
			return true;
	return false;
}

char *auth_normalize_key(const char *key)
{
	bool had_scheme = false;
	static const char *const schemes[] = {"https://", "http://"};
	for (size_t i = 0; i < G_N_ELEMENTS(schemes) && !had_scheme; i++) {
		if (!g_str_has_prefix(key, schemes[i]))
			continue;
		key += strlen(schemes[i]);
		had_scheme = true;
	}
	size_t host_length = strcspn(key, "/");
	g_autofree char *host = g_strndup(key, host_length);
	const char *path = key + host_length;
	/* A key with a scheme is docker's: its path is the API's, as is Hub's "/v1/" without one.
	 */
	if (had_scheme || strcmp(path, "/") == 0 || strcmp(path, "/v1/") == 0 ||
	    strcmp(path, "/v2/") == 0)
		path = "";
	return g_strconcat(is_docker_hub(host) ? "docker.io" : host, path, NULL);
}

/* "user:password" from base64; a NUL at the end of the password is docker's padding. */
static Credentials *decode_basic(const char *text)
{
	gsize size = 0;
	g_autofree guchar *decoded = g_base64_decode(text, &size);
	g_autofree char *pair = g_strndup((char *)decoded, size);
	explicit_bzero(decoded, size);
	char *colon = strchr(pair, ':');
	if (!colon || colon == pair)
		return NULL;
	Credentials *credentials = g_new0(Credentials, 1);
	credentials->username = g_strndup(pair, colon - pair);
	credentials->password = g_strdup(colon + 1);
	explicit_bzero(pair, strlen(pair));
	return credentials;
}

/* One entry's credentials; @out NULL if it holds none, as docker leaves it beside a credsStore. */
static bool read_entry(Json *entry, const char *path, const char *key, Credentials **out,
		       GError **error)
{
	const char *auth = NULL, *token = NULL;
	*out = NULL;
	if (!json_object_is_type(entry, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: auths: '%s' is not an object",
				 path, key);
	if (!js_get_string(entry, "auth", &auth, error) ||
	    !js_get_string(entry, "identitytoken", &token, error)) {
		g_prefix_error(error, "%s: auths: '%s': ", path, key);
		return false;
	}
	if (token && *token) {
		*out = g_new0(Credentials, 1);
		(*out)->identity_token = g_strdup(token);
		return true;
	}
	if (!auth || !*auth)
		return true;
	*out = decode_basic(auth);
	if (!*out)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s: auths: '%s': 'auth' is not base64 of USER:PASSWORD", path,
				 key);
	return true;
}

/* Does an entry for @key cover @name? Its length if so: the longest is the narrowest. */
static size_t covers(const char *key, const char *name)
{
	size_t length = strlen(key);
	if (length == 0 || strncmp(key, name, length) != 0)
		return 0;
	return name[length] == '\0' || name[length] == '/' ? length : 0;
}

bool auth_file_find(Json *root, const char *path, const char *name, Credentials **out,
		    GError **error)
{
	Json *auths = NULL;
	*out = NULL;
	if (!js_get_object(root, "auths", &auths, error)) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	if (!auths)
		return true;
	g_autofree char *wanted = auth_normalize_key(name);
	size_t best = 0;
	json_object_object_foreach(auths, key, entry)
	{
		g_autofree char *normal = auth_normalize_key(key);
		size_t length = covers(normal, wanted);
		/* Of two spellings of one key the plain one wins, which is what we and podman
		 * write. */
		if (length < best || length == 0 || (length == best && strcmp(key, normal) != 0))
			continue;
		g_autoptr(Credentials) found = NULL;
		if (!read_entry(entry, path, key, &found, error)) {
			g_clear_pointer(out, credentials_free);
			return false;
		}
		if (!found)
			continue;
		best = length;
		credentials_free(*out);
		*out = g_steal_pointer(&found);
	}
	return true;
}

const char *auth_file_helper(Json *root, const char *registry)
{
	Json *helpers = NULL;
	const char *name = NULL;
	if (js_get_object(root, "credHelpers", &helpers, NULL) && helpers) {
		json_object_object_foreach(helpers, key, value)
		{
			g_autofree char *normal = auth_normalize_key(key);
			if (strcmp(normal, registry) == 0 &&
			    json_object_is_type(value, json_type_string))
				return json_object_get_string(value);
		}
	}
	return js_get_string(root, "credsStore", &name, NULL) && name && *name ? name : NULL;
}

static char *encode_basic(const Credentials *credentials)
{
	g_autofree char *pair =
		g_strconcat(credentials->username, ":", credentials->password, NULL);
	char *encoded = g_base64_encode((guchar *)pair, strlen(pair));
	explicit_bzero(pair, strlen(pair));
	return encoded;
}

bool auth_file_put(Json *root, const char *key, const char *spelling,
		   const Credentials *credentials)
{
	Json *auths = NULL;
	if (!json_object_object_get_ex(root, "auths", &auths) ||
	    !json_object_is_type(auths, json_type_object)) {
		auths = json_object_new_object();
		js_set_take(root, "auths", auths);
	}
	/* Older spellings of the same key go too, else they would come back after a logout. */
	g_autoptr(GPtrArray) old = g_ptr_array_new_with_free_func(g_free);
	json_object_object_foreach(auths, existing, ignored)
	{
		(void)ignored;
		g_autofree char *normal = auth_normalize_key(existing);
		if (strcmp(normal, key) == 0)
			g_ptr_array_add(old, g_strdup(existing));
	}
	for (size_t i = 0; i < old->len; i++)
		json_object_object_del(auths, g_ptr_array_index(old, i));
	if (credentials) {
		Json *entry = json_object_new_object();
		if (credentials->identity_token) {
			js_set_string(entry, "identitytoken", credentials->identity_token);
		} else {
			g_autofree char *auth = encode_basic(credentials);
			js_set_string(entry, "auth", auth);
		}
		js_set_take(auths, spelling, entry);
	}
	return old->len > 0;
}
