/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C and SIGTERM while a transfer runs: the first one ends it in order, the second one at once.
 */
#pragma once

/** cancel_on_signals() - catch them. Return: set to non-zero by the first one; static. */
const int *cancel_on_signals(void);
