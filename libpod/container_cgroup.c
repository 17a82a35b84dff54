/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/container_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "libpod/container_priv.h"
#include "libpod/runtime/cgroup.h"

#define RECORD         "cgroup"
#define RECORD_MAX     4096
#define ANSWER_MAX     4096
#define SCOPE_PROGRAM  "skiff-scope"
#define SCOPE_NO_BUS   3 /* its exit codes: nobody to ask */
#define SCOPE_IN_UNIT  4 /* the unit that we are in is delegated */
#define PAYLOAD        "payload"
#define USER_DELEGATE  "/etc/systemd/system/user@.service.d"
#define NEW_CONTROLLER "pids"

void container_cgroup_clear(ContainerCgroup *cgroup)
{
	fd_close(&cgroup->base_fd);
	fd_close(&cgroup->asking_fd);
	g_clear_pointer(&cgroup->base_path, g_free);
	g_clear_pointer(&cgroup->name, g_free);
	g_clear_pointer(&cgroup->scope, g_free);
	/* Its stdin has ended, so it does, too. */
	if (cgroup->asking > 0)
		(void)spawn_wait(cgroup->asking, NULL);
	cgroup->asking = 0;
}

/* No cgroup: tell those who asked for a limit why. */
static void go_without(ContainerCgroup *cgroup, const char *reason)
{
	if (cgroup->typed)
		log_warn("--pids-limit is ignored: %s", reason);
	else
		log_info("no cgroup: %s", reason);
	fd_close(&cgroup->base_fd);
	g_clear_pointer(&cgroup->base_path, g_free);
	g_clear_pointer(&cgroup->name, g_free);
	g_clear_pointer(&cgroup->scope, g_free);
}

static bool has_systemd(void)
{
	struct stat st;
	return stat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* How to get a controller that the base lacks. */
static char *explain_controller(const ContainerCgroup *cgroup, const char *controller)
{
	autofd top = cgroup_open("/", NULL);
	if (top < 0 || !cgroup_has(top, controller))
		return g_strdup_printf("this host has no controller '%s' on cgroup v2: it is on v1 "
				       "or was disabled when the host was booted",
				       controller);
	if (!cgroup->scope)
		return g_strdup_printf("the controller '%s' is not delegated to the unit '%s': add "
				       "it to the unit's Delegate=",
				       controller, cgroup->base_path);
	return g_strdup_printf(
		"the controller '%s' is not delegated to you: sudo mkdir -p " USER_DELEGATE
		" && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo "
		"tee " USER_DELEGATE
		"/delegate.conf && sudo systemctl daemon-reload, then log in again",
		controller);
}

/* Let children of the base have what we set on them. */
static bool enable(ContainerCgroup *cgroup)
{
	g_autoptr(GError) failed = NULL;
	if (cgroup_enable(cgroup->base_fd, NEW_CONTROLLER, &failed))
		return true;
	g_autofree char *reason = error_matches(failed, ENGINE_ERROR_UNSUPPORTED)
					  ? explain_controller(cgroup, NEW_CONTROLLER)
					  : g_strdup(failed->message);
	go_without(cgroup, reason);
	return false;
}

/* Where a base is whose supervisor's part we may be in. g_free() it. */
static char *strip_supervisor(const char *own)
{
	return g_str_has_suffix(own, "/" CGROUP_SUPERVISOR) ? g_path_get_dirname(own)
							    : g_strdup(own);
}

/*
 * The base that we stand in, or in the supervisor of. Without systemd there are no marks: root has
 * the top, and a user what belongs to him.
 */
static char *find_own_base(const char *own)
{
	bool systemd = has_systemd();
	g_autofree char *path = !systemd && geteuid() == 0 ? g_strdup("/") : strip_supervisor(own);
	/* Where we stand in a supervisor's part, one of us has been before. */
	bool known = !g_str_equal(path, own);
	if (systemd && !known && !cgroup_looks_delegated(path))
		return NULL;
	autofd fd = cgroup_open(path, NULL);
	struct stat st;
	bool ours = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid();
	return ours && (known || !systemd || cgroup_is_delegated(fd)) ? g_steal_pointer(&path)
								      : NULL;
}

/* The unit that we stand in, if it may be one of our own manager's: its cgroup is ours then. */
static char *find_own_unit(const char *own)
{
	g_autofree char *base = strip_supervisor(own);
	g_autofree char *unit = g_path_get_basename(base);
	if (!g_str_has_suffix(unit, ".service") && !g_str_has_suffix(unit, ".scope"))
		return NULL;
	autofd fd = cgroup_open(base, NULL);
	struct stat st;
	bool ours = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid();
	return ours ? g_steal_pointer(&unit) : NULL;
}

/* Start skiff-scope; it connects while the monitor is made. */
static void ask_for_scope(Container *ctr, ContainerCgroup *cgroup, const char *own)
{
	g_autofree char *program = spawn_find_own(SCOPE_PROGRAM, NULL);
	if (!program) {
		go_without(cgroup, "'" SCOPE_PROGRAM "' is not installed: install libsystemd-dev "
				   "and build skiff again");
		return;
	}
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		go_without(cgroup, g_strerror(errno));
		return;
	}
	cgroup->asking_fd = pair[0];
	autofd theirs = pair[1];
	bool user = engine_is_rootless(ctr->engine);
	cgroup->scope = g_strdup_printf("skiff-%s.scope", ctr->summary.id);
	g_autofree char *description = g_strdup_printf("skiff container %s", ctr->summary.name);
	g_autofree char *unit = user ? find_own_unit(own) : NULL;
	const char *const argv[] = {SCOPE_PROGRAM, user ? "user" : "system",
				    cgroup->scope, user ? "user.slice" : "machine.slice",
				    description,   unit,
				    NULL};
	g_auto(GStrv) env = NULL;
	for (size_t i = 0; i < 2; i++) {
		const char *name = i == 0 ? "XDG_RUNTIME_DIR" : "DBUS_SESSION_BUS_ADDRESS";
		if (g_getenv(name))
			env = g_environ_setenv(env, name, g_getenv(name), TRUE);
	}
	const char *const none[] = {NULL};
	Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = env ? (const char *const *)env : none,
		.stdin_fd = theirs,
		.stdout_fd = theirs,
	};
	g_autoptr(GError) failed = NULL;
	pid_t pid = spawn_start(&spawn, NULL, &failed);
	if (pid < 0)
		go_without(cgroup, failed->message);
	else
		cgroup->asking = pid;
}

