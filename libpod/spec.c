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

static void secret_free_void(void *data)
{
	SpecSecret *secret = data;
	g_free(secret->name);
	g_free(secret->id);
	g_free(secret->target);
	g_free(secret->digest);
	g_clear_pointer(&secret->data, g_bytes_unref);
	g_free(secret);
}

SpecSecret *spec_secret_new(const char *name, const char *target, GBytes *data)
{
	SpecSecret *secret = g_new0(SpecSecret, 1);
	secret->name = g_strdup(name);
	secret->target = g_strdup(target);
	secret->data = g_bytes_ref(data);
	secret->mode = 0444;
	return secret;
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
	spec->secrets = g_ptr_array_new_with_free_func(secret_free_void);
	spec->network = network_request_new();
	spec->network->mode = NETWORK_SLIRP;
	spec->stop_timeout = -1;
	spec->health_asked.retries = spec->health_asked.startup_retries = -1;
	spec->health_asked.startup_success = -1;
	spec->health_asked.log_count = spec->health_asked.log_size = -1;
	spec->read_only_tmpfs = true;
	spec->sig_proxy = true;
	spec->http_proxy = true;
	spec->passwd = true;
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
	g_strfreev(spec->env_merge);
	g_strfreev(spec->unset_env);
	g_strfreev(spec->group_add);
	g_free(spec->umask);
	g_free(spec->passwd_entry);
	g_free(spec->sub_uid_name);
	g_free(spec->sub_gid_name);
	g_free(spec->group_entry);
	g_free(spec->timezone);
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
	g_strfreev(spec->cdi_devices);
	g_strfreev(spec->cdi_dirs);
	g_array_unref(spec->ulimits);
	g_hash_table_unref(spec->sysctl);
	resources_clear(&spec->resources);
	g_free(spec->cgroup_parent);
	g_free(spec->limit_error);
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
	g_free(spec->domainname);
	network_request_free(spec->network);
	g_strfreev(spec->exposed);
	g_strfreev(spec->add_host);
	g_strfreev(spec->dns);
	g_strfreev(spec->dns_search);
	g_strfreev(spec->dns_option);
	g_free(spec->hosts_file);
	g_free(spec->network_only);
}

static void free_health(ContainerSpec *spec)
{
	SpecHealth *asked = &spec->health_asked;
	char *texts[] = {asked->cmd,
			 asked->interval,
			 asked->timeout,
			 asked->start_period,
			 asked->start_interval,
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
	g_strfreev(spec->layers);
	g_free(spec->layer_dir);
	g_hash_table_unref(spec->labels);
	g_hash_table_unref(spec->annotations);
	free_process(spec);
	free_privileges(spec);
	free_namespaces_and_network(spec);
	free_health(spec);
	g_ptr_array_unref(spec->mounts);
	g_ptr_array_unref(spec->secrets);
	g_free(spec->preserve);
	g_free(spec->platform);
	g_strfreev(spec->volumes_from);
	g_free(spec->cidfile);
	g_free(spec->pid_file);
	g_free(spec->monitor_pid_file);
	g_strfreev(spec->requires);
	g_free(spec->log_path);
	g_free(spec->log_tag);
	g_strfreev(spec->log_labels);
	g_free(spec->detach_keys);
	g_strfreev(spec->attach);
	g_free(spec->pod);
	g_free(spec->pod_name);
	g_free(spec->pod_cgroup);
	g_free(spec->pod_asked);
	g_free(spec->pod_id_file);
	g_strfreev(spec->create_command);
	g_free(spec);
}

SpecMount *spec_mount_new(SpecMountKind kind, const char *source, const char *destination)
{
	SpecMount *mount = g_new0(SpecMount, 1);
	mount->kind = kind;
	mount->source = g_strdup(source);
	mount->destination = g_strdup(destination);
	mount->copy_up = kind == SPEC_MOUNT_VOLUME || kind == SPEC_MOUNT_TMPFS;
	mount->read_only = kind == SPEC_MOUNT_IMAGE;
	mount->options = g_new0(char *, 1);
	return mount;
}

SpecMount *spec_mount_copy(const SpecMount *mount)
{
	SpecMount *copy = g_memdup2(mount, sizeof(*mount));
	copy->source = g_strdup(mount->source);
	copy->destination = g_strdup(mount->destination);
	copy->propagation = g_strdup(mount->propagation);
	copy->subpath = g_strdup(mount->subpath);
	copy->image_id = g_strdup(mount->image_id);
	copy->layers = g_strdupv(mount->layers);
	copy->options = g_strdupv(mount->options);
	return copy;
}

char **spec_dependencies(const ContainerSpec *spec)
{
	const SpecNamespace *const shared[] = {&spec->pid, &spec->ipc, &spec->uts, &spec->cgroup};
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	char **ids = g_new0(char *, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(shared); i++)
		if (shared[i]->mode == SPEC_NS_CONTAINER)
			g_ptr_array_add(all, shared[i]->target);
	if (spec->network->mode == NETWORK_CONTAINER)
		g_ptr_array_add(all, spec->network->target);
	if (spec->userns == SPEC_USERNS_CONTAINER)
		g_ptr_array_add(all, spec->userns_target);
	if (spec->pod_cgroup)
		g_ptr_array_add(all, spec->pod_cgroup);
	for (char **id = spec->requires; id && *id; id++)
		g_ptr_array_add(all, *id);
	for (guint i = 0; i < all->len; i++)
		if (!g_strv_contains((const char *const *)ids, all->pdata[i]))
			spec_strv_append(&ids, all->pdata[i]);
	return ids;
}

char *spec_timezone_path(const ContainerSpec *spec)
{
	if (!spec->timezone)
		return NULL;
	if (strcmp(spec->timezone, "local") == 0)
		return g_strdup("/etc/localtime");
	return g_build_filename("/usr/share/zoneinfo", spec->timezone, NULL);
}

void spec_mount_free(SpecMount *mount)
{
	if (!mount)
		return;
	g_free(mount->source);
	g_free(mount->destination);
	g_free(mount->propagation);
	g_free(mount->subpath);
	g_free(mount->image_id);
	g_strfreev(mount->layers);
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
