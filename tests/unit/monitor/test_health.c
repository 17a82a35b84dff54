/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health: the record of how it is probed, and what probes amount to.
 */
#include <glib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/monitor/health_state.h"

#define SECOND G_GINT64_CONSTANT(1000000000)

static HealthConfig *make_config(bool startup)
{
	HealthConfig *config = health_config_new();
	config->regular.test = g_strsplit("CMD-SHELL true", " ", -1);
	config->regular.retries = 2;
	if (startup)
		config->startup.test = g_strsplit("CMD a b", " ", -1);
	return config;
}

static void config_round_trip(void)
{
	g_autoptr(HealthConfig) config = make_config(true);
	g_autoptr(GError) error = NULL;
	config->startup_successes = 3;
	config->start_period = 5;
	config->on_failure = HEALTH_ON_FAILURE_RESTART;
	config->log_destination = g_strdup("/var/log");
	config->log_count = 0;
	g_autoptr(Json) json = health_config_to_json(config);
	g_autoptr(HealthConfig) back = health_config_from_json(json, &error);
	g_assert_no_error(error);
	g_autoptr(Json) again = health_config_to_json(back);
	g_assert_cmpstr(js_text(json), ==, js_text(again));
	g_assert_cmpint(back->on_failure, ==, HEALTH_ON_FAILURE_RESTART);
	g_assert_cmpint(back->startup_successes, ==, 3);
	g_assert_cmpstr(back->startup.test[2], ==, "b");
}

static void config_refuses(void)
{
	static const char *const texts[] = {
		"{\"regular\":{\"test\":[]}}",
		"{\"regular\":{\"test\":[\"CMD\"],\"timeout\":0}}",
		"{\"regular\":{\"test\":[\"CMD\"],\"interval\":-1}}",
		"{\"regular\":{\"test\":\"CMD\"}}",
		"{\"startup\":{\"retries\":1}}",
		"{\"onFailure\":\"weep\"}",
		"{\"logCount\":-1}",
		"{\"logSize\":1e99}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = js_parse(texts[i], strlen(texts[i]), "test", NULL);
		g_assert_nonnull(json);
		g_autoptr(HealthConfig) config = health_config_from_json(json, &error);
		g_assert_null(config);
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	}
}

static void test_args(void)
{
	static const struct {
		const char *test, *args; /* words, separated by '|' */
	} rows[] = {
		{"CMD|a|b c", "a|b c"},
		{"CMD-SHELL|a b; c", "/bin/sh|-c|a b; c"},
		{"CMD-SHELL|a|b", "/bin/sh|-c|a b"},
		{"a|b", "a|b"},
		{"NONE", NULL},
		{"CMD", NULL},
		{"CMD-SHELL", NULL},
		{"CMD|", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(GStrv) test = g_strsplit(rows[i].test, "|", -1);
		g_auto(GStrv) args = health_test_args(test);
		g_autofree char *joined = args ? g_strjoinv("|", args) : NULL;
		g_assert_cmpstr(joined, ==, rows[i].args);
	}
	g_assert_null(health_test_args(NULL));
}

/* A letter for each probe: + passed, - failed. */
static void play(HealthState *state, const HealthConfig *config, const char *probes, int64_t age)
{
	for (; *probes; probes++)
		(void)health_state_note(state, config, *probes == '+', age);
}

static void streaks(void)
{
	static const struct {
		const char *probes;
		HealthStatus status;
		int streak;
	} rows[] = {
		{"", HEALTH_STARTING, 0},      {"-", HEALTH_STARTING, 1},
		{"--", HEALTH_UNHEALTHY, 2},   {"-+", HEALTH_HEALTHY, 0},
		{"+-", HEALTH_HEALTHY, 1},     {"+--", HEALTH_UNHEALTHY, 2},
		{"--+", HEALTH_HEALTHY, 0},    {"+-+-", HEALTH_HEALTHY, 1},
		{"----", HEALTH_UNHEALTHY, 4}, {"--+-", HEALTH_HEALTHY, 1},
	};
	g_autoptr(HealthConfig) config = make_config(false);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		HealthState state;
		health_state_reset(&state, config);
		play(&state, config, rows[i].probes, SECOND);
		g_assert_cmpint(state.status, ==, rows[i].status);
		g_assert_cmpint(state.streak, ==, rows[i].streak);
	}
}

