/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network rm
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/named_network.h"
#include "libpod/rootless.h"

typedef struct {
	bool force;
} NetworkRmOptions;

static const Option options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL,
	 "Remove the containers on it too, and don't mind missing networks",
	 offsetof(NetworkRmOptions, force), OPTION_COMMON},
	OPTION_UNSUPPORTED('t', "time", OPTION_VALUE),
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman's codes: 1 a network is missing, 2 one is in use. */
static int fail(const GError *error)
{
	command_fail(error);
	if (error_matches(error, ENGINE_ERROR_NOT_FOUND))
		return 1;
	return error_matches(error, ENGINE_ERROR_IN_USE) ? 2 : error_exit_code(error);
}

static int remove_named(Engine *engine, const char *name, bool force)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(NamedNetwork) network = named_network_resolve(engine, name, &error);
	if (!network)
		return force && error_matches(error, ENGINE_ERROR_NOT_FOUND) ? 0 : fail(error);
	if (!named_network_remove(engine, network, force, &error))
		return fail(error);
	output_text(name);
	return 0;
}

/* The trash of removed containers is emptied once, also after failures. */
static int cmd_network_rm(Invocation *inv)
{
	NetworkRmOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	int status = 0;
	for (size_t i = 0; i < command_n_args(inv); i++) {
		int code = remove_named(engine, command_arg(inv, i), opts.force);
		/* podman: one in use (2) says more than a missing one (1). */
		status = status == 0 || code == 2 ? code : status;
	}
	return rootless_empty_trash(engine, &error) ? status : command_fail(error);
}

const Command network_rm_command = {
	.paths = (const char *const[]){"network rm", "network remove", NULL},
	.usage = "[options] NETWORK [NETWORK...]",
	.summary = "Remove networks",
	.description = "Removes networks. One that a container is made for stays, unless --force "
		       "is given.",
	.examples = (const char *const[]){"skiff network rm backend", "skiff network rm -f backend",
					  NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_NETWORK,
	.more_args = COMMAND_ARG_NETWORK,
	.run = cmd_network_rm,
};
