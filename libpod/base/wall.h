/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defences that tests/wall switches off, one at a time, to see that the test of each incident
 * notices. tests/wall/incidents.py says which incident stands behind which defence. In every build
 * but that of the wall (-Dwall=true) they stand, and nothing of this is in the programs.
 */
#pragma once

#include <stdbool.h>

#ifdef SKIFF_WALL
/* The variable that names those which are down, separated by commas; our helpers inherit it. */
#define WALL_VARIABLE "SKIFF_WALL_DOWN"

/** wall_stands() - is @defence up? */
bool wall_stands(const char *defence);
/** wall_environment() - what a helper gets instead of @envp: the same and our variable. */
const char *const *wall_environment(const char *const *envp);
#else
static inline bool wall_stands(const char *defence)
{
	(void)defence;
	return true;
}

static inline const char *const *wall_environment(const char *const *envp)
{
	return envp;
}
#endif
