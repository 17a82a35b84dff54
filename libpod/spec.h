/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ContainerSpec: what was asked for. Filled by setters (spec_parse.h), completed by spec_resolve(),
 * kept as create.json, and turned into an OciConfig by oci_build().
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/idmap.h"
#include "libpod/base/json.h"
#include "libpod/monitor/health_config.h"
#include "libpod/monitor/monitor.h"
#include "network/network.h"
#include "storage/fetch.h"

/* PATH where an image has none. */
#define SPEC_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

typedef enum {
	SPEC_MOUNT_BIND,
	SPEC_MOUNT_VOLUME, /* source is a volume name; NULL source = anonymous */
	SPEC_MOUNT_TMPFS,
	SPEC_MOUNT_RAMFS,
	SPEC_MOUNT_DEVPTS,
	SPEC_MOUNT_IMAGE, /* source is an image's name; resolved: @image_id too */
} SpecMountKind;

typedef struct {
	SpecMountKind kind;
	char *source;      /* absolute host path, or volume name, or NULL */
	char *destination; /* cleaned absolute path */
	bool read_only;
	bool copy_up;      /* volumes: fill from the image when new and empty (default true) */
	bool chown;        /* U */
	bool overlay;      /* O */
	char relabel;      /* 'z', 'Z' or 0 */
	char *propagation; /* "rprivate" ... or NULL */
	bool non_recursive;
	bool from_image; /* an image VOLUME */
	char *image_id;  /* SPEC_MOUNT_IMAGE, resolved */
	char **layers;   /* SPEC_MOUNT_IMAGE of a build: chain ids, bottom first, instead of it */
	char *subpath;
	char **options; /* further mount options as typed: nosuid, size=..., mode=..., never NULL */
} SpecMount;

typedef enum {
	SPEC_NS_DEFAULT,
	SPEC_NS_PRIVATE,
	SPEC_NS_HOST,
	SPEC_NS_CONTAINER, /* target = container name or id (resolved to a full id by spec_resolve)
			    */
	SPEC_NS_PATH,
} SpecNamespaceMode;

typedef struct {
	SpecNamespaceMode mode;
	char *target;
} SpecNamespace;

typedef enum {
	SPEC_USERNS_HOST, /* the user's shared namespace; for real root none */
	SPEC_USERNS_KEEP_ID,
	SPEC_USERNS_NOMAP,
	SPEC_USERNS_AUTO,
	SPEC_USERNS_MAPS, /* --uidmap/--gidmap */
	SPEC_USERNS_CONTAINER,
	SPEC_USERNS_PATH,
} SpecUserNsMode;

typedef struct {
	char *name;   /* as typed; resolved: the secret's own */
	char *id;     /* resolved */
	bool env;     /* a variable, else a file */
	bool given;   /* its bytes come with the start (ContainerStart), not from the store */
	GBytes *data; /* run-only: its bytes come with the create; the store does not know it */
	char *target; /* resolved: an absolute path, or the variable's name */
	uint32_t uid, gid, mode;
	char *digest; /* recorded: of a file's bytes; NULL in old records */
} SpecSecret;

typedef enum {
	SPEC_IMAGE_VOLUME_ANONYMOUS,
	SPEC_IMAGE_VOLUME_TMPFS,
	SPEC_IMAGE_VOLUME_IGNORE,
} SpecImageVolume;

typedef struct {
	char *host_path, *path;
	char *permissions; /* "rwm" */
} SpecDevice;

/* The --health-* options as typed: NULL and -1 are not given. */
typedef struct {
	bool disabled; /* --no-healthcheck */
	char *cmd, *interval, *timeout, *start_period, *start_interval;
	char *startup_cmd, *startup_interval, *startup_timeout;
	char *log_destination;
	bool on_failure_set, log_destination_set;
	HealthOnFailure on_failure;
	int64_t retries, startup_retries, startup_success;
	int64_t log_count, log_size;
} SpecHealth;
/* --cgroups */
typedef enum {
	SPEC_CGROUPS_DEFAULT, /* one where it costs nothing or a limit needs it */
	SPEC_CGROUPS_ENABLED, /* one in any case */
	SPEC_CGROUPS_DISABLED,
	SPEC_CGROUPS_NO_CONMON, /* as enabled: our monitor is never in the payload's */
	SPEC_CGROUPS_SPLIT,     /* in the cgroup that we were started in */
} SpecCgroups;

/* --sdnotify */
typedef enum {
	SPEC_NOTIFY_DEFAULT, /* as container */
	SPEC_NOTIFY_CONTAINER,
	SPEC_NOTIFY_CONMON,
	SPEC_NOTIFY_HEALTHY,
	SPEC_NOTIFY_IGNORE,
} SpecNotify;

/* --init-ctr */
typedef enum {
	SPEC_INIT_CTR_NO,
	SPEC_INIT_CTR_ONCE,   /* goes when it has ended well */
	SPEC_INIT_CTR_ALWAYS, /* runs at each start of its pod */
} SpecInitCtr;

