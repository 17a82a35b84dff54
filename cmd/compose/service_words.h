/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service says in words of its own, read alike by those that run it and those that export
 * it.
 */
#pragma once

#include "cmd/compose/compose_file.h"

/** service_container() - the name of a service's first container. g_free() it. */
char *service_container(const ComposeProject *project, const char *service);

/** service_namespace() - whose namespace: "service:X" is "container:" and X's first container, all
 * else is as it stands. g_free() it. */
char *service_namespace(const ComposeProject *project, const char *text);

/** service_volumes_from() - "SERVICE[:ro]" and "container:NAME[:ro]" as the option --volumes-from
 * takes them. g_free() it. */
char *service_volumes_from(const ComposeProject *project, const char *text);

/** service_platform() - the service's, else DOCKER_DEFAULT_PLATFORM's, borrowed; NULL: this
 * machine's. */
const char *service_platform(const ComposeProject *project, const Node *service);

/** service_link_alias() - of "SERVICE:ALIAS": another name than the service's own, borrowed; NULL
 * if there is none. */
const char *service_link_alias(const char *text);

/** service_tell_ignored() - warn of what is said and does nothing here: to a swarm alone, to cgroup
 * version 1, to files that are bound. */
void service_tell_ignored(const ComposeProject *project, const char *name, const Node *service);

typedef enum {
	SERVICE_RESTART_NEVER,
	SERVICE_RESTART_ON_FAILURE,
	SERVICE_RESTART_ALWAYS, /* also unless-stopped */
} ServiceRestartKind;

typedef struct {
	ServiceRestartKind kind;
	int64_t attempts; /* -1: no limit */
} ServiceRestart;

/** service_restart() - what deploy.restart_policy says, else restart. */
ServiceRestart service_restart(const Node *service);

/** service_port_protocol() - "tcp" unless the port says more. */
const char *service_port_protocol(const Node *port);

/** service_port_published() - the host's port, of a range the first; -1: any. */
int64_t service_port_published(const Node *port, bool *out_is_range);

/** service_port_text() - a port as the option --publish takes it. @published: in place of the
 * host's port that it says; NULL: any. g_free() it. */
char *service_port_text(const Node *port, const char *published);
