/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of skiff-fetch, from the options of the verbs that run it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/command.h"
#include "libpod/engine.h"

typedef struct FetchArgs FetchArgs;

/** fetch_args_new() - start with the verb. */
FetchArgs *fetch_args_new(const char *verb);
void fetch_args_free(FetchArgs *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FetchArgs, fetch_args_free)

/** fetch_args_add() - "--name value"; nothing for NULL. */
void fetch_args_add(FetchArgs *args, const char *name, const char *value);

/**
 * fetch_args_add_secret() - "--name" with a descriptor that holds @value; nothing for NULL
 * @value:	borrowed until fetch_args_run(); it is in no argument and no environment (R16)
 *
 * One for each FetchArgs.
 */
void fetch_args_add_secret(FetchArgs *args, const char *name, const char *value);

/** fetch_args_add_flag() - "--name" if @on. */
void fetch_args_add_flag(FetchArgs *args, const char *name, bool on);

/** fetch_args_add_tristate() - "--name true", "--name false", or nothing. */
void fetch_args_add_tristate(FetchArgs *args, const char *name, Tristate value);

/** fetch_args_add_operand() - an argument that is no option: refused if it looks like one. INVALID.
 */
bool fetch_args_add_operand(FetchArgs *args, const char *operand, GError **error);

/**
 * fetch_args_run() - run skiff-fetch; its output and errors are printed by itself
 * @capture:	takes its stdout unless NULL
 *
 * Return: exit code for the command; errors of ours are printed.
 */
int fetch_args_run(const FetchArgs *args, Engine *engine, char **capture);

/* How to reach a registry: rows shared by pull and login. */
typedef struct {
	const char *authfile, *cert_dir, *retry, *retry_delay;
	char *creds; /* option_set_secret() */
	Tristate tls_verify;
} RegistryOptionValues;

/** registry_options_add() - hand them on; @values is borrowed until fetch_args_run(). */
void registry_options_add(FetchArgs *args, const RegistryOptionValues *values);
