/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of `skiff compose`; one file each.
 */
#pragma once

#include "cmd/command.h"

extern const Command compose_config_command;
extern const Command compose_version_command;
