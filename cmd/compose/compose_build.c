/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_build.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/compose/compose_spec.h"
#include "cmd/compose/service_words.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "storage/manifest.h"

/* The command line of one build on its way. */
typedef struct {
	const ComposeBuild *how;
	const NodeEntry *service;
	const Node *build;
	GPtrArray *words;
	GString *args; /* values of ARGs, each ended by NUL: nobody sees them in a command line */
	GArray *fds;   /* of int: what the builder gets as 3, 4, ...; the first is for @args */
} Line;

static void line_clear(Line *line)
{
	for (guint i = 0; line->fds && i < line->fds->len; i++)
		fd_close(&g_array_index(line->fds, int, i));
	g_clear_pointer(&line->fds, g_array_unref);
	g_clear_pointer(&line->words, g_ptr_array_unref);
	if (line->args)
		g_string_free(g_steal_pointer(&line->args), TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Line, line_clear)

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

static bool refuse(const Line *line, const NodeEntry *at, const char *why, GError **error)
{
	place_error(error, at->at, "services.%s.build.%s: it is not supported: %s",
		    line->service->key, at->key, why);
	if (error && *error)
		(*error)->code = ENGINE_ERROR_UNSUPPORTED;
	return false;
}

/* Does skiff-build take this option? */
static bool knows(const char *name)
{
	const Option *row = option_lookup(build_command.groups, name, NULL);
	return row && row->set;
}

/* What no option of a build stands for; @option: one that may come. */
static const struct {
	const char *key, *option, *why;
} refused[] = {
	{"cache_from", "cache-from", "skiff-build has no caches elsewhere"},
	{"cache_to", "cache-to", "skiff-build has no caches elsewhere"},
	{"isolation", NULL, "it is for Windows"},
	{"no_cache_filter", NULL, "a cache is used for all stages or for none"},
	{"privileged", NULL, "a build has the rights of its user"},
	{"provenance", NULL, "skiff makes no attestations"},
	{"sbom", NULL, "skiff makes no attestations"},
};

/* "false", "", [] and {} ask for nothing. */
static bool asks_nothing(const Node *value)
{
	if (value->kind == NODE_STRING)
		return !*value->text || strcmp(value->text, "false") == 0;
	return value->kind == NODE_NULL || (value->kind == NODE_BOOL && !value->boolean) ||
	       (value->kind >= NODE_LIST && node_count(value) == 0);
}

static bool check_keys(const Line *line, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		const NodeEntry *entry = node_get_entry(line->build, refused[i].key);
		bool can = refused[i].option && knows(refused[i].option);
		if (entry && !can && !asks_nothing(entry->value))
			return refuse(line, entry, refused[i].why, error);
	}
	return true;
}

/* A service of the project, also one that nobody asked for. */
static const NodeEntry *find_service(const ComposeProject *project, const char *name)
{
	const NodeEntry *entry = node_get_entry(node_get(project->model, "services"), name);
	return entry ? entry : node_get_entry(project->unselected, name);
}

/* Files from elsewhere, or "service:NAME" for its image, which is built by now. */
static void add_contexts(Line *line)
{
	const Node *contexts = node_get(line->build, "additional_contexts");
	for (size_t i = 0; i < node_count(contexts); i++) {
		const NodeEntry *entry = node_entry(contexts, i);
		g_autofree char *value = node_scalar_text(entry->value);
		bool is_service = value && g_str_has_prefix(value, "service:");
		const NodeEntry *other =
			is_service ? find_service(line->how->project, value + strlen("service:"))
				   : NULL;
		g_autofree char *image =
			other ? compose_spec_image(line->how->project, other->key, other->value)
			      : NULL;
		g_autofree char *pair =
			image ? g_strdup_printf("%s=docker-image://%s", entry->key, image)
			      : g_strdup_printf("%s=%s", entry->key, value ? value : "");
		add(line, "build-context", pair);
	}
}

/* Give the builder a descriptor. Return: the path that it has there. g_free() it. */
static char *pass(Line *line, int fd)
{
	g_array_append_val(line->fds, fd);
	return g_strdup_printf("/proc/self/fd/%u", 2 + line->fds->len);
}

/* A regular file; nobody may ever write to a FIFO, and a device has no end. -1 with @error. */
static int open_file(const Line *line, const char *path, GError **error)
{
	struct stat st;
	autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		error_set_errno(error, "services.%s.build.secrets: %s", line->service->key, path);
	else if (!S_ISREG(st.st_mode))
		error_set(error, ENGINE_ERROR_INVALID,
			  "services.%s.build.secrets: %s: it is no regular file",
			  line->service->key, path);
	else
		return fd_steal(&fd);
	return -1;
}

