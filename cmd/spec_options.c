/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spec_options.h"

#include "cmd/escape.h"
#include "libpod/base/error.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_resolve.h"
#include "storage/manifest.h"

/* A row's setter from a setter of the spec. */
#define SETTER(name)                                                                               \
	static bool option_##name(void *target, const Option *option, const char *value,           \
				  GError **error)                                                  \
	{                                                                                          \
		return name(target, value, error);                                                 \
	}

SETTER(spec_set_name)
SETTER(spec_set_init_ctr)
SETTER(spec_set_pod)
SETTER(spec_set_pod_id_file)
SETTER(spec_add_label)
SETTER(spec_set_restart)
SETTER(spec_set_health_cmd)
SETTER(spec_set_health_interval)
SETTER(spec_set_health_timeout)
SETTER(spec_set_health_start_period)
SETTER(spec_set_health_startup_cmd)
SETTER(spec_set_health_startup_interval)
SETTER(spec_set_health_startup_timeout)
SETTER(spec_set_health_retries)
SETTER(spec_set_health_startup_retries)
SETTER(spec_set_health_startup_success)
SETTER(spec_set_health_log_count)
SETTER(spec_set_health_log_size)
SETTER(spec_set_health_on_failure)
SETTER(spec_set_health_log_destination)
SETTER(spec_set_pull)
SETTER(spec_set_platform)
SETTER(spec_set_cidfile)
SETTER(spec_set_log_driver)
SETTER(spec_add_log_opt)
SETTER(spec_set_timeout)
SETTER(spec_set_stop_timeout)
SETTER(spec_set_stop_signal)
SETTER(spec_add_attach)
SETTER(spec_set_detach_keys)
SETTER(spec_set_entrypoint)
SETTER(spec_add_env)
SETTER(spec_add_env_file)
SETTER(spec_set_http_proxy)
SETTER(spec_set_workdir)
SETTER(spec_set_user)
SETTER(spec_add_group)
SETTER(spec_add_cap_add)
SETTER(spec_add_cap_drop)
SETTER(spec_add_security_opt)
SETTER(spec_add_device)
SETTER(spec_add_ulimit)
SETTER(spec_add_sysctl)
SETTER(spec_set_pids_limit)
SETTER(spec_set_shm_size)
SETTER(spec_set_memory)
SETTER(spec_set_memory_swap)
SETTER(spec_set_memory_reservation)
SETTER(spec_set_memory_swappiness)
SETTER(spec_set_cpus)
SETTER(spec_set_cpu_period)
SETTER(spec_set_cpu_quota)
SETTER(spec_set_cpu_shares)
SETTER(spec_set_cpuset_cpus)
SETTER(spec_set_cpuset_mems)
SETTER(spec_set_blkio_weight)
SETTER(spec_set_oom_score_adj)
SETTER(spec_set_cgroups)
SETTER(spec_set_cgroup_parent)
SETTER(spec_add_blkio_weight_device)
SETTER(spec_add_device_read_bps)
SETTER(spec_add_device_write_bps)
SETTER(spec_add_device_read_iops)
SETTER(spec_add_device_write_iops)
SETTER(spec_add_cgroup_conf)
SETTER(spec_set_userns)
SETTER(spec_add_uidmap)
SETTER(spec_add_gidmap)
SETTER(spec_set_sub_uid_name)
SETTER(spec_set_sub_gid_name)
SETTER(spec_set_pid)
SETTER(spec_set_ipc)
SETTER(spec_set_uts)
SETTER(spec_set_cgroupns)
SETTER(spec_set_domainname)
SETTER(spec_set_hostname)
SETTER(spec_set_network)
SETTER(spec_add_publish)
SETTER(spec_add_expose)
SETTER(spec_add_host)
SETTER(spec_add_dns)
SETTER(spec_add_dns_search)
SETTER(spec_add_dns_option)
SETTER(spec_add_volume)
SETTER(spec_add_mount)
SETTER(spec_add_tmpfs)
SETTER(spec_add_env_merge)
SETTER(spec_add_unset_env)
SETTER(spec_add_annotation)
SETTER(spec_add_label_file)
SETTER(spec_set_umask)
SETTER(spec_set_timezone)
SETTER(spec_set_passwd_entry)
SETTER(spec_set_group_entry)
SETTER(spec_set_hosts_file)
SETTER(spec_set_pid_file)
SETTER(spec_set_monitor_pid_file)
SETTER(spec_add_requires)
SETTER(spec_add_volumes_from)
SETTER(spec_set_image_volume)
SETTER(spec_set_remove_image)
SETTER(spec_add_gpu)
SETTER(spec_add_secret)
SETTER(spec_set_preserve_fds)
SETTER(spec_set_sdnotify)
SETTER(spec_set_systemd)
SETTER(spec_add_preserve_fd)
SETTER(spec_set_ip)
SETTER(spec_set_ip6)
SETTER(spec_set_mac_address)
SETTER(spec_add_network_alias)

