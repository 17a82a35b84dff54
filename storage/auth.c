/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: which files and helpers are asked in which order, and who is told to remember.
 */
#include "storage/auth.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "storage/auth_priv.h"

/* The name that registries.conf's credential-helpers uses for the files. */
#define FILES_HELPER "containers-auth.json"

void credentials_free(Credentials *credentials)
{
	if (!credentials)
		return;
	if (credentials->password)
		explicit_bzero(credentials->password, strlen(credentials->password));
	if (credentials->identity_token)
		explicit_bzero(credentials->identity_token, strlen(credentials->identity_token));
	g_free(credentials->username);
	g_free(credentials->password);
	g_free(credentials->identity_token);
	g_free(credentials);
}

Credentials *credentials_parse(const char *text, GError **error)
{
	size_t user = strcspn(text, ":");
	if (user == 0)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "credentials must be USERNAME[:PASSWORD]");
	Credentials *credentials = g_new0(Credentials, 1);
	credentials->username = g_strndup(text, user);
	credentials->password = g_strdup(text[user] ? text + user + 1 : "");
	return credentials;
}

char *credentials_basic(const Credentials *credentials)
{
	if (!credentials->username)
		return NULL;
	g_autofree char *pair =
		g_strconcat(credentials->username, ":", credentials->password, NULL);
	g_autofree char *encoded = g_base64_encode((guchar *)pair, strlen(pair));
	explicit_bzero(pair, strlen(pair));
	return g_strconcat("Basic ", encoded, NULL);
}

/* A file that was named, by option or environment; NULL if none was. */
static const char *named_file(const AuthSources *sources)
{
	if (sources->authfile && *sources->authfile)
		return sources->authfile;
	const char *variable = g_getenv("REGISTRY_AUTH_FILE");
	return variable && *variable ? variable : NULL;
}

/* The file in the runtime directory, which is gone after a reboot. */
static char *runtime_file(void)
{
	const char *runtime = g_getenv("XDG_RUNTIME_DIR");
	if (runtime && *runtime)
		return g_build_filename(runtime, "containers", "auth.json", NULL);
	g_autofree char *uid = g_strdup_printf("%u", (unsigned)geteuid());
	return g_build_filename("/run/containers", uid, "auth.json", NULL);
}

static char *config_file(void)
{
	return g_build_filename(g_get_user_config_dir(), "containers", "auth.json", NULL);
}

static char *docker_file(void)
{
	const char *directory = g_getenv("DOCKER_CONFIG");
	if (directory && *directory)
		return g_build_filename(directory, "config.json", NULL);
	return g_build_filename(g_get_home_dir(), ".docker", "config.json", NULL);
}

char *auth_file_path(const AuthSources *sources)
{
	const char *named = named_file(sources);
	if (named)
		return g_strdup(named);
	/* /run/containers/UID can't be made by an ordinary user. */
	if (!g_getenv("XDG_RUNTIME_DIR") && geteuid() != 0)
		return config_file();
	return runtime_file();
}

/* All files that are read, in their order. */
static char **files_to_read(const AuthSources *sources)
{
	const char *named = named_file(sources);
	char **files = g_new0(char *, 4);
	if (named) {
		files[0] = g_strdup(named);
		return files;
	}
	files[0] = runtime_file();
	files[1] = config_file();
	files[2] = docker_file();
	return files;
}

static char *registry_of(const char *name)
{
	g_autofree char *normal = auth_normalize_key(name);
	return g_strndup(normal, strcspn(normal, "/"));
}

/* Docker and its helpers know the Hub by its old URL. */
static const char *docker_key(const char *registry)
{
	return strcmp(registry, "docker.io") == 0 ? "https://index.docker.io/v1/" : registry;
}

/* One file: its entries first, then the helper it names. */
static bool lookup_in_file(const char *path, const char *name, Credentials **out, GError **error)
{
	g_autoptr(Json) root = NULL;
	*out = NULL;
	if (!auth_file_load(path, &root, error))
		return false;
	if (!root)
		return true;
	g_autofree char *registry = registry_of(name);
	if (!auth_file_find(root, path, name, out, error))
		return false;
	if (*out)
		return true;
	const char *helper = auth_file_helper(root, registry);
	return !helper || auth_helper_get(helper, docker_key(registry), out, error);
}

/* All files in their order; one that --authfile names must be there. */
static bool lookup_in_files(const AuthSources *sources, const char *name, Credentials **out,
			    GError **error)
{
	g_auto(GStrv) files = files_to_read(sources);
	const char *named = sources->authfile;
	*out = NULL;
	if (named && *named && access(named, F_OK) < 0)
		return error_set_errno_go(error, "credential file is not accessible: stat %s",
					  named);
	for (size_t i = 0; files[i]; i++)
		if (!lookup_in_file(files[i], name, out, error))
			return false;
		else if (*out)
			return true;
	return true;
}

