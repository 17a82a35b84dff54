/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of `skiff compose` that every verb takes, and the project they choose.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/compose/compose_file.h"

typedef struct {
	GPtrArray *files, *profiles, *env_files; /* NULL: not given */
	const char *name, *directory;
	const char *progress, *ansi;
	int64_t parallel; /* 0: not given */
	bool dry_run;
} ProjectOptions;

void project_options_clear(ProjectOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProjectOptions, project_options_clear)

/** project_option_refuse() - the setter of an option that skiff has no use for: its help is why. */
bool project_option_refuse(void *target, const Option *option, const char *value, GError **error);

/* A row for an option of docker compose's that is refused, with the reason. */
#define COMPOSE_REFUSED(option_short, option_name, option_kind, why)                               \
	{                                                                                          \
		.short_name = (option_short), .name = (option_name), .kind = (option_kind),        \
		.set = project_option_refuse, .help = (why), .flags = OPTION_HIDDEN | OPTION_WHOLE \
	}

/* The target is a ProjectOptions. */
extern const OptionGroup project_option_group;

/** project_options_words() - the options in their long form, as words for a verb. */
void project_options_words(const ProjectOptions *options, GPtrArray *words);

/** project_options_load() - the project, with its warnings printed. @more: what the verb says of
 * interpolation, consistency and services; NULL for nothing. */
ComposeProject *project_options_load(const ProjectOptions *options, const ComposeOptions *more,
				     GError **error);

/**
 * project_options_name() - the project that is meant, for verbs that work on its containers
 * @out_project: its files, if they are there; may be NULL. Else it stays as it is
 * @error:	NOT_FOUND if there are neither files nor a name
 */
bool project_options_name(const ProjectOptions *options, char **out_name,
			  ComposeProject **out_project, GError **error);
