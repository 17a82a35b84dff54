/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers on their way in. Runs in skiff-fetch.
 *
 *   owner's bytes -> sha256 -> inflate -> ring -> sha256, skiff-layer unpack
 *
 * Hashing (in a thread), inflating and the child's writing overlap; the ring (2 MiB) bounds what is
 * between them: a slot is filled again when it is both hashed and unpacked. The child may die or
 * refuse at any byte: then the ring says EPIPE, and the child's report says why.
 */
#include "storage/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "storage/digest.h"
#include "storage/hash.h"
#include "storage/inflate.h"
#include "storage/layer_child.h"
#include "storage/tar_ring.h"

/* Above this many bytes a stream must not grow by more than this factor. */
#define RATIO_FROM (UINT64_C(4) << 30)
#define RATIO_MAX  500
#define SPACE_STEP (UINT64_C(32) << 20)
#define SPACE_KEPT (UINT64_C(16) << 20)

struct LayerIngest {
	Store *store;
	StoreStage *stage;
	char *name; /* directory in the stage */
	char *path; /* the same, absolute */
	int dir_fd;
	int kept_fd; /* takes the compressed bytes; -1 if nobody wants them */
	LayerChild *child;
	TarRing *ring; /* to the child */
	char *slot;    /* being filled; NULL if none is */
	unsigned slot_number;
	size_t slot_used;
	uint64_t tickets[TAR_RING_SLOTS]; /* hashing of what each slot held last */
	uint64_t deferred;

	char *media_type;
	char *expected_digest;
	char *expected_diff_id;
	char *parent;
	int64_t expected_size;

	bool is_tar;     /* the blob is the plain tar: one digest tells both */
	Hash *blob_hash; /* NULL if nobody asks, or with is_tar */
	Hash *diff_hash;
	HashLane *lane; /* does both */
	uint64_t blob_size;
	uint64_t tar_size;
	uint64_t space_checked; /* tar_size at the last look at the disk */
	Inflate *inflate;
	GByteArray *head; /* the first bytes, until the format is known */
};

/* What each media type promises; the bytes decide. */
static const char *const media_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
	NULL,
};

/* Make staging/STAGE/layer-N and open it. */
static bool make_dir(LayerIngest *ingest, GError **error)
{
	int staging = store_stage_fd(ingest->stage);
	for (unsigned n = 0;; n++) {
		g_free(ingest->name);
		ingest->name = g_strdup_printf("layer-%u", n);
		if (mkdirat(staging, ingest->name, 0700) == 0)
			break;
		if (errno != EEXIST)
			return error_set_errno(error, "cannot stage a layer");
	}
	ingest->dir_fd = path_open_state(staging, ingest->name, O_RDONLY | O_DIRECTORY, 0);
	if (ingest->dir_fd < 0)
		return error_set_errno(error, "cannot stage a layer");
	ingest->path = g_build_filename(store_path(ingest->store), "staging",
					store_stage_name(ingest->stage), ingest->name, NULL);
	return true;
}

/* Keep what comes. It is only worth a later push: on a full disk it goes. */
static void keep_bytes(LayerIngest *ingest, const void *data, size_t size)
{
	if (ingest->kept_fd < 0 || fd_write_all(ingest->kept_fd, data, size))
		return;
	log_info("the compressed bytes are not kept: %s", g_strerror(errno));
	fd_close(&ingest->kept_fd);
	(void)unlinkat(ingest->dir_fd, LAYER_KEPT_NAME, 0);
}

/* It waits on the ring; our copies of its ends are closed, so that its death shows. */
static bool start_child(LayerIngest *ingest, GError **error)
{
	ingest->ring = tar_ring_new(error);
	if (!ingest->ring)
		return false;
	const char *args[] = {"unpack", ingest->parent ? "--parent" : NULL, NULL};
	const LayerChildOptions options = {
		.args = args,
		.dir_path = ingest->path,
		.dir_fd = ingest->dir_fd,
		.stdin_fd = tar_ring_go_fd(ingest->ring),
		.stdout_fd = tar_ring_ack_fd(ingest->ring),
		.extra_fd = tar_ring_memory_fd(ingest->ring),
	};
	ingest->child = layer_child_start(&options, error);
	tar_ring_close_theirs(ingest->ring);
	return ingest->child != NULL;
}

