/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of a container that starts, from the store to a memfd.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/container_priv.h"
#include "libpod/secret.h"

/* A secret's bytes: a file's are the container's own, a variable's the store's. */
static char *read_secret(Container *ctr, const SpecSecret *asked, guint index, GBytes *given,
			 size_t *out_size, GError **error)
{
	g_autofree char *name = g_strdup_printf("secret.%u", index);
	if (given)
		return secret_copy(given, out_size);
	if (asked->given)
		return error_set_null(error, ENGINE_ERROR_BAD_STATE,
				      "secret %s of container %s was for its first start",
				      asked->name, ctr->summary.id);
	if (asked->env) {
		g_autoptr(Secret) secret = secret_resolve(ctr->engine, asked->name, error);
		return secret ? secret_read(ctr->engine, secret, out_size, error) : NULL;
	}
	autofd fd = path_open_state(container_dir_fd(ctr), name, O_RDONLY, 0);
	if (fd < 0)
		return error_set_errno_null(error, "cannot read secret %s of container %s",
					    asked->name, ctr->summary.id);
	return fd_read_all(fd, SECRET_SIZE_MAX, out_size, error);
}

/* Tell the runtime of one secret, whose bytes are at the end of @fd. */
static bool add_secret(Container *ctr, const SpecSecret *asked, guint index, GBytes *given, int fd,
		       OciConfig *config, GError **error)
{
	size_t size = 0;
	off_t offset = lseek(fd, 0, SEEK_END);
	char *data = read_secret(ctr, asked, index, given, &size, error);
	if (!data)
		return false;
	bool zero = asked->env && memchr(data, '\0', size);
	bool written = fd_write_all(fd, data, size);
	secret_wipe(data, size);
	if (zero)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "secret %s has a NUL byte: it can be a file, not a variable",
				 asked->name);
	if (!written)
		return error_set_errno(error, "cannot pass secret %s on", asked->name);
	OciSecret *secret = oci_config_add_secret(config);
	secret->path = asked->env ? NULL : g_strdup(asked->target);
	secret->env = asked->env ? g_strdup(asked->target) : NULL;
	secret->uid = asked->uid;
	secret->gid = asked->gid;
	secret->mode = asked->mode;
	secret->offset = offset;
	secret->size = (int64_t)size;
	return true;
}

int container_open_secrets(Container *ctr, const ContainerSpec *spec, GBytes *const *given,
			   OciConfig *config, GError **error)
{
	autofd fd = spec->secrets->len > 0 ? memfd_create("secrets", MFD_CLOEXEC)
					   : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		error_set_errno(error, "cannot make a file for secrets");
		return -1;
	}
	for (guint i = 0; i < spec->secrets->len; i++) {
		const SpecSecret *asked = spec->secrets->pdata[i];
		GBytes *bytes = asked->given && given ? *given++ : NULL;
		if (!add_secret(ctr, asked, i, bytes, fd, config, error))
			return -1;
	}
	return fd_steal(&fd);
}
