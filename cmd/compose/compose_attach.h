/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the containers of a project write, and staying with them until they end.
 */
#pragma once

#include <stdint.h>

#include "cmd/compose/compose_file.h"
#include "libpod/container.h"

typedef struct {
	bool follow, timestamps, no_prefix, no_color;
	int64_t tail; /* lines; -1: all */
	int64_t since_ns, until_ns;
	int ended_fd; /* follow: gets the index, uint32_t, of each whose log has ended; 0: none */
} ComposeLogs;

/** compose_logs() - print the logs of a list of ComposeContainer, "NAME | " before each line. */
bool compose_logs(Engine *engine, const GPtrArray *items, const char *project,
		  const ComposeLogs *options, GError **error);

typedef struct {
	ComposeLogs logs;
	const char *const *services; /* whose lines are printed; NULL: all */
	const char *const *named;    /* on the command line; empty: all */
	int stop_timeout_s;
	bool abort_on_exit;          /* the first that ends ends all */
	bool abort_on_failure;       /* likewise, if its code is not 0 */
	const char *code_from;       /* whose code is ours; NULL */
	const ComposeProject *files; /* whose services are waited for, and have pre_stop hooks */
	/* What a child does meanwhile; NULL: nothing. While it lives, the end of all is not ours.
	 */
	bool (*companion)(void *data, GError **error);
	void *companion_data;
} ComposeAttach;

/**
 * compose_attach() - follow a project until all its containers have ended, also those that are
 * started meanwhile
 * @out_code:	exit code of the command: 130 after a signal
 *
 * The first SIGINT or SIGTERM stops them, the second kills them.
 */
bool compose_attach(Engine *engine, const char *project, const ComposeAttach *options,
		    int *out_code, GError **error);
