/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff: the command line. The caller's uid, no namespaces of its own, never privileged.
 *
 *   cmd/command   finds the verb		cmd/option    reads its options
 *   cmd/commands  lists the verbs		cmd/help      explains them
 *   cmd/container, image, volume, system	one verb per file, thin over libpod and storage
 *   cmd/output, template, yaml			print what they found
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"

/* Without 0, 1 and 2 the next file we open would be taken for one of them. */
static bool open_missing_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	return true;
}

/*
 * What a careless parent leaves: without SIGCHLD we could not wait for children, by SIGXFSZ we
 * would end without a word, and what we made without our own permissions we could not use or
 * remove.
 */
static void settle_in(void)
{
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)umask(umask(077) & 077);
}

int main(int argc, char **argv)
{
	settle_in();
	if (!open_missing_streams())
		return 125;
	return command_dispatch(argc, argv);
}
