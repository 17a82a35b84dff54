/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request to the uplink, and the rows of its answer.
 */
#include <glib.h>
#include <stdint.h>

#include "network/uplink_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(const UplinkPort *ports, size_t n, bool bound)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		g_assert_cmpuint((uint32_t)ports[i].host_port + ports[i].count, <=, 65536);
		g_assert_cmpuint((uint32_t)ports[i].container_port + ports[i].count, <=, 65536);
		g_assert_cmpuint(ports[i].count, >=, 1);
		g_assert_true(!bound || ports[i].host_port);
		sum += ports[i].count;
	}
	g_assert_cmpuint(sum, <=, UPLINK_PORTS_SUM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* As it comes from a read: aligned. */
	g_autofree void *copy = g_memdup2(data, size);
	UplinkRequest request;
	const UplinkPort *ports = NULL;
	size_t n = 0;

	if (!copy)
		return 0;
	if (uplink_request_parse(copy, size, &request, &ports)) {
		g_assert_cmpuint(request.n_ports, <=, UPLINK_PORTS_MAX);
		check_rows(ports, request.n_ports, false);
	}
	if (uplink_rows_parse(copy, size, true, &ports, &n))
		check_rows(ports, n, true);
	return 0;
}
