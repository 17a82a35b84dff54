/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/selection.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "cmd/container/filter.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/pod.h"

#define CIDFILE_MAX 4096

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All containers", offsetof(Selection, all),
	 OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(Selection, latest), OPTION_COMMON},
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing containers",
	 offsetof(Selection, ignore), OPTION_COMMON},
	{0, "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
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
	g_clear_pointer(&selection->members, g_ptr_array_unref);
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

int selection_time(int64_t asked)
{
	if (asked == SELECTION_TIME_UNSET)
		return -1;
	return asked < 0 || asked > INT_MAX ? INT_MAX : (int)asked;
}

static void selected_free(void *pointer)
{
	Selected *selected = pointer;
	g_free(selected->name);
	container_free(selected->ctr);
	g_free(selected);
}

/* Add a container under a name, NULL: its id. Takes @ctr. */
static void add_container(GPtrArray *list, const char *name, Container *ctr)
{
	Selected *selected = g_new0(Selected, 1);
	selected->name = g_strdup(name ? name : container_summary(ctr)->id);
	selected->ctr = ctr;
	g_ptr_array_add(list, selected);
}

/* Add the container that was named, if it passes the filter. */
static bool add_name(GPtrArray *list, Engine *engine, const Selection *selection,
		     const ContainerFilter *filter, const char *name, GError **error)
{
	g_autoptr(GError) failed = NULL;
	if (*name == '/') /* docker shows names with a slash */
		name++;
	g_autoptr(Container) ctr = container_resolve(engine, name, &failed);
	if (ctr && selection->exact && strlen(name) < SELECTION_ID_MIN &&
	    strcmp(name, container_summary(ctr)->name) != 0)
		g_clear_pointer(&ctr, container_free);
	if (failed && !(selection->ignore && error_matches(failed, ENGINE_ERROR_NOT_FOUND))) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (!ctr || container_filter_matches(filter, ctr))
		add_container(list, name, g_steal_pointer(&ctr));
	return true;
}

/* The first line of a file that --cidfile wrote. *out_id NULL: ignored. */
static bool read_cidfile(const char *path, bool ignore, char **out_id, GError **error)
{
	autofd file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	*out_id = NULL;
	if (file < 0) {
		if (ignore && errno == ENOENT)
			return true;
		return error_set_errno_go(error, "reading CIDFile: open %s", path);
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

Container *selection_one(const Selection *selection, const Invocation *inv, Engine *engine,
			 GError **error)
{
	if (selection->latest)
		return container_latest(engine, error);
	if (!selection->cidfiles)
		return container_resolve(engine, command_arg(inv, 0), error);
	g_autofree char *id = NULL;
	return read_cidfile(selection->cidfiles->pdata[0], false, &id, error)
		       ? container_resolve(engine, id, error)
		       : NULL;
}

/* All containers that pass the filter, oldest first. */
static bool add_all(GPtrArray *list, const ContainerFilter *filter, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	if (!all)
		return false;
	while (all->len > 0) {
		g_autoptr(Container) ctr = g_ptr_array_steal_index(all, all->len - 1);
		if (container_filter_matches(filter, ctr))
			add_container(list, NULL, g_steal_pointer(&ctr));
	}
	return true;
}

/* The arguments, then what the files of --cidfile name. */
static bool add_named(GPtrArray *list, const Selection *selection, const Invocation *inv,
		      Engine *engine, const ContainerFilter *filter, GError **error)
{
	for (size_t i = 0; i < command_n_args(inv); i++)
		if (!add_name(list, engine, selection, filter, command_arg(inv, i), error))
			return false;
	for (size_t i = 0; selection->cidfiles && i < selection->cidfiles->len; i++) {
		g_autofree char *id = NULL;
		if (!read_cidfile(selection->cidfiles->pdata[i], selection->ignore, &id, error) ||
		    (id && !add_name(list, engine, selection, filter, id, error)))
			return false;
	}
	return true;
}

/* Was this member asked for? */
static bool is_wanted(const Selection *selection, const ContainerSummary *s)
{
	bool wanted = !selection->members;
	for (guint i = 0; selection->members && i < selection->members->len; i++) {
		const char *name = selection->members->pdata[i];
		wanted |= strcmp(name, s->name) == 0 || g_str_has_prefix(s->id, name);
	}
	return wanted && !s->infra;
}

static bool add_members(GPtrArray *list, const Selection *selection, Engine *engine, const Pod *pod,
			GError **error)
{
	g_autoptr(GPtrArray) members = pod_members(engine, pod, error);
	while (members && members->len > 0) {
		g_autoptr(Container) ctr = g_ptr_array_steal_index(members, 0);
		if (is_wanted(selection, container_summary(ctr)))
			add_container(list, NULL, g_steal_pointer(&ctr));
	}
	return members != NULL;
}

/* The members of the pods that are named, of the latest, or of all. */
static GPtrArray *resolve_pods(const Selection *selection, const Invocation *inv, Engine *engine,
			       GError **error)
{
	size_t n = command_n_args(inv);
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(selected_free);
	g_autoptr(GPtrArray) pods = g_ptr_array_new_with_free_func((GDestroyNotify)pod_free);
	if (n == 0 && !selection->latest) {
		g_ptr_array_unref(pods);
		pods = pods_list(engine, error);
	}
	for (size_t i = 0; i < n || (selection->latest && i == 0); i++) {
		Pod *pod = selection->latest ? pod_latest(engine, error)
					     : pod_resolve(engine, command_arg(inv, i), error);
		if (!pod)
			return NULL;
		g_ptr_array_add(pods, pod);
	}
	for (guint i = 0; pods && i < pods->len; i++)
		if (!add_members(list, selection, engine, pods->pdata[i], error))
			return NULL;
	return pods ? g_steal_pointer(&list) : NULL;
}

GPtrArray *selection_resolve(const Selection *selection, const Invocation *inv, Engine *engine,
			     GError **error)
{
	if (selection->of_pods)
		return resolve_pods(selection, inv, engine, error);
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(selected_free);
	g_autoptr(ContainerFilter) filter = container_filter_new(engine, selection->filters, error);
	if (!filter)
		return NULL;
	if (selection->latest) {
		Container *ctr = container_latest(engine, error);
		if (!ctr)
			return NULL;
		add_container(list, NULL, ctr);
		return g_steal_pointer(&list);
	}
	bool named = command_n_args(inv) > 0 || selection->cidfiles;
	bool ok = named ? add_named(list, selection, inv, engine, filter, error)
			: add_all(list, filter, engine, error);
	return ok ? g_steal_pointer(&list) : NULL;
}

bool selection_is_no_infra(const ContainerSummary *summary)
{
	return !summary->infra;
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

/* The exit code of a failure that was printed. */
static int fail(const SelectionTask *task, const GError *error)
{
	output_error(error);
	return task->exit_code ? task->exit_code(error) : error_exit_code(error);
}

/* Work on one container and say how it went. Return: exit code. */
static int run_one(Selected *selected, const SelectionTask *task)
{
	g_autoptr(GError) error = NULL;
	if (!selected->ctr) {
		if (task->missing)
			output_text(task->missing);
		return 0;
	}
	if (task->work(selected->ctr, task->data, &error))
		output_text(selected->name);
	return error ? fail(task, error) : 0;
}

int selection_run(const Selection *selection, const Invocation *inv, const SelectionTask *task)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(GPtrArray) list = selection_resolve(selection, inv, engine, &error);
	if (!list)
		return fail(task, error);

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
