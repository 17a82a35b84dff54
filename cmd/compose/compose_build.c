/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_build.h"

#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"

/* The command line of one build on its way. */
typedef struct {
	const ComposeBuild *how;
	const NodeEntry *service;
	const Node *build;
	GPtrArray *words;
} Line;

static void add(Line *line, const char *name, const char *value)
{
	if (value)
		g_ptr_array_add(line->words, g_strdup_printf("--%s=%s", name, value));
}

/* Each member of a list, or NAME=VALUE of a mapping. */
static void add_all(Line *line, const char *key, const char *name)
{
	const Node *value = node_get(line->build, key);
	for (size_t i = 0; i < node_count(value); i++) {
		bool map = value->kind == NODE_MAP;
		g_autofree char *text =
			node_scalar_text(map ? node_entry(value, i)->value : node_item(value, i));
		g_autofree char *pair =
			map ? g_strdup_printf("%s=%s", node_entry(value, i)->key, text ? text : "")
			    : g_strdup(text);
		add(line, name, pair);
	}
}

static bool unsupported(const Line *line, const NodeEntry *at, const char *what, GError **error)
{
	place_error(error, at->at, "services.%s.build.%s: it is not supported yet",
		    line->service->key, what);
	if (error && *error)
		(*error)->code = ENGINE_ERROR_UNSUPPORTED;
	return false;
}

/* What no option of a build stands for is refused by its name. */
static bool check_keys(const Line *line, GError **error)
{
	static const char *const known[] = {"additional_contexts",
					    "args",
					    "context",
					    "dockerfile",
					    "dockerfile_inline",
					    "labels",
					    "no_cache",
					    "platforms",
					    "pull",
					    "secrets",
					    "ssh",
					    "tags",
					    "target",
					    NULL};
	for (size_t i = 0; i < node_count(line->build); i++) {
		const NodeEntry *entry = node_entry(line->build, i);
		bool off = entry->value->kind == NODE_BOOL && !entry->value->boolean;
		if (!off && !g_strv_contains(known, entry->key) &&
		    !g_str_has_prefix(entry->key, "x-"))
			return unsupported(line, entry, entry->key, error);
		if (strcmp(entry->key, "platforms") == 0 && node_count(entry->value) > 1)
			return unsupported(line, entry, "platforms", error);
	}
	return true;
}

/* A context that is another service's image, or files from elsewhere. */
static bool add_contexts(Line *line, GError **error)
{
	const NodeEntry *entry = node_get_entry(line->build, "additional_contexts");
	for (size_t i = 0; entry && i < node_count(entry->value); i++) {
		const Node *value = node_entry(entry->value, i)->value;
		if (value->kind == NODE_STRING && g_str_has_prefix(value->text, "service:"))
			return unsupported(line, entry, "additional_contexts", error);
	}
	add_all(line, "additional_contexts", "build-context");
	return true;
}

static bool add_secrets(Line *line, GError **error)
{
	const NodeEntry *entry = node_get_entry(line->build, "secrets");
	const Node *known = node_get(line->how->project->model, "secrets");
	for (size_t i = 0; entry && i < node_count(entry->value); i++) {
		const Node *item = node_item(entry->value, i);
		const char *source = node_string(item, "source");
		const char *target = node_string(item, "target");
		const Node *secret = node_get(known, source);
		const char *file = node_string(secret, "file");
		/* It would be the end of src= there. */
		if (file && strchr(file, ','))
			return unsupported(line, entry, "secrets: a file with a comma in its name",
					   error);
		if (!file)
			return unsupported(line, entry, "secrets", error);
		g_autofree char *text =
			g_strdup_printf("id=%s,src=%s", target ? target : source, file);
		add(line, "secret", text);
	}
	return true;
}

static bool fill_line(Line *line, const char *self, GError **error)
{
	const Node *build = line->build, *service = line->service->value;
	const Node *platforms = node_get(build, "platforms");
	const char *platform = node_count(platforms) ? node_item(platforms, 0)->text
						     : node_string(service, "platform");
	const char *inline_text = node_string(build, "dockerfile_inline");
	g_autofree char *image =
		compose_spec_image(line->how->project, line->service->key, service);
	g_ptr_array_add(line->words, g_strdup(self));
	add(line, "root", line->how->global->root);
	add(line, "runroot", line->how->global->runroot);
	g_ptr_array_add(line->words, g_strdup("build"));
	add(line, "tag", image);
	add_all(line, "tags", "tag");
	add_all(line, "args", "build-arg");
	for (guint i = 0; line->how->args && i < line->how->args->len; i++)
		add(line, "build-arg", line->how->args->pdata[i]);
	add_all(line, "labels", "label");
	add_all(line, "ssh", "ssh");
	add(line, "target", node_string(build, "target"));
	add(line, "platform", platform);
	add(line, "no-cache", node_true(build, "no_cache") || line->how->no_cache ? "true" : NULL);
	add(line, "pull", node_true(build, "pull") || line->how->pull ? "true" : NULL);
	add(line, "quiet", line->how->quiet ? "true" : NULL);
	add(line, "file", inline_text ? "-" : NULL);
	if (!add_contexts(line, error) || !add_secrets(line, error))
		return false;
	return true;
}

/* The Dockerfile is looked for in the context, unless its path leads elsewhere. */
static void add_place(Line *line)
{
	const char *context = node_string(line->build, "context");
	const char *file = node_string(line->build, "dockerfile");
	if (file && !node_get(line->build, "dockerfile_inline")) {
		g_autofree char *path =
			*context == '/' ? g_canonicalize_filename(file, context) : g_strdup(file);
		add(line, "file", path);
	}
	g_ptr_array_add(line->words, g_strdup(context));
	g_ptr_array_add(line->words, NULL);
}

/* What it prints is progress to us: all of it goes to standard error. */
static bool run(const Line *line, const char *program, int *out_status, GError **error)
{
	const char *text = node_string(line->build, "dockerfile_inline");
	autofd input = text ? fd_memfd("Dockerfile", text, strlen(text)) : -1;
	if (text && input < 0)
		return error_set_errno(error, "cannot keep a Dockerfile");
	const Spawn spawn = {
		.argv = (const char *const *)line->words->pdata,
		.program = program,
		.envp = (const char *const *)environ,
		.stdin_fd = text ? input : 0,
		.stdout_fd = STDERR_FILENO,
		.stderr_fd = SPAWN_INHERIT,
	};
	output_flush();
	pid_t pid = spawn_start(&spawn, NULL, error);
	int status = pid < 0 ? -1 : spawn_wait(pid, error);
	if (status < 0)
		return false;
	*out_status = status;
	return status == 0;
}

bool compose_build_service(const ComposeBuild *how, const NodeEntry *service, int *out_status,
			   GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *program = spawn_find_own("skiff-build", error);
	Line line = {
		.how = how,
		.service = service,
		.build = node_get(service->value, "build"),
		.words = words,
	};
	if (!program || !check_keys(&line, error) ||
	    !fill_line(&line, engine_program(how->engine), error))
		return false;
	add_place(&line);
	return run(&line, program, out_status, error);
}
