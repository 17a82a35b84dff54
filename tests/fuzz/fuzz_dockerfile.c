/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z8: a Dockerfile, its stages and their variables. The first byte chooses: 'I' a .dockerignore and
 * a path behind a NUL, 'E' a text to expand, else a Dockerfile. What is accepted must hold what the
 * builder takes for granted, and a second lexer must find the same instructions and heredocs in it.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "build/check.h"
#include "build/dockerfile_parse.h"
#include "build/dockerignore.h"
#include "build/expand.h"
#include "build/run_mount.h"
#include "build/scope.h"
#include "build/stages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const predefined[] = {"TARGETOS=linux", "TARGETARCH=amd64", NULL};

static void check_error(const void *result, const GError *error)
{
	g_assert_true((result == NULL) == (error != NULL));
	g_assert_true(!error || *error->message);
}

static void check_heredoc(const Heredoc *heredoc)
{
	g_assert_true(*heredoc->name);
	g_assert_nonnull(heredoc->content);
	size_t size = strlen(heredoc->content);
	g_assert_true(size == 0 || heredoc->content[size - 1] == '\n');
	g_assert_true(!heredoc->strip || heredoc->content[0] != '\t');
}

static void check_mount(const RunMount *mount)
{
	g_assert_true(mount->mode >= -1 && mount->mode <= 07777);
	g_assert_true(!mount->from || !strchr(mount->from, '$'));
	if (mount->deferred)
		return;
	g_assert_true(mount->type >= RUN_MOUNT_SECRET || mount->target);
	g_assert_true(mount->type <= RUN_MOUNT_CACHE || !mount->from);
}

/* Of the file: triggers are always read with a backslash. */
static bool plain_escape;

static void check_instruction(const Instruction *i);

/* What an image's config will hold is read again as the same. */
static void check_trigger(const Instruction *i)
{
	check_instruction(i->trigger);
	const char *texts[] = {i->trigger_text, NULL};
	g_autoptr(Dockerfile) again = dockerfile_parse_triggers(texts, "ONBUILD", NULL);
	if (!plain_escape)
		return;
	g_assert_true(again && again->instructions->len == 1);
	const Instruction *read = again->instructions->pdata[0];
	g_assert_cmpint(read->kind, ==, i->trigger->kind);
	g_assert_cmpuint(read->source->heredocs->len, ==, i->source->heredocs->len);
}

static void check_instruction(const Instruction *i)
{
	g_assert_cmpint(i->kind, <, INSTRUCTION_KINDS);
	g_assert_cmpint(g_ascii_strcasecmp(i->keyword, instruction_name(i->kind)), ==, 0);
	g_assert_cmpuint(i->source->line, <=, i->source->end_line);
	for (guint at = 0; i->pairs && at < i->pairs->len; at++)
		g_assert_true(*((DockerfilePair *)i->pairs->pdata[at])->name);
	for (guint at = 0; at < i->source->heredocs->len; at++)
		check_heredoc(i->source->heredocs->pdata[at]);
	for (guint at = 0; at < i->run.mounts->len; at++)
		check_mount(i->run.mounts->pdata[at]);
	g_assert_true(!i->copy.sources ==
		      (i->kind != INSTRUCTION_COPY && i->kind != INSTRUCTION_ADD));
	g_assert_true(!i->copy.sources || (i->copy.sources[0] && i->copy.dest));
	g_assert_true((i->kind == INSTRUCTION_ONBUILD) == (i->trigger != NULL));
	if (i->trigger)
		check_trigger(i);
}

/* The needed stages, each once and behind all that it needs. */
static void check_graph(const StageGraph *graph)
{
	g_autofree bool *seen = g_new0(bool, graph->stages->len);
	for (guint at = 0; at < graph->order->len; at++) {
		unsigned index = g_array_index(graph->order, unsigned, at);
		const Stage *stage = graph->stages->pdata[index];
		g_assert_true(stage->needed && !seen[index]);
		g_assert_true(stage->base->kind != STAGE_SOURCE_STAGE || seen[stage->base->stage]);
		for (guint s = 0; s < stage->sources->len; s++) {
			const StageSource *source = stage->sources->pdata[s];
			g_assert_true(source->kind != STAGE_SOURCE_STAGE || seen[source->stage]);
		}
		seen[index] = true;
	}
	for (guint at = 0; at < graph->stages->len; at++)
		g_assert_cmpint(((Stage *)graph->stages->pdata[at])->needed, ==, seen[at]);
	g_assert_true(seen[graph->target]);
}

