/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer changes in the layers below it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * tree_diff() - write the changes, each a letter and a path with a NUL behind it: "A/etc/new"
 * @upper_fd:	the layer: whiteouts are character devices 0:0
 * @lower_fd:	the merged view of the layers below; -1 if there are none
 *
 * A added, C changed, D deleted. A directory in which something changed counts as changed, as
 * docker has it; one that is there only because of an unchanged file does not.
 */
bool tree_diff(int upper_fd, int lower_fd, int out_fd, GError **error);
