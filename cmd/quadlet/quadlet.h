/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quadlet: files that describe containers, volumes, networks ... to systemd, made into services.
 *
 * Theory of operation. A QuadletSet holds the files of all search paths (quadlet_source.h), first
 * hit first. It is translated as a whole, since files refer to each other by name: first every file
 * gets the name of its service and of what that makes, then images, volumes and networks, builds,
 * containers and kubes, and pods are translated, in this order. A file that is wrong in any way is
 * made into a service all the same: one that fails and says what is wrong, so that "systemctl
 * status" answers. Nothing here looks at the engine, the network or the bus: it runs in a
 * generator, before all of these. Whether skiff has an option is asked when a unit is linted
 * (cmd/quadlet/lint.c) and by skiff itself at the start.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/quadlet/unit_file.h"

typedef struct QuadletKind QuadletKind;

/* What is to be said about a file. */
typedef struct {
	bool warning;
	const char *file; /* borrowed from the unit */
	unsigned line;    /* 0: the file as a whole */
	char *text;
	char *hint; /* "did you mean ...?", or NULL */
} QuadletProblem;

/* One file, and the service made of it. */
typedef struct {
	char *name; /* "web.container" */
	char *path; /* absolute; of a part of a .quadlets file, that file's */
	const QuadletKind *kind;
	UnitFile *file;      /* with all drop-ins */
	char *service;       /* "web", without ".service" */
	char *resource;      /* what the service makes: "systemd-web"; NULL if nobody can know it */
	GPtrArray *members;  /* of a pod: services that start with it, borrowed names of units */
	GPtrArray *problems; /* of QuadletProblem */
	UnitFile *out;       /* the service; NULL before the translation */
} QuadletUnit;

typedef struct {
	GPtrArray *units; /* of QuadletUnit, in the order in which they were found */
	GHashTable *by_name;
	const char *skiff;     /* the program that the services run */
	const char *generator; /* the program that tells what is wrong */
	bool user;             /* for a user's systemd */
} QuadletSet;

/** quadlet_set_init() - an empty set; the strings are borrowed. */
void quadlet_set_init(QuadletSet *set, const char *skiff, const char *generator, bool user);

/** quadlet_set_clear() - free what it holds. */
void quadlet_set_clear(QuadletSet *set);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QuadletSet, quadlet_set_clear)

/** quadlet_set_add() - add the file @name; NULL if there is one of that name or it is of no kind
 * that we know. */
QuadletUnit *quadlet_set_add(QuadletSet *set, const char *name, const char *path);

/** quadlet_set_lookup() - the unit of a file's name, NULL if there is none. */
QuadletUnit *quadlet_set_lookup(const QuadletSet *set, const char *name);

/** quadlet_unit_add_text() - read a file or a drop-in into @unit; what is wrong becomes a problem.
 */
void quadlet_unit_add_text(QuadletUnit *unit, const char *text, size_t size, const char *path,
			   unsigned first_line);

/** quadlet_unit_problem() - note something about @line, or about the whole file if it is NULL. */
void quadlet_unit_problem(QuadletUnit *unit, bool warning, const UnitLine *line, const char *hint,
			  const char *format, ...) G_GNUC_PRINTF(5, 6);

/** quadlet_unit_is_broken() - is one of its problems more than a warning? */
bool quadlet_unit_is_broken(const QuadletUnit *unit);

/** quadlet_set_translate() - make the services of all units. */
void quadlet_set_translate(QuadletSet *set);

/** quadlet_unit_service_name() - "web.service". g_free() it. */
char *quadlet_unit_service_name(const QuadletUnit *unit);

/** quadlet_kind_of() - the kind of a file's name by its extension, NULL if it is none of ours. */
const QuadletKind *quadlet_kind_of(const char *name);

/** quadlet_kind_of_section() - the extension (".container") of files with this section, NULL if
 * there is none. */
const char *quadlet_kind_of_section(const char *section);

/** quadlet_kind_section() - "Container". */
const char *quadlet_kind_section(const QuadletKind *kind);

/** quadlet_problem_format() - "FILE:LINE: TEXT (HINT)". g_free() it. */
char *quadlet_problem_format(const QuadletProblem *problem);
