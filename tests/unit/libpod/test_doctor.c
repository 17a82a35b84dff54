/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"

typedef struct {
	char *root;
	GPtrArray *findings;
	DoctorOptions options;
} Host;

static void set_up(Host *host, gconstpointer data)
{
	host->root = g_dir_make_tmp("skiff-doctor-XXXXXX", NULL);
	host->findings = g_ptr_array_new_with_free_func((GDestroyNotify)doctor_finding_free);
	host->options = (DoctorOptions){.root = host->root, .store = host->root};
}

static void tear_down(Host *host, gconstpointer data)
{
	g_autofree char *parent = g_path_get_dirname(host->root);
	g_autofree char *name = g_path_get_basename(host->root);
	int fd = openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(path_remove_tree(fd, name));
	close(fd);
	g_ptr_array_unref(host->findings);
	g_free(host->root);
}

/* A file of the host that is pretended. */
static void put(Host *host, const char *path, const char *text)
{
	g_autofree char *whole = g_strconcat(host->root, path, NULL);
	g_autofree char *directory = g_path_get_dirname(whole);
	g_assert_cmpint(g_mkdir_with_parents(directory, 0700), ==, 0);
	g_assert_true(g_file_set_contents(whole, text, -1, NULL));
}

/* The only finding. */
static const DoctorFinding *only(Host *host)
{
	g_assert_cmpuint(host->findings->len, ==, 1);
	return host->findings->pdata[0];
}

static void assert_only(Host *host, const char *name, DoctorStatus status, const char *message,
			const char *help)
{
	const DoctorFinding *finding = only(host);
	g_assert_cmpstr(finding->name, ==, name);
	g_assert_cmpint(finding->status, ==, status);
	g_assert_nonnull(strstr(finding->message, message));
	if (help)
		g_assert_nonnull(strstr(finding->help, help));
	else
		g_assert_null(finding->help);
	g_ptr_array_set_size(host->findings, 0);
}

