/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that follow the instructions of a stage.
 */
#include <string.h>

#include "build/check_priv.h"

/* What is known in the middle of a stage. */
typedef struct {
	const Instruction *last[INSTRUCTION_KINDS]; /* the last one of each kind */
	bool shell;                                 /* SHELL was said */
	bool workdir;                               /* an absolute WORKDIR was said */
} Course;

/* Parts of names that mean a secret, between underscores. */
static bool is_secret_name(const char *name)
{
	static const char *const words[] = {"apikey", "auth",   "credential", "credentials",
					    "key",    "passwd", "password",   "pword",
					    "secret", "token",  NULL};
	g_autofree char *lower = g_ascii_strdown(name, -1);
	g_auto(GStrv) parts = g_strsplit(lower, "_", -1);
	bool secret = false;
	for (size_t i = 0; parts[i]; i++) {
		if (strcmp(parts[i], "public") == 0)
			return false;
		secret = secret || g_strv_contains(words, parts[i]);
	}
	return secret;
}

static void check_secrets(Check *check, const Instruction *i)
{
	for (guint p = 0; i->kind != INSTRUCTION_LABEL && i->pairs && p < i->pairs->len; p++) {
		const DockerfilePair *pair = i->pairs->pdata[p];
		if (is_secret_name(pair->name))
			check_report(check, "SecretsUsedInArgOrEnv", i->line,
				     "Do not use ARG or ENV instructions for sensitive data (%s "
				     "\"%s\")",
				     instruction_name(i->kind), pair->name);
	}
}

static void check_expose(Check *check, const Instruction *i)
{
	for (size_t at = 0; i->kind == INSTRUCTION_EXPOSE && i->words[at]; at++) {
		const char *word = i->words[at];
		const char *protocol = strchr(word, '/');
		if (strchr(word, '$'))
			continue;
		if (strchr(word, ':'))
			check_report(check, "ExposeInvalidFormat", i->line,
				     "EXPOSE instruction should not define an IP address or "
				     "host-port mapping, found '%s'",
				     word);
		for (; protocol && *protocol; protocol++) {
			if (!g_ascii_isupper(*protocol))
				continue;
			check_report(check, "ExposeProtoCasing", i->line,
				     "Defined protocol '%s' in EXPOSE instruction should be "
				     "lowercase",
				     word);
			break;
		}
	}
}

/* A source of the context that the ignore file leaves out. */
static void check_sources(Check *check, const Instruction *i)
{
	const Dockerignore *ignore = check->inputs->ignore;
	for (size_t at = 0; ignore && !i->copy.from && i->copy.sources && i->copy.sources[at];
	     at++) {
		const char *source = i->copy.sources[at];
		if (strchr(source, '$') || strstr(source, "://") || strstr(source, "<<"))
			continue;
		while (*source == '/' || g_str_has_prefix(source, "./"))
			source++;
		g_autofree char *path = g_strdup(source);
		while (g_str_has_suffix(path, "/"))
			path[strlen(path) - 1] = '\0';
		if (*path && strcmp(path, ".") != 0 && dockerignore_matches(ignore, path))
			check_report(check, "CopyIgnoredFile", i->line,
				     "Attempting to %s file \"%s\" that is excluded by "
				     ".dockerignore",
				     i->kind == INSTRUCTION_ADD ? "Add" : "Copy",
				     i->copy.sources[at]);
	}
}

/* CMD, ENTRYPOINT, HEALTHCHECK: only the last one of a stage counts. */
static void check_once(Check *check, const Instruction *i, const Course *course)
{
	bool once = i->kind == INSTRUCTION_CMD || i->kind == INSTRUCTION_ENTRYPOINT ||
		    i->kind == INSTRUCTION_HEALTHCHECK;
	const Instruction *before = course->last[i->kind];
	if (once && before)
		check_report(check, "MultipleInstructionsDisallowed", before->line,
			     "Multiple %s instructions should not be used in the same stage "
			     "because only the last one will be used",
			     instruction_name(i->kind));
}

static void check_command(Check *check, const Instruction *i, const Course *course)
{
	bool command = i->kind == INSTRUCTION_CMD || i->kind == INSTRUCTION_ENTRYPOINT;
	if (command && !i->json && i->words[0] && !course->shell)
		check_report(check, "JSONArgsRecommended", i->line,
			     "JSON arguments recommended for %s to prevent unintended behavior "
			     "related to OS signals",
			     instruction_name(i->kind));
}

static void check_workdir(Check *check, const Instruction *i, Course *course)
{
	if (i->kind != INSTRUCTION_WORKDIR)
		return;
	const char *path = i->words[0] + strspn(i->words[0], "\"'");
	if (*path == '/' || *path == '$')
		course->workdir = true;
	else if (!course->workdir)
		check_report(check, "WorkdirRelativePath", i->line,
			     "Relative workdir \"%s\" can have unexpected results if the base "
			     "image changes",
			     i->words[0]);
}

/* What a stage is given by the stage it is built from. */
static Course start(const Check *check, const Course *ends, unsigned index)
{
	Course course = {0};
	const Stage *stage = check->graph ? check->graph->stages->pdata[index] : NULL;
	if (!stage || stage->base->kind != STAGE_SOURCE_STAGE)
		return course;
	course.shell = ends[stage->base->stage].shell;
	course.workdir = ends[stage->base->stage].workdir;
	return course;
}

void check_stages(Check *check)
{
	const GPtrArray *all = check->file->instructions;
	g_autofree Course *ends = g_new0(Course, check->graph ? check->graph->stages->len : 1);
	Course course = {0};
	unsigned index = 0;
	for (guint at = 0; at < all->len; at++) {
		const Instruction *i = all->pdata[at];
		if (i->kind == INSTRUCTION_FROM)
			course = start(check, ends, index++);
		check_secrets(check, i);
		check_expose(check, i);
		check_sources(check, i);
		check_once(check, i, &course);
		check_command(check, i, &course);
		check_workdir(check, i, &course);
		course.shell = course.shell || i->kind == INSTRUCTION_SHELL;
		course.last[i->kind] = i;
		if (check->graph && index > 0)
			ends[index - 1] = course;
	}
}
