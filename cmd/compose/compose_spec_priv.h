/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of compose_spec share: attributes on their way to a spec.
 */
#pragma once

#include "cmd/compose/compose_spec.h"
#include "libpod/spec_parse.h"

typedef struct {
	const ComposeSpec *make;
	ContainerSpec *spec;
} Build;

/** spec_call() - call a setter; its error gets the key's name and place. */
bool spec_call(Build *build, const char *key, SpecSetter set, const char *value, GError **error);
/** spec_call_shared() - the same for a namespace: service:X is the first container of X; it exists,
 * since X comes first. */
bool spec_call_shared(Build *build, const char *key, SpecSetter set, const char *text,
		      GError **error);

/* Attributes, by their keys. */
bool spec_apply_blkio(Build *build, const Node *value, GError **error);
bool spec_apply_gpus(Build *build, const Node *value, GError **error);
bool spec_apply_ipc(Build *build, const Node *value, GError **error);
bool spec_apply_external_links(Build *build, const Node *value, GError **error);
bool spec_apply_links(Build *build, const Node *value, GError **error);
bool spec_apply_network_mode(Build *build, const Node *value, GError **error);
bool spec_apply_networks(Build *build, const Node *value, GError **error);
bool spec_apply_pid(Build *build, const Node *value, GError **error);
bool spec_apply_ports(Build *build, const Node *value, GError **error);
bool spec_apply_uts(Build *build, const Node *value, GError **error);
/** spec_add_requests() - requests for devices: GPUs, or with the driver cdi whatever its files
 * describe. */
bool spec_add_requests(Build *build, const char *key, const Node *list, bool gpus, GError **error);
