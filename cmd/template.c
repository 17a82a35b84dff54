/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: the walk over the tree.
 *
 * Each function returns false once run->error is set. Every node walked counts as a step, every
 * byte printed or made as memory, so that a template of a few characters can't run for ever.
 */
#include "cmd/template_priv.h"

#include <string.h>

#include "cmd/escape.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"

/* What a statement does to the range around it. */
typedef enum {
	FLOW_NEXT,
	FLOW_BREAK,
	FLOW_CONTINUE,
	FLOW_ERROR,
} Flow;

typedef struct {
	const char *name;
	TemplateValue value;
} Variable;

static const TemplateValue missing = {.kind = TEMPLATE_MISSING};

static bool eval_pipeline(TemplateRun *run, const TemplateValue *dot, const Node *pipe,
			  TemplateValue *out);
static Flow walk(TemplateRun *run, const TemplateValue *dot, const Node *node);

/* Fail at @node: "template: ps:1:2: executing "ps" at <.Foo>: ...". */
static bool G_GNUC_PRINTF(3, 4) fail(TemplateRun *run, const Node *node, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	int length = node->end > node->start ? node->end - node->start : 0;
	return template_error(run->tmpl, node->position, true, run->error,
			      "executing \"%s\" at <%.*s>: %s", run->name, length,
			      run->tmpl->source + node->start, text);
}

/* Count one step. */
static bool step(TemplateRun *run, const Node *node)
{
	if (++run->steps > TEMPLATE_MAX_STEPS)
		return fail(run, node, "more than %d steps", TEMPLATE_MAX_STEPS);
	if (run->out->len - run->out_start + template_heap_size(run->heap) > TEMPLATE_MAX_MEMORY)
		return fail(run, node, "more than %u MiB of output", TEMPLATE_MAX_MEMORY >> 20);
	return true;
}

static TemplateValue *lookup_variable(TemplateRun *run, const char *name)
{
	for (size_t i = run->variables->len; i > 0; i--) {
		Variable *variable = &g_array_index(run->variables, Variable, i - 1);
		if (strcmp(variable->name, name) == 0)
			return &variable->value;
	}
	return NULL;
}

/* In "$x := $x" it is known to the parser and has no value yet. */
static bool eval_variable(TemplateRun *run, const Node *node, TemplateValue *out)
{
	const TemplateValue *value = lookup_variable(run, node->names[0]);
	if (!value)
		return fail(run, node, "undefined variable: %s", node->names[0]);
	*out = *value;
	return true;
}

static void push_variable(TemplateRun *run, const char *name, TemplateValue value)
{
	Variable variable = {name, value};
	g_array_append_val(run->variables, variable);
}

/* "can't evaluate field X", and which fields are spelt alike. */
static bool fail_field(TemplateRun *run, const Node *node, const TemplateValue *of,
		       const char *name)
{
	fail(run, node, "can't evaluate field %s in type %s", name, template_type_name(of));
	if (of->kind != TEMPLATE_STRUCT || !run->error)
		return false;
	Suggestions near;
	suggest_init(&near, name);
	for (size_t i = 0; i < template_count(of); i++) {
		const char *key = NULL;
		template_member(of, i, run->heap, &key);
		suggest_offer(&near, key);
	}
	suggest_add_help(&near, ".", run->error);
	return false;
}

