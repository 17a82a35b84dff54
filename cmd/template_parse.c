/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: tokens to a tree, by recursive descent.
 */
#include "cmd/template_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/suggest.h"

typedef struct {
	Template *tmpl;
	GArray *tokens;
	size_t next;
	unsigned depth;       /* of parentheses and actions */
	unsigned ranges;      /* {{range}}s we are in */
	GPtrArray *variables; /* names in scope */
	GError **error;
} Parser;

static Node *parse_pipeline(Parser *p, const char *context, TokenKind end);
static Node *parse_body(Parser *p, const char **out_stop);

static void node_free(void *pointer)
{
	Node *node = pointer;
	g_clear_pointer(&node->children, g_ptr_array_unref);
	g_free(node->names);
	g_free(node);
}

static Node *node_new(Parser *p, NodeKind kind, size_t start)
{
	Node *node = g_new0(Node, 1);
	*node = (Node){.kind = kind, .start = start, .position = start, .end = start};
	g_ptr_array_add(p->tmpl->pool, node);
	return node;
}

static const Token *peek(Parser *p)
{
	return &g_array_index(p->tokens, Token, p->next);
}

static const Token *take(Parser *p)
{
	const Token *token = peek(p);
	if (token->kind != TOKEN_EOF && token->kind != TOKEN_ERROR)
		p->next++;
	return token;
}

static const Token *peek_past_space(Parser *p)
{
	while (peek(p)->kind == TOKEN_SPACE)
		p->next++;
	return peek(p);
}

static const Token *take_past_space(Parser *p)
{
	peek_past_space(p);
	return take(p);
}

/* Where the token before the next one ended. */
static size_t last_end(Parser *p)
{
	size_t i = p->next;
	while (i > 0 && g_array_index(p->tokens, Token, i - 1).kind == TOKEN_SPACE)
		i--;
	if (i == 0)
		return 0;
	const Token *token = &g_array_index(p->tokens, Token, i - 1);
	return token->start + strlen(token->text);
}

/* Fail at a token's line. Return: NULL. */
static void *G_GNUC_PRINTF(3, 4) fail(Parser *p, const Token *token, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	template_error(p->tmpl, token->start, false, p->error, "%s", text);
	return NULL;
}

/* "unexpected X in Y"; the lexer's own error goes first. */
static void *fail_unexpected(Parser *p, const Token *token, const char *context)
{
	switch (token->kind) {
	case TOKEN_ERROR:
		return fail(p, token, "%s", token->text);
	case TOKEN_EOF:
		return fail(p, token, "unexpected EOF");
	case TOKEN_KEYWORD:
	case TOKEN_FIELD:
	case TOKEN_DOT:
	case TOKEN_NIL:
		return fail(p, token, "unexpected <%s> in %s", token->text, context);
	default:
		return fail(p, token, "unexpected \"%s\" in %s", token->text, context);
	}
}

/* Parentheses and actions may nest, up to a point. */
static bool enter(Parser *p, const Token *token)
{
	if (++p->depth <= TEMPLATE_MAX_DEPTH)
		return true;
	fail(p, token, "nested too deeply");
	return false;
}

static bool variable_known(Parser *p, const char *name)
{
	for (size_t i = p->variables->len; i > 0; i--)
		if (strcmp(g_ptr_array_index(p->variables, i - 1), name) == 0)
			return true;
	return false;
}

/* Names after a head: ".A.B". NULL-terminated, with @first in front unless it is NULL. */
static const char **parse_names(Parser *p, const char *first, size_t *out_second)
{
	GPtrArray *names = g_ptr_array_new();
	if (first)
		g_ptr_array_add(names, (char *)first);
	while (peek(p)->kind == TOKEN_FIELD) {
		const Token *token = take(p);
		if (names->len == 1)
			*out_second = token->start;
		g_ptr_array_add(names, token->text + 1);
	}
	g_ptr_array_add(names, NULL);
	return (const char **)g_ptr_array_free(names, FALSE);
}

