/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the kernel to netlink requests. The first byte is how many acknowledgements are
 * expected.
 */
#include <glib.h>
#include <stdint.h>

#include "network/netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	NetlinkAcks acks = {.expected = data[0] % (NETLINK_BATCH_MAX + 1), .optional = 0x5};
	int rc = netlink_parse_acks(data + 1, size - 1, &acks);

	g_assert_cmpint(rc, <=, 0);
	g_assert_cmpint(acks.result, <=, 0);
	int state = netlink_parse_socket(data + 1, size - 1, 1);
	g_assert_cmpint(state, <=, UINT8_MAX);
	return 0;
}
