/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network update
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/named_network.h"

typedef struct {
	GPtrArray *add, *drop; /* of strings, or NULL */
} UpdateOptions;

static void update_options_clear(UpdateOptions *opts)
{
	g_clear_pointer(&opts->add, g_ptr_array_unref);
	g_clear_pointer(&opts->drop, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UpdateOptions, update_options_clear)

static const Option options[] = {
	{0, "dns-add", OPTION_CSV, option_set_list, "ADDRESS",
	 "Ask this server, too, for names that are not containers'", offsetof(UpdateOptions, add),
	 OPTION_COMMON},
	{0, "dns-drop", OPTION_CSV, option_set_list, "ADDRESS", "Don't ask this server any more",
	 offsetof(UpdateOptions, drop), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static int cmd_network_update(Invocation *inv)
{
	g_auto(UpdateOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	return engine && named_network_update(engine, command_arg(inv, 0), opts.drop, opts.add,
					      &error)
		       ? 0
		       : command_fail(error);
}

const Command network_update_command = {
	.paths = (const char *const[]){"network update", NULL},
	.usage = "[options] NETWORK",
	.summary = "Change the DNS servers of a network",
	.description =
		"Changes which servers are asked for names that are not containers', at once. "
		"Without any left those of the host are asked.",
	.examples =
		(const char *const[]){"skiff network update --dns-add 192.0.2.53 backend", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_NETWORK,
	.run = cmd_network_update,
};
