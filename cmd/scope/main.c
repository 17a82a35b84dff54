/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-scope: asks systemd for the scope of one container, or of one network's home.
 *
 *	skiff-scope user|system UNIT SLICE DESCRIPTION [OWN-UNIT]
 *
 * It joins the scope itself until it ends: one whose process ended before it was moved would stay
 * for ever, because systemd waits to see the last process go. What stops the unit that we are in
 * must not end us before that.
 *
 * It is a program of its own because the others are static and cannot load libsystemd, and because
 * inside a user namespace some buses would not know us. It connects, then reads the pid of the
 * process from its stdin, so that connecting overlaps with the making of a monitor; has systemd
 * start the scope with that process and waits until it has. If OWN-UNIT, in which the command runs,
 * was delegated, no scope is needed: systemd 252 marks the cgroups of system units only.
 *
 * Exit codes: 0 the process is in the scope; 3 there is nobody to ask; 4 OWN-UNIT is delegated; 1
 * anything else, with the reason on stdout.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_US     10000000 /* for the job */
#define EXISTS_PAUSE_MS 10       /* a scope of the last run may still be going */

#define EXIT_NO_BUS    3
#define EXIT_DELEGATED 4

#define MANAGER "org.freedesktop.systemd1"
#define OBJECT  "/org/freedesktop/systemd1"
#define METHODS "org.freedesktop.systemd1.Manager"

typedef struct {
	const char *unit, *slice, *description;
	uint32_t pid;
	char result[32]; /* of the job; empty until it is done */
} Scope;

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* systemd's own socket: one hop less than the bus, and there without a bus. */
static sd_bus *connect_direct(const char *directory)
{
	char address[512];
	sd_bus *bus = NULL;
	int size = snprintf(address, sizeof address, "unix:path=%s/systemd/private", directory);
	if (size >= (int)sizeof address || strpbrk(directory, ",;%=") || sd_bus_new(&bus) < 0)
		return NULL;
	if (sd_bus_set_address(bus, address) >= 0 && sd_bus_start(bus) >= 0)
		return bus;
	return sd_bus_flush_close_unref(bus);
}

/* The bus proper tells of jobs only to those who ask for it. */
static sd_bus *connect_bus(bool user)
{
	sd_bus *bus = NULL;
	if ((user ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus)) < 0)
		return NULL;
	if (sd_bus_call_method(bus, MANAGER, OBJECT, METHODS, "Subscribe", NULL, NULL, NULL) >= 0)
		return bus;
	return sd_bus_flush_close_unref(bus);
}

/* A login without XDG_RUNTIME_DIR (su, cron) may have a manager all the same. */
static sd_bus *connect_manager(bool user)
{
	char usual[32];
	snprintf(usual, sizeof usual, "/run/user/%u", (unsigned)geteuid());
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	sd_bus *bus = NULL;
	if (user && runtime && *runtime == '/')
		bus = connect_direct(runtime);
	if (!bus)
		bus = connect_direct(user ? usual : "/run");
	return bus ? bus : connect_bus(user);
}

/* JobRemoved(id, job, unit, result). */
static int on_job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
	Scope *scope = data;
	uint32_t id;
	const char *job, *unit, *result;
	int code = sd_bus_message_read(message, "uoss", &id, &job, &unit, &result);
	if (code >= 0 && strcmp(unit, scope->unit) == 0)
		snprintf(scope->result, sizeof scope->result, "%s", result);
	return code < 0 ? code : 0;
}

/* StartTransientUnit(name, mode, properties, aux). */
static int start_unit(sd_bus *bus, const Scope *scope, sd_bus_error *error)
{
	sd_bus_message *call = NULL;
	int code = sd_bus_message_new_method_call(bus, &call, MANAGER, OBJECT, METHODS,
						  "StartTransientUnit");
	if (code >= 0)
		code = sd_bus_message_append(call, "ssa(sv)a(sa(sv))", scope->unit, "fail", 7, /**/
					     "Description", "s", scope->description,           /**/
					     "Slice", "s", scope->slice,                       /**/
					     "Delegate", "b", 1,                               /**/
					     "PIDs", "au", 2, scope->pid, (uint32_t)getpid(),  /**/
					     "TasksMax", "t",
					     UINT64_MAX, /* the payload has its own */
					     "CollectMode", "s", "inactive-or-failed", /**/
					     "DefaultDependencies", "b", 0,            /**/
					     0);
	if (code >= 0)
		code = sd_bus_call(bus, call, PATIENCE_US, error, NULL);
	sd_bus_message_unref(call);
	return code;
}

