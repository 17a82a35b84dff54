/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/service.h"

#include <fcntl.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/runtime/launch.h"
#include "libpod/secret.h"

int service_describe(ContainerStart *start)
{
	const char *pid_text = g_getenv("LISTEN_PID"), *count_text = g_getenv("LISTEN_FDS");
	uint64_t pid = 0, count = 0;
	start->notify_socket = g_getenv("NOTIFY_SOCKET");
	if (start->notify_socket && !*start->notify_socket)
		start->notify_socket = NULL;
	/* $WATCHDOG_PID would be ours: without it the container takes it as its own. */
	const char *watchdog = start->notify_socket ? g_getenv("WATCHDOG_USEC") : NULL;
	uint64_t interval = 0;
	if (watchdog && units_parse_uint(watchdog, G_MAXINT64, &interval, NULL) && interval > 0)
		start->watchdog = watchdog;
	if (!pid_text || !count_text || !units_parse_uint(pid_text, G_MAXINT32, &pid, NULL) ||
	    (pid_t)pid != getpid() ||
	    !units_parse_uint(count_text, LAUNCH_PRESERVE_MAX, &count, NULL))
		return 0;
	for (int i = 0; i < (int)count; i++) {
		if (fd_set_cloexec(i + 3, true))
			continue;
		log_warn("socket %d of the service manager is missing", i + 3);
		return 0;
	}
	start->listen_fds = (int)count;
	start->listen_names = count > 0 ? g_getenv("LISTEN_FDNAMES") : NULL;
	return (int)count;
}

typedef struct {
	char *data;
	size_t size;
} Credential;

static void credential_free(void *data)
{
	Credential *credential = data;
	secret_wipe(credential->data, credential->size);
	g_free(credential);
}

/* Read the credential @name. *out NULL: there is none. */
static bool read_credential(int dir_fd, const char *name, GBytes **out, GError **error)
{
	*out = NULL;
	autofd fd = path_name_is_safe(name) ? path_open_state(dir_fd, name, O_RDONLY, 0) : -1;
	if (fd < 0)
		return true;
	Credential *credential = g_new0(Credential, 1);
	credential->data = fd_read_all(fd, SECRET_SIZE_MAX, &credential->size, error);
	if (credential->data && credential->size > 0) {
		*out = g_bytes_new_with_free_func(credential->data, credential->size,
						  credential_free, credential);
		return true;
	}
	bool empty = credential->data != NULL;
	credential_free(credential);
	if (empty)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "credential '%s': " SECRET_SIZE_PROBLEM, name);
	g_prefix_error(error, "credential '%s': ", name);
	return false;
}

bool service_take_credentials(ContainerSpec *spec, GPtrArray *out, GError **error)
{
	const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
	if (spec->secrets->len == 0 || !directory || *directory != '/')
		return true;
	autofd dir = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (guint i = 0; dir >= 0 && i < spec->secrets->len; i++) {
		SpecSecret *secret = spec->secrets->pdata[i];
		GBytes *bytes = NULL;
		if (!read_credential(dir, secret->name, &bytes, error))
			return false;
		secret->given = bytes != NULL;
		if (bytes)
			g_ptr_array_add(out, bytes);
	}
	return true;
}