void container_cgroup_plan(Container *ctr, const ContainerSpec *spec, ContainerCgroup *out)
{
	*out = CONTAINER_CGROUP_NONE;
	container_cgroup_remove(ctr->engine, ctr->summary.id); /* of a run that was killed */
	out->typed = spec->pids_limit_set && spec->pids_limit > 0;
	if (!cgroup_is_unified()) {
		go_without(out, "this host uses cgroup v1, limits need cgroup v2 alone: boot it "
				"with systemd.unified_cgroup_hierarchy=1");
		return;
	}
	g_autoptr(GError) failed = NULL;
	g_autofree char *own = cgroup_of(0, &failed);
	if (!own) {
		go_without(out, failed->message);
		return;
	}
	out->base_path = find_own_base(own);
	if (out->base_path) {
		out->base_fd = cgroup_open(out->base_path, &failed);
		out->name = g_strconcat("skiff-", ctr->summary.id, NULL);
		if (out->base_fd < 0)
			go_without(out, failed->message);
		else
			(void)enable(out);
	} else if (out->typed && has_systemd()) {
		ask_for_scope(ctr, out, own);
	} else {
		go_without(out, "this host has no systemd, and our cgroup is not ours to divide");
	}
}

bool container_cgroup_is_planned(const ContainerCgroup *cgroup)
{
	return cgroup->name || cgroup->scope;
}

void container_cgroup_describe(const ContainerCgroup *cgroup, OciConfig *config)
{
	if (!container_cgroup_is_planned(cgroup)) {
		config->pids_limit = 0;
		return;
	}
	/* Where the scope will be is systemd's to say; this is the form that runtimes use for it.
	 */
	if (cgroup->scope)
		config->cgroups_path =
			g_strdup_printf("user.slice:skiff:%.*s",
					(int)(strlen(cgroup->scope) - strlen("skiff-.scope")),
					cgroup->scope + strlen("skiff-"));
	else
		config->cgroups_path = g_build_filename(cgroup->base_path, cgroup->name, NULL);
}

/* What the user can do where there is no manager to ask. */
static char *explain_no_manager(Container *ctr)
{
	if (!engine_is_rootless(ctr->engine))
		return g_strdup("systemd does not answer");
	g_autofree char *name = idmap_user_name(getuid());
	return g_strdup_printf("there is no systemd session of yours that could limit it: log in "
			       "as '%s', or run: sudo loginctl enable-linger %s",
			       name, name);
}