#define FLAG(short_name, name, field, help, flags)                                                 \
	{                                                                                          \
		short_name, name, OPTION_FLAG, option_set_flag, NULL, help,                        \
			offsetof(ContainerSpec, field), flags                                      \
	}
#define ROW(short_name, name, kind, setter, metavar, help, flags)                                  \
	{                                                                                          \
		short_name, name, kind, option_##setter, metavar, help, 0, flags                   \
	}
#define END                                                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const Option container_options[] = {
	ROW(0, "name", OPTION_VALUE, spec_set_name, "NAME", "Give the container a name",
	    OPTION_COMMON | OPTION_WHOLE),
	FLAG(0, "replace", replace, "Remove a container that has the name already", 0),
	FLAG(0, "rm", remove, "Remove the container when it has exited", OPTION_COMMON),
	ROW('l', "label", OPTION_LIST, spec_add_label, "KEY[=VALUE]", "Set a label", OPTION_WHOLE),
	ROW(0, "cidfile", OPTION_VALUE, spec_set_cidfile, "FILE",
	    "Write the container's id to a new file", OPTION_WHOLE),
	ROW(0, "label-file", OPTION_LIST, spec_add_label_file, "FILE", "Read labels from a file",
	    OPTION_WHOLE),
	ROW(0, "annotation", OPTION_LIST, spec_add_annotation, "KEY=VALUE",
	    "Set an annotation of the runtime's configuration", OPTION_WHOLE),
	ROW(0, "pidfile", OPTION_VALUE, spec_set_pid_file, "FILE",
	    "Write the pid of the container's first process to a file", OPTION_WHOLE),
	ROW(0, "conmon-pidfile", OPTION_VALUE, spec_set_monitor_pid_file, "FILE",
	    "Write the pid of the container's monitor to a file", OPTION_WHOLE),
	ROW(0, "requires", OPTION_CSV, spec_add_requires, "CONTAINER",
	    "Start these containers before this one", OPTION_WHOLE),
	ROW(0, "restart", OPTION_VALUE, spec_set_restart, "POLICY",
	    "Restart after an exit: no, on-failure[:TIMES], always or unless-stopped",
	    OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "stop-signal", OPTION_VALUE, spec_set_stop_signal, "SIGNAL",
	    "Signal that asks the container to stop (default: the image's, or SIGTERM)",
	    OPTION_WHOLE),
	ROW(0, "stop-timeout", OPTION_VALUE, spec_set_stop_timeout, "SECONDS",
	    "Time between the stop signal and SIGKILL (default 10)", 0),
	ROW(0, "timeout", OPTION_VALUE, spec_set_timeout, "SECONDS",
	    "Kill the container after this time", 0),
	ROW(0, "pull", OPTION_VALUE, spec_set_pull, "POLICY",
	    "When to pull the image: missing, always, never or newer", OPTION_WHOLE),
	ROW(0, "platform", OPTION_VALUE, spec_set_platform, "OS/ARCH[/VARIANT]",
	    "Take the image of this platform", OPTION_WHOLE),
	ROW(0, "pod", OPTION_VALUE, spec_set_pod, "POD",
	    "Put the container into a pod; new:NAME makes it, with ports and host name",
	    OPTION_WHOLE),
	ROW(0, "pod-id-file", OPTION_VALUE, spec_set_pod_id_file, "FILE",
	    "Put the container into the pod whose id is in a file", OPTION_WHOLE),
	FLAG('q', "quiet", quiet, "Show no progress of a pull", 0),
	FLAG(0, "rootfs", rootfs_asked,
	     "Run the directory DIR, or DIR:O with changes kept apart, instead of an image", 0),
	ROW(0, "sdnotify", OPTION_VALUE, spec_set_sdnotify, "MODE",
	    "Who tells systemd that the unit is ready: container, conmon, healthy or ignore",
	    OPTION_WHOLE),
	ROW(0, "systemd", OPTION_VALUE, spec_set_systemd, "MODE",
	    "Whether a systemd is started: true (default: by the command's name), false or always",
	    OPTION_WHOLE),
	ROW(0, "log-driver", OPTION_VALUE, spec_set_log_driver, "DRIVER",
	    "Where output is kept: k8s-file, json-file, journald (a unit's), none or passthrough",
	    OPTION_WHOLE),
	ROW(0, "log-opt", OPTION_CSV, spec_add_log_opt, "KEY=VALUE",
	    "Set path, max-size, max-file, tag or label of the log", OPTION_WHOLE),
	END,
};

