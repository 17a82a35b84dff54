/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose kube: the stack as manifests for Kubernetes.
 */
#include <string.h>

#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/export_kube.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/project_output.h"
#include "cmd/output.h"

typedef struct {
	const char *output, *format;
} KubeOptions;

static const Option options[] = {
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "yaml or json",
	 offsetof(KubeOptions, format), OPTION_COMMON},
	{'o', "output", OPTION_VALUE, option_set_string, "FILE",
	 "Write there, for its owner alone, in place of standard output",
	 offsetof(KubeOptions, output), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static void print_yaml(const GPtrArray *objects, GString *out)
{
	for (guint i = 0; i < objects->len; i++) {
		g_string_append(out, i ? "---\n" : "");
		project_output_yaml(objects->pdata[i], out);
	}
}

/* One List, as kubectl prints several. */
static void print_json(const GPtrArray *objects, GString *out)
{
	g_autoptr(Json) list = json_object_new_object();
	Json *items = json_object_new_array();
	json_object_object_add(list, "apiVersion", json_object_new_string("v1"));
	json_object_object_add(list, "kind", json_object_new_string("List"));
	json_object_object_add(list, "items", items);
	for (guint i = 0; i < objects->len; i++)
		json_object_array_add(items, node_to_json(objects->pdata[i]));
	g_string_append_printf(out, "%s\n", js_text_pretty(list));
}

static int cmd_kube(Invocation *inv)
{
	KubeOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeExport) export = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	bool json = g_strcmp0(opts.format, "json") == 0;
	if (opts.format && !json && strcmp(opts.format, "yaml") != 0) {
		output_error_text("unsupported format \"%s\": yaml or json", opts.format);
		return 125;
	}
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	if (!project)
		return command_fail(error);
	compose_export_init(&export, project, false);
	g_autoptr(GPtrArray) objects = export_kube(&export, &error);
	g_autoptr(GString) out = g_string_new(NULL);
	if (!objects)
		return command_fail(error);
	if (json)
		print_json(objects, out);
	else
		print_yaml(objects, out);
	if (!compose_export_write(opts.output, out, true, &error))
		return command_fail(error);
	compose_export_notes(&export, "Kubernetes");
	return 0;
}

const Command compose_kube_command = {
	.paths = (const char *const[]){"compose kube", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Write the stack as manifests for Kubernetes",
	.description =
		"Prints Deployments, StatefulSets, Jobs, Services, claims, ConfigMaps and Secrets, "
		"with what configs and secrets hold now; what Kubernetes has no words for is "
		"listed on standard error.",
	.examples = (const char *const[]){"skiff compose kube -o stack.yaml",
					  "skiff compose kube | kubectl apply -f -", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_kube,
};
