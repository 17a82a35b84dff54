/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image diff: what an image has changed.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/image_view.h"

typedef struct {
	const char *format;
} DiffOptions;

static const Option options[] = {
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json (default: lines)",
	 offsetof(DiffOptions, format), OPTION_COMMON},
	OPTION_UNSUPPORTED('l', "latest", OPTION_FLAG),
	{0},
};

static const OptionGroup group = {NULL, options};

/* {"changed":[...],"added":[...],"deleted":[...]}, without what is empty. */
static void print_json(const GPtrArray *lines)
{
	static const struct {
		char kind;
		const char *key;
	} kinds[] = {{'C', "changed"}, {'A', "added"}, {'D', "deleted"}};
	g_autoptr(Json) json = json_object_new_object();
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
		Json *list = json_object_new_array();
		for (size_t i = 0; i < lines->len; i++) {
			const char *line = lines->pdata[i];
			g_autofree char *path = g_utf8_make_valid(line + 2, -1);
			if (line[0] == kinds[k].kind)
				json_object_array_add(list, json_object_new_string(path));
		}
		if (json_object_array_length(list) > 0)
			js_set_take(json, kinds[k].key, list);
		else
			js_unref(list);
	}
	output_json(json);
}

static bool diff(const Invocation *inv, Engine *engine, const char *format, GError **error)
{
	Store *store = engine_store(engine);
	const char *base_name = command_arg(inv, 1);
	g_autoptr(Image) image = image_resolve(store, command_arg(inv, 0), error);
	g_autoptr(Image) base = image && base_name ? image_resolve(store, base_name, error) : NULL;
	if (!image || (base_name && !base))
		return false;
	g_autoptr(GPtrArray) lines = image_diff(engine, base, image, error);
	if (!lines)
		return false;
	if (format)
		print_json(lines);
	for (size_t i = 0; i < lines->len && !format; i++)
		output_text(lines->pdata[i]);
	return true;
}

static int cmd_image_diff(Invocation *inv)
{
	DiffOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (opts.format && !output_is_json(opts.format))
		error_set(&error, ENGINE_ERROR_INVALID,
			  "only supported value for '--format' is 'json'");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, false, &error);
	return engine && diff(inv, engine, opts.format, &error) ? 0 : command_fail(error);
}

const Command image_diff_command = {
	.paths = (const char *const[]){"image diff", NULL},
	.usage = "[options] IMAGE [BASE]",
	.summary = "Show what an image has changed",
	.description =
		"Lists paths that are added (A), changed (C) or deleted (D) by the top layer "
		"of an image, or in comparison with another image.",
	.examples = (const char *const[]){"skiff image diff my/app",
					  "skiff image diff my/app debian:12", NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_image_diff,
};
