/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks of a container: the options' grammar, and what the image adds.
 *
 * The image's values are hostile: they name a command that runs in the container as any of its
 * processes does, and times, which are bounded here. Nothing of them is looked up on the host.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/units.h"
#include "libpod/spec_priv.h"

#define TEST_BYTES_MAX (128 * 1024) /* of an image's command: the monitor holds it */

/* A duration, with podman's name for the option in the error. */
static bool parse_time(const char *text, const char *what, int64_t *out, GError **error)
{
	if (!text || units_parse_duration(text, out, NULL))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid healthcheck-%s: time: invalid duration \"%s\"", what, text);
}

static bool parse_interval(const char *text, int64_t *out, GError **error)
{
	if (g_strcmp0(text, "disable") == 0)
		*out = 0;
	else if (!parse_time(text, "interval", out, error))
		return false;
	return *out >= 0 || error_set(error, ENGINE_ERROR_INVALID,
				      "healthcheck-interval must be 0 seconds or greater");
}

static bool parse_timeout(const char *text, int64_t *out, GError **error)
{
	return parse_time(text, "timeout", out, error) &&
	       (*out >= 1 || error_set(error, ENGINE_ERROR_INVALID,
				       "healthcheck-timeout must be at least 1 second"));
}

/* The words of a JSON array of strings; NULL if @text is none. */
static char **parse_words(const char *text)
{
	char **words = NULL;
	g_autoptr(Json) json = json_object_new_object();
	Json *array = js_parse(text, strlen(text), "command", NULL);
	if (!array || !json_object_is_type(array, json_type_array)) {
		js_unref(array);
		return NULL;
	}
	js_set_take(json, "words", array);
	return js_get_strv(json, "words", &words, NULL) ? words : NULL;
}

static bool is_word(const char *word, const char *keyword)
{
	return word && g_ascii_strcasecmp(word, keyword) == 0;
}

/* "CMD a b", "NONE": docker's keywords as typed; words are split at white space. */
static char **split_fields(const char *text)
{
	g_auto(GStrv) all = g_strsplit_set(text, " \t\n", -1);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	for (char **word = all; *word; word++)
		if (**word)
			g_ptr_array_add(words, g_strdup(*word));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_steal(words, NULL);
}

/* A command as podman takes it: a JSON array, a line for the shell, or docker's keywords. */
static char **parse_test(const char *text, GError **error)
{
	g_auto(GStrv) words = parse_words(text);
	if (words && !words[0])
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "Must define a healthcheck command for all healthchecks");
	g_auto(GStrv) parts = words ? NULL : g_strsplit(text, " ", 2);
	char **given = words ? words : parts;
	if (is_word(given[0], "NONE"))
		return g_strsplit("NONE", " ", -1);
	if (is_word(given[0], "CMD"))
		return words ? g_steal_pointer(&words) : split_fields(text);
	if (is_word(given[0], "CMD-SHELL"))
		return words ? g_steal_pointer(&words) : g_steal_pointer(&parts);
	g_autoptr(GPtrArray) test = g_ptr_array_new();
	bool several = words && words[1];
	g_ptr_array_add(test, g_strdup(several ? "CMD" : "CMD-SHELL"));
	for (char **word = words; several && *word; word++)
		g_ptr_array_add(test, g_strdup(*word));
	if (!several)
		g_ptr_array_add(test, g_strdup(words ? words[0] : text));
	g_ptr_array_add(test, NULL);
	return (char **)g_ptr_array_steal(test, NULL);
}

/* The start-up probe's part of what was typed. */
static bool apply_startup(const SpecHealth *asked, HealthConfig *config, GError **error)
{
	if (asked->startup_cmd) {
		g_strfreev(config->startup.test);
		config->startup.test = parse_test(asked->startup_cmd, error);
		if (!config->startup.test)
			return false;
	}
	if (!config->startup.test)
		return true;
	if (!parse_interval(asked->startup_interval, &config->startup.interval, error) ||
	    !parse_timeout(asked->startup_timeout, &config->startup.timeout, error))
		return false;
	if (asked->startup_retries >= 0)
		config->startup.retries = (int)asked->startup_retries;
	if (asked->startup_success >= 0)
		config->startup_successes = (int)asked->startup_success;
	return true;
}

/* What was typed, over what is there. */
static bool apply_asked(const SpecHealth *asked, HealthConfig *config, GError **error)
{
	if (asked->cmd) {
		g_strfreev(config->regular.test);
		config->regular.test = parse_test(asked->cmd, error);
		if (!config->regular.test)
			return false;
	}
	if (asked->retries == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "healthcheck-retries must be greater than 0");
	if (!parse_interval(asked->interval, &config->regular.interval, error) ||
	    !parse_timeout(asked->timeout, &config->regular.timeout, error) ||
	    !parse_time(asked->start_period, "start-period", &config->start_period, error) ||
	    !parse_time(asked->start_interval, "start-interval", &config->start_interval, error))
		return false;
	if (config->start_interval <= 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "healthcheck-start-interval must be greater than 0 seconds");
	if (config->start_period < 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "healthcheck-start-period must be 0 seconds or greater");
	if (asked->retries > 0)
		config->regular.retries = (int)asked->retries;
	if (asked->log_count >= 0)
		config->log_count = asked->log_count;
	if (asked->log_size >= 0)
		config->log_size = asked->log_size;
	if (asked->on_failure_set)
		config->on_failure = asked->on_failure;
	if (asked->log_destination_set) {
		g_free(config->log_destination);
		config->log_destination = g_strdup(asked->log_destination);
	}
	return apply_startup(asked, config, error);
}

