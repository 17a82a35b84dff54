/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A staged tree that did not come from a tar becomes a layer: its tar is made once, for its digest,
 * and the journal from which save and push make the same tar again.
 */
#pragma once

#include <stdbool.h>

#include "storage/layer.h"

/**
 * layer_seal() - make the journal of staging/STAGE/@name, which holds diff/, and its record
 * @userns_fd:	the user namespace in which its files have their owners; -1: a new one
 * @layer:	@parent is set; diff_id, chain_id and sizes are filled in
 */
bool layer_seal(Store *store, StoreStage *stage, const char *name, int userns_fd, Layer *layer,
		GError **error);
