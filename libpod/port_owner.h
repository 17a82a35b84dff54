/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds a port that a start could not have.
 */
#pragma once

#include "libpod/engine.h"

/**
 * port_owner_explain() - put a name into an IN_USE error about a port: a container's, or the
 * process that the caller may look into
 *
 * The uplink that failed says which port; it cannot say who, for it sees into no process outside
 * its user namespace. Errors about something else stay as they are.
 */
void port_owner_explain(Engine *engine, GError **error);
