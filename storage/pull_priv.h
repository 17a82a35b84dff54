/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pull.c (names and places), pull_image.c (one image from one place) and pull_layers.c (its
 * layers) share.
 */
#pragma once

#include "storage/image_config.h"
#include "storage/pull.h"

/** pull_message() - tell the front end. */
void pull_message(const PullOptions *options, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* One image's layers to be brought into the store. */
typedef struct {
	Store *store;
	StoreStage *stage;
	RegistrySession *session;
	Registry *registry;
	const PullOptions *options;
	const Manifest *manifest;
	const ImageConfig *config;
	PullResult *result; /* its figures are filled in */
	bool keep_blobs;    /* the compressed bytes stay, for pushes that must not change them */
} PullLayers;

/** pull_layers() - fetch, unpack and publish all that are missing. */
bool pull_layers(const PullLayers *pull, GError **error);

/**
 * pull_image() - one image from one place, published as @reference's name
 * @signed_by:	what policy.json wants its signatures to be: of SignedBy, perhaps none
 */
PullResult *pull_image(Store *store, RegistrySession *session, const RegistrySource *source,
		       const Reference *reference, const GPtrArray *signed_by,
		       const PullOptions *options, GError **error);
