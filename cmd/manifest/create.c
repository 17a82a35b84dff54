/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest create, add: put images of several platforms together under one name.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/manifest/member.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "storage/reference.h"

typedef struct {
	MemberOptions members;
	bool amend;
	GPtrArray *annotations, *features, *os_features;
} CreateOptions;

static void create_options_clear(CreateOptions *opts)
{
	option_secret_free(opts->members.registry.creds);
	g_clear_pointer(&opts->annotations, g_ptr_array_unref);
	g_clear_pointer(&opts->features, g_ptr_array_unref);
	g_clear_pointer(&opts->os_features, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CreateOptions, create_options_clear)

/* How to reach the registries of members: rows of both verbs. */
static const Option registry_options[] = {
	{0, "all", OPTION_FLAG, option_set_flag, NULL,
	 "Every image of a list that is added, not only this machine's",
	 offsetof(CreateOptions, members.all), OPTION_COMMON},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(CreateOptions, members.registry.tls_verify), OPTION_COMMON},
	{0, "creds", OPTION_VALUE, option_set_secret, "USER[:PASSWORD]", "Log in with these",
	 offsetof(CreateOptions, members.registry.creds), OPTION_COMMON},
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE", "Read credentials from here",
	 offsetof(CreateOptions, members.registry.authfile), OPTION_COMMON},
	{0, "cert-dir", OPTION_VALUE, option_set_string, "DIR", "Certificates of the registry",
	 offsetof(CreateOptions, members.registry.cert_dir), 0},
	OPTION_UNSUPPORTED(0, "insecure", OPTION_FLAG),
	{0},
};

static const Option create_options[] = {
	{'a', "amend", OPTION_FLAG, option_set_flag, NULL, "Add to the list that has this name",
	 offsetof(CreateOptions, amend), OPTION_COMMON},
	{0, "annotation", OPTION_LIST, option_set_list, "KEY=VALUE", "Annotate the list itself",
	 offsetof(CreateOptions, annotations), OPTION_COMMON},
	{0},
};

static const Option add_options[] = {
	{0, "annotation", OPTION_LIST, option_set_list, "KEY=VALUE", "Annotate the entry",
	 offsetof(CreateOptions, annotations), OPTION_COMMON},
	{0, "arch", OPTION_VALUE, option_set_string, "ARCH", "Call the entry's architecture this",
	 offsetof(CreateOptions, members.notes.architecture), OPTION_COMMON},
	{0, "features", OPTION_CSV, option_set_list, "LIST", "Call the entry's features this",
	 offsetof(CreateOptions, features), OPTION_COMMON},
	{0, "os", OPTION_VALUE, option_set_string, "OS", "Call the entry's operating system this",
	 offsetof(CreateOptions, members.notes.os), OPTION_COMMON},
	{0, "os-features", OPTION_CSV, option_set_list, "LIST",
	 "Call the operating system's features this", offsetof(CreateOptions, os_features), 0},
	{0, "os-version", OPTION_VALUE, option_set_string, "VERSION",
	 "Call the operating system's version this",
	 offsetof(CreateOptions, members.notes.os_version), OPTION_COMMON},
	{0, "variant", OPTION_VALUE, option_set_string, "VARIANT", "Call the entry's variant this",
	 offsetof(CreateOptions, members.notes.variant), OPTION_COMMON},
	OPTION_UNSUPPORTED(0, "artifact", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "artifact-annotation", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "artifact-config", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "artifact-config-type", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "artifact-exclude-titles", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "artifact-layer-type", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "artifact-subject", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "artifact-type", OPTION_VALUE),
	{0},
};

static const OptionGroup create_group = {NULL, create_options};
static const OptionGroup add_group = {NULL, add_options};
static const OptionGroup registry_group = {"Members", registry_options};

typedef struct {
	Members *members;
	ImageIndexNotes notes; /* about the list itself */
} Creation;

static bool fill(ImageIndex *index, void *data, GError **error)
{
	Creation *creation = data;
	return members_put(index, creation->members, error) &&
	       image_index_annotate(index, NULL, &creation->notes, error);
}

/* With --amend the list that has the name is changed. Return: the list's id. */
static char *create_or_amend(Store *store, const char *name, const CreateOptions *opts,
			     Creation *creation, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(ImageIndex) index = image_index_create(store, name, fill, creation, &problem);
	if (!index && opts->amend && error_matches(problem, ENGINE_ERROR_EXISTS)) {
		g_clear_error(&problem);
		index = image_index_resolve(store, name, &problem);
		if (index && !image_index_change(store, index->id, fill, creation, &problem))
			g_clear_pointer(&index, image_index_free);
	}
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	return index ? g_strdup(index->id) : NULL;
}

/* The members are found before anything is made. */
static int cmd_manifest_create(Invocation *inv)
{
	g_auto(CreateOptions) opts = {0};
	g_auto(Members) members = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &opts}))
		return inv->status;
	g_autofree char *name = reference_new_name(command_arg(inv, 0), &error);
	g_autoptr(Engine) engine = name ? command_engine(inv, false, &error) : NULL;
	if (!engine)
		return command_fail(error);
	int code = members_collect(inv, 1, engine, &opts.members, &members);
	if (code != 0)
		return code;
	Creation creation = {&members, {.annotations = opts.annotations}};
	g_autofree char *id = create_or_amend(engine_store(engine), name, &opts, &creation, &error);
	if (!id)
		return command_fail(error);
	output_printf("%s\n", id);
	return 0;
}

static int cmd_manifest_add(Invocation *inv)
{
	g_auto(CreateOptions) opts = {0};
	g_auto(Members) members = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &opts}))
		return inv->status;
	opts.members.notes.annotations = opts.annotations;
	opts.members.notes.features = opts.features;
	opts.members.notes.os_features = opts.os_features;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(ImageIndex) index =
		engine ? image_index_resolve(engine_store(engine), command_arg(inv, 0), &error)
		       : NULL;
	if (!index)
		return command_fail(error);
	int code = members_collect(inv, 1, engine, &opts.members, &members);
	if (code != 0)
		return code;
	if (!image_index_change(engine_store(engine), index->id, members_put, &members, &error))
		return command_fail(error);
	output_printf("%s\n", index->id);
	return 0;
}

const Command manifest_create_command = {
	.paths = (const char *const[]){"manifest create", NULL},
	.usage = "[options] LIST [IMAGE...]",
	.summary = "Make a manifest list",
	.description =
		"Makes a list of images, one for each platform, that has one name, and prints its "
		"id. Images "
		"come from the store or, where it has none of the name, from a registry.",
	.examples =
		(const char *const[]){"skiff manifest create app:1.2",
				      "skiff manifest create app:1.2 app:1.2-amd64 app:1.2-arm64",
				      NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&create_group, &registry_group, NULL},
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_create,
};

const Command manifest_add_command = {
	.paths = (const char *const[]){"manifest add", NULL},
	.usage = "[options] LIST IMAGE [IMAGE...]",
	.summary = "Add images to a manifest list",
	.description = "Adds images of the store or of a registry (docker://) to a list and prints "
		       "its id.",
	.examples =
		(const char *const[]){"skiff manifest add app:1.2 app:1.2-arm64",
				      "skiff manifest add --all app docker://registry.example/app",
				      NULL},
	.min_args = 2,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&add_group, &registry_group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_add,
};
