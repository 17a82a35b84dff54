/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters, row by row: what a value leaves in the record, or what the refusal says. Those of mounts
 * are in test_spec_parse_mount.c.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "libpod/base/error.h"
#include "tests/unit/libpod/spec_rows.h"

static const Row identity[] = {
	{spec_set_name, "web", "\"name\":\"web\""},
	{spec_set_name, "", "\"version\":1"},
	{spec_set_name, "a b", "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
	 BAD},
	{spec_set_name, "/x", "names must match", BAD},
	{spec_set_rootfs, "/srv/root", "\"rootfs\":\"/srv/root\""},
	{spec_set_rootfs, "/srv/root:O", "\"rootfsOverlay\":true"},
	{spec_set_rootfs, "/srv//./root/../r", "\"rootfs\":\"/srv/r\""},
	{spec_set_rootfs, "", "cannot be empty", BAD},
	{spec_set_rootfs, ":O", "cannot be empty", BAD},
	{spec_set_rootfs, "/srv/root:idmap", "rootfs option 'idmap' is not supported", NOT},
	{spec_add_label, "a=b", "\"labels\":{\"a\":\"b\"}"},
	{spec_add_label, "a", "\"labels\":{\"a\":\"\"}"},
	{spec_add_label, "a=b=c", "\"labels\":{\"a\":\"b=c\"}"},
	{spec_add_label, "", "invalid label format: \"\"", BAD},
	{spec_add_label, "=x", "invalid label format: \"=x\"", BAD},
	{spec_set_restart, "no", "\"version\":1"},
	{spec_set_restart, "always", "\"restart\":\"always\""},
	{spec_set_restart, "unless-stopped", "\"restart\":\"unless-stopped\""},
	{spec_set_restart, "on-failure", "\"restart\":\"on-failure\""},
	{spec_set_restart, "on-failure:3", "\"restartRetries\":3"},
	{spec_set_restart, "foo", "\"foo\" is not a valid restart policy", BAD},
	{spec_set_restart, "always:3",
	 "restart policy retries can only be specified with on-failure restart policy", BAD},
	{spec_set_restart, "on-failure:x", "parsing restart policy retry count: ", BAD},
	{spec_set_restart, "on-failure:-1", "parsing restart policy retry count: ", BAD},
	{spec_set_pull, "always", "\"pull\":\"always\""},
	{spec_set_pull, "never", "\"pull\":\"never\""},
	{spec_set_pull, "newer", "\"pull\":\"newer\""},
	{spec_set_pull, "foo", "unsupported pull policy \"foo\"", BAD},
	{spec_set_platform, "linux/arm64", "\"platform\":\"linux/arm64\""},
	{spec_set_platform, "linux/arm/v7", "\"platform\":\"linux/arm/v7\""},
	{spec_set_platform, "linux", "invalid platform \"linux\"", BAD},
	{spec_set_platform, "a/b/c/d", "invalid platform", BAD},
	{spec_set_platform, "/", "invalid platform", BAD},
	{spec_set_platform, "linux/a b", "invalid platform", BAD},
	{spec_set_platform, "", "invalid platform", BAD},
	{spec_set_cidfile, "/run/x.cid", "\"cidfile\":\"/run/x.cid\""},
	{spec_set_cidfile, "", "needs a path", BAD},
	{spec_set_log_driver, "k8s-file", "\"version\":1"},
	{spec_set_log_driver, "json-file", "\"logDriver\":\"json-file\""},
	{spec_set_log_driver, "none", "\"logDriver\":\"none\""},
	{spec_set_log_driver, "passthrough", "\"logDriver\":\"passthrough\""},
	{spec_set_log_driver, "foo", "invalid log driver", BAD},
	{spec_add_log_opt, "max-size=10m", "\"logMaxSize\":10485760"},
	{spec_add_log_opt, "tag={{.Name}}", "\"logTag\":\"{{.Name}}\""},
	{spec_add_log_opt, "path=/var/log/x", "\"logPath\":\"/var/log/x\""},
	{spec_add_log_opt, "foo", "invalid log option \"foo\"", BAD},
	{spec_add_log_opt, "=x", "invalid log option", BAD},
	{spec_add_log_opt, "path=", "invalid log option", BAD},
	{spec_add_log_opt, "max-size=foo", "invalid size: 'foo'", BAD},
	{spec_add_log_opt, "max-size=0", "invalid size: '0'", BAD},
	{spec_add_log_opt, "max-file=3", "\"logMaxFile\":3"},
	{spec_add_log_opt, "max-file=0", "invalid number of files: '0'", BAD},
	{spec_add_log_opt, "compress=true", "log option \"compress\" is not supported", NOT},
	{spec_add_log_opt, "labels=x", "log option \"labels\" is not supported", NOT},
	{spec_add_log_opt, "label=A_1={{.Name}}", "\"logLabels\":[\"A_1={{.Name}}\"]"},
	{spec_add_log_opt, "label=A", "LABEL=VALUE (none or more than one '='", BAD},
	{spec_add_log_opt, "label=A=b=c", "LABEL=VALUE (none or more than one '='", BAD},
	{spec_add_log_opt, "label==b", "LABEL=VALUE (no LABEL present in '=b')", BAD},
	{spec_add_log_opt, "label=a=b", "must contain only uppercase letters", BAD},
	{spec_add_log_opt, "label=_A=b", "'_A' belongs to the journal", BAD},
	{spec_add_log_opt, "label=CONTAINER_ID_FULL=b", "belongs to the journal", BAD},
	{spec_add_log_opt, "label=A=x\nMESSAGE", "one line", BAD},
	{spec_add_log_opt, "label=A={{.Foo}}", "there is no field '.Foo'", BAD},
	{spec_set_timeout, "30", "\"timeout\":30"},
	{spec_set_timeout, "-1", "strconv.ParseUint: parsing \"-1\": invalid syntax", BAD},
	{spec_set_timeout, "x", "strconv.ParseUint: parsing \"x\": invalid syntax", BAD},
	{spec_set_timeout, "", "strconv.ParseUint", BAD},
	{spec_set_timeout, "1.5", "strconv.ParseUint", BAD},
	{spec_set_timeout, "99999999999999999999", "strconv.ParseUint", BAD},
	{spec_set_stop_timeout, "0", "\"stopTimeout\":0"},
	{spec_set_stop_timeout, "7", "\"stopTimeout\":7"},
	{spec_set_stop_timeout, "-5", "strconv.ParseUint: parsing \"-5\": invalid syntax", BAD},
	{spec_set_stop_signal, "SIGQUIT", "\"stopSignal\":3"},
	{spec_set_stop_signal, "9", "\"stopSignal\":9"},
	{spec_set_stop_signal, "SIGRTMIN+3", "\"stopSignal\":37"},
	{spec_set_stop_signal, "foo", "invalid signal: foo", BAD},
	{spec_set_stop_signal, "99", "valid signals are 1 through 64", BAD},
	{spec_add_attach, "stdin", "\"version\":1"},
	{spec_add_attach, "STDOUT", "\"version\":1"},
	{spec_add_attach, "foo",
	 "invalid stream \"foo\" for --attach - must be one of stdin, stdout, or stderr: invalid "
	 "argument",
	 BAD},
	{NULL},
};

