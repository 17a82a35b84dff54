/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/health_config.h"

#include <string.h>

#include "libpod/base/error.h"

static const char *const on_failure_names[] = {
	[HEALTH_ON_FAILURE_NONE] = "none",
	[HEALTH_ON_FAILURE_KILL] = "kill",
	[HEALTH_ON_FAILURE_RESTART] = "restart",
	[HEALTH_ON_FAILURE_STOP] = "stop",
};

const char *health_on_failure_name(HealthOnFailure action)
{
	return on_failure_names[action];
}

bool health_on_failure_parse(const char *text, HealthOnFailure *out, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(on_failure_names); i++) {
		if (strcmp(text, on_failure_names[i]) == 0) {
			*out = (HealthOnFailure)i;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid on-failure action \"%s\" for health check: supported actions are "
			 "none,kill,restart,stop",
			 text);
}

HealthConfig *health_config_new(void)
{
	HealthConfig *config = g_new0(HealthConfig, 1);
	config->regular.interval = config->startup.interval = HEALTH_INTERVAL_DEFAULT;
	config->regular.timeout = config->startup.timeout = HEALTH_TIMEOUT_DEFAULT;
	config->regular.retries = HEALTH_RETRIES_DEFAULT;
	config->start_interval = HEALTH_START_INTERVAL_DEFAULT;
	config->log_count = HEALTH_LOG_COUNT_DEFAULT;
	config->log_size = HEALTH_LOG_SIZE_DEFAULT;
	return config;
}

void health_config_free(HealthConfig *config)
{
	if (!config)
		return;
	g_strfreev(config->regular.test);
	g_strfreev(config->startup.test);
	g_free(config->log_destination);
	g_free(config);
}

bool health_config_has_probe(const HealthConfig *config)
{
	g_auto(GStrv) args = config ? health_test_args(config->regular.test) : NULL;
	return args != NULL;
}

HealthConfig *health_config_copy(const HealthConfig *config)
{
	HealthConfig *copy = g_new(HealthConfig, 1);
	*copy = *config;
	copy->regular.test = g_strdupv(config->regular.test);
	copy->startup.test = g_strdupv(config->startup.test);
	copy->log_destination = g_strdup(config->log_destination);
	return copy;
}

static Json *probe_to_json(const HealthProbe *probe)
{
	Json *json = json_object_new_object();
	js_set_take(json, "test", js_from_strv((const char *const *)probe->test));
	js_set_int(json, "interval", probe->interval);
	js_set_int(json, "timeout", probe->timeout);
	js_set_int(json, "retries", probe->retries);
	return json;
}

Json *health_config_to_json(const HealthConfig *config)
{
	Json *json = json_object_new_object();
	js_set_take(json, "regular", probe_to_json(&config->regular));
	if (config->startup.test) {
		js_set_take(json, "startup", probe_to_json(&config->startup));
		js_set_int(json, "startupSuccesses", config->startup_successes);
	}
	js_set_int(json, "startPeriod", config->start_period);
	js_set_int(json, "startInterval", config->start_interval);
	js_set_string(json, "onFailure", health_on_failure_name(config->on_failure));
	js_set_string(json, "logDestination", config->log_destination);
	js_set_int(json, "logCount", config->log_count);
	js_set_int(json, "logSize", config->log_size);
	return json;
}

/* One probe below @key; an absent one stays without a test. */
static bool probe_from_json(Json *json, const char *key, HealthProbe *probe, GError **error)
{
	Json *part = NULL;
	int64_t retries = 0;
	if (!js_get_object(json, key, &part, error))
		return false;
	if (!part)
		return true;
	if (!js_get_strv(part, "test", &probe->test, error) ||
	    !js_get_int(part, "interval", 0, G_MAXINT64, &probe->interval, error) ||
	    !js_get_int(part, "timeout", 1, G_MAXINT64, &probe->timeout, error) ||
	    !js_get_int(part, "retries", 0, G_MAXINT32, &retries, error))
		return false;
	probe->retries = (int)retries;
	if (!probe->test || !probe->test[0])
		return error_set(error, ENGINE_ERROR_INVALID, "%s: a probe without a test", key);
	return true;
}

HealthConfig *health_config_from_json(Json *json, GError **error)
{
	g_autoptr(HealthConfig) config = health_config_new();
	const char *on_failure = "none";
	int64_t successes = 0;
	if (!probe_from_json(json, "regular", &config->regular, error) ||
	    !probe_from_json(json, "startup", &config->startup, error) ||
	    !js_get_int(json, "startupSuccesses", 0, G_MAXINT32, &successes, error) ||
	    !js_get_int(json, "startPeriod", 0, G_MAXINT64, &config->start_period, error) ||
	    !js_get_int(json, "startInterval", 0, G_MAXINT64, &config->start_interval, error) ||
	    !js_get_string(json, "onFailure", &on_failure, error) ||
	    !health_on_failure_parse(on_failure, &config->on_failure, error) ||
	    !js_dup_string(json, "logDestination", &config->log_destination, error) ||
	    !js_get_int(json, "logCount", 0, G_MAXINT32, &config->log_count, error) ||
	    !js_get_int(json, "logSize", 0, G_MAXINT32, &config->log_size, error))
		return NULL;
	config->startup_successes = (int)successes;
	return g_steal_pointer(&config);
}

char **health_test_args(char *const *test)
{
	if (!test || !test[0] || strcmp(test[0], "NONE") == 0 || !*test[0])
		return NULL;
	char *const *words = strcmp(test[0], "CMD") == 0 ? test + 1 : test;
	if (strcmp(test[0], "CMD-SHELL") == 0) {
		g_autofree char *line = g_strjoinv(" ", (char **)test + 1);
		const char *const args[] = {"/bin/sh", "-c", line, NULL};
		return *line ? g_strdupv((char **)args) : NULL;
	}
	return words[0] && *words[0] ? g_strdupv((char **)words) : NULL;
}
