/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet print
 */
#include <fcntl.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/quadlet/quadlet_output.h"
#include "cmd/quadlet/quadlet_verb.h"
#include "libpod/base/error.h"

typedef struct {
	bool generated;
} PrintOptions;

static const Option options[] = {
	{0, "generated", OPTION_FLAG, option_set_flag, NULL,
	 "Print the unit that is made of it, with all drop-ins", offsetof(PrintOptions, generated),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static char *text_of(const QuadletUnit *unit, bool generated, GError **error)
{
	return generated ? quadlet_output_text(unit)
			 : unit_file_read(AT_FDCWD, unit->path, NULL, error);
}

static int cmd_quadlet_print(Invocation *inv)
{
	PrintOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_auto(QuadletFiles) files = {0};
	quadlet_files_init(&files);
	quadlet_files_load(&files);
	const char *name = command_arg(inv, 0);
	const QuadletUnit *unit = quadlet_set_lookup(&files.set, name);
	if (!unit) {
		error_set(&error, ENGINE_ERROR_NOT_FOUND, "could not locate quadlet \"%s\"", name);
		return command_fail(error);
	}
	g_autofree char *text = text_of(unit, opts.generated, &error);
	if (!text)
		return command_fail(error);
	output_text(g_strchomp(text));
	return 0;
}

const Command quadlet_print_command = {
	.paths = (const char *const[]){"quadlet print", NULL},
	.usage = "[options] NAME",
	.summary = "Print a quadlet file, or the unit made of it",
	.description = "Prints a file that systemd's units are made of, as it is or as the unit.",
	.examples = (const char *const[]){"skiff quadlet print web.container",
					  "skiff quadlet print --generated web.container", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_quadlet_print,
};