static const Row process[] = {
	{spec_set_entrypoint, "/bin/sh", "\"entrypoint\":[\"/bin/sh\"]"},
	{spec_set_entrypoint, "a b", "\"entrypoint\":[\"a b\"]"},
	{spec_set_entrypoint, "[\"a\",\"b c\"]", "\"entrypoint\":[\"a\",\"b c\"]"},
	{spec_set_entrypoint, "[\"a", "\"entrypoint\":[\"[\\\"a\"]"},
	{spec_set_entrypoint, "[\"a\",1]", "\"entrypoint\":[\"[\\\"a\\\",1]\"]"},
	{spec_set_entrypoint, "[]", "\"entrypoint\":[],\"entrypointSet\":true"},
	{spec_set_entrypoint, "", "\"entrypoint\":[],\"entrypointSet\":true"},
	{spec_add_env, "A=b", "\"version\":1"},
	{spec_add_env, "A=", "\"version\":1"},
	{spec_add_env, "A", "\"version\":1"},
	{spec_add_env, "", "\"version\":1"},
	{spec_add_env, "A=*", "\"version\":1"},
	{spec_add_env, "=x", "invalid environment variable: \"=x\"", BAD},
	{spec_add_env, "=", "invalid environment variable", BAD},
	{spec_add_env, "A*", "\"version\":1"},
	{spec_add_env, "*", "\"version\":1"},
	{spec_add_env_file, "/nonexistent",
	 "parsing env file \"/nonexistent\": open /nonexistent: no such file or directory",
	 ENGINE_ERROR_NOT_FOUND},
	{spec_set_workdir, "/srv", "\"workdir\":\"/srv\""},
	{spec_set_workdir, "", "\"version\":1"},
	{spec_set_workdir, "srv", "the working directory \"srv\" is invalid", BAD},
	{spec_set_user, "1000", "\"user\":\"1000\""},
	{spec_set_user, "a:b", "\"user\":\"a:b\""},
	{spec_set_user, "", "\"version\":1"},
	{spec_set_user, "4294967296", "", BAD},
	{spec_set_user, "-1", "", BAD},
	{spec_set_user, "a b", "", BAD},
	{spec_set_user, "a:b:c", "", BAD},
	{spec_add_group, "audio", "\"groupAdd\":[\"audio\"]"},
	{spec_add_group, "44", "\"groupAdd\":[\"44\"]"},
	{spec_add_group, "keep-groups", "\"keepGroups\":true"},
	{spec_set_umask, "22", "\"umask\":\"0022\""},
	{spec_set_umask, "0777", "\"umask\":\"0777\""},
	{spec_set_umask, "9", "invalid umask string 9: invalid argument", BAD},
	{spec_set_umask, "02222", "invalid umask string", BAD},
	{spec_set_umask, "", "invalid umask string", BAD},
	{spec_set_timezone, "Europe/Berlin", "\"timezone\":\"Europe/Berlin\""},
	{spec_set_timezone, "../../etc/shadow", "invalid timezone", BAD},
	{spec_set_timezone, "/etc/shadow", "invalid timezone", BAD},
	{spec_set_passwd_entry, "a:b", "\"passwdEntry\":\"a:b\""},
	{spec_set_passwd_entry, "a:b\nroot::0:0::/:/bin/sh", "one line", BAD},
	{spec_set_group_entry, "a:b\nc", "one line", BAD},
	{spec_add_annotation, "a=b=c", "\"annotations\":{\"a\":\"b=c\"}"},
	{spec_add_annotation, "a", "annotations must be formatted KEY=VALUE", BAD},
	{spec_add_annotation, "io.skiff.user=0", "skiff's own", BAD},
	{spec_add_env_merge, "=x", "invalid environment variable", BAD},
	{spec_add_secret, "s", "\"target\":\"/run/secrets/s\",\"mode\":292"},
	{spec_add_secret, "s,type=env", "\"env\":true,\"target\":\"s\""},
	{spec_add_secret, "source=s,target=/a/../b,uid=1,gid=2,mode=0400",
	 "\"target\":\"/b\",\"uid\":1,\"gid\":2,\"mode\":256"},
	{spec_add_secret, "s,target=../../etc/passwd", "\"target\":\"/etc/passwd\""},
	{spec_add_secret, "s,target=/", "target / invalid", BAD},
	{spec_add_secret, "s,foo=bar", "option foo=bar invalid: parsing secret", BAD},
	{spec_add_secret, "s,type=foo", "type foo is invalid: parsing secret", BAD},
	{spec_add_secret, "s,mode=9", "mode 9 invalid: parsing secret", BAD},
	{spec_add_secret, "s,uid=x", "UID x invalid: parsing secret", BAD},
	{spec_add_secret, "s,uid=4294967295", "UID 4294967295 invalid", BAD},
	{spec_add_secret, "s,type=env,uid=1", "cannot be set with secret type env", BAD},
	{spec_add_secret, "s,type=env,target=a=b", "no name of a variable", BAD},
	{spec_add_secret, "type=env,target=x", "no source found", BAD},
	{spec_add_volumes_from, "c:ro,z", "\"volumesFrom\":[\"c:ro,z\"]"},
	{spec_add_volumes_from, "c:foo",
	 "invalid option \"foo\" specified - volumes from another container can only use z,ro,rw "
	 "options",
	 BAD},
	{spec_add_volumes_from, "c:ro,rw", "cannot set ro or rw options more than once", BAD},
	{spec_set_image_volume, "x",
	 "invalid image volume mode \"x\" required value: bind, tmpfs, ignore", BAD},
	{spec_set_ip, "10.0.0", "\"10.0.0\" is not an ip address", BAD},
	{spec_set_mac_address, "xx", "address xx: invalid MAC address", BAD},
	{spec_set_preserve_fds, "x", "strconv.ParseUint: parsing \"x\": invalid syntax", BAD},
	{spec_set_sdnotify, "sometimes",
	 "invalid sdnotify value \"sometimes\": must be container, conmon, healthy or ignore: "
	 "invalid "
	 "argument",
	 BAD},
	{spec_set_preserve_fds, "65", "at most 64 can be preserved", BAD},
	{spec_add_group, "a:b", "invalid group \"a:b\"", BAD},
	{spec_add_group, "a b", "invalid group", BAD},
	{NULL},
};