/* The bytes of a secret, or its file, as a descriptor. -1 with @error. */
static int open_secret(const Line *line, const Node *item, const Node *secret, GError **error)
{
	const char *file = node_string(secret, "file"), *source = node_string(item, "source");
	const char *variable = node_string(secret, "environment");
	const char *value = variable ? environment_lookup(line->how->project->env, variable) : NULL;
	int fd = !file && value ? fd_memfd("secret", value, strlen(value)) : -1;
	if (file)
		return open_file(line, file, error);
	if (fd < 0 && value)
		error_set_errno(error, "services.%s.build.secrets: %s", line->service->key, source);
	else if (fd < 0)
		place_error(error, item->at,
			    "services.%s.build.secrets: %s: it comes from neither a file nor a "
			    "variable that is set",
			    line->service->key, source);
	return fd;
}

static bool add_secrets(Line *line, GError **error)
{
	const Node *list = node_get(line->build, "secrets");
	const Node *known = node_get(line->how->project->model, "secrets");
	for (size_t i = 0; i < node_count(list); i++) {
		const Node *item = node_item(list, i);
		const char *source = node_string(item, "source");
		const char *target = node_string(item, "target");
		int fd = open_secret(line, item, node_get(known, source), error);
		if (fd < 0)
			return false;
		g_autofree char *path = pass(line, fd);
		g_autofree char *text =
			g_strdup_printf("id=%s,src=%s", target ? target : source, path);
		add(line, "secret", text);
	}
	return true;
}

static void add_arg(Line *line, const char *text)
{
	g_string_append_len(line->args, text, (gssize)strlen(text) + 1);
}

/* The service's ARGs, then those of the command line. One without a value has the project's. */
static void add_args(Line *line)
{
	const Node *args = node_get(line->build, "args");
	for (size_t i = 0; i < node_count(args); i++) {
		const NodeEntry *entry = node_entry(args, i);
		g_autofree char *value = node_scalar_text(entry->value);
		g_autofree char *pair =
			value ? g_strdup_printf("%s=%s", entry->key, value) : g_strdup(entry->key);
		add_arg(line, pair);
	}
	for (guint i = 0; line->how->args && i < line->how->args->len; i++)
		add_arg(line, line->how->args->pdata[i]);
}

/* Limits and hosts of RUN. */
static void add_run_options(Line *line)
{
	const Node *hosts = node_get(line->build, "extra_hosts");
	const Node *limits = node_get(line->build, "ulimits"),
		   *shm = node_get(line->build, "shm_size");
	g_autofree char *size = shm ? node_scalar_text(shm) : NULL;
	add(line, "network", node_string(line->build, "network"));
	add(line, "shm-size", size);
	add(line, "memory", line->how->memory);
	for (size_t i = 0; i < node_count(hosts); i++) {
		g_autofree char *text = g_strdup(node_item(hosts, i)->text);
		*(text + strcspn(text, "=")) = ':';
		add(line, "add-host", text);
	}
	for (size_t i = 0; i < node_count(limits); i++) {
		const NodeEntry *entry = node_entry(limits, i);
		const Node *single = node_get(entry->value, "single");
		const Node *soft = single ? single : node_get(entry->value, "soft");
		const Node *hard = single ? single : node_get(entry->value, "hard");
		g_autofree char *text = g_strdup_printf("%s=%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
							entry->key, soft->integer, hard->integer);
		add(line, "ulimit", text);
	}
}

/* All of them for `build`. What is only to run here is built for the service's platform, else for
 * this machine's where it is one of them, else for the first. */
static void add_platforms(Line *line)
{
	const Node *list = node_get(line->build, "platforms");
	const char *own = service_platform(line->how->project, line->service->value);
	g_auto(Platform) machine = {0};
	bool here = false;
	platform_host(&machine);
	g_autofree char *host = platform_format(&machine);
	for (size_t i = 0; i < node_count(list); i++)
		here = here || strcmp(node_item(list, i)->text, host) == 0;
	if (line->how->all_platforms && node_count(list) > 0)
		add_all(line, "platforms", "platform");
	else if (own || !here)
		add(line, "platform",
		    own                ? own
		    : node_count(list) ? node_item(list, 0)->text
				       : NULL);
}

