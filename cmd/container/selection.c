/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/selection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/container/filter.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define CIDFILE_MAX 4096

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All containers", offsetof(Selection, all),
	 OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(Selection, latest), OPTION_COMMON},
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing containers",
	 offsetof(Selection, ignore), OPTION_COMMON},
	{0, "filter", OPTION_CSV, option_set_list, "KEY=VALUE",
	 "Containers that match: name, id, label, status, ancestor, ...",
	 offsetof(Selection, filters), OPTION_COMMON},
	{0, "cidfile", OPTION_LIST, option_set_list, "FILE", "The container whose id is in a file",
	 offsetof(Selection, cidfiles), OPTION_COMMON},
	{0},
};

const OptionGroup selection_group = {"Which containers", options};

void selection_clear(Selection *selection)
{
	g_clear_pointer(&selection->cidfiles, g_ptr_array_unref);
	g_clear_pointer(&selection->filters, g_ptr_array_unref);
}

bool selection_check(const Selection *selection, const Invocation *inv, const char *missing,
		     GError **error)
{
	size_t n = command_n_args(inv);
	if (selection->all && selection->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--all and --latest cannot be used together");
	if (n > 0 && selection->all)
		return error_set(error, ENGINE_ERROR_INVALID, "no arguments are needed with --all");
	if (n > 0 && selection->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--latest and containers cannot be used together");
	if (selection->cidfiles && (selection->all || selection->latest))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--all, --latest, and --cidfile cannot be used together");
	if (n == 0 && !selection->all && !selection->latest && !selection->cidfiles &&
	    !selection->filters)
		return error_set(error, ENGINE_ERROR_INVALID, "%s",
				 missing ? missing : "you must provide at least one name or id");
	return true;
}

static void selected_free(void *pointer)
{
	Selected *selected = pointer;
	g_free(selected->name);
	container_free(selected->ctr);
	g_clear_error(&selected->error);
	g_free(selected);
}

static void add_container(GPtrArray *list, Container *ctr)
{
	Selected *selected = g_new0(Selected, 1);
	selected->name = g_strdup(container_summary(ctr)->id);
	selected->ctr = ctr;
	g_ptr_array_add(list, selected);
}

/* Add the container that was named; what went wrong stays with it. */
static void add_name(GPtrArray *list, Engine *engine, const char *name, bool ignore)
{
	Selected *selected = g_new0(Selected, 1);
	if (*name == '/') /* docker shows names with a slash */
		name++;
	selected->name = g_strdup(name);
	selected->ctr = container_resolve(engine, name, &selected->error);
	if (ignore && error_matches(selected->error, ENGINE_ERROR_NOT_FOUND))
		selected_free(selected);
	else
		g_ptr_array_add(list, selected);
}

/* The first line of a file that --cidfile wrote. *out_id NULL: ignored. */
static bool read_cidfile(const char *path, bool ignore, char **out_id, GError **error)
{
	autofd file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	*out_id = NULL;
	if (file < 0) {
		if (ignore && errno == ENOENT)
			return true;
		return error_set_errno(error, "reading CIDFile: open %s", path);
	}
	char *text = fd_read_all(file, CIDFILE_MAX, NULL, error);
	if (!text) {
		g_prefix_error(error, "reading CIDFile: ");
		return false;
	}
	text[strcspn(text, "\r\n")] = '\0';
	*out_id = text;
	return true;
}

static bool add_all(GPtrArray *list, const Selection *selection, Engine *engine, GError **error)
{
	g_autoptr(ContainerFilter) filter = container_filter_new(engine, selection->filters, error);
	if (!filter)
		return false;
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	if (!all)
		return false;
	while (all->len > 0) {
		g_autoptr(Container) ctr =
			g_ptr_array_steal_index(all, all->len - 1); /* oldest first */
		if (container_filter_matches(filter, ctr))
			add_container(list, g_steal_pointer(&ctr));
	}
	return true;
}

GPtrArray *selection_resolve(const Selection *selection, const Invocation *inv, Engine *engine,
			     GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(selected_free);
	size_t n = command_n_args(inv);
	if (selection->latest) {
		Container *ctr = container_latest(engine, error);
		if (!ctr)
			return NULL;
		add_container(list, ctr);
	}
	for (size_t i = 0; i < n; i++)
		add_name(list, engine, command_arg(inv, i), selection->ignore);
	for (size_t i = 0; selection->cidfiles && i < selection->cidfiles->len; i++) {
		g_autofree char *id = NULL;
		if (!read_cidfile(selection->cidfiles->pdata[i], selection->ignore, &id, error))
			return NULL;
		if (id)
			add_name(list, engine, id, selection->ignore);
	}
	bool filtered = selection->filters && n == 0 && !selection->latest && !selection->cidfiles;
	if ((selection->all || filtered) && !add_all(list, selection, engine, error))
		return NULL;
	return g_steal_pointer(&list);
}

/* --all and --filter take what the verb can work on. */
static void drop_unwanted(GPtrArray *list, const SelectionTask *task)
{
	for (guint i = list->len; task->wanted && i > 0; i--) {
		Selected *selected = g_ptr_array_index(list, i - 1);
		if (selected->ctr && !task->wanted(container_summary(selected->ctr)))
			g_ptr_array_remove_index(list, i - 1);
	}
}

static void begin_all(GPtrArray *list, const SelectionTask *task)
{
	for (guint i = 0; task->begin && i < list->len; i++) {
		Selected *selected = g_ptr_array_index(list, i);
		if (selected->ctr)
			task->begin(selected->ctr, task->data);
	}
}

/* Work on one container and say how it went. Return: exit code. */
static int run_one(Selected *selected, const SelectionTask *task)
{
	g_autoptr(GError) error = g_steal_pointer(&selected->error);
	bool print = !error && task->work(selected->ctr, task->data, &error);
	if (print && !task->quiet)
		output_text(selected->name);
	if (!error)
		return 0;
	output_error(error);
	return task->exit_code ? task->exit_code(error) : error_exit_code(error);
}

int selection_run(const Selection *selection, const Invocation *inv, const SelectionTask *task)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(GPtrArray) list = selection_resolve(selection, inv, engine, &error);
	if (!list)
		return command_fail(error);

	if (selection->all || (selection->filters && command_n_args(inv) == 0))
		drop_unwanted(list, task);
	begin_all(list, task);
	int status = 0;
	for (size_t i = 0; i < list->len; i++) {
		int code = run_one(g_ptr_array_index(list, i), task);
		/* podman's rm: a missing container (1) says more than a running one (2). */
		if (code != 0 && (status == 0 || code == 1))
			status = code;
	}
	return status;
}
