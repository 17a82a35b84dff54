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
#include "libpod/base/wall.h"
#include "libpod/container_priv.h"
#include "libpod/runtime/cgroup.h"
#include "libpod/systemd_mode.h"

#define RECORD        "cgroup"
#define RECORD_MAX    4096
#define ANSWER_MAX    4096
#define SCOPE_PROGRAM "skiff-scope"
#define SCOPE_NO_BUS  3 /* its exit codes: nobody to ask */
#define SCOPE_IN_UNIT 4 /* the unit that we are in is delegated */
#define PAYLOAD       "payload"
#define INFRA_LEAF    "infra" /* of the process of an infra container in its pod's cgroup */
#define USER_DELEGATE "/etc/systemd/system/user@.service.d"
#define CPUS_PERIOD   100000 /* of --cpus, us */
#define DELEGATE_ALL  "cpu cpuset io memory pids"

#define NO_UNIFIED                                                                                 \
	"this host uses cgroup v1, limits need cgroup v2 alone: boot it with "                     \
	"systemd.unified_cgroup_hierarchy=1"
#define NO_UNIFIED_OWN                                                                             \
	"this host uses cgroup v1 and has no cgroup v2 that is ours to divide: boot it with "      \
	"systemd.unified_cgroup_hierarchy=1"
#define NO_CGROUP "the container has no cgroup of its own; they hold from its next start"

/* What is enabled without being asked for: with it memory and OOM kills are counted. */
static const char *const free_controllers[] = {"memory", NULL};
/* For a pod's cgroup: members may ask for any of them later. */
static const char *const all_controllers[] = {"cpu", "cpuset", "io", "memory", "pids", NULL};

/* Which option a limit was typed with. */
static const struct {
	const char *option, *controller;
	size_t offset; /* of a number in OciResources */
} limit_options[] = {
	{"--memory", "memory", offsetof(OciResources, memory)},
	{"--memory-swap", "memory", offsetof(OciResources, memory_swap)},
	{"--memory-reservation", "memory", offsetof(OciResources, memory_reservation)},
	{"--cpu-shares", "cpu", offsetof(OciResources, cpu_shares)},
	{"--cpu-quota", "cpu", offsetof(OciResources, cpu_quota)},
	{"--cpu-period", "cpu", offsetof(OciResources, cpu_period)},
	{"--blkio-weight", "io", offsetof(OciResources, blkio_weight)},
};

static const char *const device_options[] = {
	[OCI_READ_BPS] = "--device-read-bps",          [OCI_WRITE_BPS] = "--device-write-bps",
	[OCI_READ_IOPS] = "--device-read-iops",        [OCI_WRITE_IOPS] = "--device-write-iops",
	[OCI_DEVICE_WEIGHT] = "--blkio-weight-device",
};

void container_cgroup_clear(ContainerCgroup *cgroup)
{
	fd_close(&cgroup->base_fd);
	fd_close(&cgroup->asking_fd);
	g_clear_pointer(&cgroup->base_path, g_free);
	g_clear_pointer(&cgroup->name, g_free);
	g_clear_pointer(&cgroup->scope, g_free);
	g_clear_pointer(&cgroup->pod_path, g_free);
	g_clear_pointer(&cgroup->without, g_strfreev);
	g_clear_pointer(&cgroup->lacking, g_free);
	/* Its stdin has ended, so it does, too. */
	if (cgroup->asking > 0)
		(void)spawn_wait(cgroup->asking, NULL);
	cgroup->asking = 0;
}

/* The two numbers that --cpus stands for, and the swap that --memory brings along. */
static bool is_implied(const OciResources *r, const char *option)
{
	bool cpus = r->cpu_quota > 0 && r->cpu_period == CPUS_PERIOD;
	return (cpus && strcmp(option, "--cpu-period") == 0) ||
	       (r->memory > 0 && r->memory_swap == 2 * r->memory &&
		strcmp(option, "--memory-swap") == 0);
}

static void add_if(GPtrArray *names, bool set, const char *option)
{
	if (set)
		g_ptr_array_add(names, (char *)option);
}