/* --systemd */
typedef enum {
	SPEC_SYSTEMD_AUTO, /* by the command's name */
	SPEC_SYSTEMD_OFF,
	SPEC_SYSTEMD_ALWAYS,
} SpecSystemd;

typedef struct {
	/* identity */
	char *name;       /* NULL: container_create generates one */
	char *image;      /* as typed */
	char *image_id;   /* resolved */
	char *image_name; /* normalised name shown by ps */
	char *rootfs;     /* --rootfs DIR, absolute; NULL with an image */
	bool rootfs_overlay;
	/*
	 * A step of a build: chain ids, bottom first, in place of an image; and where its layer
	 * lies, "staging/STAGE/NAME" in the store (storage/build_layer.h). Both NULL else.
	 */
	char **layers;
	char *layer_dir;
	GHashTable *labels;
	GHashTable *annotations;

	/* process */
	char **command;    /* as typed after the image; NULL if none */
	char **entrypoint; /* --entrypoint; NULL = the image's; empty vector = cleared */
	bool entrypoint_set;
	char **args;          /* resolved: entrypoint + command */
	GPtrArray *env_asked; /* "K=V", or "K": the host's. --env-file before -e, each in order */
	unsigned env_from_files; /* how many of these came from files */
	char **env_defaults;     /* of containers.conf: below the image's. NULL if none */
	char **env_merge;        /* "K=V" with ${NAME} of the image's; not recorded */
	bool env_host;           /* all of our environment, above the image's; not recorded */
	char **unset_env;        /* names of the image's and our defaults; not recorded */
	bool unset_env_all;
	char **env;          /* resolved; HOSTNAME is added by oci_build, HOME by init */
	bool http_proxy;     /* pass our proxy variables on; default true */
	bool http_proxy_set; /* typed */
	char *workdir;
	bool workdir_created; /* the image's own or a compose file's: make it when missing */
	char *user;
	char **group_add;
	bool keep_groups;   /* --group-add keep-groups: our supplementary groups stay */
	char *umask;        /* four octal digits; NULL = 0022 */
	char *passwd_entry; /* lines for a user or group that the image lacks, with $NAMES; NULL =
			       ours */
	char *group_entry;
	bool passwd;    /* may /etc/passwd and /etc/group be completed? default true */
	char *timezone; /* "local", or a name below the host's zoneinfo; NULL = the image's */
	bool tty, open_stdin;
	bool init;
	int stop_signal; /* 0 until resolved */
	char *stop_signal_text;
	int stop_timeout; /* seconds, -1 = default 10 */
	int timeout;

	/* privileges */
	char **cap_add, **cap_drop;
	bool privileged;
	bool no_new_privileges;
	bool seccomp_unconfined;
	char *seccomp_profile;
	bool nested;
	char **mask, **unmask; /* --security-opt mask=/unmask= */
	char *apparmor_profile;
	bool label_disable;
	GPtrArray *devices; /* of SpecDevice */
	char **cdi_devices; /* see cdi_apply() */
	char **cdi_dirs;    /* of containers.conf, where their files are; NULL: the usual ones */
	GArray *ulimits;    /* of OciRlimit */
	bool ulimit_host;
	GHashTable *sysctl;
	bool read_only;
	bool read_only_tmpfs; /* default true */
	int64_t pids_limit;   /* 0 = default 2048, -1 = none */
	bool pids_limit_set;
	OciResources resources;                       /* the other limits; pids stay 0 in there */
	bool memory_swap_set;                         /* typed: not made from the memory */
	bool cpus_set, cpu_period_set, cpu_quota_set; /* typed */
	int oom_score_adj;
	bool oom_score_adj_set;
	bool oom_kill_disable;
	bool memory_swappiness_set;
	SpecCgroups cgroups;
	char *cgroup_parent;
	char *limit_error; /* why a limit that was typed is none: spec_check_limits() says it */
	int64_t shm_size;  /* 0 = 64 MiB */

	/* namespaces */
	SpecUserNsMode userns;
	bool userns_asked; /* --userns was given */
	char *userns_target;
	uint32_t userns_size, keep_id_uid, keep_id_gid;
	bool keep_id_uid_set, keep_id_gid_set;
	char *sub_uid_name, *sub_gid_name; /* whose ranges of /etc/subuid and subgid are the map */
	/*
	 * --uidmap/--gidmap as typed. Resolved: the container's own map, with outside ids of the
	 * user's shared namespace (real root: of the host); NULL = it lives in the shared namespace
	 * (or the host's) itself.
	 */
	IdMap *id_map;
	SpecNamespace pid, ipc, uts, cgroup;
	char *hostname;   /* NULL = the first 12 digits of the id, put in by oci_build */
	char *domainname; /* what follows the host name, and the NIS domain; or NULL */

	/* network */
	NetworkRequest *network;
	bool network_set; /* typed */
	bool publish_all;
	char **exposed; /* image + --expose, "80/tcp" */
	char **add_host, **dns, **dns_search, **dns_option;
	bool dns_set, dns_search_set, dns_option_set; /* used while containers.conf is applied */
	bool no_hosts, no_hostname;                   /* the image's own files stay */
	char *hosts_file;   /* absolute, "none" or "image": what /etc/hosts begins with */
	char *network_only; /* the first option that needs a named network; not recorded */

	/* mounts */
	GPtrArray *mounts;            /* of SpecMount */
	GPtrArray *secrets;           /* of SpecSecret */
	char **volumes_from;          /* "CONTAINER[:OPTIONS]" as typed */
	SpecImageVolume image_volume; /* what becomes of the image's VOLUMEs; not recorded */

	/* life */
	bool detach;
	bool remove;
	bool replace;
	RestartKind restart;
	int restart_retries;
	int restart_delay_ms, restart_window_ms; /* 0: the monitor's own; see restart_policy.h */
	SpecHealth health_asked;
	HealthConfig *health; /* resolved; NULL: no probes */
	PullPolicy pull;
	char *platform;
	char *cidfile;
	char *pid_file, *monitor_pid_file; /* absolute: written at each start */
	char **requires;                   /* containers that start before it; resolved: full ids */
	bool remove_image;                 /* --rmi */
	char *pod;                         /* resolved: id of the pod it is in, or NULL */
	char *pod_name;                    /* its name, which never changes */
	char *pod_cgroup; /* id of the infra container whose cgroup, which the pod's limits
			     hold, it is in; NULL: none */
	bool infra;       /* it holds the pod's namespaces and does nothing else */
	SpecNotify sdnotify;
	SpecSystemd systemd_asked;
	bool systemd; /* resolved: its first process is a systemd (systemd_mode.h) */
	LogDriver log_driver;
	bool log_driver_set; /* typed, or chosen by containers.conf */
	char *log_path;
	int64_t log_max_size;
	int log_max_file; /* files in all; 0 = default */
	char *log_tag;
	char **log_labels;    /* LABEL=VALUE, for journald; see log_tag_expand() */
	SpecInitCtr init_ctr; /* its pod runs it to its end before the other members start */
	/* run only, not recorded */
	char *pod_asked;   /* --pod: name or id, or "new:NAME" */
	char *pod_id_file; /* --pod-id-file */
	bool rootfs_asked; /* --rootfs: the first argument is a directory, see spec_set_rootfs() */
	bool sig_proxy;
	char *preserve; /* '1' for a descriptor from 3 on that is passed, '0' for a hole; or NULL */
	char *detach_keys;
	bool quiet;
	char **attach;         /* -a stdin|stdout|stderr */
	char **create_command; /* the command line, for inspect; recorded */
	int64_t created;       /* ns */
} ContainerSpec;

