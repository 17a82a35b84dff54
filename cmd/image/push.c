/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push, manifest push: an image or a list of images to a registry, done by skiff-fetch.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "libpod/base/log.h"
#include "libpod/image_users.h"
#include "libpod/rootless.h"
#include "storage/image_index.h"

typedef struct {
	RegistryOptionValues registry;
	bool quiet, remove_signatures;
	Tristate force_compression;
	const char *format, *digestfile, *compression_format, *compression_level;
} PushVerbOptions;

static const Option options[] = {
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress",
	 offsetof(PushVerbOptions, quiet), OPTION_COMMON},
	{'f', "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "Manifest: oci or v2s2 (default: as the image has it)", offsetof(PushVerbOptions, format),
	 OPTION_COMMON},
	{0, "digestfile", OPTION_VALUE, option_set_string, "FILE",
	 "Write the manifest's digest here", offsetof(PushVerbOptions, digestfile), OPTION_COMMON},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(PushVerbOptions, registry.tls_verify), OPTION_COMMON},
	{0, "creds", OPTION_VALUE, option_set_secret, "USER[:PASSWORD]", "Log in with these",
	 offsetof(PushVerbOptions, registry.creds), OPTION_COMMON},
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE", "Read credentials from here",
	 offsetof(PushVerbOptions, registry.authfile), OPTION_COMMON},
	{0, "cert-dir", OPTION_VALUE, option_set_string, "DIR", "Certificates of the registry",
	 offsetof(PushVerbOptions, registry.cert_dir), 0},
	{0, "compression-format", OPTION_VALUE, option_set_string, "FORMAT",
	 "How layers are compressed: gzip (default) or zstd",
	 offsetof(PushVerbOptions, compression_format), OPTION_COMMON},
	{0, "compression-level", OPTION_VALUE, option_set_string, "NUMBER",
	 "gzip: 1 to 9, zstd: 1 to 22", offsetof(PushVerbOptions, compression_level),
	 OPTION_COMMON},
	{0, "force-compression", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Don't reuse layers compressed otherwise (default with --compression-format)",
	 offsetof(PushVerbOptions, force_compression), 0},
	{0, "retry", OPTION_VALUE, option_set_string, "NUMBER", "How often to try again",
	 offsetof(PushVerbOptions, registry.retry), 0},
	{0, "retry-delay", OPTION_VALUE, option_set_string, "DURATION",
	 "How long to wait before that", offsetof(PushVerbOptions, registry.retry_delay), 0},
	{0, "remove-signatures", OPTION_FLAG, option_set_flag, NULL,
	 "Send no signatures, as skiff never does", offsetof(PushVerbOptions, remove_signatures),
	 0},
	{0, "disable-content-trust", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0,
	 OPTION_HIDDEN},
	{0, "compress", OPTION_FLAG, option_set_ignored, NULL,
	 "Compress the layers of dir:DIR, as skiff does anyway", 0, 0},
	OPTION_UNSUPPORTED(0, "encrypt-layer", OPTION_CSV),
	OPTION_UNSUPPORTED(0, "encryption-key", OPTION_CSV),
	OPTION_UNSUPPORTED(0, "sign-by", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sign-by-sigstore", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sign-by-sigstore-private-key", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sign-by-sq-fingerprint", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sign-passphrase-file", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "signature-policy", OPTION_VALUE),
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	Tristate all;
	bool rm;
} ListOptions;

static const Option list_options[] = {
	{0, "all", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Push the images too, not only the list (default true)", offsetof(ListOptions, all),
	 OPTION_COMMON},
	{0, "rm", OPTION_FLAG, option_set_flag, NULL, "Remove the list once it is pushed",
	 offsetof(ListOptions, rm), OPTION_COMMON},
	{'p', "purge", OPTION_FLAG, option_set_flag, NULL, "The same", offsetof(ListOptions, rm),
	 OPTION_HIDDEN},
	OPTION_UNSUPPORTED(0, "add-compression", OPTION_CSV),
	OPTION_UNSUPPORTED(0, "insecure", OPTION_FLAG),
	{0},
};

static const OptionGroup list_group = {NULL, list_options};

