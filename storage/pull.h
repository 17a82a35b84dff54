/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull: an image from a registry into the store. Runs in skiff-fetch.
 *
 * Theory of operation.
 * Goal: each blob crosses the network once, whoever asks for it; layers unpack while they arrive,
 * in parallel and outside locks; nothing is visible before it is verified; a killed pull costs at
 * most the megabyte that was in flight. Sequence: name -> candidates (aliases, search list) ->
 * policy -> places (mirrors, the registry) -> manifest -> platform's manifest -> config -> layers
 * -> image record with its names. Every layer goes through: claimed in the store (pinned against
 * sweeps; present: done) -> its slot (storage/blob_slot: another pull has it: wait) -> download and
 * pump -> staged -> published, bottom first, as soon as those below it are -> slot removed. A crash
 * leaves: a dead stage (swept by the next command), published layers (used by the next pull or
 * removed by the next sweep), partial blobs (resumed by the next pull of that layer).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/fetch.h"
#include "storage/manifest.h"
#include "storage/registry.h"
#include "storage/store.h"

typedef enum {
	PULL_LAYER_QUEUED,
	PULL_LAYER_WAITING, /* another pull fetches it */
	PULL_LAYER_RUNNING,
	PULL_LAYER_RETRYING,
	PULL_LAYER_PACKING, /* of a push: its bytes are being made */
	PULL_LAYER_STAGED,
	PULL_LAYER_PRESENT, /* was in the store, or another pull has put it there */
	PULL_LAYER_DONE,
} PullLayerState;

typedef struct {
	const char *digest;
	int64_t size;
	int64_t received; /* bytes downloaded or resumed */
	PullLayerState state;
} PullLayerView;

/* What the front end shows; all may be NULL. */
typedef struct {
	void (*message)(const char *text, void *data);
	/* At every change of a state, and ten times a second while bytes move. */
	void (*layers)(const PullLayerView *layers, size_t n, void *data);
	/* Which of several names a short name means: an index, or -1. NULL: nobody can be asked. */
	int (*choose)(const char *short_name, const char *const *candidates, void *data);
	void *data;
} PullUi;

typedef struct {
	RegistryOptions registry;
	PullPolicy policy;
	const Platform *platform; /* NULL: this machine's */
	bool all_tags;
	PullUi ui;
} PullOptions;

typedef struct {
	char *id;   /* image id */
	char *name; /* the name it got: "docker.io/library/alpine:latest" */
	size_t n_layers;
	size_t n_present; /* of them, not downloaded by us */
	int64_t received; /* bytes of layers that came over the network */
	bool was_local;   /* the policy was content with what is here */
} PullResult;

void pull_result_free(PullResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PullResult, pull_result_free)

/**
 * image_pull() - pull one image
 * @name:	any reference, also short, also with docker:// in front
 * @error:	NOT_FOUND (no such image, or policy never), DENIED, UNREACHABLE, CORRUPT, ...
 */
PullResult *image_pull(Store *store, const char *name, const PullOptions *options, GError **error);

/** images_pull_all_tags() - all tags of a repository. GPtrArray of PullResult. */
GPtrArray *images_pull_all_tags(Store *store, const char *name, const PullOptions *options,
				GError **error);
