/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters for what surrounds a container's process: variables that are merged or dropped, users
 * and groups the image lacks, files of the host, other containers.
 */
#include "libpod/spec_parse.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#include "libpod/base/error.h"
#include "network/attachment.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/launch.h"
#include "libpod/spec_priv.h"
#include "libpod/systemd_mode.h"

#define LABEL_FILE_MAX (1024 * 1024)

static bool set_string(char **field, const char *value)
{
	g_free(*field);
	*field = g_strdup(value);
	return true;
}

static bool set_path(char **field, const char *value)
{
	g_free(*field);
	*field = g_canonicalize_filename(value, NULL);
	return true;
}

bool spec_add_env_merge(ContainerSpec *spec, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	if (equals == value)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid environment variable: \"%s\"", value);
	if (equals)
		spec_strv_append(&spec->env_merge, value);
	return true;
}

bool spec_add_unset_env(ContainerSpec *spec, const char *value, GError **error)
{
	spec_strv_append(&spec->unset_env, value);
	return true;
}

bool spec_add_annotation(ContainerSpec *spec, const char *value, GError **error)
{
	const char *equals = strchr(value, '=');
	if (!equals || equals == value)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "annotations must be formatted KEY=VALUE");
	if (g_str_has_prefix(value, "io.skiff."))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "annotations that begin with io.skiff. are skiff's own");
	g_hash_table_replace(spec->annotations, g_strndup(value, equals - value),
			     g_strdup(equals + 1));
	return true;
}

/* Each line that is neither empty nor a comment is a label. */
static bool add_label_lines(ContainerSpec *spec, const char *text, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		const char *label = g_strchug(*line);
		if (*label != '\0' && *label != '#' && !spec_add_label(spec, label, error))
			return false;
	}
	return true;
}

bool spec_add_label_file(ContainerSpec *spec, const char *value, GError **error)
{
	autofd fd = open(value, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	g_autofree char *text = NULL;
	if (fd < 0)
		spec_fail_errno(error, "open", value);
	else
		text = fd_read_all(fd, LABEL_FILE_MAX, NULL, error);
	if (!text) {
		g_prefix_error(error, "unable to process labels: ");
		return false;
	}
	if (!g_utf8_validate(text, -1, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unable to process labels: %s is not valid UTF-8", value);
	return add_label_lines(spec, text, error);
}

bool spec_set_umask(ContainerSpec *spec, const char *value, GError **error)
{
	size_t length = strlen(value);
	if (length < 1 || length > 4 || strspn(value, "01234567") != length)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "running container create option: invalid umask string %s: "
				 "invalid argument",
				 value);
	g_free(spec->umask);
	spec->umask = g_strdup_printf("%04o", (unsigned)g_ascii_strtoull(value, NULL, 8));
	return true;
}

bool spec_set_timezone(ContainerSpec *spec, const char *value, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(value, "/", -1);
	if (g_strv_contains((const char *const *)parts, "..") || *value == '/')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "running container create option: invalid timezone: %s", value);
	if (*value == '\0') {
		g_clear_pointer(&spec->timezone, g_free);
		return true;
	}
	return set_string(&spec->timezone, value);
}

/* One line of a file whose lines others read: nothing in it may end it. */
static bool set_entry(char **field, const char *value, GError **error)
{
	if (spec_has_control(value) && wall_stands("entry-lines"))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the entry must be one line without control characters");
	return set_string(field, value);
}

bool spec_set_passwd_entry(ContainerSpec *spec, const char *value, GError **error)
{
	return set_entry(&spec->passwd_entry, value, error);
}

bool spec_set_group_entry(ContainerSpec *spec, const char *value, GError **error)
{
	return set_entry(&spec->group_entry, value, error);
}

bool spec_set_hosts_file(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "image") == 0)
		return set_string(&spec->hosts_file, value);
	if (strcmp(value, "none") == 0 || *value == '\0')
		return set_string(&spec->hosts_file, "none");
	return set_path(&spec->hosts_file, value);
}

bool spec_set_pid_file(ContainerSpec *spec, const char *value, GError **error)
{
	return set_path(&spec->pid_file, value);
}

bool spec_set_monitor_pid_file(ContainerSpec *spec, const char *value, GError **error)
{
	return set_path(&spec->monitor_pid_file, value);
}

bool spec_add_requires(ContainerSpec *spec, const char *value, GError **error)
{
	if (*value != '\0')
		spec_strv_append(&spec->requires, value);
	return true;
}

/* podman's rules for what follows the colon: each word at most once. */
static bool check_volumes_from(const char *options, GError **error)
{
	g_auto(GStrv) words = g_strsplit(options, ",", -1);
	int access = 0, labels = 0;
	for (char **word = words; *word; word++) {
		if (strcmp(*word, "ro") == 0 || strcmp(*word, "rw") == 0)
			access++;
		else if (strcmp(*word, "z") == 0)
			labels++;
		else
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid option \"%s\" specified - volumes from another "
					 "container can only use z,ro,rw options",
					 options);
	}
	if (access > 1)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot set ro or rw options more than once");
	return labels <= 1 || error_set(error, ENGINE_ERROR_INVALID,
					"cannot set :z more than once in mount options");
}

