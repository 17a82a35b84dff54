/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers.conf: the defaults of containers that users of podman have written down
 * (containers.conf(5)).
 *
 * Files, later ones over earlier ones: /usr/share/containers/containers.conf,
 * /etc/containers/containers.conf and its .d, for everybody but root
 * /etc/containers/containers.rootless.conf and its .d (with a directory per user id),
 * ~/.config/containers/containers.conf and its .d. $CONTAINERS_CONF stands for all of them;
 * $CONTAINERS_CONF_OVERRIDE is read last. With no file at all this costs a few failed openat().
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "libpod/spec.h"

typedef struct Config Config;

/**
 * config_load() - read the files
 * @modules:	of --module, NULL-terminated or NULL: files, or names in containers.conf.modules
 *		beside one of the files above; over all but the override
 * @error:	INVALID names file, line and column; NOT_FOUND: no such module
 */
Config *config_load(const char *const *modules, GError **error);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/**
 * config_add() - read one more file over what is there
 * @text:	NULL: read the file @name; an absent file is fine
 */
bool config_add(Config *config, const char *name, const char *text, GError **error);

/** config_new() - no file read. */
Config *config_new(void);

/** config_apply() - fill what @spec leaves open. INVALID or UNSUPPORTED names file and key. */
bool config_apply(const Config *config, ContainerSpec *spec, GError **error);

/** config_report() - {"files": [...], "ignored": [...]} for `info`; with a broken file {"problem":
 * ...}. */
Json *config_report(void);
