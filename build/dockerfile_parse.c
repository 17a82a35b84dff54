/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines to instructions: a table says how the arguments of each kind are read.
 */
#include "build/dockerfile_parse.h"

#include <string.h>

#include "build/dockerfile_priv.h"
#include "build/dockerfile_words.h"
#include "build/run_mount.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"

typedef struct {
	const char *name;
	bool (*parse)(Instruction *instruction, const char *text, char escape, GError **error);
} Kind;

static void free_pair(void *data)
{
	DockerfilePair *pair = data;
	g_free(pair->name);
	g_free(pair->value);
	g_free(pair);
}

static void free_copy(CopyArgs *copy)
{
	g_strfreev(copy->sources);
	g_free(copy->dest);
	g_free(copy->from);
	g_free(copy->chown);
	g_free(copy->chmod);
	g_free(copy->checksum);
	g_ptr_array_unref(copy->exclude);
}

void instruction_free(void *data)
{
	Instruction *i = data;
	if (!i)
		return;
	instruction_free(i->trigger);
	g_free(i->trigger_text);
	g_free(i->keyword);
	g_strfreev(i->words);
	g_clear_pointer(&i->pairs, g_ptr_array_unref);
	g_free(i->from.image);
	g_free(i->from.platform);
	g_free(i->from.as);
	g_free(i->from.as_text);
	g_free(i->from.as_word);
	free_copy(&i->copy);
	g_ptr_array_unref(i->run.mounts);
	g_ptr_array_unref(i->run.devices);
	g_free(i->run.network);
	g_free(i->run.security);
	g_free(i);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Instruction, instruction_free)

void dockerfile_free(Dockerfile *file)
{
	if (!file)
		return;
	g_ptr_array_unref(file->instructions);
	dockerfile_lex_free(file->lex);
	g_free(file);
}

static Instruction *instruction_new(const DockerfileLine *line)
{
	Instruction *i = g_new0(Instruction, 1);
	i->line = line->line;
	i->source = line;
	i->copy.unpack = -1;
	i->copy.exclude = g_ptr_array_new_with_free_func(g_free);
	i->run.mounts = g_ptr_array_new_with_free_func(run_mount_free);
	i->run.devices = g_ptr_array_new_with_free_func(g_free);
	return i;
}

static bool fail(const Instruction *i, GError **error, const char *what)
{
	return error_set(error, ENGINE_ERROR_INVALID, "%s %s", instruction_name(i->kind), what);
}

/* The JSON form to words. Return: false for an array of other things than strings. */
static bool take_json(Instruction *i, const char *text, GError **error)
{
	DockerfileJson json = dockerfile_json_array(text, &i->words);
	i->json = json == DOCKERFILE_JSON_STRINGS;
	return json != DOCKERFILE_JSON_OTHER ||
	       fail(i, error, "takes a JSON array of strings only");
}

