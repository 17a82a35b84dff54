/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_hooks.h"

#include "cmd/compose/compose_progress.h"
#include "cmd/compose/compose_state.h"
#include "cmd/container/exec.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/spec_parse.h"

/* Its variables, user and directory. */
static ContainerSpec *describe(const Node *hook, GError **error)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	const Node *environment = node_get(hook, "environment"), *user = node_get(hook, "user");
	const char *directory = node_string(hook, "working_dir");
	g_autofree char *name = user ? node_scalar_text(user) : NULL;
	for (size_t i = 0; i < node_count(environment); i++) {
		const NodeEntry *entry = node_entry(environment, i);
		g_autofree char *value = node_scalar_text(entry->value);
		g_autofree char *pair =
			value ? g_strdup_printf("%s=%s", entry->key, value) : g_strdup(entry->key);
		if (!spec_add_env(spec, pair, error))
			return NULL;
	}
	if ((name && !spec_set_user(spec, name, error)) ||
	    (directory && !spec_set_workdir(spec, directory, error)))
		return NULL;
	return g_steal_pointer(&spec);
}

bool compose_hook_run(Engine *engine, Container *ctr, const char *service, const Node *hook,
		      GError **error)
{
	const Node *words = node_get(hook, "command");
	g_autoptr(ContainerSpec) spec = describe(hook, error);
	g_auto(GStrv) args = g_new0(char *, node_count(words) + 1);
	int code = 0;
	for (size_t i = 0; i < node_count(words); i++)
		args[i] = node_scalar_text(node_item(words, i));
	if (!spec)
		return false;
	if (!args[0])
		return place_error(error, hook->at, "services.%s: a hook without command", service);
	compose_progress_end();
	output_flush();
	if (!exec_run(engine, ctr, spec, node_true(hook, "privileged"), (const char *const *)args,
		      &code, error))
		return false;
	return code == 0 || error_set(error, ENGINE_ERROR_BAD_STATE,
				      "%s hook exited with status %d", service, code);
}

bool compose_hooks_run(Engine *engine, Container *ctr, const NodeEntry *service, const char *kind,
		       GError **error)
{
	const Node *hooks = service ? node_get(service->value, kind) : NULL;
	if (node_count(hooks) == 0 || compose_is_dry_run())
		return true;
	/* It may have been started since it was looked at. */
	g_autoptr(Container) now = compose_state_reload(engine, ctr);
	for (size_t i = 0; now && i < node_count(hooks); i++) {
		if (!compose_state_runs(now) ||
		    container_summary(now)->state == CONTAINER_RESTARTING)
			return true;
		if (!compose_hook_run(engine, now, service->key, node_item(hooks, i), error)) {
			g_prefix_error(error, "container %s: %s: ", container_summary(now)->name,
				       kind);
			return false;
		}
	}
	return true;
}
