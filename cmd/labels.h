/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels as filters ask for them and lists print them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** labels_match() - does @labels (NULL: none) have "KEY", or "KEY=VALUE"? Any table of strings. */
bool labels_match(GHashTable *labels, const char *wanted);

/** labels_format() - "a=1,b=2", keys sorted, as podman 6 has labels in lists. g_free() it. */
char *labels_format(GHashTable *labels);
