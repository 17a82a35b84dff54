/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters: one function per option grammar. Each parses one value and writes fields of one
 * ContainerSpec; none looks at images or containers, and of the host only at the working directory
 * (relative paths) and the files an option names (--env-file). All return false with INVALID, or
 * UNSUPPORTED for what podman takes and skiff does not, with the reason in podman's wording: the
 * front end puts option and value before it. Shared by every front end.
 *
 * Options that are given once overwrite, the others append; "once" and "list" below say which.
 */
#pragma once

#include "libpod/spec.h"

typedef bool (*SpecSetter)(ContainerSpec *spec, const char *value, GError **error);

/* Identity and life: spec_parse.c */

/** spec_set_name() - --name, once; "" is no name. */
bool spec_set_name(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_rootfs() - the DIR[:O] that stands for the image with --rootfs, once. */
bool spec_set_rootfs(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_label() - --label KEY[=VALUE], list. */
bool spec_add_label(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_restart() - --restart, once. */
bool spec_set_restart(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_init_ctr() - --init-ctr always|once. */
bool spec_set_init_ctr(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_pod() - --pod NAME, ID or new:NAME; empty: none. */
bool spec_set_pod(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_pod_id_file() - --pod-id-file FILE, read when the container is made. */
bool spec_set_pod_id_file(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_pull() - --pull, once. */
bool spec_set_pull(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_platform() - --platform OS/ARCH[/VARIANT], once. */
bool spec_set_platform(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cidfile() - --cidfile, once. */
bool spec_set_cidfile(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_log_driver() - --log-driver, once. */
bool spec_set_log_driver(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_log_opt() - --log-opt path=, max-size=, max-file=, tag=, label=; list. */
bool spec_add_log_opt(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_timeout() - --timeout seconds, 0 = none, once. */
bool spec_set_timeout(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_stop_timeout() - --stop-timeout seconds, once. */
bool spec_set_stop_timeout(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_stop_signal() - --stop-signal name or number, once. */
bool spec_set_stop_signal(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_attach() - -a stdin|stdout|stderr, any case, list. */
bool spec_add_attach(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_detach_keys() - --detach-keys "ctrl-p,ctrl-q", "" = none, once. */
bool spec_set_detach_keys(ContainerSpec *spec, const char *value, GError **error);

/* The process: spec_parse.c */

/** spec_set_entrypoint() - --entrypoint: a JSON array, one word, or "" to clear the image's; once.
 */
bool spec_set_entrypoint(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_env() - -e NAME=VALUE, NAME for the caller's value at resolve time, or PREFIX* for all
 * of the caller's whose names begin so; list. */
bool spec_add_env(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_env_file() - --env-file: a file of such lines, # comments; they come before all -e.
 * List. */
bool spec_add_env_file(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_env_text() - the lines of such a file; @name stands in errors. */
bool spec_add_env_text(ContainerSpec *spec, const char *text, const char *name, GError **error);
/** spec_set_http_proxy() - --http-proxy true|false: pass our proxy variables on, once. */
bool spec_set_http_proxy(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_workdir() - -w, an absolute path, once. */
bool spec_set_workdir(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_user() - -u user[:group], once. */
bool spec_set_user(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_group() - --group-add, list. */
bool spec_add_group(ContainerSpec *spec, const char *value, GError **error);

/* What surrounds the process: spec_parse_extra.c */

/** spec_add_env_merge() - --env-merge NAME=VALUE with ${NAME} of the image's environment, list. */
bool spec_add_env_merge(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_unset_env() - --unsetenv NAME, list. */
bool spec_add_unset_env(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_annotation() - --annotation KEY=VALUE, list. */
bool spec_add_annotation(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_label_file() - --label-file: a file of KEY[=VALUE] lines, # comments, list. */
bool spec_add_label_file(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_umask() - --umask, one to four octal digits, once. */
bool spec_set_umask(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_timezone() - --tz local or a name below the host's zoneinfo, once. */
bool spec_set_timezone(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_passwd_entry() - --passwd-entry, a line with $USERNAME $UID $GID $NAME $HOME, once. */
bool spec_set_passwd_entry(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_group_entry() - --group-entry, a line with $GROUPNAME $GID $USERLIST, once. */
bool spec_set_group_entry(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_hosts_file() - --hosts-file PATH|none|image, once. */
bool spec_set_hosts_file(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_pid_file() - --pidfile PATH, once. */
bool spec_set_pid_file(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_monitor_pid_file() - --conmon-pidfile PATH, once. */
bool spec_set_monitor_pid_file(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_requires() - --requires CONTAINER, list. */
bool spec_add_requires(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_volumes_from() - --volumes-from CONTAINER[:ro,rw,z], list. */
bool spec_add_volumes_from(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_image_volume() - --image-volume bind|anonymous|tmpfs|ignore, once. */
bool spec_set_image_volume(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_remove_image() - --rmi true|false; true implies --rm. */
bool spec_set_remove_image(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_secret() - --secret NAME[,type=mount|env,target=,uid=,gid=,mode=], list. */
bool spec_add_secret(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_sdnotify() - --sdnotify container|conmon|healthy|ignore. */
bool spec_set_sdnotify(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_systemd() - --systemd true|false|always. */
bool spec_set_systemd(ContainerSpec *spec, const char *value, GError **error);
/** spec_preserve_activated() - also descriptors 3 to @n+2, which a service manager gave us. */
void spec_preserve_activated(ContainerSpec *spec, int n);
/** spec_set_preserve_fds() - --preserve-fds N: descriptors 3 to N+2, once. */
bool spec_set_preserve_fds(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_preserve_fd() - --preserve-fd FD, list. */
bool spec_add_preserve_fd(ContainerSpec *spec, const char *value, GError **error);
/** spec_check_preserved() - are they open? Before this process opens anything itself. */
bool spec_check_preserved(const ContainerSpec *spec, GError **error);
/** spec_set_ip() - --ip: checked, and refused by spec_check() without a named network; likewise the
 * next three. */
bool spec_set_ip(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_ip6() - --ip6. */
bool spec_set_ip6(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_mac_address() - --mac-address. */
bool spec_set_mac_address(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_network_alias() - --network-alias. */
bool spec_add_network_alias(ContainerSpec *spec, const char *value, GError **error);
/* Health checks: spec_parse_health.c; all once. Commands and times are checked by spec_check(). */

/** spec_set_health_cmd() - --health-cmd COMMAND: a line for the shell, a JSON array, or "none". */
bool spec_set_health_cmd(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_interval() - --health-interval DURATION, or "disable". */
bool spec_set_health_interval(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_timeout() - --health-timeout DURATION. */
bool spec_set_health_timeout(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_start_period() - --health-start-period DURATION. */
bool spec_set_health_start_period(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_start_interval() - DURATION between probes in that time; no option of podman's.
 */
bool spec_set_health_start_interval(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_startup_cmd() - --health-startup-cmd COMMAND. */
bool spec_set_health_startup_cmd(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_startup_interval() - --health-startup-interval DURATION. */
bool spec_set_health_startup_interval(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_startup_timeout() - --health-startup-timeout DURATION. */
bool spec_set_health_startup_timeout(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_retries() - --health-retries NUMBER. */
bool spec_set_health_retries(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_startup_retries() - --health-startup-retries NUMBER, 0 = no limit. */
bool spec_set_health_startup_retries(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_startup_success() - --health-startup-success NUMBER, 0 = one. */
bool spec_set_health_startup_success(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_log_count() - --health-max-log-count NUMBER, 0 = no limit. */
bool spec_set_health_log_count(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_log_size() - --health-max-log-size BYTES, 0 = no limit. */
bool spec_set_health_log_size(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_on_failure() - --health-on-failure none|kill|restart|stop. */
bool spec_set_health_on_failure(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_health_log_destination() - --health-log-destination local|events_logger|DIRECTORY. */
bool spec_set_health_log_destination(ContainerSpec *spec, const char *value, GError **error);

/* Privileges and limits: spec_parse_security.c */

/** spec_add_cap_add() - --cap-add NAME|ALL, list. */
bool spec_add_cap_add(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_cap_drop() - --cap-drop NAME|ALL, list. */
bool spec_add_cap_drop(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_security_opt() - --security-opt NAME=VALUE, list. */
bool spec_add_security_opt(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_device() - --device HOST[:CONTAINER][:rwm] or VENDOR/CLASS=NAME, list. */
bool spec_add_device(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_gpu() - --gpus all or a GPU's name or number, through CDI; list. */
bool spec_add_gpu(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_ulimit() - --ulimit NAME=SOFT[:HARD] or host, list; a name given again replaces. */
bool spec_add_ulimit(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_sysctl() - --sysctl KEY=VALUE of the network, IPC and mqueue families, list. */
bool spec_add_sysctl(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_pids_limit() - --pids-limit, 0 and less = none, once. */
bool spec_set_pids_limit(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_shm_size() - --shm-size, once. */
bool spec_set_shm_size(ContainerSpec *spec, const char *value, GError **error);

/*
 * What a container may use: spec_parse_limits.c. What is wrong with most of these values is said by
 * spec_check_limits(), as podman says it after its flags.
 */

/** spec_set_memory() - -m SIZE; unless --memory-swap says otherwise, as much may be swap. */
bool spec_set_memory(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_memory_swap() - --memory-swap, memory and swap together; -1 = no limit. */
bool spec_set_memory_swap(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_memory_reservation() - --memory-reservation, what is taken last. */
bool spec_set_memory_reservation(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_memory_swappiness() - --memory-swappiness, which only cgroup v1 has. */
bool spec_set_memory_swappiness(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cpus() - --cpus, a quota in parts of a CPU. */
bool spec_set_cpus(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cpu_period() - --cpu-period in microseconds; likewise the next. */
bool spec_set_cpu_period(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cpu_quota() - --cpu-quota; negative = no limit. */
bool spec_set_cpu_quota(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cpu_shares() - -c, the weight of version 1: 1024 is normal. */
bool spec_set_cpu_shares(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cpuset_cpus() - --cpuset-cpus 0-2,7; likewise the next. */
bool spec_set_cpuset_cpus(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cpuset_mems() - --cpuset-mems. */
bool spec_set_cpuset_mems(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_blkio_weight() - --blkio-weight, 10 to 1000. */
bool spec_set_blkio_weight(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_blkio_weight_device() - --blkio-weight-device DEVICE:WEIGHT, list. */
bool spec_add_blkio_weight_device(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_device_read_bps() - --device-read-bps DEVICE:SIZE, list; likewise the next three. */
bool spec_add_device_read_bps(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_device_write_bps() - --device-write-bps. */
bool spec_add_device_write_bps(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_device_read_iops() - --device-read-iops DEVICE:NUMBER. */
bool spec_add_device_read_iops(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_device_write_iops() - --device-write-iops. */
bool spec_add_device_write_iops(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_cgroup_conf() - --cgroup-conf FILE=VALUE of the container's cgroup, list. */
bool spec_add_cgroup_conf(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_oom_score_adj() - --oom-score-adj, -1000 to 1000. */
bool spec_set_oom_score_adj(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cgroups() - --cgroups enabled|disabled|no-conmon|split. */
bool spec_set_cgroups(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cgroup_parent() - --cgroup-parent SLICE or path. */
bool spec_set_cgroup_parent(ContainerSpec *spec, const char *value, GError **error);
/** spec_check_limits() - what is wrong with the values above. INVALID, COMMAND_NOT_EXECUTABLE. */
bool spec_check_limits(const ContainerSpec *spec, GError **error);
/** spec_check_memory() - do the sizes go together? INVALID. */
bool spec_check_memory(const OciResources *resources, GError **error);

/* Namespaces and network: spec_parse_namespace.c */

/** spec_set_sub_uid_name(), spec_set_sub_gid_name() - --subuidname, --subgidname. */
bool spec_set_sub_uid_name(ContainerSpec *spec, const char *value, GError **error);
bool spec_set_sub_gid_name(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_userns() - --userns, once. */
bool spec_set_userns(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_uidmap() - --uidmap CONTAINER:HOST[:COUNT], list. */
bool spec_add_uidmap(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_gidmap() - --gidmap, list. */
bool spec_add_gidmap(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_pid() - --pid host|private|container:X|ns:PATH, once; likewise the next three. */
bool spec_set_pid(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_ipc() - --ipc, also shareable. */
bool spec_set_ipc(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_uts() - --uts. */
bool spec_set_uts(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_cgroupns() - --cgroupns. */
bool spec_set_cgroupns(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_hostname() - --hostname, once. */
bool spec_set_hostname(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_domainname() - --domainname, docker's: what follows the host name; once. */
bool spec_set_domainname(ContainerSpec *spec, const char *value, GError **error);
/** spec_set_network() - --network, see network_request_parse(), once. */
bool spec_set_network(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_publish() - -p, see portmap_parse(), list. */
bool spec_add_publish(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_expose() - --expose PORT[-PORT][/PROTOCOL], list. */
bool spec_add_expose(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_host() - --add-host NAME:IP, list. */
bool spec_add_host(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_dns() - --dns ADDRESS, list. */
bool spec_add_dns(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_dns_search() - --dns-search DOMAIN, "." for none; list. */
bool spec_add_dns_search(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_dns_option() - --dns-option, list. */
bool spec_add_dns_option(ContainerSpec *spec, const char *value, GError **error);

/* Mounts: spec_parse_mount.c. A destination given twice is refused by spec_resolve(). */

/** spec_add_volume() - -v [SOURCE:]DESTINATION[:OPTIONS], list. */
bool spec_add_volume(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_mount() - --mount type=bind|volume|tmpfs,..., list. */
bool spec_add_mount(ContainerSpec *spec, const char *value, GError **error);
/** spec_add_tmpfs() - --tmpfs DESTINATION[:OPTIONS], list; a destination given again replaces. */
bool spec_add_tmpfs(ContainerSpec *spec, const char *value, GError **error);
