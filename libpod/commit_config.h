/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image of a container says about how to run it.
 */
#pragma once

#include "libpod/base/json.h"
#include "libpod/spec.h"
#include "storage/image.h"

/**
 * commit_config() - the inner "config" object: the image's, with what was asked for the container
 * @image:	NULL for one without
 *
 * Variables that skiff added by itself (proxies of the host) are left out. js_unref() it.
 */
Json *commit_config(const ContainerSpec *spec, const Image *image, GError **error);

/**
 * commit_config_merge() - --config: put another "config" object over @config
 * @text:	its JSON, Docker's form
 * @error:	INVALID
 *
 * Words and lists replace, ports, volumes, labels and variables are added to those that are there.
 */
bool commit_config_merge(Json *config, const char *text, size_t size, GError **error);
