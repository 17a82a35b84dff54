/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images of a project by the digests that their registries have for them now.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/compose/compose_file.h"

/**
 * image_digests_resolve() - write the digest behind the image of every service that has none
 *
 * Names are docker's: "nginx" becomes "docker.io/library/nginx:latest@sha256:...". Services without
 * an image stay as they are. Return: false with UNREACHABLE or INVALID.
 */
bool image_digests_resolve(ComposeProject *project, const Invocation *inv, GError **error);

/** image_digests_lock() - leave nothing in the model but the images of the services. */
void image_digests_lock(ComposeProject *project);
