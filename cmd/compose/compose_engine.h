/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of one command of skiff-compose.
 */
#pragma once

#include "cmd/command.h"
#include "libpod/engine.h"

/**
 * compose_engine() - open the engine as the global options say
 *
 * Monitors become a verb of skiff at their end: the first word of the line says where skiff is.
 */
Engine *compose_engine(const Invocation *inv, bool read_only, GError **error);
