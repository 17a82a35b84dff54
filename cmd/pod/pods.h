/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pods a verb works on: arguments, --all, --latest, --pod-id-file; and what all verbs say.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/command.h"
#include "libpod/pod.h"

typedef struct {
	bool all, latest;
	bool ignore;         /* a missing pod is no error */
	GPtrArray *id_files; /* of paths */
} PodSelection;

void pod_selection_clear(PodSelection *selection);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PodSelection, pod_selection_clear)

/* Rows for --all and --latest of a PodSelection at the beginning of the target, and --pod-id-file.
 */
extern const OptionGroup pod_selection_group;
extern const OptionGroup pod_id_file_group;

/** pod_id_file_read() - the id in a file of --pod-id-file. g_free() it. */
char *pod_id_file_read(const char *path, GError **error);

/**
 * PodWork - do the verb's work on one pod
 * @errors:	of GError, what went wrong
 */
typedef bool (*PodWork)(Engine *engine, const Pod *pod, void *data, GPtrArray *errors);

typedef struct {
	PodWork work;
	void *data;
	/* Exit code of a failure; NULL: error_exit_code(). */
	int (*exit_code)(const GError *error);
} PodTask;

/** pod_selection_run() - open the engine, do the work on all pods, print ids and errors. Return:
 * exit code. */
int pod_selection_run(const PodSelection *selection, const Invocation *inv, const PodTask *task);

/** pod_is_prunable() - has all of it that ran ended? */
bool pod_is_prunable(const GPtrArray *members);
/** pods_prune() - remove all that have ended, and print their ids. Return: exit code. */
int pods_prune(Engine *engine);
