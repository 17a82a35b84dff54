/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a container's health is probed: what the command line and the image say, recorded with the
 * container and handed to its monitor.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"

#define HEALTH_INTERVAL_DEFAULT       G_GINT64_CONSTANT(30000000000) /* ns */
#define HEALTH_TIMEOUT_DEFAULT        G_GINT64_CONSTANT(30000000000)
#define HEALTH_START_INTERVAL_DEFAULT G_GINT64_CONSTANT(5000000000)
#define HEALTH_RETRIES_DEFAULT        3
#define HEALTH_LOG_COUNT_DEFAULT      5
#define HEALTH_LOG_SIZE_DEFAULT       500
#define HEALTH_LOG_EVENTS             "events_logger"

/* What is done with a container that has become unhealthy. */
typedef enum {
	HEALTH_ON_FAILURE_NONE,
	HEALTH_ON_FAILURE_KILL,
	HEALTH_ON_FAILURE_RESTART,
	HEALTH_ON_FAILURE_STOP,
} HealthOnFailure;

typedef struct {
	char **test;      /* docker's: "CMD" WORD..., "CMD-SHELL" LINE, "NONE"; NULL: none */
	int64_t interval; /* ns from the end of one probe to the next; 0: only when asked */
	int64_t timeout;  /* ns */
	int retries;      /* failures in a row that are too many; 0 for start-up: no limit */
} HealthProbe;

typedef struct {
	HealthProbe regular;
	HealthProbe startup; /* until it has passed the regular one waits; no test: there is none */
	int startup_successes;  /* in all that make it pass; 0: one */
	int64_t start_period;   /* ns after the start in which failures do not count */
	int64_t start_interval; /* ns between probes in that time, if shorter than the interval */
	HealthOnFailure on_failure;
	char *log_destination; /* NULL: with the container; HEALTH_LOG_EVENTS, or a directory */
	int64_t log_count; /* probes that are remembered; 0: all (as far as memory is bounded) */
	int64_t log_size;  /* bytes of output of each; 0: likewise */
} HealthConfig;

/** health_config_new() - podman's defaults and no test. */
HealthConfig *health_config_new(void);
void health_config_free(HealthConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HealthConfig, health_config_free)

/** health_config_to_json() - as it is recorded. */
Json *health_config_to_json(const HealthConfig *config);
/** health_config_from_json() - the reverse. INVALID. */
HealthConfig *health_config_from_json(Json *json, GError **error);

/** health_config_has_probe() - is there a command to be run? NULL: no. */
bool health_config_has_probe(const HealthConfig *config);
/** health_config_copy() - an independent copy. */
HealthConfig *health_config_copy(const HealthConfig *config);

/** health_on_failure_parse() - "none" "kill" "restart" "stop". INVALID in podman's words. */
bool health_on_failure_parse(const char *text, HealthOnFailure *out, GError **error);
const char *health_on_failure_name(HealthOnFailure action);

/** health_test_args() - the command of a test; NULL if it is none. g_strfreev() it. */
char **health_test_args(char *const *test);
