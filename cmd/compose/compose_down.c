/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_down.h"

#include "cmd/compose/compose_hooks.h"
#include "cmd/compose/compose_state.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"

static int highest_rank(const GPtrArray *items)
{
	int rank = 0;
	for (guint i = 0; i < items->len; i++)
		rank = MAX(rank, ((ComposeContainer *)items->pdata[i])->rank);
	return rank;
}

typedef bool (*Work)(Container *ctr, const ComposeDown *options, GError **error);

static bool stop_one(Container *ctr, const ComposeDown *options, GError **error)
{
	if (!compose_state_runs(ctr))
		return true;
	const ContainerStop stop = {.timeout_s = options->timeout_s};
	if (!container_stop(ctr, &stop, error))
		return false;
	compose_report("Container", container_summary(ctr)->name, "Stopped");
	return true;
}

/* Gone already is fine: a --rm container ends with its program. */
static bool remove_one(Container *ctr, const ComposeDown *options, GError **error)
{
	g_autofree char *name = g_strdup(container_summary(ctr)->name);
	g_autoptr(GError) failed = NULL;
	const ContainerRemove remove = {
		.force = options->force,
		.volumes = options->volumes,
		.timeout_s = options->timeout_s,
		.keep_dependents = true,
	};
	if (!options->force && compose_state_runs(ctr))
		return true;
	if (!container_remove(ctr, &remove, &failed) &&
	    !error_matches(failed, ENGINE_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	compose_report("Container", name, "Removed");
	return true;
}

/* What becomes of the containers of a rank now. */
static void report_rank(const GPtrArray *items, const ComposeDown *options, bool removing, int rank)
{
	const char *dry = removing ? "Remove" : "Stop", *word = removing ? "Removing" : "Stopping";
	for (guint i = 0; i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		bool runs = compose_state_runs(item->ctr);
		bool meant = removing ? options->force || !runs : runs;
		if (item->rank == rank && meant)
			compose_report("Container", container_summary(item->ctr)->name,
				       compose_is_dry_run() ? dry : word);
	}
}

/* Each before any container of the rank is stopped. One that fails is told and stops nothing. */
static void run_hooks(const GPtrArray *items, const ComposeDown *options, int rank)
{
	const Node *services =
		options->project ? node_get(options->project->model, "services") : NULL;
	for (guint i = 0; services && i < items->len; i++) {
		ComposeContainer *item = items->pdata[i];
		g_autoptr(GError) failed = NULL;
		if (item->rank != rank || item->oneoff || !compose_state_runs(item->ctr))
			continue;
		if (!compose_hooks_run(container_engine(item->ctr), item->ctr,
				       node_get_entry(services, item->service), "pre_stop",
				       &failed))
			log_warn("%s", failed->message);
	}
}

/* From the last rank to the first; within one all get their signal before the first is waited for.
 */
static bool walk(const GPtrArray *items, const ComposeDown *options, bool removing, Work work,
		 GError **error)
{
	const ContainerStop stop = {.timeout_s = options->timeout_s, .removing = removing};
	for (int rank = highest_rank(items); rank >= 0; rank--) {
		report_rank(items, options, removing, rank);
		if (!removing || options->force)
			run_hooks(items, options, rank);
		for (guint i = 0; i < items->len; i++) {
			ComposeContainer *item = items->pdata[i];
			if (!compose_is_dry_run() && item->rank == rank &&
			    compose_state_runs(item->ctr) && (!removing || options->force))
				container_stop_begin(item->ctr, &stop);
		}
		for (guint i = 0; !compose_is_dry_run() && i < items->len; i++) {
			ComposeContainer *item = items->pdata[i];
			if (item->rank == rank && !work(item->ctr, options, error))
				return false;
		}
	}
	return true;
}

bool compose_stop(const GPtrArray *items, const ComposeDown *options, GError **error)
{
	return walk(items, options, false, stop_one, error);
}

bool compose_remove(const GPtrArray *items, const ComposeDown *options, GError **error)
{
	return walk(items, options, true, remove_one, error);
}
