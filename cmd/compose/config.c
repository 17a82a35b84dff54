/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose config: the project as it was understood.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_progress.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/image_digests.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/project_output.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

typedef struct {
	bool quiet, services, volumes, networks, images, profiles, environment, variables;
	bool no_interpolate, no_consistency, no_environments, no_normalize, no_paths, models;
	bool resolve_digests, lock_digests;
	const char *format, *hash, *output;
} ConfigOptions;

static const Option options[] = {
	{0, "environment", OPTION_FLAG, option_set_flag, NULL,
	 "Print the variables that interpolation sees", offsetof(ConfigOptions, environment),
	 OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "yaml or json",
	 offsetof(ConfigOptions, format), OPTION_COMMON},
	{0, "hash", OPTION_VALUE, option_set_string, "SERVICES",
	 "Print the configuration hash of these services, * for all", offsetof(ConfigOptions, hash),
	 OPTION_COMMON},
	{0, "images", OPTION_FLAG, option_set_flag, NULL, "Print the names of the images",
	 offsetof(ConfigOptions, images), OPTION_COMMON},
	{0, "networks", OPTION_FLAG, option_set_flag, NULL, "Print the names of the networks",
	 offsetof(ConfigOptions, networks)},
	{0, "no-consistency", OPTION_FLAG, option_set_flag, NULL,
	 "Leave out the checks across services", offsetof(ConfigOptions, no_consistency)},
	{0, "no-interpolate", OPTION_FLAG, option_set_flag, NULL, "Leave variables as they are",
	 offsetof(ConfigOptions, no_interpolate), OPTION_COMMON},
	{'o', "output", OPTION_VALUE, option_set_string, "FILE", "Write to a file",
	 offsetof(ConfigOptions, output), OPTION_COMMON},
	{0, "profiles", OPTION_FLAG, option_set_flag, NULL, "Print the names of all profiles",
	 offsetof(ConfigOptions, profiles), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only check, print nothing",
	 offsetof(ConfigOptions, quiet), OPTION_COMMON},
	{0, "services", OPTION_FLAG, option_set_flag, NULL, "Print the names of the services",
	 offsetof(ConfigOptions, services), OPTION_COMMON},
	{0, "variables", OPTION_FLAG, option_set_flag, NULL,
	 "Print the variables of the files and their defaults", offsetof(ConfigOptions, variables),
	 OPTION_COMMON},
	{0, "volumes", OPTION_FLAG, option_set_flag, NULL, "Print the names of the volumes",
	 offsetof(ConfigOptions, volumes), OPTION_COMMON},
	{0, "models", OPTION_FLAG, option_set_flag, NULL, "Print the names of the models",
	 offsetof(ConfigOptions, models)},
	{0, "no-env-resolution", OPTION_FLAG, option_set_flag, NULL,
	 "Leave env_file as it is, and don't read it", offsetof(ConfigOptions, no_environments)},
	{0, "no-normalize", OPTION_FLAG, option_set_flag, NULL,
	 "Leave out defaults that the files do not write", offsetof(ConfigOptions, no_normalize)},
	{0, "no-path-resolution", OPTION_FLAG, option_set_flag, NULL,
	 "Leave paths as they are written", offsetof(ConfigOptions, no_paths)},
	{0, "lock-image-digests", OPTION_FLAG, option_set_flag, NULL,
	 "Print a file that puts the images of today in their place: services and digests alone",
	 offsetof(ConfigOptions, lock_digests)},
	{0, "resolve-image-digests", OPTION_FLAG, option_set_flag, NULL,
	 "Ask the registries for the digests of the images",
	 offsetof(ConfigOptions, resolve_digests)},
	{0},
};

static const OptionGroup group = {NULL, options};

static int compare_strings(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

/* Names, sorted, each once and on a line. */
static void print_names(GPtrArray *names, GString *out)
{
	g_ptr_array_sort(names, compare_strings);
	for (guint i = 0; i < names->len; i++)
		if (i == 0 || strcmp(names->pdata[i], names->pdata[i - 1]) != 0)
			g_string_append_printf(out, "%s\n", (char *)names->pdata[i]);
}

static void print_keys(const Node *map, GString *out)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (size_t i = 0; i < node_count(map); i++)
		g_ptr_array_add(names, node_entry(map, i)->key);
	print_names(names, out);
}

static void print_images(const ComposeProject *project, GString *out)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const Node *services = node_get(project->model, "services");
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		const char *image = node_string(entry->value, "image");
		g_ptr_array_add(names, image ? g_strdup(image)
					     : g_strdup_printf("%s-%s", project->name, entry->key));
	}
	print_names(names, out);
}

static void add_profiles(const Node *services, GPtrArray *names)
{
	for (size_t i = 0; i < node_count(services); i++) {
		const Node *profiles = node_get(node_entry(services, i)->value, "profiles");
		for (size_t p = 0; node_is(profiles, NODE_LIST) && p < node_count(profiles); p++)
			g_ptr_array_add(names, node_item(profiles, p)->text);
	}
}

