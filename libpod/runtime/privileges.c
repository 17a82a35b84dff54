/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/privileges.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "libpod/base/error.h"

/* Names by number, as linux/capability.h has them. */
static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == CAP_LAST_CAP + 1);

#define BIT(capability) (UINT64_C(1) << (capability))

bool privileges_capability_parse(const char *name, int *out_capability, GError **error)
{
	const char *bare = g_ascii_strncasecmp(name, "CAP_", 4) == 0 ? name + 4 : name;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (g_ascii_strcasecmp(bare, names[i] + 4) == 0) {
			*out_capability = (int)i;
			return true;
		}
	}
	g_autofree char *upper = g_ascii_strup(bare, -1);
	return error_set(error, ENGINE_ERROR_INVALID, "\"CAP_%s\": unknown capability", upper);
}

const char *privileges_capability_name(int capability)
{
	return capability >= 0 && (size_t)capability < G_N_ELEMENTS(names) ? names[capability]
									   : NULL;
}

uint64_t privileges_default_capabilities(void)
{
	return BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
	       BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) |
	       BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SYS_CHROOT);
}

uint64_t privileges_full_capabilities(void)
{
	return privileges_all_capabilities(geteuid() == 0);
}

uint64_t privileges_all_capabilities(bool bounded)
{
	uint64_t all = 0;
	for (int i = 0; (size_t)i < G_N_ELEMENTS(names); i++) {
		/* -1 (EINVAL): newer than this kernel; 0: taken from our bounding set. */
		int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
		if (has > 0 || (has == 0 && !bounded))
			all |= BIT(i);
	}
	return all;
}
