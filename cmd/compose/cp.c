/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose cp: files between the host and the containers of a service.
 */
#include <string.h>

#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_verbs.h"
#include "libpod/base/error.h"
#include "libpod/copy.h"

typedef struct {
	bool archive, follow, all;
	uint64_t index;
} CpOptions;

static const Option options[] = {
	{0, "all", OPTION_FLAG, option_set_flag, NULL, "Also containers of \"skiff compose run\"",
	 offsetof(CpOptions, all), OPTION_COMMON},
	{'a', "archive", OPTION_FLAG, option_set_flag, NULL,
	 "Keep the owners of the source (default: the container's user)",
	 offsetof(CpOptions, archive), OPTION_COMMON},
	{'L', "follow-link", OPTION_FLAG, option_set_flag, NULL,
	 "Follow a link at the end of SOURCE, as is always done", offsetof(CpOptions, follow),
	 OPTION_COMMON},
	{0, "index", OPTION_VALUE, option_set_uint, "NUMBER",
	 "Which of the service's containers (default: into all, out of the first)",
	 offsetof(CpOptions, index), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* "SERVICE:PATH"; what begins with "." or "/" is a path of the host, whatever it holds. */
static char *split(const char *text, const char **out_path)
{
	const char *colon = strchr(text, ':');
	bool host = *text == '.' || *text == '/' || !colon;
	*out_path = host ? text : colon + 1;
	return host ? NULL : g_strndup(text, (size_t)(colon - text));
}

/* The containers that are meant, running or not; into a service that is all of them. */
static GPtrArray *choose(const ComposeLive *live, const char *service, const CpOptions *opts,
			 bool into, GError **error)
{
	const char *const services[] = {service, NULL};
	g_autoptr(GPtrArray) list = compose_state_select(live->state, services, opts->all);
	for (guint i = list->len; opts->index && i-- > 0;)
		if (((ComposeContainer *)list->pdata[i])->number != (int)opts->index)
			g_ptr_array_remove_index(list, i);
	if (list->len == 0)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
				      "no container found for service \"%s\"", service);
	if (!into)
		g_ptr_array_set_size(list, 1);
	return g_steal_pointer(&list);
}

static bool copy(const ComposeLive *live, const CpOptions *opts, const Invocation *inv,
		 GError **error)
{
	CopyEnd from = {0}, to = {0};
	const CopyOptions how = {.keep_owner = opts->archive};
	g_autofree char *from_name = split(command_arg(inv, 0), &from.path);
	g_autofree char *to_name = split(command_arg(inv, 1), &to.path);
	if (!from_name == !to_name)
		return error_set(error, ENGINE_ERROR_INVALID,
				 from_name ? "copying between services is not supported"
					   : "unknown copy direction: one of both must be "
					     "SERVICE:PATH");
	g_autoptr(GPtrArray) list =
		choose(live, from_name ? from_name : to_name, opts, to_name != NULL, error);
	if (list && list->len > 1 && strcmp(from.path, "-") == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "standard input can be read once: service \"%s\" has %u "
				 "containers, choose one by --index",
				 to_name, list->len);
	for (guint i = 0; list && i < list->len; i++) {
		Container *ctr = ((ComposeContainer *)list->pdata[i])->ctr;
		CopyEnd *end = from_name ? &from : &to;
		/* Copying reads the container anew. */
		g_autofree char *name = g_strdup(container_summary(ctr)->name);
		end->ctr = ctr;
		end->name = name;
		if (!copy_run(&from, &to, &how, error))
			return false;
		if (to_name || strcmp(to.path, "-") != 0)
			compose_report("Container", name, "Copied");
	}
	return list != NULL;
}

static int cmd_cp(Invocation *inv)
{
	CpOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeLive) live = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	if (!compose_live_open(&live, inv, &given, false, NULL, &error) ||
	    !copy(&live, &opts, inv, &error))
		return command_fail(error);
	return 0;
}

const Command compose_cp_command = {
	.paths = (const char *const[]){"compose cp", NULL},
	.usage = "[options] [SERVICE:]SOURCE [SERVICE:]DESTINATION",
	.summary = "Copy files between the host and a service",
	.description =
		"Copies a file, or a directory with all it holds, into all containers of a "
		"service, or out of its first one, as \"skiff cp\" does; - is a tar on standard "
		"input or output.",
	.examples = (const char *const[]){"skiff compose cp app.conf web:/etc/",
					  "skiff compose cp --index 2 web:/var/log/. logs", NULL},
	.min_args = 2,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_cp,
};
