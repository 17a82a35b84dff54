/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push: an image to a registry, done by skiff-fetch.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"

typedef struct {
	RegistryOptionValues registry;
	bool quiet, remove_signatures;
	Tristate force_compression;
	const char *format, *digestfile, *compression_format, *compression_level;
	const char *retry, *retry_delay;
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
	 offsetof(PushVerbOptions, retry), 0},
	{0, "retry-delay", OPTION_VALUE, option_set_string, "DURATION",
	 "How long to wait before that", offsetof(PushVerbOptions, retry_delay), 0},
	{0, "remove-signatures", OPTION_FLAG, option_set_flag, NULL,
	 "Send no signatures, as skiff never does", offsetof(PushVerbOptions, remove_signatures),
	 0},
	{0, "disable-content-trust", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0,
	 OPTION_HIDDEN},
	OPTION_UNSUPPORTED(0, "compress", OPTION_FLAG),
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

/* Hand the options on to skiff-fetch. */
static int push(const Invocation *inv, const PushVerbOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("push");
	registry_options_add(args, &opts->registry);
	fetch_args_add(args, "--format", opts->format);
	fetch_args_add(args, "--compression-format", opts->compression_format);
	fetch_args_add(args, "--compression-level", opts->compression_level);
	fetch_args_add_tristate(args, "--force-compression", opts->force_compression);
	fetch_args_add(args, "--digestfile", opts->digestfile);
	fetch_args_add(args, "--retry", opts->retry);
	fetch_args_add(args, "--retry-delay", opts->retry_delay);
	fetch_args_add_flag(args, "--quiet", opts->quiet);
	for (size_t i = 0; i < command_n_args(inv) && !error; i++)
		fetch_args_add_operand(args, command_arg(inv, i), &error);
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, false, &error);
	return engine ? fetch_args_run(args, engine, NULL) : command_fail(error);
}

static int cmd_push(Invocation *inv)
{
	PushVerbOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&opts});
	int status = parsed ? push(inv, &opts) : inv->status;
	option_secret_free(opts.registry.creds);
	return status;
}

const Command push_command = {
	.paths = (const char *const[]){"push", "image push", NULL},
	.usage = "[options] IMAGE [DESTINATION]",
	.summary = "Push an image to a registry",
	.description =
		"Sends what the registry does not have of an image and gives it a name there: "
		"DESTINATION, or the image's own.",
	.examples = (const char *const[]){"skiff push registry.example/team/app:1.2",
					  "skiff push app registry.example/team/app", NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_push,
};
