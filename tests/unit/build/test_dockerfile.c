/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tables of tests/cases cannot write: CR, BOM, NUL, and files that are too large.
 */
#include <glib.h>
#include <string.h>

#include "build/dockerfile_parse.h"
#include "build/scope.h"
#include "build/stages.h"
#include "libpod/base/error.h"

static Dockerfile *parse(const char *text, GError **error)
{
	return dockerfile_parse(text, strlen(text), "Dockerfile", error);
}

static const Instruction *at(const Dockerfile *file, guint index)
{
	g_assert_cmpuint(index, <, file->instructions->len);
	return g_ptr_array_index(file->instructions, index);
}

static void test_bom_and_crlf(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = parse("\xef\xbb\xbf# escape=`\r\n"
					   "FROM a\r\n"
					   "RUN b `\r\n"
					   " c\r\n"
					   "RUN <<EOF\r\n"
					   "x\r\n"
					   "EOF\r\n"
					   "CMD d",
					   &error);
	g_assert_no_error(error);
	g_assert_cmpint(file->lex->escape, ==, '`');
	g_assert_cmpstr(at(file, 1)->words[0], ==, "b  c");
	const Heredoc *heredoc = g_ptr_array_index(at(file, 2)->source->heredocs, 0);
	g_assert_cmpstr(heredoc->content, ==, "x\r\n");
	g_assert_cmpuint(at(file, 2)->source->end_line, ==, 7);
	g_assert_cmpstr(at(file, 3)->words[0], ==, "d");
}

static void test_bom_elsewhere_is_text(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(parse("FROM a\n\xef\xbb\xbfRUN b\n", &error));
	g_assert_true(g_str_has_prefix(error->message, "Dockerfile:2: unknown instruction"));
}

static void test_nul_is_refused(void)
{
	static const char text[] = "FROM a\nRUN b\0c\n";
	g_autoptr(GError) error = NULL;
	g_assert_null(dockerfile_parse(text, sizeof text - 1, "D", &error));
	g_assert_cmpstr(error->message, ==, "D:2: a NUL byte");
}

/* What ONBUILD stored can be read again, heredocs and all. */
static void test_triggers(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = parse("FROM a\n"
					   "ONBUILD COPY <<-\"EOF\" /x\n"
					   "\ttext\n"
					   "\tEOF\n"
					   "ONBUILD RUN a \\\n"
					   " b\n",
					   &error);
	g_assert_no_error(error);
	const char *texts[] = {at(file, 1)->trigger_text, at(file, 2)->trigger_text, NULL};
	g_autoptr(Dockerfile) again = dockerfile_parse_triggers(texts, "ONBUILD", &error);
	g_assert_no_error(error);
	g_assert_cmpuint(again->instructions->len, ==, 2);
	g_assert_cmpint(at(again, 0)->kind, ==, INSTRUCTION_COPY);
	const Heredoc *heredoc = g_ptr_array_index(at(again, 0)->source->heredocs, 0);
	g_assert_cmpstr(heredoc->content, ==, "text\n");
	g_assert_false(heredoc->expand);
	g_assert_cmpstr(at(again, 1)->words[0], ==, "a  b");
}

static void test_bad_triggers(void)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"FROM b", "ONBUILD:2: ONBUILD cannot trigger FROM"},
		{"ONBUILD RUN c", "ONBUILD:2: ONBUILD cannot trigger ONBUILD"},
		{"RUN a\nMAINTAINER d", "ONBUILD:3: ONBUILD cannot trigger MAINTAINER"},
		{"# escape=`\nRUN a `\n b", "ONBUILD:4: unknown instruction 'b'"},
		{"", "ONBUILD:2: no instruction"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *texts[] = {rows[i].text, NULL};
		g_autoptr(GError) error = NULL;
		g_assert_null(dockerfile_parse_triggers(texts, "ONBUILD", &error));
		g_assert_cmpstr(error->message, ==, rows[i].message);
	}
}