static void acts_when_unhealthy(void)
{
	g_autoptr(HealthConfig) config = make_config(false);
	HealthState state;
	health_state_reset(&state, config);
	g_assert_cmpint(health_state_note(&state, config, false, 0), ==, HEALTH_STEP_NONE);
	g_assert_cmpint(health_state_note(&state, config, false, 0), ==, HEALTH_STEP_ACT);
	g_assert_cmpint(health_state_note(&state, config, false, 0), ==, HEALTH_STEP_ACT);
	g_assert_cmpint(health_state_note(&state, config, true, 0), ==, HEALTH_STEP_NONE);
}

static void start_period(void)
{
	g_autoptr(HealthConfig) config = make_config(false);
	HealthState state;
	config->start_period = 10 * SECOND;
	health_state_reset(&state, config);
	play(&state, config, "-----", 10 * SECOND - 1);
	g_assert_cmpint(state.status, ==, HEALTH_STARTING);
	g_assert_cmpint(state.streak, ==, 0);
	play(&state, config, "--", 10 * SECOND);
	g_assert_cmpint(state.status, ==, HEALTH_UNHEALTHY);
	health_state_reset(&state, config);
	play(&state, config, "+", 0);
	g_assert_cmpint(state.status, ==, HEALTH_HEALTHY);
}

static void startup(void)
{
	g_autoptr(HealthConfig) config = make_config(true);
	HealthState state;
	config->startup_successes = 2;
	config->startup.retries = 3;
	health_state_reset(&state, config);
	g_assert_true(health_state_probe(&state, config) == &config->startup);
	play(&state, config, "-+-", 0);
	g_assert_cmpint(state.status, ==, HEALTH_STARTING);
	g_assert_cmpint(state.streak, ==, 0);
	HealthState failing = state;
	g_assert_cmpint(health_state_note(&failing, config, false, 0), ==, HEALTH_STEP_RESTART);
	g_assert_cmpint(health_state_note(&state, config, true, 0), ==, HEALTH_STEP_NONE);
	g_assert_cmpint(state.status, ==, HEALTH_HEALTHY);
	g_assert_true(health_state_probe(&state, config) == &config->regular);
	config->startup.retries = 0;
	health_state_reset(&state, config);
	for (int i = 0; i < 100; i++)
		g_assert_cmpint(health_state_note(&state, config, false, 0), ==, HEALTH_STEP_NONE);
}

static void delays(void)
{
	g_autoptr(HealthConfig) config = make_config(true);
	HealthState state;
	config->startup.interval = 2 * SECOND;
	config->regular.interval = 30 * SECOND;
	config->start_period = 60 * SECOND;
	health_state_reset(&state, config);
	g_assert_cmpint(health_state_delay(&state, config, 0), ==, 2 * SECOND);
	state.startup_passed = true;
	g_assert_cmpint(health_state_delay(&state, config, 0), ==, 5 * SECOND);
	g_assert_cmpint(health_state_delay(&state, config, 60 * SECOND), ==, 30 * SECOND);
	state.status = HEALTH_HEALTHY;
	g_assert_cmpint(health_state_delay(&state, config, 0), ==, 30 * SECOND);
	config->regular.interval = 0;
	g_assert_cmpint(health_state_delay(&state, config, 0), ==, -1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/health/config/round-trip", config_round_trip);
	g_test_add_func("/health/config/refuses-what-is-wrong", config_refuses);
	g_test_add_func("/health/config/command-of-a-test", test_args);
	g_test_add_func("/health/state/streaks", streaks);
	g_test_add_func("/health/state/acts-when-unhealthy", acts_when_unhealthy);
	g_test_add_func("/health/state/start-period", start_period);
	g_test_add_func("/health/state/startup", startup);
	g_test_add_func("/health/state/delays", delays);
	return g_test_run();
}
