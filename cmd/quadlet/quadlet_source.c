/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/quadlet_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define DEPTH_MAX 16

/* What a walk over the directories has found. */
typedef struct {
	QuadletSet *set;
	uid_t uid;
	GPtrArray *messages;
	GHashTable *seen;     /* directories by device and inode: links may lead in circles */
	GHashTable *drop_ins; /* "x.container.d" to a GPtrArray of the paths of such directories */
} Walk;

/* Search paths */

bool quadlet_podman_generates(bool user)
{
	static const char *const places[] = {"/run/systemd", "/etc/systemd",
					     "/usr/local/lib/systemd", "/usr/lib/systemd"};
	const char *kind = user ? "user" : "system";
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *path = g_strdup_printf("%s/%s-generators/podman-%s-generator",
							places[i], kind, kind);
		struct stat st;
		if (fstatat(AT_FDCWD, path, &st, 0) == 0)
			return S_ISREG(st.st_mode) && st.st_size > 0;
	}
	return false;
}

static void add_root(GPtrArray *roots, bool podman, const char *place, const char *below)
{
	static const char *const owners[] = {"skiff", "containers"};
	for (size_t i = 0; i < G_N_ELEMENTS(owners) - podman; i++)
		g_ptr_array_add(roots, g_build_filename(place, owners[i], "systemd", below, NULL));
}

static void add_user_roots(GPtrArray *roots, bool podman, uid_t uid)
{
	const char *runtime = g_getenv("XDG_RUNTIME_DIR"), *config = g_getenv("XDG_CONFIG_HOME");
	const char *home = g_getenv("HOME");
	g_autofree char *usual = home ? g_build_filename(home, ".config", NULL) : NULL;
	g_autofree char *own = g_strdup_printf("users/%u", (unsigned)uid);
	if (runtime && *runtime == '/')
		add_root(roots, podman, runtime, NULL);
	if (config && *config == '/')
		add_root(roots, podman, config, NULL);
	else if (usual && *usual == '/')
		add_root(roots, podman, usual, NULL);
	static const char *const places[] = {"/etc", "/usr/share"};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		add_root(roots, podman, places[i], own);
		add_root(roots, podman, places[i], "users");
	}
}

GPtrArray *quadlet_roots(bool user, uid_t uid)
{
	GPtrArray *roots = g_ptr_array_new_with_free_func(g_free);
	const char *given = g_getenv("QUADLET_UNIT_DIRS");
	if (given && *given) {
		g_auto(GStrv) places = g_strsplit(given, ":", -1);
		for (char **place = places; *place; place++)
			if (**place == '/')
				g_ptr_array_add(roots, g_strdup(*place));
		return roots;
	}
	bool podman = quadlet_podman_generates(user);
	if (user) {
		add_user_roots(roots, podman, uid);
		return roots;
	}
	static const char *const places[] = {"/run", "/etc", "/usr/share"};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		add_root(roots, podman, places[i], NULL);
	return roots;
}

/* Files of several parts */

static void part_free(void *data)
{
	QuadletPart *part = data;
	g_free(part->name);
	g_free(part);
}

/* The value of "# FileName=" in a line, NULL if it is another one. g_free() it. */
static char *name_in_line(const char *line, size_t length)
{
	g_autofree char *copy = g_strstrip(g_strndup(line, length));
	if (*copy != '#')
		return NULL;
	char *text = g_strchug(copy + 1);
	return g_str_has_prefix(text, "FileName=") ? g_strstrip(g_strdup(text + 9)) : NULL;
}

/* "web", of a part that has [Container], is web.container. g_free() it; NULL if nothing says its
 * kind. */
static char *complete_name(const QuadletPart *part)
{
	if (quadlet_kind_of(part->name))
		return g_strdup(part->name);
	g_autoptr(UnitFile) file = unit_file_new();
	(void)unit_file_add_text(file, part->text, part->size, "", 1, NULL, NULL);
	const GPtrArray *sections = unit_file_sections(file);
	for (size_t i = 0; i < sections->len; i++) {
		const UnitSection *section = sections->pdata[i];
		const char *extension = quadlet_kind_of_section(section->name);
		if (extension)
			return g_strconcat(part->name, extension, NULL);
	}
	return NULL;
}

/* The part is whole: check its name. An empty one is left out. */
static bool finish_part(GPtrArray *parts, QuadletPart *part, const char *end, GError **error)
{
	part->size = (size_t)(end - part->text);
	bool blank = true;
	for (size_t i = 0; i < part->size; i++)
		blank = blank && g_ascii_isspace(part->text[i]);
	if (blank && !part->name)
		return true;
	if (!part->name)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "line %u: a part must have a line '# FileName=NAME'", part->line);
	g_autofree char *name = complete_name(part);
	if (!name || strchr(name, '/') || *name == '.')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "line %u: '%s' is no name, or nothing says of which kind it is",
				 part->line, part->name);
	QuadletPart *done = g_new(QuadletPart, 1);
	*done = *part;
	done->name = g_steal_pointer(&name);
	g_ptr_array_add(parts, done);
	return true;
}

