/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/graph.h"

#include <string.h>

#include "cmd/compose/compose_spec.h"

static void service_free(void *data)
{
	GraphService *service = data;
	g_free(service->image);
	g_ptr_array_unref(service->ports);
	g_ptr_array_unref(service->networks);
	g_ptr_array_unref(service->volumes);
	g_array_unref(service->needs);
	g_free(service);
}

/* The index of a service that has been read; -1. */
static ssize_t find_service(const Graph *graph, const char *name)
{
	for (guint i = 0; i < graph->services->len; i++)
		if (strcmp(((GraphService *)graph->services->pdata[i])->name, name) == 0)
			return i;
	return -1;
}

static void add_once(GPtrArray *list, const char *name)
{
	for (guint i = 0; i < list->len; i++)
		if (strcmp(list->pdata[i], name) == 0)
			return;
	g_ptr_array_add(list, (char *)name);
}

static void read_ports(GraphService *out, const Node *ports)
{
	for (size_t i = 0; i < node_count(ports); i++) {
		const Node *port = node_item(ports, i);
		const char *ip = node_string(port, "host_ip");
		const char *published = node_string(port, "published");
		const char *protocol = node_string(port, "protocol");
		g_ptr_array_add(out->ports,
				g_strdup_printf("%s%s%s%s%" G_GINT64_FORMAT "/%s", ip ? ip : "",
						ip ? ":" : "", published ? published : "",
						published ? "->" : "",
						node_get(port, "target")->integer,
						protocol ? protocol : "tcp"));
	}
}

static void read_mounts(Graph *graph, GraphService *out, const Node *mounts)
{
	for (size_t i = 0; i < node_count(mounts); i++) {
		const Node *mount = node_item(mounts, i);
		const char *source = node_string(mount, "source");
		const char *type = node_string(mount, "type");
		g_ptr_array_add(out->volumes, g_strdup_printf("%s:%s", source ? source : type,
							      node_string(mount, "target")));
		if (source && strcmp(type, "volume") == 0)
			add_once(graph->volumes, source);
	}
}

static void read_networks(Graph *graph, GraphService *out, const Node *service)
{
	const Node *networks = node_get(service, "networks");
	const char *mode = node_string(service, "network_mode");
	for (size_t i = 0; i < node_count(networks); i++) {
		g_ptr_array_add(out->networks, node_entry(networks, i)->key);
		add_once(graph->networks, node_entry(networks, i)->key);
	}
	if (mode)
		g_ptr_array_add(out->networks, (char *)mode);
}

static const char *condition_word(const char *condition)
{
	if (g_strcmp0(condition, "service_healthy") == 0)
		return "healthy";
	return g_strcmp0(condition, "service_completed_successfully") == 0 ? "completed"
									   : "started";
}

/* A service behind all that it needs; cycles were refused when the file was read. */
static void read_service(Graph *graph, const Node *services, const char *name)
{
	const NodeEntry *entry = node_get_entry(services, name);
	if (!entry || find_service(graph, name) >= 0)
		return;
	const Node *needs = node_get(entry->value, "depends_on");
	const char *context = node_string(node_get(entry->value, "build"), "context");
	for (size_t i = 0; i < node_count(needs); i++)
		read_service(graph, services, node_entry(needs, i)->key);
	GraphService *out = g_new0(GraphService, 1);
	out->name = entry->key;
	out->image = context ? g_strdup_printf("build %s", context)
			     : compose_spec_image(graph->project, name, entry->value);
	out->scale = compose_spec_scale(entry->value);
	out->ports = g_ptr_array_new_with_free_func(g_free);
	out->networks = g_ptr_array_new();
	out->volumes = g_ptr_array_new_with_free_func(g_free);
	out->needs = g_array_new(FALSE, FALSE, sizeof(GraphNeed));
	read_ports(out, node_get(entry->value, "ports"));
	read_mounts(graph, out, node_get(entry->value, "volumes"));
	read_networks(graph, out, entry->value);
	for (size_t i = 0; i < node_count(needs); i++) {
		const NodeEntry *need = node_entry(needs, i);
		ssize_t other = find_service(graph, need->key);
		const GraphNeed made = {
			.service = (size_t)other,
			.condition = condition_word(node_string(need->value, "condition")),
			.required = node_true(need->value, "required"),
		};
		if (other >= 0)
			g_array_append_val(out->needs, made);
	}
	g_ptr_array_add(graph->services, out);
}

void graph_init(Graph *graph, const ComposeProject *project)
{
	const Node *services = node_get(project->model, "services");
	graph->project = project;
	graph->services = g_ptr_array_new_with_free_func(service_free);
	graph->networks = g_ptr_array_new();
	graph->volumes = g_ptr_array_new();
	for (size_t i = 0; i < node_count(services); i++)
		read_service(graph, services, node_entry(services, i)->key);
}

void graph_clear(Graph *graph)
{
	g_clear_pointer(&graph->services, g_ptr_array_unref);
	g_clear_pointer(&graph->networks, g_ptr_array_unref);
	g_clear_pointer(&graph->volumes, g_ptr_array_unref);
}

char *graph_need_text(const Graph *graph, const GraphNeed *need)
{
	const GraphService *other = graph->services->pdata[need->service];
	return g_strdup_printf("%s (%s%s)", other->name, need->condition,
			       need->required ? "" : ", optional");
}

char *graph_join(const GPtrArray *words)
{
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < words->len; i++)
		g_string_append_printf(text, "%s%s", i ? ", " : "", (char *)words->pdata[i]);
	return g_string_free(text, FALSE);
}

