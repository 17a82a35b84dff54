/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What registries_conf.c (meaning) and registries_conf_files.c (where the files are) share.
 */
#pragma once

#include "storage/registries_conf.h"

typedef enum {
	MIRROR_ALL,
	MIRROR_DIGEST_ONLY,
	MIRROR_TAG_ONLY,
} MirrorUse;

typedef struct {
	char *location;
	bool is_insecure;
	MirrorUse use;
} Mirror;

typedef struct {
	char *prefix;   /* "*.example.com" or "host[:port][/path]" */
	char *location; /* NULL: as the prefix, nothing is rewritten */
	bool is_insecure;
	bool is_blocked;
	bool digest_only; /* of all its mirrors */
	GPtrArray *mirrors;
} Registry;

struct RegistriesConf {
	GPtrArray *registries; /* of Registry */
	GHashTable *aliases;   /* short name -> registry/repository */
	char **search;
	char **helpers; /* NULL if none */
	ShortNameMode mode;
};