/* The options that ask for a limit by @controller, NULL: by any. Borrowed strings. */
static GPtrArray *limit_names(const ContainerSpec *spec, const char *controller)
{
	const OciResources *r = &spec->resources;
	GPtrArray *names = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(limit_options); i++) {
		const char *option = limit_options[i].option;
		const int64_t *value = (const void *)((const char *)r + limit_options[i].offset);
		bool cpus = r->cpu_quota > 0 && r->cpu_period == CPUS_PERIOD &&
			    strcmp(option, "--cpu-quota") == 0;
		bool ours = !controller || strcmp(controller, limit_options[i].controller) == 0;
		add_if(names, ours && *value > 0 && !is_implied(r, option),
		       cpus ? "--cpus" : option);
	}
	bool cpuset = !controller || strcmp(controller, "cpuset") == 0;
	bool io = !controller || strcmp(controller, "io") == 0;
	bool pids = !controller || strcmp(controller, "pids") == 0;
	add_if(names, cpuset && r->cpus, "--cpuset-cpus");
	add_if(names, cpuset && r->mems, "--cpuset-mems");
	for (size_t i = 0; i < OCI_DEVICE_LIMIT_COUNT; i++)
		add_if(names, io && r->devices[i], device_options[i]);
	add_if(names, pids && spec->pids_limit_set && spec->pids_limit > 0, "--pids-limit");
	g_autofree char *prefix = controller ? g_strconcat(controller, ".", NULL) : NULL;
	GHashTableIter iter;
	gpointer file;
	bool conf = false;
	if (r->unified)
		g_hash_table_iter_init(&iter, r->unified);
	while (r->unified && g_hash_table_iter_next(&iter, &file, NULL))
		conf |= !prefix || g_str_has_prefix(file, prefix);
	add_if(names, conf, "--cgroup-conf");
	if (!controller) {
		add_if(names, spec->cgroups == SPEC_CGROUPS_ENABLED, "--cgroups=enabled");
		add_if(names, spec->cgroups == SPEC_CGROUPS_NO_CONMON, "--cgroups=no-conmon");
		add_if(names, spec->cgroups == SPEC_CGROUPS_SPLIT, "--cgroups=split");
		add_if(names, spec->cgroup_parent != NULL, "--cgroup-parent");
	}
	return names;
}

bool container_cgroup_is_asked(const ContainerSpec *spec)
{
	g_autoptr(GPtrArray) names = limit_names(spec, NULL);
	return names->len > 0;
}

/* Is it one that other containers' are made in? */
static bool holds_pod(const ContainerCgroup *cgroup)
{
	return cgroup->spec->infra && container_cgroup_is_asked(cgroup->spec);
}

/* One line for the options that cannot be had; none: only a trace. */
static void tell(GPtrArray *options, const char *reason)
{
	guint count = options->len;
	g_ptr_array_add(options, NULL);
	g_autofree char *joined = g_strjoinv(", ", (char **)options->pdata);
	if (count > 0)
		log_warn("%s %s ignored: %s", joined, count > 1 ? "are" : "is", reason);
	else
		log_info("no cgroup: %s", reason);
}

/* No cgroup: tell those who asked for something why. */
static void go_without(ContainerCgroup *cgroup, const char *reason)
{
	g_free(cgroup->lacking);
	cgroup->lacking = g_strdup(reason);
	g_autoptr(GPtrArray) options = limit_names(cgroup->spec, NULL);
	if (cgroup->pod_path)
		log_warn("the limits of pod %s do not hold for this container: %s",
			 cgroup->spec->pod_name, reason);
	else
		tell(options, reason);
	g_clear_pointer(&cgroup->pod_path, g_free);
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

/* How to get controllers that the base lacks; @list names them: "'io', 'cpuset'". */
static char *explain_controllers(const ContainerCgroup *cgroup, const char *list, bool many,
				 bool host_has)
{
	const char *the = many ? "controllers" : "controller";
	const char *is = many ? "are" : "is";
	if (!host_has)
		return g_strdup_printf("this host has no %s %s on cgroup v2: %s on v1 or %s "
				       "disabled when the host was booted",
				       the, list, many ? "they are" : "it is",
				       many ? "were" : "was");
	if (!cgroup->scope)
		return g_strdup_printf("the %s %s %s not delegated to the unit '%s': add %s to the "
				       "unit's Delegate=",
				       the, list, is, cgroup->base_path, many ? "them" : "it");
	return g_strdup_printf("the %s %s %s not delegated to you: sudo mkdir -p " USER_DELEGATE
			       " && printf '[Service]\\nDelegate=" DELEGATE_ALL
			       "\\n' | sudo tee " USER_DELEGATE
			       "/delegate.conf && sudo systemctl daemon-reload, then log in again",
			       the, list, is);
}

/* One line about the missing controllers for which something was typed: those that the host has, or
 * those that it has not. */
static void tell_missing(const ContainerCgroup *cgroup, bool host_has)
{
	autofd top = cgroup_open("/", NULL);
	g_autoptr(GPtrArray) options = g_ptr_array_new();
	g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; cgroup->without && cgroup->without[i]; i++) {
		const char *controller = cgroup->without[i];
		g_autoptr(GPtrArray) names = limit_names(cgroup->spec, controller);
		if (names->len == 0 || (top >= 0 && cgroup_has(top, controller)) != host_has)
			continue;
		g_ptr_array_add(missing, g_strdup_printf("'%s'", controller));
		for (guint n = 0; n < names->len; n++)
			g_ptr_array_add(options, names->pdata[n]);
	}
	bool many = missing->len > 1;
	if (missing->len == 0)
		return;
	g_ptr_array_add(missing, NULL);
	g_autofree char *list = g_strjoinv(", ", (char **)missing->pdata);
	g_autofree char *reason = explain_controllers(cgroup, list, many, host_has);
	tell(options, reason);
}

