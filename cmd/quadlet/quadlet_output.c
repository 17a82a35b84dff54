/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/quadlet_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

char *quadlet_output_text(const QuadletUnit *unit)
{
	g_autofree char *text = unit_file_format(unit->out);
	return g_strdup_printf("# Made by skiff-quadlet from %s\n%s", unit->path, text);
}

static void add_link(GPtrArray *links, char *path, char *target)
{
	g_ptr_array_add(links, path);
	g_ptr_array_add(links, target);
}

/* "web@.service", which can be enabled as its DefaultInstance= only. g_free() it; NULL: not at all.
 */
static char *enabled_name(const QuadletUnit *unit)
{
	g_autofree char *name = quadlet_unit_service_name(unit);
	const char *at = strstr(name, "@.service");
	if (!at)
		return g_steal_pointer(&name);
	const char *instance = unit_file_get(unit->file, "Install", "DefaultInstance");
	return instance ? g_strdup_printf("%.*s@%s.service", (int)(at - name), name, instance)
			: NULL;
}

static bool is_plain(const char *word)
{
	return *word && !strchr(word, '/') && strcmp(word, ".") != 0 && strcmp(word, "..") != 0;
}

GPtrArray *quadlet_output_links(const QuadletUnit *unit)
{
	static const struct {
		const char *key, *suffix;
	} kinds[] = {{"WantedBy", "wants"}, {"RequiredBy", "requires"}, {"UpheldBy", "upholds"}};
	GPtrArray *links = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *service = quadlet_unit_service_name(unit);
	g_autofree char *enabled = enabled_name(unit);
	g_autoptr(GPtrArray) aliases = unit_file_words(unit->file, "Install", "Alias");
	for (size_t i = 0; i < aliases->len; i++)
		if (is_plain(aliases->pdata[i]))
			add_link(links, g_strdup(aliases->pdata[i]), g_strdup(service));
	for (size_t i = 0; enabled && i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(GPtrArray) words = unit_file_words(unit->file, "Install", kinds[i].key);
		for (size_t j = 0; j < words->len; j++)
			if (is_plain(words->pdata[j]))
				add_link(links,
					 g_strdup_printf("%s.%s/%s", (const char *)words->pdata[j],
							 kinds[i].suffix, enabled),
					 g_strconcat("../", service, NULL));
	}
	return links;
}

static bool write_text(int dir_fd, const char *name, const char *text, GError **error)
{
	autofd fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || !fd_write_all(fd, text, strlen(text)))
		return error_set_errno(error, "cannot write '%s'", name);
	return true;
}

/* A link at PATH, which is NAME or DIRECTORY/NAME. One that is there is replaced. */
static bool make_link(int dir_fd, const char *path, const char *target, GError **error)
{
	const char *slash = strchr(path, '/');
	g_autofree char *directory = slash ? g_strndup(path, (size_t)(slash - path)) : NULL;
	if (directory && mkdirat(dir_fd, directory, 0755) < 0 && errno != EEXIST)
		return error_set_errno(error, "cannot make '%s'", directory);
	if (symlinkat(target, dir_fd, path) == 0)
		return true;
	if (errno == EEXIST && unlinkat(dir_fd, path, 0) == 0 &&
	    symlinkat(target, dir_fd, path) == 0)
		return true;
	return error_set_errno(error, "cannot make the link '%s'", path);
}

bool quadlet_output_write(const QuadletUnit *unit, int dir_fd, GError **error)
{
	g_autofree char *name = quadlet_unit_service_name(unit);
	g_autofree char *text = quadlet_output_text(unit);
	if (!write_text(dir_fd, name, text, error))
		return false;
	g_autoptr(GPtrArray) links = quadlet_output_links(unit);
	for (size_t i = 0; i < links->len; i += 2)
		if (!make_link(dir_fd, links->pdata[i], links->pdata[i + 1], error))
			return false;
	return true;
}
