/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/health_state.h"

const char *health_status_name(HealthStatus status)
{
	static const char *const names[] = {
		[HEALTH_STARTING] = "starting",
		[HEALTH_HEALTHY] = "healthy",
		[HEALTH_UNHEALTHY] = "unhealthy",
	};
	return names[status];
}

void health_state_reset(HealthState *state, const HealthConfig *config)
{
	*state = (HealthState){.startup_passed = !config->startup.test};
}

const HealthProbe *health_state_probe(const HealthState *state, const HealthConfig *config)
{
	return state->startup_passed ? &config->regular : &config->startup;
}

int64_t health_state_delay(const HealthState *state, const HealthConfig *config, int64_t age)
{
	int64_t interval = health_state_probe(state, config)->interval;
	if (interval <= 0)
		return -1;
	/* Who waits for "healthy" shall not wait for a whole interval more than needed. */
	if (state->startup_passed && state->status == HEALTH_STARTING &&
	    age < config->start_period && config->start_interval > 0)
		return MIN(interval, config->start_interval);
	return interval;
}

/* A start-up probe has ended. */
static HealthStep note_startup(HealthState *state, const HealthConfig *config, bool success)
{
	if (success) {
		state->startup_passed = ++state->startup_successes >= config->startup_successes;
		if (state->startup_passed)
			state->status = HEALTH_HEALTHY;
		return HEALTH_STEP_NONE;
	}
	state->startup_failures++;
	return config->startup.retries > 0 && state->startup_failures >= config->startup.retries
		       ? HEALTH_STEP_RESTART
		       : HEALTH_STEP_NONE;
}

HealthStep health_state_note(HealthState *state, const HealthConfig *config, bool success,
			     int64_t age)
{
	if (!state->startup_passed)
		return note_startup(state, config, success);
	if (success) {
		state->status = HEALTH_HEALTHY;
		state->streak = 0;
		return HEALTH_STEP_NONE;
	}
	if (age >= config->start_period && state->streak < G_MAXINT32)
		state->streak++;
	if (state->streak >= MAX(config->regular.retries, 1))
		state->status = HEALTH_UNHEALTHY;
	return state->status == HEALTH_UNHEALTHY ? HEALTH_STEP_ACT : HEALTH_STEP_NONE;
}
