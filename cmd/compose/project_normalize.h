/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model made whole: what files leave unsaid, who is enabled, what services see.
 */
#pragma once

#include "cmd/compose/compose_file.h"

/** project_normalize() - defaults, implicit dependencies, the default network, real names. */
bool project_normalize(ComposeProject *project, const ComposeOptions *options, GError **error);

/**
 * project_select() - keep what profiles and the named services enable, and what that uses
 * @error:	NOT_FOUND for a service that does not exist; INVALID where an enabled service
 *		needs a disabled one
 */
bool project_select(ComposeProject *project, const ComposeOptions *options, GError **error);

/** project_environments() - env_file and label_file into environment and labels; a name without
 * a value takes that of the project's environment. */
bool project_environments(ComposeProject *project, GError **error);
