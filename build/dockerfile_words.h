/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of an instruction before anything is expanded: flags, quoted words, JSON arrays.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** dockerfile_words() - split at blanks outside of quotes; quotes and escapes stay. g_strfreev()
 * it. */
char **dockerfile_words(const char *text, char escape);

/**
 * dockerfile_take_flags() - take "--name[=value]" off the start
 * @io_text:	moved to what follows the flags, and "--" if that ends them
 *
 * Quotes in flags are removed, a backslash keeps the next character. Return: the flags with their
 * dashes. g_strfreev() it.
 */
char **dockerfile_take_flags(const char **io_text);

/** dockerfile_skip_keyword() - from the start of an instruction to what follows its keyword. */
const char *dockerfile_skip_keyword(const char *text);

typedef enum {
	DOCKERFILE_JSON_NONE,    /* not JSON, or no array: this is a command for a shell */
	DOCKERFILE_JSON_STRINGS, /* what was wanted */
	DOCKERFILE_JSON_OTHER,   /* an array of other things than strings */
} DockerfileJson;

/** dockerfile_json_array() - read the JSON form; *@out is set if it is one. g_strfreev() it. */
DockerfileJson dockerfile_json_array(const char *text, char ***out);
