/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_gate.h"

#include <string.h>

#include "cmd/compose/compose_state.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"

/* Health is looked at so often; the probes themselves run in the monitors. */
#define POLL_US 50000

typedef enum {
	GATE_WAIT,
	GATE_OPEN,
	GATE_FAILED,
} Gate;

/* Where a container is on its way to @condition; @error says why it will not get there. */
static Gate look(const Container *ctr, const char *condition, GError **error)
{
	const ContainerSummary *s = container_summary(ctr);
	bool ended = s->state == CONTAINER_EXITED;
	if (strcmp(condition, "service_completed_successfully") == 0) {
		if (!ended)
			return GATE_WAIT;
		if (s->exit_known && s->exit_code == 0)
			return GATE_OPEN;
		error_set(error, ENGINE_ERROR_BAD_STATE,
			  "container %s didn't complete successfully: exit %d", s->name,
			  s->exit_code);
		return GATE_FAILED;
	}
	if (ended) {
		error_set(error, ENGINE_ERROR_BAD_STATE, "container %s exited (%d)", s->name,
			  s->exit_code);
		return GATE_FAILED;
	}
	if (strcmp(condition, "service_started") == 0)
		return s->state == CONTAINER_CREATED ? GATE_WAIT : GATE_OPEN;
	if (!s->health && s->state != CONTAINER_RESTARTING) {
		error_set(error, ENGINE_ERROR_BAD_STATE,
			  "container %s has no healthcheck configured", s->name);
		return GATE_FAILED;
	}
	if (g_strcmp0(s->health, "unhealthy") == 0) {
		error_set(error, ENGINE_ERROR_BAD_STATE, "container %s is unhealthy", s->name);
		return GATE_FAILED;
	}
	return g_strcmp0(s->health, "healthy") == 0 ? GATE_OPEN : GATE_WAIT;
}

/* Until one container is there. @deadline: monotonic microseconds, 0 for none. */
static bool wait_for(Engine *engine, const Container *ctr, const char *condition, int64_t deadline,
		     GError **error)
{
	for (;;) {
		g_autoptr(Container) now = compose_state_reload(engine, ctr);
		if (!now)
			return error_set(error, ENGINE_ERROR_NOT_FOUND, "container %s is gone",
					 container_summary(ctr)->name);
		Gate gate = look(now, condition, error);
		if (gate != GATE_WAIT)
			return gate == GATE_OPEN;
		if (deadline && g_get_monotonic_time() > deadline)
			return error_set(error, ENGINE_ERROR_TIMEOUT,
					 "timeout waiting for container %s",
					 container_summary(ctr)->name);
		g_usleep(POLL_US);
	}
}

/* All containers of one dependency; one without containers is not waited for. */
static bool wait_dependency(Engine *engine, const GPtrArray *state, const char *service,
			    const char *condition, GError **error)
{
	const char *const names[] = {service, NULL};
	g_autoptr(GPtrArray) own = compose_state_select(state, names, false);
	for (guint i = 0; i < own->len; i++) {
		const ComposeContainer *item = own->pdata[i];
		const char *name = container_summary(item->ctr)->name;
		compose_report("Container", name, "Waiting");
		if (!wait_for(engine, item->ctr, condition, 0, error))
			return false;
		compose_report("Container", name,
			       strcmp(condition, "service_healthy") == 0 ? "Healthy" : "Exited");
	}
	return true;
}

bool compose_gate_wait(Engine *engine, const ComposeProject *project, const NodeEntry *service,
		       GError **error)
{
	const Node *others = node_get(service->value, "depends_on");
	g_autoptr(GPtrArray) state = NULL;
	for (size_t i = 0; i < node_count(others); i++) {
		const NodeEntry *entry = node_entry(others, i);
		const char *condition = node_string(entry->value, "condition");
		g_autoptr(GError) failed = NULL;
		/* It has been started before us: services go in order. */
		if (strcmp(condition, "service_started") == 0)
			continue;
		if (!state && !(state = compose_state_list(engine, project->name, error)))
			return false;
		if (wait_dependency(engine, state, entry->key, condition, &failed))
			continue;
		if (node_true(entry->value, "required")) {
			g_propagate_error(error, g_steal_pointer(&failed));
			g_prefix_error(error, "dependency failed to start: ");
			return false;
		}
		log_warn("optional dependency %s of %s: %s", entry->key, service->key,
			 failed->message);
	}
	return true;
}

/* Does a service wait for the end of this one? Then it is meant to end. */
static bool is_one_shot(const Node *services, const char *name)
{
	for (size_t i = 0; i < node_count(services); i++) {
		const Node *others = node_get(node_entry(services, i)->value, "depends_on");
		const char *condition = node_string(node_get(others, name), "condition");
		if (g_strcmp0(condition, "service_completed_successfully") == 0)
			return true;
	}
	return false;
}

bool compose_gate_wait_all(Engine *engine, const ComposeProject *project,
			   const char *const *services, int timeout_s, GError **error)
{
	int64_t deadline = timeout_s ? g_get_monotonic_time() + timeout_s * G_USEC_PER_SEC : 0;
	const Node *known = node_get(project->model, "services");
	g_autoptr(GPtrArray) state = compose_state_list(engine, project->name, error);
	g_autoptr(GPtrArray) items = state ? compose_state_select(state, services, false) : NULL;
	for (guint i = 0; items && i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		if (!node_get(known, item->service))
			continue;
		const char *condition = is_one_shot(known, item->service)
						? "service_completed_successfully"
					: container_summary(item->ctr)->health ? "service_healthy"
									       : "service_started";
		if (!wait_for(engine, item->ctr, condition, deadline, error))
			return false;
	}
	return state != NULL;
}
