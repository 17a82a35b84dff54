/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_engine.h"

Engine *compose_engine(const Invocation *inv, bool read_only, GError **error)
{
	const EngineOptions options = {
		.root = inv->global.root,
		.runroot = inv->global.runroot,
		.program = inv->argv[0],
		.read_only = read_only,
	};
	return engine_open(&options, error);
}
