/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: secrets/NAME/ in the store with secret.json and, readable by its owner alone, data.
 *
 * A container gets a secret's bytes through a memfd and a file system in memory; no report, log,
 * layer or record of a container has them, but its own directory, which is as private as the store.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "libpod/engine.h"

#define SECRET_SIZE_MAX     512000 /* bytes; podman's limit */
#define SECRET_SIZE_PROBLEM "secret data must be larger than 0 and less than 512000 bytes"

typedef struct {
	char *id; /* 25 hex digits */
	char *name;
	int64_t created, updated; /* ns */
	GHashTable *labels;
	GHashTable *options; /* of the driver; nothing is done with them */
	char *digest;        /* of its bytes; NULL in old records */
} Secret;

void secret_free(Secret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Secret, secret_free)

typedef struct {
	const char *name;
	const void *data;
	size_t size;
	GHashTable *labels;  /* NULL: none */
	GHashTable *options; /* of the driver; NULL: none */
	bool replace;        /* one of that name, if there is one */
	bool ignore;         /* one of that name is fine and stays */
} SecretCreate;

/** secret_check_name() - INVALID, in podman's words, for what is no name of a secret. */
bool secret_check_name(const char *name, GError **error);

/** secret_create() - EXISTS, INVALID in podman's words. */
Secret *secret_create(Engine *engine, const SecretCreate *options, GError **error);
/** secret_resolve() - by name, id or a unique prefix of the id; NOT_FOUND: no secret with name or
 * id "X": no such secret. */
Secret *secret_resolve(Engine *engine, const char *name, GError **error);
/** secrets_list() - all, by name; broken ones are skipped with log_warn. GPtrArray of Secret. */
GPtrArray *secrets_list(Engine *engine, GError **error);
/** secret_read() - its bytes, with a NUL behind them; secret_wipe() them. */
char *secret_read(Engine *engine, const Secret *secret, size_t *out_size, GError **error);
/** secret_wipe() - overwrite and free; NULL is fine. */
void secret_wipe(char *data, size_t size);
/** secret_copy() - bytes that somebody else keeps, with a NUL behind them. secret_wipe() it. */
char *secret_copy(GBytes *bytes, size_t *out_size);
/** secret_restore() - write secret.json again around the bytes of one that has lost it; it gets a
 * new id. */
bool secret_restore(Engine *engine, const char *name, GError **error);
/** secret_remove() - containers that have it as a file keep theirs. */
bool secret_remove(Engine *engine, const Secret *secret, GError **error);
/** secret_inspect() - podman's report; @show: with the bytes. */
Json *secret_inspect(Engine *engine, const Secret *secret, bool show, GError **error);
