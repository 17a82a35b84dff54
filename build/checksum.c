/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of files with a digest each.
 */
#include "build/checksum.h"

#include <openssl/evp.h>
#include <string.h>

#include "libpod/base/record.h"

/* The file: this line, then each path with a NUL and its digest, then the digest of all before. */
#define LIST_MAGIC "skiff files 1\n"
#define LIST_MAX   (1u << 30)

typedef struct {
	char *path;
	uint8_t digest[CHECKSUM_SIZE];
} ListEntry;

struct FileList {
	GArray *entries; /* ListEntry */
	GStringChunk *paths;
	bool sorted;
};

FileList *file_list_new(void)
{
	FileList *list = g_new0(FileList, 1);
	list->entries = g_array_new(FALSE, FALSE, sizeof(ListEntry));
	list->paths = g_string_chunk_new(64u << 10);
	list->sorted = true;
	return list;
}

void file_list_free(FileList *list)
{
	if (!list)
		return;
	g_array_unref(list->entries);
	g_string_chunk_free(list->paths);
	g_free(list);
}

void file_list_add(FileList *list, const char *path, const uint8_t digest[static CHECKSUM_SIZE])
{
	ListEntry entry = {.path = g_string_chunk_insert(list->paths, path)};
	memcpy(entry.digest, digest, CHECKSUM_SIZE);
	g_array_append_val(list->entries, entry);
	list->sorted = false;
}

size_t file_list_size(const FileList *list)
{
	return list->entries->len;
}

static int compare_entries(const void *a, const void *b)
{
	const ListEntry *left = a, *right = b;
	int order = strcmp(left->path, right->path);
	return order ? order : memcmp(left->digest, right->digest, CHECKSUM_SIZE);
}

/* Entries in the order of their paths. */
static const ListEntry *sorted(FileList *list)
{
	if (!list->sorted)
		g_array_sort(list->entries, compare_entries);
	list->sorted = true;
	return (const ListEntry *)(void *)list->entries->data;
}

/* All entries as bytes: what is hashed, and what the file holds. */
static GByteArray *serialize(FileList *list)
{
	const ListEntry *entries = sorted(list);
	GByteArray *bytes = g_byte_array_sized_new(64 + list->entries->len * 80);
	for (guint i = 0; i < list->entries->len; i++) {
		g_byte_array_append(bytes, (const guint8 *)entries[i].path,
				    (guint)strlen(entries[i].path) + 1);
		g_byte_array_append(bytes, entries[i].digest, CHECKSUM_SIZE);
	}
	return bytes;
}

/* sha256 of a buffer; openssl's, which knows the processor. */
static void digest_bytes(const void *data, size_t size, uint8_t out[static CHECKSUM_SIZE])
{
	if (EVP_Digest(data, size, out, NULL, EVP_sha256(), NULL) != 1)
		g_error("sha256 does not work");
}

char *file_list_digest(FileList *list)
{
	uint8_t digest[CHECKSUM_SIZE];
	g_autoptr(GByteArray) bytes = serialize(list);
	digest_bytes(bytes->data, bytes->len, digest);
	GString *text = g_string_new("sha256:");
	for (size_t i = 0; i < CHECKSUM_SIZE; i++)
		g_string_append_printf(text, "%02x", digest[i]);
	return g_string_free(text, FALSE);
}

bool file_list_save(FileList *list, int dir_fd, const char *name, GError **error)
{
	uint8_t digest[CHECKSUM_SIZE];
	g_autoptr(GByteArray) bytes = serialize(list);
	g_byte_array_prepend(bytes, (const guint8 *)LIST_MAGIC, strlen(LIST_MAGIC));
	digest_bytes(bytes->data, bytes->len, digest);
	g_byte_array_append(bytes, digest, CHECKSUM_SIZE);
	return record_replace(dir_fd, name, (const char *)bytes->data, bytes->len, RECORD_SYNC_NONE,
			      error);
}

FileList *file_list_load(int dir_fd, const char *name)
{
	uint8_t digest[CHECKSUM_SIZE];
	size_t size = 0, head = strlen(LIST_MAGIC);
	g_autofree char *text = record_read(dir_fd, name, LIST_MAX, &size, NULL);
	if (!text || size < head + CHECKSUM_SIZE || memcmp(text, LIST_MAGIC, head) != 0)
		return NULL;
	const char *at = text + head, *end = text + size - CHECKSUM_SIZE;
	digest_bytes(text, size - CHECKSUM_SIZE, digest);
	if (memcmp(digest, end, CHECKSUM_SIZE) != 0)
		return NULL;
	g_autoptr(FileList) list = file_list_new();
	while (at < end) {
		size_t length = strnlen(at, (size_t)(end - at));
		if ((size_t)(end - at) < length + 1 + CHECKSUM_SIZE)
			return NULL;
		file_list_add(list, at, (const uint8_t *)at + length + 1);
		at += length + 1 + CHECKSUM_SIZE;
	}
	return g_steal_pointer(&list);
}

size_t file_list_diff(FileList *before, FileList *now, size_t max,
		      void (*seen)(FileChange change, const char *path, void *data), void *data)
{
	const ListEntry *old = sorted(before), *new = sorted(now);
	size_t i = 0, j = 0, found = 0;
	while (i < before->entries->len || j < now->entries->len) {
		int order = i == before->entries->len ? 1
			    : j == now->entries->len  ? -1
						      : strcmp(old[i].path, new[j].path);
		bool same = order == 0 && memcmp(old[i].digest, new[j].digest, CHECKSUM_SIZE) == 0;
		FileChange change = order < 0   ? FILE_REMOVED
				    : order > 0 ? FILE_ADDED
						: FILE_CHANGED;
		if (!same && found++ < max)
			seen(change, order < 0 ? old[i].path : new[j].path, data);
		i += order <= 0;
		j += order >= 0;
	}
	return found;
}
