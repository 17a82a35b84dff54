/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters for health checks. Commands and times are kept as they were typed: podman looks at them
 * when all options are read, and so do we (spec_health.c).
 */
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_priv.h"

static bool set_text(char **field, const char *value)
{
	g_free(*field);
	*field = g_strdup(value);
	return true;
}

/* Go's words for what is no number. */
static bool set_number(int64_t *field, const char *value, GError **error)
{
	uint64_t number = 0;
	if (!units_parse_uint(value, G_MAXINT32, &number, NULL))
		return error_set(
			error, ENGINE_ERROR_INVALID, "strconv.ParseUint: parsing \"%s\": %s", value,
			*value && value[strspn(value, "0123456789")] == '\0' ? "value out of range"
									     : "invalid syntax");
	*field = (int64_t)number;
	return true;
}

/* One line each: the option says all. */
#define TEXT_SETTER(name)                                                                          \
	bool spec_set_health_##name(ContainerSpec *spec, const char *value, GError **error)        \
	{                                                                                          \
		return set_text(&spec->health_asked.name, value);                                  \
	}
#define NUMBER_SETTER(name)                                                                        \
	bool spec_set_health_##name(ContainerSpec *spec, const char *value, GError **error)        \
	{                                                                                          \
		return set_number(&spec->health_asked.name, value, error);                         \
	}

TEXT_SETTER(cmd)
TEXT_SETTER(interval)
TEXT_SETTER(timeout)
TEXT_SETTER(start_period)
TEXT_SETTER(start_interval)
TEXT_SETTER(startup_cmd)
TEXT_SETTER(startup_interval)
TEXT_SETTER(startup_timeout)
NUMBER_SETTER(retries)
NUMBER_SETTER(startup_retries)
NUMBER_SETTER(startup_success)
NUMBER_SETTER(log_count)
NUMBER_SETTER(log_size)

bool spec_set_health_on_failure(ContainerSpec *spec, const char *value, GError **error)
{
	spec->health_asked.on_failure_set = true;
	return health_on_failure_parse(value, &spec->health_asked.on_failure, error);
}

bool spec_set_health_log_destination(ContainerSpec *spec, const char *value, GError **error)
{
	char **field = &spec->health_asked.log_destination;
	struct stat st;
	spec->health_asked.log_destination_set = true;
	if (g_strcmp0(value, "local") == 0)
		return set_text(field, NULL);
	if (g_strcmp0(value, HEALTH_LOG_EVENTS) == 0)
		return set_text(field, value);
	if (stat(value, &st) < 0) {
		g_autoptr(GError) cause = NULL;
		(void)spec_fail_errno(&cause, "stat", value);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "HealthCheck Log '%s' destination error: %s", value,
				 cause->message);
	}
	if (!S_ISDIR(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "HealthCheck Log '%s' destination must be directory", value);
	g_autofree char *path = g_canonicalize_filename(value, NULL);
	return set_text(field, path);
}