static const Row privileges[] = {
	{spec_add_cap_add, "net_raw", "\"capAdd\":[\"CAP_NET_RAW\"]"},
	{spec_add_cap_add, "CAP_SYS_ADMIN", "\"capAdd\":[\"CAP_SYS_ADMIN\"]"},
	{spec_add_cap_add, "all", "\"capAdd\":[\"ALL\"]"},
	{spec_add_cap_add, "foo", "unknown capability", BAD},
	{spec_add_cap_add, "", "unknown capability", BAD},
	{spec_add_cap_drop, "ALL", "\"capDrop\":[\"ALL\"]"},
	{spec_add_cap_drop, "Chown", "\"capDrop\":[\"CAP_CHOWN\"]"},
	{spec_add_cap_drop, "CAP_FOO", "unknown capability", BAD},
	{spec_add_security_opt, "no-new-privileges", "\"noNewPrivileges\":true"},
	{spec_add_security_opt, "no-new-privileges=true", "\"noNewPrivileges\":true"},
	{spec_add_security_opt, "no-new-privileges:true", "\"noNewPrivileges\":true"},
	{spec_add_security_opt, "no-new-privileges=false", "\"version\":1"},
	{spec_add_security_opt, "no-new-privileges=maybe",
	 "invalid --security-opt 2: \"no-new-privileges=maybe\"", BAD},
	{spec_add_security_opt, "seccomp=unconfined", "\"seccompUnconfined\":true"},
	{spec_add_security_opt, "seccomp=/etc/p.json", "\"seccompProfile\":\"/etc/p.json\""},
	{spec_add_security_opt, "seccomp=", "invalid --security-opt 2", BAD},
	{spec_add_security_opt, "apparmor=unconfined", "\"apparmorProfile\":\"unconfined\""},
	{spec_add_security_opt, "apparmor=", "invalid --security-opt 2", BAD},
	{spec_add_security_opt, "apparmor=a\nb", "invalid --security-opt 2", BAD},
	{spec_add_security_opt, "label=disable", "\"labelDisable\":true"},
	{spec_add_security_opt, "label:disable", "\"labelDisable\":true"},
	{spec_add_security_opt, "label=level:s0", "label=level:s0 is not supported", NOT},
	{spec_add_security_opt, "mask=/proc/a:/proc/b", "\"mask\":[\"/proc/a\",\"/proc/b\"]"},
	{spec_add_security_opt, "mask=/proc/../x", "\"mask\":[\"/x\"]"},
	{spec_add_security_opt, "mask=", "invalid --security-opt 2", BAD},
	{spec_add_security_opt, "mask=proc", "invalid --security-opt 2", BAD},
	{spec_add_security_opt, "mask=/a:", "invalid --security-opt 2", BAD},
	{spec_add_security_opt, "unmask=ALL", "\"unmask\":[\"ALL\"]"},
	{spec_add_security_opt, "unmask=/proc/*", "\"unmask\":[\"/proc/*\"]"},
	{spec_add_security_opt, "systempaths=unconfined", "\"unmask\":[\"ALL\"]"},
	{spec_add_security_opt, "systempaths=x", "invalid --security-opt 2", BAD},
	{spec_add_security_opt, "nested", "\"nested\":true"},
	{spec_add_security_opt, "proc-opts=hidepid=2", "proc-opts is not supported", NOT},
	{spec_add_security_opt, "foo", "invalid --security-opt 1: \"foo\"", BAD},
	{spec_add_security_opt, "foo=bar", "invalid --security-opt 2: \"foo=bar\"", BAD},
	{spec_add_security_opt, "", "invalid --security-opt 1: \"\"", BAD},
	{spec_add_device, "/dev/fuse",
	 "{\"hostPath\":\"/dev/fuse\",\"path\":\"/dev/fuse\",\"permissions\":\"rwm\"}"},
	{spec_add_device, "/dev/fuse:/dev/x", "\"path\":\"/dev/x\",\"permissions\":\"rwm\""},
	{spec_add_device, "/dev/fuse:r", "\"path\":\"/dev/fuse\",\"permissions\":\"r\""},
	{spec_add_device, "/dev/fuse:/dev/x:rw", "\"path\":\"/dev/x\",\"permissions\":\"rw\""},
	{spec_add_device, "/dev/fuse::m", "\"path\":\"/dev/fuse\",\"permissions\":\"m\""},
	{spec_add_device, "/dev/a:/dev/../../x", "\"path\":\"/x\""},
	{spec_add_device, "/dev/null:/dev/x:q", "invalid device mode: q", BAD},
	{spec_add_device, "/dev/null:rr", "invalid device mode: rr", BAD},
	{spec_add_device, "/dev/null:", "invalid device mode: ", BAD},
	{spec_add_device, "/dev/null:/dev/x:r:w",
	 "invalid device specification: /dev/null:/dev/x:r:w", BAD},
	{spec_add_device, "/dev/null:r:w", "invalid device specification", BAD},
	{spec_add_device, "null", "stat null: no such file or directory", BAD},
	{spec_add_device, "", "invalid device specification: ", BAD},
	{spec_add_device, "nvidia.com/gpu=all", "\"cdiDevices\":[\"nvidia.com/gpu=all\"]"},
	{spec_add_device, "a/b=", "invalid device specification: a/b=", BAD},
	{spec_add_device, "../b=c", "invalid device specification", BAD},
	{spec_add_gpu, "all", "\"cdiDevices\":[\"gpu=all\"]"},
	{spec_add_gpu, "a b", "invalid GPU", BAD},
	{NULL},
};