static const Option process_options[] = {
	FLAG('i', "interactive", open_stdin, "Keep standard input open", OPTION_COMMON),
	FLAG('t', "tty", tty, "Give the container a terminal", OPTION_COMMON),
	ROW('a', "attach", OPTION_CSV, spec_add_attach, "STREAM",
	    "Attach only to stdin, stdout or stderr", OPTION_WHOLE),
	ROW(0, "entrypoint", OPTION_VALUE, spec_set_entrypoint, "COMMAND",
	    "Run this instead of the image's entrypoint; a JSON array for several words",
	    OPTION_COMMON | OPTION_WHOLE),
	ROW('e', "env", OPTION_ENV_LIST, spec_add_env, "NAME[=VALUE]",
	    "Set an environment variable, or pass ours on", OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "env-file", OPTION_LIST, spec_add_env_file, "FILE",
	    "Read environment variables from a file", OPTION_WHOLE),
	ROW(0, "http-proxy", OPTION_FLAG, spec_set_http_proxy, NULL,
	    "Pass our proxy variables on (default true)", 0),
	ROW(0, "env-merge", OPTION_LIST, spec_add_env_merge, "NAME=VALUE",
	    "Set a variable with the image's own values in it, as ${NAME}", OPTION_WHOLE),
	FLAG(0, "env-host", env_host, "Pass our whole environment on", 0),
	ROW(0, "unsetenv", OPTION_CSV, spec_add_unset_env, "NAME",
	    "Leave out a variable of the image's or of ours by default", OPTION_WHOLE),
	FLAG(0, "unsetenv-all", unset_env_all, "Leave out all of these variables", 0),
	ROW('w', "workdir", OPTION_VALUE, spec_set_workdir, "DIR",
	    "Working directory in the container", OPTION_COMMON | OPTION_WHOLE),
	ROW('u', "user", OPTION_VALUE, spec_set_user, "USER[:GROUP]",
	    "User, by name or number, that runs the command", OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "group-add", OPTION_CSV, spec_add_group, "GROUP",
	    "Give the process one more group, or keep-groups for all of ours", OPTION_WHOLE),
	ROW(0, "umask", OPTION_VALUE, spec_set_umask, "MODE",
	    "Mode bits that new files don't get (default 0022)", OPTION_WHOLE),
	ROW(0, "tz", OPTION_VALUE, spec_set_timezone, "ZONE",
	    "Time zone, as Europe/Berlin, or local for the host's", OPTION_WHOLE),
	ROW(0, "passwd-entry", OPTION_VALUE, spec_set_passwd_entry, "LINE",
	    "Line for /etc/passwd when the image doesn't know the user", OPTION_WHOLE),
	ROW(0, "group-entry", OPTION_VALUE, spec_set_group_entry, "LINE",
	    "Line for /etc/group when the image doesn't know the group", OPTION_WHOLE),
	FLAG(0, "init", init, "Run a small init that forwards signals and reaps processes", 0),
	END,
};

static const Option health_options[] = {
	ROW(0, "health-cmd", OPTION_VALUE, spec_set_health_cmd, "COMMAND",
	    "Probe the health with this; \"none\" turns the image's probe off", OPTION_WHOLE),
	ROW(0, "health-interval", OPTION_VALUE, spec_set_health_interval, "DURATION",
	    "Time between two probes, or \"disable\" (default 30s)", OPTION_WHOLE),
	ROW(0, "health-retries", OPTION_VALUE, spec_set_health_retries, "NUMBER",
	    "Failures in a row that make the container unhealthy (default 3)", 0),
	ROW(0, "health-start-period", OPTION_VALUE, spec_set_health_start_period, "DURATION",
	    "Time after the start in which failures do not count (default 0s)", OPTION_WHOLE),
	ROW(0, "health-timeout", OPTION_VALUE, spec_set_health_timeout, "DURATION",
	    "Time after which a probe has failed (default 30s)", OPTION_WHOLE),
	ROW(0, "health-on-failure", OPTION_VALUE, spec_set_health_on_failure, "ACTION",
	    "What to do when unhealthy: none, kill, restart or stop", OPTION_WHOLE),
	ROW(0, "health-startup-cmd", OPTION_VALUE, spec_set_health_startup_cmd, "COMMAND",
	    "Probe with this until it has passed, then with the other", OPTION_WHOLE),
	ROW(0, "health-startup-interval", OPTION_VALUE, spec_set_health_startup_interval,
	    "DURATION", "Time between two start-up probes, or \"disable\" (default 30s)",
	    OPTION_WHOLE),
	ROW(0, "health-startup-retries", OPTION_VALUE, spec_set_health_startup_retries, "NUMBER",
	    "Failed start-up probes after which to restart (default 0: never)", 0),
	ROW(0, "health-startup-success", OPTION_VALUE, spec_set_health_startup_success, "NUMBER",
	    "Start-up probes that have to pass (default 0: one)", 0),
	ROW(0, "health-startup-timeout", OPTION_VALUE, spec_set_health_startup_timeout, "DURATION",
	    "Time after which a start-up probe has failed (default 30s)", OPTION_WHOLE),
	ROW(0, "health-log-destination", OPTION_VALUE, spec_set_health_log_destination, "PLACE",
	    "Where probes are logged: local, events_logger or a directory", OPTION_WHOLE),
	ROW(0, "health-max-log-count", OPTION_VALUE, spec_set_health_log_count, "NUMBER",
	    "Probes that the log holds, 0 for all (default 5)", 0),
	ROW(0, "health-max-log-size", OPTION_VALUE, spec_set_health_log_size, "BYTES",
	    "Output of a probe that is logged, 0 for all (default 500)", 0),
	FLAG(0, "no-healthcheck", health_asked.disabled, "Turn the image's probe off", 0),
	END,
};

