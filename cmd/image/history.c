/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history: how an image came to be.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/units.h"
#include "libpod/inspect.h"

#define CREATED_BY_MAX 45

typedef struct {
	const char *format;
	bool human, no_trunc, quiet;
} HistoryOptions;

static const Option options[] = {
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(HistoryOptions, format), OPTION_COMMON},
	{'H', "human", OPTION_FLAG, option_set_flag, NULL,
	 "Ages for people, else times (default true)", offsetof(HistoryOptions, human),
	 OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole ids and commands",
	 offsetof(HistoryOptions, no_trunc), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only the ids",
	 offsetof(HistoryOptions, quiet), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	Json *json; /* {"id","created","CreatedBy","size","comment"}, without what is empty */
	const HistoryOptions *opts;
	int64_t now; /* ns */
} Step;

#define STEP ((const Step *)row)

static const char *text(const Step *step, const char *key)
{
	const char *value = "";
	js_get_string(step->json, key, &value, NULL);
	return value;
}

static int64_t created_ns(const Step *step)
{
	int64_t ns = 0;
	const char *created = text(step, "created");
	return *created && units_parse_time(created, step->now, &ns, NULL) ? ns : 0;
}

static int64_t size(const Step *step)
{
	int64_t bytes = 0;
	js_get_int(step->json, "size", 0, INT64_MAX, &bytes, NULL);
	return bytes;
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	const char *id = text(STEP, "id");
	if (STEP->opts->no_trunc || strlen(id) < 12)
		return template_string(id);
	return template_string(template_heap_take(heap, g_strndup(id, 12)));
}

/* podman keeps the second alone. As Go prints a time, or as RFC 3339 has it. */
static char *format_second(const Step *step, const char *form)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(created_ns(step) / 1000000000);
	return time ? g_date_time_format(time, form) : g_strdup("");
}

static TemplateValue get_created_at(const void *row, TemplateHeap *heap)
{
	return template_string(
		template_heap_take(heap, format_second(STEP, "%Y-%m-%d %H:%M:%S +0000 UTC")));
}

static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	if (!STEP->opts->human)
		return template_string(
			template_heap_take(heap, format_second(STEP, "%Y-%m-%dT%H:%M:%SZ")));
	g_autofree char *ago = units_format_ago(MAX(0, STEP->now - created_ns(STEP)) / 1000000000);
	return template_string(template_heap_take(heap, g_strconcat(ago, " ago", NULL)));
}

static TemplateValue get_created_by(const void *row, TemplateHeap *heap)
{
	char *line = g_strdelimit(g_strdup(text(STEP, "CreatedBy")), "\t\n\r", ' ');
	if (!STEP->opts->no_trunc && g_utf8_validate(line, -1, NULL) &&
	    g_utf8_strlen(line, -1) > CREATED_BY_MAX) {
		g_autofree char *whole = line;
		g_autofree char *start = g_utf8_substring(whole, 0, CREATED_BY_MAX - 3);
		line = g_strconcat(start, "...", NULL);
	}
	return template_string(template_heap_take(heap, line));
}

static TemplateValue get_size(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, units_format_size(size(STEP))));
}

static TemplateValue get_comment(const void *row, TemplateHeap *heap)
{
	char *line = g_strdelimit(g_strdup(text(STEP, "comment")), "\t\n\r", ' ');
	return template_string(template_heap_take(heap, line));
}

/* podman has the field and leaves it empty. */
static TemplateValue get_tags(const void *row, TemplateHeap *heap)
{
	return template_from_json(template_heap_json(heap, json_object_new_array()), NULL, heap);
}

static Json *to_json(const void *row)
{
	g_autofree char *created = format_second(STEP, "%Y-%m-%dT%H:%M:%SZ");
	Json *json = json_object_get(STEP->json);
	js_set_string(json, "Created", created);
	return json;
}

static const OutputField fields[] = {
	{"Comment", NULL, get_comment},
	{"Created", NULL, get_created},
	{"CreatedAt", NULL, get_created_at},
	{"CreatedBy", NULL, get_created_by},
	{"CreatedSince", NULL, get_created},
	{"ID", NULL, get_id},
	{"Size", NULL, get_size},
	{"Tags", NULL, get_tags},
	{0},
};

static const OutputTable table = {
	.verb = "history",
	.ranged = true,
	.type_name = "images.historyReporter",
	.fields = fields,
	.columns = "{{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
	.to_json = to_json,
};

static bool print(Json *history, const HistoryOptions *opts, GError **error)
{
	size_t n = json_object_array_length(history);
	g_autofree Step *steps = g_new(Step, n + 1);
	g_autofree void **rows = g_new(void *, n + 1);
	for (size_t i = 0; i < n; i++) {
		steps[i] = (Step){json_object_array_get_idx(history, i), opts, units_now()};
		rows[i] = &steps[i];
	}
	const OutputOptions output = {.format = opts->quiet ? "{{.ID}}" : opts->format};
	return output_list(&table, &output, rows, n, error);
}

/* Newest step first, as inspect_history() has them. */
static int cmd_history(Invocation *inv)
{
	HistoryOptions opts = {.human = true};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(Image) image = image_resolve(engine_store(engine), command_arg(inv, 0), &error);
	g_autoptr(Json) history = image ? inspect_history(engine, image, &error) : NULL;
	if (!history || !print(history, &opts, &error))
		return command_fail(error);
	return 0;
}

const Command history_command = {
	.paths = (const char *const[]){"history", "image history", NULL},
	.usage = "[options] IMAGE",
	.summary = "Show how an image was made",
	.description =
		"Lists the steps that made an image, newest first, with the size each added.",
	.examples = (const char *const[]){"skiff history debian",
					  "skiff history --no-trunc --format '{{.CreatedBy}}' app",
					  NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Comment*, *.Created*, *.CreatedAt*, "
	       "*.CreatedBy*, *.CreatedSince*, *.ID*, *.Size*, *.Tags*.\n",
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_history,
};
