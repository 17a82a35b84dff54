/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing manifest lists, for rmi and manifest rm.
 */
#pragma once

#include <stdbool.h>

#include "libpod/engine.h"
#include "storage/image_index.h"

/**
 * index_untag_or_remove() - take the name that @text is from a list that has others, else the list
 * @force:	an id may stand for a list with several names
 *
 * Prints what podman prints. The trash is emptied by the caller. @error: IN_USE for an id of
 * several names
 */
bool index_untag_or_remove(Engine *engine, const ImageIndex *index, const char *text, bool force,
			   GError **error);