static const Option run_options[] = {
	FLAG('d', "detach", detach, "Start in the background and print the container's id",
	     OPTION_COMMON),
	ROW(0, "detach-keys", OPTION_VALUE, spec_set_detach_keys, "KEYS",
	    "Keys that leave the container running alone (default ctrl-p,ctrl-q)", OPTION_WHOLE),
	FLAG(0, "passwd", passwd,
	     "Complete /etc/passwd and /etc/group if the user is not there (default true)", 0),
	ROW(0, "preserve-fds", OPTION_VALUE, spec_set_preserve_fds, "N",
	    "Pass our descriptors 3 to N+2 on", 0),
	ROW(0, "preserve-fd", OPTION_CSV, spec_add_preserve_fd, "FD",
	    "Pass these descriptors of ours on, under their numbers", 0),
	ROW(0, "rmi", OPTION_FLAG, spec_set_remove_image, NULL,
	    "Remove the container and, unless others use it, its image at the end", 0),
	FLAG(0, "sig-proxy", sig_proxy,
	     "Pass the signals we get on to the container (default true)", 0),
	END,
};

static const Option create_options[] = {
	ROW(0, "init-ctr", OPTION_VALUE, spec_set_init_ctr, "TYPE",
	    "Run it to its end before the pod's other members: always, or once and remove it", 0),
	END,
};

static const Option mount_options[] = {
	ROW('v', "volume", OPTION_LIST, spec_add_volume, "[SOURCE:]DIR[:OPTIONS]",
	    "Mount a host directory or a volume", OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "mount", OPTION_LIST, spec_add_mount, "type=TYPE,KEY=VALUE...",
	    "Mount a bind, volume or tmpfs, all said in words", OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "secret", OPTION_LIST, spec_add_secret, "SECRET[,type=env,target=NAME,...]",
	    "Give the container a secret as a file in /run/secrets or a variable", OPTION_WHOLE),
	ROW(0, "tmpfs", OPTION_LIST, spec_add_tmpfs, "DIR[:OPTIONS]",
	    "Mount an empty file system in memory", OPTION_WHOLE),
	ROW(0, "volumes-from", OPTION_LIST, spec_add_volumes_from, "CONTAINER[:OPTIONS]",
	    "Mount what another container has mounted", OPTION_WHOLE),
	ROW(0, "image-volume", OPTION_VALUE, spec_set_image_volume, "MODE",
	    "The image's volumes: anonymous (default), tmpfs or ignore", OPTION_WHOLE),
	FLAG(0, "read-only", read_only, "Make the root file system read-only", 0),
	FLAG(0, "read-only-tmpfs", read_only_tmpfs,
	     "With --read-only, keep /run, /tmp and /var/tmp writable (default true)", 0),
	ROW(0, "shm-size", OPTION_VALUE, spec_set_shm_size, "SIZE",
	    "Size of /dev/shm (default 64m)", OPTION_WHOLE),
	END,
};

/* Of containers and of pods. */
static const Option network_options[] = {
	ROW(0, "network", OPTION_VALUE, spec_set_network, "MODE",
	    "Network: slirp, none, host, container:NAME, ns:PATH or a network's name",
	    OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "net", OPTION_VALUE, spec_set_network, "MODE", "The same as --network",
	    OPTION_HIDDEN | OPTION_WHOLE),
	ROW(0, "add-host", OPTION_CSV, spec_add_host, "NAME:IP", "Add a line to /etc/hosts",
	    OPTION_WHOLE),
	ROW(0, "ip", OPTION_VALUE, spec_set_ip, "ADDRESS", "IPv4 address in a named network",
	    OPTION_WHOLE),
	ROW(0, "ip6", OPTION_VALUE, spec_set_ip6, "ADDRESS", "IPv6 address in a named network",
	    OPTION_WHOLE),
	ROW(0, "mac-address", OPTION_VALUE, spec_set_mac_address, "ADDRESS",
	    "MAC address in a named network", OPTION_WHOLE),
	ROW(0, "network-alias", OPTION_CSV, spec_add_network_alias, "NAME",
	    "One more name in a named network", OPTION_WHOLE),
	ROW(0, "dns", OPTION_CSV, spec_add_dns, "ADDRESS", "Use this DNS server", OPTION_WHOLE),
	ROW(0, "dns-search", OPTION_CSV, spec_add_dns_search, "DOMAIN",
	    "Search names in this domain", OPTION_WHOLE),
	ROW(0, "dns-option", OPTION_CSV, spec_add_dns_option, "OPTION",
	    "Set an option of resolv.conf", OPTION_WHOLE),
	END,
};