static const Row limits[] = {
	{spec_add_ulimit, "nofile=1024:2048", "{\"resource\":7,\"soft\":1024,\"hard\":2048}"},
	{spec_add_ulimit, "NOFILE=5", "{\"resource\":7,\"soft\":5,\"hard\":5}"},
	{spec_add_ulimit, "core=-1", "{\"resource\":4,\"soft\":-1,\"hard\":-1}"},
	{spec_add_ulimit, "memlock=0:-1", "\"soft\":0,\"hard\":-1"},
	{spec_add_ulimit, "core=unlimited", "\"soft\":-1"},
	{spec_add_ulimit, "nofile=-1:5", "soft limit must be less than or equal to hard limit",
	 BAD},
	{spec_add_ulimit, "host", "\"ulimitHost\":true"},
	{spec_add_ulimit, "foo",
	 "ulimit option \"foo\" requires name=SOFT:HARD, failed to be parsed: "
	 "invalid ulimit argument: foo",
	 BAD},
	{spec_add_ulimit, "foo=1:2", "invalid ulimit type: foo", BAD},
	{spec_add_ulimit, "nofile=abc", "strconv.ParseInt: parsing \"abc\": invalid syntax", BAD},
	{spec_add_ulimit, "nofile=", "strconv.ParseInt", BAD},
	{spec_add_ulimit, "nofile=5:2",
	 "ulimit soft limit must be less than or equal to hard limit: 5 > 2", BAD},
	{spec_add_ulimit, "nofile=1:2:3", "too many limit value arguments - 1:2:3", BAD},
	{spec_add_ulimit, "nofile=-2", "strconv.ParseInt", BAD},
	{spec_add_ulimit, "=1", "invalid ulimit type: ", BAD},
	{spec_add_sysctl, "net.ipv4.ip_forward=1", "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}"},
	{spec_add_sysctl, "kernel.shmmax = 65536", "\"kernel.shmmax\":\"65536\""},
	{spec_add_sysctl, "fs.mqueue.msg_max=10", "\"fs.mqueue.msg_max\":\"10\""},
	{spec_add_sysctl, "kernel.sem=250\t32000\t32\t128", "\"kernel.sem\""},
	{spec_add_sysctl, "net.a=b=c", "\"net.a\":\"b=c\""},
	{spec_add_sysctl, "foo", "foo is invalid, sysctl values must be in the form of KEY=VALUE",
	 BAD},
	{spec_add_sysctl, "=1", "must be in the form of KEY=VALUE", BAD},
	{spec_add_sysctl, "", "must be in the form of KEY=VALUE", BAD},
	{spec_add_sysctl, "kernel.core_pattern=|/x", "sysctl 'kernel.core_pattern' is not allowed",
	 BAD},
	{spec_add_sysctl, "kernel.shmmax2=1", "is not allowed", BAD},
	{spec_add_sysctl, "net/../kernel/core_pattern=x", "is not allowed", BAD},
	{spec_add_sysctl, "net/ipv4/ip_forward=1", "is not allowed", BAD},
	{spec_add_sysctl, "net...kernel.core_pattern=x", "is not allowed", BAD},
	{spec_add_sysctl, "net.=1", "is not allowed", BAD},
	{spec_add_sysctl, "net.x+kernel.y=1", "is not allowed", BAD},
	{spec_add_sysctl, "NET.x=1", "is not allowed", BAD},
	{spec_add_sysctl, "vm.swappiness=1", "is not allowed", BAD},
	{spec_add_sysctl, "net.x=a\nb", "control character", BAD},
	{spec_set_pids_limit, "100", "\"pidsLimit\":100,\"pidsLimitSet\":true"},
	{spec_set_pids_limit, "-1", "\"pidsLimit\":-1,\"pidsLimitSet\":true"},
	{spec_set_pids_limit, "0", "\"pidsLimit\":-1"},
	{spec_set_pids_limit, "-5", "\"pidsLimit\":-1"},
	{spec_set_pids_limit, "foo", "strconv.ParseInt: parsing \"foo\": invalid syntax", BAD},
	{spec_set_pids_limit, "", "strconv.ParseInt", BAD},
	{spec_set_pids_limit, "-", "strconv.ParseInt", BAD},
	{spec_set_pids_limit, "1k", "strconv.ParseInt", BAD},
	{spec_set_shm_size, "64m", "\"shmSize\":67108864"},
	{spec_set_shm_size, "1g", "\"shmSize\":1073741824"},
	{spec_set_shm_size, "65536", "\"shmSize\":65536"},
	{spec_set_shm_size, "foo", "unable to translate --shm-size: invalid size: 'foo'", BAD},
	{spec_set_shm_size, "-1", "invalid size: '-1'", BAD},
	{spec_set_shm_size, "0", "invalid size: '0'", BAD},
	{spec_set_shm_size, "", "invalid size: ''", BAD},
	{NULL},
};

