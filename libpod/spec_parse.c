/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters for a container's identity, its process and its life.
 */
#include "libpod/spec_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libpod/attach.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"
#include "libpod/log_tag.h"
#include "libpod/name.h"
#include "libpod/runtime/privileges.h"
#include "libpod/signals.h"
#include "libpod/spec_priv.h"

#define ENV_FILE_MAX  (1024 * 1024)
#define LOG_FILES_MAX 1000 /* what a reader looks through */

static bool set_string(char **field, const char *value)
{
	g_free(*field);
	*field = g_strdup(value);
	return true;
}

/* A path as typed, made absolute by the working directory. */
static char *absolute_path(const char *path)
{
	return g_canonicalize_filename(path, NULL);
}

bool spec_set_name(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value == '\0') {
		g_clear_pointer(&spec->name, g_free);
		return true;
	}
	if (name_check(value, error))
		return set_string(&spec->name, value);
	g_prefix_error(error, "running container create option: ");
	return false;
}

bool spec_set_rootfs(ContainerSpec *spec, const char *value, GError **error)
{
	bool overlay = g_str_has_suffix(value, ":O");
	g_autofree char *path = overlay ? g_strndup(value, strlen(value) - 2) : g_strdup(value);
	if (*path == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "the rootfs path cannot be empty");
	const char *option = strrchr(path, ':');
	if (option && !strchr(option, '/'))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "rootfs option '%s' is not supported: use DIR or DIR:O",
				 option + 1);
	g_free(spec->rootfs);
	spec->rootfs = absolute_path(path);
	spec->rootfs_overlay = overlay;
	return true;
}

bool spec_add_label(ContainerSpec *spec, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	size_t length = equals ? (size_t)(equals - value) : strlen(value);
	if (length == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unable to process labels: invalid label format: \"%s\"", value);
	g_hash_table_replace(spec->labels, g_strndup(value, length),
			     g_strdup(equals ? equals + 1 : ""));
	return true;
}

bool spec_set_restart(ContainerSpec *spec, const char *value, GError **error)
{
	if (restart_parse(value, &spec->restart, &spec->restart_retries, error))
		return true;
	if (strncmp(value, "on-failure", 10) != 0 && !strchr(value, ':'))
		g_prefix_error(error, "running container create option: ");
	return false;
}

bool spec_set_init_ctr(ContainerSpec *spec, const char *value, GError **error)
{
	spec->init_ctr = strcmp(value, "once") == 0     ? SPEC_INIT_CTR_ONCE
			 : strcmp(value, "always") == 0 ? SPEC_INIT_CTR_ALWAYS
							: SPEC_INIT_CTR_NO;
	return spec->init_ctr != SPEC_INIT_CTR_NO ||
	       error_set(error, ENGINE_ERROR_INVALID, "init-ctr value must be 'always' or 'once'");
}

bool spec_set_pod(ContainerSpec *spec, const char *value, GError **error)
{
	g_free(spec->pod_asked);
	spec->pod_asked = *value ? g_strdup(value) : NULL;
	return true;
}

bool spec_set_pod_id_file(ContainerSpec *spec, const char *value, GError **error)
{
	g_free(spec->pod_id_file);
	spec->pod_id_file = g_strdup(value);
	return true;
}

bool spec_set_pull(ContainerSpec *spec, const char *value, GError **error)
{
	return pull_policy_parse(value, &spec->pull, error);
}

bool spec_set_platform(ContainerSpec *spec, const char *value, GError **error)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	g_auto(GStrv) parts = g_strsplit(value, "/", 4);
	guint n = g_strv_length(parts);
	bool valid = n == 2 || n == 3;
	for (guint i = 0; valid && i < n; i++)
		valid = parts[i][0] != '\0' && strspn(parts[i], allowed) == strlen(parts[i]);
	if (!valid)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid platform \"%s\": must be OS/ARCH or OS/ARCH/VARIANT",
				 value);
	return set_string(&spec->platform, value);
}

bool spec_set_cidfile(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "the container id file needs a path");
	g_free(spec->cidfile);
	spec->cidfile = absolute_path(value);
	return true;
}

