/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-layer, the child's side: options, jail, one verb, report.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "storage/jail.h"
#include "storage/layer_child.h"
#include "storage/layer_complete.h"
#include "storage/layer_copy.h"
#include "storage/tar_pack.h"
#include "storage/tar_ring.h"
#include "storage/tar_unpack.h"
#include "storage/tree_diff.h"
#include "storage/tree_pack.h"

#define DIR_FD       3
#define REPORT_FD    4
#define RING_FD      5
#define DEFERRED_MAX (256u << 20)

typedef struct {
	const char *layer;
	bool has_parent;
	bool single_id;
	uint64_t max_bytes;
	uint64_t max_entries;
	char **lowers; /* the rest of the arguments */
} Arguments;

/* The tar's source: bytes from the ring, headers to the journal. */
typedef struct {
	TarRingReader *ring;
	TarJournal *journal;
} Source;

static ssize_t borrow_ring(void *data, size_t max, const void **out_bytes)
{
	const Source *source = data;
	return tar_ring_borrow(source->ring, max, out_bytes);
}

static bool journal_raw(void *data, const void *bytes, size_t size, GError **error)
{
	const Source *source = data;
	return tar_journal_raw(source->journal, bytes, size, error);
}

/* Make a directory of the layer and open it. */
static int make_dir(int layer_fd, const char *name, GError **error)
{
	if (mkdirat(layer_fd, name, 0755) < 0) {
		(void)error_set_errno(error, "cannot make '%s'", name);
		return -1;
	}
	int fd = path_open_state(layer_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		(void)error_set_errno(error, "cannot open '%s'", name);
	return fd;
}

/* Write a new file of the layer's directory as a whole. */
static bool write_file(int layer_fd, const char *name, const void *data, size_t size,
		       GError **error)
{
	autofd fd =
		openat(layer_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !fd_write_all(fd, data, size))
		return error_set_errno(error, "cannot write '%s'", name);
	return true;
}

/* The tar's content goes to diff/, all else that its exact bytes need to the journal. */
static bool do_unpack(const Arguments *args, int layer_fd, TarUnpackStats *stats, GError **error)
{
	autofd diff = make_dir(layer_fd, "diff", error);
	autofd extra = diff < 0 ? -1 : make_dir(layer_fd, "extra", error);
	if (extra < 0)
		return false;
	autofd journal_fd = openat(layer_fd, "journal",
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal_fd < 0)
		return error_set_errno(error, "cannot write the layer's journal");

	g_autoptr(TarJournal) journal = tar_journal_new(journal_fd);
	g_autoptr(TarRingReader) ring = tar_ring_reader_new(RING_FD, STDIN_FILENO, STDOUT_FILENO);
	if (!ring)
		return error_set_errno(error, "cannot map the tar's buffer");
	Source from = {.ring = ring, .journal = journal};
	const TarSource source = {.borrow = borrow_ring, .raw = journal_raw, .data = &from};
	g_autoptr(TarReader) reader = tar_reader_new(&source);
	g_autoptr(GByteArray) deferred = g_byte_array_new();
	const TarUnpackOptions options = {
		.root_fd = diff,
		.extra_fd = extra,
		.journal = journal,
		.has_parent = args->has_parent,
		.single_id = args->single_id,
		.max_bytes = args->max_bytes,
		.max_entries = args->max_entries,
	};
	if (!tar_unpack(reader, &options, deferred, stats, error) ||
	    !tar_journal_finish(journal, error))
		return false;
	/* Almost never needed; kept only then. */
	(void)unlinkat(layer_fd, "extra", AT_REMOVEDIR);
	return deferred->len == 0 ||
	       write_file(layer_fd, "deferred", deferred->data, deferred->len, error);
}

typedef struct {
	TarJournal *journal;
	TreePackOutput out;
} Seal;

/* The layer's tar goes to our parent, who knows its digest then, and into the journal. */
static bool seal_raw(void *data, const void *bytes, size_t size, GError **error)
{
	Seal *seal = data;
	return tar_journal_raw(seal->journal, bytes, size, error) &&
	       tree_pack_put(&seal->out, bytes, size, error);
}

static bool seal_content(void *data, const void *bytes, size_t size, GError **error)
{
	return tree_pack_put(&((Seal *)data)->out, bytes, size, error);
}

static bool seal_file(void *data, const char *path, uint64_t size, GError **error)
{
	return size == 0 || tar_journal_file(((Seal *)data)->journal, path, 0, size, error);
}

/* A tree that did not come from a tar becomes a layer: make the tar and the journal of it. */
static bool do_seal(int layer_fd, TarUnpackStats *stats, GError **error)
{
	autofd diff = path_open_state(layer_fd, "diff", O_RDONLY | O_DIRECTORY, 0);
	autofd journal_fd = openat(layer_fd, "journal",
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (diff < 0 || journal_fd < 0)
		return error_set_errno(error, "cannot write the layer's journal");
	g_autoptr(TarJournal) journal = tar_journal_new(journal_fd);
	g_autofree char *buffer = g_malloc(TREE_PACK_BUFFER);
	Seal seal = {.journal = journal, .out = {.fd = STDOUT_FILENO, .buffer = buffer}};
	const TreePackOptions options = {
		.dir_fd = diff,
		.file_fd = -1,
		.layer = true,
		.raw = seal_raw,
		.content = seal_content,
		.file = seal_file,
		.data = &seal,
	};
	TreePackStats packed = {0};
	if (!tree_pack(&options, &packed, error) || !tree_pack_flush(&seal.out, error) ||
	    !tar_journal_finish(journal, error))
		return false;
	stats->size = packed.size;
	stats->entries = packed.entries;
	return true;
}

/* Hard links into the lower layers, now that those are there. */
static bool do_complete(const Arguments *args, int layer_fd, int lower_fd, TarUnpackStats *stats,
			GError **error)
{
	autofd list = path_open_state(layer_fd, "deferred", O_RDONLY, 0);
	autofd diff = path_open_state(layer_fd, "diff", O_RDONLY | O_DIRECTORY, 0);
	if (list < 0 || diff < 0)
		return error_set_errno(error, "cannot open the deferred list");
	size_t size = 0;
	g_autofree char *text = fd_read_all(list, DEFERRED_MAX, &size, error);
	if (!text ||
	    !layer_complete(diff, lower_fd, text, size, args->max_bytes, &stats->size, error))
		return false;
	if (unlinkat(layer_fd, "deferred", 0) < 0)
		return error_set_errno(error, "cannot remove the deferred list");
	return true;
}

/* One line for the parent. */
static void send_report(const TarUnpackStats *stats, const GError *error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_bool(json, "ok", !error);
	if (error) {
		/* Names in it are the archive's own bytes. */
		g_autofree char *message = g_utf8_make_valid(error->message, -1);
		js_set_int(json, "error", error->domain == ENGINE_ERROR ? error->code : 0);
		js_set_string(json, "message", message);
	} else {
		js_set_int(json, "size", (int64_t)stats->size);
		js_set_int(json, "entries", (int64_t)stats->entries);
		js_set_int(json, "devices", (int64_t)stats->devices);
		js_set_int(json, "xattrs", (int64_t)stats->xattrs);
		js_set_int(json, "deferred", (int64_t)stats->deferred);
	}
	const char *text = js_text(json);
	(void)!fd_write_all(REPORT_FD, text, strlen(text));
}

/* Ours alone, from layer_child_start(); the lower layers come last. */
static bool parse_arguments(int argc, char **argv, Arguments *out, GError **error)
{
	*out = (Arguments){.max_bytes = LAYER_MAX_BYTES, .max_entries = LAYER_MAX_ENTRIES};
	int i = 2;
	for (; i < argc && argv[i][0] == '-'; i++) {
		bool has_value = i + 1 < argc;
		if (strcmp(argv[i], "--parent") == 0)
			out->has_parent = true;
		else if (strcmp(argv[i], "--single-id") == 0)
			out->single_id = true;
		else if (strcmp(argv[i], "--layer") == 0 && has_value)
			out->layer = argv[++i];
		else if (strcmp(argv[i], "--max-bytes") == 0 && has_value) {
			if (!units_parse_uint(argv[++i], INT64_MAX, &out->max_bytes, error))
				return false;
		} else if (strcmp(argv[i], "--max-entries") == 0 && has_value) {
			if (!units_parse_uint(argv[++i], INT64_MAX, &out->max_entries, error))
				return false;
		} else
			return error_set(error, ENGINE_ERROR_INVALID, "unknown option '%s'",
					 argv[i]);
	}
	out->lowers = argv + i;
	if (!out->layer)
		return error_set(error, ENGINE_ERROR_INVALID, "no layer given");
	return true;
}

/* Nothing foreign is read before jail_enter(). */
static bool run(int argc, char **argv, TarUnpackStats *stats, GError **error)
{
	Arguments args;
	const char *verb = argc > 1 ? argv[1] : "";
	bool unpack = strcmp(verb, "unpack") == 0;
	bool complete = strcmp(verb, "complete") == 0;
	bool pack = strcmp(verb, "pack") == 0;
	bool seal = strcmp(verb, "seal") == 0;
	bool diff = strcmp(verb, "diff") == 0;
	if (!unpack && !complete && !pack && !seal && !diff)
		return error_set(error, ENGINE_ERROR_INVALID, "skiff-layer is run by skiff-fetch");
	if (!parse_arguments(argc, argv, &args, error))
		return false;

	autofd layer_fd = -1;
	autofd lower_fd = -1;
	const JailOptions jail = {
		.layer = args.layer,
		.layer_fd = DIR_FD,
		.read_only = pack || diff,
		.lowers = (complete || diff) && args.lowers[0] ? (const char *const *)args.lowers
							       : NULL,
	};
	if (!jail_enter(&jail, &layer_fd, &lower_fd, error))
		return false;
	(void)close(DIR_FD);
	if (unpack)
		return do_unpack(&args, layer_fd, stats, error);
	if (complete)
		return do_complete(&args, layer_fd, lower_fd, stats, error);
	if (diff)
		return tree_diff(layer_fd, lower_fd, STDOUT_FILENO, error);
	if (seal)
		return do_seal(layer_fd, stats, error);
	return tar_pack_journal(layer_fd, STDOUT_FILENO, error);
}

int layer_child_main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	TarUnpackStats stats = {0};
	(void)umask(0);
	if (argc > 1 && layer_copy_is_verb(argv[1]))
		return layer_copy_main(argc, argv);
	bool done = run(argc, argv, &stats, &error);
	send_report(&stats, error);
	return done ? 0 : 1;
}
