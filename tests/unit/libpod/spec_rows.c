/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/libpod/spec_rows.h"

#include <string.h>

#include "libpod/base/error.h"

void spec_rows_fail(const Row *row, const char *got)
{
	g_test_message("'%s': expected %s'%s', got %s", row->value, row->code ? "the refusal " : "",
		       row->expect, got);
	g_test_fail();
}

static void check_row(const Row *row)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	g_autoptr(GError) error = NULL;
	bool ok = row->set(spec, row->value, &error);
	g_assert_cmpint(ok, ==, error == NULL);
	if (!ok) {
		if (error->code != row->code || row->code == 0 ||
		    !strstr(error->message, row->expect))
			spec_rows_fail(row, error->message);
		return;
	}
	g_autoptr(Json) json = spec_to_json(spec);
	if (row->code != 0 || !strstr(js_text(json), row->expect))
		spec_rows_fail(row, js_text(json));

	/* Whatever a setter can store survives the record. */
	g_autoptr(ContainerSpec) back = spec_from_json(json, &error);
	g_assert_no_error(error);
	g_autoptr(Json) again = spec_to_json(back);
	g_assert_cmpstr(js_text(json), ==, js_text(again));
}

void spec_rows_test(const void *rows)
{
	for (const Row *row = rows; row->set; row++)
		check_row(row);
}