bool spec_set_log_driver(ContainerSpec *spec, const char *value, GError **error)
{
	spec->log_driver_set = true;
	if (log_driver_parse(value, &spec->log_driver, NULL))
		return true;
	error_set(error, ENGINE_ERROR_INVALID,
		  "running container create option: invalid log driver: invalid argument");
	error_add_help(error, "use k8s-file, json-file, journald, none or passthrough");
	return false;
}

bool spec_add_log_opt(ContainerSpec *spec, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	if (!equals || equals == value)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid log option \"%s\"", value);
	g_autofree char *key = g_strndup(value, equals - value);
	const char *text = equals + 1;
	if (strcmp(key, "max-size") == 0) {
		int64_t size = 0;
		if (!units_parse_size(text, &size, NULL) || size <= 0)
			return error_set(error, ENGINE_ERROR_INVALID, "invalid size: '%s'", text);
		spec->log_max_size = size;
		return true;
	}
	if (strcmp(key, "max-file") == 0) {
		uint64_t files = 0;
		if (!units_parse_uint(text, LOG_FILES_MAX, &files, NULL) || files == 0)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid number of files: '%s'", text);
		spec->log_max_file = (int)files;
		return true;
	}
	if (strcmp(key, "tag") == 0) {
		g_autofree char *tried = log_tag_expand(text, spec, "", error);
		return tried && set_string(&spec->log_tag, text);
	}
	if (strcmp(key, "label") == 0) {
		if (!log_label_check(text, spec, error))
			return false;
		spec_strv_append(&spec->log_labels, text);
		return true;
	}
	if (strcmp(key, "path") != 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "log option \"%s\" is not supported: path, max-size, max-file, "
				 "tag and label are",
				 key);
	if (*text == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "invalid log option \"%s\"", value);
	g_free(spec->log_path);
	spec->log_path = absolute_path(text);
	return true;
}

static bool parse_seconds(const char *value, int *out, GError **error)
{
	uint64_t seconds = 0;
	if (!units_parse_uint(value, INT32_MAX, &seconds, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseUint: parsing \"%s\": invalid syntax", value);
	*out = (int)seconds;
	return true;
}

bool spec_set_timeout(ContainerSpec *spec, const char *value, GError **error)
{
	return parse_seconds(value, &spec->timeout, error);
}

bool spec_set_stop_timeout(ContainerSpec *spec, const char *value, GError **error)
{
	return parse_seconds(value, &spec->stop_timeout, error);
}

bool spec_set_stop_signal(ContainerSpec *spec, const char *value, GError **error)
{
	return signals_parse(value, &spec->stop_signal, error) &&
	       set_string(&spec->stop_signal_text, value);
}

bool spec_add_attach(ContainerSpec *spec, const char *value, GError **error)
{
	static const char *const streams[] = {"stdin", "stdout", "stderr", NULL};
	g_autofree char *lower = g_ascii_strdown(value, -1);
	if (!g_strv_contains(streams, lower))
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"invalid stream \"%s\" for --attach - must be one of stdin, stdout, "
			"or stderr: invalid argument",
			value);
	spec_strv_take(&spec->attach, g_steal_pointer(&lower));
	return true;
}

bool spec_set_detach_keys(ContainerSpec *spec, const char *value, GError **error)
{
	return attach_check_detach_keys(value, error) && set_string(&spec->detach_keys, value);
}

/* A JSON array of strings, or NULL if it is none: then the value is a single word. */
static char **parse_json_words(const char *value)
{
	if (value[0] != '[')
		return NULL;
	g_autoptr(Json) array = js_parse(value, strlen(value), "entrypoint", NULL);
	if (!array || !json_object_is_type(array, json_type_array))
		return NULL;
	g_autoptr(Json) holder = json_object_new_object();
	js_set_take(holder, "words", json_object_get(array));
	char **words = NULL;
	return js_get_strv(holder, "words", &words, NULL) ? words : NULL;
}

bool spec_set_entrypoint(ContainerSpec *spec, const char *value, GError **error)
{
	g_strfreev(spec->entrypoint);
	spec->entrypoint = parse_json_words(value);
	spec->entrypoint_set = true;
	if (!spec->entrypoint && *value != '\0')
		spec_strv_append(&spec->entrypoint, value);
	if (!spec->entrypoint)
		spec->entrypoint = g_new0(char *, 1);
	return true;
}

