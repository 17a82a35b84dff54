/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pull shows on stderr: one line per layer when it is done, or on a terminal a bar per layer
 * that is drawn again at most ten times a second.
 */
#pragma once

#include "storage/pull.h"

typedef struct PullProgress PullProgress;

/** pull_progress_new() - for stderr. @quiet: errors and warnings only. */
PullProgress *pull_progress_new(bool quiet);
void pull_progress_free(PullProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PullProgress, pull_progress_free)

/** pull_progress_ui() - the callbacks for PullOptions; borrowed from @progress. */
PullUi pull_progress_ui(PullProgress *progress);

/** pull_progress_notice() - a line about an attempt (RegistryOptions.notice). @data is a
 * PullProgress. */
void pull_progress_notice(const char *text, void *data);

/** pull_progress_summary() - the last line. */
void pull_progress_summary(PullProgress *progress, const PullResult *result);
