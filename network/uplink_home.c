/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a home: make the bridge or take one over, give everything up, hand out addresses and
 * answer names, and serve as the gateway until the last member has gone.
 *
 * All its state is its members' connections. One that was killed loses nothing that the members'
 * monitors do not know.
 */
#include "network/uplink_home.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/home_frame.h"
#include "network/netns.h"
#include "network/subnet.h"
#include "network/uplink_peers.h"
#include "network/uplink_priv.h"
#include "network/uplink_responder.h"

#define MEMBERS_MAX    8192
#define FIRST_WAIT_MS  10000 /* for the first member, whose monitor started us */
#define REPORT_WAIT_MS 5000  /* for the same, if there is no bridge */
#define RESERVED_MS    3000  /* for members of a home that was killed to join us */

typedef struct Home Home;
typedef struct Member Member;

/* A connection; a member once it has an address. */
struct Member {
	UplinkSource source;
	Home *home;
	uint32_t address; /* 0: none yet */
	struct in6_addr address6;
	uint8_t mac[6];
	uint32_t names_size;
	char *names;                        /* each with its end; behind them links, see HomeAsk */
	DnsServer servers[DNS_SERVERS_MAX]; /* its own */
	size_t n_servers;
	UplinkPeer *peers;
	Member *next;
};

struct Home {
	HomeRequest request;
	UplinkSource listener;
	UplinkTimer first_wait;
	UplinkLoop loop;
	UplinkFilter filter;
	HomeRules rules;
	UplinkResponder *responder;
	UplinkPeers *peers;
	uint32_t *reserved; /* addresses that have a port of the bridge we took over */
	size_t n_reserved;
	int64_t reserved_until_ms;
	int netns_fd;
	int quit[2]; /* the loop's lifeline and our end of it */
	Member *members;
	size_t n_members;      /* connections */
	uint32_t last_address; /* given out last */
};

/* ---- names ---- */

static const char *next_name(const Member *member, const char *name)
{
	const char *end = member->names + member->names_size;

	name = name ? name + strlen(name) + 1 : member->names;
	return name && name < end ? name : NULL;
}

static bool has_name(const Member *member, const char *wanted)
{
	for (const char *name = next_name(member, NULL); name; name = next_name(member, name))
		if (strcmp(name, wanted) == 0)
			return true;
	return false;
}

static const Member *find_address(const Home *home, uint32_t address)
{
	for (const Member *member = home->members; member; member = member->next)
		if (member->address == address)
			return member;
	return NULL;
}

/* Is @member what @asker, which may be NULL, calls @name? A link of its own hides others' names. */
static bool is_called(const Member *member, const Member *asker, const char *name)
{
	size_t length = strlen(name);
	bool linked = false;

	for (const char *one = asker ? next_name(asker, NULL) : NULL; one;
	     one = next_name(asker, one)) {
		if (strncmp(one, name, length) != 0 || one[length] != '=')
			continue;
		linked = true;
		if (has_name(member, one + length + 1))
			return true;
	}
	return !linked && has_name(member, name);
}

static size_t find_name(void *data, uint32_t asker, const char *name, uint32_t *out, size_t room)
{
	const Home *home = data;
	const Member *who = find_address(home, asker);
	size_t n = 0;

	for (const Member *member = home->members; member && n < room; member = member->next)
		if (member->address && is_called(member, who, name))
			out[n++] = member->address;
	return n;
}

static size_t find_name6(void *data, uint32_t asker, const char *name, struct in6_addr *out,
			 size_t room)
{
	const Home *home = data;
	const Member *who = find_address(home, asker);
	size_t n = 0;

	for (const Member *member = home->members; member && n < room; member = member->next)
		if (member->address && !address6_is_any(&member->address6) &&
		    is_called(member, who, name))
			out[n++] = member->address6;
	return n;
}

static const char *find_reverse6(void *data, const struct in6_addr *address)
{
	const Home *home = data;

	for (const Member *member = home->members; member; member = member->next)
		if (member->address && address6_compare(&member->address6, address) == 0)
			return next_name(member, NULL);
	return NULL;
}