/* One field of a value, or a method with an argument. */
static bool eval_field(TemplateRun *run, const Node *node, const TemplateValue *of,
		       const char *name, const TemplateValue *argument, TemplateValue *out)
{
	switch (of->kind) {
	case TEMPLATE_MISSING:
		*out = missing;
		return true;
	case TEMPLATE_NIL:
		return fail(run, node, "nil pointer evaluating %s.%s", template_type_name(of),
			    name);
	case TEMPLATE_MAP:
	case TEMPLATE_STRUCT:
		break;
	case TEMPLATE_BOOL:
	case TEMPLATE_INT:
	case TEMPLATE_FLOAT:
	case TEMPLATE_STRING:
	case TEMPLATE_TIME:
	case TEMPLATE_LIST:
		return fail_field(run, node, of, name);
	}

	const TemplateOps *ops = of->ops;
	if (argument) {
		if (ops->call && argument->kind == TEMPLATE_STRING &&
		    ops->call(of->data, name, argument->string, run->heap, out))
			return true;
		if (of->kind == TEMPLATE_MAP)
			return fail(run, node, "%s is not a method but has arguments", name);
		if (ops->lookup && ops->lookup(of->data, name, run->heap, out))
			return fail(run, node, "%s has arguments but cannot be invoked as function",
				    name);
		return fail_field(run, node, of, name);
	}
	if (ops->lookup && ops->lookup(of->data, name, run->heap, out))
		return true;
	if (of->kind == TEMPLATE_STRUCT)
		return fail_field(run, node, of, name);
	*out = missing;
	return true;
}

/* A chain of fields; only the last may take an argument. */
static bool eval_names(TemplateRun *run, const Node *node, const char *const *names,
		       TemplateValue value, const TemplateValue *argument, TemplateValue *out)
{
	for (size_t i = 0; names[i]; i++)
		if (!eval_field(run, node, &value, names[i], names[i + 1] ? NULL : argument,
				&value))
			return false;
	*out = value;
	return true;
}

static const char *kind_of_param(char param)
{
	return param == 's' ? "string" : param == 'i' ? "integer" : "[]string";
}

/* Does an argument have the type that the function wants? */
static bool check_param(TemplateRun *run, const Node *node, char param, const TemplateValue *value)
{
	bool nil = value->kind == TEMPLATE_MISSING || value->kind == TEMPLATE_NIL;
	if (param == 'v' || (param == 's' && value->kind == TEMPLATE_STRING) ||
	    (param == 'i' && value->kind == TEMPLATE_INT) ||
	    (param == 'l' && value->kind == TEMPLATE_LIST &&
	     strcmp(template_type_name(value), "[]string") == 0))
		return true;
	if (node->kind == NODE_NIL)
		return fail(run, node, "cannot assign nil to %s", kind_of_param(param));
	if (nil)
		return fail(run, node, "invalid value; expected %s", kind_of_param(param));
	if (node->kind == NODE_VALUE && param == 'l')
		return fail(run, node, "can't handle %.*s for arg of type []string",
			    (int)(node->end - node->start), run->tmpl->source + node->start);
	if (node->kind == NODE_VALUE)
		return fail(run, node, "expected %s; found %.*s", kind_of_param(param),
			    (int)(node->end - node->start), run->tmpl->source + node->start);
	return fail(run, node, "wrong type for value; expected %s; got %s", kind_of_param(param),
		    template_type_name(value));
}

static bool eval_function(TemplateRun *run, const TemplateValue *dot, const Node *command,
			  const TemplateValue *final, TemplateValue *out);

/* A word used as an argument. */
static bool eval_word(TemplateRun *run, const TemplateValue *dot, const Node *node,
		      TemplateValue *out)
{
	if (!step(run, node))
		return false;
	switch (node->kind) {
	case NODE_DOT:
		*out = *dot;
		return true;
	case NODE_NIL:
		*out = template_nil();
		return true;
	case NODE_VALUE:
		*out = node->value;
		return true;
	case NODE_FIELD:
		return eval_names(run, node, node->names, *dot, NULL, out);
	case NODE_VARIABLE:
		return eval_variable(run, node, out) &&
		       eval_names(run, node, node->names + 1, *out, NULL, out);
	case NODE_CHAIN: {
		TemplateValue head;
		return eval_word(run, dot, g_ptr_array_index(node->children, 0), &head) &&
		       eval_names(run, node, node->names, head, NULL, out);
	}
	case NODE_PIPE:
		return eval_pipeline(run, dot, node, out);
	case NODE_IDENTIFIER: {
		Node *words[] = {(Node *)node};
		GPtrArray children = {.pdata = (gpointer *)words, .len = 1};
		Node command = *node;
		command.children = &children;
		return eval_function(run, dot, &command, NULL, out);
	}
	default:
		return fail(run, node, "can't handle this here");
	}
}

