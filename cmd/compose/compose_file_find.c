/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files make a project, where it is and what it is called.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_file_priv.h"
#include "libpod/base/error.h"

static const char *const names[] = {"compose.yaml", "compose.yml", "docker-compose.yml",
				    "docker-compose.yaml", NULL};
static const char *const override_names[] = {"compose.override.yaml", "compose.override.yml",
					     "docker-compose.override.yml",
					     "docker-compose.override.yaml", NULL};

/* The first of @candidates that is in @directory. g_free() it. */
static char *find_in(const char *directory, const char *const *candidates)
{
	for (size_t i = 0; candidates[i]; i++) {
		g_autofree char *path = g_build_filename(directory, candidates[i], NULL);
		if (access(path, F_OK) == 0)
			return g_steal_pointer(&path);
	}
	return NULL;
}

/* The nearest compose file, upwards from @start, and its override beside it. */
static bool find_default(ComposeProject *project, const char *start, GError **error)
{
	g_autofree char *directory = g_strdup(start);
	for (;;) {
		char *file = find_in(directory, names);
		if (file) {
			g_ptr_array_add(project->files, file);
			char *over = find_in(directory, override_names);
			if (over)
				g_ptr_array_add(project->files, over);
			return true;
		}
		if (strcmp(directory, "/") == 0)
			break;
		char *parent = g_path_get_dirname(directory);
		g_free(directory);
		directory = parent;
	}
	error_set(error, ENGINE_ERROR_NOT_FOUND, "no configuration file provided: not found");
	error_add_help(error,
		       "looked for compose.yaml, compose.yml, docker-compose.yml and "
		       "docker-compose.yaml in '%s' and above; -f names another",
		       start);
	return false;
}

static char *absolute(const char *path)
{
	g_autofree char *here = g_get_current_dir();
	return g_canonicalize_filename(path, here);
}

/* COMPOSE_FILE: paths between separators. */
static void add_from_variable(ComposeProject *project, const char *value)
{
	const char *separator = environment_lookup(project->env, "COMPOSE_PATH_SEPARATOR");
	g_auto(GStrv) parts = g_strsplit(value, separator && *separator ? separator : ":", -1);
	for (size_t i = 0; parts[i]; i++)
		if (*parts[i])
			g_ptr_array_add(project->files, strcmp(parts[i], "-") == 0
								? g_strdup("-")
								: absolute(parts[i]));
}

/* Read @path into the environment; one that is named must be there. */
static bool add_env_file(ComposeProject *project, Environment *layer, const char *path, bool named,
			 GError **error)
{
	g_autoptr(GError) reason = NULL;
	for (size_t i = 0; i < project->env_files->len; i++)
		if (strcmp(project->env_files->pdata[i], path) == 0)
			return true;
	if (environment_add_file(layer, path, &reason)) {
		g_ptr_array_add(project->env_files, g_strdup(path));
		return true;
	}
	if (!named && (error_matches(reason, ENGINE_ERROR_NOT_FOUND) ||
		       g_file_test(path, G_FILE_TEST_IS_DIR)))
		return true;
	if (error_matches(reason, ENGINE_ERROR_NOT_FOUND))
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "couldn't find env file: %s", path);
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}

/* The values of a file go below those of the process. */
static bool add_env(ComposeProject *project, const char *path, bool named, GError **error)
{
	g_autoptr(Environment) layer = environment_new(project->env, project->warnings);
	if (!add_env_file(project, layer, path, named, error))
		return false;
	g_auto(GStrv) all = environment_list(layer);
	environment_add_strv(project->env, (const char *const *)all);
	return true;
}

/* --env-file, else COMPOSE_ENV_FILES. Return: whether any are named. */
static bool add_named_env(ComposeProject *project, const ComposeOptions *options, bool *out_named,
			  GError **error)
{
	const char *variable = environment_lookup(project->env, "COMPOSE_ENV_FILES");
	g_auto(GStrv) split = variable && *variable ? g_strsplit(variable, ",", -1) : NULL;
	const char *const *files = options->env_files && options->env_files[0]
					   ? options->env_files
					   : (const char *const *)split;
	*out_named = files && files[0];
	/* A later file replaces an earlier one, and add_env() keeps what is there. */
	size_t n = files ? g_strv_length((char **)files) : 0;
	g_autoptr(Environment) layer = environment_new(project->env, project->warnings);
	for (size_t i = 0; i < n; i++) {
		g_autofree char *path = absolute(files[i]);
		if (!add_env_file(project, layer, path, true, error))
			return false;
	}
	g_auto(GStrv) all = environment_list(layer);
	environment_add_strv(project->env, (const char *const *)all);
	return true;
}