static const char *find_reverse(void *data, uint32_t address)
{
	const Member *member = address ? find_address(data, address) : NULL;

	return member ? next_name(member, NULL) : NULL;
}

/* ---- addresses ---- */

/* The one that has it will join again in a moment. */
static bool is_reserved(const Home *home, uint32_t address)
{
	for (size_t i = 0; i < home->n_reserved && home->loop.now_ms < home->reserved_until_ms; i++)
		if (home->reserved[i] == address)
			return true;
	return false;
}

static void unreserve(Home *home, uint32_t address)
{
	for (size_t i = 0; i < home->n_reserved; i++)
		if (home->reserved[i] == address)
			home->reserved[i] = 0;
}

static bool is_free(const Home *home, uint32_t address)
{
	return address != home->request.gateway && !find_address(home, address);
}

/* The next after the one given out last, so that an address rests before it is somebody else's. */
static uint32_t choose_address(const Home *home)
{
	const HomeRequest *request = &home->request;
	uint64_t count = (uint64_t)request->last - request->first + 1;
	uint32_t address = home->last_address;

	for (uint64_t i = 0; i < count; i++) {
		address = address < request->first || address >= request->last ? request->first
									       : address + 1;
		if (is_free(home, address) && !is_reserved(home, address))
			return address;
	}
	return 0;
}

static bool is_free6(const Home *home, const struct in6_addr *address)
{
	bool taken = address6_compare(address, &home->request.gateway6) == 0 ||
		     address6_compare(address, &home->request.network6) == 0;

	for (const Member *member = home->members; member && !taken; member = member->next)
		taken = member->address && address6_compare(address, &member->address6) == 0;
	return !taken;
}

/* The IPv4 address' place in its subnet, in the other one. Return: false if it is not to be had. */
static bool match_address6(const Home *home, uint32_t address, struct in6_addr *out)
{
	const HomeRequest *request = &home->request;
	uint32_t place = address - request->network;

	*out = request->network6;
	for (int i = 15; place; place >>= 8)
		out->s6_addr[i--] |= (uint8_t)place;
	return address6_compare(out, &request->first6) >= 0 &&
	       address6_compare(out, &request->last6) <= 0 && is_free6(home, out);
}

/* That which goes with the IPv4 address, which is nobody else's; else the next that is free. More
 * than members, the gateway and the network have, nobody can. */
static bool choose_address6(const Home *home, uint32_t address, struct in6_addr *out)
{
	const HomeRequest *request = &home->request;

	if (match_address6(home, address, out))
		return true;
	*out = request->first6;
	for (size_t i = 0; i < home->n_members + 3; i++) {
		if (is_free6(home, out))
			return true;
		if (address6_compare(out, &request->last6) >= 0)
			return false;
		*out = address6_next(out);
	}
	return false;
}

/* The IPv6 half of give_address(). */
static char give_address6(Home *home, const HomeAsk *ask, uint32_t address, struct in6_addr *out)
{
	const Subnet6 subnet = {home->request.network6, home->request.prefix6};

	*out = ask->address6;
	if (!subnet.prefix)
		return address6_is_any(out) ? HOME_OK : HOME_FAILED;
	if (address6_is_any(out))
		return choose_address6(home, address, out) ? HOME_OK : HOME_FULL;
	if (!subnet6_contains(&subnet, out))
		return HOME_FAILED;
	return is_free6(home, out) ? HOME_OK : HOME_TAKEN6;
}

/* The address decides the MAC address, so that neighbours' tables stay true after a restart. */
static void default_mac(uint32_t address, uint8_t out[6])
{
	out[0] = 0x0e;
	out[1] = 0x5c;
	out[2] = (uint8_t)(address >> 24);
	out[3] = (uint8_t)(address >> 16);
	out[4] = (uint8_t)(address >> 8);
	out[5] = (uint8_t)address;
}

