/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How events print: podman's line, JSON, or a template.
 */
#pragma once

#include "libpod/events.h"

/** event_docker_action() - docker's word for what happened: "die", "destroy", "delete", ... */
const char *event_docker_action(const Event *event);

/** event_print() - @format: NULL, "json", or a template. INVALID for a template that makes no
 * sense. */
bool event_print(const Event *event, const char *format, bool no_trunc, GError **error);
