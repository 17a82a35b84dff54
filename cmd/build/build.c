/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: the rows of its options.
 */
#include "cmd/build/build.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/spec_options.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"
#include "storage/manifest.h"

#define CREDS_MAX 65536
/* Why no ids are mapped. */
#define WHOSE_IDS "every RUN has the user namespace of the store"

void build_verb_init(BuildVerb *verb)
{
	*verb = (BuildVerb){.layers = true, .skip_unused = true, .jobs = 1, .pull = PULL_MISSING};
}

void build_verb_clear(BuildVerb *verb)
{
	GPtrArray **const lists[] = {
		&verb->tags,         &verb->build_args,      &verb->labels,    &verb->secrets,
		&verb->contexts,     &verb->run_values,      &verb->arg_files, &verb->unset_env,
		&verb->unset_labels, &verb->platforms,       &verb->outputs,   &verb->cache_from,
		&verb->cache_to,     &verb->no_cache_stages,
	};
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_ptr_array_unref);
	g_clear_pointer(&verb->ssh, g_hash_table_unref);
	g_clear_pointer(&verb->annotations, g_ptr_array_unref);
	g_clear_pointer(&verb->env, g_ptr_array_unref);
	option_secret_free(verb->registry.creds);
	spec_free(verb->run);
}

/* Hand a value to the option of that name that `run` has. */
static bool set_spec(ContainerSpec *spec, const char *name, const char *value, GError **error)
{
	const Option *row = option_lookup(spec_options_run, name, NULL);
	g_assert(row && row->set);
	return row->set(spec, row, value, error);
}

/* What RUNs shall have: checked now, kept for each of them. */
static bool set_run(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	if (!verb->run) {
		verb->run = spec_new();
		verb->run_values = g_ptr_array_new_with_free_func(g_free);
	}
	g_ptr_array_add(verb->run_values, g_strdup(option->name));
	g_ptr_array_add(verb->run_values, g_strdup(value));
	return set_spec(verb->run, option->name, value, error);
}

ContainerSpec *build_verb_spec(const BuildVerb *verb, GError **error)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	for (guint i = 0; verb->run_values && i < verb->run_values->len; i += 2)
		if (!set_spec(spec, verb->run_values->pdata[i], verb->run_values->pdata[i + 1],
			      error))
			return NULL;
	return g_steal_pointer(&spec);
}

char **build_verb_run_inputs(const BuildVerb *verb)
{
	static const char *const not_seen[] = {
		"http-proxy", "memory",      "memory-swap", "cpu-shares",    "cpu-period",
		"cpu-quota",  "cpuset-cpus", "cpuset-mems", "cgroup-parent", NULL,
	};
	GPtrArray *list = g_ptr_array_new();
	for (guint i = 0; verb->run_values && i < verb->run_values->len; i += 2) {
		const char *name = verb->run_values->pdata[i];
		const char *value = verb->run_values->pdata[i + 1];
		if (!g_strv_contains(not_seen, name))
			g_ptr_array_add(list, g_strconcat(name, "=", value, NULL));
	}
	g_ptr_array_add(list, NULL);
	return (char **)g_ptr_array_free(list, FALSE);
}

static bool set_pull(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	bool always = false;
	if (!option_parse_bool(value, &always, NULL))
		return pull_policy_parse(value, &verb->pull, error);
	/* --pull alone: newer or missing is always asked for, as in docker. */
	verb->pull = always ? PULL_ALWAYS : PULL_MISSING;
	return true;
}

static bool set_pull_flag(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	verb->pull = strcmp(option->name, "pull-always") == 0 ? PULL_ALWAYS : PULL_NEVER;
	return true;
}

static bool set_format(void *target, const Option *option, const char *value, GError **error)
{
	ImageForm *form = &((BuildVerb *)target)->form;
	*form = strcmp(value, "oci") == 0      ? IMAGE_FORM_OCI
		: strcmp(value, "docker") == 0 ? IMAGE_FORM_DOCKER
					       : IMAGE_FORM_FITTING;
	return *form != IMAGE_FORM_FITTING ||
	       error_set(error, ENGINE_ERROR_INVALID, "unrecognized image type \"%s\"", value);
}

static bool set_progress(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	if (!progress_kind_parse(value, &verb->progress, error))
		return false;
	verb->quiet = verb->progress == PROGRESS_QUIET;
	return true;
}