/* Evaluate the arguments of a function call, as far as it needs them. */
static bool eval_arguments(TemplateRun *run, const TemplateValue *dot, const Node *command,
			   const TemplateFunction *function, const TemplateValue *final,
			   GArray *args)
{
	size_t n_params = strlen(function->params);
	for (size_t i = 1; i < command->children->len + (final ? 1 : 0); i++) {
		TemplateValue value = missing;
		const Node *node = command;
		if (i < command->children->len) {
			node = g_ptr_array_index(command->children, i);
			if (!eval_word(run, dot, node, &value))
				return false;
		} else {
			value = *final;
		}
		if (!check_param(run, node, function->params[MIN(i, n_params) - 1], &value))
			return false;
		g_array_append_val(args, value);
		if (function->stops_early &&
		    template_is_true(&value) == (strcmp(function->name, "or") == 0))
			return true;
	}
	return true;
}

/* @final: what the pipeline hands on, the last argument. */
static bool eval_function(TemplateRun *run, const TemplateValue *dot, const Node *command,
			  const TemplateValue *final, TemplateValue *out)
{
	const Node *head = g_ptr_array_index(command->children, 0);
	const TemplateFunction *function = template_function_lookup(head->text);
	size_t given = command->children->len - 1 + (final ? 1 : 0);
	size_t wanted = strlen(function->params) - function->variadic;
	if (given < wanted || (given > wanted && !function->variadic))
		return fail(run, head, "wrong number of args for %s: want %s%zu got %zu",
			    head->text, function->variadic ? "at least " : "", wanted, given);

	g_autoptr(GArray) args = g_array_new(FALSE, FALSE, sizeof(TemplateValue));
	if (!eval_arguments(run, dot, command, function, final, args))
		return false;
	g_autofree char *reason = NULL;
	*out = missing;
	if (!function->call(run->heap, (const TemplateValue *)args->data, args->len, out, &reason))
		return fail(run, command, "error calling %s: %s", head->text, reason);
	return true;
}

/* The argument of a method: the word behind it, or what the pipe brings. */
static bool eval_method_argument(TemplateRun *run, const TemplateValue *dot, const Node *command,
				 const TemplateValue *final, TemplateValue *store,
				 const TemplateValue **out)
{
	size_t n = command->children->len - 1 + (final ? 1 : 0);
	*out = NULL;
	if (n > 1)
		return fail(run, command, "wrong number of args: want 1 got %zu", n);
	if (final) {
		*out = final;
	} else if (n == 1) {
		if (!eval_word(run, dot, g_ptr_array_index(command->children, 1), store))
			return false;
		*out = store;
	}
	return true;
}

/* One command of a pipeline; @final is what the command before it made. */
static bool eval_command(TemplateRun *run, const TemplateValue *dot, const Node *command,
			 const TemplateValue *final, TemplateValue *out)
{
	const Node *head = g_ptr_array_index(command->children, 0);
	TemplateValue value = missing, store;
	const TemplateValue *argument = NULL;
	const char *const *names = head->names;
	if (!step(run, head))
		return false;

	switch (head->kind) {
	case NODE_IDENTIFIER:
		return eval_function(run, dot, command, final, out);
	case NODE_FIELD:
		value = *dot;
		break;
	case NODE_VARIABLE:
		if (!eval_variable(run, head, &value))
			return false;
		names++;
		break;
	case NODE_CHAIN:
		if (!eval_word(run, dot, g_ptr_array_index(head->children, 0), &value))
			return false;
		break;
	case NODE_NIL:
		return fail(run, head, "nil is not a command");
	default:
		if (!eval_word(run, dot, head, out))
			return false;
		names = NULL;
		break;
	}
	if (!names || !names[0]) {
		if (command->children->len > 1 || final)
			return fail(run, head, "can't give argument to non-function %.*s",
				    (int)(head->end - head->start),
				    run->tmpl->source + head->start);
		if (names)
			*out = value;
		return true;
	}
	return eval_method_argument(run, dot, command, final, &store, &argument) &&
	       eval_names(run, head, names, value, argument, out);
}

