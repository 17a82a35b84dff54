/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push to what is no registry: oci:DIR[:NAME], oci-archive:FILE[:NAME], dir:DIR,
 * docker-archive:FILE[:IMAGE]. Runs in skiff-fetch; storage/save.h does the writing.
 */
#pragma once

#include "storage/push.h"
#include "storage/save.h"

/** push_is_to_file() - does a destination name one of these? NULL does not. */
bool push_is_to_file(const char *destination);

/**
 * image_push_file() - write one image there
 * @destination: its path ends at the first colon; relative to the working directory
 * @error: NOT_FOUND (no such image), INVALID (the name, the format for this destination),
 * UNSUPPORTED (a docker-archive that exists)
 * Return: with a NULL digest for a docker-archive, which has no manifest.
 */
PushResult *image_push_file(Store *store, const char *name, const char *destination,
			    const PushOptions *options, GError **error);

/**
 * push_file_check_index() - can a list be written there?
 * @error: as image_push_file(); UNSUPPORTED in podman's words for a docker-archive
 */
bool push_file_check_index(const char *destination, const PushOptions *options, GError **error);

/** push_file_index() - write a list there, after that check. */
PushResult *push_file_index(Store *store, const SaveIndex *index, const char *destination,
			    const PushOptions *options, GError **error);
