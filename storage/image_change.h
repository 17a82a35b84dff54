/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions that --change of import and commit accept: they edit an image config's "config"
 * object.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"

/**
 * image_change_apply() - apply one instruction: CMD ENTRYPOINT ENV EXPOSE LABEL ONBUILD STOPSIGNAL
 * USER VOLUME WORKDIR
 * @config:	the inner "config" object
 * @text:	"CMD ["sh"]", "ENV a=b" or podman's "CMD=sh"
 * @error:	INVALID
 */
bool image_change_apply(Json *config, const char *text, GError **error);
