/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammars of build/ on stdin, printed.
 */
#include "tests/cases/driver_build.h"

#include <stdio.h>
#include <string.h>

#include "build/check.h"
#include "build/dockerfile_parse.h"
#include "build/dockerignore.h"
#include "build/expand.h"
#include "build/run_mount.h"
#include "build/scope.h"
#include "build/stages.h"
#include "libpod/base/fd.h"

static int fail(const GError *error)
{
	fprintf(stderr, "%s\n", error->message);
	return 1;
}

static void print_string(const char *name, const char *value)
{
	if (value)
		printf(" %s=%s", name, value);
}

static void print_strv(char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		printf(" '%s'", words[i]);
}

static void print_list(const char *name, const GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++)
		printf(" %s=%s", name, (const char *)list->pdata[i]);
}

static void print_number(const char *name, int64_t value, int64_t absent)
{
	if (value != absent)
		printf(" %s=%" G_GINT64_FORMAT, name, value);
}

static void print_mount(const RunMount *mount)
{
	static const char *const types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
	static const char *const sharing[] = {"shared", "private", "locked"};
	printf("\n  mount %s%s%s", types[mount->type], mount->read_only ? " ro" : " rw",
	       mount->required ? " required" : "");
	print_string("id", mount->id);
	print_string("source", mount->source);
	print_string("target", mount->target);
	print_string("from", mount->from);
	print_string("env", mount->env);
	if (mount->sharing)
		print_string("sharing", sharing[mount->sharing]);
	if (mount->mode >= 0)
		printf(" mode=%o", (unsigned)mount->mode);
	print_number("uid", mount->uid, -1);
	print_number("gid", mount->gid, -1);
	print_number("size", mount->size, -1);
	if (mount->deferred)
		printf(" deferred: %s", mount->text);
}

static void print_flags(const Instruction *i)
{
	const CopyArgs *copy = &i->copy;
	print_string("platform", i->from.platform);
	print_string("as", i->from.as);
	print_string("from", copy->from);
	print_string("chown", copy->chown);
	print_string("chmod", copy->chmod);
	print_string("checksum", copy->checksum);
	printf("%s%s%s", copy->link ? " link" : "", copy->parents ? " parents" : "",
	       copy->keep_git_dir ? " keep-git-dir" : "");
	print_number("unpack", copy->unpack, -1);
	print_list("exclude", copy->exclude);
	print_string("network", i->run.network);
	print_string("security", i->run.security);
	print_list("device", i->run.devices);
	print_number("interval", i->health.interval, 0);
	print_number("timeout", i->health.timeout, 0);
	print_number("start-period", i->health.start_period, 0);
	print_number("start-interval", i->health.start_interval, 0);
	print_number("retries", i->health.retries, 0);
}

static void print_instruction(const Instruction *i)
{
	printf("%s%s", instruction_name(i->kind), i->json ? " json" : "");
	if (i->health.none)
		printf(" none");
	print_flags(i);
	if (i->from.image)
		printf(" '%s'", i->from.image);
	print_strv(i->words);
	print_strv(i->copy.sources);
	if (i->copy.dest)
		printf(" -> '%s'", i->copy.dest);
	if (i->legacy)
		printf(" legacy");
	for (guint at = 0; i->pairs && at < i->pairs->len; at++) {
		const DockerfilePair *pair = i->pairs->pdata[at];
		printf(" {%s}", pair->name);
		if (pair->value)
			printf("={%s}", pair->value);
	}
	for (guint at = 0; at < i->run.mounts->len; at++)
		print_mount(i->run.mounts->pdata[at]);
	if (i->trigger) {
		printf(" [%s] ", i->trigger_text);
		print_instruction(i->trigger);
	}
}

static void print_line(const Instruction *i)
{
	printf("%u", i->line);
	if (i->source->end_line != i->line)
		printf("-%u", i->source->end_line);
	printf(" ");
	print_instruction(i);
	if (i->source->empty_continuation_line)
		printf(" (line %u is empty)", i->source->empty_continuation_line);
	printf("\n");
	for (guint at = 0; at < i->source->heredocs->len; at++) {
		const Heredoc *heredoc = i->source->heredocs->pdata[at];
		printf("  %s %s fd=%u line=%u%s%s {%s}\n", heredoc->word, heredoc->name,
		       heredoc->fd, heredoc->line, heredoc->strip ? " strip" : "",
		       heredoc->expand ? " expand" : "", heredoc->content);
	}
}

