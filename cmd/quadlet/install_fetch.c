/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/install_fetch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/quadlet/unit_file.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "storage/fetch.h"

void install_fetched_clear(InstallFetched *fetched)
{
	for (guint i = 0; fetched->paths && i < fetched->paths->len; i++)
		(void)unlinkat(AT_FDCWD, fetched->paths->pdata[i], 0);
	if (fetched->directory)
		(void)unlinkat(AT_FDCWD, fetched->directory, AT_REMOVEDIR);
	g_clear_pointer(&fetched->paths, g_ptr_array_unref);
	g_clear_pointer(&fetched->directory, g_free);
}

bool install_fetch_is_address(const char *text)
{
	return strstr(text, "://") != NULL;
}

/* Behind a host's name: a port, then the path. "http://localhost:x@elsewhere/" has a password for
 * elsewhere there. */
static bool is_end_of_host(const char *at)
{
	if (*at == ':')
		at += 1 + strspn(at + 1, "0123456789");
	return *at == '/' || *at == '\0';
}

/* Nobody between us and the server may write our units. */
static bool check_scheme(const char *url, GError **error)
{
	static const char *const fine[] = {"https://", "http://localhost", "http://127.0.0.1",
					   "http://[::1]"};
	for (size_t i = 0; i < G_N_ELEMENTS(fine); i++) {
		size_t length = strlen(fine[i]);
		if (g_ascii_strncasecmp(url, fine[i], length) == 0 &&
		    (i == 0 || is_end_of_host(url + length) || !wall_stands("plain-hosts")))
			return true;
	}
	g_autofree char *shown = fetch_url_shown(url);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "'%s' cannot be installed from: the address must begin with https://",
			 shown);
}

/* The last part of the path: the file's name. */
static char *name_of(const char *url, GError **error)
{
	const char *path = strstr(url, "://") + 3;
	g_autofree char *plain = g_strndup(path, strcspn(path, "?#"));
	const char *slash = strrchr(plain, '/');
	g_autofree char *name = slash ? g_uri_unescape_string(slash + 1, "/") : NULL;
	g_autofree char *shown = fetch_url_shown(url);
	if (!name || !path_name_is_safe(name) || *name == '.')
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' names no file", shown);
	return g_steal_pointer(&name);
}

char *install_fetch(InstallFetched *fetched, const char *url, GError **error)
{
	int64_t mtime;
	g_autofree char *name = check_scheme(url, error) ? name_of(url, error) : NULL;
	if (!name)
		return NULL;
	if (!fetched->directory) {
		fetched->directory = g_dir_make_tmp("skiff-quadlet-XXXXXX", NULL);
		fetched->paths = g_ptr_array_new_with_free_func(g_free);
	}
	if (!fetched->directory)
		return error_set_errno_null(error, "cannot make a directory for what is fetched");
	g_autofree char *path = g_build_filename(fetched->directory, name, NULL);
	autofd fd =
		openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno_null(error, "cannot keep '%s'", name);
	g_ptr_array_add(fetched->paths, g_strdup(path));
	if (!fetch_download_limited(url, fd, UNIT_FILE_MAX, &mtime, error) || fchmod(fd, 0644) < 0)
		return NULL;
	return g_steal_pointer(&path);
}
