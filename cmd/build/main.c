/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-build: becomes of `skiff build`; argv is skiff's own, argv[0] its path.
 */
#include <stdio.h>

#include "cmd/command.h"

int main(int argc, char **argv)
{
	if (argc > 1 && argv[0][0] == '/')
		return command_dispatch(argc, argv);
	(void)fprintf(stderr, "Error: skiff-build is run by skiff\n");
	return 125;
}
