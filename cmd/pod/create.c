/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod create, and the pods that `run --pod new:NAME` makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/pod/create.h"
#include "cmd/spec_options.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/pod.h"
#include "libpod/spec_parse.h"

typedef struct {
	const char *name, *infra_name, *id_file;
	bool replace;
	Tristate infra, share_parent;
	unsigned share;
	PodExitPolicy exit_policy;
} PodCreateOptions;

static bool set_share(void *target, const Option *option, const char *value, GError **error)
{
	return pod_share_parse(value, &((PodCreateOptions *)target)->share, error);
}

static bool set_exit_policy(void *target, const Option *option, const char *value, GError **error)
{
	return pod_exit_policy_parse(value, &((PodCreateOptions *)target)->exit_policy, error);
}

static const Option options[] = {
	{'n', "name", OPTION_VALUE, option_set_string, "NAME", "Give the pod a name",
	 offsetof(PodCreateOptions, name), OPTION_COMMON},
	{0, "replace", OPTION_FLAG, option_set_flag, NULL, "Remove a pod that has the name already",
	 offsetof(PodCreateOptions, replace), OPTION_COMMON},
	{0, "pod-id-file", OPTION_VALUE, option_set_string, "FILE",
	 "Write the pod's id to a new file", offsetof(PodCreateOptions, id_file), OPTION_COMMON},
	{0, "share", OPTION_VALUE, set_share, "NAMESPACE,...",
	 "What members share: ipc, net, uts (default), pid, cgroup, user or none; +pid adds one", 0,
	 OPTION_COMMON | OPTION_WHOLE},
	{0, "exit-policy", OPTION_VALUE, set_exit_policy, "POLICY",
	 "When the last member has ended: continue (default) or stop", 0,
	 OPTION_COMMON | OPTION_WHOLE},
	{0, "infra", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Hold the namespaces in a container of their own (default true)",
	 offsetof(PodCreateOptions, infra), OPTION_COMMON},
	{0, "infra-name", OPTION_VALUE, option_set_string, "NAME",
	 "Name of that container (default: the pod's id and -infra)",
	 offsetof(PodCreateOptions, infra_name), OPTION_COMMON},
	{0, "share-parent", OPTION_TRISTATE, option_set_tristate, NULL,
	 "The pod's limits hold for all members together (default true)",
	 offsetof(PodCreateOptions, share_parent), 0},
	{0},
};

static const OptionGroup group = {NULL, options};

/* --pod-id-file: made before the pod, so that a taken name costs nothing. */
static int open_id_file(const char *path, GError **error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
	if (fd < 0 && errno == EEXIST)
		error_set(error, ENGINE_ERROR_EXISTS,
			  "pod id file exists. Ensure another pod is not using it or delete %s",
			  path);
	else if (fd < 0)
		error_set_errno_go(error, "opening pod-id-file %s", path);
	return fd;
}

/* What namespaces the options say are shared by saying how the pod has them. */
static unsigned shared(const PodCreateOptions *opts, const ContainerSpec *infra)
{
	if (opts->infra == TRISTATE_FALSE)
		return 0;
	unsigned share = opts->share;
	if (share && infra->pid.mode != SPEC_NS_DEFAULT)
		share |= POD_SHARE_PID;
	if (share && (infra->userns_asked || infra->id_map))
		share |= POD_SHARE_USER;
	return share;
}

/* The record, then the id in a file. */
static Pod *create(Engine *engine, const PodCreateOptions *opts, const PodCreate *create,
		   GError **error)
{
	autofd file = opts->id_file ? open_id_file(opts->id_file, error) : -1;
	if (opts->id_file && file < 0)
		return NULL;
	g_autoptr(Pod) pod = pod_create(engine, create, error);
	if (pod && file >= 0 && !fd_write_all(file, pod->id, strlen(pod->id)))
		return error_set_errno_null(error, "cannot write '%s'", opts->id_file);
	if (!pod && file >= 0)
		(void)unlink(opts->id_file);
	return g_steal_pointer(&pod);
}

static int cmd_pod_create(Invocation *inv)
{
	PodCreateOptions opts = {.share = POD_SHARE_DEFAULT};
	g_autoptr(ContainerSpec) infra = spec_new();
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, infra, infra, infra}))
		return inv->status;
	if (command_n_args(inv) > 0 && opts.name)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "cannot specify --name and NAME at the same time");
	const PodCreate what = {
		.name = command_n_args(inv) > 0 ? command_arg(inv, 0) : opts.name,
		.share = shared(&opts, infra),
		.infra = infra,
		.infra_name = opts.infra_name,
		.exit_policy = opts.exit_policy,
		.own_cgroups = opts.share_parent == TRISTATE_FALSE,
		.replace = opts.replace,
		.create_command = (const char *const *)inv->argv,
	};
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, false, &error);
	g_autoptr(Pod) pod = engine ? create(engine, &opts, &what, &error) : NULL;
	if (!pod)
		return command_fail(error);
	output_printf("%s\n", pod->id);
	return 0;
}

bool pod_create_asked(Engine *engine, ContainerSpec *spec, const Image *image, GError **error)
{
	static const char prefix[] = "new:";
	if (!spec->pod_asked || !g_str_has_prefix(spec->pod_asked, prefix))
		return true;
	g_autoptr(ContainerSpec) infra = spec_new();
	pod_take_network(spec, infra);
	for (char **port = image ? image->config->exposed_ports : NULL; port && *port; port++)
		if (infra->publish_all && !spec_add_expose(infra, *port, error))
			return false;
	const PodCreate what = {
		.name = spec->pod_asked + strlen(prefix),
		.share = POD_SHARE_DEFAULT,
		.infra = infra,
		.create_command = (const char *const *)spec->create_command,
	};
	g_autoptr(Pod) pod = pod_create(engine, &what, error);
	if (!pod)
		return false;
	g_free(spec->pod_asked);
	spec->pod_asked = g_strdup(pod->id);
	return true;
}

const Command pod_create_command = {
	.paths = (const char *const[]){"pod create", NULL},
	.usage = "[options] [NAME]",
	.summary = "Make a pod: containers that share namespaces",
	.description =
		"Makes an empty pod and prints its id. Containers join it with \"run --pod\"; "
		"ports, network, host name and limits are the pod's and given here. Limits hold "
		"for "
		"the members together; a member may have narrower ones of its own.",
	.examples =
		(const char *const[]){"skiff pod create --name web -p 8080:80 -m 1g",
				      "skiff run -d --pod web nginx",
				      "skiff pod create --share +pid --exit-policy stop job", NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, &spec_options_pod, &spec_options_network,
					       &spec_options_resources, NULL},
	.run = cmd_pod_create,
};
