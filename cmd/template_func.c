/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: the functions, Go's own and those podman adds.
 */
#include "cmd/template_priv.h"

#include <string.h>

#include "cmd/escape.h"

typedef const TemplateValue *Args;

static bool G_GNUC_PRINTF(2, 3) refuse(char **reason, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	*reason = g_strdup_vprintf(format, args);
	va_end(args);
	return false;
}

static bool return_text(TemplateHeap *heap, GString *text, TemplateValue *out)
{
	*out = template_string(template_heap_take(heap, g_string_free(text, FALSE)));
	return true;
}

static bool is_nil(const TemplateValue *value)
{
	return value->kind == TEMPLATE_NIL || value->kind == TEMPLATE_MISSING;
}

/* Logic. */

static bool call_and(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	for (size_t i = 0; i < n; i++) {
		*out = args[i];
		if (!template_is_true(out))
			break;
	}
	return true;
}

static bool call_or(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	for (size_t i = 0; i < n; i++) {
		*out = args[i];
		if (template_is_true(out))
			break;
	}
	return true;
}

static bool call_not(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	*out = template_bool(!template_is_true(&args[0]));
	return true;
}

/* Comparison. */

static bool is_basic(const TemplateValue *value)
{
	return value->kind >= TEMPLATE_BOOL && value->kind <= TEMPLATE_TIME;
}

/* Less, equal or more; both of the same basic kind. */
static int compare_basic(const TemplateValue *a, const TemplateValue *b)
{
	switch (a->kind) {
	case TEMPLATE_BOOL:
		return a->boolean - b->boolean;
	case TEMPLATE_INT:
		return (a->integer > b->integer) - (a->integer < b->integer);
	case TEMPLATE_FLOAT:
		return (a->real > b->real) - (a->real < b->real);
	default:
		return strcmp(a->string, b->string);
	}
}

/* nil equals nil alone; *reason in Go's words for what it does not compare. */
static bool equal(const TemplateValue *a, const TemplateValue *b, bool *out, char **reason)
{
	if (is_nil(a) || is_nil(b)) {
		*out = is_nil(a) && is_nil(b);
		return true;
	}
	if (!is_basic(a) || !is_basic(b))
		return refuse(reason, "non-comparable type: %s",
			      template_type_name(is_basic(a) ? b : a));
	if (a->kind != b->kind)
		return refuse(reason, "incompatible types for comparison");
	*out = compare_basic(a, b) == 0;
	return true;
}

/* The first argument against each of the others. */
static bool call_eq(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	bool same = false;
	if (n < 2)
		return refuse(reason, "missing argument for comparison");
	for (size_t i = 1; i < n && !same; i++)
		if (!equal(&args[0], &args[i], &same, reason))
			return false;
	*out = template_bool(same);
	return true;
}

static bool call_ne(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	bool same = false;
	if (!equal(&args[0], &args[1], &same, reason))
		return false;
	*out = template_bool(!same);
	return true;
}

static bool order(Args args, int *out, char **reason)
{
	if (!is_basic(&args[0]) || !is_basic(&args[1]) || args[0].kind == TEMPLATE_BOOL)
		return refuse(reason, "invalid type for comparison");
	if (args[0].kind != args[1].kind)
		return refuse(reason, "incompatible types for comparison");
	*out = compare_basic(&args[0], &args[1]);
	return true;
}

#define COMPARISON(name, condition)                                                                \
	static bool call_##name(TemplateHeap *heap, Args args, size_t n, TemplateValue *out,       \
				char **reason)                                                     \
	{                                                                                          \
		int result = 0;                                                                    \
		if (!order(args, &result, reason))                                                 \
			return false;                                                              \
		*out = template_bool(condition);                                                   \
		return true;                                                                       \
	}
COMPARISON(lt, result < 0)
COMPARISON(le, result <= 0)
COMPARISON(gt, result > 0)
COMPARISON(ge, result >= 0)

/* Members. */

