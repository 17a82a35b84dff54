/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON printed as YAML, as podman's info does.
 */
#pragma once

#include <glib.h>

#include "libpod/base/json.h"

/** yaml_print() - append an object in block style, with a newline at its end. */
void yaml_print(Json *object, GString *out);
