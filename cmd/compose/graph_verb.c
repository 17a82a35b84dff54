/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose graph: what hangs together.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/graph.h"
#include "cmd/compose/project_options.h"
#include "cmd/escape.h"
#include "cmd/output.h"

typedef struct {
	const char *format;
} GraphOptions;

static const Option options[] = {
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "mermaid, dot, text or picture (default)", offsetof(GraphOptions, format), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Does the locale say that there are no such characters? */
static bool is_ascii(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = g_getenv(names[i]);
		if (!value || !*value)
			continue;
		g_autofree char *lower = g_ascii_strdown(value, -1);
		return !strstr(lower, "utf-8") && !strstr(lower, "utf8");
	}
	return false;
}

static unsigned terminal_columns(void)
{
	struct winsize size = {0};
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 120;
	return size.ws_col ? size.ws_col : 80;
}

static void print_picture(const Graph *graph, GString *out)
{
	g_autofree char *networks = graph_join(graph->networks);
	g_autofree char *volumes = graph_join(graph->volumes);
	graph_picture(graph, terminal_columns(), is_ascii(), out);
	if (*networks || *volumes)
		g_string_append_c(out, '\n');
	if (*networks)
		g_string_append_printf(out, "networks: %s\n", networks);
	if (*volumes)
		g_string_append_printf(out, "volumes: %s\n", volumes);
}

static int cmd_graph(Invocation *inv)
{
	static const struct {
		const char *name;
		void (*print)(const Graph *graph, GString *out);
	} formats[] = {{"picture", print_picture},
		       {"mermaid", graph_mermaid},
		       {"dot", graph_dot},
		       {"text", graph_text}};
	GraphOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	size_t which = 0;
	while (opts.format && which < G_N_ELEMENTS(formats) &&
	       strcmp(formats[which].name, opts.format) != 0)
		which++;
	if (which == G_N_ELEMENTS(formats)) {
		output_error_text("unsupported format \"%s\": mermaid, dot, text or picture",
				  opts.format);
		return 125;
	}
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	if (!project)
		return command_fail(error);
	g_auto(Graph) graph = {0};
	g_autoptr(GString) out = g_string_new(NULL);
	graph_init(&graph, project);
	formats[which].print(&graph, out);
	g_autofree char *plain =
		output_is_terminal(STDOUT_FILENO) ? escape_terminal(out->str, true) : NULL;
	output_printf("%s", plain ? plain : out->str);
	return 0;
}

const Command compose_graph_command = {
	.paths = (const char *const[]){"compose graph", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Show what services need, their networks and volumes",
	.description = "Draws a box for each service and lines to what it needs, or prints the "
		       "same for mermaid or graphviz.",
	.examples = (const char *const[]){"skiff compose graph",
					  "skiff compose graph --format dot | dot -Tsvg >stack.svg",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_graph,
};
