/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/unit_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/quadlet/unit_words.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

struct UnitFile {
	GPtrArray *sections; /* of UnitSection */
	GPtrArray *files;    /* paths that lines borrow */
};

static void line_free(void *data)
{
	UnitLine *line = data;
	g_free(line->key);
	g_free(line->value);
	g_free(line);
}

static void section_free(void *data)
{
	UnitSection *section = data;
	g_free(section->name);
	g_ptr_array_unref(section->lines);
	g_free(section);
}

UnitFile *unit_file_new(void)
{
	UnitFile *unit = g_new0(UnitFile, 1);
	unit->sections = g_ptr_array_new_with_free_func(section_free);
	unit->files = g_ptr_array_new_with_free_func(g_free);
	return unit;
}

void unit_file_free(UnitFile *unit)
{
	if (!unit)
		return;
	g_ptr_array_unref(unit->sections);
	g_ptr_array_unref(unit->files);
	g_free(unit);
}

static UnitSection *find_section(const UnitFile *unit, const char *name)
{
	for (size_t i = 0; i < unit->sections->len; i++) {
		UnitSection *section = unit->sections->pdata[i];
		if (strcmp(section->name, name) == 0)
			return section;
	}
	return NULL;
}

static UnitSection *ensure_section(UnitFile *unit, const char *name)
{
	UnitSection *section = find_section(unit, name);
	if (section)
		return section;
	section = g_new0(UnitSection, 1);
	section->name = g_strdup(name);
	section->lines = g_ptr_array_new_with_free_func(line_free);
	g_ptr_array_add(unit->sections, section);
	return section;
}

/* Takes @key and @value. */
static void append_line(UnitSection *section, char *key, char *value, const char *file,
			unsigned number)
{
	UnitLine *line = g_new(UnitLine, 1);
	*line = (UnitLine){key, value, file, number};
	g_ptr_array_add(section->lines, line);
}

/* Where the reader is. */
typedef struct {
	UnitFile *unit;
	UnitSection *section; /* NULL before the first header */
	const char *file;
	const char *at, *end;
	unsigned number; /* of the line at @at */
} Reader;

/* The next line without white space around it; it stays in @reader's text. */
static char *next_line(Reader *reader)
{
	const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	const char *stop = newline ? newline : reader->end;
	char *line = g_strndup(reader->at, (size_t)(stop - reader->at));
	reader->at = newline ? newline + 1 : reader->end;
	reader->number++;
	return g_strstrip(line);
}

/* Does it end with a backslash that no other one escapes? */
static bool is_continued(const char *line)
{
	size_t length = strlen(line), count = 0;
	while (count < length && line[length - 1 - count] == '\\')
		count++;
	return count % 2 == 1;
}

/* @first and the lines that continue it, comments between them left out. */
static char *join_lines(Reader *reader, const char *first)
{
	GString *joined = g_string_new(first);
	while (is_continued(joined->str)) {
		g_string_truncate(joined, joined->len - 1);
		g_autofree char *line = NULL;
		do {
			g_free(line);
			line = reader->at < reader->end ? next_line(reader) : NULL;
		} while (line && (*line == '#' || *line == ';'));
		if (!line)
			break;
		g_string_append_c(joined, ' ');
		g_string_append(joined, line);
	}
	return g_strstrip(g_string_free(joined, FALSE));
}

static bool read_header(Reader *reader, const char *line, unsigned number, GError **error)
{
	size_t length = strlen(line);
	if (length < 3 || line[length - 1] != ']')
		return error_set(error, ENGINE_ERROR_INVALID, "a section is written as [Name]");
	g_autofree char *name = g_strndup(line + 1, length - 2);
	if (strpbrk(name, "[]"))
		return error_set(error, ENGINE_ERROR_INVALID, "a section is written as [Name]");
	reader->section = ensure_section(reader->unit, name);
	if (reader->section->line == 0) {
		reader->section->line = number;
		reader->section->file = reader->file;
	}
	return true;
}

static bool is_key(const char *key)
{
	for (const char *c = key; *c; c++)
		if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
			return false;
	return *key != '\0';
}

static bool read_assignment(Reader *reader, const char *line, unsigned number, GError **error)
{
	if (!reader->section)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "this stands before the first [Section]");
	const char *equals = strchr(line, '=');
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID, "neither [Section] nor Key=value");
	g_autofree char *key = g_strstrip(g_strndup(line, (size_t)(equals - line)));
	if (!is_key(key))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "a key is made of letters and digits");
	g_autofree char *value = join_lines(reader, equals + 1);
	append_line(reader->section, g_steal_pointer(&key), g_strdup(g_strchug(value)),
		    reader->file, number);
	return true;
}

/* One line, and what continues it. */
static bool read_line(Reader *reader, unsigned number, GError **error)
{
	g_autofree char *line = next_line(reader);
	if (*line == '\0')
		return true;
	if (*line == '#' || *line == ';') {
		if (reader->section)
			append_line(reader->section, NULL, g_steal_pointer(&line), reader->file,
				    number);
		return true;
	}
	return *line == '[' ? read_header(reader, line, number, error)
			    : read_assignment(reader, line, number, error);
}

