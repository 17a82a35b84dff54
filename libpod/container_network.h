/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The named networks of a container that exists.
 *
 * networks.json in its directory lists them from the first change on, instead of create.json;
 * state.json has their names, for who asks whether a network is in use. A container that runs is
 * changed by its monitor, and then recorded.
 */
#pragma once

#include <stdbool.h>

#include "libpod/container.h"
#include "libpod/named_network.h"
#include "network/attachment.h"

/**
 * container_network_connect() - put a container on a network
 * @attachment:	what is asked for; its name is the network's
 * @error:	INVALID in podman's words: it is connected already, or its network mode is another
 */
bool container_network_connect(Container *ctr, const NamedNetwork *network,
			       NetworkAttachment *attachment, GError **error);

/** container_network_disconnect() - take it off; INVALID in podman's words if it is not on it. */
bool container_network_disconnect(Container *ctr, const char *called, const char *network,
				  GError **error);

/** container_network_reload() - have its monitor see to homes and an uplink that were killed.
 * BAD_STATE. */
bool container_network_reload(Container *ctr, GError **error);

/** container_network_tell_servers() - tell the monitor of a member what the network's record says.
 */
bool container_network_tell_servers(Container *ctr, const NamedNetwork *network, GError **error);