static bool add_dotenv(ComposeProject *project, const char *directory, GError **error)
{
	g_autofree char *path = g_build_filename(directory, ".env", NULL);
	if (environment_is_true(project->env, "COMPOSE_DISABLE_ENV_FILE"))
		return true;
	return add_env(project, path, false, error);
}

static bool check_files(const ComposeProject *project, GError **error)
{
	for (size_t i = 0; i < project->files->len; i++) {
		const char *path = project->files->pdata[i];
		if (strcmp(path, "-") != 0 && access(path, F_OK) != 0)
			return error_set(error, ENGINE_ERROR_NOT_FOUND,
					 "no such compose file: '%s'", path);
	}
	return true;
}

bool compose_files_find(ComposeProject *project, const ComposeOptions *options, GError **error)
{
	bool named = false;
	g_autofree char *here = g_get_current_dir();
	g_autofree char *start = options->directory ? absolute(options->directory) : g_strdup(here);
	environment_add_strv(project->env, options->environ);
	if (!add_named_env(project, options, &named, error) ||
	    (!named && !add_dotenv(project, start, error)))
		return false;
	for (size_t i = 0; options->files && options->files[i]; i++)
		g_ptr_array_add(project->files, strcmp(options->files[i], "-") == 0
							? g_strdup("-")
							: absolute(options->files[i]));
	const char *variable = environment_lookup(project->env, "COMPOSE_FILE");
	if (project->files->len == 0 && variable && *variable)
		add_from_variable(project, variable);
	if (project->files->len == 0 && !find_default(project, start, error))
		return false;
	if (!check_files(project, error))
		return false;
	const char *first = project->files->pdata[0];
	project->directory = options->directory        ? g_strdup(start)
			     : strcmp(first, "-") == 0 ? g_strdup(here)
						       : g_path_get_dirname(first);
	return named || add_dotenv(project, project->directory, error);
}

/* A derived name: lower case, only what a name may hold, no '_' and '-' in front. */
static char *derive_name(const char *text)
{
	GString *name = g_string_new(NULL);
	for (; *text; text++) {
		char c = g_ascii_tolower(*text);
		bool first_bad = name->len == 0 && (c == '_' || c == '-');
		if ((g_ascii_isalnum(c) || c == '_' || c == '-') && !first_bad)
			g_string_append_c(name, c);
	}
	return g_string_free(name, FALSE);
}

static bool check_name(const char *name, GError **error)
{
	g_autofree char *derived = derive_name(name);
	if (*name && strcmp(name, derived) == 0)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid project name \"%s\": must consist only of lowercase alphanumeric "
			 "characters, hyphens, and underscores as well as start with a letter or "
			 "number",
			 name);
}

/* "name:" of the last file that has one, interpolated. */
static bool name_from_files(Loader *loader, char **out, GError **error)
{
	const Interpolation env = environment_interpolation(loader->env);
	for (size_t f = loader->project->files->len; f-- > 0 && !*out;) {
		GPtrArray *documents =
			compose_file_documents(loader, loader->project->files->pdata[f], error);
		if (!documents)
			return false;
		for (size_t i = documents->len; i-- > 0 && !*out;) {
			g_autoptr(Node) name = node_copy(node_get(documents->pdata[i], "name"));
			if (!node_is(name, NODE_STRING))
				continue;
			if (!interpolate_tree(&env, name, "name", error))
				return false;
			GError **where = error;
			if (!check_name(name->text, where)) {
				g_prefix_error(error, "%s:%u:%u: ", name->at.file, name->at.line,
					       name->at.column);
				return false;
			}
			*out = g_strdup(name->text);
		}
	}
	return true;
}

bool compose_files_name(Loader *loader, GError **error)
{
	ComposeProject *project = loader->project;
	const char *variable = environment_lookup(project->env, "COMPOSE_PROJECT_NAME");
	const char *said = loader->options->name ? loader->options->name : variable;
	if (said && *said) {
		if (!check_name(said, error))
			return false;
		project->name = g_strdup(said);
	}
	if (!project->name && !name_from_files(loader, &project->name, error))
		return false;
	if (!project->name) {
		g_autofree char *base = g_path_get_basename(project->directory);
		project->name = derive_name(base);
	}
	if (!*project->name) {
		error_set(error, ENGINE_ERROR_INVALID, "project name must not be empty");
		error_add_help(error, "say it with -p or with \"name:\" in the file");
		return false;
	}
	environment_set(project->env, "COMPOSE_PROJECT_NAME", project->name, true);
	return true;
}