/* A scope of a parent that never changes: sharing must not show. */
static void run_scope(const Dockerfile *file, const Stage *stage, Scope *global)
{
	static const char *const env[] = {"a=1", "b=2", NULL};
	g_autoptr(Scope) parent = scope_new_stage(global, NULL, env);
	g_autoptr(Scope) scope = scope_new_stage(global, parent, NULL);
	for (size_t at = stage->first; at < stage->end; at++) {
		const Instruction *i = file->instructions->pdata[at];
		if (i->kind != INSTRUCTION_ARG && i->kind != INSTRUCTION_ENV)
			continue;
		g_autoptr(GError) error = NULL;
		if (!scope_apply(scope, i, &error)) {
			g_assert_nonnull(error);
			return;
		}
	}
	g_auto(GStrv) result = scope_environ(scope);
	for (size_t at = 0; result[at]; at++)
		g_assert_true(strchr(result[at], '=') > result[at]);
	g_assert_cmpstr(scope_lookup("a", parent), ==, "1");
}

static const CheckImage *known_image(const char *name, void *data)
{
	return strlen(name) % 2 ? data : NULL;
}

/* All rules, with a graph and without. */
static void run_check(const Dockerfile *file, const StageGraph *graph)
{
	static const CheckImage image = {.env = predefined, .platform = "linux/amd64"};
	CheckConfig config = {.experimental_all = true};
	CheckInputs inputs = {.scope = {.predefined = predefined},
			      .image = known_image,
			      .data = (void *)&image,
			      .target_platform = "linux/amd64"};
	g_autoptr(GPtrArray) findings = check_run(file, graph, &config, &inputs);
	g_assert_cmpuint(findings->len, <=, CHECK_FINDINGS_MAX);
	unsigned line = 0;
	for (guint at = 0; at < findings->len; at++) {
		const CheckFinding *finding = findings->pdata[at];
		g_assert_true(g_strv_contains(check_rules(), finding->rule));
		g_assert_cmpuint(finding->line, >=, line);
		line = finding->line;
	}
}

/* ---- the lexer a second time: whole lines and regular expressions ---- */

#define BLANK "[ \\f\\n\\r\\t]"
#define WORD  "[^ \\f\\n\\r\\t]"
#define NAME  "[^< \\f\\n\\r\\t]"

static bool matches(const char *pattern, const char *text)
{
	return g_regex_match_simple(pattern, text, G_REGEX_RAW | G_REGEX_CASELESS, 0);
}