static const Row resources[] = {
	{spec_set_memory, "64m", "\"memory\":{\"limit\":67108864,\"swap\":134217728}"},
	{spec_set_memory, "0", "\"version\":1"},
	{spec_set_memory_swap, "-1", "\"memory\":{\"swap\":-1}"},
	{spec_set_memory_swap, "0", "\"version\":1"},
	{spec_set_memory_reservation, "1k", "\"memory\":{\"reservation\":1024}"},
	{spec_set_cpus, "1.5", "\"cpu\":{\"quota\":150000,\"period\":100000}"},
	{spec_set_cpus, "0", "\"version\":1"},
	{spec_set_cpus, "1e1", "\"quota\":1000000"},
	{spec_set_cpus, "1x", "strconv.ParseFloat: parsing \"1x\": invalid syntax", BAD},
	{spec_set_cpus, "", "strconv.ParseFloat", BAD},
	{spec_set_cpus, "-1", "invalid number of CPUs: '-1'", BAD},
	{spec_set_cpus, "nan", "strconv.ParseFloat", BAD},
	{spec_set_cpus, "0x10", "strconv.ParseFloat", BAD},
	{spec_set_cpus, " 1", "strconv.ParseFloat", BAD},
	{spec_set_cpu_period, "50000", "\"cpu\":{\"period\":50000}"},
	{spec_set_cpu_period, "-1", "strconv.ParseUint: parsing \"-1\": invalid syntax", BAD},
	{spec_set_cpu_quota, "5000", "\"cpu\":{\"quota\":5000}"},
	{spec_set_cpu_quota, "-5", "\"cpu\":{\"quota\":-1}"},
	{spec_set_cpu_quota, "x", "strconv.ParseInt: parsing \"x\": invalid syntax", BAD},
	{spec_set_cpu_shares, "512", "\"cpu\":{\"shares\":512}"},
	{spec_set_cpu_shares, "", "strconv.ParseUint", BAD},
	{spec_set_cpuset_cpus, "0-2,7", "\"cpu\":{\"cpus\":\"0-2,7\"}"},
	{spec_set_cpuset_mems, "0", "\"cpu\":{\"mems\":\"0\"}"},
	{spec_set_blkio_weight, "500", "\"blockIO\":{\"weight\":500}"},
	{spec_set_memory_swappiness, "x", "strconv.ParseInt", BAD},
	{spec_add_cgroup_conf, "memory.high=5", "\"unified\":{\"memory.high\":\"5\"}"},
	{spec_add_cgroup_conf, "io.latency=8:0 target=1", "\"io.latency\":\"8:0 target=1\""},
	{spec_set_oom_score_adj, "-1000", "\"oomScoreAdj\":-1000,\"oomScoreAdjSet\":true"},
	{spec_set_oom_score_adj, "x", "strconv.ParseInt", BAD},
	{spec_set_cgroups, "split", "\"cgroups\":\"split\""},
	{spec_set_cgroup_parent, "a-b.slice", "\"cgroupParent\":\"a-b.slice\""},
	{spec_set_cgroup_parent, "/a/b", "\"cgroupParent\":\"/a/b\""},
	{NULL},
};

