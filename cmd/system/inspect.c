/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect, container inspect, image inspect, pod inspect, volume inspect: everything known about
 * objects, as JSON or through a template.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/system/report.h"
#include "libpod/base/error.h"
#include "libpod/inspect.h"
#include "libpod/pod.h"

typedef struct {
	const char *format;
	const char *type;
	bool size;
	bool latest;
	bool all; /* volumes */
} InspectOptions;

#define FORMAT_ROW                                                                                 \
	{                                                                                          \
		'f', "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template", \
			offsetof(InspectOptions, format), OPTION_COMMON                            \
	}
#define SIZE_ROW                                                                                   \
	{                                                                                          \
		's', "size", OPTION_FLAG, option_set_flag, NULL,                                   \
			"Count the size of a container's files", offsetof(InspectOptions, size),   \
			OPTION_COMMON                                                              \
	}
#define LATEST_ROW                                                                                 \
	{                                                                                          \
		'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",   \
			offsetof(InspectOptions, latest), OPTION_COMMON                            \
	}

static bool set_type(void *target, const Option *option, const char *value, GError **error)
{
	static const char *const types[] = {"all", "container", "image", "network",
					    "pod", "volume",    NULL};
	static const char *const foreign[] = {"artifact", "secret", NULL};
	((InspectOptions *)target)->type = value;
	if (g_strv_contains(types, value))
		return true;
	if (g_strv_contains(foreign, value))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED, "unsupported type \"%s\"", value);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid type \"%s\": must be \"image\", \"container\", \"pod\", "
			 "\"network\", \"volume\", or \"all\"",
			 value);
}

static const Option all_options[] = {
	FORMAT_ROW,
	{'t', "type", OPTION_VALUE, set_type, "TYPE",
	 "container, image, network, pod, volume or all (default)", 0,
	 OPTION_COMMON | OPTION_WHOLE},
	SIZE_ROW,
	LATEST_ROW,
	{0},
};
static const Option container_options[] = {FORMAT_ROW, SIZE_ROW, LATEST_ROW, {0}};
static const Option image_options[] = {FORMAT_ROW, {0}};
static const Option pod_options[] = {
	FORMAT_ROW,
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The pod created last",
	 offsetof(InspectOptions, latest), OPTION_COMMON},
	{0},
};
static const Option volume_options[] = {
	FORMAT_ROW,
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All volumes",
	 offsetof(InspectOptions, all), OPTION_COMMON},
	{0},
};

static const OptionGroup all_group = {NULL, all_options};
static const OptionGroup container_group = {NULL, container_options};
static const OptionGroup image_group = {NULL, image_options};
static const OptionGroup pod_group = {NULL, pod_options};
static const OptionGroup volume_group = {NULL, volume_options};

/* One object found. */
typedef struct {
	Json *json;
	const TemplateSchema *schema;
} Found;

static void found_free(void *pointer)
{
	Found *found = pointer;
	js_unref(found->json);
	g_free(found);
}

static bool wants(const InspectOptions *opts, const char *type)
{
	return strcmp(opts->type, "all") == 0 || strcmp(opts->type, type) == 0;
}

static bool take(GPtrArray *list, Json *json, const TemplateSchema *schema)
{
	if (!json)
		return false;
	Found *found = g_new(Found, 1);
	*found = (Found){json, schema};
	g_ptr_array_add(list, found);
	return true;
}

static bool add_container(GPtrArray *list, Engine *engine, Container *ctr, bool size,
			  GError **error)
{
	return take(list, inspect_container(engine, ctr, size, error), &report_container_schema);
}

static bool add_volume(GPtrArray *list, Engine *engine, const Volume *volume, GError **error)
{
	return take(list, inspect_volume(engine, volume, error), &report_volume_schema);
}

static bool add_network(GPtrArray *list, Engine *engine, const NamedNetwork *network,
			GError **error)
{
	return take(list, inspect_network(engine, network, error), &report_network_schema);
}

/* "no such object", in the words podman has for each type. */
static bool fail_missing(const InspectOptions *opts, const char *name, GError **error)
{
	const char *form = strcmp(opts->type, "container") == 0 ? "no such container \"%1$s\""
			   : strcmp(opts->type, "image") == 0   ? "%1$s: image not known"
			   : strcmp(opts->type, "network") == 0
				   ? "network %1$s: unable to find network with name or ID %1$s: "
				     "network not found"
			   : strcmp(opts->type, "pod") == 0    ? "no such pod %1$s"
			   : strcmp(opts->type, "volume") == 0 ? "no such volume %1$s"
							       : "no such object: \"%1$s\"";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	error_set(error, ENGINE_ERROR_NOT_FOUND, form, name);
#pragma GCC diagnostic pop
	error_add_help(error,
		       "skiff ps -a, skiff images, skiff volume ls and skiff network ls show "
		       "what there is");
	return false;
}