static void test_userns(Host *host, gconstpointer data)
{
	g_autoptr(GError) denied = NULL, full = NULL;
	errno = EPERM;
	error_set_errno(&denied, "cannot create a user namespace");
	errno = ENOSPC;
	error_set_errno(&full, "cannot create a user namespace");
	doctor_explain_userns(&host->options, denied, host->findings);
	assert_only(host, "user namespaces", DOCTOR_FAIL, "cannot create a user namespace", NULL);

	put(host, "/proc/sys/user/max_user_namespaces", "0\n");
	doctor_explain_userns(&host->options, full, host->findings);
	assert_only(host, "user namespaces", DOCTOR_FAIL, "user.max_user_namespaces is 0",
		    "user.max_user_namespaces = 15000");
	put(host, "/proc/sys/user/max_user_namespaces", "7\n");
	doctor_explain_userns(&host->options, full, host->findings);
	assert_only(host, "user namespaces", DOCTOR_FAIL, "user.max_user_namespaces is 7",
		    "user.max_user_namespaces = 15000");

	put(host, "/proc/sys/kernel/unprivileged_userns_clone", "0\n");
	doctor_explain_userns(&host->options, denied, host->findings);
	assert_only(host, "user namespaces", DOCTOR_FAIL, "kernel.unprivileged_userns_clone",
		    "kernel.unprivileged_userns_clone = 1");
	put(host, "/proc/sys/kernel/unprivileged_userns_clone", "1\n");
	put(host, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	doctor_explain_userns(&host->options, denied, host->findings);
	assert_only(host, "user namespaces", DOCTOR_FAIL, "AppArmor", "userns,");
}

static void test_sysctls(Host *host, gconstpointer data)
{
	doctor_check_sysctls(&host->options, host->findings);
	assert_only(host, "limits", DOCTOR_OK, "high enough", NULL);
	static const char *const rows[][2] = {
		{"fs/inotify/max_user_instances", "fs.inotify.max_user_instances"},
		{"fs/inotify/max_user_watches", "fs.inotify.max_user_watches"},
		{"kernel/keys/maxkeys", "kernel.keys.maxkeys"},
		{"kernel/pid_max", "kernel.pid_max"},
		{"user/max_user_namespaces", "user.max_user_namespaces"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strconcat("/proc/sys/", rows[i][0], NULL);
		g_autofree char *message = g_strconcat(rows[i][1], " is 5: ", NULL);
		g_autofree char *help = g_strconcat("echo '", rows[i][1], " = ", NULL);
		put(host, path, "5\n");
		doctor_check_sysctls(&host->options, host->findings);
		assert_only(host, "limits", DOCTOR_WARN, message, help);
		put(host, path, "10000000\n");
	}
}

static void test_cgroup(Host *host, gconstpointer data)
{
	doctor_check_cgroup(&host->options, host->findings);
	assert_only(host, "cgroup", DOCTOR_WARN, "cgroup v2 is not mounted",
		    "systemd.unified_cgroup_hierarchy=1");
	put(host, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
	g_autofree char *user =
		g_strdup_printf("/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/"
				"cgroup.controllers",
				geteuid(), geteuid());
	if (geteuid() != 0) {
		doctor_check_cgroup(&host->options, host->findings);
		assert_only(host, "cgroup", DOCTOR_WARN, "nothing is delegated", "log in");
	}
	const char *path = geteuid() == 0 ? "/sys/fs/cgroup/cgroup.controllers" : user;
	put(host, path, "memory pids\n");
	doctor_check_cgroup(&host->options, host->findings);
	assert_only(host, "cgroup", DOCTOR_WARN, "not delegated: cpu cpuset io",
		    "Delegate=cpu cpuset io memory pids");
	put(host, path, "cpuset cpu io memory pids\n");
	doctor_check_cgroup(&host->options, host->findings);
	assert_only(host, "cgroup", DOCTOR_OK, "cpuset cpu io memory pids", NULL);
}

static void test_session(Host *host, gconstpointer data)
{
	g_autofree char *user = idmap_user_name(geteuid());
	g_autofree char *linger = g_strconcat("/var/lib/systemd/linger/", user, NULL);
	g_autofree char *manager = g_strdup_printf("/run/user/%u/systemd/private", geteuid());
	g_setenv("XDG_RUNTIME_DIR", host->root, TRUE);
	doctor_check_session(&host->options, host->findings);
	g_ptr_array_remove_index(host->findings, 0);
	assert_only(host, "session", DOCTOR_WARN, "no systemd", NULL);
	put(host, "/run/systemd/system/x", "");
	doctor_check_session(&host->options, host->findings);
	g_ptr_array_remove_index(host->findings, 0);
	assert_only(host, "session", DOCTOR_WARN, "no systemd manager", "loginctl enable-linger");
	put(host, manager, "");
	doctor_check_session(&host->options, host->findings);
	g_ptr_array_remove_index(host->findings, 0);
	assert_only(host, "session", DOCTOR_WARN, "end when the user logs out",
		    "loginctl enable-linger");
	put(host, linger, "");
	doctor_check_session(&host->options, host->findings);
	g_assert_cmpint(((DoctorFinding *)host->findings->pdata[0])->status, ==, DOCTOR_OK);
	g_ptr_array_remove_index(host->findings, 0);
	assert_only(host, "session", DOCTOR_OK, "lingers", NULL);

	g_unsetenv("XDG_RUNTIME_DIR");
	doctor_check_session(&host->options, host->findings);
	g_ptr_array_remove_index(host->findings, 1);
	assert_only(host, "runtime directory", DOCTOR_WARN, "XDG_RUNTIME_DIR is not set",
		    "export XDG_RUNTIME_DIR=/run/user/");
	g_setenv("XDG_RUNTIME_DIR", "/nowhere", TRUE);
	doctor_check_session(&host->options, host->findings);
	g_ptr_array_remove_index(host->findings, 1);
	assert_only(host, "runtime directory", DOCTOR_FAIL, "not ours", "export");
}

static void test_disk(Host *host, gconstpointer data)
{
	g_autofree char *absent = g_build_filename(host->root, "a", "b", NULL);
	host->options.store = absent;
	doctor_check_disk(&host->options, host->findings);
	const DoctorFinding *finding = only(host);
	g_assert_cmpstr(finding->name, ==, "disk");
	g_ptr_array_set_size(host->findings, 0);
	/* The kernel's own file systems have no room at all. */
	host->options.store = "/proc";
	doctor_check_disk(&host->options, host->findings);
	assert_only(host, "disk", DOCTOR_FAIL, "0B left for the store", "skiff system prune");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/doctor/userns", Host, NULL, set_up, test_userns, tear_down);
	g_test_add("/doctor/sysctls", Host, NULL, set_up, test_sysctls, tear_down);
	g_test_add("/doctor/cgroup", Host, NULL, set_up, test_cgroup, tear_down);
	g_test_add("/doctor/session", Host, NULL, set_up, test_session, tear_down);
	g_test_add("/doctor/disk", Host, NULL, set_up, test_disk, tear_down);
	return g_test_run();
}