static Dockerfile *read_dockerfile(GError **error)
{
	size_t size = 0;
	g_autofree char *text = fd_read_all(0, 1 << 24, &size, error);
	return text ? dockerfile_parse(text, size, "Dockerfile", error) : NULL;
}

int run_dockerfile(char **args)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = read_dockerfile(&error);
	if (!file)
		return fail(error);
	if (file->lex->escape != '\\')
		printf("escape %c\n", file->lex->escape);
	if (file->lex->syntax)
		printf("syntax %s\n", file->lex->syntax);
	if (file->lex->check)
		printf("check %s\n", file->lex->check);
	for (guint i = 0; i < file->instructions->len; i++)
		print_line(file->instructions->pdata[i]);
	return 0;
}

static GHashTable *assignments(char **args)
{
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (; *args; args++) {
		char *equals = strchr(*args, '=');
		if (equals)
			g_hash_table_insert(table, g_strndup(*args, (size_t)(equals - *args)),
					    g_strdup(equals + 1));
	}
	return table;
}

static void print_source(const StageSource *source)
{
	static const char *const kinds[] = {"scratch", "stage", "image", "context"};
	printf(" %s", kinds[source->kind]);
	if (source->kind == STAGE_SOURCE_STAGE)
		printf(" %u", source->stage);
	else if (source->kind != STAGE_SOURCE_SCRATCH)
		printf(" %s", source->name);
}

/* Run through the ARGs and ENVs of a stage, printing what they come to. */
static bool print_scope(const Dockerfile *file, const Stage *stage, Scope *scope, GError **error)
{
	for (size_t at = stage->first; at < stage->end; at++) {
		const Instruction *i = file->instructions->pdata[at];
		if ((i->kind == INSTRUCTION_ARG || i->kind == INSTRUCTION_ENV) &&
		    !scope_apply(scope, i, error))
			return false;
	}
	g_auto(GStrv) env = scope_environ(scope);
	for (size_t i = 0; env[i]; i++)
		printf("  %s\n", env[i]);
	return true;
}

static bool print_stages(const StageGraph *graph, Scope *global, GError **error)
{
	g_autoptr(GPtrArray) scopes = g_ptr_array_new_with_free_func((GDestroyNotify)scope_free);
	for (guint i = 0; i < graph->stages->len; i++) {
		const Stage *stage = graph->stages->pdata[i];
		bool built = stage->base->kind == STAGE_SOURCE_STAGE;
		const Scope *parent = built ? scopes->pdata[stage->base->stage] : NULL;
		Scope *scope = scope_new_stage(global, parent, NULL);
		g_ptr_array_add(scopes, scope);
		printf("%u %s%s:", i, stage->name ? stage->name : "-",
		       stage->needed ? "" : " (skipped)");
		print_source(stage->base);
		print_string("platform", stage->platform);
		for (guint s = 0; s < stage->sources->len; s++) {
			printf(", from");
			print_source(stage->sources->pdata[s]);
		}
		printf("\n");
		if (!print_scope(graph->file, stage, scope, error))
			return false;
	}
	printf("order:");
	for (guint i = 0; i < graph->order->len; i++)
		printf(" %u", g_array_index(graph->order, unsigned, i));
	printf("\n");
	return true;
}

int run_stages(char **args)
{
	static const char *const predefined[] = {"TARGETOS=linux", "TARGETARCH=amd64",
						 "TARGETPLATFORM=linux/amd64",
						 "BUILDPLATFORM=linux/arm64", NULL};
	g_autoptr(GHashTable) given = assignments(args);
	g_autoptr(GHashTable) contexts = g_hash_table_new(g_str_hash, g_str_equal);
	StageOptions options = {.contexts = contexts};
	for (; args[0] && args[1]; args++) {
		if (strcmp(args[0], "--target") == 0)
			options.target = args[1];
		if (strcmp(args[0], "--context") == 0)
			g_hash_table_add(contexts, args[1]);
	}
	ScopeInputs inputs = {.build_args = given, .predefined = predefined};
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = read_dockerfile(&error);
	if (!file)
		return fail(error);
	g_autoptr(Scope) global = scope_new_global(&inputs, file->lex->escape);
	if (!stages_apply_global(file, global, &error))
		return fail(error);
	g_autoptr(StageGraph) graph = stages_build(file, global, &options, &error);
	if (!graph || !print_stages(graph, global, &error))
		return fail(error);
	g_auto(GStrv) unused = scope_unused_args(global);
	for (size_t i = 0; unused[i]; i++)
		printf("unused: %s\n", unused[i]);
	return 0;
}