/* Containers first, then images, volumes, networks and pods, as podman. */
static bool add_named(GPtrArray *list, Engine *engine, const InspectOptions *opts, const char *name,
		      GError **error)
{
	g_autoptr(GError) failed = NULL;
	if (wants(opts, "container")) {
		g_autoptr(Container) ctr = container_lookup(engine, name, &failed);
		if (ctr)
			return add_container(list, engine, ctr, opts->size, error);
	}
	if (!failed && wants(opts, "image")) {
		g_autoptr(Image) image = image_lookup(engine_store(engine), name, &failed);
		if (image)
			return take(list, inspect_image(engine, image, error),
				    &report_image_schema);
	}
	if (!failed && wants(opts, "volume")) {
		g_autoptr(Volume) volume = volume_lookup(engine, name, &failed);
		if (volume)
			return add_volume(list, engine, volume, error);
	}
	if (!failed && wants(opts, "network")) {
		g_autoptr(NamedNetwork) network = named_network_resolve(engine, name, &failed);
		if (network)
			return add_network(list, engine, network, error);
		if (error_matches(failed, ENGINE_ERROR_NOT_FOUND))
			g_clear_error(&failed);
	}
	if (!failed && wants(opts, "pod")) {
		g_autoptr(Pod) pod = pod_lookup(engine, name, &failed);
		if (pod)
			return take(list, inspect_pod(engine, pod, error), &report_pod_schema);
	}
	if (!failed)
		return fail_missing(opts, name, error);
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

static bool add_latest(GPtrArray *list, Engine *engine, const InspectOptions *opts, GError **error)
{
	if (strcmp(opts->type, "pod") == 0) {
		g_autoptr(Pod) pod = pod_latest(engine, error);
		return pod && take(list, inspect_pod(engine, pod, error), &report_pod_schema);
	}
	g_autoptr(Container) ctr = container_latest(engine, error);
	return ctr && add_container(list, engine, ctr, opts->size, error);
}

static bool add_all_volumes(GPtrArray *list, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) volumes = volumes_list(engine, error);
	if (!volumes)
		return false;
	for (size_t i = 0; i < volumes->len; i++)
		if (!add_volume(list, engine, volumes->pdata[i], error))
			return false;
	return true;
}

/* One list for JSON, also an empty one; a template is run for each object. */
static bool print(const GPtrArray *list, const char *verb, const char *format, GError **error)
{
	if (!format || *format == '\0' || output_is_json(format)) {
		g_autoptr(Json) array = json_object_new_array();
		for (size_t i = 0; i < list->len; i++)
			json_object_array_add(array,
					      json_object_get(((Found *)list->pdata[i])->json));
		output_json(array);
		return true;
	}
	g_autoptr(TemplateHeap) heap = template_heap_new();
	for (size_t i = 0; i < list->len; i++) {
		const Found *found = list->pdata[i];
		TemplateValue value = template_from_json(found->json, found->schema, heap);
		if (!output_value(verb, format, &value, error))
			return false;
	}
	return true;
}

/* What options and arguments say together; @n: how many names there are. */
static bool check(const InspectOptions *opts, size_t n, GError **error)
{
	bool image = strcmp(opts->type, "image") == 0, volume = strcmp(opts->type, "volume") == 0;
	bool network = strcmp(opts->type, "network") == 0;
	if (opts->latest && (image || volume || network))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "latest is not supported for type \"%s\"", opts->type);
	if (opts->size && image)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "size is not supported for type \"image\"");
	if (n > 0 && opts->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--latest and arguments cannot be used together");
	if (volume && (n > 0) == opts->all)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "provide one or more volume names or use --all");
	if (n == 0 && !opts->latest && !opts->all)
		return error_set(error, ENGINE_ERROR_INVALID, "no names or ids specified");
	return true;
}

/* Look for all that was asked for. Return: what could not be found, GPtrArray of GError. */
static GPtrArray *find(GPtrArray *list, const Invocation *inv, Engine *engine,
		       const InspectOptions *opts)
{
	GPtrArray *errors = g_ptr_array_new_with_free_func((GDestroyNotify)g_error_free);
	GError *error = NULL;
	if (opts->latest && !add_latest(list, engine, opts, &error)) {
		if (error_matches(error, ENGINE_ERROR_NOT_FOUND) && strcmp(opts->type, "pod") != 0)
			g_prefix_error(&error, "no containers to inspect: ");
		g_ptr_array_add(errors, g_steal_pointer(&error));
	}
	if (opts->all && !add_all_volumes(list, engine, &error))
		g_ptr_array_add(errors, g_steal_pointer(&error));
	for (size_t i = 0; i < command_n_args(inv); i++)
		if (!add_named(list, engine, opts, command_arg(inv, i), &error))
			g_ptr_array_add(errors, g_steal_pointer(&error));
	return errors;
}

