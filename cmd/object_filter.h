/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter KEY=VALUE of lists whose objects are looked at one by one: volumes, networks.
 */
#pragma once

#include "libpod/engine.h"

typedef struct {
	const char *const *keys; /* that exist; NULL-terminated */
	const char *unknown;     /* podman's words around another one: before and after it */
	const char *unknown_tail;
	/* Does @object match one KEY=VALUE? */
	bool (*matches)(Engine *engine, const void *object, const char *key, const char *value,
			bool *out, GError **error);
} ObjectFilter;

/**
 * object_filter_apply() - take out of @objects what does not match all keys of @texts
 * @objects:	GPtrArray with a free function
 * @texts:	"KEY=VALUE" each, may be NULL. Values of one key are alternatives, but all labels
 * count.
 * @error:	INVALID for an unknown key, with a suggestion, or a value that makes no sense
 */
bool object_filter_apply(const ObjectFilter *filter, Engine *engine, GPtrArray *objects,
			 const GPtrArray *texts, GError **error);
