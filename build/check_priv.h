/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the rules.
 */
#pragma once

#include "build/check.h"

typedef struct {
	const Dockerfile *file;
	const StageGraph *graph; /* NULL if unknown */
	const CheckConfig *config;
	const CheckInputs *inputs;
	GPtrArray *findings;
} Check;

/** check_report() - add a finding unless its rule is off. */
void check_report(Check *check, const char *rule, unsigned line, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/** check_stages() - the rules that follow the instructions of a stage. */
void check_stages(Check *check);

/** check_variables() - the rule about variables nobody has set, and all that needs scopes. */
void check_variables(Check *check);

/** check_suggest() - " (did you mean $x?)" from the names of a scope, "" if none is near. g_free()
 * it. */
char *check_suggest(const Scope *scope, const char *name);