/* Words at blanks: quotes mean nothing yet. */
static char **split_blanks(const char *text)
{
	GPtrArray *words = g_ptr_array_new();
	while (*text) {
		size_t size = 0;
		while (text[size] && !g_ascii_isspace(text[size]))
			size++;
		if (size > 0)
			g_ptr_array_add(words, g_strndup(text, size));
		text += size;
		while (g_ascii_isspace(*text))
			text++;
	}
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

static char **one_word(const char *text)
{
	char **words = g_new0(char *, 2);
	words[0] = g_strdup(text);
	return words;
}

/* A command: an array of words, or a line for the shell. */
static bool parse_command(Instruction *i, const char *text, char escape, GError **error)
{
	if (!take_json(i, text, error))
		return false;
	if (!i->json)
		i->words = *text ? one_word(text) : g_new0(char *, 1);
	return true;
}

/* RUN needs something to run; CMD and ENTRYPOINT may be emptied. */
static bool parse_run(Instruction *i, const char *text, char escape, GError **error)
{
	if (!parse_command(i, text, escape, error))
		return false;
	return i->words[0] || fail(i, error, "needs a command");
}

static bool parse_shell(Instruction *i, const char *text, char escape, GError **error)
{
	if (!take_json(i, text, error))
		return false;
	if (!i->json)
		return fail(i, error, "takes the JSON form only: SHELL [\"/bin/sh\", \"-c\"]");
	return i->words[0] || fail(i, error, "needs at least one word");
}

/* One argument, blanks and all. */
static bool parse_one(Instruction *i, const char *text, char escape, GError **error)
{
	if (!*text)
		return fail(i, error, "needs exactly one argument");
	i->words = one_word(text);
	return true;
}

static bool parse_list(Instruction *i, const char *text, char escape, GError **error)
{
	if (i->kind == INSTRUCTION_VOLUME && !take_json(i, text, error))
		return false;
	if (!i->json)
		i->words = split_blanks(text);
	if (!i->words[0])
		return fail(i, error, "needs at least one argument");
	for (size_t at = 0; i->words[at]; at++) {
		if (!*g_strstrip(i->words[at]))
			return fail(i, error, "has an empty argument");
	}
	return true;
}

static bool add_pair(Instruction *i, const char *name, size_t size, const char *value,
		     GError **error)
{
	if (size == 0)
		return fail(i, error, "has a pair without a name");
	DockerfilePair *pair = g_new0(DockerfilePair, 1);
	pair->name = g_strndup(name, size);
	pair->value = g_strdup(value);
	g_ptr_array_add(i->pairs, pair);
	return true;
}

/* "name value": everything behind the blank is the value. */
static bool parse_legacy_pair(Instruction *i, const char *text, GError **error)
{
	size_t size = strcspn(text, " \t\v\f\r");
	if (!text[size])
		return fail(i, error, "needs a value: name=value");
	const char *value = text + size + strspn(text + size, " \t\v\f\r");
	i->legacy = true;
	return add_pair(i, text, size, value, error);
}

/* ENV and LABEL: name=value ..., or one "name value"; ARG: name[=value] ... */
static bool parse_pairs(Instruction *i, const char *text, char escape, GError **error)
{
	g_auto(GStrv) words = dockerfile_words(text, escape);
	bool is_arg = i->kind == INSTRUCTION_ARG;
	i->pairs = g_ptr_array_new_with_free_func(free_pair);
	if (!words[0])
		return fail(i, error, "needs at least one argument");
	if (!is_arg && !strchr(words[0], '='))
		return parse_legacy_pair(i, text, error);
	for (size_t at = 0; words[at]; at++) {
		const char *equals = strchr(words[at], '=');
		size_t size = equals ? (size_t)(equals - words[at]) : strlen(words[at]);
		if (!equals && !is_arg)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: '%s' has no '=': must be name=value",
					 instruction_name(i->kind), words[at]);
		if (!add_pair(i, words[at], size, equals ? equals + 1 : NULL, error))
			return false;
	}
	return true;
}

static bool parse_copy(Instruction *i, const char *text, char escape, GError **error)
{
	if (!take_json(i, text, error))
		return false;
	g_auto(GStrv) words = i->json ? g_steal_pointer(&i->words) : split_blanks(text);
	guint n = g_strv_length(words);
	if (n < 2)
		return fail(i, error, "needs at least one source and a destination");
	Heredoc *heredoc = i->json ? NULL : heredoc_parse_word(words[n - 1], escape);
	bool bad = heredoc != NULL;
	heredoc_free(heredoc);
	if (bad)
		return fail(i, error, "cannot have a heredoc for its destination");
	i->copy.dest = words[n - 1];
	words[n - 1] = NULL;
	i->copy.sources = g_steal_pointer(&words);
	return true;
}

/* Letters, digits, "-", "_", "."; a letter first: so a number is never a name. */
static bool is_stage_name(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (!g_ascii_islower(*c) &&
		    (c == name || !(g_ascii_isdigit(*c) || strchr("-_.", *c))))
			return false;
	}
	return *name;
}

static bool parse_from(Instruction *i, const char *text, char escape, GError **error)
{
	g_auto(GStrv) words = split_blanks(text);
	guint n = g_strv_length(words);
	bool named = n == 3 && g_ascii_strcasecmp(words[1], "AS") == 0;
	if (n != 1 && !named)
		return fail(i, error, "takes 'IMAGE' or 'IMAGE AS NAME'");
	i->from.image = g_strdup(words[0]);
	if (!named)
		return true;
	i->from.as_word = g_strdup(words[1]);
	i->from.as_text = g_strdup(words[2]);
	i->from.as = g_ascii_strdown(words[2], -1);
	if (is_stage_name(i->from.as))
		return true;
	error_set(error, ENGINE_ERROR_INVALID, "invalid name of a stage: '%s'", words[2]);
	error_add_help(error, "a letter, then letters, digits, '-', '_' and '.'");
	return false;
}

