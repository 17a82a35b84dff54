/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest inspect: a list of the store, or what a registry has under a name.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "storage/image_index.h"

typedef struct {
	RegistryOptionValues registry;
	bool verbose;
} InspectOptions;

static const Option options[] = {
	{'v', "verbose", OPTION_FLAG, option_set_flag, NULL,
	 "Of a registry: the manifests that a list names, too, as docker shows them",
	 offsetof(InspectOptions, verbose), OPTION_COMMON},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(InspectOptions, registry.tls_verify), OPTION_COMMON},
	{0, "creds", OPTION_VALUE, option_set_secret, "USER[:PASSWORD]", "Log in with these",
	 offsetof(InspectOptions, registry.creds), OPTION_COMMON},
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE", "Read credentials from here",
	 offsetof(InspectOptions, registry.authfile), OPTION_COMMON},
	{0, "cert-dir", OPTION_VALUE, option_set_string, "DIR", "Certificates of the registry",
	 offsetof(InspectOptions, registry.cert_dir), 0},
	{0, "insecure", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0, OPTION_HIDDEN},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool print_remote(const char *name, const char *text, const InspectOptions *opts,
			 GError **error)
{
	g_autoptr(Json) json = js_parse(text, strlen(text), "manifest", error);
	if (!json)
		return false;
	if (!opts->verbose && json_object_is_type(json, json_type_object) &&
	    !json_object_object_get(json, "manifests"))
		output_note("%s is not a manifest list but a single image", name);
	output_printf("%s\n", js_text_pretty(json));
	return true;
}

static int inspect_remote(Engine *engine, const char *name, const InspectOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("manifest");
	registry_options_add(args, &opts->registry);
	fetch_args_add_flag(args, "--verbose", opts->verbose);
	if (!fetch_args_add_operand(args, name, &error))
		return command_fail(error);
	int code = fetch_args_run(args, engine, &answer);
	if (code == 0 && !print_remote(name, answer, opts, &error))
		return command_fail(error);
	return code;
}

/* An image of the store is no list: then the registry is asked, as podman does. */
static int inspect(Invocation *inv, const InspectOptions *opts)
{
	g_autoptr(GError) error = NULL;
	const char *name = command_arg(inv, 0);
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(ImageIndex) index =
		g_str_has_prefix(name, "docker://")
			? NULL
			: image_index_lookup(engine_store(engine), name, &error);
	if (error)
		return command_fail(error);
	if (!index)
		return inspect_remote(engine, name, opts);
	output_printf("%s\n", js_text_pretty(index->document));
	return 0;
}

static int cmd_manifest_inspect(Invocation *inv)
{
	InspectOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&opts});
	int status = parsed ? inspect(inv, &opts) : inv->status;
	option_secret_free(opts.registry.creds);
	return status;
}

const Command manifest_inspect_command = {
	.paths = (const char *const[]){"manifest inspect", NULL},
	.usage = "[options] LIST",
	.summary = "Show a manifest list, or the manifest of a name at a registry",
	.description =
		"Prints a list of the store as it would be pushed. Of any other name it prints "
		"what the registry has.",
	.examples = (const char *const[]){"skiff manifest inspect app:1.2",
					  "skiff manifest inspect --verbose registry.example/app",
					  NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_inspect,
};