/* An index into something of @length; @inclusive for the ends of a slice. */
static bool check_index(const TemplateValue *index, size_t length, bool inclusive, size_t *out,
			char **reason)
{
	if (is_nil(index))
		return refuse(reason, "cannot index slice/array with nil");
	if (index->kind != TEMPLATE_INT)
		return refuse(reason, "cannot index slice/array with type %s",
			      template_type_name(index));
	if (index->integer < 0 || (uint64_t)index->integer > length ||
	    (!inclusive && (uint64_t)index->integer == length))
		return refuse(reason, "index out of range: %" G_GINT64_FORMAT, index->integer);
	*out = index->integer;
	return true;
}

/* An absent key is the zero value: "" where all values are strings, else <no value>. */
static bool index_map(const TemplateValue *map, const TemplateValue *key, TemplateHeap *heap,
		      TemplateValue *out, char **reason)
{
	if (is_nil(key))
		return refuse(reason, "value is nil; should be of type string");
	if (key->kind != TEMPLATE_STRING)
		return refuse(reason, "value has type %s; should be string",
			      template_type_name(key));
	if (map->ops->lookup && map->ops->lookup(map->data, key->string, heap, out))
		return true;
	bool strings = strcmp(template_type_name(map), "map[string]string") == 0;
	*out = strings ? template_string("") : (TemplateValue){.kind = TEMPLATE_MISSING};
	return true;
}

/* Each argument leads one level down. */
static bool call_index(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	TemplateValue item = args[0];
	if (is_nil(&item))
		return refuse(reason, "index of untyped nil");
	for (size_t i = 1; i < n; i++) {
		size_t at = 0;
		TemplateValue next = {.kind = TEMPLATE_MISSING};
		if (item.kind == TEMPLATE_MAP) {
			if (!index_map(&item, &args[i], heap, &next, reason))
				return false;
		} else if (item.kind == TEMPLATE_LIST) {
			if (!check_index(&args[i], template_count(&item), false, &at, reason))
				return false;
			next = template_member(&item, at, heap, NULL);
		} else if (item.kind == TEMPLATE_STRING) {
			if (!check_index(&args[i], strlen(item.string), false, &at, reason))
				return false;
			next = template_int((unsigned char)item.string[at]);
		} else if (is_nil(&item)) {
			return refuse(reason, "index of nil pointer");
		} else {
			return refuse(reason, "can't index item of type %s",
				      template_type_name(&item));
		}
		item = next;
	}
	*out = item;
	return true;
}

/* @args: item, from, to, and for lists the third bound that Go allows. Strings by bytes. */
static bool call_slice(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	const TemplateValue *item = &args[0];
	bool string = item->kind == TEMPLATE_STRING;
	if (is_nil(item))
		return refuse(reason, "slice of untyped nil");
	if (!string && item->kind != TEMPLATE_LIST)
		return refuse(reason, "can't slice item of type %s", template_type_name(item));
	if (n > (string ? 3 : 4))
		return refuse(reason,
			      string ? "cannot 3-index slice a string"
				     : "too many slice indexes: %zu",
			      n - 1);

	size_t length = string ? strlen(item->string) : template_count(item);
	size_t bounds[3] = {0, length, length};
	for (size_t i = 1; i < n; i++)
		if (!check_index(&args[i], length, true, &bounds[i - 1], reason))
			return false;
	size_t from = bounds[0], to = bounds[1];
	if (from > to || to > bounds[2])
		return refuse(reason, "invalid slice index: %zu > %zu", from > to ? from : to,
			      from > to ? to : bounds[2]);
	if (string) {
		*out = template_string(
			template_heap_take(heap, g_strndup(item->string + from, to - from)));
		return true;
	}
	TemplateValue *values = template_heap_alloc(heap, (to - from + 1) * sizeof(*values));
	for (size_t i = from; i < to; i++)
		values[i - from] = template_member(item, i, heap, NULL);
	*out = template_list(values, to - from, heap);
	return true;
}

/* Bytes of a string, members of a list or map. */
static bool call_len(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	const TemplateValue *item = &args[0];
	if (is_nil(item))
		return refuse(reason, "len of nil pointer");
	if (item->kind == TEMPLATE_STRING)
		*out = template_int(strlen(item->string));
	else if (item->kind == TEMPLATE_LIST || item->kind == TEMPLATE_MAP)
		*out = template_int(template_count(item));
	else
		return refuse(reason, "len of type %s", template_type_name(item));
	return true;
}

