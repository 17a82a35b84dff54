/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run and create: a container from an image.
 *
 * From here on a run reads as the table in ARCHITECTURE.md.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/container/foreground.h"
#include "cmd/container/service.h"
#include "cmd/engine_open.h"
#include "cmd/image/acquire.h"
#include "cmd/output.h"
#include "cmd/pod/create.h"
#include "cmd/pod/pods.h"
#include "cmd/spec_options.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/boot_hint.h"
#include "libpod/container.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_resolve.h"

/* --cidfile: the file is made before the container, so that a taken name costs nothing. */
static bool open_cidfile(const ContainerSpec *spec, int *out_fd, GError **error)
{
	*out_fd = -1;
	if (!spec->cidfile)
		return true;
	*out_fd = open(spec->cidfile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
	if (*out_fd >= 0)
		return true;
	if (errno == EEXIST)
		return error_set(
			error, ENGINE_ERROR_EXISTS,
			"container id file exists. Ensure another container is not using it or "
			"delete %s",
			spec->cidfile);
	return error_set(error, ENGINE_ERROR_SYSTEM, "opening cidfile %s", spec->cidfile);
}

static bool write_cidfile(const ContainerSpec *spec, int fd, const Container *ctr, GError **error)
{
	const char *id = container_summary(ctr)->id;
	if (fd < 0 || fd_write_all(fd, id, strlen(id)))
		return true;
	return error_set_errno(error, "cannot write '%s'", spec->cidfile);
}

/* Steps 4 to 6: the image, the spec without holes, the record. */
static Container *make_container(Engine *engine, ContainerSpec *spec,
				 const RegistryOptionValues *registry, int *out_status,
				 GError **error)
{
	autofd cidfile = -1;
	g_autoptr(Image) image = NULL;
	if (spec->pod_id_file && !(spec->pod_asked = pod_id_file_read(spec->pod_id_file, error)))
		return NULL;
	if (!open_cidfile(spec, &cidfile, error))
		return NULL;
	g_autoptr(Container) ctr = NULL;
	if (!spec->rootfs) {
		const AcquireOptions acquire = {
			.policy = spec->pull,
			.platform = spec->platform,
			.quiet = spec->quiet,
			.registry = registry,
		};
		image = image_acquire(engine, spec->image, &acquire, out_status, error);
	}
	if ((image || spec->rootfs) && pod_create_asked(engine, spec, image, error) &&
	    spec_resolve(engine, spec, image, error))
		ctr = container_create(engine, spec, error);
	bool written = ctr && write_cidfile(spec, cidfile, ctr, error);
	if (!written && cidfile >= 0)
		(void)unlink(spec->cidfile);
	return written ? g_steal_pointer(&ctr) : NULL;
}

/* Which of our streams the container gets: -a, or stdout and stderr, and stdin with -i. */
static Foreground choose_streams(const ContainerSpec *spec)
{
	const char *const *asked = (const char *const *)spec->attach;
	bool any = asked && asked[0];
	return (Foreground){
		.attach_stdin = any ? g_strv_contains(asked, "stdin") : spec->open_stdin,
		.attach_stdout = !any || g_strv_contains(asked, "stdout"),
		.attach_stderr = !any || g_strv_contains(asked, "stderr"),
		.sig_proxy = spec->sig_proxy,
		.detach_keys = spec->detach_keys,
	};
}

/* A container that never ran is of no use to --rm. */
static void drop_failed(Container *ctr, bool auto_remove)
{
	g_autoptr(GError) error = NULL;
	const ContainerRemove remove = {.force = true, .volumes = true, .timeout_s = 0};
	if (auto_remove && !container_remove(ctr, &remove, &error) &&
	    !error_matches(error, ENGINE_ERROR_NOT_FOUND))
		log_warn("removing container %s: %s", container_summary(ctr)->id, error->message);
}

/* To who sits there: what the host lacks for a container in the background to stay. */
static void say_hints(Container *ctr)
{
	if (!output_is_terminal(STDERR_FILENO))
		return;
	g_auto(GStrv) hints = boot_hints_take(ctr);
	for (char **hint = hints; *hint; hint++)
		output_note("%s", *hint);
}

/* Steps 7 to 13. Return: the exit code, or -1 with @error. */
static int start_container(Container *ctr, ContainerSpec *spec, const GPtrArray *credentials,
			   GError **error)
{
	Foreground streams = choose_streams(spec);
	ContainerStart start = {
		.attach_stdin = !spec->detach && streams.attach_stdin,
		.attach_stdout = !spec->detach && streams.attach_stdout,
		.attach_stderr = !spec->detach && streams.attach_stderr,
		.detached = spec->detach,
		.secrets = (GBytes *const *)credentials->pdata,
	};
	spec_preserve_activated(spec, service_describe(&start));
	start.preserve = spec->preserve;
	autofd control = -1;
	int code = 0;
	if (!container_start(ctr, &start, spec->detach ? NULL : &control, error)) {
		drop_failed(ctr, spec->remove);
		return -1;
	}
	if (spec->detach) {
		output_printf("%s\n", container_summary(ctr)->id);
		say_hints(ctr);
		return 0;
	}
	return foreground_run(ctr, control, spec->tty, &streams, &code, error) ? code : -1;
}

/* What the options say together; what one alone means, its setter has checked. */
static bool check(const ContainerSpec *spec, GError **error)
{
	if (spec->detach && spec->attach && spec->attach[0])
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"cannot specify the --attach flag when detaching: invalid argument");
	if (!spec->detach && spec->tty && spec->open_stdin && !isatty(STDIN_FILENO))
		log_warn("the input device is not a TTY. The --tty and --interactive flags might "
			 "not work "
			 "properly");
	return true;
}

