/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of restarting.
 */
#include "libpod/monitor/restart_policy.h"

#include <glib.h>

#define DELAY_FIRST_MS 100
#define DELAY_MOST_MS  60000
#define STEADY_MS      10000 /* who ran this long did not fail at once */

int restart_policy_attempts(const RestartPolicy *policy, int64_t ran_ms)
{
	return policy->window_ms > 0 && ran_ms >= policy->window_ms ? 0 : policy->attempts;
}

bool restart_policy_wants(const RestartPolicy *policy, int code)
{
	if (policy->stopped_by_user || (policy->retries > 0 && policy->attempts >= policy->retries))
		return false;
	switch (policy->kind) {
	case RESTART_NO:
		return false;
	case RESTART_ON_FAILURE:
		return code != 0;
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		return true;
	}
	return false;
}

int restart_policy_delay(const RestartPolicy *policy, int previous_ms, int64_t ran_ms)
{
	if (policy->delay_ms > 0)
		return policy->delay_ms;
	if (previous_ms <= 0 || ran_ms >= STEADY_MS)
		return DELAY_FIRST_MS;
	return MIN(previous_ms, DELAY_MOST_MS / 2) * 2;
}
