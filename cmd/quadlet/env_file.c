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
	autofd fd =
		openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* One that was there may have been open to others. */
	if (fd < 0 || fchmod(fd, 0600) < 0 || !fd_write_all(fd, text->str, text->len))
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
