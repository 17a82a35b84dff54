/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull, load, save, import: images in and out, done by skiff-fetch.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/archive_output.h"
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "cmd/image/pull_notice.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/events.h"
#include "storage/fetch.h"
#include "storage/image.h"

/* What was done to the images that the arguments from @first on name. */
typedef struct {
	const char *status;
	size_t first, n;  /* @n: at most so many */
	const char *name; /* instead of arguments: an archive's */
} Told;

static void tell(const Invocation *inv, Engine *engine, const Told *told)
{
	if (told->name)
		event_image(engine, told->status, NULL, told->name);
	for (size_t i = 0; i < told->n && told->first + i < command_n_args(inv); i++) {
		const char *name = command_arg(inv, told->first + i);
		g_autoptr(Image) image = image_lookup(engine_store(engine), name, NULL);
		event_image(engine, told->status, image ? image->id : NULL, name);
	}
}

/* Run skiff-fetch with @args, which are taken; @error was set while they were made. */
static int finish(const Invocation *inv, const FetchArgs *args, GError *error, const Told *told)
{
	g_autoptr(GError) failed = error;
	g_autoptr(Engine) engine = failed ? NULL : command_engine(inv, false, &failed);
	if (!engine)
		return command_fail(failed);
	bool pulls = strcmp(told->status, "pull") == 0 && command_n_args(inv) > 0;
	g_auto(PullNotice) notice = {.stop_fd = -1};
	if (pulls)
		notice = pull_notice_begin(command_arg(inv, 0));
	int code = fetch_args_run(args, engine, NULL);
	if (code == 0)
		tell(inv, engine, told);
	return code;
}

typedef struct {
	RegistryOptionValues registry;
	bool quiet, all_tags;
	const char *policy, *platform, *arch, *os, *variant;
} PullVerbOptions;

static bool set_policy(void *target, const Option *option, const char *value, GError **error)
{
	PullPolicy policy;
	((PullVerbOptions *)target)->policy = value;
	return pull_policy_parse(value, &policy, error);
}

static const Option pull_options[] = {
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress",
	 offsetof(PullVerbOptions, quiet), OPTION_COMMON},
	{0, "platform", OPTION_VALUE, option_set_string, "OS/ARCH[/VARIANT]",
	 "The image of this platform", offsetof(PullVerbOptions, platform), OPTION_COMMON},
	{0, "policy", OPTION_VALUE, set_policy, "POLICY",
	 "always (default), missing, newer or never", 0, OPTION_COMMON},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(PullVerbOptions, registry.tls_verify), OPTION_COMMON},
	{0, "creds", OPTION_VALUE, option_set_secret, "USER[:PASSWORD]", "Log in with these",
	 offsetof(PullVerbOptions, registry.creds), OPTION_COMMON},
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE", "Read credentials from here",
	 offsetof(PullVerbOptions, registry.authfile), OPTION_COMMON},
	{0, "cert-dir", OPTION_VALUE, option_set_string, "DIR", "Certificates of the registry",
	 offsetof(PullVerbOptions, registry.cert_dir), 0},
	{'a', "all-tags", OPTION_FLAG, option_set_flag, NULL, "Every tag of the repository",
	 offsetof(PullVerbOptions, all_tags), OPTION_COMMON},
	{0, "arch", OPTION_VALUE, option_set_string, "ARCH", "The image of this architecture",
	 offsetof(PullVerbOptions, arch), 0},
	{0, "os", OPTION_VALUE, option_set_string, "OS", "The image of this operating system",
	 offsetof(PullVerbOptions, os), 0},
	{0, "variant", OPTION_VALUE, option_set_string, "VARIANT",
	 "The image of this variant of the architecture", offsetof(PullVerbOptions, variant), 0},
	{0, "retry", OPTION_VALUE, option_set_string, "NUMBER", "How often to try again",
	 offsetof(PullVerbOptions, registry.retry), 0},
	{0, "retry-delay", OPTION_VALUE, option_set_string, "DURATION",
	 "How long to wait before that", offsetof(PullVerbOptions, registry.retry_delay), 0},
	{0, "disable-content-trust", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0,
	 OPTION_HIDDEN},
	OPTION_UNSUPPORTED(0, "decryption-key", OPTION_CSV),
	{0},
};

static const OptionGroup pull_group = {NULL, pull_options};

