/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff's half of build: the line makes sense, skiff-build does the rest.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/build/build.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"

/* Credentials in a memory file that skiff-build inherits. Return: the option that names it. */
static char *give_creds(const char *creds, GError **error)
{
	int fd = memfd_create("creds", 0);
	if (fd < 0 || !fd_write_all(fd, creds, strlen(creds)) || lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno_null(error, "cannot hand the credentials on");
	return g_strdup_printf("--creds-fd=%d", fd);
}

int build_verb_run(Invocation *inv, const BuildVerb *verb)
{
	g_autoptr(GError) error = NULL;
	bool given = false;
	g_autofree char *program = spawn_find_own("skiff-build", &error);
	g_autofree char *self = program ? g_file_read_link("/proc/self/exe", &error) : NULL;
	if (!self)
		return command_fail(error);
	g_autofree char *option = NULL;
	if (verb->registry.creds && !(option = give_creds(verb->registry.creds, &error)))
		return command_fail(error);
	/* Its first word says where skiff is: what a monitor becomes at its end. */
	guint n = g_strv_length(inv->argv), at = 0;
	g_autofree char **argv = g_new0(char *, n + 2);
	for (guint i = 0; i < n; i++) {
		if (option && strcmp(inv->argv[i], "--") == 0) {
			argv[at++] = option;
			given = true;
		}
		argv[at++] = inv->argv[i];
	}
	if (option && !given)
		argv[at] = option;
	argv[0] = self;
	output_flush();
	(void)execv(program, argv);
	error_set_errno(&error, "cannot run '%s'", program);
	return command_fail(error);
}
