/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to nodes: libyaml's events, YAML 1.2's scalars, with aliases and << resolved.
 *
 * The text is foreign. Its size, its depth, the number of nodes and the bytes that aliases repeat
 * are bounded, so that a few lines cannot become gigabytes.
 */
#pragma once

#include "cmd/compose/node.h"

#define YAML_READ_SIZE_MAX  (4 * 1024 * 1024)
#define YAML_READ_NODES_MAX 100000
#define YAML_READ_BYTES_MAX (32 * 1024 * 1024)

/**
 * yaml_read() - the documents of a text
 * @file:	names it in messages and in the places of the nodes
 * @error:	INVALID: no YAML, a key twice, an alias to itself, too much of it
 *
 * Return: of Node, empty documents left out; g_ptr_array_unref() it. NULL on error.
 */
GPtrArray *yaml_read(const char *text, size_t size, const char *file, GError **error);
