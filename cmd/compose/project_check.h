/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consistency: what parts of a model must not say together.
 */
#pragma once

#include "cmd/compose/compose_file.h"

/** project_check() - refuse a model that contradicts itself; INVALID with the place. */
bool project_check(const ComposeProject *project, GError **error);
