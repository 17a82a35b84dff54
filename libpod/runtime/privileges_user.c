/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups of a container, by a parser of our own: no NSS may run on files of an image
 * (security R9).
 */
#include "libpod/runtime/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"

#define MAX_FILE_SIZE (1024 * 1024)
#define MAX_LINE_SIZE 4096
#define MAX_LINES     65536
#define MAX_ID        (UINT64_C(0xffffffff) - 1)
#define MAX_NAME_SIZE 255

/* A file of colon-separated lines, cut up in place. */
typedef struct {
	char *text; /* NULL: the file does not exist */
	char *next;
	int lines;
} Table;

static void table_clear(Table *table)
{
	g_free(table->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Table, table_clear)

static int table_open(int root_fd, const char *path, Table *out)
{
	size_t size = 0;
	*out = (Table){.text = path_read_in_root(root_fd, path, MAX_FILE_SIZE, &size)};
	if (!out->text && errno != ENOENT && errno != ENOTDIR)
		return -errno;
	out->next = out->text;
	return 0;
}

/* The next line, split at its colons. Return: number of fields, 0 at the end, negative errno. */
static int table_next(Table *table, char *fields[], int max_fields)
{
	if (!table->next || !*table->next)
		return 0;
	bool bounded = wall_stands("table-bounds");
	if (++table->lines > MAX_LINES && bounded)
		return -EFBIG;
	char *line = table->next;
	size_t size = strcspn(line, "\n");
	if (size > MAX_LINE_SIZE && bounded)
		return -EFBIG;
	table->next = line + size + (line[size] == '\n');
	line[size] = '\0';
	int n = 0;
	for (char *field = line; field && n < max_fields; n++) {
		char *colon = n + 1 < max_fields ? strchr(field, ':') : NULL;
		if (colon)
			*colon = '\0';
		fields[n] = field;
		field = colon ? colon + 1 : NULL;
	}
	return n;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Strict decimal id. Return: false if it is none or too large. */
static bool parse_id(const char *text, uint32_t *out)
{
	bool bounded = wall_stands("id-range");
	if (!is_number(text) || (strlen(text) > 10 && bounded))
		return false;
	uint64_t value = 0;
	for (const char *c = text; *c; c++)
		value = value * 10 + (uint64_t)(*c - '0');
	if (value > MAX_ID && bounded)
		return false;
	*out = (uint32_t)value;
	return true;
}

/* A number in range, or a name that cannot be taken for one. */
static bool check_part(const char *part)
{
	uint32_t id;
	if (!wall_stands("user-grammar"))
		return true;
	if (g_ascii_isdigit(*part))
		return parse_id(part, &id);
	if (!*part || strlen(part) > MAX_NAME_SIZE || strchr("-+~.", *part))
		return false;
	for (const char *c = part; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '/' || *c == ':')
			return false;
	}
	return true;
}

/* Split "user[:group]" into parts that are right by themselves; *out_group is NULL without a group.
 * ":group" is root's, as docker and podman have it; theirs "user:" is refused (CVE-2024-40635). */
static bool split_spec(const char *spec, char **out_user, char **out_group)
{
	const char *colon = strchr(spec, ':');
	g_autofree char *user = colon ? g_strndup(spec, (gsize)(colon - spec)) : g_strdup(spec);
	const char *group = colon ? colon + 1 : NULL;
	const char *who = group && *group && !*user ? "0" : user;
	if (!check_part(who) || (group && !check_part(group)))
		return false;
	*out_user = g_strdup(who);
	*out_group = g_strdup(group);
	return true;
}

bool privileges_check_user_spec(const char *spec, GError **error)
{
	g_autofree char *user = NULL;
	g_autofree char *group = NULL;
	if (split_spec(spec, &user, &group))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid user '%s': expected name|uid[:group|gid]", spec);
}

/*
 * Find @wanted in passwd: a number by uid, so that a name made of digits never shadows it, else by
 * name. *out_name is set to the entry's name. Return: 1 found, 0 not, negative errno.
 */
static int find_user(int root_fd, const char *wanted, ResolvedUser *user, char **out_name)
{
	g_auto(Table) table;
	int result = table_open(root_fd, "etc/passwd", &table);
	if (result < 0)
		return result;
	uint32_t number = 0;
	bool by_number = parse_id(wanted, &number) && wall_stands("numbers-before-names");
	char *fields[7];
	while ((result = table_next(&table, fields, 7)) > 0) {
		uint32_t uid, gid;
		if (result < 6 || !parse_id(fields[2], &uid) || !parse_id(fields[3], &gid))
			continue;
		if (by_number ? uid != number : strcmp(fields[0], wanted) != 0)
			continue;
		user->uid = uid;
		user->gid = gid;
		g_strlcpy(user->home, fields[5], sizeof user->home);
		*out_name = g_strdup(fields[0]);
		return 1;
	}
	return result;
}

static int add_group(ResolvedUser *user, gid_t gid)
{
	for (size_t i = 0; i < user->n_groups; i++) {
		if (user->groups[i] == gid)
			return 0;
	}
	if (user->n_groups == G_N_ELEMENTS(user->groups))
		return -EFBIG;
	user->groups[user->n_groups++] = gid;
	return 0;
}

static bool list_has(const char *list, const char *name)
{
	size_t size = strlen(name);
	for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		if (strcspn(at, ",") == size && strncmp(at, name, size) == 0)
			return true;
	}
	return false;
}

