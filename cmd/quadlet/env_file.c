/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/env_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/spec.h"
#include "libpod/spec_parse.h"

bool env_file_add(GString *text, const char *pair)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	if (!strchr(pair, '=') || !spec_add_env_text(spec, pair, "", NULL) ||
	    spec->env_asked->len != 1 || strcmp(spec->env_asked->pdata[0], pair) != 0)
		return false;
	g_string_append_printf(text, "%s\n", pair);
	return true;
}

bool env_file_write(const char *path, const GString *text, GError **error)
{
	static const char mark[] = "# Made by skiff\n";
	const size_t size = strlen(mark);
	char head[sizeof mark];
	struct stat st;
	autofd fd = openat(AT_FDCWD, path,
			   O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot write '%s'", path);
	/* It may be a file of the user's own, with other variables. */
	if (!S_ISREG(st.st_mode) || (st.st_size > 0 && (pread(fd, head, size, 0) != (ssize_t)size ||
							memcmp(head, mark, size) != 0)))
		return error_set(error, ENGINE_ERROR_EXISTS,
				 "'%s' is there, and skiff has not made it", path);
	/* One that was there may have been open to others. */
	if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0 || !fd_write_all(fd, mark, size) ||
	    !fd_write_all(fd, text->str, text->len))
		return error_set_errno(error, "cannot write '%s'", path);
	return true;
}

bool env_file_is_secret(const char *pair)
{
	static const char *const words[] = {"PASSW",      "PASSPHRASE", "SECRET", "TOKEN",
					    "CREDENTIAL", "_KEY",       "APIKEY", "_PWD"};
	const char *value = strchr(pair, '=');
	g_autofree char *name = value ? g_ascii_strup(pair, value - pair) : NULL;
	for (size_t i = 0; name && value[1] && i < G_N_ELEMENTS(words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

void env_file_warn(const char *pair)
{
	if (env_file_is_secret(pair))
		log_warn("everybody may read %.*s in the unit: --files puts variables into a file "
			 "that only you may read",
			 (int)strcspn(pair, "="), pair);
}
