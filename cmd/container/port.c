/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port: which host ports lead to a container.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "network/portmap.h"

typedef struct {
	Selection selection;
} PortOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Of all containers, with their ids",
	 offsetof(PortOptions, selection.all), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "Of the container created last",
	 offsetof(PortOptions, selection.latest), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static const char *protocol_name(PortProtocol protocol)
{
	return protocol == PORT_UDP ? "udp" : "tcp";
}

/* A port that was asked for: "80" or "80/tcp". */
typedef struct {
	uint64_t port;
	const char *protocol;
} Wanted;

/* As podman reads it: a protocol that there is none of is one that nothing is published for. */
static bool parse_wanted(const char *text, Wanted *out, GError **error)
{
	const char *slash = strchr(text, '/');
	g_autofree char *number = g_strndup(text, strcspn(text, "/"));
	if (slash && strchr(slash + 1, '/'))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "port formats are port/protocol. '%s' is invalid", text);
	out->protocol = slash ? slash + 1 : "tcp";
	if (units_parse_uint(number, UINT16_MAX, &out->port, NULL))
		return true;
	bool is_number = *number && strspn(number, "0123456789") == strlen(number);
	return error_set(error, ENGINE_ERROR_INVALID, "strconv.ParseUint: parsing \"%s\": %s",
			 number, is_number ? "value out of range" : "invalid syntax");
}

/* Print the mappings of one container. @wanted: only this port. Return: how many there were. */
static size_t print_ports(const ContainerSummary *summary, const Wanted *wanted, bool with_id)
{
	size_t n = 0;
	for (size_t i = 0; summary->ports && i < summary->ports->len; i++) {
		const PortMapping *port = g_ptr_array_index(summary->ports, i);
		for (unsigned j = 0; j < port->count; j++) {
			unsigned inside = port->container_port + j;
			unsigned outside = port->host_port + (port->host_port ? j : 0);
			if (wanted &&
			    (wanted->port != inside ||
			     strcmp(wanted->protocol, protocol_name(port->protocol)) != 0))
				continue;
			if (with_id)
				output_printf("%.12s\t", summary->id);
			if (!wanted)
				output_printf("%u/%s -> ", inside, protocol_name(port->protocol));
			bool v6 = port->host_ip && strchr(port->host_ip, ':');
			output_printf("%s%s%s:%u\n", v6 ? "[" : "",
				      port->host_ip ? port->host_ip : "0.0.0.0", v6 ? "]" : "",
				      outside);
			n++;
		}
	}
	return n;
}

/* Of what runs only, oldest first. */
static int print_all(Engine *engine)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) all = containers_list(engine, &error);
	if (!all)
		return command_fail(error);
	for (size_t i = all->len; i > 0; i--) {
		const ContainerSummary *summary = container_summary(all->pdata[i - 1]);
		if (summary->state == CONTAINER_RUNNING)
			print_ports(summary, NULL, true);
	}
	return 0;
}

/* A port that was asked for and is not published is an error while the container runs. */
static bool print_one(Engine *engine, const PortOptions *opts, const Invocation *inv,
		      GError **error)
{
	size_t next = opts->selection.latest ? 0 : 1;
	const char *text = command_arg(inv, next);
	Wanted wanted = {0};
	text = text && *text ? text : NULL;
	if (text && !parse_wanted(text, &wanted, error))
		return false;
	g_autoptr(Container) ctr = selection_one(&opts->selection, inv, engine, error);
	if (!ctr)
		return false;
	/* As podman has it: of one that does not run or publishes nothing, nothing is said. */
	const ContainerSummary *summary = container_summary(ctr);
	if (summary->state != CONTAINER_RUNNING || !summary->ports || summary->ports->len == 0)
		return true;
	if (print_ports(summary, text ? &wanted : NULL, false) == 0 && text)
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "failed to find published port \"%s\"", text);
	return true;
}

/* The number of arguments depends on the options, so the row cannot check it. */
static int cmd_port(Invocation *inv)
{
	PortOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	size_t n = command_n_args(inv);
	if (n > 2)
		error_set(&error, ENGINE_ERROR_INVALID, "`port` accepts at most 2 arguments");
	else if (opts.selection.all && opts.selection.latest)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--all and --latest cannot be used together");
	else if (n > 0 && opts.selection.all)
		error_set(&error, ENGINE_ERROR_INVALID, "no arguments are needed with --all");
	else if (n == 0 && !opts.selection.all && !opts.selection.latest)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "you must supply a running container name or id");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	if (opts.selection.all)
		return print_all(engine);
	return print_one(engine, &opts, inv, &error) ? 0 : command_fail(error);
}

const Command port_command = {
	.paths = (const char *const[]){"port", "container port", NULL},
	.usage = "[options] CONTAINER [PORT[/PROTOCOL]]",
	.summary = "Show which host ports lead to a container",
	.description =
		"Lists the published ports of a container, or the host's side of one of them.",
	.examples = (const char *const[]){"skiff port web", "skiff port web 80/tcp",
					  "skiff port --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.run = cmd_port,
};
