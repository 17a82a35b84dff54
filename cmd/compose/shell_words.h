/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines split as a shell would, without running one.
 */
#pragma once

#include <glib.h>

/**
 * shell_words_split() - the words of a command line
 *
 * Quotes and backslashes are understood, variables are not. As docker compose does, what follows an
 * unquoted ";", "&", "|", "<" or ">" is left out. Return: NULL if a quote is not closed, or at a
 * parenthesis. g_strfreev() it.
 */
char **shell_words_split(const char *text);
