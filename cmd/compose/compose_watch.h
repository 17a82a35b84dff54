/* SPDX-License-Identifier: Apache-2.0 */
/*
 * develop.watch: what services say shall happen when files of the host change.
 *
 * Changes come from inotify, of all directories below a rule's path that are not ignored. They are
 * collected until it is quiet for a moment, and then each rule does what it says with those that
 * are its own: copy into the containers (sync, sync+restart, sync+exec), restart them, or build the
 * image and recreate them (rebuild). What fails is told, and watching goes on.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/compose/compose_file.h"
#include "libpod/engine.h"

typedef struct {
	Engine *engine;
	ComposeProject *project;
	const GlobalOptions *global;
	const char *const *services; /* whose rules; NULL or empty: all */
	bool prune;                  /* images that nobody uses after a rebuild go */
	bool quiet;                  /* no progress of builds */
} ComposeWatch;

/** compose_watch_check() - is there anything to watch, and are its rules sound? INVALID. */
bool compose_watch_check(const ComposeWatch *options, GError **error);

/** compose_watch_run() - watch until SIGINT or SIGTERM. @error: what keeps it from watching. */
bool compose_watch_run(const ComposeWatch *options, GError **error);
