/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by name and number, as --stop-signal, STOPSIGNAL and kill --signal write them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * signals_parse() - "TERM", "SIGTERM", "15", "RTMIN+3", "SIGRTMAX-1", in any case
 * @error:	INVALID in podman's words: invalid signal: X; valid signals are 1 through 64
 */
bool signals_parse(const char *text, int *out_signal, GError **error);

/** signals_name() - "SIGTERM", "SIGRTMIN+3"; the number for what has no name. g_free() it. */
char *signals_name(int signum);
