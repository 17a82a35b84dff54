/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff's half of build: the line makes sense, skiff-build does the rest.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/build/build.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/spawn.h"

int build_verb_run(Invocation *inv, const BuildVerb *verb)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *program = spawn_find_own("skiff-build", &error);
	g_autofree char *self = program ? g_file_read_link("/proc/self/exe", &error) : NULL;
	if (!self)
		return command_fail(error);
	/* Its first word says where skiff is: what a monitor becomes at its end. */
	guint n = g_strv_length(inv->argv);
	g_autofree char **argv = g_new0(char *, n + 1);
	memcpy(argv, inv->argv, n * sizeof *argv);
	argv[0] = self;
	output_flush();
	(void)execv(program, argv);
	error_set_errno(&error, "cannot run '%s'", program);
	return command_fail(error);
}
