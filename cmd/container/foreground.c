/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/foreground.h"

#include "cmd/output.h"
#include "libpod/attach.h"
#include "libpod/base/log.h"
#include "libpod/container_exit_watch.h"

bool foreground_run(Container *ctr, int control, bool tty, const Foreground *options, int *out_code,
		    GError **error)
{
	const AttachOptions attach = {
		.tty = tty,
		.attach_stdin = options->attach_stdin,
		.attach_stdout = options->attach_stdout,
		.attach_stderr = options->attach_stderr,
		.sig_proxy = options->sig_proxy,
		.detach_keys = options->detach_keys ? options->detach_keys : DETACH_KEYS_DEFAULT,
		.run_dir_fd = container_run_fd(ctr),
	};
	int code = 0;
	g_autoptr(GError) failed = NULL;
	g_auto(ExitWatch) watch = exit_watch_open(ctr);
	output_flush();
	switch (attach_run(control, &attach, &code, &failed)) {
	case ATTACH_FAILED:
		/* The monitor was killed: what it would have said the kernel may know. */
		if (exit_watch_tell(&watch, ctr, &code))
			break;
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	case ATTACH_DETACHED:
		*out_code = 0;
		return true;
	case ATTACH_EXITED:
		break;
	}

	/* The code is known and must not be lost to what comes after it. */
	g_autoptr(GError) finish = NULL;
	if (!container_finish(ctr, &finish))
		log_warn("cleaning up container %s: %s", container_summary(ctr)->id,
			 finish->message);
	*out_code = code;
	return true;
}
