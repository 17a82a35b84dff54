/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create.json: whatever is read as a spec is written as the same spec; containers.conf: whatever is
 * read can be applied or refused.
 */
#include <glib.h>
#include <stdint.h>

#include "libpod/config.h"
#include "libpod/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_record(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = js_parse(text, size, "record", &error);
	if (!json || !json_object_is_type(json, json_type_object))
		return;
	g_autoptr(ContainerSpec) spec = spec_from_json(json, &error);
	g_assert_true((spec != NULL) == (error == NULL));
	if (!spec)
		return;
	g_autoptr(Json) once = spec_to_json(spec);
	g_autoptr(ContainerSpec) back = spec_from_json(once, &error);
	g_assert_no_error(error);
	g_autoptr(Json) twice = spec_to_json(back);
	g_assert_cmpstr(js_text(once), ==, js_text(twice));
}

static void try_config(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Config) config = config_new();
	g_autoptr(ContainerSpec) spec = spec_new();
	bool ok = config_add(config, "f", text, &error) && config_apply(config, spec, &error);
	g_assert_cmpint(ok, ==, error == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	try_record(text, size);
	try_config(text);
	return 0;
}
