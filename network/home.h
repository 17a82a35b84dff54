/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The home of a named network: one process for all its members.
 *
 * `skiff-uplink` as a home owns a netns with a bridge and its own tap as a port of it; libslirp is
 * the gateway, and the home hands out addresses and answers names. It is found by a socket in the
 * runtime directory, made by the first member's monitor under a lock, and held by a connection of
 * each member's monitor: when the last one leaves it ends, and its netns with it. Monitors hold the
 * netns too: a home that was killed is replaced by one that takes over the same bridge.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "network/network.h"

/* A member's hold on its network. */
typedef struct {
	int socket;   /* to the home; -1: it is gone */
	int netns_fd; /* of the bridge; -1: no member */
	uint32_t address;
	uint8_t mac[6];
} HomeMember;

#define HOME_MEMBER_NONE ((HomeMember){.socket = -1, .netns_fd = -1})

/**
 * home_join() - become a member; brings the home to life if there is none
 * @dir_fd:	the homes' directory, where their sockets and the lock are
 * @request:	of mode NETWORK_NAMED with its plan; aliases are the names the member answers to
 * @member:	its address is kept if it has one (it joins again), else one is chosen
 * @error:	IN_USE in podman's words if the address is taken, or none is free; TIMEOUT
 */
bool home_join(const NetworkRequest *request, int dir_fd, HomeMember *member, GError **error);

/** home_plug() - give the container whose netns is @container_ns its port of the bridge. */
bool home_plug(const NetworkRequest *request, const HomeMember *member, int container_ns,
	       GError **error);

/** home_leave() - give the address back; the last one's leaving ends the home. */
void home_leave(const NetworkRequest *request, int dir_fd, HomeMember *member);
