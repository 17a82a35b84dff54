/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environments: the variables that interpolation and services see, in layers.
 */
#pragma once

#include "cmd/compose/interpolate.h"

typedef struct Environment Environment;

/**
 * environment_new() - an empty layer
 * @above:	asked first, borrowed; NULL: none
 * @warnings:	"The "X" variable is not set..." is added here, once; borrowed, may be NULL
 */
Environment *environment_new(const Environment *above, GPtrArray *warnings);
void environment_free(Environment *env);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Environment, environment_free)

/** environment_set() - set a variable of this layer; an old value is kept unless @replace. */
void environment_set(Environment *env, const char *name, const char *value, bool replace);

/** environment_add_strv() - add NAME=VALUE strings. */
void environment_add_strv(Environment *env, const char *const *pairs);

/**
 * environment_add_file() - add what an env file says; later lines win
 * @error:	NOT_FOUND if there is none; INVALID
 */
bool environment_add_file(Environment *env, const char *path, GError **error);

/** environment_lookup() - the value of a variable, NULL if unset. */
const char *environment_lookup(const Environment *env, const char *name);

/** environment_is_true() - is a variable "1" or "true"? */
bool environment_is_true(const Environment *env, const char *name);

/** environment_interpolation() - for interpolate_text(); valid as long as @env. */
Interpolation environment_interpolation(const Environment *env);

/** environment_list() - all layers as sorted NAME=VALUE; g_strfreev() it. */
char **environment_list(const Environment *env);

/** environment_read_file() - the text of a small file; NOT_FOUND if absent. g_free() it. */
char *environment_read_file(const char *path, size_t max_size, size_t *out_size, GError **error);
