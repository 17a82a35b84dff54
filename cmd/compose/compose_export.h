/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports: a project written in the words of something else, and the list of what that has no
 * words for. `systemd`, `kube` and `swarm` are made of it.
 *
 * An export knows no engine and makes nothing but its files. What does not carry over is noted by
 * the place in the model ("services.web.develop"), never left out silently; a note is no error.
 */
#pragma once

#include "cmd/compose/compose_file.h"

typedef struct {
	const ComposeProject *project;
	Node *model;      /* the project as `config` prints it */
	GPtrArray *files; /* of ExportFile, in the order of writing */
	GPtrArray *notes; /* lines */
} ComposeExport;

typedef struct {
	char *name;     /* in the export's directory */
	GString *text;  /* what it holds */
	bool is_secret; /* for its owner alone */
} ExportFile;

/* @escape: double each dollar in all values, for what interpolates again. */
void compose_export_init(ComposeExport *export, const ComposeProject *project, bool escape);
void compose_export_clear(ComposeExport *export);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ComposeExport, compose_export_clear)

/** compose_export_note() - "PATH: WHY" for the list of what does not carry over. */
void compose_export_note(ComposeExport *export, const char *path, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/** compose_export_unknown() - note the keys of a map that are not in @known (sorted or not, NULL at
 * the end), x- keys apart. @path: of the map. */
void compose_export_unknown(ComposeExport *export, const char *path, const Node *map,
			    const char *const *known);

/** compose_export_file() - a new file; its text is to be appended to. Borrowed. */
GString *compose_export_file(ComposeExport *export, const char *name, bool is_secret);

/**
 * compose_export_finish() - write the files, or print them, and the notes on standard error
 * @directory:	made if it is missing; NULL: standard output, "# NAME" before each file
 * @target:	what does not have the words, for the notes' head: "systemd"
 */
bool compose_export_finish(ComposeExport *export, const char *directory, const char *target,
			   GError **error);

/** compose_export_write() - one text to a file, or to standard output if @path is NULL or "-". */
bool compose_export_write(const char *path, const GString *text, bool is_secret, GError **error);

/** compose_export_notes() - the notes on standard error, each once. */
void compose_export_notes(const ComposeExport *export, const char *target);

/** compose_export_is_wanted() - does a service wait for @service with this condition
 * ("service_healthy")? */
bool compose_export_is_wanted(const ComposeExport *export, const char *service,
			      const char *condition);

/** compose_export_seconds() - a duration of the file in whole seconds, rounded up; @fallback if it
 * is NULL or makes no sense. */
int64_t compose_export_seconds(const char *duration, int64_t fallback);

/** compose_export_object() - the text of a config or secret that the project itself has: from
 * its file, its variable or its content. g_free() it; NULL with @error. @size of it. */
char *compose_export_object(const ComposeExport *export, const char *kind, const char *name,
			    gsize *out_size, GError **error);
