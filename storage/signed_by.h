/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requirement "signedBy" of policy.json: keys, an identity, and whether an image's signatures
 * meet them. Runs in skiff-fetch, before anything of the image is unpacked or recorded.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "storage/reference.h"
#include "storage/store.h"

typedef struct SignedBy SignedBy;

/** signed_by_parse() - of an element of policy.json; reads no key yet. INVALID. */
SignedBy *signed_by_parse(Json *json, GError **error);
void signed_by_free(SignedBy *need);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SignedBy, signed_by_free)

/* An image that asks to be let in. */
typedef struct {
	const Reference *reference;  /* normalised, as it was asked for; NULL: it has none */
	const char *digest;          /* of its manifest, computed here */
	const GPtrArray *signatures; /* of GBytes */
} SignedImage;

/**
 * signed_by_check() - does one of the image's signatures meet each requirement?
 * @needs:	of SignedBy; none: every image does
 * @stage:	where gpg's files are meanwhile
 * @error:	DENIED, "Source image rejected: ..."
 */
bool signed_by_check(const GPtrArray *needs, const SignedImage *image, Store *store,
		     StoreStage *stage, GError **error);
