/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps: which host ids a user namespace's ids stand for, and the user's sub-ids.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
} IdRange;

typedef struct {
	GArray *uids; /* of IdRange */
	GArray *gids;
} IdMap;

/* An empty map; free with idmap_free(), which takes NULL; a deep copy. */
IdMap *idmap_new(void);
void idmap_free(IdMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IdMap, idmap_free)
IdMap *idmap_copy(const IdMap *map);

/** idmap_add() - append a range without checking it. */
void idmap_add(GArray *ranges, uint32_t inside, uint32_t outside, uint32_t count);

/**
 * idmap_parse_range() - "INSIDE:OUTSIDE:COUNT" of --uidmap/--gidmap, strict decimal, COUNT default
 * 1. INVALID.
 */
bool idmap_parse_range(const char *text, IdRange *out_range, GError **error);

/** idmap_check() - ranges do not overlap on either side, no overflow, <= 340 of them. INVALID. */
bool idmap_check(const GArray *ranges, GError **error);

/** idmap_translate() - inside id to outside id, and back. Return: false if it is not mapped. */
bool idmap_translate(const GArray *ranges, uint32_t inside, uint32_t *out_outside);
bool idmap_translate_back(const GArray *ranges, uint32_t outside, uint32_t *out_inside);

/** idmap_root() - the outside id of the container's root, or of its lowest id where it has no 0. */
uint32_t idmap_root(const GArray *ranges);

/** idmap_format() - "0:1000:1,1:100000:65536", sorted: the key of a map. g_free() it. */
char *idmap_format(const GArray *ranges);

/* What /etc/subuid or /etc/subgid says about one user. */
typedef struct {
	GArray *ranges;   /* of IdRange, inside unset */
	uint64_t highest; /* first id above everybody's ranges */
} SubIds;

/** idmap_parse_sub_ids() - read the text of such a file; lines that make no sense are skipped, as
 * shadow does. Pure. g_array_unref() the ranges. */
SubIds idmap_parse_sub_ids(const char *text, const char *name, uid_t uid);

/** idmap_named_sub_ids() - the ranges of a name in /etc/subuid or /etc/subgid; may be empty.
 * g_array_unref() them. */
GArray *idmap_named_sub_ids(const char *path, const char *name);

/**
 * idmap_add_sub_ids() - fill @map: 0 is @own, the sub-ids follow
 * @path:	where they are from, for messages
 * @error:	NOT_FOUND if they reach into somebody's real ids or overlap
 */
bool idmap_add_sub_ids(GArray *map, const GArray *sub_ids, uint32_t own, const char *path,
		       GError **error);

/**
 * idmap_for_user() - the default rootless map: 0 is the caller, 1.. are its sub-ids from
 * /etc/subuid and /etc/subgid
 *
 * Ranges that overlap the caller's id or each other or start below 65,536 are refused
 * (security 1.2). For uid 0 the map is the identity over all ids of our own namespace.
 *
 * Return: NULL with @error NOT_FOUND (no range or no newuidmap; the message has the
 * usermod line): the caller then uses idmap_single().
 */
IdMap *idmap_for_user(GError **error);

/**
 * idmap_user_name() - a user's name in /etc/passwd, else its number; g_free() it
 *
 * Not the C library's: that would load what nsswitch.conf names, which static programs must not.
 */
char *idmap_user_name(uid_t uid);

/** idmap_single() - only the caller, as 0. */
IdMap *idmap_single(void);

/** idmap_is_single() - a map of one id, for which setgroups is denied. */
bool idmap_is_single(const IdMap *map);

/**
 * idmap_write() - write the map of a child in a new user namespace
 *
 * Directly where we may (single id, or we are privileged over the parent namespace), else with
 * newuidmap and newgidmap, both running at once. The child must be blocked on a pipe until then.
 */
bool idmap_write(pid_t pid, const IdMap *map, GError **error);
