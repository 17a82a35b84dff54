/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/project_options.h"

#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_progress.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"

static const Option options[] = {
	{0, "ansi", OPTION_VALUE, option_set_string, "WHEN",
	 "Colours and lines drawn in place: never, always or auto (default)",
	 offsetof(ProjectOptions, ansi), OPTION_COMMON},
	{0, "dry-run", OPTION_FLAG, option_set_flag, NULL, "Tell what would be done, do nothing",
	 offsetof(ProjectOptions, dry_run), OPTION_COMMON},
	{0, "env-file", OPTION_LIST, option_set_list, "FILE",
	 "Read variables for interpolation from here in place of .env",
	 offsetof(ProjectOptions, env_files), OPTION_COMMON},
	{'f', "file", OPTION_LIST, option_set_list, "FILE",
	 "Read this compose file; several merge in order, - is standard input",
	 offsetof(ProjectOptions, files), OPTION_COMMON},
	{0, "parallel", OPTION_VALUE, option_set_int, "N",
	 "Do at most N things at once; -1: as many as are good for the machine (default)",
	 offsetof(ProjectOptions, parallel), OPTION_COMMON},
	{0, "profile", OPTION_LIST, option_set_list, "NAME",
	 "Enable the services of a profile; * is all", offsetof(ProjectOptions, profiles),
	 OPTION_COMMON},
	{0, "progress", OPTION_VALUE, option_set_string, "KIND",
	 "How progress is shown: auto, tty, plain, json or quiet",
	 offsetof(ProjectOptions, progress), OPTION_COMMON},
	{0, "project-directory", OPTION_VALUE, option_set_string, "DIR",
	 "Relative paths start here (default: where the first file is)",
	 offsetof(ProjectOptions, directory), OPTION_COMMON},
	{'p', "project-name", OPTION_VALUE, option_set_string, "NAME", "Name of the project",
	 offsetof(ProjectOptions, name), OPTION_COMMON},
	COMPOSE_REFUSED(0, "all-resources", OPTION_FLAG, "what no service uses is left out"),
	COMPOSE_REFUSED(0, "compatibility", OPTION_FLAG,
			"containers are called PROJECT-SERVICE-N, with dashes"),
	{0},
};

const OptionGroup project_option_group = {"Project options", options};

bool project_option_refuse(void *target, const Option *option, const char *value, GError **error)
{
	bool off = !option_takes_value(option) && strcmp(value, "false") == 0;
	return off || error_set(error, ENGINE_ERROR_UNSUPPORTED, "--%s is not supported: %s",
				option->name, option->help);
}

static void clear_list(GPtrArray **list)
{
	g_clear_pointer(list, g_ptr_array_unref);
}

void project_options_clear(ProjectOptions *project)
{
	clear_list(&project->files);
	clear_list(&project->profiles);
	clear_list(&project->env_files);
}

/* A list of option values as a NULL-terminated vector, borrowed. */
static const char **to_strv(GPtrArray *list)
{
	const char **strv = list ? g_new0(const char *, list->len + 1) : NULL;
	for (guint i = 0; list && i < list->len; i++)
		strv[i] = list->pdata[i];
	return strv;
}

/* As docker compose: 0 and less mean no limit. */
static bool find_parallel(const ProjectOptions *given, ComposeProject *project, GError **error)
{
	const char *limit = environment_lookup(project->env, "COMPOSE_PARALLEL_LIMIT");
	int64_t number = given->parallel;
	if (number == 0 && limit && *limit &&
	    !g_ascii_string_to_signed(limit, 10, -1, G_MAXINT, &number, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "COMPOSE_PARALLEL_LIMIT must be an integer (found: \"%s\")",
				 limit);
	project->parallel = (guint)CLAMP(number, 0, G_MAXINT);
	return true;
}

ComposeProject *project_options_load(const ProjectOptions *given, const ComposeOptions *more,
				     GError **error)
{
	g_autofree const char **files = to_strv(given->files);
	g_autofree const char **profiles = to_strv(given->profiles);
	g_autofree const char **env_files = to_strv(given->env_files);
	ComposeOptions all = more ? *more : (ComposeOptions){0};
	if (!compose_progress_configure(given->progress, given->ansi, error))
		return NULL;
	if (given->dry_run)
		compose_progress_dry_run();
	all.files = files;
	all.profiles = profiles;
	all.env_files = env_files;
	all.name = given->name;
	all.directory = given->directory;
	all.environ = (const char *const *)environ;
	g_autoptr(ComposeProject) project = compose_project_load(&all, error);
	compose_progress_tell();
	if (!project || !find_parallel(given, project, error))
		return NULL;
	if (environment_is_true(project->env, "COMPOSE_COMPATIBILITY"))
		log_warn("COMPOSE_COMPATIBILITY is not supported: containers are called "
			 "PROJECT-SERVICE-N, with dashes");
	for (guint i = 0; i < project->warnings->len; i++)
		log_warn("%s", (const char *)project->warnings->pdata[i]);
	return g_steal_pointer(&project);
}

static void add_list(GPtrArray *words, const char *name, const GPtrArray *values)
{
	for (guint i = 0; values && i < values->len; i++)
		g_ptr_array_add(words, g_strdup_printf("--%s=%s", name, (char *)values->pdata[i]));
}

static void add_value(GPtrArray *words, const char *name, const char *value)
{
	if (value)
		g_ptr_array_add(words, g_strdup_printf("--%s=%s", name, value));
}

void project_options_words(const ProjectOptions *given, GPtrArray *words)
{
	add_list(words, "file", given->files);
	add_list(words, "profile", given->profiles);
	add_list(words, "env-file", given->env_files);
	add_value(words, "project-name", given->name);
	add_value(words, "project-directory", given->directory);
	add_value(words, "progress", given->progress);
	add_value(words, "ansi", given->ansi);
	if (given->parallel)
		g_ptr_array_add(words,
				g_strdup_printf("--parallel=%" G_GINT64_FORMAT, given->parallel));
	if (given->dry_run)
		g_ptr_array_add(words, g_strdup("--dry-run"));
}
