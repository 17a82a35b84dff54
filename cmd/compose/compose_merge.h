/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging: what a later file says onto what earlier ones said, both in canonical form.
 */
#pragma once

#include "cmd/compose/shape.h"

/**
 * compose_merge() - merge @over into @base, in place
 *
 * Maps merge, lists append, scalars are replaced, as the rows of @shape say. What @over tags
 * !reset stays as a marker, so that it also works on what @base is merged into; node_settle()
 * drops these.
 */
void compose_merge(const Shape *shape, Node *base, const Node *over);

/** compose_merge_drop_nulls() - take keys without a value out of @over, raw, where @base has one:
 * they change nothing, whatever belongs there. A command keeps its null, which is the image's. */
void compose_merge_drop_nulls(const Shape *shape, Node *over, const Node *base);

/** compose_unify() - leave one member of each key in the unique lists of a tree: the last, where
 * the first stood. */
void compose_unify(const Shape *shape, Node *node);
