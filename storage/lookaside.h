/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures beside an image: URL/REPOSITORY@ALGORITHM=HEX/signature-N, from 1 on until one is
 * missing (containers-signature(5)). Runs in skiff-fetch.
 */
#pragma once

#include <glib.h>

#include "storage/http.h"
#include "storage/reference.h"

/**
 * lookaside_fetch() - the signatures of one manifest; nothing about them is checked yet
 * @place:	where the image comes from: a mirror has its own
 * @digest:	of the manifest
 * @error:	INVALID if they are larger or more than signature.h allows
 *
 * Return: GPtrArray of GBytes, perhaps empty.
 */
GPtrArray *lookaside_fetch(HttpClient *http, const Reference *place, const char *digest,
			   GError **error);

/** lookaside_url() - "BASE/REPOSITORY@ALGORITHM=HEX/signature-N". g_free() it. */
char *lookaside_url(const char *base, const Reference *place, const char *digest, unsigned n);