static bool parse_healthcheck(Instruction *i, const char *text, char escape, GError **error)
{
	size_t size = strcspn(text, " \t\v\f\r");
	const char *rest = text + size + strspn(text + size, " \t\v\f\r");
	i->health.none = size == 4 && g_ascii_strncasecmp(text, "NONE", 4) == 0;
	if (i->health.none) {
		i->words = g_new0(char *, 1);
		return !*rest || fail(i, error, "NONE takes no argument");
	}
	if (size != 3 || g_ascii_strncasecmp(text, "CMD", 3) != 0)
		return fail(i, error, "takes 'CMD command' or 'NONE'");
	if (!parse_command(i, rest, escape, error))
		return false;
	return i->words[0] || fail(i, error, "CMD needs a command");
}

static bool parse_onbuild(Instruction *i, const char *text, char escape, GError **error);

static const Kind kinds[INSTRUCTION_KINDS] = {
	[INSTRUCTION_ADD] = {"ADD", parse_copy},
	[INSTRUCTION_ARG] = {"ARG", parse_pairs},
	[INSTRUCTION_CMD] = {"CMD", parse_command},
	[INSTRUCTION_COPY] = {"COPY", parse_copy},
	[INSTRUCTION_ENTRYPOINT] = {"ENTRYPOINT", parse_command},
	[INSTRUCTION_ENV] = {"ENV", parse_pairs},
	[INSTRUCTION_EXPOSE] = {"EXPOSE", parse_list},
	[INSTRUCTION_FROM] = {"FROM", parse_from},
	[INSTRUCTION_HEALTHCHECK] = {"HEALTHCHECK", parse_healthcheck},
	[INSTRUCTION_LABEL] = {"LABEL", parse_pairs},
	[INSTRUCTION_MAINTAINER] = {"MAINTAINER", parse_one},
	[INSTRUCTION_ONBUILD] = {"ONBUILD", parse_onbuild},
	[INSTRUCTION_RUN] = {"RUN", parse_run},
	[INSTRUCTION_SHELL] = {"SHELL", parse_shell},
	[INSTRUCTION_STOPSIGNAL] = {"STOPSIGNAL", parse_one},
	[INSTRUCTION_USER] = {"USER", parse_one},
	[INSTRUCTION_VOLUME] = {"VOLUME", parse_list},
	[INSTRUCTION_WORKDIR] = {"WORKDIR", parse_one},
};

const char *instruction_name(InstructionKind kind)
{
	return kinds[kind].name;
}

/* The kind that a keyword names, or what was meant. */
static bool find_kind(const char *keyword, InstructionKind *out, GError **error)
{
	Suggestions near;
	suggest_init(&near, keyword);
	for (int kind = 0; kind < INSTRUCTION_KINDS; kind++) {
		if (g_ascii_strcasecmp(kinds[kind].name, keyword) == 0) {
			*out = (InstructionKind)kind;
			return true;
		}
		suggest_offer(&near, kinds[kind].name);
	}
	error_set(error, ENGINE_ERROR_INVALID, "unknown instruction '%s'", keyword);
	suggest_add_help(&near, "", error);
	return false;
}

/* The instruction in @text; errors have neither file nor line yet. */
static Instruction *parse_instruction(const DockerfileLine *line, const char *text, char escape,
				      GError **error)
{
	g_autoptr(Instruction) i = instruction_new(line);
	size_t size = strcspn(text, " \t\n\v\f\r");
	i->keyword = g_strndup(text, size);
	if (!find_kind(i->keyword, &i->kind, error))
		return NULL;
	const char *rest = dockerfile_skip_keyword(text);
	g_auto(GStrv) flags = dockerfile_take_flags(&rest);
	if (!instruction_set_flags(i, flags, error))
		return NULL;
	return kinds[i->kind].parse(i, rest, escape, error) ? g_steal_pointer(&i) : NULL;
}

