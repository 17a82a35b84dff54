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
	int retries;   /* most attempts; 0 = no limit */
	int delay_ms;  /* before each; 0 = the back-off's */
	int window_ms; /* who ran this long succeeded; 0 = nobody did */
	int attempts;  /* restarts since the last success */
	bool stopped_by_user;
} RestartPolicy;

/** restart_policy_attempts() - how many count after a run of @ran_ms. */
int restart_policy_attempts(const RestartPolicy *policy, int64_t ran_ms);

/** restart_policy_wants() - start again after an exit with @code? */
bool restart_policy_wants(const RestartPolicy *policy, int code);

/**
 * restart_policy_delay() - milliseconds to wait before the next start
 * @previous_ms:	what it was the last time; 0 = first
 * @ran_ms:	how long the container ran
 *
 * The policy's own; else the back-off: 100 ms, doubling up to a minute; ten seconds of running make
 * it 100 ms again.
 */
int restart_policy_delay(const RestartPolicy *policy, int previous_ms, int64_t ran_ms);
