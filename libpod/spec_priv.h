/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the spec share.
 */
#pragma once

#include "libpod/spec.h"
#include "storage/image.h"

/** spec_strv_append() - add a copy of @value to a vector that may be NULL. */
void spec_strv_append(char ***strv, const char *value);

/** spec_strv_take() - the same, taking @value. */
void spec_strv_take(char ***strv, char *value);

/** spec_device_list_new() - an empty list of SpecDevice. */
GPtrArray *spec_device_list_new(void);

/** spec_fail_errno() - SYSTEM (NOT_FOUND for ENOENT) "CALL PATH: no such file or directory", in
 * lower case as podman's. */
bool spec_fail_errno(GError **error, const char *call, const char *path);

/** spec_has_control() - control characters, DEL included, that would end a line or a field
 * somewhere. */
bool spec_has_control(const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpecMount, spec_mount_free)

/* Two words for the two sides of one choice, of which one may be said once. */
typedef enum {
	SPEC_MOUNT_CHOICE_WRITE,
	SPEC_MOUNT_CHOICE_EXEC,
	SPEC_MOUNT_CHOICE_DEV,
	SPEC_MOUNT_CHOICE_SUID,
	SPEC_MOUNT_CHOICE_RECURSION,
	SPEC_MOUNT_CHOICE_COPY,
	SPEC_MOUNT_CHOICE_CHOWN,
	SPEC_MOUNT_CHOICE_LABEL,
	SPEC_MOUNT_CHOICE_PROPAGATION,
	SPEC_MOUNT_CHOICE_COUNT, /* also: no such flag */
} SpecMountChoice;

/* How an error names the words of a choice. */
extern const char *const spec_mount_choice_words[SPEC_MOUNT_CHOICE_COUNT];

/** spec_mount_flag_lookup() - which choice a flag like "ro" belongs to; SPEC_MOUNT_CHOICE_COUNT if
 * none. */
SpecMountChoice spec_mount_flag_lookup(const char *word);

/** spec_mount_apply_flag() - store a flag that spec_mount_flag_lookup() knows. */
void spec_mount_apply_flag(SpecMount *mount, SpecMountChoice choice, const char *word);

/** spec_mount_set_destination() - an absolute path in the container, not its root. INVALID. */
bool spec_mount_set_destination(SpecMount *mount, const char *path, GError **error);

/** spec_mount_add_tmpfs_option() - size, mode, uid, gid, nr_inodes of a tmpfs. INVALID. */
bool spec_mount_add_tmpfs_option(SpecMount *mount, const char *key, const char *value,
				 GError **error);

/**
 * spec_resolve_image() - the part of spec_resolve() that needs only the image: names, labels,
 * arguments, environment, user, directory, stop signal, volumes, exposed ports
 * @image:	NULL with --rootfs
 */
bool spec_resolve_image(ContainerSpec *spec, const Image *image, GError **error);

/** spec_health_check() - are the --health-* options right, in themselves and together? INVALID. */
bool spec_health_check(const ContainerSpec *spec, GError **error);

/**
 * spec_health_resolve() - how the container is probed: as typed, else as the image says
 * @image:	docker's Healthcheck object, or NULL
 * @error:	INVALID, also for what only the image could have made right
 */
bool spec_health_resolve(ContainerSpec *spec, Json *image, GError **error);

/** spec_userns_resolve_names() - --subuidname and --subgidname to a map as --uidmap and --gidmap
 * would say it; one of them alone counts for both, as podman has it. NOT_FOUND, DENIED. */
bool spec_userns_resolve_names(ContainerSpec *spec, const IdMap *shared, GError **error);

/**
 * spec_userns_resolve() - the container's own id map from its --userns mode
 * @shared:	the user's shared map; NULL for real root
 * @problem:	why @shared is a single id, or NULL
 * @taken:	maps of the other containers with --userns=auto, GPtrArray of IdMap
 *
 * Not for SPEC_USERNS_CONTAINER and SPEC_USERNS_PATH, whose map is another's.
 */
bool spec_userns_resolve(ContainerSpec *spec, const IdMap *shared, const char *problem,
			 const GPtrArray *taken, GError **error);
