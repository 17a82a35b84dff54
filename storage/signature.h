/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simple signing (containers-signature(5)): what a signature claims, and whose image that is.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "storage/reference.h"

#define SIGNATURE_MAX_SIZE  (1u << 20)
#define SIGNATURE_MAX_COUNT 128
#define SIGNATURES_MAX_SIZE (4u << 20) /* all of one image together */

/* The claim inside a signature. Only as good as the signature over it. */
typedef struct {
	char *digest;    /* of the image's manifest */
	char *reference; /* as it was written */
} SignatureClaim;

/** signature_claim_parse() - exactly the documented fields, each once. INVALID. */
SignatureClaim *signature_claim_parse(const char *text, size_t size, GError **error);
void signature_claim_free(SignatureClaim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SignatureClaim, signature_claim_free)

/** signature_is_simple() - do the bytes begin as such a signature does (a binary OpenPGP packet)?
 */
bool signature_is_simple(GBytes *signature);

typedef enum {
	IDENTITY_EXACT,
	IDENTITY_REPO_DIGEST_OR_EXACT, /* the default */
	IDENTITY_REPOSITORY,
	IDENTITY_EXACT_REFERENCE,
	IDENTITY_EXACT_REPOSITORY,
	IDENTITY_REMAP,
} IdentityKind;

/* "signedIdentity" of a requirement: which references a signature may be for. */
typedef struct {
	IdentityKind kind;
	char *name;     /* exactReference, exactRepository; prefix of remapIdentity */
	char *replaced; /* signedPrefix of remapIdentity */
} SignedIdentity;

/** signed_identity_parse() - @json NULL: the default. INVALID. */
bool signed_identity_parse(Json *json, SignedIdentity *out, GError **error);
void signed_identity_clear(SignedIdentity *identity);

/**
 * signed_identity_matches() - may a signature for @signed_reference stand for this image?
 * @image:	normalised; NULL: the image comes from a place without references
 */
bool signed_identity_matches(const SignedIdentity *identity, const Reference *image,
			     const char *signed_reference);
