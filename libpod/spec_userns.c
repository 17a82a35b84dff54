/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id map of a container with a user namespace of its own, below the user's shared one.
 *
 * The shared namespace has the ids 0 (the caller), 1, 2, ... (its sub-ids). Outside ids here are
 * ids of that namespace. Sub-ids up to 65,536 are what containers without an own map use;
 * --userns=auto hands out what lies above, in slots that begin at multiples of SLOT_ALIGN, so that
 * no two containers share an id.
 */
#include <pwd.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/spec_priv.h"

#define SHARED_IDS 65537 /* the caller and the first 65,536 sub-ids */
#define SLOT_SIZE  65536
#define SLOT_ALIGN 1024

/* How many ids a map covers; they are contiguous from 0. */
static uint32_t count_ids(const GArray *ranges)
{
	uint64_t total = 0;
	for (guint i = 0; i < ranges->len; i++)
		total += g_array_index(ranges, IdRange, i).count;
	return (uint32_t)MIN(total, G_MAXUINT32);
}

static void add_range(GArray *ranges, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (count > 0)
		idmap_add(ranges, inside, outside, count);
}

/*
 * @target is the caller, all other ids are sub-ids in order: those below it move up by one place.
 * @limit caps the ids that are used.
 */
static void build_keep_id(GArray *ranges, uint32_t target, uint32_t total, uint32_t limit)
{
	uint32_t n = limit > 0 ? MIN(limit, total) : total;
	uint32_t before = MIN(target, n - 1);
	add_range(ranges, 0, 1, before);
	add_range(ranges, target, 0, 1);
	if (target < n - 1)
		add_range(ranges, target + 1, target + 1, n - target - 1);
}

static bool refuse_root(const char *mode, GError **error)
{
	return error_set(error, ENGINE_ERROR_INVALID, "%s is only supported in rootless mode",
			 mode);
}

/* The caller keeps its own id inside. */
static bool resolve_keep_id(ContainerSpec *spec, const IdMap *shared, GError **error)
{
	if (!shared)
		return refuse_root("keep-id", error);
	uint32_t uid = spec->keep_id_uid, gid = spec->keep_id_gid;
	if ((!spec->keep_id_uid_set && !idmap_translate(shared->uids, 0, &uid)) ||
	    (!spec->keep_id_gid_set && !idmap_translate(shared->gids, 0, &gid)))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "keep-id: our own id is not mapped");
	spec->id_map = idmap_new();
	build_keep_id(spec->id_map->uids, uid, count_ids(shared->uids), spec->userns_size);
	build_keep_id(spec->id_map->gids, gid, count_ids(shared->gids), spec->userns_size);
	if (!spec->user)
		spec->user = g_strdup_printf("%u:%u", uid, gid);
	return true;
}

/* The reason there are no sub-ids, with its help lines. */
static bool refuse_single(const char *mode, const char *problem, GError **error)
{
	return error_set(error, ENGINE_ERROR_UNSUPPORTED, "--userns=%s needs sub-ids: %s", mode,
			 problem ? problem : "there are none");
}

static bool resolve_nomap(ContainerSpec *spec, const IdMap *shared, const char *problem,
			  GError **error)
{
	if (!shared)
		return refuse_root("nomap", error);
	if (idmap_is_single(shared))
		return refuse_single("nomap", problem, error);
	spec->id_map = idmap_new();
	idmap_add(spec->id_map->uids, 0, 1, count_ids(shared->uids) - 1);
	idmap_add(spec->id_map->gids, 0, 1, count_ids(shared->gids) - 1);
	return true;
}

/* Does [start, start + size) touch a range of a map that is in use? *out_next is then the end of
 * that one. */
static bool is_taken(const GPtrArray *taken, uint64_t start, uint64_t size, uint64_t *out_next)
{
	for (guint i = 0; taken && i < taken->len; i++) {
		const IdMap *map = taken->pdata[i];
		const GArray *const lists[] = {map->uids, map->gids};
		for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
			for (guint r = 0; r < lists[l]->len; r++) {
				const IdRange *range = &g_array_index(lists[l], IdRange, r);
				uint64_t end = (uint64_t)range->outside + range->count;
				if (start < end && range->outside < start + size) {
					*out_next = end;
					return true;
				}
			}
		}
	}
	return false;
}

/* The usermod line that gives @size more ids, behind the highest that the user has. */
static void add_usermod_help(const IdMap *shared, uint64_t size, GError **error)
{
	uint64_t start = 0;
	const GArray *const lists[] = {shared->uids, shared->gids};
	for (size_t l = 0; l < G_N_ELEMENTS(lists); l++)
		for (guint i = 0; i < lists[l]->len; i++) {
			const IdRange *range = &g_array_index(lists[l], IdRange, i);
			start = MAX(start, (uint64_t)range->outside + range->count);
		}
	g_autofree char *name = idmap_user_name(getuid());
	error_add_help(error,
		       "sudo usermod --add-subuids %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
		       " --add-subgids %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
		       " %s (if nobody else has them)",
		       start, start + size - 1, start, start + size - 1, name);
}

