/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reports share.
 *
 * Long objects start as a text in which every key stands in podman's order with the value it has
 * when nothing was asked for; setters then replace values in place.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "libpod/container.h"
#include "storage/image.h"

/** inspect_skeleton() - an object from a text of ours. */
Json *inspect_skeleton(const char *text);

/** inspect_set_text() - a string that is "" where C has NULL. */
void inspect_set_text(Json *object, const char *key, const char *value);

/** inspect_set_null() - null, as Go prints an empty list or map that was never made. */
void inspect_set_null(Json *object, const char *key);

/** inspect_set_list() - an array, [] for NULL. */
void inspect_set_list(Json *object, const char *key, char *const *strv);

/** inspect_set_time() - a time; 0 is Go's zero time. */
void inspect_set_time(Json *object, const char *key, int64_t ns);

/** inspect_set_keys() - an object whose keys are @strv and whose values are empty objects. */
void inspect_set_keys(Json *object, const char *key, char *const *strv);

/** inspect_capabilities() - names in a set, sorted. */
Json *inspect_capabilities(uint64_t set);

/** inspect_id_map() - ["INSIDE:OUTSIDE:COUNT", ...]. */
Json *inspect_id_map(const GArray *ranges);

/** inspect_host_config() - HostConfig of a container. */
Json *inspect_host_config(Container *ctr, const ContainerSpec *spec, GError **error);

/** inspect_ports() - "80/tcp": [{"HostIp", "HostPort"}] of mappings; exposed ports without one are
 * null. */
Json *inspect_ports(const GPtrArray *ports, char *const *exposed);

/** inspect_layer_paths() - absolute diff directories of an image, top first. g_strfreev() it. */
char **inspect_layer_paths(Engine *engine, const Image *image);
