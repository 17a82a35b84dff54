/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/foreground.h"

#include "cmd/output.h"
#include "libpod/attach.h"
#include "libpod/base/log.h"

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
	output_flush();
	switch (attach_run(control, &attach, &code, error)) {
	case ATTACH_FAILED:
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