/* What an image's config stores of an ONBUILD: with its heredocs, so that it can be read again. */
static char *trigger_text(const DockerfileLine *line, const char *text)
{
	GString *all = g_string_new(text);
	for (guint at = 0; at < line->heredocs->len; at++) {
		const Heredoc *heredoc = g_ptr_array_index(line->heredocs, at);
		g_string_append_printf(all, "\n%s%s", heredoc->content, heredoc->name);
	}
	return g_string_free(all, FALSE);
}

/* ONBUILD of these makes no sense. */
static bool check_trigger(InstructionKind kind, GError **error)
{
	bool refused = kind == INSTRUCTION_ONBUILD || kind == INSTRUCTION_FROM ||
		       kind == INSTRUCTION_MAINTAINER;
	return !refused || error_set(error, ENGINE_ERROR_INVALID, "ONBUILD cannot trigger %s",
				     instruction_name(kind));
}

static bool parse_onbuild(Instruction *i, const char *text, char escape, GError **error)
{
	InstructionKind kind;
	if (!*text)
		return fail(i, error, "needs an instruction");
	g_autofree char *keyword = g_strndup(text, strcspn(text, " \t\n\v\f\r"));
	/* Before it is parsed: so recursion ends here. */
	if (!find_kind(keyword, &kind, error) || !check_trigger(kind, error))
		return false;
	i->trigger = parse_instruction(i->source, text, escape, error);
	i->trigger_text = trigger_text(i->source, text);
	return i->trigger != NULL;
}

/* Global arguments, then FROM; nothing else may stand in front of it. */
static bool check_order(Dockerfile *file, GError **error)
{
	const char *name = file->lex->name;
	for (guint at = 0; at < file->instructions->len; at++) {
		const Instruction *i = g_ptr_array_index(file->instructions, at);
		if (i->kind == INSTRUCTION_FROM) {
			file->first_from = at;
			return true;
		}
		if (i->kind != INSTRUCTION_ARG)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s:%u: %s before the first FROM: only ARG may be there",
					 name, i->line, instruction_name(i->kind));
	}
	const DockerfileLine *last = g_ptr_array_index(file->lex->lines, file->lex->lines->len - 1);
	return error_set(error, ENGINE_ERROR_INVALID, "%s:%u: no FROM: there is nothing to build",
			 name, last->end_line);
}

/* All lines to instructions. */
static Dockerfile *parse_lines(const char *text, size_t size, const char *name, GError **error)
{
	g_autoptr(Dockerfile) file = g_new0(Dockerfile, 1);
	file->instructions = g_ptr_array_new_with_free_func(instruction_free);
	file->lex = dockerfile_lex(text, size, name, error);
	if (!file->lex)
		return NULL;
	for (guint at = 0; at < file->lex->lines->len; at++) {
		const DockerfileLine *line = g_ptr_array_index(file->lex->lines, at);
		Instruction *i = parse_instruction(line, line->text, file->lex->escape, error);
		if (!i) {
			g_prefix_error(error, "%s:%u: ", name, line->line);
			return NULL;
		}
		g_ptr_array_add(file->instructions, i);
	}
	return g_steal_pointer(&file);
}

Dockerfile *dockerfile_parse(const char *text, size_t size, const char *name, GError **error)
{
	g_autoptr(Dockerfile) file = parse_lines(text, size, name, error);
	return file && check_order(file, error) ? g_steal_pointer(&file) : NULL;
}

Dockerfile *dockerfile_parse_triggers(const char *const *triggers, const char *name, GError **error)
{
	/* The first line is ours: no trigger is a directive. */
	g_autofree char *lines = g_strjoinv("\n", (char **)triggers);
	g_autofree char *text = g_strconcat("#\n", lines, "\n", NULL);
	g_autoptr(Dockerfile) file = parse_lines(text, strlen(text), name, error);
	for (guint at = 0; file && at < file->instructions->len; at++) {
		const Instruction *i = g_ptr_array_index(file->instructions, at);
		if (!check_trigger(i->kind, error)) {
			g_prefix_error(error, "%s:%u: ", name, i->line);
			return NULL;
		}
	}
	return g_steal_pointer(&file);
}
