/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The project of verbs that work on what there is: its files need not be there.
 */
#include <string.h>

#include "cmd/compose/project_options.h"
#include "libpod/base/error.h"

/* A name that was said: -p or COMPOSE_PROJECT_NAME. */
static const char *said_name(const ProjectOptions *given)
{
	const char *variable = g_getenv("COMPOSE_PROJECT_NAME");
	return given->name ? given->name : variable && *variable ? variable : NULL;
}

bool project_options_name(const ProjectOptions *given, char **out_name,
			  ComposeProject **out_project, GError **error)
{
	g_autoptr(GError) failed = NULL;
	const char *const all[] = {"*", NULL};
	const ComposeOptions more = {.no_consistency = true, .profiles = all};
	ComposeProject *project = project_options_load(given, &more, &failed);
	if (!project) {
		const char *said = said_name(given);
		bool absent = error_matches(failed, ENGINE_ERROR_NOT_FOUND);
		if (!absent || !said || given->files) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		*out_name = g_strdup(said);
		return true;
	}
	*out_name = g_strdup(project->name);
	if (out_project)
		*out_project = project;
	else
		compose_project_free(project);
	return true;
}