bool spec_health_check(const ContainerSpec *spec, GError **error)
{
	const SpecHealth *asked = &spec->health_asked;
	g_autoptr(HealthConfig) scratch = health_config_new();
	if (asked->disabled && (asked->cmd || asked->startup_cmd))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot specify both --no-healthcheck and --health-%scmd",
				 asked->cmd ? "" : "startup-");
	return apply_asked(asked, scratch, error);
}

/* A time of the image's; 0 keeps the default. */
static bool take_time(Json *image, const char *key, int64_t *field, GError **error)
{
	int64_t ns = 0;
	if (!js_get_int(image, key, 0, G_MAXINT64, &ns, error)) {
		g_prefix_error(error, "the image's Healthcheck: ");
		return false;
	}
	if (ns > 0)
		*field = ns;
	return true;
}

static bool apply_image(Json *image, HealthConfig *config, GError **error)
{
	int64_t retries = 0;
	if (!js_get_strv(image, "Test", &config->regular.test, error) ||
	    !js_get_int(image, "Retries", 0, G_MAXINT32, &retries, error)) {
		g_prefix_error(error, "the image's Healthcheck: ");
		return false;
	}
	size_t bytes = 0;
	for (char **word = config->regular.test; word && *word; word++)
		bytes += strlen(*word) + 1 + sizeof *word;
	if (bytes > TEST_BYTES_MAX)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the image's Healthcheck: its command is too long");
	if (retries > 0)
		config->regular.retries = (int)retries;
	return take_time(image, "Interval", &config->regular.interval, error) &&
	       take_time(image, "Timeout", &config->regular.timeout, error) &&
	       take_time(image, "StartPeriod", &config->start_period, error) &&
	       take_time(image, "StartInterval", &config->start_interval, error);
}

bool spec_health_resolve(ContainerSpec *spec, Json *image, GError **error)
{
	const SpecHealth *asked = &spec->health_asked;
	g_autoptr(HealthConfig) config = health_config_new();
	if (image && !asked->disabled && !apply_image(image, config, error))
		return false;
	if (!apply_asked(asked, config, error))
		return false;
	g_clear_pointer(&spec->health, health_config_free);
	g_auto(GStrv) args = asked->disabled ? NULL : health_test_args(config->regular.test);
	g_auto(GStrv) startup = health_test_args(config->startup.test);
	if (!startup)
		g_clear_pointer(&config->startup.test, g_strfreev);
	if (!args && startup)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot set a startup healthcheck when there is no regular "
				 "healthcheck: invalid argument");
	if (!args && asked->on_failure != HEALTH_ON_FAILURE_NONE)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot set on-failure action to %s without a health check",
				 health_on_failure_name(asked->on_failure));
	if (args)
		spec->health = g_steal_pointer(&config);
	return true;
}

bool spec_health_is_asked(const SpecHealth *asked)
{
	return asked->disabled || asked->cmd || asked->interval || asked->timeout ||
	       asked->start_period || asked->startup_cmd || asked->startup_interval ||
	       asked->startup_timeout || asked->on_failure_set || asked->log_destination_set ||
	       asked->retries >= 0 || asked->startup_retries >= 0 || asked->startup_success >= 0 ||
	       asked->log_count >= 0 || asked->log_size >= 0;
}

/* podman's words, which are the same for both probes. */
static bool check_commands(const SpecHealth *asked, const HealthConfig *old, GError **error)
{
	bool regular =
		asked->interval || asked->timeout || asked->start_period || asked->retries >= 0;
	bool startup = asked->startup_interval || asked->startup_timeout ||
		       asked->startup_retries >= 0 || asked->startup_success >= 0;
	bool has_regular = asked->cmd || (old && old->regular.test);
	bool has_startup = asked->startup_cmd || (old && old->startup.test);
	if ((regular && !has_regular) || (startup && !has_startup))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "startup healthcheck command is not set");
	if (asked->disabled && (regular || startup || asked->cmd || asked->startup_cmd))
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"cannot specify both --no-healthcheck and other HealthCheck flags");
	return true;
}

bool spec_health_update(ContainerSpec *spec, const SpecHealth *asked, GError **error)
{
	const HealthConfig *old = spec->health;
	if (!check_commands(asked, old, error))
		return false;
	g_autoptr(HealthConfig) config =
		old && !asked->disabled ? health_config_copy(old) : health_config_new();
	if (asked->disabled)
		config->regular.test = g_strsplit("NONE", " ", -1);
	if (!apply_asked(asked, config, error))
		return false;
	g_auto(GStrv) startup = health_test_args(config->startup.test);
	if (!startup)
		g_clear_pointer(&config->startup.test, g_strfreev);
	if (startup && !health_config_has_probe(config))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot set a startup healthcheck when there is no regular "
				 "healthcheck: invalid argument");
	health_config_free(spec->health);
	spec->health = g_steal_pointer(&config);
	return true;
}
