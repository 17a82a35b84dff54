/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/confirm.h"

#include <stdio.h>

#include "cmd/output.h"
#include "libpod/base/error.h"

bool confirm_ask(const char *warning, GError **error)
{
	char answer[16] = "";
	output_printf("%s\nAre you sure you want to continue? [y/N] ", warning);
	if (!output_flush() || !fgets(answer, sizeof answer, stdin))
		return error_set(error, ENGINE_ERROR_CANCELLED, "EOF");
	return answer[0] == 'y' || answer[0] == 'Y';
}
