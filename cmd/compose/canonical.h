/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical form: a file checked against its shape, short syntaxes written out, texts cast.
 */
#pragma once

#include "cmd/compose/shape.h"

/**
 * canonical_apply() - check @node and bring it to its normal form, in place
 * @path:	where it is: "" for a file, "services.web" for a service
 * @error:	INVALID with the place; an unknown key suggests its neighbours
 */
bool canonical_apply(const Shape *shape, Node *node, const char *path, GError **error);

/* The short forms; rows of shape.c name them. */
bool canonical_build(Node *value, const char *path, GError **error);
bool canonical_gpus(Node *value, const char *path, GError **error);
bool canonical_count(Node *value, const char *path, GError **error);
bool canonical_depends_on(Node *value, const char *path, GError **error);
bool canonical_device(Node *value, const char *path, GError **error);
bool canonical_env_file(Node *value, const char *path, GError **error);
bool canonical_env_files(Node *value, const char *path, GError **error);
bool canonical_extends(Node *value, const char *path, GError **error);
bool canonical_external(Node *value, const char *path, GError **error);
bool canonical_file_ref(Node *value, const char *path, GError **error);
bool canonical_hosts(Node *value, const char *path, GError **error);
bool canonical_include(Node *value, const char *path, GError **error);
bool canonical_includes(Node *value, const char *path, GError **error);
bool canonical_names(Node *value, const char *path, GError **error);
bool canonical_ports(Node *value, const char *path, GError **error);
bool canonical_pull_policy(Node *value, const char *path, GError **error);
bool canonical_secret(Node *value, const char *path, GError **error);
bool canonical_ssh(Node *value, const char *path, GError **error);
bool canonical_test(Node *value, const char *path, GError **error);
bool canonical_ulimit(Node *value, const char *path, GError **error);
bool canonical_volume(Node *value, const char *path, GError **error);

/** canonical_pull_age() - of "daily", "weekly", "every_DURATION": how old an image may be. Return:
 * false for another policy. */
bool canonical_pull_age(const char *policy, int64_t *out_ns);
