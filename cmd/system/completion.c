/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion: the scripts of contrib/completions.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/system/completion_scripts.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

typedef struct {
	const char *file;
} CompletionOptions;

static const Option options[] = {
	{'f', "file", OPTION_VALUE, option_set_string, "FILE",
	 "Write it there instead of to standard output", offsetof(CompletionOptions, file),
	 OPTION_COMMON},
	{0, "no-desc", OPTION_FLAG, option_set_ignored, NULL,
	 "Accepted for podman's sake: shells that show descriptions can hide them", 0, 0},
	{0},
};

static const OptionGroup group = {NULL, options};

/* NULL with @error for a shell that there is no script for. */
static const char *lookup_script(const char *shell, GError **error)
{
	static const struct {
		const char *shell, *script;
	} scripts[] = {
		{"bash", completion_bash},
		{"fish", completion_fish},
		{"zsh", completion_zsh},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++)
		if (strcmp(scripts[i].shell, shell) == 0)
			return scripts[i].script;
	if (strcmp(shell, "powershell") == 0)
		return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
				      "there is no completion for powershell: bash, fish or zsh");
	return error_set_null(error, ENGINE_ERROR_INVALID,
			      "invalid argument \"%s\" for \"skiff completion\"", shell);
}

static bool write_script(const char *path, const char *script, GError **error)
{
	autofd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	return (fd >= 0 && fd_write_all(fd, script, strlen(script))) ||
	       error_set_errno(error, "cannot write '%s'", path);
}

static int cmd_completion(Invocation *inv)
{
	CompletionOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	const char *script = lookup_script(command_arg(inv, 0), &error);
	if (script && opts.file)
		(void)write_script(opts.file, script, &error);
	else if (script)
		output_printf("%s", script);
	return error ? command_fail(error) : 0;
}

const Command completion_command = {
	.paths = (const char *const[]){"completion", NULL},
	.usage = "[options] bash|fish|zsh",
	.summary = "Print the completion script of a shell",
	.description = "Prints what a shell has to read so that it completes commands, options and "
		       "the names of containers, images, volumes, networks, secrets and pods. An "
		       "installed skiff has put these scripts where shells look for them.",
	.examples = (const char *const[]){"skiff completion bash "
					  ">~/.local/share/bash-completion/completions/skiff",
					  "skiff completion -f ~/.config/fish/completions/"
					  "skiff.fish fish",
					  NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_completion,
};
