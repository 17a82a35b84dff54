/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of a container beside its unit: what stands in a unit everybody may read, in the file
 * and in what systemd tells of it, so they go to a file of mode 0600.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** env_file_add() - put "NAME=VALUE" into the text of such a file; false: it would not be the same
 * variable when it is read, and belongs in the unit. */
bool env_file_add(GString *text, const char *pair);

/** env_file_write() - write the file, readable by its owner only. */
bool env_file_write(const char *path, const GString *text, GError **error);

/** env_file_is_secret() - does the name of the "NAME=VALUE" say that nobody should see its value?
 */
bool env_file_is_secret(const char *pair);

/** env_file_warn() - say it of a variable that a unit is printed with. */
void env_file_warn(const char *pair);
