/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule of develop.watch: which paths are its own.
 */
#pragma once

#include "cmd/compose/compose_file.h"

typedef struct WatchRule WatchRule;

/**
 * watch_rule_new() - read one member of a service's develop.watch
 * @error:	INVALID with its place: an unknown action, a path that is not there, a pattern
 */
WatchRule *watch_rule_new(const NodeEntry *service, const Node *node, GError **error);
void watch_rule_free(WatchRule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WatchRule, watch_rule_free)

/** watch_rule_service() - whose it is; watch_rule_path(): absolute; watch_rule_node(): as read. All
 * borrowed. */
const NodeEntry *watch_rule_service(const WatchRule *rule);
const char *watch_rule_path(const WatchRule *rule);
const Node *watch_rule_node(const WatchRule *rule);

/** watch_rule_syncs() - does it copy? watch_rule_says() - is it, or does it end with, this action?
 */
bool watch_rule_syncs(const WatchRule *rule);
bool watch_rule_says(const WatchRule *rule, const char *action);

/** watch_rule_matches() - is a change of this absolute path its own? */
bool watch_rule_matches(const WatchRule *rule, const char *path);

/** watch_rule_prunes() - can nothing below this directory be its own? */
bool watch_rule_prunes(const WatchRule *rule, const char *directory);

/** watch_rule_target() - where the path is in the container. g_free() it. */
char *watch_rule_target(const WatchRule *rule, const char *path);