bool auth_lookup(const AuthSources *sources, const char *name, Credentials **out, GError **error)
{
	static const char *const only_files[] = {FILES_HELPER, NULL};
	const char *const *helpers = sources->helpers ? sources->helpers : only_files;
	g_autofree char *registry = registry_of(name);
	*out = NULL;
	for (size_t i = 0; helpers[i]; i++) {
		bool ok = strcmp(helpers[i], FILES_HELPER) == 0
				  ? lookup_in_files(sources, name, out, error)
				  : auth_helper_get(helpers[i], docker_key(registry), out, error);
		if (!ok)
			return false;
		if (*out)
			return true;
	}
	return true;
}

typedef struct {
	const char *key; /* NULL: all */
	const char *spelling;
	const Credentials *credentials;
	bool was_there;
} Change;

static bool apply_change(Json *root, void *data, GError **error)
{
	Change *change = data;
	(void)error;
	if (change->key) {
		change->was_there =
			auth_file_put(root, change->key, change->spelling, change->credentials);
	} else {
		change->was_there = true;
		js_set_take(root, "auths", json_object_new_object());
	}
	return true;
}

/* The helper that is in charge of @registry: configured ones first, then what the file says. */
static bool find_helper_in_charge(const AuthSources *sources, const char *path,
				  const char *registry, char **out, GError **error)
{
	*out = NULL;
	if (sources->helpers && sources->helpers[0]) {
		if (strcmp(sources->helpers[0], FILES_HELPER) != 0)
			*out = g_strdup(sources->helpers[0]);
		return true;
	}
	g_autoptr(Json) root = NULL;
	if (!auth_file_load(path, &root, error))
		return false;
	if (root)
		*out = g_strdup(auth_file_helper(root, registry));
	return true;
}

bool auth_store(const AuthSources *sources, const char *key, const Credentials *credentials,
		char **out_where, GError **error)
{
	g_autofree char *path = auth_file_path(sources);
	g_autofree char *normal = auth_normalize_key(key);
	g_autofree char *registry = registry_of(key);
	g_autofree char *helper = NULL;
	if (!find_helper_in_charge(sources, path, registry, &helper, error))
		return false;
	if (helper) {
		if (!auth_helper_store(helper, docker_key(registry), credentials, error))
			return false;
		*out_where = g_strdup_printf("credential helper '%s'", helper);
		return true;
	}
	Change change = {
		.key = normal,
		.spelling = sources->is_docker ? docker_key(normal) : normal,
		.credentials = credentials,
	};
	if (!auth_file_edit(path, apply_change, &change, error))
		return false;
	*out_where = g_steal_pointer(&path);
	return true;
}

bool auth_remove(const AuthSources *sources, const char *key, GError **error)
{
	g_autofree char *path = auth_file_path(sources);
	if (!key) {
		Change change = {0};
		return auth_file_edit(path, apply_change, &change, error);
	}
	g_autofree char *normal = auth_normalize_key(key);
	g_autofree char *registry = registry_of(key);
	g_autofree char *helper = NULL;
	if (!find_helper_in_charge(sources, path, registry, &helper, error))
		return false;
	if (helper)
		return auth_helper_erase(helper, docker_key(registry), error);
	Change change = {.key = normal};
	if (access(path, F_OK) == 0 && !auth_file_edit(path, apply_change, &change, error))
		return false;
	if (change.was_there)
		return true;
	g_autoptr(Credentials) elsewhere = NULL;
	if (!auth_lookup(sources, key, &elsewhere, error))
		return false;
	error_set(error, ENGINE_ERROR_NOT_FOUND, "not logged into %s", key);
	if (elsewhere)
		error_add_help(error,
			       "there are credentials in another tool's file, which is left alone");
	return false;
}

/* token-servers.json: {"registry": "https://token-server"} */
static char *realms_file(void)
{
	return g_build_filename(g_get_user_config_dir(), "skiff", "token-servers.json", NULL);
}

typedef struct {
	const char *registry;
	const char *origin;
} RealmPair;

static bool add_realm(Json *root, void *data, GError **error)
{
	const RealmPair *pair = data;
	(void)error;
	json_object_object_del(root, pair->registry);
	js_set_string(root, pair->registry, pair->origin);
	return true;
}

bool auth_realm_allow(const char *registry, const char *realm_origin, GError **error)
{
	g_autofree char *path = realms_file();
	RealmPair pair = {registry, realm_origin};
	return auth_file_edit(path, add_realm, &pair, error);
}

bool auth_realm_is_allowed(const char *registry, const char *realm_origin)
{
	g_autofree char *path = realms_file();
	g_autoptr(Json) root = NULL;
	const char *origin = NULL;
	return auth_file_load(path, &root, NULL) && root &&
	       js_get_string(root, registry, &origin, NULL) && g_strcmp0(origin, realm_origin) == 0;
}