/* Hand the options of pull on to skiff-fetch. */
static int pull(const Invocation *inv, const PullVerbOptions *opts)
{
	GError *error = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("pull");
	registry_options_add(args, &opts->registry);
	fetch_args_add(args, "--policy", opts->policy);
	fetch_args_add(args, "--platform", opts->platform);
	fetch_args_add(args, "--arch", opts->arch);
	fetch_args_add(args, "--os", opts->os);
	fetch_args_add(args, "--variant", opts->variant);
	fetch_args_add_flag(args, "--quiet", opts->quiet);
	fetch_args_add_flag(args, "--all-tags", opts->all_tags);
	for (size_t i = 0; i < command_n_args(inv) && !error; i++)
		fetch_args_add_operand(args, command_arg(inv, i), &error);
	return finish(inv, args, error, &(const Told){.status = "pull", .n = G_MAXSIZE});
}

static int cmd_pull(Invocation *inv)
{
	PullVerbOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&opts});
	int status = parsed ? pull(inv, &opts) : inv->status;
	option_secret_free(opts.registry.creds);
	return status;
}

typedef struct {
	const char *input;
} LoadVerbOptions;

static const Option load_options[] = {
	{'i', "input", OPTION_VALUE, option_set_string, "FILE",
	 "Read this archive or directory (default: standard input)",
	 offsetof(LoadVerbOptions, input), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_ignored, NULL, "Show no progress", 0, OPTION_COMMON},
	{0},
};

static const OptionGroup load_group = {NULL, load_options};

/* The archive comes from a file or from stdin, which must not be a terminal. */
static int cmd_load(Invocation *inv)
{
	LoadVerbOptions opts = {0};
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	GError *error = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("load");
	if (!opts.input && output_is_terminal(0))
		error_set(&error, ENGINE_ERROR_INVALID,
			  "cannot read from terminal, use command-line "
			  "redirection or the --input flag");
	fetch_args_add(args, "--input", opts.input);
	return finish(
		inv, args, error,
		&(const Told){.status = "loadfromarchive", .name = opts.input ? opts.input : "-"});
}

typedef struct {
	const char *output, *format, *compression_format, *compression_level;
	bool multi, quiet, uncompressed, compress;
} SaveVerbOptions;

static bool set_format(void *target, const Option *option, const char *value, GError **error)
{
	static const char *const formats[] = {"docker-archive", "docker-dir", "oci-archive",
					      "oci-dir", NULL};
	((SaveVerbOptions *)target)->format = value;
	if (g_strv_contains(formats, value))
		return true;
	return error_set(
		error, ENGINE_ERROR_INVALID,
		"format value must be one of oci-dir oci-archive docker-dir docker-archive");
}

static const Option save_options[] = {
	{'o', "output", OPTION_VALUE, option_set_string, "FILE",
	 "Write here (default: standard output)", offsetof(SaveVerbOptions, output), OPTION_COMMON},
	{0, "format", OPTION_VALUE, set_format, "FORMAT",
	 "docker-archive (default), oci-archive, oci-dir or docker-dir", 0,
	 OPTION_COMMON | OPTION_WHOLE},
	{'m', "multi-image-archive", OPTION_FLAG, option_set_flag, NULL,
	 "Every argument is an image, not one more name of the first",
	 offsetof(SaveVerbOptions, multi), OPTION_COMMON},
	{0, "uncompressed", OPTION_FLAG, option_set_flag, NULL,
	 "Don't compress the layers of oci-archive, oci-dir and docker-dir",
	 offsetof(SaveVerbOptions, uncompressed), OPTION_COMMON},
	{0, "compression-format", OPTION_VALUE, option_set_string, "FORMAT",
	 "How they are compressed otherwise: gzip (default) or zstd",
	 offsetof(SaveVerbOptions, compression_format), OPTION_COMMON},
	{0, "compression-level", OPTION_VALUE, option_set_string, "NUMBER",
	 "gzip: 1 to 9, zstd: 1 to 22", offsetof(SaveVerbOptions, compression_level),
	 OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress",
	 offsetof(SaveVerbOptions, quiet), OPTION_COMMON},
	{0, "compress", OPTION_FLAG, option_set_flag, NULL,
	 "Compress the layers of docker-dir, as is done without",
	 offsetof(SaveVerbOptions, compress), 0},
	OPTION_UNSUPPORTED(0, "signature-policy", OPTION_VALUE),
	{0},
};

static const OptionGroup save_group = {NULL, save_options};

/* skiff-fetch writes the archive itself, to the file or to our stdout. */
static int cmd_save(Invocation *inv)
{
	SaveVerbOptions opts = {0};
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	GError *error = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("save");
	if (opts.compress && g_strcmp0(opts.format, "docker-dir") != 0)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--compress can only be set when --format is 'docker-dir'");
	else if (opts.compress && opts.uncompressed)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--compress and --uncompressed exclude each other");
	else
		(void)archive_output_check(opts.output, &error);
	fetch_args_add(args, "--output", opts.output);
	fetch_args_add(args, "--format", opts.format);
	fetch_args_add_flag(args, "--multi", opts.multi);
	fetch_args_add_flag(args, "--uncompressed", opts.uncompressed);
	fetch_args_add(args, "--compression-format", opts.compression_format);
	fetch_args_add(args, "--compression-level", opts.compression_level);
	for (size_t i = 0; i < command_n_args(inv) && !error; i++)
		fetch_args_add_operand(args, command_arg(inv, i), &error);
	return finish(inv, args, error, &(const Told){.status = "save", .n = G_MAXSIZE});
}

