/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writer and the reader of config.json share: names of namespaces, and the annotations
 * that carry what the specification has no place for. An image's labels never reach these keys.
 */
#pragma once

#include "libpod/runtime/oci_config.h"

#define OCI_VERSION "1.1.0"

#define OCI_KEY_USER        "io.skiff.user"   /* user[:group], resolved inside the container */
#define OCI_KEY_GROUPS      "io.skiff.groups" /* names or numbers, joined by commas */
#define OCI_KEY_KEEP_GROUPS "run.oci.keep_original_groups" /* "1", as crun has it */
#define OCI_KEY_PASSWD      "io.skiff.passwd-entry" /* a line with $NAMES for an unknown user */
#define OCI_KEY_GROUP       "io.skiff.group-entry"
#define OCI_KEY_SECRETS     "io.skiff.secrets"    /* JSON: an array of what an OciSecret says */
#define OCI_KEY_INIT        "io.skiff.init"       /* "true": our reaper is pid 1 */
#define OCI_KEY_CREATE_CWD  "io.skiff.create-cwd" /* "true" */
#define OCI_KEY_DEVICES                                                                            \
	"io.skiff.device-sources" /* JSON object: path in the container to host path */

extern const char *const oci_namespace_names[OCI_NS_COUNT];

/** oci_config_is_own_annotation() - one of the keys above. */
bool oci_config_is_own_annotation(const char *key);
