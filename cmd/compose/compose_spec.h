/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service to a ContainerSpec, through the same setters as the command line's options.
 *
 * What skiff cannot do yet is refused by the name of the key and its place, never left out.
 */
#pragma once

#include "cmd/compose/compose_file.h"
#include "libpod/container.h"

typedef struct {
	Engine *engine;
	const ComposeProject *project;
	const char *name; /* of the service */
	const Node *service;
	int number;       /* of the container, from 1 */
	const char *hash; /* the service's, see project_service_hash() */
	Container *old;   /* whose anonymous volumes it inherits; may be NULL */
} ComposeSpec;

/** compose_spec_check() - can skiff run this service? UNSUPPORTED names the key that it cannot. */
bool compose_spec_check(const ComposeSpec *make, GError **error);

/** compose_spec_build() - everything but the image; with labels and names. spec_free() it. */
ContainerSpec *compose_spec_build(const ComposeSpec *make, GError **error);

/** compose_spec_mounts() - volumes, tmpfs, configs and secrets; directories of binds are made.
 * Part of compose_spec_build(). */
bool compose_spec_mounts(const ComposeSpec *make, ContainerSpec *spec, GError **error);

/** compose_spec_image() - the name of a service's image: its own, else PROJECT-SERVICE. g_free()
 * it. */
char *compose_spec_image(const ComposeProject *project, const char *name, const Node *service);

/** compose_spec_scale() - how many containers a service has. */
int compose_spec_scale(const Node *service);

/** compose_unsupported() - "services.NAME.KEY is not supported yet" at its place. Return: false. */
bool compose_unsupported(const ComposeSpec *make, const char *key, const char *what,
			 GError **error);
