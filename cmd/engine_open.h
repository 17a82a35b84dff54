/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of one command.
 */
#pragma once

#include "cmd/command.h"
#include "libpod/engine.h"

/**
 * command_engine() - open the engine as the global options say
 * @read_only:	for verbs that only report: nothing is made or healed
 */
Engine *command_engine(const Invocation *inv, bool read_only, GError **error);
