/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret inspect: all but, unless it is asked for by name, the secret itself.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/system/report.h"
#include "libpod/base/error.h"
#include "libpod/secret.h"

typedef struct {
	const char *format;
	bool show, pretty;
} SecretInspectOptions;

static const Option options[] = {
	{'f', "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(SecretInspectOptions, format), OPTION_COMMON},
	{0, "showsecret", OPTION_FLAG, option_set_flag, NULL, "With the secret itself",
	 offsetof(SecretInspectOptions, show), OPTION_COMMON},
	{0, "pretty", OPTION_FLAG, option_set_flag, NULL, "For people to read",
	 offsetof(SecretInspectOptions, pretty), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static const char pretty_format[] = "ID:              {{.ID}}\n"
				    "Name:              {{.Spec.Name}}\n"
				    "{{- if .Spec.Labels }}\n"
				    "Labels:\n"
				    "{{- range $k, $v := .Spec.Labels }}\n"
				    " - {{ $k }}{{if $v }}={{ $v }}{{ end }}\n"
				    "{{- end }}{{ end }}\n"
				    "Driver:            {{.Spec.Driver.Name}}\n"
				    "Created at:        {{.CreatedAt}}\n"
				    "Updated at:        {{.UpdatedAt}}";

static bool print(Json *list, const char *format, GError **error)
{
	if (!format || output_is_json(format)) {
		output_json(list);
		return true;
	}
	g_autoptr(TemplateHeap) heap = template_heap_new();
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		TemplateValue value = template_from_json(json_object_array_get_idx(list, i),
							 &report_secret_schema, heap);
		if (!output_value("secret inspect", format, &value, error))
			return false;
	}
	return true;
}

/* Return: exit code of those that are missing. */
static int find(Invocation *inv, Engine *engine, bool show, Json *list, GPtrArray *errors)
{
	for (size_t i = 0; i < command_n_args(inv); i++) {
		GError *error = NULL;
		g_autoptr(Secret) secret = secret_resolve(engine, command_arg(inv, i), &error);
		Json *json = secret ? secret_inspect(engine, secret, show, &error) : NULL;
		if (json)
			json_object_array_add(list, json);
		else
			g_ptr_array_add(errors, error);
	}
	return errors->len > 0 ? 125 : 0;
}

/* What is found is printed, then what is not is said. */
static int inspect(Invocation *inv, const SecretInspectOptions *opts)
{
	g_autoptr(GError) error = NULL;
	if (opts->format && opts->pretty)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--format and --pretty are mutually exclusive options");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(Json) list = json_object_new_array();
	g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func((GDestroyNotify)g_error_free);
	int status = find(inv, engine, opts->show, list, errors);
	if (!print(list, opts->pretty ? pretty_format : opts->format, &error))
		return command_fail(error);
	for (guint i = 0; i < errors->len; i++) {
		GError *missing = errors->pdata[i];
		g_prefix_error(&missing, "inspecting secret: ");
		errors->pdata[i] = missing;
		command_fail(missing);
	}
	return status;
}

static int cmd_secret_inspect(Invocation *inv)
{
	SecretInspectOptions opts = {0};
	return command_parse(inv, (void *[]){&opts}) ? inspect(inv, &opts) : inv->status;
}

const Command secret_inspect_command = {
	.paths = (const char *const[]){"secret inspect", NULL},
	.usage = "[options] SECRET [SECRET...]",
	.summary = "Show everything about secrets but the secrets",
	.description = "Prints name, labels and times of secrets as JSON, and with --showsecret "
		       "the secrets themselves.",
	.examples = (const char *const[]){"skiff secret inspect token",
					  "skiff secret inspect --showsecret --format "
					  "'{{.SecretData}}' token",
					  NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_SECRET,
	.more_args = COMMAND_ARG_SECRET,
	.run = cmd_secret_inspect,
};
