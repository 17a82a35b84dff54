/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods that come with their first container.
 */
#pragma once

#include "libpod/engine.h"
#include "libpod/spec.h"
#include "storage/image.h"

/**
 * pod_create_asked() - --pod new:NAME: make the pod, with the network and host name of the options
 * @image:	for --publish-all; may be NULL
 *
 * --pod is the new pod's id then. Another --pod is left alone.
 */
bool pod_create_asked(Engine *engine, ContainerSpec *spec, const Image *image, GError **error);
