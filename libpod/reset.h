/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reset: everything that this user's skiff keeps goes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/engine.h"

/**
 * reset_all() - kill what runs, then remove the store and the runtime directory
 *
 * Of an engine opened as damaged: nothing has to be readable. The engine can only be closed
 * afterwards.
 */
bool reset_all(Engine *engine, GError **error);
