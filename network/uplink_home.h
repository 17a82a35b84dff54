/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-uplink as the home of a named network; see home.h.
 */
#pragma once

#include "network/home_protocol.h"

/** uplink_home_main() - all of its life; descriptors as home_protocol.h places them. Return: exit
 * code.
 */
int uplink_home_main(const HomeRequest *request);
