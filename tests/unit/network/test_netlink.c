/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink batches and the answers to them, without a kernel.
 */
#include "network/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

static const struct in_addr address = {.s_addr = 0x6402000a};

/* Walk the batch's requests: their lengths must add up to its size. */
static unsigned count_requests(const NetlinkBatch *batch)
{
	unsigned n = 0;

	for (size_t at = 0; at < batch->size; n++) {
		const struct nlmsghdr *header = (const struct nlmsghdr *)(batch->data + at);

		g_assert_cmpuint(header->nlmsg_len, >=, sizeof(*header));
		g_assert_cmpuint(header->nlmsg_len % 4, ==, 0);
		g_assert_cmpuint(header->nlmsg_seq, ==, n + 1);
		at += header->nlmsg_len;
		g_assert_cmpuint(at, <=, batch->size);
	}
	return n;
}

static void test_batch(void)
{
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	netlink_link_up(&batch, 1);
	netlink_link_prepare(&batch, 2, 65520, true);
	netlink_address_add(&batch, 2, AF_INET, &address, 24);
	netlink_route_default(&batch, 2, AF_INET, &address, 0);
	netlink_rule_mark(&batch, AF_INET, 1, 100);
	netlink_rule_udp(&batch, AF_INET6, &in6addr_loopback, 53, 100, false);
	netlink_route_local(&batch, 1, AF_INET, &address, 100);
	netlink_veth_add(&batch, "a", "b", 5, 1500);
	g_assert_false(batch.full);
	g_assert_cmpuint(batch.count, ==, 9);
	g_assert_cmpuint(count_requests(&batch), ==, 9);
	/* The second half of "prepare" is the only one that may be refused. */
	g_assert_cmpuint(batch.optional, ==, 1u << 2);
}

static void test_batch_full_of_requests(void)
{
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	for (int i = 0; i < NETLINK_BATCH_MAX; i++)
		netlink_link_up(&batch, i);
	g_assert_false(batch.full);
	netlink_link_up(&batch, 1);
	g_assert_true(batch.full);
	g_assert_cmpint(netlink_send(-1, &batch), ==, -ENOBUFS);
}

static void test_batch_full_of_bytes(void)
{
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	for (int i = 0; i < NETLINK_BATCH_MAX; i++)
		netlink_veth_add(&batch, "a-name-too-long-for-a-link", "b", 1, 1);
	g_assert_true(batch.full);
	g_assert_cmpuint(batch.size, <=, sizeof(batch.data));
	g_assert_cmpint(netlink_send(-1, &batch), ==, -ENOBUFS);
}

/* An acknowledgement as the kernel gives it. */
static size_t put_ack(unsigned char *at, uint32_t sequence, int error)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr body;
	} ack = {
		.header = {.nlmsg_len = sizeof(ack),
			   .nlmsg_type = NLMSG_ERROR,
			   .nlmsg_seq = sequence},
		.body = {.error = error},
	};

	memcpy(at, &ack, sizeof(ack));
	return sizeof(ack);
}

static void test_acks(void)
{
	unsigned char data[256];
	NetlinkAcks acks = {.expected = 3, .optional = 1u << 1};
	size_t size = put_ack(data, 1, 0);

	size += put_ack(data + size, 2, -EACCES);
	g_assert_cmpint(netlink_parse_acks(data, size, &acks), ==, 0);
	g_assert_cmpuint(acks.seen, ==, 2);
	g_assert_cmpint(acks.result, ==, 0);
	size = put_ack(data, 3, -EEXIST);
	g_assert_cmpint(netlink_parse_acks(data, size, &acks), ==, 0);
	g_assert_cmpuint(acks.seen, ==, 3);
	g_assert_cmpint(acks.result, ==, -EEXIST);
}

static void test_bad_acks(void)
{
	unsigned char data[256];
	size_t size = put_ack(data, 1, 0);
	struct nlmsghdr header;
	static const uint32_t lengths[] = {0, 1, 15, 16, 35, 37, 4096, UINT32_MAX};

	for (size_t i = 0; i < size; i++) {
		NetlinkAcks acks = {.expected = 1};
		g_assert_cmpint(netlink_parse_acks(data, i, &acks), ==, i ? -EBADMSG : 0);
		g_assert_cmpuint(acks.seen, ==, 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
		NetlinkAcks acks = {.expected = 1};
		put_ack(data, 1, 0);
		memcpy(&header, data, sizeof(header));
		header.nlmsg_len = lengths[i];
		memcpy(data, &header, sizeof(header));
		g_assert_cmpint(netlink_parse_acks(data, size, &acks), ==, -EBADMSG);
	}
	for (uint32_t sequence = 0; sequence < 5; sequence += 2) {
		NetlinkAcks acks = {.expected = 1};
		put_ack(data, sequence, 0);
		g_assert_cmpint(netlink_parse_acks(data, size, &acks), ==, -EBADMSG);
	}
	NetlinkAcks acks = {.expected = 1};
	put_ack(data, 1, 5);
	g_assert_cmpint(netlink_parse_acks(data, size, &acks), ==, -EBADMSG);
}

static void test_socket_answer(void)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_msg body;
	} answer = {
		.header =
			{
				.nlmsg_len = sizeof(answer),
				.nlmsg_type = SOCK_DIAG_BY_FAMILY,
				.nlmsg_seq = 7,
			},
		.body = {.idiag_state = TCP_LISTEN},
	};
	unsigned char error[64];

	g_assert_cmpint(netlink_parse_socket(&answer, sizeof(answer), 7), ==, TCP_LISTEN);
	g_assert_cmpint(netlink_parse_socket(&answer, sizeof(answer), 8), ==, -EBADMSG);
	for (size_t i = 0; i < sizeof(answer); i++)
		g_assert_cmpint(netlink_parse_socket(&answer, i, 7), ==, -EBADMSG);
	answer.header.nlmsg_len = sizeof(struct nlmsghdr);
	g_assert_cmpint(netlink_parse_socket(&answer, sizeof(answer), 7), ==, -EBADMSG);
	size_t size = put_ack(error, 7, -ENOENT);
	g_assert_cmpint(netlink_parse_socket(error, size, 7), ==, 0);
	size = put_ack(error, 7, -EPERM);
	g_assert_cmpint(netlink_parse_socket(error, size, 7), ==, -EPERM);
	size = put_ack(error, 7, 0);
	g_assert_cmpint(netlink_parse_socket(error, size, 7), ==, -EBADMSG);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/network/netlink/batch", test_batch);
	g_test_add_func("/network/netlink/too-many-requests", test_batch_full_of_requests);
	g_test_add_func("/network/netlink/too-many-bytes", test_batch_full_of_bytes);
	g_test_add_func("/network/netlink/acks", test_acks);
	g_test_add_func("/network/netlink/bad-acks", test_bad_acks);
	g_test_add_func("/network/netlink/socket-answer", test_socket_answer);
	return g_test_run();
}