static void test_size_is_bounded(void)
{
	g_autofree char *text = g_strnfill(DOCKERFILE_SIZE_MAX + 1, '#');
	g_autoptr(GError) error = NULL;
	g_assert_null(parse(text, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

/* @count times @line behind a FROM. */
static char *repeat(const char *line, unsigned count)
{
	GString *text = g_string_new("FROM a\n");
	for (unsigned i = 0; i < count; i++)
		g_string_append(text, line);
	return g_string_free(text, FALSE);
}

static void test_instructions_are_bounded(void)
{
	g_autofree char *most = repeat("RUN b\n", DOCKERFILE_LINES_MAX - 1);
	g_autofree char *more = repeat("RUN b\n", DOCKERFILE_LINES_MAX);
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = parse(most, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(file->instructions->len, ==, DOCKERFILE_LINES_MAX);
	g_assert_null(parse(more, &error));
	g_assert_nonnull(error);
}

static void test_heredocs_are_bounded(void)
{
	GString *text = g_string_new("FROM a\nRUN");
	for (unsigned i = 0; i <= DOCKERFILE_HEREDOCS_MAX; i++)
		g_string_append(text, " <<E");
	g_string_append_c(text, '\n');
	for (unsigned i = 0; i <= DOCKERFILE_HEREDOCS_MAX; i++)
		g_string_append(text, "E\n");
	g_autofree char *all = g_string_free(text, FALSE);
	g_autoptr(GError) error = NULL;
	g_assert_null(parse(all, &error));
	g_assert_cmpstr(error->message, ==, "Dockerfile:2: too many heredocs in one instruction");
}

static void test_stages_are_bounded(void)
{
	g_autofree char *text = repeat("FROM a\n", STAGES_MAX);
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = parse(text, &error);
	g_assert_no_error(error);
	ScopeInputs inputs = {0};
	StageOptions options = {0};
	g_autoptr(Scope) global = scope_new_global(&inputs, '\\');
	g_assert_null(stages_build(file, global, &options, &error));
	g_assert_cmpstr(error->message, ==, "Dockerfile:1001: more than 1000 stages");
}

/* A chain of the longest kind does not run out of stack. */
static void test_a_long_chain_of_stages(void)
{
	GString *text = g_string_new(NULL);
	for (unsigned i = 0; i + 1 < STAGES_MAX; i++)
		g_string_append_printf(text, "FROM a AS s%u\nCOPY --from=s%u x y\n", i, i + 1);
	g_string_append_printf(text, "FROM a AS s%u\nFROM s0\n", STAGES_MAX - 1);
	g_autofree char *all = g_string_free(text, FALSE);
	char *last = strrchr(all, 'F');
	*last = '\0';
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = parse(all, &error);
	g_assert_no_error(error);
	ScopeInputs inputs = {0};
	StageOptions options = {.target = "s0"};
	g_autoptr(Scope) global = scope_new_global(&inputs, '\\');
	g_autoptr(StageGraph) graph = stages_build(file, global, &options, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(graph->order->len, ==, STAGES_MAX);
	g_assert_cmpuint(g_array_index(graph->order, unsigned, 0), ==, STAGES_MAX - 1);
}

/* Apply all of a stage's instructions. Return: the error, NULL if none. */
static char *apply_all(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = parse(text, &error);
	g_assert_no_error(error);
	ScopeInputs inputs = {0};
	g_autoptr(Scope) global = scope_new_global(&inputs, '\\');
	g_autoptr(GPtrArray) scopes = g_ptr_array_new_with_free_func((GDestroyNotify)scope_free);
	for (guint i = 0; i < file->instructions->len; i++) {
		const Scope *parent = scopes->len ? scopes->pdata[scopes->len - 1] : NULL;
		if (at(file, i)->kind == INSTRUCTION_FROM)
			g_ptr_array_add(scopes, scope_new_stage(global, parent, NULL));
		else if (!scope_apply(scopes->pdata[scopes->len - 1], at(file, i), &error))
			return g_strdup(error->message);
	}
	return NULL;
}

static void test_variables_are_bounded(void)
{
	g_autofree char *half = g_strnfill(SCOPE_SIZE_MAX / 2, 'x');
	g_autofree char *lines =
		g_strdup_printf("FROM a\nENV a=%s\nENV a=%s\nENV b=$a\n", half, half);
	g_autofree char *pairs = g_strdup_printf("FROM a\nARG a=%s\nENV b=$a c=$a\n", half);
	g_autofree char *one = apply_all(lines);
	g_autofree char *two = apply_all(pairs);
	g_assert_cmpstr(one, ==, "the variables are larger than 1048576 bytes");
	g_assert_cmpstr(two, ==, one);
}

static void test_variables_of_all_stages_are_bounded(void)
{
	g_autofree char *much = g_strnfill(SCOPE_SIZE_MAX - 100, 'x');
	GString *text = g_string_new(NULL);
	g_string_printf(text, "FROM a\nENV a=%s\n", much);
	/* A stage that sets nothing costs nothing. */
	for (unsigned i = 0; i < 200; i++)
		g_string_append(text, "FROM a\n");
	g_autofree char *cheap = g_strdup(text->str);
	for (unsigned i = 0; i < 70; i++)
		g_string_append(text, "FROM a\nENV b=1\n");
	g_autofree char *costly = g_string_free(text, FALSE);
	g_assert_null(apply_all(cheap));
	g_autofree char *error = apply_all(costly);
	g_assert_cmpstr(error, ==, "the variables of all stages are larger than 67108864 bytes");
}

/* A child has what its parent has, and changes nothing in it. */
static void test_a_child_does_not_change_its_parent(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = parse("FROM a\nENV a=1\nENV a=2 b=$a\n", &error);
	ScopeInputs inputs = {0};
	g_autoptr(Scope) global = scope_new_global(&inputs, '\\');
	g_autoptr(Scope) parent = scope_new_stage(global, NULL, NULL);
	g_assert_true(scope_apply(parent, at(file, 1), &error));
	g_autoptr(Scope) child = scope_new_stage(global, parent, NULL);
	g_assert_cmpstr(scope_lookup("a", child), ==, "1");
	g_assert_true(scope_apply(child, at(file, 2), &error));
	g_assert_cmpstr(scope_lookup("a", child), ==, "2");
	g_assert_cmpstr(scope_lookup("b", child), ==, "1");
	g_assert_cmpstr(scope_lookup("a", parent), ==, "1");
	g_assert_false(scope_is_declared(parent, "b"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dockerfile/bom-and-crlf", test_bom_and_crlf);
	g_test_add_func("/dockerfile/bom-elsewhere-is-text", test_bom_elsewhere_is_text);
	g_test_add_func("/dockerfile/nul-is-refused", test_nul_is_refused);
	g_test_add_func("/dockerfile/size-is-bounded", test_size_is_bounded);
	g_test_add_func("/dockerfile/instructions-are-bounded", test_instructions_are_bounded);
	g_test_add_func("/dockerfile/heredocs-are-bounded", test_heredocs_are_bounded);
	g_test_add_func("/dockerfile/triggers", test_triggers);
	g_test_add_func("/dockerfile/bad-triggers", test_bad_triggers);
	g_test_add_func("/stages/bounded", test_stages_are_bounded);
	g_test_add_func("/stages/a-long-chain", test_a_long_chain_of_stages);
	g_test_add_func("/scope/bounded", test_variables_are_bounded);
	g_test_add_func("/scope/bounded-together", test_variables_of_all_stages_are_bounded);
	g_test_add_func("/scope/child-and-parent", test_a_child_does_not_change_its_parent);
	return g_test_run();
}
