/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What variables are worth at a place in a Dockerfile.
 *
 * The global scope holds the ARGs before the first FROM and the platform variables; FROM lines are
 * expanded with it. A stage begins with the environment of its base and, if that is a stage, with
 * the ARGs declared there. "ARG name" takes the value of --build-arg, else the global one. ENV wins
 * over ARG of the same name, wherever it stands.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/dockerfile_parse.h"
#include "build/expand.h"

typedef struct Scope Scope;

typedef struct {
	GHashTable *build_args;        /* char * to char *, of --build-arg; may be NULL */
	const char *const *predefined; /* "TARGETOS=linux" ..., NULL-terminated; may be NULL */
} ScopeInputs;

#define SCOPE_SIZE_MAX  (1u << 20)  /* bytes of names and values of one scope */
#define SCOPES_SIZE_MAX (64u << 20) /* of all scopes of a file */

/** scope_new_global() - the scope before the first FROM; @inputs must outlive it. */
Scope *scope_new_global(const ScopeInputs *inputs, char escape);

/**
 * scope_new_stage() - the scope at the start of a stage
 * @global:	must outlive it
 * @parent:	the stage it is built from, NULL for an image; must not change any more
 * @env:	NAME=VALUE of the image it is built from, NULL with a parent
 */
Scope *scope_new_stage(Scope *global, const Scope *parent, const char *const *env);
void scope_free(Scope *scope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scope, scope_free)

/** scope_apply() - take note of an ARG or ENV; all its values are expanded before any is set.
 * INVALID, also for what is larger than the bounds above. */
bool scope_apply(Scope *scope, const Instruction *instruction, GError **error);

/** scope_lookup() - the value of a variable, an ExpandLookup. */
const char *scope_lookup(const char *name, void *scope);

/** scope_is_declared() - by ARG or ENV, with a value or without. */
bool scope_is_declared(const Scope *scope, const char *name);

/** scope_expander() - an expander over @scope, which it borrows. */
Expander scope_expander(Scope *scope);

/**
 * scope_environ() - the environment of a RUN: ENV, declared ARGs, and the proxies of --build-arg,
 * sorted. g_strfreev() it.
 */
char **scope_environ(const Scope *scope);

/** scope_unused_args() - names of --build-arg that no ARG has asked for so far, sorted, without the
 * predefined ones. g_strfreev() it. */
char **scope_unused_args(const Scope *global);

/** scope_is_proxy() - HTTP_PROXY and its kin in both cases: part of a RUN's environment, never of
 * history or cache keys unless declared. */
bool scope_is_proxy(const char *name);
