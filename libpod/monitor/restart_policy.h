/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a container is started again, and after how long. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libpod/monitor/monitor.h"

typedef struct {
	RestartKind kind;
	int retries;  /* on-failure: most restarts; 0 = no limit */
	int restarts; /* so far */
	bool stopped_by_user;
} RestartPolicy;

/** restart_policy_wants() - start again after an exit with @code? */
bool restart_policy_wants(const RestartPolicy *policy, int code);

/**
 * restart_policy_delay() - milliseconds to wait before the next start
 * @previous_ms:	what it was the last time; 0 = first
 * @ran_ms:	how long the container ran
 *
 * 100 ms, doubling up to a minute; ten seconds of running make it 100 ms again.
 */
int restart_policy_delay(int previous_ms, int64_t ran_ms);
