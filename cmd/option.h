/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: rows of a table, and the parser that reads a command line by them.
 *
 * A row says how an option is written (its kind) and which setter takes the value. The parser
 * follows pflag, since scripts rely on its corners: "--x=v", "--x v", "-xv", "-x=v", "-it",
 * "--flag=false", "--". A row without a setter is an option that podman knows and skiff does not
 * support yet: it is refused by name, never ignored. Help, completion, man pages and the lint read
 * the same rows.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Option Option;

typedef enum {
	OPTION_FLAG,     /* "--x", "--x=false": the setter gets "true" or "false" */
	OPTION_TRISTATE, /* as OPTION_FLAG, where absence means "decide for me" */
	OPTION_VALUE,    /* "--x v", "--x=v": the setter is called for each, the last one wins */
	OPTION_LIST,     /* may be given often; each value is passed as it was typed */
	OPTION_CSV, /* may be given often; split at commas ("..." keeps one), one call for each part
		     */
	OPTION_ENV_LIST, /* may be given often; NAME=VALUE or NAME, passed as typed */
} OptionKind;

typedef enum {
	OPTION_COMMON = 1 << 0, /* listed by --help; the others only by --help-all */
	OPTION_HIDDEN = 1 << 1, /* works, listed nowhere: aliases and podman's no-ops */
	OPTION_WHOLE = 1 << 2,  /* the setter's error is all that is said, as podman does where it
				 * looks at the value only after it has parsed the line */
	OPTION_WORDS = 1 << 3,  /* a flag that "--x=WORD" gives words of its own, too: the setter
				 * gets them as typed */
} OptionFlags;

/**
 * OptionSetter - parse one value into one field of @target
 * @target:	struct of the group the row is in
 * @option:	the row, for generic setters (its offset)
 * @value:	the text; "true" or "false" for flags. Valid as long as the process' argv, except
 *the parts of an OPTION_CSV, which are gone after the call
 * @error:	the reason alone ("must be a number"): the parser names option and value before it
 */
typedef bool (*OptionSetter)(void *target, const Option *option, const char *value, GError **error);

struct Option {
	char short_name;  /* 0: none */
	const char *name; /* without dashes; NULL ends a table */
	OptionKind kind;
	OptionSetter set;    /* NULL: known to podman, refused by name */
	const char *metavar; /* "NAME"; NULL for flags and unsupported rows */
	const char *help;    /* one sentence without full stop; of unsupported rows: why, or NULL */
	size_t offset;       /* of the field in the target, for the generic setters below */
	unsigned flags;      /* OptionFlags */
};

/* A row for an option of podman's that is refused by name; @kind as podman has it. */
#define OPTION_UNSUPPORTED(option_short, option_name, option_kind)                                 \
	{                                                                                          \
		.short_name = (option_short), .name = (option_name), .kind = (option_kind)         \
	}
/* The same, saying why. */
#define OPTION_REFUSED(option_name, option_kind, reason)                                           \
	{                                                                                          \
		.name = (option_name), .kind = (option_kind), .help = (reason)                     \
	}

/* A titled part of --help, shared by every command whose row names it. */
typedef struct {
	const char *title;     /* "Network options"; NULL: "Options" */
	const Option *options; /* ends with a row without name */
} OptionGroup;

typedef enum {
	TRISTATE_UNSET,
	TRISTATE_FALSE,
	TRISTATE_TRUE,
} Tristate;

/* What a parsed command line left over. */
typedef struct {
	GPtrArray *args; /* positional arguments, borrowed from argv, without a NULL at the end */
	int dash;        /* how many of them stood before "--"; -1 without one */
	bool help;       /* --help (or -h where no row has it) was met; parsing stopped there */
	bool help_all;   /* --help-all likewise */
} OptionResult;

/**
 * option_parse() - read a command line
 * @groups:	NULL-terminated
 * @targets:	one struct for each group, handed to its setters
 * @args:	NULL-terminated, without the command's own words
 * @interspersed: options may follow positional arguments; false for run, create, exec
 * @result:	cleared by the caller with option_result_clear(), also after a failure
 * @error:	INVALID in pflag's words; UNSUPPORTED for a row without setter. A "help: " line
 *suggests options of a similar name
 *
 * Run, step 3.
 */
bool option_parse(const OptionGroup *const *groups, void *const *targets, char **args,
		  bool interspersed, OptionResult *result, GError **error);

/** option_result_clear() - free what @result holds. */
void option_result_clear(OptionResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OptionResult, option_result_clear)

/** option_lookup() - the row with this long name, NULL if there is none. @out_group may be NULL. */
const Option *option_lookup(const OptionGroup *const *groups, const char *name, size_t *out_group);

/** option_takes_value() - true unless the row is a flag. */
bool option_takes_value(const Option *option);

/** option_parse_bool() - Go's ParseBool: 1 t T true True TRUE, 0 f F false False FALSE. INVALID. */
bool option_parse_bool(const char *text, bool *out, GError **error);

/* Generic setters; the type of the field at the row's offset stands behind each. */

/** option_set_flag() - bool. */
bool option_set_flag(void *target, const Option *option, const char *value, GError **error);
/** option_set_tristate() - Tristate. */
bool option_set_tristate(void *target, const Option *option, const char *value, GError **error);
/** option_set_string() - const char *, borrowed from argv: not for OPTION_CSV. */
bool option_set_string(void *target, const Option *option, const char *value, GError **error);
/**
 * option_set_secret() - char *, owned, for option_secret_free()
 *
 * The value is wiped where it stands in argv, which everybody can read in /proc/PID/cmdline.
 */
bool option_set_secret(void *target, const Option *option, const char *value, GError **error);
/** option_secret_free() - wipe and free what option_set_secret() stored. NULL is fine. */
void option_secret_free(char *secret);
/** option_set_uint() - uint64_t, decimal. */
bool option_set_uint(void *target, const Option *option, const char *value, GError **error);
/** option_set_int() - int64_t, decimal, may be negative. */
bool option_set_int(void *target, const Option *option, const char *value, GError **error);
/** option_set_list() - GPtrArray *, made when first needed, of owned strings; g_ptr_array_unref()
 * it. */
bool option_set_list(void *target, const Option *option, const char *value, GError **error);
/** option_set_ignored() - for no-ops that podman keeps for docker's sake; checks flags, stores
 * nothing. */
bool option_set_ignored(void *target, const Option *option, const char *value, GError **error);

/** option_error_is_whole() - is it the error of a row with OPTION_WHOLE? */
bool option_error_is_whole(const GError *error);
