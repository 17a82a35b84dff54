/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's shared user namespace: found through a live holder or made under userns.lock; never
 * two.
 *
 * Holders are the monitors: exec'd inside it, so that a later command can join through them. For
 * real root every function here works without a user namespace.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/spawn.h"
#include "libpod/base/userns.h"
#include "libpod/engine.h"

/**
 * rootless_spawn() - exec one of our programs inside the shared namespaces, from a read-only clone
 * of its mount
 *
 * The program becomes a holder. Run, step 8. Return: pid or -1.
 */
pid_t rootless_spawn(Engine *engine, const Spawn *spawn, GError **error);

/** rootless_run() - run @fn in a short-lived child inside the shared map (joined or new) and wait.
 * Return: its code, -1 with @error. */
int rootless_run(Engine *engine, UserNsFn fn, void *data, GError **error);

/**
 * rootless_open_userns() - a new user namespace with the shared map, for who needs several children
 * in one: setting up each of their own costs two programs
 *
 * It lives as long as the descriptor. Return: descriptor; -1 with @error, or without one where no
 * user namespace is needed (real root).
 */
int rootless_open_userns(Engine *engine, GError **error);

/** rootless_enter_exec() - `skiff unshare`: become @argv inside the namespaces, with a mount
 * namespace of its own. Return: exit code or -1. */
int rootless_enter_exec(Engine *engine, const char *const *argv, GError **error);

/** rootless_empty_trash() - empty the store's trash inside the namespaces; no-op when it is empty.
 */
bool rootless_empty_trash(Engine *engine, GError **error);