LayerIngest *layer_ingest_new(Store *store, StoreStage *stage, const LayerIngestOptions *options,
			      GError **error)
{
	if (options->media_type && !g_strv_contains(media_types, options->media_type))
		return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
				      "unknown layer media type '%s'", options->media_type);
	if ((options->expected_digest && !digest_check(options->expected_digest, error)) ||
	    (options->expected_diff_id && !digest_check(options->expected_diff_id, error)))
		return NULL;
	/* A child that refuses its input must not end us. */
	(void)signal(SIGPIPE, SIG_IGN);

	g_autoptr(LayerIngest) ingest = g_new0(LayerIngest, 1);
	ingest->store = store;
	ingest->stage = stage;
	ingest->dir_fd = ingest->kept_fd = -1;
	ingest->media_type = g_strdup(options->media_type);
	ingest->expected_digest = g_strdup(options->expected_digest);
	ingest->expected_diff_id = g_strdup(options->expected_diff_id);
	ingest->expected_size = options->expected_size;
	ingest->parent = g_strdup(options->parent_chain_id);
	ingest->diff_hash = hash_new(ingest->expected_diff_id);
	ingest->head = g_byte_array_new();
	if (!make_dir(ingest, error))
		return NULL;
	if (options->keep_blob)
		ingest->kept_fd =
			openat(ingest->dir_fd, LAYER_KEPT_NAME,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (!start_child(ingest, error))
		return NULL;
	ingest->lane = hash_lane_new();
	return g_steal_pointer(&ingest);
}

void layer_ingest_free(LayerIngest *ingest)
{
	if (!ingest)
		return;
	layer_child_free(ingest->child);
	hash_lane_free(ingest->lane);
	tar_ring_free(ingest->ring);
	fd_close(&ingest->dir_fd);
	fd_close(&ingest->kept_fd);
	hash_free(ingest->blob_hash);
	hash_free(ingest->diff_hash);
	inflate_free(ingest->inflate);
	g_byte_array_unref(ingest->head);
	g_free(ingest->name);
	g_free(ingest->path);
	g_free(ingest->media_type);
	g_free(ingest->expected_digest);
	g_free(ingest->expected_diff_id);
	g_free(ingest->parent);
	g_free(ingest);
}

const char *layer_ingest_name(const LayerIngest *ingest)
{
	return ingest->name;
}

/* The child closed its end: say what it said. */
static bool take_child_error(LayerIngest *ingest, GError **error)
{
	if (layer_child_wait(ingest->child, NULL, error))
		return error_set(error, ENGINE_ERROR_CORRUPT, "unpacking ended before its input");
	return false;
}

/* Room in the slot in hand, or in the next that is both unpacked and hashed. */
static void *slot_room(void *data, size_t *out_size, GError **error)
{
	LayerIngest *ingest = data;
	if (!ingest->slot) {
		ingest->slot = tar_ring_slot(ingest->ring, &ingest->slot_number);
		if (!ingest->slot)
			return (void)take_child_error(ingest, error), NULL;
		hash_lane_wait_for(ingest->lane, ingest->tickets[ingest->slot_number]);
		ingest->slot_used = 0;
	}
	*out_size = TAR_RING_SLOT - ingest->slot_used;
	return ingest->slot + ingest->slot_used;
}

/* Hand the slot to the hash and to the child. */
static bool send_slot(LayerIngest *ingest, GError **error)
{
	if (!ingest->slot || ingest->slot_used == 0)
		return true;
	ingest->tickets[ingest->slot_number] = hash_lane_push_static(
		ingest->lane, ingest->diff_hash, ingest->slot, ingest->slot_used);
	ingest->slot = NULL;
	return tar_ring_send(ingest->ring, ingest->slot_used) || take_child_error(ingest, error);
}

