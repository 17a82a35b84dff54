/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the mount verbs put things: mounts/NS-KEY in the runtime directory.
 *
 * A mount lives in the mount namespace of the command's caller, which is why a user must be inside
 * `unshare`, and goes with it. Its directory belongs to that one namespace (NS is its inode):
 * removing a directory detaches what is mounted on it in every other namespace.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/engine.h"

/** mount_place_check() - may this command mount? INVALID in podman's words for a user outside
 * `unshare`; @verb is "mount", "image mount" ... */
bool mount_place_check(const char *verb, GError **error);

/** mount_place_path() - where @key is mounted in this mount namespace; NULL if it is not. g_free()
 * it. */
char *mount_place_path(Engine *engine, const char *key);

/**
 * mount_place_attach() - mount the detached @mount_fd as @key, in this mount namespace
 * Return: where; g_free() it. NULL with @error.
 */
char *mount_place_attach(Engine *engine, const char *key, int mount_fd, GError **error);

/** mount_place_detach() - undo it; nothing mounted is no error. */
bool mount_place_detach(Engine *engine, const char *key, GError **error);

/** mount_place_is_used() - is @key mounted in any mount namespace that is alive? */
bool mount_place_is_used(Engine *engine, const char *key);

/** mount_place_forget() - what was @key goes: detach it here and in every other mount namespace. */
void mount_place_forget(Engine *engine, const char *key);
