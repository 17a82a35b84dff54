/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: images of registries, or with --list-tags the tags of one repository. skiff-fetch asks,
 * we filter and print.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/units.h"

#define DESCRIPTION_MAX 44

typedef struct {
	RegistryOptionValues registry;
	GPtrArray *filters;
	int64_t limit; /* 0: the fetcher's own */
	const char *format;
	bool list_tags, no_trunc, compatible;
} SearchOptions;

static const Option options[] = {
	{0, "list-tags", OPTION_FLAG, option_set_flag, NULL, "List the tags of one repository",
	 offsetof(SearchOptions, list_tags), OPTION_COMMON},
	{0, "limit", OPTION_VALUE, option_set_int, "NUMBER",
	 "At most so many of each registry (default 25)", offsetof(SearchOptions, limit),
	 OPTION_COMMON},
	{'f', "filter", OPTION_CSV, option_set_list, "KEY=VALUE",
	 "Only images that match: stars=N, is-official, is-automated",
	 offsetof(SearchOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(SearchOptions, format), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole descriptions",
	 offsetof(SearchOptions, no_trunc), OPTION_COMMON},
	{0, "compatible", OPTION_FLAG, option_set_flag, NULL, "Columns as docker has them",
	 offsetof(SearchOptions, compatible), OPTION_COMMON},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(SearchOptions, registry.tls_verify), OPTION_COMMON},
	{0, "creds", OPTION_VALUE, option_set_secret, "USER[:PASSWORD]", "Log in with these",
	 offsetof(SearchOptions, registry.creds), OPTION_COMMON},
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE", "Read credentials from here",
	 offsetof(SearchOptions, registry.authfile), OPTION_COMMON},
	{0, "cert-dir", OPTION_VALUE, option_set_string, "DIR", "Certificates of the registry",
	 offsetof(SearchOptions, registry.cert_dir), 0},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	Json *json;      /* a row of skiff-fetch */
	const char *tag; /* one of its tags, or NULL */
	bool no_trunc;
} Row;

#define ROW ((const Row *)row)

static const char *text(const Row *row, const char *key)
{
	const char *value = "";
	js_get_string(row->json, key, &value, NULL);
	return value;
}

static int64_t stars(const Row *row)
{
	int64_t value = 0;
	js_get_int(row->json, "Stars", 0, INT64_MAX, &value, NULL);
	return value;
}

static TemplateValue get_index(const void *row, TemplateHeap *heap)
{
	return template_string(text(ROW, "Index"));
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(text(ROW, "Name"));
}

static TemplateValue get_description(const void *row, TemplateHeap *heap)
{
	char *line = g_strdelimit(g_strdup(text(ROW, "Description")), "\t\n\r", ' ');
	if (!ROW->no_trunc && g_utf8_strlen(line, -1) > DESCRIPTION_MAX) {
		g_autofree char *whole = line;
		g_autofree char *start = g_utf8_substring(whole, 0, DESCRIPTION_MAX);
		line = g_strconcat(start, "...", NULL);
	}
	return template_string(template_heap_take(heap, line));
}

static TemplateValue get_stars(const void *row, TemplateHeap *heap)
{
	return template_int(stars(ROW));
}

static TemplateValue get_official(const void *row, TemplateHeap *heap)
{
	return template_string(text(ROW, "Official"));
}

static TemplateValue get_automated(const void *row, TemplateHeap *heap)
{
	return template_string(text(ROW, "Automated"));
}

static TemplateValue get_tag(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->tag ? ROW->tag : "");
}

static Json *to_json(const void *row)
{
	return json_object_get(ROW->json);
}

static const OutputField fields[] = {
	{"Automated", NULL, get_automated},
	{"Description", NULL, get_description},
	{"Index", NULL, get_index},
	{"Name", NULL, get_name},
	{"Official", NULL, get_official},
	{"Stars", NULL, get_stars},
	{"Tag", NULL, get_tag},
	{0},
};

/* What a filter asks of a row. INVALID if it is none. */
static bool row_matches(const Row *row, const char *filter, bool *out, GError **error)
{
	g_autofree char *key = g_strndup(filter, strcspn(filter, "="));
	const char *value = strchr(filter, '=');
	uint64_t least = 0;
	bool wanted = true;
	if (strcmp(key, "stars") == 0) {
		if (!value || !units_parse_uint(value + 1, INT64_MAX, &least, NULL))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "incorrect value type for stars filter: strconv.Atoi: "
					 "parsing \"%s\": invalid syntax",
					 value ? value + 1 : "");
		*out = (uint64_t)stars(row) >= least;
		return true;
	}
	bool official = strcmp(key, "is-official") == 0;
	if (!official && strcmp(key, "is-automated") != 0)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid filter type \"%s\"", key);
	if (value && !option_parse_bool(value + 1, &wanted, error))
		return false;
	*out = (*text(row, official ? "Official" : "Automated") != '\0') == wanted;
	return true;
}

