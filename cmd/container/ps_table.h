/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that ps prints: fields of {{.Field}}, columns, JSON.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cmd/output.h"
#include "libpod/container.h"

typedef struct {
	const ContainerSummary *summary;
	int64_t now; /* ns */
	bool no_trunc;
} PsRow;

/** ps_table - prints PsRow. */
extern const OutputTable ps_table;

/* The fields, for the man page. */
#define PS_TABLE_MAN                                                                               \
	"# FIELDS\n\n"                                                                             \
	"Templates of *--format* may use: *.AutoRemove*, *.Command*, *.Created*, *.CreatedAt*, "   \
	"*.CreatedHuman*, *.ExitCode*, *.Exited*, *.ExitedAt*, *.ID*, *.Image*, *.ImageID*, "      \
	"*.Labels*, *.Mounts*, *.Names*, *.Networks*, *.Pid*, *.Ports*, *.Restarts*, "             \
	"*.RunningFor*, *.StartedAt*, *.State*, *.Status*, and *.Label \"KEY\"*. Unknown exit "    \
	"codes (of containers whose monitor was killed) are 255.\n"
