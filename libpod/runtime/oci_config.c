/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/oci_config.h"

#include <string.h>

static void free_mount(gpointer element)
{
	OciMount *mount = element;
	g_free(mount->destination);
	g_free(mount->type);
	g_free(mount->source);
	g_strfreev(mount->options);
	g_free(mount);
}

static void free_device(gpointer element)
{
	OciDevice *device = element;
	g_free(device->path);
	g_free(device->host_path);
	g_free(device);
}

static void free_secret(gpointer element)
{
	OciSecret *secret = element;
	g_free(secret->path);
	g_free(secret->env);
	g_free(secret);
}

OciConfig *oci_config_new(void)
{
	OciConfig *config = g_new0(OciConfig, 1);
	config->rlimits = g_array_new(FALSE, FALSE, sizeof(OciRlimit));
	config->mounts = g_ptr_array_new_with_free_func(free_mount);
	config->devices = g_ptr_array_new_with_free_func(free_device);
	config->secrets = g_ptr_array_new_with_free_func(free_secret);
	return config;
}

void oci_config_free(OciConfig *config)
{
	if (!config)
		return;
	char *strings[] = {config->root_path,    config->hostname,         config->user_spec,
			   config->cwd,          config->apparmor_profile, config->selinux_label,
			   config->cgroups_path, config->mount_label,      config->passwd_entry,
			   config->group_entry,  config->domainname};
	for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
		g_free(strings[i]);
	char **lists[] = {config->extra_groups, config->args, config->env, config->masked_paths,
			  config->readonly_paths};
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		g_strfreev(lists[i]);
	for (size_t i = 0; i < OCI_NS_COUNT; i++)
		g_free(config->namespaces[i].path);
	idmap_free(config->user_map);
	g_clear_pointer(&config->rlimits, g_array_unref);
	g_clear_pointer(&config->mounts, g_ptr_array_unref);
	g_clear_pointer(&config->devices, g_ptr_array_unref);
	g_clear_pointer(&config->secrets, g_ptr_array_unref);
	g_clear_pointer(&config->sysctl, g_hash_table_unref);
	g_clear_pointer(&config->annotations, g_hash_table_unref);
	resources_clear(&config->resources);
	g_free(config);
}

void oci_config_add_mount(OciConfig *config, const char *destination, const char *type,
			  const char *source, const char *const *options)
{
	OciMount *mount = g_new0(OciMount, 1);
	mount->destination = g_strdup(destination);
	mount->type = g_strdup(type);
	mount->source = g_strdup(source);
	mount->options = options ? g_strdupv((char **)options) : g_new0(char *, 1);
	g_ptr_array_add(config->mounts, mount);
}

OciSecret *oci_config_add_secret(OciConfig *config)
{
	OciSecret *secret = g_new0(OciSecret, 1);
	g_ptr_array_add(config->secrets, secret);
	return secret;
}

bool oci_config_divides_cgroup(const OciConfig *config)
{
	for (guint i = 0; i < config->mounts->len; i++) {
		const OciMount *mount = g_ptr_array_index(config->mounts, i);
		if (strcmp(mount->type, "cgroup") == 0)
			return g_strv_contains((const char *const *)mount->options, "rw");
	}
	return false;
}

void oci_config_seal_cgroup(OciConfig *config)
{
	for (guint i = 0; i < config->mounts->len; i++) {
		OciMount *mount = g_ptr_array_index(config->mounts, i);
		bool is_cgroup = strcmp(mount->type, "cgroup") == 0;
		for (char **option = mount->options; is_cgroup && *option; option++)
			if (strcmp(*option, "rw") == 0)
				(*option)[1] = 'o';
	}
}
