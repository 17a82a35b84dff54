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
	int number;         /* of the container, from 1 */
	const char *hash;   /* the service's, see project_service_hash() */
	const char *slug;   /* of a container of `compose run`; NULL: one of the service's own */
	bool service_ports; /* `run` leaves the service's ports out unless asked for them */
	bool use_aliases;   /* likewise the service's names on the network */
	Container *old;     /* whose anonymous volumes it inherits; may be NULL */
} ComposeSpec;

/** compose_spec_check() - can skiff run this service? UNSUPPORTED names the key that it cannot. */
bool compose_spec_check(const ComposeSpec *make, GError **error);

/** compose_spec_build() - everything but the image; with labels and names. spec_free() it. */
ContainerSpec *compose_spec_build(const ComposeSpec *make, GError **error);

/** compose_spec_mounts() - volumes, tmpfs, configs and secrets; directories of binds are made.
 * Part of compose_spec_build(). */
bool compose_spec_mounts(const ComposeSpec *make, ContainerSpec *spec, GError **error);

/** compose_spec_mounts_check() - are there only kinds of mounts that we have? */
bool compose_spec_mounts_check(const ComposeSpec *make, GError **error);

/** compose_spec_files() - its configs and secrets. Part of compose_spec_mounts(). */
bool compose_spec_files(const ComposeSpec *make, ContainerSpec *spec, GError **error);

/** compose_spec_files_differ() - has a container other bytes in them than it would get now? */
bool compose_spec_files_differ(const ComposeSpec *make, const ContainerSpec *recorded);

/** compose_spec_drifted() - is a container on other networks, or has it other volumes or files,
 * than the project's resources say by now? The service's own words are its hash's. */
bool compose_spec_drifted(const ComposeSpec *make, Container *ctr);

/** compose_spec_image() - the name of a service's image: its own, else PROJECT-SERVICE. g_free()
 * it. */
char *compose_spec_image(const ComposeProject *project, const char *name, const Node *service);

/** compose_spec_choose_port() - of a range of the host's ports one that nobody has: the old
 * container's own, else the first that neither a container asks for nor a program listens on.
 * g_free() it. */
char *compose_spec_choose_port(const ComposeSpec *make, const Node *port, GError **error);

/** compose_spec_scale() - how many containers a service has. */
int compose_spec_scale(const Node *service);

/** compose_unsupported() - "services.NAME.KEY: WHAT not supported" at its place. Return: false. */
bool compose_unsupported(const ComposeSpec *make, const char *key, const char *what,
			 GError **error);