bool spec_add_volumes_from(ContainerSpec *spec, const char *value, GError **error)
{
	const char *colon = strchr(value, ':');
	if (colon && !check_volumes_from(colon + 1, error))
		return false;
	spec_strv_append(&spec->volumes_from, value);
	return true;
}

bool spec_set_image_volume(ContainerSpec *spec, const char *value, GError **error)
{
	if (strcmp(value, "bind") == 0 || strcmp(value, "anonymous") == 0 || *value == '\0')
		spec->image_volume = SPEC_IMAGE_VOLUME_ANONYMOUS;
	else if (strcmp(value, "tmpfs") == 0)
		spec->image_volume = SPEC_IMAGE_VOLUME_TMPFS;
	else if (strcmp(value, "ignore") == 0)
		spec->image_volume = SPEC_IMAGE_VOLUME_IGNORE;
	else
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid image volume mode \"%s\" required value: bind, tmpfs, "
				 "ignore",
				 value);
	return true;
}

bool spec_set_remove_image(ContainerSpec *spec, const char *value, GError **error)
{
	spec->remove_image = strcmp(value, "true") == 0;
	spec->remove |= spec->remove_image;
	return true;
}

/* One KEY=VALUE of --secret. *out_file: it only goes with a file. */
static bool set_secret_key(SpecSecret *secret, const char *pair, bool *out_file, GError **error)
{
	const char *value = strchr(pair, '=');
	uint64_t id = 0;
	if (!value)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "option %s must be in form option=value: parsing secret", pair);
	if (value[1] == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "option %s invalid: parsing secret",
				 pair);
	g_autofree char *key = g_strndup(pair, value++ - pair);
	if (strcmp(key, "source") == 0)
		return set_string(&secret->name, value);
	if (strcmp(key, "target") == 0)
		return set_string(&secret->target, value);
	if (strcmp(key, "type") == 0) {
		secret->env = strcmp(value, "env") == 0;
		return secret->env || strcmp(value, "mount") == 0 ||
		       error_set(error, ENGINE_ERROR_INVALID, "type %s is invalid: parsing secret",
				 value);
	}
	*out_file = true;
	if (strcmp(key, "mode") == 0) {
		size_t length = strlen(value);
		secret->mode = (uint32_t)g_ascii_strtoull(value, NULL, 8);
		return (length <= 5 && strspn(value, "01234567") == length &&
			secret->mode <= 07777) ||
		       error_set(error, ENGINE_ERROR_INVALID, "mode %s invalid: parsing secret",
				 value);
	}
	if (strcmp(key, "uid") != 0 && strcmp(key, "gid") != 0)
		return error_set(error, ENGINE_ERROR_INVALID, "option %s invalid: parsing secret",
				 pair);
	if (!units_parse_uint(value, G_MAXUINT32 - 1, &id, NULL))
		return error_set(error, ENGINE_ERROR_INVALID, "%s %s invalid: parsing secret",
				 *key == 'u' ? "UID" : "GID", value);
	*(*key == 'u' ? &secret->uid : &secret->gid) = (uint32_t)id;
	return true;
}

/* Where it goes: a variable of its own name, or a file below /run/secrets. */
static bool set_secret_target(SpecSecret *secret, GError **error)
{
	const char *target = secret->target ? secret->target : secret->name;
	if (secret->env) {
		if (!secret->target)
			secret->target = g_strdup(target);
		return !strchr(secret->target, '=') ||
		       error_set(error, ENGINE_ERROR_INVALID,
				 "target %s is no name of a variable: parsing secret", target);
	}
	g_autofree char *full =
		*target == '/' ? g_strdup(target) : g_strconcat("/run/secrets/", target, NULL);
	g_autofree char *clean = path_clean(full);
	if (strcmp(clean, "/") == 0 || strcmp(clean, "/run/secrets") == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "target %s invalid: parsing secret",
				 target);
	g_free(secret->target);
	secret->target = g_steal_pointer(&clean);
	return true;
}

/* SECRET, or SECRET,KEY=VALUE... */
static bool parse_secret(SpecSecret *secret, const char *value, GError **error)
{
	bool file = false;
	if (!strchr(value, ',') && !g_str_has_prefix(value, "source=")) {
		secret->name = g_strdup(value);
		return *value ? set_secret_target(secret, error)
			      : error_set(error, ENGINE_ERROR_NOT_FOUND,
					  "no secret with name or id \"\": no such secret");
	}
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	char **part = parts;
	if (!strchr(*part, '='))
		secret->name = g_strdup(*part++);
	for (; *part; part++)
		if (!set_secret_key(secret, *part, &file, error))
			return false;
	if (file && secret->env)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "UID, GID, Mode options cannot be set with secret type env: "
				 "parsing secret");
	if (!secret->name || *secret->name == '\0')
		return error_set(error, ENGINE_ERROR_INVALID, "no source found %s: parsing secret",
				 value);
	return set_secret_target(secret, error);
}