/* Digits with underscores, in any of Go's bases. */
static bool parse_number(Parser *p, const Token *token, TemplateValue *out)
{
	GString *clean = g_string_new(NULL);
	for (const char *c = token->text; *c; c++)
		if (*c != '_')
			g_string_append_c(clean, *c);
	g_autofree char *text = g_string_free(clean, FALSE);

	const char *digits = text + strspn(text, "+-");
	int base = 10;
	if (digits[0] == '0' && digits[1] != '\0' && !strpbrk(digits, ".eE"))
		base = strchr("xX", digits[1]) ? 16 : strchr("bB", digits[1]) ? 2 : 8;
	if (digits[0] == '0' && digits[1] != '\0' && strchr("xX", digits[1]))
		base = 16;
	if (digits[0] == '0' && digits[1] != '\0' && strchr("xXbBoO", digits[1]))
		digits += 2;

	char *end = NULL;
	errno = 0;
	if (base == 10 && strpbrk(digits, ".eE")) {
		*out = (TemplateValue){.kind = TEMPLATE_FLOAT, .real = g_ascii_strtod(text, &end)};
	} else {
		uint64_t amount = g_ascii_strtoull(digits, &end, base);
		bool negative = text[0] == '-';
		if (amount > (uint64_t)INT64_MAX + negative)
			errno = ERANGE;
		*out = template_int(negative ? (int64_t)(0 - amount) : (int64_t)amount);
	}
	if (errno == 0 && end != text && *end == '\0')
		return true;
	fail(p, token, "%s: \"%s\"", errno == ERANGE ? "integer overflow" : "illegal number syntax",
	     token->text);
	return false;
}

/* The value of a quoted literal, owned by the template. */
static const char *take_string(Parser *p, const Token *token)
{
	char *string = template_unquote(token->text);
	if (!string)
		return fail(p, token, "invalid syntax");
	g_hash_table_add(p->tmpl->strings, string);
	return string;
}

/* A character in single quotes is an integer, as in Go. */
static Node *parse_literal(Parser *p, const Token *token)
{
	Node *node = node_new(p, NODE_VALUE, token->start);
	node->end = token->start + strlen(token->text);
	if (token->kind == TOKEN_BOOL) {
		node->value = template_bool(strcmp(token->text, "true") == 0);
	} else if (token->kind == TOKEN_NUMBER) {
		if (!parse_number(p, token, &node->value))
			return NULL;
	} else {
		node->text = take_string(p, token);
		if (!node->text)
			return NULL;
		node->value = template_string(node->text);
		if (token->kind == TOKEN_CHAR && g_utf8_strlen(node->text, -1) > 1)
			return fail(p, token, "malformed character constant: %s", token->text);
		if (token->kind == TOKEN_CHAR)
			node->value = template_int(g_utf8_get_char(node->text));
	}
	return node;
}

/* Names are checked while parsing, so a typo is told even if it is never run. */
static Node *parse_function(Parser *p, const Token *token)
{
	if (!template_function_lookup(token->text)) {
		Suggestions near;
		suggest_init(&near, token->text);
		for (size_t i = 0; template_function_name(i); i++)
			suggest_offer(&near, template_function_name(i));
		fail(p, token, "function \"%s\" not defined", token->text);
		suggest_add_help(&near, "", p->error);
		return NULL;
	}
	Node *node = node_new(p, NODE_IDENTIFIER, token->start);
	node->text = token->text;
	node->end = token->start + strlen(token->text);
	return node;
}

/* One word of a command without the fields behind it. *@out_none: there is no word here. */
static Node *parse_term(Parser *p, bool *out_none)
{
	const Token *token = take_past_space(p);
	Node *node = NULL;
	size_t second = token->start;
	switch (token->kind) {
	case TOKEN_IDENTIFIER:
		return parse_function(p, token);
	case TOKEN_DOT:
	case TOKEN_NIL:
		node = node_new(p, token->kind == TOKEN_DOT ? NODE_DOT : NODE_NIL, token->start);
		break;
	case TOKEN_VARIABLE:
		if (!variable_known(p, token->text))
			return fail(p, token, "undefined variable \"%s\"", token->text);
		node = node_new(p, NODE_VARIABLE, token->start);
		node->names = parse_names(p, token->text, &second);
		break;
	case TOKEN_FIELD:
		node = node_new(p, NODE_FIELD, token->start);
		node->names = parse_names(p, token->text + 1, &second);
		break;
	case TOKEN_BOOL:
	case TOKEN_CHAR:
	case TOKEN_NUMBER:
	case TOKEN_STRING:
		return parse_literal(p, token);
	case TOKEN_OPEN:
		if (!enter(p, token))
			return NULL;
		node = parse_pipeline(p, "parenthesized pipeline", TOKEN_CLOSE);
		p->depth--;
		if (node)
			node->start = node->position = token->start;
		break;
	default:
		if (token->kind != TOKEN_EOF && token->kind != TOKEN_ERROR)
			p->next--;
		*out_none = true;
		return NULL;
	}
	if (node) {
		node->position = second;
		node->end = last_end(p);
	}
	return node;
}