static void print_profiles(const ComposeProject *project, GString *out)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	add_profiles(node_get(project->model, "services"), names);
	add_profiles(project->disabled, names);
	print_names(names, out);
}

static void print_variables(const ComposeProject *project, GString *out)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer name;
	g_hash_table_iter_init(&iter, project->variables);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(names, name);
	g_ptr_array_sort(names, compare_strings);
	g_ptr_array_add(lines, g_strdup("NAME\tREQUIRED\tDEFAULT VALUE\tALTERNATE VALUE"));
	for (guint i = 0; i < names->len; i++) {
		const InterpolateVariable *variable =
			g_hash_table_lookup(project->variables, names->pdata[i]);
		g_ptr_array_add(
			lines, g_strdup_printf("%s\t%s\t%s\t%s", variable->name,
					       variable->required ? "true" : "false",
					       variable->fallback ? variable->fallback : "",
					       variable->alternative ? variable->alternative : ""));
	}
	output_align((char *const *)lines->pdata, lines->len, out);
}

static void print_environment(const ComposeProject *project, GString *out)
{
	g_auto(GStrv) list = environment_list(project->env);
	for (size_t i = 0; list[i]; i++)
		g_string_append_printf(out, "%s\n", list[i]);
}

/* NAME HASH of the named services, or of all. */
static bool print_hashes(const ComposeProject *project, const char *which, GString *out,
			 GError **error)
{
	const Node *services = node_get(project->model, "services");
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) names = g_strsplit(which, ",", -1);
	bool all = strcmp(which, "*") == 0;
	for (size_t i = 0; !all && names[i]; i++)
		if (!node_get(services, names[i]))
			return compose_project_unknown(project, names[i], error);
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		if (!all && !g_strv_contains((const char *const *)names, entry->key))
			continue;
		g_autofree char *hash = project_service_hash(entry->value);
		g_ptr_array_add(lines, g_strdup_printf("%s %s", entry->key, hash));
	}
	print_names(lines, out);
	return true;
}

static void print_model(const ComposeProject *project, const ConfigOptions *config, GString *out)
{
	bool escape = !config->no_interpolate;
	if (g_strcmp0(config->format, "json") == 0) {
		g_autoptr(Json) json = project_output_json(project, escape);
		g_string_append(out, json_object_to_json_string_ext(
					     json, JSON_C_TO_STRING_PRETTY |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
		g_string_append_c(out, '\n');
		return;
	}
	g_autoptr(Node) model = project_output(project, escape);
	project_output_yaml(model, out);
}

/* What the options ask for. */
static bool print_config(const ComposeProject *project, const ConfigOptions *config, GString *out,
			 GError **error)
{
	if (config->hash)
		return print_hashes(project, config->hash, out, error);
	if (config->services)
		print_keys(node_get(project->model, "services"), out);
	else if (config->volumes)
		print_keys(node_get(project->model, "volumes"), out);
	else if (config->networks)
		print_keys(node_get(project->model, "networks"), out);
	else if (config->models)
		print_keys(node_get(project->model, "models"), out);
	else if (config->profiles)
		print_profiles(project, out);
	else if (config->images)
		print_images(project, out);
	else if (config->variables)
		print_variables(project, out);
	else if (config->environment)
		print_environment(project, out);
	else if (!config->quiet)
		print_model(project, config, out);
	return true;
}

static bool write_out(const GString *out, const char *path, GError **error)
{
	if (!path) {
		output_printf("%s", out->str);
		return true;
	}
	if (compose_is_dry_run()) {
		compose_report("File", path, "Write");
		return true;
	}
	autofd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0 || !fd_write_all(fd, out->str, out->len))
		return error_set_errno(error, "cannot write '%s'", path);
	return true;
}

static int cmd_config(Invocation *inv)
{
	ConfigOptions config = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&config, &given}))
		return inv->status;
	if (config.format && strcmp(config.format, "yaml") != 0 &&
	    strcmp(config.format, "json") != 0) {
		output_error_text("unsupported format \"%s\": yaml or json", config.format);
		return 125;
	}
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {
		.services = services,
		.no_interpolate = config.no_interpolate,
		.no_consistency = config.no_consistency,
		.no_environments = config.no_environments,
		.no_normalize = config.no_normalize,
		.no_paths = config.no_paths,
	};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	g_autoptr(GString) out = g_string_new(NULL);
	bool asks = config.resolve_digests || config.lock_digests;
	if (!project || (asks && !image_digests_resolve(project, inv, &error)))
		return command_fail(error);
	if (config.lock_digests)
		image_digests_lock(project);
	if (!print_config(project, &config, out, &error) || !write_out(out, config.output, &error))
		return command_fail(error);
	return 0;
}

const Command compose_config_command = {
	.paths = (const char *const[]){"compose config", "compose convert", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Check the compose files and print what they come to",
	.description = "Prints one file that says what all files say together, with variables, "
		       "short forms, extends and defaults written out.",
	.examples = (const char *const[]){"skiff compose config --services",
					  "skiff compose -f a.yaml -f b.yaml config --format json",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_config,
};