/* "NAME=VALUE", "NAME" or "PREFIX*". */
static bool check_env(const char *value, GError **error)
{
	return *value != '=' || error_set(error, ENGINE_ERROR_INVALID,
					  "invalid environment variable: \"%s\"", value);
}

bool spec_add_env(ContainerSpec *spec, const char *value, GError **error)
{
	if (!check_env(value, error))
		return false;
	if (*value != '\0')
		g_ptr_array_add(spec->env_asked, g_strdup(value));
	return true;
}

/* One line of an environment file: leading blanks are dropped, the value is kept to the last byte.
 */
static bool add_env_line(ContainerSpec *spec, const char *line, const char *name, GError **error)
{
	while (*line == ' ' || *line == '\t')
		line++;
	if (*line == '\0' || *line == '#')
		return true;
	size_t key_length = strcspn(line, "=");
	if (memchr(line, ' ', key_length) || memchr(line, '\t', key_length)) {
		g_autofree char *key = g_strndup(line, key_length);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "parsing env file \"%s\": variable '%s' contains whitespaces",
				 name, key);
	}
	if (!check_env(line, error)) {
		g_prefix_error(error, "parsing env file \"%s\": ", name);
		return false;
	}
	g_ptr_array_insert(spec->env_asked, (int)spec->env_from_files, g_strdup(line));
	spec->env_from_files++;
	return true;
}

bool spec_add_env_text(ContainerSpec *spec, const char *text, const char *name, GError **error)
{
	if (!g_utf8_validate(text, -1, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "parsing env file \"%s\": it is not valid UTF-8", name);
	if (g_str_has_prefix(text, "\xef\xbb\xbf"))
		text += 3;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		size_t length = strlen(*line);
		if (length > 0 && (*line)[length - 1] == '\r')
			(*line)[length - 1] = '\0';
		if (!add_env_line(spec, *line, name, error))
			return false;
	}
	return true;
}

bool spec_add_env_file(ContainerSpec *spec, const char *value, GError **error)
{
	autofd fd = open(value, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		spec_fail_errno(error, "open", value);
		g_prefix_error(error, "parsing env file \"%s\": ", value);
		return false;
	}
	size_t size = 0;
	g_autofree char *text = fd_read_all(fd, ENV_FILE_MAX, &size, error);
	if (!text) {
		g_prefix_error(error, "parsing env file \"%s\": ", value);
		return false;
	}
	if (memchr(text, '\0', size))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "parsing env file \"%s\": it contains a NUL byte", value);
	return spec_add_env_text(spec, text, value, error);
}

bool spec_set_http_proxy(ContainerSpec *spec, const char *value, GError **error)
{
	spec->http_proxy = strcmp(value, "true") == 0;
	spec->http_proxy_set = true;
	if (spec->http_proxy || strcmp(value, "false") == 0)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID, "must be true or false, not \"%s\"", value);
}

bool spec_set_workdir(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value == '\0') {
		g_clear_pointer(&spec->workdir, g_free);
		return true;
	}
	if (*value != '/')
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"the working directory \"%s\" is invalid, it needs to be an absolute path",
			value);
	return set_string(&spec->workdir, value);
}

bool spec_set_user(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value == '\0') {
		g_clear_pointer(&spec->user, g_free);
		return true;
	}
	return privileges_check_user_spec(value, error) && set_string(&spec->user, value);
}

bool spec_add_group(ContainerSpec *spec, const char *value, GError **error)
{
	bool keep = strcmp(value, "keep-groups") == 0;
	if (spec->keep_groups || (keep && spec->group_add))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the '--group-add keep-groups' option is not allowed with any "
				 "other --group-add options");
	if (keep) {
		spec->keep_groups = true;
		return true;
	}
	if (strchr(value, ':'))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid group \"%s\"", value);
	if (!privileges_check_user_spec(value, error)) {
		g_prefix_error(error, "invalid group: ");
		return false;
	}
	spec_strv_append(&spec->group_add, value);
	return true;
}