GPtrArray *quadlet_split(const char *text, size_t size, GError **error)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	const char *end = text + size;
	QuadletPart part = {.text = text, .line = 1};
	g_autofree char *name = NULL;
	unsigned number = 1;
	for (const char *at = text; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ? newline : end) - at);
		const char *next = newline ? newline + 1 : end;
		g_autofree char *stripped = g_strchomp(g_strndup(at, length));
		if (strcmp(stripped, "---") == 0) {
			part.name = name;
			if (!finish_part(parts, &part, at, error))
				return NULL;
			g_clear_pointer(&name, g_free);
			part = (QuadletPart){.text = next, .line = number + 1};
		} else if (!name) {
			name = name_in_line(at, length);
		}
		at = next;
	}
	part.name = name;
	return finish_part(parts, &part, end, error) ? g_steal_pointer(&parts) : NULL;
}

/* Reading */

static void add_parts(QuadletSet *set, const char *path, const char *text, size_t size,
		      GPtrArray *messages)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) parts = quadlet_split(text, size, &error);
	if (!parts)
		g_ptr_array_add(messages, g_strdup_printf("%s: %s", path, error->message));
	for (size_t i = 0; parts && i < parts->len; i++) {
		const QuadletPart *part = parts->pdata[i];
		QuadletUnit *unit = quadlet_set_add(set, part->name, path);
		if (unit)
			quadlet_unit_add_text(unit, part->text, part->size, path, part->line);
	}
}

/* A link to /dev/null hides a file of that name in later directories. */
static bool is_masked(int dir_fd, const char *name)
{
	char target[16];
	ssize_t size = readlinkat(dir_fd, name, target, sizeof target);
	return size == 9 && memcmp(target, "/dev/null", 9) == 0;
}

static void load_file(QuadletSet *set, int dir_fd, const char *name, const char *path,
		      GPtrArray *messages)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text = unit_file_read(dir_fd, name, &size, &error);
	if (g_str_has_suffix(name, ".quadlets")) {
		if (text)
			add_parts(set, path, text, size, messages);
		else
			g_ptr_array_add(messages, g_strdup_printf("%s: %s", path, error->message));
		return;
	}
	g_autofree char *base = g_path_get_basename(name);
	QuadletUnit *unit = quadlet_set_add(set, base, path);
	if (!unit)
		return;
	if (text)
		quadlet_unit_add_text(unit, text, size, path, 1);
	else
		quadlet_unit_problem(unit, false, NULL, NULL, "%s", error->message);
}

bool quadlet_load_file(QuadletSet *set, const char *path, GPtrArray *messages)
{
	if (!quadlet_kind_of(path) && !g_str_has_suffix(path, ".quadlets"))
		return false;
	load_file(set, AT_FDCWD, path, path, messages);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory, in order, without hidden ones; none if it cannot be read. */
static GPtrArray *list_directory(int dir_fd)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	if (!directory)
		return names;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			g_ptr_array_add(names, g_strdup(entry->d_name));
	closedir(directory);
	g_ptr_array_sort(names, compare_names);
	return names;
}

/* Opens a directory once, however many ways lead there. Return: -1 if there is none, or it was
 * seen. */
static int enter(Walk *walk, int at, const char *name)
{
	autofd fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	char *id = g_strdup_printf("%llx:%llx", (unsigned long long)st.st_dev,
				   (unsigned long long)st.st_ino);
	return g_hash_table_add(walk->seen, id) ? fd_steal(&fd) : -1;
}

/* Directories of other users, and in the system's those of all users. */
static bool is_foreign(const Walk *walk, const char *path, const char *name)
{
	if (!walk->set->user)
		return strcmp(name, "users") == 0 && g_str_has_suffix(path, "/systemd");
	if (!g_str_has_suffix(path, "/systemd/users") || name[strspn(name, "0123456789")])
		return false;
	g_autofree char *own = g_strdup_printf("%u", (unsigned)walk->uid);
	return strcmp(name, own) != 0;
}

static void walk_directory(Walk *walk, int dir_fd, const char *path, int depth);

static void note_drop_ins(Walk *walk, const char *name, char *path)
{
	GPtrArray *paths = g_hash_table_lookup(walk->drop_ins, name);
	if (!paths) {
		paths = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(walk->drop_ins, g_strdup(name), paths);
	}
	g_ptr_array_add(paths, path);
}