/* Each command's value is the last argument of the next; then the variables are set. */
static bool eval_pipeline(TemplateRun *run, const TemplateValue *dot, const Node *pipe,
			  TemplateValue *out)
{
	TemplateValue value = missing;
	for (size_t i = 0; i < pipe->children->len; i++) {
		TemplateValue next = missing;
		if (!eval_command(run, dot, g_ptr_array_index(pipe->children, i),
				  i > 0 ? &value : NULL, &next))
			return false;
		value = next;
	}
	for (size_t i = 0; pipe->names && pipe->names[i]; i++) {
		TemplateValue *variable =
			pipe->assigns ? lookup_variable(run, pipe->names[i]) : NULL;
		if (pipe->assigns && !variable)
			return fail(run, pipe, "undefined variable: %s", pipe->names[i]);
		if (variable)
			*variable = value;
		else
			push_variable(run, pipe->names[i], value);
	}
	*out = value;
	return true;
}

static Flow walk_list(TemplateRun *run, const TemplateValue *dot, const Node *list)
{
	for (size_t i = 0; list && list->children && i < list->children->len; i++) {
		Flow flow = walk(run, dot, g_ptr_array_index(list->children, i));
		if (flow != FLOW_NEXT)
			return flow;
	}
	return FLOW_NEXT;
}

/* Set the variables of a range for one turn: "$v" or "$i, $v". */
static void set_range_variables(TemplateRun *run, const Node *pipe, size_t mark, TemplateValue key,
				TemplateValue value)
{
	if (!pipe->names)
		return;
	bool two = pipe->names[1] != NULL;
	if (pipe->assigns) {
		*lookup_variable(run, pipe->names[0]) = two ? key : value;
		if (two)
			*lookup_variable(run, pipe->names[1]) = value;
		return;
	}
	g_array_index(run->variables, Variable, mark).value = two ? key : value;
	if (two)
		g_array_index(run->variables, Variable, mark + 1).value = value;
}

/* As Go: nil is empty, a number counts, the variables of one turn are gone in the next. */
static Flow walk_range(TemplateRun *run, const TemplateValue *dot, const Node *node)
{
	size_t mark = run->variables->len;
	TemplateValue value;
	if (!eval_pipeline(run, dot, node->pipe, &value))
		return FLOW_ERROR;
	bool nil = value.kind == TEMPLATE_NIL || value.kind == TEMPLATE_MISSING;
	if (!nil && value.kind != TEMPLATE_LIST && value.kind != TEMPLATE_MAP &&
	    !(value.kind == TEMPLATE_INT && value.integer >= 0)) {
		g_autoptr(GString) text = g_string_new(NULL);
		template_print(&value, run->heap, text);
		const Node *command = g_ptr_array_index(node->pipe->children, 0);
		fail(run, g_ptr_array_index(command->children, 0), "range can't iterate over %s",
		     text->str);
		return FLOW_ERROR;
	}

	bool number = value.kind == TEMPLATE_INT;
	size_t n = nil ? 0 : number ? (size_t)value.integer : template_count(&value);
	size_t turn_mark = run->variables->len;
	Flow flow = n == 0 ? walk_list(run, dot, node->orelse) : FLOW_NEXT;
	for (size_t i = 0; i < n && flow != FLOW_ERROR; i++) {
		const char *key = NULL;
		TemplateValue index = template_int(i);
		TemplateValue member = number ? index : template_member(&value, i, run->heap, &key);
		if (value.kind == TEMPLATE_MAP)
			index = template_string(key);
		set_range_variables(run, node->pipe, mark, index, member);
		flow = step(run, node) ? walk_list(run, &member, node->body) : FLOW_ERROR;
		g_array_set_size(run->variables, turn_mark);
		if (flow == FLOW_BREAK)
			break;
	}
	g_array_set_size(run->variables, mark);
	return flow == FLOW_ERROR || n == 0 ? flow : FLOW_NEXT;
}

