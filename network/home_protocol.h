/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What monitors and a network's home say to each other. Both are of one build and one user, so
 * these are plain structs; the home checks them nevertheless.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/network_options.h"

#include "network/subnet.h"

/* Descriptors of a home at its start. */
enum {
	HOME_FD_REQUEST = 3, /* memfd: HomeRequest */
	HOME_FD_LISTENER,    /* where members connect */
	HOME_FD_NETNS,       /* the bridge's, if it is there already */
};

#define HOME_MAGIC     0x656d6f68u
#define HOME_NAMES_MAX 2048 /* bytes of a member's names and links, each with its end */
#define HOME_LOCK      ".lock"

typedef struct {
	uint32_t magic;
	uint32_t mtu;
	uint32_t network, prefix; /* numbers in host order */
	uint32_t gateway;
	uint32_t first, last; /* addresses to choose from */
	uint32_t prefix6;     /* 0: no IPv6 */
	struct in6_addr network6, gateway6, first6, last6;
	uint8_t internal, dns, adopted;
	uint8_t unused;
	uint32_t n_servers; /* 0: the host's */
	DnsServer servers[DNS_SERVERS_MAX];
	char bridge[NETWORK_BRIDGE_MAX]; /* "": the default */
} HomeRequest;

typedef enum {
	HOME_JOIN,
	HOME_LEAVE,
	HOME_ASKS,  /* a socket comes along: what we don't know of the member's questions goes there
		     */
	HOME_TELLS, /* a socket comes along: questions of the member come from there */
	HOME_SERVERS, /* the network's servers are others from now on */
} HomeOp;

typedef struct {
	uint32_t magic;
	uint8_t op;
	uint8_t mac[6];           /* all 0: any */
	uint8_t again;            /* the address was ours before the home was killed */
	uint32_t address;         /* 0: any */
	struct in6_addr address6; /* ::: any */
	uint32_t n_servers;       /* asked for this member; 0: the network's */
	DnsServer servers[DNS_SERVERS_MAX];
	uint32_t names_size;
	char names[HOME_NAMES_MAX]; /* and, behind them, links: "ALIAS=NAME" */
} HomeAsk;

enum {
	HOME_OK = '\0',
	HOME_TAKEN = 'T',  /* the address is */
	HOME_TAKEN6 = '6', /* the IPv6 address is */
	HOME_FULL = 'L',
	HOME_FAILED = 'F',
};

typedef struct {
	uint32_t magic;
	char code;
	uint8_t mac[6];
	uint8_t last; /* to HOME_LEAVE: nobody is left, the home ends */
	uint32_t address;
	struct in6_addr address6; /* ::: none */
	char message[128];        /* if HOME_FAILED */
} HomeAnswer;

/** home_request_is_valid() - pure. */
bool home_request_is_valid(const HomeRequest *request);
/** home_ask_is_valid() - names are ended, and of letters that host names have; pure. */
bool home_ask_is_valid(const HomeAsk *ask, size_t size);
