/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "libpod/base/error.h"
#include "libpod/base/journal.h"
#include "libpod/base/log.h"

#define MIN_CELL 12 /* as podman's tables */
#define PADDING  2

static const char range_action[] = "{{range .}}";

bool output_is_terminal(int fd)
{
	return isatty(fd) == 1;
}

/* Write to stdout; on a terminal without what would command it. */
static void put(const char *text)
{
	if (!output_is_terminal(1)) {
		fputs(text, stdout);
		return;
	}
	g_autofree char *safe = escape_terminal(text, true);
	fputs(safe, stdout);
}

void output_text(const char *text)
{
	put(text);
	putchar('\n');
}

void output_printf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

bool output_flush(void)
{
	return fflush(stdout) == 0 && !ferror(stdout);
}

/* Lines behind the first that only a person wants to see. */
static bool is_explanation(const char *line)
{
	return g_str_has_prefix(line, "help: ") || g_str_has_prefix(line, "cause: ");
}

static void print_error(const char *message)
{
	/* A person reads the journal, too. */
	bool person = output_is_terminal(2) || journal_is_stream(STDERR_FILENO);
	g_auto(GStrv) lines = g_strsplit(message, "\n", -1);
	fflush(stdout);
	log_line_begins(true);
	for (size_t i = 0; lines[i]; i++) {
		if (i > 0 && is_explanation(lines[i]) && !person)
			continue;
		g_autofree char *safe = person ? escape_terminal(lines[i], true) : NULL;
		fprintf(stderr, "%s%s\n", i == 0 ? "Error: " : "", safe ? safe : lines[i]);
	}
	journal_settle(STDERR_FILENO);
}

void output_error(const GError *error)
{
	print_error(error ? error->message : "unknown error");
}

void output_error_text(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	print_error(text);
}

void output_note(const char *format, ...)
{
	if (!output_is_terminal(2))
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *safe = escape_terminal(text, true);
	log_line_begins(false);
	fprintf(stderr, "%s\n", safe);
}

void output_json(Json *json)
{
	put(json ? js_text_pretty(json) : "null");
	putchar('\n');
}

bool output_is_json(const char *format)
{
	static const char *const forms[] = {"json", "{{json}}", "{{json.}}", NULL};
	g_autoptr(GString) text = g_string_new(NULL);
	for (const char *at = format ? format : ""; *at; at++)
		if (!g_ascii_isspace(*at))
			g_string_append_c(text, *at);
	return g_strv_contains(forms, text->str);
}