/* In double quotes, for both languages: @quote and @newline stand for what they cannot hold. */
static void append_quoted(GString *out, const char *text, const char *quote, const char *backslash)
{
	for (; *text; text++) {
		if (*text == '"')
			g_string_append(out, quote);
		else if (*text == '\\')
			g_string_append(out, backslash);
		else
			g_string_append_c(out, (unsigned char)*text < ' ' ? ' ' : *text);
	}
}

/* Does a service mount this named volume? */
static bool mounts(const GraphService *service, const char *volume)
{
	for (guint i = 0; i < service->volumes->len; i++) {
		const char *text = service->volumes->pdata[i];
		size_t length = strlen(volume);
		if (strncmp(text, volume, length) == 0 && text[length] == ':')
			return true;
	}
	return false;
}

/* How the words of a language look. */
typedef struct {
	const char *quote, *backslash, *newline;
	const char *node[3][2]; /* of services, networks, volumes: before and behind the text */
	const char *need[2][2]; /* required, optional: before and behind the condition */
	const char *link[2];    /* to networks, volumes */
} Language;

static void put_node(const Language *language, int kind, size_t number, const char *first,
		     const char *second, GString *out)
{
	g_string_append_printf(out, "  %c%zu%s", "snv"[kind], number, language -> node[kind][0]);
	append_quoted(out, first, language->quote, language->backslash);
	if (second) {
		g_string_append(out, language->newline);
		append_quoted(out, second, language->quote, language->backslash);
	}
	g_string_append_printf(out, "%s\n", language->node[kind][1]);
}

static void put_service_edges(const Graph *graph, const Language *language, size_t i, GString *out)
{
	const GraphService *service = graph->services->pdata[i];
	for (guint n = 0; n < service->needs->len; n++) {
		const GraphNeed *need = &g_array_index(service->needs, GraphNeed, n);
		const char *const *words = language->need[!need->required];
		bool dot = strcmp(language->newline, "\\n") == 0;
		if (dot)
			g_string_append_printf(out, "  s%zu -> s%zu%s%s%s\n", i, need->service,
					       words[0], need->condition, words[1]);
		else
			g_string_append_printf(out, "  s%zu%s%s%ss%zu\n", i, words[0],
					       need->condition, words[1], need->service);
	}
	for (guint n = 0; n < graph->networks->len; n++)
		if (g_ptr_array_find_with_equal_func(service->networks, graph->networks->pdata[n],
						     g_str_equal, NULL))
			g_string_append_printf(out, language->link[0], i, n);
	for (guint n = 0; n < graph->volumes->len; n++)
		if (mounts(service, graph->volumes->pdata[n]))
			g_string_append_printf(out, language->link[1], i, n);
}

static void put_all(const Graph *graph, const Language *language, GString *out)
{
	for (guint i = 0; i < graph->services->len; i++) {
		const GraphService *service = graph->services->pdata[i];
		g_autofree char *title =
			service->scale == 1
				? g_strdup(service->name)
				: g_strdup_printf("%s x%d", service->name, service->scale);
		put_node(language, 0, i, title, service->image, out);
	}
	for (guint i = 0; i < graph->networks->len; i++)
		put_node(language, 1, i, graph->networks->pdata[i], NULL, out);
	for (guint i = 0; i < graph->volumes->len; i++)
		put_node(language, 2, i, graph->volumes->pdata[i], NULL, out);
	for (guint i = 0; i < graph->services->len; i++)
		put_service_edges(graph, language, i, out);
}

void graph_mermaid(const Graph *graph, GString *out)
{
	static const Language language = {
		.quote = "#quot;",
		.backslash = "\\",
		.newline = "<br/>",
		.node = {{"[\"", "\"]"}, {"([\"", "\"])"}, {"[(\"", "\")]"}},
		.need = {{" -->|", "| "}, {" -.->|", "| "}},
		.link = {"  s%zu --- n%u\n", "  s%zu --- v%u\n"},
	};
	g_string_append(out, "flowchart LR\n");
	put_all(graph, &language, out);
}

void graph_dot(const Graph *graph, GString *out)
{
	static const Language language = {
		.quote = "\\\"",
		.backslash = "\\\\",
		.newline = "\\n",
		.node = {{" [shape=box,label=\"", "\"];"},
			 {" [shape=ellipse,label=\"", "\"];"},
			 {" [shape=cylinder,label=\"", "\"];"}},
		.need = {{" [label=\"", "\"];"}, {" [style=dashed,label=\"", "\"];"}},
		.link = {"  s%zu -> n%u [dir=none];\n", "  s%zu -> v%u [dir=none];\n"},
	};
	g_string_append(out, "digraph \"");
	append_quoted(out, graph->project->name, language.quote, language.backslash);
	g_string_append(out, "\" {\n  rankdir=LR;\n");
	put_all(graph, &language, out);
	g_string_append(out, "}\n");
}

static void put_words(GString *out, const char *what, const GPtrArray *words)
{
	for (guint i = 0; i < words->len; i++)
		g_string_append_printf(out, "  %s %s\n", what, (char *)words->pdata[i]);
}

void graph_text(const Graph *graph, GString *out)
{
	for (guint i = 0; i < graph->services->len; i++) {
		const GraphService *service = graph->services->pdata[i];
		g_string_append_printf(out, "%s\n  image %s\n", service->name, service->image);
		if (service->scale != 1)
			g_string_append_printf(out, "  scale %d\n", service->scale);
		for (guint n = 0; n < service->needs->len; n++) {
			g_autofree char *need = graph_need_text(
				graph, &g_array_index(service->needs, GraphNeed, n));
			g_string_append_printf(out, "  needs %s\n", need);
		}
		put_words(out, "port", service->ports);
		put_words(out, "network", service->networks);
		put_words(out, "volume", service->volumes);
	}
}