/* The number of the line that @bad is in. */
static unsigned line_of(const char *text, const char *bad, unsigned first_line)
{
	for (; text < bad; text++)
		first_line += *text == '\n';
	return first_line;
}

bool unit_file_add_text(UnitFile *unit, const char *text, size_t size, const char *path,
			unsigned first_line, unsigned *out_line, GError **error)
{
	char *file = g_strdup(path);
	g_ptr_array_add(unit->files, file);
	const char *bad;
	if (!g_utf8_validate(text, (gssize)size, &bad)) {
		if (out_line)
			*out_line = line_of(text, bad, first_line);
		return error_set(error, ENGINE_ERROR_INVALID, "not valid UTF-8 text");
	}
	Reader reader = {unit, NULL, file, text, text + size, first_line};
	while (reader.at < reader.end) {
		unsigned number = reader.number;
		if (read_line(&reader, number, error))
			continue;
		if (out_line)
			*out_line = number;
		return false;
	}
	return true;
}

UnitFile *unit_file_copy(const UnitFile *unit)
{
	UnitFile *copy = unit_file_new();
	for (size_t i = 0; i < unit->sections->len; i++) {
		const UnitSection *section = unit->sections->pdata[i];
		UnitSection *made = ensure_section(copy, section->name);
		for (size_t j = 0; j < section->lines->len; j++) {
			const UnitLine *line = section->lines->pdata[j];
			append_line(made, g_strdup(line->key), g_strdup(line->value), NULL, 0);
		}
	}
	return copy;
}

const GPtrArray *unit_file_sections(const UnitFile *unit)
{
	return unit->sections;
}

const UnitSection *unit_file_section(const UnitFile *unit, const char *name)
{
	return find_section(unit, name);
}

static bool is_of(const UnitLine *line, const char *key)
{
	return line->key && strcmp(line->key, key) == 0;
}

const UnitLine *unit_file_last(const UnitFile *unit, const char *section, const char *key)
{
	const UnitSection *found = find_section(unit, section);
	for (size_t i = found ? found->lines->len : 0; i-- > 0;)
		if (is_of(found->lines->pdata[i], key))
			return found->lines->pdata[i];
	return NULL;
}

const char *unit_file_get(const UnitFile *unit, const char *section, const char *key)
{
	const UnitLine *line = unit_file_last(unit, section, key);
	return line && *line->value ? line->value : NULL;
}

GPtrArray *unit_file_all(const UnitFile *unit, const char *section, const char *key)
{
	const UnitSection *found = find_section(unit, section);
	GPtrArray *lines = g_ptr_array_new();
	for (size_t i = 0; found && i < found->lines->len; i++) {
		UnitLine *line = found->lines->pdata[i];
		if (is_of(line, key) && *line->value)
			g_ptr_array_add(lines, line);
		else if (is_of(line, key))
			g_ptr_array_set_size(lines, 0);
	}
	return lines;
}

GPtrArray *unit_file_words(const UnitFile *unit, const char *section, const char *key)
{
	g_autoptr(GPtrArray) lines = unit_file_all(unit, section, key);
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < lines->len; i++) {
		const UnitLine *line = lines->pdata[i];
		GPtrArray *more = unit_words_split(line->value, UNIT_WORDS_PLAIN, NULL);
		g_ptr_array_extend_and_steal(words, more);
	}
	return words;
}

void unit_file_add(UnitFile *unit, const char *section, const char *key, const char *value)
{
	append_line(ensure_section(unit, section), g_strdup(key), g_strdup(value), NULL, 0);
}

void unit_file_unset(UnitFile *unit, const char *section, const char *key)
{
	UnitSection *found = find_section(unit, section);
	for (size_t i = found ? found->lines->len : 0; i-- > 0;)
		if (is_of(found->lines->pdata[i], key))
			g_ptr_array_remove_index(found->lines, i);
}

void unit_file_set(UnitFile *unit, const char *section, const char *key, const char *value)
{
	unit_file_unset(unit, section, key);
	unit_file_add(unit, section, key, value);
}

void unit_file_rename_section(UnitFile *unit, const char *name, const char *new_name)
{
	UnitSection *found = find_section(unit, name);
	if (!found)
		return;
	g_free(found->name);
	found->name = g_strdup(new_name);
}

char *unit_file_format(const UnitFile *unit)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < unit->sections->len; i++) {
		const UnitSection *section = unit->sections->pdata[i];
		g_string_append_printf(text, "%s[%s]\n", i > 0 ? "\n" : "", section->name);
		for (size_t j = 0; j < section->lines->len; j++) {
			const UnitLine *line = section->lines->pdata[j];
			if (line->key)
				g_string_append_printf(text, "%s=%s\n", line->key, line->value);
			else
				g_string_append_printf(text, "%s\n", line->value);
		}
	}
	return g_string_free(text, FALSE);
}

char *unit_file_read(int dir_fd, const char *path, size_t *out_size, GError **error)
{
	/* Not to hang on what is a pipe. */
	autofd fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno_null(error, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' is no regular file", path);
	char *text = fd_read_all(fd, UNIT_FILE_MAX, out_size, error);
	if (!text)
		g_prefix_error(error, "cannot read '%s': ", path);
	return text;
}
