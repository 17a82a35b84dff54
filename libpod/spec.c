/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/spec.h"

#include <errno.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/spec_priv.h"

static void device_free(void *data)
{
	SpecDevice *device = data;
	g_free(device->host_path);
	g_free(device->path);
	g_free(device->permissions);
	g_free(device);
}

GPtrArray *spec_device_list_new(void)
{
	return g_ptr_array_new_with_free_func(device_free);
}

static void mount_free_void(void *data)
{
	spec_mount_free(data);
}

static GHashTable *string_map_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

ContainerSpec *spec_new(void)
{
	ContainerSpec *spec = g_new0(ContainerSpec, 1);
	spec->labels = string_map_new();
	spec->annotations = string_map_new();
	spec->sysctl = string_map_new();
	spec->env_asked = g_ptr_array_new_with_free_func(g_free);
	spec->devices = spec_device_list_new();
	spec->ulimits = g_array_new(FALSE, FALSE, sizeof(OciRlimit));
	spec->mounts = g_ptr_array_new_with_free_func(mount_free_void);
	spec->network = network_request_new();
	spec->network->mode = NETWORK_SLIRP;
	spec->stop_timeout = -1;
	spec->health_asked.retries = spec->health_asked.startup_retries = -1;
	spec->health_asked.startup_success = -1;
	spec->health_asked.log_count = spec->health_asked.log_size = -1;
	spec->read_only_tmpfs = true;
	spec->sig_proxy = true;
	spec->http_proxy = true;
	return spec;
}

static void free_process(ContainerSpec *spec)
{
	g_strfreev(spec->command);
	g_strfreev(spec->entrypoint);
	g_strfreev(spec->args);
	g_ptr_array_unref(spec->env_asked);
	g_strfreev(spec->env_defaults);
	g_strfreev(spec->env);
	g_free(spec->workdir);
	g_free(spec->user);
	g_strfreev(spec->group_add);
	g_free(spec->stop_signal_text);
}

static void free_privileges(ContainerSpec *spec)
{
	g_strfreev(spec->cap_add);
	g_strfreev(spec->cap_drop);
	g_free(spec->seccomp_profile);
	g_strfreev(spec->mask);
	g_strfreev(spec->unmask);
	g_free(spec->apparmor_profile);
	g_ptr_array_unref(spec->devices);
	g_array_unref(spec->ulimits);
	g_hash_table_unref(spec->sysctl);
}

/* One part of spec_free(). */
static void free_namespaces_and_network(ContainerSpec *spec)
{
	g_free(spec->userns_target);
	idmap_free(spec->id_map);
	g_free(spec->pid.target);
	g_free(spec->ipc.target);
	g_free(spec->uts.target);
	g_free(spec->cgroup.target);
	g_free(spec->hostname);
	network_request_free(spec->network);
	g_strfreev(spec->exposed);
	g_strfreev(spec->add_host);
	g_strfreev(spec->dns);
	g_strfreev(spec->dns_search);
	g_strfreev(spec->dns_option);
}

static void free_health(ContainerSpec *spec)
{
	SpecHealth *asked = &spec->health_asked;
	char *texts[] = {asked->cmd,
			 asked->interval,
			 asked->timeout,
			 asked->start_period,
			 asked->startup_cmd,
			 asked->startup_interval,
			 asked->startup_timeout,
			 asked->log_destination};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	health_config_free(spec->health);
}

void spec_free(ContainerSpec *spec)
{
	if (!spec)
		return;
	g_free(spec->name);
	g_free(spec->image);
	g_free(spec->image_id);
	g_free(spec->image_name);
	g_free(spec->rootfs);
	g_hash_table_unref(spec->labels);
	g_hash_table_unref(spec->annotations);
	free_process(spec);
	free_privileges(spec);
	free_namespaces_and_network(spec);
	free_health(spec);
	g_ptr_array_unref(spec->mounts);
	g_free(spec->platform);
	g_free(spec->cidfile);
	g_free(spec->log_path);
	g_free(spec->log_tag);
	g_free(spec->detach_keys);
	g_strfreev(spec->attach);
	g_strfreev(spec->create_command);
	g_free(spec);
}

SpecMount *spec_mount_new(SpecMountKind kind, const char *source, const char *destination)
{
	SpecMount *mount = g_new0(SpecMount, 1);
	mount->kind = kind;
	mount->source = g_strdup(source);
	mount->destination = g_strdup(destination);
	mount->copy_up = kind != SPEC_MOUNT_BIND;
	mount->options = g_new0(char *, 1);
	return mount;
}

void spec_mount_free(SpecMount *mount)
{
	if (!mount)
		return;
	g_free(mount->source);
	g_free(mount->destination);
	g_free(mount->propagation);
	g_free(mount->subpath);
	g_strfreev(mount->options);
	g_free(mount);
}

void spec_strv_take(char ***strv, char *value)
{
	size_t n = *strv ? g_strv_length(*strv) : 0;
	*strv = g_renew(char *, *strv, n + 2);
	(*strv)[n] = value;
	(*strv)[n + 1] = NULL;
}

void spec_strv_append(char ***strv, const char *value)
{
	spec_strv_take(strv, g_strdup(value));
}

bool spec_fail_errno(GError **error, const char *call, const char *path)
{
	int number = errno;
	g_autofree char *reason = g_strdup(g_strerror(number));
	reason[0] = g_ascii_tolower(reason[0]);
	return error_set(error, number == ENOENT ? ENGINE_ERROR_NOT_FOUND : ENGINE_ERROR_SYSTEM,
			 "%s %s: %s", call, path, reason);
}

bool spec_has_control(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return true;
	return false;
}
