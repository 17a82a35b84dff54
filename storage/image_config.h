/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image config (OCI image-spec config.md; Docker's is read the same): every value is hostile
 * until image_config_parse() has accepted it (security R11, 1.5).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"

typedef struct {
	char *created; /* RFC 3339 as written, or NULL */
	char *author;
	char *architecture;
	char *os;
	char *variant;
	char *user;
	char **env;        /* each KEY=VALUE, checked; never NULL */
	char **entrypoint; /* NULL if unset */
	char **cmd;        /* NULL if unset */
	char **volumes;    /* cleaned absolute paths; never NULL */
	char **exposed_ports;
	char **shell;
	char *working_dir;  /* NULL if unset */
	char *stop_signal;  /* NULL if unset */
	GHashTable *labels; /* never NULL */
	char **diff_ids;    /* never NULL */
	Json *healthcheck;  /* raw, or NULL */
	Json *history;      /* raw array, or NULL */
} ImageConfig;

/** image_config_parse() - parse and validate raw bytes (<= 4 MiB). INVALID or CORRUPT says which
 * value. */
ImageConfig *image_config_parse(const char *text, size_t size, GError **error);
void image_config_free(ImageConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageConfig, image_config_free)
