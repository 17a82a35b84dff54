/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-uplink: the user-mode network of one container, started by its monitor.
 */
#include "network/uplink.h"

int main(void)
{
	return uplink_main();
}
