/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.d: where the signatures of images are (containers-registries.d(5)). The *.yaml of
 * ~/.config/containers/registries.d if it is there, else of /etc/containers/registries.d.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/reference.h"

typedef struct RegistriesD RegistriesD;

/** registries_d_new() - without files: the default place for all. */
RegistriesD *registries_d_new(void);
void registries_d_free(RegistriesD *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistriesD, registries_d_free)

/** registries_d_add() - one file's text. INVALID, also for what two files say. */
bool registries_d_add(RegistriesD *conf, const char *name, const char *text, GError **error);

/** registries_d_load() - all files. */
RegistriesD *registries_d_load(GError **error);

/**
 * registries_d_lookaside() - the URL below which a normalised reference's signatures are
 *
 * The most specific scope that names one wins, then default-docker, then the directory that others
 * use: /var/lib/containers/sigstore, ~/.local/share/containers/sigstore. Return: g_free() it.
 */
char *registries_d_lookaside(const RegistriesD *conf, const Reference *reference);