static bool set_quiet(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	if (!option_parse_bool(value, &verb->quiet, error))
		return false;
	if (verb->quiet || verb->progress == PROGRESS_QUIET)
		verb->progress = verb->quiet ? PROGRESS_QUIET : PROGRESS_AUTO;
	return true;
}

/* What to do when a RUN fails; a shell needs somebody at it. */
static bool set_on_failure(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	verb->shell = strcmp(value, "shell") == 0;
	if (!verb->shell && strcmp(value, "end") != 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--on-failure \"%s\": expected shell or end", value);
	return !verb->shell || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) ||
	       error_set(error, ENGINE_ERROR_INVALID, "--on-failure shell needs a terminal");
}

/* Of --ssh: one socket, or files of keys. */
static bool check_agent(const char *paths, GError **error)
{
	g_auto(GStrv) list = g_strsplit(paths, ",", -1);
	struct stat st;
	/* A path may have commas in it. */
	if (fstatat(AT_FDCWD, paths, &st, 0) == 0 && S_ISSOCK(st.st_mode))
		return true;
	for (char **path = list; *path; path++) {
		if (fstatat(AT_FDCWD, *path, &st, 0) < 0)
			return error_set_errno(error, "'%s'", *path);
		if (!S_ISREG(st.st_mode))
			return error_set(error, ENGINE_ERROR_INVALID,
					 S_ISSOCK(st.st_mode)
						 ? "'%s': an agent's socket stands alone"
						 : "'%s' is neither an agent's socket nor a key",
					 *path);
	}
	return true;
}

/* "ID[=SOCKET|KEY,...]"; without, the agent of our environment. */
static bool set_ssh(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	const char *equals = strchr(value, '=');
	g_autofree char *id = g_strndup(value, strcspn(value, "="));
	const char *paths = equals ? equals + 1 : g_getenv("SSH_AUTH_SOCK");
	if (!*id)
		return error_set(error, ENGINE_ERROR_INVALID, "expected ID[=SOCKET|KEY]");
	if (!paths || !*paths)
		return error_set(error, ENGINE_ERROR_INVALID, "SSH_AUTH_SOCK not set");
	if (!check_agent(paths, error))
		return false;
	if (!verb->ssh)
		verb->ssh = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_replace(verb->ssh, g_steal_pointer(&id), g_strdup(paths));
	return true;
}

/* skiff runs containers itself; the usual names say nothing else. */
static bool set_runtime(void *target, const Option *option, const char *value, GError **error)
{
	static const char *const usual[] = {"crun", "runc", "skiff", NULL};
	return g_strv_contains(usual, value) ||
	       error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "skiff runs containers itself: there is no runtime \"%s\"", value);
}

/* What always is so here: RUN has the namespace that its layer is written in. */
static bool set_userns(void *target, const Option *option, const char *value, GError **error)
{
	return strcmp(value, "host") == 0 ||
	       error_set(error, ENGINE_ERROR_UNSUPPORTED, WHOSE_IDS ", which is \"host\"");
}

/* The same: an image's annotations are those that are typed. */
static bool set_no_annotations(void *target, const Option *option, const char *value,
			       GError **error)
{
	bool inherits = false;
	return option_parse_bool(value, &inherits, error) &&
	       (!inherits || error_set(error, ENGINE_ERROR_UNSUPPORTED,
				       "annotations of base images are not inherited"));
}

/* podman's words for what always is so here. */
static bool set_isolation(void *target, const Option *option, const char *value, GError **error)
{
	static const char *const ours[] = {"oci", "rootless", "default", "", NULL};
	return g_strv_contains(ours, value) ||
	       error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "every RUN is a container of its own: there is no isolation \"%s\"",
			 value);
}

/* What skiff hands on to skiff-build: no secret stands in its arguments (R16). */
static bool set_creds_fd(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	uint64_t number = 0;
	size_t size = 0;
	if (!units_parse_uint(value, INT_MAX, &number, error))
		return false;
	autofd fd = (int)number;
	option_secret_free(verb->registry.creds);
	verb->registry.creds = fd_read_all(fd, CREDS_MAX, &size, error);
	return verb->registry.creds != NULL;
}

#define VALUE(short_name, name, field, metavar, help)                                              \
	{                                                                                          \
		short_name, name, OPTION_VALUE, option_set_string, metavar, help,                  \
			offsetof(BuildVerb, field), OPTION_COMMON                                  \
	}