/* Add a line to an instruction. Return: whether the next one belongs to it. */
static bool join(GString *text, const char *line, char escape)
{
	g_autofree char *pattern = g_strdup_printf("(?<!\\%c)\\%c[ \\t]*$", escape, escape);
	g_autoptr(GRegex) regex =
		g_regex_new(pattern, G_REGEX_RAW | G_REGEX_DOLLAR_ENDONLY, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	int start = (int)strlen(line);
	bool goes_on = g_regex_match(regex, line, 0, &match);
	if (goes_on)
		g_match_info_fetch_pos(match, 0, &start, NULL);
	g_string_append_len(text, line, start);
	return goes_on;
}

/* As far as a regular expression can tell: who has heredocs, and where nothing is quoted how many.
 */
static void check_heredoc_count(const DockerfileLine *line)
{
	if (!matches("^(ONBUILD" BLANK "+)?(RUN|COPY|ADD)" BLANK, line->text))
		g_assert_cmpuint(line->heredocs->len, ==, 0);
	else if (!strpbrk(line->text, "\"'\\`[") && !strstr(line->text, "--")) {
		g_autoptr(GRegex) word =
			g_regex_new("(?<!" WORD ")[0-9]*<<(-" NAME "+|(?!-)" NAME "+)(?!" WORD ")",
				    G_REGEX_RAW, 0, NULL);
		g_autoptr(GMatchInfo) match = NULL;
		guint count = 0;
		for (g_regex_match(word, line->text, 0, &match); g_match_info_matches(match);
		     g_match_info_next(match, NULL))
			count++;
		g_assert_cmpuint(line->heredocs->len, ==, count);
	}
}

/* Each ends at the first line that is its name, and holds the ones before. Return: the next line.
 */
static guint check_contents(const GPtrArray *heredocs, char *const *lines, guint at)
{
	for (guint i = 0; i < heredocs->len; i++) {
		const Heredoc *heredoc = heredocs->pdata[i];
		g_autoptr(GString) content = g_string_new(NULL);
		g_assert_cmpuint(heredoc->line, ==, at + 1);
		for (;; at++) {
			g_assert_nonnull(lines[at]);
			const char *text =
				lines[at] + (heredoc->strip ? strspn(lines[at], "\t") : 0);
			g_autofree char *bare = g_strdup(text);
			if (g_str_has_suffix(bare, "\r"))
				bare[strlen(bare) - 1] = '\0';
			if (strcmp(bare, heredoc->name) == 0)
				break;
			g_string_append_printf(content, "%s\n", text);
		}
		at++;
		g_assert_cmpstr(content->str, ==, heredoc->content);
	}
	return at;
}

/* The same instructions of the same lines as the lexer's. */
static void check_lexing(const char *text, const DockerfileLex *lex)
{
	bool marked = g_str_has_prefix(text, "\xef\xbb\xbf");
	g_auto(GStrv) lines = g_strsplit(text + (marked ? 3 : 0), "\n", -1);
	guint count = g_strv_length(lines);
	/* What is behind the last line's end is no line. */
	if (count > 0 && !*lines[count - 1])
		g_clear_pointer(&lines[count - 1], g_free);
	guint next = 0;
	for (guint at = 0; lines[at];) {
		g_autoptr(GString) joined = g_string_new(NULL);
		guint first = at;
		for (bool goes_on = true; goes_on && lines[at]; at++) {
			g_autofree char *line = g_strdup(lines[at]);
			if (g_str_has_suffix(line, "\r"))
				line[strlen(line) - 1] = '\0';
			if (at == first)
				g_strchug(line);
			if (!matches("^" BLANK "*(#|$)", line))
				goes_on = join(joined, line, lex->escape);
			else if (at == first)
				break;
		}
		at = MAX(at, first + 1);
		g_strstrip(joined->str);
		if (!joined->str[0])
			continue;
		g_assert_cmpuint(next, <, lex->lines->len);
		const DockerfileLine *line = lex->lines->pdata[next++];
		g_assert_cmpstr(line->text, ==, joined->str);
		g_assert_cmpuint(line->line, ==, first + 1);
		check_heredoc_count(line);
		at = check_contents(line->heredocs, lines, at);
		g_assert_cmpuint(line->end_line, ==, at);
	}
	g_assert_cmpuint(next, ==, lex->lines->len);
}

static void read_dockerfile(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = dockerfile_parse(text, size, "Dockerfile", &error);
	check_error(file, error);
	if (!file) {
		g_assert_true(g_str_has_prefix(error->message, "Dockerfile:"));
		return;
	}
	check_lexing(text, file->lex);
	plain_escape = file->lex->escape == '\\';
	for (guint at = 0; at < file->instructions->len; at++)
		check_instruction(file->instructions->pdata[at]);
	ScopeInputs inputs = {.predefined = predefined};
	StageOptions options = {0};
	g_autoptr(Scope) global = scope_new_global(&inputs, file->lex->escape);
	if (!stages_apply_global(file, global, NULL))
		return;
	g_autoptr(StageGraph) graph = stages_build(file, global, &options, &error);
	check_error(graph, error);
	run_check(file, graph);
	if (!graph)
		return;
	check_graph(graph);
	for (guint at = 0; at < graph->stages->len; at++)
		run_scope(file, graph->stages->pdata[at], global);
}

static void read_dockerignore(const char *text, size_t size)
{
	const char *nul = memchr(text, '\0', size);
	const char *path = nul ? nul + 1 : "a/b";
	g_autofree char *copy =
		nul ? g_strndup(path, size - (size_t)(path - text)) : g_strdup(path);
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerignore) ignore = dockerignore_parse(text, nul ? (size_t)(nul - text) : size,
							    ".dockerignore", &error);
	check_error(ignore, error);
	if (!ignore)
		return;
	/* What is pruned is left out, with everything below. */
	if (!dockerignore_prunes(ignore, copy))
		return;
	g_autofree char *below = g_strconcat(copy, "/x/keep", NULL);
	g_assert_true(dockerignore_matches(ignore, copy));
	g_assert_true(dockerignore_matches(ignore, below));
}

static const char *look_up(const char *name, void *data)
{
	return strchr("abcx", *name) ? "va lue/.tar.gz" : NULL;
}

static void expand(const char *text)
{
	Expander expander = {.lookup = look_up, .escape = '\\'};
	g_autoptr(GError) error = NULL;
	g_autofree char *word = expand_word(&expander, text, &error);
	check_error(word, error);
	g_assert_true(!word || strlen(word) <= EXPAND_SIZE_MAX);
	g_auto(GStrv) words = expand_words(&expander, text, NULL);
	g_assert_true(!words == !word);
	for (size_t i = 0; words && words[i]; i++)
		g_assert_true(*words[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_malloc(size + 1);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (text[0] == 'I')
		read_dockerignore(text + 1, size - 1);
	else if (text[0] == 'E')
		expand(text + 1);
	else
		read_dockerfile(text, size);
	return 0;
}
