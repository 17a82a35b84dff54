/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame from the container, in front of it four bytes of checksum offsets as a packet socket
 * gives them. Whatever the filter lets through must not be for the host itself.
 */
#include <arpa/inet.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "network/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_allowed(const FrameRules *rules, const uint8_t *frame, size_t size)
{
	static const uint8_t zero[10];

	if (frame[12] == 0x08 && frame[13] == 0x00) {
		g_assert_cmpuint(size, >=, 34);
		g_assert_cmpuint(frame[30], !=, 127);
		g_assert_cmpuint(frame[30], !=, 0);
	} else if (frame[12] == 0x86 && frame[13] == 0xdd) {
		g_assert_true(rules->ipv6);
		g_assert_cmpuint(size, >=, 54);
		g_assert_true(memcmp(frame + 38, zero, sizeof(zero)) != 0);
	} else {
		g_assert_cmpuint(frame[12], ==, 0x08);
		g_assert_cmpuint(frame[13], ==, 0x06);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FrameRules rules = {.ipv6 = true};

	if (size < 5)
		return 0;
	inet_pton(AF_INET, "10.0.2.2", &rules.gateway);
	inet_pton(AF_INET, "10.0.2.3", &rules.dns);
	inet_pton(AF_INET6, "fd00::2", &rules.gateway6);
	inet_pton(AF_INET6, "fd00::3", &rules.dns6);
	size_t start = (size_t)(data[0] << 8 | data[1]), offset = (size_t)(data[2] << 8 | data[3]);
	g_autofree uint8_t *frame = g_memdup2(data + 4, size - 4);
	for (int i = 0; i < 4; i++) {
		rules.allow_host_loopback = i & 1;
		rules.ipv6 = i & 2;
		if (frame_is_allowed(&rules, frame, size - 4))
			check_allowed(&rules, frame, size - 4);
	}
	(void)frame_checksum(frame, size - 4, start, offset);
	return 0;
}