/* Text. */

/* Go's Sprint: a space between two operands of which neither is a string. */
static GString *sprint(TemplateHeap *heap, Args args, size_t n)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && args[i].kind != TEMPLATE_STRING && args[i - 1].kind != TEMPLATE_STRING)
			g_string_append_c(text, ' ');
		template_print(&args[i], heap, text);
	}
	return text;
}

static bool call_print(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	return return_text(heap, sprint(heap, args, n), out);
}

static bool call_println(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			g_string_append_c(text, ' ');
		template_print(&args[i], heap, text);
	}
	g_string_append_c(text, '\n');
	return return_text(heap, text, out);
}

static bool call_printf(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	GString *text = g_string_new(NULL);
	template_printf(args[0].string, args + 1, n - 1, heap, text);
	return return_text(heap, text, out);
}

/* The entities that Go writes, which are numbers for the quotes. */
static bool call_html(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	g_autofree char *plain = g_string_free(sprint(heap, args, n), FALSE);
	GString *text = g_string_new(NULL);
	for (const char *c = plain; *c; c++) {
		const char *entity = *c == '"'    ? "&#34;"
				     : *c == '\'' ? "&#39;"
				     : *c == '&'  ? "&amp;"
				     : *c == '<'  ? "&lt;"
				     : *c == '>'  ? "&gt;"
						  : NULL;
		if (entity)
			g_string_append(text, entity);
		else
			g_string_append_c(text, *c);
	}
	return return_text(heap, text, out);
}

/* Safe inside a string literal in HTML, as Go has it. */
static bool call_js(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	g_autofree char *plain = g_string_free(sprint(heap, args, n), FALSE);
	GString *text = g_string_new(NULL);
	for (const char *c = plain; *c; c++) {
		if (strchr("\\'\"", *c))
			g_string_append_printf(text, "\\%c", *c);
		else if (strchr("<>&=", *c) || (unsigned char)*c < 0x20)
			g_string_append_printf(text, "\\u%04X", (unsigned char)*c);
		else
			g_string_append_c(text, *c);
	}
	return return_text(heap, text, out);
}

/* All but unreserved characters, a space as '+'. */
static bool call_urlquery(TemplateHeap *heap, Args args, size_t n, TemplateValue *out,
			  char **reason)
{
	g_autofree char *plain = g_string_free(sprint(heap, args, n), FALSE);
	GString *text = g_string_new(NULL);
	for (const char *c = plain; *c; c++) {
		if (*c == ' ')
			g_string_append_c(text, '+');
		else if (g_ascii_isalnum(*c) || strchr("-_.~", *c))
			g_string_append_c(text, *c);
		else
			g_string_append_printf(text, "%%%02X", (unsigned char)*c);
	}
	return return_text(heap, text, out);
}

static bool call_json(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	g_autoptr(Json) json = template_to_json(&args[0], heap);
	*out = template_string(template_heap_take(heap, g_strdup(json ? js_text(json) : "null")));
	return true;
}

static bool call_lower(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	*out = template_string(template_heap_take(heap, g_utf8_strdown(args[0].string, -1)));
	return true;
}

static bool call_upper(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	*out = template_string(template_heap_take(heap, g_utf8_strup(args[0].string, -1)));
	return true;
}

/* The first letter of each word large, the others as they are. */
static bool call_title(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	GString *text = g_string_new(NULL);
	bool inside = false;
	for (const char *c = args[0].string; *c; c = g_utf8_next_char(c)) {
		gunichar rune = g_utf8_get_char(c);
		g_string_append_unichar(text, inside ? rune : g_unichar_totitle(rune));
		inside = g_unichar_isalnum(rune) || rune == '_';
	}
	return return_text(heap, text, out);
}

static bool call_join(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < template_count(&args[0]); i++) {
		TemplateValue part = template_member(&args[0], i, heap, NULL);
		g_string_append_printf(text, "%s%s", i > 0 ? args[1].string : "", part.string);
	}
	return return_text(heap, text, out);
}

