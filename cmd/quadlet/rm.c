/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet rm: a file, or the whole application that it is part of.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/quadlet/quadlet_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"

typedef struct {
	bool all, force, ignore, reload;
} RmOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All that `install` has put there",
	 offsetof(RmOptions, all), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Stop running units first",
	 offsetof(RmOptions, force), OPTION_COMMON},
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing ones",
	 offsetof(RmOptions, ignore), OPTION_COMMON},
	{0, "reload-systemd", OPTION_FLAG, option_set_flag, NULL,
	 "Have systemd forget the units (default true)", offsetof(RmOptions, reload),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* What a call works on. */
typedef struct {
	const RmOptions *opts;
	const QuadletFiles *files;
	int home_fd;
	GHashTable *done; /* names below home that are gone; owned */
} Removal;

/* The name below home that goes with @unit; NULL if the file is not there. */
static char *target_of(const Removal *removal, const QuadletUnit *unit)
{
	char *application = quadlet_files_application(removal->files, unit);
	const char *home = quadlet_files_home(removal->files);
	g_autofree char *directory = g_path_get_dirname(unit->path);
	if (application)
		return application;
	return home && strcmp(directory, home) == 0 ? g_path_get_basename(unit->path) : NULL;
}

/* A unit that runs is stopped or refused. */
static bool stop_unit(const Removal *removal, const QuadletUnit *unit, GError **error)
{
	g_autofree char *service = quadlet_unit_service_name(unit);
	g_autofree char *state =
		quadlet_verb_systemctl((const char *const[]){"show", "--property=ActiveState",
							     "--value", "--", service, NULL},
				       NULL);
	/* Without systemd nothing of it runs. */
	bool runs = state &&
		    (g_str_has_prefix(state, "active") || g_str_has_prefix(state, "activating") ||
		     g_str_has_prefix(state, "reloading"));
	if (!runs)
		return true;
	if (!removal->opts->force)
		return error_set(
			error, ENGINE_ERROR_BAD_STATE,
			"quadlet %s is running, refusing to remove: use --force to stop it",
			unit->name);
	g_autofree char *answer =
		quadlet_verb_systemctl((const char *const[]){"stop", "--", service, NULL}, error);
	return answer != NULL;
}

/* All units that go with @target are stopped, then it goes. */
static bool remove_target(Removal *removal, const char *target, GError **error)
{
	const GPtrArray *units = removal->files->set.units;
	if (g_hash_table_contains(removal->done, target))
		return true;
	for (size_t i = 0; i < units->len; i++) {
		g_autofree char *other = target_of(removal, units->pdata[i]);
		if (other && strcmp(other, target) == 0 &&
		    !stop_unit(removal, units->pdata[i], error))
			return false;
	}
	if (!path_remove_tree(removal->home_fd, target))
		return error_set_errno(error, "cannot remove '%s'", target);
	g_hash_table_add(removal->done, g_strdup(target));
	for (size_t i = 0; i < units->len; i++) {
		const QuadletUnit *unit = units->pdata[i];
		g_autofree char *other = target_of(removal, unit);
		if (other && strcmp(other, target) == 0)
			output_text(unit->name);
	}
	return true;
}

/* NAME is a file's or an application's. */
static bool remove_name(Removal *removal, const char *name, GError **error)
{
	const QuadletUnit *unit = quadlet_set_lookup(&removal->files->set, name);
	g_autofree char *target = unit ? target_of(removal, unit) : NULL;
	struct stat st;
	bool application = !unit && path_name_is_safe(name) && *name != '.' &&
			   fstatat(removal->home_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			   S_ISDIR(st.st_mode);
	if (target || application)
		return remove_target(removal, target ? target : name, error);
	if (unit)
		return error_set(error, ENGINE_ERROR_DENIED,
				 "'%s' was not installed by this command: remove '%s' yourself",
				 name, unit->path);
	return removal->opts->ignore ||
	       error_set(error, ENGINE_ERROR_NOT_FOUND, "no such quadlet \"%s\"", name);
}

static bool remove_all(Removal *removal, GError **error)
{
	const GPtrArray *units = removal->files->set.units;
	for (size_t i = 0; i < units->len; i++) {
		g_autofree char *target = target_of(removal, units->pdata[i]);
		if (target && !remove_target(removal, target, error))
			return false;
	}
	return true;
}

static bool run_removal(const Invocation *inv, const RmOptions *opts, GError **error)
{
	g_auto(QuadletFiles) files = {0};
	if (opts->all ? command_n_args(inv) > 0 : command_n_args(inv) == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "give names of quadlets, or --all and no name");
	quadlet_files_init(&files);
	quadlet_files_load(&files);
	const char *home = quadlet_files_home(&files);
	autofd home_fd = home ? openat(AT_FDCWD, home, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	Removal removal = {
		.opts = opts,
		.files = &files,
		.home_fd = home_fd,
		.done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};
	bool ok = !opts->all || remove_all(&removal, error);
	for (size_t i = 0; ok && i < command_n_args(inv); i++)
		ok = remove_name(&removal, command_arg(inv, i), error);
	if (g_hash_table_size(removal.done) > 0 && opts->reload)
		quadlet_verb_reload();
	g_hash_table_unref(removal.done);
	return ok;
}

static int cmd_quadlet_rm(Invocation *inv)
{
	RmOptions opts = {.reload = true};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	return run_removal(inv, &opts, &error) ? 0 : command_fail(error);
}

const Command quadlet_rm_command = {
	.paths = (const char *const[]){"quadlet rm", NULL},
	.usage = "[options] NAME...",
	.summary = "Remove quadlet files",
	.description =
		"Removes files that `skiff quadlet install` has installed. What was installed "
		"as one application goes as a whole.",
	.examples = (const char *const[]){"skiff quadlet rm web.container",
					  "skiff quadlet rm --force shop", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_quadlet_rm,
};
