/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A project printed: what `config` shows and what hashes are made of.
 */
#pragma once

#include "cmd/compose/compose_file.h"

/**
 * project_output() - the model as it prints
 * @escape:	double each dollar, so that the output reads as input
 *
 * What says nothing (false, 0, "", empty lists) is left out. node_free() it.
 */
Node *project_output(const ComposeProject *project, bool escape);

/** project_output_service() - one service of a model, likewise; @json keeps nulls of commands. */
Node *project_output_service(const Node *service, bool escape, bool json);

/** project_output_json() - the same with what only JSON shows; js_unref() it. */
Json *project_output_json(const ComposeProject *project, bool escape);

/** project_output_yaml() - append a tree in block style; keys in order. */
void project_output_yaml(const Node *node, GString *out);

/** project_resource_hash() - of a network or volume: changes where it must be made anew. g_free()
 * it.
 */
char *project_resource_hash(const Node *resource);

/** project_service_hash() - what `config --hash` prints and the label config-hash holds: changes
 * where the container must. g_free() it. */
char *project_service_hash(const Node *service);