#define LIST(short_name, name, field, metavar, help)                                               \
	{                                                                                          \
		short_name, name, OPTION_LIST, option_set_list, metavar, help,                     \
			offsetof(BuildVerb, field), OPTION_COMMON                                  \
	}
#define FLAG(short_name, name, field, help)                                                        \
	{                                                                                          \
		short_name, name, OPTION_FLAG, option_set_flag, NULL, help,                        \
			offsetof(BuildVerb, field), OPTION_COMMON                                  \
	}
#define RUN(short_name, name, kind, metavar, help)                                                 \
	{                                                                                          \
		short_name, name, kind, set_run, metavar, help, 0, 0                               \
	}
#define IGNORED(name, kind)                                                                        \
	{                                                                                          \
		0, name, kind, option_set_ignored, NULL, "No effect", 0, OPTION_HIDDEN             \
	}

static const Option options[] = {
	VALUE('f', "file", file, "FILE", "The Dockerfile; - is standard input"),
	LIST('t', "tag", tags, "NAME[:TAG]", "Name of the image; may be given often"),
	LIST(0, "build-arg", build_args, "NAME[=VALUE]",
	     "Value of an ARG; without VALUE the one of our environment"),
	LIST(0, "build-context", contexts, "NAME=VALUE",
	     "Another source of files, or the image that a name means"),
	VALUE(0, "target", target, "STAGE", "The stage to build"),
	FLAG(0, "no-cache", no_cache, "Run every step, whatever was built before"),
	{0, "no-cache-filter", OPTION_CSV, option_set_list, "STAGE",
	 "Run every step of these stages, whatever was built before",
	 offsetof(BuildVerb, no_cache_stages), OPTION_COMMON},
	{0, "pull", OPTION_TRISTATE, set_pull, NULL,
	 "Ask the registry for newer base images; or missing, always, never, newer", 0,
	 OPTION_COMMON | OPTION_WORDS},
	{0, "pull-always", OPTION_FLAG, set_pull_flag, NULL, "Pull base images in any case", 0,
	 OPTION_HIDDEN},
	{0, "pull-never", OPTION_FLAG, set_pull_flag, NULL, "Use only images that are here", 0,
	 OPTION_HIDDEN},
	LIST(0, "label", labels, "NAME=VALUE", "Label of the image"),
	LIST(0, "secret", secrets, "id=ID[,src=FILE|,env=NAME]", "A secret for RUN --mount"),
	{0, "ssh", OPTION_LIST, set_ssh, "ID[=SOCKET|KEY,...]",
	 "An SSH agent, or keys for one, for RUN --mount", 0, OPTION_COMMON},
	LIST(0, "annotation", annotations, "KEY=VALUE", "Annotation of the image's manifest"),
	{0, "env", OPTION_ENV_LIST, option_set_list, "NAME[=VALUE]", "A variable of the image",
	 offsetof(BuildVerb, env), OPTION_COMMON},
	{0, "inherit-labels", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Keep the labels of base images (default true)", offsetof(BuildVerb, inherit_labels), 0},
	{0, "inherit-annotations", OPTION_FLAG, set_no_annotations, NULL,
	 "Always false: base images' annotations are not kept", 0, 0},
	{0, "isolation", OPTION_VALUE, set_isolation, "KIND", "oci or rootless, as always", 0, 0},
	VALUE(0, "arch", arch, "ARCH", "Architecture of the image"),
	VALUE(0, "os", os, "OS", "Operating system of the image"),
	VALUE(0, "variant", variant, "VARIANT", "Variant of the architecture"),
	VALUE(0, "iidfile", iidfile, "FILE", "Write the image's id to this file"),
	{'q', "quiet", OPTION_FLAG, set_quiet, NULL,
	 "Print only the image's id, and what a step that fails has printed", 0, OPTION_COMMON},
	FLAG(0, "squash", squash, "One layer of all that the last stage changes"),
	FLAG(0, "layers", layers, "A layer for each step (default true); without, as --squash"),
	{0, "format", OPTION_VALUE, set_format, "FORMAT",
	 "oci (no HEALTHCHECK, ONBUILD, SHELL) or docker; without, all is kept", 0, OPTION_COMMON},
	{0, "jobs", OPTION_VALUE, option_set_uint, "N", "Stages side by side; 0: as many as CPUs",
	 offsetof(BuildVerb, jobs), OPTION_COMMON},
	VALUE(0, "timestamp", timestamp, "SECONDS", "Time of the image and of all files it adds"),
	{0, "platform", OPTION_CSV, build_set_platform, "OS/ARCH[/VARIANT]",
	 "Platform of the image; with several --manifest or -t names the list of them", 0,
	 OPTION_COMMON},
	VALUE(0, "ignorefile", ignorefile, "FILE", "Instead of .containerignore, .dockerignore"),
	FLAG(0, "check", check, "Look for mistakes in the Dockerfile, and build nothing"),
	FLAG(0, "explain", explain, "Say of each step why it ran"),
	{0, "on-failure", OPTION_VALUE, set_on_failure, "shell|end",
	 "A shell where a RUN failed, with its files, mounts and environment", 0, OPTION_COMMON},
	{0, "progress", OPTION_VALUE, set_progress, "KIND",
	 "auto (tty on a terminal, else plain), plain, tty, json, quiet", 0, OPTION_COMMON},
	{'o', "output", OPTION_LIST, build_set_output, "type=TYPE[,dest=PATH]",
	 "Also write the result: local (a directory), tar, oci, docker, registry; - is a tar on "
	 "standard output",
	 0, OPTION_COMMON},
	{0, "cache-from", OPTION_LIST, build_set_cache, "PLACE",
	 "Take steps from type=registry,ref=REFERENCE or type=local,src=DIR", 0, OPTION_COMMON},
	{0, "cache-to", OPTION_LIST, build_set_cache, "PLACE",
	 "Write the steps to type=registry,ref=REFERENCE, type=local,dest=DIR or type=inline; "
	 "mode=max: those of all stages",
	 0, OPTION_COMMON},
	{0, "cache-ttl", OPTION_VALUE, build_set_ttl, "DURATION",
	 "Run again what was run longer ago than this", 0, OPTION_COMMON},
	VALUE(0, "manifest", manifest, "LIST", "Add the image to this manifest list"),
	VALUE(0, "metadata-file", metadata_file, "FILE",
	      "Write the image's digest and names as JSON"),
	FLAG(0, "push", push, "Push the image to the registries of its names"),
	FLAG(0, "squash-all", squash_all, "One layer of all files, the base image's too"),
	VALUE(0, "source-date-epoch", epoch, "SECONDS", "Time of the image (SOURCE_DATE_EPOCH)"),
	FLAG(0, "rewrite-timestamp", rewrite_times, "Let no file be younger than that"),
	FLAG(0, "omit-history", omit_history, "Leave the history out of the image"),
	VALUE(0, "from", from, "IMAGE", "Instead of what the first FROM names"),
	LIST(0, "build-arg-file", arg_files, "FILE", "Lines of NAME=VALUE, as --build-arg"),
	LIST(0, "unsetenv", unset_env, "NAME", "Take a variable out of the image"),
	LIST(0, "unsetlabel", unset_labels, "NAME", "Take a base image's label out of the image"),
	{0, "allow", OPTION_CSV, build_set_allow, "security.insecure|device",
	 "Let RUN --security=insecure have all privileges, or RUN --device devices of the host", 0,
	 0},
	{0, "skip-unused-stages", OPTION_FLAG, option_set_flag, NULL,
	 "Build no stage that the target does not need (default true)",
	 offsetof(BuildVerb, skip_unused), 0},
	FLAG(0, "stdin", pass_stdin, "Let RUN read our standard input"),
	VALUE(0, "logfile", logfile, "FILE", "Print all but errors of our own to this file"),
	{0, "runtime", OPTION_VALUE, set_runtime, "NAME", "crun, runc or skiff: it is always skiff",
	 0, 0},
	{0, "userns", OPTION_VALUE, set_userns, "host", "User namespace of RUN: as always", 0, 0},
	VALUE(0, "retry", registry.retry, "NUMBER", "How often to try a registry again"),
	VALUE(0, "retry-delay", registry.retry_delay, "DURATION", "How long to wait before that"),
	VALUE(0, "authfile", registry.authfile, "FILE", "Read credentials from here"),
	VALUE(0, "cert-dir", registry.cert_dir, "DIR", "Certificates of the registry"),
	{0, "creds", OPTION_VALUE, option_set_secret, "USER[:PASSWORD]", "Log in with these",
	 offsetof(BuildVerb, registry.creds), OPTION_COMMON},
	{0, "creds-fd", OPTION_VALUE, set_creds_fd, "N", "The same from a descriptor", 0,
	 OPTION_HIDDEN},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(BuildVerb, registry.tls_verify), OPTION_COMMON},
	{0, "compose-fds", OPTION_VALUE, option_set_uint, "N",
	 "Descriptors 3 to N+2 are compose's: the first has values of ARGs, ended by NUL",
	 offsetof(BuildVerb, fds), OPTION_HIDDEN},
	IGNORED("disable-content-trust", OPTION_FLAG),
	IGNORED("force-rm", OPTION_FLAG),
	IGNORED("load", OPTION_FLAG),
	IGNORED("rm", OPTION_FLAG),
	OPTION_REFUSED("all-platforms", OPTION_FLAG,
		       "base images are not asked what they are made for; see --platform"),
	OPTION_UNSUPPORTED(0, "attest", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "builder", OPTION_VALUE),
	OPTION_REFUSED("call", OPTION_VALUE, "see --check"),
	OPTION_UNSUPPORTED(0, "cgroupns", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "compat-volumes", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "compress", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "cpp-flag", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "created-annotation", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "cw", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "decryption-key", OPTION_LIST),
	OPTION_UNSUPPORTED('D', "disable-compression", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "hooks-dir", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "identity-label", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "ipc", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "layer-label", OPTION_LIST),
	OPTION_REFUSED("logsplit", OPTION_FLAG, "platforms are built one after the other"),
	OPTION_UNSUPPORTED(0, "os-feature", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "os-version", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "pid", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "policy", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "provenance", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "resource", OPTION_LIST),
	OPTION_REFUSED("runtime-flag", OPTION_LIST, "skiff runs containers itself"),
	OPTION_UNSUPPORTED(0, "save-stages", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "sbom", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sbom-image-output", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sbom-image-purl-output", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sbom-merge-strategy", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sbom-output", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sbom-preset", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sbom-purl-output", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sbom-scanner-command", OPTION_LIST),
	OPTION_UNSUPPORTED(0, "sbom-scanner-image", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "sign-by", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "signature-policy", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "source-policy-file", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "stage-labels", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "unsetannotation", OPTION_LIST),
	OPTION_REFUSED("userns-gid-map", OPTION_LIST, WHOSE_IDS),
	OPTION_REFUSED("userns-gid-map-group", OPTION_VALUE, WHOSE_IDS),
	OPTION_REFUSED("userns-uid-map", OPTION_LIST, WHOSE_IDS),
	OPTION_REFUSED("userns-uid-map-user", OPTION_VALUE, WHOSE_IDS),
	OPTION_UNSUPPORTED(0, "uts", OPTION_VALUE),
	{0},
};

static const Option run_options[] = {
	RUN(0, "network", OPTION_VALUE, "MODE", "Network of RUN: as of run"),
	RUN(0, "add-host", OPTION_LIST, "NAME:IP", "A line for /etc/hosts"),
	RUN(0, "no-hosts", OPTION_FLAG, NULL, "Leave /etc/hosts as it is in the image"),
	RUN(0, "no-hostname", OPTION_FLAG, NULL, "Leave /etc/hostname as it is in the image"),
	RUN(0, "dns", OPTION_CSV, "ADDRESS", "Name servers"),
	RUN(0, "dns-option", OPTION_CSV, "OPTION", "Options of the resolver"),
	RUN(0, "dns-search", OPTION_CSV, "DOMAIN", "Search domains"),
	RUN('v', "volume", OPTION_LIST, "SOURCE:DESTINATION[:OPTIONS]", "Mount for RUN"),
	RUN(0, "cap-add", OPTION_CSV, "NAME", "Give RUN a capability"),
	RUN(0, "cap-drop", OPTION_CSV, "NAME", "Take a capability from RUN"),
	RUN(0, "security-opt", OPTION_LIST, "NAME=VALUE", "Security options of RUN"),
	RUN(0, "group-add", OPTION_CSV, "GROUP", "One more group of RUN's user"),
	RUN(0, "device", OPTION_LIST, "DEVICE", "A device of the host for RUN"),
	RUN(0, "http-proxy", OPTION_FLAG, NULL, "Pass our proxies on to RUN (default true)"),
	RUN(0, "shm-size", OPTION_VALUE, "SIZE", "Size of /dev/shm"),
	RUN(0, "ulimit", OPTION_LIST, "NAME=SOFT[:HARD]", "Limits of processes"),
	RUN('m', "memory", OPTION_VALUE, "SIZE", "Limit of memory"),
	RUN(0, "memory-swap", OPTION_VALUE, "SIZE", "Limit of memory and swap"),
	RUN('c', "cpu-shares", OPTION_VALUE, "N", "Weight among others"),
	RUN(0, "cpu-period", OPTION_VALUE, "MICROSECONDS", "Period of --cpu-quota"),
	RUN(0, "cpu-quota", OPTION_VALUE, "MICROSECONDS", "CPU time in each period"),
	RUN(0, "cpuset-cpus", OPTION_VALUE, "LIST", "CPUs to run on"),
	RUN(0, "cpuset-mems", OPTION_VALUE, "LIST", "Memory nodes to use"),
	RUN(0, "cgroup-parent", OPTION_VALUE, "SLICE", "Where its cgroup is made"),
	{0},
};

static const OptionGroup group = {NULL, options};
static const OptionGroup run_group = {"Options for RUN", run_options};

/* --os, --arch and --variant are one more way to say --platform. */
static bool join_platform(BuildVerb *verb, GError **error)
{
	g_auto(Platform) host = {0};
	g_auto(Platform) platform = {0};
	if (!verb->os && !verb->arch && !verb->variant)
		return true;
	if (verb->platforms)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--platform option can not be specified with --arch or --os");
	platform_host(&host);
	platform_set(&platform, verb->os ? verb->os : host.os,
		     verb->arch ? verb->arch : host.architecture, verb->variant);
	g_autofree char *text = platform_format(&platform);
	return build_set_platform(verb, NULL, text, error);
}

static int cmd_build(Invocation *inv)
{
	g_auto(BuildVerb) verb;
	build_verb_init(&verb);
	if (!command_parse(inv, (void *[]){&verb, &verb}))
		return inv->status;
	g_autoptr(GError) error = NULL;
	if (verb.shell && verb.logfile)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--on-failure shell and --logfile cannot be set together");
	return !error && join_platform(&verb, &error) ? build_verb_run(inv, &verb)
						      : command_fail(error);
}

const Command build_command = {
	.paths = (const char *const[]){"build", "image build", "buildx build", "builder build",
				       NULL},
	.usage = "[options] [CONTEXT]",
	.summary = "Build an image from a Dockerfile",
	.description =
		"Runs the instructions of a Dockerfile on the files of CONTEXT (a directory, by "
		"default the current one; a tar; - for standard input; a URL) and prints the id of "
		"the image that comes of it.",
	.examples = (const char *const[]){"skiff build -t app .",
					  "skiff build --explain -t app -f build/Dockerfile .",
					  "skiff build --target files -o out .", NULL},
	.man = "# PROGRESS\n\n"
	       "*plain* prints what podman prints, and what the steps print on the streams where "
	       "they print it. *tty* shows the running steps with the last lines of their output, "
	       "and one line for each that has ended; all output of a step that failed follows. "
	       "*quiet* shows that only. *auto* is *tty* where standard output and standard error "
	       "are terminals, else *plain*.\n\n"
	       "*json* (also *rawjson*) writes one object a line to standard error. Each has "
	       "_type_ and _time_. _step_: a step has come to _state_ (started, done, cached, "
	       "failed); _stage_ of _stages_, _stage_name_, _step_ of _steps_, the first being 1, "
	       "_line_ and _text_ of the instruction, _platform_ where several are built; at its "
	       "end _ms_ and _made_, the id of its "
	       "layer. _log_: a line of the step's output, _stream_ and _text_. _message_: _level_ "
	       "(info, warning) and _text_. _error_: why there is no image, _code_ and _text_. The "
	       "image's id is what standard output has.\n\n"
	       "# CACHE\n\nA step that was run before on the same layers, with the same files, "
	       "variables and command is not run again; *--explain* says what is not the same. "
	       "*skiff builder prune* forgets what was built.\n\n"
	       "*--cache-to* writes the steps to a registry or a directory as images, or with "
	       "*type=inline* into the config of the image itself; *--cache-from* takes them from "
	       "there. A cache is believed as a base image is.\n",
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, &run_group, NULL},
	.arg = COMMAND_ARG_FILE,
	.run = cmd_build,
};