/* Images that are here only because they were pushed on go again, unless somebody uses them now. */
static void remove_pulled(Engine *engine, const char *ids)
{
	g_auto(GStrv) lines = g_strsplit(ids ? ids : "", "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		g_autoptr(GError) problem = NULL;
		g_autoptr(Image) image =
			*lines[i] ? image_lookup(engine_store(engine), lines[i], &problem) : NULL;
		if (image && !image->names[0] &&
		    !image_users_remove(engine, image, false, &problem))
			log_debug("image '%.12s' stays: %s", image->id, problem->message);
	}
}

/* The list goes only after a push that has succeeded. */
static int finish_list(Engine *engine, const char *name, const ListOptions *opts, int code)
{
	g_autoptr(GError) error = NULL;
	if (code == 0 && opts->rm) {
		g_autoptr(ImageIndex) index =
			image_index_resolve(engine_store(engine), name, &error);
		if (!index || !image_index_remove(engine_store(engine), index, &error)) {
			g_prefix_error(&error, "removing manifest after push: ");
			return command_fail(error);
		}
	}
	return rootless_empty_trash(engine, &error) ? code : command_fail(error);
}

/* Does a name mean a list of the store? Images win, as everywhere. */
static bool is_list(Engine *engine, const char *name)
{
	g_autoptr(ImageIndex) index = image_index_lookup(engine_store(engine), name, NULL);
	return index != NULL;
}

/* Hand the options on to skiff-fetch. @list: NULL if it may be an image. */
static int push(const Invocation *inv, const PushVerbOptions *opts, const ListOptions *list)
{
	static const ListOptions whole;
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	if (!list && is_list(engine, command_arg(inv, 0)))
		list = &whole;
	g_autoptr(FetchArgs) args = fetch_args_new(list ? "push-index" : "push");
	fetch_args_add_flag(args, "--all", list && list->all != TRISTATE_FALSE);
	registry_options_add(args, &opts->registry);
	fetch_args_add(args, "--format", opts->format);
	fetch_args_add(args, "--compression-format", opts->compression_format);
	fetch_args_add(args, "--compression-level", opts->compression_level);
	fetch_args_add_tristate(args, "--force-compression", opts->force_compression);
	fetch_args_add(args, "--digestfile", opts->digestfile);
	fetch_args_add_flag(args, "--quiet", opts->quiet);
	for (size_t i = 0; i < command_n_args(inv) && !error; i++)
		fetch_args_add_operand(args, command_arg(inv, i), &error);
	if (error)
		return command_fail(error);
	g_autofree char *pulled = NULL;
	int code = fetch_args_run(args, engine, list ? &pulled : NULL);
	remove_pulled(engine, pulled);
	return list ? finish_list(engine, command_arg(inv, 0), list, code) : code;
}

static int cmd_push(Invocation *inv)
{
	PushVerbOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&opts});
	int status = parsed ? push(inv, &opts, NULL) : inv->status;
	option_secret_free(opts.registry.creds);
	return status;
}

static int cmd_manifest_push(Invocation *inv)
{
	ListOptions list = {0};
	PushVerbOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&list, &opts});
	int status = parsed ? push(inv, &opts, &list) : inv->status;
	option_secret_free(opts.registry.creds);
	return status;
}

const Command push_command = {
	.paths = (const char *const[]){"push", "image push", NULL},
	.usage = "[options] IMAGE [DESTINATION]",
	.summary = "Push an image to a registry",
	.description =
		"Sends what the registry does not have of an image and gives it a name there: "
		"DESTINATION, or the image's own. Or writes it to oci:DIR[:NAME], dir:DIR, "
		"oci-archive:FILE[:NAME] or docker-archive:FILE[:IMAGE].",
	.examples = (const char *const[]){"skiff push registry.example/team/app:1.2",
					  "skiff push app registry.example/team/app",
					  "skiff push app oci:/srv/layout:1.2", NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_push,
};

const Command manifest_push_command = {
	.paths = (const char *const[]){"manifest push", NULL},
	.usage = "[options] LIST [DESTINATION]",
	.summary = "Push a manifest list and its images to a registry",
	.description =
		"Sends the images of a list and then the list itself, which gets a name "
		"there: DESTINATION, "
		"or the list's own. Images that only another registry has are fetched for it. "
		"Or writes all of it to oci:DIR[:NAME], oci-archive:FILE[:NAME] or dir:DIR.",
	.examples = (const char *const[]){"skiff manifest push app:1.2 "
					  "docker://registry.example/team/app:1.2",
					  "skiff manifest push --rm --all registry.example/app",
					  "skiff manifest push app:1.2 oci:/srv/layout:1.2", NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&list_group, &group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_push,
};
