/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probes of a run amount to: starting, healthy or unhealthy. Pure.
 *
 * In the start period failures do not count, successes do. A start-up probe comes before the
 * regular one: until it has passed the container is starting, and one that fails too often is
 * restarted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libpod/monitor/health_config.h"

typedef enum {
	HEALTH_STARTING,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
} HealthStatus;

typedef struct {
	HealthStatus status;
	int streak; /* failures in a row that count */
	bool startup_passed;
	int startup_successes, startup_failures;
} HealthState;

/* What is to be done after a probe. */
typedef enum {
	HEALTH_STEP_NONE,
	HEALTH_STEP_ACT,     /* unhealthy: what --health-on-failure says */
	HEALTH_STEP_RESTART, /* it did not start up */
} HealthStep;

/** health_status_name() - "starting" "healthy" "unhealthy". */
const char *health_status_name(HealthStatus status);

/** health_state_reset() - a run begins. */
void health_state_reset(HealthState *state, const HealthConfig *config);

/** health_state_probe() - the probe that is due next. */
const HealthProbe *health_state_probe(const HealthState *state, const HealthConfig *config);

/**
 * health_state_delay() - nanoseconds to wait before the next probe; -1: none comes by itself
 * @age:	ns since the start of the run
 */
int64_t health_state_delay(const HealthState *state, const HealthConfig *config, int64_t age);

/**
 * health_state_note() - a probe has ended
 * @age:	of the run when the probe began, ns
 */
HealthStep health_state_note(HealthState *state, const HealthConfig *config, bool success,
			     int64_t age);