static bool fill_line(Line *line, const char *self, GError **error)
{
	const Node *build = line->build, *service = line->service->value;
	const char *inline_text = node_string(build, "dockerfile_inline");
	g_autofree char *image =
		compose_spec_image(line->how->project, line->service->key, service);
	g_ptr_array_add(line->words, g_strdup(self));
	add(line, "root", line->how->global->root);
	add(line, "runroot", line->how->global->runroot);
	g_ptr_array_add(line->words, g_strdup("build"));
	add(line, "tag", image);
	add_all(line, "tags", "tag");
	add_args(line);
	add_run_options(line);
	add_all(line, "labels", "label");
	add_all(line, "cache_from", "cache-from");
	add_all(line, "cache_to", "cache-to");
	if (line->how->ssh)
		add(line, "ssh", line->how->ssh);
	else
		add_all(line, "ssh", "ssh");
	add(line, "target", node_string(build, "target"));
	add_platforms(line);
	add_all(line, "entitlements", "allow");
	add(line, "no-cache", node_true(build, "no_cache") || line->how->no_cache ? "true" : NULL);
	add(line, "pull", node_true(build, "pull") || line->how->pull ? "true" : NULL);
	add(line, "quiet", line->how->quiet ? "true" : NULL);
	add(line, "check", line->how->check ? "true" : NULL);
	add(line, "file", inline_text ? "-" : NULL);
	add_contexts(line);
	return add_secrets(line, error);
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
	g_autofree char *count = g_strdup_printf("%u", line->fds->len);
	add(line, "compose-fds", count);
	g_ptr_array_add(line->words, g_strdup(context));
	g_ptr_array_add(line->words, NULL);
}

/* Start it; what it prints goes to @output. Return: its pid, or -1. */
static pid_t start(const Line *line, const char *program, int output, GError **error)
{
	int *args = &g_array_index(line->fds, int, 0);
	*args = fd_memfd("args", line->args->str, line->args->len);
	if (*args < 0)
		return error_set_errno(error, "cannot keep the values of ARGs"), -1;
	const char *text = node_string(line->build, "dockerfile_inline");
	autofd input = text ? fd_memfd("Dockerfile", text, strlen(text)) : -1;
	if (text && input < 0)
		return error_set_errno(error, "cannot keep a Dockerfile"), -1;
	const Spawn spawn = {
		.argv = (const char *const *)line->words->pdata,
		.program = program,
		.envp = (const char *const *)environ,
		.stdin_fd = text ? input : 0,
		.stdout_fd = output,
		.stderr_fd = output,
		.fds = (const int *)(void *)line->fds->data,
		.n_fds = line->fds->len,
	};
	return spawn_start(&spawn, NULL, error);
}

pid_t compose_build_start(const ComposeBuild *how, const NodeEntry *service, int output,
			  GError **error)
{
	const int none = -1;
	g_autofree char *program = spawn_find_own("skiff-build", error);
	g_auto(Line) line = {
		.how = how,
		.service = service,
		.build = node_get(service->value, "build"),
		.words = g_ptr_array_new_with_free_func(g_free),
		.args = g_string_new(NULL),
		.fds = g_array_new(FALSE, FALSE, sizeof(int)),
	};
	g_array_append_val(line.fds, none);
	if (!program || !check_keys(&line, error) ||
	    !fill_line(&line, engine_program(how->engine), error))
		return -1;
	add_place(&line);
	return start(&line, program, output, error);
}

const NodeEntry *compose_build_context(const ComposeProject *project, const NodeEntry *context)
{
	g_autofree char *value = node_scalar_text(context->value);
	return value && g_str_has_prefix(value, "service:")
		       ? find_service(project, value + strlen("service:"))
		       : NULL;
}

bool compose_build_add(const ComposeProject *project, const NodeEntry *service, GPtrArray *list,
		       GHashTable *seen, GError **error)
{
	const Node *contexts = node_get(node_get(service->value, "build"), "additional_contexts");
	if (!g_hash_table_add(seen, service->key))
		return true;
	for (size_t i = 0; i < node_count(contexts); i++) {
		const NodeEntry *entry = node_entry(contexts, i);
		const NodeEntry *other = compose_build_context(project, entry);
		g_autofree char *value = node_scalar_text(entry->value);
		if (!other && value && g_str_has_prefix(value, "service:"))
			return place_error(error, entry->at,
					   "services.%s.build.additional_contexts.%s: no such "
					   "service: %s",
					   service->key, entry->key, value + strlen("service:"));
		if (other && node_get(other->value, "build") &&
		    !compose_build_add(project, other, list, seen, error))
			return false;
	}
	g_ptr_array_add(list, (void *)service);
	return true;
}
