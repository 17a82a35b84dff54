/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of skiff-fetch share: their arguments, read from rows.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/auth.h"
#include "storage/store.h"

#define FETCH_FAILED 125

typedef struct {
	const char *name;    /* "--input" */
	const char **value;  /* takes a value ... */
	GPtrArray **values;  /* ... or collects many ... */
	const char **secret; /* ... or the number of a descriptor that holds the value ... */
	bool *flag;          /* ... or is a flag */
} FetchOption;

typedef struct {
	Store *store;
	const char *root;
	char **args;  /* behind the verb; borrowed */
	char *secret; /* what an option read from its descriptor; wiped at the end */
} FetchCall;

/**
 * fetch_parse() - take the options of @rows (ended by a NULL name) and --root, --log-level
 * @operands:	gets the rest, borrowed from call->args
 * @error:	INVALID, or why a secret could not be read
 *
 * At most one option of a call may be a secret.
 */
bool fetch_parse(FetchCall *call, const FetchOption *rows, GPtrArray *operands, GError **error);

/** fetch_open() - open the store after fetch_parse(). */
bool fetch_open(FetchCall *call, GError **error);

/** fetch_commit() - the verb: make an image of a container. Return: the exit code. */
int fetch_commit(FetchCall *call, GError **error);
/** fetch_url() - the verb: a file behind a URL, to standard output. Return: the exit code. */
int fetch_url(FetchCall *call, GError **error);
/** fetch_import() - the verb: make an image of a tar. Return: the exit code. */
int fetch_import(FetchCall *call, GError **error);
/** fetch_inflate() - the verb: a compressed stream, plain. Return: the exit code. */
int fetch_inflate(FetchCall *call, GError **error);
/** fetch_load() - the verb: images from an archive or layout. Return: the exit code. */
int fetch_load(FetchCall *call, GError **error);
/** fetch_import_podman() - the verb: images of podman's store. Return: the exit code. */
int fetch_import_podman(FetchCall *call, GError **error);
/** fetch_podman_layer() - the verb: a layer of podman's store as a tar. Return: the exit code. */
int fetch_podman_layer(FetchCall *call, GError **error);
/** fetch_save() - the verb: images to an archive or layout. Return: the exit code. */
int fetch_save(FetchCall *call, GError **error);
/** fetch_login() - the verb: check and keep credentials of a registry. Return: the exit code. */
int fetch_login(FetchCall *call, GError **error);
/** fetch_logout() - the verb: forget them. Return: the exit code. */
int fetch_logout(FetchCall *call, GError **error);
/** fetch_pull() - the verb: images from registries. Return: the exit code. */
int fetch_pull(FetchCall *call, GError **error);
/** fetch_verify() - the verb: are layers what their diff ids say? Return: the exit code. */
int fetch_verify(FetchCall *call, GError **error);

/** fetch_digest() - the verb: the digest of a name at its registry. Return: the exit code. */
int fetch_digest(FetchCall *call, GError **error);
/** fetch_manifest() - the verb: look at a manifest of a registry. Return: the exit code. */
int fetch_manifest(FetchCall *call, GError **error);
/** fetch_push() - the verb: an image to a registry. Return: the exit code. */
int fetch_push(FetchCall *call, GError **error);
/** fetch_push_index() - the verb: an image index to a registry. Return: the exit code. */
int fetch_push_index(FetchCall *call, GError **error);
/** fetch_search() - the verb: images of registries, as JSON. Return: the exit code. */
int fetch_search(FetchCall *call, GError **error);

/** fetch_check_docker_key() - can @key stand in the file? INVALID for a repository in docker's. */
bool fetch_check_docker_key(const AuthSources *sources, const char *key, GError **error);

/** fetch_registry_operand() - the registry of login and logout: the operand, else the first that is
 * searched. g_free() it. */
char *fetch_registry_operand(const GPtrArray *operands, GError **error);