/* The address asked for, or the next; and the member's names. */
static char give_address(Home *home, const HomeAsk *ask, Member *member)
{
	static const uint8_t any[6];
	const Subnet subnet = {home->request.network, home->request.prefix};
	uint32_t address = ask->address ? ask->address : choose_address(home);

	if (!address)
		return HOME_FULL;
	if (!subnet_contains(&subnet, address) || address < subnet_first(&subnet) ||
	    address > subnet_last(&subnet))
		return HOME_FAILED;
	if (!is_free(home, address) || (!ask->again && is_reserved(home, address)))
		return HOME_TAKEN;
	char code = give_address6(home, ask, address, &member->address6);
	if (code != HOME_OK)
		return code;
	unreserve(home, address);
	if (!ask->address || ask->again)
		home->last_address = address;
	member->address = address;
	if (memcmp(ask->mac, any, sizeof(any)) == 0)
		default_mac(address, member->mac);
	else
		memcpy(member->mac, ask->mac, sizeof(any));
	member->names = g_memdup2(ask->names, ask->names_size);
	member->names_size = ask->names_size;
	memcpy(member->servers, ask->servers, sizeof(member->servers));
	member->n_servers = ask->n_servers;
	return HOME_OK;
}

/* ---- members ---- */

static void end(Home *home)
{
	close(home->quit[1]);
	home->quit[1] = -1;
}

/* Its address and names go with the connection; with the last of them we do. */
static void drop(Member *member)
{
	Home *home = member->home;
	Member **at = &home->members;

	while (*at != member)
		at = &(*at)->next;
	*at = member->next;
	home->n_members--;
	uplink_loop_remove(&home->loop, &member->source);
	close(member->source.fd);
	uplink_peers_drop(home->peers, member->peers);
	g_free(member->names);
	g_free(member);
	if (home->n_members == 0)
		end(home);
}

/* The answer carries the netns: monitors hold it, too. */
static void join(Member *member, const HomeAsk *ask)
{
	Home *home = member->home;
	HomeAnswer answer = {.magic = HOME_MAGIC, .code = HOME_FAILED};

	if (!member->address)
		answer.code = give_address(home, ask, member);
	if (answer.code == HOME_FAILED)
		g_strlcpy(answer.message, "the address is none of the network's",
			  sizeof(answer.message));
	answer.address = member->address;
	answer.address6 = member->address6;
	memcpy(answer.mac, member->mac, sizeof(answer.mac));
	if (!fd_send(member->source.fd, &answer, sizeof(answer), &home->netns_fd,
		     answer.code == HOME_OK) ||
	    answer.code != HOME_OK)
		drop(member);
}

/* The one that asks does so under the lock: nobody comes between the answer and our end. */
static void leave(Member *member)
{
	const HomeAnswer answer = {
		.magic = HOME_MAGIC, .code = HOME_OK, .last = member->home->n_members == 1};

	(void)fd_send(member->source.fd, &answer, sizeof(answer), NULL, 0);
	drop(member);
}

/* One more way to its other networks. */
static void add_peer(Member *member, bool tells, int fd)
{
	UplinkPeer *all =
		uplink_peers_add(member->home->peers, member->address, fd, tells, member->peers);
	const HomeAnswer answer = {
		.magic = HOME_MAGIC,
		.code = all == member->peers ? HOME_FAILED : HOME_OK,
	};

	member->peers = all;
	(void)fd_send(member->source.fd, &answer, sizeof(answer), NULL, 0);
}

/* `network update` */
static void set_servers(Member *member, const HomeAsk *ask)
{
	const HomeAnswer answer = {.magic = HOME_MAGIC, .code = HOME_OK};

	uplink_responder_set_servers(member->home->responder, ask->servers, ask->n_servers);
	(void)fd_send(member->source.fd, &answer, sizeof(answer), NULL, 0);
}