/* Leave room on the disk for everybody's small files; asked once per SPACE_STEP bytes. */
static bool check_space(LayerIngest *ingest, GError **error)
{
	struct statvfs fs;
	if (ingest->tar_size < ingest->space_checked + SPACE_STEP)
		return true;
	ingest->space_checked = ingest->tar_size;
	if (fstatvfs(ingest->dir_fd, &fs) < 0 || (uint64_t)fs.f_bavail * fs.f_frsize > SPACE_KEPT)
		return true;
	errno = ENOSPC;
	return error_set_errno(error, "the layer would fill the disk of '%s'",
			       store_path(ingest->store));
}

/* More of the tar lies in the slot. */
static bool slot_produced(void *data, size_t size, GError **error)
{
	LayerIngest *ingest = data;
	ingest->slot_used += size;
	ingest->tar_size += size;
	if (ingest->tar_size > LAYER_MAX_BYTES + (LAYER_MAX_BYTES >> 4))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the layer unpacks to more than 64 GiB");
	if (wall_stands("bomb-ratio") && ingest->tar_size > RATIO_FROM &&
	    ingest->tar_size / RATIO_MAX > ingest->blob_size)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the layer grows more than %d-fold: refused as a bomb", RATIO_MAX);
	return check_space(ingest, error) &&
	       (ingest->slot_used < TAR_RING_SLOT || send_slot(ingest, error));
}

/* Is the blob the tar, and do both digests, as far as they are known, mean the same algorithm? */
static bool blob_is_tar(const LayerIngest *ingest, InflateFormat format)
{
	const char *blob = ingest->expected_digest;
	const char *diff = ingest->expected_diff_id;
	bool both_same = g_str_has_prefix(blob ? blob : "sha256:", "sha256:") &&
			 g_str_has_prefix(diff ? diff : "sha256:", "sha256:");
	return format == INFLATE_NONE && both_same;
}

/* Choose the decompressor as soon as enough bytes are there. @last: there will be no more. */
static bool begin_inflate(LayerIngest *ingest, bool last, GError **error)
{
	if (ingest->inflate || (ingest->head->len < INFLATE_MAGIC && !last))
		return true;
	InflateFormat format = inflate_detect(ingest->head->data, ingest->head->len);
	const InflateOutput output = {
		.room = slot_room,
		.produced = slot_produced,
		.data = ingest,
	};
	ingest->inflate = inflate_new(format, &output);
	ingest->is_tar = blob_is_tar(ingest, format);
	if (!ingest->is_tar && ingest->expected_digest) {
		ingest->blob_hash = hash_new(ingest->expected_digest);
		hash_lane_push(ingest->lane, ingest->blob_hash, ingest->head->data,
			       ingest->head->len);
	}
	return inflate_push(ingest->inflate, ingest->head->data, ingest->head->len, error);
}

bool layer_ingest_push(LayerIngest *ingest, const void *data, size_t size, GError **error)
{
	ingest->blob_size += size;
	bool announced = ingest->expected_size >= 0 && wall_stands("blob-size");
	if (announced && ingest->blob_size > (uint64_t)ingest->expected_size)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "the blob is larger than the %" G_GINT64_FORMAT " bytes announced",
				 ingest->expected_size);
	keep_bytes(ingest, data, size);
	if (ingest->blob_hash)
		hash_lane_push(ingest->lane, ingest->blob_hash, data, size);
	if (ingest->inflate)
		return inflate_push(ingest->inflate, data, size, error);
	g_byte_array_append(ingest->head, data, (guint)size);
	return begin_inflate(ingest, false, error);
}

/* Everything the manifest and the config announced must be what came. */
static bool verify(LayerIngest *ingest, const char *blob_digest, const char *diff_id,
		   GError **error)
{
	if (ingest->expected_size >= 0 && ingest->blob_size != (uint64_t)ingest->expected_size)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "the blob has %" G_GUINT64_FORMAT
				 " bytes, not the %" G_GINT64_FORMAT " announced",
				 ingest->blob_size, ingest->expected_size);
	if (ingest->expected_digest && g_strcmp0(blob_digest, ingest->expected_digest) != 0 &&
	    wall_stands("blob-digest"))
		return error_set(error, ENGINE_ERROR_CORRUPT, "the blob's digest is %s, not %s",
				 blob_digest, ingest->expected_digest);
	if (ingest->expected_diff_id && strcmp(diff_id, ingest->expected_diff_id) != 0 &&
	    wall_stands("diff-ids"))
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "the layer's diff id is %s, not %s as the image config says",
				 diff_id, ingest->expected_diff_id);
	return true;
}

