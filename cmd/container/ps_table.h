/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that ps prints: fields of {{.Field}}, columns, JSON.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cmd/output.h"
#include "libpod/container.h"

/* cgroup, ipc, mnt, net, pid, user, uts */
#define PS_NAMESPACES 7

typedef struct {
	const ContainerSummary *summary;
	const GPtrArray *ports; /* of PortMapping: its own or its pod's; borrowed */
	int64_t now;            /* ns */
	bool no_trunc;
	bool has_size;
	int64_t rw_size, rootfs_size; /* bytes: of its own layer, of its image's */
	bool wants_namespaces;
	char *namespaces[PS_NAMESPACES]; /* NULL: it does not run */
} PsRow;

/** ps_row_free() - a row from the heap. */
void ps_row_free(void *row);

/** ps_row_read_namespaces() - which namespaces its first process is in. */
void ps_row_read_namespaces(PsRow *row);

/** ps_table_columns() - the columns of ps, with --size, --namespace or --pod. g_free() it. */
char *ps_table_columns(bool size, bool namespaces, bool pod);

/** ps_table - prints PsRow. */
extern const OutputTable ps_table;

/* The fields, for the man page. */
#define PS_TABLE_MAN                                                                               \
	"# FIELDS\n\n"                                                                             \
	"Templates of *--format* may use: *.AutoRemove*, *.Command*, *.Created*, *.CreatedAt*, "   \
	"*.CreatedHuman*, *.ExitCode*, *.Exited*, *.ExitedAt*, *.ID*, *.Image*, *.ImageID*, "      \
	"*.Labels*, *.Mounts*, *.Names*, *.Networks*, *.Pid*, *.Pod*, *.PodName*, *.Ports*, "      \
	"*.Restarts*, "                                                                            \
	"*.RunningFor*, *.Size* (with *--size*), *.StartedAt*, *.State*, *.Status*, and *.Label "  \
	"\"KEY\"*. Unknown exit "                                                                  \
	"codes (of containers whose monitor was killed) are 255.\n"
