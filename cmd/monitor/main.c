/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-monitor: one per container, started by skiff inside the user's namespaces.
 */
#include "libpod/monitor/monitor_main.h"

int main(void)
{
	return monitor_main();
}
