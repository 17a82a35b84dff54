/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_starts.h"

#include <string.h>

#include "cmd/compose/compose_state.h"
#include "libpod/base/error.h"

/* More do not make it faster: a start is work of the processor and of a disk, not of the network.
 */
#define STARTS_PER_PROCESSOR 2

typedef struct {
	ContainerStarting *starting;
	char *service, *name;
} Start;

struct ComposeStarts {
	GQueue begun; /* of Start, the first one first */
	guint most;
};

static void start_free(Start *start)
{
	g_free(start->service);
	g_free(start->name);
	g_free(start);
}

ComposeStarts *compose_starts_new(guint most)
{
	ComposeStarts *starts = g_new0(ComposeStarts, 1);
	g_queue_init(&starts->begun);
	starts->most = most ? most : STARTS_PER_PROCESSOR * g_get_num_processors();
	return starts;
}

/* Wait for the first of them. */
static bool finish_first(ComposeStarts *starts, GError **error)
{
	Start *start = g_queue_pop_head(&starts->begun);
	bool ok = container_start_finish(start->starting, NULL, error);
	if (ok)
		compose_report("Container", start->name, "Started");
	else
		compose_report("Container", start->name, "Error");
	if (!ok)
		g_prefix_error(error, "container %s: ", start->name);
	start_free(start);
	return ok;
}

void compose_starts_free(ComposeStarts *starts)
{
	(void)compose_starts_finish(starts, NULL, NULL);
	g_free(starts);
}

/* The place of the last start of a service, counted from 1; 0: none. */
static guint last_of(ComposeStarts *starts, const char *service)
{
	guint place = 0, n = 0;
	for (GList *l = starts->begun.head; l; l = l->next) {
		n++;
		if (!service || strcmp(((Start *)l->data)->service, service) == 0)
			place = n;
	}
	return place;
}

bool compose_starts_finish(ComposeStarts *starts, const char *service, GError **error)
{
	bool ok = true;
	for (guint n = last_of(starts, service); n > 0; n--)
		ok = finish_first(starts, ok ? error : NULL) && ok;
	return ok;
}

bool compose_starts_add(ComposeStarts *starts, const char *service, Container *ctr, GError **error)
{
	const ContainerSummary *summary = container_summary(ctr);
	bool alone = summary->depends && summary->depends[0];
	if ((alone && !compose_starts_finish(starts, NULL, error)) ||
	    (starts->begun.length >= starts->most && !finish_first(starts, error)))
		return false;
	/* Starting reads the container anew. */
	g_autofree char *name = g_strdup(summary->name);
	compose_report("Container", name, compose_is_dry_run() ? "Start" : "Starting");
	if (compose_is_dry_run())
		return true;
	g_autoptr(GError) failed = NULL;
	ContainerStart options = {.detached = true, .at_once = starts->begun.length > 0};
	ContainerStarting *starting = container_start_begin(ctr, &options, &failed);
	/* Two that wait for each other's containers would wait for ever. */
	if (!starting && options.at_once && error_matches(failed, ENGINE_ERROR_IN_USE)) {
		g_clear_error(&failed);
		if (!compose_starts_finish(starts, NULL, error))
			return false;
		options.at_once = false;
		starting = container_start_begin(ctr, &options, &failed);
	}
	if (!starting) {
		compose_report("Container", name, "Error");
		g_propagate_prefixed_error(error, g_steal_pointer(&failed), "container %s: ", name);
		return false;
	}
	Start *start = g_new0(Start, 1);
	start->starting = starting;
	start->service = g_strdup(service);
	start->name = g_steal_pointer(&name);
	g_queue_push_tail(&starts->begun, start);
	return true;
}
