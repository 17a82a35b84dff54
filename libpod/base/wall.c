/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/wall.h"

#include <stdlib.h>
#include <string.h>

bool wall_stands(const char *defence)
{
	size_t size = strlen(defence);
	const char *at = getenv(WALL_VARIABLE);

	while (at && *at) {
		size_t n = strcspn(at, ",");
		if (n == size && strncmp(at, defence, n) == 0)
			return false;
		at += n + (at[n] == ',');
	}
	return true;
}

/* In a child of vfork(): no allocation. */
const char *const *wall_environment(const char *const *envp)
{
	static const char *list[256];
	static char own[1024];
	const char *down = getenv(WALL_VARIABLE);
	size_t n = 0;

	if (!down || strlen(down) + sizeof(WALL_VARIABLE "=") > sizeof(own))
		return envp;
	for (; envp[n] && n + 2 < sizeof(list) / sizeof(*list); n++)
		list[n] = envp[n];
	stpcpy(stpcpy(own, WALL_VARIABLE "="), down);
	list[n] = own;
	list[n + 1] = NULL;
	return list;
}
