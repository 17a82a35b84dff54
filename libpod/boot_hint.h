/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host lacks for containers in the background to be there after a boot or a logout: the unit
 * that starts those with --restart always or unless-stopped, and lingering of the user. Each is
 * told once.
 */
#pragma once

#include "libpod/container.h"

/* Where to look; the host's own with boot_host_init(). */
typedef struct {
	const char *root;    /* below which /run, /etc and /var are read; "" */
	const char *runtime; /* $XDG_RUNTIME_DIR, NULL if it is not set */
	char *config;        /* of the user: ~/.config; NULL for root */
	char *user;          /* his name; NULL for root, and for who has none */
	char *unit;          /* as systemctl enable wants it: a name, or the file's path */
	uid_t uid;
} BootHost;

/** boot_host_init() - this host and user, and the unit of this installation. */
void boot_host_init(BootHost *host);
void boot_host_clear(BootHost *host);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BootHost, boot_host_clear)

/** boot_hint_restart() - how to have containers with a restart policy started at boot; NULL: they
 * are, or there is no systemd. g_free() it. */
char *boot_hint_restart(const BootHost *host);

/** boot_hint_linger() - how to have containers outlive a logout; NULL: they do. g_free() it. */
char *boot_hint_linger(const BootHost *host);

/**
 * boot_hints_take() - what is to be told to who has started @ctr in the background
 *
 * What is taken here is never given again for this store; a store that cannot be written to gives
 * nothing.
 * Return: lines; g_strfreev() them.
 */
char **boot_hints_take(Container *ctr);
