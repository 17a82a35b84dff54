/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet install from an address: skiff-fetch brings the file into a directory of ours, where it
 * is checked and installed as any other.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What has been fetched; goes with its directory. */
typedef struct {
	char *directory; /* NULL: nothing yet */
	GPtrArray *paths;
} InstallFetched;

void install_fetched_clear(InstallFetched *fetched);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InstallFetched, install_fetched_clear)

/** install_fetch_is_address() - is it one, and no path? */
bool install_fetch_is_address(const char *text);

/**
 * install_fetch() - get a file of at most a megabyte
 * @error:	INVALID, also for http:// to another machine, where anybody could change what comes;
 *		else as fetch_download()
 *
 * Return: its path, whose last part is the address's. g_free() it.
 */
char *install_fetch(InstallFetched *fetched, const char *url, GError **error);
