/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IPv6 half of named networks: subnets, gateways and ranges in records and as options.
 */
#pragma once

#include "libpod/named_network.h"

/** named_network6_to_json() - the subnet's row of a record. */
Json *named_network6_to_json(const NamedNetwork *network);
/** named_network6_read() - the reverse, checked. CORRUPT. */
bool named_network6_read(NamedNetwork *network, Json *row, GError **error);

/** named_network6_set() - subnet, gateway and range as asked for. INVALID, IN_USE in podman's
 * words.
 */
bool named_network6_set(NamedNetwork *network, const NamedNetworkSubnet *asked,
			const GPtrArray *networks, GError **error);
/** named_network6_choose() - a unique local subnet that nobody uses. */
void named_network6_choose(NamedNetwork *network, const GPtrArray *networks);
