/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Env files: the grammar of .env, --env-file and env_file.
 *
 *   export KEY = value # comment	KEY: value	KEY (inherited)
 *   KEY='literal'	KEY="with \n, $X and
 *   more lines"
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/compose/interpolate.h"

#define DOTENV_SIZE_MAX (4 * 1024 * 1024)

typedef struct {
	char *name;
	char *value; /* NULL: a bare name that is set nowhere */
} DotenvPair;

/** dotenv_pair_free() - for arrays of them. */
void dotenv_pair_free(void *pair);

/**
 * dotenv_parse() - read the text of an env file
 * @file:	names it in messages
 * @outer:	what surrounds the file: it wins over earlier lines
 * @raw:	docker run's format: no quotes, no variables
 *
 * Return: of DotenvPair in order, g_ptr_array_unref() it; NULL with INVALID.
 */
GPtrArray *dotenv_parse(const char *text, const char *file, const Interpolation *outer, bool raw,
			GError **error);