static void member_ready(UplinkSource *source, uint32_t events)
{
	Member *member = (Member *)source;
	HomeAsk ask;
	size_t n = 0;
	autofd fd = -1;
	ssize_t got = fd_receive(source->fd, &ask, sizeof(ask), &fd, 1, &n);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 || !home_ask_is_valid(&ask, (size_t)got))
		drop(member);
	else if (ask.op == HOME_JOIN)
		join(member, &ask);
	else if (ask.op == HOME_LEAVE)
		leave(member);
	else if (ask.op == HOME_SERVERS)
		set_servers(member, &ask);
	else if (fd >= 0 && member->address)
		add_peer(member, ask.op == HOME_TELLS, fd_steal(&fd));
	else
		drop(member);
}

/* Not a member yet: it has to ask first. */
static void listener_ready(UplinkSource *source, uint32_t events)
{
	Home *home = (Home *)((char *)source - offsetof(Home, listener));
	autofd fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 || !fd_peer_is_us(fd) || home->n_members == MEMBERS_MAX)
		return;
	Member *member = g_new0(Member, 1);
	member->source = (UplinkSource){.fd = fd, .ready = member_ready};
	member->home = home;
	if (!uplink_loop_add(&home->loop, &member->source, EPOLLIN)) {
		g_free(member);
		return;
	}
	fd_steal(&fd);
	member->next = home->members;
	home->members = member;
	home->n_members++;
}

static void first_wait_fire(UplinkTimer *timer)
{
	Home *home = (Home *)((char *)timer - offsetof(Home, first_wait));

	if (home->n_members == 0)
		end(home);
}

/* ---- frames ---- */

static const uint8_t *find_mac(void *data, uint32_t address)
{
	const Member *member = find_address(data, address);

	return member ? member->mac : NULL;
}

static const DnsServer *find_servers(void *data, uint32_t address, size_t *out_n)
{
	const Member *member = find_address(data, address);

	*out_n = member ? member->n_servers : 0;
	return member ? member->servers : NULL;
}

/* What we do not know, another of the member's networks may know. Return: false if it has none. */
static bool ask_peers(Home *home, const HomeQuestion *question, const uint8_t *answer,
		      size_t answer_size)
{
	const Member *member = find_address(home, question->client);
	bool unknown = !answer_size || dns_code(answer + HOME_HEADERS) == DNS_NAME_ERROR;

	return member && member->peers && unknown &&
	       uplink_peers_ask(home->peers, member->peers, question, answer, answer_size);
}

static bool from_guest(void *data, uint8_t *frame, size_t size)
{
	Home *home = data;
	uint8_t answer[HOME_ANSWER_MAX];
	size_t answer_size = 0;
	HomeQuestion question;
	HomeVerdict verdict =
		home_frame_in(&home->rules, frame, size, uplink_responder_room(home->responder),
			      answer, &answer_size, &question);

	bool names = verdict == HOME_FRAME_ANSWER || verdict == HOME_FRAME_ASK;
	if (names && ask_peers(home, &question, answer, answer_size))
		return false;
	if (verdict == HOME_FRAME_ANSWER)
		uplink_slirp_send(home->loop.slirp, answer, answer_size);
	else if (verdict == HOME_FRAME_ASK)
		uplink_responder_ask(home->responder, &question);
	else if (verdict == HOME_FRAME_RESPONDER)
		uplink_responder_frame(home->responder, frame, size);
	return verdict == HOME_FRAME_PASS;
}

/* A network whose containers' names nobody wants to know. */
static size_t find_nothing(void *data, uint32_t asker, const char *name, uint32_t *out, size_t room)
{
	return 0;
}

static const char *find_nobody(void *data, uint32_t address)
{
	return NULL;
}

static const char *find_nobody6(void *data, const struct in6_addr *address)
{
	return NULL;
}

