/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/fetch/cancel.h"

#include <signal.h>
#include <stddef.h>

static int cancelled;

static void on_signal(int number)
{
	(void)number;
	__atomic_store_n(&cancelled, 1, __ATOMIC_RELAXED);
}

const int *cancel_on_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	return &cancelled;
}
