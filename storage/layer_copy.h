/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-layer's verbs for files that go in and out of trees: containers, volumes, host directories.
 *
 *   stat --path P [--nofollow]   the report says what is there
 *   get --path P [--as NAME] [--nofollow]
 *                                a tar of it to 1; without --as of what the directory holds
 *   put --path P                 the tar at 0 into the directory P
 *   make --path P [--owner U:G]  a directory, with its parents; one that is there stays as it is
 *   remove --path P              what is there, with all it holds; nothing is fine
 *
 * Descriptor 3 is the tree's root (get: or a file), 4 takes the report. Paths are resolved inside
 * the root, each time anew: whatever a container changes meanwhile, nothing outside is reached.
 */
#pragma once

#include <stdbool.h>

/** layer_copy_is_verb() - is @verb one of these? */
bool layer_copy_is_verb(const char *verb);

/** layer_copy_main() - the child's whole run. Return: its exit code. */
int layer_copy_main(int argc, char **argv);