static const char *look_up(const char *name, void *table)
{
	return g_hash_table_lookup(table, name);
}

int run_expand(char **args)
{
	g_autoptr(GHashTable) variables = assignments(args);
	g_autoptr(GHashTable) unset = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text = fd_read_all(0, 1 << 24, &size, &error);
	if (!text)
		return fail(error);
	if (size > 0 && text[size - 1] == '\n')
		text[size - 1] = '\0';
	const char *mode = args[0] ? args[0] : "word";
	Expander expander = {.lookup = look_up,
			     .data = variables,
			     .escape = strcmp(mode, "backtick") == 0 ? '`' : '\\',
			     .raw_quotes = strcmp(mode, "heredoc") == 0,
			     .unset = unset};
	if (strcmp(mode, "words") == 0) {
		g_auto(GStrv) words = expand_words(&expander, text, &error);
		if (!words)
			return fail(error);
		for (size_t i = 0; words[i]; i++)
			printf("[%s]\n", words[i]);
		return 0;
	}
	g_autofree char *word = expand_word(&expander, text, &error);
	if (!word)
		return fail(error);
	printf("[%s]\n", word);
	if (g_hash_table_size(unset) > 0)
		printf("%u unset\n", g_hash_table_size(unset));
	return 0;
}

int run_dockerignore(char **args)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text = fd_read_all(0, 1 << 24, &size, &error);
	g_autoptr(Dockerignore) ignore =
		text ? dockerignore_parse(text, size, ".dockerignore", &error) : NULL;
	if (!ignore)
		return fail(error);
	for (; *args; args++) {
		g_autofree char *path = g_strdup(*args);
		bool directory = g_str_has_suffix(path, "/");
		if (directory)
			path[strlen(path) - 1] = '\0';
		const char *word = dockerignore_matches(ignore, path) ? "out" : "in";
		if (directory && dockerignore_prunes(ignore, path))
			word = "pruned";
		printf("%s %s\n", *args, word);
	}
	return 0;
}

/* The only image that is known. */
static const CheckImage *known_image(const char *name, void *data)
{
	static const char *const env[] = {"PATH=/bin", "LANG=C", NULL};
	static const CheckImage image = {.env = env, .platform = "linux/amd64"};
	return strcmp(name, "debian") == 0 ? &image : NULL;
}

int run_check(char **args)
{
	static const char *const predefined[] = {"TARGETPLATFORM=linux/amd64",
						 "BUILDPLATFORM=linux/amd64", NULL};
	static const char ignored[] = "*.o\nsecret\n";
	g_autoptr(GError) error = NULL;
	g_autoptr(Dockerfile) file = read_dockerfile(&error);
	g_auto(CheckConfig) config = {0};
	if (!file || !check_config_parse(args[0] ? args[0] : file->lex->check, &config, &error))
		return fail(error);
	g_autoptr(Dockerignore) ignore =
		dockerignore_parse(ignored, sizeof ignored - 1, ".dockerignore", NULL);
	CheckInputs inputs = {.scope = {.predefined = predefined},
			      .image = known_image,
			      .ignore = ignore,
			      .target_platform = "linux/amd64"};
	StageOptions options = {0};
	g_autoptr(Scope) global = scope_new_global(&inputs.scope, file->lex->escape);
	g_autoptr(StageGraph) graph = NULL;
	if (stages_apply_global(file, global, NULL))
		graph = stages_build(file, global, &options, NULL);
	g_autoptr(GPtrArray) findings = check_run(file, graph, &config, &inputs);
	for (guint i = 0; i < findings->len; i++) {
		const CheckFinding *finding = findings->pdata[i];
		printf("%u %s: %s\n", finding->line, finding->rule, finding->message);
	}
	return config.error && findings->len > 0;
}
