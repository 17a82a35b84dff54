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

/** compose_check_dry_run() - refuse a verb that does what it does also with @dry_run: for those
 * that hand their work on to a verb of skiff, which knows no dry run. */
bool compose_check_dry_run(const Invocation *inv, bool dry_run, GError **error);