static const Option publish_options[] = {
	ROW('p', "publish", OPTION_CSV, spec_add_publish, "[[IP:]HOST:]CONTAINER[/PROTOCOL]",
	    "Publish a port of the container on the host", OPTION_COMMON | OPTION_WHOLE),
	FLAG('P', "publish-all", publish_all,
	     "Publish every exposed port on a free port of the host", 0),
	ROW(0, "expose", OPTION_CSV, spec_add_expose, "PORT[-PORT][/PROTOCOL]",
	    "Expose a port for --publish-all", OPTION_WHOLE),
	ROW('h', "hostname", OPTION_VALUE, spec_set_hostname, "NAME", "Host name in the container",
	    OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "domainname", OPTION_VALUE, spec_set_domainname, "NAME",
	    "What follows the host name in its full form, and the NIS domain", OPTION_WHOLE),
	ROW(0, "hosts-file", OPTION_VALUE, spec_set_hosts_file, "FILE",
	    "What /etc/hosts begins with: a file, none, or image for the image's", OPTION_WHOLE),
	FLAG(0, "no-hosts", no_hosts, "Leave the image's /etc/hosts alone", 0),
	FLAG(0, "no-hostname", no_hostname, "Leave the image's /etc/hostname alone", 0),
	END,
};

static const Option security_options[] = {
	ROW(0, "cap-add", OPTION_CSV, spec_add_cap_add, "CAPABILITY", "Add a capability, or ALL",
	    OPTION_WHOLE),
	ROW(0, "cap-drop", OPTION_CSV, spec_add_cap_drop, "CAPABILITY", "Drop a capability, or ALL",
	    OPTION_WHOLE),
	FLAG(0, "privileged", privileged,
	     "Lift what the container may not do, as far as we may do it ourselves", 0),
	ROW(0, "security-opt", OPTION_LIST, spec_add_security_opt, "NAME[=VALUE]",
	    "Set no-new-privileges, seccomp, apparmor, label=disable, mask, unmask or nested",
	    OPTION_WHOLE),
	ROW(0, "device", OPTION_CSV, spec_add_device, "HOST[:CONTAINER][:rwm]",
	    "Add a device of the host, by its path or its CDI name VENDOR/CLASS=NAME",
	    OPTION_WHOLE),
	ROW(0, "gpus", OPTION_CSV, spec_add_gpu, "GPU", "Add a GPU, or all, through CDI",
	    OPTION_WHOLE),
	ROW(0, "ulimit", OPTION_CSV, spec_add_ulimit, "NAME=SOFT[:HARD]",
	    "Set a resource limit, or host to keep ours", OPTION_WHOLE),
	ROW(0, "sysctl", OPTION_CSV, spec_add_sysctl, "KEY=VALUE",
	    "Set a kernel parameter of the container's namespaces", OPTION_WHOLE),
	END,
};

/* Also what `update` changes. */
static const Option resource_options[] = {
	ROW('m', "memory", OPTION_VALUE, spec_set_memory, "SIZE", "Most memory",
	    OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "memory-swap", OPTION_VALUE, spec_set_memory_swap, "SIZE",
	    "Most memory and swap together, -1 for no limit (default: twice the memory)",
	    OPTION_WHOLE),
	ROW(0, "memory-reservation", OPTION_VALUE, spec_set_memory_reservation, "SIZE",
	    "Memory that is taken from the container last", OPTION_WHOLE),
	ROW(0, "memory-swappiness", OPTION_VALUE, spec_set_memory_swappiness, "NUMBER",
	    "Only on cgroup v1, so refused", OPTION_HIDDEN),
	ROW(0, "cpus", OPTION_VALUE, spec_set_cpus, "NUMBER", "Most CPUs, in parts: 1.5",
	    OPTION_COMMON),
	ROW(0, "cpu-period", OPTION_VALUE, spec_set_cpu_period, "MICROSECONDS",
	    "Time in which --cpu-quota may be used", 0),
	ROW(0, "cpu-quota", OPTION_VALUE, spec_set_cpu_quota, "MICROSECONDS",
	    "CPU time in each period, -1 for no limit", 0),
	ROW('c', "cpu-shares", OPTION_VALUE, spec_set_cpu_shares, "NUMBER",
	    "Weight among others that want the CPU (1024 is normal)", 0),
	ROW(0, "cpuset-cpus", OPTION_VALUE, spec_set_cpuset_cpus, "LIST", "CPUs to run on: 0-2,7",
	    OPTION_WHOLE),
	ROW(0, "cpuset-mems", OPTION_VALUE, spec_set_cpuset_mems, "LIST",
	    "Memory nodes to use: 0,1", OPTION_WHOLE),
	ROW(0, "pids-limit", OPTION_VALUE, spec_set_pids_limit, "NUMBER",
	    "Most processes at a time (default 2048, -1 for no limit)", 0),
	ROW(0, "blkio-weight", OPTION_VALUE, spec_set_blkio_weight, "NUMBER",
	    "Weight among others that want the disk, 10 to 1000", OPTION_WHOLE),
	ROW(0, "blkio-weight-device", OPTION_LIST, spec_add_blkio_weight_device, "DEVICE:NUMBER",
	    "The same for one device", OPTION_WHOLE),
	ROW(0, "device-read-bps", OPTION_CSV, spec_add_device_read_bps, "DEVICE:SIZE",
	    "Most bytes that are read from a device in a second", OPTION_WHOLE),
	ROW(0, "device-write-bps", OPTION_CSV, spec_add_device_write_bps, "DEVICE:SIZE",
	    "Most bytes that are written to a device in a second", OPTION_WHOLE),
	ROW(0, "device-read-iops", OPTION_CSV, spec_add_device_read_iops, "DEVICE:NUMBER",
	    "Most reads of a device in a second", OPTION_WHOLE),
	ROW(0, "device-write-iops", OPTION_CSV, spec_add_device_write_iops, "DEVICE:NUMBER",
	    "Most writes to a device in a second", OPTION_WHOLE),
	END,
};