/* What podman says after its flags. */
static const Row late[] = {
	{spec_set_memory, "abc", "invalid value for memory: invalid size: 'abc'"},
	{spec_set_memory, "-5", "invalid value for memory: invalid size: '-5'"},
	{spec_set_memory_swap, "x", "invalid value for memory: invalid size: 'x'"},
	{spec_set_memory_reservation, "x", "invalid value for memory: invalid size: 'x'"},
	{spec_set_memory_swappiness, "5", "cannot set memory swappiness with cgroupv2"},
	{spec_set_cpus, "0.001", "CPU cfs quota cannot be less than 1ms (i.e. 1000)"},
	{spec_set_cpu_period, "5", "CPU cfs period cannot be less than 1ms (i.e. 1000) or larger"},
	{spec_set_cpuset_cpus, "a", "invalid value a for cpuset cpus"},
	{spec_set_cpuset_cpus, "3-1", "invalid value 3-1 for cpuset cpus"},
	{spec_set_cpuset_cpus, "1,,2", "invalid value 1,,2 for cpuset cpus"},
	{spec_set_cpuset_mems, "0-", "invalid value 0- for cpuset mems"},
	{spec_set_blkio_weight, "x", "invalid value for blkio-weight: strconv.ParseUint"},
	{spec_set_blkio_weight, "5", "range of blkio weight is from 10 to 1000"},
	{spec_set_blkio_weight, "1001", "range of blkio weight is from 10 to 1000"},
	{spec_add_device_read_bps, "x", "bad format: x"},
	{spec_add_device_read_bps, "sda:1mb", "bad format for device path: sda"},
	{spec_add_device_read_bps, "/dev/none:1",
	 "could not parse throttle device at /dev/none: no such file or directory"},
	{spec_add_device_write_iops, "/dev/null:1", "at /dev/null: it is not a block device"},
	{spec_add_cgroup_conf, "memory.high", "--cgroup-conf must be formatted KEY=VALUE"},
	{spec_add_cgroup_conf, "../memory.high=5", "is no file of a controller"},
	{spec_add_cgroup_conf, "a/b.c=5", "is no file of a controller"},
	{spec_add_cgroup_conf, "cgroup.procs=5", "is no file of a controller"},
	{spec_add_cgroup_conf, "tasks=5", "is no file of a controller"},
	{spec_add_cgroup_conf, ".x=5", "is no file of a controller"},
	{spec_set_oom_score_adj, "1001", "range is -1000 to 1000"},
	{spec_set_cgroups, "x", "invalid cgroup mode \"x\": invalid argument"},
	{spec_set_cgroup_parent, "../x", "invalid cgroup parent"},
	{spec_set_cgroup_parent, "/a/../b", "invalid cgroup parent"},
	{spec_set_cgroup_parent, "/a//b", "invalid cgroup parent"},
	{spec_set_cgroup_parent, "/a/./b.slice", "invalid cgroup parent"},
	{spec_set_cgroup_parent, ".slice", "invalid cgroup parent"},
	{spec_set_cgroup_parent, "a b.slice", "invalid cgroup parent"},
	{spec_set_cgroup_parent, "a\nb.slice", "invalid cgroup parent"},
	{NULL},
};

static void test_late(void)
{
	for (const Row *row = late; row->set; row++) {
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		g_assert_true(row->set(spec, row->value, &error));
		g_assert_no_error(error);
		g_assert_false(spec_check_limits(spec, &error));
		if (!strstr(error->message, row->expect))
			spec_rows_fail(row, error->message);
	}
}

