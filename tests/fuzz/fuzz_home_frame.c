/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of a named network's members, with the questions for names in them.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "network/home_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t find(void *context, uint32_t asker, const char *name, uint32_t *out, size_t room)
{
	g_assert_cmpuint(strlen(name), <, DNS_NAME_MAX);
	for (size_t i = 0; i < room; i++)
		out[i] = 0x0a590002;
	return strcmp(name, "web") == 0 ? room : 0;
}

static const char *reverse(void *context, uint32_t address)
{
	return address & 1 ? "web" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const HomeRules rules = {
		.network = 0x0a590000,
		.mask = 0xffffff00,
		.gateway = 0x0a590001,
		.internal = size & 1,
		.subnet6 = {.network.s6_addr = {0xfd, 0x12}, .prefix = size & 2 ? 64 : 0},
		.gateway6.s6_addr = {0xfd, 0x12, [15] = 1},
		.names = {.find = find,
			  .reverse = reverse,
			  .network = 0x0a590000,
			  .mask = 0xffffff00,
			  .internal = size & 1},
	};
	g_autofree uint8_t *frame = g_memdup2(data, size);
	static uint8_t answer[HOME_ANSWER_MAX];
	HomeQuestion question;
	uint32_t target;
	size_t n = 0;

	if (!frame)
		return 0;
	HomeVerdict verdict =
		home_frame_in(&rules, frame, size, DNS_UDP_MAX, answer, &n, &question);
	if (verdict == HOME_FRAME_ANSWER)
		g_assert_cmpuint(n, <=, sizeof(answer));
	if (verdict == HOME_FRAME_ASK)
		g_assert_cmpuint(question.size, <=, DNS_QUESTION_MAX);
	(void)home_frame_target(frame, size, &target);
	return 0;
}
