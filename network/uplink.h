/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink: the user-mode network of one container.
 *
 * Host side: `skiff-uplink`, a process in the caller's netns that runs libslirp on the container's
 * tap and owns the listeners of published ports. Inside: a small process in the container's netns
 * that makes sockets there and passes them out (only with published ports). The monitor starts the
 * host side; it ends by itself when its lifeline closes.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "network/home.h"
#include "network/network.h"

typedef struct {
	pid_t pid;      /* the uplink; -1 if there is none */
	int tap_socket; /* give to netns_configure(): the tap's descriptor goes through it. -1 if
			   none */
	int ready_fd; /* readable: '\0' and the JSON of bound ports, or an error line. -1 if not to
			 be waited for */
	int lifeline_fd;  /* the uplink ends when the last copy is closed; CLOEXEC */
	bool holds_ports; /* it has published ports to let go of at the end */
} Uplink;

/**
 * uplink_send_netns() - to an uplink of NETWORK_NAMED, in place of a tap: the container's netns, as
 * soon as it is connected
 */
bool uplink_send_netns(Uplink *uplink, int netns_fd);

/**
 * uplink_start() - start the uplink of a container; called by the monitor before init is cloned
 * @request:	mode must be NETWORK_SLIRP; or NETWORK_NAMED, then only for its published ports
 * @plan:	of the network that published ports lead to, for NETWORK_NAMED
 * @member:	the container's place on it
 * @error:	NOT_FOUND if skiff-uplink is not installed
 *
 * Run, step 9.
 */
bool uplink_start(const NetworkRequest *request, const NetworkPlan *plan, const HomeMember *member,
		  Uplink *out_uplink, GError **error);

/**
 * uplink_wait_ready() - wait until the published ports are bound
 * @out_ports:	JSON array of mappings with the ports really bound (for run.json); may be NULL
 * @error:	IN_USE with podman's wording when a port is taken, DENIED below
 * ip_unprivileged_port_start
 */
bool uplink_wait_ready(Uplink *uplink, int timeout_ms, Json **out_ports, GError **error);

/**
 * uplink_stop() - tell the uplink to end and wait until it has let go of its published ports
 *
 * Its process may live on for some time: who closes the last descriptor of a tap waits for the
 * kernel. One that does not answer is left to its closed lifeline after a second.
 */
void uplink_stop(Uplink *uplink);

/** uplink_main() - all of skiff-uplink; descriptors 3 and up are as uplink_start() places them.
 * Return: exit code. */
int uplink_main(void);

/** uplink_find_owner() - who has a port, of those that we may look into: "nginx (pid 123)" into
 * @out. Return: false if unknown. */
bool uplink_find_owner(int protocol, uint16_t port, char *out, size_t size);
