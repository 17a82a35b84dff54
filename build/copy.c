/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A COPY or ADD as a plan: its items, its definition and its checksum.
 */
#include "build/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "build/copy_priv.h"
#include "build/tarball.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/digest.h"

void copy_plan_free(CopyPlan *plan)
{
	if (!plan)
		return;
	g_free(plan->dest);
	copy_mode_clear(&plan->mode);
	dockerignore_free(plan->exclude);
	g_ptr_array_unref(plan->items);
	g_free(plan);
}

/* Where it goes, and whether the words say that this is a directory. */
static void take_dest(CopyPlan *plan)
{
	const char *dest = plan->spec.dest, *workdir = plan->spec.workdir;
	const char *slash = strrchr(dest, '/');
	const char *last = slash ? slash + 1 : dest;
	plan->dest_is_dir = !*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
	g_autofree char *joined =
		*dest == '/' ? g_strdup(dest)
			     : g_strconcat("/", workdir ? workdir : "", "/", dest, NULL);
	plan->dest = path_clean(joined);
}

/* --exclude's patterns are read as an ignore file is. */
static bool take_exclude(CopyPlan *plan, GError **error)
{
	const char *const *patterns = plan->spec.exclude;
	if (!patterns || !patterns[0])
		return true;
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; patterns[i]; i++) {
		if (strchr(patterns[i], '\n'))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "--exclude '%s' has a line break in it", patterns[i]);
		/* A "#" in front is no comment here. */
		g_string_append_printf(text, "%s%s\n", *patterns[i] == '#' ? "./" : "",
				       patterns[i]);
	}
	plan->exclude = dockerignore_parse(text->str, text->len, "--exclude", error);
	return plan->exclude != NULL;
}

/* A source that is not a path: a URL, a repository. */
static bool add_remote(CopyPlan *plan, const char *source, bool is_git, GError **error)
{
	const CopySpec *spec = &plan->spec;
	g_autoptr(GitSource) git = NULL;
	g_autofree char *name = is_git ? g_strdup("") : remote_name(source);
	if (!spec->add)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "source can't be a URL for COPY: '%s'", source);
	if (!spec->env)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED, "'%s' cannot be fetched here",
				 source);
	if (is_git) {
		git = git_source_parse(source, spec->env, error);
		if (!git)
			return false;
		if (spec->checksum) {
			g_free(git->commit);
			git->commit = g_ascii_strdown(spec->checksum, -1);
		}
	} else if (spec->checksum && !digest_check(spec->checksum, error)) {
		return false;
	}
	if (!name && plan->dest_is_dir)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot determine filename for source '%s'", source);
	CopyItem *item = g_new0(CopyItem, 1);
	item->kind = is_git ? ITEM_GIT : ITEM_URL;
	item->shown = g_strdup(source);
	item->path = g_strdup("");
	item->name = g_steal_pointer(&name);
	item->git = g_steal_pointer(&git);
	item->root_fd = -1;
	item->fetched = true;
	g_ptr_array_add(plan->items, item);
	return true;
}

static bool add_source(CopyPlan *plan, const char *source, GError **error)
{
	bool is_git = git_source_is(source);
	if (is_git || remote_is_url(source))
		return add_remote(plan, source, is_git, error);
	if (plan->spec.checksum)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--checksum is for one source that is fetched, not for '%s'",
				 source);
	return copy_add_local(plan, source, error);
}

static void add_inline(CopyPlan *plan, const CopyInline *text)
{
	CopyItem *item = g_new0(CopyItem, 1);
	item->kind = ITEM_INLINE;
	item->shown = g_strconcat("<<", text->name, NULL);
	item->path = g_strdup("");
	item->name = g_strdup(text->name);
	item->root_fd = -1;
	item->text = text;
	g_ptr_array_add(plan->items, item);
}

