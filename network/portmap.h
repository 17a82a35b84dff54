/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of -p: [[IP:][HOST[-HOST]]:]CONTAINER[-CONTAINER][/tcp|udp].
 */
#pragma once

#include "network/network.h"

/** portmap_parse() - one -p value; podman's wording in errors. Return: NULL with INVALID. Free with
 * port_mapping_free(). */
PortMapping *portmap_parse(const char *text, GError **error);

/** portmap_parse_expose() - "80", "80/udp", "80-82/tcp" of EXPOSE and --expose. */
PortMapping *portmap_parse_expose(const char *text, GError **error);

/** port_mapping_equal() - the same ports, addresses and protocol. */
bool port_mapping_equal(const PortMapping *a, const PortMapping *b);

/**
 * portmap_check() - no two mappings claim the same host address and port, no range runs past 65535
 * @error:	INVALID
 *
 * The same mapping given twice is no conflict: it is bound once.
 */
bool portmap_check(const GPtrArray *ports, GError **error);

/** portmap_format() - "0.0.0.0:8080->80/tcp, ..." as podman ps prints it. g_free() it. */
char *portmap_format(const GPtrArray *ports);