/* "else if" is a node where a list would be; variables of the condition end here. */
static Flow walk_if_or_with(TemplateRun *run, const TemplateValue *dot, const Node *node)
{
	size_t mark = run->variables->len;
	TemplateValue value;
	if (!eval_pipeline(run, dot, node->pipe, &value))
		return FLOW_ERROR;
	Flow flow;
	if (!template_is_true(&value))
		flow = node->orelse && node->orelse->kind != NODE_LIST
			       ? walk(run, dot, node->orelse)
			       : walk_list(run, dot, node->orelse);
	else
		flow = walk_list(run, node->kind == NODE_WITH ? &value : dot, node->body);
	g_array_set_size(run->variables, mark);
	return flow;
}

/* A defined template sees only what it is handed; the depth of calls is bounded. */
static Flow walk_template(TemplateRun *run, const TemplateValue *dot, const Node *node)
{
	const Node *body = g_hash_table_lookup(run->tmpl->defined, node->text);
	if (!body) {
		fail(run, node, "template \"%s\" not defined", node->text);
		return FLOW_ERROR;
	}
	TemplateValue value = missing;
	if (node->pipe && !eval_pipeline(run, dot, node->pipe, &value))
		return FLOW_ERROR;
	if (run->depth >= TEMPLATE_MAX_DEPTH) {
		fail(run, node, "exceeded maximum template depth (%d)", TEMPLATE_MAX_DEPTH);
		return FLOW_ERROR;
	}

	const char *outer = run->name;
	GArray *variables = run->variables;
	g_autoptr(GArray) fresh = g_array_new(FALSE, FALSE, sizeof(Variable));
	run->variables = fresh;
	run->name = node->text;
	run->depth++;
	push_variable(run, "$", value);
	Flow flow = walk_list(run, &value, body);
	run->depth--;
	run->name = outer;
	run->variables = variables;
	return flow;
}

/* A declaration prints nothing. Only values are escaped, the user's own text is not. */
static Flow walk_action(TemplateRun *run, const TemplateValue *dot, const Node *node)
{
	TemplateValue value;
	if (!eval_pipeline(run, dot, node->pipe, &value))
		return FLOW_ERROR;
	if (node->pipe->names)
		return FLOW_NEXT;
	if (value.kind == TEMPLATE_MISSING) {
		g_string_append(run->out, "<no value>");
	} else if (run->tmpl->escapes) {
		g_autoptr(GString) plain = g_string_new(NULL);
		template_print(&value, run->heap, plain);
		escape_append_terminal(run->out, plain->str, true);
	} else {
		template_print(&value, run->heap, run->out);
	}
	return FLOW_NEXT;
}

/* Every statement costs a step, so that a template of others ends. */
static Flow walk(TemplateRun *run, const TemplateValue *dot, const Node *node)
{
	if (!step(run, node))
		return FLOW_ERROR;
	switch (node->kind) {
	case NODE_LIST:
		return walk_list(run, dot, node);
	case NODE_TEXT:
		g_string_append(run->out, node->text);
		return FLOW_NEXT;
	case NODE_ACTION:
		return walk_action(run, dot, node);
	case NODE_IF:
	case NODE_WITH:
		return walk_if_or_with(run, dot, node);
	case NODE_RANGE:
		return walk_range(run, dot, node);
	case NODE_TEMPLATE:
		return walk_template(run, dot, node);
	case NODE_BREAK:
		return FLOW_BREAK;
	case NODE_CONTINUE:
		return FLOW_CONTINUE;
	default:
		fail(run, node, "not a statement");
		return FLOW_ERROR;
	}
}

bool template_run(const Template *tmpl, const TemplateValue *dot, GString *out, GError **error)
{
	g_autoptr(TemplateHeap) heap = template_heap_new();
	g_autoptr(GArray) variables = g_array_new(FALSE, FALSE, sizeof(Variable));
	TemplateRun run = {
		.tmpl = tmpl,
		.name = tmpl->name,
		.heap = heap,
		.out = out,
		.out_start = out->len,
		.variables = variables,
		.error = error,
	};
	push_variable(&run, "$", *dot);
	return walk_list(&run, dot, tmpl->root) != FLOW_ERROR;
}
