/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image exists: is there such an image?
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "storage/image_index.h"

/* 1 is an answer, not a failure: nothing is printed. */
static int cmd_image_exists(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(ImageIndex) index =
		image_index_lookup(engine_store(engine), command_arg(inv, 0), &error);
	if (index)
		return 0;
	g_autoptr(Image) image =
		error ? NULL : image_lookup(engine_store(engine), command_arg(inv, 0), &error);
	if (!image && !error)
		image_set_unknown(engine_store(engine), command_arg(inv, 0), &error);
	if (error && !error_matches(error, ENGINE_ERROR_NOT_FOUND))
		return command_fail(error);
	return image ? 0 : 1;
}

const Command image_exists_command = {
	.paths = (const char *const[]){"image exists", NULL},
	.usage = "IMAGE",
	.summary = "Tell by the exit code whether an image exists",
	.description = "Exits with 0 if there is such an image, with 1 if there is none.",
	.examples = (const char *const[]){"skiff image exists debian || skiff pull debian", NULL},
	.min_args = 1,
	.max_args = 1,
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_image_exists,
};