CopyPlan *copy_plan_new(const CopySpec *spec, GError **error)
{
	g_autoptr(CopyPlan) plan = g_new0(CopyPlan, 1);
	plan->spec = *spec;
	plan->items = g_ptr_array_new_with_free_func(copy_item_free);
	take_dest(plan);
	if ((spec->chmod && !copy_mode_parse(spec->chmod, &plan->mode, error)) ||
	    !take_exclude(plan, error))
		return NULL;
	size_t n = spec->sources ? g_strv_length((char **)spec->sources) : 0;
	if (n + spec->n_inlines == 0)
		return error_set_null(error, ENGINE_ERROR_INVALID, "no source was given");
	if (spec->checksum && n + spec->n_inlines > 1)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "--checksum is for one source, not for %zu",
				      n + spec->n_inlines);
	for (size_t i = 0; i < n; i++)
		if (!add_source(plan, spec->sources[i], error))
			return NULL;
	for (size_t i = 0; i < spec->n_inlines; i++) {
		if (!path_name_is_safe(spec->inlines[i].name))
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "'%s' cannot be a file's name",
					      spec->inlines[i].name);
		add_inline(plan, &spec->inlines[i]);
	}
	return g_steal_pointer(&plan);
}

void copy_owner(const CopyPlan *plan, const CopyItem *item, const struct stat *st,
		uint32_t *out_uid, uint32_t *out_gid)
{
	bool kept = plan->spec.keep_owner && !plan->spec.chown && !item->fetched;
	*out_uid = kept ? st->st_uid : 0;
	*out_gid = kept ? st->st_gid : 0;
}

bool copy_item_fetch(const CopyPlan *plan, CopyItem *item, GError **error)
{
	const CopySpec *spec = &plan->spec;
	if (item->kind == ITEM_URL && !item->file) {
		item->file = remote_fetch(spec->env, item->shown, spec->checksum, error);
		return item->file != NULL;
	}
	if (item->kind == ITEM_GIT && item->root_fd < 0) {
		bool keep = spec->keep_git_dir || item->git->keep_git == 1;
		g_autofree char *commit = NULL;
		item->root_fd =
			git_source_checkout(item->git, spec->env, keep, &commit, NULL, error);
		if (item->root_fd < 0)
			return false;
		g_free(item->git->commit);
		item->git->commit = g_steal_pointer(&commit);
	}
	return true;
}