char *output_normalize(const char *format)
{
	GString *out = g_string_new(NULL);
	bool action = false;
	for (const char *at = format; *at; at++) {
		if (strncmp(at, "{{", 2) == 0)
			action = true;
		else if (strncmp(at, "}}", 2) == 0)
			action = false;
		char letter = at[0] == '\\' && !action ? at[1] : '\0';
		if (letter == 'n' || letter == 't') {
			g_string_append_c(out, letter == 'n' ? '\n' : '\t');
			at++;
		} else {
			g_string_append_c(out, *at);
		}
	}
	if (out->len == 0 || out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
	return g_string_free(out, FALSE);
}

char *output_header(const char *name)
{
	GString *out = g_string_new(NULL);
	for (const char *at = name; *at; at++) {
		bool word = at > name && g_ascii_isupper(*at) &&
			    (g_ascii_islower(at[-1]) || (g_ascii_islower(at[1]) && at[1] != '\0'));
		if (word)
			g_string_append_c(out, ' ');
		g_string_append_c(out, g_ascii_toupper(*at));
	}
	return g_string_free(out, FALSE);
}

/* Columns a text takes on a terminal. */
static size_t text_width(const char *text)
{
	size_t width = 0;
	if (!g_utf8_validate(text, -1, NULL))
		return strlen(text);
	for (; *text; text = g_utf8_next_char(text)) {
		gunichar rune = g_utf8_get_char(text);
		width += g_unichar_iszerowidth(rune) ? 0 : g_unichar_iswide(rune) ? 2 : 1;
	}
	return width;
}

void output_align(char *const *lines, size_t n, GString *out)
{
	g_autoptr(GArray) widths = g_array_new(FALSE, TRUE, sizeof(size_t));
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	for (size_t i = 0; i < n; i++) {
		char **cells = g_strsplit(lines[i], "\t", -1);
		g_ptr_array_add(rows, cells);
		for (size_t c = 0; cells[c] && cells[c + 1]; c++) {
			if (widths->len <= c)
				g_array_set_size(widths, c + 1);
			size_t *width = &g_array_index(widths, size_t, c);
			*width = MAX(*width, MAX(text_width(cells[c]) + PADDING, MIN_CELL));
		}
	}
	for (size_t i = 0; i < n; i++) {
		char **cells = g_ptr_array_index(rows, i);
		for (size_t c = 0; cells[c]; c++) {
			g_string_append(out, cells[c]);
			if (!cells[c + 1])
				break;
			size_t fill = g_array_index(widths, size_t, c) - text_width(cells[c]);
			g_string_append_printf(out, "%*s", (int)fill, "");
		}
		g_string_append_c(out, '\n');
	}
}

/* Rows as values. */

typedef struct {
	const OutputTable *table;
	const void *row;    /* NULL: the headers */
	const void *sample; /* for headers: a row that tells which fields have fields, or NULL */
} Row;

static const char *row_type(const void *data)
{
	return ((const Row *)data)->table->type_name;
}

static size_t row_count(const void *data)
{
	size_t n = 0;
	while (((const Row *)data)->table->fields[n].name)
		n++;
	return n;
}

/* The header of {{.Namespaces.MNT}} is MNT. */
static bool title_lookup(const void *data, const char *key, TemplateHeap *heap, TemplateValue *out)
{
	*out = template_string(template_heap_take(heap, output_header(key)));
	return true;
}

static const TemplateOps title_ops = {
	.type_name = row_type,
	.lookup = title_lookup,
};

static TemplateValue row_field(const Row *row, const OutputField *field, TemplateHeap *heap)
{
	if (row->row)
		return field->get(row->row, heap);
	if (row->sample && field->get(row->sample, heap).kind == TEMPLATE_STRUCT)
		return (TemplateValue){.kind = TEMPLATE_STRUCT, .data = row, .ops = &title_ops};
	if (field->header)
		return template_string(field->header);
	return template_string(template_heap_take(heap, output_header(field->name)));
}

static void row_member(const void *data, size_t i, TemplateHeap *heap, const char **out_key,
		       TemplateValue *out)
{
	const Row *row = data;
	*out_key = row->table->fields[i].name;
	*out = row_field(row, &row->table->fields[i], heap);
}

static bool row_lookup(const void *data, const char *key, TemplateHeap *heap, TemplateValue *out)
{
	const Row *row = data;
	for (const OutputField *field = row->table->fields; field->name; field++) {
		if (strcmp(field->name, key) == 0) {
			*out = row_field(row, field, heap);
			return true;
		}
	}
	return false;
}

/* A method; the header of {{.Label "x"}} is x. */
static bool row_call(const void *data, const char *name, const char *arg, TemplateHeap *heap,
		     TemplateValue *out)
{
	const Row *row = data;
	if (!row->table->call)
		return false;
	if (!row->row) {
		*out = template_string(arg);
		return true;
	}
	return row->table->call(row->row, name, arg, heap, out);
}

/* podman's own keys where the table has them, else the fields. */
static Json *row_json(const void *data)
{
	const Row *row = data;
	if (row->table->to_json)
		return row->table->to_json(row->row);
	g_autoptr(TemplateHeap) heap = template_heap_new();
	Json *json = json_object_new_object();
	for (const OutputField *field = row->table->fields; field->name; field++) {
		TemplateValue value = row_field(row, field, heap);
		js_set_take(json, field->name, template_to_json(&value, heap));
	}
	return json;
}

static const TemplateOps row_ops = {
	.type_name = row_type,
	.count = row_count,
	.member = row_member,
	.lookup = row_lookup,
	.call = row_call,
	.to_json = row_json,
};

static TemplateValue row_value(const Row *row)
{
	return (TemplateValue){.kind = TEMPLATE_STRUCT, .data = row, .ops = &row_ops};
}

/* All rows as one value, for templates that walk over them themselves. */
typedef struct {
	const OutputTable *table;
	void *const *rows;
	size_t n;
} Rows;

static size_t rows_count(const void *data)
{
	return ((const Rows *)data)->n;
}

static const char *rows_type(const void *data)
{
	return "[]interface {}";
}

static void rows_member(const void *data, size_t i, TemplateHeap *heap, const char **out_key,
			TemplateValue *out)
{
	const Rows *rows = data;
	Row *row = template_heap_alloc(heap, sizeof(*row));
	*row = (Row){.table = rows->table, .row = rows->rows[i]};
	*out = row_value(row);
}

static const TemplateOps rows_ops = {
	.type_name = rows_type,
	.count = rows_count,
	.member = rows_member,
};

/* One array, or with @lines a line for each row. */
static void print_json_rows(const Rows *rows, bool lines)
{
	g_autoptr(Json) array = json_object_new_array();
	for (size_t i = 0; i < rows->n; i++) {
		Row row = {.table = rows->table, .row = rows->rows[i]};
		Json *json = row_json(&row);
		json_object_array_add(array, json);
		if (lines) {
			put(js_text(json));
			putchar('\n');
		}
	}
	if (!lines)
		output_json(array);
}

/* Parse a --format text under the name that podman gives it. */
static Template *parse_format(const char *verb, const char *format, bool ranged, GError **error)
{
	const char *space = strrchr(verb, ' ');
	g_autofree char *text = output_normalize(format);
	Template *tmpl = template_parse(space ? space + 1 : verb, text, error);
	if (tmpl && ranged && !template_uses_range(tmpl))
		template_shift_columns(tmpl, strlen(range_action));
	return tmpl;
}

/* Run a template once for each row, or once over all. */
static bool print_template(const Rows *rows, const char *format, GError **error)
{
	g_autoptr(Template) tmpl =
		parse_format(rows->table->verb, format, rows->table->ranged, error);
	if (!tmpl)
		return false;
	template_escape_values(tmpl, output_is_terminal(1));
	g_autoptr(GString) out = g_string_new(NULL);
	bool ok = true;
	if (template_uses_range(tmpl)) {
		TemplateValue dot = {.kind = TEMPLATE_LIST, .data = rows, .ops = &rows_ops};
		ok = template_run(tmpl, &dot, out, error);
	}
	for (size_t i = 0; i < rows->n && ok && !template_uses_range(tmpl); i++) {
		Row row = {.table = rows->table, .row = rows->rows[i]};
		TemplateValue dot = row_value(&row);
		ok = template_run(tmpl, &dot, out, error);
	}
	fwrite(out->str, 1, out->len, stdout);
	return ok;
}

/* One line of a table; tabs part its cells. */
static bool add_line(const Template *tmpl, const Row *row, GPtrArray *lines, GError **error)
{
	TemplateValue dot = row_value(row);
	g_autoptr(GString) line = g_string_new(NULL);
	if (!template_run(tmpl, &dot, line, error))
		return false;
	if (line->len > 0 && line->str[line->len - 1] == '\n')
		g_string_truncate(line, line->len - 1);
	g_ptr_array_add(lines, g_string_free(g_steal_pointer(&line), FALSE));
	return true;
}

/* A template may ask more of a row than a title can give: then there are none. */
static bool add_titles(const Template *tmpl, const Rows *rows, GPtrArray *lines, GError **error)
{
	Row header = {.table = rows->table};
	if (rows->n == 0)
		return add_line(tmpl, &header, lines, error);
	if (!add_line(tmpl, &header, lines, NULL)) {
		header.sample = rows->rows[0];
		add_line(tmpl, &header, lines, NULL);
	}
	return true;
}

/* Nothing is printed before every line could be made. */
static bool print_table(const Rows *rows, const char *columns, bool heading, GError **error)
{
	g_autoptr(Template) tmpl =
		parse_format(rows->table->verb, columns, rows->table->ranged, error);
	if (!tmpl)
		return false;
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	if (heading && !add_titles(tmpl, rows, lines, error))
		return false;
	template_escape_values(tmpl, output_is_terminal(1));
	for (size_t i = 0; i < rows->n; i++) {
		Row row = {.table = rows->table, .row = rows->rows[i]};
		if (!add_line(tmpl, &row, lines, error))
			return false;
	}
	g_autoptr(GString) out = g_string_new(NULL);
	output_align((char *const *)lines->pdata, lines->len, out);
	fwrite(out->str, 1, out->len, stdout);
	return true;
}

/* Behind "table " a space parts columns as a tab does, unless it is inside an action. */
static char *part_columns(const char *format)
{
	char *columns = g_strdup(format);
	bool action = false;
	for (char *at = columns; *at; at++) {
		if (strncmp(at, "{{", 2) == 0)
			action = true;
		else if (strncmp(at, "}}", 2) == 0)
			action = false;
		else if (*at == ' ' && !action)
			*at = '\t';
	}
	return columns;
}

bool output_list(const OutputTable *table, const OutputOptions *options, void *const *rows,
		 size_t n, GError **error)
{
	Rows all = {table, rows, n};
	const char *format = options->format;
	if (!format || *format == '\0' || strcmp(format, "table") == 0)
		return print_table(&all, table->columns, !options->no_heading, error);
	bool lines = strcmp(format, "jsonl") == 0;
	if (lines || output_is_json(format)) {
		print_json_rows(&all, lines);
		return true;
	}
	if (g_str_has_prefix(format, "table ")) {
		g_autofree char *columns = part_columns(format + strlen("table "));
		return print_table(&all, columns, !options->no_heading, error);
	}
	return print_template(&all, format, error);
}

bool output_value(const char *verb, const char *format, const TemplateValue *value, GError **error)
{
	if (output_is_json(format)) {
		g_autoptr(TemplateHeap) heap = template_heap_new();
		g_autoptr(Json) json = template_to_json(value, heap);
		output_json(json);
		return true;
	}
	g_autoptr(Template) tmpl =
		parse_format(verb, format, g_str_has_suffix(verb, "inspect"), error);
	if (!tmpl)
		return false;
	template_escape_values(tmpl, output_is_terminal(1));
	g_autoptr(GString) out = g_string_new(NULL);
	bool ok = template_run(tmpl, value, out, error);
	fwrite(out->str, 1, out->len, stdout);
	return ok;
}