/* One word with its fields: "(index .A 0).B". */
static Node *parse_operand(Parser *p, bool *out_none)
{
	Node *head = parse_term(p, out_none);
	const Token *token = peek(p);
	if (!head || token->kind != TOKEN_FIELD)
		return head;
	if (head->kind == NODE_VALUE || head->kind == NODE_NIL || head->kind == NODE_DOT)
		return fail(p, token, "unexpected . after term \"%.*s\"",
			    (int)(head->end - head->start), p->tmpl->source + head->start);

	Node *node = node_new(p, NODE_CHAIN, head->start);
	size_t second = 0;
	node->children = g_ptr_array_new();
	g_ptr_array_add(node->children, head);
	node->names = parse_names(p, NULL, &second);
	node->position = token->start;
	node->end = last_end(p);
	return node;
}

/* Words between pipes. */
static Node *parse_command(Parser *p)
{
	Node *node = node_new(p, NODE_COMMAND, peek_past_space(p)->start);
	node->children = g_ptr_array_new();
	for (;;) {
		bool none = false;
		Node *word = parse_operand(p, &none);
		if (!word && !none)
			return NULL;
		if (word)
			g_ptr_array_add(node->children, word);
		const Token *token = peek(p);
		if (token->kind == TOKEN_SPACE && !none)
			continue;
		if (token->kind == TOKEN_PIPE || token->kind == TOKEN_RIGHT ||
		    token->kind == TOKEN_CLOSE)
			break;
		return fail_unexpected(p, token, word ? "operand" : "command");
	}
	if (node->children->len == 0)
		return fail_unexpected(p, peek(p), "command");
	node->end = last_end(p);
	return node;
}

/* "$x :=", "$x =", "$i, $v :=" in front of a pipeline; nothing is taken if there is none. */
static bool parse_declarations(Parser *p, Node *pipe, bool range)
{
	size_t start = p->next;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (;;) {
		const Token *variable = peek_past_space(p);
		if (variable->kind != TOKEN_VARIABLE)
			break;
		take(p);
		const Token *mark = peek_past_space(p);
		g_ptr_array_add(names, variable->text);
		if (mark->kind == TOKEN_DECLARE || mark->kind == TOKEN_ASSIGN) {
			take(p);
			pipe->assigns = mark->kind == TOKEN_ASSIGN;
			for (size_t i = 0; i < names->len && !pipe->assigns; i++)
				g_ptr_array_add(p->variables, g_ptr_array_index(names, i));
			g_ptr_array_add(names, NULL);
			pipe->names = (const char **)g_ptr_array_steal(names, NULL);
			return true;
		}
		if (mark->kind != TOKEN_COMMA || !range || names->len == 2)
			break;
		take(p);
	}
	if (names->len == 2 || (names->len == 1 && peek(p)->kind == TOKEN_COMMA)) {
		fail(p, peek(p), "too many declarations in %s", range ? "range" : "command");
		return false;
	}
	p->next = start;
	return true;
}

/* Commands with bars between, up to @end, which is taken. @context: what messages call it. */
static Node *parse_pipeline(Parser *p, const char *context, TokenKind end)
{
	Node *node = node_new(p, NODE_PIPE, peek_past_space(p)->start);
	node->children = g_ptr_array_new();
	if (!parse_declarations(p, node, strcmp(context, "range") == 0))
		return NULL;
	for (;;) {
		const Token *token = peek_past_space(p);
		if (token->kind == end)
			break;
		if (token->kind == TOKEN_PIPE && node->children->len > 0) {
			take(p);
			token = peek_past_space(p);
			if (token->kind == end)
				return fail(p, token, "missing value for %s", context);
		} else if (node->children->len > 0) {
			return fail_unexpected(p, token, context);
		}
		Node *command = parse_command(p);
		if (!command)
			return NULL;
		Node *first = g_ptr_array_index(command->children, 0);
		if (node->children->len > 0 && (first->kind == NODE_VALUE ||
						first->kind == NODE_DOT || first->kind == NODE_NIL))
			return fail(p, token, "non executable command in pipeline stage %u",
				    node->children->len + 1);
		g_ptr_array_add(node->children, command);
	}
	if (node->children->len == 0)
		return fail(p, peek(p), "missing value for %s", context);
	node->end = last_end(p);
	take(p);
	return node;
}

/* The closing delimiter of an action that holds nothing more. */
static bool expect_right(Parser *p, const char *context)
{
	const Token *token = take_past_space(p);
	if (token->kind == TOKEN_RIGHT)
		return true;
	fail_unexpected(p, token, context);
	return false;
}

/* {{if}}, {{with}}, {{range}} with their {{else}}; "else if" nests without an {{end}} of its own.
 */
