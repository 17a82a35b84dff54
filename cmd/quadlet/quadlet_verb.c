/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/quadlet_verb.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/quadlet/quadlet_source.h"
#include "libpod/base/error.h"
#include "libpod/base/spawn.h"

#define ANSWER_MAX (4 * 1024 * 1024)

void quadlet_files_init(QuadletFiles *files)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
	path[size > 0 ? size : 0] = '\0';
	*files = (QuadletFiles){
		.roots = quadlet_roots(geteuid() != 0, geteuid()),
		.messages = g_ptr_array_new_with_free_func(g_free),
		.skiff = g_strdup(size > 0 ? path : "/usr/bin/skiff"),
		.generator = spawn_find_own("skiff-quadlet", NULL),
	};
	if (!files->generator)
		files->generator = g_strdup("skiff-quadlet");
	quadlet_set_init(&files->set, files->skiff, files->generator, geteuid() != 0);
}

void quadlet_files_clear(QuadletFiles *files)
{
	if (!files->roots)
		return;
	quadlet_set_clear(&files->set);
	g_ptr_array_unref(files->roots);
	g_ptr_array_unref(files->messages);
	g_free(files->skiff);
	g_free(files->generator);
}

void quadlet_files_load(QuadletFiles *files)
{
	quadlet_load(&files->set, files->roots, geteuid(), files->messages);
	quadlet_set_translate(&files->set);
}

/* The last of the roots of the user's configuration: where others look, too. */
const char *quadlet_files_home(const QuadletFiles *files)
{
	const char *home = files->roots->len > 0 ? files->roots->pdata[0] : NULL;
	const char *given = g_getenv("QUADLET_UNIT_DIRS");
	if (given && *given)
		return home;
	bool podman = quadlet_podman_generates(files->set.user);
	const char *suffix = podman ? "/skiff/systemd" : "/containers/systemd";
	const char *runtime = files->set.user ? g_getenv("XDG_RUNTIME_DIR") : "/run";
	for (size_t i = 0; i < files->roots->len; i++) {
		const char *root = files->roots->pdata[i];
		bool passing = runtime && *runtime && g_str_has_prefix(root, runtime);
		if (!passing && g_str_has_suffix(root, suffix))
			return root;
	}
	return home;
}

char *quadlet_files_application(const QuadletFiles *files, const QuadletUnit *unit)
{
	const char *home = quadlet_files_home(files);
	size_t length = home ? strlen(home) : 0;
	if (!home || strncmp(unit->path, home, length) != 0 || unit->path[length] != '/')
		return NULL;
	const char *below = unit->path + length + 1;
	const char *slash = strchr(below, '/');
	return slash ? g_strndup(below, (size_t)(slash - below)) : NULL;
}

char *quadlet_verb_systemctl(const char *const *args, GError **error)
{
	g_autofree char *program = spawn_find_system("systemctl");
	if (!program)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "there is no systemctl");
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_ptr_array_add(argv, program);
	if (geteuid() != 0)
		g_ptr_array_add(argv, (char *)"--user");
	for (; *args; args++)
		g_ptr_array_add(argv, (char *)*args);
	g_ptr_array_add(argv, NULL);
	const Spawn spawn = {.argv = (const char *const *)argv->pdata};
	return spawn_capture(&spawn, NULL, ANSWER_MAX, error);
}

void quadlet_verb_reload(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *answer =
		quadlet_verb_systemctl((const char *const[]){"daemon-reload", NULL}, &error);
	if (!answer)
		fprintf(stderr, "Warning: systemd was not reloaded: %s\n", error->message);
}
