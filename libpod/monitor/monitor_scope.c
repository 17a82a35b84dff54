/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A home that we started stands in our unit, but others live on it when our unit is stopped: where
 * there is a systemd it gets a scope of its own.
 *
 * Nobody waits for that: skiff-scope does it while the container starts, and what it says is of no
 * consequence. The unit's name has the home's pid, so there never was one of that name.
 */
#include "libpod/monitor/monitor_priv.h"

#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"

#define SCOPE_PROGRAM "skiff-scope"

/* Start skiff-scope; it is reaped like any child. */
static void ask(const MonitorTask *task, const NetworkAttachment *network, pid_t pid)
{
	bool user = strcmp(task->manager, MONITOR_MANAGER_SYSTEM) != 0;
	g_autofree char *line = g_strdup_printf("%d\n", (int)pid);
	g_autofree char *unit =
		g_strdup_printf("skiff-network-%s-%d.scope", network->plan->key, (int)pid);
	g_autofree char *description = g_strdup_printf("skiff network %s", network->name);
	g_autofree char *runtime = g_strconcat("XDG_RUNTIME_DIR=", task->manager, NULL);
	g_autofree char *program = spawn_find_own(SCOPE_PROGRAM, NULL);
	g_autoptr(GError) error = NULL;
	if (!program)
		return;
	autofd input = fd_memfd("skiff-scope", line, strlen(line));
	const char *const argv[] = {
		SCOPE_PROGRAM, user ? "user" : "system",
		unit,          user ? "user.slice" : "machine.slice",
		description,   NULL,
	};
	const char *const envp[] = {user ? runtime : NULL, NULL};
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = envp,
		.stdin_fd = input,
		.stderr_fd = log_get_level() >= LOG_LEVEL_DEBUG ? SPAWN_INHERIT : 0,
		/* What ends our session's processes must not end it half way. */
		.new_session = true,
	};
	if (input < 0 || spawn_start(&spawn, NULL, &error) < 0)
		log_info("network %s stays in our unit: %s", network->name,
			 error ? error->message : "no memory file");
}

void monitor_scope_home(const MonitorLoop *loop, MonitorMember *member)
{
	pid_t pid = member->home.started;
	member->home.started = 0;
	if (pid > 0 && loop->task->manager)
		ask(loop->task, member->attachment, pid);
}
