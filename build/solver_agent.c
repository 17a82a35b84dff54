/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN --mount=type=ssh: a socket of the step's own in front of the agent.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build/solver_step.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"

#define SSH_TARGET "/run/buildkit/ssh_agent."

void run_agent_free(void *data)
{
	RunAgent *agent = data;
	if (!agent)
		return;
	if (agent->relay > 0 && kill(agent->relay, SIGKILL) == 0)
		(void)waitpid(agent->relay, NULL, 0);
	run_mount_free(agent->mount);
	g_free(agent);
}

bool run_step_add_agent(StageRun *run, RunStep *step, RunMount *taken, GError **error)
{
	g_autoptr(RunMount) mount = taken;
	GHashTable *agents = run->build->options->ssh;
	const char *id = mount->id && *mount->id ? mount->id : "default";
	const BuildAgent *found = agents ? g_hash_table_lookup(agents, id) : NULL;
	if (!found)
		return !mount->required || error_set(error, ENGINE_ERROR_NOT_FOUND,
						     "ssh required but no --ssh %s was given", id);
	g_autofree char *target = mount->target
					  ? run_step_target(run, mount)
					  : g_strdup_printf(SSH_TARGET "%u", step->agents->len);
	RunAgent *agent = g_new0(RunAgent, 1);
	agent->agent = found;
	agent->bind = run_step_add_mount(step, SPEC_MOUNT_BIND, NULL, target, false);
	agent->mount = g_steal_pointer(&mount);
	g_ptr_array_add(step->agents, agent);
	g_ptr_array_add(step->spec->env_asked, g_strconcat("SSH_AUTH_SOCK=", target, NULL));
	return true;
}

/* The socket NAME in @dir, with the owner and mode that the mount says, and a process behind it. */
static bool serve(Build *build, RunAgent *agent, int dir, const char *name, GError **error)
{
	const RunMount *mount = agent->mount;
	mode_t mode = mount->mode < 0 ? 0600 : (mode_t)mount->mode;
	autofd listener = fd_socket_listen(dir, name, SOCK_STREAM);
	autofd file = listener < 0 ? -1 : openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 || fchmodat(dir, name, mode, 0) < 0)
		return error_set_errno(error, "cannot make a socket for an agent");
	if (!run_step_give(build, file, mount, error))
		return false;
	agent->relay = build_agent_relay(agent->agent, listener, error);
	return agent->relay > 0;
}

bool run_step_serve_agents(StageRun *run, RunStep *step, const char *layer_dir, GError **error)
{
	Build *build = run->build;
	g_autofree char *run_dir = g_strconcat(layer_dir, ".run", NULL);
	for (guint i = 0; i < step->agents->len; i++) {
		RunAgent *agent = step->agents->pdata[i];
		g_autofree char *name = g_strdup_printf("agent%u", i);
		autofd dir =
			path_open_state(store_fd(build->store), run_dir, O_RDONLY | O_DIRECTORY, 0);
		if (dir < 0)
			return error_set_errno(error, "cannot open '%s'", run_dir);
		if (!serve(build, agent, dir, name, error))
			return false;
		agent->bind->source =
			g_build_filename(store_path(build->store), run_dir, name, NULL);
	}
	return true;
}