/* As start_unit(), while the scope of the container's last run is on its way out. */
static bool start_scope(sd_bus *bus, const Scope *scope, uint64_t deadline)
{
	for (;;) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		int code = start_unit(bus, scope, &error);
		bool exists = sd_bus_error_has_name(&error, MANAGER ".UnitExists");
		if (code < 0 && (!exists || now_us() > deadline))
			printf("%s\n", error.message ? error.message : strerror(-code));
		sd_bus_error_free(&error);
		if (code >= 0)
			return true;
		if (!exists || now_us() > deadline)
			return false;
		usleep(EXISTS_PAUSE_MS * 1000);
	}
}

/* Until the job is done. */
static bool wait_job(sd_bus *bus, const Scope *scope, uint64_t deadline)
{
	while (!*scope->result) {
		int code = sd_bus_process(bus, NULL);
		uint64_t now = now_us();
		if (code == 0 && now < deadline)
			code = sd_bus_wait(bus, deadline - now);
		else if (code == 0)
			code = -ETIMEDOUT;
		if (code < 0 && code != -EINTR) {
			printf("%s\n", strerror(-code));
			return false;
		}
	}
	if (strcmp(scope->result, "done") == 0)
		return true;
	printf("the job ended with '%s'\n", scope->result);
	return false;
}

/* Is this service or scope marked Delegate=? One that does not exist is not. */
static bool is_delegated(sd_bus *bus, const char *unit)
{
	const char *suffix = strrchr(unit, '.');
	const char *interface = suffix && strcmp(suffix, ".service") == 0
					? "org.freedesktop.systemd1.Service"
					: "org.freedesktop.systemd1.Scope";
	char *path = NULL;
	int delegated = 0;
	if (sd_bus_path_encode(OBJECT "/unit", unit, &path) >= 0)
		(void)sd_bus_get_property_trivial(bus, MANAGER, path, interface, "Delegate", NULL,
						  'b', &delegated);
	free(path);
	return delegated;
}

/* The process' pid; 0 if there will be none. */
static uint32_t read_pid(void)
{
	char line[16];
	if (!fgets(line, sizeof line, stdin))
		return 0;
	char *end = NULL;
	unsigned long pid = strtoul(line, &end, 10);
	return *end == '\n' && pid <= INT32_MAX ? (uint32_t)pid : 0;
}

int main(int argc, char **argv)
{
	if (argc != 5 && argc != 6) {
		fprintf(stderr, "usage: skiff-scope user|system UNIT SLICE DESCRIPTION "
				"[OWN-UNIT]\n");
		return 1;
	}
	signal(SIGTERM, SIG_IGN);
	Scope scope = {.unit = argv[2], .slice = argv[3], .description = argv[4]};
	sd_bus *bus = connect_manager(strcmp(argv[1], "user") == 0);
	if (!bus)
		return EXIT_NO_BUS;
	if (argc == 6 && is_delegated(bus, argv[5])) {
		sd_bus_flush_close_unref(bus);
		return EXIT_DELEGATED;
	}
	bool ok = sd_bus_match_signal(bus, NULL, NULL, OBJECT, METHODS, "JobRemoved",
				      on_job_removed, &scope) >= 0;
	scope.pid = ok ? read_pid() : 0;
	uint64_t deadline = now_us() + PATIENCE_US;
	ok = scope.pid > 0 && start_scope(bus, &scope, deadline) && wait_job(bus, &scope, deadline);
	sd_bus_flush_close_unref(bus);
	return ok ? 0 : 1;
}
