/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containers of a project stand on: networks, volumes, images.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/compose/compose_file.h"
#include "libpod/engine.h"
#include "storage/fetch.h"
#include "storage/image.h"

/** What is done with a network or volume that is there, and not as the files have it by now. */
typedef struct {
	bool recreate;      /* else it is only told */
	bool yes;           /* also volumes, without asking: their data goes */
	int stop_timeout_s; /* -1: the containers' own */
	GPtrArray *stopped; /* takes the ids of containers that ran and were stopped for it */
} ComposeDrift;

/** compose_resources_check() - refuse what networks and volumes say and cannot have, before any is
 * made. */
bool compose_resources_check(const ComposeProject *project, GError **error);

/** compose_networks_ensure() - make what is missing; external ones must be there. */
bool compose_networks_ensure(Engine *engine, const ComposeProject *project,
			     const ComposeDrift *drift, GError **error);

/** compose_volumes_ensure() - likewise. The project's containers of a volume that is made anew are
 * removed; IN_USE if others have it. */
bool compose_volumes_ensure(Engine *engine, const ComposeProject *project,
			    const ComposeDrift *drift, GError **error);

/** compose_networks_remove() - remove those of a project; one that is in use is only warned of. */
bool compose_networks_remove(Engine *engine, const char *project, GError **error);

/** compose_volumes_remove() - likewise, but only those that @declared (the files' volumes) still
 * has; NULL, without files: all. */
bool compose_volumes_remove(Engine *engine, const char *project, const Node *declared,
			    GError **error);

/** compose_images_remove() - remove images by name or id; absent ones are fine, one that is in use
 * is only warned of. */
bool compose_images_remove(Engine *engine, const GPtrArray *names, GError **error);

typedef struct {
	const PullPolicy *pull; /* in place of the service's policy; NULL: the service's */
	const GlobalOptions *global;
	bool build;    /* also an image that is here */
	bool no_build; /* never */
	bool quiet_pull, quiet_build;
	GHashTable *built; /* keys of services whose images were just built; NULL: of none */
} ComposeImages;

/** compose_image_is_to_build() - will compose_image_acquire() build it, without asking a registry?
 */
bool compose_image_is_to_build(Engine *engine, const ComposeProject *project,
			       const NodeEntry *service, const ComposeImages *how);

/** compose_images_build() - build the images of @services (of NodeEntry) side by side, and of those
 * that their builds use. @out_status: as of compose_image_acquire(). */
bool compose_images_build(Engine *engine, const ComposeProject *project, const GPtrArray *services,
			  const ComposeImages *how, int *out_status, GError **error);

/**
 * compose_image_acquire() - the image of a service: here, pulled as its policy says, or built
 * @out_status:	exit code, if what failed has been printed already
 */
Image *compose_image_acquire(Engine *engine, const ComposeProject *project,
			     const NodeEntry *service, const ComposeImages *how, int *out_status,
			     GError **error);
