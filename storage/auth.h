/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of registries: auth.json as podman and docker write it, and credential helpers.
 *
 * Read, first hit wins: the file that was named (--authfile, $REGISTRY_AUTH_FILE) and nothing else;
 * or $XDG_RUNTIME_DIR/containers/auth.json (without that variable /run/containers/UID/auth.json),
 * $XDG_CONFIG_HOME/containers/auth.json, $DOCKER_CONFIG or ~/.docker/config.json. Keys may be
 * narrower than a registry ("quay.io/team/app"): the narrowest wins. Written: the named one, else
 * the first. A helper that fails is an error; nothing else is tried in its place (CVE-2021-41092).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *username;       /* NULL with an identity token */
	char *password;       /* wiped when freed */
	char *identity_token; /* OAuth2 refresh token, or NULL */
} Credentials;

void credentials_free(Credentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Credentials, credentials_free)

/** credentials_parse() - "USER[:PASSWORD]" of --creds; without a password it is empty. INVALID. */
Credentials *credentials_parse(const char *text, GError **error);

/** credentials_basic() - value of a Basic Authorization header. NULL for an identity token.
 * g_free() it. */
char *credentials_basic(const Credentials *credentials);

typedef struct {
	const char *authfile;       /* --authfile, or NULL */
	const char *const *helpers; /* credential-helpers of registries.conf, or NULL */
	bool is_docker; /* the authfile is docker's, which spells Hub's key in its way */
} AuthSources;

/**
 * auth_lookup() - credentials for "registry/repository" (or a registry alone)
 * @out:	NULL if there are none
 * @error:	also when the file that was named does not exist
 */
bool auth_lookup(const AuthSources *sources, const char *name, Credentials **out, GError **error);

/**
 * auth_store() - remember credentials for a registry (or a narrower key)
 * @out_where:	the file or helper they went to. g_free() it.
 */
bool auth_store(const AuthSources *sources, const char *key, const Credentials *credentials,
		char **out_where, GError **error);

/**
 * auth_remove() - forget the credentials of @key; NULL: all of the file that is written
 * @error:	NOT_FOUND "not logged into KEY"
 */
bool auth_remove(const AuthSources *sources, const char *key, GError **error);

/** auth_file_path() - the file that login and logout write. g_free() it. */
char *auth_file_path(const AuthSources *sources);

/**
 * auth_realm_allow() - remember that @realm_origin issues tokens for @registry, as a login found
 * @realm_origin:	"https://auth.example.com"
 */
bool auth_realm_allow(const char *registry, const char *realm_origin, GError **error);

/** auth_realm_is_allowed() - was that pairing remembered? */
bool auth_realm_is_allowed(const char *registry, const char *realm_origin);
