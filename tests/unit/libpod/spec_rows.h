/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows about setters of a spec: a value, and what comes of it.
 */
#pragma once

#include "libpod/spec_parse.h"

typedef struct {
	SpecSetter set;
	const char *value;
	const char *expect; /* part of create.json, or of the error's message if @code is set */
	int code;           /* 0 = accepted, else the ErrorCode */
} Row;

#define BAD ENGINE_ERROR_INVALID
#define NOT ENGINE_ERROR_UNSUPPORTED

/** spec_rows_fail() - the test fails, and goes on, so that one run shows every row that fails. */
void spec_rows_fail(const Row *row, const char *got);

/** spec_rows_test() - test a table of Row that ends with one without a setter; all rows that fail
 * are told. */
void spec_rows_test(const void *rows);