/* The gateway, and what it lets through. */
static UplinkSlirp *make_slirp(Home *home, int tap_fd, bool vnet_hdr)
{
	const HomeRequest *request = &home->request;
	uint32_t mask = UINT32_MAX << (32 - request->prefix);

	home->rules = (HomeRules){
		.network = request->network,
		.mask = mask,
		.gateway = request->gateway,
		.subnet6 = {request->network6, request->prefix6},
		.gateway6 = request->gateway6,
		.internal = request->internal,
		.names =
			{
				.find = request->dns ? find_name : find_nothing,
				.reverse = request->dns ? find_reverse : find_nobody,
				.data = home,
				.network = request->network,
				.mask = mask,
				.internal = request->internal,
				.find6 = request->dns && request->prefix6 ? find_name6 : NULL,
				.reverse6 = request->dns ? find_reverse6 : find_nobody6,
				.subnet6 = {request->network6, request->prefix6},
			},
	};
	home->filter = (UplinkFilter){.from_guest = from_guest, .data = home};
	const UplinkNetwork network = {
		.mtu = request->mtu,
		.network.s_addr = htonl(request->network),
		.mask.s_addr = htonl(mask),
		.gateway.s_addr = htonl(request->gateway),
		.dns.s_addr = htonl(request->network),
		.ipv6 = request->prefix6 > 0,
		.network6 = request->network6,
		.prefix6 = request->prefix6,
		.gateway6 = request->gateway6,
		.dns6 = request->network6,
		.filter = &home->filter,
	};
	return uplink_slirp_new(&network, tap_fd, vnet_hdr);
}

/* ---- the start ---- */

/* What the child that made the bridge sends. */
enum {
	MADE_TAP,
	MADE_NETNS,
	MADE_RESPONDER,
	MADE_LISTENER,
	MADE_RESERVED, /* addresses of the bridge's ports */
	MADE_FDS,
};

typedef struct {
	int32_t result; /* 0 or a negative errno */
	uint8_t vnet_hdr, responder_vnet_hdr;
} Made;

/* Addresses that have a port of the bridge, in a memory file. Return: -1 with errno. */
static int list_ports(void)
{
	g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct if_nameindex *all = if_nameindex();
	uint32_t address;

	/* Not there, it is nothing that could be freed. */
	if (!all)
		return -1;
	for (const struct if_nameindex *one = all; one->if_name; one++)
		if (netns_port_address(one->if_name, &address))
			g_array_append_val(addresses, address);
	if_freenameindex(all);
	return fd_memfd("skiff-ports", addresses->data, addresses->len * sizeof(uint32_t));
}

/* In a child, because who left the host's netns cannot come back. */
static void make_bridge(const HomeRequest *request, int socket) G_GNUC_NORETURN;
static void make_bridge(const HomeRequest *request, int socket)
{
	NetnsResponder responder = {
		.gateway.s_addr = htonl(request->gateway),
		.network.s_addr = htonl(request->network),
		.prefix = request->prefix,
		.mtu = request->mtu,
		.mac = HOME_RESPONDER_MAC,
		.listener = -1,
	};
	Made made = {0};
	bool vnet = false;
	bool entered = request->adopted ? setns(HOME_FD_NETNS, CLONE_NEWNET) == 0
					: unshare(CLONE_NEWNET) == 0;
	int tap = entered ? netns_make_home(request->adopted, request->bridge, request->mtu, &vnet)
			  : -errno;
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int names = tap < 0 ? tap : own < 0 ? -errno : netns_make_responder(&responder);
	int ports = names < 0 ? names : list_ports();
	const int fds[MADE_FDS] = {tap, own, names, responder.listener, ports};

	made.vnet_hdr = vnet;
	made.responder_vnet_hdr = responder.vnet_hdr;
	made.result = ports < 0 ? (names < 0 ? names : -errno) : 0;
	_exit(fd_send(socket, &made, sizeof(made), fds, made.result == 0 ? MADE_FDS : 0) ? 0 : 1);
}

/* Return: 0 or a negative errno. */
static int receive_bridge(const HomeRequest *request, int fds[MADE_FDS], Made *out_made)
{
	int sockets[2], status;
	size_t n = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	autofd ours = sockets[0], theirs = sockets[1];
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		make_bridge(request, theirs);
	fd_close(&theirs);
	ssize_t got = fd_receive(ours, out_made, sizeof(*out_made), fds, MADE_FDS, &n);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got != sizeof(*out_made))
		return -EIO;
	return out_made->result < 0 ? out_made->result : n == MADE_FDS ? 0 : -EIO;
}