/* Limits that do not go together. */
static void test_contradictions(void)
{
	static const struct {
		Row first, second;
		const char *message;
	} rows[] = {
		{{spec_set_cpus, "1", NULL},
		 {spec_set_cpu_period, "5000", NULL},
		 "--cpu-period and --cpus cannot be set together"},
		{{spec_set_cpu_quota, "5000", NULL},
		 {spec_set_cpus, "1", NULL},
		 "--cpu-quota and --cpus cannot be set together"},
		{{spec_set_cgroups, "split", NULL},
		 {spec_set_cgroup_parent, "a.slice", NULL},
		 "--cgroups=split and --cgroup-parent cannot be set together"},
		{{spec_set_memory, "64m", NULL},
		 {spec_set_memory_swap, "32m", NULL},
		 "minimum memoryswap limit should be larger than memory limit, see usage"},
		{{spec_set_memory, "64m", NULL},
		 {spec_set_memory_reservation, "65m", NULL},
		 "minimum memory limit cannot be less than memory reservation limit, see usage"},
		{{spec_set_memory_swap, "64m", NULL},
		 {spec_set_memory_swap, "65m", NULL},
		 "you should always set a memory limit when using a memoryswap limit, see usage"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		g_assert_true(rows[i].first.set(spec, rows[i].first.value, NULL));
		g_assert_true(rows[i].second.set(spec, rows[i].second.value, NULL));
		g_assert_false(spec_check_limits(spec, &error) &&
			       spec_check_memory(&spec->resources, &error));
		g_assert_cmpstr(error->message, ==, rows[i].message);
	}
}

static const Row namespaces[] = {
	{spec_set_pid, "host", "\"pid\":{\"mode\":\"host\"}"},
	{spec_set_pid, "private", "\"pid\":{\"mode\":\"private\"}"},
	{spec_set_pid, "", "\"version\":1"},
	{spec_set_pid, "container:c1", "\"pid\":{\"mode\":\"container\",\"target\":\"c1\"}"},
	{spec_set_pid, "ns:/proc/1/ns/pid", "\"mode\":\"path\",\"target\":\"/proc/1/ns/pid\""},
	{spec_set_pid, "foo", "unrecognized namespace mode foo passed", BAD},
	{spec_set_pid, "container:", "namespace mode container requires a value", BAD},
	{spec_set_pid, "ns:", "namespace mode ns requires a value", BAD},
	{spec_set_pid, "ns:x", "must be an absolute path", BAD},
	{spec_set_pid, "Host", "unrecognized namespace mode", BAD},
	{spec_set_ipc, "shareable", "\"ipc\":{\"mode\":\"private\"}"},
	{spec_set_ipc, "host", "\"ipc\":{\"mode\":\"host\"}"},
	{spec_set_ipc, "none", "ipc mode none is not supported", NOT},
	{spec_set_ipc, "foo", "unrecognized namespace mode foo passed", BAD},
	{spec_set_uts, "host", "\"uts\":{\"mode\":\"host\"}"},
	{spec_set_uts, "container:x", "\"uts\":{\"mode\":\"container\""},
	{spec_set_uts, "foo", "unrecognized namespace mode foo passed", BAD},
	{spec_set_cgroupns, "host", "\"cgroup\":{\"mode\":\"host\"}"},
	{spec_set_cgroupns, "private", "\"cgroup\":{\"mode\":\"private\"}"},
	{spec_set_cgroupns, "foo", "unrecognized namespace mode foo passed", BAD},
	{spec_set_userns, "", "\"version\":1"},
	{spec_set_userns, "host", "\"usernsAsked\":true"},
	{spec_set_userns, "nomap", "\"userns\":\"nomap\""},
	{spec_set_userns, "keep-id", "\"userns\":\"keep-id\""},
	{spec_set_userns, "keep-id:uid=200", "\"keepIdUid\":200,\"keepIdUidSet\":true"},
	{spec_set_userns, "keep-id:uid=0,gid=5,size=70000",
	 "\"usernsSize\":70000,\"keepIdGid\":5,\"keepIdUidSet\":true,\"keepIdGidSet\":true"},
	{spec_set_userns, "auto", "\"userns\":\"auto\""},
	{spec_set_userns, "auto:size=8192", "\"usernsSize\":8192"},
	{spec_set_userns, "container:x",
	 "\"userns\":\"container\",\"usernsAsked\":true,\"usernsTarget\":\"x\""},
	{spec_set_userns, "ns:/run/n",
	 "\"userns\":\"path\",\"usernsAsked\":true,\"usernsTarget\":\"/run/n\""},
	{spec_set_userns, "foo", "unrecognized namespace mode foo passed", BAD},
	{spec_set_userns, "host:x", "unrecognized namespace mode host:x passed", BAD},
	{spec_set_userns, "nomap:x=1", "unrecognized namespace mode", BAD},
	{spec_set_userns, "keep-id:foo=1", "unknown option specified: \"foo\"", BAD},
	{spec_set_userns, "keep-id:uid", "unknown option specified: \"uid\"", BAD},
	{spec_set_userns, "keep-id:uid=x", "strconv.ParseUint: parsing \"x\": invalid syntax", BAD},
	{spec_set_userns, "keep-id:uid=4294967295", "strconv.ParseUint", BAD},
	{spec_set_userns, "keep-id:size=0", "invalid size: '0'", BAD},
	{spec_set_userns, "auto:size=x", "strconv.ParseUint: parsing \"x\": invalid syntax", BAD},
	{spec_set_userns, "auto:uidmapping=0:1:1", "auto option uidmapping is not supported", NOT},
	{spec_set_userns, "auto:uid=1", "unknown option specified: \"uid\"", BAD},
	{spec_set_userns, "private", "userns mode private is not supported", NOT},
	{spec_set_userns, "container:", "namespace mode container requires a value", BAD},
	{spec_add_uidmap, "0:1:100", "\"uids\":[{\"inside\":0,\"outside\":1,\"count\":100}]"},
	{spec_add_uidmap, "0:1", "\"count\":1"},
	{spec_add_uidmap, "foo", "", NOT},
	{spec_add_uidmap, "0:@1000:1", "extensions of podman", NOT},
	{spec_add_uidmap, "+0:1:1", "extensions of podman", NOT},
	{spec_add_uidmap, "0", "id map '0'", BAD},
	{spec_add_uidmap, "0:0:0", "id map '0:0:0'", BAD},
	{spec_add_uidmap, "0:1:2:3", "id map", BAD},
	{spec_add_uidmap, "-1:1:2", "id map", BAD},
	{spec_add_gidmap, "5:6:7", "\"gids\":[{\"inside\":5,\"outside\":6,\"count\":7}]"},
	{spec_add_gidmap, "", "id map", BAD},
	{spec_set_hostname, "web-1.example.org", "\"hostname\":\"web-1.example.org\""},
	{spec_set_hostname, "under_score", "\"hostname\":\"under_score\""},
	{spec_set_hostname, "", "\"version\":1"},
	{spec_set_hostname, "a b", "invalid hostname \"a b\"", BAD},
	{spec_set_domainname, "example.org", "\"domainname\":\"example.org\""},
	{spec_set_domainname, "a b", "invalid domainname \"a b\"", BAD},
	{spec_set_hostname, "-x", "invalid hostname", BAD},
	{spec_set_hostname, ".x", "invalid hostname", BAD},
	{spec_set_hostname, "a\nb", "invalid hostname", BAD},
	{spec_set_hostname, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	 "invalid hostname", BAD},
	{NULL},
};

static const Row network[] = {
	{spec_set_network, "none", "\"mode\":\"none\""},
	{spec_set_network, "host", "\"mode\":\"host\""},
	{spec_set_network, "slirp", "\"mode\":\"slirp\""},
	{spec_set_network, "container:x", "\"target\":\"x\""},
	{spec_set_network, "", "", BAD},
	{spec_add_publish, "8080:80", "8080"},
	{spec_add_publish, "127.0.0.1:8080:80/udp", "127.0.0.1"},
	{spec_add_publish, "99999:1",
	 "port numbers must be between 1 and 65535 (inclusive), got 99999", BAD},
	{spec_add_publish, "foo", "", BAD},
	{spec_add_publish, "", "", BAD},
	{spec_add_expose, "80", "\"exposed\":[\"80\"]"},
	{spec_add_expose, "80-82/tcp", "\"exposed\":[\"80-82/tcp\"]"},
	{spec_add_expose, "foo", "", BAD},
	{spec_add_host, "db:10.0.0.1", "\"addHost\":[\"db:10.0.0.1\"]"},
	{spec_add_host, "foo", "foo", BAD},
	{spec_add_host, "foo:bar", "invalid IP address in add-host: \"bar\"", BAD},
	{spec_add_host, "a b:1.2.3.4", "", BAD},
	{spec_add_dns, "1.1.1.1", "\"dns\":[\"1.1.1.1\"]"},
	{spec_add_dns, "::1", "\"dns\":[\"::1\"]"},
	{spec_add_dns, "foo", "foo is not an ip address", BAD},
	{spec_add_dns, "", " is not an ip address", BAD},
	{spec_add_dns, "none", "dns none is not supported", NOT},
	{spec_add_dns_search, "example.org", "\"dnsSearch\":[\"example.org\"]"},
	{spec_add_dns_search, ".", "\"dnsSearch\":[\".\"]"},
	{spec_add_dns_search, "a\nnameserver 6.6.6.6", "is not a valid domain", BAD},
	{spec_add_dns_search, "", "is not a valid domain", BAD},
	{spec_add_dns_option, "ndots:2", "\"dnsOption\":[\"ndots:2\"]"},
	{spec_add_dns_option, "a b", "invalid DNS option", BAD},
	{NULL},
};

static void test_repeats(void)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	g_assert_true(spec_add_ulimit(spec, "nofile=1", NULL));
	g_assert_true(spec_add_ulimit(spec, "core=0", NULL));
	g_assert_true(spec_add_ulimit(spec, "nofile=2", NULL));
	g_assert_cmpuint(spec->ulimits->len, ==, 2);
	g_assert_cmpuint(g_array_index(spec->ulimits, OciRlimit, 0).soft, ==, 2);

	g_assert_true(spec_add_tmpfs(spec, "/x:size=1m", NULL));
	g_assert_true(spec_add_tmpfs(spec, "/x", NULL));
	g_assert_cmpuint(spec->mounts->len, ==, 1);
	g_assert_null(((SpecMount *)spec->mounts->pdata[0])->options[0]);

	g_assert_true(spec_set_userns(spec, "keep-id:uid=5,size=9", NULL));
	g_assert_true(spec_set_userns(spec, "auto", NULL));
	g_assert_false(spec->keep_id_uid_set);
	g_assert_cmpuint(spec->userns_size, ==, 0);

	g_assert_true(spec_add_security_opt(spec, "seccomp=/x", NULL));
	g_assert_true(spec_add_security_opt(spec, "seccomp=unconfined", NULL));
	g_assert_null(spec->seccomp_profile);
	g_assert_true(spec_add_security_opt(spec, "seccomp=/x", NULL));
	g_assert_false(spec->seccomp_unconfined);
}