/* What else `update` changes. */
static const Option update_options[] = {
	ROW('e', "env", OPTION_LIST, spec_add_env, "NAME=VALUE", "Set an environment variable",
	    OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "unsetenv", OPTION_CSV, spec_add_unset_env, "NAME",
	    "Leave an environment variable out", OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "ulimit", OPTION_CSV, spec_add_ulimit, "NAME=SOFT[:HARD]", "Set a resource limit",
	    OPTION_WHOLE),
	END,
};

/* Limits that `update` cannot change. */
static const Option cgroup_options[] = {
	ROW(0, "oom-score-adj", OPTION_VALUE, spec_set_oom_score_adj, "NUMBER",
	    "Who is killed first when memory runs out: -1000 (last) to 1000", 0),
	FLAG(0, "oom-kill-disable", oom_kill_disable, "Only on cgroup v1, so refused",
	     OPTION_HIDDEN),
	ROW(0, "cgroup-conf", OPTION_CSV, spec_add_cgroup_conf, "FILE=VALUE",
	    "Write to a file of the container's cgroup", OPTION_WHOLE),
	ROW(0, "cgroups", OPTION_VALUE, spec_set_cgroups, "MODE",
	    "Its cgroup: enabled, disabled, no-conmon or split", OPTION_WHOLE),
	ROW(0, "cgroup-parent", OPTION_VALUE, spec_set_cgroup_parent, "SLICE",
	    "Make its cgroup below this slice of systemd's", OPTION_WHOLE),
	END,
};

static const Option namespace_options[] = {
	ROW(0, "userns", OPTION_VALUE, spec_set_userns, "MODE",
	    "User namespace: host, keep-id, nomap, auto, container:NAME or ns:PATH", OPTION_WHOLE),
	ROW(0, "uidmap", OPTION_CSV, spec_add_uidmap, "CONTAINER:HOST[:COUNT]",
	    "Map user ids in a namespace of its own", OPTION_WHOLE),
	ROW(0, "gidmap", OPTION_CSV, spec_add_gidmap, "CONTAINER:HOST[:COUNT]",
	    "Map group ids in a namespace of its own", OPTION_WHOLE),
	ROW(0, "subuidname", OPTION_VALUE, spec_set_sub_uid_name, "NAME",
	    "Map the user ids that /etc/subuid gives this name", OPTION_WHOLE),
	ROW(0, "subgidname", OPTION_VALUE, spec_set_sub_gid_name, "NAME",
	    "Map the group ids that /etc/subgid gives this name", OPTION_WHOLE),
	ROW(0, "pid", OPTION_VALUE, spec_set_pid, "MODE",
	    "Process ids: private, host, container:NAME or ns:PATH", OPTION_WHOLE),
	ROW(0, "ipc", OPTION_VALUE, spec_set_ipc, "MODE",
	    "IPC: private, host, container:NAME or ns:PATH", OPTION_WHOLE),
	ROW(0, "uts", OPTION_VALUE, spec_set_uts, "MODE",
	    "Host name: private, host, container:NAME or ns:PATH", OPTION_WHOLE),
	ROW(0, "cgroupns", OPTION_VALUE, spec_set_cgroupns, "MODE",
	    "Control groups: private, host, container:NAME or ns:PATH", OPTION_WHOLE),
	END,
};

