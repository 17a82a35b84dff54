/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/archive_output.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"

bool archive_output_check(const char *file, GError **error)
{
	if (!file || !strchr(file, ':'))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid filename (should not contain ':') \"%s\"", file);
}

bool archive_output_write(const Tree *tree, const char *file, unsigned flags, const char *problem,
			  GError **error)
{
	if (!file && output_is_terminal(STDOUT_FILENO))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "refusing to export to terminal. Use -o flag or redirect");
	/* lint: allow open: the user's own file */
	autofd fd =
		file ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644) : -1;
	if (file && fd < 0)
		return error_set_errno_go(error, "%s: open %s", problem, file);
	g_autoptr(LayerChild) child =
		tree_get(tree, "/", NULL, flags, file ? fd : SPAWN_INHERIT, error);
	if (child && tree_get_finish(child, error))
		return true;
	if (file)
		(void)unlink(file);
	return false;
}
