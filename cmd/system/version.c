/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version: which skiff this is.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "libpod/base/json.h"
#include "storage/manifest.h"

typedef struct {
	const char *format;
} VersionOptions;

static const Option options[] = {
	{'f', "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(VersionOptions, format), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* {"Client": {...}}: there is no other side. What podman says of its compiler is empty here. */
static Json *build_report(void)
{
	g_auto(Platform) host = {0};
	platform_host(&host);
	g_autofree char *os_arch = g_strdup_printf("linux/%s", host.architecture);
	Json *client = json_object_new_object();
	js_set_string(client, "APIVersion", SKIFF_VERSION);
	js_set_string(client, "Version", SKIFF_VERSION);
	js_set_string(client, "GoVersion", "");
	js_set_string(client, "GitCommit", "");
	js_set_string(client, "BuiltTime", "Thu Jan  1 00:00:00 1970");
	js_set_int(client, "Built", 0);
	js_set_string(client, "BuildOrigin", "");
	js_set_string(client, "OsArch", os_arch);
	js_set_string(client, "Os", "linux");
	Json *report = json_object_new_object();
	js_set_take(report, "Client", client);
	return report;
}

/* {{.Client.Version}}; {{.Version}} and {{.Server.Version}} as podman also takes them. */
static bool print(Json *report, const char *format, GError **error)
{
	static const char *const none[] = {NULL};
	static const TemplateSchema whole = {"*define.Version", none, none, none};
	static const TemplateSchema client = {"*define.ClientVersion", none, none, none};
	g_autoptr(TemplateHeap) heap = template_heap_new();
	Json *inner = NULL;
	if (!js_get_object(report, "Client", &inner, error))
		return false;
	if (strstr(format, ".Server"))
		js_set_take(report, "Server", json_object_get(inner));
	bool of_client = strstr(format, ".Client") == NULL && strstr(format, ".Server") == NULL &&
			 !output_is_json(format) && !strstr(format, "json");
	TemplateValue value = of_client ? template_from_json(inner, &client, heap)
					: template_from_json(report, &whole, heap);
	return output_value("version", format, &value, error);
}

/* Opens no store: it must work on a broken one. */
static int cmd_version(Invocation *inv)
{
	VersionOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (!opts.format || *opts.format == '\0') {
		g_auto(Platform) host = {0};
		platform_host(&host);
		output_printf("Client:       skiff\nVersion:      %s\nAPI Version:  %s\n"
			      "OS/Arch:      linux/%s\n",
			      SKIFF_VERSION, SKIFF_VERSION, host.architecture);
		return 0;
	}
	g_autoptr(Json) report = build_report();
	return print(report, opts.format, &error) ? 0 : command_fail(error);
}

const Command version_command = {
	.paths = (const char *const[]){"version", NULL},
	.usage = "[options]",
	.summary = "Show the version",
	.description = "Prints skiff's version.",
	.examples = (const char *const[]){"skiff version",
					  "skiff version --format '{{.Client.Version}}'", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_version,
};
