/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info: the host, the store, the registries.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/system/report.h"
#include "cmd/yaml.h"
#include "libpod/inspect.h"

typedef struct {
	const char *format;
} InfoOptions;

static const Option options[] = {
	{'f', "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(InfoOptions, format), OPTION_COMMON},
	{'D', "debug", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0, OPTION_HIDDEN},
	{0},
};

static const OptionGroup group = {NULL, options};

/* YAML unless a format is given, as podman. */
static int cmd_info(Invocation *inv)
{
	InfoOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	g_autoptr(Json) info = engine ? inspect_info(engine, &error) : NULL;
	if (!info)
		return command_fail(error);
	if (!opts.format || *opts.format == '\0') {
		g_autoptr(GString) text = g_string_new(NULL);
		yaml_print(info, text);
		g_string_truncate(text, text->len - 1);
		output_text(text->str);
		return 0;
	}
	g_autoptr(TemplateHeap) heap = template_heap_new();
	TemplateValue value = template_from_json(info, &report_info_schema, heap);
	return output_value("info", opts.format, &value, &error) ? 0 : command_fail(error);
}

const Command info_command = {
	.paths = (const char *const[]){"info", "system info", NULL},
	.usage = "[options]",
	.summary = "Show the host, the store and the registries",
	.description = "Prints what skiff knows of this host and its own store.",
	.examples =
		(const char *const[]){"skiff info", "skiff info -f '{{.Store.GraphRoot}}'", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_info,
};
