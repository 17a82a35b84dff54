/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs.d: finding and reading certificates. Files of the user and the administrator, opened by
 * path.
 */
#include "storage/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"

#define CERT_MAX_SIZE (1u << 20)

/* The directory for @host in the first certs.d that has one; -1 if none has. */
static int find_directory(const char *host, char **out_path)
{
	g_autofree char *own =
		g_build_filename(g_get_user_config_dir(), "containers/certs.d", NULL);
	const char *const roots[] = {own, "/etc/containers/certs.d", "/etc/docker/certs.d"};
	if (!path_name_is_safe(host))
		return -1;
	for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
		g_autofree char *path = g_build_filename(roots[i], host, NULL);
		int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			*out_path = g_steal_pointer(&path);
			return fd;
		}
	}
	return -1;
}

/* All *.crt of a directory count together: the file joins those read before. */
static bool add_authority(HttpTls *tls, int dir, const char *path, const char *name, GError **error)
{
	autofd fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	g_autofree char *pem = fd < 0 ? NULL : fd_read_all(fd, CERT_MAX_SIZE, NULL, error);
	if (fd < 0)
		return error_set_errno(error, "cannot open '%s/%s'", path, name);
	if (!pem)
		return false;
	if (!strstr(pem, "-----BEGIN "))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s/%s' holds no PEM certificate",
				 path, name);
	char *joined = g_strconcat(tls->ca_pem ? tls->ca_pem : "", pem, "\n", NULL);
	g_free(tls->ca_pem);
	tls->ca_pem = joined;
	return true;
}

/* NAME.cert and NAME.key belong together; one without the other is a mistake worth saying. */
static bool add_client(HttpTls *tls, int dir, const char *path, const char *name, GError **error)
{
	bool is_cert = g_str_has_suffix(name, ".cert");
	g_autofree char *stem = g_strndup(name, strlen(name) - strlen(is_cert ? ".cert" : ".key"));
	g_autofree char *other = g_strconcat(stem, is_cert ? ".key" : ".cert", NULL);
	if (faccessat(dir, other, F_OK, 0) < 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s/%s' has no '%s' beside it: a client certificate needs both",
				 path, name, other);
	if (!is_cert || tls->cert_path)
		return true;
	tls->cert_path = g_build_filename(path, name, NULL);
	tls->key_path = g_build_filename(path, other, NULL);
	return true;
}

HttpTls *certs_load(const char *host, const char *directory, bool verify, GError **error)
{
	g_autoptr(HttpTls) tls = g_new0(HttpTls, 1);
	tls->verify = verify;
	g_autofree char *path = NULL;
	autofd dir = -1;
	if (directory) {
		path = g_strdup(directory);
		dir = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			return error_set_errno_null(
				error, "cannot open the certificate directory '%s'", directory);
	} else {
		dir = find_directory(host, &path);
		if (dir < 0)
			return g_steal_pointer(&tls);
	}
	g_auto(GStrv) names = record_list(dir, error);
	if (!names)
		return NULL;
	for (size_t i = 0; names[i]; i++) {
		bool ok = true;
		if (g_str_has_suffix(names[i], ".crt"))
			ok = add_authority(tls, dir, path, names[i], error);
		else if (g_str_has_suffix(names[i], ".cert") || g_str_has_suffix(names[i], ".key"))
			ok = add_client(tls, dir, path, names[i], error);
		if (!ok)
			return NULL;
	}
	return g_steal_pointer(&tls);
}
