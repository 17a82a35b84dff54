/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed config.json (OCI runtime-spec 1.1, Linux part): plain data that libpod fills and the
 * runtime executes. oci_config_write() gives JSON that validates against the specification's
 * schema.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/idmap.h"
#include "libpod/base/json.h"
#include "libpod/runtime/resources.h"

typedef enum {
	OCI_NS_PID,
	OCI_NS_NETWORK,
	OCI_NS_MOUNT,
	OCI_NS_IPC,
	OCI_NS_UTS,
	OCI_NS_USER,
	OCI_NS_CGROUP,
	OCI_NS_COUNT,
} OciNamespaceKind;

typedef enum {
	OCI_NS_HOST, /* not listed in config.json: stay in the caller's */
	OCI_NS_NEW,  /* listed without a path */
	OCI_NS_PATH, /* listed with a path: join it */
} OciNamespaceMode;

typedef struct {
	OciNamespaceMode mode;
	char *path; /* OCI_NS_PATH only: "/proc/PID/ns/net" or a bound nsfs file */
} OciNamespace;

typedef struct {
	char *destination; /* absolute, in the container; "/" for the root overlay */
	char *type; /* "bind", "overlay", "tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup" */
	char *source;
	char **options; /* never NULL; besides mount options: "bind" "rbind" "U" "z" "Z" "copyup"
			   "create=dir|file" */
} OciMount;

typedef struct {
	char *path;           /* in the container */
	char *host_path;      /* bound from here (rootless) */
	char type;            /* 'c', 'b', 'p' */
	int64_t major, minor; /* 0:0 = whatever node or directory of nodes is there */
	uint32_t mode;
	uint32_t uid, gid;
} OciDevice;

/* A secret; its bytes travel beside the configuration. */
typedef struct {
	char *path; /* absolute, in the container; NULL: a variable */
	char *env;  /* name of the variable; NULL: a file */
	uint32_t uid, gid, mode;
	int64_t offset, size; /* in the file with all of them */
} OciSecret;

typedef struct {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
} OciRlimit;

typedef struct {
	/* root */
	char *root_path; /* "rootfs"; the real root is the mount at "/" */
	bool root_readonly;
	char *hostname;
	char *domainname; /* NIS; NULL: the kernel's */

	/* process */
	bool terminal;
	uint16_t rows, columns; /* initial window, 0 = unknown */
	char *user_spec; /* annotation io.skiff.user: "name[:group]" or "uid[:gid]"; NULL = root */
	char **extra_groups; /* --group-add, never NULL */
	bool keep_groups;    /* annotation run.oci.keep_original_groups, as crun has it */
	uint32_t umask;
	bool umask_set;                   /* else 0022 */
	char *passwd_entry, *group_entry; /* for a user or group that the image lacks; NULL: none */
	char **args;                      /* never empty */
	char **env;                       /* never NULL */
	char *cwd;
	uint64_t cap_bounding;  /* bit N = capability N */
	uint64_t cap_effective; /* for uid 0; a non-root user gets none unless ambient */
	uint64_t cap_ambient;   /* --cap-add with a non-root user */
	GArray *rlimits;        /* of OciRlimit */
	bool no_new_privileges;
	char *apparmor_profile;
	char *selinux_label;
	int oom_score_adj;
	bool oom_score_adj_set;
	bool create_cwd; /* make the working directory if it is missing */

	/* linux */
	OciNamespace namespaces[OCI_NS_COUNT];
	IdMap *user_map;    /* of a new user namespace, or of one to be joined if it is known */
	GPtrArray *mounts;  /* of OciMount, in order */
	GPtrArray *devices; /* of OciDevice */
	GPtrArray *secrets; /* of OciSecret */
	GHashTable *sysctl; /* string to string, NULL is none */
	char **masked_paths;
	char **readonly_paths;
	char *cgroups_path; /* NULL: stay where we are */
	OciResources resources;
	char *mount_label;
	bool init_process;       /* --init: our own reaper is pid 1 */
	bool pause;              /* nothing is executed: it holds the namespaces of a pod */
	GHashTable *annotations; /* string to string, NULL is none */
} OciConfig;

/* A variable of the environment that init sets to the pid of the payload, where it has this value:
 * what the receiver of sockets compares with its own. */
#define OCI_LISTEN_PID "LISTEN_PID"
#define OCI_OWN_PID    "self"

/** oci_config_new() - an empty configuration: every namespace the host's, no capability, no lists.
 */
OciConfig *oci_config_new(void);
void oci_config_free(OciConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OciConfig, oci_config_free)

/** oci_config_divides_cgroup() - may the payload write to its cgroup, to divide it? */
bool oci_config_divides_cgroup(const OciConfig *config);

/** oci_config_seal_cgroup() - it may not: what is mounted is not its own. */
void oci_config_seal_cgroup(OciConfig *config);

/** oci_config_add_mount() - append a mount; @options is copied, NULL is none. */
void oci_config_add_mount(OciConfig *config, const char *destination, const char *type,
			  const char *source, const char *const *options);

/** oci_config_add_secret() - append a secret, to be filled by the caller. */
OciSecret *oci_config_add_secret(OciConfig *config);

/** oci_config_write() - config.json as JSON that validates against the runtime-spec 1.1 schema. */
Json *oci_config_write(const OciConfig *config);

/** oci_config_read() - the reverse; INVALID names the path of what is wrong. */
OciConfig *oci_config_read(Json *json, GError **error);
