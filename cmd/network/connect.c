/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network connect and disconnect: change the networks of a container that exists.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/container_network.h"

typedef struct {
	NetworkAttachment *attachment;
} ConnectOptions;

static void connect_options_clear(ConnectOptions *opts)
{
	g_clear_pointer(&opts->attachment, attachment_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConnectOptions, connect_options_clear)

static NetworkAttachment *attachment_of(void *target)
{
	ConnectOptions *opts = target;
	if (!opts->attachment)
		opts->attachment = attachment_new(NULL);
	return opts->attachment;
}

static bool set_ip(void *target, const Option *option, const char *value, GError **error)
{
	uint32_t address;
	struct in6_addr address6;
	bool v6 = g_str_equal(option->name, "ip6");
	if (v6 ? !address6_parse(value, &address6) : !address4_parse(value, &address))
		return error_set(error, ENGINE_ERROR_INVALID, "\"%s\" is not an ip address", value);
	return attachment_set_ip(attachment_of(target), value, error);
}

static bool set_mac(void *target, const Option *option, const char *value, GError **error)
{
	return attachment_set_mac(attachment_of(target), value, error);
}

static bool add_alias(void *target, const Option *option, const char *value, GError **error)
{
	return attachment_add_alias(attachment_of(target), value, error);
}

static const Option connect_options[] = {
	{0, "alias", OPTION_CSV, add_alias, "NAME", "One more name of the container on the network",
	 0, OPTION_COMMON},
	{0, "ip", OPTION_VALUE, set_ip, "ADDRESS", "IPv4 address in the network", 0, OPTION_COMMON},
	{0, "ip6", OPTION_VALUE, set_ip, "ADDRESS", "IPv6 address in the network", 0,
	 OPTION_COMMON},
	{0, "mac-address", OPTION_VALUE, set_mac, "ADDRESS", "MAC address in the network", 0,
	 OPTION_COMMON},
	{0},
};

static const OptionGroup connect_group = {NULL, connect_options};

static bool connect_container(Engine *engine, const Invocation *inv, ConnectOptions *opts,
			      GError **error)
{
	g_autoptr(Container) ctr = container_resolve(engine, command_arg(inv, 1), error);
	g_autoptr(NamedNetwork) network =
		ctr ? named_network_resolve(engine, command_arg(inv, 0), error) : NULL;
	if (!network)
		return false;
	NetworkAttachment *attachment = attachment_of(opts);
	g_free(attachment->name);
	attachment->name = g_strdup(network->name);
	return container_network_connect(ctr, network, attachment, error);
}

static int cmd_network_connect(Invocation *inv)
{
	g_auto(ConnectOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	return engine && connect_container(engine, inv, &opts, &error) ? 0 : command_fail(error);
}

const Command network_connect_command = {
	.paths = (const char *const[]){"network connect", NULL},
	.usage = "[options] NETWORK CONTAINER",
	.summary = "Put a container on a network",
	.description = "Puts a container on one more network, now if it runs and at each start. "
		       "It must be on named networks already.",
	.examples = (const char *const[]){"skiff network connect backend web",
					  "skiff network connect --ip 10.89.0.7 --alias db backend "
					  "web",
					  NULL},
	.min_args = 2,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&connect_group, NULL},
	.arg = COMMAND_ARG_NETWORK,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_network_connect,
};

/* ---- disconnect ---- */

typedef struct {
	bool force;
} DisconnectOptions;

static const Option disconnect_options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL,
	 "Also if the network or the container is gone", offsetof(DisconnectOptions, force),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup disconnect_group = {NULL, disconnect_options};

static bool disconnect_container(Engine *engine, const Invocation *inv, GError **error)
{
	const char *called = command_arg(inv, 1);
	g_autoptr(Container) ctr = container_resolve(engine, called, error);
	g_autoptr(NamedNetwork) network =
		ctr ? named_network_resolve(engine, command_arg(inv, 0), error) : NULL;
	return network && container_network_disconnect(ctr, called, network->name, error);
}

static int cmd_network_disconnect(Invocation *inv)
{
	DisconnectOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (engine && disconnect_container(engine, inv, &error))
		return 0;
	return opts.force && error_matches(error, ENGINE_ERROR_NOT_FOUND) ? 0 : command_fail(error);
}

const Command network_disconnect_command = {
	.paths = (const char *const[]){"network disconnect", NULL},
	.usage = "[options] NETWORK CONTAINER",
	.summary = "Take a container off a network",
	.description = "Takes a container off a network, now if it runs and for all starts.",
	.examples = (const char *const[]){"skiff network disconnect backend web", NULL},
	.min_args = 2,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&disconnect_group, NULL},
	.arg = COMMAND_ARG_NETWORK,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_network_disconnect,
};
