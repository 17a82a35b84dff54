/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/systemd_mode.h"

#include <signal.h>
#include <string.h>

#include "libpod/base/error.h"

#define STOP_OFFSET 3  /* SIGRTMIN+3: halt (systemd(1)) */
#define UUID_DIGITS 32 /* of the container's id */

bool systemd_mode_parse(const char *text, SpecSystemd *out_mode, GError **error)
{
	static const char *const words[] = {
		[SPEC_SYSTEMD_AUTO] = "true",
		[SPEC_SYSTEMD_OFF] = "false",
		[SPEC_SYSTEMD_ALWAYS] = "always",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_ascii_strcasecmp(text, words[i]) != 0)
			continue;
		*out_mode = (SpecSystemd)i;
		return true;
	}
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid config provided: --systemd values must be one of \"true, false, "
			 "always\": invalid configuration");
}

bool systemd_mode_is_command(const char *program)
{
	static const char *const paths[] = {"/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"};
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		if (strcmp(program, paths[i]) == 0)
			return true;
	const char *slash = strrchr(program, '/');
	return strcmp(slash ? slash + 1 : program, "systemd") == 0;
}

void systemd_mode_resolve(ContainerSpec *spec)
{
	spec->systemd = spec->systemd_asked == SPEC_SYSTEMD_ALWAYS ||
			(spec->systemd_asked == SPEC_SYSTEMD_AUTO && spec->args && spec->args[0] &&
			 systemd_mode_is_command(spec->args[0]));
	if (spec->systemd && spec->stop_signal == 0)
		spec->stop_signal = SIGRTMIN + STOP_OFFSET;
}

bool systemd_mode_has_namespace(const ContainerSpec *spec)
{
	return spec->cgroup.mode == SPEC_NS_DEFAULT || spec->cgroup.mode == SPEC_NS_PRIVATE;
}

static bool has_mount(const ContainerSpec *spec, const char *destination)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (strcmp(mount->destination, destination) == 0)
			return true;
	}
	return false;
}

void systemd_mode_add_mounts(OciConfig *config, const ContainerSpec *spec)
{
	static const char *const places[] = {"/run", "/run/lock", "/tmp", "/var/log/journal"};
	const char *const options[] = {"rw", "rprivate", "nosuid", "nodev", "copyup", NULL};
	for (size_t i = 0; spec->systemd && i < G_N_ELEMENTS(places); i++)
		if (!has_mount(spec, places[i]))
			oci_config_add_mount(config, places[i], "tmpfs", "tmpfs", options);
}

void systemd_mode_add_env(OciConfig *config, const ContainerSpec *spec, const char *id)
{
	g_autofree char *uuid = g_strndup(id, UUID_DIGITS);
	if (spec->systemd)
		config->env = g_environ_setenv(config->env, "container_uuid", uuid, FALSE);
}
