/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"

/* Which sysctls a container may set, and the namespace that must be its own. */
static const struct {
	const char *key;
	bool prefix;
	OciNamespaceKind kind;
} allowed_sysctls[] = {
	{"fs/mqueue/", true, OCI_NS_IPC},     {"kernel/msgmax", false, OCI_NS_IPC},
	{"kernel/msgmnb", false, OCI_NS_IPC}, {"kernel/msgmni", false, OCI_NS_IPC},
	{"kernel/sem", false, OCI_NS_IPC},    {"kernel/shm_rmid_forced", false, OCI_NS_IPC},
	{"kernel/shmall", false, OCI_NS_IPC}, {"kernel/shmmax", false, OCI_NS_IPC},
	{"kernel/shmmni", false, OCI_NS_IPC}, {"net/", true, OCI_NS_NETWORK},
};

static const struct {
	const char *name;
	int resource;
} rlimits[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
};

int limits_rlimit_parse(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rlimits); i++) {
		if (strcmp(name, rlimits[i].name) == 0)
			return rlimits[i].resource;
	}
	return -1;
}

const char *limits_rlimit_name(int resource)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rlimits); i++) {
		if (resource == rlimits[i].resource)
			return rlimits[i].name;
	}
	return NULL;
}

/*
 * As sysctl(8) reads it: the first separator decides, and behind dots a slash stands for a dot in a
 * name ("net.ipv4.conf.eth0/100.rp_filter").
 */
char *limits_sysctl_path(const char *key)
{
	size_t first = strcspn(key, "./");
	bool dots = key[first] == '.';
	char *path = g_strdup(key);
	for (char *c = path; *c; c++) {
		if (!g_ascii_isalnum(*c) && !strchr("_-./", *c)) {
			g_free(path);
			return NULL;
		}
		if (dots && (*c == '.' || *c == '/'))
			*c = *c == '.' ? '/' : '.';
	}
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	bool safe = g_strv_length(names) >= 2;
	for (char **name = names; *name && safe; name++)
		safe = path_name_is_safe(*name);
	if (!safe)
		g_clear_pointer(&path, g_free);
	return path;
}

/* One key and value against the list. */
static bool check_sysctl(const OciConfig *config, const char *key, const char *value,
			 GError **error)
{
	g_autofree char *path = limits_sysctl_path(key);
	if (!path)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid sysctl '%s'", key);
	for (const char *c = value; *c; c++) {
		if (g_ascii_iscntrl(*c) && *c != '\t')
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid value for sysctl '%s'", key);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(allowed_sysctls); i++) {
		if (allowed_sysctls[i].prefix ? !g_str_has_prefix(path, allowed_sysctls[i].key)
					      : strcmp(path, allowed_sysctls[i].key) != 0)
			continue;
		if (config->namespaces[allowed_sysctls[i].kind].mode == OCI_NS_NEW ||
		    !wall_stands("own-sysctls"))
			return true;
		return error_set(error, ENGINE_ERROR_INVALID,
				 "sysctl '%s' is not allowed, since the container shares that "
				 "namespace with the host or another container",
				 key);
	}
	return !wall_stands("sysctl-list") ||
	       error_set(error, ENGINE_ERROR_INVALID, "sysctl '%s' is not allowed", key);
}

bool limits_check_sysctls(const OciConfig *config, GError **error)
{
	if (!config->sysctl)
		return true;
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, config->sysctl);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		if (!check_sysctl(config, key, value, error))
			return false;
	}
	return true;
}

int limits_apply_sysctls(const OciConfig *config, int proc_fd, SyncReport *report)
{
	if (!config->sysctl)
		return 0;
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, config->sysctl);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		g_autofree char *path = limits_sysctl_path(key);
		g_autofree char *file = g_strconcat("sys/", path ? path : "", NULL);
		autofd fd = path_open_state(proc_fd, file, O_WRONLY, 0);
		if (fd < 0 || !fd_write_all(fd, value, strlen(value)))
			return sync_subject(report, key, -errno);
	}
	return 0;
}

int limits_apply_rlimits(const OciConfig *config, SyncReport *report)
{
	for (guint i = 0; i < config->rlimits->len; i++) {
		const OciRlimit *limit = &g_array_index(config->rlimits, OciRlimit, i);
		struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
		if (setrlimit((__rlimit_resource_t)limit->resource, &value) < 0)
			return sync_subject(report, limits_rlimit_name(limit->resource), -errno);
	}
	return 0;
}

int limits_apply_oom_score(const OciConfig *config, int proc_fd, pid_t pid)
{
	if (!config->oom_score_adj_set)
		return 0;
	char text[16], path[32] = "self/oom_score_adj";
	snprintf(text, sizeof text, "%d", config->oom_score_adj);
	if (pid > 0)
		snprintf(path, sizeof path, "%d/oom_score_adj", (int)pid);
	/* "self" is a link the kernel made: followed here and nowhere else. */
	autofd fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || !fd_write_all(fd, text, strlen(text)))
		return -errno;
	return 0;
}