/* Step 3, then the rest: options to a spec, then a container. */
static int make(Invocation *inv, bool start)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	g_autoptr(GError) error = NULL;
	g_auto(SpecImageOptions) from = {0};
	void *targets[SPEC_OPTIONS_GROUPS];
	int status = 0;
	spec_options_targets(spec, &from, targets);
	if (!command_parse(inv, targets))
		return inv->status;
	log_step(2, start ? "cmd_run" : "cmd_create");
	g_autofree const char **args = command_args(inv, 0);
	g_autoptr(Engine) engine = NULL;
	g_autoptr(GPtrArray) credentials =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	if (spec_options_finish(spec, args, (const char *const *)inv->argv, &error) &&
	    spec_options_set_platform(spec, &from, &error) &&
	    (!start ||
	     (check(spec, &error) && service_take_credentials(spec, credentials, &error))))
		engine = command_engine(inv, false, &error);
	g_autoptr(Container) ctr =
		engine ? make_container(engine, spec, &from.registry, &status, &error) : NULL;
	if (!ctr)
		return error ? command_fail(error) : status;
	if (!start) {
		output_printf("%s\n", container_summary(ctr)->id);
		return 0;
	}
	int code = start_container(ctr, spec, credentials, &error);
	return code >= 0 ? code : command_fail(error);
}

/* Run, step 2. */
static int cmd_run(Invocation *inv)
{
	return make(inv, true);
}

static int cmd_create(Invocation *inv)
{
	return make(inv, false);
}

const Command run_command = {
	.paths = (const char *const[]){"run", "container run", NULL},
	.usage = "[options] IMAGE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container",
	.description =
		"Makes a container from an image (pulled if need be) and runs a command in it.",
	.examples = (const char *const[]){"skiff run --rm -it debian bash",
					  "skiff run -d --name web -p 8080:80 nginx",
					  "skiff run --rm -v data:/data debian ls /data", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = spec_options_run,
	.arg = COMMAND_ARG_IMAGE,
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_run,
};

const Command create_command = {
	.paths = (const char *const[]){"create", "container create", NULL},
	.usage = "[options] IMAGE [COMMAND [ARG...]]",
	.summary = "Make a container without starting it",
	.description = "Makes a container from an image, as \"skiff run\" does, and prints its id.",
	.examples = (const char *const[]){"skiff create --name web -p 8080:80 nginx", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = spec_options_create,
	.arg = COMMAND_ARG_IMAGE,
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_create,
};
