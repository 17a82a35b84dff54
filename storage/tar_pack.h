/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer back into a tar.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * tar_pack_journal() - write the exact tar a layer was unpacked from
 * @layer_fd:	its directory with diff/, journal and perhaps extra/
 * @error:	CORRUPT if the tree no longer has what the journal needs
 *
 * The caller checks the digest of what comes out. Run it where all ids of the tree are ours.
 */
bool tar_pack_journal(int layer_fd, int out_fd, GError **error);