int copy_item_open(const CopyItem *item, GError **error)
{
	int fd = path_open_in_root(item->root_fd, item->path, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		(void)error_set_errno(error, "cannot open '%s'", item->shown);
	return fd;
}

int copy_item_is_archive(const CopyPlan *plan, const CopyItem *item, GError **error)
{
	const CopySpec *spec = &plan->spec;
	if (!spec->add || spec->unpack == 0)
		return 0;
	if (item->kind == ITEM_URL)
		return spec->unpack == 1 ? tarball_detect(item->file->fd, error) : 0;
	if (item->kind != ITEM_LEAF)
		return 0;
	struct stat st;
	autofd fd = copy_item_open(item, error);
	if (fd < 0)
		return -1;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? tarball_detect(fd, error) : 0;
}

/* A checksum being made. */
typedef struct {
	CopyPlan *plan;
	CopyItem *item;
	StatCache *cache;
	FileList *list;
	GHashTable *links; /* "dev:ino" of files with several names to the first of them */
	GString *record;
} Summing;

/* Add what is in @record to the list. */
static void add_record(Summing *s, const char *path)
{
	uint8_t digest[CHECKSUM_SIZE];
	if (EVP_Digest(s->record->str, s->record->len, digest, NULL, EVP_sha256(), NULL) != 1)
		g_error("sha256 does not work");
	file_list_add(s->list, path, digest);
}

/* Type, mode and owner, as the copy will have them. */
static void begin_record(Summing *s, const struct stat *st)
{
	uint32_t uid = 0, gid = 0;
	mode_t mode = S_ISLNK(st->st_mode) ? S_IFLNK : copy_mode_apply(&s->plan->mode, st->st_mode);
	copy_owner(s->plan, s->item, st, &uid, &gid);
	g_string_printf(s->record, "%o %u %u\n", mode, uid, gid);
}

static bool sum_dir(void *data, const CopyEntry *entry, GError **error)
{
	Summing *s = data;
	begin_record(s, entry->st);
	add_record(s, entry->shown);
	return true;
}

static bool sum_leave(void *data, const CopyEntry *entry, GError **error)
{
	return true;
}

/* A file with several names is content once and names else. Return: whether it is seen again. */
static bool sum_link(Summing *s, const CopyEntry *entry)
{
	if (entry->st->st_nlink < 2)
		return false;
	char *key = g_strdup_printf("%ju:%ju", (uintmax_t)entry->st->st_dev,
				    (uintmax_t)entry->st->st_ino);
	const char *first = g_hash_table_lookup(s->links, key);
	if (first) {
		g_string_append_printf(s->record, "same as %s", first);
		g_free(key);
		return true;
	}
	g_hash_table_insert(s->links, key, g_strdup(entry->rel));
	return false;
}

static bool sum_leaf(void *data, const CopyEntry *entry, GError **error)
{
	Summing *s = data;
	const struct stat *st = entry->st;
	begin_record(s, st);
	if (S_ISREG(st->st_mode) && !sum_link(s, entry)) {
		uint8_t digest[CHECKSUM_SIZE];
		if (!stat_cache_digest(s->cache, entry->parent_fd, entry->name, st, entry->shown,
				       digest, error))
			return false;
		g_string_append_len(s->record, (const char *)digest, CHECKSUM_SIZE);
	} else if (S_ISLNK(st->st_mode)) {
		char target[4096];
		ssize_t n = readlinkat(entry->parent_fd, entry->name, target, sizeof(target));
		if (n < 0)
			return error_set_errno(error, "cannot read the link '%s'", entry->shown);
		g_string_append_len(s->record, target, n);
	} else if (S_ISSOCK(st->st_mode) || S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		return true; /* not copied */
	}
	add_record(s, entry->shown);
	return true;
}

/* A source whose bytes are elsewhere, or in the Dockerfile. */
static bool sum_other(Summing *s, GError **error)
{
	CopyItem *item = s->item;
	const char *checksum = s->plan->spec.checksum;
	bool known = item->kind == ITEM_URL   ? checksum != NULL
		     : item->kind == ITEM_GIT ? git_source_is_fixed(item->git)
					      : true;
	if (!known && !copy_item_fetch(s->plan, item, error))
		return false;
	if (item->kind == ITEM_URL)
		g_string_printf(s->record, "url %s", checksum ? checksum : item->file->digest);
	else if (item->kind == ITEM_GIT)
		g_string_printf(s->record, "git %s", known ? item->git->ref : item->git->commit);
	else
		g_string_printf(s->record, "inline %s", item->text->content);
	add_record(s, item->shown);
	return true;
}

FileList *copy_plan_checksum(CopyPlan *plan, StatCache *cache, GError **error)
{
	g_autoptr(FileList) list = file_list_new();
	Summing s = {
		.plan = plan,
		.cache = cache,
		.list = list,
		.links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.record = g_string_new(NULL),
	};
	const CopyVisitor visitor = {
		.enter = sum_dir,
		.leave = sum_leave,
		.leaf = sum_leaf,
		.data = &s,
	};
	bool done = true;
	for (guint i = 0; done && i < plan->items->len; i++) {
		s.item = plan->items->pdata[i];
		g_hash_table_remove_all(s.links);
		done = s.item->kind == ITEM_LEAF || s.item->kind == ITEM_DIR
			       ? copy_walk(plan, s.item, &visitor, error)
			       : sum_other(&s, error);
	}
	g_hash_table_unref(s.links);
	g_string_free(s.record, TRUE);
	return done ? g_steal_pointer(&list) : NULL;
}
