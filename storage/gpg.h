/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed messages checked by GnuPG, run as a program with a home of its own. Runs in skiff-fetch.
 *
 * A keyring holds only the keys it was given. gpg sees neither the user's keyring, options and
 * agent nor the network, has bounded time, memory and output, and its words are read from the
 * machine-readable status alone: what we don't know by name refuses.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/store.h"

typedef struct GpgKeyring GpgKeyring;

/** gpg_keyring_new() - without keys. It lives in @stage and goes with it. NOT_FOUND: no gpg here.
 */
GpgKeyring *gpg_keyring_new(Store *store, StoreStage *stage, GError **error);
void gpg_keyring_free(GpgKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GpgKeyring, gpg_keyring_free)

/** gpg_keyring_add() - the public keys in @data, armored or not. INVALID if none is in it. */
bool gpg_keyring_add(GpgKeyring *keyring, GBytes *data, GError **error);

/**
 * gpg_verify() - what a signed message says
 * @error:	DENIED unless it is one message with exactly one signature, made over all of it, by
 * a key of @keyring, neither of them expired or revoked
 *
 * Return: its content, which is untrusted before this returns.
 */
GBytes *gpg_verify(const GpgKeyring *keyring, GBytes *message, GError **error);

/** gpg_status_judge() - the part of gpg_verify() that reads gpg's status. @is_trusted: is this
 * fingerprint of a primary key one of ours? DENIED. */
bool gpg_status_judge(const char *status, bool (*is_trusted)(const char *fingerprint, void *data),
		      void *data, GError **error);
