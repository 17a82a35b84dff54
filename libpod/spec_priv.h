/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the spec share.
 */
#pragma once

#include "libpod/spec.h"

/** spec_strv_append() - add a copy of @value to a vector that may be NULL. */
void spec_strv_append(char ***strv, const char *value);

/** spec_strv_take() - the same, taking @value. */
void spec_strv_take(char ***strv, char *value);

/** spec_fail_errno() - SYSTEM (NOT_FOUND for ENOENT) "CALL PATH: no such file or directory", in lower case as podman's. */
bool spec_fail_errno(GError **error, const char *call, const char *path);

/** spec_has_control() - control characters, DEL included, that would end a line or a field somewhere. */
bool spec_has_control(const char *text);
