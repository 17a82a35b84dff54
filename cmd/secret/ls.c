/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret ls
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/secret.h"

typedef struct {
	const char *format;
	bool quiet, no_heading;
	GPtrArray *filters;
} SecretLsOptions;

static const Option options[] = {
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE", "Only these: name, id",
	 offsetof(SecretLsOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(SecretLsOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only the ids",
	 offsetof(SecretLsOptions, quiet), OPTION_COMMON},
	{'n', "noheading", OPTION_FLAG, option_set_flag, NULL, "No column titles",
	 offsetof(SecretLsOptions, no_heading), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

#define SECRET ((const Secret *)row)

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return template_string(SECRET->id);
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(SECRET->name);
}

static TemplateValue get_driver(const void *row, TemplateHeap *heap)
{
	return template_string("file");
}

static char *format_ago(int64_t when)
{
	g_autofree char *since = units_format_ago((units_now() - when) / 1000000000);
	return g_strconcat(since, " ago", NULL);
}

static TemplateValue get_ago(int64_t when, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, format_ago(when)));
}

static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	return get_ago(SECRET->created, heap);
}

static TemplateValue get_updated(const void *row, TemplateHeap *heap)
{
	return get_ago(SECRET->updated, heap);
}

static const OutputField fields[] = {
	{"CreatedAt", "CREATED", get_created},
	{"Driver", NULL, get_driver},
	{"ID", NULL, get_id},
	{"Name", NULL, get_name},
	{"UpdatedAt", "UPDATED", get_updated},
	{0},
};

static Json *to_json(const void *row)
{
	Json *json = json_object_new_object();
	g_autofree char *created = format_ago(SECRET->created);
	g_autofree char *updated = format_ago(SECRET->updated);
	js_set_string(json, "ID", SECRET->id);
	js_set_string(json, "Name", SECRET->name);
	js_set_string(json, "Driver", "file");
	js_set_string(json, "CreatedAt", created);
	js_set_string(json, "UpdatedAt", updated);
	return json;
}

static const OutputTable table = {
	.verb = "secret ls",
	.ranged = true,
	.type_name = "secrets.secretListReport",
	.fields = fields,
	.columns = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}",
	.to_json = to_json,
};

/* Values of a key are alternatives; several keys must all match. */
static bool key_matches(const GPtrArray *filters, const char *key, const Secret *secret)
{
	size_t length = strlen(key);
	bool any = false;
	for (guint i = 0; filters && i < filters->len; i++) {
		const char *text = filters->pdata[i];
		if (strncmp(text, key, length) != 0 || text[length] != '=')
			continue;
		const char *value = text + length + 1;
		if (*key == 'n' ? g_regex_match_simple(value, secret->name, 0, 0)
				: g_str_has_prefix(secret->id, value))
			return true;
		any = true;
	}
	return !any;
}

static bool check_filters(const GPtrArray *filters, GError **error)
{
	for (guint i = 0; filters && i < filters->len; i++) {
		const char *text = filters->pdata[i], *equals = strchr(text, '=');
		if (!equals)
			return error_set(
				error, ENGINE_ERROR_INVALID,
				"filter input must be in the form of filter=value: %s is invalid",
				text);
		if (!g_str_has_prefix(text, "name=") && !g_str_has_prefix(text, "id="))
			return error_set(error, ENGINE_ERROR_INVALID, "invalid filter \"%.*s\"",
					 (int)(equals - text), text);
	}
	return true;
}

static bool list_secrets(const SecretLsOptions *opts, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) secrets =
		check_filters(opts->filters, error) ? secrets_list(engine, error) : NULL;
	if (!secrets)
		return false;
	g_autoptr(GPtrArray) rows = g_ptr_array_new();
	for (guint i = 0; i < secrets->len; i++)
		if (key_matches(opts->filters, "name", secrets->pdata[i]) &&
		    key_matches(opts->filters, "id", secrets->pdata[i]))
			g_ptr_array_add(rows, secrets->pdata[i]);
	const OutputOptions output = {
		.format = opts->quiet && !opts->format ? "{{.ID}}" : opts->format,
		.no_heading = opts->no_heading,
	};
	return output_list(&table, &output, rows->pdata, rows->len, error);
}

static int cmd_secret_ls(Invocation *inv)
{
	SecretLsOptions opts = {0};
	g_autoptr(GError) error = NULL;
	int status = 0;
	if (command_parse(inv, (void *[]){&opts})) {
		g_autoptr(Engine) engine = command_engine(inv, true, &error);
		status = engine && list_secrets(&opts, engine, &error) ? 0 : command_fail(error);
	} else {
		status = inv->status;
	}
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command secret_ls_command = {
	.paths = (const char *const[]){"secret ls", "secret list", NULL},
	.usage = "[options]",
	.summary = "List secrets",
	.description = "Lists the secrets, not what they hold.",
	.examples =
		(const char *const[]){"skiff secret ls", "skiff secret ls --filter name=db", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.CreatedAt*, *.Driver*, *.ID*, "
	       "*.Name*, *.UpdatedAt*.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_secret_ls,
};
