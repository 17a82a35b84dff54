/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compose files: from what the command line and the environment name to one checked model.
 *
 *   find the files -> read -> interpolate -> canonical form -> include -> extends -> merge
 *   -> paths -> names, networks, environments, profiles (project_normalize)
 *   -> consistency (project_check)
 *
 * Nothing here prints, asks an engine or changes a file.
 */
#pragma once

#include "cmd/compose/environment.h"
#include "cmd/compose/node.h"

typedef struct {
	const char *const *files;     /* -f; "-" is standard input. NULL: COMPOSE_FILE, or found */
	const char *const *env_files; /* --env-file; NULL: COMPOSE_ENV_FILES, or .env */
	const char *const *profiles;  /* --profile; NULL: COMPOSE_PROFILES */
	const char *name;             /* -p */
	const char *directory;        /* --project-directory */
	const char *const *environ;   /* of the process: NAME=VALUE */
	const char *const *services;  /* these and what they need; NULL: all */
	bool no_interpolate;          /* leave ${X} alone; nothing is known of such values */
	bool no_consistency;          /* leave out the checks across services */
	bool no_environments;         /* leave env_file and label_file as they are */
	bool no_normalize;            /* leave out defaults that are not written: name alone */
	bool no_paths;                /* leave paths as they are written */
} ComposeOptions;

typedef struct {
	char *name;
	char *directory;      /* absolute */
	GPtrArray *files;     /* absolute paths */
	GPtrArray *env_files; /* that were read, absolute */
	Environment *env;
	Node *model;           /* of enabled services and what they use */
	Node *disabled;        /* services that no profile enables: a map */
	Node *unselected;      /* services that nobody asked for: a map */
	GPtrArray *profiles;   /* enabled */
	GPtrArray *warnings;   /* lines for the user */
	GHashTable *variables; /* name -> InterpolateVariable of all files */
	size_t bytes;          /* of memory for all that was read, copies by extends among it */
	guint parallel;        /* --parallel: at most so many things at once; 0: not said */
} ComposeProject;

/**
 * compose_project_load() - read a project
 * @error:	NOT_FOUND without a file; INVALID for what it says, with file, line and column
 *
 * Return: compose_project_free() it.
 */
ComposeProject *compose_project_load(const ComposeOptions *options, GError **error);
void compose_project_free(ComposeProject *project);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ComposeProject, compose_project_free)

/** compose_project_unknown() - NOT_FOUND: no such service: NAME, with those whose names are near.
 * Return: false. */
bool compose_project_unknown(const ComposeProject *project, const char *name, GError **error);

/**
 * compose_file_parse() - one text alone, for tests and fuzzing: canonical, merged over its
 * documents, without include, extends of other files and the steps behind them
 */
Node *compose_file_parse(const char *text, size_t size, const char *file, const Environment *env,
			 GError **error);
