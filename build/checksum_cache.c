/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of files that need not be read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "build/checksum.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/record.h"

/* The file: this line, the entries as they are in memory, a digest of both. */
#define CACHE_MAGIC "skiff stat cache 1\n"
#define CACHE_MAX   (1u << 30)
#define PIECE_SIZE  (256u << 10)
#define XATTRS_MAX  (64u << 10)

/* A clock's tick is 10 ms at most; file systems without nanoseconds have 2 s at most. */
#define TICK_NS        INT64_C(20000000)
#define COARSE_TICK_NS INT64_C(2500000000)

/* Everything before @digest is the key. */
typedef struct {
	uint64_t dev, ino, size;
	int64_t ctime_ns;
	uint8_t digest[CHECKSUM_SIZE];
} CacheEntry;

#define KEY_SIZE offsetof(CacheEntry, digest)

struct StatCache {
	int dir_fd;
	char *name;          /* NULL: it is not kept */
	char *text;          /* the file as it was read, which old entries point into */
	GHashTable *entries; /* CacheEntry * to itself */
	GHashTable *asked;   /* the same, of this run */
	GPtrArray *owned;    /* those that are not in @text */
	bool changed;
	uint64_t reads;
	EVP_MD *md;
	EVP_MD_CTX *context;
	char *piece;
	char *xattrs;
};

static guint hash_entry(const void *key)
{
	const CacheEntry *entry = key;
	uint64_t mixed = (entry->ino ^ (entry->dev << 40) ^ (uint64_t)entry->ctime_ns) *
			 UINT64_C(0x9e3779b97f4a7c15);
	return (guint)(mixed >> 32);
}

static gboolean same_entry(const void *a, const void *b)
{
	return memcmp(a, b, KEY_SIZE) == 0;
}

