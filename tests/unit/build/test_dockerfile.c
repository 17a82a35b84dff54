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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dockerfile/bom-and-crlf", test_bom_and_crlf);
	g_test_add_func("/dockerfile/bom-elsewhere-is-text", test_bom_elsewhere_is_text);
	g_test_add_func("/dockerfile/nul-is-refused", test_nul_is_refused);
	g_test_add_func("/dockerfile/size-is-bounded", test_size_is_bounded);
	g_test_add_func("/dockerfile/instructions-are-bounded", test_instructions_are_bounded);
	g_test_add_func("/dockerfile/heredocs-are-bounded", test_heredocs_are_bounded);
	g_test_add_func("/stages/bounded", test_stages_are_bounded);
	g_test_add_func("/stages/a-long-chain", test_a_long_chain_of_stages);
	return g_test_run();
}