/** spec_new() - an empty spec with defaults that need no host knowledge. */
ContainerSpec *spec_new(void);
void spec_free(ContainerSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerSpec, spec_free)
/** spec_secret_new() - a file in the container with these bytes, which it keeps as its own; strings
 * are copied, @data referenced. The spec's list takes it. */
SpecSecret *spec_secret_new(const char *name, const char *target, GBytes *data);
/** spec_mount_new() - a mount with defaults; strings are copied. The spec's list takes it. */
SpecMount *spec_mount_new(SpecMountKind kind, const char *source, const char *destination);
void spec_mount_free(SpecMount *mount);
/** spec_mount_copy() - an independent copy. */
SpecMount *spec_mount_copy(const SpecMount *mount);
/** spec_dependencies() - full ids of the containers it shares a namespace with or requires, each
 * once. g_strfreev(). */
char **spec_dependencies(const ContainerSpec *spec);
/** spec_timezone_path() - the host's file with the rules of --tz; NULL without one. g_free() it. */
char *spec_timezone_path(const ContainerSpec *spec);

/** spec_to_json() - create.json, version 1: everything but the run-only fields and secrets. */
Json *spec_to_json(const ContainerSpec *spec);
/** spec_ulimits_to_json() - as they are recorded. */
Json *spec_ulimits_to_json(const GArray *ulimits);
/** spec_ulimits_from_json() - the reverse, below @key; absent: @ulimits stays. CORRUPT. */
bool spec_ulimits_from_json(Json *json, const char *key, GArray *ulimits, GError **error);
/** spec_health_is_asked() - was any --health-* option or --no-healthcheck given? */
bool spec_health_is_asked(const SpecHealth *asked);
/** spec_health_update() - what was typed, over the probes that @spec has. INVALID. */
bool spec_health_update(ContainerSpec *spec, const SpecHealth *asked, GError **error);
/** spec_from_json() - the reverse; CORRUPT names the field. */
ContainerSpec *spec_from_json(Json *json, GError **error);
