/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_live.h"

#include "cmd/compose/compose_engine.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"

void compose_live_clear(ComposeLive *live)
{
	g_clear_pointer(&live->state, g_ptr_array_unref);
	engine_close(live->engine);
	live->engine = NULL;
	g_clear_pointer(&live->project, compose_project_free);
	g_clear_pointer(&live->name, g_free);
}

/* A service that is neither in the files nor running anywhere was mistyped. */
static bool check_service(const ComposeLive *live, const char *service, GError **error)
{
	const Node *services = live->project ? node_get(live->project->model, "services") : NULL;
	const char *const one[] = {service, NULL};
	g_autoptr(GPtrArray) own = compose_state_select(live->state, one, true);
	if (own->len > 0 || node_get(services, service))
		return true;
	Suggestions near;
	suggest_init(&near, service);
	for (size_t i = 0; i < node_count(services); i++)
		suggest_offer(&near, node_entry(services, i)->key);
	for (guint i = 0; i < live->state->len; i++)
		suggest_offer(&near, ((ComposeContainer *)live->state->pdata[i])->service);
	error_set(error, ENGINE_ERROR_NOT_FOUND, "no such service: %s", service);
	suggest_add_help(&near, "", error);
	return false;
}

bool compose_live_open(ComposeLive *live, const Invocation *inv, const ProjectOptions *given,
		       bool read_only, const char *const *services, GError **error)
{
	if (project_options_name(given, &live->name, &live->project, error))
		live->engine = compose_engine(inv, read_only, error);
	if (live->engine)
		live->state = compose_state_list(live->engine, live->name, error);
	for (size_t i = 0; live->state && services && services[i]; i++)
		if (!check_service(live, services[i], error))
			return false;
	return live->state != NULL;
}

const ComposeContainer *compose_live_find(const ComposeLive *live, const char *service,
					  uint64_t index, GError **error)
{
	const char *const services[] = {service, NULL};
	g_autoptr(GPtrArray) items = compose_state_select(live->state, services, false);
	for (guint i = 0; i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		if (compose_state_runs(item->ctr) && (index == 0 || item->number == (int)index))
			return item;
	}
	if (index > 0)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
				      "service \"%s\" is not running container #%d", service,
				      (int)index);
	return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "service \"%s\" is not running",
			      service);
}

int compose_delegate(const Invocation *inv, const Command *command, const char *path,
		     GPtrArray *words)
{
	g_ptr_array_add(words, NULL);
	Invocation inner = {
		.command = command,
		.path = path,
		.argv = inv->argv,
		.args = (char **)words->pdata,
		.global = inv->global,
	};
	int status = command->run(&inner);
	option_result_clear(&inner.options);
	return status;
}
