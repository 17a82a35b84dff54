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
} ProjectOptions;

void project_options_clear(ProjectOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProjectOptions, project_options_clear)

/* The target is a ProjectOptions. */
extern const OptionGroup project_option_group;

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
