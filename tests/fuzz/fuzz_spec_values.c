/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setter of a spec: lines of "SETTER VALUE" (an unknown name picks a setter by its bytes)
 * fill one spec. A refusal must carry an error, and what was taken must come back from its record
 * as it was.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "libpod/spec_parse.h"
#include "libpod/spec_resolve.h"

#define LINES_MAX 64

#define ROW(name)                                                                                  \
	{                                                                                          \
#name, spec_##name                                                                 \
	}

static const struct {
	const char *name;
	SpecSetter set;
} setters[] = {
	ROW(set_name),
	ROW(set_rootfs),
	ROW(add_label),
	ROW(set_restart),
	ROW(set_pull),
	ROW(set_platform),
	ROW(set_cidfile),
	ROW(set_log_driver),
	ROW(add_log_opt),
	ROW(set_timeout),
	ROW(set_stop_timeout),
	ROW(set_stop_signal),
	ROW(add_attach),
	ROW(set_detach_keys),
	ROW(set_entrypoint),
	ROW(add_env),
	ROW(set_workdir),
	ROW(set_user),
	ROW(add_group),
	ROW(add_cap_add),
	ROW(add_cap_drop),
	ROW(add_security_opt),
	ROW(add_device),
	ROW(add_ulimit),
	ROW(add_sysctl),
	ROW(set_pids_limit),
	ROW(set_shm_size),
	ROW(set_userns),
	ROW(add_uidmap),
	ROW(add_gidmap),
	ROW(set_pid),
	ROW(set_ipc),
	ROW(set_uts),
	ROW(set_cgroupns),
	ROW(set_domainname),
	ROW(set_hostname),
	ROW(set_network),
	ROW(add_publish),
	ROW(add_expose),
	ROW(add_host),
	ROW(add_dns),
	ROW(add_dns_search),
	ROW(add_dns_option),
	ROW(add_volume),
	ROW(add_mount),
	ROW(add_tmpfs),
	ROW(set_http_proxy),
	ROW(set_memory),
	ROW(set_memory_swap),
	ROW(set_memory_reservation),
	ROW(set_memory_swappiness),
	ROW(set_cpus),
	ROW(set_cpu_period),
	ROW(set_cpu_quota),
	ROW(set_cpu_shares),
	ROW(set_cpuset_cpus),
	ROW(set_cpuset_mems),
	ROW(set_blkio_weight),
	ROW(add_blkio_weight_device),
	ROW(add_device_read_bps),
	ROW(add_device_write_iops),
	ROW(add_cgroup_conf),
	ROW(set_oom_score_adj),
	ROW(set_cgroups),
	ROW(set_cgroup_parent),
	ROW(add_annotation),
	ROW(add_device_read_iops),
	ROW(add_device_write_bps),
	ROW(add_env_merge),
	ROW(add_gpu),
	ROW(add_network_alias),
	ROW(add_preserve_fd),
	ROW(add_requires),
	ROW(add_secret),
	ROW(add_unset_env),
	ROW(add_volumes_from),
	ROW(set_group_entry),
	ROW(set_health_cmd),
	ROW(set_health_interval),
	ROW(set_health_log_count),
	ROW(set_health_log_destination),
	ROW(set_health_log_size),
	ROW(set_health_on_failure),
	ROW(set_health_retries),
	ROW(set_health_start_period),
	ROW(set_health_startup_cmd),
	ROW(set_health_startup_interval),
	ROW(set_health_startup_retries),
	ROW(set_health_startup_success),
	ROW(set_health_startup_timeout),
	ROW(set_health_timeout),
	ROW(set_hosts_file),
	ROW(set_image_volume),
	ROW(set_ip),
	ROW(set_ip6),
	ROW(set_mac_address),
	ROW(set_monitor_pid_file),
	ROW(set_passwd_entry),
	ROW(set_pid_file),
	ROW(set_preserve_fds),
	ROW(set_remove_image),
	ROW(set_sdnotify),
	ROW(set_timezone),
	ROW(set_umask),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void apply_line(ContainerSpec *spec, char *line)
{
	g_autoptr(GError) error = NULL;
	char *value = strchr(line, ' ');
	unsigned sum = 0;
	if (value)
		*value++ = '\0';
	else
		value = line;
	if (strcmp(line, "add_env_text") == 0) {
		g_strdelimit(value, "|", '\n');
		g_assert_cmpint(spec_add_env_text(spec, value, "f", &error), ==, error == NULL);
		return;
	}
	size_t row = G_N_ELEMENTS(setters);
	for (size_t i = 0; i < G_N_ELEMENTS(setters); i++)
		if (strcmp(line, setters[i].name) == 0)
			row = i;
	for (const char *at = line; row == G_N_ELEMENTS(setters) && *at != '\0'; at++)
		sum = sum * 31 + (unsigned char)*at;
	if (row == G_N_ELEMENTS(setters))
		row = sum % G_N_ELEMENTS(setters);
	bool ok = setters[row].set(spec, value, &error);
	g_assert_cmpint(ok, ==, error == NULL);
	g_assert_true(ok || *error->message != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	/* Arguments of a command line that are not UTF-8 cannot be recorded: the front end refuses
	 * them. */
	if (!g_utf8_validate(text, -1, NULL))
		return 0;
	g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX);
	g_autoptr(ContainerSpec) spec = spec_new();
	for (char **line = lines; *line; line++)
		apply_line(spec, *line);

	g_autoptr(GError) error = NULL;
	g_assert_cmpint(spec_check(spec, &error), ==, error == NULL);
	g_clear_error(&error);
	g_autoptr(Json) json = spec_to_json(spec);
	g_autoptr(ContainerSpec) back = spec_from_json(json, &error);
	if (!back) {
		/* Ranges that overlap are refused when the map is complete: by spec_resolve(). */
		g_assert_nonnull(spec->id_map);
		return 0;
	}
	g_autoptr(Json) again = spec_to_json(back);
	g_assert_cmpstr(js_text(json), ==, js_text(again));
	return 0;
}
