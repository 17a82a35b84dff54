/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars: what a plain word of a YAML file means, and the casts behind interpolation.
 *
 * The core schema of YAML 1.2, with the integers that Go's reader takes: 0777 is octal, 0b1 binary
 * and underscores are dropped, so that a mode of 0440 is what it is everywhere else.
 */
#pragma once

#include "cmd/compose/node.h"

/** scalar_resolve() - the node that a plain (unquoted) word stands for. */
Node *scalar_resolve(const char *text, Place at);

/** scalar_format_float() - as Go prints it: "0.5", "1e+21". g_free() it. */
char *scalar_format_float(double value);

/**
 * scalar_cast() - make a string an integer, a float or a boolean in place, where it can be one
 * @kind:	NODE_INT, NODE_FLOAT or NODE_BOOL
 *
 * Booleans may be y, yes, on and their opposites. Return: false, with @node as it was, for
 * a word that is none.
 */
bool scalar_cast(Node *node, NodeKind kind);
