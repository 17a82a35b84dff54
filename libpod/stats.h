/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses: from the files of its cgroup, and where it has none, or a controller is
 * not there, summed up over its processes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/container.h"

typedef struct {
	int64_t now;     /* ns since 1970, of this look */
	int64_t cpu;     /* ns, used since the start */
	double percent;  /* of one CPU, since the look before, or since the start */
	double average;  /* since the start */
	uint64_t memory; /* bytes */
	uint64_t memory_limit;
	uint64_t net_in, net_out;     /* bytes; 0 in the network of the host or of another */
	uint64_t block_in, block_out; /* bytes */
	uint64_t pids;
	bool in_cgroup; /* false: summed up over processes */
} ContainerStats;

/**
 * stats_read() - look at a container
 * @before:	the look before at the same one; NULL: none
 *
 * Of one that does not run everything is 0.
 */
void stats_read(Container *ctr, const ContainerStats *before, ContainerStats *out);
