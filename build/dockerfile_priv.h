/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the Dockerfile parser.
 */
#pragma once

#include "build/dockerfile_parse.h"

/**
 * instruction_set_flags() - read "--name=value" of an instruction into its typed fields
 * @flags:	with their dashes
 * @error:	INVALID, without file and line
 */
bool instruction_set_flags(Instruction *instruction, char *const *flags, GError **error);

/** instruction_free() - with all that hangs from it; NULL is fine. */
void instruction_free(void *instruction);
