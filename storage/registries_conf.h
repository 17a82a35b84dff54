/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.conf version 2 and its drop-ins: where a reference is really fetched from, and what a
 * short name stands for (containers-registries.conf(5)).
 *
 * Files, as others read them: $CONTAINERS_REGISTRIES_CONF, else
 * ~/.config/containers/registries.conf, else /etc/containers/registries.conf, else
 * /usr/share/containers/registries.conf; then the *.conf of /etc/containers/registries.conf.d and
 * ~/.config/containers/registries.conf.d by name (a user's own registries.conf hides the system's
 * drop-ins); and the aliases that an earlier choice left in
 * ~/.cache/containers/short-name-aliases.conf. With no search list anywhere it is docker.io.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/reference.h"

typedef struct RegistriesConf RegistriesConf;

typedef enum {
	SHORT_NAME_ENFORCING,  /* ask on a terminal; without one only if there is no choice */
	SHORT_NAME_PERMISSIVE, /* ask on a terminal; without one try the list */
	SHORT_NAME_DISABLED,   /* try the list */
} ShortNameMode;

/* One place to fetch a reference from. */
typedef struct {
	char *host;       /* "registry.example.com:5000" */
	char *repository; /* "library/alpine" with the location's prefix in front */
	bool is_insecure; /* certificates are not checked, plain HTTP is tried */
	bool is_mirror;
} RegistrySource;

/* What a short name may stand for. */
typedef struct {
	GPtrArray *candidates; /* of Reference, normalised, best first */
	bool is_alias;         /* the table of aliases says so: exactly one candidate */
	bool needs_choice;     /* more than one, and the mode wants a person to choose */
	char *origin;          /* the alias' file or the mode, for messages */
} ShortName;

/** registries_conf_load() - read the files. INVALID names file, line and column. */
RegistriesConf *registries_conf_load(GError **error);
void registries_conf_free(RegistriesConf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistriesConf, registries_conf_free)

/**
 * registries_conf_add() - read one more file into @conf, as a drop-in (tests, fuzzing)
 * @text:	NULL: read the file @name
 */
bool registries_conf_add(RegistriesConf *conf, const char *name, const char *text, GError **error);

/** registries_conf_new() - an empty configuration: docker.io is searched, nothing is rewritten. */
RegistriesConf *registries_conf_new(void);

/**
 * registries_conf_sources() - where to fetch a normalised reference from, mirrors first
 * @error:	DENIED if its registry is blocked
 *
 * Return: GPtrArray of RegistrySource, at least one.
 */
GPtrArray *registries_conf_sources(const RegistriesConf *conf, const Reference *reference,
				   GError **error);

/**
 * registries_conf_short_name() - what a short name stands for
 * @error:	NOT_FOUND if there is no alias and no registry to search
 */
ShortName *registries_conf_short_name(const RegistriesConf *conf, const Reference *reference,
				      GError **error);
void short_name_free(ShortName *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShortName, short_name_free)

/** registries_conf_mode() - the short-name mode in force. */
ShortNameMode registries_conf_mode(const RegistriesConf *conf);

/** registries_conf_remember() - record a choice as an alias for next time. */
bool registries_conf_remember(const Reference *short_name, const Reference *chosen, GError **error);

/** registries_conf_search() - the registries searched for short names, borrowed. */
const char *const *registries_conf_search(const RegistriesConf *conf);

/**
 * registries_conf_helpers() - the credential helpers to ask, borrowed; NULL if none are configured
 * "containers-auth.json" among them stands for the auth files.
 */
const char *const *registries_conf_helpers(const RegistriesConf *conf);

/** registries_conf_is_insecure() - is @host configured as insecure? */
bool registries_conf_is_insecure(const RegistriesConf *conf, const char *host);

/**
 * registries_conf_read_file() - a configuration file of the user or administrator, at most 1 MiB
 *
 * Return: its text, to be freed with g_free(); NULL with NOT_FOUND if it is absent.
 */
char *registries_conf_read_file(const char *path, GError **error);