typedef struct {
	const char *message, *os, *arch, *variant;
	bool quiet;
	GPtrArray *changes;
} ImportVerbOptions;

static const Option import_options[] = {
	{'c', "change", OPTION_LIST, option_set_list, "INSTRUCTION",
	 "Apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, WORKDIR, ...",
	 offsetof(ImportVerbOptions, changes), OPTION_COMMON},
	{'m', "message", OPTION_VALUE, option_set_string, "TEXT", "Comment for the image's history",
	 offsetof(ImportVerbOptions, message), OPTION_COMMON},
	{0, "arch", OPTION_VALUE, option_set_string, "ARCH", "Architecture of the image",
	 offsetof(ImportVerbOptions, arch), OPTION_COMMON},
	{0, "os", OPTION_VALUE, option_set_string, "OS", "Operating system of the image",
	 offsetof(ImportVerbOptions, os), OPTION_COMMON},
	{0, "variant", OPTION_VALUE, option_set_string, "VARIANT", "Variant of the architecture",
	 offsetof(ImportVerbOptions, variant), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Show no progress",
	 offsetof(ImportVerbOptions, quiet), OPTION_COMMON},
	OPTION_UNSUPPORTED(0, "signature-policy", OPTION_VALUE),
	{0},
};

static const OptionGroup import_group = {NULL, import_options};

/* The list of changes is ours to free, also after a parse that failed. */
static int cmd_import(Invocation *inv)
{
	ImportVerbOptions opts = {0};
	GError *error = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("import");
	bool parsed = command_parse(inv, (void *[]){&opts});
	fetch_args_add(args, "--message", opts.message);
	fetch_args_add(args, "--os", opts.os);
	fetch_args_add(args, "--arch", opts.arch);
	fetch_args_add(args, "--variant", opts.variant);
	for (size_t i = 0; opts.changes && i < opts.changes->len; i++)
		fetch_args_add(args, "--change", opts.changes->pdata[i]);
	g_clear_pointer(&opts.changes, g_ptr_array_unref);
	if (!parsed)
		return inv->status;
	fetch_args_add(args, "--name", command_arg(inv, 1));
	fetch_args_add_operand(args, command_arg(inv, 0), &error);
	return finish(inv, args, error, &(const Told){.status = "import", .first = 1, .n = 1});
}

const Command pull_command = {
	.paths = (const char *const[]){"pull", "image pull", NULL},
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Pull images from a registry",
	.description =
		"Downloads images and prints their ids. A name without a registry is looked for as "
		"registries.conf says.",
	.examples = (const char *const[]){"skiff pull debian:12",
					  "skiff pull --platform linux/arm64 registry.example/app",
					  NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&pull_group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_pull,
};

const Command load_command = {
	.paths = (const char *const[]){"load", "image load", NULL},
	.usage = "[options]",
	.summary = "Load images from an archive",
	.description = "Reads images that \"save\" of skiff, podman, docker or skopeo wrote: "
		       "docker-archive, "
		       "oci-archive, or a directory of either kind.",
	.examples = (const char *const[]){"skiff load -i images.tar", "skiff load < images.tar.gz",
					  NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&load_group, NULL},
	.run = cmd_load,
};

const Command save_command = {
	.paths = (const char *const[]){"save", "image save", NULL},
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Save images to an archive",
	.description = "Writes an image, with its layers and names, into an archive or directory "
		       "that every "
		       "container tool reads.",
	.examples = (const char *const[]){"skiff save -o debian.tar debian:12",
					  "skiff save -m app db | gzip > all.tar.gz", NULL},
	.min_args = 1,
	.max_args = -1,
	.args_error = "need at least 1 argument",
	.groups = (const OptionGroup *const[]){&save_group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_save,
};

const Command import_command = {
	.paths = (const char *const[]){"import", "image import", NULL},
	.usage = "[options] FILE [NAME]",
	.summary = "Make an image from a tar of a file system",
	.description =
		"Makes an image of one layer from a tar (\"-\": standard input) and prints its id.",
	.examples = (const char *const[]){"skiff import rootfs.tar my/base",
					  "skiff import -c 'CMD [\"sh\"]' - my/base < rootfs.tar",
					  NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&import_group, NULL},
	.arg = COMMAND_ARG_FILE,
	.run = cmd_import,
};
