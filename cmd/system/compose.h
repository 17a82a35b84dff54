/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-compose in our place.
 */
#pragma once

#include "cmd/command.h"

/** compose_exec() - become `skiff compose WORDS`. Return: only if that fails, the exit code. */
int compose_exec(const Invocation *inv, const char *const *words);