/* The unit that we were started in turns out to be ours to divide. Return: NULL, or why not. */
static char *use_own_unit(ContainerCgroup *cgroup, Container *ctr)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char *own = cgroup_of(0, &failed);
	if (!own)
		return g_strdup(failed->message);
	g_clear_pointer(&cgroup->scope, g_free);
	cgroup->base_path = strip_supervisor(own);
	cgroup->name = g_strconcat("skiff-", ctr->summary.id, NULL);
	cgroup->base_fd = cgroup_open(cgroup->base_path, &failed);
	return cgroup->base_fd < 0 ? g_strdup(failed->message) : NULL;
}

/* Tell skiff-scope the pid and wait for systemd. Return: NULL, or why there is no scope. */
static char *finish_scope(ContainerCgroup *cgroup, Container *ctr, pid_t monitor)
{
	g_autoptr(GError) failed = NULL;
	char line[16];
	int size = snprintf(line, sizeof line, "%d\n", (int)monitor);
	/* One that ended early has an exit code that says more than EPIPE. */
	(void)!send(cgroup->asking_fd, line, (size_t)size, MSG_NOSIGNAL);
	(void)shutdown(cgroup->asking_fd, SHUT_WR);
	g_autofree char *answer = fd_read_all(cgroup->asking_fd, ANSWER_MAX, NULL, NULL);
	pid_t asking = cgroup->asking;
	cgroup->asking = 0;
	int code = spawn_wait(asking, &failed);
	if (code == SCOPE_NO_BUS)
		return explain_no_manager(ctr);
	if (code == SCOPE_IN_UNIT)
		return use_own_unit(cgroup, ctr);
	if (code != 0)
		return g_strdup_printf("systemd makes no scope: %s",
				       answer && *answer ? g_strchomp(answer)
							 : "it does not answer");
	cgroup->base_path = cgroup_of(monitor, &failed);
	g_autofree char *where = cgroup->base_path ? g_path_get_basename(cgroup->base_path) : NULL;
	if (!where || strcmp(where, cgroup->scope) != 0)
		return g_strdup_printf("the monitor is not in its scope '%s'", cgroup->scope);
	cgroup->name = g_strdup(PAYLOAD);
	cgroup->base_fd = cgroup_open(cgroup->base_path, &failed);
	return cgroup->base_fd < 0 ? g_strdup(failed->message) : NULL;
}

/* Before the cgroup is made. */
static bool write_record(const ContainerCgroup *cgroup, Container *ctr, GError **error)
{
	g_autofree char *path = g_build_filename(cgroup->base_path, cgroup->name, NULL);
	return record_replace(ctr->run_fd, RECORD, path, strlen(path), RECORD_SYNC_NONE, error);
}

bool container_cgroup_give(ContainerCgroup *cgroup, Container *ctr, Monitor *monitor,
			   GError **error)
{
	if (cgroup->asking) {
		g_autofree char *reason = finish_scope(cgroup, ctr, monitor_pid(monitor));
		if (reason)
			go_without(cgroup, reason);
		else
			(void)enable(cgroup);
	}
	if (cgroup->name && !write_record(cgroup, ctr, error))
		return false;
	return monitor_give_cgroup(monitor, cgroup->base_fd, cgroup->name, error);
}

/* The record of @id, if it is one that we could have written. */
static char *read_record(Engine *engine, const char *id)
{
	g_autofree char *name = g_strdup_printf("%s/" RECORD, id);
	g_autofree char *path =
		record_read(engine_run_containers_fd(engine), name, RECORD_MAX, NULL, NULL);
	g_autofree char *in_unit = g_strdup_printf("/skiff-%s", id);
	g_autofree char *in_scope = g_strdup_printf("/skiff-%s.scope/" PAYLOAD, id);
	if (!path || !cgroup_path_is_valid(path) ||
	    (!g_str_has_suffix(path, in_unit) && !g_str_has_suffix(path, in_scope)))
		return NULL;
	return g_steal_pointer(&path);
}

char *container_cgroup_path(Container *ctr)
{
	return container_is_live(ctr) ? read_record(ctr->engine, ctr->summary.id) : NULL;
}

void container_cgroup_remove(Engine *engine, const char *id)
{
	g_autofree char *path = read_record(engine, id);
	if (!path)
		return;
	g_autofree char *base_path = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	g_autoptr(GError) gone = NULL;
	autofd base = cgroup_open(base_path, &gone);
	if (base >= 0 && !cgroup_remove(base, name))
		log_warn("cannot remove the cgroup '%s': %s", path, g_strerror(errno));
	g_autofree char *record = g_strdup_printf("%s/" RECORD, id);
	(void)unlinkat(engine_run_containers_fd(engine), record, 0);
}