/* Without a separator into characters; a byte that is none stands alone. */
static bool call_split(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	size_t size = strlen(args[1].string);
	g_autoptr(GPtrArray) parts = g_ptr_array_new();
	const char *at = args[0].string;
	for (;;) {
		/* Only a whole character may be stepped over: the end could be in the middle of
		 * one. */
		bool whole = g_utf8_get_char_validated(at, -1) < (gunichar)-2;
		const char *end = size > 0 ? strstr(at, args[1].string)
				  : whole  ? g_utf8_next_char(at)
					   : at + 1;
		if (size == 0 && *at == '\0')
			break;
		char *part = end ? g_strndup(at, end - at) : g_strdup(at);
		g_ptr_array_add(parts, (char *)template_heap_take(heap, part));
		if (!end)
			break;
		at = end + size;
	}
	g_ptr_array_add(parts, NULL);
	*out = template_from_strv((const char *const *)parts->pdata, heap);
	return true;
}

/* podman's own: spaces before and behind, none for an empty text. */
static bool call_pad(TemplateHeap *heap, Args args, size_t n, TemplateValue *out, char **reason)
{
	enum { MAX_PAD = 100000 };
	GString *text = g_string_new(NULL);
	if (args[1].integer < 0 || args[2].integer < 0 || args[1].integer > MAX_PAD ||
	    args[2].integer > MAX_PAD) {
		g_string_free(text, TRUE);
		return refuse(reason, "invalid amount of padding");
	}
	if (*args[0].string != '\0')
		g_string_append_printf(text, "%*s%s%*s", (int)args[1].integer, "", args[0].string,
				       (int)args[2].integer, "");
	return return_text(heap, text, out);
}

/* To so many characters; what is not UTF-8 stays whole. */
static bool call_truncate(TemplateHeap *heap, Args args, size_t n, TemplateValue *out,
			  char **reason)
{
	const char *string = args[0].string;
	glong length = g_utf8_validate(string, -1, NULL) ? g_utf8_strlen(string, -1) : 0;
	if (args[1].integer < 0)
		return refuse(reason, "negative length: %" G_GINT64_FORMAT, args[1].integer);
	if (length <= args[1].integer)
		*out = args[0];
	else
		*out = template_string(
			template_heap_take(heap, g_utf8_substring(string, 0, args[1].integer)));
	return true;
}

static const TemplateFunction functions[] = {
	{"and", "vv", .variadic = true, .stops_early = true, .call = call_and},
	{"eq", "vv", .variadic = true, .call = call_eq},
	{"ge", "vv", .call = call_ge},
	{"gt", "vv", .call = call_gt},
	{"html", "v", .variadic = true, .call = call_html},
	{"index", "vv", .variadic = true, .call = call_index},
	{"join", "ls", .call = call_join},
	{"js", "v", .variadic = true, .call = call_js},
	{"json", "v", .call = call_json},
	{"le", "vv", .call = call_le},
	{"len", "v", .call = call_len},
	{"lower", "s", .call = call_lower},
	{"lt", "vv", .call = call_lt},
	{"ne", "vv", .call = call_ne},
	{"not", "v", .call = call_not},
	{"or", "vv", .variadic = true, .stops_early = true, .call = call_or},
	{"pad", "sii", .call = call_pad},
	{"print", "v", .variadic = true, .call = call_print},
	{"printf", "sv", .variadic = true, .call = call_printf},
	{"println", "v", .variadic = true, .call = call_println},
	{"slice", "vv", .variadic = true, .call = call_slice},
	{"split", "ss", .call = call_split},
	{"title", "s", .call = call_title},
	{"truncate", "si", .call = call_truncate},
	{"upper", "s", .call = call_upper},
	{"urlquery", "v", .variadic = true, .call = call_urlquery},
};

const TemplateFunction *template_function_lookup(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

const char *template_function_name(size_t i)
{
	return i < G_N_ELEMENTS(functions) ? functions[i].name : NULL;
}
