/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network ls
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/labels.h"
#include "cmd/network/network_filter.h"
#include "cmd/output.h"
#include "cmd/system/report.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

#define SHORT_ID 12

typedef struct {
	const char *format;
	bool quiet, no_heading, no_trunc;
	GPtrArray *filters;
} NetworkLsOptions;

static void network_ls_options_clear(NetworkLsOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NetworkLsOptions, network_ls_options_clear)

static const Option options[] = {
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only these: name, id, driver, label, dangling, until",
	 offsetof(NetworkLsOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(NetworkLsOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only the names",
	 offsetof(NetworkLsOptions, quiet), OPTION_COMMON},
	{'n', "noheading", OPTION_FLAG, option_set_flag, NULL, "No column titles",
	 offsetof(NetworkLsOptions, no_heading), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole ids",
	 offsetof(NetworkLsOptions, no_trunc), 0},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	const NamedNetwork *network;
	bool no_trunc;
} NetworkRow;

#define NETWORK (((const NetworkRow *)row)->network)

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	if (((const NetworkRow *)row)->no_trunc)
		return template_string(NETWORK->id);
	return template_string(template_heap_take(heap, g_strndup(NETWORK->id, SHORT_ID)));
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(NETWORK->name);
}

static TemplateValue get_driver(const void *row, TemplateHeap *heap)
{
	return template_string("bridge");
}

static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	return template_time(
		template_heap_take(heap, units_format_rfc3339(NETWORK->created, false)));
}

static TemplateValue get_internal(const void *row, TemplateHeap *heap)
{
	return template_bool(NETWORK->internal);
}

static TemplateValue get_dns(const void *row, TemplateHeap *heap)
{
	return template_bool(NETWORK->dns);
}

static TemplateValue get_ipv6(const void *row, TemplateHeap *heap)
{
	return template_bool(NETWORK->subnet6.prefix > 0);
}

static TemplateValue get_labels(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, labels_format(NETWORK->labels)));
}

/* What `network inspect` says, too. */
static TemplateValue from_report(const void *row, const char *key, TemplateHeap *heap)
{
	Json *json = template_heap_json(heap, named_network_to_json(NETWORK));
	TemplateValue report = template_from_json(json, &report_network_schema, heap);
	TemplateValue value = template_nil();
	(void)report.ops->lookup(report.data, key, heap, &value);
	return value;
}

static TemplateValue get_subnets(const void *row, TemplateHeap *heap)
{
	return from_report(row, "Subnets", heap);
}

static TemplateValue get_interface(const void *row, TemplateHeap *heap)
{
	return from_report(row, "NetworkInterface", heap);
}

static TemplateValue get_ipam_options(const void *row, TemplateHeap *heap)
{
	return from_report(row, "IPAMOptions", heap);
}

static TemplateValue get_options(const void *row, TemplateHeap *heap)
{
	return from_report(row, "Options", heap);
}

static TemplateValue get_routes(const void *row, TemplateHeap *heap)
{
	return from_report(row, "Routes", heap);
}

static TemplateValue get_servers(const void *row, TemplateHeap *heap)
{
	return from_report(row, "NetworkDNSServers", heap);
}

static const OutputField fields[] = {
	{"Created", NULL, get_created},
	{"DNSEnabled", NULL, get_dns},
	{"Driver", "DRIVER", get_driver},
	{"ID", "NETWORK ID", get_id},
	{"IPAMOptions", NULL, get_ipam_options},
	{"IPv6Enabled", NULL, get_ipv6},
	{"Internal", NULL, get_internal},
	{"Labels", NULL, get_labels},
	{"Name", "NAME", get_name},
	{"NetworkDNSServers", NULL, get_servers},
	{"NetworkInterface", NULL, get_interface},
	{"Options", NULL, get_options},
	{"Routes", NULL, get_routes},
	{"Subnets", NULL, get_subnets},
	{0},
};

static Json *to_json(const void *row)
{
	return named_network_to_json(NETWORK);
}

static bool call(const void *row, const char *name, const char *arg, TemplateHeap *heap,
		 TemplateValue *out)
{
	if (strcmp(name, "Label") != 0)
		return false;
	*out = template_string(g_hash_table_lookup(NETWORK->labels, arg));
	return true;
}

static const OutputTable table = {
	.verb = "network ls",
	.ranged = true,
	.type_name = "network.ListPrintReports",
	.fields = fields,
	.columns = "{{.ID}}\t{{.Name}}\t{{.Driver}}",
	.to_json = to_json,
	.call = call,
};

/* The rows borrow from @networks and live as long as this call. */
static bool list_networks(const NetworkLsOptions *opts, Engine *engine, GError **error)
{
	if (opts->quiet && opts->format)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "quiet and format flags cannot be used together");
	g_autoptr(GPtrArray) networks = named_networks_list(engine, error);
	if (!networks || !network_filter_apply(engine, networks, opts->filters, error))
		return false;
	g_autofree NetworkRow *storage = g_new(NetworkRow, networks->len + 1);
	g_autofree void **rows = g_new(void *, networks->len + 1);
	for (size_t i = 0; i < networks->len; i++) {
		storage[i] = (NetworkRow){networks->pdata[i], opts->no_trunc};
		rows[i] = &storage[i];
	}
	const OutputOptions output = {
		.format = opts->quiet ? "{{.Name}}" : opts->format,
		.no_heading = opts->no_heading,
	};
	return output_list(&table, &output, rows, networks->len, error);
}

static int cmd_network_ls(Invocation *inv)
{
	g_auto(NetworkLsOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	return engine && list_networks(&opts, engine, &error) ? 0 : command_fail(error);
}

const Command network_ls_command = {
	.paths = (const char *const[]){"network ls", "network list", NULL},
	.usage = "[options]",
	.summary = "List networks",
	.description = "Lists the networks.",
	.examples = (const char *const[]){"skiff network ls",
					  "skiff network ls -q --filter label=app=web", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Created*, *.DNSEnabled*, *.Driver*, "
	       "*.ID*, *.IPAMOptions*, *.IPv6Enabled*, *.Internal*, *.Labels*, *.Name*, "
	       "*.NetworkDNSServers*, *.NetworkInterface*, *.Options*, *.Routes*, *.Subnets*, and "
	       "*.Label \"KEY\"*.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_network_ls,
};
