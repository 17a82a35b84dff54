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

#include "network/attachment.h"

/* A member's hold on its network. */
typedef struct {
	int socket;   /* to the home; -1: it is gone */
	int netns_fd; /* of the bridge; -1: no member */
	uint32_t address;
	struct in6_addr address6; /* ::: none */
	uint8_t mac[6];
	pid_t started; /* a home that joining brought to life, our child; 0: none */
} HomeMember;

#define HOME_MEMBER_NONE ((HomeMember){.socket = -1, .netns_fd = -1})

/**
 * home_join() - become a member; brings the home to life if there is none
 * @dir_fd:	the homes' directory, where their sockets and the lock are
 * @request:	with its plan; aliases are the names the member answers to
 * @member:	its addresses are kept if it has some (it joins again), else they are chosen
 * @error:	IN_USE in podman's words if an address is taken, or none is free; TIMEOUT
 */
bool home_join(const NetworkAttachment *request, int dir_fd, HomeMember *member, GError **error);

/**
 * home_plug() - give the container whose netns is @container_ns its port of the bridge
 * @metric:	of its default routes
 * @sysctls:	paths below /proc/sys and values in turn, of the new interface; or NULL
 *
 * A port that an earlier run left under the same address goes.
 */
bool home_plug(const NetworkAttachment *request, const HomeMember *member, int container_ns,
	       uint32_t metric, const char *const *sysctls, GError **error);

/** home_unplug() - take the port away, whatever the container calls its end. */
bool home_unplug(const NetworkAttachment *request, const HomeMember *member, GError **error);

/** home_link() - what the home of @asks does not know of the container's questions it asks that of
 * @tells. Return: false with errno. */
bool home_link(const HomeMember *asks, const HomeMember *tells);

/** home_set_servers() - tell the home what its network's record says of servers now. Return: false
 * with errno. */
bool home_set_servers(const NetworkAttachment *request, const HomeMember *member);

/** home_leave() - give the addresses back; the last one's leaving ends the home. */
void home_leave(const NetworkAttachment *request, int dir_fd, HomeMember *member);
