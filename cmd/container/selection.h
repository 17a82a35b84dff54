/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which containers a verb works on: arguments, --all, --latest, --cidfile, --filter.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/command.h"
#include "libpod/container.h"

/* As many digits of an id as are printed. */
#define SELECTION_ID_MIN 12

/* Embedded in the options struct of a verb, with selection_group among its groups or rows of its
 * own. */
typedef struct {
	bool all;
	bool latest;
	bool ignore; /* a missing container is no error */
	bool exact;  /* the beginning of an id counts only from SELECTION_ID_MIN digits on */
	GPtrArray *cidfiles; /* of paths */
	GPtrArray *filters;  /* of KEY=VALUE */
	bool of_pods;        /* arguments name pods: the members, without the infra container */
	GPtrArray *members;  /* with @of_pods: only these, NULL: all */
} Selection;

/** selection_group - --all --latest --ignore --filter --cidfile; the target is a Selection. */
extern const OptionGroup selection_group;

/** selection_clear() - free what the setters made. */
void selection_clear(Selection *selection);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Selection, selection_clear)

/**
 * selection_check() - do options and arguments go together?
 * @missing:	what to say when nothing is named; NULL: podman's usual words
 * @error:	INVALID
 */
bool selection_check(const Selection *selection, const Invocation *inv, const char *missing,
		     GError **error);

/** selection_one() - the container of a verb that takes one: --latest, else the first argument. */
Container *selection_one(const Selection *selection, const Invocation *inv, Engine *engine,
			 GError **error);

/* One container that was named. */
typedef struct {
	char *name;     /* as typed; the full id with --all, --latest, --filter */
	Container *ctr; /* NULL: missing, which --ignore allows */
} Selected;

/**
 * selection_resolve() - the containers, in the order they were named
 * @error:	INVALID, NOT_FOUND: one name that leads nowhere is enough, and nothing is done then
 *
 * Return: GPtrArray of Selected.
 */
GPtrArray *selection_resolve(const Selection *selection, const Invocation *inv, Engine *engine,
			     GError **error);

/* What a verb's --time holds while it was not given. */
#define SELECTION_TIME_UNSET INT64_MIN

/** selection_time() - seconds of --time for libpod; -1 if unset, and negative ones wait for ever.
 */
int selection_time(int64_t asked);

/**
 * SelectionWork - do the verb's work on one container
 *
 * Return: true if the container's name is to be printed.
 */
typedef bool (*SelectionWork)(Container *ctr, void *data, GError **error);

typedef struct {
	/* Called for every container before the first work(), so that waits overlap; may be NULL.
	 */
	void (*begin)(Container *ctr, void *data);
	SelectionWork work;
	void *data;
	/* Which containers --all and --filter take; NULL: every one. */
	bool (*wanted)(const ContainerSummary *summary);
	/* Exit code of a failure; NULL: error_exit_code(). */
	int (*exit_code)(const GError *error);
	/* What --ignore prints for a missing container; NULL: nothing. */
	const char *missing;
} SelectionTask;

/** selection_is_no_infra() - for @wanted: --all leaves what holds the namespaces of pods alone. */
bool selection_is_no_infra(const ContainerSummary *summary);

/** selection_run() - open the engine, do the work on all containers, print names and errors.
 * Return: exit code. */
int selection_run(const Selection *selection, const Invocation *inv, const SelectionTask *task);
