/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: one row per verb, the table of them, and the way from argv to a verb's function.
 *
 * A verb lives in a file of its own that defines one `const Command`. It parses its options with
 * command_parse(), calls libpod or storage, prints through output.h and returns an exit code.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/option.h"

typedef struct Command Command;

/* What may be written before and behind the verb of every command. */
typedef struct {
	const char *log_level; /* as typed, checked before the verb runs; NULL: warn */
	const char *root;      /* NULL: the default */
	const char *runroot;   /* NULL: the default */
	GPtrArray *modules;    /* of containers.conf; NULL: none */
} GlobalOptions;

/* One call of a command. */
typedef struct {
	const Command *command;
	const char *path; /* the words that chose it: "container ls" */
	char **argv;      /* the whole line, NULL-terminated */
	char **args;      /* NULL-terminated, behind these words, with options */
	GlobalOptions global;
	OptionResult options; /* filled by command_parse(): the positional arguments */
	int status;           /* exit code of a command that command_parse() ended */
} Invocation;

typedef enum {
	COMMAND_STOP_AT_ARG = 1 << 0, /* options end at the first argument: run, create, exec */
	COMMAND_HIDDEN = 1 << 1,      /* internal: in no list */
} CommandFlags;

/* What a positional argument names, for completion. */
typedef enum {
	COMMAND_ARG_NONE,
	COMMAND_ARG_FILE,
	COMMAND_ARG_CONTAINER,
	COMMAND_ARG_CONTAINER_RUNNING,
	COMMAND_ARG_IMAGE,
	COMMAND_ARG_VOLUME,
	COMMAND_ARG_SECRET,
	COMMAND_ARG_NETWORK,
	COMMAND_ARG_POD,
	COMMAND_ARG_OBJECT, /* container, image or volume */
	COMMAND_ARG_COMMAND,
} CommandArg;

struct Command {
	const char *const
		*paths;      /* the words that lead here, the usual ones first; NULL at the end */
	const char *usage;   /* behind the words: "[options] IMAGE [COMMAND [ARG...]]" */
	const char *summary; /* one line for lists, no full stop */
	const char *description;     /* one to three sentences for --help and the man page */
	const char *const *examples; /* whole lines, at most three; NULL at the end */
	const char *man;             /* scdoc prose behind the options in the man page, or NULL */
	int min_args;
	int max_args;           /* -1: any number */
	const char *args_error; /* podman's words when there are too few; NULL: the usual ones */
	const OptionGroup *const *groups; /* NULL-terminated; NULL: no options of its own */
	CommandArg arg;                   /* what the first argument names */
	CommandArg more_args;             /* what the others name */
	unsigned flags;                   /* CommandFlags */
	int (*run)(Invocation *inv);
};

/** commands_get() - all rows, NULL at the end (cmd/commands.c). */
const Command *const *commands_get(void);

/** commands_group_summary() - one line about "container", "image", ...; NULL if it is no group. */
const char *commands_group_summary(const char *group);

/** commands_foreign() - why skiff lacks a verb that others have ("farm", "pod clone"): "" if the
 * name says it; NULL: nobody has such a verb. */
const char *commands_foreign(const char *first, const char *second);

/**
 * command_dispatch() - find the verb and run it
 * @argv:	as main() got it
 *
 * Run, step 1. Return: the exit code of the process.
 */
int command_dispatch(int argc, char **argv);

/**
 * command_lookup() - the row that a list of words leads to
 * @words:	NULL-terminated; options must be gone
 * @out_used:	how many words the match took
 * @out_path:	the matching path, static
 *
 * Return: NULL if the words lead nowhere or stop at a group.
 */
const Command *command_lookup(char *const *words, size_t *out_used, const char **out_path);

/**
 * command_parse() - parse the options of a command and check the number of its arguments
 * @targets:	one struct for each of the row's groups
 *
 * Return: false if the command ends here (--help was given, or the line is wrong); everything is
 * printed then and the verb returns inv->status.
 */
bool command_parse(Invocation *inv, void *const *targets);

/** command_n_args() - how many positional arguments there are. */
size_t command_n_args(const Invocation *inv);

/** command_arg() - positional argument @i, or NULL. */
const char *command_arg(const Invocation *inv, size_t i);

/** command_args() - positional arguments from @from on as a NULL-terminated vector; g_free() the
 * vector only. */
const char **command_args(const Invocation *inv, size_t from);

/** command_fail() - print @error. Return: the exit code that belongs to it (125, 126, 127). */
int command_fail(const GError *error);

/** command_global_group() - the options every command takes. */
const OptionGroup *command_global_group(void);