static Node *parse_control(Parser *p, const Token *word)
{
	NodeKind kind = word->text[0] == 'i'   ? NODE_IF
			: word->text[0] == 'w' ? NODE_WITH
					       : NODE_RANGE;
	Node *node = node_new(p, kind, word->start);
	unsigned mark = p->variables->len;
	if (!enter(p, word))
		return NULL;
	node->pipe = parse_pipeline(p, word->text, TOKEN_RIGHT);
	if (!node->pipe)
		return NULL;
	node->end = node->pipe->end;

	const char *stop = NULL;
	p->ranges += kind == NODE_RANGE;
	node->body = parse_body(p, &stop);
	p->ranges -= kind == NODE_RANGE;
	if (!node->body)
		return NULL;
	if (strcmp(stop, "else") == 0) {
		const Token *next = peek_past_space(p);
		bool chained = next->kind == TOKEN_KEYWORD &&
			       ((kind == NODE_IF && strcmp(next->text, "if") == 0) ||
				(kind == NODE_WITH && strcmp(next->text, "with") == 0));
		if (chained) {
			node->orelse = parse_control(p, take(p));
		} else if (expect_right(p, "else")) {
			const Token *at = peek(p);
			node->orelse = parse_body(p, &stop);
			if (node->orelse && strcmp(stop, "end") != 0)
				return fail(p, at, "expected end; found {{else}}");
		}
		if (!node->orelse)
			return NULL;
	}
	p->depth--;
	g_ptr_array_set_size(p->variables, mark);
	return node;
}

/* The quoted name in {{template "x"}}, {{define "x"}}, {{block "x"}}. */
static const char *parse_name(Parser *p, const char *context)
{
	const Token *token = take_past_space(p);
	if (token->kind != TOKEN_STRING)
		return fail_unexpected(p, token, context);
	return take_string(p, token);
}

/* The body of {{define}} or {{block}}: its own variables, its own ranges. */
static bool parse_definition(Parser *p, const char *name, const Token *word)
{
	g_autoptr(GPtrArray) variables = g_ptr_array_new();
	g_ptr_array_add(variables, (char *)"$");
	GPtrArray *outer = p->variables;
	unsigned ranges = p->ranges;
	p->variables = variables;
	p->ranges = 0;
	const char *stop = NULL;
	Node *body = enter(p, word) ? parse_body(p, &stop) : NULL;
	p->depth--;
	p->variables = outer;
	p->ranges = ranges;
	if (body && strcmp(stop, "end") != 0)
		return fail(p, word, "unexpected {{%s}} in %s clause", stop, word->text);
	if (body)
		g_hash_table_insert(p->tmpl->defined, (char *)name, body);
	return body != NULL;
}

/* {{template}} and {{block}}. */
static Node *parse_template(Parser *p, const Token *word)
{
	bool block = word->text[0] == 'b';
	Node *node = node_new(p, NODE_TEMPLATE, word->start);
	const char *name = parse_name(p, block ? "block clause" : "template clause");
	if (!name)
		return NULL;
	node->text = name;
	node->end = last_end(p);
	if (peek_past_space(p)->kind != TOKEN_RIGHT || block) {
		node->pipe =
			parse_pipeline(p, block ? "block clause" : "template clause", TOKEN_RIGHT);
		if (!node->pipe)
			return NULL;
	} else {
		take(p);
	}
	if (block && !parse_definition(p, name, word))
		return NULL;
	return node;
}

/* A statement that starts with a keyword. *@out_stop: it ends the body we are in. */
static Node *parse_keyword(Parser *p, const Token *word, const char **out_stop)
{
	const char *text = word->text;
	if (strcmp(text, "if") == 0 || strcmp(text, "with") == 0 || strcmp(text, "range") == 0)
		return parse_control(p, word);
	if (strcmp(text, "template") == 0 || strcmp(text, "block") == 0)
		return parse_template(p, word);
	if (strcmp(text, "else") == 0 || strcmp(text, "end") == 0) {
		if (p->depth == 0)
			return fail(p, word, "unexpected {{%s}}", text);
		if (strcmp(text, "end") == 0 && !expect_right(p, "end"))
			return NULL;
		*out_stop = text;
		return NULL;
	}
	if (strcmp(text, "define") == 0) {
		if (p->depth > 0)
			return fail_unexpected(p, word, "command");
		const char *name = parse_name(p, "define clause");
		if (!name || !expect_right(p, "define clause") || !parse_definition(p, name, word))
			return NULL;
		return node_new(p, NODE_LIST, word->start);
	}
	if (p->ranges == 0)
		return fail(p, word, "{{%s}} outside {{range}}", text);
	if (!expect_right(p, text))
		return NULL;
	return node_new(p, text[0] == 'b' ? NODE_BREAK : NODE_CONTINUE, word->start);
}

