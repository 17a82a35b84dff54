/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-uplink: the user-mode network of one container, started by its monitor.
 */
#include <unistd.h>

#include "network/uplink.h"

int main(void)
{
	/* Nothing is buffered, and what libraries do at exit (a leak checker above all) the sandbox
	 * forbids. */
	_exit(uplink_main());
}