/* What `pod create` takes for all of the pod, beside limits. */
static const Option pod_options[] = {
	ROW('l', "label", OPTION_LIST, spec_add_label, "KEY=VALUE", "Set a label",
	    OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "label-file", OPTION_LIST, spec_add_label_file, "FILE",
	    "Set labels, one KEY=VALUE in a line", OPTION_WHOLE),
	ROW('p', "publish", OPTION_CSV, spec_add_publish, "[[IP:]HOST:]CONTAINER[/PROTOCOL]",
	    "Publish a port of the pod on the host", OPTION_COMMON | OPTION_WHOLE),
	ROW('h', "hostname", OPTION_VALUE, spec_set_hostname, "NAME",
	    "Host name in the pod (default: its name)", OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "hosts-file", OPTION_VALUE, spec_set_hosts_file, "FILE",
	    "What /etc/hosts begins with: a file or none", OPTION_WHOLE),
	FLAG(0, "no-hosts", no_hosts, "Leave the images' /etc/hosts alone", 0),
	FLAG(0, "no-hostname", no_hostname, "Leave the images' /etc/hostname alone", 0),
	ROW('v', "volume", OPTION_LIST, spec_add_volume, "[SOURCE:]DIR[:OPTIONS]",
	    "Mount a host directory or a volume in every member", OPTION_COMMON | OPTION_WHOLE),
	ROW(0, "volumes-from", OPTION_LIST, spec_add_volumes_from, "CONTAINER[:OPTIONS]",
	    "Mount what another container has mounted", OPTION_WHOLE),
	ROW(0, "device", OPTION_CSV, spec_add_device, "HOST[:CONTAINER[:rwm]]",
	    "Give every member a device of the host", OPTION_WHOLE),
	ROW(0, "shm-size", OPTION_VALUE, spec_set_shm_size, "SIZE",
	    "Size of /dev/shm (default 64m)", OPTION_WHOLE),
	ROW(0, "sysctl", OPTION_CSV, spec_add_sysctl, "NAME=VALUE",
	    "Set a kernel parameter of the pod's namespaces", OPTION_WHOLE),
	ROW(0, "security-opt", OPTION_LIST, spec_add_security_opt, "OPTION",
	    "Security option of every member", OPTION_WHOLE),
	ROW(0, "userns", OPTION_VALUE, spec_set_userns, "MODE",
	    "User namespace: host, keep-id, nomap, auto, container:NAME or ns:PATH", OPTION_WHOLE),
	ROW(0, "uidmap", OPTION_CSV, spec_add_uidmap, "CONTAINER:HOST[:COUNT]",
	    "Map user ids in a namespace of its own", OPTION_WHOLE),
	ROW(0, "gidmap", OPTION_CSV, spec_add_gidmap, "CONTAINER:HOST[:COUNT]",
	    "Map group ids in a namespace of its own", OPTION_WHOLE),
	ROW(0, "subuidname", OPTION_VALUE, spec_set_sub_uid_name, "NAME",
	    "Map the user ids that /etc/subuid gives this name", OPTION_WHOLE),
	ROW(0, "subgidname", OPTION_VALUE, spec_set_sub_gid_name, "NAME",
	    "Map the group ids that /etc/subgid gives this name", OPTION_WHOLE),
	ROW(0, "pid", OPTION_VALUE, spec_set_pid, "MODE",
	    "Process ids: private, host, container:NAME or ns:PATH", OPTION_WHOLE),
	ROW(0, "uts", OPTION_VALUE, spec_set_uts, "MODE",
	    "Host name: private, host, container:NAME or ns:PATH", OPTION_WHOLE),
	ROW(0, "restart", OPTION_VALUE, spec_set_restart, "POLICY",
	    "Restart members that end: no, on-failure[:N], always or unless-stopped", OPTION_WHOLE),
	ROW(0, "infra-conmon-pidfile", OPTION_VALUE, spec_set_monitor_pid_file, "FILE",
	    "Write the pid of the infra container's monitor", OPTION_WHOLE),
	ROW(0, "cgroup-parent", OPTION_VALUE, spec_set_cgroup_parent, "SLICE",
	    "Make the pod's cgroup below this slice of systemd's", OPTION_WHOLE),
	OPTION_UNSUPPORTED(0, "gpus", OPTION_LIST),
	OPTION_REFUSED("infra-command", OPTION_VALUE,
		       "the infra container runs skiff's own program"),
	OPTION_REFUSED("infra-image", OPTION_VALUE,
		       "the infra container runs skiff's own program and needs no image"),
	OPTION_UNSUPPORTED(0, "shm-size-systemd", OPTION_VALUE),
	END,
};

#define IMAGE(name, field, metavar, help)                                                          \
	{                                                                                          \
		0, name, OPTION_VALUE, option_set_string, metavar, help,                           \
			offsetof(SpecImageOptions, field), 0                                       \
	}

static const Option image_options[] = {
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(SpecImageOptions, registry.tls_verify), 0},
	{0, "creds", OPTION_VALUE, option_set_secret, "USER[:PASSWORD]", "Log in with these",
	 offsetof(SpecImageOptions, registry.creds), 0},
	IMAGE("authfile", registry.authfile, "FILE", "Read credentials from here"),
	IMAGE("cert-dir", registry.cert_dir, "DIR", "Certificates of the registry"),
	IMAGE("retry", registry.retry, "NUMBER", "How often to try again"),
	IMAGE("retry-delay", registry.retry_delay, "DURATION", "How long to wait before that"),
	IMAGE("arch", arch, "ARCH", "The image of this architecture"),
	IMAGE("os", os, "OS", "The image of this operating system"),
	IMAGE("variant", variant, "VARIANT", "The image of this variant of the architecture"),
	END,
};