/* All that is found is printed, then what was not is said. */
static int inspect(Invocation *inv, InspectOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine =
		check(opts, command_n_args(inv), &error) ? command_engine(inv, true, &error) : NULL;
	if (!engine)
		return command_fail(error);
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(found_free);
	g_autoptr(GPtrArray) errors = find(list, inv, engine, opts);
	if (!print(list, inv->command->paths[0], opts->format, &error))
		g_ptr_array_add(errors, g_steal_pointer(&error));
	int status = 0;
	for (size_t i = 0; i < errors->len; i++)
		status = command_fail(errors->pdata[i]);
	return status;
}

static int cmd_inspect(Invocation *inv)
{
	InspectOptions opts = {.type = "all"};
	return command_parse(inv, (void *[]){&opts}) ? inspect(inv, &opts) : inv->status;
}

static int cmd_container_inspect(Invocation *inv)
{
	InspectOptions opts = {.type = "container"};
	return command_parse(inv, (void *[]){&opts}) ? inspect(inv, &opts) : inv->status;
}

static int cmd_image_inspect(Invocation *inv)
{
	InspectOptions opts = {.type = "image"};
	return command_parse(inv, (void *[]){&opts}) ? inspect(inv, &opts) : inv->status;
}

static int cmd_volume_inspect(Invocation *inv)
{
	InspectOptions opts = {.type = "volume"};
	return command_parse(inv, (void *[]){&opts}) ? inspect(inv, &opts) : inv->status;
}

static int cmd_pod_inspect(Invocation *inv)
{
	InspectOptions opts = {.type = "pod"};
	return command_parse(inv, (void *[]){&opts}) ? inspect(inv, &opts) : inv->status;
}

static int cmd_network_inspect(Invocation *inv)
{
	InspectOptions opts = {.type = "network"};
	return command_parse(inv, (void *[]){&opts}) ? inspect(inv, &opts) : inv->status;
}

const Command inspect_command = {
	.paths = (const char *const[]){"inspect", NULL},
	.usage = "[options] NAME [NAME...]",
	.summary = "Show everything about containers, images and volumes",
	.description =
		"Prints what is known of each object as JSON, with podman's field names, or what a "
		"template picks of it. A name may be a container's, an image's or a volume's.",
	.examples =
		(const char *const[]){"skiff inspect web", "skiff inspect -f '{{.State.Pid}}' web",
				      "skiff inspect -f '{{json .Config.Env}}' web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&all_group, NULL},
	.arg = COMMAND_ARG_OBJECT,
	.more_args = COMMAND_ARG_OBJECT,
	.run = cmd_inspect,
};

const Command container_inspect_command = {
	.paths = (const char *const[]){"container inspect", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Show everything about containers",
	.description = "As \"skiff inspect\", for containers only.",
	.examples = (const char *const[]){"skiff container inspect web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&container_group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_container_inspect,
};

const Command image_inspect_command = {
	.paths = (const char *const[]){"image inspect", NULL},
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Show everything about images",
	.description = "As \"skiff inspect\", for images only.",
	.examples = (const char *const[]){"skiff image inspect -f '{{.RepoDigests}}' debian", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&image_group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_image_inspect,
};

const Command network_inspect_command = {
	.paths = (const char *const[]){"network inspect", NULL},
	.usage = "[options] NETWORK [NETWORK...]",
	.summary = "Show everything about networks",
	.description = "As \"skiff inspect\", for networks only.",
	.examples = (const char *const[]){"skiff network inspect -f '{{.Subnets}}' backend", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&image_group, NULL},
	.arg = COMMAND_ARG_NETWORK,
	.more_args = COMMAND_ARG_NETWORK,
	.run = cmd_network_inspect,
};

const Command pod_inspect_command = {
	.paths = (const char *const[]){"pod inspect", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Show everything about pods",
	.description = "As \"skiff inspect\", for pods only.",
	.examples = (const char *const[]){"skiff pod inspect web",
					  "skiff pod inspect -f '{{.State}}' web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&pod_group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_inspect,
};

const Command volume_inspect_command = {
	.paths = (const char *const[]){"volume inspect", NULL},
	.usage = "[options] VOLUME [VOLUME...]",
	.summary = "Show everything about volumes",
	.description = "As \"skiff inspect\", for volumes only.",
	.examples = (const char *const[]){"skiff volume inspect -f '{{.Mountpoint}}' data", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&volume_group, NULL},
	.arg = COMMAND_ARG_VOLUME,
	.more_args = COMMAND_ARG_VOLUME,
	.run = cmd_volume_inspect,
};
