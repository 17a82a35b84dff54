/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that somebody else must answer: all servers are asked at once, the first useful answer
 * counts, and after a second there is none.
 */
#pragma once

#include "network/dns_servers.h"
#include "network/uplink_priv.h"

typedef struct UplinkDns UplinkDns;

/* @answer is borrowed and at least a header; it bears the question's number. */
typedef void (*UplinkDnsReply)(void *data, const uint8_t *answer, size_t size);

/**
 * uplink_dns_new() - lives as long as the process
 * @servers:	whom to ask; none: those of the host's resolv.conf, as it is when a question comes
 */
UplinkDns *uplink_dns_new(UplinkLoop *loop, const DnsServer *servers, size_t n_servers);

/** uplink_dns_set_servers() - as uplink_dns_new(), for the questions that come. */
void uplink_dns_set_servers(UplinkDns *dns, const DnsServer *servers, size_t n_servers);

typedef struct {
	const uint8_t *data;
	size_t size;
	uint32_t client; /* nobody may have more than a share of what can be asked at once */
	bool tcp;        /* the answer may be long */
	const DnsServer *servers; /* asked in place of the usual ones, if @n_servers */
	size_t n_servers;
	UplinkDnsReply reply;
	void *owner;
} UplinkQuestion;

/** uplink_dns_ask() - @question is copied; reply() is called once, perhaps at once. */
void uplink_dns_ask(UplinkDns *dns, const UplinkQuestion *question);
/** uplink_dns_forget() - the answers for @owner are not wanted any more. */
void uplink_dns_forget(UplinkDns *dns, const void *owner);
