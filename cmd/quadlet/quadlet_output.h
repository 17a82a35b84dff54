/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services to files: what a generator leaves for systemd.
 */
#pragma once

#include "cmd/quadlet/quadlet.h"

/** quadlet_output_text() - the text of a unit's service. g_free() it. */
char *quadlet_output_text(const QuadletUnit *unit);

/**
 * quadlet_output_links() - what [Install] asks for
 *
 * Return: pairs of owned strings: a path below the directory of units, and what the link there
 * holds.
 */
GPtrArray *quadlet_output_links(const QuadletUnit *unit);

/** quadlet_output_write() - write a unit's service and its links into a directory. SYSTEM. */
bool quadlet_output_write(const QuadletUnit *unit, int dir_fd, GError **error);
