/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references: [registry[:port]/]repository[:tag][@digest], as the distribution project
 * defines them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *registry;   /* "docker.io", "localhost:5000"; NULL for a short name */
	char *repository; /* "library/alpine" */
	char *tag;        /* NULL if none was written */
	char *digest;     /* NULL if none was written */
} Reference;

/** reference_parse() - parse without guessing: a short name keeps registry NULL. INVALID with
 * podman's wording. */
Reference *reference_parse(const char *text, GError **error);

/** reference_normalize() - docker rules: no registry = docker.io, one component = library/, no tag
 * nor digest = latest. */
Reference *reference_normalize(const Reference *reference);

void reference_free(Reference *reference);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reference, reference_free)

/** reference_format() - "registry/repository:tag@digest" with what is set. g_free() it. */
char *reference_format(const Reference *reference);

/**
 * reference_new_name() - the name a user gives an image of ours: localhost/ without a registry,
 * latest without a tag
 * @error:	INVALID, also for a digest
 * Return: g_free() it.
 */
char *reference_new_name(const char *text, GError **error);

/** reference_is_short() - no registry was written. */
bool reference_is_short(const Reference *reference);