/* The lowest aligned slot above the shared ids that no container has. */
static bool resolve_auto(ContainerSpec *spec, const IdMap *shared, const char *problem,
			 const GPtrArray *taken, GError **error)
{
	if (!shared)
		return error_set(
			error, ENGINE_ERROR_UNSUPPORTED,
			"--userns=auto is not supported for root: use --uidmap and --gidmap");
	if (idmap_is_single(shared))
		return refuse_single("auto", problem, error);

	uint64_t total = MIN(count_ids(shared->uids), count_ids(shared->gids));
	uint64_t size = spec->userns_size > 0 ? spec->userns_size : SLOT_SIZE;
	uint64_t start = SHARED_IDS, next = 0;
	while (start + size <= total && is_taken(taken, start, size, &next)) {
		uint64_t used = next - SHARED_IDS;
		start = SHARED_IDS + (used + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
	}
	if (start + size > total) {
		error_set(error, ENGINE_ERROR_UNSUPPORTED,
			  "--userns=auto needs %" G_GUINT64_FORMAT
			  " free sub-ids above the first 65,536, there are %" G_GUINT64_FORMAT,
			  size, total > start ? total - start : 0);
		add_usermod_help(shared, size, error);
		return false;
	}
	spec->id_map = idmap_new();
	idmap_add(spec->id_map->uids, 0, (uint32_t)start, (uint32_t)size);
	idmap_add(spec->id_map->gids, 0, (uint32_t)start, (uint32_t)size);
	return true;
}

static bool check_within(const GArray *ranges, uint32_t total, GError **error)
{
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		if ((uint64_t)range->outside + range->count <= total)
			continue;
		error_set(error, ENGINE_ERROR_INVALID,
			  "id map '%u:%u:%u': there are only %u ids: 0 is the caller, 1 the first "
			  "sub-id",
			  range->inside, range->outside, range->count, total);
		return false;
	}
	return true;
}

static void copy_ranges(GArray *to, const GArray *from)
{
	if (to->len == 0)
		g_array_append_vals(to, from->data, from->len);
}

/* --uidmap and --gidmap; one of them alone counts for both, as podman has it. */
static bool resolve_maps(ContainerSpec *spec, const IdMap *shared, GError **error)
{
	copy_ranges(spec->id_map->gids, spec->id_map->uids);
	copy_ranges(spec->id_map->uids, spec->id_map->gids);
	spec->userns = SPEC_USERNS_MAPS;
	if (!idmap_check(spec->id_map->uids, error) || !idmap_check(spec->id_map->gids, error))
		return false;
	return !shared || (check_within(spec->id_map->uids, count_ids(shared->uids), error) &&
			   check_within(spec->id_map->gids, count_ids(shared->gids), error));
}

/* The first inside id of a range of the host's ids; false if they are not all mapped, in a row. */
static bool find_inside(const GArray *shared, const IdRange *range, uint32_t *out_first)
{
	uint32_t last = 0;
	return idmap_translate_back(shared, range->outside, out_first) &&
	       idmap_translate_back(shared, range->outside + range->count - 1, &last) &&
	       last - *out_first == range->count - 1;
}

/* The ids that @path gives @name, as those of the container from 0 on. */
static bool add_named(GArray *map, const GArray *shared, const char *path, const char *name,
		      GError **error)
{
	g_autoptr(GArray) ranges = idmap_named_sub_ids(path, name);
	uint32_t next = 0;
	if (ranges->len == 0)
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "no ranges found for user \"%s\" in %s", name, path);
	for (guint i = 0; i < ranges->len; i++) {
		const IdRange *range = &g_array_index(ranges, IdRange, i);
		uint32_t first = range->outside;
		if (shared && !find_inside(shared, range, &first))
			return error_set(error, ENGINE_ERROR_DENIED,
					 "the ids %u:%u of \"%s\" in %s are none of ours",
					 range->outside, range->count, name, path);
		idmap_add(map, next, first, range->count);
		next += range->count;
	}
	return true;
}

bool spec_userns_resolve_names(ContainerSpec *spec, const IdMap *shared, GError **error)
{
	if (!spec->sub_uid_name && !spec->sub_gid_name)
		return true;
	const char *uids = spec->sub_uid_name ? spec->sub_uid_name : spec->sub_gid_name;
	const char *gids = spec->sub_gid_name ? spec->sub_gid_name : spec->sub_uid_name;
	if (spec->id_map)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--uidmap/--gidmap and --subuidname/--subgidname exclude each "
				 "other");
	spec->id_map = idmap_new();
	return add_named(spec->id_map->uids, shared ? shared->uids : NULL, "/etc/subuid", uids,
			 error) &&
	       add_named(spec->id_map->gids, shared ? shared->gids : NULL, "/etc/subgid", gids,
			 error);
}

bool spec_userns_resolve(ContainerSpec *spec, const IdMap *shared, const char *problem,
			 const GPtrArray *taken, GError **error)
{
	if (spec->id_map)
		return resolve_maps(spec, shared, error);
	switch (spec->userns) {
	case SPEC_USERNS_KEEP_ID:
		return resolve_keep_id(spec, shared, error);
	case SPEC_USERNS_NOMAP:
		return resolve_nomap(spec, shared, problem, error);
	case SPEC_USERNS_AUTO:
		return resolve_auto(spec, shared, problem, taken, error);
	case SPEC_USERNS_HOST:
	case SPEC_USERNS_MAPS:
	case SPEC_USERNS_CONTAINER:
	case SPEC_USERNS_PATH:
		break;
	}
	return true;
}
