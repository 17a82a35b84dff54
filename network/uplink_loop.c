/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink's event loop.
 *
 * Two kinds of descriptors meet here. libslirp names its own anew before every wait, which suits
 * poll(). Those of published ports are many and stay, which suits epoll. So poll() waits for
 * libslirp's, the tap and the epoll descriptor together.
 */
#include "network/uplink_priv.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENTS_AT_ONCE 64

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool uplink_loop_init(UplinkLoop *loop)
{
	*loop = (UplinkLoop){
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.now_ms = clock_ms(),
	};
	return loop->epoll_fd >= 0;
}

bool uplink_loop_add(UplinkLoop *loop, UplinkSource *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

void uplink_loop_remove(UplinkLoop *loop, UplinkSource *source)
{
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

int64_t uplink_loop_now(UplinkLoop *loop)
{
	loop->now_ms = clock_ms();
	return loop->now_ms;
}

void uplink_loop_arm(UplinkLoop *loop, UplinkTimer *timer, int delay_ms)
{
	UplinkTimer *known = loop->timers;

	/* Frames are looked at before the wake-up's time is: it may be that of the last one. */
	timer->due_ms = uplink_loop_now(loop) + delay_ms;
	while (known && known != timer)
		known = known->next;
	if (!known) {
		timer->next = loop->timers;
		loop->timers = timer;
	}
}

/* Fire what is due. Return: milliseconds until the next, -1 if there is none. */
static int run_timers(UplinkLoop *loop)
{
	int64_t next = INT64_MAX;

	for (UplinkTimer *timer = loop->timers; timer; timer = timer->next) {
		if (timer->due_ms && timer->due_ms <= loop->now_ms) {
			timer->due_ms = 0;
			timer->fire(timer);
		}
	}
	for (UplinkTimer *timer = loop->timers; timer; timer = timer->next)
		if (timer->due_ms && timer->due_ms < next)
			next = timer->due_ms;
	if (next == INT64_MAX)
		return -1;
	return next <= loop->now_ms ? 0 : (int)(next - loop->now_ms);
}

static void dispatch(UplinkLoop *loop, int timeout)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, timeout);

	loop->now_ms = clock_ms();

	for (int i = 0; i < n; i++) {
		UplinkSource *source = events[i].data.ptr;
		source->ready(source, events[i].events);
	}
}

typedef struct {
	UplinkSource source;
	bool ended;
} Lifeline;

static void lifeline_ready(UplinkSource *source, uint32_t events)
{
	((Lifeline *)source)->ended = true;
}

void uplink_loop_run(UplinkLoop *loop, int lifeline_fd)
{
	Lifeline lifeline = {.source = {.fd = lifeline_fd, .ready = lifeline_ready}};

	if (!uplink_loop_add(loop, &lifeline.source, EPOLLIN))
		return;
	while (!lifeline.ended) {
		int timeout = run_timers(loop);

		if (!loop->slirp) {
			dispatch(loop, timeout);
			continue;
		}
		timeout = uplink_slirp_prepare(loop->slirp, loop->epoll_fd, timeout);
		bool readable = uplink_slirp_wait(loop->slirp, timeout);
		loop->now_ms = clock_ms();
		if (readable)
			dispatch(loop, 0);
	}
}