static bool row_passes(const Row *row, const GPtrArray *filters, bool *out, GError **error)
{
	*out = true;
	for (size_t i = 0; filters && i < filters->len && *out; i++)
		if (!row_matches(row, filters->pdata[i], out, error))
			return false;
	return true;
}

/* Filters are read before anything is asked for. */
static bool check_filters(const GPtrArray *filters, GError **error)
{
	g_autoptr(Json) empty = json_object_new_object();
	const Row row = {.json = empty};
	bool passes;
	for (size_t i = 0; filters && i < filters->len; i++)
		if (!row_matches(&row, filters->pdata[i], &passes, error))
			return false;
	return true;
}

static void add_row(GPtrArray *rows, const SearchOptions *opts, Json *json, const char *tag)
{
	Row *row = g_new(Row, 1);
	*row = (Row){json, tag, opts->no_trunc};
	g_ptr_array_add(rows, row);
}

/* A row for each image, or for each tag; as JSON the tags stay together. */
static bool build_rows(Json *list, const SearchOptions *opts, GPtrArray *rows, GError **error)
{
	bool spread = opts->list_tags && !output_is_json(opts->format);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		Json *json = json_object_array_get_idx(list, i), *tags = NULL;
		const Row probe = {.json = json};
		bool passes = false;
		if (!row_passes(&probe, opts->filters, &passes, error) ||
		    !js_get_array(json, "Tags", &tags, error))
			return false;
		if (passes && !spread)
			add_row(rows, opts, json, NULL);
		for (size_t j = 0; spread && tags && j < json_object_array_length(tags); j++)
			add_row(rows, opts, json,
				json_object_get_string(json_object_array_get_idx(tags, j)));
	}
	return true;
}

static bool print(const char *found, const SearchOptions *opts, GError **error)
{
	g_autoptr(Json) list = js_parse(found, strlen(found), "search results", error);
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(g_free);
	if (!list || !build_rows(list, opts, rows, error))
		return false;
	const OutputTable table = {
		.verb = "search",
		.ranged = true,
		.type_name = "images.searchReporter",
		.fields = fields,
		.columns = opts->list_tags    ? "{{.Name}}\t{{.Tag}}"
			   : opts->compatible ? "{{.Name}}\t{{.Description}}\t{{.Stars}}\t"
						"{{.Official}}\t{{.Automated}}"
					      : "{{.Name}}\t{{.Description}}",
		.to_json = to_json,
	};
	/* podman prints nothing, not even titles, where nothing was found. */
	const OutputOptions output = {.format = opts->format, .no_heading = rows->len == 0};
	return output_list(&table, &output, rows->pdata, rows->len, error);
}

static int run(const Invocation *inv, const SearchOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("search");
	g_autofree char *found = NULL;
	if (opts->list_tags && opts->filters)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "filters are not applicable to list tags result");
	else if (check_filters(opts->filters, &error))
		fetch_args_add_operand(args, command_arg(inv, 0), &error);
	registry_options_add(args, &opts->registry);
	g_autofree char *limit =
		opts->limit != 0 ? g_strdup_printf("%" G_GINT64_FORMAT, opts->limit) : NULL;
	fetch_args_add(args, "--limit", limit);
	fetch_args_add_flag(args, "--list-tags", opts->list_tags);
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	int status = fetch_args_run(args, engine, &found);
	if (status == 0 && !print(found, opts, &error))
		return command_fail(error);
	return status;
}

static int cmd_search(Invocation *inv)
{
	SearchOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&opts});
	int status = parsed ? run(inv, &opts) : inv->status;
	option_secret_free(opts.registry.creds);
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command search_command = {
	.paths = (const char *const[]){"search", "image search", NULL},
	.usage = "[options] TERM",
	.summary = "Search registries for images",
	.description =
		"Looks for images whose name contains TERM, in the registry that TERM begins "
		"with or in all that registries.conf searches.",
	.examples =
		(const char *const[]){"skiff search registry.example/app",
				      "skiff search --list-tags registry.example/team/app", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Automated*, *.Description*, "
	       "*.Index*, "
	       "*.Name*, *.Official*, *.Stars*, *.Tag*.\n",
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_search,
};
