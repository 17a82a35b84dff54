/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of quadlet share: the set of this user's files, systemd's word on units, and the
 * check of command lines against the options that skiff has.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/quadlet/quadlet.h"

/* The files of whoever runs the command. */
typedef struct {
	QuadletSet set;
	GPtrArray *roots;    /* directories that are searched */
	GPtrArray *messages; /* about what belongs to no unit */
	char *skiff, *generator;
} QuadletFiles;

/** quadlet_files_init() - an empty set. */
void quadlet_files_init(QuadletFiles *files);

/** quadlet_files_clear() - free what it holds. */
void quadlet_files_clear(QuadletFiles *files);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QuadletFiles, quadlet_files_clear)

/** quadlet_files_load() - add what the search paths hold, and translate. */
void quadlet_files_load(QuadletFiles *files);

/** quadlet_files_home() - where `install` puts files: a borrowed root below /etc or the user's
 * configuration. */
const char *quadlet_files_home(const QuadletFiles *files);

/** quadlet_files_application() - the directory below home that @unit was installed with; NULL:
 * none. g_free() it. */
char *quadlet_files_application(const QuadletFiles *files, const QuadletUnit *unit);

/** quadlet_verb_check() - note what skiff lacks or refuses of the command lines of a unit that is
 * not broken. */
void quadlet_verb_check(const QuadletFiles *files, QuadletUnit *unit);

/** quadlet_verb_systemctl() - run systemctl for whoever runs the command. Return: its stdout; NULL
 * with SYSTEM. */
char *quadlet_verb_systemctl(const char *const *args, GError **error);

/** quadlet_verb_reload() - have systemd run its generators; a warning if it cannot. */
void quadlet_verb_reload(void);
