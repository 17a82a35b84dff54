/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hangs together in a project: services, what they need, networks and volumes.
 */
#pragma once

#include "cmd/compose/compose_file.h"

/* One "needs". */
typedef struct {
	size_t service;        /* its index */
	const char *condition; /* "started", "healthy", "completed"; borrowed */
	bool required;
} GraphNeed;

typedef struct {
	const char *name; /* borrowed from the model */
	char *image;      /* or what is built */
	int scale;
	GPtrArray *ports;    /* "8080->80/tcp" */
	GPtrArray *networks; /* keys, borrowed */
	GPtrArray *volumes;  /* "data:/data" */
	GArray *needs;       /* of GraphNeed */
} GraphService;

typedef struct {
	const ComposeProject *project;
	GPtrArray *services; /* of GraphService; each behind all it needs */
	GPtrArray *networks; /* keys that services are on, borrowed */
	GPtrArray *volumes;  /* likewise of named volumes */
} Graph;

/** graph_init() - read a project. */
void graph_init(Graph *graph, const ComposeProject *project);
void graph_clear(Graph *graph);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Graph, graph_clear)

/** graph_mermaid(), graph_dot(), graph_text() - append it in these words. */
void graph_mermaid(const Graph *graph, GString *out);
void graph_dot(const Graph *graph, GString *out);
void graph_text(const Graph *graph, GString *out);

/**
 * graph_picture() - append a picture: a box for each service, lines to what it needs
 * @columns:	of the terminal; what is longer is cut
 * @ascii:	without characters of boxes
 */
void graph_picture(const Graph *graph, unsigned columns, bool ascii, GString *out);

/** graph_need_text() - "db (healthy)". g_free() it. */
char *graph_need_text(const Graph *graph, const GraphNeed *need);

/** graph_join() - "a, b". g_free() it. */
char *graph_join(const GPtrArray *words);