/* There is no bridge: say so to who waits for it, if that one still lives. */
static void report(int result)
{
	const struct timeval timeout = {.tv_sec = REPORT_WAIT_MS / 1000};
	struct pollfd caller = {.fd = HOME_FD_LISTENER, .events = POLLIN};
	HomeAnswer answer = {.magic = HOME_MAGIC, .code = HOME_FAILED};
	HomeAsk ask;
	size_t n = 0;

	if (poll(&caller, 1, REPORT_WAIT_MS) <= 0)
		return;
	autofd fd = accept4(HOME_FD_LISTENER, NULL, NULL, SOCK_CLOEXEC);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	snprintf(answer.message, sizeof(answer.message), "cannot make a bridge: %s",
		 g_strerror(-result));
	if (fd >= 0 && fd_receive(fd, &ask, sizeof(ask), NULL, 0, &n) > 0)
		(void)fd_send(fd, &answer, sizeof(answer), NULL, 0);
}

/* Port 53 of the gateway. */
static UplinkResponder *make_responder(Home *home, const int fds[MADE_FDS], const Made *made)
{
	const UplinkResponderSetup setup = {
		.loop = &home->loop,
		.rules = &home->rules,
		.servers = home->request.servers,
		.n_servers = home->request.n_servers,
		.mtu = home->request.mtu,
		.tap_fd = fds[MADE_RESPONDER],
		.vnet_hdr = made->responder_vnet_hdr,
		.listener_fd = fds[MADE_LISTENER],
		.mac_of = find_mac,
		.servers_of = find_servers,
		.data = home,
	};

	return uplink_responder_new(&setup);
}

/* Of a bridge we took over: who had an address keeps it. */
static void reserve_addresses(Home *home, int fd)
{
	size_t size = 0;
	g_autofree char *bytes = fd_read_all(fd, MEMBERS_MAX * sizeof(uint32_t), &size, NULL);

	close(fd);
	home->n_reserved = bytes ? size / sizeof(uint32_t) : 0;
	home->reserved = g_memdup2(bytes, home->n_reserved * sizeof(uint32_t));
	home->reserved_until_ms = home->loop.now_ms + RESERVED_MS;
}

/* From the bridge on. */
static bool serve(Home *home, const int fds[MADE_FDS], const Made *made)
{
	if (!uplink_loop_init(&home->loop) || pipe2(home->quit, O_CLOEXEC) < 0 ||
	    !fd_set_nonblock(HOME_FD_LISTENER, true) || !uplink_sandbox_enter(UPLINK_SANDBOX_HOST))
		return false;
	home->loop.slirp = make_slirp(home, fds[MADE_TAP], made->vnet_hdr);
	home->responder = make_responder(home, fds, made);
	home->peers = uplink_peers_new(&(UplinkPeersSetup){
		.loop = &home->loop, .names = &home->rules.names, .responder = home->responder});
	reserve_addresses(home, fds[MADE_RESERVED]);
	home->listener = (UplinkSource){.fd = HOME_FD_LISTENER, .ready = listener_ready};
	home->first_wait.fire = first_wait_fire;
	if (!home->responder || !uplink_loop_add(&home->loop, &home->listener, EPOLLIN))
		return false;
	uplink_loop_arm(&home->loop, &home->first_wait, FIRST_WAIT_MS);
	uplink_loop_run(&home->loop, home->quit[0]);
	return true;
}

int uplink_home_main(const HomeRequest *request)
{
	static Home home;
	int fds[MADE_FDS] = {-1, -1, -1, -1};
	Made made = {0};

	home.request = *request;
	home.last_address = request->first - 1;
	(void)prctl(PR_SET_NAME, "skiff-network");
	int rc = receive_bridge(request, fds, &made);
	if (request->adopted)
		close(HOME_FD_NETNS);
	if (rc < 0) {
		report(rc);
		return 1;
	}
	home.netns_fd = fds[MADE_NETNS];
	if (serve(&home, fds, &made))
		return 0;
	fprintf(stderr, "skiff-uplink: cannot serve: %s\n", g_strerror(errno));
	return 1;
}