static int64_t to_ns(const struct timespec *time)
{
	return (int64_t)time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

/* Take over what a file holds, if it is whole. */
static void load(StatCache *cache)
{
	uint8_t digest[CHECKSUM_SIZE];
	size_t size = 0, head = strlen(CACHE_MAGIC);
	cache->text = record_read(cache->dir_fd, cache->name, CACHE_MAX, &size, NULL);
	if (!cache->text || size < head + CHECKSUM_SIZE ||
	    memcmp(cache->text, CACHE_MAGIC, head) != 0 ||
	    (size - head - CHECKSUM_SIZE) % sizeof(CacheEntry) != 0 ||
	    EVP_Digest(cache->text, size - CHECKSUM_SIZE, digest, NULL, EVP_sha256(), NULL) != 1 ||
	    memcmp(digest, cache->text + size - CHECKSUM_SIZE, CHECKSUM_SIZE) != 0)
		return;
	size_t n = (size - head - CHECKSUM_SIZE) / sizeof(CacheEntry);
	/* The magic is no multiple of an entry's alignment. */
	CacheEntry *entries = g_memdup2(cache->text + head, n * sizeof(CacheEntry));
	g_free(cache->text);
	cache->text = (char *)entries;
	for (size_t i = 0; i < n; i++)
		g_hash_table_add(cache->entries, entries + i);
}

StatCache *stat_cache_open(int dir_fd, const char *name)
{
	StatCache *cache = g_new0(StatCache, 1);
	cache->dir_fd = dir_fd;
	cache->name = g_strdup(name);
	cache->entries = g_hash_table_new(hash_entry, same_entry);
	cache->asked = g_hash_table_new(hash_entry, same_entry);
	cache->owned = g_ptr_array_new_with_free_func(g_free);
	cache->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	cache->context = EVP_MD_CTX_new();
	cache->piece = g_malloc(PIECE_SIZE);
	cache->xattrs = g_malloc(2 * XATTRS_MAX);
	if (!cache->md || !cache->context)
		g_error("sha256 does not work");
	if (name)
		load(cache);
	return cache;
}

void stat_cache_free(StatCache *cache)
{
	if (!cache)
		return;
	g_hash_table_unref(cache->entries);
	g_hash_table_unref(cache->asked);
	g_ptr_array_unref(cache->owned);
	EVP_MD_CTX_free(cache->context);
	EVP_MD_free(cache->md);
	g_free(cache->name);
	g_free(cache->text);
	g_free(cache->piece);
	g_free(cache->xattrs);
	g_free(cache);
}

bool stat_cache_save(StatCache *cache, GError **error)
{
	if (!cache->name || !cache->changed)
		return true;
	bool mostly_old = g_hash_table_size(cache->entries) > 2 * g_hash_table_size(cache->asked);
	GHashTable *kept = mostly_old ? cache->asked : cache->entries;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_byte_array_append(bytes, (const guint8 *)CACHE_MAGIC, strlen(CACHE_MAGIC));
	GHashTableIter iter;
	void *entry = NULL;
	g_hash_table_iter_init(&iter, kept);
	while (g_hash_table_iter_next(&iter, &entry, NULL))
		g_byte_array_append(bytes, entry, sizeof(CacheEntry));
	uint8_t digest[CHECKSUM_SIZE];
	if (EVP_Digest(bytes->data, bytes->len, digest, NULL, EVP_sha256(), NULL) != 1)
		g_error("sha256 does not work");
	g_byte_array_append(bytes, digest, CHECKSUM_SIZE);
	/* Losing it costs reading once more: no sync. */
	if (!record_replace(cache->dir_fd, cache->name, (const char *)bytes->data, bytes->len,
			    RECORD_SYNC_NONE, error))
		return false;
	cache->changed = false;
	return true;
}

uint64_t stat_cache_reads(const StatCache *cache)
{
	return cache->reads;
}

bool checksum_xattr_counts(const char *name)
{
	return (g_str_has_prefix(name, "user.") && !g_str_has_prefix(name, "user.overlay.")) ||
	       strcmp(name, "security.capability") == 0;
}

static void hash_bytes(StatCache *cache, const void *data, size_t size)
{
	if (EVP_DigestUpdate(cache->context, data, size) != 1)
		g_error("sha256 does not work");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Attributes by name; file systems give them in any order. */
static bool hash_xattrs(StatCache *cache, int fd, const char *path, GError **error)
{
	ssize_t size = flistxattr(fd, cache->xattrs, XATTRS_MAX);
	if (size <= 0)
		return size == 0 || errno == ENOTSUP ||
		       error_set_errno(error, "cannot read the attributes of '%s'", path);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (char *name = cache->xattrs; name < cache->xattrs + size; name += strlen(name) + 1)
		if (checksum_xattr_counts(name))
			g_ptr_array_add(names, name);
	g_ptr_array_sort(names, compare_names);
	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		char *value = cache->xattrs + XATTRS_MAX;
		ssize_t length = fgetxattr(fd, name, value, XATTRS_MAX);
		if (length < 0)
			return error_set_errno(error, "cannot read the attribute '%s' of '%s'",
					       name, path);
		uint64_t count = (uint64_t)length;
		hash_bytes(cache, name, strlen(name) + 1);
		hash_bytes(cache, &count, sizeof(count));
		hash_bytes(cache, value, (size_t)length);
	}
	return true;
}

/* The attributes and the content of an open file. */
static bool hash_file(StatCache *cache, int fd, const char *path, uint8_t out[static CHECKSUM_SIZE],
		      GError **error)
{
	if (EVP_DigestInit_ex2(cache->context, cache->md, NULL) != 1)
		g_error("sha256 does not work");
	if (!hash_xattrs(cache, fd, path, error))
		return false;
	hash_bytes(cache, "", 1); /* no name of an attribute is empty */
	for (;;) {
		ssize_t n = read(fd, cache->piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read '%s'", path);
		if (n == 0)
			break;
		hash_bytes(cache, cache->piece, (size_t)n);
	}
	if (EVP_DigestFinal_ex(cache->context, out, NULL) != 1)
		g_error("sha256 does not work");
	return true;
}

static CacheEntry entry_of(const struct stat *st)
{
	return (CacheEntry){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.ctime_ns = to_ns(&st->st_ctim),
	};
}

/* Would a change from now on be seen by its ctime? */
static bool is_settled(const struct stat *st, int64_t now)
{
	int64_t tick = st->st_ctim.tv_nsec % 1000000 ? TICK_NS : COARSE_TICK_NS;
	return to_ns(&st->st_ctim) < now - tick;
}

/* Read the file and remember what it was, if it can be told that it stays so. */
static bool read_digest(StatCache *cache, int parent_fd, const char *name, const char *path,
			uint8_t out[static CHECKSUM_SIZE], GError **error)
{
	struct stat before, after;
	struct timespec now;
	autofd fd =
		openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &before) < 0)
		return error_set_errno(error, "cannot read '%s'", path);
	if (!S_ISREG(before.st_mode))
		return error_set(error, ENGINE_ERROR_SYSTEM, "'%s' changed while it was read",
				 path);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (!hash_file(cache, fd, path, out, error))
		return false;
	cache->reads++;
	CacheEntry entry = entry_of(&before);
	if (fstat(fd, &after) < 0)
		return error_set_errno(error, "cannot look at '%s'", path);
	CacheEntry now_entry = entry_of(&after);
	if (!same_entry(&entry, &now_entry) || !is_settled(&before, to_ns(&now)))
		return true;
	memcpy(entry.digest, out, CHECKSUM_SIZE);
	CacheEntry *kept = g_memdup2(&entry, sizeof(entry));
	g_ptr_array_add(cache->owned, kept);
	g_hash_table_add(cache->entries, kept);
	g_hash_table_add(cache->asked, kept);
	cache->changed = true;
	return true;
}

bool stat_cache_digest(StatCache *cache, int parent_fd, const char *name, const struct stat *st,
		       const char *path, uint8_t out_digest[static CHECKSUM_SIZE], GError **error)
{
	CacheEntry key = entry_of(st);
	CacheEntry *known = g_hash_table_lookup(cache->entries, &key);
	if (!known)
		return read_digest(cache, parent_fd, name, path, out_digest, error);
	g_hash_table_add(cache->asked, known);
	memcpy(out_digest, known->digest, CHECKSUM_SIZE);
	return true;
}