static void walk_entry(Walk *walk, int dir_fd, const char *directory, const char *name, int depth)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	if (quadlet_kind_of(name) || g_str_has_suffix(name, ".quadlets")) {
		if (!is_masked(dir_fd, name))
			load_file(walk->set, dir_fd, name, path, walk->messages);
		else if (!quadlet_set_lookup(walk->set, name))
			g_hash_table_add(walk->seen, g_strdup(name));
		return;
	}
	if (g_str_has_suffix(name, ".d")) {
		note_drop_ins(walk, name, g_steal_pointer(&path));
		return;
	}
	if (depth == DEPTH_MAX || is_foreign(walk, directory, name))
		return;
	autofd fd = enter(walk, dir_fd, name);
	if (fd >= 0)
		walk_directory(walk, fd, path, depth + 1);
}

/* All files of a directory, then of those below it. */
static void walk_directory(Walk *walk, int dir_fd, const char *path, int depth)
{
	g_autoptr(GPtrArray) names = list_directory(dir_fd);
	for (size_t i = 0; i < names->len; i++)
		if (!g_hash_table_contains(walk->seen, names->pdata[i]))
			walk_entry(walk, dir_fd, path, names->pdata[i], depth);
}

/* Drop-ins */

/* The names of the directories with drop-ins of "a-b@i.container", the most specific one first. */
static GPtrArray *drop_in_names(const char *name)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	const char *dot = strrchr(name, '.');
	const char *at = memchr(name, '@', (size_t)(dot - name));
	g_ptr_array_add(names, g_strconcat(name, ".d", NULL));
	if (at && at + 1 < dot)
		g_ptr_array_add(names,
				g_strdup_printf("%.*s%s.d", (int)(at + 1 - name), name, dot));
	for (const char *c = at ? at : dot; c-- > name;)
		if (*c == '-' && c > name)
			g_ptr_array_add(
				names, g_strdup_printf("%.*s%s.d", (int)(c + 1 - name), name, dot));
	g_ptr_array_add(names, g_strconcat(dot + 1, ".d", NULL));
	return names;
}

/* Note the .conf files of one directory in @found (name to path), unless one of that name is there.
 */
static void find_drop_ins(const char *directory, GHashTable *found)
{
	autofd fd = openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_autoptr(GPtrArray) names = fd >= 0 ? list_directory(fd) : g_ptr_array_new();
	for (size_t i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		if (g_str_has_suffix(name, ".conf") && !g_hash_table_contains(found, name))
			g_hash_table_insert(found, g_strdup(name),
					    g_build_filename(directory, name, NULL));
	}
}

static void add_drop_in(QuadletUnit *unit, const char *path)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	if (is_masked(AT_FDCWD, path))
		return;
	g_autofree char *text = unit_file_read(AT_FDCWD, path, &size, &error);
	if (text)
		quadlet_unit_add_text(unit, text, size, path, 1);
	else
		quadlet_unit_problem(unit, false, NULL, NULL, "%s", error->message);
}

static void add_drop_ins(const Walk *walk, QuadletUnit *unit)
{
	g_autoptr(GPtrArray) names = drop_in_names(unit->name);
	g_autoptr(GHashTable) found =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (size_t i = 0; i < names->len; i++) {
		const GPtrArray *paths = g_hash_table_lookup(walk->drop_ins, names->pdata[i]);
		for (size_t j = 0; paths && j < paths->len; j++)
			find_drop_ins(paths->pdata[j], found);
	}
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	GHashTableIter iter;
	void *name;
	g_hash_table_iter_init(&iter, found);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(order, name);
	g_ptr_array_sort(order, compare_names);
	for (size_t i = 0; i < order->len; i++)
		add_drop_in(unit, g_hash_table_lookup(found, order->pdata[i]));
}

void quadlet_load(QuadletSet *set, const GPtrArray *roots, uid_t uid, GPtrArray *messages)
{
	Walk walk = {
		.set = set,
		.uid = uid,
		.messages = messages,
		.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.drop_ins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						  (GDestroyNotify)g_ptr_array_unref),
	};
	for (size_t i = 0; i < roots->len; i++) {
		autofd fd = enter(&walk, AT_FDCWD, roots->pdata[i]);
		if (fd >= 0)
			walk_directory(&walk, fd, roots->pdata[i], 0);
	}
	for (size_t i = 0; g_hash_table_size(walk.drop_ins) > 0 && i < set->units->len; i++)
		add_drop_ins(&walk, set->units->pdata[i]);
	g_hash_table_unref(walk.seen);
	g_hash_table_unref(walk.drop_ins);
}
