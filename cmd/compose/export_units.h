/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units: a project as quadlet files.
 *
 * PROJECT-SERVICE.container for each container (PROJECT-SERVICE-N where there are several),
 * PROJECT-KEY.network, PROJECT-KEY.volume, PROJECT-SERVICE.build. Objects keep the names that
 * compose gives them, so that data and images are those of `compose up`; containers carry no
 * labels of compose: their master is systemd now.
 *
 *   depends_on                       Requires= and After=; Wants= if not required
 *   service_healthy                  Notify=healthy of the one that is waited for
 *   service_completed_successfully   Type=oneshot, likewise
 *   restart                          Restart=
 *   keys that podman 5.4 lacks       PodmanArgs=, so that its generator reads the files, too
 *   environment                      PROJECT-SERVICE.env, for its owner alone; a unit is so only
 *                                    if it has a variable with line breaks, or ARGs of a build
 */
#pragma once

#include "cmd/compose/compose_export.h"

/** export_units() - add the files of a project to @export. @directory: where they will be; NULL if
 * they are only shown. */
void export_units(ComposeExport *export, const char *directory);

/* One file on its way. */
typedef struct {
	ComposeExport *export;
	const char *kind; /* "Container" */
	const char *path; /* in the model: "services.web" */
	GString *unit;    /* [Unit] */
	GString *main;    /* [Container], [Build] ... */
	GString *service; /* [Service] */
	bool is_secret;   /* it has what only its owner may read */
} UnitText;

/** unit_text_put() - KEY=VALUE as the generator reads a whole value; what a line cannot hold
 * becomes an option of PodmanArgs=, or is noted. @option: NULL if there is none. */
void unit_text_put(UnitText *text, const char *key, const char *option, const char *value);

/** unit_text_put_word() - KEY= and one word, quoted where it must be. */
void unit_text_put_word(UnitText *text, const char *key, const char *word);

/** unit_text_put_option() - PodmanArgs= and one option. */
void unit_text_put_option(UnitText *text, const char *option, const char *value);

/** unit_text_put_pairs() - the pairs of a mapping, or members of a list, as words of a key each. */
void unit_text_put_pairs(UnitText *text, const char *key, const Node *value);

/** export_unit_container() - the file of container @number of a service of @scale. */
void export_unit_container(ComposeExport *export, const NodeEntry *service, int number, int scale,
			   const char *directory);

/** export_unit_network(), export_unit_volume(), export_unit_build() - the files of these. */
void export_unit_network(ComposeExport *export, const NodeEntry *network);
void export_unit_volume(ComposeExport *export, const NodeEntry *volume);
void export_unit_build(ComposeExport *export, const NodeEntry *service, const char *directory);

/** export_unit_name() - "PROJECT-KEY", the name of a file without its extension. g_free() it. */
char *export_unit_name(const ComposeExport *export, const char *key);

/** export_unit_containers() - the base names of a service's .container files; g_strfreev() it. */
char **export_unit_containers(const ComposeExport *export, const char *service);

/** unit_text_init(), unit_text_finish() - begin a file, and put it into the export. */
void unit_text_init(UnitText *text, ComposeExport *export, const char *kind, const char *path);
void unit_text_finish(UnitText *text, const char *file, bool installed);
