/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading, step by step: what compose_file.c, compose_file_find.c and compose_file_join.c share.
 */
#pragma once

#include "cmd/compose/compose_file.h"

#define COMPOSE_INCLUDE_MAX 64
#define COMPOSE_BYTES_MAX   (256 << 20) /* of memory for one project's files */

/* One set of files that merge: the project's, or those of one include. */
typedef struct Loader Loader;

struct Loader {
	ComposeProject *project;
	const ComposeOptions *options;
	const Loader *outer;   /* who includes this; NULL: nobody */
	const char *directory; /* its relative paths start here */
	const Environment *env;
	GHashTable *texts;  /* path -> GPtrArray of documents, raw; shared by all */
	GHashTable *models; /* path -> Node: one file's canonical form, for extends */
	const char *path;   /* the file being read, absolute */
};

/** compose_files_find() - fill directory, files, env_files and env of the project. */
bool compose_files_find(ComposeProject *project, const ComposeOptions *options, GError **error);

/** compose_files_name() - the project's name, from options, environment, files or directory. */
bool compose_files_name(Loader *loader, GError **error);

/** compose_file_documents() - the raw documents of a file, borrowed; NULL on error. */
GPtrArray *compose_file_documents(Loader *loader, const char *path, GError **error);

/** compose_file_grow() - count what becomes part of a project: small files may say much by extends
 * and include. INVALID, with @more's place, beyond COMPOSE_BYTES_MAX. */
bool compose_file_grow(size_t *bytes, const Node *more, GError **error);

/** compose_file_load() - one file in canonical form, with what it includes and extends. */
Node *compose_file_load(Loader *loader, const char *path, GError **error);

/** compose_files_load() - several files merged, their paths absolute. */
Node *compose_files_load(Loader *loader, const char *const *paths, GError **error);

/** compose_file_include() - merge @model onto what it includes, in place. */
bool compose_file_include(Loader *loader, Node *model, GError **error);

/** compose_file_extend() - resolve the extends of all services, in place. */
bool compose_file_extend(Loader *loader, Node *model, const char *path, GError **error);

/** compose_path() - @path from @directory on, with ~ resolved; absolute. g_free() it. */
char *compose_path(const Loader *loader, const char *directory, const char *path);

/** compose_paths_resolve() - make the paths of a model (or, with @shape, of a part) absolute. */
void compose_paths_resolve(const Loader *loader, Node *model);
void compose_service_paths_resolve(const Loader *loader, const char *directory, Node *service);
