/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/engine_open.h"

Engine *command_engine(const Invocation *inv, bool read_only, GError **error)
{
	const EngineOptions options = {
		.root = inv->global.root,
		.runroot = inv->global.runroot,
		.modules = inv->global.modules,
		.read_only = read_only,
	};
	return engine_open(&options, error);
}
