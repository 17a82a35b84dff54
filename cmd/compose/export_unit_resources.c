/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .network, .volume and .build files.
 */
#include <string.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/compose/export_units.h"

/* "key=value" to a key of the unit, if there is something. */
static void put_string(UnitText *text, const char *key, const Node *map, const char *name)
{
	const char *value = node_string(map, name);
	if (value)
		unit_text_put(text, key, NULL, value);
}

static void put_ipam(UnitText *text, const Node *ipam)
{
	const Node *config = node_get(ipam, "config");
	g_autofree char *path = g_strdup_printf("%s.ipam", text->path);
	static const char *const known[] = {"config", "driver", NULL};
	static const char *const inside[] = {"subnet", "gateway", "ip_range", NULL};
	compose_export_unknown(text->export, path, ipam, known);
	for (size_t i = 0; i < node_count(config); i++) {
		const Node *item = node_item(config, i);
		compose_export_unknown(text->export, path, item, inside);
		put_string(text, "Subnet", item, "subnet");
		put_string(text, "Gateway", item, "gateway");
		put_string(text, "IPRange", item, "ip_range");
	}
}

void export_unit_network(ComposeExport *export, const NodeEntry *network)
{
	static const char *const known[] = {"attachable",  "driver",   "driver_opts", "enable_ipv4",
					    "enable_ipv6", "internal", "ipam",        "labels",
					    "name",        NULL};
	g_autofree char *path = g_strdup_printf("networks.%s", network->key);
	g_autofree char *base = export_unit_name(export, network->key);
	g_autofree char *file = g_strconcat(base, ".network", NULL);
	UnitText text;
	unit_text_init(&text, export, "Network", path);
	compose_export_unknown(export, path, network->value, known);
	put_string(&text, "NetworkName", network->value, "name");
	put_string(&text, "Driver", network->value, "driver");
	if (node_true(network->value, "internal"))
		unit_text_put(&text, "Internal", NULL, "true");
	if (node_true(network->value, "enable_ipv6"))
		unit_text_put(&text, "IPv6", NULL, "true");
	put_ipam(&text, node_get(network->value, "ipam"));
	unit_text_put_pairs(&text, "Options", node_get(network->value, "driver_opts"));
	unit_text_put_pairs(&text, "Label", node_get(network->value, "labels"));
	unit_text_finish(&text, file, false);
}

/* type, device and o have keys; others are options of the driver. */
static void put_driver_options(UnitText *text, const Node *options)
{
	for (size_t i = 0; i < node_count(options); i++) {
		const NodeEntry *entry = node_entry(options, i);
		g_autofree char *value = node_scalar_text(entry->value);
		g_autofree char *pair = g_strdup_printf("%s=%s", entry->key, value ? value : "");
		const char *key = strcmp(entry->key, "type") == 0     ? "Type"
				  : strcmp(entry->key, "device") == 0 ? "Device"
				  : strcmp(entry->key, "o") == 0      ? "Options"
								      : NULL;
		if (key && node_get(options, "device"))
			unit_text_put(text, key, NULL, value ? value : "");
		else
			unit_text_put_option(text, "--opt", pair);
	}
}

void export_unit_volume(ComposeExport *export, const NodeEntry *volume)
{
	static const char *const known[] = {"driver", "driver_opts", "labels", "name", NULL};
	g_autofree char *path = g_strdup_printf("volumes.%s", volume->key);
	g_autofree char *base = export_unit_name(export, volume->key);
	g_autofree char *file = g_strconcat(base, ".volume", NULL);
	UnitText text;
	unit_text_init(&text, export, "Volume", path);
	compose_export_unknown(export, path, volume->value, known);
	put_string(&text, "VolumeName", volume->value, "name");
	put_string(&text, "Driver", volume->value, "driver");
	put_driver_options(&text, node_get(volume->value, "driver_opts"));
	unit_text_put_pairs(&text, "Label", node_get(volume->value, "labels"));
	unit_text_finish(&text, file, false);
}

