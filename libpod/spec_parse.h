/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters: one function per option grammar. Each parses one value and writes fields of one ContainerSpec; none
 * looks at images, containers or the host. All return false with INVALID (UNSUPPORTED where said so) in
 * podman's wording. Shared by every front end.
 */
#pragma once

#include "libpod/spec.h"

typedef bool (*SpecSetter)(ContainerSpec *spec, const char *value, GError **error);