/* The gid of a group given by name or number. */
static int find_group(int root_fd, const char *wanted, gid_t *out_gid)
{
	if (parse_id(wanted, out_gid))
		return 0;
	if (!check_part(wanted))
		return -EINVAL;
	g_auto(Table) table;
	int result = table_open(root_fd, "etc/group", &table);
	if (result < 0)
		return result;
	char *fields[4];
	while ((result = table_next(&table, fields, 4)) > 0) {
		if (result >= 3 && strcmp(fields[0], wanted) == 0 && parse_id(fields[2], out_gid))
			return 0;
	}
	return result < 0 ? result : -ENOENT;
}

/* Has group a line with this id? A file that cannot be read is as good as one that has. */
static bool has_gid(int root_fd, gid_t wanted)
{
	g_auto(Table) table;
	if (table_open(root_fd, "etc/group", &table) < 0)
		return true;
	char *fields[4];
	int n;
	while ((n = table_next(&table, fields, 4)) > 0) {
		gid_t gid;
		if (n >= 3 && parse_id(fields[2], &gid) && gid == wanted)
			return true;
	}
	return n < 0;
}

/* Every group that lists @name as a member. */
static int add_memberships(int root_fd, const char *name, ResolvedUser *user)
{
	g_auto(Table) table;
	int result = table_open(root_fd, "etc/group", &table);
	if (result < 0)
		return result;
	char *fields[4];
	while ((result = table_next(&table, fields, 4)) > 0) {
		uint32_t gid;
		if (result < 4 || !parse_id(fields[2], &gid) || !list_has(fields[3], name))
			continue;
		int added = add_group(user, gid);
		if (added < 0)
			return added;
	}
	return result;
}

static int add_extra_groups(int root_fd, const char *const *extra_groups, ResolvedUser *user)
{
	for (size_t i = 0; extra_groups && extra_groups[i]; i++) {
		gid_t gid;
		int result = find_group(root_fd, extra_groups[i], &gid);
		if (result == 0)
			result = add_group(user, gid);
		if (result < 0)
			return result;
	}
	return 0;
}

int privileges_resolve_user(int root_fd, const char *spec, const char *const *extra_groups,
			    ResolvedUser *out_user)
{
	g_autofree char *wanted = NULL;
	g_autofree char *group = NULL;
	if (!split_spec(spec && *spec ? spec : "0", &wanted, &group))
		return -EINVAL;

	g_autofree ResolvedUser *user = g_new0(ResolvedUser, 1);
	g_autofree char *name = NULL;
	int result = find_user(root_fd, wanted, user, &name);
	user->uid_named = result > 0;
	user->gid_named = true;
	if (result == 0 && !parse_id(wanted, &user->uid))
		result = -ENOENT;
	if (result < 0)
		return result;
	/* An explicit group replaces the memberships, as docker and podman have it. */
	if (group)
		result = find_group(root_fd, group, &user->gid);
	if (group && result < 0)
		return result;
	if (group && is_number(group))
		user->gid_named = has_gid(root_fd, user->gid);
	result = wall_stands("own-group") ? add_group(user, user->gid) : 0;
	if (result == 0 && name && !group)
		result = add_memberships(root_fd, name, user);
	if (result == 0)
		result = add_extra_groups(root_fd, extra_groups, user);
	if (result == 0)
		*out_user = *user;
	return result;
}