/* Each pair of a mapping, or member of a list, as an option. */
static void put_options(UnitText *text, const char *option, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		bool map = value->kind == NODE_MAP;
		g_autofree char *scalar =
			node_scalar_text(map ? node_entry(value, i)->value : node_item(value, i));
		g_autofree char *pair = map ? g_strdup_printf("%s=%s", node_entry(value, i)->key,
							      scalar ? scalar : "")
					    : g_strdup(scalar);
		if (pair)
			unit_text_put_option(text, option, pair);
	}
}

/* A Dockerfile of the file's own is written beside the units. */
static void put_dockerfile(UnitText *text, const NodeEntry *service, const char *directory)
{
	const Node *build = node_get(service->value, "build");
	const char *said = node_string(build, "dockerfile"),
		   *context = node_string(build, "context");
	const char *own = node_string(build, "dockerfile_inline");
	g_autofree char *base = export_unit_name(text->export, service->key);
	if (own) {
		g_autofree char *name = g_strconcat(base, ".Dockerfile", NULL);
		g_autofree char *path = g_build_filename(directory ? directory : ".", name, NULL);
		g_string_append(compose_export_file(text->export, name, false), own);
		unit_text_put(text, "File", NULL, path);
		return;
	}
	bool local = context && *context == '/';
	g_autofree char *path = said && *said != '/' && local
					? g_build_filename(context, said, NULL)
					: g_strdup(said ? said : "Dockerfile");
	unit_text_put(text, "File", NULL, path);
}

/* Secrets of a build are files of the host. */
static void put_secrets(UnitText *text, const Node *secrets)
{
	const Node *known = node_get(text->export->model, "secrets");
	for (size_t i = 0; i < node_count(secrets); i++) {
		const Node *item = node_item(secrets, i);
		const char *source = node_string(item, "source"), *id = node_string(item, "target");
		const char *file = node_string(node_get(known, source), "file");
		g_autofree char *path = g_strdup_printf("%s.build.secrets.%s", text->path, source);
		g_autofree char *word =
			g_strdup_printf("id=%s,src=%s", id ? id : source, file ? file : "");
		if (!file || strchr(file, ','))
			compose_export_note(text->export, path, "only secrets from files are");
		else
			unit_text_put_word(text, "Secret", word);
	}
}

void export_unit_build(ComposeExport *export, const NodeEntry *service, const char *directory)
{
	static const char *const known[] = {"additional_contexts",
					    "args",
					    "context",
					    "dockerfile",
					    "dockerfile_inline",
					    "labels",
					    "no_cache",
					    "pull",
					    "secrets",
					    "ssh",
					    "tags",
					    "target",
					    NULL};
	const Node *build = node_get(service->value, "build"), *tags = node_get(build, "tags");
	const char *image = node_string(service->value, "image");
	g_autofree char *path = g_strdup_printf("services.%s", service->key);
	g_autofree char *inside = g_strdup_printf("%s.build", path);
	g_autofree char *base = export_unit_name(export, service->key);
	g_autofree char *file = g_strconcat(base, ".build", NULL);
	g_autofree char *tag = image ? g_strdup(image) : g_strconcat("localhost/", base, NULL);
	UnitText text;
	unit_text_init(&text, export, "Build", path);
	compose_export_unknown(export, inside, build, known);
	unit_text_put(&text, "ImageTag", NULL, tag);
	for (size_t i = 0; i < node_count(tags); i++)
		unit_text_put(&text, "ImageTag", NULL, node_item(tags, i)->text);
	put_string(&text, "SetWorkingDirectory", build, "context");
	put_dockerfile(&text, service, directory);
	put_string(&text, "Target", build, "target");
	put_options(&text, "--build-arg", node_get(build, "args"));
	text.is_secret = node_count(node_get(build, "args")) > 0;
	unit_text_put_pairs(&text, "Label", node_get(build, "labels"));
	put_secrets(&text, node_get(build, "secrets"));
	put_options(&text, "--build-context", node_get(build, "additional_contexts"));
	put_options(&text, "--ssh", node_get(build, "ssh"));
	if (node_true(build, "no_cache"))
		unit_text_put_word(&text, "PodmanArgs", "--no-cache");
	if (node_true(build, "pull"))
		unit_text_put(&text, "Pull", NULL, "always");
	unit_text_finish(&text, file, false);
}
