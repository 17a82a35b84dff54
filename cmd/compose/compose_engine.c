/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_engine.h"

#include "cmd/compose/compose_progress.h"
#include "libpod/base/error.h"
#include "libpod/base/wall.h"

/* Verbs that ask compose_is_dry_run() wherever they change something. */
static bool can_be_dry(const Invocation *inv)
{
	static const char *const verbs[] = {"compose build",   "compose create", "compose down",
					    "compose kill",    "compose pull",   "compose rm",
					    "compose restart", "compose scale",  "compose start",
					    "compose stop",    "compose up",     NULL};
	return g_strv_contains(verbs, inv->command->paths[0]);
}

bool compose_check_dry_run(const Invocation *inv, bool dry_run, GError **error)
{
	return !dry_run || can_be_dry(inv) || !wall_stands("dry-verbs") ||
	       error_set(error, ENGINE_ERROR_UNSUPPORTED, "--dry-run is not for '%s'", inv->path);
}

Engine *compose_engine(const Invocation *inv, bool read_only, GError **error)
{
	if (!read_only && !compose_check_dry_run(inv, compose_is_dry_run(), error))
		return NULL;
	const EngineOptions options = {
		.root = inv->global.root,
		.runroot = inv->global.runroot,
		.modules = inv->global.modules,
		.program = inv->argv[0],
		.read_only = read_only || compose_is_dry_run(),
	};
	return engine_open(&options, error);
}