/* Statements up to {{end}}, {{else}} or the end of the source; *@out_stop says which. */
static Node *parse_body(Parser *p, const char **out_stop)
{
	Node *list = node_new(p, NODE_LIST, peek(p)->start);
	list->children = g_ptr_array_new();
	for (;;) {
		const Token *token = take(p);
		Node *node = NULL;
		if (token->kind == TOKEN_EOF && p->depth == 0) {
			*out_stop = NULL;
			return list;
		} else if (token->kind == TOKEN_TEXT) {
			node = node_new(p, NODE_TEXT, token->start);
			node->text = token->text;
		} else if (token->kind != TOKEN_LEFT) {
			return fail_unexpected(p, token, "input");
		} else if (peek_past_space(p)->kind == TOKEN_KEYWORD) {
			const char *stop = NULL;
			node = parse_keyword(p, take(p), &stop);
			if (stop) {
				*out_stop = stop;
				return list;
			}
		} else {
			node = node_new(p, NODE_ACTION, token->start);
			node->pipe = parse_pipeline(p, "command", TOKEN_RIGHT);
			if (!node->pipe)
				return NULL;
		}
		if (!node)
			return NULL;
		g_ptr_array_add(list->children, node);
	}
}

bool template_error(const Template *tmpl, size_t position, bool column, GError **error,
		    const char *format, ...)
{
	unsigned line = 1;
	size_t start = 0;
	for (size_t i = 0; i < position && tmpl->source[i]; i++) {
		if (tmpl->source[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	if (column)
		return error_set(error, ENGINE_ERROR_INVALID, "template: %s:%u:%zu: %s", tmpl->name,
				 line, position - start + (line == 1 ? tmpl->shift : 0), text);
	return error_set(error, ENGINE_ERROR_INVALID, "template: %s:%u: %s", tmpl->name, line,
			 text);
}

/* {{range .}} or {{range $x := .}} as the first action. */
static bool starts_with_range(const Node *root)
{
	for (size_t i = 0; i < root->children->len; i++) {
		const Node *node = g_ptr_array_index(root->children, i);
		if (node->kind == NODE_TEXT || node->kind == NODE_LIST)
			continue;
		if (node->kind != NODE_RANGE)
			return false;
		const Node *command = g_ptr_array_index(node->pipe->children, 0);
		const Node *word = g_ptr_array_index(command->children, 0);
		return word->kind == NODE_DOT;
	}
	return false;
}

Template *template_parse(const char *name, const char *text, GError **error)
{
	if (strlen(text) > TEMPLATE_MAX_TEXT)
		return error_set_null(error, ENGINE_ERROR_INVALID, "template: %s: too long", name);
	g_autoptr(Template) tmpl = g_new0(Template, 1);
	tmpl->name = g_strdup(name);
	tmpl->source = g_strdup(text);
	tmpl->pool = g_ptr_array_new_with_free_func(node_free);
	tmpl->strings = g_hash_table_new_full(g_direct_hash, g_direct_equal, g_free, NULL);
	tmpl->defined = g_hash_table_new(g_str_hash, g_str_equal);
	tmpl->tokens = template_lex(text);

	g_autoptr(GPtrArray) variables = g_ptr_array_new();
	g_ptr_array_add(variables, (char *)"$");
	Parser parser = {
		.tmpl = tmpl, .tokens = tmpl->tokens, .variables = variables, .error = error};
	const char *stop = NULL;
	tmpl->root = parse_body(&parser, &stop);
	if (!tmpl->root)
		return NULL;
	tmpl->ranges = starts_with_range(tmpl->root);
	return g_steal_pointer(&tmpl);
}

void template_free(Template *tmpl)
{
	if (!tmpl)
		return;
	g_clear_pointer(&tmpl->defined, g_hash_table_unref);
	g_clear_pointer(&tmpl->strings, g_hash_table_unref);
	g_clear_pointer(&tmpl->pool, g_ptr_array_unref);
	g_clear_pointer(&tmpl->tokens, g_array_unref);
	g_free(tmpl->source);
	g_free(tmpl->name);
	g_free(tmpl);
}

void template_shift_columns(Template *tmpl, size_t n)
{
	tmpl->shift = n;
}

bool template_uses_range(const Template *tmpl)
{
	return tmpl->ranges;
}

void template_escape_values(Template *tmpl, bool escape)
{
	tmpl->escapes = escape;
}