/* What an unpack leaves out is worth a word to those who look for it. */
static void log_report(const char *diff_id, const LayerReport *report)
{
	log_debug("layer %s: %" G_GUINT64_FORMAT " entries, %" G_GUINT64_FORMAT " bytes", diff_id,
		  report->entries, report->size);
	if (report->devices > 0)
		log_info("layer %s: %" G_GUINT64_FORMAT " device nodes left out", diff_id,
			 report->devices);
	if (report->xattrs > 0)
		log_info("layer %s: %" G_GUINT64_FORMAT " extended attributes left out", diff_id,
			 report->xattrs);
}

Layer *layer_ingest_finish(LayerIngest *ingest, GError **error)
{
	if (!begin_inflate(ingest, true, error) || !inflate_finish(ingest->inflate, error) ||
	    !send_slot(ingest, error))
		return NULL;
	hash_lane_wait(ingest->lane);
	g_autofree char *diff_id = hash_finish(ingest->diff_hash);
	g_autofree char *blob_digest = ingest->is_tar      ? g_strdup(diff_id)
				       : ingest->blob_hash ? hash_finish(ingest->blob_hash)
							   : NULL;
	if (!verify(ingest, blob_digest, diff_id, error))
		return NULL;
	tar_ring_end(ingest->ring);
	LayerReport report;
	if (!layer_child_wait(ingest->child, &report, error))
		return NULL;
	log_report(diff_id, &report);

	g_autoptr(Layer) layer = g_new0(Layer, 1);
	layer->chain_id = digest_chain_id(ingest->parent, diff_id);
	layer->diff_id = g_steal_pointer(&diff_id);
	layer->parent = g_strdup(ingest->parent);
	layer->size = report.size;
	layer->tar_size = ingest->tar_size;
	layer->blob_digest = g_steal_pointer(&blob_digest);
	layer->blob_size = ingest->blob_size;
	layer->media_type = g_strdup(ingest->media_type);
	ingest->deferred = report.deferred;
	if (!layer_record_write(ingest->dir_fd, layer, error))
		return NULL;
	return g_steal_pointer(&layer);
}

/* Absolute diff paths of @chain_id and all below it, top first. */
static char **lower_paths(Store *store, const char *chain_id, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *next = g_strdup(chain_id);
	while (next) {
		g_autoptr(Layer) layer = layer_resolve(store, next, error);
		if (!layer)
			return NULL;
		g_autofree char *relative = layer_diff_path(layer->chain_id);
		g_ptr_array_add(paths, g_build_filename(store_path(store), relative, NULL));
		g_free(next);
		next = g_strdup(layer->parent);
	}
	g_ptr_array_add(paths, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}

bool layer_ingest_needs_parent(const LayerIngest *ingest)
{
	return ingest->deferred > 0;
}

bool layer_ingest_complete(LayerIngest *ingest, Layer *layer, GError **error)
{
	if (ingest->deferred == 0)
		return true;
	g_auto(GStrv) lowers = lower_paths(ingest->store, ingest->parent, error);
	if (!lowers)
		return false;
	g_autoptr(GPtrArray) args = g_ptr_array_new();
	g_ptr_array_add(args, (char *)"complete");
	for (size_t i = 0; lowers[i]; i++)
		g_ptr_array_add(args, lowers[i]);
	g_ptr_array_add(args, NULL);
	const LayerChildOptions options = {
		.args = (const char *const *)args->pdata,
		.dir_path = ingest->path,
		.dir_fd = ingest->dir_fd,
	};
	LayerReport report;
	g_autoptr(LayerChild) child = layer_child_start(&options, error);
	if (!child || !layer_child_wait(child, &report, error))
		return false;
	ingest->deferred = 0;
	layer->size += report.size;
	return layer_record_write(ingest->dir_fd, layer, error);
}

bool layer_ingest_publish(LayerIngest *ingest, Layer *layer, GError **error)
{
	return layer_ingest_complete(ingest, layer, error) &&
	       layer_publish(ingest->store, ingest->stage, ingest->name, layer, error);
}
