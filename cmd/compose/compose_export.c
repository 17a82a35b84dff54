/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/compose/compose_progress.h"
#include "cmd/compose/project_output.h"
#include "cmd/escape.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"

/* Configs and secrets are copied into what we write: no more than their stores take. */
#define OBJECT_SIZE_MAX (1024 * 1024)

static void file_free(void *data)
{
	ExportFile *file = data;
	g_free(file->name);
	g_string_free(file->text, TRUE);
	g_free(file);
}

void compose_export_init(ComposeExport *export, const ComposeProject *project, bool escape)
{
	export->project = project;
	export->model = project_output(project, escape);
	export->files = g_ptr_array_new_with_free_func(file_free);
	export->notes = g_ptr_array_new_with_free_func(g_free);
}

void compose_export_clear(ComposeExport *export)
{
	g_clear_pointer(&export->model, node_free);
	g_clear_pointer(&export->files, g_ptr_array_unref);
	g_clear_pointer(&export->notes, g_ptr_array_unref);
}

void compose_export_note(ComposeExport *export, const char *path, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *why = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *line = g_strdup_printf("%s: %s", path, why);
	for (guint i = 0; i < export->notes->len; i++)
		if (strcmp(export->notes->pdata[i], line) == 0)
			return;
	g_ptr_array_add(export->notes, g_steal_pointer(&line));
}

void compose_export_unknown(ComposeExport *export, const char *path, const Node *map,
			    const char *const *known)
{
	for (size_t i = 0; node_is(map, NODE_MAP) && i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		bool empty = entry->value->kind == NODE_NULL ||
			     (entry->value->kind >= NODE_LIST && node_count(entry->value) == 0);
		g_autofree char *at = g_strdup_printf("%s.%s", path, entry->key);
		if (!empty && !g_strv_contains(known, entry->key) &&
		    !g_str_has_prefix(entry->key, "x-"))
			compose_export_note(export, at, "there is no word for it");
	}
}

GString *compose_export_file(ComposeExport *export, const char *name, bool is_secret)
{
	ExportFile *file = g_new0(ExportFile, 1);
	file->name = g_strdup(name);
	file->text = g_string_new(NULL);
	file->is_secret = is_secret;
	g_ptr_array_add(export->files, file);
	return file->text;
}

/* What the project's author wrote has no command for the terminal. */
static void print(const char *text)
{
	g_autofree char *plain =
		output_is_terminal(STDOUT_FILENO) ? escape_terminal(text, true) : NULL;
	output_printf("%s", plain ? plain : text);
}

/* A file of ours in a directory; one that was there is replaced, a link is not followed. */
static bool write_at(int dir_fd, const char *name, const GString *text, bool is_secret,
		     GError **error)
{
	g_autofree char *fresh = g_strdup_printf(".%s.new", name);
	(void)unlinkat(dir_fd, fresh, 0);
	autofd fd = openat(dir_fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			   is_secret ? 0600 : 0644);
	if (fd < 0 || !fd_write_all(fd, text->str, text->len) ||
	    renameat(dir_fd, fresh, dir_fd, name) < 0) {
		error_set_errno(error, "cannot write '%s'", name);
		(void)unlinkat(dir_fd, fresh, 0);
		return false;
	}
	return true;
}

bool compose_export_write(const char *path, const GString *text, bool is_secret, GError **error)
{
	if (!path || strcmp(path, "-") == 0) {
		print(text->str);
		return true;
	}
	if (compose_is_dry_run()) {
		compose_report("File", path, "Write");
		return true;
	}
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	autofd dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_set_errno(error, "cannot open '%s'", directory);
	return write_at(dir_fd, name, text, is_secret, error);
}

/* What a dry run says in place of writing. */
static void plan_files(const ComposeExport *export, const char *directory)
{
	for (guint i = 0; i < export->files->len; i++) {
		const ExportFile *file = export->files->pdata[i];
		g_autofree char *path = g_build_filename(directory, file->name, NULL);
		compose_report("File", path, "Write");
	}
}

static bool write_files(const ComposeExport *export, const char *directory, GError **error)
{
	if (g_mkdir_with_parents(directory, 0755) < 0)
		return error_set_errno(error, "cannot create '%s'", directory);
	autofd dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_set_errno(error, "cannot open '%s'", directory);
	for (guint i = 0; i < export->files->len; i++) {
		const ExportFile *file = export->files->pdata[i];
		if (!write_at(dir_fd, file->name, file->text, file->is_secret, error))
			return false;
		output_printf("%s/%s\n", directory, file->name);
	}
	return true;
}

void compose_export_notes(const ComposeExport *export, const char *target)
{
	(void)output_flush();
	if (export->notes->len > 0)
		(void)fprintf(stderr, "Not carried over to %s:\n", target);
	for (guint i = 0; i < export->notes->len; i++) {
		g_autofree char *plain = escape_terminal(export->notes->pdata[i], false);
		(void)fprintf(stderr, "  %s\n", plain);
	}
}

bool compose_export_finish(ComposeExport *export, const char *directory, const char *target,
			   GError **error)
{
	if (directory && compose_is_dry_run())
		plan_files(export, directory);
	else if (directory && !write_files(export, directory, error))
		return false;
	for (guint i = 0; !directory && i < export->files->len; i++) {
		const ExportFile *file = export->files->pdata[i];
		output_printf("%s# %s\n", i ? "\n" : "", file->name);
		print(file->text->str);
	}
	compose_export_notes(export, target);
	return true;
}

bool compose_export_is_wanted(const ComposeExport *export, const char *service,
			      const char *condition)
{
	const Node *services = node_get(export->model, "services");
	for (size_t i = 0; i < node_count(services); i++) {
		const Node *others = node_get(node_entry(services, i)->value, "depends_on");
		const char *said = node_string(node_get(others, service), "condition");
		if (g_strcmp0(said, condition) == 0)
			return true;
	}
	return false;
}

int64_t compose_export_seconds(const char *duration, int64_t fallback)
{
	int64_t ns = 0;
	if (!duration || !units_parse_duration(duration, &ns, NULL))
		return fallback;
	return (ns + 999999999) / 1000000000;
}

char *compose_export_object(const ComposeExport *export, const char *kind, const char *name,
			    gsize *out_size, GError **error)
{
	const Node *object = node_get(node_get(export->model, kind), name);
	const char *file = node_string(object, "file"), *content = node_string(object, "content");
	const char *variable = node_string(object, "environment");
	const char *value = variable ? environment_lookup(export->project->env, variable) : content;
	g_autofree char *path = g_strdup_printf("%s.%s", kind, name);
	if (value) {
		*out_size = strlen(value);
		return g_strdup(value);
	}
	if (!file) {
		error_set(error, ENGINE_ERROR_NOT_FOUND, "%s: %s", path,
			  variable ? "its variable is not set" : "it says nothing");
		return NULL;
	}
	char *text = environment_read_file(file, OBJECT_SIZE_MAX, out_size, error);
	if (!text)
		g_prefix_error(error, "%s: ", path);
	return text;
}