static void test_env_text(void)
{
	static const char text[] = "\xef\xbb\xbf# comment\n"
				   "\n"
				   "A=1\r\n"
				   "  B=\"quoted\" # kept\n"
				   "C=\n"
				   "HOSTVAR\n"
				   "   # another\n"
				   "D= two  words ";
	static const char *const expected[] = {
		"A=1", "B=\"quoted\" # kept", "C=", "HOSTVAR", "D= two  words ", "Z=before"};
	g_autoptr(ContainerSpec) spec = spec_new();
	g_assert_true(spec_add_env(spec, "Z=before", NULL));
	g_assert_true(spec_add_env_text(spec, text, "f", NULL));
	g_assert_cmpuint(spec->env_asked->len, ==, G_N_ELEMENTS(expected));
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_cmpstr(spec->env_asked->pdata[i], ==, expected[i]);

	static const struct {
		const char *text, *message;
	} bad[] = {
		{"=x", "parsing env file \"f\": invalid environment variable: \"=x\""},
		{"A B=x", "parsing env file \"f\": variable 'A B' contains whitespaces"},
		{"A=1\nB C", "parsing env file \"f\": variable 'B C' contains whitespaces"},
		{"A=\xff", "it is not valid UTF-8"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(spec_add_env_text(spec, bad[i].text, "f", &error));
		g_assert_nonnull(strstr(error->message, bad[i].message));
	}
}

static void test_env_file(void)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("skiff-env-XXXXXX", &path, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_autoptr(ContainerSpec) spec = spec_new();
	g_autoptr(GError) error = NULL;
	g_assert_true(g_file_set_contents(path, "A=1\n", -1, NULL));
	g_assert_true(spec_add_env_file(spec, path, &error));
	g_assert_cmpstr(spec->env_asked->pdata[0], ==, "A=1");
	g_assert_true(g_file_set_contents(path, "A=1\0B=2", 7, NULL));
	g_assert_false(spec_add_env_file(spec, path, &error));
	g_assert_nonnull(strstr(error->message, "NUL byte"));
	g_unlink(path);
}

static void test_ports_survive_network(void)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	g_assert_true(spec_add_publish(spec, "8080:80", NULL));
	g_assert_true(spec_set_network(spec, "slirp", NULL));
	g_assert_true(spec_add_publish(spec, "8081:81", NULL));
	g_assert_cmpuint(spec->network->ports->len, ==, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/spec-parse/identity", identity, spec_rows_test);
	g_test_add_data_func("/spec-parse/process", process, spec_rows_test);
	g_test_add_data_func("/spec-parse/privileges", privileges, spec_rows_test);
	g_test_add_data_func("/spec-parse/limits", limits, spec_rows_test);
	g_test_add_data_func("/spec-parse/resources", resources, spec_rows_test);
	g_test_add_func("/spec-parse/resources/said-after-the-flags", test_late);
	g_test_add_func("/spec-parse/resources/contradictions", test_contradictions);
	g_test_add_data_func("/spec-parse/namespaces", namespaces, spec_rows_test);
	g_test_add_data_func("/spec-parse/network", network, spec_rows_test);
	g_test_add_func("/spec-parse/repeats/replace-or-append", test_repeats);
	g_test_add_func("/spec-parse/env-file/dockers-grammar", test_env_text);
	g_test_add_func("/spec-parse/env-file/refuses-nul", test_env_file);
	g_test_add_func("/spec-parse/network/keeps-ports", test_ports_survive_network);
	return g_test_run();
}