/*
 * Let children of the base have what we set on them. What the base lacks is told and left out; the
 * cgroup is of use without it, too.
 */
static bool enable(ContainerCgroup *cgroup)
{
	g_auto(OciResources) wanted = {.pids = 1}; /* there is a default */
	resources_merge(&wanted, &cgroup->spec->resources);
	g_auto(GStrv) controllers = resources_controllers(&wanted);
	for (size_t i = 0; controllers[i]; i++) {
		g_autoptr(GError) failed = NULL;
		if (cgroup_enable(cgroup->base_fd, controllers[i], &failed))
			continue;
		if (!error_matches(failed, ENGINE_ERROR_UNSUPPORTED)) {
			go_without(cgroup, failed->message);
			return false;
		}
		guint count = cgroup->without ? g_strv_length(cgroup->without) : 0;
		cgroup->without = g_renew(char *, cgroup->without, count + 2);
		cgroup->without[count] = g_strdup(controllers[i]);
		cgroup->without[count + 1] = NULL;
	}
	tell_missing(cgroup, true);
	tell_missing(cgroup, false);
	const char *const *more = holds_pod(cgroup) ? all_controllers : free_controllers;
	for (size_t i = 0; more[i]; i++) {
		if (cgroup_has(cgroup->base_fd, more[i]))
			(void)cgroup_enable(cgroup->base_fd, more[i], NULL);
	}
	return true;
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
	g_autofree char *slice = cgroup->spec->cgroup_parent
					 ? g_path_get_basename(cgroup->spec->cgroup_parent)
					 : NULL;
	/* Who names a slice does not want to be in our own unit; nor is a pod's member there. */
	g_autofree char *unit = user && !slice && !cgroup->pod_path ? find_own_unit(own) : NULL;
	const char *const argv[] = {
		SCOPE_PROGRAM, user ? "user" : "system",
		cgroup->scope, slice ? slice : user ? "user.slice" : "machine.slice",
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

/* --cgroups=split: below the cgroup that we were started in, whoever marked it. */
static char *find_split_base(const char *own)
{
	g_autofree char *path = strip_supervisor(own);
	autofd fd = cgroup_open(path, NULL);
	struct stat st;
	bool ours = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid();
	return ours && strcmp(path, "/") != 0 ? g_steal_pointer(&path) : NULL;
}

/* --cgroup-parent without systemd: a path below the top, made if it is not there. */
static char *make_parent(const ContainerSpec *spec)
{
	const char *parent = spec->cgroup_parent;
	g_auto(OciResources) wanted = {.pids = 1};
	resources_merge(&wanted, &spec->resources);
	g_auto(GStrv) controllers = resources_controllers(&wanted);
	autofd top = cgroup_open("/", NULL);
	autofd made =
		top < 0 ? -1
			: cgroup_make_below(top, parent, (const char *const *)controllers, NULL);
	return made < 0 ? NULL : g_strconcat(*parent == '/' ? "" : "/", parent, NULL);
}

/* May processes of ours be moved from one cgroup to another? The kernel asks for the right to
 * write to the nearest one above both. */
static bool can_move(const char *own, const char *to)
{
	size_t common = 0, i = 0;
	for (; own[i] && own[i] == to[i]; i++)
		if (own[i] == '/')
			common = i;
	if ((own[i] == '\0' || own[i] == '/') && (to[i] == '\0' || to[i] == '/'))
		common = i;
	g_autofree char *above = common > 0 ? g_strndup(own, common) : g_strdup("/");
	autofd fd = cgroup_open(above, NULL);
	return fd >= 0 && faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

/* Where we can make a cgroup without asking anybody; NULL: nowhere. */
static char *find_base(const ContainerCgroup *cgroup, const char *own)
{
	const ContainerSpec *spec = cgroup->spec;
	if (cgroup->pod_path)
		return can_move(own, cgroup->pod_path) ? g_strdup(cgroup->pod_path) : NULL;
	if (spec->cgroups == SPEC_CGROUPS_SPLIT)
		return find_split_base(own);
	if (!spec->cgroup_parent)
		return find_own_base(own);
	return has_systemd() || geteuid() != 0 ? NULL : make_parent(spec);
}

/* The record of @id, if it is one that we could have written. */
static char *read_record(Engine *engine, const char *id)
{
	g_autofree char *name = g_strdup_printf("%s/" RECORD, id);
	g_autofree char *path =
		record_read(engine_run_containers_fd(engine), name, RECORD_MAX, NULL, NULL);
	g_autofree char *in_unit = g_strdup_printf("/skiff-%s", id);
	g_autofree char *in_scope = g_strdup_printf("/skiff-%s.scope/" PAYLOAD, id);
	if (!path || !wall_stands("own-cgroup-record"))
		return g_steal_pointer(&path);
	if (!cgroup_path_is_valid(path) ||
	    (!g_str_has_suffix(path, in_unit) && !g_str_has_suffix(path, in_scope)))
		return NULL;
	return g_steal_pointer(&path);
}

void container_cgroup_plan(Container *ctr, const ContainerSpec *spec, ContainerCgroup *out)
{
	*out = CONTAINER_CGROUP_NONE;
	out->spec = spec;
	container_cgroup_remove(ctr->engine, ctr->summary.id); /* of a run that was killed */
	if (spec->cgroups == SPEC_CGROUPS_DISABLED) {
		go_without(out, "there is no cgroup with --cgroups=disabled");
		return;
	}
	/* A systemd inside does with a version 2 that has no controllers, beside a version 1. */
	if (!cgroup_is_unified() && !spec->systemd) {
		go_without(out, NO_UNIFIED);
		return;
	}
	g_autoptr(GError) failed = NULL;
	g_autofree char *own = cgroup_of(0, &failed);
	if (!own) {
		go_without(out, failed->message);
		return;
	}
	/* Without a record the infra container has none, which was said when it was started. */
	if (spec->pod_cgroup && !spec->cgroup_parent)
		out->pod_path = read_record(ctr->engine, spec->pod_cgroup);
	out->base_path = find_base(out, own);
	if (out->base_path) {
		out->base_fd = cgroup_open(out->base_path, &failed);
		out->name = g_strconcat("skiff-", ctr->summary.id, NULL);
		if (out->base_fd < 0)
			go_without(out, failed->message);
		else
			(void)enable(out);
	} else if (out->pod_path && has_systemd()) {
		ask_for_scope(ctr, out, own);
	} else if (out->pod_path) {
		go_without(out, "the pod's cgroup cannot be reached from our own");
	} else if (spec->cgroups == SPEC_CGROUPS_SPLIT) {
		go_without(out, "we were not started in a cgroup of our own: use it in a unit with "
				"Delegate=yes");
	} else if ((container_cgroup_is_asked(spec) || spec->systemd) && has_systemd()) {
		ask_for_scope(ctr, out, own);
	} else if (!cgroup_is_unified()) {
		go_without(out, NO_UNIFIED_OWN);
	} else {
		go_without(out, "this host has no systemd, and our cgroup is not ours to divide");
	}
}

bool container_cgroup_check(const ContainerSpec *spec, GError **error)
{
	const char *parent = spec->cgroup_parent;
	if (!parent || g_str_has_suffix(parent, ".slice") || !cgroup_is_unified() || !has_systemd())
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "did not receive systemd slice as cgroup parent when using systemd to "
			 "manage cgroups: invalid argument");
}

bool container_cgroup_check_systemd(const ContainerCgroup *cgroup, GError **error)
{
	const ContainerSpec *spec = cgroup->spec;
	bool foreign = spec && !systemd_mode_has_namespace(spec);
	const char *reason = foreign ? "--cgroupns makes it share another one's" : cgroup->lacking;
	if (!spec || !spec->systemd || (container_cgroup_is_planned(cgroup) && !foreign))
		return true;
	if (spec->systemd_asked == SPEC_SYSTEMD_ALWAYS)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "systemd in a container needs a cgroup of its own: %s", reason);
	log_warn("should it be a systemd, it will not start without a cgroup of its own: %s",
		 reason);
	return true;
}

bool container_cgroup_is_planned(const ContainerCgroup *cgroup)
{
	return cgroup->name || cgroup->scope;
}

void container_cgroup_describe(const ContainerCgroup *cgroup, OciConfig *config)
{
	if (!container_cgroup_is_planned(cgroup)) {
		resources_clear(&config->resources);
		return;
	}
	for (size_t i = 0; cgroup->without && cgroup->without[i]; i++)
		resources_drop(&config->resources, cgroup->without[i]);
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

/* Does a manager or its bus listen there? */
static bool is_managed(const char *runtime)
{
	g_autofree char *direct = g_build_filename(runtime, "systemd/private", NULL);
	g_autofree char *bus = g_build_filename(runtime, "bus", NULL);
	return access(direct, F_OK) == 0 || access(bus, F_OK) == 0;
}

char *container_cgroup_manager(Engine *engine)
{
	const char *runtime = g_getenv("XDG_RUNTIME_DIR");
	if (!has_systemd())
		return NULL;
	if (!engine_is_rootless(engine))
		return g_strdup(MONITOR_MANAGER_SYSTEM);
	if (runtime && *runtime == '/' && is_managed(runtime))
		return g_strdup(runtime);
	/* A login by su or cron. */
	g_autofree char *usual = g_strdup_printf("/run/user/%u", (unsigned)getuid());
	return is_managed(usual) ? g_steal_pointer(&usual) : NULL;
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
	if (cgroup->pod_path) {
		g_free(cgroup->name);
		g_free(cgroup->base_path);
		cgroup->name = g_strconcat("skiff-", ctr->summary.id, NULL);
		cgroup->base_path = g_strdup(cgroup->pod_path); /* go_without() looks at it */
	}
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
		if (!container_cgroup_check_systemd(cgroup, error))
			return false;
	}
	if (cgroup->name && !write_record(cgroup, ctr, error))
		return false;
	return monitor_give_cgroup(monitor, cgroup->base_fd, cgroup->name,
				   holds_pod(cgroup) ? INFRA_LEAF : NULL,
				   (const char *const *)cgroup->without, error);
}

char *container_cgroup_path(Container *ctr)
{
	return container_is_live(ctr) ? read_record(ctr->engine, ctr->summary.id) : NULL;
}

bool container_cgroup_extend(Container *ctr, const ContainerSpec *asked, OciResources *changes,
			     GError **error)
{
	g_auto(ContainerCgroup) cgroup = CONTAINER_CGROUP_NONE;
	g_autofree char *path = container_cgroup_path(ctr);
	cgroup.spec = asked;
	if (!path) {
		g_autoptr(GPtrArray) options = limit_names(asked, NULL);
		tell(options, cgroup_is_unified() ? NO_CGROUP : NO_UNIFIED);
		resources_clear(changes);
		return true;
	}
	cgroup.base_path = g_path_get_dirname(path);
	if (g_str_has_suffix(cgroup.base_path, ".scope"))
		cgroup.scope = g_path_get_basename(cgroup.base_path);
	cgroup.base_fd = cgroup_open(cgroup.base_path, error);
	if (cgroup.base_fd < 0)
		return false;
	if (!enable(&cgroup))
		resources_clear(changes);
	for (size_t i = 0; cgroup.without && cgroup.without[i]; i++)
		resources_drop(changes, cgroup.without[i]);
	return true;
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