bool spec_add_secret(ContainerSpec *spec, const char *value, GError **error)
{
	SpecSecret *secret = g_new0(SpecSecret, 1);
	secret->mode = 0444;
	g_ptr_array_add(spec->secrets, secret);
	if (parse_secret(secret, value, error))
		return true;
	g_ptr_array_set_size(spec->secrets, (int)spec->secrets->len - 1);
	return false;
}

/* Mark descriptor @fd; whether it is open is seen later. */
static bool preserve(ContainerSpec *spec, uint64_t fd)
{
	size_t length = spec->preserve ? strlen(spec->preserve) : 0;
	size_t place = (size_t)fd - 3;
	if (place >= length) {
		spec->preserve = g_realloc(spec->preserve, place + 2);
		memset(spec->preserve + length, '0', place + 1 - length);
		spec->preserve[place + 1] = '\0';
	}
	spec->preserve[place] = '1';
	return true;
}

bool spec_set_preserve_fds(ContainerSpec *spec, const char *value, GError **error)
{
	uint64_t n = 0;
	g_clear_pointer(&spec->preserve, g_free);
	if (!units_parse_uint(value, G_MAXUINT32, &n, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseUint: parsing \"%s\": invalid syntax", value);
	if (n > LAUNCH_PRESERVE_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "at most %d can be preserved",
				 LAUNCH_PRESERVE_MAX);
	for (uint64_t i = 0; i < n; i++)
		(void)preserve(spec, i + 3);
	return true;
}

bool spec_add_preserve_fd(ContainerSpec *spec, const char *value, GError **error)
{
	uint64_t fd = 0;
	if (!units_parse_uint(value, LAUNCH_PRESERVE_MAX + 2, &fd, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseUint: parsing \"%s\": invalid syntax", value);
	/* The first three are the container's own in any case. */
	return fd < 3 || preserve(spec, fd);
}

void spec_preserve_activated(ContainerSpec *spec, int n)
{
	for (int i = 0; i < n; i++)
		(void)preserve(spec, (uint64_t)i + 3);
}

bool spec_set_sdnotify(ContainerSpec *spec, const char *value, GError **error)
{
	static const struct {
		const char *name;
		SpecNotify mode;
	} modes[] = {
		{"", SPEC_NOTIFY_DEFAULT},      {"container", SPEC_NOTIFY_CONTAINER},
		{"conmon", SPEC_NOTIFY_CONMON}, {"healthy", SPEC_NOTIFY_HEALTHY},
		{"ignore", SPEC_NOTIFY_IGNORE},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (strcmp(value, modes[i].name) != 0)
			continue;
		spec->sdnotify = modes[i].mode;
		return true;
	}
	return error_set(
		error, ENGINE_ERROR_INVALID,
		"invalid sdnotify value \"%s\": must be container, conmon, healthy or ignore: "
		"invalid argument",
		value);
}

bool spec_set_systemd(ContainerSpec *spec, const char *value, GError **error)
{
	return systemd_mode_parse(value, &spec->systemd_asked, error);
}

bool spec_check_preserved(const ContainerSpec *spec, GError **error)
{
	for (int i = 0; spec->preserve && spec->preserve[i]; i++)
		if (spec->preserve[i] == '1' && fcntl(i + 3, F_GETFD) < 0)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "file descriptor %d is not available - the preserve-fds "
					 "option requires that file descriptors must be passed",
					 i + 3);
	return true;
}

/* Remember which option asks for a network with addresses of its own. */
static bool need_network(ContainerSpec *spec, const char *option)
{
	if (!spec->network_only)
		spec->network_only = g_strdup(option);
	return true;
}

bool spec_set_ip(ContainerSpec *spec, const char *value, GError **error)
{
	struct in_addr address;
	if (inet_pton(AF_INET, value, &address) != 1)
		return error_set(error, ENGINE_ERROR_INVALID, "\"%s\" is not an ip address", value);
	return attachment_set_ip(spec->network->typed, value, error) && need_network(spec, "ip");
}

bool spec_set_ip6(ContainerSpec *spec, const char *value, GError **error)
{
	struct in6_addr address;
	if (inet_pton(AF_INET6, value, &address) != 1)
		return error_set(error, ENGINE_ERROR_INVALID, "\"%s\" is not an ip address", value);
	return attachment_set_ip(spec->network->typed, value, error) && need_network(spec, "ip6");
}

bool spec_set_mac_address(ContainerSpec *spec, const char *value, GError **error)
{
	size_t length = strlen(value);
	bool valid = length == 17;
	for (size_t i = 0; valid && i < length; i++)
		valid = i % 3 == 2 ? value[i] == ':' || value[i] == '-'
				   : g_ascii_isxdigit(value[i]);
	if (!valid)
		return error_set(error, ENGINE_ERROR_INVALID, "address %s: invalid MAC address",
				 value);
	g_autofree char *mac = g_strdelimit(g_strdup(value), "-", ':');
	return attachment_set_mac(spec->network->typed, mac, error) &&
	       need_network(spec, "mac-address");
}

bool spec_add_network_alias(ContainerSpec *spec, const char *value, GError **error)
{
	return attachment_add_alias(spec->network->typed, value, error) &&
	       need_network(spec, "network-alias");
}