/* What podman has and skiff has not yet, by name. */
static const Option unsupported_options[] = {
	OPTION_UNSUPPORTED(0, "chrootdirs", OPTION_CSV),
	OPTION_UNSUPPORTED(0, "cpu-rt-period", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "cpu-rt-runtime", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "decryption-key", OPTION_CSV),
	OPTION_REFUSED("device-cgroup-rule", OPTION_CSV,
		       "skiff makes no device cgroup: --device gives single devices"),
	{0, "disable-content-trust", OPTION_FLAG, option_set_ignored, NULL, "Does nothing", 0,
	 OPTION_HIDDEN},
	OPTION_UNSUPPORTED(0, "hostuser", OPTION_LIST),
	OPTION_REFUSED("init-path", OPTION_VALUE, "the init of --init is skiff's own"),
	OPTION_UNSUPPORTED(0, "link-local-ip", OPTION_CSV),
	OPTION_UNSUPPORTED(0, "personality", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "rdt-class", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "seccomp-policy", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "shm-size-systemd", OPTION_VALUE),
	END,
};

static const OptionGroup container_group = {NULL, container_options};
static const OptionGroup process_group = {"Process options", process_options};
const OptionGroup spec_options_health = {"Health checks", health_options};
const OptionGroup spec_options_update = {NULL, update_options};
const OptionGroup spec_options_pod = {NULL, pod_options};
static const OptionGroup run_group = {"Foreground and background", run_options};
static const OptionGroup create_group = {NULL, create_options};
static const OptionGroup mount_group = {"Mount options", mount_options};
const OptionGroup spec_options_network = {"Network options", network_options};
static const OptionGroup publish_group = {"Ports and host names", publish_options};
static const OptionGroup security_group = {"Security options", security_options};
static const OptionGroup cgroup_group = {"Control group options", cgroup_options};
static const OptionGroup namespace_group = {"Namespace options", namespace_options};
const OptionGroup spec_options_resources = {"Limits", resource_options};
static const OptionGroup image_group = {"Pulling the image", image_options};
static const OptionGroup unsupported_group = {NULL, unsupported_options};

const OptionGroup *const spec_options_run[SPEC_OPTIONS_GROUPS + 1] = {
	&container_group,     &run_group,       &process_group,
	&spec_options_health, &mount_group,     &spec_options_network,
	&publish_group,       &security_group,  &spec_options_resources,
	&cgroup_group,        &namespace_group, &image_group,
	&unsupported_group,
};

const OptionGroup *const spec_options_create[SPEC_OPTIONS_GROUPS + 1] = {
	&container_group,     &create_group,    &process_group,
	&spec_options_health, &mount_group,     &spec_options_network,
	&publish_group,       &security_group,  &spec_options_resources,
	&cgroup_group,        &namespace_group, &image_group,
	&unsupported_group,
};

void spec_image_options_clear(SpecImageOptions *image)
{
	g_clear_pointer(&image->registry.creds, option_secret_free);
}

void spec_options_targets(ContainerSpec *spec, SpecImageOptions *image,
			  void *targets[SPEC_OPTIONS_GROUPS])
{
	for (size_t i = 0; i < SPEC_OPTIONS_GROUPS; i++)
		targets[i] = spec_options_run[i] == &image_group ? (void *)image : spec;
}

bool spec_options_set_platform(ContainerSpec *spec, const SpecImageOptions *image, GError **error)
{
	if (!image->os && !image->arch && !image->variant)
		return true;
	if (spec->platform)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--platform option can not be specified with --arch or --os");
	g_auto(Platform) platform = {0};
	platform_host(&platform);
	platform_set(&platform, image->os, image->arch, image->variant);
	spec->platform = platform_format(&platform);
	return true;
}

/* Records are JSON, which has no other bytes; better said now than found in a broken record. */
static bool check_utf8(const char *const *words, GError **error)
{
	for (size_t i = 0; words && words[i]; i++) {
		if (g_utf8_validate(words[i], -1, NULL))
			continue;
		g_autofree char *shown = escape_quote(words[i]);
		return error_set(error, ENGINE_ERROR_INVALID, "argument %s is not valid UTF-8",
				 shown);
	}
	return true;
}

bool spec_options_finish(ContainerSpec *spec, const char *const *args,
			 const char *const *command_line, GError **error)
{
	if (!spec_check_preserved(spec, error) || !check_utf8(args, error) ||
	    !check_utf8(command_line, error))
		return false;
	if (spec->rootfs_asked) {
		if (!spec_set_rootfs(spec, args[0], error))
			return false;
	} else {
		g_free(spec->image);
		spec->image = g_strdup(args[0]);
	}
	g_strfreev(spec->command);
	spec->command = args[1] ? g_strdupv((char **)args + 1) : NULL;
	g_strfreev(spec->create_command);
	spec->create_command = g_strdupv((char **)command_line);
	return spec_check(spec, error);
}
